#include <inttypes.h>
#include <string.h>

#include "tools/report_view.h"

enum { DAYS = 92, ITEMS = 20 };

static void put_summary(FILE *out, const struct report_tally *t)
{
    struct report_bin all = {{0}};
    static const struct {
        int column;
        const char *text;
    } tiles[] = {{REPORT_SIGNED, "senders signed"},
                 {REPORT_PASSED, "bounces passed"},
                 {REPORT_MARKED, "bounces marked"},
                 {REPORT_REFUSED, "bounces refused"},
                 {REPORT_DEFERRED, "bounces deferred"}};

    for (int a = 0; a < REPORT_ACTIONS; a++)
        for (int v = 0; v < REPORT_VERDICTS; v++)
            all.count[report_outcome((enum action)a)] += t->matrix[EVENT_BOUNCE][v][a];
    all.count[REPORT_SIGNED] = t->matrix[EVENT_SIGN][VERDICT_SIGNED][ACTION_ACCEPT];
    fputs("<div class=\"sum\">\n", out);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        fprintf(out, "<div style=\"--c:var(--c%d)\"><b>%" PRIu64 "</b><span>%s</span></div>\n", tiles[i].column,
                all.count[tiles[i].column], tiles[i].text);
    fputs("</div>\n", out);
}

static void put_head(FILE *out, const struct report_tally *t)
{
    char first[REPORT_TIME], last[REPORT_TIME];

    report_write_style(out);
    report_view_time(first, t->first);
    report_view_time(last, t->last);
    fputs("<h1>Bounce verification</h1>\n", out);
    if (t->first != REPORT_NEVER)
        fprintf(out, "<p>%s to %s; all times are UTC</p>\n", first, last);
    fprintf(out,
            "<p>%" PRIu64 " decisions and %" PRIu64 " messages of bvmilter in %" PRIu64 " lines; %" PRIu64
            " are of other programs, %" PRIu64 " cannot be read",
            t->decisions, t->notices, t->lines, t->foreign, t->broken);
    if (t->outside > 0)
        fprintf(out, ", %" PRIu64 " are not in the period asked for", t->outside);
    if (t->untimed > 0)
        fprintf(out, ", %" PRIu64 " have no time", t->untimed);
    if (t->lost > 0)
        fprintf(out, ", %" PRIu64 " were lost by the daemon", t->lost);
    fputs("</p>\n", out);
    put_summary(out, t);
}

static void put_charts(FILE *out, const struct report_tally *t)
{
    static struct report_row row[DAYS];
    const char *unit;
    char each[96];
    struct report_row hour[24];
    size_t n = report_view_days(row, DAYS, &unit, t);

    if (n == 0)
        return;
    snprintf(each, sizeof each, "by %s, %s%s%s", unit, row[0].label, n > 1 ? " to " : "",
             n > 1 ? row[n - 1].label : "");
    report_view_hours(hour, t);
    fputs("<div class=\"key\">", out);
    for (int i = 0; i < REPORT_COLUMNS; i++)
        fprintf(out, "<span style=\"--c:var(--c%d)\"><i></i>%s</span>", i,
                report_column_word((enum report_outcome)i));
    fputs("</div>\n<div class=\"grid\">\n", out);
    const struct report_chart charts[] = {
        {"Bounces", each, REPORT_PASSED, REPORT_DEFERRED, row, n},
        {"Bounces", "by hour of the day, UTC", REPORT_PASSED, REPORT_DEFERRED, hour, 24},
        {"Senders signed", each, REPORT_SIGNED, REPORT_SIGNED, row, n},
        {"Senders signed", "by hour of the day, UTC", REPORT_SIGNED, REPORT_SIGNED, hour, 24}};
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++)
        report_write_chart(out, &charts[i]);
    fputs("</div>\n", out);
}

static void put_decisions(FILE *out, const struct report_tally *t)
{
    struct report_decision row[REPORT_DECISIONS];
    size_t n = report_view_decisions(row, t);

    if (n == 0)
        return;
    fputs("<section><h2>Decisions</h2><table><tr><th>event<th class=\"l\">verdict<th "
          "class=\"l\">action<th>count</tr>\n",
          out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "<tr><td>%s<td class=\"l\">%s<td class=\"l\">%s<td>%" PRIu64 "</tr>\n",
                event_word(row[i].event), verdict_word(row[i].verdict), action_word(row[i].action),
                row[i].count);
    fputs("</table></section>\n", out);
}

static void put_key_rows(FILE *out, const struct report_tally *t)
{
    char last_signed[REPORT_TIME], last_valid[REPORT_TIME];

    for (int i = 0; i < BV_KEY_NUMBERS; i++) {
        const struct report_key *k = &t->key[i];
        if (!report_view_key(k))
            continue;
        report_view_time(last_signed, k->last_signed);
        report_view_time(last_valid, k->last_valid);
        fprintf(out,
                "<tr><td>%d<td>%" PRIu64 "<td>%.10s<td>%" PRIu64 "<td>%.10s<td>%" PRIu64 "<td>%" PRIu64
                "</tr>\n",
                i, k->signed_, last_signed, k->valid, last_valid, k->expired, k->forged);
    }
}

static void put_keys(FILE *out, const struct report_tally *t)
{
    bool any = false;

    for (int i = 0; i < BV_KEY_NUMBERS; i++)
        any = any || report_view_key(&t->key[i]);
    if (!any)
        return;
    fputs("<section><h2>Keys</h2><table "
          "class=\"keys\"><tr><th>key<th>signed<th>last<th>valid<th>last<th>expired<th>forged</"
          "tr>\n",
          out);
    put_key_rows(out, t);
    fputs("</table></section>\n", out);
}

/* The colours of a list's columns. */
static const char *colours_of(enum report_list list)
{
    static const char outcome[] = {0, 1, 2, 3}, fault[] = {5, 6, 7, 3}, signing[] = {4, 7, 3, 0};

    if (list == REPORT_SIGN_DOMAINS)
        return signing;
    return list == REPORT_FORGED || list == REPORT_MARKED_DOMAINS || list == REPORT_MARKED_CLIENTS ? fault
                                                                                                   : outcome;
}

/* A bar as long as the item's part of the first one's count, in the colours of its columns. */
static void put_item_bar(FILE *out, const struct report_top_item *item, const char *colour, uint64_t most)
{
    double x = 0;

    fputs("<svg width=\"100%\" height=\"5\" aria-hidden=\"true\">", out);
    for (int i = 0; i < REPORT_TOP_COLUMNS; i++) {
        double width = (double)item->column[i] * 100 / (double)most;
        if (item->column[i] > 0)
            fprintf(out, "<rect class=\"c%d\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"5\"/>", colour[i], x,
                    width);
        x += width;
    }
    fputs("</svg>", out);
}

static void put_items(FILE *out, const struct report_top *top, const struct report_list_words *words,
                      const char *colour)
{
    bool has_columns = words->column[1] != NULL;

    for (uint32_t i = 0; i < top->n && i < ITEMS; i++) {
        const struct report_top_item *item = &top->item[i];
        fputs("<tr><td>", out);
        report_write_escaped(out, item->name);
        if (has_columns)
            put_item_bar(out, item, colour, report_top_count(&top->item[0]));
        fprintf(out, "<td>%s%" PRIu64, item->before > 0 ? "&ge;" : "", report_top_count(item));
        for (int c = 0; has_columns && c < REPORT_TOP_COLUMNS && words->column[c] != NULL; c++)
            fprintf(out, "<td>%" PRIu64, item->column[c]);
        fputs("</tr>\n", out);
    }
}

static void put_list(FILE *out, const struct report_tally *t, enum report_list list)
{
    const struct report_list_words *words = report_list_words(list);
    const struct report_top *top = &t->top[list];
    const char *colour = colours_of(list);
    bool has_columns = words->column[1] != NULL;

    if (top->n == 0)
        return;
    fprintf(out, "<section><h2>%s</h2><table class=\"list\"><tr><th>%s<th>%s", words->title, words->name,
            has_columns ? "total" : "count");
    for (int i = 0; has_columns && i < REPORT_TOP_COLUMNS && words->column[i] != NULL; i++)
        fprintf(out, "<th><i style=\"--c:var(--c%d)\"></i>%s", colour[i], words->column[i]);
    fputs("</tr>\n", out);
    put_items(out, top, words, colour);
    fputs("</table>", out);
    if (top->approximate)
        fprintf(out, "<p>There are more names than %" PRIu32 "; &ge; is &ldquo;at least&rdquo;.</p>",
                top->size);
    else if (top->n > ITEMS)
        fprintf(out, "<p>%" PRIu32 " more</p>", top->n - ITEMS);
    fputs("</section>\n", out);
}

static void put_timeline(FILE *out, const struct report_tally *t)
{
    char time[REPORT_TIME];

    if (t->moments == 0)
        return;
    fputs("<section><h2>The daemon</h2>", out);
    if (t->moments_seen > t->moments)
        fprintf(out, "<p>%" PRIu64 " earlier messages are left out</p>", t->moments_seen - t->moments);
    fputs("<table>\n", out);
    for (size_t i = 0; i < t->moments; i++) {
        report_view_time(time, t->moment[i].time);
        fprintf(out, "<tr><td class=\"t\">%s<td class=\"l\">", time);
        report_write_escaped(out, t->moment[i].text);
        fputs("</tr>\n", out);
    }
    fputs("</table></section>\n", out);
}

void report_write_html(FILE *out, const struct report_tally *t)
{
    put_head(out, t);
    put_charts(out, t);
    fputs("<div class=\"cols\">\n", out);
    put_decisions(out, t);
    put_keys(out, t);
    for (int i = 0; i < REPORT_LISTS; i++)
        put_list(out, t, (enum report_list)i);
    fputs("</div>\n", out);
    put_timeline(out, t);
    fputs("</body></html>\n", out);
}

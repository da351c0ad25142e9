#include <inttypes.h>
#include <string.h>

#include "tools/report_view.h"

enum { WIDTH = 80, DAYS = 45, ITEMS = 10, NAME = 32, INDENT = 4, TIME = 22 };

struct page {
    FILE *out;
    bool utf8;
};

static void title(const struct page *p, const char *text)
{
    fprintf(p->out, "\n%s\n", text);
    for (size_t i = 0; text[i] != '\0'; i++)
        fputs(p->utf8 ? "─" : "-", p->out);
    putc('\n', p->out);
}

/* Whoever is there has at least one mark. */
static size_t scaled(uint64_t count, uint64_t most, size_t width)
{
    size_t n = most > 0 ? (size_t)((double)count / (double)most * (double)width + 0.5) : 0;

    return n == 0 && count > 0 ? 1 : n;
}

static void put_marks(const struct page *p, int kind, size_t n)
{
    static const char *const blocks[] = {"░", "▒", "█", "·"}, *const plain[] = {".", "+", "#", "-"};

    for (size_t i = 0; i < n; i++)
        fputs(p->utf8 ? blocks[kind] : plain[kind], p->out);
}

static void put_bar(const struct page *p, uint64_t count, uint64_t most, size_t width)
{
    put_marks(p, REPORT_REFUSED, scaled(count, most, width));
    putc('\n', p->out);
}

/* The parts of a bar: as long together as the whole is, as long as each has its mark. */
static void put_stack(const struct page *p, const struct report_bin *bin, uint64_t most, size_t width)
{
    static const int order[] = {REPORT_REFUSED, REPORT_MARKED, REPORT_PASSED, REPORT_DEFERRED};
    uint64_t sum = 0;
    size_t done = 0;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        uint64_t count = bin->count[order[i]];
        sum += count;
        size_t end = scaled(sum, most, width);
        if (count > 0 && end <= done && done < width)
            end = done + 1;
        if (count > 0 && end > done) {
            put_marks(p, order[i], end - done);
            done = end;
        }
    }
    putc('\n', p->out);
}

static void put_head(const struct page *p, const struct report_tally *t)
{
    char first[REPORT_TIME], last[REPORT_TIME];

    report_view_time(first, t->first);
    report_view_time(last, t->last);
    if (t->first != REPORT_NEVER)
        fprintf(p->out, "bvmilter from %s to %s; all times are UTC\n", first, last);
    fprintf(p->out, "Lines: %" PRIu64 ", of other programs %" PRIu64 ", that cannot be read %" PRIu64 "\n",
            t->lines, t->foreign, t->broken);
    if (t->outside > 0)
        fprintf(p->out, "Left out: %" PRIu64 " that are not in the period asked for\n", t->outside);
    if (t->untimed > 0)
        fprintf(p->out, "Without a time: %" PRIu64 ", in no table by time\n", t->untimed);
    if (t->lost > 0)
        fprintf(p->out, "Lost: %" PRIu64 " lines, which the daemon could not write\n", t->lost);
    fprintf(p->out, "Decisions: %" PRIu64 ", messages of the daemon: %" PRIu64 "\n", t->decisions, t->notices);
}

static void put_decisions(const struct page *p, const struct report_tally *t)
{
    struct report_decision row[REPORT_DECISIONS];
    size_t n = report_view_decisions(row, t);
    uint64_t most = 0;

    if (n == 0)
        return;
    title(p, "Decisions");
    for (size_t i = 0; i < n; i++)
        most = row[i].count > most ? row[i].count : most;
    for (size_t i = 0; i < n; i++) {
        fprintf(p->out, "%-6s  %-14s  %-10s %10" PRIu64 "  ", event_word(row[i].event),
                verdict_word(row[i].verdict), action_word(row[i].action), row[i].count);
        put_bar(p, row[i].count, most, WIDTH - 47);
    }
}

static void put_rows(const struct page *p, const char *heading, const struct report_row *row, size_t n)
{
    uint64_t most = 0, signed_ = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t count = report_view_bounces(&row[i].bin);
        most = count > most ? count : most;
        signed_ += row[i].bin.count[REPORT_SIGNED];
    }
    if (most + signed_ == 0)
        return;
    title(p, heading);
    fprintf(p->out, "%-10s %10s %10s  ", "UTC", "signed", "bounces");
    for (int i = REPORT_REFUSED; i >= 0; i--) {
        put_marks(p, i, 1);
        fprintf(p->out, " %s  ", report_column_word((enum report_outcome)i));
    }
    put_marks(p, REPORT_DEFERRED, 1);
    fprintf(p->out, " %s\n", report_column_word(REPORT_DEFERRED));
    for (size_t i = 0; i < n; i++) {
        fprintf(p->out, "%-10s %10" PRIu64 " %10" PRIu64 "  ", row[i].label, row[i].bin.count[REPORT_SIGNED],
                report_view_bounces(&row[i].bin));
        put_stack(p, &row[i].bin, most, WIDTH - 34);
    }
}

static void put_times(const struct page *p, const struct report_tally *t)
{
    struct report_row row[DAYS];
    const char *unit;
    char heading[32];
    size_t n = report_view_days(row, DAYS, &unit, t);

    snprintf(heading, sizeof heading, "By %s", unit);
    put_rows(p, heading, row, n);
    report_view_hours(row, t);
    put_rows(p, "By hour of the day", row, 24);
}

static void put_keys(const struct page *p, const struct report_tally *t)
{
    bool is_first = true;
    char last_signed[REPORT_TIME], last_valid[REPORT_TIME];

    for (int i = 0; i < BV_KEY_NUMBERS; i++) {
        const struct report_key *k = &t->key[i];
        if (!report_view_key(k))
            continue;
        if (is_first) {
            title(p, "Keys");
            fprintf(p->out, "%-3s %9s %-16s %9s %-16s %8s %8s\n", "key", "signed", "  the last", "valid",
                    "  the last", "expired", "forged");
        }
        is_first = false;
        report_view_time(last_signed, k->last_signed);
        report_view_time(last_valid, k->last_valid);
        fprintf(p->out, "%-3d %9" PRIu64 " %-16.16s %9" PRIu64 " %-16.16s %8" PRIu64 " %8" PRIu64 "\n", i,
                k->signed_, last_signed, k->valid, last_valid, k->expired, k->forged);
    }
}

/* Goes on in lines of their own, each after `indent` blanks, broken at a blank where there is one late enough. */
static void put_wrapped(const struct page *p, const char *text, int indent)
{
    int room = WIDTH - indent, n;

    for (;; text += n + (int)strspn(text + n, " ")) {
        int length = (int)strlen(text), most = length < room ? length : room;
        for (n = most; length > room && n > room / 2 && text[n] != ' ';)
            n--;
        n = n > room / 2 ? n : most;
        fprintf(p->out, "%.*s\n", n, text);
        if (text[n + (int)strspn(text + n, " ")] == '\0')
            return;
        fprintf(p->out, "%*s", indent, "");
    }
}

static void put_item(const struct page *p, const struct report_top_item *item,
                     const struct report_list_words *words)
{
    bool has_columns = words->column[1] != NULL;
    int width = has_columns ? NAME : WIDTH - 12;
    bool is_long = strlen(item->name) > (size_t)width;

    /* A name that is too long has a line of its own: half an address is none. */
    if (is_long)
        put_wrapped(p, item->name, INDENT);
    fprintf(p->out, "%-*s%s%10" PRIu64, width, is_long ? "" : item->name, item->before > 0 ? ">" : " ",
            report_top_count(item));
    for (int i = 0; has_columns && i < REPORT_TOP_COLUMNS && words->column[i] != NULL; i++)
        fprintf(p->out, " %8" PRIu64, item->column[i]);
    putc('\n', p->out);
}

static void put_list(const struct page *p, const struct report_tally *t, enum report_list list)
{
    const struct report_list_words *words = report_list_words(list);
    const struct report_top *top = &t->top[list];
    bool has_columns = words->column[1] != NULL;

    if (top->n == 0)
        return;
    title(p, words->title);
    fprintf(p->out, "%-*s %10s", has_columns ? NAME : WIDTH - 12, words->name, has_columns ? "total" : "count");
    for (int i = 0; has_columns && i < REPORT_TOP_COLUMNS && words->column[i] != NULL; i++)
        fprintf(p->out, " %8s", words->column[i]);
    putc('\n', p->out);
    for (uint32_t i = 0; i < top->n && i < ITEMS; i++)
        put_item(p, &top->item[i], words);
    if (top->approximate)
        fprintf(p->out, "(There are more names than %" PRIu32 "; \">\" is \"at least\".)\n", top->size);
    else if (top->n > ITEMS)
        fprintf(p->out, "(%" PRIu32 " more)\n", top->n - ITEMS);
}

static void put_timeline(const struct page *p, const struct report_tally *t)
{
    char time[REPORT_TIME];

    if (t->moments == 0)
        return;
    title(p, "The daemon");
    if (t->moments_seen > t->moments)
        fprintf(p->out, "(%" PRIu64 " earlier ones left out)\n", t->moments_seen - t->moments);
    for (size_t i = 0; i < t->moments; i++) {
        const struct report_moment *m = &t->moment[i];
        report_view_time(time, m->time);
        fprintf(p->out, "%-*s", TIME, time);
        put_wrapped(p, m->text, TIME);
    }
}

void report_write_text(FILE *out, const struct report_tally *t, bool utf8)
{
    const struct page p = {out, utf8};

    put_head(&p, t);
    put_decisions(&p, t);
    put_times(&p, t);
    for (int i = 0; i < REPORT_LISTS; i++) {
        put_list(&p, t, (enum report_list)i);
        if (i == REPORT_SIGN_DOMAINS)
            put_keys(&p, t);
    }
    put_timeline(&p, t);
}

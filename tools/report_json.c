#include <inttypes.h>
#include <string.h>

#include "tools/report_view.h"

enum { ITEMS = 100 };

/* All texts of a tally are printable ASCII. */
static void put_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void put_time(FILE *out, const char *name, int64_t t)
{
    char text[REPORT_TIME];

    report_view_time(text, t);
    if (strcmp(text, "-") == 0)
        fprintf(out, "\"%s\": null", name);
    else
        fprintf(out, "\"%s\": \"%s\"", name, text);
}

static void put_count(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, ", \"%s\": %" PRIu64, name, count);
}

/* What separates the members of an array. */
static const char *comma(bool *is_first)
{
    const char *text = *is_first ? "\n  " : ",\n  ";

    *is_first = false;
    return text;
}

static void put_head(FILE *out, const struct report_tally *t)
{
    fputs("{\"program\": \"bvreport\", \"version\": \"" BV_VERSION "\",\n", out);
    put_time(out, "since", t->since);
    fputs(", ", out);
    put_time(out, "until", t->until == INT64_MAX ? REPORT_NEVER : t->until);
    fputs(",\n", out);
    put_time(out, "first", t->first);
    fputs(", ", out);
    put_time(out, "last", t->last);
    fprintf(out, ",\n\"lines\": {\"read\": %" PRIu64, t->lines);
    put_count(out, "decisions", t->decisions);
    put_count(out, "notices", t->notices);
    put_count(out, "broken", t->broken);
    put_count(out, "foreign", t->foreign);
    put_count(out, "outside", t->outside);
    put_count(out, "untimed", t->untimed);
    put_count(out, "lost", t->lost);
    fputs("},\n", out);
}

static void put_decisions(FILE *out, const struct report_tally *t)
{
    struct report_decision row[REPORT_DECISIONS];
    size_t n = report_view_decisions(row, t);
    bool is_first = true;

    fputs("\"decisions\": [", out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s{\"event\": \"%s\", \"verdict\": \"%s\", \"action\": \"%s\", \"count\": %" PRIu64 "}",
                comma(&is_first), event_word(row[i].event), verdict_word(row[i].verdict),
                action_word(row[i].action), row[i].count);
    fputs("],\n", out);
}

static void put_bin(FILE *out, const struct report_bin *bin)
{
    for (int i = 0; i < REPORT_COLUMNS; i++)
        put_count(out, report_column_word((enum report_outcome)i), bin->count[i]);
    putc('}', out);
}

static bool is_empty(const struct report_bin *bin)
{
    return report_view_bounces(bin) + bin->count[REPORT_SIGNED] == 0;
}

static void put_times(FILE *out, const struct report_tally *t)
{
    bool is_first = true;
    int year, month, day;

    fputs("\"days\": [", out);
    for (long i = 0; i < REPORT_DAYS; i++) {
        if (is_empty(&t->day[i]))
            continue;
        report_date(&year, &month, &day, i);
        fprintf(out, "%s{\"day\": \"%04d-%02d-%02d\"", comma(&is_first), year, month, day);
        put_bin(out, &t->day[i]);
    }
    fputs("],\n\"hours\": [", out);
    is_first = true;
    for (int i = 0; i < 24; i++) {
        fprintf(out, "%s{\"hour\": %d", comma(&is_first), i);
        put_bin(out, &t->hour[i]);
    }
    fputs("],\n", out);
}

static void put_keys(FILE *out, const struct report_tally *t)
{
    bool is_first = true;

    fputs("\"keys\": [", out);
    for (int i = 0; i < BV_KEY_NUMBERS; i++) {
        const struct report_key *k = &t->key[i];
        if (!report_view_key(k))
            continue;
        fprintf(out, "%s{\"key\": %d", comma(&is_first), i);
        put_count(out, "signed", k->signed_);
        fputs(", ", out);
        put_time(out, "last_signed", k->last_signed);
        put_count(out, "valid", k->valid);
        fputs(", ", out);
        put_time(out, "last_valid", k->last_valid);
        put_count(out, "expired", k->expired);
        put_count(out, "forged", k->forged);
        put_count(out, "stripped", k->stripped);
        putc('}', out);
    }
    fputs("],\n", out);
}

static void put_list(FILE *out, const struct report_tally *t, enum report_list list)
{
    const struct report_list_words *words = report_list_words(list);
    const struct report_top *top = &t->top[list];
    bool is_first = true;

    fprintf(out, "\"%s\": {\"names\": %" PRIu32 ", \"approximate\": %s, \"items\": [", words->member, top->n,
            top->approximate ? "true" : "false");
    for (uint32_t i = 0; i < top->n && i < ITEMS; i++) {
        const struct report_top_item *item = &top->item[i];
        fprintf(out, "%s{\"name\": ", comma(&is_first));
        put_string(out, item->name);
        put_count(out, "total", report_top_count(item));
        fprintf(out, ", \"at_least\": %s", item->before > 0 ? "true" : "false");
        for (int c = 0; c < REPORT_TOP_COLUMNS && words->column[1] != NULL && words->column[c] != NULL; c++)
            put_count(out, words->column[c], item->column[c]);
        putc('}', out);
    }
    fputs("]},\n", out);
}

static void put_timeline(FILE *out, const struct report_tally *t)
{
    bool is_first = true;

    fprintf(out, "\"timeline_earlier\": %" PRIu64 ",\n\"timeline\": [", t->moments_seen - t->moments);
    for (size_t i = 0; i < t->moments; i++) {
        fprintf(out, "%s{", comma(&is_first));
        put_time(out, "time", t->moment[i].time);
        fprintf(out, ", \"kind\": \"%s\", \"text\": ", report_notice_word(t->moment[i].notice));
        put_string(out, t->moment[i].text);
        putc('}', out);
    }
    fputs("]}\n", out);
}

void report_write_json(FILE *out, const struct report_tally *t)
{
    put_head(out, t);
    put_decisions(out, t);
    put_times(out, t);
    put_keys(out, t);
    for (int i = 0; i < REPORT_LISTS; i++)
        put_list(out, t, (enum report_list)i);
    put_timeline(out, t);
}

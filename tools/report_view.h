/*
 * report_view - what text, JSON and page show of a tally, and who writes them.
 * Pure, but for the stream that it is written to.
 */
#ifndef TOOLS_REPORT_VIEW_H
#define TOOLS_REPORT_VIEW_H

#include <stdio.h>

#include "tools/report_tally.h"

/* ---- report_view.c ---- */

struct report_row {
    char label[16]; /* "2026-11-21", "2026-11", "2026"; of an hour "07" */
    struct report_bin bin;
};

/*
 * The time from the first line to the last in at most `most` rows, none left out: days, or months or years where
 * it has to be. Returns how many; *unit: "day", "month", "year".
 */
size_t report_view_days(struct report_row *row, size_t most, const char **unit, const struct report_tally *t);
void report_view_hours(struct report_row row[24], const struct report_tally *t);

struct report_decision {
    enum event event;
    enum verdict verdict;
    enum action action;
    uint64_t count;
};

enum { REPORT_DECISIONS = REPORT_EVENTS * REPORT_VERDICTS * REPORT_ACTIONS };

/* The decisions that were made: by event, the most frequent first. Returns how many. */
size_t report_view_decisions(struct report_decision row[REPORT_DECISIONS], const struct report_tally *t);

/* All bounces of a bin. */
uint64_t report_view_bounces(const struct report_bin *bin);

/* Whether a key was seen in the log. */
bool report_view_key(const struct report_key *k);

/* "2026-11-21T19:37:40Z", or "-" for REPORT_NEVER. */
enum { REPORT_TIME = 32 };
void report_view_time(char dst[REPORT_TIME], int64_t t);

/* ---- the writers; the tally has been ended ---- */

/* 80 columns; `utf8`: bars of blocks. */
void report_write_text(FILE *out, const struct report_tally *t, bool utf8);
/* One object; its members stand in bvreport(1). */
void report_write_json(FILE *out, const struct report_tally *t);
/* One page that needs nothing else, and runs nothing. */
void report_write_html(FILE *out, const struct report_tally *t);

/* A bar chart of the columns from..to of the rows, for a page. */
struct report_chart {
    const char *title, *each; /* "a day" */
    int from, to;
    const struct report_row *row;
    size_t n;
};
void report_write_chart(FILE *out, const struct report_chart *chart);

/* The page's beginning, up to its body. */
void report_write_style(FILE *out);

/* The text of a stranger, for a page. */
void report_write_escaped(FILE *out, const char *text);

#endif

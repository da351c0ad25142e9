/*
 * report_tally - the counters of bvreport, in memory that does not grow with
 * the log.  Pure.
 */
#ifndef TOOLS_REPORT_TALLY_H
#define TOOLS_REPORT_TALLY_H

#include "tools/report_line.h"
#include "tools/report_top.h"

enum {
    REPORT_EVENTS = EVENT_GUARD + 1,
    REPORT_VERDICTS = VERDICT_FAULT + 1,
    REPORT_ACTIONS = ACTION_DISCONNECT + 1,
    REPORT_DAYS = 47482, /* 1970-01-01 to the end of REPORT_TIME_MAX - 1 */
    REPORT_TIMELINE = 40,
    REPORT_MOMENT = 240, /* octets of a notice */
    REPORT_TOP_SIZE = 4096
};

/* What became of a bounce. */
enum report_outcome {
    REPORT_PASSED = 0, /* accept */
    REPORT_MARKED,     /* mark: it would have been refused */
    REPORT_REFUSED,    /* reject, discard, quarantine */
    REPORT_DEFERRED,   /* tempfail, too-many, disconnect */
    REPORT_SIGNED      /* a bin's last column: no bounce, but a sender that was signed */
};

enum { REPORT_OUTCOMES = REPORT_DEFERRED + 1, REPORT_COLUMNS = REPORT_SIGNED + 1 };

/* A day, or an hour of the day. */
struct report_bin {
    uint64_t count[REPORT_COLUMNS];
};

/* The times are UTC; REPORT_NEVER: none was seen with a time. */
#define REPORT_NEVER INT64_MIN

struct report_key {
    uint64_t signed_, stripped, valid, expired, forged;
    int64_t last_signed, last_valid;
};

enum report_list {
    REPORT_BOUNCE_DOMAINS = 0, /* columns: enum report_outcome */
    REPORT_NETWORKS,           /* likewise */
    REPORT_CLIENTS,            /* likewise */
    REPORT_FORGED,             /* columns: enum report_fault */
    REPORT_MARKED_DOMAINS,     /* likewise */
    REPORT_MARKED_CLIENTS,     /* likewise */
    REPORT_SIGN_DOMAINS,       /* columns: enum report_signing */
    REPORT_GUARDED,            /* columns: enum report_outcome */
    REPORT_NOTICES             /* column 0 only */
};

enum { REPORT_LISTS = REPORT_NOTICES + 1 };

enum report_fault { REPORT_UNTAGGED = 0, REPORT_BAD_TAG, REPORT_OLD_TAG, REPORT_OTHER_FAULT };
enum report_signing { REPORT_WAS_SIGNED = 0, REPORT_LEFT_ALONE, REPORT_NOT_NOW };

/* A notice of the daemon. */
struct report_moment {
    int64_t time; /* or REPORT_NEVER */
    uint64_t order, times;
    enum report_notice notice;
    char text[REPORT_MOMENT];
};

struct report_tally {
    /* Lines that count: from since (or REPORT_NEVER) to before until (or INT64_MAX). */
    int64_t since, until;
    uint64_t lines, decisions, notices, broken, foreign, outside, untimed, lost;
    int64_t first, last; /* of what was counted; REPORT_NEVER */
    uint64_t matrix[REPORT_EVENTS][REPORT_VERDICTS][REPORT_ACTIONS];
    struct report_bin hour[24], *day; /* REPORT_DAYS of them */
    struct report_key key[BV_KEY_NUMBERS];
    struct report_top top[REPORT_LISTS];
    struct report_moment moment[REPORT_TIMELINE];
    size_t moments;
    uint64_t moments_seen;
};

/* Returns 0, or -1: no memory. */
int report_tally_init(struct report_tally *t, uint32_t size, uint64_t seed);
void report_tally_free(struct report_tally *t);

/* Counts a line; `time` is REPORT_NEVER when it has none: it then lies in no period that was asked for. */
void report_tally_add(struct report_tally *t, const struct report_line *line, int64_t time);

/* Puts lists and timeline in order; adding ends with it. */
void report_tally_end(struct report_tally *t);

/* ---- report_words.c ---- */

enum report_outcome report_outcome(enum action a);
enum report_fault report_fault(enum verdict v);

const char *report_notice_word(enum report_notice n);  /* "start", "ring", ... */
const char *report_column_word(enum report_outcome o); /* "passed", ..., "signed" */

/* How a list is shown. */
struct report_list_words {
    const char *member; /* in JSON */
    const char *title, *name;
    const char *column[REPORT_TOP_COLUMNS]; /* NULL: no such column */
};
const struct report_list_words *report_list_words(enum report_list list);

#endif

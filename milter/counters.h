/*
 * counters - what the daemon has done since it started: plain numbers for the
 * metrics, no addresses.  Thread-safe, without locks.
 */
#ifndef MILTER_COUNTERS_H
#define MILTER_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/guard.h"
#include "milter/verdict.h"

enum {
    COUNTERS_EVENTS = EVENT_GUARD + 1,
    COUNTERS_VERDICTS = VERDICT_FAULT + 1,
    COUNTERS_ACTIONS = ACTION_DISCONNECT + 1,
    COUNTERS_HOURS = 48,  /* that the status page looks back */
    COUNTERS_BUCKETS = 12 /* of a histogram, the last one without a bound */
};

/* What a decision is in the hourly history. */
enum counters_sort {
    COUNTERS_SIGNED = 0,
    COUNTERS_GOOD,    /* bounces let through as ours, replies, exempt ones */
    COUNTERS_MARKED,  /* let through with "fail" */
    COUNTERS_REFUSED, /* refused, dropped or held, by the MX guard as well */
    COUNTERS_OTHER
};
enum { COUNTERS_SORTS = COUNTERS_OTHER + 1 };

enum counters_callback { COUNTERS_MAIL = 0, COUNTERS_RCPT, COUNTERS_END };
enum { COUNTERS_CALLBACKS = COUNTERS_END + 1 };

enum counters_map { COUNTERS_MAP_OK = 0, COUNTERS_MAP_NOTFOUND, COUNTERS_MAP_TEMP };
enum { COUNTERS_MAP_ANSWERS = COUNTERS_MAP_TEMP + 1 };

/* A moment's copy. */
struct counters {
    int64_t started; /* seconds since 1970 */
    uint64_t decisions[COUNTERS_EVENTS][COUNTERS_VERDICTS][COUNTERS_ACTIONS];
    uint64_t callbacks[COUNTERS_CALLBACKS][COUNTERS_BUCKETS]; /* in each bucket alone, not summed up */
    uint64_t callback_us[COUNTERS_CALLBACKS];                 /* all of them together */
    uint64_t map[COUNTERS_MAP_ANSWERS];
    uint64_t guard[GUARD_UNKNOWN + 1][2]; /* by verdict; [1]: out of the cache */
    uint64_t sessions_refused;
    uint64_t reloads, reloads_failed;
    uint64_t rings_refused;
    bool reload_failed, ring_refused; /* the last one; the key file as it is */
    uint64_t storms;
    struct counters_hour {
        int64_t hour; /* hours since 1970; 0: none */
        uint64_t sorts[COUNTERS_SORTS];
    } hour[COUNTERS_HOURS]; /* by hour modulo COUNTERS_HOURS */
};

/* The upper bounds of the buckets but the last, in microseconds. */
extern const int64_t counters_bounds[COUNTERS_BUCKETS - 1];

void counters_start(int64_t now);
void counters_decision(const struct decision *d, int64_t now);
void counters_callback(enum counters_callback which, int64_t us);
void counters_map(enum counters_map answer);
void counters_guard(enum guard_result result, bool cached);
void counters_session_refused(void);
void counters_reload(bool good);
void counters_ring_refused(void); /* the key file cannot be used, */
void counters_ring_taken(void);   /* and now it can */
void counters_storm(void);

void counters_read(struct counters *out);

#endif

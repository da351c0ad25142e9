/*
 * storm - whether invalid bounces come in a storm.  Pure: the time is an
 * argument, seconds since 1970; bounded memory.  One thread at a time.
 */
#ifndef MILTER_STORM_H
#define MILTER_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "milter/net.h"

enum {
    STORM_SECONDS = 60, /* invalid bounces of the last minute count */
    STORM_CLIENTS = 64, /* clients kept apart; of others the busiest push out the idlest */
    STORM_TOP = 5,      /* named in the log */
    STORM_TEXT = 600
};

/* The settings. */
struct storm_limits {
    long threshold; /* invalid bounces a minute that start a storm; 0: off */
    int64_t quiet;  /* seconds below the threshold that end it */
};

/* Invalid bounces of the last minute. */
struct storm_window {
    unsigned long sum;
    unsigned bucket[STORM_SECONDS]; /* by second modulo STORM_SECONDS */
};

/* All zero: fair weather.  Times are of a clock of its own, which never goes back. */
struct storm {
    bool on;
    int64_t since;       /* the storm's begin; this and what follows stays when it has ended */
    int64_t last_high;   /* when the rate was last at the threshold */
    unsigned long total; /* invalid bounces of the storm, from the minute that began it */
    int64_t clock;       /* second of the newest bucket */
    int64_t wall;        /* the caller's time at that second */
    struct storm_window all;
    size_t clients;
    struct storm_client {
        struct net_addr addr;
        struct storm_window window; /* their sums add up to that of all */
        int64_t exact_from;         /* before, some of it may be another client's, whose place this one took */
    } client[STORM_CLIENTS];
};

enum storm_change { STORM_SAME = 0, STORM_BEGINS, STORM_ENDS };

/*
 * Counts an invalid bounce from a client.  A clock that goes back counts as
 * standing still, and runs on from there; one that leaps ahead as time that
 * has passed.
 */
enum storm_change storm_note(struct storm *s, const struct storm_limits *limits, int64_t now,
                             const struct net_addr *client);
/* Whether invalid bounces of a client were among those of the last minute, as far as clients are kept apart. */
bool storm_has(const struct storm *s, const struct net_addr *client);
/* Lets time pass; to be called every few seconds. With threshold 0 a storm ends at once. */
enum storm_change storm_tick(struct storm *s, const struct storm_limits *limits, int64_t now);

/*
 * For the log, at the beginning: "612 invalid bounces in a minute; top clients
 * 192.0.2.7 400, 198.51.100.3 at most 120"; at the end: "5321 invalid bounces
 * in 42 minutes".
 */
void storm_describe_begin(char dst[STORM_TEXT], const struct storm *s);
void storm_describe_end(char dst[STORM_TEXT], const struct storm *s);

#endif

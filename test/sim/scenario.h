/*
 * scenario - the clusters that are simulated: plain tables.
 *
 * Times are seconds, chances are of a thousand.  What a scenario must keep to
 * for its messages to have a right to come home is checked by scenario_fits():
 * the delay of a rotation is longer than copies take and clocks differ.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECOND = 1, MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* Who changes the ring, and what the change starts from. */
enum editing {
    EDIT_STORE = 0, /* any node, by compare-and-swap on the newest edition */
    EDIT_MASTER,    /* the first node, from its own copy */
    EDIT_TWO        /* any two nodes at once, each from its own copy */
};

struct scenario {
    const char *name, *about;
    int share;  /* of the messages, of a hundred */
    int nodes;  /* up to NODES_MAX */
    long begin; /* first day; 0: the usual one */
    long days;  /* 0: as long as the run */
    enum editing editing;

    int64_t spread;  /* between the clocks of any two nodes */
    int64_t clocks;  /* they are set anew about so often; 0: never */
    int clock_fault; /* chance that the last node's clock is then far off */

    unsigned lifetime[3]; /* days; a new key has one of them */
    int64_t period;       /* rotate --if-older-than */
    int64_t delay;        /* rotate --delay */
    int64_t purge;        /* about so often; 0: never */
    bool rotate_purges;   /* rotate --purge expired */
    int64_t revoke;       /* a key is revoked, added or purged by force about so often; 0: never */

    int64_t copy_min, copy_max; /* how long a copy takes */
    int late;                   /* chance that it takes up to late_max instead */
    int64_t late_max;
    int again;      /* chance that an old copy comes once more, up to 40 days later */
    int damaged;    /* chance that a damaged one comes besides */
    int64_t outage; /* a node is cut off about so often; 0: never */
    int64_t outage_max;
};

enum { NODES_MAX = 8, EDITS_END = 6 * DAY /* before the end, to let the last copies arrive */ };

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

bool scenario_fits(const struct scenario *s);

#endif

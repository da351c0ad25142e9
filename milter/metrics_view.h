/*
 * metrics_view - what the metrics and the status page show of a moment, and
 * how.  Writes text to a stream; asks nothing of the world.  No addresses, no
 * secrets.
 */
#ifndef MILTER_METRICS_VIEW_H
#define MILTER_METRICS_VIEW_H

#include <stdio.h>

#include "keys/keys.h"
#include "milter/counters.h"

struct metrics_view {
    int64_t now;
    struct counters counters;
    long sessions;
    bool draining; /* the daemon is about to end */
    bool storm;
    int64_t warm_until; /* INT64_MIN: no warm-up; INT64_MAX: until a key signs */
    size_t domains, exceptions;
    const struct keys_ring *ring;                     /* without keys where no domain needs one */
    char fingerprint[KEYS_MAX][KEYS_FINGERPRINT + 1]; /* of its keys */
};

/* Whether there are keys, and none of them signs. */
static inline bool metrics_lacks_key(const struct metrics_view *v)
{
    return v->ring->count > 0 && keys_signing(v->ring, v->now) < 0;
}

/* The Prometheus text format, version 0.0.4. */
void metrics_text(FILE *f, const struct metrics_view *v);
/* A page for a person: HTML without scripts. */
void metrics_page(FILE *f, const struct metrics_view *v);

#endif

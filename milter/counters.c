#include "milter/counters.h"

#include <stdatomic.h>

const int64_t counters_bounds[COUNTERS_BUCKETS - 1] = {10,    25,    50,     100,    250,    1000,
                                                       10000, 50000, 250000, 500000, 2000000};

static struct {
    _Atomic int64_t started;
    _Atomic uint64_t decisions[COUNTERS_EVENTS][COUNTERS_VERDICTS][COUNTERS_ACTIONS];
    _Atomic uint64_t callbacks[COUNTERS_CALLBACKS][COUNTERS_BUCKETS];
    _Atomic uint64_t callback_us[COUNTERS_CALLBACKS];
    _Atomic uint64_t map[COUNTERS_MAP_ANSWERS];
    _Atomic uint64_t guard[GUARD_UNKNOWN + 1][2];
    _Atomic uint64_t sessions_refused, reloads, reloads_failed, rings_refused, storms;
    atomic_bool reload_failed, ring_refused;
    struct {
        _Atomic int64_t hour;
        _Atomic uint64_t sorts[COUNTERS_SORTS];
    } hour[COUNTERS_HOURS];
} all;

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void counters_start(int64_t now)
{
    atomic_store(&all.started, now);
}

static enum counters_sort sort_of(const struct decision *d)
{
    switch (d->action) {
    case ACTION_REJECT:
    case ACTION_DISCARD:
    case ACTION_QUARANTINE:
    case ACTION_DISCONNECT:
        return COUNTERS_REFUSED;
    case ACTION_MARK:
        return COUNTERS_MARKED;
    case ACTION_ACCEPT:
        if (d->event == EVENT_SIGN)
            return d->verdict == VERDICT_SIGNED ? COUNTERS_SIGNED : COUNTERS_OTHER;
        return d->event == EVENT_BOUNCE && verdict_result(d->verdict) != RESULT_FAIL ? COUNTERS_GOOD
                                                                                     : COUNTERS_OTHER;
    case ACTION_TEMPFAIL:
    case ACTION_TOO_MANY:
        break;
    }
    return COUNTERS_OTHER;
}

/* The first decision of an hour empties the place that another hour had, two days ago. */
static void add_to_hour(enum counters_sort sort, int64_t hour)
{
    size_t i = (size_t)(hour % COUNTERS_HOURS);
    int64_t before = atomic_load(&all.hour[i].hour);

    if (before != hour && atomic_compare_exchange_strong(&all.hour[i].hour, &before, hour))
        for (int s = 0; s < COUNTERS_SORTS; s++)
            atomic_store(&all.hour[i].sorts[s], 0);
    add(&all.hour[i].sorts[sort], 1);
}

void counters_decision(const struct decision *d, int64_t now)
{
    add(&all.decisions[d->event][d->verdict][d->action], 1);
    add_to_hour(sort_of(d), now / 3600);
}

void counters_callback(enum counters_callback which, int64_t us)
{
    int bucket = 0;

    while (bucket < COUNTERS_BUCKETS - 1 && us > counters_bounds[bucket])
        bucket++;
    add(&all.callbacks[which][bucket], 1);
    add(&all.callback_us[which], us > 0 ? (uint64_t)us : 0);
}

void counters_map(enum counters_map answer)
{
    add(&all.map[answer], 1);
}

void counters_guard(enum guard_result result, bool cached)
{
    add(&all.guard[result][cached], 1);
}

void counters_session_refused(void)
{
    add(&all.sessions_refused, 1);
}

void counters_reload(bool good)
{
    atomic_store(&all.reload_failed, !good);
    add(good ? &all.reloads : &all.reloads_failed, 1);
}

void counters_ring_refused(void)
{
    atomic_store(&all.ring_refused, true);
    add(&all.rings_refused, 1);
}

void counters_ring_taken(void)
{
    atomic_store(&all.ring_refused, false);
}

void counters_storm(void)
{
    add(&all.storms, 1);
}

static void read_decisions(struct counters *out)
{
    for (int e = 0; e < COUNTERS_EVENTS; e++)
        for (int v = 0; v < COUNTERS_VERDICTS; v++)
            for (int a = 0; a < COUNTERS_ACTIONS; a++)
                out->decisions[e][v][a] = get(&all.decisions[e][v][a]);
}

static void read_hours(struct counters *out)
{
    for (int i = 0; i < COUNTERS_HOURS; i++) {
        out->hour[i].hour = atomic_load(&all.hour[i].hour);
        for (int s = 0; s < COUNTERS_SORTS; s++)
            out->hour[i].sorts[s] = get(&all.hour[i].sorts[s]);
    }
}

void counters_read(struct counters *out)
{
    out->started = atomic_load(&all.started);
    read_decisions(out);
    read_hours(out);
    for (int c = 0; c < COUNTERS_CALLBACKS; c++) {
        for (int b = 0; b < COUNTERS_BUCKETS; b++)
            out->callbacks[c][b] = get(&all.callbacks[c][b]);
        out->callback_us[c] = get(&all.callback_us[c]);
    }
    for (int m = 0; m < COUNTERS_MAP_ANSWERS; m++)
        out->map[m] = get(&all.map[m]);
    for (int g = 0; g <= GUARD_UNKNOWN; g++)
        for (int c = 0; c < 2; c++)
            out->guard[g][c] = get(&all.guard[g][c]);
    out->sessions_refused = get(&all.sessions_refused);
    out->reloads = get(&all.reloads);
    out->reloads_failed = get(&all.reloads_failed);
    out->rings_refused = get(&all.rings_refused);
    out->reload_failed = atomic_load(&all.reload_failed);
    out->ring_refused = atomic_load(&all.ring_refused);
    out->storms = get(&all.storms);
}

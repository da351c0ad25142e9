#include "test/sim/sim.h"

/* Written from the manual, not from keys/: it looks at every key, and at no order in the ring. */

int64_t model_until(const struct edition *e, size_t i)
{
    int64_t until = KEYS_UNKNOWN;

    for (size_t j = 0; j < e->count; j++)
        if (e->key[j].sign_from > e->key[i].sign_from && e->key[j].sign_from < until)
            until = e->key[j].sign_from;
    return until;
}

int64_t model_end(const struct edition *e, size_t i)
{
    int64_t until = model_until(e, i);

    return until == KEYS_UNKNOWN ? KEYS_UNKNOWN : until + ((int64_t)e->key[i].lifetime + 2) * DAY;
}

enum keys_phase model_phase(const struct edition *e, size_t i, int64_t clock)
{
    if (clock < e->key[i].sign_from)
        return KEYS_STAGED;
    if (clock < model_until(e, i))
        return KEYS_SIGNING;
    return clock <= model_end(e, i) ? KEYS_VERIFYING : KEYS_RETIRED;
}

int model_find(const struct edition *e, unsigned number)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->key[i].number == number)
            return (int)i;
    return NONE;
}

int model_find_life(const struct edition *e, int life)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->key[i].life == life)
            return (int)i;
    return NONE;
}

int model_signing(const struct edition *e, int64_t clock)
{
    for (size_t i = 0; i < e->count; i++)
        if (model_phase(e, i, clock) == KEYS_SIGNING)
            return (int)i;
    return NONE;
}

bool model_number_free(const struct edition *e, unsigned number, int64_t clock)
{
    for (size_t i = 0; i < e->purged_count; i++)
        if (e->purged[i].number == number && clock < e->purged[i].reusable)
            return false;
    return model_find(e, number) == NONE;
}

enum bv_status model_verdict(const struct world *w, const struct message *m, const struct edition *e,
                             int64_t clock)
{
    const struct life *life = &w->life[m->life];
    int64_t day = clock / DAY;
    int i = model_find(e, life->number);

    if (i == NONE)
        return BV_UNKNOWN_KEY;
    if (e->key[i].life != m->life)
        return BV_FORGED;
    if (model_phase(e, (size_t)i, clock) == KEYS_RETIRED)
        return BV_EXPIRED;
    return day >= m->day - 1 && day <= m->day + (int64_t)life->lifetime ? BV_VALID : BV_EXPIRED;
}

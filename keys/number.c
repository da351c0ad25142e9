#include "keys/parts.h"

#include <stdio.h>

unsigned keys_numbers_free(const struct keys_ring *ring, int64_t now)
{
    unsigned n = 0;

    for (unsigned number = 0; number < BV_KEY_NUMBERS; number++)
        n += keys_number_free(ring, number, now);
    return n;
}

/* Of the numbers that are not free, the one that can be first. */
struct soonest {
    int64_t when; /* KEYS_UNKNOWN: none has an end yet */
    unsigned number;
    bool purge; /* a key has it, which must be purged then */
};

static struct soonest find_soonest(const struct keys_ring *ring, int64_t now)
{
    struct soonest first = {.when = KEYS_UNKNOWN};
    struct keys_times times;

    for (size_t i = 0; i < ring->purged_count; i++)
        if (ring->purged[i].reusable > now && ring->purged[i].reusable < first.when)
            first = (struct soonest){ring->purged[i].reusable, ring->purged[i].number, false};
    for (size_t i = 0; i < ring->count; i++) {
        keys_times(&times, ring, i);
        if (times.purgeable_from < first.when)
            first = (struct soonest){times.purgeable_from, ring->key[i].number, true};
    }
    return first;
}

void keys_number_next(char dst[KEYS_NEXT_TEXT], const struct keys_ring *ring, int64_t now)
{
    struct soonest next = find_soonest(ring, now);
    char when[KEYS_TIME_LEN + 1];

    keys_time_write(when, next.when);
    if (next.when == KEYS_UNKNOWN)
        snprintf(dst, KEYS_NEXT_TEXT, "of the others none has an end yet");
    else if (!next.purge)
        snprintf(dst, KEYS_NEXT_TEXT, "the first will be %u, from %s", next.number, when);
    else if (next.when < now)
        snprintf(dst, KEYS_NEXT_TEXT, "key %u is retired and can be purged", next.number);
    else
        snprintf(dst, KEYS_NEXT_TEXT, "key %u can be purged after %s", next.number, when);
}

int keys_number_after(const struct keys_ring *ring, unsigned number, int64_t now, struct keys_error *err)
{
    char next[KEYS_NEXT_TEXT];

    for (unsigned step = 1; step <= BV_KEY_NUMBERS; step++) {
        unsigned candidate = (number + step) % BV_KEY_NUMBERS;
        if (keys_number_free(ring, candidate, now))
            return (int)candidate;
    }
    keys_number_next(next, ring, now);
    return keys_fail(err, "no key number is free; %s", next);
}

#include "keys/parts.h"

#include <string.h>

static bool has(unsigned numbers, unsigned number)
{
    return (numbers >> number & 1) != 0;
}

int64_t keys_last_tag(const struct keys_ring *ring, size_t i, int64_t now)
{
    const struct keys_key *key = &ring->key[i];
    int64_t end = i + 1 < ring->count ? ring->key[i + 1].sign_from : now;

    /* On a node whose clock is ahead, it may have signed already. */
    if (key->sign_from - BV_SKEW_DAYS * BV_DAY_SECONDS > now)
        return 0;
    return (end < now ? end : now) + keys_afterlife(key);
}

static void add_tombstone(struct keys_ring *ring, struct keys_tombstone stone)
{
    size_t at = ring->purged_count++;

    for (; at > 0 && ring->purged[at - 1].number > stone.number; at--)
        ring->purged[at] = ring->purged[at - 1];
    ring->purged[at] = stone;
}

/*
 * When a key ended is known from the key after it alone.  So when that one
 * goes, the next takes over its beginning: else the key before would live
 * longer, and one that is retired would come back to life, here or on a node
 * whose clock is ahead.  before[] is where the keys that stay were.
 */
static void keep_ends(struct keys_ring *next, const struct keys_ring *ring, const size_t before[KEYS_MAX],
                      int64_t now)
{
    int64_t slowest = now - BV_SKEW_DAYS * BV_DAY_SECONDS;

    /* Nor may a node whose clock is behind be left without a key that signs. */
    if (next->count > 0 && next->key[0].sign_from > slowest && next->key[0].sign_from <= now)
        next->key[0].sign_from = ring->key[0].sign_from;
    for (size_t i = 0; i + 1 < next->count; i++) {
        int64_t end = ring->key[before[i] + 1].sign_from;

        if (end <= now)
            next->key[i + 1].sign_from = end;
    }
}

void keys_remove(struct keys_ring *ring, unsigned numbers, int64_t now)
{
    struct keys_ring next = *ring;
    size_t before[KEYS_MAX] = {0};

    next.count = 0;
    for (size_t i = 0; i < ring->count; i++) {
        int64_t last = keys_last_tag(ring, i, now);
        if (has(numbers, ring->key[i].number)) {
            add_tombstone(&next, (struct keys_tombstone){ring->key[i].number, now, last > now ? last : now});
        } else {
            before[next.count] = i;
            next.key[next.count++] = ring->key[i];
        }
    }
    keep_ends(&next, ring, before, now);
    bv_wipe(&next.key[next.count], (KEYS_MAX - next.count) * sizeof next.key[0]);
    *ring = next;
    keys_wipe(&next);
}

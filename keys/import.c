#include "keys/parts.h"

#include <inttypes.h>
#include <string.h>

int keys_import(struct keys_ring *ring, const struct keys_ring *from, bool force, const char *by, int64_t now,
                struct keys_error *err)
{
    bool other = strcmp(ring->id, from->id) != 0;
    int64_t highest = ring->generation > from->generation ? ring->generation : from->generation;
    struct keys_error why;
    int same = keys_same(ring, from, err);

    if (same != 0)
        return same < 0 ? -1 : 0;
    if (other && !force)
        return keys_fail(err,
                         "the keyring %s is another one than %s, which is in use; --force puts it in its place",
                         from->id, ring->id);
    if (other || from->generation > ring->generation) {
        *ring = *from;
        return 1;
    }
    if (!force) {
        keys_may_follow(ring, from, &why);
        return keys_fail(err, "%.300s; --force imports it as generation %" PRId64, why.text, highest + 1);
    }
    if (highest >= KEYS_GENERATION_MAX)
        return keys_fail(err, "the generation cannot rise any more");
    *ring = *from;
    ring->generation = highest;
    keys_stamp(ring, by, now);
    return 1;
}

#include "keys/parts.h"

#include <string.h>

/* Puts a new key like the one that has gone in its place. Returns its index, or -1 with *err filled. */
static int make_heir(struct keys_ring *ring, const struct keys_key *gone, const struct keys_new *how,
                     int64_t now, struct keys_revoked *out, struct keys_error *err)
{
    int number = keys_number_after(ring, gone->number, now, err);
    struct keys_key key;
    int index = -1;

    /* That a tag of the revoked key then counts as forged matters less than that it is refused now. */
    out->own_number = number < 0;
    if (keys_make(&key, how, now, err) == 0) {
        key.number = number < 0 ? gone->number : (unsigned)number;
        index = (int)keys_insert(ring, &key);
    }
    bv_wipe(&key, sizeof key);
    return index;
}

/*
 * Has another key sign in the place of key i, which is gone from *next.  It
 * takes over its beginning: so it signs at once also where the clock is
 * behind, and the end of the key before stays what it was.
 */
static int replace(struct keys_ring *next, const struct keys_ring *ring, size_t i, const char *by, int64_t now,
                   struct keys_revoked *out, struct keys_error *err)
{
    const struct keys_key *gone = &ring->key[i];
    const struct keys_new how = {gone->algorithm, gone->lifetime, gone->sign_from, by};

    if (i + 1 < ring->count) {
        out->heir = keys_find(next, ring->key[i + 1].number);
        next->key[out->heir].sign_from = gone->sign_from;
        return 0;
    }
    out->fresh = true;
    out->heir = make_heir(next, gone, &how, now, out, err);
    return out->heir < 0 ? -1 : 0;
}

int keys_revoke(struct keys_ring *ring, unsigned number, const char *by, int64_t now, struct keys_revoked *out,
                struct keys_error *err)
{
    int i = keys_find(ring, number), result = 0;
    struct keys_ring next;

    *out = (struct keys_revoked){.heir = -1};
    if (keys_may_change(ring, err) != 0)
        return -1;
    if (i < 0)
        return keys_fail(err, "no key has the number %u", number);
    next = *ring;
    keys_remove(&next, 1U << number, now);
    if (next.count == 0 || keys_phase(ring, (size_t)i, now) == KEYS_SIGNING)
        result = replace(&next, ring, (size_t)i, by, now, out, err);
    if (result == 0) {
        keys_stamp(&next, by, now);
        *ring = next;
    }
    keys_wipe(&next);
    return result;
}

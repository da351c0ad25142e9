#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "keys/parts.h"
#include "keys/store.h"

/* Whether a ring may take the place of a local one. Returns 1, 0 when it is the same, or -1. */
static int compare(const struct keys_ring *old, const struct keys_ring *next, const char *path,
                   const char *from, struct keys_error *err)
{
    int same;

    if (strcmp(old->id, next->id) != 0)
        return keys_fail(
            err,
            "is the keyring %s, not %s as in %s, and stays; if it is to go, move it away, or run: bvkey "
            "-f %s export | bvkey -f %s import --force -",
            old->id, next->id, from, from, path);
    if (next->generation > old->generation)
        return 1;
    if (next->generation < old->generation)
        return keys_fail(err,
                         "generation %" PRId64 " is newer than %" PRId64
                         " in %s, and stays; to bring it there, "
                         "run: bvkey -f %s import %s",
                         old->generation, next->generation, from, from, path);
    same = keys_same(old, next, err);
    if (same != 0)
        return same < 0 ? -1 : 0;
    return keys_fail(err,
                     "generation %" PRId64 " has other content than in %s, and stays: both were changed; "
                     "whatever changes the one in %s next decides",
                     old->generation, from, from);
}

/* Under the lock, since the file may have changed. */
static int replace(const char *path, const struct keys_ring *ring, const char *from, int64_t *was,
                   struct keys_error *err)
{
    struct keys_ring old;
    int result;

    *was = 0;
    if (keys_load(&old, path, err) == 0) {
        *was = old.generation;
        result = compare(&old, ring, path, from, err);
        if (result > 0 && keys_save(ring, path, err) != 0)
            result = -1;
    } else {
        result = err->sys == ENOENT && keys_save_new(ring, path, err) == 0 ? 1 : -1;
    }
    keys_wipe(&old);
    return result;
}

int store_mirror(const char *path, const struct keys_ring *ring, const char *from, int stop, int64_t *was,
                 struct keys_error *err)
{
    struct keys_ring old;
    int lock, result = 1;

    /* Most times there is nothing to do, and then no lock file is made. */
    if (keys_load(&old, path, err) == 0) {
        *was = old.generation;
        result = compare(&old, ring, path, from, err);
    } else if (err->sys != ENOENT) {
        result = -1;
    }
    keys_wipe(&old);
    if (result <= 0)
        return result;
    lock = keys_lock(path, STORE_LOCK_SECONDS, stop, err);
    result = lock < 0 ? -1 : replace(path, ring, from, was, err);
    keys_unlock(lock);
    return result;
}

#include "keys/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int keys_same(const struct keys_ring *a, const struct keys_ring *b, struct keys_error *err)
{
    size_t an = 0, bn = 0;
    char *at = keys_json_write(a, &an, err);
    char *bt = at == NULL ? NULL : keys_json_write(b, &bn, err);
    int same = bt == NULL ? -1 : an == bn && memcmp(at, bt, an) == 0;

    keys_json_free(at, an);
    keys_json_free(bt, bn);
    return same;
}

int keys_may_follow(const struct keys_ring *old, const struct keys_ring *next, struct keys_error *err)
{
    *err = (struct keys_error){.line = 0};
    if (strcmp(old->id, next->id) != 0 || next->generation > old->generation)
        return 0;
    if (next->generation < old->generation) {
        snprintf(err->text, sizeof err->text,
                 "generation %" PRId64 " is older than %" PRId64 ", which is in use", next->generation,
                 old->generation);
        return -1;
    }
    int same = keys_same(old, next, err);
    if (same == 0)
        snprintf(err->text, sizeof err->text,
                 "generation %" PRId64 " is in use with other content: two nodes have edited the ring",
                 next->generation);
    return same == 1 ? 0 : -1;
}

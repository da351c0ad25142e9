/*
 * store_parts - what the kinds of stores have to offer.  Private to keys/.
 */
#ifndef KEYS_STORE_PARTS_H
#define KEYS_STORE_PARTS_H

#include "keys/store.h"

enum store_saved {
    STORE_FAILED = -1, /* *err is filled */
    STORE_SAVED = 0,
    STORE_LOST /* somebody else was faster since the last load(): nothing is changed */
};

struct store_kind {
    int (*begin)(struct store *s, struct keys_error *err); /* of a change. Returns 0, or -1 */
    int (*load)(struct keys_ring *out, struct store *s, struct keys_error *err);
    enum store_saved (*save)(const struct keys_ring *ring, struct store *s, bool fresh, struct keys_error *err);
    void (*end)(struct store *s);   /* of a change, after begin() has done well */
    void (*close)(struct store *s); /* frees s */
};

struct store {
    const struct store_kind *kind;
    const char *name;
};

struct store *store_open_file(const char *name, struct keys_error *err);
struct store *store_open_etcd(const char *name, const struct store_login *login, struct keys_error *err);

#endif

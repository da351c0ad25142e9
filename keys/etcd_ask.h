/*
 * etcd_ask - what is asked of etcd, as the text of its JSON gateway (v3, as of
 * etcd 3.4).  Pure.  Private to keys/.  Each returns a text that may hold
 * secrets, to be freed with keys_json_free(), or NULL with *err filled.
 */
#ifndef KEYS_ETCD_ASK_H
#define KEYS_ETCD_ASK_H

#include "keys/keys.h"

#define ETCD_PATH_RANGE "/v3/kv/range"
#define ETCD_PATH_TXN   "/v3/kv/txn"
#define ETCD_PATH_WATCH "/v3/watch"
#define ETCD_PATH_LOGIN "/v3/auth/authenticate"

/* What is in a key. */
char *etcd_ask_range(const char *key, size_t *n, struct keys_error *err);
/* Put a value if the key has still this mod_revision; 0: if there is no such key. */
char *etcd_ask_put(const char *key, int64_t revision, struct bv_str value, size_t *n, struct keys_error *err);
/* Tell of every change of a key from this revision of the store on; 0: from now on. */
char *etcd_ask_watch(const char *key, int64_t revision, size_t *n, struct keys_error *err);
/* A token for a user. */
char *etcd_ask_login(const char *user, const char *password, size_t *n, struct keys_error *err);

#endif

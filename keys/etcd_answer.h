/*
 * etcd_answer - what etcd answers.  Members that are false, 0 or empty are not
 * in it, and its 64-bit numbers are strings.  Pure.  Private to keys/.
 * Functions that return int return 0, or -1 with *err filled, err->sys being
 * EPROTO: what has answered is no etcd.  No error quotes an answer.
 */
#ifndef KEYS_ETCD_ANSWER_H
#define KEYS_ETCD_ANSWER_H

#include "keys/keys.h"

/* What is in a key. */
struct etcd_value {
    int64_t now;      /* the revision of the store */
    int64_t revision; /* the mod_revision of the key; 0: there is no such key */
    char *text;       /* keys_json_free() it, also after a failure */
    size_t n;
};
int etcd_read_range(struct etcd_value *out, struct bv_str text, const char *key, struct keys_error *err);

/* Whether a put has been done; else somebody else was faster. */
int etcd_read_put(bool *done, struct bv_str text, struct keys_error *err);

enum { ETCD_TOKEN_MAX = 2048 };
int etcd_read_login(char token[ETCD_TOKEN_MAX + 1], struct bv_str text, struct keys_error *err);

enum etcd_news {
    ETCD_QUIET = 0, /* the watch is set, or goes on */
    ETCD_CHANGED,   /* something has happened to the key */
    ETCD_OVER       /* the watch is refused, or has ended */
};
/* What a line of a watch says. */
enum etcd_news etcd_read_watch(struct bv_str line);

/* The reason that a refusal gives, in etcd's words; "" when there is none that can be shown. */
enum { ETCD_REASON = 160 };
void etcd_read_reason(char dst[ETCD_REASON], struct bv_str text);

#endif

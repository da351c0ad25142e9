/*
 * object - the objects of a JSON text, without Jansson's header.  Private to
 * keys/.  Values are never shown in an error: any of them may be a secret in
 * the wrong place.  Functions that return int return 0, or -1 with *o->err
 * filled, naming the path of the member.
 */
#ifndef KEYS_OBJECT_H
#define KEYS_OBJECT_H

#include "keys/keys.h"

struct json_t;

struct object {
    struct json_t *json;
    struct keys_error *err;
    char where[32]; /* path, put before a member's name: "", "keys[1]." */
    bool failed;    /* some object_put_*() found no memory, or text that is no UTF-8 */
};

/* ---- reading ---- */

/* Reads a whole text, which must be one object; free it with object_free(), also after -1. */
int object_parse(struct object *o, struct bv_str text, struct keys_error *err);
void object_free(struct object *o);

/* Refuses a member. Returns -1. */
int object_refuse(const struct object *o, const char *member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Refuses members that are not in a NULL-ended list. */
int object_only(const struct object *o, const char *const *known);

bool object_has(const struct object *o, const char *member);
/* The string is borrowed, and NUL-terminated. */
int object_string(struct bv_str *out, const struct object *o, const char *member);
int object_number(int64_t *out, const struct object *o, const char *member, int64_t min, int64_t max);
int object_array(size_t *length, const struct object *o, const char *member, size_t max);
/* An object in an array, borrowed: not to be freed. */
int object_item(struct object *out, const struct object *o, const char *member, size_t i);
/* An object in an object, borrowed: not to be freed. Its members are named without the path. */
int object_inside(struct object *out, const struct object *o, const char *member);
bool object_true(const struct object *o, const char *member); /* the member is there, and true */

/* ---- writing: members stand in the order in which they are put ---- */

void object_new(struct object *o, struct keys_error *err);
void object_put_string(struct object *o, const char *member, const char *value);
void object_put_number(struct object *o, const char *member, int64_t value);
void object_put_array(struct object *o, const char *member);
void object_put_item(struct object *o, const char *member, struct object *item);     /* takes the item */
void object_put_inside(struct object *o, const char *member, struct object *inside); /* likewise */

/* The text, indented, with a final newline and a NUL: malloc()ed, holds secrets. NULL with *o->err filled. */
char *object_print(const struct object *o, size_t *n);

/* ---- the checksum ---- */

enum { OBJECT_CHECKSUM = sizeof "sha256:" + 2 * BV_DIGEST_OCTETS };
/* "sha256:" and the digest of what `jq -cjS 'del(.checksum)'` prints. */
int object_checksum(char dst[OBJECT_CHECKSUM], const struct object *o);

#endif

#include "keys/heap.h"
#include "keys/object.h"
#include "keys/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void keys_json_setup(void)
{
    json_set_alloc_funcs(heap_take, heap_give);
}

int object_parse(struct object *o, struct bv_str text, struct keys_error *err)
{
    json_error_t why;

    *o = (struct object){.err = err};
    heap_short = false;
    o->json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    /* Without memory, Jansson may speak of a fault of the text, or go on without an octet of a word. */
    if (heap_short || (o->json == NULL && why.text[0] == '\0')) {
        object_free(o);
        keys_fail_memory(err);
    } else if (o->json == NULL) {
        /* Jansson quotes the text near the fault, which may be a piece of a secret. */
        char *near = strstr(why.text, " near '");
        if (near != NULL)
            bv_wipe(near, strlen(near));
        keys_fail(err, "%s", why.text);
        err->line = why.line;
        err->column = why.column;
    }
    bv_wipe(&why, sizeof why);
    if (o->json == NULL)
        return -1;
    return json_is_object(o->json) ? 0 : keys_fail(err, "the file must be one JSON object");
}

void object_free(struct object *o)
{
    json_decref(o->json);
    o->json = NULL;
}

int object_refuse(const struct object *o, const char *member, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return keys_fail(o->err, "%s%s: %s", o->where, member, text);
}

int object_only(const struct object *o, const char *const *known)
{
    enum { SHOWN = 20 }; /* the shortest secret takes 24 characters */

    for (void *at = json_object_iter(o->json); at != NULL; at = json_object_iter_next(o->json, at)) {
        const char *name = json_object_iter_key(at);
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        if (known[i] != NULL)
            continue;
        if (strlen(name) <= SHOWN && keys_text_clean(name))
            return object_refuse(o, name, "unknown member");
        return object_refuse(o, "?", "unknown member, its name is too long to be shown");
    }
    return 0;
}

bool object_has(const struct object *o, const char *member)
{
    return json_object_get(o->json, member) != NULL;
}

static const char *const type_word[] = {
    [JSON_OBJECT] = "an object",
    [JSON_ARRAY] = "an array",
    [JSON_STRING] = "a string",
    [JSON_INTEGER] = "a whole number",
    [JSON_REAL] = "a number with a point or an exponent",
    [JSON_TRUE] = "a truth value",
    [JSON_FALSE] = "a truth value",
    [JSON_NULL] = "null",
};

/* A value that must be there and of a type; NULL after refusing it. */
static json_t *checked(json_t *value, const struct object *o, const char *member, json_type type)
{
    if (value == NULL)
        object_refuse(o, member, "is missing");
    else if (json_typeof(value) != type)
        object_refuse(o, member, "must be %s, not %s", type_word[type], type_word[json_typeof(value)]);
    else
        return value;
    return NULL;
}

int object_string(struct bv_str *out, const struct object *o, const char *member)
{
    const json_t *value = checked(json_object_get(o->json, member), o, member, JSON_STRING);

    if (value == NULL)
        return -1;
    *out = (struct bv_str){json_string_value(value), json_string_length(value)};
    return 0;
}

int object_number(int64_t *out, const struct object *o, const char *member, int64_t min, int64_t max)
{
    const json_t *value = checked(json_object_get(o->json, member), o, member, JSON_INTEGER);

    if (value == NULL)
        return -1;
    *out = json_integer_value(value);
    if (*out >= min && *out <= max)
        return 0;
    return object_refuse(o, member, "%lld is not in %lld..%lld", (long long)*out, (long long)min,
                         (long long)max);
}

int object_array(size_t *length, const struct object *o, const char *member, size_t max)
{
    const json_t *value = checked(json_object_get(o->json, member), o, member, JSON_ARRAY);

    if (value == NULL)
        return -1;
    *length = json_array_size(value);
    return *length <= max ? 0 : object_refuse(o, member, "%zu entries, at most %zu", *length, max);
}

int object_item(struct object *out, const struct object *o, const char *member, size_t i)
{
    char name[sizeof out->where - 1];

    snprintf(name, sizeof name, "%s[%zu]", member, i);
    *out = (struct object){.err = o->err};
    snprintf(out->where, sizeof out->where, "%s.", name);
    out->json = checked(json_array_get(json_object_get(o->json, member), i), o, name, JSON_OBJECT);
    return out->json == NULL ? -1 : 0;
}

int object_inside(struct object *out, const struct object *o, const char *member)
{
    *out = (struct object){.err = o->err};
    out->json = checked(json_object_get(o->json, member), o, member, JSON_OBJECT);
    return out->json == NULL ? -1 : 0;
}

bool object_true(const struct object *o, const char *member)
{
    return json_is_true(json_object_get(o->json, member));
}

void object_new(struct object *o, struct keys_error *err)
{
    *o = (struct object){.json = json_object(), .err = err};
    o->failed = o->json == NULL;
}

void object_put_string(struct object *o, const char *member, const char *value)
{
    o->failed |= json_object_set_new(o->json, member, json_string(value)) != 0;
}

void object_put_number(struct object *o, const char *member, int64_t value)
{
    o->failed |= json_object_set_new(o->json, member, json_integer(value)) != 0;
}

void object_put_array(struct object *o, const char *member)
{
    o->failed |= json_object_set_new(o->json, member, json_array()) != 0;
}

void object_put_item(struct object *o, const char *member, struct object *item)
{
    o->failed |= item->failed || json_array_append(json_object_get(o->json, member), item->json) != 0;
    object_free(item);
}

void object_put_inside(struct object *o, const char *member, struct object *inside)
{
    o->failed |= inside->failed || json_object_set(o->json, member, inside->json) != 0;
    object_free(inside);
}

/* Dumps with two octets to spare, into memory of our own: the size is known, so nothing is grown and left. */
static char *dump(const json_t *json, size_t flags, size_t *n, struct keys_error *err)
{
    char *text;

    *n = json_dumpb(json, NULL, 0, flags);
    text = *n == 0 ? NULL : malloc(*n + 2);
    if (text == NULL || json_dumpb(json, text, *n, flags) != *n) {
        keys_fail_memory(err);
        keys_json_free(text, *n);
        return NULL;
    }
    return text;
}

char *object_print(const struct object *o, size_t *n)
{
    char *text = NULL;

    if (o->failed)
        keys_fail(o->err, "the keyring holds text that is no UTF-8, or there is no memory");
    else
        text = dump(o->json, JSON_INDENT(2), n, o->err);
    if (text != NULL)
        memcpy(text + (*n)++, "\n", 2);
    return text;
}

int object_checksum(char dst[OBJECT_CHECKSUM], const struct object *o)
{
    unsigned char digest[BV_DIGEST_OCTETS];
    json_t *rest = json_copy(o->json);
    char *text = NULL;
    size_t n = 0;
    bool whole = json_object_size(rest) == json_object_size(o->json); /* without memory, it may not be */
    int result = -1;

    json_object_del(rest, "checksum");
    if (rest == NULL || !whole)
        keys_fail_memory(o->err);
    else
        text = dump(rest, JSON_COMPACT | JSON_SORT_KEYS, &n, o->err);
    if (text != NULL && bv_sha256(digest, (struct bv_str){text, n}) != 0)
        keys_fail_memory(o->err); /* whatever else ails the library is no fault of the file */
    else if (text != NULL)
        result = 0;
    if (result == 0) {
        strcpy(dst, "sha256:");
        keys_hex(dst + strlen(dst), digest, sizeof digest);
    }
    keys_json_free(text, n);
    json_decref(rest);
    return result;
}

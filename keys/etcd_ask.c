#include "keys/etcd_ask.h"

#include <stdlib.h>

#include "keys/object.h"
#include "keys/parts.h"

static size_t base64_length(size_t n)
{
    return (n + 2) / 3 * 4;
}

static void put_octets(struct object *o, const char *member, struct bv_str octets)
{
    size_t n = base64_length(octets.n) + 1;
    char *text = malloc(n);

    if (text == NULL) {
        o->failed = true;
        return;
    }
    keys_base64_write(text, (const unsigned char *)octets.p, octets.n);
    object_put_string(o, member, text);
    keys_json_free(text, n);
}

/* The text of a request, which is freed. */
static char *print(struct object *o, size_t *n)
{
    char *text;

    *n = 0;
    text = object_print(o, n);
    object_free(o);
    return text;
}

char *etcd_ask_range(const char *key, size_t *n, struct keys_error *err)
{
    struct object root;

    object_new(&root, err);
    put_octets(&root, "key", bv_str(key));
    return print(&root, n);
}

/* Puts an array with one object, which is taken. */
static void put_one(struct object *o, const char *member, struct object *item)
{
    object_put_array(o, member);
    object_put_item(o, member, item);
}

char *etcd_ask_put(const char *key, int64_t revision, struct bv_str value, size_t *n, struct keys_error *err)
{
    struct object root, compare, put, request;

    object_new(&compare, err);
    object_put_string(&compare, "target", revision == 0 ? "CREATE" : "MOD");
    object_put_string(&compare, "result", "EQUAL");
    put_octets(&compare, "key", bv_str(key));
    object_put_number(&compare, revision == 0 ? "create_revision" : "mod_revision", revision);

    object_new(&put, err);
    put_octets(&put, "key", bv_str(key));
    put_octets(&put, "value", value);
    object_new(&request, err);
    object_put_inside(&request, "request_put", &put);

    object_new(&root, err);
    put_one(&root, "compare", &compare);
    put_one(&root, "success", &request);
    return print(&root, n);
}

char *etcd_ask_watch(const char *key, int64_t revision, size_t *n, struct keys_error *err)
{
    struct object root, create;

    object_new(&create, err);
    put_octets(&create, "key", bv_str(key));
    object_put_number(&create, "start_revision", revision);
    object_new(&root, err);
    object_put_inside(&root, "create_request", &create);
    return print(&root, n);
}

char *etcd_ask_login(const char *user, const char *password, size_t *n, struct keys_error *err)
{
    struct object root;

    object_new(&root, err);
    object_put_string(&root, "name", user);
    object_put_string(&root, "password", password);
    return print(&root, n);
}

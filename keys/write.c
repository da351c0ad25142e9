#include "keys/object.h"
#include "keys/parts.h"

static void put_time(struct object *o, const char *member, int64_t t)
{
    char text[KEYS_TIME_LEN + 1];

    keys_time_write(text, t);
    object_put_string(o, member, text);
}

static void put_secret(struct object *o, const struct keys_key *key)
{
    char secret[KEYS_SECRET_TEXT + 1];

    keys_base64_write(secret, key->secret, key->secret_len);
    object_put_string(o, "secret", secret);
    bv_wipe(secret, sizeof secret);
}

static void put_key(struct object *o, const struct keys_key *key, bool secrets)
{
    object_put_number(o, "number", key->number);
    object_put_string(o, "algorithm", bv_algorithm_word(key->algorithm));
    if (secrets)
        put_secret(o, key);
    object_put_number(o, "lifetime_days", key->lifetime);
    put_time(o, "created", key->created);
    put_time(o, "sign_from", key->sign_from);
    object_put_string(o, "comment", key->comment);
}

static void put_tombstone(struct object *o, const struct keys_tombstone *stone)
{
    object_put_number(o, "number", stone->number);
    put_time(o, "purged", stone->purged);
    put_time(o, "reusable", stone->reusable);
}

static void put_ring(struct object *o, const struct keys_ring *ring, bool secrets)
{
    struct object item;

    object_put_string(o, "format", KEYS_FORMAT);
    object_put_number(o, "version", KEYS_VERSION);
    object_put_string(o, "id", ring->id);
    object_put_number(o, "generation", ring->generation);
    put_time(o, "updated", ring->updated);
    object_put_string(o, "updated_by", ring->updated_by);
    put_time(o, "signing_since", ring->signing_since);
    object_put_array(o, "keys");
    for (size_t i = 0; i < ring->count; i++) {
        object_new(&item, o->err);
        put_key(&item, &ring->key[i], secrets);
        object_put_item(o, "keys", &item);
    }
    object_put_array(o, "purged");
    for (size_t i = 0; i < ring->purged_count; i++) {
        object_new(&item, o->err);
        put_tombstone(&item, &ring->purged[i]);
        object_put_item(o, "purged", &item);
    }
}

char *keys_json_write(const struct keys_ring *ring, size_t *n, struct keys_error *err)
{
    char checksum[OBJECT_CHECKSUM];
    struct object root;
    char *text = NULL;

    *n = 0;
    object_new(&root, err);
    put_ring(&root, ring, true);
    if (object_checksum(checksum, &root) == 0) {
        object_put_string(&root, "checksum", checksum);
        text = object_print(&root, n);
    }
    object_free(&root);
    return text;
}

char *keys_json_write_public(const struct keys_ring *ring, size_t *n, struct keys_error *err)
{
    struct object root;
    char *text;

    *n = 0;
    object_new(&root, err);
    put_ring(&root, ring, false);
    text = object_print(&root, n);
    object_free(&root);
    return text;
}

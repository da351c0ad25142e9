#include "keys/object.h"
#include "keys/parts.h"

#include <string.h>

static int read_time(int64_t *out, const struct object *o, const char *member)
{
    struct bv_str text;

    if (object_string(&text, o, member) != 0)
        return -1;
    return keys_time_read(out, text) ? 0 : object_refuse(o, member, "is no UTC time like 2026-11-21T12:00:00Z");
}

/* Reads a text of at most KEYS_TEXT_MAX octets. */
static int read_text(char dst[KEYS_TEXT_MAX + 1], const struct object *o, const char *member)
{
    struct bv_str text;

    if (object_string(&text, o, member) != 0)
        return -1;
    if (text.n > KEYS_TEXT_MAX)
        return object_refuse(o, member, "%zu octets, at most %d", text.n, KEYS_TEXT_MAX);
    if (!keys_text_clean(text.p))
        return object_refuse(o, member, "holds a control character");
    memcpy(dst, text.p, text.n + 1);
    return 0;
}

static int read_unsigned(unsigned *out, const struct object *o, const char *member, unsigned min, unsigned max)
{
    int64_t value = 0;
    int result = object_number(&value, o, member, min, max);

    if (result == 0)
        *out = (unsigned)value;
    return result;
}

static int read_algorithm(enum bv_algorithm *out, const struct object *o)
{
    struct bv_str word;

    if (object_string(&word, o, "algorithm") != 0)
        return -1;
    return bv_algorithm_from_word(out, word)
               ? 0
               : object_refuse(o, "algorithm", "must be hmac-sha1 or hmac-sha256");
}

static int read_secret(struct keys_key *key, const struct object *o)
{
    unsigned char bytes[KEYS_SECRET_TEXT / 4 * 3 + 3];
    struct bv_str text;
    size_t n = 0;
    int result = -1;

    if (!object_has(o, "secret"))
        return object_refuse(o, "secret", "is missing (a public export has no secrets)");
    if (object_string(&text, o, "secret") != 0)
        return -1;
    if (text.n <= KEYS_SECRET_TEXT)
        n = keys_base64_read(bytes, sizeof bytes, text);
    if (text.n > KEYS_SECRET_TEXT || n > KEYS_SECRET_MAX)
        object_refuse(o, "secret", "more than %d octets", KEYS_SECRET_MAX);
    else if (n == 0 && text.n > 0)
        object_refuse(o, "secret", "is no base64 (RFC 4648, padded, nothing else in it)");
    else if (n < KEYS_SECRET_MIN)
        object_refuse(o, "secret", "%zu octets, at least %d", n, KEYS_SECRET_MIN);
    else
        result = 0;
    if (result == 0) {
        memcpy(key->secret, bytes, n);
        key->secret_len = n;
    }
    bv_wipe(bytes, sizeof bytes);
    return result;
}

static int read_key(struct keys_key *key, const struct object *o)
{
    static const char *const known[] = {"number",  "algorithm", "secret",  "lifetime_days",
                                        "created", "sign_from", "comment", NULL};

    if (object_only(o, known) != 0 || read_unsigned(&key->number, o, "number", 0, BV_KEY_NUMBERS - 1) != 0 ||
        read_algorithm(&key->algorithm, o) != 0 || read_secret(key, o) != 0 ||
        read_unsigned(&key->lifetime, o, "lifetime_days", BV_LIFETIME_MIN, BV_LIFETIME_MAX) != 0 ||
        read_time(&key->created, o, "created") != 0 || read_time(&key->sign_from, o, "sign_from") != 0)
        return -1;
    return object_has(o, "comment") ? read_text(key->comment, o, "comment") : 0;
}

/* Puts a key in its place by sign_from. */
static int insert_key(struct keys_ring *ring, const struct keys_key *key, const struct object *o)
{
    size_t at = ring->count;

    if (keys_find(ring, key->number) >= 0)
        return object_refuse(o, "number", "another key has the number %u", key->number);
    while (at > 0 && ring->key[at - 1].sign_from > key->sign_from)
        at--;
    if (at > 0 && ring->key[at - 1].sign_from == key->sign_from)
        return object_refuse(o, "sign_from", "the same as that of key %u: which of the two would sign?",
                             ring->key[at - 1].number);
    for (size_t i = ring->count++; i > at; i--)
        ring->key[i] = ring->key[i - 1];
    ring->key[at] = *key;
    return 0;
}

static int read_keys(struct keys_ring *ring, const struct object *o)
{
    struct keys_key key;
    struct object item;
    size_t n = 0;
    int result = object_array(&n, o, "keys", KEYS_MAX);

    if (result == 0 && n == 0)
        result = object_refuse(o, "keys", "is empty, at least one key must be there");
    for (size_t i = 0; result == 0 && i < n; i++) {
        memset(&key, 0, sizeof key);
        result = object_item(&item, o, "keys", i);
        if (result == 0)
            result = read_key(&key, &item);
        if (result == 0)
            result = insert_key(ring, &key, &item);
    }
    bv_wipe(&key, sizeof key);
    return result;
}

static int read_tombstone(struct keys_ring *ring, const struct object *o)
{
    static const char *const known[] = {"number", "purged", "reusable", NULL};
    struct keys_tombstone stone = {0};
    size_t at = ring->purged_count;

    if (object_only(o, known) != 0 || read_unsigned(&stone.number, o, "number", 0, BV_KEY_NUMBERS - 1) != 0 ||
        read_time(&stone.purged, o, "purged") != 0 || read_time(&stone.reusable, o, "reusable") != 0)
        return -1;
    if (keys_find(ring, stone.number) >= 0)
        return object_refuse(o, "number", "a key has the number %u", stone.number);
    while (at > 0 && ring->purged[at - 1].number > stone.number)
        at--;
    if (at > 0 && ring->purged[at - 1].number == stone.number)
        return object_refuse(o, "number", "another entry has the number %u", stone.number);
    for (size_t i = ring->purged_count++; i > at; i--)
        ring->purged[i] = ring->purged[i - 1];
    ring->purged[at] = stone;
    return 0;
}

static int read_purged(struct keys_ring *ring, const struct object *o)
{
    struct object item;
    size_t n = 0;

    if (!object_has(o, "purged"))
        return 0;
    if (object_array(&n, o, "purged", KEYS_MAX) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (object_item(&item, o, "purged", i) != 0 || read_tombstone(ring, &item) != 0)
            return -1;
    return 0;
}

static bool is_uuid(struct bv_str id)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < id.n && i < KEYS_ID_LEN; i++) {
        char c = bv_lower(id.p[i]);
        if (shape[i] == '-' ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return id.n == KEYS_ID_LEN;
}

/* What says which file this is, and which state of it. */
static int read_head(struct keys_ring *ring, const struct object *o)
{
    struct bv_str text;
    unsigned version;

    if (object_string(&text, o, "format") != 0)
        return -1;
    if (!bv_str_same(text, bv_str(KEYS_FORMAT)))
        return object_refuse(o, "format", "must be \"%s\"", KEYS_FORMAT);
    if (read_unsigned(&version, o, "version", KEYS_VERSION, KEYS_VERSION) != 0 ||
        object_string(&text, o, "id") != 0)
        return -1;
    if (!is_uuid(text))
        return object_refuse(o, "id", "is no UUID");
    memcpy(ring->id, text.p, KEYS_ID_LEN);
    if (object_number(&ring->generation, o, "generation", 1, KEYS_GENERATION_MAX) != 0 ||
        read_time(&ring->updated, o, "updated") != 0 || read_text(ring->updated_by, o, "updated_by") != 0)
        return -1;
    return read_time(&ring->signing_since, o, "signing_since");
}

static int read_checksum(struct keys_ring *ring, const struct object *o)
{
    char want[OBJECT_CHECKSUM];
    struct bv_str text;

    ring->checksummed = object_has(o, "checksum");
    if (!ring->checksummed)
        return 0;
    if (object_string(&text, o, "checksum") != 0 || object_checksum(want, o) != 0)
        return -1;
    if (bv_str_same(text, bv_str(want)))
        return 0;
    return object_refuse(o, "checksum",
                         "does not fit the rest: the file is damaged, or was edited by hand "
                         "(then remove this member)");
}

int keys_json_read(struct keys_ring *out, struct bv_str text, struct keys_error *err)
{
    static const char *const known[] = {"format",     "version",       "id",   "generation", "updated",
                                        "updated_by", "signing_since", "keys", "purged",     "checksum",
                                        NULL};
    struct object root;
    int result = object_parse(&root, text, err);

    memset(out, 0, sizeof *out);
    if (result == 0 &&
        (object_only(&root, known) != 0 || read_head(out, &root) != 0 || read_keys(out, &root) != 0 ||
         read_purged(out, &root) != 0 || read_checksum(out, &root) != 0))
        result = -1;
    object_free(&root);
    if (result != 0)
        keys_wipe(out);
    return result;
}

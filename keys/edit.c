#include "keys/parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int keys_generate(unsigned char *secret, size_t n, struct keys_error *err)
{
    return getentropy(secret, n) == 0 ? 0 : keys_fail_sys(err, "the system's random source", NULL);
}

/* A random UUID: version 4, RFC 9562 5.4. */
static int make_id(char dst[KEYS_ID_LEN + 1], struct keys_error *err)
{
    unsigned char b[16];
    char hex[2 * sizeof b + 1];

    if (keys_generate(b, sizeof b, err) != 0)
        return -1;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    keys_hex(hex, b, sizeof b);
    snprintf(dst, KEYS_ID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return 0;
}

int keys_make(struct keys_key *out, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    memset(out, 0, sizeof *out);
    if (how->lifetime < BV_LIFETIME_MIN || how->lifetime > BV_LIFETIME_MAX)
        return keys_fail(err, "a lifetime of %u days is not in %d..%d", how->lifetime, BV_LIFETIME_MIN,
                         BV_LIFETIME_MAX);
    out->algorithm = how->algorithm;
    out->lifetime = how->lifetime;
    out->created = now;
    out->sign_from = how->sign_from;
    out->secret_len = KEYS_SECRET_NEW;
    return keys_generate(out->secret, out->secret_len, err);
}

int keys_may_change(const struct keys_ring *ring, struct keys_error *err)
{
    if (ring->count == 0)
        return keys_fail(err, "the keyring has no key");
    return ring->generation < KEYS_GENERATION_MAX ? 0 : keys_fail(err, "the generation cannot rise any more");
}

void keys_stamp(struct keys_ring *ring, const char *by, int64_t now)
{
    ring->generation++;
    ring->updated = now;
    snprintf(ring->updated_by, sizeof ring->updated_by, "%s", by);
}

static void drop_tombstone(struct keys_ring *ring, unsigned number)
{
    int at = keys_find_purged(ring, number);

    if (at < 0)
        return;
    ring->purged_count--;
    for (size_t i = (size_t)at; i < ring->purged_count; i++)
        ring->purged[i] = ring->purged[i + 1];
}

size_t keys_insert(struct keys_ring *ring, const struct keys_key *key)
{
    size_t at = ring->count;

    drop_tombstone(ring, key->number);
    while (at > 0 && ring->key[at - 1].sign_from > key->sign_from)
        at--;
    for (size_t i = ring->count++; i > at; i--)
        ring->key[i] = ring->key[i - 1];
    ring->key[at] = *key;
    return at;
}

int keys_create(struct keys_ring *out, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    memset(out, 0, sizeof *out);
    if (make_id(out->id, err) != 0 || keys_make(&out->key[0], how, now, err) != 0) {
        keys_wipe(out);
        return -1;
    }
    out->count = 1;
    out->signing_since = how->sign_from;
    keys_stamp(out, how->by, now);
    return 0;
}

/* Whether a new key may start to sign at a time. Returns 0, or -1 with *err filled. */
static int check_start(const struct keys_ring *ring, int64_t sign_from, int64_t now, struct keys_error *err)
{
    const struct keys_key *newest = &ring->key[ring->count - 1];
    char when[KEYS_TIME_LEN + 1];

    keys_time_write(when, newest->sign_from);
    if (sign_from < now)
        return keys_fail(err, "a new key cannot sign from a time that has passed");
    if (sign_from > newest->sign_from)
        return 0;
    if (newest->sign_from > now)
        return keys_fail(err,
                         "key %u is staged and waits until %s to sign; another key must start later than that",
                         newest->number, when);
    return keys_fail(err, "key %u signs from %s; another key must start later than that", newest->number, when);
}

int keys_rotate(struct keys_ring *ring, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    struct keys_key key;
    int number, index = -1;

    if (keys_may_change(ring, err) != 0 || check_start(ring, how->sign_from, now, err) != 0)
        return -1;
    number = keys_number_after(ring, ring->key[ring->count - 1].number, now, err);
    if (number < 0)
        return -1;
    if (keys_make(&key, how, now, err) == 0) {
        key.number = (unsigned)number;
        index = (int)keys_insert(ring, &key);
        keys_stamp(ring, how->by, now);
    }
    bv_wipe(&key, sizeof key);
    return index;
}

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

static int make_key(struct keys_key *key, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    memset(key, 0, sizeof *key);
    if (how->lifetime < BV_LIFETIME_MIN || how->lifetime > BV_LIFETIME_MAX)
        return keys_fail(err, "a lifetime of %u days is not in %d..%d", how->lifetime, BV_LIFETIME_MIN,
                         BV_LIFETIME_MAX);
    key->algorithm = how->algorithm;
    key->lifetime = how->lifetime;
    key->created = now;
    key->sign_from = how->sign_from;
    key->secret_len = KEYS_SECRET_NEW;
    return keys_generate(key->secret, key->secret_len, err);
}

/* Notes in the ring when it was changed, and by whom. */
static void stamp(struct keys_ring *ring, const char *by, int64_t now)
{
    ring->updated = now;
    snprintf(ring->updated_by, sizeof ring->updated_by, "%s", by);
}

int keys_create(struct keys_ring *out, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    memset(out, 0, sizeof *out);
    if (make_id(out->id, err) != 0 || make_key(&out->key[0], how, now, err) != 0) {
        keys_wipe(out);
        return -1;
    }
    out->count = 1;
    out->generation = 1;
    out->signing_since = how->sign_from;
    stamp(out, how->by, now);
    return 0;
}

/* Says which number will be free next, and when. Returns -1. */
static int none_free(const struct keys_ring *ring, int64_t now, struct keys_error *err)
{
    char when[KEYS_TIME_LEN + 1];
    struct keys_times times = {0};
    int64_t earliest = KEYS_UNKNOWN;
    unsigned number = 0;
    bool purged = true;

    for (size_t i = 0; i < ring->purged_count; i++) {
        if (ring->purged[i].reusable < earliest) {
            earliest = ring->purged[i].reusable;
            number = ring->purged[i].number;
        }
    }
    for (size_t i = 0; i < ring->count; i++) {
        if (keys_phase(ring, i, now) == KEYS_RETIRED)
            return keys_fail(err, "no key number is free; key %u is retired and can be purged",
                             ring->key[i].number);
        keys_times(&times, ring, i);
        if (times.purgeable_from < earliest) {
            earliest = times.purgeable_from;
            number = ring->key[i].number;
            purged = false;
        }
    }
    keys_time_write(when, earliest);
    return keys_fail(err,
                     purged ? "no key number is free; the first will be %u, from %s"
                            : "no key number is free; key %u can be purged after %s",
                     number, when);
}

/* The next number after the newest key's that is free; -1: none, *err filled. */
static int next_number(const struct keys_ring *ring, int64_t now, struct keys_error *err)
{
    unsigned newest = ring->key[ring->count - 1].number;

    for (unsigned step = 1; step < BV_KEY_NUMBERS; step++) {
        unsigned number = (newest + step) % BV_KEY_NUMBERS;
        if (keys_number_free(ring, number, now))
            return (int)number;
    }
    return none_free(ring, now, err);
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

static void drop_tombstone(struct keys_ring *ring, unsigned number)
{
    size_t kept = 0;

    for (size_t i = 0; i < ring->purged_count; i++)
        if (ring->purged[i].number != number)
            ring->purged[kept++] = ring->purged[i];
    ring->purged_count = kept;
}

int keys_rotate(struct keys_ring *ring, const struct keys_new *how, int64_t now, struct keys_error *err)
{
    struct keys_key key;
    int number;

    if (ring->count == 0)
        return keys_fail(err, "the keyring has no key");
    if (ring->generation >= KEYS_GENERATION_MAX)
        return keys_fail(err, "the generation cannot rise any more");
    if (check_start(ring, how->sign_from, now, err) != 0)
        return -1;
    number = next_number(ring, now, err);
    if (number < 0)
        return -1;
    if (make_key(&key, how, now, err) == 0) {
        key.number = (unsigned)number;
        drop_tombstone(ring, key.number);
        ring->key[ring->count++] = key;
        ring->generation++;
        stamp(ring, how->by, now);
    } else {
        number = -1;
    }
    bv_wipe(&key, sizeof key);
    return number < 0 ? -1 : (int)ring->count - 1;
}

#include "keys/parts.h"

#include <string.h>

/* Whether the number may be taken. Returns 0, or -1 with *err filled. */
static int check_number(const struct keys_ring *ring, unsigned number, int64_t now, struct keys_error *err)
{
    char when[KEYS_TIME_LEN + 1];
    int stone = keys_find_purged(ring, number);

    if (number >= BV_KEY_NUMBERS)
        return keys_fail(err, "a key's number is a digit, 0 to 9");
    if (ring->count >= KEYS_MAX)
        return keys_fail(err, "the keyring has %d keys, and cannot have more", KEYS_MAX);
    if (keys_find(ring, number) >= 0)
        return keys_fail(err, "another key has the number %u", number);
    if (keys_number_free(ring, number, now))
        return 0;
    keys_time_write(when, ring->purged[stone].reusable);
    return keys_fail(err,
                     "the number %u is that of a purged key whose tags may be alive; it is free again from %s",
                     number, when);
}

/* Whether a key may begin at a time. Returns 0, or -1 with *err filled. */
static int check_begin(const struct keys_ring *ring, int64_t begin, int64_t now, struct keys_error *err)
{
    char from[KEYS_TIME_LEN + 1], until[KEYS_TIME_LEN + 1];
    int before = keys_signing(ring, begin);
    struct keys_times times;
    int64_t end;

    if (before < 0)
        return 0;
    keys_times(&times, ring, (size_t)before);
    keys_time_write(from, times.signs_from);
    if (times.signs_from == begin)
        return keys_fail(err, "key %u signs from %s; two keys cannot begin at the same time",
                         ring->key[before].number, from);
    switch (keys_phase(ring, (size_t)before, now)) {
    case KEYS_STAGED:
    case KEYS_RETIRED:
        return 0;
    case KEYS_SIGNING:
    case KEYS_VERIFYING:
        break;
    }
    /* The new key is the end of the one before it. What that one made later lives on for its lifetime, and would
       be refused; a day of it is within what is allowed for clocks. */
    end = (times.signs_until < now ? times.signs_until : now) - BV_SKEW_DAYS * BV_DAY_SECONDS;
    if (begin >= end)
        return 0;
    keys_time_write(until, end);
    return keys_fail(
        err,
        "tags that key %u made are alive, and would be refused; let the new key begin before %s, or "
        "not before %s",
        ring->key[before].number, from, until);
}

static int check_key(const struct keys_key *key, struct keys_error *err)
{
    if (key->lifetime < BV_LIFETIME_MIN || key->lifetime > BV_LIFETIME_MAX)
        return keys_fail(err, "a lifetime of %u days is not in %d..%d", key->lifetime, BV_LIFETIME_MIN,
                         BV_LIFETIME_MAX);
    if (key->secret_len == 0 || key->secret_len > KEYS_SECRET_MAX)
        return keys_fail(err, "a secret has 1 to %d octets", KEYS_SECRET_MAX);
    return keys_text_clean(key->comment) ? 0 : keys_fail(err, "the comment holds a control character");
}

int keys_add(struct keys_ring *ring, const struct keys_key *key, const char *by, int64_t now,
             struct keys_error *err)
{
    struct keys_key added = *key;
    int index = -1;

    if (keys_may_change(ring, err) == 0 && check_key(key, err) == 0 &&
        check_number(ring, key->number, now, err) == 0 && check_begin(ring, key->sign_from, now, err) == 0) {
        added.created = now;
        if (added.secret_len < KEYS_SECRET_MIN) {
            memset(added.secret + added.secret_len, 0, KEYS_SECRET_MIN - added.secret_len);
            added.secret_len = KEYS_SECRET_MIN;
        }
        index = (int)keys_insert(ring, &added);
        keys_stamp(ring, by, now);
    }
    bv_wipe(&added, sizeof added);
    return index;
}

/* make - rings from a line of text, and back. */
#ifndef TEST_KEYS_MAKE_H
#define TEST_KEYS_MAKE_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "keys/edit.h"

enum { DAY = 86400, NOW = 20000 * DAY }; /* 2024-10-04T00:00:00Z */

/*
 * "3@-20 4@-86400s/180 5@+1 x6@+2": key 3 begins 20 days before NOW with
 * lifetime 7, key 4 86400 seconds before it with lifetime 180, key 5 a day
 * after it; number 6 is reusable in 2 days.  Keys stand in order.
 */
static inline void make_ring(struct keys_ring *ring, const char *text)
{
    memset(ring, 0, sizeof *ring);
    strcpy(ring->id, "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab");
    strcpy(ring->updated_by, "before@here");
    ring->generation = 41;
    ring->updated = NOW - DAY;
    while (*text != '\0') {
        bool stone = *text == 'x';
        unsigned number, lifetime = 7;
        long long begin;
        int used = 0;

        text += stone;
        assert_int_equal(sscanf(text, "%u@%lld%n", &number, &begin, &used), 2);
        text += used;
        begin *= *text == 's' ? 1 : DAY;
        text += *text == 's';
        if (*text == '/') {
            assert_int_equal(sscanf(text, "/%u%n", &lifetime, &used), 1);
            text += used;
        }
        text += strspn(text, " ");
        if (stone) {
            ring->purged[ring->purged_count++] =
                (struct keys_tombstone){.number = number, .purged = NOW - DAY, .reusable = NOW + begin};
            continue;
        }
        struct keys_key *key = &ring->key[ring->count++];
        *key = (struct keys_key){.number = number,
                                 .lifetime = lifetime,
                                 .created = NOW + begin,
                                 .sign_from = NOW + begin,
                                 .secret_len = KEYS_SECRET_NEW};
        for (size_t i = 0; i < KEYS_SECRET_NEW; i++)
            key->secret[i] = (unsigned char)(number * 16 + 1 + i * 37);
    }
}

/* Octet for octet, but for what lies between the members of a tombstone: nobody sets that. */
static inline bool same_rings(const struct keys_ring *a, const struct keys_ring *b)
{
    struct keys_ring x = *a, y = *b;

    for (size_t i = 0; i < KEYS_MAX; i++) {
        const struct keys_tombstone *s = &a->purged[i], *t = &b->purged[i];
        if (s->number != t->number || s->purged != t->purged || s->reusable != t->reusable)
            return false;
    }
    memset(x.purged, 0, sizeof x.purged);
    memset(y.purged, 0, sizeof y.purged);
    return memcmp(&x, &y, sizeof x) == 0;
}

enum { DESCRIPTION = 400 };
/* "4 5 | 3:0 6:172800": keys in order, tombstones with the seconds until they are reusable. */
static inline void describe(char dst[DESCRIPTION], const struct keys_ring *ring)
{
    size_t n = 0;

    for (size_t i = 0; i < ring->count; i++)
        n += (size_t)snprintf(dst + n, DESCRIPTION - n, "%u ", ring->key[i].number);
    n += (size_t)snprintf(dst + n, DESCRIPTION - n, "|");
    for (size_t i = 0; i < ring->purged_count; i++)
        n += (size_t)snprintf(dst + n, DESCRIPTION - n, " %u:%lld", ring->purged[i].number,
                              (long long)(ring->purged[i].reusable - NOW));
}

/* That a ring is changed as it is to be noted: by whom, when, generation. */
static inline void expect_stamp(const char *name, const struct keys_ring *after, const struct keys_ring *before,
                                int64_t now)
{
    if (after->generation != before->generation + 1 || after->updated != now ||
        strcmp(after->updated_by, "me@here") != 0 || strcmp(after->id, before->id) != 0 ||
        after->signing_since != before->signing_since)
        fail_msg("%s: generation %lld, by %s", name, (long long)after->generation, after->updated_by);
}

#endif

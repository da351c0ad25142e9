#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "keys/edit.h"

enum { DAY = 86400, NOW = 20000 * DAY };

/* A ring whose keys have the numbers of a string, oldest first, a day apart; the last signs since yesterday. */
static void make_ring(struct keys_ring *ring, const char *numbers)
{
    size_t n = strlen(numbers);

    memset(ring, 0, sizeof *ring);
    ring->generation = 41;
    ring->count = n;
    for (size_t i = 0; i < n; i++) {
        ring->key[i].number = (unsigned)(numbers[i] - '0');
        ring->key[i].lifetime = 7;
        ring->key[i].sign_from = NOW - (int64_t)(n - i) * DAY;
        ring->key[i].secret_len = KEYS_SECRET_MIN;
    }
}

/* Adds tombstones for the numbers of a string, reusable one after the other from a time, a day apart. */
static void bury(struct keys_ring *ring, const char *numbers, int64_t reusable)
{
    for (; *numbers != '\0'; numbers++, reusable += DAY)
        ring->purged[ring->purged_count++] = (struct keys_tombstone){
            .number = (unsigned)(*numbers - '0'), .purged = NOW - DAY, .reusable = reusable};
}

static struct keys_new how(int64_t sign_from)
{
    return (struct keys_new){
        .algorithm = BV_HMAC_SHA256, .lifetime = 9, .sign_from = sign_from, .by = "me@here"};
}

static const struct {
    const char *name, *keys, *purged;
    int64_t reusable; /* of the first tombstone */
    int number;       /* -1: refused */
    const char *said;
} rows[] = {
    {"one up", "3", "", 0, 4, ""},
    {"not the highest, but the newest counts", "951", "", 0, 2, ""},
    {"9 is followed by 0", "89", "", 0, 0, ""},
    {"past the taken ones", "340", "", 0, 1, ""},
    {"wraps over taken ones", "019", "", 0, 2, ""},
    {"a tombstone is skipped", "3", "4", NOW + 1, 5, ""},
    {"a tombstone is over this second", "3", "4", NOW, 4, ""},
    {"the last one that is left", "3", "456789012", NOW - 8 * DAY, 4, ""},
    {"only the one behind", "4", "567890123", NOW + 1 - DAY, 5, ""},
    {"the only free one is far round", "3", "45678901", NOW + 1, 2, ""},
    {"ten keys, the oldest's last second", "9876543210", "", 0, -1,
     "key 9 can be purged after 2024-10-04T00:00:00Z"},
    {"all buried", "3", "456789012", NOW + 5, -1, "the first will be 4, from 2024-10-04T00:00:05Z"},
    {"all buried, the earliest last", "3", "012456789", NOW + 5, -1, "the first will be 0, from"},
    {"buried and taken, a key is first", "321", "0456789", NOW + 100 * DAY, -1,
     "key 3 can be purged after 2024-10-11T00:00:00Z"},
};

static void test_numbers(void **state)
{
    struct keys_ring ring, before;
    struct keys_new new = how(NOW + 3600);
    struct keys_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_ring(&ring, rows[i].keys);
        bury(&ring, rows[i].purged, rows[i].reusable);
        before = ring;
        err.text[0] = '\0';
        int index = keys_rotate(&ring, &new, NOW, &err);
        int number = index < 0 ? -1 : (int)ring.key[index].number;
        if (number != rows[i].number || strstr(err.text, rows[i].said) == NULL)
            fail_msg("%s: number %d, \"%s\"", rows[i].name, number, err.text);
        if (index < 0 && memcmp(&ring, &before, sizeof ring) != 0)
            fail_msg("%s: refused, but the ring is changed", rows[i].name);
        for (size_t j = 0; j < ring.purged_count; j++)
            if ((int)ring.purged[j].number == number)
                fail_msg("%s: the tombstone is still there", rows[i].name);
        if (before.purged_count - ring.purged_count > 1)
            fail_msg("%s: other tombstones are gone", rows[i].name);
    }
}

static void test_retired(void **state)
{
    struct keys_new new = how(NOW + 3600);
    struct keys_error err;
    struct keys_ring ring;

    (void)state;
    make_ring(&ring, "9876543210");
    ring.key[1].lifetime = 5; /* retired, with the key before it still verifying */
    assert_int_equal(keys_rotate(&ring, &new, NOW, &err), -1);
    assert_string_equal(err.text, "no key number is free; key 8 is retired and can be purged");
    assert_int_equal(err.line, 0);
    assert_int_equal(err.sys, 0);
}

static void test_result(void **state)
{
    static const unsigned char zero[KEYS_SECRET_NEW];
    struct keys_ring ring, before;
    struct keys_new new = how(NOW + 3600);
    struct keys_error err;

    (void)state;
    make_ring(&ring, "78");
    bury(&ring, "0", NOW);
    before = ring;
    assert_int_equal(keys_rotate(&ring, &new, NOW, &err), 2);
    assert_int_equal(ring.count, 3);
    assert_int_equal(ring.generation, 42);
    assert_int_equal(ring.updated, NOW);
    assert_string_equal(ring.updated_by, "me@here");
    assert_memory_equal(ring.key, before.key, 2 * sizeof ring.key[0]);
    assert_int_equal(ring.purged_count, 1);
    assert_int_equal(ring.key[2].number, 9);
    assert_int_equal(ring.key[2].algorithm, BV_HMAC_SHA256);
    assert_int_equal(ring.key[2].lifetime, 9);
    assert_int_equal(ring.key[2].created, NOW);
    assert_int_equal(ring.key[2].sign_from, NOW + 3600);
    assert_int_equal(ring.key[2].secret_len, KEYS_SECRET_NEW);
    assert_memory_not_equal(ring.key[2].secret, zero, sizeof zero);
    /* the second time takes the number of the tombstone, and the tombstone */
    new.sign_from++;
    assert_int_equal(keys_rotate(&ring, &new, NOW, &err), 3);
    assert_int_equal(ring.key[3].number, 0);
    assert_int_equal(ring.purged_count, 0);
    assert_memory_not_equal(ring.key[3].secret, ring.key[2].secret, KEYS_SECRET_NEW);
}

static const struct {
    const char *name;
    int64_t newest, sign_from; /* the newest key's start, the new one's */
    unsigned lifetime;
    int64_t generation;
    const char *said; /* "": done */
} starts[] = {
    {"at once", NOW - DAY, NOW, 7, 1, ""},
    {"a second ago", NOW - DAY, NOW - 1, 7, 1, "time that has passed"},
    {"the same second as the signing key", NOW, NOW, 7, 1, "key 3 signs from 2024-10-04T00:00:00Z"},
    {"before a staged key", NOW + 60, NOW + 59, 7, 1, "key 3 is staged and waits until 2024-10-04T00:01:00Z"},
    {"with a staged key", NOW + 60, NOW + 60, 7, 1, "key 3 is staged"},
    {"after a staged key", NOW + 60, NOW + 61, 7, 1, ""},
    {"lifetime 0", NOW - DAY, NOW, 0, 1, "lifetime of 0 days"},
    {"lifetime 1", NOW - DAY, NOW, 1, 1, ""},
    {"lifetime 180", NOW - DAY, NOW, 180, 1, ""},
    {"lifetime 181", NOW - DAY, NOW, 181, 1, "lifetime of 181 days"},
    {"the last generation", NOW - DAY, NOW, 7, KEYS_GENERATION_MAX - 1, ""},
    {"past the last generation", NOW - DAY, NOW, 7, KEYS_GENERATION_MAX, "generation"},
};

static void test_starts(void **state)
{
    struct keys_ring ring, before;
    struct keys_error err;

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct keys_new new = how(starts[i].sign_from);
        bool refused = starts[i].said[0] != '\0';
        new.lifetime = starts[i].lifetime;
        make_ring(&ring, "3");
        ring.key[0].sign_from = starts[i].newest;
        ring.generation = starts[i].generation;
        before = ring;
        err.text[0] = '\0';
        int index = keys_rotate(&ring, &new, NOW, &err);
        if (index != (refused ? -1 : 1) || strstr(err.text, starts[i].said) == NULL)
            fail_msg("%s: %d, \"%s\"", starts[i].name, index, err.text);
        if (refused && memcmp(&ring, &before, sizeof ring) != 0)
            fail_msg("%s: refused, but the ring is changed", starts[i].name);
    }
}

/* Twenty-five rotations with retired keys taken out: all numbers in turn, over and over. */
static void test_round(void **state)
{
    struct keys_ring ring;
    struct keys_error err;

    (void)state;
    make_ring(&ring, "0");
    for (int i = 1; i <= 25; i++) {
        int64_t now = NOW + (int64_t)i * 3 * DAY;
        struct keys_new new = how(now);
        int index = keys_rotate(&ring, &new, now, &err);
        if (index < 0)
            fail_msg("rotation %d: %s", i, err.text);
        assert_int_equal(ring.key[index].number, i % 10);
        assert_int_equal(keys_signing(&ring, now), index);
        if (keys_phase(&ring, 0, now) == KEYS_RETIRED) {
            for (size_t j = 1; j < ring.count; j++)
                ring.key[j - 1] = ring.key[j];
            ring.count--;
        }
    }
    assert_int_equal(ring.generation, 41 + 25);
}

static void test_create(void **state)
{
    struct keys_ring ring, other;
    struct keys_new new = how(NOW + 5);
    struct keys_error err;
    char *text;
    size_t n = 0;

    (void)state;
    assert_int_equal(keys_create(&ring, &new, NOW, &err), 0);
    assert_int_equal(ring.generation, 1);
    assert_int_equal(ring.count, 1);
    assert_int_equal(ring.key[0].number, 0);
    assert_int_equal(ring.key[0].created, NOW);
    assert_int_equal(ring.key[0].sign_from, NOW + 5);
    assert_int_equal(ring.signing_since, NOW + 5);
    assert_int_equal(ring.id[14], '4');
    assert_non_null(strchr("89ab", ring.id[19]));
    text = keys_json_write(&ring, &n, &err);
    assert_non_null(text);
    assert_int_equal(keys_json_read(&other, (struct bv_str){text, n}, &err), 0);
    keys_json_free(text, n);
    assert_int_equal(keys_create(&other, &new, NOW, &err), 0);
    assert_string_not_equal(ring.id, other.id);
    assert_memory_not_equal(ring.key[0].secret, other.key[0].secret, KEYS_SECRET_NEW);
    new.lifetime = 200;
    assert_int_equal(keys_create(&other, &new, NOW, &err), -1);
    assert_int_equal(other.count, 0);
    assert_int_equal(other.id[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_retired), cmocka_unit_test(test_result),
        cmocka_unit_test(test_starts),  cmocka_unit_test(test_round),   cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

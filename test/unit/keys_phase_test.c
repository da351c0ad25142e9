#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"

enum { DAY = 86400, A = 1000 * DAY, B = A + 30 * DAY, C = B + 3600 };

static const unsigned char secret[3][KEYS_SECRET_NEW] = {"first", "second", "third"};

/* Key 8 signs from A, 9 from B, 0 from C; lifetimes 7, 180, 1. */
static void make_ring(struct keys_ring *ring)
{
    static const int64_t from[] = {A, B, C};
    static const unsigned lifetime[] = {7, 180, 1};

    memset(ring, 0, sizeof *ring);
    ring->count = 3;
    for (size_t i = 0; i < 3; i++) {
        ring->key[i].number = (unsigned)(8 + i) % 10;
        ring->key[i].algorithm = i == 1 ? BV_HMAC_SHA256 : BV_HMAC_SHA1;
        ring->key[i].lifetime = lifetime[i];
        ring->key[i].sign_from = from[i];
        ring->key[i].secret_len = KEYS_SECRET_NEW;
        memcpy(ring->key[i].secret, secret[i], KEYS_SECRET_NEW);
    }
}

static const struct {
    const char *name;
    int64_t now;
    const char *phase[3];
    int signing; /* index */
} rows[] = {
    {"long before", 0, {"staged", "staged", "staged"}, -1},
    {"a second before the first", A - 1, {"staged", "staged", "staged"}, -1},
    {"the first begins", A, {"signing", "staged", "staged"}, 0},
    {"a second before the second", B - 1, {"signing", "staged", "staged"}, 0},
    {"the second begins", B, {"verifying", "signing", "staged"}, 1},
    {"a second before the third", C - 1, {"verifying", "signing", "staged"}, 1},
    {"the third begins", C, {"verifying", "verifying", "signing"}, 2},
    {"the first's last second", B + 9 * DAY, {"verifying", "verifying", "signing"}, 2},
    {"the first retires", B + 9 * DAY + 1, {"retired", "verifying", "signing"}, 2},
    {"the second's last second", C + 182 * DAY, {"retired", "verifying", "signing"}, 2},
    {"the second retires", C + 182 * DAY + 1, {"retired", "retired", "signing"}, 2},
    {"the third has no successor", INT64_C(253402300799), {"retired", "retired", "signing"}, 2},
};

static void test_phases(void **state)
{
    struct keys_ring ring;

    (void)state;
    make_ring(&ring);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (size_t i = 0; i < ring.count; i++) {
            const char *word = keys_phase_word(keys_phase(&ring, i, rows[r].now));
            if (strcmp(word, rows[r].phase[i]) != 0)
                fail_msg("%s: key %zu is %s", rows[r].name, i, word);
        }
        if (keys_signing(&ring, rows[r].now) != rows[r].signing)
            fail_msg("%s: %d signs", rows[r].name, keys_signing(&ring, rows[r].now));
    }
}

/* keys_at() must agree with the phases, entry by entry. */
static void test_at(void **state)
{
    struct keys_ring ring;
    struct keys_macs macs;
    struct bv_keys at;

    (void)state;
    make_ring(&ring);
    assert_int_equal(keys_macs_init(&macs, &ring), 0);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        memset(&at, 0xff, sizeof at);
        const struct bv_key *signing = keys_at(&at, &ring, &macs, rows[r].now);
        const struct bv_key *want =
            rows[r].signing < 0 ? NULL : &at.by_number[ring.key[rows[r].signing].number];
        if (signing != want || at.decoy != &macs.mac[0])
            fail_msg("%s: another key signs", rows[r].name);
        for (size_t i = 0; i < ring.count; i++) {
            const struct bv_key *key = &at.by_number[ring.key[i].number];
            bool retired = strcmp(rows[r].phase[i], "retired") == 0;
            if (key->mac != &macs.mac[i] || key->number != ring.key[i].number ||
                key->lifetime != ring.key[i].lifetime || key->honoured == retired)
                fail_msg("%s: key %zu", rows[r].name, i);
        }
        for (unsigned number = 1; number < 8; number++)
            assert_null(at.by_number[number].mac);
    }
    keys_macs_free(&macs);
    keys_macs_free(&macs);
}

static void test_empty(void **state)
{
    struct keys_ring ring = {0};
    struct keys_macs macs;
    struct bv_keys at;

    (void)state;
    assert_int_equal(keys_macs_init(&macs, &ring), 0);
    assert_null(keys_at(&at, &ring, &macs, A));
    assert_null(at.decoy);
    assert_int_equal(keys_signing(&ring, A), -1);
    assert_int_equal(keys_find(&ring, 0), -1);
    keys_macs_free(&macs);
}

static void test_times(void **state)
{
    struct keys_ring ring;
    struct keys_times times;

    (void)state;
    make_ring(&ring);
    keys_times(&times, &ring, 0);
    assert_int_equal(times.signs_from, A);
    assert_int_equal(times.signs_until, B);
    assert_int_equal(times.verifies_until, B + 9 * DAY);
    assert_int_equal(times.purgeable_from, B + 9 * DAY);
    keys_times(&times, &ring, 2);
    assert_int_equal(times.signs_from, C);
    assert_true(times.signs_until == KEYS_UNKNOWN);
    assert_true(times.verifies_until == KEYS_UNKNOWN);
    assert_true(times.purgeable_from == KEYS_UNKNOWN);
}

static void test_lookup(void **state)
{
    struct keys_ring ring;

    (void)state;
    make_ring(&ring);
    ring.purged_count = 1;
    ring.purged[0] = (struct keys_tombstone){.number = 3, .purged = A, .reusable = B};
    assert_int_equal(keys_find(&ring, 8), 0);
    assert_int_equal(keys_find(&ring, 0), 2);
    assert_int_equal(keys_find(&ring, 3), -1);
    assert_false(keys_number_free(&ring, 8, C));
    assert_true(keys_number_free(&ring, 1, C));
    assert_false(keys_number_free(&ring, 3, B - 1));
    assert_true(keys_number_free(&ring, 3, B));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases), cmocka_unit_test(test_at),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_times),  cmocka_unit_test(test_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

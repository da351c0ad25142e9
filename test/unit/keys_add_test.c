#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <cmocka.h>

#include "test/unit/keys_make.h"

static struct keys_key make_key(unsigned number, int64_t sign_from)
{
    struct keys_key key = {.number = number, .lifetime = 7, .sign_from = sign_from, .secret_len = 20};

    memcpy(key.secret, "a secret from abroad", 20);
    return key;
}

/* The phase of each key afterwards: S(taged), s(igning), v(erifying), r(etired). */
static const struct {
    const char *name, *ring;
    unsigned number;
    int64_t from; /* seconds from NOW */
    const char *after, *phases, *said;
} rows[] = {
    {"at once", "3@-20", 5, 0, "3 5 |", "vs", ""},
    {"later", "3@-20", 5, 3600, "3 5 |", "sS", ""},
    {"behind a staged one", "3@-20 4@1", 5, 2 * DAY, "3 4 5 |", "sSS", ""},
    {"before a staged one", "3@-20 4@1", 5, 3600, "3 5 4 |", "sSS", ""},
    {"to verify only", "3@-5", 5, -6 * DAY, "5 3 |", "vs", ""},
    {"to verify only, in the last second", "3@-777600s", 5, -20 * DAY, "5 3 |", "vs", ""},
    {"too old to verify", "3@-777601s", 5, -20 * DAY, "5 3 |", "rs", ""},
    {"between retired ones", "3@-90 4@-80 6@-5", 5, -85 * DAY, "3 5 4 6 |", "rrvs", ""},
    {"behind a retired one", "3@-90 4@-50", 5, -60 * DAY, "3 5 4 |", "rrs", ""},
    {"a day ago, instead of the signing one", "3@-20", 5, -DAY, "3 5 |", "vs", ""},
    {"more than a day ago", "3@-20", 5, -DAY - 1, "", "",
     "tags that key 3 made are alive, and would be refused; let the new key begin before 2024-09-14T00:00:00Z, "
     "or "
     "not before 2024-10-03T00:00:00Z"},
    {"a day before the end of a verifying one", "3@-20 4@-5", 5, -6 * DAY, "3 5 4 |", "vvs", ""},
    {"more than that before it", "3@-20 4@-5", 5, -6 * DAY - 1, "", "",
     "before 2024-09-14T00:00:00Z, or not before 2024-09-28T00:00:00Z"},
    {"with a future end of the signing one", "3@-20 4@5", 5, -DAY, "3 5 4 |", "vsS", ""},
    {"with a future end, too early", "3@-20 4@5", 5, -DAY - 1, "", "", "key 3 made are alive"},
    {"the second of the signing key", "3@-20", 5, -20 * DAY, "", "",
     "key 3 signs from 2024-09-14T00:00:00Z; two keys cannot"},
    {"the second of a staged key", "3@-20 4@1", 5, DAY, "", "",
     "key 4 signs from 2024-10-05T00:00:00Z; two keys"},
    {"the second of a retired key", "2@-80 3@-20", 5, -80 * DAY, "", "", "key 2 signs from"},
    {"a number in use", "3@-20", 3, 0, "", "", "another key has the number 3"},
    {"the number of a purged key", "3@-20 x5@1s", 5, 0, "", "", "free again from 2024-10-04T00:00:01Z"},
    {"the number of a purged key, free again", "3@-20 x5@0 x6@9", 5, 0, "3 5 | 6:777600", "vs", ""},
    {"number 10", "3@-20", 10, 0, "", "", "a key's number is a digit"},
    {"the tenth", "0@-9 1@-8 2@-7 3@-6 4@-5 5@-4 6@-3 7@-2 8@-1", 9, 0, "0 1 2 3 4 5 6 7 8 9 |", "vvvvvvvvvs",
     ""},
    {"the eleventh", "0@-9 1@-8 2@-7 3@-6 4@-5 5@-4 6@-3 7@-2 8@-1 9@0", 9, 1, "", "", "has 10 keys"},
};

static void test_rows(void **state)
{
    char after[DESCRIPTION], phases[KEYS_MAX + 1];
    struct keys_ring ring, before;
    struct keys_error err;

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct keys_key key = make_key(rows[r].number, NOW + rows[r].from);
        make_ring(&ring, rows[r].ring);
        before = ring;
        err.text[0] = '\0';
        int index = keys_add(&ring, &key, "me@here", NOW, &err);
        if (strstr(err.text, rows[r].said) == NULL)
            fail_msg("%s: \"%s\"", rows[r].name, err.text);
        if (rows[r].said[0] != '\0') {
            if (index != -1 || memcmp(&ring, &before, sizeof ring) != 0)
                fail_msg("%s: %d, or the ring is changed", rows[r].name, index);
            continue;
        }
        describe(after, &ring);
        for (size_t i = 0; i <= ring.count; i++)
            phases[i] = i == ring.count ? '\0' : "sSvr"[keys_phase(&ring, i, NOW)];
        if (strcmp(after, rows[r].after) != 0 || strcmp(phases, rows[r].phases) != 0)
            fail_msg("%s: %s, %s, \"%s\"", rows[r].name, after, phases, err.text);
        if (index != keys_find(&ring, rows[r].number) || ring.key[index].created != NOW)
            fail_msg("%s: index %d", rows[r].name, index);
        expect_stamp(rows[r].name, &ring, &before, NOW);
    }
}

static void test_refused(void **state)
{
    struct keys_ring ring, before;
    struct keys_error err;
    struct keys_key key;

    (void)state;
    make_ring(&ring, "3@-20");
    before = ring;
    key = make_key(5, NOW);
    key.lifetime = 0;
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    assert_string_equal(err.text, "a lifetime of 0 days is not in 1..180");
    key.lifetime = 181;
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    key = make_key(5, NOW);
    key.secret_len = 0;
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    key.secret_len = KEYS_SECRET_MAX + 1;
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    key = make_key(5, NOW);
    strcpy(key.comment, "bell\a");
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    assert_string_equal(err.text, "the comment holds a control character");
    assert_true(same_rings(&ring, &before));
    ring.generation = KEYS_GENERATION_MAX;
    key = make_key(5, NOW);
    assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), -1);
    assert_non_null(strstr(err.text, "generation"));
}

#define K20 "kkkkkkkkkkkkkkkkkkkk"
#define K80 K20 K20 K20 K20

/* Python: hmac.new(secret, text.encode(), hashlib.sha1).hexdigest()[:6], and sha256. */
static const struct {
    const char *secret;
    size_t n, stored;
    enum bv_algorithm algorithm;
    const char *text;
    unsigned char mac[BV_MAC_OCTETS];
    const char *fingerprint; /* hashlib.sha256(secret.ljust(16, b"\0")).hexdigest()[:8] */
} vectors[] = {
    {"secret", 6, 16, BV_HMAC_SHA1, "0785userx@test.ex", {0x3a, 0x09, 0xe4}, "bd9a9f39"},
    {"secret", 6, 16, BV_HMAC_SHA1, "1785userx@test.ex", {0x14, 0xcf, 0x67}, "bd9a9f39"},
    {"secret", 6, 16, BV_HMAC_SHA1, "8003userx@test.ex", {0x66, 0xd0, 0xa6}, "bd9a9f39"},
    {"secret", 6, 16, BV_HMAC_SHA256, "0785userx@test.ex", {0xe3, 0x2c, 0x64}, "bd9a9f39"},
    {"x", 1, 16, BV_HMAC_SHA1, "0785userx@test.ex", {0xa1, 0xe2, 0x07}, "bb59f1c0"},
    {"0123456789abcde", 15, 16, BV_HMAC_SHA1, "0785userx@test.ex", {0x9e, 0x3e, 0x89}, "bc6f81e9"},
    {"0123456789abcdef", 16, 16, BV_HMAC_SHA1, "0785userx@test.ex", {0x79, 0xc2, 0x0f}, "9f9f5111"},
    {"sec\0ret", 7, 16, BV_HMAC_SHA256, "0785userx@test.ex", {0x84, 0x6f, 0xe3}, "adfa81ea"},
    {K80, 80, 80, BV_HMAC_SHA1, "0785alice@example.com", {0x9e, 0x2a, 0xd5}, "66edbde8"},
};

static void test_padding(void **state)
{
    unsigned char mac[BV_MAC_OCTETS];
    char fingerprint[KEYS_FINGERPRINT + 1], *text;
    struct keys_ring ring, again;
    struct keys_error err;
    struct bv_mac m;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct keys_key key = {.number = 5, .lifetime = 7, .sign_from = NOW, .algorithm = vectors[i].algorithm};
        make_ring(&ring, "3@-20");
        key.secret_len = vectors[i].n;
        memset(key.secret, 0xee, sizeof key.secret); /* what stands behind the secret must not get in */
        memcpy(key.secret, vectors[i].secret, vectors[i].n);
        assert_int_equal(keys_add(&ring, &key, "me@here", NOW, &err), 1);
        text = keys_json_write(&ring, &n, &err);
        assert_non_null(text);
        assert_int_equal(keys_json_read(&again, (struct bv_str){text, n}, &err), 0);
        keys_json_free(text, n);
        assert_int_equal(again.key[1].secret_len, vectors[i].stored);
        assert_int_equal(bv_mac_init(&m, again.key[1].algorithm, again.key[1].secret, again.key[1].secret_len),
                         0);
        assert_int_equal(bv_mac_compute(&m, mac, bv_str(vectors[i].text)), 0);
        bv_mac_free(&m);
        assert_int_equal(keys_fingerprint(fingerprint, &again.key[1]), 0);
        if (memcmp(mac, vectors[i].mac, sizeof mac) != 0 || strcmp(fingerprint, vectors[i].fingerprint) != 0)
            fail_msg("vector %zu: %02x%02x%02x, fingerprint %s", i, mac[0], mac[1], mac[2], fingerprint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

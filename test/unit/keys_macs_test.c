#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"

/*
 * Made with Python: hmac.new(secret, text, hashlib.sha1).digest()[:3], and
 * sha256 for key 4; hashlib.sha256(secret).hexdigest()[:8].
 */
static const struct {
    unsigned number;
    const char *text;
    unsigned char mac[BV_MAC_OCTETS];
    const char *fingerprint;
} vectors[] = {
    {3, "0999alice@example.com", {0xe9, 0xad, 0xbe}, "3eb1bd43"},
    {4, "4785userx@test.ex", {0x20, 0xdc, 0x67}, "f39dac6c"},
};

static void test_vectors(void **state)
{
    unsigned char mac[BV_MAC_OCTETS];
    char fingerprint[KEYS_FINGERPRINT + 1];
    struct keys_ring ring;
    struct keys_macs macs;
    struct keys_error err;
    struct bv_keys at;

    (void)state;
    assert_int_equal(keys_json_read(&ring, bv_str(SAMPLE), &err), 0);
    assert_int_equal(keys_macs_init(&macs, &ring), 0);
    keys_at(&at, &ring, &macs, ring.updated);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
            struct bv_mac *m = at.by_number[vectors[i].number].mac;
            assert_non_null(m);
            assert_int_equal(bv_mac_compute(m, mac, bv_str(vectors[i].text)), 0);
            assert_memory_equal(mac, vectors[i].mac, sizeof mac);
            int index = keys_find(&ring, vectors[i].number);
            assert_true(index >= 0);
            assert_int_equal(keys_fingerprint(fingerprint, &ring.key[index]), 0);
            assert_string_equal(fingerprint, vectors[i].fingerprint);
        }
    }
    keys_macs_free(&macs);
}

/* What a signer and a verifier with the same ring make of each other. */
static void test_sign_and_verify(void **state)
{
    char tagged[BV_TAGGED];
    struct keys_ring ring;
    struct keys_macs macs;
    struct keys_error err;
    struct bv_keys at;
    struct bv_addr a;
    struct bv_result result;

    (void)state;
    assert_int_equal(keys_json_read(&ring, bv_str(SAMPLE), &err), 0);
    assert_int_equal(keys_macs_init(&macs, &ring), 0);
    const struct bv_key *signing = keys_at(&at, &ring, &macs, ring.updated);
    assert_non_null(signing);
    assert_int_equal(signing->number, 3);
    bv_addr_read(&a, bv_str("User@example.com"));
    assert_int_equal(bv_sign(tagged, &a, signing, BV_PREFIX, bv_day(ring.updated)), BV_TAGGABLE);
    bv_addr_read(&a, bv_str(tagged));
    bv_verify(&result, &a, &at, bv_day(ring.updated));
    assert_int_equal(result.status, BV_VALID);
    /* key 4 takes over; nine days after that key 3 is forgotten */
    keys_at(&at, &ring, &macs, ring.key[1].sign_from + 9 * BV_DAY_SECONDS + 1);
    bv_verify(&result, &a, &at, bv_day(ring.updated));
    assert_int_not_equal(result.status, BV_VALID);
    keys_macs_free(&macs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_sign_and_verify)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"

#define T50          "tttttttttttttttttttttttttttttttttttttttttttttttttt"
#define T200         T50 T50 T50 T50
#define B64          "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define SEVEN(text)  text text text text text text text
#define TWELVE(text) text text text text text text text text text text text text
#define B64_252      TWELVE(SEVEN("MDEy")) /* 252 octets */

static void read_good(struct keys_ring *ring, const char *name, const char *text)
{
    struct keys_error err;

    if (keys_json_read(ring, bv_str(text), &err) != 0)
        fail_msg("%s: %d:%d: %s", name, err.line, err.column, err.text);
}

static void test_good(void **state)
{
    struct keys_ring ring;

    (void)state;
    read_good(&ring, "the sample", SAMPLE);
    assert_string_equal(ring.id, "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab");
    assert_int_equal(ring.generation, 7);
    assert_int_equal(ring.updated, 1795262400);
    assert_string_equal(ring.updated_by, "root@gw1");
    assert_int_equal(ring.signing_since, 1793491200);
    assert_false(ring.checksummed);
    assert_int_equal(ring.count, 2);
    assert_int_equal(ring.key[0].number, 3); /* older, though it comes second */
    assert_int_equal(ring.key[0].algorithm, BV_HMAC_SHA1);
    assert_int_equal(ring.key[0].lifetime, 7);
    assert_int_equal(ring.key[0].secret_len, 32);
    assert_memory_equal(ring.key[0].secret, "0123456789abcdef0123456789abcdef", 32);
    assert_int_equal(ring.key[0].created, 1793491200);
    assert_int_equal(ring.key[0].sign_from, 1793491200);
    assert_string_equal(ring.key[0].comment, "");
    assert_int_equal(ring.key[1].number, 4);
    assert_int_equal(ring.key[1].algorithm, BV_HMAC_SHA256);
    assert_int_equal(ring.key[1].lifetime, 180);
    assert_int_equal(ring.key[1].secret_len, 16);
    assert_memory_equal(ring.key[1].secret, "abcdefghijklmnop", 16);
    assert_int_equal(ring.key[1].created, 1795161600);
    assert_int_equal(ring.key[1].sign_from, 1795266000);
    assert_string_equal(ring.key[1].comment, "gr\xc3\xbcn / \"x\" \\ \xf0\x9f\x98\x80 <&>");
    assert_int_equal(ring.purged_count, 2);
    assert_int_equal(ring.purged[0].number, 0);
    assert_int_equal(ring.purged[0].reusable, 1796083200);
    assert_int_equal(ring.purged[1].number, 2);
    assert_int_equal(ring.purged[1].purged, 1795132800);
}

static void test_edges(void **state)
{
    static const struct {
        const char *name, *from, *to;
    } good[] = {
        {"no tombstones", ",\n" SAMPLE_PURGED, ""},
        {"an empty list of tombstones", SAMPLE_PURGED, "\"purged\":[]"},
        {"one key", SAMPLE_KEY4 ",\n", ""},
        {"updated_by empty", "root@gw1", ""},
        {"updated_by of 200 octets", "root@gw1", T200},
        {"upper-case id", "6f1c2d3e", "6F1C2D3E"},
        {"generation 1", "\"generation\":7", "\"generation\":1"},
        {"generation 10^15", "\"generation\":7", "\"generation\":1000000000000000"},
        {"lifetime 1", "\"lifetime_days\":7", "\"lifetime_days\":1"},
        {"number 0", "\"number\":0", "\"number\":1"},
        {"number 9", "\"number\":3", "\"number\":9"},
        {"secret of 256 octets", B64, B64_252 "MDEyMA=="},
        {"the right checksum", "\"version\":1", "\"version\":1,\"checksum\":\"sha256:" SAMPLE_SUM "\""},
    };
    char text[SAMPLE_SIZE];
    struct keys_ring ring;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!sample_edit(text, SAMPLE, good[i].from, good[i].to))
            fail_msg("%s: the sample does not hold %s", good[i].name, good[i].from);
        read_good(&ring, good[i].name, text);
        assert_true(ring.checksummed == (strstr(text, "checksum") != NULL));
    }
}

/* Everything that a file says must come back, in any order that it was in. */
static void test_round_trip(void **state)
{
    struct keys_ring ring, again;
    struct keys_error err;
    size_t n = 0, m = 0;
    char *text, *text2;

    (void)state;
    read_good(&ring, "the sample", SAMPLE);
    text = keys_json_write(&ring, &n, &err);
    assert_non_null(text);
    assert_int_equal(strlen(text), n);
    assert_string_equal(text + n - 3, "\n}\n");
    read_good(&again, "what was written", text);
    assert_true(again.checksummed);
    again.checksummed = false;
    assert_memory_equal(&again, &ring, sizeof ring);
    text2 = keys_json_write(&again, &m, &err);
    assert_non_null(text2);
    assert_string_equal(text2, text);
    keys_json_free(text, n);
    keys_json_free(text2, m);
    keys_json_free(NULL, 0);
}

#define WRITTEN_SECRET "\"secret\": \"" B64 "\","

/* The members in the order of the manual, and the secret as it came. */
static void test_order(void **state)
{
    static const char *const order[] = {"{\n  \"format\": \"bv-keyring\",\n",
                                        "\"version\": 1,",
                                        "\"id\": \"6f1c",
                                        "\"generation\": 7,",
                                        "\"updated\": \"2026",
                                        "\"updated_by\"",
                                        "\"signing_since\"",
                                        "\"keys\": [",
                                        "\"number\": 3,",
                                        "\"algorithm\"",
                                        WRITTEN_SECRET,
                                        "\"lifetime_days\": 7,",
                                        "\"created\"",
                                        "\"sign_from\"",
                                        "\"comment\": \"\"",
                                        "\"number\": 4,",
                                        "\"purged\": [",
                                        "\"number\": 0,",
                                        "\"purged\": \"2026",
                                        "\"reusable\"",
                                        "\"checksum\": \"sha256:"};
    struct keys_ring ring;
    struct keys_error err;
    const char *at;
    size_t n = 0;
    char *text;

    (void)state;
    read_good(&ring, "the sample", SAMPLE);
    text = keys_json_write(&ring, &n, &err);
    assert_non_null(text);
    at = text;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(at, order[i]);
        if (at == NULL)
            fail_msg("%s is not where it should be", order[i]);
        at += strlen(order[i]);
    }
    keys_json_free(text, n);
}

/* Secrets of every length: each remainder of three, both ends of the range. */
static void test_secret_lengths(void **state)
{
    struct keys_ring ring, again;
    struct keys_error err;

    (void)state;
    read_good(&ring, "the sample", SAMPLE);
    for (size_t length = KEYS_SECRET_MIN; length <= KEYS_SECRET_MAX; length++) {
        size_t n = 0;
        ring.key[0].secret_len = length;
        memset(ring.key[0].secret, 0, KEYS_SECRET_MAX);
        for (size_t i = 0; i < length; i++)
            ring.key[0].secret[i] = (unsigned char)(255 - i * 7);
        char *text = keys_json_write(&ring, &n, &err);
        assert_non_null(text);
        read_good(&again, "a secret", text);
        assert_memory_equal(&again.key[0], &ring.key[0], sizeof ring.key[0]);
        keys_json_free(text, n);
    }
}

static void test_write_refuses(void **state)
{
    struct keys_ring ring;
    struct keys_error err;
    size_t n = 0;

    (void)state;
    read_good(&ring, "the sample", SAMPLE);
    strcpy(ring.key[0].comment, "no UTF-8: \xff");
    assert_null(keys_json_write(&ring, &n, &err));
    assert_non_null(strstr(err.text, "UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),           cmocka_unit_test(test_edges),
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_order),
        cmocka_unit_test(test_secret_lengths), cmocka_unit_test(test_write_refuses),
    };
    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

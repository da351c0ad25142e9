#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bv/bv.h"

static struct bv_mac mac;

/* A set with one key, number and lifetime as given. */
static struct bv_keys one_key(unsigned number, unsigned lifetime)
{
    struct bv_keys keys = {.decoy = &mac};

    keys.by_number[number] = (struct bv_key){number, lifetime, true, &mac};
    return keys;
}

static void set_secret(enum bv_algorithm algorithm, const void *secret, size_t n)
{
    bv_mac_free(&mac);
    assert_int_equal(bv_mac_init(&mac, algorithm, secret, n), 0);
}

static int teardown(void **state)
{
    (void)state;
    bv_mac_free(&mac);
    return 0;
}

static struct bv_result judge(const char *text, const struct bv_keys *keys, long today)
{
    static struct bv_addr a; /* the result borrows from it */
    struct bv_result r;

    bv_addr_read(&a, bv_str(text));
    bv_verify(&r, &a, keys, today);
    return r;
}

static enum bv_tagging sign(char dst[BV_TAGGED], const char *text, unsigned number, unsigned lifetime,
                            long today)
{
    struct bv_addr a;
    struct bv_key key = {number, lifetime, true, &mac};

    bv_addr_read(&a, bv_str(text));
    return bv_sign(dst, &a, &key, BV_PREFIX, today);
}

static size_t from_hex(unsigned char *dst, size_t size, const char *hex)
{
    size_t n = 0;
    unsigned octet;

    for (; n < size && sscanf(hex + 2 * n, "%2x", &octet) == 1; n++)
        dst[n] = (unsigned char)octet;
    return n;
}

/* One row of prvs.tsv: signs to the tag given, and the tag is valid on its days and no others. */
static void check_vector(char *line)
{
    char *save = NULL, dst[BV_TAGGED];
    char *name = strtok_r(line, "\t\n", &save), *word = strtok_r(NULL, "\t\n", &save);
    char *hex = strtok_r(NULL, "\t\n", &save), *number = strtok_r(NULL, "\t\n", &save);
    char *day = strtok_r(NULL, "\t\n", &save), *address = strtok_r(NULL, "\t\n", &save);
    char *tagged = strtok_r(NULL, "\t\n", &save);
    unsigned char secret[256];
    enum bv_algorithm algorithm;

    assert_non_null(tagged);
    assert_true(bv_algorithm_from_word(&algorithm, bv_str(word)));
    set_secret(algorithm, secret, from_hex(secret, sizeof secret, hex));
    unsigned k = (unsigned)atoi(number);
    long expiry = atol(day);
    struct bv_keys keys = one_key(k, 7);
    assert_int_equal(sign(dst, address, k, 7, expiry - 7), BV_TAGGABLE);
    if (strcmp(dst, tagged) != 0)
        fail_msg("%s: signed \"%s\", expected \"%s\"", name, dst, tagged);
    for (long today = expiry - 9; today <= expiry + 2; today++) {
        enum bv_status want = today >= expiry - 8 && today <= expiry ? BV_VALID : BV_EXPIRED;
        struct bv_result r = judge(tagged, &keys, today);
        if (r.status != want)
            fail_msg("%s: %s on day %ld, expiry %ld", name, bv_status_word(r.status), today, expiry);
        if (want == BV_VALID)
            assert_int_equal(r.expires, expiry);
    }
}

static void test_vectors(void **state)
{
    char line[2048];
    int count = 0;
    FILE *f = fopen("test/vectors/prvs.tsv", "r");

    (void)state;
    if (f == NULL)
        fail_msg("test/vectors/prvs.tsv: cannot be opened; run from the top of the source tree");
    for (; fgets(line, sizeof line, f) != NULL; count++)
        check_vector(line);
    fclose(f);
    assert_true(count > 150);
}

/* The table of the specification, letter by letter. */
static void test_spec_vectors(void **state)
{
    static const char secret[] = "secret";
    char k80[80], dst[BV_TAGGED];
    struct bv_keys keys = one_key(0, 7);

    (void)state;
    set_secret(BV_HMAC_SHA1, secret, 6);
    assert_int_equal(sign(dst, "userx@test.ex", 0, 7, 20778), BV_TAGGABLE);
    assert_string_equal(dst, "prvs=07853a09e4=userx@test.ex");
    sign(dst, "userx@test.ex", 1, 7, 20778);
    assert_string_equal(dst, "prvs=178514cf67=userx@test.ex");
    sign(dst, "userx@test.ex", 8, 7, 20996);
    assert_string_equal(dst, "prvs=800366d0a6=userx@test.ex");
    sign(dst, "userx@test.ex", 0, 7, 20992);
    assert_string_equal(dst, "prvs=0999fb7905=userx@test.ex");
    for (long today = 20980; today < 21010; today++)
        assert_int_equal(judge(dst, &keys, today).status,
                         today >= 20991 && today <= 20999 ? BV_VALID : BV_EXPIRED);
    sign(dst, "userx@test.ex", 0, 7, 20996);
    assert_string_equal(dst, "prvs=00039f39ae=userx@test.ex");
    for (long today = 20980; today < 21010; today++)
        assert_int_equal(judge(dst, &keys, today).status,
                         today >= 20995 && today <= 21003 ? BV_VALID : BV_EXPIRED);
    set_secret(BV_HMAC_SHA1, "0123456789abcdef0123456789abcdef", 32);
    sign(dst, "alice@example.com", 0, 7, 20992);
    assert_string_equal(dst, "prvs=0999e9adbe=alice@example.com");
    memset(k80, 0, sizeof k80);
    set_secret(BV_HMAC_SHA1, k80, 20);
    sign(dst, "a@b.example", 0, 7, 20993);
    assert_string_equal(dst, "prvs=00004234fb=a@b.example");
    memset(k80, 'k', sizeof k80);
    set_secret(BV_HMAC_SHA1, k80, 80);
    sign(dst, "alice@example.com", 0, 7, 20778);
    assert_string_equal(dst, "prvs=07859e2ad5=alice@example.com");
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *name, *arg;
        enum bv_status want;
        int key;
    } rows[] = {
        {"valid", "prvs=07853a09e4=userx@test.ex", BV_VALID, 0},
        {"tag word in capitals", "PRVS=07853a09e4=userx@test.ex", BV_VALID, 0},
        {"hex in capitals", "prvs=07853A09E4=userx@test.ex", BV_VALID, 0},
        {"all in capitals", "PRVS=07853A09E4=USERX@TEST.EX", BV_VALID, 0},
        {"local part in capitals", "prvs=07853a09e4=USERX@test.ex", BV_VALID, 0},
        {"quotes", "\"prvs=07853a09e4=userx\"@test.ex", BV_VALID, 0},
        {"quoted pair", "\"pr\\vs=07853a09e4=userx\"@test.ex", BV_VALID, 0},
        {"source route", "<@a.example,@b.example:prvs=07853a09e4=userx@test.ex>", BV_VALID, 0},
        {"comments", "(c)prvs=07853a09e4=userx(c)@test.ex", BV_VALID, 0},
        {"trailing dot", "<prvs=07853a09e4=userx@test.ex.>", BV_VALID, 0},
        {"blanks", " <prvs=07853a09e4=userx@test.ex> ", BV_VALID, 0},
        {"sub-address", "userx+prvs=07853a09e4@test.ex", BV_VALID, 0},
        {"sub-address with -", "userx-prvs=07853a09e4@test.ex", BV_VALID, 0},
        {"signed over the exact spelling", "prvs=0785a59eb0=UserX@Test.EX", BV_VALID, 0},
        {"the exact spelling lost", "prvs=0785a59eb0=userx@test.ex", BV_FORGED, 0},
        {"other user", "prvs=07853a09e4=usery@test.ex", BV_FORGED, 0},
        {"other domain", "prvs=07853a09e4=userx@test.example", BV_FORGED, 0},
        {"detail added", "prvs=07853a09e4=userx+a@test.ex", BV_FORGED, 0},
        {"other day", "prvs=07863a09e4=userx@test.ex", BV_FORGED, 0},
        {"no domain", "prvs=07853a09e4=userx", BV_FORGED, 0},
        {"old and forged is forged", "prvs=01003a09e4=userx@test.ex", BV_FORGED, 0},
        {"double tag", "prvs=07853a09e4=prvs=07853a09e4=userx@test.ex", BV_FORGED, 0},
        {"percent is part of the local part", "prvs=07853a09e4=userx%test.ex@relay.example", BV_FORGED, 0},
        {"expired", "prvs=0777b7c5c0=userx@test.ex", BV_EXPIRED, 0},
        {"too far ahead", "prvs=0787c97471=userx@test.ex", BV_EXPIRED, 0},
        {"unknown key", "prvs=178514cf67=userx@test.ex", BV_UNKNOWN_KEY, 1},
        {"key 9", "prvs=97853a09e4=userx@test.ex", BV_UNKNOWN_KEY, 9},
        {"broken", "prvs=userx@test.ex", BV_MALFORMED, -1},
        {"user before tag", "prvs=userx=07853a09e4@test.ex", BV_MALFORMED, -1},
        {"broken and quoted", "\"prvs=a b\"@test.ex", BV_MALFORMED, -1},
        {"broken and UTF-8", "prvs=\xc3\xbc@test.ex", BV_MALFORMED, -1},
        {"two ats behind the tag", "prvs=07853a09e4=userx@x@test.ex", BV_FORGED, 0},
        {"two ats", "userx@test.ex@test.ex", BV_UNTAGGED, -1},
        {"a name before the brackets", "<x <userx@test.ex>>", BV_UNTAGGED, -1},
        {"two routes", "<@a:@b:userx@test.ex>", BV_UNTAGGED, -1},
        {"a comma", "userx,a@test.ex", BV_UNTAGGED, -1},
        {"ill-formed and UTF-8", "<x <\xc3\xbc@test.ex>>", BV_UNTAGGED, -1},
        {"untagged", "userx@test.ex", BV_UNTAGGED, -1},
        {"unreadable", "userx@", BV_UNTAGGED, -1},
        {"no domain, no tag", "postmaster", BV_UNTAGGED, -1},
        {"quoted", "\"a b\"@test.ex", BV_NOT_TAGGABLE, -1},
        {"SRS0", "SRS0=ab=cd=o.example=u@test.ex", BV_NOT_TAGGABLE, -1},
        {"btv1", "btv1==07853a09e4==userx@test.ex", BV_NOT_TAGGABLE, -1},
        {"49 octets", "1234567890123456789012345678901234567890123456789@test.ex", BV_NOT_TAGGABLE, -1},
        {"UTF-8", "b\xc3\xbc@test.ex", BV_NOT_TAGGABLE, -1},
    };

    (void)state;
    set_secret(BV_HMAC_SHA1, "secret", 6);
    struct bv_keys keys = one_key(0, 7);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bv_result r = judge(rows[i].arg, &keys, 20778);
        if (r.status != rows[i].want || r.key != rows[i].key)
            fail_msg("%s: %s, key %d", rows[i].name, bv_status_word(r.status), r.key);
    }
    static char huge[4200] = "prvs=07853a09e4=";
    memset(huge + BV_TAG_OCTETS, 'a', 4096);
    strcpy(huge + BV_TAG_OCTETS + 4096, "@test.ex");
    assert_int_equal(judge(huge, &keys, 20778).status, BV_MALFORMED);
    assert_int_equal(judge(huge + BV_TAG_OCTETS, &keys, 20778).status, BV_NOT_TAGGABLE);
}

static void test_retired_and_empty(void **state)
{
    struct bv_keys none = {.decoy = NULL};

    (void)state;
    set_secret(BV_HMAC_SHA1, "secret", 6);
    struct bv_keys keys = one_key(0, 7);
    keys.by_number[0].honoured = false;
    struct bv_result r = judge("prvs=07853a09e4=userx@test.ex", &keys, 20778);
    assert_int_equal(r.status, BV_EXPIRED); /* whatever its day says */
    r = judge("prvs=07853a09e5=userx@test.ex", &keys, 20778);
    assert_int_equal(r.status, BV_FORGED);
    r = judge("prvs=07853a09e4=userx@test.ex", &none, 20778);
    assert_int_equal(r.status, BV_UNKNOWN_KEY);
}

/* Issue days 20000..22999, age -2..+990, four lifetimes: the answer is a matter of the age alone. */
static void test_every_day(void **state)
{
    static const unsigned lifetimes[] = {1, 7, 30, 180};
    long wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof lifetimes / sizeof *lifetimes; i++) {
        long lifetime = (long)lifetimes[i];
        for (long issued = 20000; issued < 23000; issued++) {
            unsigned stamp = bv_stamp(issued + lifetime);
            for (long age = -2; age <= 990; age++)
                wrong += bv_in_lifetime(stamp, issued + age, lifetimes[i]) != (age >= -1 && age <= lifetime);
        }
    }
    assert_int_equal(wrong, 0);
}

/* The same by whole tags, a day in every stretch of the circle and each day at the ends. */
static void test_every_day_by_tags(void **state)
{
    static const unsigned lifetimes[] = {1, 7, 30, 180};
    char dst[BV_TAGGED];

    (void)state;
    set_secret(BV_HMAC_SHA256, "0123456789abcdef", 16);
    for (size_t i = 0; i < sizeof lifetimes / sizeof *lifetimes; i++) {
        long lifetime = (long)lifetimes[i];
        struct bv_keys keys = one_key(3, lifetimes[i]);
        for (long issued = 20000; issued < 23000; issued++) {
            assert_int_equal(sign(dst, "user@d.example", 3, lifetimes[i], issued), BV_TAGGABLE);
            const long ages[] = {-2, -1, 0, 1, lifetime - 1, lifetime, lifetime + 1, issued % 991, 990};
            for (size_t j = 0; j < sizeof ages / sizeof *ages; j++) {
                struct bv_result r = judge(dst, &keys, issued + ages[j]);
                if (r.status != (ages[j] >= -1 && ages[j] <= lifetime ? BV_VALID : BV_EXPIRED))
                    fail_msg("issued %ld, age %ld, lifetime %ld: %s", issued, ages[j], lifetime,
                             bv_status_word(r.status));
                if (ages[j] >= -1)
                    assert_int_equal(r.expires, issued + lifetime);
            }
        }
    }
}

/* Every change of one bit in the MAC, the stamp or the key number is refused. */
static void test_every_bit(void **state)
{
    static const char hex[] = "0123456789abcdef";
    char dst[BV_TAGGED];

    (void)state;
    set_secret(BV_HMAC_SHA1, "secret", 6);
    struct bv_keys keys = one_key(0, 7);
    for (int user = 0; user < 200; user++) {
        char address[64];
        snprintf(address, sizeof address, "user%d@d.example", user);
        assert_int_equal(sign(dst, address, 0, 7, 20778), BV_TAGGABLE);
        assert_int_equal(judge(dst, &keys, 20778).status, BV_VALID);
        for (int bit = 0; bit < 24; bit++) {
            char *digit = dst + 9 + bit / 4, kept = *digit;
            *digit = hex[(strchr(hex, kept) - hex) ^ (1 << bit % 4)];
            assert_int_equal(judge(dst, &keys, 20778).status, BV_FORGED);
            *digit = kept;
        }
        for (int place = 5; place < 9; place++) {
            char kept = dst[place];
            dst[place] = (char)(kept == '9' ? '0' : kept + 1);
            assert_int_not_equal(judge(dst, &keys, 20778).status, BV_VALID);
            dst[place] = kept;
        }
    }
}

/* strip(sign(a)) = a, in each syntax, spelling and all. */
static void test_round_trip(void **state)
{
    static const char letters[] = "abcXYZ019!#$%&'*+-/=?^_`{|}~.";
    unsigned seed = 20785;

    (void)state;
    set_secret(BV_HMAC_SHA256, "0123456789abcdef", 16);
    for (int i = 0; i < 20000; i++) {
        char local[BV_LOCAL_TAGGABLE + 1], text[BV_TAGGED], dst[BV_TAGGED];
        size_t n = (size_t)rand_r(&seed) % BV_LOCAL_TAGGABLE + 1;
        for (size_t j = 0; j < n; j++)
            local[j] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        local[n] = '\0';
        snprintf(text, sizeof text, "%s@Sub%d.Example", local, i);
        struct bv_addr a, back;
        struct bv_tag tag;
        struct bv_key key = {(unsigned)i % 10, 7, true, &mac};
        bv_addr_read(&a, bv_str(text));
        enum bv_tagging why = bv_sign(dst, &a, &key, (enum bv_syntax)(i % 3), 20000 + i % 3000);
        assert_int_equal(why, bv_taggable(&a));
        if (why != BV_TAGGABLE) {
            assert_string_equal(dst, "");
            continue;
        }
        bv_addr_read(&back, bv_str(dst));
        bv_tag_read(&tag, &back);
        assert_int_equal(tag.kind, BV_TAG_PRVS);
        assert_int_equal(tag.key, i % 10);
        if (!bv_str_same(tag.local, bv_addr_local(&a)) ||
            !bv_str_same(bv_addr_domain(&back), bv_addr_domain(&a)))
            fail_msg("\"%s\" became \"%s\"", text, dst);
        assert_int_equal(bv_taggable(&back), BV_ALREADY_TAGGED);
    }
}

static void test_words(void **state)
{
    enum bv_algorithm a = BV_HMAC_SHA1;

    (void)state;
    assert_string_equal(bv_algorithm_word(BV_HMAC_SHA1), "hmac-sha1");
    assert_true(bv_algorithm_from_word(&a, bv_str("hmac-sha256")));
    assert_int_equal(a, BV_HMAC_SHA256);
    assert_false(bv_algorithm_from_word(&a, bv_str("HMAC-SHA1")));
    assert_false(bv_algorithm_from_word(&a, bv_str("")));
    assert_int_equal(a, BV_HMAC_SHA256);
    unsigned char digest[BV_DIGEST_OCTETS];
    assert_int_equal(bv_sha256(digest, bv_str("abc")), 0); /* FIPS 180-4's example */
    assert_memory_equal(digest, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_spec_vectors),
        cmocka_unit_test(test_verdicts),  cmocka_unit_test(test_retired_and_empty),
        cmocka_unit_test(test_every_day), cmocka_unit_test(test_every_day_by_tags),
        cmocka_unit_test(test_every_bit), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}

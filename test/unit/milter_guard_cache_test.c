#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/guard_cache.h"

enum { NOW = 1790000000 };

static struct guard_verdict verdict(enum guard_result result, const char *kind, uint32_t ttl)
{
    struct guard_verdict v = {.result = result, .ttl = ttl};

    snprintf(v.kind, sizeof v.kind, "%s", kind);
    return v;
}

static void put(struct guard_cache *c, const char *domain, const char *kind, uint32_t ttl, int64_t now)
{
    struct guard_verdict v = verdict(*kind != '\0' ? GUARD_BOGUS_MX : GUARD_FINE, kind, ttl);

    guard_cache_put(c, bv_str(domain), &v, now);
}

static bool has(const struct guard_cache *c, const char *domain, int64_t now)
{
    struct guard_verdict v;

    return guard_cache_get(&v, c, bv_str(domain), now);
}

static struct guard_cache *make(size_t domains)
{
    struct guard_cache *c = guard_cache_new(domains);

    assert_non_null(c);
    return c;
}

/* All that was put comes back. */
static void test_verdicts(void **state)
{
    static const enum guard_result results[] = {GUARD_FINE, GUARD_NULL_MX, GUARD_BOGUS_MX, GUARD_UNKNOWN};
    struct guard_cache *c = make(10);
    char longest[BOGUS_KIND];

    (void)state;
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        char domain[] = "example0.com";
        struct guard_verdict v = verdict(results[i], results[i] == GUARD_BOGUS_MX ? longest : "",
                                         30 + (uint32_t)i),
                             got;
        memset(&got, 0x5a, sizeof got);
        domain[7] = (char)('0' + i);
        v.sentence = i % 2 == 0;
        assert_false(guard_cache_get(&got, c, bv_str(domain), NOW));
        guard_cache_put(c, bv_str(domain), &v, NOW);
        assert_true(guard_cache_get(&got, c, bv_str(domain), NOW));
        assert_int_equal(got.result, results[i]);
        assert_string_equal(got.kind, v.kind);
        assert_int_equal(got.sentence, v.sentence);
        assert_int_equal(got.ttl, v.ttl);
    }
    guard_cache_free(c);
    guard_cache_free(NULL);
}

static const struct {
    const char *name;
    uint32_t ttl;
    int64_t put, now;
    bool want;
} ttl_rows[] = {
    {"at once", 30, NOW, NOW, true},
    {"the last second", 30, NOW, NOW + 29, true},
    {"outlived", 30, NOW, NOW + 30, false},
    {"long outlived", 30, NOW, NOW + 86400, false},
    {"a long TTL", 1800, NOW, NOW + 1799, true},
    {"a long TTL, outlived", 1800, NOW, NOW + 1800, false},
    {"no TTL", 0, NOW, NOW, false},
    {"a clock that went back", 30, NOW, NOW - 1, false},
    {"a clock that begins at 0", 30, 0, 29, true},
    {"before 1970", 30, -10, 19, true},
    {"before 1970, outlived", 30, -10, 20, false},
    {"from end to end", UINT32_MAX, INT64_MIN, INT64_MAX, false},
    {"the end", 30, INT64_MAX - 5, INT64_MAX, true},
};

static void test_ttl(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ttl_rows / sizeof *ttl_rows; i++) {
        struct guard_cache *c = make(10);
        put(c, "example.com", "", ttl_rows[i].ttl, ttl_rows[i].put);
        if (has(c, "example.com", ttl_rows[i].now) != ttl_rows[i].want)
            fail_msg("%s: %s", ttl_rows[i].name, ttl_rows[i].want ? "is not there" : "is there");
        guard_cache_free(c);
    }
}

static const struct {
    const char *name, *put, *get;
    bool want;
} name_rows[] = {
    {"the same", "example.com", "example.com", true},
    {"asked in capitals", "example.com", "EXAMPLE.Com", true},
    {"put in capitals", "EXAMPLE.Com", "example.com", true},
    {"another", "example.com", "example.net", false},
    {"its beginning", "example.com", "example.co", false},
    {"one octet more", "example.com", "example.comm", false},
    {"a subdomain", "example.com", "a.example.com", false},
    {"letters that differ by more than case", "a@.example", "a`.example", false},
    {"octets over 127", "b\xc3\xbc.example", "B\xc3\xbc.example", true},
    {"octets over 127, another", "b\xc3\xbc.example", "b\xc3\xbd.example", false},
    {"a literal", "[IPv6:2001:db8::a]", "[ipv6:2001:DB8::A]", true},
    {"empty", "", "", true},
    {"empty, another", "", "a", false},
};

/* Names that the hash of guard_cache.c cannot tell from one another, found by trial. */
static const struct {
    const char *name, *put, *get;
} hash_rows[] = {
    {"same length", "m165103.example", "m182999.example"},
    {"same length, the other way", "m182999.example", "m165103.example"},
    {"the beginning of another", "m38.examplehhzicf", "m38.example"},
    {"more than another", "m38.example", "m38.examplehhzicf"},
};

static void test_same_hash(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hash_rows / sizeof *hash_rows; i++) {
        struct guard_cache *c = make(1);
        put(c, hash_rows[i].put, "", 60, NOW);
        if (has(c, hash_rows[i].get, NOW))
            fail_msg("%s: is there", hash_rows[i].name);
        put(c, hash_rows[i].get, "", 60, NOW);
        if (!has(c, hash_rows[i].put, NOW) || !has(c, hash_rows[i].get, NOW))
            fail_msg("%s: not both are there", hash_rows[i].name);
        guard_cache_free(c);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof name_rows / sizeof *name_rows; i++) {
        struct guard_cache *c = make(10);
        put(c, name_rows[i].put, "", 60, NOW);
        if (has(c, name_rows[i].get, NOW) != name_rows[i].want)
            fail_msg("%s: %s", name_rows[i].name, name_rows[i].want ? "is not there" : "is there");
        guard_cache_free(c);
    }
}

static void test_long_names(void **state)
{
    struct guard_cache *c = make(10);
    struct guard_verdict v = verdict(GUARD_FINE, "", 60);
    char name[BV_DOMAIN_MAX + 1];

    (void)state;
    memset(name, 'x', sizeof name);
    guard_cache_put(c, (struct bv_str){name, BV_DOMAIN_MAX}, &v, NOW);
    assert_true(guard_cache_get(&v, c, (struct bv_str){name, BV_DOMAIN_MAX}, NOW));
    guard_cache_put(c, (struct bv_str){name, BV_DOMAIN_MAX + 1}, &v, NOW);
    assert_false(guard_cache_get(&v, c, (struct bv_str){name, BV_DOMAIN_MAX + 1}, NOW));
    guard_cache_free(c);
}

/* A later verdict takes the place of an earlier one on the same domain, and no other. */
static void test_replace(void **state)
{
    struct guard_cache *c = make(1); /* one row */
    struct guard_verdict v;

    (void)state;
    for (int i = 0; i < 100; i++) {
        put(c, i % 2 ? "example.com" : "EXAMPLE.COM", i % 3 ? "loopback" : "", 60, NOW + i);
        assert_true(guard_cache_get(&v, c, bv_str("example.com"), NOW + i));
        assert_string_equal(v.kind, i % 3 ? "loopback" : "");
    }
    for (char name[] = "0.example"; name[0] < '7'; name[0]++)
        put(c, name, "", 60, NOW + 100);
    assert_true(guard_cache_get(&v, c, bv_str("example.com"), NOW + 100));
    assert_int_equal(v.result, GUARD_FINE);
    assert_string_equal(v.kind, "");
    put(c, "example.com", "private", 60, NOW + 100);
    for (char name[] = "0.example"; name[0] < '7'; name[0]++)
        assert_true(has(c, name, NOW + 100));
    assert_true(guard_cache_get(&v, c, bv_str("example.com"), NOW + 100));
    assert_string_equal(v.kind, "private");
    guard_cache_free(c);
}

/* In a full row: what has outlived its TTL first, else the oldest, which is not the one that was put first. */
static void test_room(void **state)
{
    struct guard_cache *c = make(1);

    (void)state;
    for (char name[] = "0.example"; name[0] < '8'; name[0]++)
        put(c, name, "", name[0] == '5' ? 30 : 1800, NOW + name[0] - '0');
    put(c, "0.example", "", 1800, NOW + 8);
    for (char name[] = "0.example"; name[0] < '8'; name[0]++)
        assert_true(has(c, name, NOW + 8));
    put(c, "new.example", "", 1800, NOW + 9);
    assert_false(has(c, "1.example", NOW + 9));
    assert_true(has(c, "0.example", NOW + 9));
    put(c, "newer.example", "", 1800, NOW + 60);
    assert_false(has(c, "5.example", NOW + 9));
    for (char name[] = "2.example"; name[0] < '8'; name[0]++)
        assert_int_equal(has(c, name, NOW + 60), name[0] != '5');
    assert_true(has(c, "new.example", NOW + 60));
    assert_true(has(c, "newer.example", NOW + 60));
    guard_cache_free(c);
}

static const char *nth(size_t i)
{
    static char name[64];

    snprintf(name, sizeof name, "%s%zu.customer.example", i % 2 ? "mail" : "", i);
    return name;
}

static size_t count(const struct guard_cache *c, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        n += has(c, nth(i), NOW + (int64_t)to);
    return n;
}

/* Nearly all that it was made for have room; many more do not, and the newest are there. */
static void test_bounds(void **state)
{
    enum { DOMAINS = 8192 };
    struct guard_cache *c = make(DOMAINS);

    (void)state;
    for (size_t i = 0; i < DOMAINS; i++)
        put(c, nth(i), "", UINT32_MAX, NOW + (int64_t)i);
    size_t kept = count(c, 0, DOMAINS);
    if (kept < DOMAINS * 95 / 100)
        fail_msg("%zu of %d are kept", kept, DOMAINS);
    for (size_t i = DOMAINS; i < 20 * DOMAINS; i++) {
        put(c, nth(i), "", UINT32_MAX, NOW + (int64_t)i);
        assert_true(has(c, nth(i), NOW + (int64_t)i));
    }
    kept = count(c, 0, 20 * DOMAINS);
    if (kept > 4 * DOMAINS)
        fail_msg("%zu are kept", kept);
    kept = count(c, 19 * DOMAINS, 20 * DOMAINS);
    if (kept < DOMAINS * 95 / 100)
        fail_msg("%zu of the %d newest are kept", kept, DOMAINS);
    guard_cache_free(c);
}

/* However many names belong to one row, it has eight places. */
static void test_one_row(void **state)
{
    struct guard_cache *c = make(1);

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        put(c, nth(i), "", UINT32_MAX, NOW + (int64_t)i);
    assert_int_equal(count(c, 0, 1000), 8);
    assert_int_equal(count(c, 992, 1000), 8);
    guard_cache_free(c);
}

static void test_sizes(void **state)
{
    (void)state;
    for (size_t domains = 0; domains < 20; domains++) {
        struct guard_cache *c = make(domains);
        put(c, "example.com", "", 60, NOW);
        assert_true(has(c, "example.com", NOW));
        guard_cache_free(c);
    }
    assert_null(guard_cache_new(SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_ttl),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_replace), cmocka_unit_test(test_room),
        cmocka_unit_test(test_bounds),     cmocka_unit_test(test_one_row), cmocka_unit_test(test_same_hash),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

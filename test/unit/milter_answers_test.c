#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/answers.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define N253                                                                                                   \
    L63 "." L63 "." L63 "."                                                                                    \
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"

static const struct {
    const char *name, *domain;
    size_t n;         /* 0: to its NUL */
    const char *want; /* NULL: it can be no name */
} name_rows[] = {
    {"plain", "example.com", 0, "example.com"},
    {"capitals", "Example.COM", 0, "example.com"},
    {"one label", "localhost", 0, "localhost"},
    {"dot at the end", "example.com.", 0, "example.com"},
    {"A-label", "xn--bcher-kva.example", 0, "xn--bcher-kva.example"},
    {"underscore", "_mx.example", 0, "_mx.example"},
    {"digits", "127.0.0.1", 0, "127.0.0.1"},
    {"backslash", "a\\b.example", 0, "a\\092b.example"},
    {"blank and quote", "a \"b.example", 0, "a\\032\\034b.example"},
    {"NUL", "a\0b.example", 11, "a\\000b.example"},
    {"octet 127", "a\177b.example", 0, "a\\127b.example"},
    {"label of 63", L63 ".example", 0, L63 ".example"},
    {"longest", N253, 0, N253},
    {"longest, and a dot", N253 ".", 0, N253},
    {"UTF-8", "b\303\274cher.example", 0, NULL},
    {"empty", "", 0, NULL},
    {"a dot", ".", 0, NULL},
    {"two dots at the end", "example.com..", 0, NULL},
    {"dot at the beginning", ".example.com", 0, NULL},
    {"empty label", "example..com", 0, NULL},
    {"label of 64", "x" L63 ".example", 0, NULL},
    {"too long", N253 "a", 0, NULL},
    {"too long when escaped", "a\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\." L63 "." L63 "." L63, 0, NULL},
};

static void test_names(void **state)
{
    char got[BV_DOMAIN_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof name_rows / sizeof *name_rows; i++) {
        size_t n = name_rows[i].n != 0 ? name_rows[i].n : strlen(name_rows[i].domain);
        bool ok = answers_name(got, (struct bv_str){name_rows[i].domain, n});
        if (ok != (name_rows[i].want != NULL) || strcmp(got, ok ? name_rows[i].want : "") != 0)
            fail_msg("%s: %s \"%s\"", name_rows[i].name, ok ? "true" : "false", got);
    }
}

#define WIRE(text) (text), sizeof(text) /* its NUL is the root */
#define CUT(text)  (text), sizeof(text) - 1

static const struct {
    const char *name, *rdata;
    size_t n;
    unsigned preference;
    const char *want;
    bool failed;
} mx_rows[] = {
    {"plain", WIRE("\0\12\2mx\7example"), 10, "mx.example", false},
    {"capitals", WIRE("\0\12\2MX\7eXAMPLE"), 10, "mx.example", false},
    {"root", WIRE("\0\0"), 0, "", false},
    {"highest preference", WIRE("\377\377\1a"), 65535, "a", false},
    {"preference of two octets", WIRE("\1\2\1a"), 258, "a", false},
    {"dot, blank and 255 in a label", WIRE("\0\12\5a.b \377\1c"), 10, "a\\046b\\032\\255.c", false},
    {"NUL in a label", WIRE("\0\12\3a\0b\1c"), 10, "a\\000b.c", false},
    {"an address as one label", WIRE("\0\12\3::1"), 10, "\\058\\0581", false},
    {"nothing", CUT(""), 0, "?", true},
    {"half a preference", CUT("\1"), 0, "?", true},
    {"no target", CUT("\0\12"), 10, "?", true},
    {"no root", CUT("\0\12\2mx\7example"), 10, "?", true},
    {"label cut off", CUT("\0\12\2mx\7exam"), 10, "?", true},
    {"last octet of a label cut off", CUT("\0\12\3ab"), 10, "?", true},
    {"length cut off", CUT("\0\12\2mx\7"), 10, "?", true},
    {"something behind the root", CUT("\0\12\2mx\0x"), 10, "?", true},
    {"compressed", CUT("\0\12\2mx\300\14"), 10, "?", true},
    {"label of 64",
     WIRE("\0\12\100"
          "x" L63),
     10, "?", true},
};

static void test_mx(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mx_rows / sizeof *mx_rows; i++) {
        char *rdata =
            malloc(mx_rows[i].n + 1); /* at its end, so that a sanitizer sees what is read behind it */
        struct guard_facts f;
        assert_non_null(rdata);
        memcpy(rdata + 1, mx_rows[i].rdata, mx_rows[i].n);
        answers_begin(&f);
        answers_mx(&f, rdata + 1, mx_rows[i].n);
        free(rdata);
        const struct guard_host *h = &f.host[0];
        bool askable = mx_rows[i].want[0] != '\0' && !mx_rows[i].failed;
        if (f.mx != GUARD_DNS_OK || f.n != 1 || f.more || strcmp(h->name, mx_rows[i].want) != 0 ||
            h->preference != mx_rows[i].preference || h->some_failed != mx_rows[i].failed ||
            answers_askable(h) != askable)
            fail_msg("%s: %u \"%s\"%s", mx_rows[i].name, h->preference, h->name,
                     h->some_failed ? " failed" : "");
        answers_end(&f);
        if (h->dns != (mx_rows[i].failed ? GUARD_DNS_FAILED : GUARD_DNS_NONE))
            fail_msg("%s: outcome %d", mx_rows[i].name, (int)h->dns);
    }
}

static void add_mx(struct guard_facts *f, unsigned preference, unsigned number)
{
    char rdata[16];
    int n = snprintf(rdata, sizeof rdata, "%c%c%ch%03u", (int)(preference >> 8), (int)(preference & 255), 4,
                     number);

    answers_mx(f, rdata, (size_t)n + 1);
}

/* The best are kept, in whatever order they come: 11 is prime to all numbers of hosts below. */
static void test_best_hosts(void **state)
{
    static const unsigned counts[] = {1, 2, GUARD_HOSTS - 1, GUARD_HOSTS, GUARD_HOSTS + 1, 300};
    char want[8];

    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        unsigned n = counts[c];
        struct guard_facts f;
        answers_begin(&f);
        for (unsigned i = 0; i < n; i++)
            add_mx(&f, i * 11 % n, i * 11 % n);
        assert_int_equal(f.n, n < GUARD_HOSTS ? n : GUARD_HOSTS);
        assert_int_equal(f.more, n > GUARD_HOSTS);
        for (unsigned i = 0; i < f.n; i++) {
            snprintf(want, sizeof want, "h%03u", i);
            assert_int_equal(f.host[i].preference, i);
            assert_string_equal(f.host[i].name, want);
        }
    }
}

static void test_same_preference(void **state)
{
    struct guard_facts f;

    (void)state;
    answers_begin(&f);
    add_mx(&f, 10, 3);
    add_mx(&f, 10, 1);
    add_mx(&f, 5, 9);
    add_mx(&f, 10, 2);
    add_mx(&f, 10, 2);
    assert_int_equal(f.n, 5);
    assert_string_equal(f.host[0].name, "h009");
    assert_string_equal(f.host[1].name, "h001");
    assert_string_equal(f.host[2].name, "h002");
    assert_string_equal(f.host[3].name, "h002");
    assert_string_equal(f.host[4].name, "h003");
}

static void test_implicit(void **state)
{
    struct guard_facts f;

    (void)state;
    answers_begin(&f);
    answers_implicit(&f, "example.com");
    assert_int_equal(f.mx, GUARD_DNS_NONE);
    assert_true(f.implicit);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.host[0].name, "example.com");
    assert_true(answers_askable(&f.host[0]));
    answers_end(&f);
    assert_int_equal(f.host[0].dns, GUARD_DNS_NONE);
}

static void test_nothing_known(void **state)
{
    struct guard_facts f;

    (void)state;
    answers_begin(&f);
    answers_end(&f);
    assert_int_equal(f.mx, GUARD_DNS_FAILED);
    assert_int_equal(f.n, 0);
    assert_int_equal(f.ttl, 0);
    assert_false(f.implicit || f.more);
}

static void test_ttl(void **state)
{
    static const struct {
        const char *name;
        int64_t ttl[3];
        uint32_t want;
    } rows[] = {
        {"the least counts", {300, 40, 90}, 40},
        {"zero", {300, 0, 90}, 0},
        {"negative", {300, -1, 90}, 0},
        {"the greatest there is", {INT32_MAX, INT32_MAX, INT32_MAX}, INT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guard_facts f;
        answers_begin(&f);
        for (size_t j = 0; j < 3; j++)
            answers_ttl(&f, rows[i].ttl[j]);
        answers_end(&f);
        if (f.ttl != rows[i].want)
            fail_msg("%s: %lu", rows[i].name, (unsigned long)f.ttl);
    }
}

static void test_addresses(void **state)
{
    static const unsigned char v6[NET_OCTETS] = {0x26, 0x20, [15] = 1}, v4[] = {192, 0, 2, 1},
                               lower[] = {192, 0, 1, 9};
    struct guard_facts f;
    char text[NET_TEXT];

    (void)state;
    answers_begin(&f);
    add_mx(&f, 10, 1);
    add_mx(&f, 20, 2);
    answers_address(&f, 1, v6, sizeof v6);
    answers_address(&f, 1, v4, sizeof v4);
    answers_address(&f, 1, lower, sizeof lower);
    answers_end(&f);
    assert_int_equal(f.host[0].n, 0);
    assert_int_equal(f.host[0].dns, GUARD_DNS_NONE);
    assert_int_equal(f.host[1].n, 3);
    assert_int_equal(f.host[1].dns, GUARD_DNS_OK);
    assert_false(f.host[1].some_failed);
    net_addr_write(text, &f.host[1].address[0]);
    assert_string_equal(text, "192.0.1.9");
    net_addr_write(text, &f.host[1].address[1]);
    assert_string_equal(text, "192.0.2.1");
    net_addr_write(text, &f.host[1].address[2]);
    assert_string_equal(text, "2620::1");
}

static void test_bad_addresses(void **state)
{
    static const size_t lengths[] = {0, 1, 3, 5, 15, 17};
    static const unsigned char octets[32];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct guard_facts f;
        answers_begin(&f);
        answers_implicit(&f, "example.com");
        answers_address(&f, 0, octets, lengths[i]);
        answers_end(&f);
        assert_int_equal(f.host[0].n, 0);
        assert_true(f.host[0].some_failed);
        assert_int_equal(f.host[0].dns, GUARD_DNS_FAILED);
    }
}

static void test_failed_with_address(void **state)
{
    static const unsigned char v4[] = {192, 0, 2, 1};
    struct guard_facts f;

    (void)state;
    answers_begin(&f);
    answers_implicit(&f, "example.com");
    answers_failed(&f, 0);
    answers_address(&f, 0, v4, sizeof v4);
    answers_end(&f);
    assert_int_equal(f.host[0].dns, GUARD_DNS_OK);
    assert_true(f.host[0].some_failed);
}

static void test_many_addresses(void **state)
{
    struct guard_facts f;

    (void)state;
    answers_begin(&f);
    answers_implicit(&f, "example.com");
    for (unsigned i = 0; i <= GUARD_ADDRESSES; i++) {
        unsigned char v4[] = {10, 0, 0, (unsigned char)i};
        assert_false(f.more);
        answers_address(&f, 0, v4, sizeof v4);
    }
    assert_true(f.more);
    answers_end(&f);
    assert_int_equal(f.host[0].n, GUARD_ADDRESSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_mx),
        cmocka_unit_test(test_best_hosts),
        cmocka_unit_test(test_same_preference),
        cmocka_unit_test(test_implicit),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_failed_with_address),
        cmocka_unit_test(test_many_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/netstring.h"

/* What a stream of octets comes to: each payload in brackets, "!" where it breaks, "..." where it has not ended. */
static void read_stream(char *dst, size_t size, const char *octets, size_t n, size_t step)
{
    struct netstring s = {0};
    enum netstring_result result = NETSTRING_WHOLE;
    size_t at = 0, used, out = 0;
    bool cut;

    dst[0] = '\0';
    while (at < n && result != NETSTRING_BROKEN) {
        size_t most = n - at < step ? n - at : step;
        result = netstring_take(&s, &used, octets + at, most);
        assert_true(used > 0 && used <= most);
        assert_true(result != NETSTRING_MORE || used == most);
        at += used;
        if (result == NETSTRING_WHOLE) {
            struct bv_str p = netstring_payload(&s, &cut);
            assert_false(cut);
            out += (size_t)snprintf(dst + out, size - out, "[%.*s]", (int)p.n, p.p);
        }
        assert_true(out < size);
    }
    snprintf(dst + out, size - out, "%s",
             result == NETSTRING_BROKEN ? "!" : (result == NETSTRING_MORE ? "..." : ""));
}

static const struct {
    const char *name, *octets, *want;
} stream_rows[] = {
    {"nothing at all", "", ""},
    {"one", "5:hello,", "[hello]"},
    {"two at once", "5:hello,3:you,", "[hello][you]"},
    {"an empty one", "0:,", "[]"},
    {"empty ones between others", "0:,1:a,0:,0:,1:b,", "[][a][][][b]"},
    {"a payload of colons, commas and digits", "9:1:a,2:b,,,", "[1:a,2:b,,]"},
    {"a length of two digits", "12:twelve bytes,", "[twelve bytes]"},
    {"a length that ends with 0", "10:ten octets,", "[ten octets]"},
    {"a question of Postfix", "44:untag prvs=3785d0d202=user.name1@example.com,",
     "[untag prvs=3785d0d202=user.name1@example.com]"},
    {"half a length", "1", "..."},
    {"a lone zero", "0", "..."},
    {"a length", "12:", "..."},
    {"half a payload", "5:hel", "..."},
    {"no comma yet", "5:hello", "..."},
    {"no comma of an empty one yet", "0:", "..."},
    {"half of a second one", "5:hello,3:y", "[hello]..."},
    {"a leading zero", "05:hello,", "!"},
    {"two zeros", "00:,", "!"},
    {"no length", ":,", "!"},
    {"no digit", "a:,", "!"},
    {"the octet below 0", "/:,", "!"},
    {"a digit, then none", "5x:hello,", "!"},
    {"a negative length", "-1:,", "!"},
    {"a plus sign", "+1:a,", "!"},
    {"a blank in front", " 1:a,", "!"},
    {"a blank behind the length", "1 :a,", "!"},
    {"a hexadecimal length", "0x1:a,", "!"},
    {"an octet too many", "5:hello!,", "!"},
    {"a line end in place of the comma", "5:hello\n", "!"},
    {"no comma of an empty one", "0:x", "!"},
    {"a line end between two", "5:hello,\n3:you,", "[hello]!"},
    {"a fault behind a good one", "5:hello,x", "[hello]!"},
    {"20 digits", "18446744073709551617:a,", "!"},
    {"one octet over the limit", "1000001:a,", "!"},
    {"the limit itself", "1000000:a", "..."},
    {"seven digits, far over", "9999999:", "!"},
    {"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "!"},
    {"SMTP", "EHLO localhost\r\n", "!"},
    {"TLS", "\x16\x03\x01\x02", "!"},
};

/* In whatever pieces the octets come. */
static void streams(void **state)
{
    char got[200];

    (void)state;
    for (size_t i = 0; i < sizeof stream_rows / sizeof *stream_rows; i++) {
        size_t n = strlen(stream_rows[i].octets);
        for (size_t step = 1; step <= n + 1; step++) {
            read_stream(got, sizeof got, stream_rows[i].octets, n, step);
            if (strcmp(got, stream_rows[i].want) != 0)
                fail_msg("%s, in pieces of %zu: got \"%s\", not \"%s\"", stream_rows[i].name, step, got,
                         stream_rows[i].want);
        }
    }
}

static void nul_is_an_octet(void **state)
{
    static const char octets[] = "3:a\0b,";
    struct netstring s = {0};
    size_t used;
    bool cut;

    (void)state;
    assert_int_equal(netstring_take(&s, &used, octets, sizeof octets - 1), NETSTRING_WHOLE);
    struct bv_str p = netstring_payload(&s, &cut);
    assert_true(p.n == 3 && memcmp(p.p, "a\0b", 3) == 0);
}

/* What follows the first whole one is not taken with it. */
static void the_rest_is_left(void **state)
{
    static const char octets[] = "1:a,1:b,";
    struct netstring s = {0};
    size_t used = 99;

    (void)state;
    assert_int_equal(netstring_take(&s, &used, octets, 8), NETSTRING_WHOLE);
    assert_int_equal(used, 4);
    assert_int_equal(netstring_take(&s, &used, octets + 4, 0), NETSTRING_MORE);
    assert_int_equal(used, 0);
    assert_int_equal(netstring_take(&s, &used, octets + 4, 4), NETSTRING_WHOLE);
    assert_int_equal(used, 4);
}

/* Nothing is understood after a fault, even if it looks good. */
static void broken_for_ever(void **state)
{
    struct netstring s = {0};
    size_t used;

    (void)state;
    assert_int_equal(netstring_take(&s, &used, "x", 1), NETSTRING_BROKEN);
    assert_int_equal(netstring_take(&s, &used, "1:a,", 4), NETSTRING_BROKEN);
    assert_int_equal(used, 0);
}

static const struct {
    const char *name;
    size_t length;
    bool cut;
} long_rows[] = {
    {"one less than is kept", NETSTRING_KEPT - 1, false},
    {"what is kept", NETSTRING_KEPT, false},
    {"one more than is kept", NETSTRING_KEPT + 1, true},
    {"twice what is kept", 2 * NETSTRING_KEPT, true},
    {"the longest", NETSTRING_MAX, true},
};

static void take_long(const char *name, const char *octets, size_t n, size_t length, bool cut, size_t step)
{
    struct {
        struct netstring s;
        char behind[16];
    } m = {.behind = "untouched"};
    enum netstring_result result = NETSTRING_MORE;
    size_t used, at = 0;
    bool was_cut;

    for (; at < n && result == NETSTRING_MORE; at += used)
        result = netstring_take(&m.s, &used, octets + at, n - at < step ? n - at : step);
    struct bv_str p = netstring_payload(&m.s, &was_cut);
    size_t kept = length < NETSTRING_KEPT ? length : NETSTRING_KEPT;
    if (result != NETSTRING_WHOLE || at != n || was_cut != cut || p.n != kept ||
        memcmp(p.p, strchr(octets, ':') + 1, kept) != 0)
        fail_msg("%s, in pieces of %zu: result %d, %zu octets kept, cut %d", name, step, (int)result, p.n,
                 was_cut);
    assert_string_equal(m.behind, "untouched");
    /* The next one starts from nothing. */
    assert_int_equal(netstring_take(&m.s, &used, "2:ab,", 5), NETSTRING_WHOLE);
    p = netstring_payload(&m.s, &was_cut);
    assert_true(!was_cut && p.n == 2 && memcmp(p.p, "ab", 2) == 0);
}

static void long_payloads(void **state)
{
    static const size_t steps[] = {1, 7, 512, NETSTRING_KEPT, NETSTRING_MAX * 2};

    (void)state;
    for (size_t i = 0; i < sizeof long_rows / sizeof *long_rows; i++) {
        size_t length = long_rows[i].length;
        char *octets = malloc(length + 16);
        size_t head = (size_t)sprintf(octets, "%zu:", length);
        for (size_t k = 0; k < length; k++)
            octets[head + k] = (char)('a' + k % 23);
        strcpy(octets + head + length, ",");
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
            take_long(long_rows[i].name, octets, head + length + 1, length, long_rows[i].cut, steps[k]);
        free(octets);
    }
}

static const struct {
    const char *name, *word, *text, *want;
} answer_rows[] = {
    {"found", "OK", "user@example.com", "19:OK user@example.com,"},
    {"not found", "NOTFOUND", "", "9:NOTFOUND ,"},
    {"for a while", "TEMP", "no memory", "14:TEMP no memory,"},
};

static void answers(void **state)
{
    char got[NETSTRING_ANSWER];

    (void)state;
    for (size_t i = 0; i < sizeof answer_rows / sizeof *answer_rows; i++) {
        size_t n = netstring_answer(got, answer_rows[i].word, answer_rows[i].text);
        if (strcmp(got, answer_rows[i].want) != 0 || n != strlen(got))
            fail_msg("%s: got \"%s\" of %zu, not \"%s\"", answer_rows[i].name, got, n, answer_rows[i].want);
    }
}

/* The longest address goes behind the longest word; what is too long is not cut short: it would be another address. */
static void long_answers(void **state)
{
    char text[NETSTRING_ANSWER + 1], got[NETSTRING_ANSWER + 8];

    (void)state;
    memset(got, '#', sizeof got);
    memset(text, 'a', sizeof text);
    text[BV_ADDR_QUOTED - 1] = '\0';
    size_t n = netstring_answer(got, "NOTFOUND", text);
    assert_int_equal(n, 5 + strlen("NOTFOUND ") + BV_ADDR_QUOTED - 1 + 1);
    assert_int_equal(got[n - 1], ',');
    text[BV_ADDR_QUOTED - 1] = 'a';
    for (size_t k = NETSTRING_ANSWER - 20; k < NETSTRING_ANSWER; k++) {
        text[k] = '\0';
        n = netstring_answer(got, "OK", text);
        assert_true(n == (k + 9 < NETSTRING_ANSWER ? k + 9 : 0));
        assert_int_equal(strlen(got), n);
        text[k] = 'a';
    }
    assert_memory_equal(got + NETSTRING_ANSWER, "########", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),          cmocka_unit_test(nul_is_an_octet),
        cmocka_unit_test(the_rest_is_left), cmocka_unit_test(broken_for_ever),
        cmocka_unit_test(long_payloads),    cmocka_unit_test(answers),
        cmocka_unit_test(long_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

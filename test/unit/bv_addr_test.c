#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "bv/bv.h"

struct row {
    const char *name, *arg;
    enum bv_shape shape;
    const char *local, *domain; /* with BV_MAILBOX */
    bool needs_quotes, non_ascii, ill_formed;
};

#define ILL(name, arg, local, domain)                                                                          \
    {                                                                                                          \
        name, arg, BV_MAILBOX, local, domain, true, false, true                                                \
    }
#define MAILBOX(name, arg, local, domain)                                                                      \
    {                                                                                                          \
        name, arg, BV_MAILBOX, local, domain, false, false, false                                              \
    }
#define QUOTED(name, arg, local, domain)                                                                       \
    {                                                                                                          \
        name, arg, BV_MAILBOX, local, domain, true, false, false                                               \
    }
#define UTF8(name, arg, local, domain)                                                                         \
    {                                                                                                          \
        name, arg, BV_MAILBOX, local, domain, false, true, false                                               \
    }
#define NOTHING(name, arg, shape)                                                                              \
    {                                                                                                          \
        name, arg, shape, "", "", false, false, false                                                          \
    }

static const struct row rows[] = {
    MAILBOX("plain", "<user@example.com>", "user", "example.com"),
    MAILBOX("spelling is kept", "<A.User@Example.NET>", "A.User", "Example.NET"),
    MAILBOX("no brackets", "a.user@example.com", "a.user", "example.com"),
    MAILBOX("nested brackets", "<<u@d.example>>", "u", "d.example"),
    MAILBOX("opening bracket only", "<u@d.example", "u", "d.example"),
    MAILBOX("closing bracket only", "u@d.example>", "u", "d.example"),
    MAILBOX("more closing than opening", "<u@d.example>>", "u", "d.example"),
    MAILBOX("blanks around", "  <u@d.example>  ", "u", "d.example"),
    MAILBOX("tabs inside the brackets", "<\tu@d.example\t>", "u", "d.example"),
    MAILBOX("blanks around the at", "<u @ d.example>", "u", "d.example"),
    MAILBOX("blanks around a dot", "<a . b@d . example>", "a.b", "d.example"),
    MAILBOX("source route", "<@x.example,@y.example:user@Example.com>", "user", "Example.com"),
    MAILBOX("source route, one hop", "<@x.example:user@d.example>", "user", "d.example"),
    MAILBOX("source route and a blank", "<@x.example: user@d.example>", "user", "d.example"),
    MAILBOX("source route through a literal", "<@[IPv6:::1]:user@d.example>", "user", "d.example"),
    MAILBOX("source route, no domain", "<@x.example:user>", "user", ""),
    MAILBOX("trailing dot", "<u@d.example.>", "u", "d.example"),
    MAILBOX("no domain", "<postmaster>", "postmaster", ""),
    MAILBOX("no domain, no brackets", "Postmaster", "Postmaster", ""),
    MAILBOX("one-letter domain", "<u@d>", "u", "d"),
    MAILBOX("quoted needlessly", "<\"user\"@d.example>", "user", "d.example"),
    MAILBOX("a quoted pair in quotes", "<\"pr\\vs=07853a09e4=user\"@d.example>", "prvs=07853a09e4=user",
            "d.example"),
    MAILBOX("a quoted pair outside quotes", "<us\\er@d.example>", "user", "d.example"),
    MAILBOX("a quoted tag", "<\"prvs=07853a09e4=user\"@d.example>", "prvs=07853a09e4=user", "d.example"),
    MAILBOX("a quoted word among atoms", "<a.\"b\".c@d.example>", "a.b.c", "d.example"),
    MAILBOX("a quoted domain", "<u@\"d.example\">", "u", "d.example"),
    MAILBOX("a quoted pair in the domain", "<u@d.ex\\ample>", "u", "d.example"),
    MAILBOX("comment behind the local part", "<u(c)@d.example>", "u", "d.example"),
    MAILBOX("comment before the local part", "<(c)u@d.example>", "u", "d.example"),
    MAILBOX("comment in the domain", "<u@d.example(comment)>", "u", "d.example"),
    MAILBOX("nested comment", "<u(a(b)c)@d.example>", "u", "d.example"),
    MAILBOX("comment with an at", "<u(x@y)@d.example>", "u", "d.example"),
    MAILBOX("comment with an escaped parenthesis", "<u(\\))@d.example>", "u", "d.example"),
    MAILBOX("comment with a quote", "<u(\")@d.example>", "u", "d.example"),
    MAILBOX("comment between blanks", "<u (c) @d.example>", "u", "d.example"),
    MAILBOX("address literal", "<u@[192.0.2.1]>", "u", "[192.0.2.1]"),
    MAILBOX("IPv6 literal", "<u@[IPv6:2001:db8::1]>", "u", "[IPv6:2001:db8::1]"),
    MAILBOX("literal and trailing dot", "<u@[192.0.2.1].>", "u", "[192.0.2.1]"),
    MAILBOX("percent with a domain", "<u%d.example@other.example>", "u%d.example", "other.example"),
    MAILBOX("percent without at", "<u%d.example>", "u", "d.example"),
    MAILBOX("two percents without at", "<u%a%d.example>", "u%a", "d.example"),
    MAILBOX("bang path", "<d.example!u>", "u", "d.example"),
    MAILBOX("bang path of two", "<a.example!b.example!u>", "b.example!u", "a.example"),
    MAILBOX("bang with a domain", "<x!u@d.example>", "x!u", "d.example"),
    MAILBOX("bang and percent", "<d.example!u%o>", "u%o", "d.example"),
    MAILBOX("all of atext", "<!#$%&'*+-/=?^_`{|}~@d.example>", "!#$%&'*+-/=?^_`{|}~", "d.example"),
    MAILBOX("digits", "<1234567890@d.example>", "1234567890", "d.example"),
    MAILBOX("plus detail", "<u+detail@d.example>", "u+detail", "d.example"),
    MAILBOX("prefix tag", "<prvs=07853a09e4=u@d.example>", "prvs=07853a09e4=u", "d.example"),
    MAILBOX("tag and detail", "<prvs=07853a09e4=u+x@d.example>", "prvs=07853a09e4=u+x", "d.example"),
    MAILBOX("sub-address tag", "<u+prvs=07853a09e4@d.example>", "u+prvs=07853a09e4", "d.example"),
    MAILBOX("tag behind a source route", "<@r.example:prvs=07853a09e4=u@d.example>", "prvs=07853a09e4=u",
            "d.example"),
    MAILBOX("tag without a domain", "<prvs=07853a09e4=u>", "prvs=07853a09e4=u", ""),
    MAILBOX("SRS", "<SRS0=ab=cd=d.example=u@f.example>", "SRS0=ab=cd=d.example=u", "f.example"),
    MAILBOX("underscore in the domain", "<u@a_b.example>", "u", "a_b.example"),
    MAILBOX("A-label", "<u@xn--bcher-kva.example>", "u", "xn--bcher-kva.example"),
    QUOTED("a blank in quotes", "<\"a b\"@d.example>", "a b", "d.example"),
    QUOTED("a bare blank", "<a b@d.example>", "a b", "d.example"),
    QUOTED("many bare blanks are one", "<a \t b@d.example>", "a b", "d.example"),
    QUOTED("a comment between words", "<a (c) b@d.example>", "a b", "d.example"),
    QUOTED("an at in quotes", "<\"a@b\"@d.example>", "a@b", "d.example"),
    ILL("two ats", "<a@b@c.example>", "a@b", "c.example"),
    QUOTED("an escaped at", "<a\\@b@c.example>", "a@b", "c.example"),
    ILL("a tag in front of two ats", "<prvs=07853a09e4=a@b@c.example>", "prvs=07853a09e4=a@b", "c.example"),
    QUOTED("leading dot", "<.u@d.example>", ".u", "d.example"),
    QUOTED("trailing dot of the local part", "<u.@d.example>", "u.", "d.example"),
    QUOTED("two dots", "<u..v@d.example>", "u..v", "d.example"),
    QUOTED("quoted quote", "<\"a\\\"b\"@d.example>", "a\"b", "d.example"),
    QUOTED("quoted backslash", "<\"a\\\\b\"@d.example>", "a\\b", "d.example"),
    QUOTED("quoted parenthesis", "<\"a(b\"@d.example>", "a(b", "d.example"),
    QUOTED("quoted bracket", "<\"a>\"@d.example>", "a>", "d.example"),
    ILL("a comma", "<a,b@d.example>", "a,b", "d.example"),
    ILL("a colon", "<a:b@d.example>", "a:b", "d.example"),
    ILL("a control character", "<a\001b@d.example>", "a\001b", "d.example"),
    ILL("CR LF", "<a\r\nb@d.example>", "a\r\nb", "d.example"),
    QUOTED("a tag in quotes with a blank", "<\"prvs=07853a09e4=a b\"@d.example>", "prvs=07853a09e4=a b",
           "d.example"),
    ILL("a name before the brackets", "<x <user@d.example>>", "x <user", "d.example"),
    ILL("two routes", "<@a:@b:user@d.example>", "@b:user", "d.example"),
    ILL("empty brackets before", "<>user@d.example>", ">user", "d.example"),
    ILL("a semicolon", "<user;@d.example>", "user;", "d.example"),
    ILL("a parenthesis that closes nothing", "<user)@d.example>", "user)", "d.example"),
    ILL("brackets in the local part", "<us[er]@d.example>", "us[er]", "d.example"),
    UTF8("UTF-8 local part", "<b\xc3\xbc@d.example>", "b\xc3\xbc", "d.example"),
    UTF8("U-label",
         "<u@b\xc3\xbc"
         "cher.example>",
         "u",
         "b\xc3\xbc"
         "cher.example"),
    UTF8("8-bit rubbish", "<\xff\xfe@d.example>", "\xff\xfe", "d.example"),
    NOTHING("null sender", "<>", BV_NULL_SENDER),
    NOTHING("null sender, empty", "", BV_NULL_SENDER),
    NOTHING("null sender, blank", "< >", BV_NULL_SENDER),
    NOTHING("null sender, nested", "<<>>", BV_NULL_SENDER),
    NOTHING("at only", "<@>", BV_UNREADABLE),
    NOTHING("no local part", "<@d.example>", BV_UNREADABLE),
    NOTHING("empty quoted local part", "<\"\"@d.example>", BV_UNREADABLE),
    NOTHING("empty domain", "<u@>", BV_UNREADABLE),
    NOTHING("domain of a dot", "<u@.>", BV_UNREADABLE),
    NOTHING("two trailing dots", "<u@d.example..>", BV_UNREADABLE),
    NOTHING("leading dot in the domain", "<u@.d.example>", BV_UNREADABLE),
    NOTHING("empty label", "<u@d..example>", BV_UNREADABLE),
    NOTHING("blank in the domain", "<u@d.example junk>", BV_UNREADABLE),
    NOTHING("NUL-like control character in the domain", "<u@d\001.example>", BV_UNREADABLE),
    NOTHING("open quote", "<\"u@d.example>", BV_NOBODY),
    NOTHING("open comment", "<u(c@d.example>", BV_NOBODY),
    NOTHING("open literal", "<u@[192.0.2.1>", BV_NOBODY),
    NOTHING("literal with a bracket in it", "<u@[]\\\\a]>", BV_UNREADABLE),
    NOTHING("quoted literal with a backslash", "<u@\"[\\\\]\">", BV_UNREADABLE),
    NOTHING("empty literal", "<u@[]>", BV_UNREADABLE),
    NOTHING("comment only", "<(c)>", BV_NOBODY),
    NOTHING("route without an address", "<@a.example,@b.example:>", BV_NOBODY),
    NOTHING("route without a colon", "<@a.example,@b.example>", BV_UNREADABLE),
    NOTHING("bang without a user", "<d.example!>", BV_UNREADABLE),
    NOTHING("percent without a host", "<u%>", BV_UNREADABLE),
};

static void check_row(const struct row *r)
{
    struct bv_addr a;

    bv_addr_read(&a, bv_str(r->arg));
    if (a.shape != r->shape)
        fail_msg("%s: shape %d, expected %d", r->name, (int)a.shape, (int)r->shape);
    if (a.shape != BV_MAILBOX)
        return;
    if (!bv_str_same(bv_addr_local(&a), bv_str(r->local)))
        fail_msg("%s: local part \"%.*s\", expected \"%s\"", r->name, (int)a.local_len, a.text, r->local);
    if (!bv_str_same(bv_addr_domain(&a), bv_str(r->domain)))
        fail_msg("%s: domain \"%.*s\", expected \"%s\"", r->name, (int)a.domain_len, bv_addr_domain(&a).p,
                 r->domain);
    if (a.needs_quotes != r->needs_quotes || a.non_ascii != r->non_ascii || a.ill_formed != r->ill_formed ||
        a.overlong)
        fail_msg("%s: needs_quotes %d, non_ascii %d, overlong %d", r->name, a.needs_quotes, a.non_ascii,
                 a.overlong);
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

/* A local part of n letters, at a domain of m octets. */
static struct bv_str sized(char *buf, size_t n, size_t m)
{
    memset(buf, 'a', n);
    buf[n] = '@';
    memset(buf + n + 1, 'd', m);
    return (struct bv_str){buf, n + 1 + m};
}

static void test_lengths(void **state)
{
    static char buf[8192];
    struct bv_addr a;

    (void)state;
    static const size_t kept[] = {1, 47, 48, 49, 63, 64, 65, 240, BV_LOCAL_KEPT - 1, BV_LOCAL_KEPT};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        bv_addr_read(&a, sized(buf, kept[i], 11));
        assert_int_equal(a.shape, BV_MAILBOX);
        assert_int_equal(a.local_len, kept[i]);
        assert_int_equal(a.domain_len, 11);
        assert_false(a.overlong);
    }
    static const size_t over[] = {BV_LOCAL_KEPT + 1, 4096, 7000};
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        bv_addr_read(&a, sized(buf, over[i], 11));
        assert_int_equal(a.shape, BV_MAILBOX);
        assert_true(a.overlong);
        assert_int_equal(a.local_len, BV_LOCAL_KEPT);
        assert_int_equal(a.domain_len, 11); /* the domain is still known: it is ours or not */
    }
    bv_addr_read(&a, sized(buf, 1, BV_DOMAIN_MAX));
    assert_int_equal(a.domain_len, BV_DOMAIN_MAX);
    struct bv_str dotted = sized(buf, BV_LOCAL_KEPT, BV_DOMAIN_MAX);
    buf[dotted.n++] = '.';
    bv_addr_read(&a, dotted);
    assert_int_equal(a.domain_len, BV_DOMAIN_MAX);
    bv_addr_read(&a, sized(buf, 1, BV_DOMAIN_MAX + 1));
    assert_int_equal(a.shape, BV_UNREADABLE);
    bv_addr_read(&a, sized(buf, 1, 4096));
    assert_int_equal(a.shape, BV_UNREADABLE);
}

static void test_nul(void **state)
{
    struct bv_addr a;

    (void)state;
    bv_addr_read(&a, (struct bv_str){"<a\0b@d.example>", 15});
    assert_int_equal(a.shape, BV_MAILBOX);
    assert_true(a.needs_quotes);
    bv_addr_read(&a, (struct bv_str){"<a@d\0.example>", 14});
    assert_int_equal(a.shape, BV_UNREADABLE);
}

static void test_percent(void **state)
{
    static const struct {
        const char *name, *arg, *inner; /* inner NULL: none */
    } percent[] = {
        {"one hop", "u%d.example@relay.example", "u@d.example"},
        {"two hops, one at a time", "u%a.example%b.example@relay.example", "u%a.example@b.example"},
        {"a tag", "prvs=07853a09e4=u%d.example@relay.example", "prvs=07853a09e4=u@d.example"},
        {"trailing dot", "u%d.example.@relay.example", "u@d.example"},
        {"two ats", "u@d.example@relay.example", "u@d.example"},
        {"two ats, in quotes", "\"u@d.example\"@relay.example", "u@d.example"},
        {"three ats, one at a time", "u@a.example@b.example@relay.example", "\"u@a.example\"@b.example"},
        {"an at before a percent", "u%a.example@b.example@relay.example", "u%a.example@b.example"},
        {"bang path", "d.example!u@relay.example", "u@d.example"},
        {"bang path, the first hop", "a.example!b.example!u@relay.example", "b.example!u@a.example"},
        {"bang path, trailing dot", "d.example.!u@relay.example", "u@d.example"},
        {"a percent before a bang", "a.example!u%d.example@relay.example", "a.example!u@d.example"},
        {"bang, nothing before", "!u@relay.example", NULL},
        {"bang, nothing behind", "d.example!@relay.example", NULL},
        {"bang, no domain before", "\"a b!u\"@relay.example", NULL},
        {"an at, nothing behind", "\"u@\"@relay.example", NULL},
        {"none", "u@d.example", NULL},
        {"nothing before", "%d.example@relay.example", NULL},
        {"nothing behind", "u%@relay.example", NULL},
        {"no domain behind", "\"u%a b\"@relay.example", NULL},
        {"a literal", "u%[192.0.2.1]@relay.example", "u@[192.0.2.1]"},
        {"null sender", "<>", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof percent / sizeof *percent; i++) {
        char text[BV_ADDR_QUOTED];
        struct bv_addr a, inner;
        bv_addr_read(&a, bv_str(percent[i].arg));
        bool found = bv_addr_inner(&inner, &a);
        if (found != (percent[i].inner != NULL))
            fail_msg("%s: found %d", percent[i].name, found);
        if (!found)
            continue;
        bv_addr_write(text, sizeof text, bv_addr_local(&inner), bv_addr_domain(&inner));
        if (strcmp(text, percent[i].inner) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", percent[i].name, text, percent[i].inner);
    }
}

static void test_write(void **state)
{
    static const struct {
        const char *name, *arg, *text;
    } write[] = {
        {"plain", "<User@Example.com>", "User@Example.com"},
        {"no domain", "postmaster", "postmaster"},
        {"needless quotes go", "\"user\"@d.example", "user@d.example"},
        {"needed quotes stay", "\"a b\"@d.example", "\"a b\"@d.example"},
        {"quote and backslash", "\"a\\\"\\\\b\"@d.example", "\"a\\\"\\\\b\"@d.example"},
        {"dots", "a..b@d.example", "\"a..b\"@d.example"},
        {"UTF-8 needs none", "b\xc3\xbc@d.example", "b\xc3\xbc@d.example"},
        {"control character", "\"a\nb\"@d.example", ""},
    };
    char text[BV_ADDR_QUOTED];
    struct bv_addr a;

    (void)state;
    for (size_t i = 0; i < sizeof write / sizeof *write; i++) {
        bv_addr_read(&a, bv_str(write[i].arg));
        size_t n = bv_addr_write(text, sizeof text, bv_addr_local(&a), bv_addr_domain(&a));
        if (strcmp(text, write[i].text) != 0 || n != strlen(text))
            fail_msg("%s: \"%s\", expected \"%s\"", write[i].name, text, write[i].text);
    }
    for (size_t size = 0; size <= strlen("user@d.example") + 1; size++) {
        memset(text, '#', sizeof text);
        size_t n = bv_addr_write(text, size, bv_str("user"), bv_str("d.example"));
        assert_int_equal(n, size > strlen("user@d.example") ? strlen("user@d.example") : 0);
        assert_int_equal(text[size], '#');
    }
    assert_int_equal(bv_addr_write(text, sizeof text, bv_str("user"), (struct bv_str){"d\0e", 3}), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_lengths), cmocka_unit_test(test_nul),
        cmocka_unit_test(test_percent), cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

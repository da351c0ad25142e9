#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/bogus.h"
#include "test/unit/milter_networks.h"

static struct problems problems;

static void read_good(struct bogus *b, const char *name, const char *text, bool builtin)
{
    memset(&problems, 0, sizeof problems);
    if (bogus_read(b, "table", bv_str(text), builtin, &problems) != 0)
        fail_msg("%s: line %d: %s", name, problems.item[0].line, problems.item[0].text);
    assert_int_equal(problems.n, 0);
}

/* What is expected is a kind, "= " and a sentence, or NULL: not bogus. */
static void expect(const struct bogus *b, const char *name, const char *address, const char *want)
{
    struct net_addr a = networks_address(address);
    const struct bogus_entry *found = bogus_find(b, &a);
    char got[BOGUS_KIND + 8] = "fine";

    if (found != NULL)
        snprintf(got, sizeof got, "%s%s", found->sentence ? "= " : "", found->kind);
    if ((found == NULL) != (want == NULL) || (want != NULL && strcmp(got, want) != 0))
        fail_msg("%s, %s: \"%s\", expected \"%s\"", name, address, got, want != NULL ? want : "fine");
}

#define T10 "0123456789"
#define T75 T10 T10 T10 T10 T10 T10 T10 "01234"
#define T79 T75 "5678"

static const struct {
    const char *name, *text, *address, *want;
} rows[] = {
    {"a network", "10.0.0.0/8 REJECT private", "10.1.2.3", "private"},
    {"a network, outside", "10.0.0.0/8 REJECT private", "11.1.2.3", NULL},
    {"an address", "192.0.2.1 REJECT x", "192.0.2.1", "x"},
    {"an address, the next", "192.0.2.1 REJECT x", "192.0.2.2", NULL},
    {"IPv6", "2001:db8::/32 REJECT x", "2001:db8::1", "x"},
    {"IPv6 address in capitals", "2001:DB8::A REJECT x", "2001:db8::a", "x"},
    {"brackets", "[2001:db8::]/32 REJECT x", "2001:db8::1", "x"},
    {"brackets around all", "[2001:db8::/32] REJECT x", "2001:db8::1", "x"},
    {"brackets around an address", "[2001:db8::1] REJECT x", "2001:db8::1", "x"},
    {"brackets around IPv4", "[192.0.2.0]/24 REJECT x", "192.0.2.7", "x"},
    {"all of IPv4", "0.0.0.0/0 REJECT x", "192.0.2.7", "x"},
    {"all of IPv4 is not IPv6", "0.0.0.0/0 REJECT x", "2001:db8::1", NULL},
    {"all of IPv6", "::/0 REJECT x", "2001:db8::1", "x"},
    {"all of IPv6 is not IPv4", "::/0 REJECT x", "192.0.2.7", NULL},
    {"mapped networks are skipped",
     "::ffff:0:0/96 REJECT x\n::ffff:192.0.2.0/120 REJECT x\n10.0.0.0/8 REJECT y", "192.0.2.7", NULL},
    {"a mapped address in the table is skipped", "::ffff:192.0.2.7 REJECT x\n10.0.0.0/8 REJECT y", "192.0.2.7",
     NULL},
    {"a mapped address is judged as IPv4", "192.0.2.0/24 REJECT x", "::ffff:192.0.2.7", "x"},
    {"6to4 is judged as IPv4", "192.0.2.0/24 REJECT x", "2002:c000:207::1", "x"},
    {"6to4 as a whole", "2002::/16 REJECT x", "2002:808:808::1", "x"},
    {"6to4 as a whole, the address inside comes first", "2002::/16 REJECT x\n10.0.0.0/8 REJECT y",
     "2002:a00:1::1", "y"},
    {"6to4, a longer network comes first", "2002:a00::/24 REJECT x\n10.0.0.0/8 REJECT y", "2002:a00:1::1", "x"},
    {"6to4, a longer network exempts", "2002:a00::/24 DUNNO\n10.0.0.0/8 REJECT y", "2002:a00:1::1", NULL},
    {"6to4, exempt as a whole", "2002::/16 DUNNO\n10.0.0.0/8 REJECT y", "2002:a00:1::1", "y"},
    {"6to4 as a whole, inside exempt", "2002::/16 REJECT x\n10.0.0.0/8 DUNNO", "2002:a00:1::1", "x"},
    {"NAT64 is judged as IPv4", "192.0.2.0/24 REJECT x", "64:ff9b::c000:207", "x"},
    {"IPv4-compatible is judged as IPv4", "192.0.2.0/24 REJECT x", "::c000:207", "x"},

    {"DUNNO", "10.1.0.0/16 DUNNO\n10.0.0.0/8 REJECT x", "10.1.2.3", NULL},
    {"DUNNO, beside it", "10.1.0.0/16 DUNNO\n10.0.0.0/8 REJECT x", "10.2.2.3", "x"},
    {"OK", "10.1.0.0/16 OK\n10.0.0.0/8 REJECT x", "10.1.2.3", NULL},
    {"permit", "10.1.0.0/16 permit\n10.0.0.0/8 REJECT x", "10.1.2.3", NULL},
    {"DUNNO with text", "10.1.0.0/16 DUNNO our own\n10.0.0.0/8 REJECT x", "10.1.2.3", NULL},
    {"the longest counts, an exemption behind", "10.0.0.0/8 REJECT x\n10.1.0.0/16 DUNNO", "10.1.2.3", NULL},
    {"the longest counts, an exemption behind, beside it", "10.0.0.0/8 REJECT x\n10.1.0.0/16 DUNNO", "10.2.2.3",
     "x"},
    {"the longest counts, inside an exemption", "10.0.0.0/8 DUNNO\n10.1.0.0/16 REJECT x\n11.0.0.0/8 REJECT y",
     "10.1.2.3", "x"},
    {"the longest counts, an address", "0.0.0.0/0 REJECT x\n10.1.2.3 REJECT y", "10.1.2.3", "y"},
    {"the longest counts, IPv6", "2001:db8::/32 REJECT x\n2001:db8:1::/48 DUNNO", "2001:db8:1::1", NULL},
    {"the first of the same", "10.0.0.0/8 REJECT x\n10.0.0.0/8 REJECT y", "10.1.2.3", "x"},
    {"the first of the same, an exemption", "10.0.0.0/8 DUNNO\n10.0.0.0/8 REJECT y", "10.1.2.3", NULL},
    {"the first of the same, others between",
     "10.1.0.0/16 REJECT x\n10.0.0.0/8 REJECT y\n10.1.0.0/16 DUNNO\n10.0.0.0/8 DUNNO", "10.1.2.3", "x"},
    {"three, the inner", "10.1.1.0/24 REJECT x\n10.0.0.0/8 REJECT y\n10.1.0.0/16 REJECT z", "10.1.1.3", "x"},
    {"three, the middle", "10.1.1.0/24 REJECT x\n10.0.0.0/8 REJECT y\n10.1.0.0/16 REJECT z", "10.1.2.3", "z"},
    {"three, the outer", "10.1.1.0/24 REJECT x\n10.0.0.0/8 REJECT y\n10.1.0.0/16 REJECT z", "10.2.2.3", "y"},
    {"a wide one of IPv6 before one of IPv4", "::/0 DUNNO\n10.0.0.0/8 REJECT x", "10.1.2.3", "x"},
    {"IPv6 on both sides of IPv4", "::/0 REJECT x\n10.0.0.0/8 REJECT y\n2001:db8::/32 REJECT z", "2001:db8::1",
     "z"},

    {"5xx", "127.0.0.0/8 554 x y", "127.0.0.1", "= x y"},
    {"4xx", "127.0.0.0/8 450 x y", "127.0.0.1", "= x y"},
    {"a status", "127.0.0.0/8 REJECT 5.7.1 x y", "127.0.0.1", "= x y"},
    {"a code and a status", "127.0.0.0/8 554 5.4.12 x y", "127.0.0.1", "= x y"},
    {"a status alone", "127.0.0.0/8 554 5.7.1", "127.0.0.1", "bogus"},
    {"no status: 3.7.1", "127.0.0.0/8 554 3.7.1 x", "127.0.0.1", "= 3.7.1 x"},
    {"no status: 5.7", "127.0.0.0/8 554 5.7 x", "127.0.0.1", "= 5.7 x"},
    {"no status: 5.7.1.2", "127.0.0.0/8 554 5.7.1.2 x", "127.0.0.1", "= 5.7.1.2 x"},
    {"no status: 5.1234.1", "127.0.0.0/8 554 5.1234.1 x", "127.0.0.1", "= 5.1234.1 x"},
    {"no status: 55.7.1", "127.0.0.0/8 554 55.7.1 x", "127.0.0.1", "= 55.7.1 x"},
    {"no status: 5..1", "127.0.0.0/8 554 5..1 x", "127.0.0.1", "= 5..1 x"},
    {"in small letters", "127.0.0.0/8 reject x", "127.0.0.1", "x"},
    {"DISCARD", "127.0.0.0/8 DISCARD x", "127.0.0.1", "x"},
    {"DROP", "127.0.0.0/8 DROP x", "127.0.0.1", "x"},
    {"HOLD", "127.0.0.0/8 HOLD x", "127.0.0.1", "x"},
    {"DEFER", "127.0.0.0/8 DEFER x", "127.0.0.1", "x"},
    {"DEFER_IF_PERMIT", "127.0.0.0/8 DEFER_IF_PERMIT x", "127.0.0.1", "x"},
    {"DEFER_IF_REJECT", "127.0.0.0/8 DEFER_IF_REJECT x", "127.0.0.1", "x"},
    {"no text", "127.0.0.0/8 REJECT", "127.0.0.1", "bogus"},
    {"a code without text", "127.0.0.0/8 550", "127.0.0.1", "bogus"},
    {"blanks behind the action", "127.0.0.0/8 REJECT \t ", "127.0.0.1", "bogus"},
    {"the usual text", "127.0.0.0/8 554 Domain MX in loopback network", "127.0.0.1", "loopback"},
    {"the usual text, a status", "127.0.0.0/8 554 5.7.1 Domain MX in loopback network", "127.0.0.1",
     "loopback"},
    {"a text like the usual one", "::1/128 REJECT Domain MX is Loopback address", "::1",
     "= Domain MX is Loopback address"},
    {"the usual text, more than one word", "10.0.0.0/8 REJECT Domain MX in RFC 1918 private network",
     "10.1.2.3", "RFC 1918 private"},
    {"the usual text without network", "::/96 REJECT Domain MX in IPv4-Compatible IPv6", "::8.8.8.8",
     "= Domain MX in IPv4-Compatible IPv6"},
    {"the usual text, more behind it", "10.0.0.0/8 REJECT Domain MX in a network (RFC 1)", "10.1.2.3",
     "= Domain MX in a network (RFC 1)"},
    {"the usual text, nothing between", "10.0.0.0/8 REJECT Domain MX in network", "10.1.2.3",
     "= Domain MX in network"},
    {"the usual text, cut off", "10.0.0.0/8 REJECT Domain MX in", "10.1.2.3", "= Domain MX in"},
    {"the end of the usual text only", "10.0.0.0/8 REJECT no route to your network", "10.1.2.3",
     "= no route to your network"},
    {"the usual text, other letters", "10.0.0.0/8 REJECT domain MX in x network", "10.1.2.3",
     "= domain MX in x network"},
    {"the usual text, blanks", "10.0.0.0/8 REJECT  Domain  MX in \t x  network ", "10.1.2.3", "x"},
    {"a sentence", "10.0.0.0/8 554 5.7.1 100% wrong; see http://h.example/?a=b", "10.1.2.3",
     "= 100% wrong; see http://h.example/?a=b"},
    {"a sentence, and one that is none", "10.0.0.0/8 REJECT no way\n127.0.0.0/8 REJECT Domain MX in x network",
     "127.0.0.1", "x"},
    {"a sentence that is cut", "10.0.0.0/8 REJECT a b " T79, "10.1.2.3", "= a b " T75},
    {"the longest text", "10.0.0.0/8 REJECT " T79, "10.1.2.3", T79},
    {"a text that is cut", "10.0.0.0/8 REJECT " T79 "9" T10, "10.1.2.3", T79},
    {"a text that is not cut, but for what is around it", "10.0.0.0/8 REJECT Domain MX in " T79 " network",
     "10.1.2.3", T79},

    {"blanks and tabs", "127.0.0.0/8 \t REJECT \t  a \t b  \t", "127.0.0.1", "= a b"},
    {"CR LF", "10.0.0.0/8 REJECT x y\r\n\r\n# z\r\n127.0.0.0/8 REJECT a b\r\n", "127.0.0.1", "= a b"},
    {"comments and empty lines", "# x\n\n  # y\n \t\n127.0.0.0/8 REJECT a\n#z", "127.0.0.1", "a"},
    {"a # in a text is no comment", "127.0.0.0/8 REJECT a #1", "127.0.0.1", "= a #1"},
    {"any octet in a comment", "# \xd0\xb1\x01\n127.0.0.0/8 REJECT a", "127.0.0.1", "a"},
    {"a line that goes on", "127.0.0.0/8\n REJECT\n\ta\n  b", "127.0.0.1", "= a b"},
    {"a line that goes on, and the next", "127.0.0.0/8\n REJECT a\n10.0.0.0/8 REJECT b\n", "10.0.0.1", "b"},
    {"a line goes on behind a comment", "127.0.0.0/8 REJECT a\n# x\n  b\n\n  # y\n  c\n10.0.0.0/8 REJECT d",
     "127.0.0.1", "= a b c"},
    {"a comment ends no line, a network does", "127.0.0.0/8 REJECT a\n# x\n10.0.0.0/8 REJECT d", "10.0.0.1",
     "d"},
    {"no newline at the end", "10.0.0.0/8 REJECT x\n127.0.0.0/8 REJECT a", "127.0.0.1", "a"},
    {"prefix length with a zero", "127.0.0.0/08 REJECT a", "127.0.0.1", "a"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bogus b;
        read_good(&b, rows[i].name, rows[i].text, false);
        expect(&b, rows[i].name, rows[i].address, rows[i].want);
        bogus_free(&b);
    }
}

/* `text` is what the message has to say of it. */
static const struct {
    const char *name, *table;
    int line;
    const char *text;
} bad_rows[] = {
    {"host bits", "10.0.0.0/8 REJECT\n10.0.0.1/8 REJECT x\n", 2,
     "\"10.0.0.1/8\" has bits set behind its prefix"},
    {"host bits of IPv6", "2001:db8::1/32 REJECT", 1, "has bits set behind its prefix"},
    {"prefix too long", "10.0.0.0/33 REJECT", 1, "\"10.0.0.0/33\" has a bad prefix length"},
    {"no prefix length", "10.0.0.0/ REJECT", 1, "has a bad prefix length"},
    {"a netmask", "10.0.0.0/255.0.0.0 REJECT", 1, "has a bad prefix length"},
    {"three octets", "10.0.0/24 REJECT", 1, "\"10.0.0/24\" is no IP address or network"},
    {"a host name", "mx.example.com REJECT", 1, "is no IP address or network"},
    {"a pattern", "/^10\\./ REJECT", 1, "is no IP address or network"},
    {"a long word", T79 T79 " REJECT", 1, "is no IP address or network"},
    {"a long word in brackets", "[" T79 "]/8 REJECT", 1, "is no IP address or network"},
    {"a negation", "127.0.0.0/8 REJECT\n!10.0.0.0/8 REJECT", 2, "\"!10.0.0.0/8\" is a negation"},
    {"if", "if 10.0.0.0/8\n10.1.0.0/16 DUNNO\nendif", 1, "\"if\" is not supported"},
    {"endif", "10.0.0.0/8 REJECT\nENDIF", 2, "\"ENDIF\" is not supported"},
    {"if with a negation", "if !10.0.0.0/8", 1, "\"if\" is not supported"},
    {"no action", "10.0.0.0/8", 1, "\"10.0.0.0/8\" has no action behind it (REJECT,"},
    {"no action, but blanks", "10.0.0.0/8  \t", 1, "has no action behind it"},
    {"an action with a mistake", "10.0.0.0/8 DUNO", 1, "\"DUNO\" is no action for this table (REJECT,"},
    {"an action that refuses nothing", "10.0.0.0/8 WARN x", 1, "\"WARN\" is no action"},
    {"a restriction", "10.0.0.0/8 reject_unauth_destination", 1, "is no action"},
    {"a code that refuses nothing", "10.0.0.0/8 250 x", 1, "\"250\" is no action"},
    {"a code of two digits", "10.0.0.0/8 55 x", 1, "\"55\" is no action"},
    {"a code of four digits", "10.0.0.0/8 5544 x", 1, "\"5544\" is no action"},
    {"a code and a letter", "10.0.0.0/8 55x", 1, "\"55x\" is no action"},
    {"an action in quotes", "10.0.0.0/8 \"REJECT\"", 1, "is no action"},
    {"no closing bracket", "[10.0.0.0/8 REJECT", 1, "\"[10.0.0.0/8\" has no \"]\""},
    {"behind the bracket", "[10.0.0.0]8 REJECT", 1, "goes on behind its \"]\""},
    {"two prefix lengths", "[10.0.0.0/8]/8 REJECT", 1, "goes on behind its \"]\""},
    {"no opening bracket", "10.0.0.0]/8 REJECT", 1, "is no IP address or network"},
    {"empty brackets", "[] REJECT", 1, "is no IP address or network"},
    {"a bracket alone", "[ REJECT", 1, "has no \"]\""},
    {"a blank before the first", "  10.0.0.0/8 REJECT", 1, "begins with a blank"},
    {"a blank before the first behind a comment", "# x\n\n  10.0.0.0/8 REJECT", 3, "begins with a blank"},
    {"a control character", "10.0.0.0/8 REJECT a\x01z", 1, "may hold printable ASCII only"},
    {"delete", "10.0.0.0/8 REJECT a\x7fz", 1, "may hold printable ASCII only"},
    {"a letter that is not ASCII", "10.0.0.0/8 REJECT \xc3\xbc", 1, "may hold printable ASCII only"},
    {"a letter that is not ASCII further down", "10.0.0.0/8 REJECT\n  # x\n  \xc3\xbc", 1,
     "may hold printable ASCII only"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "10.0.0.0/8 REJECT",
     1, "byte order mark"},
    {"nothing", "", 0, "names no network"},
    {"comments only", "# 10.0.0.0/8 REJECT\n\n", 0, "names no network"},
    {"mapped ones only", "::ffff:0:0/96 REJECT", 0, "names no network"},
    {"the line where it begins", "# x\n10.0.0.0/8\n  REJECT\n11.0.0.0\n  /8\n  REJECT", 4,
     "\"/8\" is no action"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        struct bogus b;
        memset(&problems, 0, sizeof problems);
        if (bogus_read(&b, "table", bv_str(bad_rows[i].table), false, &problems) == 0)
            fail_msg("%s: is taken", bad_rows[i].name);
        const struct problem *got = &problems.item[0];
        if (problems.n == 0 || got->line != bad_rows[i].line || strstr(got->text, bad_rows[i].text) == NULL ||
            strcmp(got->path, "table") != 0)
            fail_msg("%s: %zu problems, %s:%d: %s", bad_rows[i].name, problems.n, got->path, got->line,
                     got->text);
        assert_int_equal(b.n, 0);
        assert_null(b.entry);
        assert_int_equal(b.networks.n, 0);
    }
}

/* All that is wrong is told in one run, and earlier problems are not counted as this table's. */
static void test_many_problems(void **state)
{
    struct bogus b;

    (void)state;
    memset(&problems, 0, sizeof problems);
    problems_add(&problems, "other", 7, "is wrong");
    assert_int_equal(
        bogus_read(&b, "table", bv_str("x REJECT\n10.0.0.0/8 REJECT\n10.0.0.0/8\n"), false, &problems), -1);
    assert_int_equal(problems.n, 3);
    assert_int_equal(problems.item[1].line, 1);
    assert_int_equal(problems.item[2].line, 3);
    assert_int_equal(bogus_read(&b, "table", bv_str("10.0.0.0/8 REJECT x\n"), false, &problems), 0);
    assert_int_equal(problems.n, 3);
    expect(&b, "after problems", "10.0.0.1", "x");
    bogus_free(&b);
    assert_int_equal(bogus_read(&b, "table", bv_str(""), false, &problems), -1);
    assert_int_equal(problems.n, 4);
}

static const struct {
    const char *name, *text, *address, *want;
} builtin_rows[] = {
    {"nothing but the built-in list", "", "127.0.0.1", "loopback"},
    {"one more", "8.8.8.0/24 REJECT x", "8.8.8.8", "x"},
    {"one more, the list is there", "8.8.8.0/24 REJECT x", "10.0.0.1", "private"},
    {"the table comes first", "10.0.0.0/8 REJECT x", "10.0.0.1", "x"},
    {"the table comes first, an exemption", "10.0.0.0/8 DUNNO", "10.0.0.1", NULL},
    {"the table comes first, but not with a wider network", "10.0.0.0/7 REJECT x", "10.0.0.1", "private"},
    {"a wider network, beside the list's", "10.0.0.0/7 REJECT x", "11.0.0.1", "x"},
    {"an exemption", "10.1.2.3 DUNNO", "10.1.2.3", NULL},
    {"an exemption, the next", "10.1.2.3 DUNNO", "10.1.2.4", "private"},
    {"a wide exemption", "192.0.0.0/8 DUNNO", "192.168.1.1", "private"},
    {"what the list exempts", "192.0.0.0/24 REJECT x", "192.0.0.9", NULL},
    {"what the list exempts, named", "192.0.0.9 REJECT x", "192.0.0.9", "x"},
    {"what the list exempts otherwise", "8.8.8.0/24 REJECT x", "192.0.0.9", NULL},
    {"an exemption of IPv6", "fd00:1::/32 DUNNO", "fd00:1::1", NULL},
    {"without an exemption of IPv6", "fd00:1::/32 DUNNO", "fd00:2::1", "unique local"},
};

static void test_builtin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof builtin_rows / sizeof *builtin_rows; i++) {
        struct bogus b;
        read_good(&b, builtin_rows[i].name, builtin_rows[i].text, true);
        expect(&b, builtin_rows[i].name, builtin_rows[i].address, builtin_rows[i].want);
        bogus_free(&b);
    }
}

/* As many mail administrators have it, with the reply code of one line changed. */
static const char published[] = "    # recipient_mx_access.cidr\n"
                                "0.0.0.0/8       REJECT Domain MX in broadcast network\n"
                                "10.0.0.0/8      REJECT Domain MX in RFC 1918 private network\n"
                                "127.0.0.0/8     554 Domain MX in loopback network\n"
                                "169.254.0.0/16  REJECT Domain MX in link local network\n"
                                "172.16.0.0/12   REJECT Domain MX in RFC 1918 private network\n"
                                "192.0.2.0/24    REJECT Domain MX in TEST-NET-1 network\n"
                                "192.168.0.0/16  REJECT Domain MX in RFC 1918 private network\n"
                                "198.51.100.0/24 REJECT Domain MX in TEST-NET-2 network\n"
                                "203.0.113.0/24  REJECT Domain MX in TEST-NET-3 network\n"
                                "224.0.0.0/4     REJECT Domain MX in class D multicast network\n"
                                "240.0.0.0/5     REJECT Domain MX in class E reserved network\n"
                                "248.0.0.0/5     REJECT Domain MX in reserved network\n"
                                "\n"
                                "::1/128         REJECT Domain MX is Loopback address\n"
                                "::/128          REJECT Domain MX is Unspecified address\n"
                                "::/96           REJECT Domain MX in IPv4-Compatible IPv6\n"
                                "::ffff:0:0/96   REJECT Domain MX in IPv4-Mapped IPv6\n"
                                "ff00::/8        REJECT Domain MX in Multicast network\n"
                                "fe80::/10       REJECT Domain MX in Link-local unicast network\n"
                                "fec0::/10       REJECT Domain MX in Site-local unicast network\n";

static const struct {
    const char *address, *want;
} published_rows[] = {
    {"0.1.2.3", "broadcast"},
    {"10.0.0.1", "RFC 1918 private"},
    {"127.0.0.1", "loopback"},
    {"169.254.1.1", "link local"},
    {"172.16.0.1", "RFC 1918 private"},
    {"192.0.2.1", "TEST-NET-1"},
    {"192.168.0.1", "RFC 1918 private"},
    {"198.51.100.1", "TEST-NET-2"},
    {"203.0.113.1", "TEST-NET-3"},
    {"224.0.0.1", "class D multicast"},
    {"240.0.0.1", "class E reserved"},
    {"255.255.255.255", "reserved"},
    {"::1", "= Domain MX is Loopback address"},
    {"::", "= Domain MX is Unspecified address"},
    {"::8.8.8.8", "= Domain MX in IPv4-Compatible IPv6"},
    {"ff02::1", "Multicast"},
    {"fe80::1", "Link-local unicast"},
    {"fec0::1", "Site-local unicast"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:8.8.8.8", NULL},
    {"8.8.8.8", NULL},
    {"100.64.0.1", NULL},
    {"2001:4860:4860::8888", NULL},
};

static void test_published(void **state)
{
    struct bogus b;

    (void)state;
    read_good(&b, "published", published, false);
    assert_int_equal(b.n, 18);
    for (size_t i = 0; i < sizeof published_rows / sizeof *published_rows; i++)
        expect(&b, "published", published_rows[i].address, published_rows[i].want);
    bogus_free(&b);
}

/* More than the built-in list has. */
static void test_many(void **state)
{
    enum { ROWS = 65536, ROW = 32 };
    char *text = malloc((size_t)ROWS * ROW);
    size_t n = 0;
    struct bogus b;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < ROWS; i++)
        n += (size_t)sprintf(text + n, "10.%d.%d.0/24 REJECT k%d\n", i >> 8, i & 255, i);
    assert_int_equal(bogus_read(&b, "table", (struct bv_str){text, n}, false, &problems), 0);
    assert_int_equal(b.n, ROWS);
    expect(&b, "first", "10.0.0.1", "k0");
    expect(&b, "middle", "10.128.0.1", "k32768");
    expect(&b, "last", "10.255.255.1", "k65535");
    bogus_free(&b);
    free(text);
}

/* ---- against a search through all lines */

enum { LINES_MAX = 40, LINE_OCTETS = 80 };

struct line {
    struct net net;
    bool v4, bogus;
    char kind[24];
};

static void pick_line(struct line *line, const struct line *earlier, size_t n)
{
    *line = (struct line){.bogus = networks_pick(3) > 0, .v4 = networks_pick(3) > 0};
    for (size_t i = 0; i < NET_OCTETS; i++)
        line->net.ip[i] = (unsigned char)(networks_pick(2) * 255);
    if (networks_pick(4) == 0)
        memcpy(line->net.ip, "\x20\x02", 2);
    else if (networks_pick(4) == 0)
        memcpy(line->net.ip, networks_pick(2) ? "\0\0\0\0\0\0\0\0\0\0\0\0" : "\0\x64\xff\x9b\0\0\0\0\0\0\0\0",
               12);
    if (n > 0 && networks_pick(4) > 0)
        *line = earlier[networks_pick((unsigned)n)]; /* so that they nest */
    if (line->v4)
        memcpy(line->net.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
    line->net.bits = line->v4 ? 96 + networks_pick(33) : networks_pick(129);
    for (unsigned bit = line->net.bits; bit < 128; bit++)
        line->net.ip[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
    line->bogus = networks_pick(3) > 0;
    snprintf(line->kind, sizeof line->kind, "k%zu", n);
}

static size_t write_line(char *dst, const struct line *line)
{
    char text[NET_TEXT];

    inet_ntop(line->v4 ? AF_INET : AF_INET6, line->net.ip + (line->v4 ? 12 : 0), text, sizeof text);
    return (size_t)snprintf(dst, LINE_OCTETS, "%s/%u %s %s\n", text, line->net.bits - (line->v4 ? 96 : 0),
                            line->bogus ? "REJECT" : "DUNNO", line->kind);
}

/* The number of the line that counts; -1: none. */
static int longest_line(const struct line *line, size_t n, const struct net_addr *a)
{
    int longest = -1;

    for (size_t i = 0; i < n; i++) {
        struct net copy = line[i].net;
        struct net_list one = {1, &copy};
        bool mapped =
            !line[i].v4 && copy.bits >= 96 && memcmp(copy.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
        if (!mapped && net_contains(&one, a) && (longest < 0 || copy.bits > line[longest].net.bits))
            longest = (int)i;
    }
    return longest;
}

static const char *slow_kind(const struct line *line, size_t n, const struct net_addr *a)
{
    static const unsigned char zero[12];
    int outer = longest_line(line, n, a), inner;
    struct net_addr v4;
    unsigned bits = 0;

    if (memcmp(a->ip, "\x20\x02", 2) == 0)
        bits = 16;
    else if (memcmp(a->ip, zero, 12) == 0 || memcmp(a->ip, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12) == 0)
        bits = 96;
    if (bits > 0 && (outer < 0 || line[outer].net.bits <= bits)) {
        net_addr_v4(&v4, a->ip + bits / 8);
        inner = longest_line(line, n, &v4);
        if (inner >= 0 && line[inner].bogus)
            return line[inner].kind;
    }
    return outer >= 0 && line[outer].bogus ? line[outer].kind : NULL;
}

static void test_against_lines(void **state)
{
    (void)state;
    for (int round = 0; round < 4000; round++) {
        struct line line[LINES_MAX];
        char text[LINES_MAX * LINE_OCTETS];
        size_t n = 1 + networks_pick(LINES_MAX), length = 0;
        struct bogus b;
        for (size_t i = 0; i < n; i++) {
            pick_line(&line[i], line, i);
            length += write_line(text + length, &line[i]);
        }
        memset(&problems, 0, sizeof problems);
        int result = bogus_read(&b, "table", (struct bv_str){text, length}, false, &problems);
        if (result != 0 && strcmp(problems.item[0].text, "names no network") != 0)
            fail_msg("line %d: %s\n%s", problems.item[0].line, problems.item[0].text, text);
        for (size_t i = 0; i < n && result == 0; i++) {
            struct net_addr around[NETWORKS_AROUND];
            networks_around(around, &line[i].net);
            for (size_t k = 0; k < NETWORKS_AROUND; k++) {
                const struct bogus_entry *found = bogus_find(&b, &around[k]);
                const char *got = found != NULL ? found->kind : NULL;
                const char *want = slow_kind(line, n, &around[k]);
                char address[NET_TEXT];
                net_addr_write(address, &around[k]);
                if ((got == NULL) != (want == NULL) || (want != NULL && strcmp(got, want) != 0))
                    fail_msg("%s: %s, expected %s\n%s", address, got != NULL ? got : "fine",
                             want != NULL ? want : "fine", text);
            }
        }
        bogus_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_bad),
        cmocka_unit_test(test_many_problems), cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_published),     cmocka_unit_test(test_many),
        cmocka_unit_test(test_against_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

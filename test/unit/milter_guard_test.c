#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/guard.h"
#include "test/unit/milter_networks.h"

static struct bogus bogus;

static int set_up(void **state)
{
    (void)state;
    return bogus_builtin(&bogus);
}

static int tear_down(void **state)
{
    (void)state;
    bogus_free(&bogus);
    return 0;
}

/* "NAME=ADDRESS,ADDRESS": "none" and "failed" for what the DNS said, "?" when a question failed besides. */
static void read_host(struct guard_host *host, char *word)
{
    char *equals = strchr(word, '='), *rest = NULL;

    *host = (struct guard_host){.dns = GUARD_DNS_NONE};
    assert_non_null(equals);
    *equals = '\0';
    if (strcmp(word, ".") != 0)
        snprintf(host->name, sizeof host->name, "%s", word);
    for (char *item = strtok_r(equals + 1, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        if (strcmp(item, "failed") == 0) {
            host->dns = GUARD_DNS_FAILED;
        } else if (strcmp(item, "?") == 0) {
            host->some_failed = true;
        } else if (strcmp(item, "none") != 0) {
            host->dns = GUARD_DNS_OK;
            host->address[host->n++] = networks_address(item);
        }
    }
}

/*
 * "mx PREFERENCE HOST ...", "implicit HOST", or "failed" alone; a "+" at the end: there were more.
 */
static void read_facts(struct guard_facts *facts, const char *text)
{
    char copy[4096], *rest = NULL;

    memset(facts, 0, sizeof *facts);
    facts->ttl = 300;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    char *word = strtok_r(copy, " ", &rest);
    facts->mx = strcmp(word, "mx") == 0         ? GUARD_DNS_OK
                : strcmp(word, "implicit") == 0 ? GUARD_DNS_NONE
                                                : GUARD_DNS_FAILED;
    facts->implicit = facts->mx == GUARD_DNS_NONE;
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        unsigned preference = 0;
        if (strcmp(word, "+") == 0) {
            facts->more = true;
            continue;
        }
        if (facts->mx == GUARD_DNS_OK) {
            preference = (unsigned)atoi(word);
            word = strtok_r(NULL, " ", &rest);
        }
        read_host(&facts->host[facts->n], word);
        facts->host[facts->n++].preference = preference;
    }
}

/* "fine", "bogus-mx loopback", ... */
static void describe(char dst[128], const struct guard_verdict *v)
{
    snprintf(dst, 128, "%s%s%s", guard_word(v->result), v->kind[0] != '\0' ? " " : "", v->kind);
}

/* `any` NULL: the same as `all`. */
static const struct {
    const char *name, *facts, *all, *any;
} rows[] = {
    {"one good host", "mx 10 mx.example=8.8.8.8", "fine", NULL},
    {"two good addresses", "mx 10 mx.example=8.8.8.8,2606:4700::1111", "fine", NULL},
    {"no MX, an address", "implicit example.com=8.8.8.8", "fine", NULL},

    {"null MX", "mx 0 .=none", "null-mx", NULL},
    {"null MX, its address asked for in vain", "mx 0 .=failed", "null-mx", NULL},
    {"null MX beside a good host", "mx 0 .=none 10 mx.example=8.8.8.8", "fine", NULL},
    {"null MX behind a good host", "mx 10 mx.example=8.8.8.8 0 .=none", "fine", NULL},
    {"null MX beside a bogus host", "mx 0 .=none 10 mx.example=127.0.0.1", "bogus-mx loopback", NULL},
    {"null MX beside one that does not exist", "mx 0 .=none 10 mx.example=none", "unknown", NULL},
    {"null MX beside one that failed", "mx 0 .=none 10 mx.example=failed", "unknown", NULL},
    {"null MX twice", "mx 0 .=none 0 .=none", "unknown", NULL},
    {"null MX, and more that did not fit", "mx 0 .=none +", "unknown", NULL},
    {"the root at another preference", "mx 10 .=none", "unknown", NULL},
    {"the root at another preference beside a good host", "mx 10 .=none 20 mx.example=8.8.8.8", "fine", NULL},
    {"the root at another preference beside a bogus host", "mx 10 .=none 20 mx.example=10.0.0.1",
     "bogus-mx private", NULL},
    {"the root has no addresses of its own", "mx 10 .=127.0.0.1", "unknown", NULL},
    {"a domain that is the root, no MX", "implicit .=none", "unknown", NULL},

    {"one bogus host", "mx 10 mx.example=127.0.0.1", "bogus-mx loopback", NULL},
    {"one bogus host, 127.0.0.6", "mx 10 mx.example=127.0.0.6", "bogus-mx loopback", NULL},
    {"one bogus host, name collision", "mx 10 your-dns-needs-immediate-attention.example=127.0.53.53",
     "bogus-mx loopback", NULL},
    {"one bogus host, 0.0.0.0", "mx 10 mx.example=0.0.0.0", "bogus-mx unspecified", NULL},
    {"one bogus host, ::1", "mx 10 mx.example=::1", "bogus-mx loopback", NULL},
    {"one bogus host, mapped", "mx 10 mx.example=::ffff:127.0.0.1", "bogus-mx loopback", NULL},
    {"one bogus host, 6to4", "mx 10 mx.example=2002:7f00:1::", "bogus-mx loopback", NULL},
    {"one bogus host, NAT64", "mx 10 mx.example=64:ff9b::7f00:1", "bogus-mx loopback", NULL},
    {"one host, exempt", "mx 10 mx.example=192.0.0.9", "fine", NULL},
    {"bogus hosts, the kind of the best one", "mx 10 a.example=10.0.0.1 20 b.example=127.0.0.1",
     "bogus-mx private", NULL},
    {"bogus addresses, the kind of the first", "mx 10 a.example=192.0.2.1,127.0.0.1", "bogus-mx documentation",
     NULL},
    {"no MX, a bogus address", "implicit example.com=127.0.0.1", "bogus-mx loopback", NULL},

    {"a good and a bogus host", "mx 10 a.example=8.8.8.8 20 b.example=127.0.0.1", "fine", "bogus-mx loopback"},
    {"a bogus and a good host", "mx 10 a.example=127.0.0.1 20 b.example=8.8.8.8", "fine", "bogus-mx loopback"},
    {"a good and a bogus address", "mx 10 a.example=8.8.8.8,10.0.0.1", "fine", "bogus-mx private"},
    {"a bogus and a good address", "mx 10 a.example=::1,8.8.8.8", "fine", "bogus-mx loopback"},
    {"no MX, a good and a bogus address", "implicit example.com=8.8.8.8,::1", "fine", "bogus-mx loopback"},

    {"the MX question failed", "failed", "unknown", NULL},
    {"all hosts failed", "mx 10 a.example=failed 20 b.example=failed", "unknown", NULL},
    {"a bogus host and one that failed", "mx 10 a.example=127.0.0.1 20 b.example=failed", "unknown",
     "bogus-mx loopback"},
    {"one that failed and a bogus host", "mx 10 a.example=failed 20 b.example=127.0.0.1", "unknown",
     "bogus-mx loopback"},
    {"a bogus address, the other question failed", "mx 10 a.example=127.0.0.1,?", "unknown",
     "bogus-mx loopback"},
    {"a good host and one that failed", "mx 10 a.example=8.8.8.8 20 b.example=failed", "fine", "unknown"},
    {"a good address, the other question failed", "mx 10 a.example=8.8.8.8,?", "fine", "unknown"},
    {"good, bogus and failed", "mx 10 a.example=8.8.8.8 10 b.example=10.0.0.1 20 c.example=failed", "fine",
     "bogus-mx private"},
    {"no MX, the address failed", "implicit example.com=failed", "unknown", NULL},
    {"no MX, a bogus address, the other question failed", "implicit example.com=127.0.0.1,?", "unknown",
     "bogus-mx loopback"},
    {"no MX, no address", "implicit example.com=none", "unknown", NULL},
    {"MX that do not exist", "mx 10 a.example=none 20 b.example=none", "unknown", NULL},
    {"a bogus host and one that does not exist", "mx 10 a.example=none 20 b.example=127.0.0.1",
     "bogus-mx loopback", NULL},
    {"a good host and one that does not exist", "mx 10 a.example=none 20 b.example=8.8.8.8", "fine", NULL},
    {"an MX answer without hosts", "mx", "unknown", NULL},

    {"more hosts than fit, bogus", "mx 10 a.example=127.0.0.1 +", "unknown", "bogus-mx loopback"},
    {"more hosts than fit, good", "mx 10 a.example=8.8.8.8 +", "fine", "fine"},
    {"more hosts than fit, none known", "mx 10 a.example=none +", "unknown", NULL},

    {"a target that is an address", "mx 10 127.0.0.1=none", "bogus-mx loopback", NULL},
    {"a target that is an address, the question failed", "mx 10 127.0.0.1=failed", "bogus-mx loopback", NULL},
    {"a target that is an address, whatever the DNS says", "mx 10 127.0.0.1=8.8.8.8", "bogus-mx loopback",
     NULL},
    {"a target that is a good address", "mx 10 8.8.8.8=none", "fine", NULL},
    {"a target that is a good address beside a bogus host", "mx 10 8.8.8.8=none 20 a.example=10.0.0.1", "fine",
     "bogus-mx private"},
    {"a target that is nearly an address", "mx 10 127.0.0=none", "unknown", NULL},
    {"a target that is nearly an address, too long", "mx 10 127.0.0.1.1=none", "unknown", NULL},
    {"a target that is nearly an address, too large", "mx 10 127.0.0.256=none", "unknown", NULL},
    {"a target that begins with an address", "mx 10 127.0.0.1.example=8.8.8.8", "fine", NULL},
    {"no MX, the domain is an address", "implicit 127.0.0.1=none", "bogus-mx loopback", NULL},
    {"localhost", "mx 0 localhost=none", "bogus-mx loopback", NULL},
    {"localhost, the question failed", "mx 0 localhost=failed", "bogus-mx loopback", NULL},
    {"below localhost", "mx 0 mx.localhost=none", "bogus-mx loopback", NULL},
    {"localhost is no domain below it", "mx 0 localhost.example=none", "unknown", NULL},
    {"a name that ends alike", "mx 0 mylocalhost=none", "unknown", NULL},
    {"localhost beside a good host", "mx 0 localhost=none 10 mx.example=8.8.8.8", "fine", "bogus-mx loopback"},
};

static void check(const char *name, const char *facts_text, bool any, const char *want)
{
    static struct guard_facts facts;
    struct guard_verdict v;
    char got[128];

    memset(&v, 0x5a, sizeof v);
    read_facts(&facts, facts_text);
    guard_judge(&v, &facts, &bogus, any);
    describe(got, &v);
    if (strcmp(got, want) != 0)
        fail_msg("%s, %s: %s, expected %s", name, any ? "any" : "all", got, want);
}

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(rows[i].name, rows[i].facts, false, rows[i].all);
        check(rows[i].name, rows[i].facts, true, rows[i].any != NULL ? rows[i].any : rows[i].all);
    }
}

static const struct {
    const char *name, *facts;
    bool any;
    uint32_t ttl, want;
} ttl_rows[] = {
    {"none", "mx 10 a.example=8.8.8.8", false, 0, GUARD_TTL_MIN},
    {"short", "mx 10 a.example=8.8.8.8", false, 29, GUARD_TTL_MIN},
    {"the least", "mx 10 a.example=8.8.8.8", false, 30, 30},
    {"one more", "mx 10 a.example=8.8.8.8", false, 31, 31},
    {"as it is", "mx 10 a.example=8.8.8.8", false, 300, 300},
    {"one less than the most", "mx 10 a.example=8.8.8.8", false, 1799, 1799},
    {"the most", "mx 10 a.example=8.8.8.8", false, 1800, 1800},
    {"long", "mx 10 a.example=8.8.8.8", false, 1801, GUARD_TTL_MAX},
    {"longest", "mx 10 a.example=8.8.8.8", false, UINT32_MAX, GUARD_TTL_MAX},
    {"null MX", "mx 0 .=none", false, 86400, GUARD_TTL_MAX},
    {"bogus", "mx 10 a.example=127.0.0.1", false, 86400, GUARD_TTL_MAX},
    {"bogus, short", "mx 10 a.example=127.0.0.1", false, 1, GUARD_TTL_MIN},
    {"MX failed", "failed", false, 300, GUARD_TTL_FAILED},
    {"MX failed, no TTL", "failed", false, 0, GUARD_TTL_FAILED},
    {"a host failed", "mx 10 a.example=127.0.0.1 20 b.example=failed", false, 300, GUARD_TTL_FAILED},
    {"a host failed, decided all the same", "mx 10 a.example=127.0.0.1 20 b.example=failed", true, 300, 300},
    {"a host failed beside a good one", "mx 10 a.example=8.8.8.8 20 b.example=failed", false, 300, 300},
    {"a host failed beside a good one, any", "mx 10 a.example=8.8.8.8 20 b.example=failed", true, 300,
     GUARD_TTL_FAILED},
    {"no such domain", "implicit example.com=none", false, 300, 300},
    {"no such domain, long", "implicit example.com=none", false, 86400, GUARD_TTL_MAX},
    {"more than fit", "mx 10 a.example=127.0.0.1 +", false, 300, 300},
};

static void test_ttl(void **state)
{
    static struct guard_facts facts;

    (void)state;
    for (size_t i = 0; i < sizeof ttl_rows / sizeof *ttl_rows; i++) {
        struct guard_verdict v;
        read_facts(&facts, ttl_rows[i].facts);
        facts.ttl = ttl_rows[i].ttl;
        guard_judge(&v, &facts, &bogus, ttl_rows[i].any);
        if (v.ttl != ttl_rows[i].want)
            fail_msg("%s: %u, expected %u", ttl_rows[i].name, v.ttl, ttl_rows[i].want);
    }
}

/* Every place is looked at: a single good address makes the domain good, wherever it stands. */
static void test_full(void **state)
{
    static struct guard_facts facts;
    struct net_addr bad = networks_address("127.0.0.1"), good = networks_address("8.8.8.8");
    struct guard_verdict v;

    (void)state;
    memset(&facts, 0, sizeof facts);
    facts.n = GUARD_HOSTS;
    for (size_t i = 0; i < GUARD_HOSTS; i++) {
        strcpy(facts.host[i].name, "mx.example");
        facts.host[i].n = GUARD_ADDRESSES;
        for (size_t k = 0; k < GUARD_ADDRESSES; k++)
            facts.host[i].address[k] = bad;
    }
    guard_judge(&v, &facts, &bogus, false);
    assert_int_equal(v.result, GUARD_BOGUS_MX);
    for (size_t i = 0; i < GUARD_HOSTS; i++) {
        for (size_t k = 0; k < GUARD_ADDRESSES; k++) {
            facts.host[i].address[k] = good;
            guard_judge(&v, &facts, &bogus, false);
            assert_int_equal(v.result, GUARD_FINE);
            facts.host[i].address[k] = bad;
        }
    }
}

/* Kinds of an administrator's table, and exemptions, come through. */
static void test_table(void **state)
{
    static struct guard_facts facts;
    static struct problems problems;
    const char *text = "10.1.0.0/16 DUNNO\n10.0.0.0/8 REJECT 0123456789012345678901234567890123456789"
                       "012345678901234567890123456789012345678901234567890123456789\n";
    struct guard_verdict v;
    struct bogus table;

    (void)state;
    assert_int_equal(bogus_read(&table, "table", bv_str(text), false, &problems), 0);
    read_facts(&facts, "mx 10 mx.example=10.2.0.1");
    guard_judge(&v, &facts, &table, false);
    assert_int_equal(v.result, GUARD_BOGUS_MX);
    assert_int_equal(strlen(v.kind), BOGUS_KIND - 1);
    read_facts(&facts, "mx 10 mx.example=10.1.0.1");
    guard_judge(&v, &facts, &table, false);
    assert_int_equal(v.result, GUARD_FINE);
    bogus_free(&table);
}

/* Whether what a table says is a reply as it stands. */
static void test_sentences(void **state)
{
    static const struct {
        const char *text, *kind;
        bool sentence;
    } tables[] = {{"10.0.0.0/8 REJECT private", "private", false},
                  {"10.0.0.0/8 REJECT Domain MX in some private network", "some private", false},
                  {"10.0.0.0/8 REJECT no way to get there", "no way to get there", true}};
    static struct guard_facts facts;

    (void)state;
    read_facts(&facts, "mx 10 mx.example=10.2.0.1");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        static struct problems problems;
        struct guard_verdict judged, literal;
        struct bogus table;
        assert_int_equal(bogus_read(&table, "table", bv_str(tables[i].text), false, &problems), 0);
        guard_judge(&judged, &facts, &table, false);
        assert_true(guard_literal(&literal, bv_str("[10.0.0.1]"), &table));
        assert_int_equal(judged.result, GUARD_BOGUS_MX);
        assert_string_equal(judged.kind, tables[i].kind);
        assert_string_equal(literal.kind, tables[i].kind);
        assert_int_equal(judged.sentence, tables[i].sentence);
        assert_int_equal(literal.sentence, tables[i].sentence);
        bogus_free(&table);
    }
}

/* `want` NULL: it is none. */
static const struct {
    const char *name, *domain, *want;
} literal_rows[] = {
    {"good", "[8.8.8.8]", "fine"},
    {"loopback", "[127.0.0.1]", "bogus-mx loopback"},
    {"good IPv6", "[IPv6:2606:4700::1111]", "fine"},
    {"loopback of IPv6", "[IPv6:::1]", "bogus-mx loopback"},
    {"the tag in small letters", "[ipv6:::1]", "bogus-mx loopback"},
    {"the tag in capitals", "[IPV6:2001:db8::1]", "bogus-mx documentation"},
    {"mapped", "[IPv6:::ffff:127.0.0.1]", "bogus-mx loopback"},
    {"the longest", "[IPv6:2001:0db8:0000:0000:0000:0000:255.255.255.255]", "bogus-mx documentation"},
    {"IPv6 without its tag", "[::1]", NULL},
    {"IPv4 with the tag", "[IPv6:127.0.0.1]", NULL},
    {"the tag alone", "[IPv6:]", NULL},
    {"another tag", "[X400:127.0.0.1]", NULL},
    {"empty", "[]", NULL},
    {"nothing", "", NULL},
    {"one bracket", "[", NULL},
    {"no opening bracket", "127.0.0.1]", NULL},
    {"no closing bracket", "[127.0.0.1", NULL},
    {"no closing bracket, but a digit", "[127.0.0.12", NULL},
    {"no brackets", "127.0.0.1", NULL},
    {"a name", "[localhost]", NULL},
    {"three octets", "[127.0.1]", NULL},
    {"a blank", "[ 127.0.0.1]", NULL},
    {"a zone", "[IPv6:fe80::1%lo]", NULL},
    {"too long", "[IPv6:0000002001:0db8:0000:0000:0000:0000:0000:00000000000000000001]", NULL},
    {"a domain", "example.com", NULL},
};

static void check_literal(const char *name, struct bv_str domain, const char *want)
{
    struct guard_verdict v;
    char got[128];

    memset(&v, 0x5a, sizeof v);
    bool read = guard_literal(&v, domain, &bogus);
    describe(got, &v);
    if (read != (want != NULL) || strcmp(got, want != NULL ? want : "unknown") != 0)
        fail_msg("%s: %s%s, expected %s", name, read ? "" : "not read, ", got,
                 want != NULL ? want : "not read");
    assert_int_equal(v.ttl, GUARD_TTL_MAX);
}

static void test_literal(void **state)
{
    static const char nul[] = "[127.0.0.1\0]";

    (void)state;
    for (size_t i = 0; i < sizeof literal_rows / sizeof *literal_rows; i++)
        check_literal(literal_rows[i].name, bv_str(literal_rows[i].domain), literal_rows[i].want);
    check_literal("a NUL", (struct bv_str){nul, sizeof nul - 1}, NULL);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(guard_word(GUARD_FINE), "fine");
    assert_string_equal(guard_word(GUARD_NULL_MX), "null-mx");
    assert_string_equal(guard_word(GUARD_BOGUS_MX), "bogus-mx");
    assert_string_equal(guard_word(GUARD_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),     cmocka_unit_test(test_ttl),   cmocka_unit_test(test_full),
        cmocka_unit_test(test_sentences), cmocka_unit_test(test_table), cmocka_unit_test(test_literal),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

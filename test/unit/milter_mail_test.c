#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"

static struct sample sample;

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

static void decide(char *got, size_t size, enum direction direction, const char *sender)
{
    struct decision d;
    struct bv_addr a;
    char tagged[BV_TAGGED];

    memset(&d, 0x55, sizeof d);
    memset(tagged, 'x', sizeof tagged);
    bv_addr_read(&a, bv_str(sender));
    policy_mail(&d, tagged, &sample.policy, &sample.keys, direction, &a);
    sample_describe(got, size, &d, tagged);
    if (!d.replace && *tagged != '\0')
        fail_msg("%s: not replaced, but by \"%s\"", sender, tagged);
    if (d.ours)
        fail_msg("%s: a sender is no recipient of ours", sender);
}

enum { OUT = DIRECTION_OUTBOUND, INT = DIRECTION_INTERNAL, IN = DIRECTION_INBOUND };

#define A48                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D60                 "a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
#define D180                D60 D60 D60
#define SIGNED(line)        "sign signed accept end key 3 line " #line " day 20785 -> "
#define PLAIN(reason, line) "sign not-taggable (" reason ") accept end line " #line
#define TAGGED(line)        "sign already-tagged accept end line " #line

static const struct {
    const char *name;
    int direction;
    const char *sender, *want;
} rows[] = {
    {"one of ours", OUT, "<user@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"from inside, not from a user", INT, "<user@d.example>", "none"},
    {"a stranger says he is ours", IN, "<user@d.example>", "none"},
    {"already tagged, from a stranger", IN, "<" VALID "@d.example>", "none"},
    {"the null sender", OUT, "<>", "none"},
    {"the null sender without brackets", OUT, "", "none"},
    {"the null sender from a stranger", IN, "<>", "none"},
    {"somebody else's domain", OUT, "<user@o.example>", "none"},
    {"a domain that ends alike", OUT, "<user@ad.example>", "none"},
    {"the parent domain", OUT, "<user@example>", "none"},
    {"a domain that is off", OUT, "<user@off.example>", "none"},
    {"below a domain that is off", OUT, "<user@sub.off.example>", "none"},
    {"no domain", OUT, "<user>", "none"},
    {"postmaster", OUT, "<postmaster>", "none"},
    {"unreadable", OUT, "<@>", "none"},
    {"unreadable, open quotes", OUT, "<\"user@d.example>", "none"},
    {"unreadable, two dots in the domain", OUT, "<user@d..example>", "none"},
    {"an address literal", OUT, "<user@[192.0.2.1]>", "none"},
    {"subdomain row", OUT, "<user@sub.d.example>", SIGNED(2) "prvs=378514e85b=user@sub.d.example"},
    {"subdomain row, two deep", OUT, "<user@x.sub.d.example>",
     SIGNED(2) "prvs=3785d1909e=user@x.sub.d.example"},
    {"row that marks", OUT, "<user@mark.example>", SIGNED(4) "prvs=378510ea30=user@mark.example"},
    {"row that accepts", OUT, "<user@accept.example>", SIGNED(5) "prvs=378594d5a3=user@accept.example"},
    {"sub-address row", OUT, "<a.user@news.d.example>", SIGNED(3) "a.user+prvs=3785f23952@news.d.example"},
    {"prefix row", OUT, "<user@prefix.example>", SIGNED(7) "prvs=37850d2a87=user@prefix.example"},
    {"spelling is kept", OUT, "<A.User@News.D.Example>", SIGNED(3) "A.User+prvs=3785f23952@News.D.Example"},
    {"capitals", OUT, "<USER@D.EXAMPLE>", SIGNED(1) "prvs=3785935954=USER@D.EXAMPLE"},
    {"no brackets", OUT, "user@d.example", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"needless quotes", OUT, "<\"user\"@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"source route", OUT, "<@r.example:user@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"trailing dot", OUT, "<user@d.example.>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"comment", OUT, "<user(me)@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"bang path", OUT, "<d.example!user>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"percent without at", OUT, "<user%d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"percent: the relay's domain counts", OUT, "<user%o.example@d.example>",
     SIGNED(1) "prvs=3785afc771=user%o.example@d.example"},
    {"percent: a stranger's relay", OUT, "<user%d.example@o.example>", "none"},
    {"detail", OUT, "<user+detail@d.example>", SIGNED(1) "prvs=378527d03f=user+detail@d.example"},
    {"all of atext", OUT, "<!#$%&'*+-/=?^_`{|}~@d.example>",
     SIGNED(1) "prvs=3785f160c6=!#$%&'*+-/=?^_`{|}~@d.example"},
    {"one octet", OUT, "<a@d.example>", SIGNED(1) "prvs=378502d8b0=a@d.example"},
    {"48 octets", OUT, "<" A48 "@d.example>", SIGNED(1) "prvs=3785edb644=" A48 "@d.example"},
    {"49 octets", OUT, "<" A48 "a@d.example>", PLAIN("local part too long", 1)},
    {"64 octets", OUT, "<" A48 "aaaaaaaaaaaaaaaa@d.example>", PLAIN("local part too long", 1)},
    {"600 octets", OUT,
     "<" A48 A48 A48 A48 A48 A48 A48 A48 A48 A48 A48 A48 "aaaaaaaaaaaaaaaaaaaaaaaa@d.example>",
     PLAIN("local part too long", 1)},
    {"49 octets, sub-address row", OUT, "<" A48 "a@news.d.example>", PLAIN("local part too long", 3)},
    {"49 octets, not ours", OUT, "<" A48 "a@o.example>", "none"},
    {"path of 256 octets", OUT, "<" A48 "@" D180 "d.example>",
     SIGNED(2) "prvs=37852e5283=" A48 "@" D180 "d.example"},
    {"path of 257 octets", OUT, "<" A48 "@a" D180 "d.example>", PLAIN("address too long", 2)},
    {"quotes are needed", OUT, "<\"a b\"@d.example>", PLAIN("local part needs quotes", 1)},
    {"quotes are needed, an at", OUT, "<\"a@b\"@d.example>", PLAIN("local part needs quotes", 1)},
    {"two ats", OUT, "<a@b@d.example>", PLAIN("not well-formed", 1)},
    {"two dots", OUT, "<a..b@d.example>", PLAIN("local part needs quotes", 1)},
    {"CR LF", OUT, "<a\r\nb@d.example>", PLAIN("not well-formed", 1)},
    {"UTF-8", OUT, "<b\xc3\xbc@d.example>", PLAIN("not ASCII", 1)},
    {"UTF-8 in a subdomain", OUT, "<user@b\xc3\xbc.d.example>", PLAIN("not ASCII", 2)},
    {"Latin-1", OUT, "<b\xfc@d.example>", PLAIN("not ASCII", 1)},
    {"tagged, valid", OUT, "<" VALID "@d.example>", TAGGED(1)},
    {"tagged, expired", OUT, "<" EXPIRED "@d.example>", TAGGED(1)},
    {"tagged, forged", OUT, "<" FORGED "@d.example>", TAGGED(1)},
    {"tagged, unknown key", OUT, "<" UNKNOWN "@d.example>", TAGGED(1)},
    {"tagged, malformed", OUT, "<" MALFORMED "@d.example>", TAGGED(1)},
    {"tagged in capitals", OUT, "<PRVS=3785935954=user@d.example>", TAGGED(1)},
    {"tagged as a sub-address, prefix row", OUT, "<user+prvs=3785935954@d.example>", TAGGED(1)},
    {"tagged as a prefix, sub-address row", OUT, "<" VALID "@news.d.example>", TAGGED(3)},
    {"tagged, in quotes", OUT, "<\"" VALID "\"@d.example>", TAGGED(1)},
    {"tagged, somebody else's domain", OUT, "<" VALID "@o.example>", "none"},
    {"SRS0", OUT, "<SRS0=ab=cd=o.example=u@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"SRS1", OUT, "<srs1=ab=o.example==cd=ef=p.example=u@d.example>",
     PLAIN("tagged by somebody else's scheme", 1)},
    {"btv1", OUT, "<btv1==0785935954==user@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"msprvs1", OUT, "<msprvs1=abc=user@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"a user whose name is srs0", OUT, "<srs0@d.example>", SIGNED(1) "prvs=3785577db2=srs0@d.example"},
};

static void test_rows(void **state)
{
    char got[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        decide(got, sizeof got, (enum direction)rows[i].direction, rows[i].sender);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].name, got, rows[i].want);
    }
}

/* syntax: what the row says, else what the configuration says. */
static void test_syntax(void **state)
{
    static const struct {
        const char *name;
        enum bv_syntax syntax;
        const char *sender, *want;
    } cases[] = {
        {"prefix", BV_PREFIX, "<user@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
        {"plus", BV_PLUS, "<user@d.example>", SIGNED(1) "user+prvs=3785935954@d.example"},
        {"minus", BV_MINUS, "<user@d.example>", SIGNED(1) "user-prvs=3785935954@d.example"},
        {"plus, row prefix", BV_PLUS, "<user@prefix.example>", SIGNED(7) "prvs=37850d2a87=user@prefix.example"},
        {"minus, row sub-address", BV_MINUS, "<user@news.d.example>",
         SIGNED(3) "user+prvs=3785f45978@news.d.example"},
        {"plus, subdomain", BV_PLUS, "<user@sub.d.example>", SIGNED(2) "user+prvs=378514e85b@sub.d.example"},
        {"plus, 48 octets", BV_PLUS, "<" A48 "@d.example>", SIGNED(1) A48 "+prvs=3785edb644@d.example"},
        {"plus, 49 octets", BV_PLUS, "<" A48 "a@d.example>", PLAIN("local part too long", 1)},
    };
    char got[600];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample.policy.syntax = cases[i].syntax;
        decide(got, sizeof got, DIRECTION_OUTBOUND, cases[i].sender);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].name, got, cases[i].want);
    }
}

/* No key that signs, or one that cannot: on_fault decides, but only of what would have been signed. */
static void test_fault(void **state)
{
    static const struct {
        const char *name, *sender, *tempfail, *accept;
    } cases[] = {
        {"taggable", "<user@d.example>", "sign fault tempfail end line 1", "sign fault accept end line 1"},
        {"sub-address", "<user@news.d.example>", "sign fault tempfail end line 3",
         "sign fault accept end line 3"},
        {"not taggable", "<\"a b\"@d.example>", PLAIN("local part needs quotes", 1),
         PLAIN("local part needs quotes", 1)},
        {"tagged", "<" VALID "@d.example>", TAGGED(1), TAGGED(1)},
        {"not ours", "<user@o.example>", "none", "none"},
        {"off", "<user@off.example>", "none", "none"},
        {"null sender", "<>", "none", "none"},
        {"no domain", "<user>", "none", "none"},
    };
    char got[600];

    (void)state;
    for (size_t i = 0; i < 4 * (sizeof cases / sizeof *cases); i++) {
        bool accept = i % 2 != 0, broken = i / 2 % 2 != 0;
        const char *want = accept ? cases[i / 4].accept : cases[i / 4].tempfail;
        sample.policy.on_fault = accept ? ACTION_ACCEPT : ACTION_TEMPFAIL;
        sample.keys.all.by_number[3].mac = &sample.broken;
        sample.keys.signing = broken ? &sample.keys.all.by_number[3] : NULL;
        decide(got, sizeof got, DIRECTION_OUTBOUND, cases[i / 4].sender);
        if (strcmp(got, want) != 0)
            fail_msg("%s, %s: \"%s\", expected \"%s\"", cases[i / 4].name, broken ? "broken key" : "no key",
                     got, want);
        decide(got, sizeof got, DIRECTION_INBOUND, cases[i / 4].sender);
        assert_string_equal(got, "none");
    }
}

/* The key that signs is the one that is said to, with its own lifetime and the day's stamp. */
static void test_keys_and_days(void **state)
{
    char got[600], tagged[BV_TAGGED];
    struct decision d;
    struct bv_addr a;

    (void)state;
    sample.keys.signing = &sample.keys.all.by_number[4];
    sample.keys.today = 20770;
    decide(got, sizeof got, DIRECTION_OUTBOUND, "<user@d.example>");
    assert_string_equal(got, "sign signed accept end key 4 line 1 day 20800 -> prvs=48007743ef=user@d.example");
    sample.keys.today = 20996; /* the counter wraps before the tag expires */
    bv_addr_read(&a, bv_str("user@d.example"));
    policy_mail(&d, tagged, &sample.policy, &sample.keys, DIRECTION_OUTBOUND, &a);
    assert_int_equal(d.expires, 21026);
    assert_memory_equal(tagged, "prvs=4026", 9);
}

/* A tag that we put on is one that we know again. */
static void test_signed_is_valid(void **state)
{
    static const char *const senders[] = {"user",
                                          "User.X",
                                          "a",
                                          A48,
                                          "user+x",
                                          "user-x",
                                          "user=x",
                                          "a+b-c=d",
                                          "prvs",
                                          "prv",
                                          "srs0",
                                          "SRS1",
                                          "btv1",
                                          "msprvs1",
                                          "+",
                                          "-",
                                          "=",
                                          "user+",
                                          "user-",
                                          "1",
                                          "x+prvs",
                                          "x-prvs",
                                          "!#$%&'*+-/=?^_`{|}~"};

    (void)state;
    for (size_t i = 0; i < 3 * (sizeof senders / sizeof *senders); i++) {
        char address[80], tagged[BV_TAGGED];
        struct decision d;
        struct bv_addr a, back;
        struct bv_result result;
        sample.policy.syntax = (enum bv_syntax)(i % 3);
        snprintf(address, sizeof address, "<%s@D.example>", senders[i / 3]);
        bv_addr_read(&a, bv_str(address));
        policy_mail(&d, tagged, &sample.policy, &sample.keys, DIRECTION_OUTBOUND, &a);
        if (d.verdict != VERDICT_SIGNED)
            continue;
        bv_addr_read(&back, bv_str(tagged));
        bv_verify(&result, &back, &sample.keys.all, SAMPLE_TODAY);
        if (result.status != BV_VALID)
            fail_msg("%s is signed as %s, which is %s", address, tagged, bv_status_word(result.status));
        if (!bv_str_same(result.local, bv_addr_local(&a)))
            fail_msg("%s comes back as %.*s", tagged, (int)result.local.n, result.local.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_syntax, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_and_days, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signed_is_valid, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

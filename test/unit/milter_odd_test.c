#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"

/* Recipients that are spelled oddly: each gets the verdict of the address that it means. */

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

static void decide(char *got, size_t size, char address[BV_ADDR_QUOTED], bool null_sender, const char *rcpt)
{
    const struct policy_facts facts = {.direction = DIRECTION_INBOUND, .null_sender = null_sender};
    struct decision d;

    policy_rcpt(&d, address, &sample.policy, &sample.keys, &facts, bv_str(rcpt));
    sample_describe(got, size, &d, address);
}

/* "L" stands for the local part, in quotes or not. */
static const struct {
    const char *name, *before, *behind;
} spellings[] = {
    {"plain", "<", "@d.example>"},
    {"no brackets", "", "@d.example"},
    {"nested brackets", "<<", "@d.example>>"},
    {"opening bracket only", "<", "@d.example"},
    {"closing bracket only", "", "@d.example>"},
    {"blanks around", "  <", "@d.example>  "},
    {"blanks inside", "<  ", "@d.example  >"},
    {"blanks around the at", "<", " @ d.example>"},
    {"source route", "<@r.example:", "@d.example>"},
    {"source route of two", "<@r.example,@s.example:", "@d.example>"},
    {"source route through us", "<@d.example:", "@d.example>"},
    {"source route and a blank", "<@r.example: ", "@d.example>"},
    {"quotes", "<\"", "\"@d.example>"},
    {"quotes, no brackets", "\"", "\"@d.example"},
    {"empty quotes before", "<\"\"", "@d.example>"},
    {"empty quotes behind", "<", "\"\"@d.example>"},
    {"a quoted domain", "<", "@\"d.example\">"},
    {"a quoted pair in the domain", "<", "@d.ex\\ample>"},
    {"comment before", "<(c)", "@d.example>"},
    {"comment behind the local part", "<", "(c)@d.example>"},
    {"comment with an address", "<", "(x@o.example)@d.example>"},
    {"nested comment", "<", "(a(b)c)@d.example>"},
    {"comment before the domain", "<", "@(c)d.example>"},
    {"comment behind the domain", "<", "@d.example(c)>"},
    {"trailing dot", "<", "@d.example.>"},
    {"trailing dot, no brackets", "", "@d.example."},
    {"domain in capitals", "<", "@D.EXAMPLE>"},
    {"domain in both", "<", "@d.Example>"},
    {"bang path", "<d.example!", ">"},
    {"bang path, trailing dot", "<d.example.!", ">"},
    {"percent", "<", "%d.example>"},
    {"percent, no brackets", "", "%d.example"},
    {"percent through a stranger", "<", "%d.example@o.example>"},
    {"percent in quotes", "<\"", "%d.example\"@o.example>"},
    {"percent through two strangers", "<", "%d.example%o.example@p.example>"},
    {"percent with a trailing dot", "<", "%d.example.@o.example>"},
    {"percent through an address literal", "<", "%d.example@[192.0.2.1]>"},
    {"percent through a domain that is off", "<", "%d.example@off.example>"},
    {"percent and source route", "<@r.example:", "%d.example@o.example>"},
    {"percent in capitals", "<", "%D.Example@o.example>"},
    {"two ats", "<", "@d.example@o.example>"},
    {"two ats, in quotes", "<\"", "@d.example\"@o.example>"},
    {"two ats through two strangers", "<", "@d.example@o.example@p.example>"},
    {"bang path through a stranger", "<d.example!", "@o.example>"},
    {"bang path through an address literal", "<d.example!", "@[192.0.2.1]>"},
    {"percent with a second percent and no at", "<", "%d.example%o.example>"},
};

static const struct {
    const char *local, *bounce, *ordinary;
} meanings[] = {
    {VALID, "bounce valid accept end key 3 line 1 day 20785 -> ",
     "strip valid accept end key 3 line 1 day 20785 -> "},
    {EXPIRED, "bounce expired reject now key 3 line 1 day 20777",
     "strip expired accept end key 3 line 1 day 20777 -> "},
    {RETIRED, "bounce expired reject now key 2 line 1 day 19785",
     "strip expired accept end key 2 line 1 day 19785 -> "},
    {FORGED, "bounce forged reject now key 3 line 1", "none ours"},
    {UNKNOWN, "bounce unknown-key reject now key 1 line 1", "none ours"},
    {MALFORMED, "bounce malformed reject now line 1", "none ours"},
    {"user", "bounce untagged reject end line 1", "none ours"},
};

/* Whatever the spelling, it is the same mailbox; the domain's letters may differ. */
static void check_spelling(size_t s, size_t m, bool null_sender)
{
    char rcpt[300], got[600], address[BV_ADDR_QUOTED];
    const char *want = null_sender ? meanings[m].bounce : meanings[m].ordinary;
    const char *mailbox = strcmp(meanings[m].local, MALFORMED) == 0 ? MALFORMED "@d.example" : "user@d.example";

    snprintf(rcpt, sizeof rcpt, "%s%s%s", spellings[s].before, meanings[m].local, spellings[s].behind);
    decide(got, sizeof got, address, null_sender, rcpt);
    if (strncmp(got, want, strlen(want)) != 0)
        fail_msg("%s, %s: \"%s\", expected \"%s\"", spellings[s].name, rcpt, got, want);
    if (!bv_str_same_nocase(bv_str(address), bv_str(mailbox)))
        fail_msg("%s: %s means \"%s\"", spellings[s].name, rcpt, address);
}

static void test_spellings(void **state)
{
    size_t n = sizeof meanings / sizeof *meanings;

    (void)state;
    for (size_t i = 0; i < 2 * n * (sizeof spellings / sizeof *spellings); i++)
        check_spelling(i / n / 2, i / 2 % n, i % 2 != 0);
}

#define UNTAGGED(line)      "bounce untagged reject end line " #line
#define OURS(line, address) "bounce valid accept end key 3 line " #line " day 20785 -> " address

static const struct {
    const char *name, *rcpt, *want, *address;
} rows[] = {
    {"unreadable: an at alone", "<@>", UNTAGGED(0), ""},
    {"unreadable: no local part", "<@d.example>", UNTAGGED(0), ""},
    {"unreadable: open quotes", "<\"user@d.example>", UNTAGGED(0), ""},
    {"unreadable: open comment", "<user(c@d.example>", UNTAGGED(0), ""},
    {"unreadable: open literal", "<user@[192.0.2.1>", UNTAGGED(0), ""},
    {"unreadable: two dots in the domain", "<user@d..example>", UNTAGGED(0), ""},
    {"unreadable: leading dot of the domain", "<user@.d.example>", UNTAGGED(0), ""},
    {"unreadable: two trailing dots", "<user@d.example..>", UNTAGGED(0), ""},
    {"unreadable: a stranger's domain", "<user@o..example>", UNTAGGED(0), ""},
    {"unreadable: no domain behind the at", "<user@>", UNTAGGED(0), ""},
    {"unreadable: a tag", "<\"" VALID "@d.example>", UNTAGGED(0), ""},
    {"unreadable: CR LF in the domain", "<user@d.example\r\nRCPT>", UNTAGGED(0), ""},
    {"unreadable: an overlong domain",
     "<user@a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
     "a23456789."
     "a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
     "a23456789.a23456789.a23456789.a23456789.a23456789.d.example>",
     UNTAGGED(0), ""},
    {"the null recipient", "<>", UNTAGGED(0), ""},
    {"the null recipient without brackets", "", UNTAGGED(0), ""},
    {"no domain", "<user>", UNTAGGED(0), "user"},
    {"no domain, postmaster", "<postmaster>", UNTAGGED(0), "postmaster"},
    {"no domain, source route", "<@r.example:user>", UNTAGGED(0), "user"},
    {"no domain, a tag that was made for a domain", "<" VALID ">", "bounce forged reject now key 3 line 0",
     "user"},
    {"no domain, malformed", "<" MALFORMED ">", "bounce malformed reject now line 0", MALFORMED},
    {"no domain, needs quotes", "<\"a b\">", "bounce not-taggable (local part needs quotes) accept end line 0",
     "\"a b\""},
    {"two ats, the last one ours", "<user@o.example@d.example>", UNTAGGED(1), "\"user@o.example\"@d.example"},
    {"two ats, the last one a stranger's", "<user@d.example@o.example>", UNTAGGED(1), "user@d.example"},
    {"two ats, both strangers'", "<user@p.example@o.example>", "none", ""},
    {"bang before an at", "<o.example!user@d.example>", UNTAGGED(1), "o.example!user@d.example"},
    {"bang to a stranger", "<o.example!user>", "none", ""},
    {"bang to a stranger through us", "<d.example!o.example!user>", UNTAGGED(1), "o.example!user@d.example"},

    {"percent, both ours: the inner one", "<user%d.example@mark.example>", UNTAGGED(1), "user@d.example"},
    {"percent, both ours: the inner one marks", "<user%mark.example@d.example>",
     "bounce untagged mark end line 4", "user@mark.example"},
    {"percent, outer ours, inner a stranger's", "<user%o.example@d.example>", UNTAGGED(1),
     "user%o.example@d.example"},
    {"percent, outer ours, tag of the inner", "<" VALID "%d.example@mark.example>", OURS(1, "user@d.example"),
     "user@d.example"},
    {"percent, outer ours, tag of the inner expired", "<" EXPIRED "%d.example@mark.example>",
     "bounce expired reject now key 3 line 1 day 20777", "user@d.example"},
    {"percent, outer ours, tag of a stranger", "<" STRANGER_VALID "%o.example@d.example>",
     "bounce forged reject now key 3 line 1", "user%o.example@d.example"},
    {"percent, tag of the whole", "<prvs=3785e6d770=user%d.example@d.example>",
     OURS(1, "user%d.example@d.example"), "user%d.example@d.example"},
    {"percent, outer ours, inner off", "<user%off.example@d.example>", UNTAGGED(1),
     "user%off.example@d.example"},
    {"percent, neither ours", "<user%o.example@p.example>", "none", ""},
    {"percent, neither ours, tag fits", "<" STRANGER_VALID "%o.example@p.example>", "none", ""},
    {"percent, inner off", "<" OFF_VALID "%off.example@o.example>", "none", ""},
    {"percent, nested, the middle one ours", "<user%o.example%d.example@p.example>", UNTAGGED(1),
     "user%o.example@d.example"},
    {"percent, nested, all three ours", "<user%accept.example%mark.example@d.example>",
     "bounce untagged accept end line 5", "user@accept.example"},
    {"percent, nested, tag of the innermost", "<" VALID "%d.example%mark.example@accept.example>",
     OURS(1, "user@d.example"), "user@d.example"},
    {"percent, nothing before it", "<%d.example@o.example>", "none", ""},
    {"percent, nothing behind it", "<user%@d.example>", UNTAGGED(1), "user%@d.example"},
    {"percent, nothing behind it, a stranger", "<user%@o.example>", "none", ""},
    {"percent, two in a row", "<user%%d.example@o.example>", UNTAGGED(1), "user%@d.example"},
    {"percent, no domain name behind it", "<user%d..example@o.example>", "none", ""},
    {"percent, no domain, in quotes", "<\"user%d.example\">", UNTAGGED(1), "user@d.example"},
    {"percent, sub-address", "<" NEWS_VALID "%news.d.example@o.example>", OURS(3, "user@news.d.example"),
     "user@news.d.example"},

    {"a subdomain in capitals", "<" SUB_VALID "@SUB.D.Example>", OURS(2, "user@SUB.D.Example"),
     "user@SUB.D.Example"},
    {"all in capitals", "<PRVS=3785935954=USER@D.EXAMPLE>", OURS(1, "USER@D.EXAMPLE"), "USER@D.EXAMPLE"},
    {"the tag in capitals",
     "<Prvs=4800"
     "7743EF=user@d.example>",
     "bounce valid accept end key 4 line 1 day 20800 -> user@d.example", "user@d.example"},
    {"a quoted pair in the tag", "<pr\\vs=3785935954=user@d.example>", OURS(1, "user@d.example"),
     "user@d.example"},
    {"only the user quoted", "<prvs=3785935954=\"user\"@d.example>", OURS(1, "user@d.example"),
     "user@d.example"},
    {"two ats behind the tag", "<" VALID "@x@d.example>", "bounce forged reject now key 3 line 1",
     "\"user@x\"@d.example"},
};

static void test_rows(void **state)
{
    char got[600], address[BV_ADDR_QUOTED];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        decide(got, sizeof got, address, true, rows[i].rcpt);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].name, got, rows[i].want);
        if (strcmp(address, rows[i].address) != 0)
            fail_msg("%s: means \"%s\", expected \"%s\"", rows[i].name, address, rows[i].address);
    }
}

/* Whether a relay hands it on: then the address is ours only as the relay means it. */
static void test_percent(void **state)
{
    static const struct {
        const char *rcpt;
        bool percent;
    } cases[] = {
        {"<user@d.example>", false},
        {"<user%d.example@o.example>", true},
        {"<\"user%d.example\"@o.example>", true},
        {"<user%mark.example@d.example>", true},
        {"<user%d.example%o.example@p.example>", true},
        {"<user%d.example%o.example>", true},
        {"<" VALID "%d.example@o.example>", true},
        {"<user%dead.example@o.example>", true},
        {"<user%d.example>", false},           /* there is no relay */
        {"<user%o.example@d.example>", false}, /* ours as it stands */
        {"<user%o.example@p.example>", false}, /* not ours at all */
        {"<user%off.example@d.example>", false},
        {"<@o.example:user@d.example>", false},
        {"<@>", false},
    };

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        const struct policy_facts facts = {.direction = DIRECTION_INBOUND, .null_sender = i % 2 != 0};
        char address[BV_ADDR_QUOTED];
        struct decision d;
        policy_rcpt(&d, address, &sample.policy, &sample.keys, &facts, bv_str(cases[i / 2].rcpt));
        if (d.percent != cases[i / 2].percent)
            fail_msg("%s: percent %d", cases[i / 2].rcpt, d.percent);
    }
}

/* Where no row of the table decides, the configured action does. */
static void test_configured_action(void **state)
{
    static const char *const recipients[] = {"<@>", "<user>", "<>", "<\"user@d.example>"};
    char got[600], address[BV_ADDR_QUOTED];

    (void)state;
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        sample.policy.action = ACTION_MARK;
        decide(got, sizeof got, address, true, recipients[i]);
        assert_string_equal(got, "bounce untagged mark end line 0");
        sample.policy.action = ACTION_REJECT;
        sample.policy.untagged_at_rcpt = true;
        decide(got, sizeof got, address, true, recipients[i]);
        assert_string_equal(got, "bounce untagged reject now line 0");
        decide(got, sizeof got, address, false, recipients[i]);
        assert_string_equal(got, "none ours");
    }
}

/* Local parts beyond every limit. */
static void test_long(void **state)
{
    static const struct {
        const char *name, *head, *want;
    } cases[] = {
        {"untagged", "", "bounce not-taggable (local part too long) accept end line 1"},
        {"tagged", "prvs=3785935954=", "bounce malformed reject now line 1"},
        {"SRS", "SRS0=", "bounce not-taggable (tagged by somebody else's scheme) accept end line 1"},
    };
    static char rcpt[4200];
    char got[600], address[BV_ADDR_QUOTED];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t head = strlen(cases[i].head);
        memcpy(rcpt, cases[i].head, head);
        memset(rcpt + head, 'a', 4096);
        strcpy(rcpt + head + 4096, "@d.example");
        decide(got, sizeof got, address, true, rcpt);
        if (strcmp(got, cases[i].want) != 0 || *address != '\0')
            fail_msg("%s: \"%s\", means \"%s\"", cases[i].name, got, address);
        decide(got, sizeof got, address, false, rcpt);
        assert_string_equal(got, "none ours");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spellings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_percent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configured_action, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"

/* What the MTA's map is answered: the original address of a tag that fits, or nothing. */

static struct sample sample;

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    sample_exceptions(&sample, "rcpt user@d.example never-sends\nfrom user@d.example no-tag\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

#define A48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define U   "user@d.example"

static const struct {
    const char *name, *key, *want;
} rows[] = {
    {"valid", VALID "@d.example", U},
    {"valid, last day", VALID_LAST "@d.example", U},
    {"older key", VERIFYING "@d.example", U},
    {"expired", EXPIRED "@d.example", U},
    {"long expired", ANCIENT "@d.example", U},
    {"retired key", RETIRED "@d.example", U},
    {"forged", FORGED "@d.example", ""},
    {"another's tag", "prvs=3785935954=other@d.example", ""},
    {"unknown key", UNKNOWN "@d.example", ""},
    {"malformed", MALFORMED "@d.example", ""},
    {"untagged", U, ""},
    {"no key at all", "", ""},
    {"the null sender", "<>", ""},
    {"a domain alone", "d.example", ""},
    {"a domain alone, Postfix's second question", "@d.example", ""},
    {"a local part alone", "user", ""},
    {"a tag without a domain", VALID, ""},
    {"an at alone", "@", ""},
    {"two ats", VALID "@@d.example", ""},

    {"lower case, as smtpd asks", "prvs=3785935954=user@d.example", U},
    {"upper case", "PRVS=3785935954=USER@D.EXAMPLE", "USER@D.EXAMPLE"},
    {"its own case, as cleanup asks", "prvs=3785935954=User@D.Example", "User@D.Example"},
    {"hex in upper case", "prvs=48007743EF=user@d.example", U},
    {"brackets", "<" VALID "@d.example>", U},
    {"trailing dot", VALID "@d.example.", U},
    {"source route", "@r.example:" VALID "@d.example", U},
    {"sub-address", NEWS_VALID "@news.d.example", "user@news.d.example"},
    {"sub-address where the row says prefix", "user+prvs=3785935954@d.example", U},
    {"sub-address with a minus", "user-prvs=3785935954@d.example", U},
    {"needless quotes", "\"" VALID "\"@d.example", U},

    {"blank, quoted as Postfix asks", "\"prvs=378503232d=john doe\"@d.example", "\"john doe\"@d.example"},
    {"blank, unquoted as Sendmail asks", "prvs=378503232d=john doe@d.example", "\"john doe\"@d.example"},
    {"blank, unquoted, expired", "prvs=37771733d9=john doe@d.example", "\"john doe\"@d.example"},
    {"blank, unquoted, upper case", "PRVS=378503232D=JOHN DOE@D.EXAMPLE", "\"JOHN DOE\"@D.EXAMPLE"},
    {"blank, unquoted, forged", "prvs=378503232e=john doe@d.example", ""},
    {"blank, unquoted, untagged", "john doe@d.example", ""},
    {"blank, unquoted, not ours", "prvs=378503232d=john doe@o.example", ""},
    {"a quote in it, quoted", "\"prvs=3785690a44=a\\\"b\"@d.example", "\"a\\\"b\"@d.example"},
    {"a quote in it, unquoted", "prvs=3785690a44=a\"b@d.example", "\"a\\\"b\"@d.example"},
    {"an at in it, unquoted", "prvs=37856685f0=a@b@d.example", "\"a@b\"@d.example"},
    {"two dots in it, unquoted", "prvs=3785f34b1d=a..b@d.example", "\"a..b\"@d.example"},
    {"a comma in it, unquoted", "prvs=378531935d=a,b@d.example", "\"a,b\"@d.example"},
    {"brackets in it, unquoted", "prvs=3785d6a636=a<b>@d.example", "\"a<b>\"@d.example"},
    {"a blank and a tag that was made for quotes", "prvs=3785935954=us er@d.example", ""},
    {"UTF-8", "prvs=3785729921=b\xc3\xbc@d.example", "b\xc3\xbc@d.example"},
    {"line feed", "prvs=3785935954=user\n@d.example", ""},

    {"row that marks", MARK_VALID "@mark.example", "user@mark.example"},
    {"row that accepts, expired", ACCEPT_EXPIRED "@accept.example", "user@accept.example"},
    {"row that holds", HOLD_VALID "@hold.example", "user@hold.example"},
    {"row that drops, expired", DROP_EXPIRED "@drop.example", "user@drop.example"},
    {"subdomain row", SUB_VALID "@sub.d.example", "user@sub.d.example"},
    {"no-bounces: other mail has it stripped", SILENT_VALID "@silent.example", "user@silent.example"},
    {"no-mail", DEAD_VALID "@dead.example", ""},
    {"no-mail, expired", DEAD_EXPIRED "@dead.example", ""},
    {"no-mail, blank, unquoted", "prvs=3785000000=john doe@dead.example", ""},
    {"off", OFF_VALID "@off.example", ""},
    {"off below our subdomains", GONE_VALID "@gone.d.example", ""},
    {"a stranger's, the tag fits", STRANGER_VALID "@o.example", ""},
    {"percent: a stranger's address stays one", "prvs=3785935954=user%d.example@o.example", ""},
    {"SRS0", "SRS0=ab=cd=o.example=u@d.example", ""},
    {"SRS1", "SRS1=ab=o.example==cd=ef=p.example=u@d.example", ""},
    {"btv1", "btv1==0785935954==user@d.example", ""},
    {"msprvs1", "msprvs1=abc=user@d.example", ""},
    {"address literal", VALID "@[192.0.2.1]", ""},
    {"48 octets", "prvs=3785edb644=" A48 "@d.example", A48 "@d.example"},
};

static void test_rows(void **state)
{
    char address[BV_ADDR_QUOTED];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool fault = true;
        memset(address, '#', sizeof address);
        bool found = policy_untag(address, &fault, &sample.policy, &sample.keys, bv_str(rows[i].key));
        if (strcmp(address, rows[i].want) != 0 || found != (*rows[i].want != '\0') || fault)
            fail_msg("%s: \"%s\", expected \"%s\"; found %d, fault %d", rows[i].name, address, rows[i].want,
                     found, fault);
    }
}

/* Without a key that signs, tags of others are read all the same. */
static void test_no_signing_key(void **state)
{
    (void)state;
    sample.keys.signing = NULL;
    sample.policy.warmup = true;
    test_rows(state);
}

/* A library that fails: not "no such address", which the MTA would believe. */
static void test_fault(void **state)
{
    static const struct {
        const char *name, *key;
        bool fault;
    } cases[] = {
        {"tagged", VALID "@d.example", true},
        {"forged", FORGED "@d.example", true},
        {"brackets", "<" VALID "@d.example>", true},
        {"source route", "@r.example:" VALID "@d.example", true},
        {"quoted", "\"prvs=378503232d=john doe\"@d.example", true},
        {"unquoted", "prvs=378503232d=john doe@d.example", true},
        {"quotes not needed", "\"" VALID "\"@d.example", true},
        {"trailing dot", VALID "@d.example.", true},
        {"comment", VALID "(c)@d.example", true},
        {"another key, which works", VERIFYING "@d.example", false},
        {"untagged", U, false},
        {"malformed", MALFORMED "@d.example", false},
        {"a stranger's", STRANGER_VALID "@o.example", false},
        {"off", OFF_VALID "@off.example", false},
        {"no-mail", DEAD_VALID "@dead.example", false},
    };
    char address[BV_ADDR_QUOTED];

    (void)state;
    sample.keys.all.by_number[3].mac = &sample.broken;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool fault = !cases[i].fault;
        bool found = policy_untag(address, &fault, &sample.policy, &sample.keys, bv_str(cases[i].key));
        if (fault != cases[i].fault)
            fail_msg("%s: fault %d", cases[i].name, fault);
        if (found && cases[i].fault)
            fail_msg("%s: found %s", cases[i].name, address);
    }
}

/* Keys of any octets and any length, and NULs in them, do no harm. */
static void test_odd_keys(void **state)
{
    static const char nasty[] = "prvs=3785935954=user@d.example\"\\<>@%!,:;() \r\n\t\0\xff\xc3";
    char key[2000], address[BV_ADDR_QUOTED];
    unsigned seed = 7;
    bool fault;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        size_t n = (size_t)rand_r(&seed) % (i % 100 == 0 ? sizeof key : 60);
        for (size_t j = 0; j < n; j++)
            key[j] = nasty[(size_t)rand_r(&seed) % sizeof nasty];
        if (!policy_untag(address, &fault, &sample.policy, &sample.keys, (struct bv_str){key, n}))
            assert_string_equal(address, "");
        assert_false(fault);
    }
    memset(key, 'a', sizeof key);
    memcpy(key, "prvs=3785935954=", 16);
    memcpy(key + sizeof key - 10, "@d.example", 10);
    assert_false(policy_untag(address, &fault, &sample.policy, &sample.keys, (struct bv_str){key, sizeof key}));
    assert_false(fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_signing_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_keys, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

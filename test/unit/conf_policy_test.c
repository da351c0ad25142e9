#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/conf.h"
#include "test/unit/milter_sample.h"
#include "test/unit/milter_ways.h"

/* What the settings do when none is set: the policy of an empty configuration with tables and keys beside it. */

static struct conf conf;
static struct sample sample;

static int setup(void **state)
{
    static struct problems problems;

    (void)state;
    sample_init(&sample);
    assert_int_equal(conf_parse(&conf, "conf", "", &problems), 0);
    assert_int_equal(domains_read(&conf.policy.domains, "domains", bv_str(SAMPLE_DOMAINS), BV_PLUS, &problems),
                     0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    domains_free(&conf.policy.domains); /* no table of the configuration owns them */
    conf_free(&conf);
    return 0;
}

static void facts_of(struct policy_facts *out, const char *from, const char *daemon, bool authenticated,
                     const char *sender)
{
    struct policy_client client = {.name = "", .daemon = daemon, .authenticated = authenticated};

    ways_address(&client.addr, from);
    policy_facts(out, &conf.policy, &client, *sender == '\0');
}

/* The verdict on a sender. */
static const char *sent(const char *from, const char *daemon, bool authenticated, const char *sender)
{
    struct policy_facts facts;
    char tagged[BV_TAGGED];
    struct decision d;
    struct bv_addr a;

    facts_of(&facts, from, daemon, authenticated, sender);
    bv_addr_read(&a, bv_str(sender));
    policy_mail(&d, tagged, &conf.policy, &sample.keys, facts.direction, &a);
    if (d.replace != (d.event == EVENT_SIGN && d.verdict == VERDICT_SIGNED))
        fail_msg("%s from %s, service \"%s\": %s, replaced %d", sender, from, daemon, verdict_word(d.verdict),
                 d.replace);
    return d.event == EVENT_NONE ? "none" : verdict_word(d.verdict);
}

static const char *const strangers[] = {
    "192.0.2.1",   "198.51.100.7", "10.0.0.1",        "172.16.0.1",       "192.168.1.1", "100.64.0.1",
    "169.254.0.1", "0.0.0.0",      "126.255.255.255", "128.0.0.0",        "127.0.0.1",   "127.0.0.2",
    "::1",         "::2",          "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2001:db8::1", "fe80::1",
    "fd00::1",     "unix",         "unknown"};

static const char *const senders[] = {"user@d.example",      "User@D.Example",    "user@sub.d.example",
                                      "user@news.d.example", "user@mark.example", "user@accept.example"};

/* Nothing is signed for whoever has not authenticated: not on an internal network, not on the local host. */
static void test_stranger(void **state)
{
    static const char *const daemons[] = {"", "smtpd", "submission", "MTA", "originating", "ORIGINATING "};

    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        for (size_t j = 0; j < sizeof daemons / sizeof *daemons; j++)
            for (size_t k = 0; k < sizeof senders / sizeof *senders; k++)
                if (strcmp(sent(strangers[i], daemons[j], false, senders[k]), "none") != 0)
                    fail_msg("%s is %s for %s, service \"%s\"", senders[k],
                             sent(strangers[i], daemons[j], false, senders[k]), strangers[i], daemons[j]);
}

/* Everything is for whoever has, wherever from, and for what comes through the service for submissions. */
static void test_user(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        for (size_t k = 0; k < sizeof senders / sizeof *senders; k++) {
            assert_string_equal(sent(strangers[i], "", true, senders[k]), "signed");
            assert_string_equal(sent(strangers[i], "ORIGINATING", false, senders[k]), "signed");
        }
    }
    assert_string_equal(sent("192.0.2.1", "", true, "user@o.example"), "none");
    assert_string_equal(sent("192.0.2.1", "", true, ""), "none");
}

/* A message that a content filter hands back has its sender as it left us: signed, and not signed again. */
static void test_handed_back(void **state)
{
    static const struct {
        const char *name, *from, *daemon, *sender, *want;
    } rows[] = {
        {"signed before", "127.0.0.1", "smtpd", VALID "@d.example", "none"},
        {"signed before, IPv6", "::1", "smtpd", VALID "@d.example", "none"},
        {"signed before, unix socket", "unix", "", VALID "@d.example", "none"},
        {"signed before, to the service for submissions", "127.0.0.1", "ORIGINATING", VALID "@d.example",
         "already-tagged"},
        {"a stranger's mail with our sender", "127.0.0.1", "smtpd", "user@d.example", "none"},
        {"the same over IPv6", "::1", "smtpd", "user@d.example", "none"},
        {"the same over a unix socket", "unix", "", "user@d.example", "none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = sent(rows[i].from, rows[i].daemon, false, rows[i].sender);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: %s, expected %s", rows[i].name, got, rows[i].want);
    }
}

/* Bounces: the day after the ring first signed, and a year later. */
static void test_bounce(void **state)
{
    static const struct {
        const char *name, *from, *rcpt, *young, *old;
    } rows[] = {
        {"valid", "192.0.2.1", VALID "@d.example",
         "bounce valid accept end key 3 line 1 day 20785 -> user@d.example",
         "bounce valid accept end key 3 line 1 day 20785 -> user@d.example"},
        {"untagged", "192.0.2.1", "user@d.example", "bounce untagged mark end line 1 warming by type",
         "bounce untagged reject end line 1 by type"},
        {"forged", "192.0.2.1", FORGED "@d.example", "bounce forged mark end key 3 line 1 warming",
         "bounce forged reject now key 3 line 1"},
        {"expired", "192.0.2.1", EXPIRED "@d.example",
         "bounce expired mark end key 3 line 1 warming day 20777 -> user@d.example",
         "bounce expired reject now key 3 line 1 day 20777"},
        {"no domain", "192.0.2.1", "user", "bounce untagged mark end line 0 warming by type",
         "bounce untagged reject end line 0 by type"},
        {"not ours", "192.0.2.1", "user@o.example", "none", "none"},
        {"from localhost", "127.0.0.1", "user@d.example", "none ours", "none ours"},
        {"from localhost, forged", "127.0.0.1", FORGED "@d.example", "none ours", "none ours"},
        {"from the loopback network", "127.0.0.2", FORGED "@d.example", "none ours", "none ours"},
        {"from nobody knows where", "unknown", FORGED "@d.example",
         "bounce forged mark end key 3 line 1 warming", "bounce forged reject now key 3 line 1"},
    };
    char got[600], address[BV_ADDR_QUOTED];

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        const char *want = i % 2 != 0 ? rows[i / 2].old : rows[i / 2].young;
        struct policy_facts facts;
        struct decision d;
        sample.keys.since = sample.keys.now - (i % 2 != 0 ? 365 : 1) * (int64_t)BV_DAY_SECONDS;
        facts_of(&facts, rows[i / 2].from, "smtpd", false, "");
        policy_rcpt(&d, address, &conf.policy, &sample.keys, &facts, bv_str(rows[i / 2].rcpt));
        sample_describe(got, sizeof got, &d, address);
        if (strcmp(got, want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i / 2].name, got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_handed_back),
        cmocka_unit_test(test_bounce),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

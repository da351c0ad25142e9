#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"
#include "test/unit/milter_ways.h"

/* What rows of the tables make of a bounce's recipient: which row decides, and what none can change. */

#define DOMAINS                                                                                                \
    SAMPLE_DOMAINS                                                                                             \
    "late.example reject since=2026-11-20T00:00:00Z\n"                                                         \
    ".silent.example no-bounces\n"                                                                             \
    "mail.silent.example reject\n"                                                                             \
    ".dead.example no-mail\n"

#define EXCEPTIONS                                                                                             \
    "rcpt abuse@d.example accept-untagged\n" /* 1 */                                                           \
    "rcpt never@d.example never-sends\n"                                                                       \
    "rcpt mark.example accept-untagged\n"                                                                      \
    "rcpt bot@mark.example never-sends\n"                                                                      \
    "rcpt .d.example never-sends\n" /* 5 */                                                                    \
    "rcpt postmaster@sub.d.example accept-untagged\n"                                                          \
    "from robot@d.example no-tag\n"                                                                            \
    "from accept.example no-tag\n"                                                                             \
    "from .d.example no-tag\n"                                                                                 \
    "to other@d.example no-tag\n" /* 10 */                                                                     \
    "client 198.51.100.0/24 accept-untagged\n"                                                                 \
    "client 198.51.100.9 accept-untagged\n"                                                                    \
    "client .partner.example accept-untagged\n"                                                                \
    "client mx.partner.example accept-untagged\n"                                                              \
    "client 2001:db8:7::/48 accept-untagged\n" /* 15 */                                                        \
    "rcpt robot@prefix.example accept-untagged\n"                                                              \
    "from robot@prefix.example no-tag\n"                                                                       \
    "rcpt abuse@silent.example accept-untagged\n"                                                              \
    "rcpt dead.example accept-untagged\n"                                                                      \
    "rcpt user@hold.example never-sends\n" /* 20 */                                                            \
    "from never@d.example no-tag\n"

static struct sample sample;

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    sample_domains(&sample, DOMAINS);
    sample_exceptions(&sample, EXCEPTIONS);
    ways_configure(&sample.policy, A | I);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

static void decide(char *got, size_t size, const char *from, const char *name, const char *rcpt)
{
    struct policy_client client = {.name = name, .daemon = ""};
    char address[BV_ADDR_QUOTED];
    struct policy_facts facts;
    struct decision d;

    ways_address(&client.addr, from);
    policy_facts(&facts, &sample.policy, &client, true);
    policy_rcpt(&d, address, &sample.policy, &sample.keys, &facts, bv_str(rcpt));
    sample_describe(got, size, &d, address);
}

#define REJECTED(line)         "bounce untagged reject end line " #line
#define EXEMPT(line, row)      "bounce exempt accept end line " #line " exception " #row
#define NEVER(verdict)         "bounce " verdict " reject now "
#define NO_MAIL                "guard no-mail reject now "
#define VALID_U(line, address) "bounce valid accept end key 3 line " #line " day 20785 -> " address

static const struct {
    const char *name, *rcpt, *want;
} rows[] = {
    {"no row", "<user@d.example>", REJECTED(1)},
    {"accept-untagged, address", "<abuse@d.example>", EXEMPT(1, 1)},
    {"accept-untagged, capitals", "<Abuse@D.EXAMPLE>", EXEMPT(1, 1)},
    {"accept-untagged, quotes", "<\"abuse\"@d.example>", EXEMPT(1, 1)},
    {"accept-untagged, source route and trailing dot", "<@r.example:abuse@d.example.>", EXEMPT(1, 1)},
    {"accept-untagged, percent", "<abuse%d.example@o.example>", EXEMPT(1, 1)},
    {"accept-untagged, a longer address", "<abuse+x@d.example>", REJECTED(1)},
    {"accept-untagged, forged", "<prvs=3785000000=abuse@d.example>", "bounce forged reject now key 3 line 1"},
    {"accept-untagged, unknown key", "<prvs=1785000000=abuse@d.example>",
     "bounce unknown-key reject now key 1 line 1"},
    {"accept-untagged, malformed", "<prvs=abuse@d.example>", "bounce malformed reject now line 1"},
    {"accept-untagged, valid", "<prvs=3785bb4fdf=abuse@d.example>", VALID_U(1, "abuse@d.example")},
    {"accept-untagged, expired", "<prvs=37775e5f34=abuse@d.example>",
     "bounce expired reject now key 3 line 1 day 20777"},
    {"accept-untagged, domain", "<user@mark.example>", EXEMPT(4, 3)},
    {"accept-untagged, domain, not taggable", "<\"a b\"@mark.example>",
     "bounce not-taggable (local part needs quotes) accept end line 4"},
    {"accept-untagged, domain, forged", "<prvs=3785000000=user@mark.example>",
     "bounce forged mark end key 3 line 4"},
    {"accept-untagged, address before the domain above", "<postmaster@sub.d.example>", EXEMPT(2, 6)},

    {"never-sends, address", "<never@d.example>", NEVER("untagged") "line 1 exception 2"},
    {"never-sends, capitals", "<NEVER@D.example>", NEVER("untagged") "line 1 exception 2"},
    {"never-sends, before a sender's row", "<never@d.example>", NEVER("untagged") "line 1 exception 2"},
    {"never-sends, forged", "<prvs=3785000000=never@d.example>", NEVER("forged") "key 3 line 1 exception 2"},
    {"never-sends, unknown key", "<prvs=1785000000=never@d.example>",
     NEVER("unknown-key") "key 1 line 1 exception 2"},
    {"never-sends, valid", "<prvs=3785273a50=never@d.example>", VALID_U(1, "never@d.example")},
    {"never-sends, expired", "<prvs=3777e22384=never@d.example>",
     NEVER("expired") "key 3 line 1 exception 2 day 20777"},
    {"never-sends, address before its domain", "<bot@mark.example>", NEVER("untagged") "line 4 exception 4"},
    {"never-sends, whatever the domain's row says", "<user@hold.example>",
     NEVER("untagged") "line 8 exception 20"},
    {"never-sends, subdomains", "<user@sub.d.example>", NEVER("untagged") "line 2 exception 5"},
    {"never-sends, subdomains, not taggable", "<\"a b\"@sub.d.example>",
     NEVER("not-taggable (local part needs quotes)") "line 2 exception 5"},
    {"never-sends, subdomains, SRS0", "<SRS0=ab=cd=o.example=u@sub.d.example>",
     NEVER("not-taggable (tagged by somebody else's scheme)") "line 2 exception 5"},
    {"never-sends, subdomains, malformed", "<prvs=user@sub.d.example>",
     NEVER("malformed") "line 2 exception 5"},
    {"never-sends, subdomains, valid", "<" SUB_VALID "@sub.d.example>", VALID_U(2, "user@sub.d.example")},

    {"a sender that gets no tag", "<robot@d.example>", EXEMPT(1, 7)},
    {"a sender that gets no tag, capitals", "<Robot@d.example>", EXEMPT(1, 7)},
    {"a sender that gets no tag, forged", "<prvs=3785000000=robot@d.example>",
     "bounce forged reject now key 3 line 1"},
    {"senders of a domain", "<user@accept.example>", EXEMPT(5, 8)},
    {"senders of a domain, expired", "<" ACCEPT_EXPIRED "@accept.example>",
     "bounce expired accept end key 3 line 5 day 20777 -> user@accept.example"},
    {"two rows: the recipient's is named", "<robot@prefix.example>", EXEMPT(7, 16)},
    {"a destination's row is nothing here", "<other@d.example>", REJECTED(1)},

    {"no-bounces, untagged", "<user@silent.example>", NEVER("untagged") "line 11"},
    {"no-bounces, valid", "<" SILENT_VALID "@silent.example>", NEVER("valid") "key 3 line 11 day 20785"},
    {"no-bounces, expired", "<" SILENT_EXPIRED "@silent.example>", NEVER("expired") "key 3 line 11 day 20777"},
    {"no-bounces, malformed", "<prvs=user@silent.example>", NEVER("malformed") "line 11"},
    {"no-bounces, not taggable", "<\"a b\"@silent.example>",
     NEVER("not-taggable (local part needs quotes)") "line 11"},
    {"no-bounces, accept-untagged", "<abuse@silent.example>", NEVER("untagged") "line 11"},
    {"no-bounces, percent", "<user%silent.example@o.example>", NEVER("untagged") "line 11"},
    {"no-bounces, subdomains", "<user@x.silent.example>", NEVER("untagged") "line 14"},
    {"no-bounces, a subdomain with a row of its own", "<user@mail.silent.example>", REJECTED(15)},

    {"no-mail, untagged", "<user@dead.example>", NO_MAIL "line 10"},
    {"no-mail, valid", "<" DEAD_VALID "@dead.example>", NO_MAIL "key 3 line 10 day 20785"},
    {"no-mail, accept-untagged", "<abuse@dead.example>", NO_MAIL "line 10"},
    {"no-mail, subdomains", "<user@x.y.dead.example>", NO_MAIL "line 16"},
    {"no-mail, percent", "<user%dead.example@o.example>", NO_MAIL "line 10"},
    {"no-mail, percent through us", "<user%dead.example@d.example>", NO_MAIL "line 10"},

    {"off", "<user@off.example>", "none"},
    {"off, valid", "<" OFF_VALID "@off.example>", "none"},
    {"off below our subdomains", "<user@gone.d.example>", "none"},
    {"off below our subdomains, valid", "<" GONE_VALID "@gone.d.example>", "none"},
    {"no readable address", "<@>", REJECTED(0)},
    {"quarantine", "<other@hold.example>", "bounce untagged quarantine end line 8"},
    {"quarantine, forged", "<prvs=3785000000=other@hold.example>", "bounce forged quarantine end key 3 line 8"},
    {"discard", "<user@drop.example>", "bounce untagged discard end line 9"},
    {"discard, forged", "<prvs=3785000000=user@drop.example>", "bounce forged discard end key 3 line 9"},
};

static void test_rows(void **state)
{
    char got[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        decide(got, sizeof got, "192.0.2.1", "", rows[i].rcpt);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].name, got, rows[i].want);
    }
}

/* Warm-up softens the domains' words, and no row that says "never". */
static void test_warming(void **state)
{
    static const struct {
        const char *name, *rcpt, *want;
    } cases[] = {
        {"reject", "<user@d.example>", "bounce untagged mark end line 1 warming"},
        {"reject, forged", "<" FORGED "@d.example>", "bounce forged mark end key 3 line 1 warming"},
        {"reject, unknown key", "<" UNKNOWN "@d.example>", "bounce unknown-key mark end key 1 line 1 warming"},
        {"reject, malformed", "<" MALFORMED "@d.example>", "bounce malformed mark end line 1 warming"},
        {"reject, expired", "<" EXPIRED "@d.example>",
         "bounce expired mark end key 3 line 1 warming day 20777 -> user@d.example"},
        {"quarantine", "<other@hold.example>", "bounce untagged mark end line 8 warming"},
        {"discard", "<user@drop.example>", "bounce untagged mark end line 9 warming"},
        {"mark", "<prvs=3785000000=user@mark.example>", "bounce forged mark end key 3 line 4"},
        {"accept", "<" ACCEPT_EXPIRED "@accept.example>",
         "bounce expired accept end key 3 line 5 day 20777 -> user@accept.example"},
        {"no row", "<user>", "bounce untagged mark end line 0 warming"},
        {"excepted", "<abuse@d.example>", EXEMPT(1, 1)},
        {"valid", "<" VALID "@d.example>", VALID_U(1, "user@d.example")},
        {"not taggable", "<\"a b\"@d.example>",
         "bounce not-taggable (local part needs quotes) accept end line 1"},
        {"never-sends", "<never@d.example>", NEVER("untagged") "line 1 exception 2"},
        {"never-sends, forged", "<prvs=3785000000=never@d.example>",
         NEVER("forged") "key 3 line 1 exception 2"},
        {"never-sends, where the domain marks", "<bot@mark.example>", NEVER("untagged") "line 4 exception 4"},
        {"no-bounces", "<user@silent.example>", NEVER("untagged") "line 11"},
        {"no-bounces, expired", "<" SILENT_EXPIRED "@silent.example>",
         NEVER("expired") "key 3 line 11 day 20777"},
        {"no-mail", "<user@dead.example>", NO_MAIL "line 10"},
    };
    char got[600];

    (void)state;
    sample.policy.warmup = true;
    sample.keys.since = sample.keys.now;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decide(got, sizeof got, "192.0.2.1", "", cases[i].rcpt);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].name, got, cases[i].want);
    }
}

static void test_clients(void **state)
{
    static const struct {
        const char *name, *from, *host, *rcpt, *want;
    } cases[] = {
        {"network", "198.51.100.1", "", "<user@d.example>", EXEMPT(1, 11)},
        {"network, IPv4-mapped", "::ffff:198.51.100.1", "", "<user@d.example>", EXEMPT(1, 11)},
        {"address before network", "198.51.100.9", "", "<user@d.example>", EXEMPT(1, 12)},
        {"behind the network", "198.51.101.0", "", "<user@d.example>", REJECTED(1)},
        {"IPv6", "2001:db8:7::1", "", "<user@d.example>", EXEMPT(1, 15)},
        {"host name", "192.0.2.1", "mx.partner.example", "<user@d.example>", EXEMPT(1, 14)},
        {"host name, capitals", "192.0.2.1", "MX.Partner.Example", "<user@d.example>", EXEMPT(1, 14)},
        {"below a host name", "192.0.2.1", "x.partner.example", "<user@d.example>", EXEMPT(1, 13)},
        {"the name itself, not below", "192.0.2.1", "partner.example", "<user@d.example>", REJECTED(1)},
        {"ends alike", "192.0.2.1", "xpartner.example", "<user@d.example>", REJECTED(1)},
        {"no host name", "192.0.2.1", "", "<user@d.example>", REJECTED(1)},
        {"family unknown", "unknown", "", "<user@d.example>", REJECTED(1)},
        {"family unknown, host name", "unknown", "mx.partner.example", "<user@d.example>", EXEMPT(1, 14)},
        {"no domain", "198.51.100.1", "", "<user>", EXEMPT(0, 11)},
        {"no readable address", "198.51.100.1", "", "<@>", EXEMPT(0, 11)},
        {"a stranger's", "198.51.100.1", "", "<user@o.example>", "none"},
        {"forged", "198.51.100.1", "", "<" FORGED "@d.example>", "bounce forged reject now key 3 line 1"},
        {"expired", "198.51.100.1", "", "<" EXPIRED "@d.example>",
         "bounce expired reject now key 3 line 1 day 20777"},
        {"unknown key", "198.51.100.1", "", "<" UNKNOWN "@d.example>",
         "bounce unknown-key reject now key 1 line 1"},
        {"malformed", "198.51.100.1", "", "<" MALFORMED "@d.example>", "bounce malformed reject now line 1"},
        {"valid", "198.51.100.1", "", "<" VALID "@d.example>", VALID_U(1, "user@d.example")},
        {"not taggable", "198.51.100.1", "", "<\"a b\"@d.example>",
         "bounce not-taggable (local part needs quotes) accept end line 1"},
        {"never-sends", "198.51.100.1", "", "<never@d.example>", NEVER("untagged") "line 1 exception 2"},
        {"no-bounces", "198.51.100.1", "", "<user@silent.example>", NEVER("untagged") "line 11"},
        {"no-mail", "198.51.100.1", "", "<user@dead.example>", NO_MAIL "line 10"},
        {"the recipient's row is named", "198.51.100.1", "", "<abuse@d.example>", EXEMPT(1, 1)},
        {"the sender's row is named", "198.51.100.1", "", "<robot@d.example>", EXEMPT(1, 7)},
        {"an internal host: nothing is judged", "10.0.0.1", "", "<user@d.example>", "none ours"},
        {"an internal host: never-sends", "10.0.0.1", "", "<never@d.example>", "none ours"},
        {"an internal host: no-bounces", "10.0.0.1", "", "<user@silent.example>", "none ours"},
        {"an internal host: no-mail", "10.0.0.1", "", "<user@dead.example>", NO_MAIL "line 10"},
        {"localhost: nothing is refused", "127.0.0.1", "", "<user@dead.example>", "none ours"},
        {"localhost over IPv6", "::1", "", "<user@dead.example>", "none ours"},
        {"localhost, unix socket", "unix", "", "<user@dead.example>", "none ours"},
        {"localhost: no-mail, valid", "127.0.0.1", "", "<" DEAD_VALID "@dead.example>",
         "strip valid accept end key 3 line 10 day 20785 -> user@dead.example"},
        {"localhost: never-sends", "127.0.0.1", "", "<never@d.example>", "none ours"},
        {"localhost: no-bounces, forged", "::1", "", "<prvs=3785000000=user@silent.example>", "none ours"},
    };
    char got[600];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decide(got, sizeof got, cases[i].from, cases[i].host, cases[i].rcpt);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].name, got, cases[i].want);
    }
}

static void test_facts(void **state)
{
    static const struct {
        const char *name, *from, *host;
        bool authenticated, null_sender;
        enum direction direction;
        bool local;
        int client_line;
    } cases[] = {
        {"a bounce", "192.0.2.1", "", false, true, DIRECTION_INBOUND, false, 0},
        {"a bounce, listed network", "198.51.100.1", "", false, true, DIRECTION_INBOUND, false, 11},
        {"a bounce, listed name", "192.0.2.1", "a.partner.example", false, true, DIRECTION_INBOUND, false, 13},
        {"a bounce, family unknown", "unknown", "", false, true, DIRECTION_INBOUND, false, 0},
        {"other mail, listed network", "198.51.100.1", "", false, false, DIRECTION_INBOUND, false, 0},
        {"a user's, listed network", "198.51.100.1", "", true, true, DIRECTION_OUTBOUND, false, 0},
        {"a user's, localhost", "127.0.0.1", "", true, false, DIRECTION_OUTBOUND, true, 0},
        {"internal, listed name", "10.0.0.1", "a.partner.example", false, true, DIRECTION_INTERNAL, false, 0},
        {"loopback", "127.0.0.2", "", false, true, DIRECTION_INTERNAL, false, 0},
        {"localhost", "127.0.0.1", "a.partner.example", false, true, DIRECTION_INTERNAL, true, 0},
        {"localhost, IPv4-mapped", "::ffff:127.0.0.1", "", false, true, DIRECTION_INTERNAL, true, 0},
        {"unix socket", "unix", "", false, false, DIRECTION_INTERNAL, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_client client = {
            .name = cases[i].host, .daemon = "", .authenticated = cases[i].authenticated};
        struct policy_facts f;
        memset(&f, 0x55, sizeof f);
        ways_address(&client.addr, cases[i].from);
        policy_facts(&f, &sample.policy, &client, cases[i].null_sender);
        if (f.direction != cases[i].direction || f.local != cases[i].local ||
            f.null_sender != cases[i].null_sender || f.client_line != cases[i].client_line)
            fail_msg("%s: direction %d, local %d, null sender %d, line %d", cases[i].name, f.direction, f.local,
                     f.null_sender, f.client_line);
    }
}

/* A domain's own warm-up goes on when that of the ring is over. */
static void test_own_warmup(void **state)
{
    char got[600];

    (void)state;
    sample.policy.warmup = true;
    sample.keys.since = 0;
    decide(got, sizeof got, "192.0.2.1", "", "<user@late.example>");
    assert_string_equal(got, "bounce untagged mark end line 13 warming");
    decide(got, sizeof got, "192.0.2.1", "", "<user@d.example>");
    assert_string_equal(got, REJECTED(1));
    sample.keys.now += 6 * BV_DAY_SECONDS; /* the 27th, 01:00 */
    decide(got, sizeof got, "192.0.2.1", "", "<user@late.example>");
    assert_string_equal(got, REJECTED(13));
    sample.keys.now -= 3600;
    decide(got, sizeof got, "192.0.2.1", "", "<user@late.example>");
    assert_string_equal(got, REJECTED(13));
    sample.keys.now--;
    decide(got, sizeof got, "192.0.2.1", "", "<user@late.example>");
    assert_string_equal(got, "bounce untagged mark end line 13 warming");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_warming, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_warmup, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

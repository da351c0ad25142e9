#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"
#include "test/unit/milter_ways.h"

/*
 * What becomes of a sender: each way that mail may come by with each sender, a
 * test of its own with a name of its own.
 */

#define EXCEPTIONS                                                                                             \
    "from robot@d.example no-tag\n"                                                                            \
    "from mark.example no-tag\n"                                                                               \
    "from .d.example no-tag\n"                                                                                 \
    "from robot@o.example no-tag\n"                                                                            \
    "from robot@prefix.example no-tag\n"                                                                       \
    "to d.example no-tag\n"                                                                                    \
    "rcpt user@d.example accept-untagged\n"                                                                    \
    "rcpt never@d.example never-sends\n"                                                                       \
    "client 0.0.0.0/0 accept-untagged\n"                                                                       \
    "client ::/0 accept-untagged\n"

/* Of authentication only what this MAIL command said counts; the session takes the macros away with each. */
enum auth { ABSENT = 0, PRESENT, EARLIER };

static const struct way {
    const char *name;
    int conf;
    enum auth auth;
    const char *from, *daemon;
    enum direction want;
} ways[] = {
    {"a user, IPv4", A | D | I, PRESENT, "192.0.2.1", "smtpd", DIRECTION_OUTBOUND},
    {"a user, IPv6", A | D | I, PRESENT, "2001:db8:9::1", "smtpd", DIRECTION_OUTBOUND},
    {"a user, unix socket", A | D | I, PRESENT, "unix", "", DIRECTION_OUTBOUND},
    {"a user, family unknown", A | D | I, PRESENT, "unknown", "", DIRECTION_OUTBOUND},
    {"a user, authentication does not count", S | D | I, PRESENT, "192.0.2.1", "smtpd", DIRECTION_INBOUND},
    {"a stranger, IPv4", A | S | D | I, ABSENT, "192.0.2.1", "smtpd", DIRECTION_INBOUND},
    {"a stranger, IPv6", A | S | D | I, ABSENT, "2001:db8:9::1", "smtpd", DIRECTION_INBOUND},
    {"a stranger, IPv4-mapped", A | S | D | I, ABSENT, "::ffff:192.0.2.1", "smtpd", DIRECTION_INBOUND},
    {"a stranger, family unknown", A | S | D | I, ABSENT, "unknown", "smtpd", DIRECTION_INBOUND},
    {"authenticated in an aborted MAIL only", A | S | D | I, EARLIER, "192.0.2.1", "smtpd", DIRECTION_INBOUND},
    {"a listed service, not authenticated", A | D | I, ABSENT, "192.0.2.1", "ORIGINATING", DIRECTION_OUTBOUND},
    {"a service that is not listed", A | S | I, ABSENT, "192.0.2.1", "ORIGINATING", DIRECTION_INBOUND},
    {"sign_networks, IPv4", S | I, ABSENT, "198.51.100.7", "smtpd", DIRECTION_OUTBOUND},
    {"sign_networks, IPv6", S | I, ABSENT, "2001:db8:5::7", "smtpd", DIRECTION_OUTBOUND},
    {"sign_networks, IPv4-mapped", S | I, ABSENT, "::ffff:198.51.100.7", "smtpd", DIRECTION_OUTBOUND},
    {"internal_networks", A | S | D | I, ABSENT, "10.1.2.3", "smtpd", DIRECTION_INTERNAL},
    {"a filter hands it back, IPv4", A | S | D | I, ABSENT, "127.0.0.1", "smtpd", DIRECTION_INTERNAL},
    {"a filter hands it back, IPv6", A | S | D | I, ABSENT, "::1", "smtpd", DIRECTION_INTERNAL},
    {"a filter hands it back, unix socket", A | S | D | I, ABSENT, "unix", "", DIRECTION_INTERNAL},
    {"a filter hands it back, once authenticated", A | S | D | I, EARLIER, "127.0.0.1", "smtpd",
     DIRECTION_INTERNAL},
    {"a filter hands it back to a listed service", A | D | I, ABSENT, "127.0.0.1", "ORIGINATING",
     DIRECTION_OUTBOUND},
};

#define A48                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SIGNED(line)        "sign signed accept end key 3 line " #line " day 20785 -> "
#define PLAIN(reason, line) "sign not-taggable (" reason ") accept end line " #line
#define TAGGED(line)        "sign already-tagged accept end line " #line
#define EXEMPT(line, row)   "sign exempt accept end line " #line " exception " #row

/* What becomes of them when the mail is outbound; in all other mail they are left alone. */
static const struct sender {
    const char *name, *sender, *want;
} senders[] = {
    {"ours", "<user@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"ours, no brackets", "user@d.example", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"ours, its own spelling stays", "<User@D.Example>", SIGNED(1) "prvs=3785935954=User@D.Example"},
    {"ours, quotes not needed", "<\"user\"@d.example>", SIGNED(1) "prvs=3785935954=user@d.example"},
    {"ours, never sends, says the table", "<never@d.example>", SIGNED(1) "prvs=3785273a50=never@d.example"},
    {"ours, a row that holds", "<user@hold.example>", SIGNED(8) "prvs=378594566b=user@hold.example"},
    {"ours, a row that drops", "<user@drop.example>", SIGNED(9) "prvs=37850cb0ae=user@drop.example"},
    {"ours, a row that accepts", "<user@accept.example>", SIGNED(5) "prvs=378594d5a3=user@accept.example"},
    {"ours, 48 octets", "<" A48 "@d.example>", SIGNED(1) "prvs=3785edb644=" A48 "@d.example"},
    {"ours, 49 octets", "<" A48 "a@d.example>", PLAIN("local part too long", 1)},
    {"ours, quotes needed", "<\"a b\"@d.example>", PLAIN("local part needs quotes", 1)},
    {"ours, UTF-8", "<b\xc3\xbc@d.example>", PLAIN("not ASCII", 1)},
    {"ours, Latin-1", "<b\xfc@d.example>", PLAIN("not ASCII", 1)},
    {"ours, two ats", "<a@b@d.example>", PLAIN("not well-formed", 1)},
    {"ours, percent", "<user%o.example@d.example>", SIGNED(1) "prvs=3785afc771=user%o.example@d.example"},
    {"tagged, valid", "<" VALID "@d.example>", TAGGED(1)},
    {"tagged, expired", "<" EXPIRED "@d.example>", TAGGED(1)},
    {"tagged, forged", "<" FORGED "@d.example>", TAGGED(1)},
    {"tagged, malformed", "<" MALFORMED "@d.example>", TAGGED(1)},
    {"tagged, sub-address", "<user+prvs=3785935954@d.example>", TAGGED(1)},
    {"tagged, capitals", "<PRVS=3785935954=USER@D.EXAMPLE>", TAGGED(1)},
    {"SRS0", "<SRS0=ab=cd=o.example=u@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"SRS1", "<SRS1=ab=o.example==cd=ef=p.example=u@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"btv1", "<btv1==0785935954==user@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"msprvs1", "<msprvs1=abc=user@d.example>", PLAIN("tagged by somebody else's scheme", 1)},
    {"off", "<user@off.example>", "none"},
    {"off below our subdomains", "<user@gone.d.example>", "none"},
    {"no-mail", "<user@dead.example>", "none"},
    {"no-bounces", "<user@silent.example>", "none"},
    {"a stranger's", "<user@o.example>", "none"},
    {"a stranger's, tagged", "<" STRANGER_VALID "@o.example>", "none"},
    {"a stranger's, percent to us", "<user%d.example@o.example>", "none"},
    {"a stranger's, ends alike", "<user@ad.example>", "none"},
    {"null", "<>", "none"},
    {"null, no brackets", "", "none"},
    {"unreadable", "<@>", "none"},
    {"unreadable, open quotes", "<\"user@d.example>", "none"},
    {"no domain", "<user>", "none"},
    {"address literal", "<user@[192.0.2.1]>", "none"},
    {"excepted address", "<robot@d.example>", EXEMPT(1, 1)},
    {"excepted address, capitals", "<ROBOT@D.EXAMPLE>", EXEMPT(1, 1)},
    {"excepted address, quotes", "<\"robot\"@d.example>", EXEMPT(1, 1)},
    {"excepted address, source route", "<@r.example:robot@d.example>", EXEMPT(1, 1)},
    {"excepted address, detail", "<robot+x@d.example>", SIGNED(1) "prvs=3785eba0a9=robot+x@d.example"},
    {"excepted domain", "<user@mark.example>", EXEMPT(4, 2)},
    {"excepted domain, trailing dot", "<user@MARK.example.>", EXEMPT(4, 2)},
    {"excepted subdomains", "<user@sub.d.example>", EXEMPT(2, 3)},
    {"excepted subdomains, two deep", "<user@x.sub.d.example>", EXEMPT(2, 3)},
    {"excepted subdomains, a row of its own", "<user@news.d.example>", EXEMPT(3, 3)},
    {"excepted subdomains, not ours", "<user@gone.d.example>", "none"},
    {"excepted, a stranger's", "<robot@o.example>", "none"},
    {"excepted address, another in its domain", "<user@prefix.example>",
     SIGNED(7) "prvs=37850d2a87=user@prefix.example"},
};

enum { WAYS = sizeof ways / sizeof *ways, SENDERS = sizeof senders / sizeof *senders, NAME = 120 };

static struct sample sample;

/* One of the tests. */
struct row {
    const struct way *way;
    const struct sender *sender;
    char name[NAME];
};

static void test_row(void **state)
{
    const struct row *row = *state;
    struct policy_client client = {
        .name = "", .daemon = row->way->daemon, .authenticated = row->way->auth == PRESENT};
    struct policy_facts facts;
    char got[600], tagged[BV_TAGGED];
    struct decision d;
    struct bv_addr sender;

    ways_configure(&sample.policy, row->way->conf);
    ways_address(&client.addr, row->way->from);
    bv_addr_read(&sender, bv_str(row->sender->sender));
    policy_facts(&facts, &sample.policy, &client, sender.shape == BV_NULL_SENDER);
    assert_int_equal(facts.direction, row->way->want);
    policy_mail(&d, tagged, &sample.policy, &sample.keys, facts.direction, &sender);
    sample_describe(got, sizeof got, &d, tagged);
    assert_string_equal(got, facts.direction == DIRECTION_OUTBOUND ? row->sender->want : "none");
    assert_int_equal(*tagged != '\0', d.replace);
}

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    sample_exceptions(&sample, EXCEPTIONS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

int main(void)
{
    static struct row row[WAYS * SENDERS];
    static struct CMUnitTest tests[WAYS * SENDERS];

    for (size_t i = 0; i < WAYS * SENDERS; i++) {
        row[i].way = &ways[i / SENDERS];
        row[i].sender = &senders[i % SENDERS];
        snprintf(row[i].name, sizeof row[i].name, "%s; sender %s", row[i].way->name, row[i].sender->name);
        tests[i] = (struct CMUnitTest){row[i].name, test_row, NULL, NULL, &row[i]};
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}

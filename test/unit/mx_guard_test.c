#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/dns.h"
#include "milter/log.h"
#include "milter/mx.h"
#include "milter/starting.h"
#include "milter/transaction_guard.h"

/* The guard at work, with a DNS, a clock and a log of the test's own. */

enum { START = 1790000000, WAITING_MAX = 200 };

static struct {
    struct conf conf;
    struct mx *mx;
    int64_t now;
    bool fails;          /* no resolver can be made */
    bool works;          /* the system's settings of the DNS are good */
    bool broken;         /* the one that is there has failed */
    int made, freed;     /* resolvers */
    int line;            /* that the last was made with, */
    const char *anchor;  /* and that */
    int asked, patience; /* questions; the last one's */
    int depth;           /* so many questions more while one waits */
    int logged;
    int stand_ins; /* threads in place of one that waits */
} world;

int64_t clock_now(void)
{
    return world.now;
}

int64_t clock_steady(void)
{
    return world.now;
}

void log_error(const char *format, ...)
{
    assert_non_null(strstr(format, "MX"));
    world.logged++;
}

const struct conf *snapshot_conf(const struct snapshot *s)
{
    assert_null(s);
    return &world.conf;
}

struct mx *snapshot_mx(const struct snapshot *s)
{
    assert_null(s);
    return world.mx;
}

struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems)
{
    assert_ptr_equal(servers, world.conf.guard.resolver);
    assert_ptr_equal(path, world.conf.path);
    world.made++;
    world.broken = false;
    world.line = line;
    world.anchor = trust_anchor;
    if (world.fails)
        problems_add(problems, path, line, "no way");
    return world.fails ? NULL : (struct dns *)&world;
}

bool dns_system_works(void)
{
    return world.works;
}

void starting_stand_in(void)
{
    world.stand_ins++;
}

void dns_free(struct dns *d)
{
    world.freed += d != NULL;
}

bool dns_is_broken(const struct dns *d)
{
    assert_ptr_equal(d, &world);
    return world.broken;
}

/* The first label tells what there is. */
void dns_mail_hosts(struct guard_facts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    static const unsigned char good[] = {192, 31, 196, 1}, loopback[] = {127, 0, 0, 1},
                               private[] = {10, 0, 0, 1};
    bool null = strncmp(domain.p, "null.", 5) == 0, failed = strncmp(domain.p, "failed.", 7) == 0;

    assert_ptr_equal(d, &world);
    world.asked++;
    world.patience = patience_ms;
    if (world.depth-- > 0) {
        char other[32];
        struct guard_verdict v;
        snprintf(other, sizeof other, "d%d.example", world.depth);
        mx_ask(&v, world.mx, bv_str(other));
    }
    *out = (struct guard_facts){.mx = failed ? GUARD_DNS_FAILED : GUARD_DNS_OK, .ttl = 300, .n = !failed};
    out->host[0] = (struct guard_host){.name = "mx.example", .n = 1};
    if (null)
        out->host[0] = (struct guard_host){.dns = GUARD_DNS_NONE};
    else if (strncmp(domain.p, "private.", 8) == 0)
        net_addr_v4(&out->host[0].address[0], private);
    else
        net_addr_v4(&out->host[0].address[0], strncmp(domain.p, "bogus.", 6) == 0 ? loopback : good);
    if (strncmp(domain.p, "mixed.", 6) == 0)
        net_addr_v4(&out->host[0].address[out->host[0].n++], loopback);
}

static void set_up(const char *settings)
{
    static struct problems problems;

    memset(&world, 0, sizeof world);
    memset(&problems, 0, sizeof problems);
    world.now = START;
    if (conf_parse(&world.conf, "C", settings, &problems) != 0)
        fail_msg("%s: %s", settings, problems.item[0].text);
    assert_int_equal(bogus_builtin(&world.conf.guard.bogus), 0);
    domains_read(&world.conf.policy.domains, "D", bv_str("own.example reject\n"), BV_PLUS, &problems);
    assert_int_equal(problems.n, 0);
}

static void begin(const char *settings)
{
    static struct problems problems;

    set_up(settings);
    world.mx = mx_new(&world.conf, &problems);
    assert_non_null(world.mx);
}

static void end(void)
{
    mx_free(world.mx);
    assert_int_equal(world.freed, world.fails ? 0 : world.made);
    domains_free(&world.conf.policy.domains); /* no table of the configuration owns them */
    conf_free(&world.conf);
}

static enum guard_result ask(const char *domain)
{
    struct guard_verdict v;

    memset(&v, 0x5a, sizeof v);
    mx_ask(&v, world.mx, bv_str(domain));
    return v.result;
}

#define ON "mx_guard_recipients = reject\n"

static void test_resolver(void **state)
{
    static const struct {
        const char *name, *settings;
        int made, line;
        const char *anchor;
    } rows[] = {
        {"off", "", 0, 0, NULL},
        {"recipients", "\n" ON, 1, 2, NULL},
        {"recipients marked", "mx_guard_recipients = mark", 1, 1, NULL},
        {"senders", "\n\nmx_guard_senders = mark", 1, 3, NULL},
        {"a server is named", ON "resolver = {\"192.0.2.1\"}", 1, 2, NULL},
        {"a trust anchor", ON "mx_guard_trust_anchor = \"/x\"", 1, 2, "/x"},
        {"a trust anchor, off", "\n\nmx_guard_trust_anchor = \"/x\"", 1, 3, "/x"},
        {"no trust anchor", ON "mx_guard_trust_anchor = \"\"", 1, 2, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(rows[i].settings);
        bool same = rows[i].anchor == NULL ? world.anchor == NULL
                                           : world.anchor != NULL && strcmp(world.anchor, rows[i].anchor) == 0;
        if (world.made != rows[i].made || world.line != rows[i].line || !same)
            fail_msg("%s: %d made, line %d, trust anchor %s", rows[i].name, world.made, world.line,
                     world.anchor != NULL ? world.anchor : "none");
        assert_int_equal(ask("healthy.example"), GUARD_FINE); /* the map asks even so */
        assert_int_equal(ask("bogus.example"), GUARD_BOGUS_MX);
        assert_int_equal(world.made, 1);
        end();
    }
}

/* That none can be made is told, and tried again, once a minute; then the guard goes on. Ends it. */
static void expect_retries(void)
{
    for (int i = 0; i < 3; i++, world.now += 29)
        assert_int_equal(ask("bogus.example"), GUARD_UNKNOWN);
    assert_int_equal(world.made, 1);
    assert_int_equal(world.logged, 1);
    assert_int_equal(world.asked, 0);
    world.fails = false;
    assert_int_equal(ask("bogus.example"), GUARD_BOGUS_MX);
    assert_int_equal(world.made, 2);
    world.made--; /* only one of them was there to be freed */
    end();
}

static void test_no_resolver(void **state)
{
    static struct problems problems;

    (void)state;
    set_up("\n" ON);
    world.fails = world.works = true;
    assert_null(mx_new(&world.conf, &problems));
    assert_int_equal(problems.n, 1);
    assert_int_equal(problems.item[0].line, 2);
    domains_free(&world.conf.policy.domains); /* no table of the configuration owns them */
    conf_free(&world.conf);

    set_up(ON "resolver = {\"192.0.2.1\"}"); /* it is named, and cannot come by itself */
    world.fails = true;
    assert_null(mx_new(&world.conf, &problems));
    assert_int_equal(problems.n, 2);
    domains_free(&world.conf.policy.domains);
    conf_free(&world.conf);

    set_up(ON); /* the system's own may come: told, and tried once a minute */
    world.fails = true;
    world.mx = mx_new(&world.conf, &problems);
    assert_non_null(world.mx);
    assert_int_equal(problems.n, 2);
    expect_retries();

    begin(""); /* switched off, it is no reason not to start: told and tried once a minute */
    world.fails = true;
    expect_retries();
    mx_free(NULL);
}

/* One that has failed is replaced, and left to those who may be asking it. */
static void test_broken_resolver(void **state)
{
    (void)state;
    begin("");
    ask("a.example");
    for (int i = 0; i < 60; i++, world.now++) {
        world.broken = true;
        ask("b.example");
        assert_int_equal(world.made, 1);
    }
    world.broken = true;
    ask("c.example");
    assert_int_equal(world.made, 2);
    assert_int_equal(world.freed, 0);
    assert_int_equal(world.logged, 1);
    ask("d.example");
    assert_int_equal(world.made, 2);
    world.made--;
    end();
}

/* Each question counts once: as answered by the DNS, failures among them, or from memory; literals are no domains. */
static void test_counted(void **state)
{
    static struct counters before, after;
    struct guard_verdict v;

    (void)state;
    begin(ON);
    counters_read(&before);
    assert_false(mx_ask_now(&v, world.mx, bv_str("bogus.example")));
    ask("bogus.example");
    ask("bogus.example");
    ask("bogus.example");
    ask("[127.0.0.1]");
    counters_read(&after);
    assert_int_equal(after.guard[GUARD_BOGUS_MX][0] - before.guard[GUARD_BOGUS_MX][0], 1);
    assert_int_equal(after.guard[GUARD_BOGUS_MX][1] - before.guard[GUARD_BOGUS_MX][1], 2);
    end();
    begin("");
    world.fails = true;
    counters_read(&before);
    ask("bogus.example");
    counters_read(&after);
    assert_int_equal(after.guard[GUARD_UNKNOWN][0] - before.guard[GUARD_UNKNOWN][0], 1);
    end();
}

static void test_memory(void **state)
{
    struct guard_verdict v;

    (void)state;
    begin(ON "mx_guard_timeout = 7s\n");
    assert_false(mx_ask_now(&v, world.mx, bv_str("bogus.example")));
    assert_int_equal(world.asked, 0);
    assert_int_equal(ask("bogus.example"), GUARD_BOGUS_MX);
    assert_int_equal(world.patience, 7000);
    world.now += 299;
    assert_int_equal(ask("Bogus.EXAMPLE"), GUARD_BOGUS_MX);
    assert_true(mx_ask_now(&v, world.mx, bv_str("bogus.example")));
    assert_string_equal(v.kind, "loopback");
    assert_int_equal(world.asked, 1);
    world.now += 1;
    assert_false(mx_ask_now(&v, world.mx, bv_str("bogus.example")));
    assert_int_equal(ask("bogus.example"), GUARD_BOGUS_MX);
    assert_int_equal(world.asked, 2);
    assert_int_equal(ask("failed.example"), GUARD_UNKNOWN);
    world.now += GUARD_TTL_FAILED - 1;
    assert_int_equal(ask("failed.example"), GUARD_UNKNOWN);
    assert_int_equal(world.asked, 3);
    world.now += 1;
    assert_int_equal(ask("failed.example"), GUARD_UNKNOWN);
    assert_int_equal(world.asked, 4);
    assert_int_equal(ask("[127.0.0.1]"), GUARD_BOGUS_MX); /* nobody is asked */
    assert_int_equal(ask("[192.31.196.1]"), GUARD_FINE);
    assert_int_equal(ask("[x]"), GUARD_UNKNOWN);
    assert_int_equal(world.asked, 4);
    end();
}

static void test_match(void **state)
{
    (void)state;
    begin(ON "mx_guard_match = all");
    assert_int_equal(ask("mixed.example"), GUARD_FINE);
    end();
    begin(ON "mx_guard_match = any");
    assert_int_equal(ask("mixed.example"), GUARD_BOGUS_MX);
    assert_int_equal(ask("healthy.example"), GUARD_FINE);
    end();
}

/* What the mail of a busy day needs is remembered. */
static void test_many(void **state)
{
    enum { DOMAINS = 1000 };

    (void)state;
    begin(ON);
    for (int i = 0; i < 2 * DOMAINS; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.example", i % DOMAINS);
        assert_int_equal(ask(domain), GUARD_FINE);
    }
    assert_int_equal(world.asked, DOMAINS);
    end();
}

/* Whoever comes when too many wait already does not wait; afterwards all is as before. */
static void test_crowd(void **state)
{
    (void)state;
    begin(ON);
    for (int i = 0; i < 2; i++) {
        world.asked = 0;
        world.depth = 2 * WAITING_MAX;
        assert_int_equal(ask(i == 0 ? "bogus.example" : "null.example"),
                         i == 0 ? GUARD_BOGUS_MX : GUARD_NULL_MX);
        assert_int_equal(world.asked, WAITING_MAX);
        world.now += 1000;
    }
    world.depth = 0;
    assert_int_equal(ask("private.example"), GUARD_BOGUS_MX);
    end();
}

/* ---- in a transaction */

static struct transaction session;

static void begin_message(enum direction direction, const char *from)
{
    memset(&session, 0, sizeof session);
    session.message = message_new(from);
    assert_non_null(session.message);
    session.message->facts.direction = direction;
}

static void end_message(void)
{
    message_free(session.message);
    end();
}

/* What is said of a recipient: "reject null-mx", ... or "nothing". */
static void expect(const char *rcpt, const char *want)
{
    struct decision d;
    char got[60] = "nothing";

    if (transaction_guard(&d, &session, rcpt))
        snprintf(got, sizeof got, "%s %s%s", action_word(d.action), verdict_word(d.verdict),
                 d.of_sender ? " of sender" : "");
    if (strcmp(got, want) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", rcpt, got, want);
}

static void test_recipients(void **state)
{
    (void)state;
    begin(ON);
    begin_message(DIRECTION_OUTBOUND, "<user@bogus.example>");
    expect("<a@healthy.example>", "nothing");
    expect("<a@bogus.example>", "reject bogus-mx");
    expect("<a@null.example>", "reject null-mx");
    expect("<a@failed.example>", "nothing");
    expect("<a@healthy.example>", "nothing");
    expect("<a@bogus.example>", "reject bogus-mx"); /* each of them */
    expect("<a@[127.0.0.1]>", "reject bogus-mx");
    expect("<bogus@own.example>", "nothing");
    expect("<postmaster>", "nothing");
    expect("<a@localhost>", "nothing");
    assert_int_equal(world.stand_ins, world.asked);
    assert_null(session.message->guard_header);
    assert_int_equal(world.asked, 4);
    end_message();

    begin(ON);
    begin_message(DIRECTION_INBOUND, "<user@bogus.example>"); /* is somebody else's switch */
    expect("<a@bogus.example>", "nothing");
    assert_int_equal(world.asked, 0);
    end_message();

    begin("");
    begin_message(DIRECTION_OUTBOUND, "<user@bogus.example>");
    expect("<a@bogus.example>", "nothing");
    assert_int_equal(world.asked, 0);
    end_message();
}

static void test_recipients_marked(void **state)
{
    (void)state;
    begin("mx_guard_recipients = mark");
    begin_message(DIRECTION_INTERNAL, "<>");
    expect("<a@healthy.example>", "nothing");
    assert_null(session.message->guard_header);
    expect("<a@private.example>", "mark bogus-mx");
    assert_string_equal(session.message->guard_header, "bogus-mx (private) domain=private.example");
    expect("<a@null.example>", "mark null-mx");
    assert_string_equal(session.message->guard_header, "bogus-mx (private) domain=private.example");
    end_message();
}

/* The sender is looked at once, and said of once; but nobody gets mail from one that is refused. */
static void test_senders(void **state)
{
    static const struct {
        const char *settings, *from, *first, *second;
    } rows[] = {
        {"mx_guard_senders = reject", "<u@bogus.example>", "reject bogus-mx of sender",
         "reject bogus-mx of sender"},
        {"mx_guard_senders = reject", "<u@null.example>", "reject null-mx of sender",
         "reject null-mx of sender"},
        {"mx_guard_senders = mark", "<u@bogus.example>", "mark bogus-mx of sender", "nothing"},
        {"mx_guard_senders = mark", "<u@null.example>", "mark null-mx of sender", "nothing"},
        {"mx_guard_senders = reject", "<u@healthy.example>", "nothing", "nothing"},
        {"mx_guard_senders = reject", "<u@failed.example>", "nothing", "nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(rows[i].settings);
        begin_message(DIRECTION_INBOUND, rows[i].from);
        expect("<a@own.example>", rows[i].first);
        world.now += 10000;
        expect("<b@own.example>", rows[i].second);
        expect("<c@bogus.example>", rows[i].second);
        assert_int_equal(world.asked, 1);
        assert_int_equal(session.message->guard_header != NULL, strncmp(rows[i].first, "mark", 4) == 0);
        end_message();
    }
    begin("mx_guard_senders = reject");
    begin_message(DIRECTION_INBOUND, "<>");
    session.message->facts.null_sender = true;
    expect("<a@bogus.example>", "nothing");
    end_message();
    begin("mx_guard_senders = reject");
    begin_message(DIRECTION_OUTBOUND, "<u@bogus.example>");
    expect("<a@bogus.example>", "nothing");
    assert_int_equal(world.asked, 0);
    end_message();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolver),        cmocka_unit_test(test_no_resolver),
        cmocka_unit_test(test_broken_resolver), cmocka_unit_test(test_counted),
        cmocka_unit_test(test_memory),          cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_match),           cmocka_unit_test(test_many),
        cmocka_unit_test(test_recipients),      cmocka_unit_test(test_recipients_marked),
        cmocka_unit_test(test_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

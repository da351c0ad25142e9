#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"
#include "test/unit/milter_ways.h"

/*
 * Whose mail is signed: authentication x client x service x settings x sender x
 * exceptions x keys, all with all, against the rules in other words.
 */

/* What each client is, said here and nowhere else. */
static const struct client {
    const char *from;
    bool signs, internal, local;
} clients[] = {
    {"192.0.2.1", false, false, false},
    {"2001:db8:9::1", false, false, false},
    {"::ffff:192.0.2.1", false, false, false},
    {"0.0.0.0", false, false, false},
    {"unknown", false, false, false},
    {"198.51.100.7", true, false, false},
    {"2001:db8:5::1", true, false, false},
    {"::ffff:198.51.100.7", true, false, false},
    {"198.51.101.7", false, false, false},
    {"10.1.2.3", false, true, false},
    {"2001:db8:1::1", false, true, false},
    {"::ffff:10.1.2.3", false, true, false},
    {"127.0.0.2", false, true, false},
    {"127.0.0.1", false, true, true},
    {"::1", false, true, true},
    {"::ffff:127.0.0.1", false, true, true},
    {"unix", false, false, true},
};

static const struct service {
    const char *daemon;
    bool listed;
} services[] = {{"ORIGINATING", true}, {"smtps", true}, {"smtpd", false}, {"", false}, {"originating", false}};

enum kind { OURS, TAGGED, UNTAGGABLE, NOT_OURS };

#define A48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct sender {
    const char *text;
    enum kind kind;
    bool excepted;
} senders[] = {
    {"<user@d.example>", OURS, false},
    {"<User@D.Example.>", OURS, false},
    {"<" A48 "@d.example>", OURS, false},
    {"<user@accept.example>", OURS, false},
    {"<user@hold.example>", OURS, false},
    {"<robot@d.example>", OURS, true},
    {"<user@mark.example>", OURS, true},
    {"<user@sub.d.example>", OURS, true},
    {"<user@news.d.example>", OURS, true},
    {"<" VALID "@d.example>", TAGGED, false},
    {"<" EXPIRED "@d.example>", TAGGED, false},
    {"<" MALFORMED "@d.example>", TAGGED, false},
    {"<" A48 "a@d.example>", UNTAGGABLE, false},
    {"<\"a b\"@d.example>", UNTAGGABLE, false},
    {"<b\xc3\xbc@d.example>", UNTAGGABLE, false},
    {"<SRS0=ab=cd=o.example=u@d.example>", UNTAGGABLE, false},
    {"<btv1==0785935954==user@d.example>", UNTAGGABLE, false},
    {"<user@o.example>", NOT_OURS, false},
    {"<" STRANGER_VALID "@o.example>", NOT_OURS, false},
    {"<robot@o.example>", NOT_OURS, true},
    {"<user@off.example>", NOT_OURS, false},
    {"<user@gone.d.example>", NOT_OURS, true},
    {"<user@dead.example>", NOT_OURS, false},
    {"<user@silent.example>", NOT_OURS, false},
    {"<user>", NOT_OURS, false},
    {"<user@[192.0.2.1]>", NOT_OURS, false},
    {"<@>", NOT_OURS, false},
    {"<>", NOT_OURS, false},
};

#define EXCEPTIONS                                                                                             \
    "from robot@d.example no-tag\n"                                                                            \
    "from mark.example no-tag\n"                                                                               \
    "from .d.example no-tag\n"                                                                                 \
    "from robot@o.example no-tag\n"

enum auth { ABSENT, PRESENT, EARLIER, AUTHS }; /* EARLIER: in an aborted MAIL */
enum ring { SIGNS, NO_KEY, RINGS };

enum {
    CLIENTS = sizeof clients / sizeof *clients,
    SERVICES = sizeof services / sizeof *services,
    SENDERS = sizeof senders / sizeof *senders,
    CONFS = A | S | D | I
};

struct trial {
    int conf;
    const struct client *client;
    const struct service *service;
    enum auth auth;
    const struct sender *sender;
    bool exceptions;
    enum ring ring;
};

static struct sample sample;
static struct exceptions table, no_table;
static struct bv_addr addresses[SENDERS];

/* Whoever may have mail signed comes first; then who is one of us; all others are strangers. */
static enum direction want_direction(const struct trial *t)
{
    bool listed = t->service->listed && (t->conf & D) != 0;

    if ((t->auth == PRESENT && (t->conf & A) != 0) || (t->client->signs && (t->conf & S) != 0) || listed)
        return DIRECTION_OUTBOUND;
    if (t->client->local || (t->client->internal && (t->conf & I) != 0))
        return DIRECTION_INTERNAL;
    return DIRECTION_INBOUND;
}

/* Outbound, ours, taggable and not excepted: signed.  Else the reason; "none" is mail that is no business of ours. */
static const char *want_verdict(const struct trial *t)
{
    if (want_direction(t) != DIRECTION_OUTBOUND || t->sender->kind == NOT_OURS)
        return "none";
    if (t->exceptions && t->sender->excepted)
        return "exempt";
    if (t->sender->kind == TAGGED)
        return "already-tagged";
    if (t->sender->kind == UNTAGGABLE)
        return "not-taggable";
    return t->ring == SIGNS ? "signed" : "fault";
}

static void must(bool holds, const struct trial *t, const char *what, const char *got)
{
    static const char *const auths[] = {"not authenticated", "authenticated",
                                        "authenticated in an aborted MAIL"};

    if (!holds)
        fail_msg("configured %d, %s from %s, service \"%s\", sender %s, exceptions %d, %s: %s: %s", t->conf,
                 auths[t->auth], t->client->from, t->service->daemon, t->sender->text, t->exceptions,
                 t->ring == SIGNS ? "a key signs" : "no key signs", what, got);
}

static void check(const struct trial *t, const struct decision *d, const char *tagged)
{
    const char *want = want_verdict(t);
    const char *got = d->event == EVENT_NONE ? "none" : verdict_word(d->verdict);
    bool is_signed = strcmp(want, "signed") == 0, fault = strcmp(want, "fault") == 0;

    must(strcmp(got, want) == 0, t, want, got);
    must(d->event == EVENT_NONE || d->event == EVENT_SIGN, t, "event", event_word(d->event));
    must(d->replace == is_signed, t, "replaced", d->replace ? "yes" : "no");
    must((*tagged != '\0') == is_signed, t, "tagged", tagged);
    must(d->key == (is_signed ? 3 : -1), t, "key", d->key < 0 ? "none" : "some");
    must(d->action == (fault ? ACTION_TEMPFAIL : ACTION_ACCEPT), t, "action", action_word(d->action));
    must((d->exception != 0) == (strcmp(want, "exempt") == 0), t, "exception", d->exception ? "yes" : "no");
}

static void run(const struct trial *t)
{
    const struct bv_addr *sender = &addresses[t->sender - senders];
    struct policy_client client = {
        .name = "", .daemon = t->service->daemon, .authenticated = t->auth == PRESENT};
    struct policy_facts facts;
    char tagged[BV_TAGGED];
    struct decision d;

    ways_address(&client.addr, t->client->from);
    sample.policy.exceptions = t->exceptions ? table : no_table;
    sample.keys.signing = t->ring == SIGNS ? &sample.keys.all.by_number[3] : NULL;
    policy_facts(&facts, &sample.policy, &client, sender->shape == BV_NULL_SENDER);
    must(facts.direction == want_direction(t), t, "direction",
         facts.direction == DIRECTION_INBOUND ? "in" : "not in");
    must(facts.local == t->client->local, t, "local", facts.local ? "yes" : "no");
    policy_mail(&d, tagged, &sample.policy, &sample.keys, facts.direction, sender);
    check(t, &d, tagged);
}

/* One setting and one client with all else. */
static size_t run_all(int conf, const struct client *client)
{
    struct trial t = {.conf = conf, .client = client};
    size_t n = (size_t)SERVICES * AUTHS * SENDERS * 2 * RINGS;

    ways_configure(&sample.policy, conf);
    for (size_t i = 0; i < n; i++) {
        t.sender = &senders[i % SENDERS];
        t.service = &services[i / SENDERS % SERVICES];
        t.auth = (enum auth)(i / SENDERS / SERVICES % AUTHS);
        t.exceptions = i / SENDERS / SERVICES / AUTHS % 2 != 0;
        t.ring = (enum ring)(i / SENDERS / SERVICES / AUTHS / 2);
        run(&t);
    }
    return n;
}

static void test_all(void **state)
{
    size_t n = 0;

    (void)state;
    for (int conf = 0; conf <= CONFS; conf++)
        for (size_t c = 0; c < CLIENTS; c++)
            n += run_all(conf, &clients[c]);
    assert_true(n > 400000);
}

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    sample_exceptions(&sample, EXCEPTIONS);
    table = sample.policy.exceptions;
    for (size_t i = 0; i < SENDERS; i++)
        bv_addr_read(&addresses[i], bv_str(senders[i].text));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample.policy.exceptions = table;
    sample_free(&sample);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

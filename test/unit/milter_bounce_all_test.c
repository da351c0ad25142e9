#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/message.h"
#include "test/unit/milter_sample.h"
#include "test/unit/milter_ways.h"

/*
 * What becomes of a message to one recipient, from RCPT to its end: tag x word
 * of the domain x warm-up x stage x storm x exceptions x client x sender, all
 * with all, against the rules in other words.
 */

enum kind { GOOD, OLD, BAD, NO_TAG, UNTAGGABLE, BROKEN };

static const struct tag {
    const char *name, *local;
    enum kind kind;
    enum action on_fault; /* with BROKEN */
} tags[] = {
    {"valid", VALID, GOOD, ACTION_ACCEPT},
    {"valid, last day", VALID_LAST, GOOD, ACTION_ACCEPT},
    {"valid, older key", VERIFYING, GOOD, ACTION_ACCEPT},
    {"expired", EXPIRED, OLD, ACTION_ACCEPT},
    {"retired key", RETIRED, OLD, ACTION_ACCEPT},
    {"forged", FORGED, BAD, ACTION_ACCEPT},
    {"unknown key", UNKNOWN, BAD, ACTION_ACCEPT},
    {"malformed", MALFORMED, BAD, ACTION_ACCEPT},
    {"untagged", "user", NO_TAG, ACTION_ACCEPT},
    {"needs quotes", "\"a b\"", UNTAGGABLE, ACTION_ACCEPT},
    {"SRS0", "SRS0=ab=cd=o.example=u", UNTAGGABLE, ACTION_ACCEPT},
    {"fault, tempfail", VALID, BROKEN, ACTION_TEMPFAIL},
    {"fault, accept", VALID, BROKEN, ACTION_ACCEPT},
};

static const struct word {
    const char *word;
    enum domain_kind kind;
    enum action action;
    bool harsh; /* warm-up softens it */
} words[] = {
    {"reject", DOMAIN_VERIFIED, ACTION_REJECT, true},
    {"mark", DOMAIN_VERIFIED, ACTION_MARK, false},
    {"quarantine", DOMAIN_VERIFIED, ACTION_QUARANTINE, true},
    {"discard", DOMAIN_VERIFIED, ACTION_DISCARD, true},
    {"accept", DOMAIN_VERIFIED, ACTION_ACCEPT, false},
    {"no-bounces", DOMAIN_NO_BOUNCES, ACTION_ACCEPT, false},
    {"no-mail", DOMAIN_NO_MAIL, ACTION_ACCEPT, false},
};

enum { DAY = BV_DAY_SECONDS, LIFE = 7 * DAY, YEAR = 365 * DAY, NO_SINCE = INT32_MAX };

/* Seconds since the ring first signed, and since the row's since=. */
static const struct warmth {
    const char *name;
    bool configured, signs;
    int ring, row;
    bool warm;
} warmths[] = {
    {"off", false, true, 0, NO_SINCE, false},
    {"just begun", true, true, 0, NO_SINCE, true},
    {"off, no key signs", false, false, YEAR, NO_SINCE, false},
    {"a second before its end", true, true, LIFE - 1, NO_SINCE, true},
    {"at its end", true, true, LIFE, NO_SINCE, false},
    {"a second after its end", true, true, LIFE + 1, NO_SINCE, false},
    {"no key signs", true, false, YEAR, NO_SINCE, true},
    {"no key signs, the row is old", true, false, YEAR, YEAR, true},
    {"the row begins later, a second before its end", true, true, YEAR, LIFE - 1, true},
    {"the row begins later, at its end", true, true, YEAR, LIFE, false},
    {"the row begins tomorrow", true, true, YEAR, -DAY, true},
    {"the row begins tomorrow, but off", false, true, YEAR, -DAY, false},
    {"the row begins earlier, a second before the ring's end", true, true, LIFE - 1, YEAR, true},
    {"the row begins earlier, at the ring's end", true, true, LIFE, YEAR, false},
};

static const struct client {
    const char *name, *from;
    bool authenticated, inbound, local;
} clients[] = {
    {"a stranger", "192.0.2.1", false, true, false},
    {"family unknown", "unknown", false, true, false},
    {"an internal host", "10.1.2.3", false, false, false},
    {"localhost", "127.0.0.1", false, false, true},
    {"a unix socket", "unix", false, false, true},
    {"sign_networks", "198.51.100.7", false, false, false},
    {"a user", "192.0.2.1", true, false, false},
    {"a user on localhost", "::1", true, false, true},
};

enum stage { DATA_TYPES, DATA_NO_TYPES, AT_RCPT, STAGES };
enum rcpt_row { NO_ROW, ACCEPT_UNTAGGED, NEVER_SENDS, RCPT_ROWS };

enum {
    TAGS = sizeof tags / sizeof *tags,
    WORDS = sizeof words / sizeof *words,
    WARMTHS = sizeof warmths / sizeof *warmths,
    CLIENTS = sizeof clients / sizeof *clients,
    ALL_TYPES = (1 << REPORT_TYPES) - 2,
    FATE = 60
};

struct trial {
    const struct tag *tag;
    const struct word *word;
    const struct warmth *warmth;
    const struct client *client;
    bool null_sender, hurry, from_row, client_row;
    enum stage stage;
    enum rcpt_row rcpt_row;
    bool receipt; /* the message is a read receipt, not a bounce */
};

static struct sample sample;
static struct exceptions tables[RCPT_ROWS][2][2];

/* ---- what the rules say ------------------------------------------------------------ */

static bool is_excepted(const struct trial *t)
{
    /* A client that nobody knows is on no network. */
    bool known = strcmp(t->client->from, "unknown") != 0;

    return t->rcpt_row == ACCEPT_UNTAGGED || t->from_row || (t->client_row && known);
}

/* A tag that fails, or none, in a domain whose bounces are verified. */
static const char *want_failure(const struct trial *t)
{
    bool untagged = t->tag->kind == NO_TAG, soft = t->word->harsh && t->warmth->warm;
    bool at_once = !untagged || t->stage == AT_RCPT || t->hurry;
    enum action action = soft ? ACTION_MARK : t->word->action;
    const char *old = t->tag->kind == OLD ? "original" : NULL;

    if (action == ACTION_REJECT && at_once)
        return "550 at RCPT";
    if (untagged && t->receipt && t->stage == DATA_TYPES)
        return "as given, none";
    if (action == ACTION_REJECT)
        return "550 at the end";
    if (action == ACTION_DISCARD)
        return "dropped";
    if (action == ACTION_QUARANTINE)
        return old != NULL ? "original, fail, held" : "as given, fail, held";
    if (action == ACTION_MARK)
        return old != NULL ? "original, fail" : "as given, fail";
    return old != NULL ? "original" : "as given";
}

static const char *want_bounce(const struct trial *t)
{
    if (t->word->kind == DOMAIN_NO_BOUNCES)
        return "550 at RCPT";
    if (t->tag->kind == GOOD)
        return "original, pass";
    if (t->tag->kind == BROKEN)
        return t->tag->on_fault == ACTION_TEMPFAIL ? "451 at RCPT" : "as given, none";
    if (t->rcpt_row == NEVER_SENDS)
        return "550 at RCPT";
    if (t->tag->kind == UNTAGGABLE || (t->tag->kind == NO_TAG && is_excepted(t)))
        return "as given, none";
    return want_failure(t);
}

static const char *want_fate(const struct trial *t)
{
    if (t->word->kind == DOMAIN_NO_MAIL && !t->client->local)
        return "556 at RCPT";
    if (t->client->inbound && t->null_sender)
        return want_bounce(t);
    return t->tag->kind == GOOD || t->tag->kind == OLD ? "original" : "as given";
}

/* ---- what the code does ------------------------------------------------------------- */

static void prepare(const struct trial *t)
{
    struct domain *row = &sample.policy.domains.row[0];
    const struct warmth *w = t->warmth;

    row->kind = t->word->kind;
    row->action = t->word->action;
    row->since = w->row == NO_SINCE ? 0 : sample.keys.now - w->row;
    sample.keys.since = sample.keys.now - w->ring;
    sample.keys.signing = w->signs ? &sample.keys.all.by_number[3] : NULL;
    sample.keys.all.by_number[3].mac = t->tag->kind == BROKEN ? &sample.broken : &sample.mac[0];
    sample.policy.warmup = w->configured;
    sample.policy.on_fault = t->tag->on_fault;
    sample.policy.untagged_at_rcpt = t->stage == AT_RCPT;
    sample.policy.reply_types = t->stage == DATA_TYPES ? ALL_TYPES : 0;
    sample.policy.exceptions = tables[t->rcpt_row][t->from_row][t->client_row];
}

static void put_end(char dst[FATE], struct message *m)
{
    const struct recipient *r = m->first;
    struct outcome o;

    message_settle(m, &sample.policy, &o);
    bool right = r->add == r->remove && (!r->add || strcmp(r->address, "user@d.example") == 0);
    if (o.refuse != NULL)
        snprintf(dst, FATE, "%s", o.refuse->decision.action == ACTION_DISCARD ? "dropped" : "550 at the end");
    else
        snprintf(dst, FATE, "%s%s%s%s", right ? r->add ? "original" : "as given" : "lost",
                 o.header != NULL ? ", " : "",
                 o.header != NULL ? result_word(verdict_result(o.header->decision.verdict)) : "",
                 o.hold != NULL ? ", held" : "");
}

static void put_fate(char dst[FATE], const struct trial *t, const char *rcpt)
{
    struct policy_client client = {.name = "", .daemon = "", .authenticated = t->client->authenticated};
    struct message *m = message_new("<>");
    char address[BV_ADDR_QUOTED], copy[80];
    char *argv[] = {strcpy(copy, rcpt), NULL};
    struct verdict_reply reply;
    struct decision d;

    ways_address(&client.addr, t->client->from);
    policy_facts(&m->facts, &sample.policy, &client, t->null_sender);
    m->facts.hurry = t->hurry;
    policy_rcpt(&d, address, &sample.policy, &sample.keys, &m->facts, bv_str(rcpt));
    verdict_reply(&reply, "no", &d);
    snprintf(dst, FATE, "%s at RCPT%s", reply.code, d.by_type ? ", by type" : "");
    if (d.at_end) {
        assert_int_equal(message_add(m, &d, address, "", argv), 0);
        m->accepted = 1;
        if (t->receipt && m->by_type)
            report_header(&m->type, "Content-Type", "multipart/report; report-type=disposition-notification");
        put_end(dst, m);
    }
    message_free(m);
}

static void check(const struct trial *t)
{
    static const char *const stages[] = {"data", "data, no types", "rcpt"};
    static const char *const rcpt_rows[] = {"none", "accept-untagged", "never-sends"};
    char rcpt[80], got[FATE];

    snprintf(rcpt, sizeof rcpt, "<%s@d.example>", t->tag->local);
    prepare(t);
    put_fate(got, t, rcpt);
    if (strcmp(got, want_fate(t)) != 0)
        fail_msg(
            "tag %s, word %s, warm-up %s, %s, null sender %d, stage %s, storm %d, rcpt row %s, from row %d, "
            "client row %d, receipt %d: \"%s\", expected \"%s\"",
            t->tag->name, t->word->word, t->warmth->name, t->client->name, t->null_sender, stages[t->stage],
            t->hurry, rcpt_rows[t->rcpt_row], t->from_row, t->client_row, t->receipt, got, want_fate(t));
}

/* All exceptions, stages and types, for what the rest of the trial says. */
static size_t check_all(struct trial t)
{
    enum { N = TAGS * WORDS * STAGES * RCPT_ROWS * 2 * 2 * 2 };

    for (size_t i = 0; i < N; i++) {
        size_t rest = i;
        t.tag = &tags[rest % TAGS], rest /= TAGS;
        t.word = &words[rest % WORDS], rest /= WORDS;
        t.stage = (enum stage)(rest % STAGES), rest /= STAGES;
        t.rcpt_row = (enum rcpt_row)(rest % RCPT_ROWS), rest /= RCPT_ROWS;
        t.from_row = rest % 2 != 0, rest /= 2;
        t.client_row = rest % 2 != 0, rest /= 2;
        t.receipt = rest % 2 != 0;
        check(&t);
    }
    return N;
}

static void test_bounces(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t w = 0; w < 2 * WARMTHS; w++)
        for (size_t c = 0; c < CLIENTS; c++)
            if (clients[c].inbound)
                n += check_all((struct trial){.warmth = &warmths[w / 2],
                                              .client = &clients[c],
                                              .null_sender = true,
                                              .hurry = w % 2 != 0});
    assert_true(n > 300000);
}

/* Where bounces are not judged, warm-up and storm are nothing either. */
static void test_other_mail(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * CLIENTS; c++)
        if (!clients[c / 2].inbound || c % 2 == 0)
            check_all((struct trial){.warmth = &warmths[c % 2],
                                     .client = &clients[c / 2],
                                     .null_sender = c % 2 != 0,
                                     .hurry = c % 2 != 0});
}

/* ---- set-up --------------------------------------------------------------------------- */

static void make_table(enum rcpt_row rcpt, int from, int client)
{
    static const char *const rcpt_lines[] = {"", "rcpt d.example accept-untagged\n",
                                             "rcpt d.example never-sends\n"};
    char text[200];

    snprintf(text, sizeof text, "to o.example no-tag\n%s%s%s", rcpt_lines[rcpt],
             from ? "from d.example no-tag\n" : "",
             client ? "client 0.0.0.0/0 accept-untagged\nclient ::/0 accept-untagged\n" : "");
    sample.policy.exceptions = (struct exceptions){.n = 0};
    sample_exceptions(&sample, text);
    tables[rcpt][from][client] = sample.policy.exceptions;
}

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    ways_configure(&sample.policy, A | S | D | I);
    for (int i = 0; i < 4 * RCPT_ROWS; i++)
        make_table((enum rcpt_row)(i / 4), i / 2 % 2, i % 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample.policy.exceptions = (struct exceptions){.n = 0};
    sample_free(&sample);
    for (int i = 0; i < 4 * RCPT_ROWS; i++)
        exceptions_free(&tables[i / 4][i / 2 % 2][i % 2]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_mail, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

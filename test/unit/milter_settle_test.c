#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/message.h"
#include "test/unit/milter_sample.h"

/* A bounce to several recipients, from RCPT through the policy to what is settled at its end. */

static struct sample sample;

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    sample_exceptions(&sample, "rcpt x@d.example accept-untagged\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

/*
 * A capital for the domain's row: Reject, Mark, Accept, Quarantine, Discard; a
 * letter for the tag, if there is one: valid, expired, forged, malformed; x is
 * in the exceptions table, n is not taggable.
 */
static const struct kind {
    const char *name, *rcpt;
} kinds[] = {
    {"R", "<user@d.example>"},
    {"R'", "<other@d.example>"},
    {"RU", "<USER@d.example>"},
    {"Rv", "<" VALID "@d.example>"},
    {"Rx", "<x@d.example>"},
    {"Rn", "<\"a b\"@d.example>"},
    {"Rf", "<" FORGED "@d.example>"}, /* refused at RCPT */
    {"M", "<user@mark.example>"},
    {"Mv", "<" MARK_VALID "@mark.example>"},
    {"Me", "<" MARK_EXPIRED "@mark.example>"},
    {"A", "<user@accept.example>"},
    {"Q", "<user@hold.example>"},
    {"Q'", "<other@hold.example>"},
    {"Qv", "<" HOLD_VALID "@hold.example>"},
    {"Qe", "<" HOLD_EXPIRED "@hold.example>"},
    {"Qf", "<prvs=3785000000=user@hold.example>"},
    {"D", "<user@drop.example>"},
    {"D'", "<other@drop.example>"},
    {"Dv", "<" DROP_VALID "@drop.example>"},
    {"De", "<" DROP_EXPIRED "@drop.example>"},
    {"Df", "<prvs=3785000000=user@drop.example>"},
    {"Dm", "<prvs=user@drop.example>"},
    {"N", "<user@dead.example>"},   /* refused at RCPT */
    {"B", "<user@silent.example>"}, /* refused at RCPT */
    {"S", "<user@o.example>"},
};

static const char *name_of(const char *rcpt)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].rcpt, rcpt) == 0)
            return kinds[i].name;
    return "?";
}

static const char *rcpt_of(struct bv_str name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bv_str_same(bv_str(kinds[i].name), name))
            return kinds[i].rcpt;
    fail_msg("no kind \"%.*s\"", (int)name.n, name.p);
    return "";
}

static void give(struct message *m, const char *rcpt)
{
    char address[BV_ADDR_QUOTED], copy[80];
    char *argv[] = {strcpy(copy, rcpt), NULL};
    struct decision d;

    policy_rcpt(&d, address, &sample.policy, &sample.keys, &m->facts, bv_str(rcpt));
    if (!d.at_end)
        return;
    if (d.ours)
        assert_int_equal(message_add(m, &d, address, "", argv), 0);
    m->accepted++;
}

/* A bounce to recipients whose names stand between blanks. */
static struct message *bounce_to(const char *names)
{
    struct message *m = message_new("<>");

    assert_non_null(m);
    m->facts = (struct policy_facts){.direction = DIRECTION_INBOUND, .null_sender = true};
    while (*names != '\0') {
        size_t n = strcspn(names, " ");
        give(m, rcpt_of((struct bv_str){names, n}));
        names += n + (names[n] == ' ');
    }
    return m;
}

/*
 * "refuse R" or "discard D" for all; else "R deleted, Mv replaced, A accept", with
 * "hold" and "header NAME" behind; what a recipient that stays is logged with.
 */
static void describe(char *dst, const struct message *m, const struct outcome *o)
{
    if (o->refuse != NULL) {
        sprintf(dst, "%s %s", action_word(o->refuse->decision.action), name_of(o->refuse->given));
        return;
    }
    *dst = '\0';
    for (const struct recipient *r = m->first; r != NULL; r = r->next) {
        const char *fate = r->refused ? "deleted" : r->add ? "replaced" : r->remove ? "merged" : "";
        if (*fate == '\0')
            fate = action_word(r->decision.action);
        if (r->refused && !r->remove)
            fate = "deleted before";
        dst += sprintf(dst, "%s%s %s", r != m->first ? ", " : "", name_of(r->given), fate);
    }
    if (o->hold != NULL)
        dst += sprintf(dst, "; hold for %s", name_of(o->hold->given));
    if (o->header != NULL)
        sprintf(dst, "; header %s", name_of(o->header->given));
}

static const struct {
    const char *name, *names, *want;
} rows[] = {
    {"reject", "R", "reject R"},
    {"reject, two", "R R'", "reject R"},
    {"reject beside one refused at RCPT", "Rf R N B", "reject R"},
    {"reject beside valid", "R' Rv", "R' deleted, Rv replaced; header Rv"},
    {"reject beside a stranger", "R S", "R deleted"},
    {"reject beside an excepted one", "R' Rx", "R' deleted, Rx accept; header Rx"},
    {"reject beside one that accepts", "R A", "R deleted, A accept"},

    {"quarantine", "Q", "Q quarantine; hold for Q; header Q"},
    {"quarantine, forged", "Qf", "Qf quarantine; hold for Qf; header Qf"},
    {"quarantine, expired", "Qe", "Qe replaced; hold for Qe; header Qe"},
    {"quarantine, two", "Q Q'", "Q quarantine, Q' quarantine; hold for Q; header Q"},
    {"quarantine, given twice", "Q Q", "Q quarantine, Q quarantine; hold for Q; header Q"},
    {"quarantine beside one refused at RCPT", "Q Rf", "Q quarantine; hold for Q; header Q"},
    {"quarantine beside reject", "Q R", "Q quarantine, R deleted; hold for Q; header Q"},
    {"the other order", "R Q", "R deleted, Q quarantine; hold for Q; header Q"},
    {"quarantine beside discard", "D Q", "D deleted, Q quarantine; hold for Q; header Q"},
    {"quarantine beside reject and discard", "R D Q",
     "R deleted, D deleted, Q quarantine; hold for Q; header Q"},
    {"quarantine beside valid", "Q Rv", "Q mark, Rv replaced; header Q"},
    {"quarantine beside valid of its domain", "Q' Qv", "Q' mark, Qv replaced; header Q'"},
    {"quarantine beside its own address given back", "Q Qv", "Q mark, Qv merged; header Q"},
    {"quarantine beside mark", "M Q", "M mark, Q mark; header M"},
    {"quarantine beside accept", "Q A", "Q mark, A accept; header Q"},
    {"quarantine beside a stranger", "S Q", "Q mark; header Q"},
    {"quarantine beside an excepted one", "Rx Q", "Rx accept, Q mark; header Q"},
    {"quarantine beside one not taggable", "Q Rn", "Q mark, Rn accept; header Q"},
    {"quarantine twice beside valid", "Q Q' Rv", "Q mark, Q' mark, Rv replaced; header Q"},
    {"quarantine, expired, beside valid", "Qe Rv", "Qe replaced, Rv replaced; header Qe"},
    {"quarantine, reject and valid", "Q R' Rv", "Q mark, R' deleted, Rv replaced; header Q"},

    {"discard", "D", "discard D"},
    {"discard, expired", "De", "discard De"},
    {"discard, forged", "Df", "discard Df"},
    {"discard, malformed", "Dm", "discard Dm"},
    {"discard, two", "D D'", "discard D"},
    {"discard, expired and untagged of one", "De D", "discard De"},
    {"discard beside one refused at RCPT", "Rf D", "discard D"},
    {"discard beside reject", "D R", "reject R"},
    {"the other order, with discard", "R D", "reject R"},
    {"discard around reject", "D R D'", "reject R"},
    {"reject twice around discard", "R' D R", "reject R'"},
    {"discard beside valid", "D Rv", "D deleted, Rv replaced; header Rv"},
    {"discard beside mark", "D M", "D deleted, M mark; header M"},
    {"discard beside a stranger", "D S", "D deleted"},
    {"discard, expired, beside a stranger", "De S", "De deleted"},
    {"discard and reject beside valid", "D R' Rv", "D deleted, R' deleted, Rv replaced; header Rv"},
    {"discard, given twice, beside valid", "D D Rv", "D deleted, D deleted before, Rv replaced; header Rv"},

    {"given back: reject", "R Rv", "R accept, Rv merged; header Rv"},
    {"given back: discard", "D Dv", "D accept, Dv merged; header Dv"},
    {"given back: discard, the other order", "Dv D", "Dv merged, D accept; header Dv"},
    {"given back: another is not", "D' Dv", "D' deleted, Dv replaced; header Dv"},
    {"given back: an expired tag is not", "De Dv", "De deleted, Dv replaced; header Dv"},
    {"given back: a forged tag is not", "Dv Df", "Dv replaced, Df deleted; header Dv"},
    {"given back: not by an expired tag that is dropped", "D De S", "D deleted, De deleted"},
    {"given back: by an expired tag that is marked", "M Me", "M mark, Me merged; header M"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message *m = bounce_to(rows[i].names);
        struct outcome o;
        char got[400];
        message_settle(m, &sample.policy, &o);
        describe(got, m, &o);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s (%s): \"%s\", expected \"%s\"", rows[i].name, rows[i].names, got, rows[i].want);
        message_free(m);
    }
}

/* ---- types -------------------------------------------------------------------------- */

static const struct {
    enum report_type type;
    const char *fields[3][2];
} types[] = {
    {REPORT_OTHER, {{"Content-Type", "multipart/report; report-type=delivery-status"}}},
    {REPORT_MDN, {{"Content-Type", "multipart/report; report-type=disposition-notification"}}},
    {REPORT_AUTO_REPLY, {{"Auto-Submitted", "auto-replied"}}},
    {REPORT_FEEDBACK, {{"Content-Type", "multipart/report; report-type=feedback-report"}}},
    {REPORT_DMARC,
     {{"From", "<noreply@dmarc.example>"},
      {"Subject", "Report Domain: d.example Submitter: o.example Report-ID: <1@o.example>"},
      {"Content-Type", "application/gzip; name=\"o.example!d.example!1!2.xml.gz\""}}},
};

enum { MASKS = 1 << REPORT_TYPES };

static void give_header(struct message *m, size_t type)
{
    for (size_t i = 0; i < 3 && types[type].fields[i][0] != NULL; i++)
        report_header(&m->type, types[type].fields[i][0], types[type].fields[i][1]);
    assert_int_equal(report_type(&m->type), types[type].type);
}

/* Each type with each set of types that are let through; "other" is in none of them. */
static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < MASKS / 2 * REPORT_TYPES; i++) {
        size_t type = i % REPORT_TYPES;
        struct outcome o;
        sample.policy.reply_types = (unsigned)(i / REPORT_TYPES) << 1;
        struct message *m = bounce_to("R");
        give_header(m, type);
        bool passes = (sample.policy.reply_types & 1U << types[type].type) != 0;
        message_settle(m, &sample.policy, &o);
        const struct decision *d = &m->first->decision;
        if ((o.refuse == NULL) != passes || (o.header == m->first) != passes ||
            d->verdict != (passes ? VERDICT_REPLY : VERDICT_UNTAGGED) ||
            d->action != (passes ? ACTION_ACCEPT : ACTION_REJECT))
            fail_msg("%s, let through %x: %s %s", report_word(types[type].type), sample.policy.reply_types,
                     verdict_word(d->verdict), action_word(d->action));
        message_free(m);
    }
}

/* A read receipt, to all kinds of recipients. */
static void test_receipt(void **state)
{
    static const struct {
        const char *name, *names, *want;
    } cases[] = {
        {"reject", "R", "R accept; header R"},
        {"mark", "M", "M accept; header M"},
        {"accept", "A", "A accept; header A"},
        {"quarantine", "Q", "Q accept; header Q"},
        {"discard", "D", "D accept; header D"},
        {"all of them", "R M A Q D", "R accept, M accept, A accept, Q accept, D accept; header R"},
        {"a tag that fails is none", "Df", "discard Df"},
        {"an expired tag is none", "Me", "Me replaced; header Me"},
        {"a forged tag beside", "Qf R", "Qf mark, R accept; header Qf"},
        {"a valid tag beside", "Rv R'", "Rv replaced, R' accept; header R'"},
        {"its own valid tag beside", "Rv R", "Rv merged, R accept; header R"},
        {"an excepted one", "Rx", "Rx accept; header Rx"},
        {"one not taggable", "Rn", "Rn accept; header Rn"},
        {"a stranger beside", "R S", "R accept; header R"},
    };

    (void)state;
    sample.policy.reply_types = 1U << REPORT_MDN;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message *m = bounce_to(cases[i].names);
        struct outcome o;
        char got[400];
        give_header(m, 1);
        message_settle(m, &sample.policy, &o);
        describe(got, m, &o);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s (%s): \"%s\", expected \"%s\"", cases[i].name, cases[i].names, got, cases[i].want);
        message_free(m);
    }
}

/* Where untagged bounces are judged at RCPT, nothing waits for the type. */
static void test_judged_at_rcpt(void **state)
{
    struct outcome o;

    (void)state;
    sample.policy.reply_types = MASKS - 2;
    sample.policy.untagged_at_rcpt = true;
    struct message *m = bounce_to("R M");
    give_header(m, 1);
    assert_false(m->by_type);
    assert_false(policy_needs_header(&sample.policy));
    message_settle(m, &sample.policy, &o);
    assert_int_equal(m->first->decision.verdict, VERDICT_UNTAGGED);
    assert_int_equal(m->first->decision.action, ACTION_MARK);
    message_free(m);
}

/* Sendmail, to which recipients that end in the same mailbox are one, tells what it has made of each. */
static void test_merged(void **state)
{
    static const struct {
        const char *name, *first, *first_is, *second, *second_is;
        const char *want; /* for each: removed or kept */
    } cases[] = {
        {"the map took the tag off", "Rv", "user", "S", "s", "kk"},
        {"the map took the tag off, upper case stays a tag", "Rv", "PRVS=3785935954=user", "S", "s", "rk"},
        {"the map did not answer", "Rv", "prvs=3785935954=user@d.example", "S", "s", "rk"},
        {"it does not tell", "Rv", "", "S", "", "rk"},
        {"refused beside its own mailbox", "R'", "user", "Rv", "user", "kk"},
        {"refused beside its own mailbox, other case", "R'", "User", "Rv", "uSER", "kk"},
        {"refused beside a stranger's", "R", "man", "S", "man", "kk"},
        {"refused beside another mailbox", "R'", "other", "Rv", "user", "rk"},
        {"refused, and it does not tell", "R'", "", "Rv", "", "rr"},
        {"dropped beside its own mailbox", "D'", "user", "Rv", "user", "kk"},
        {"refused in another case than what a tag gives back", "RU", "x", "Rv", "prvs=", "kr"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message *m = message_new("<>");
        struct outcome o;
        m->facts = (struct policy_facts){.direction = DIRECTION_INBOUND, .null_sender = true};
        const char *names[] = {cases[i].first, cases[i].second};
        const char *is[] = {cases[i].first_is, cases[i].second_is};
        for (int j = 0; j < 2; j++) {
            char address[BV_ADDR_QUOTED], copy[80];
            char *argv[] = {strcpy(copy, rcpt_of(bv_str(names[j]))), NULL};
            struct decision d;
            policy_rcpt(&d, address, &sample.policy, &sample.keys, &m->facts, bv_str(copy));
            assert_int_equal(message_add(m, &d, address, is[j], argv), 0);
            m->accepted++;
        }
        message_settle(m, &sample.policy, &o);
        const char got[] = {m->first->remove ? 'r' : 'k', m->first->next->remove ? 'r' : 'k', '\0'};
        if (strcmp(got, cases[i].want) != 0 || o.refuse != NULL)
            fail_msg("%s: %s, expected %s", cases[i].name, got, cases[i].want);
        for (const struct recipient *r = m->first; r != NULL; r = r->next)
            if (r->add != (r->remove && r->decision.replace))
                fail_msg("%s: %s added %d", cases[i].name, r->given, r->add);
        message_free(m);
    }
}

/* Postfix needs long for many copies of our header, and no honest mail brings them. */
static void test_copies(void **state)
{
    struct outcome o;

    (void)state;
    for (size_t copies = MESSAGE_COPIES - 1; copies <= MESSAGE_COPIES; copies++) {
        struct message *m = bounce_to("Rv");
        m->copies = copies;
        message_settle(m, &sample.policy, &o);
        assert_int_equal(o.refuse != NULL, copies == MESSAGE_COPIES);
        assert_int_equal(m->first->add, copies < MESSAGE_COPIES);
        message_free(m);
    }
}

/* Where the MTA knows no quarantine, marks must do. */
static void test_cannot_hold(void **state)
{
    struct outcome o;

    (void)state;
    for (int cannot = 0; cannot < 2; cannot++) {
        struct message *m = bounce_to("Qf");
        m->cannot_hold = cannot != 0;
        message_settle(m, &sample.policy, &o);
        assert_int_equal(o.hold == NULL, cannot);
        assert_int_equal(m->first->decision.action, cannot ? ACTION_MARK : ACTION_QUARANTINE);
        message_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receipt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_judged_at_rcpt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_hold, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "milter/policy.h"
#include "test/unit/milter_sample.h"

/* Whether the MX guard is asked, and what it decides: every case there is, against what the manual says. */

static const struct {
    const char *name;
    bool asked; /* unless something else forbids it */
} domains[] = {
    {"stranger.example", true},
    {"STRANGER.Example", true},
    {"sub.stranger.example", true},
    {"notd.example", true},
    {"ed.example", true},
    {"[127.0.0.1]", true},
    {"[IPv6:::1]", true},
    {"localhost.localdomain", true},
    {"d.example", false}, /* rows of the table, whatever they say */
    {"D.EXAMPLE", false},
    {"sub.d.example", false},
    {"off.example", false},
    {"gone.d.example", false},
    {"dead.example", false},
    {"silent.example", false},
    {"route.example", false}, /* mx_guard_exempt */
    {"Route.Example", false},
    {"sub.route.example", true},
    {"below.example", true},
    {"a.below.example", false},
    {"b.a.below.EXAMPLE", false},
    {"abelow.example", true},
    {"localhost", false}, /* of this network only */
    {"ai", false},
    {"", false},
};

static const enum direction directions[] = {DIRECTION_INBOUND, DIRECTION_INTERNAL, DIRECTION_OUTBOUND};
static const enum action settings[] = {ACTION_ACCEPT, ACTION_MARK, ACTION_REJECT};
enum { SETTINGS = 3, DIRECTIONS = 3 };

static int setup(void **state)
{
    static struct sample sample;

    sample_init(&sample);
    assert_int_equal(names_init(&sample.policy.guard_exempt, 2), 0);
    assert_int_equal(names_add(&sample.policy.guard_exempt, 0, bv_str("route.example"), 0), -1);
    assert_int_equal(names_add(&sample.policy.guard_exempt, 1, bv_str("below.example"), 0), -1);
    *state = &sample;
    return 0;
}

static int teardown(void **state)
{
    struct sample *s = *state;

    names_free(&s->policy.guard_exempt);
    sample_free(s);
    return 0;
}

static bool want_asked(const struct policy *p, const struct policy_facts *facts, bool of_sender)
{
    if (facts->local)
        return false;
    if (of_sender)
        return facts->direction == DIRECTION_INBOUND && !facts->null_sender &&
               (p->guard_senders == ACTION_MARK || p->guard_senders == ACTION_REJECT);
    return facts->direction != DIRECTION_INBOUND &&
           (p->guard_recipients == ACTION_MARK || p->guard_recipients == ACTION_REJECT);
}

static void check_asked(const struct policy *p, const struct policy_facts *facts, bool of_sender)
{
    bool want = want_asked(p, facts, of_sender);

    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (policy_guards(p, facts, of_sender, bv_str(domains[i].name)) != (want && domains[i].asked))
            fail_msg("\"%s\" %s, %s, %s%s, recipients %s, senders %s: %s", domains[i].name,
                     of_sender ? "of the sender" : "of the recipient", direction_word(facts->direction),
                     facts->local ? "local" : "not local", facts->null_sender ? ", null sender" : "",
                     action_word(p->guard_recipients), action_word(p->guard_senders),
                     want && domains[i].asked ? "is not asked" : "is asked");
}

static void test_asked(void **state)
{
    struct sample *s = *state;
    enum { CASES = DIRECTIONS * SETTINGS * SETTINGS * 8 };

    for (unsigned i = 0; i < CASES; i++) {
        struct policy_facts facts = {
            .direction = directions[i / 8 % DIRECTIONS], .local = (i & 1) != 0, .null_sender = (i & 2) != 0};
        s->policy.guard_recipients = settings[i / 24 % SETTINGS];
        s->policy.guard_senders = settings[i / 72 % SETTINGS];
        check_asked(&s->policy, &facts, (i & 4) != 0);
    }
}

/* The map asks for domains alone. */
static void test_may_guard(void **state)
{
    const struct sample *s = *state;

    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (policy_may_guard(&s->policy, bv_str(domains[i].name)) != domains[i].asked)
            fail_msg("\"%s\" is %s", domains[i].name, domains[i].asked ? "not asked" : "asked");
}

/* Without a domains table and without exempt domains: what the bare struct has. */
static void test_bare(void **state)
{
    struct policy p = {.guard_recipients = ACTION_REJECT};
    struct policy_facts facts = {.direction = DIRECTION_OUTBOUND};

    (void)state;
    assert_true(policy_guards(&p, &facts, false, bv_str("d.example")));
    assert_false(policy_guards(&p, &facts, true, bv_str("d.example")));
    p.guard_recipients = ACTION_ACCEPT;
    assert_false(policy_guards(&p, &facts, false, bv_str("d.example")));
}

static const struct {
    enum guard_result result;
    const char *kind;
    bool sentence;
    const char *want; /* NULL: nothing is wrong */
} verdicts[] = {
    {GUARD_FINE, "", false, NULL},
    {GUARD_UNKNOWN, "", false, NULL},
    {GUARD_NULL_MX, "", false, "null-mx"},
    {GUARD_BOGUS_MX, "loopback", false, "bogus-mx"},
    {GUARD_BOGUS_MX, "shared address space", false, "bogus-mx"},
    {GUARD_BOGUS_MX, "no way to get there", true, "bogus-mx"},
};

static void check_decision(const struct decision *d, size_t i, bool of_sender, enum action action)
{
    char got[300], want[300];

    sample_describe(got, sizeof got, d, "");
    if (verdicts[i].want == NULL)
        snprintf(want, sizeof want, "none");
    else
        snprintf(want, sizeof want, "guard %s %s %s line 0", verdicts[i].want, action_word(action),
                 action == ACTION_REJECT ? "now" : "end");
    if (strcmp(got, want) != 0)
        fail_msg("%s, %s: \"%s\", expected \"%s\"", guard_word(verdicts[i].result), action_word(action), got,
                 want);
    if (verdicts[i].want == NULL)
        return;
    assert_int_equal(d->of_sender, of_sender);
    assert_string_equal(d->kind, verdicts[i].kind);
    assert_int_equal(d->sentence, verdicts[i].sentence);
}

/* Each of the two settings is obeyed for its own. */
static void test_decisions(void **state)
{
    struct sample *s = *state;

    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct guard_verdict v = {.result = verdicts[i].result, .sentence = verdicts[i].sentence};
        strcpy(v.kind, verdicts[i].kind);
        for (int reject = 0; reject < 2; reject++) {
            struct decision d;
            s->policy.guard_recipients = reject ? ACTION_REJECT : ACTION_MARK;
            s->policy.guard_senders = reject ? ACTION_MARK : ACTION_REJECT;
            memset(&d, 0x5a, sizeof d);
            policy_guard(&d, &s->policy, false, &v);
            check_decision(&d, i, false, s->policy.guard_recipients);
            memset(&d, 0x5a, sizeof d);
            policy_guard(&d, &s->policy, true, &v);
            check_decision(&d, i, true, s->policy.guard_senders);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked),
        cmocka_unit_test(test_may_guard),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_decisions),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

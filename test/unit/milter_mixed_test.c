#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/message.h"
#include "test/unit/milter_sample.h"

/* Destinations that want no tag: of a message with one sender, for none, some or all of its recipients. */

#define EXCEPTIONS                                                                                             \
    "to lists.example no-tag\n"                                                                                \
    "to .lists.example no-tag\n"                                                                               \
    "to a@o.example no-tag\n"                                                                                  \
    "from robot@d.example no-tag\n"                                                                            \
    "to ours@d.example no-tag\n"                                                                               \
    "to u@dead.example no-tag\n"                                                                               \
    "rcpt c@o.example accept-untagged\n"                                                                       \
    "from f@o.example no-tag\n"

/* Recipients, by a letter; `line` is that of the row that wants no tag. */
static const struct kind {
    char letter;
    const char *rcpt;
    int line;
} kinds[] = {
    {'d', "<list@lists.example>", 1},
    {'s', "<list@x.lists.example>", 2},
    {'a', "<a@o.example>", 3},
    {'u', "<ours@d.example>", 5},
    {'o', "<b@o.example>", 0},
    {'c', "<c@o.example>", 0},
    {'f', "<f@o.example>", 0},
    {'v', "<" VALID "@d.example>", 0},
    {'x', "<u@dead.example>", 0 /* refused */},
};

enum { KINDS = sizeof kinds / sizeof *kinds, MOST = 4 };

static struct sample sample;

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

static const struct kind *kind_of(char letter)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].letter == letter)
            return &kinds[i];
    fail_msg("no kind '%c'", letter);
    return NULL;
}

/* As a transaction does it: what is refused at RCPT does not count. */
static void give(struct message *m, const char *text)
{
    char address[BV_ADDR_QUOTED], copy[80];
    char *argv[] = {strcpy(copy, text), NULL};
    struct decision d;

    policy_rcpt(&d, address, &sample.policy, &sample.keys, &m->facts, bv_str(text));
    if (!d.at_end)
        return;
    if (d.ours)
        assert_int_equal(message_add(m, &d, address, "", argv), 0);
    m->accepted++;
    int line = m->sign.replace ? policy_destination(&sample.policy, bv_str(text)) : 0;
    m->no_tag += line != 0;
    m->no_tag_line = line != 0 ? line : m->no_tag_line;
}

/* The sender at the end of a message from one of our users. */
static void send_to(struct decision *sign, char tagged[BV_TAGGED], const char *from, const char *letters)
{
    struct message *m = message_new(from);
    struct outcome o;
    struct bv_addr a;

    assert_non_null(m);
    m->facts.direction = DIRECTION_OUTBOUND;
    bv_addr_read(&a, bv_str(from));
    policy_mail(&m->sign, m->tagged, &sample.policy, &sample.keys, m->facts.direction, &a);
    for (; *letters != '\0'; letters++)
        give(m, kind_of(*letters)->rcpt);
    message_settle(m, &sample.policy, &o);
    *sign = m->sign;
    memcpy(tagged, m->tagged, BV_TAGGED);
    message_free(m);
}

#define SIGNED       "sign signed accept end key 3 line 1 day 20785 -> prvs=3785935954=user@d.example"
#define EXEMPT(line) "sign exempt accept end line 1 exception " #line " day 20785"

static const struct {
    const char *name, *from, *letters, *untagged, *tagged;
} rows[] = {
    {"none, one recipient", "user@d.example", "o", SIGNED, SIGNED},
    {"none, three recipients", "user@d.example", "ofv", SIGNED, SIGNED},
    {"none, the other words of the table", "user@d.example", "cf", SIGNED, SIGNED},
    {"all, by domain", "user@d.example", "d", EXEMPT(1), EXEMPT(1)},
    {"all, by a domain above", "user@d.example", "s", EXEMPT(2), EXEMPT(2)},
    {"all, by address", "user@d.example", "a", EXEMPT(3), EXEMPT(3)},
    {"all, one of ours", "user@d.example", "u", EXEMPT(5), EXEMPT(5)},
    {"all, given twice", "user@d.example", "dd", EXEMPT(1), EXEMPT(1)},
    {"all, by each kind of row", "user@d.example", "sdau", EXEMPT(5), EXEMPT(5)},
    {"some, first", "user@d.example", "do", EXEMPT(1), SIGNED},
    {"some, last", "user@d.example", "od", EXEMPT(1), SIGNED},
    {"some, by address beside another of the domain", "user@d.example", "oa", EXEMPT(3), SIGNED},
    {"some, beside one of ours", "user@d.example", "vd", EXEMPT(1), SIGNED},
    {"some, one of ours beside a stranger", "user@d.example", "uo", EXEMPT(5), SIGNED},
    {"some, one of three", "user@d.example", "oso", EXEMPT(2), SIGNED},
    {"some, three of four", "user@d.example", "dads", EXEMPT(2), EXEMPT(2)},
    {"some, two of four", "user@d.example", "dcaf", EXEMPT(3), SIGNED},
    {"all that are accepted", "user@d.example", "dx", EXEMPT(1), EXEMPT(1)},
    {"the one that wants no tag is refused", "user@d.example", "ox", SIGNED, SIGNED},
    {"nobody is accepted", "user@d.example", "x", SIGNED, SIGNED},
    {"the sender is excepted anyway", "robot@d.example", "d", "sign exempt accept end line 1 exception 4",
     "sign exempt accept end line 1 exception 4"},
    {"the sender has a tag already", VALID "@d.example", "do", "sign already-tagged accept end line 1",
     "sign already-tagged accept end line 1"},
    {"the sender is not taggable", "\"a b\"@d.example", "d",
     "sign not-taggable (local part needs quotes) accept end line 1",
     "sign not-taggable (local part needs quotes) accept end line 1"},
    {"the sender is not ours", "user@o.example", "d", "none", "none"},
    {"the null sender", "", "do", "none", "none"},
};

static void test_rows(void **state)
{
    char got[600], tagged[BV_TAGGED];
    struct decision sign;

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        const char *want = i % 2 != 0 ? rows[i / 2].tagged : rows[i / 2].untagged;
        sample.policy.mixed_tagged = i % 2 != 0;
        send_to(&sign, tagged, rows[i / 2].from, rows[i / 2].letters);
        sample_describe(got, sizeof got, &sign, tagged);
        if (strcmp(got, want) != 0)
            fail_msg("%s, mixed ones %s: \"%s\", expected \"%s\"", rows[i / 2].name,
                     sample.policy.mixed_tagged ? "tagged" : "untagged", got, want);
    }
}

/* All messages of up to four recipients: the tag stays unless the table has it go. */
static void check_message(const char *letters, bool mixed_tagged)
{
    size_t no_tag = 0, accepted = 0;
    char tagged[BV_TAGGED];
    struct decision sign;

    for (const char *p = letters; *p != '\0'; p++) {
        no_tag += kind_of(*p)->line != 0;
        accepted += *p != 'x';
    }
    bool stays = no_tag == 0 || (mixed_tagged && no_tag < accepted);
    sample.policy.mixed_tagged = mixed_tagged;
    send_to(&sign, tagged, "<user@d.example>", letters);
    if (sign.replace != stays || sign.verdict != (stays ? VERDICT_SIGNED : VERDICT_EXEMPT) ||
        sign.action != ACTION_ACCEPT || sign.event != EVENT_SIGN || sign.key != (stays ? 3 : -1) ||
        (sign.exception != 0) == stays)
        fail_msg("\"%s\", mixed ones %s: %s, replaced %d, key %d, exception %d", letters,
                 mixed_tagged ? "tagged" : "untagged", verdict_word(sign.verdict), sign.replace, sign.key,
                 sign.exception);
}

static void test_all(void **state)
{
    size_t most = 1;

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        most *= KINDS;
        for (size_t i = 0; i < most; i++) {
            char letters[MOST + 1] = "";
            size_t rest = i;
            for (int j = 0; j < n; j++, rest /= KINDS)
                letters[j] = kinds[rest % KINDS].letter;
            check_message(letters, false);
            check_message(letters, true);
        }
    }
}

/* Destinations decide of senders that would be signed, and of no others. */
static void test_others(void **state)
{
    static const struct decision others[] = {
        {.event = EVENT_NONE, .verdict = VERDICT_VALID, .key = -1},
        {.event = EVENT_SIGN, .verdict = VERDICT_EXEMPT, .key = -1, .exception = 4},
        {.event = EVENT_SIGN, .verdict = VERDICT_ALREADY_TAGGED, .key = -1, .line = 1},
        {.event = EVENT_SIGN, .verdict = VERDICT_NOT_TAGGABLE, .key = -1, .reason = BV_NOT_ASCII},
        {.event = EVENT_SIGN, .verdict = VERDICT_FAULT, .key = -1, .line = 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct message *m = message_new("<>");
        struct outcome o;
        m->sign = others[i];
        m->no_tag = m->accepted = 1;
        m->no_tag_line = 1;
        message_settle(m, &sample.policy, &o);
        assert_int_equal(m->sign.verdict, others[i].verdict);
        assert_int_equal(m->sign.exception, others[i].exception);
        assert_false(m->sign.replace);
        message_free(m);
    }
}

/* The log line of a sender that stayed as it was has no key. */
static void test_log_line(void **state)
{
    static const struct verdict_client client = {.name = "h"};
    char line[VERDICT_LINE], tagged[BV_TAGGED];
    struct decision sign;

    (void)state;
    send_to(&sign, tagged, "<user@d.example>", "od");
    verdict_line(line, "Q1", &client, &sign, bv_str("user@d.example"), bv_str(""));
    assert_string_equal(line, "Q1: client=h[unknown], event=sign, verdict=exempt, action=accept, key=-, "
                              "from=<user@d.example>, rcpt=<>");
}

static void test_destination(void **state)
{
    static const struct {
        const char *name, *rcpt;
        int line;
    } cases[] = {
        {"domain", "<u@lists.example>", 1},
        {"capitals", "<U@Lists.EXAMPLE>", 1},
        {"no brackets", "u@lists.example", 1},
        {"trailing dot", "<u@lists.example.>", 1},
        {"source route", "<@r.example:u@lists.example>", 1},
        {"source route through it", "<@lists.example:u@o.example>", 0},
        {"comment", "<u(c)@lists.example>", 1},
        {"a domain below", "<u@x.lists.example>", 2},
        {"two below", "<u@y.x.lists.example>", 2},
        {"ends alike", "<u@xlists.example>", 0},
        {"the parent", "<u@example>", 0},
        {"address", "<a@o.example>", 3},
        {"address, capitals", "<A@O.Example>", 3},
        {"address, quotes", "<\"a\"@o.example>", 3},
        {"another address", "<b@o.example>", 0},
        {"a longer address", "<a+x@o.example>", 0},
        {"a sender's row is none for recipients", "<robot@d.example>", 0},
        {"another word's row", "<c@o.example>", 0},
        {"no domain", "<a>", 0},
        {"unreadable", "<@>", 0},
        {"null", "<>", 0},
        {"percent: the relay counts", "<u%lists.example@o.example>", 0},
        {"percent: the relay is listed", "<u%o.example@lists.example>", 1},
        {"bang path", "<lists.example!u>", 1},
        {"overlong", NULL, 1},
        {"address, behind a tag of theirs", "<prvs=0785aaaaaa=a@o.example>", 3},
    };
    static char overlong[2000];

    (void)state;
    memset(overlong, 'a', sizeof overlong - 1);
    memcpy(overlong + sizeof overlong - sizeof "@lists.example", "@lists.example", sizeof "@lists.example");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *rcpt = cases[i].rcpt != NULL ? cases[i].rcpt : overlong;
        int got = policy_destination(&sample.policy, bv_str(rcpt));
        if (got != cases[i].line)
            fail_msg("%s: line %d, expected %d", cases[i].name, got, cases[i].line);
    }
    exceptions_free(&sample.policy.exceptions);
    assert_int_equal(policy_destination(&sample.policy, bv_str("<u@lists.example>")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_destination, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

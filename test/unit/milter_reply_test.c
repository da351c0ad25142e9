#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "milter/verdict.h"

/* What a recipient or a message is answered, for every action with every verdict. */

#define TEXT    "bounce 100% verified"
#define EXPIRED TEXT ": the address tag has expired"

static const struct {
    const char *code, *status, *text;
} replies[] = {
    [ACTION_ACCEPT] = {"250", "", ""},
    [ACTION_MARK] = {"250", "", ""},
    [ACTION_QUARANTINE] = {"250", "", ""},
    [ACTION_DISCARD] = {"250", "", ""},
    [ACTION_REJECT] = {"550", "5.7.1", TEXT}, /* but see below */
    [ACTION_TEMPFAIL] = {"451", "4.7.1", "bounce verification is not available, try again later"},
    [ACTION_TOO_MANY] = {"452", "4.5.3", "too many recipients"},
    [ACTION_DISCONNECT] = {"421", "4.7.0", "too many forged address tags in this session"},
};

/* What is refused otherwise. */
static const struct {
    enum verdict verdict;
    bool of_sender, sentence;
    const char *code, *status, *text;
} refusals[] = {
    {VERDICT_NO_MAIL, false, false, "556", "5.1.10", "the recipient's domain does not accept mail"},
    {VERDICT_EXPIRED, false, false, "550", "5.7.1", EXPIRED},
    {VERDICT_NULL_MX, false, false, "556", "5.1.10", "the recipient's domain does not accept mail"},
    {VERDICT_NULL_MX, true, false, "550", "5.7.27", "the sender's domain does not accept mail"},
    {VERDICT_BOGUS_MX, false, false, "554", "5.7.1", "Domain MX in 100% loopback network"},
    {VERDICT_BOGUS_MX, true, false, "554", "5.7.1", "Sender domain MX in 100% loopback network"},
    {VERDICT_BOGUS_MX, false, true, "554", "5.7.1", "100% loopback"},
    {VERDICT_BOGUS_MX, true, true, "554", "5.7.1", "100% loopback"},
};

enum { REFUSALS = sizeof refusals / sizeof *refusals };

/* The row for a decision; REFUSALS: none. */
static size_t find_refusal(const struct decision *d)
{
    size_t i = 0;

    while (i < REFUSALS && (refusals[i].verdict != d->verdict ||
                            (d->event == EVENT_GUARD && refusals[i].of_sender != d->of_sender) ||
                            (d->verdict == VERDICT_BOGUS_MX && refusals[i].sentence != d->sentence)))
        i++;
    return d->action == ACTION_REJECT ? i : REFUSALS;
}

static void check(const struct decision *d, const char *code, const char *status, const char *text)
{
    struct verdict_reply r;

    memset(&r, '#', sizeof r);
    verdict_reply(&r, TEXT, d);
    if (strcmp(r.code, code) != 0 || strcmp(r.status, status) != 0 || strcmp(r.text, text) != 0)
        fail_msg("%s, %s: \"%s %s %s\", expected \"%s %s %s\"", action_word(d->action),
                 verdict_word(d->verdict), r.code, r.status, r.text, code, status, text);
    /* RFC 3463: the first digits are the same. */
    if (*r.status != '\0' && *r.status != *r.code)
        fail_msg("%s and %s", r.code, r.status);
}

static void test_all(void **state)
{
    (void)state;
    for (int a = ACTION_ACCEPT; a <= ACTION_DISCONNECT; a++) {
        for (int v = VERDICT_VALID; v <= VERDICT_FAULT; v++) {
            for (unsigned how = 0; how < 4; how++) {
                struct decision d = {.action = (enum action)a, .verdict = (enum verdict)v, .key = -1};
                d.event = v == VERDICT_NULL_MX || v == VERDICT_BOGUS_MX ? EVENT_GUARD : EVENT_BOUNCE;
                d.kind = "100% loopback";
                d.of_sender = (how & 1) != 0;
                d.sentence = (how & 2) != 0;
                size_t i = find_refusal(&d);
                if (i < REFUSALS)
                    check(&d, refusals[i].code, refusals[i].status, refusals[i].text);
                else
                    check(&d, replies[a].code, replies[a].status, replies[a].text);
            }
        }
    }
}

/* The longest text that the configuration takes is answered whole; beyond that, nothing is overrun. */
static void test_long(void **state)
{
    struct decision d = {.action = ACTION_REJECT, .verdict = VERDICT_EXPIRED};
    char longest[201], huge[1001];
    struct {
        struct verdict_reply reply;
        char guard[16];
    } r;

    (void)state;
    memset(longest, 't', 200);
    longest[200] = '\0';
    verdict_reply(&r.reply, longest, &d);
    assert_int_equal(strlen(r.reply.text), 200 + strlen(": the address tag has expired"));
    assert_memory_equal(r.reply.text, longest, 200);
    memset(huge, 't', 1000);
    huge[1000] = '\0';
    memset(r.guard, '#', sizeof r.guard);
    verdict_reply(&r.reply, huge, &d);
    assert_int_equal(strlen(r.reply.text), VERDICT_REPLY_TEXT - 1);
    assert_memory_equal(r.guard, "################", 16);
}

/* Where no text is at hand: temporary failures need none. */
static void test_no_text(void **state)
{
    static const enum action actions[] = {ACTION_TEMPFAIL, ACTION_TOO_MANY, ACTION_DISCONNECT};
    struct verdict_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        verdict_reply(&r, NULL, &(struct decision){.action = actions[i]});
        assert_string_equal(r.text, replies[actions[i]].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

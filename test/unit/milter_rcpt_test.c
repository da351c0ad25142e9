#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"

static struct sample sample;

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

/* What a message is: where from, and whether its sender is the null sender. */
enum { NUL = 1, IN = DIRECTION_INBOUND * 2, INT = DIRECTION_INTERNAL * 2, OUT = DIRECTION_OUTBOUND * 2 };

static void decide(struct decision *d, char address[BV_ADDR_QUOTED], int message, const char *rcpt)
{
    const struct policy_facts facts = {.direction = (enum direction)(message / 2),
                                       .null_sender = message % 2 != 0};

    memset(d, 0x55, sizeof *d);
    memset(address, 'x', BV_ADDR_QUOTED);
    policy_rcpt(d, address, &sample.policy, &sample.keys, &facts, bv_str(rcpt));
}

#define A48      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define U        "user@d.example"
#define ORDINARY "none ours"
#define GOOD(event, verdict, key, line, day, address)                                                          \
    event " " verdict " accept end key " #key " line " #line " day " #day " -> " address
#define BAD(verdict, action) "bounce " verdict " " action

struct row {
    const char *name;
    int message;
    const char *rcpt, *want, *address;
};

static const struct row rows[] = {
    {"bounce, valid", IN | NUL, "<" VALID "@d.example>", GOOD("bounce", "valid", 3, 1, 20785, U), U},
    {"bounce, valid, last day", IN | NUL, "<" VALID_LAST "@d.example>", GOOD("bounce", "valid", 3, 1, 20778, U),
     U},
    {"bounce, older key", IN | NUL, "<" VERIFYING "@d.example>", GOOD("bounce", "valid", 4, 1, 20800, U), U},
    {"bounce, expired yesterday", IN | NUL, "<" EXPIRED "@d.example>",
     BAD("expired", "reject now key 3 line 1 day 20777"), U},
    {"bounce, long expired", IN | NUL, "<" ANCIENT "@d.example>",
     BAD("expired", "reject now key 3 line 1 day 20500"), U},
    {"bounce, retired key", IN | NUL, "<" RETIRED "@d.example>",
     BAD("expired", "reject now key 2 line 1 day 19785"), U},
    {"bounce, forged", IN | NUL, "<" FORGED "@d.example>", BAD("forged", "reject now key 3 line 1"), U},
    {"bounce, another user's tag", IN | NUL, "<prvs=3785935954=other@d.example>",
     BAD("forged", "reject now key 3 line 1"), "other@d.example"},
    {"bounce, another domain's tag", IN | NUL, "<" VALID "@prefix.example>",
     BAD("forged", "reject now key 3 line 7"), "user@prefix.example"},
    {"bounce, unknown key", IN | NUL, "<" UNKNOWN "@d.example>", BAD("unknown-key", "reject now key 1 line 1"),
     U},
    {"bounce, malformed", IN | NUL, "<" MALFORMED "@d.example>", BAD("malformed", "reject now line 1"),
     MALFORMED "@d.example"},
    {"bounce, malformed behind a plus", IN | NUL, "<user+prvs=1@d.example>",
     BAD("malformed", "reject now line 1"), "user+prvs=1@d.example"},
    {"bounce, untagged", IN | NUL, "<user@d.example>", BAD("untagged", "reject end line 1"), U},
    {"bounce, untagged, detail", IN | NUL, "<user+x@d.example>", BAD("untagged", "reject end line 1"),
     "user+x@d.example"},
    {"bounce, 48 octets", IN | NUL, "<" A48 "@d.example>", BAD("untagged", "reject end line 1"),
     A48 "@d.example"},
    {"bounce, 49 octets", IN | NUL, "<" A48 "a@d.example>",
     BAD("not-taggable", "(local part too long) accept end line 1"), A48 "a@d.example"},
    {"bounce, needs quotes", IN | NUL, "<\"a b\"@d.example>",
     BAD("not-taggable", "(local part needs quotes) accept end line 1"), "\"a b\"@d.example"},
    {"bounce, not ASCII", IN | NUL, "<b\xc3\xbc@d.example>",
     BAD("not-taggable", "(not ASCII) accept end line 1"), "b\xc3\xbc@d.example"},
    {"bounce, SRS0", IN | NUL, "<SRS0=ab=cd=o.example=u@d.example>",
     BAD("not-taggable", "(tagged by somebody else's scheme) accept end line 1"),
     "SRS0=ab=cd=o.example=u@d.example"},
    {"bounce, SRS1", IN | NUL, "<SRS1=ab=o.example==cd=ef=p.example=u@d.example>",
     BAD("not-taggable", "(tagged by somebody else's scheme) accept end line 1"),
     "SRS1=ab=o.example==cd=ef=p.example=u@d.example"},
    {"bounce, btv1", IN | NUL, "<btv1==0785935954==user@d.example>",
     BAD("not-taggable", "(tagged by somebody else's scheme) accept end line 1"),
     "btv1==0785935954==user@d.example"},
    {"bounce, 49 octets behind a broken tag", IN | NUL, "<prvs=0=" A48 "a@d.example>",
     BAD("malformed", "reject now line 1"), "prvs=0=" A48 "a@d.example"},

    {"bounce, row marks, valid", IN | NUL, "<" MARK_VALID "@mark.example>",
     GOOD("bounce", "valid", 3, 4, 20785, "user@mark.example"), "user@mark.example"},
    {"bounce, row marks, expired", IN | NUL, "<" MARK_EXPIRED "@mark.example>",
     BAD("expired", "mark end key 3 line 4 day 20777 -> user@mark.example"), "user@mark.example"},
    {"bounce, row marks, forged", IN | NUL, "<" VALID "@mark.example>", BAD("forged", "mark end key 3 line 4"),
     "user@mark.example"},
    {"bounce, row marks, malformed", IN | NUL, "<" MALFORMED "@mark.example>",
     BAD("malformed", "mark end line 4"), MALFORMED "@mark.example"},
    {"bounce, row marks, untagged", IN | NUL, "<user@mark.example>", BAD("untagged", "mark end line 4"),
     "user@mark.example"},
    {"bounce, row accepts, expired", IN | NUL, "<" ACCEPT_EXPIRED "@accept.example>",
     BAD("expired", "accept end key 3 line 5 day 20777 -> user@accept.example"), "user@accept.example"},
    {"bounce, row accepts, untagged", IN | NUL, "<user@accept.example>", BAD("untagged", "accept end line 5"),
     "user@accept.example"},
    {"bounce, subdomain row marks", IN | NUL, "<user@sub.d.example>", BAD("untagged", "mark end line 2"),
     "user@sub.d.example"},
    {"bounce, subdomain row, valid", IN | NUL, "<" SUB_VALID "@sub.d.example>",
     GOOD("bounce", "valid", 3, 2, 20785, "user@sub.d.example"), "user@sub.d.example"},
    {"bounce, exact row below a subdomain row", IN | NUL, "<user@news.d.example>",
     BAD("untagged", "reject end line 3"), "user@news.d.example"},
    {"bounce, sub-address, valid", IN | NUL, "<" NEWS_VALID "@news.d.example>",
     GOOD("bounce", "valid", 3, 3, 20785, "user@news.d.example"), "user@news.d.example"},
    {"bounce, sub-address where the row says prefix", IN | NUL, "<user+prvs=37850d2a87@prefix.example>",
     GOOD("bounce", "valid", 3, 7, 20785, "user@prefix.example"), "user@prefix.example"},
    {"bounce, sub-address with a minus", IN | NUL, "<user-prvs=3785935954@d.example>",
     GOOD("bounce", "valid", 3, 1, 20785, U), U},
    {"bounce, a tag on a tag", IN | NUL, "<prvs=3785e11d85=prvs=37852c6c9e=user@d.example>",
     GOOD("bounce", "valid", 3, 1, 20785, "prvs=37852c6c9e=user@d.example"), "prvs=37852c6c9e=user@d.example"},
    {"bounce, a valid tag whose address needs quotes", IN | NUL, "<\"prvs=3785ce3548=a b\"@d.example>",
     GOOD("bounce", "valid", 3, 1, 20785, "\"a b\"@d.example"), "\"a b\"@d.example"},

    {"bounce, a valid tag whose address cannot be written", IN | NUL, "<\"prvs=3785300caf=a\tb\"@d.example>",
     "bounce valid accept end key 3 line 1 day 20785", ""},

    {"bounce, a stranger's domain", IN | NUL, "<user@o.example>", "none", ""},
    {"bounce, a stranger's domain, tag of ours", IN | NUL, "<" VALID "@o.example>", "none", ""},
    {"bounce, a stranger's domain, tag fits", IN | NUL, "<" STRANGER_VALID "@o.example>", "none", ""},
    {"bounce, a stranger's domain, malformed", IN | NUL, "<" MALFORMED "@o.example>", "none", ""},
    {"bounce, a domain that is off", IN | NUL, "<user@off.example>", "none", ""},
    {"bounce, a domain that is off, tag fits", IN | NUL, "<" OFF_VALID "@off.example>", "none", ""},
    {"bounce, parent of our domain", IN | NUL, "<user@example>", "none", ""},
    {"bounce, address literal", IN | NUL, "<user@[192.0.2.1]>", BAD("untagged", "reject end line 0"),
     "user@[192.0.2.1]"},
    {"ordinary mail, address literal", IN, "<user@[192.0.2.1]>", ORDINARY, "user@[192.0.2.1]"},

    {"ordinary mail", IN, "<user@d.example>", ORDINARY, U},
    {"ordinary mail, valid", IN, "<" VALID "@d.example>", GOOD("strip", "valid", 3, 1, 20785, U), U},
    {"ordinary mail, expired", IN, "<" EXPIRED "@d.example>", GOOD("strip", "expired", 3, 1, 20777, U), U},
    {"ordinary mail, long expired", IN, "<" ANCIENT "@d.example>", GOOD("strip", "expired", 3, 1, 20500, U), U},
    {"ordinary mail, retired key", IN, "<" RETIRED "@d.example>", GOOD("strip", "expired", 2, 1, 19785, U), U},
    {"ordinary mail, older key", IN, "<" VERIFYING "@d.example>", GOOD("strip", "valid", 4, 1, 20800, U), U},
    {"ordinary mail, forged", IN, "<" FORGED "@d.example>", ORDINARY, U},
    {"ordinary mail, unknown key", IN, "<" UNKNOWN "@d.example>", ORDINARY, U},
    {"ordinary mail, malformed", IN, "<" MALFORMED "@d.example>", ORDINARY, MALFORMED "@d.example"},
    {"ordinary mail, row marks, valid", IN, "<" MARK_VALID "@mark.example>",
     GOOD("strip", "valid", 3, 4, 20785, "user@mark.example"), "user@mark.example"},
    {"ordinary mail, row accepts, expired", IN, "<" ACCEPT_EXPIRED "@accept.example>",
     GOOD("strip", "expired", 3, 5, 20777, "user@accept.example"), "user@accept.example"},
    {"ordinary mail, not taggable", IN, "<\"a b\"@d.example>", ORDINARY, "\"a b\"@d.example"},
    {"ordinary mail, a stranger's domain", IN, "<" STRANGER_VALID "@o.example>", "none", ""},
    {"ordinary mail, off", IN, "<" OFF_VALID "@off.example>", "none", ""},
    {"ordinary mail, unreadable", IN, "<@>", ORDINARY, ""},
    {"ordinary mail, no domain", IN, "<user>", ORDINARY, "user"},

    {"from inside, null sender, untagged", INT | NUL, "<user@d.example>", ORDINARY, U},
    {"from inside, null sender, forged", INT | NUL, "<" FORGED "@d.example>", ORDINARY, U},
    {"from inside, null sender, malformed", INT | NUL, "<" MALFORMED "@d.example>", ORDINARY,
     MALFORMED "@d.example"},
    {"from inside, null sender, unreadable", INT | NUL, "<@>", ORDINARY, ""},
    {"from inside, null sender, valid", INT | NUL, "<" VALID "@d.example>",
     GOOD("strip", "valid", 3, 1, 20785, U), U},
    {"from inside, null sender, expired", INT | NUL, "<" EXPIRED "@d.example>",
     GOOD("strip", "expired", 3, 1, 20777, U), U},
    {"from inside, valid", INT, "<" VALID "@d.example>", GOOD("strip", "valid", 3, 1, 20785, U), U},
    {"from inside, untagged", INT, "<user@d.example>", ORDINARY, U},
    {"from a user, null sender, untagged", OUT | NUL, "<user@d.example>", ORDINARY, U},
    {"from a user, null sender, forged", OUT | NUL, "<" FORGED "@d.example>", ORDINARY, U},
    {"from a user, null sender, retired key", OUT | NUL, "<" RETIRED "@d.example>",
     GOOD("strip", "expired", 2, 1, 19785, U), U},
    {"from a user, valid", OUT, "<" VALID "@d.example>", GOOD("strip", "valid", 3, 1, 20785, U), U},
    {"from a user, a stranger's domain", OUT, "<user@o.example>", "none", ""},
    {"from a user, percent through a stranger", OUT, "<prvs=3785935954=user%d.example@o.example>", ORDINARY, U},
    {"from a user, a stranger's domain, tag fits", OUT, "<" STRANGER_VALID "@o.example>", "none", ""},
};

static void check_row(const struct row *row)
{
    struct decision d;
    char got[600], address[BV_ADDR_QUOTED];

    decide(&d, address, row->message, row->rcpt);
    sample_describe(got, sizeof got, &d, address);
    if (strcmp(got, row->want) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", row->name, got, row->want);
    if (strcmp(address, row->address) != 0)
        fail_msg("%s: means \"%s\", expected \"%s\"", row->name, address, row->address);
    if (d.ours != (strcmp(row->want, "none") != 0))
        fail_msg("%s: %s", row->name, d.ours ? "is ours" : "is not ours");
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

/* untagged_stage = "rcpt" judges untagged mail at once, and changes nothing else. */
static void test_stage_rcpt(void **state)
{
    (void)state;
    sample.policy.untagged_at_rcpt = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct row row = rows[i];
        char want[600];
        const char *end = strstr(row.want, "untagged reject end");
        if (end != NULL) {
            snprintf(want, sizeof want, "%.*suntagged reject now%s", (int)(end - row.want), row.want,
                     end + strlen("untagged reject end"));
            row.want = want;
        }
        check_row(&row);
    }
}

/* A MAC that cannot be computed: on_fault decides of bounces; other mail is left as it is. */
static void test_fault(void **state)
{
    static const struct row cases[] = {
        {"tempfail", IN | NUL, "<" VALID "@d.example>", "bounce fault tempfail now key 3 line 1", U},
        {"tempfail, whatever the row says", IN | NUL, "<" MARK_VALID "@mark.example>",
         "bounce fault tempfail now key 3 line 4", "user@mark.example"},
        {"untagged needs no key", IN | NUL, "<user@d.example>", BAD("untagged", "reject end line 1"), U},
        {"ordinary mail", IN, "<" VALID "@d.example>", ORDINARY, U},
        {"from inside", INT | NUL, "<" VALID "@d.example>", ORDINARY, U},
        {"accept", IN | NUL, "<" VALID "@d.example>", "bounce fault accept end key 3 line 1", U},
        {"accept, forged", IN | NUL, "<" FORGED "@d.example>", "bounce fault accept end key 3 line 1", U},
        {"accept: malformed needs no key", IN | NUL, "<" MALFORMED "@d.example>",
         BAD("malformed", "reject now line 1"), MALFORMED "@d.example"},
    };

    (void)state;
    sample.keys.all.by_number[3].mac = &sample.broken;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample.policy.on_fault = strncmp(cases[i].name, "accept", 6) == 0 ? ACTION_ACCEPT : ACTION_TEMPFAIL;
        check_row(&cases[i]);
    }
}

/* A ring without keys honours nothing. */
static void test_no_keys(void **state)
{
    struct row row = {"no keys", IN | NUL, "<" VALID "@d.example>",
                      BAD("unknown-key", "reject now key 3 line 1"), U};

    (void)state;
    memset(&sample.keys.all, 0, sizeof sample.keys.all);
    sample.keys.signing = NULL;
    check_row(&row);
    row = (struct row){"no keys, ordinary mail", IN, "<" VALID "@d.example>", ORDINARY, U};
    check_row(&row);
}

static const struct {
    const char *rcpt;
    enum verdict verdict;
} kinds[] = {{VALID, VERDICT_VALID},         {VALID_LAST, VERDICT_VALID},       {VERIFYING, VERDICT_VALID},
             {EXPIRED, VERDICT_EXPIRED},     {ANCIENT, VERDICT_EXPIRED},        {RETIRED, VERDICT_EXPIRED},
             {FORGED, VERDICT_FORGED},       {UNKNOWN, VERDICT_UNKNOWN_KEY},    {MALFORMED, VERDICT_MALFORMED},
             {"user", VERDICT_UNTAGGED},     {"\"a b\"", VERDICT_NOT_TAGGABLE}, {A48 "a", VERDICT_NOT_TAGGABLE},
             {"b\xfc", VERDICT_NOT_TAGGABLE}};

/* The table of the specification, section 6, in other words. */
static void oracle(struct decision *want, enum verdict verdict, enum action action, int message, bool at_rcpt)
{
    bool ours_once = verdict == VERDICT_VALID || verdict == VERDICT_EXPIRED;

    *want = (struct decision){.event = EVENT_NONE, .action = ACTION_ACCEPT, .at_end = true};
    if (message != (IN | NUL)) {
        want->event = ours_once ? EVENT_STRIP : EVENT_NONE;
        want->replace = ours_once;
        return;
    }
    want->event = EVENT_BOUNCE;
    want->replace = verdict == VERDICT_VALID || (verdict == VERDICT_EXPIRED && action != ACTION_REJECT);
    if (verdict == VERDICT_VALID || verdict == VERDICT_NOT_TAGGABLE)
        return;
    want->action = action;
    want->at_end = action != ACTION_REJECT || (verdict == VERDICT_UNTAGGED && !at_rcpt);
}

/* verdict x action x stage x direction x null sender */
static void test_product(void **state)
{
    static const enum action actions[] = {ACTION_ACCEPT, ACTION_MARK, ACTION_REJECT};
    size_t n = sizeof kinds / sizeof *kinds;

    (void)state;
    for (size_t i = 0; i < n * 3 * 2 * 6; i++) {
        enum action action = actions[i / n % 3];
        int message = (int)(i / n / 6);
        struct decision d, want;
        char address[BV_ADDR_QUOTED], rcpt[200];
        sample.policy.untagged_at_rcpt = i / n / 3 % 2 != 0;
        sample.policy.domains.row[0].action = action;
        sample.policy.action = actions[(i / n + 1) % 3]; /* the row's counts, not this */
        snprintf(rcpt, sizeof rcpt, "<%s@d.example>", kinds[i % n].rcpt);
        decide(&d, address, message, rcpt);
        oracle(&want, kinds[i % n].verdict, action, message, sample.policy.untagged_at_rcpt);
        if (d.event != want.event || d.action != want.action || d.at_end != want.at_end ||
            d.replace != want.replace || !d.ours ||
            (d.event != EVENT_NONE && d.verdict != kinds[i % n].verdict))
            fail_msg("%s, message %d, %s, stage %d: %s %s %s %d %d", rcpt, message, action_word(action),
                     sample.policy.untagged_at_rcpt, event_word(d.event), verdict_word(d.verdict),
                     action_word(d.action), d.at_end, d.replace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stage_rcpt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_product, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

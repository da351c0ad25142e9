#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "milter/message.h"

static const struct policy policy; /* nothing is let through for its type, and no mixed message is signed */

/* A recipient that was accepted at RCPT, by a letter. */
static const struct kind {
    char letter;
    enum event event;
    enum verdict verdict;
    enum action action;
    bool replace;
    const char *given, *address;
} kinds[] = {
    {'V', EVENT_BOUNCE, VERDICT_VALID, ACTION_ACCEPT, true, "<prvs=1=user@d.example>", "user@d.example"},
    {'v', EVENT_BOUNCE, VERDICT_VALID, ACTION_ACCEPT, true, "<PRVS=1=user@d.example>", "user@D.example"},
    {'W', EVENT_BOUNCE, VERDICT_VALID, ACTION_ACCEPT, true, "<prvs=2=other@d.example>", "other@d.example"},
    {'U', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_REJECT, false, "<user@d.example>", "user@d.example"},
    {'u', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_REJECT, false, "<user@D.EXAMPLE>", "user@D.EXAMPLE"},
    {'O', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_REJECT, false, "<other@d.example>", "other@d.example"},
    {'X', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_REJECT, false, "<@>", ""},
    {'M', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_MARK, false, "<user@mark.example>", "user@mark.example"},
    {'E', EVENT_BOUNCE, VERDICT_EXPIRED, ACTION_MARK, false, "<prvs=3=user@mark.example>", "user@mark.example"},
    {'K', EVENT_BOUNCE, VERDICT_FORGED, ACTION_MARK, false, "<prvs=7=user@d.example>", "user@d.example"},
    {'A', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_ACCEPT, false, "<user@accept.example>", "user@accept.example"},
    {'N', EVENT_BOUNCE, VERDICT_NOT_TAGGABLE, ACTION_ACCEPT, false, "<\"a b\"@d.example>", "\"a b\"@d.example"},
    {'F', EVENT_BOUNCE, VERDICT_FAULT, ACTION_ACCEPT, false, "<prvs=4=user@d.example>", "user@d.example"},
    {'T', EVENT_STRIP, VERDICT_VALID, ACTION_ACCEPT, true, "<prvs=1=user@d.example>", "user@d.example"},
    {'t', EVENT_STRIP, VERDICT_EXPIRED, ACTION_ACCEPT, true, "<prvs=5=user@d.example>", "user@d.example"},
    {'G', EVENT_NONE, VERDICT_VALID, ACTION_ACCEPT, false, "<prvs=6=user@d.example>", "user@d.example"},
    {'C', EVENT_NONE, VERDICT_VALID, ACTION_ACCEPT, false, "<user@d.example>", "user@d.example"},
    {'c', EVENT_NONE, VERDICT_VALID, ACTION_ACCEPT, false, "<user@D.EXAMPLE>", "user@D.EXAMPLE"},
    {'P', EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_MARK, false, "<user%d.example@o.example>", "user@d.example"},
    {'S', EVENT_NONE, VERDICT_VALID, ACTION_ACCEPT, false, "<user@o.example>", ""},
};

static const struct kind *kind_of(char letter)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == letter)
            return &kinds[i];
    fail_msg("no kind '%c'", letter);
    return NULL;
}

/* As the session does it: somebody else's recipients are counted, and not remembered. */
static void accept_rcpt(struct message *m, char letter)
{
    const struct kind *k = kind_of(letter);
    char given[64];
    char *argv[] = {given, NULL};
    struct decision d = {.event = k->event,
                         .verdict = k->verdict,
                         .action = k->action,
                         .replace = k->replace,
                         .at_end = true,
                         .key = strchr(k->given, '=') != NULL ? 3 : -1,
                         .ours = letter != 'S',
                         .percent = letter == 'P'};

    strcpy(given, k->given);
    if (letter != 'S')
        assert_int_equal(message_add(m, &d, k->address, "", argv), 0);
    m->accepted++;
}

static struct message *message_of(const char *letters)
{
    struct message *m = message_new("<>");

    assert_non_null(m);
    for (; *letters != '\0'; letters++)
        accept_rcpt(m, *letters);
    return m;
}

/*
 * For each recipient that is remembered: '.' stays, 'r' replaced, '-' deleted,
 * 'x' deleted because refused, '+' added only, '=' refused, deleted by another.
 */
static void describe(char *dst, const struct message *m)
{
    for (const struct recipient *r = m->first; r != NULL; r = r->next) {
        if (r->refused)
            *dst++ = r->remove ? 'x' : '=';
        else if (r->add)
            *dst++ = r->remove ? 'r' : '+';
        else
            *dst++ = r->remove ? '-' : '.';
    }
    *dst = '\0';
}

/* The letter of the recipient that an outcome points at, '-' for none. */
static char letter_of(const struct recipient *r)
{
    for (size_t i = 0; r != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].given, r->given) == 0 && kinds[i].event == r->decision.event)
            return kinds[i].letter;
    return '-';
}

static const struct {
    const char *name, *letters, *changes;
    char refuse, header;
    bool judged, only_one;
} rows[] = {
    {"one valid", "V", "r", '-', 'V', true, true},
    {"one untagged", "U", "x", 'U', '-', true, true},
    {"one untagged, marked", "M", ".", '-', 'M', true, true},
    {"one untagged, accepted", "A", ".", '-', '-', true, true},
    {"one expired, marked", "E", ".", '-', 'E', true, true},
    {"one not taggable", "N", ".", '-', 'N', true, true},
    {"one fault, accepted", "F", ".", '-', 'F', true, true},
    {"one unreadable", "X", "x", 'X', '-', true, true},
    {"one of somebody else", "S", "", '-', '-', false, true},
    {"one ordinary", "C", ".", '-', '-', false, true},
    {"one ordinary, tagged", "T", "r", '-', '-', false, true},
    {"one ordinary, expired", "t", "r", '-', '-', false, true},
    {"nobody", "", "", '-', '-', false, false},

    {"valid, given twice", "VV", "r.", '-', 'V', true, false},
    {"valid, given three times", "VVV", "r..", '-', 'V', true, false},
    {"valid, two spellings of one", "Vv", "r-", '-', 'V', true, false},
    {"valid, two spellings, the other order", "vV", "r-", '-', 'v', true, false},
    {"valid, two spellings, each twice", "VvvV", "r-..", '-', 'V', true, false},
    {"valid, two users", "VW", "rr", '-', 'V', true, false},
    {"valid, two users, each twice", "VWVW", "rr..", '-', 'V', true, false},
    {"ordinary, given twice", "TT", "r.", '-', '-', false, false},
    {"ordinary, two tags of one", "Tt", "r-", '-', '-', false, false},
    {"ordinary, tagged and clean", "TC", "-.", '-', '-', false, false},
    {"ordinary, clean and tagged", "CT", ".-", '-', '-', false, false},
    {"ordinary, clean, tagged twice", "CTt", ".--", '-', '-', false, false},
    {"ordinary, tagged, the clean one spelled otherwise", "Tc", "-.", '-', '-', false, false},
    {"ordinary, clean twice and tagged", "CCT", "..-", '-', '-', false, false},
    {"ordinary, tagged and somebody else", "TS", "r", '-', '-', false, false},

    {"two untagged", "UO", "xx", 'U', '-', true, false},
    {"two untagged, the other order", "OU", "xx", 'O', '-', true, false},
    {"untagged, given twice", "UU", "x=", 'U', '-', true, false},
    {"untagged, two spellings", "Uu", "xx", 'U', '-', true, false},
    {"untagged and unreadable", "XU", "xx", 'X', '-', true, false},
    {"untagged and somebody else", "US", "x", '-', '-', true, false},
    {"somebody else and untagged", "SU", "x", '-', '-', true, false},
    {"untagged and marked", "UM", "x.", '-', 'M', true, false},
    {"untagged and not taggable", "NU", ".x", '-', 'N', true, false},
    {"untagged and accepted", "UA", "x.", '-', '-', true, false},
    {"untagged and a fault", "UF", "x.", '-', 'F', true, false},
    {"untagged twice and another's valid", "UUW", "x=r", '-', 'W', true, false},
    {"untagged and another's valid", "UW", "xr", '-', 'W', true, false},
    {"another's valid and untagged", "WU", "rx", '-', 'W', true, false},
    {"unreadable and valid", "XV", "xr", '-', 'V', true, false},

    {"untagged, and given back by its own tag", "UV", ".-", '-', 'V', true, false},
    {"the same, the other order", "VU", "-.", '-', 'V', true, false},
    {"given back, spelled otherwise", "uV", ".-", '-', 'V', true, false},
    {"given back, the tag spelled otherwise", "Uv", ".-", '-', 'v', true, false},
    {"given back, untagged twice", "UUV", "..-", '-', 'V', true, false},
    {"given back, both spellings", "UuV", "..-", '-', 'V', true, false},
    {"given back, valid twice", "VUV", "-..", '-', 'V', true, false},
    {"given back, valid in two spellings", "VUv", "-.-", '-', 'V', true, false},
    {"given back, and another untagged", "VUO", "-.x", '-', 'V', true, false},
    {"given back, and somebody else", "SVU", "-.", '-', 'V', true, false},
    {"two given back", "VUWO", "-.-.", '-', 'V', true, false},
    {"one given back, another valid", "UVW", ".-r", '-', 'V', true, false},

    /* What stays with its tag on is another recipient than the address without: it is not "there already". */
    {"a bad tag that is marked, and a valid one of the same user", "KV", ".r", '-', 'K', true, false},
    {"the same, the other order", "VK", "r.", '-', 'K', true, false},
    {"a tag that could not be checked, and a valid one", "FV", ".r", '-', 'F', true, false},
    {"ordinary mail to a forged tag and a valid one", "GT", ".r", '-', '-', false, false},
    {"the same, the other order, twice", "TGT", "r..", '-', '-', false, false},
    {"ordinary mail to a forged tag, a valid one and the clean one", "GTC", ".-.", '-', '-', false, false},

    /* Only the relay knows where it hands "user%host" on to. */
    {"a percent that is marked, and a valid tag of the same user", "PV", ".r", '-', 'P', true, false},
    {"the same, the other order, with percent", "VP", "r.", '-', 'P', true, false},

    {"header: worst of pass and none", "VN", "r.", '-', 'N', true, false},
    {"header: worst of none and pass", "NV", ".r", '-', 'N', true, false},
    {"header: worst of pass and fail", "VM", "r.", '-', 'M', true, false},
    {"header: worst of fail and pass", "MV", ".r", '-', 'M', true, false},
    {"header: worst of none and fail", "NM", "..", '-', 'M', true, false},
    {"header: worst of all three", "VNM", "r..", '-', 'M', true, false},
    {"header: the first of two that fail", "ME", "..", '-', 'M', true, false},
    {"header: the first of two that pass", "WV", "rr", '-', 'W', true, false},
    {"header: a failure that is let through is not told", "VA", "r.", '-', 'V', true, false},
    {"header: one that is refused is not told", "UN", "x.", '-', 'N', true, false},
    {"header: ordinary mail beside", "VS", "r", '-', 'V', true, false},
};

static void test_settle(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message *m = message_of(rows[i].letters);
        struct outcome o;
        char changes[16];
        message_settle(m, &policy, &o);
        describe(changes, m);
        if (strcmp(changes, rows[i].changes) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].name, changes, rows[i].changes);
        if (letter_of(o.refuse) != rows[i].refuse)
            fail_msg("%s: refused for '%c'", rows[i].name, letter_of(o.refuse));
        if (letter_of(o.header) != rows[i].header)
            fail_msg("%s: the header is about '%c'", rows[i].name, letter_of(o.header));
        if (m->judged != rows[i].judged || o.only_one != rows[i].only_one)
            fail_msg("%s: judged %d, only one %d", rows[i].name, m->judged, o.only_one);
        if (o.hold != NULL)
            fail_msg("%s: is held", rows[i].name);
        message_free(m);
    }
}

/* The log says what was done: one that stays after all was not rejected. */
static void test_given_back_is_accepted(void **state)
{
    struct message *m = message_of("UV");
    struct outcome o;

    (void)state;
    message_settle(m, &policy, &o);
    assert_int_equal(m->first->decision.action, ACTION_ACCEPT);
    assert_int_equal(m->first->decision.verdict, VERDICT_UNTAGGED);
    message_free(m);
}

static void test_work(void **state)
{
    static const struct {
        const char *letters;
        bool want;
    } cases[] = {{"", false}, {"C", false}, {"S", false}, {"CSC", false}, {"T", true},
                 {"V", true}, {"U", true},  {"CA", true}, {"N", true},    {"SCt", true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message *m = message_of(cases[i].letters);
        if (message_has_work(m) != cases[i].want)
            fail_msg("\"%s\"", cases[i].letters);
        m->failed = true;
        assert_true(message_has_work(m));
        m->failed = false;
        m->sign.event = EVENT_SIGN;
        assert_true(message_has_work(m));
        message_free(m);
    }
    message_free(NULL);
}

static void test_params(void **state)
{
    static const struct {
        const char *name;
        const char *argv[6];
        const char *want;
    } cases[] = {
        {"none", {NULL}, ""},
        {"NOTIFY", {"NOTIFY=SUCCESS,DELAY", NULL}, "NOTIFY=SUCCESS,DELAY"},
        {"ORCPT", {"ORCPT=rfc822;a+2Bb@d.example", NULL}, "ORCPT=rfc822;a+2Bb@d.example"},
        {"both", {"NOTIFY=NEVER", "ORCPT=rfc822;a@d", NULL}, "NOTIFY=NEVER ORCPT=rfc822;a@d"},
        {"both, the other order", {"ORCPT=rfc822;a@d", "NOTIFY=NEVER", NULL}, "ORCPT=rfc822;a@d NOTIFY=NEVER"},
        {"lower case", {"notify=never", "orcpt=rfc822;A@d", NULL}, "notify=never orcpt=rfc822;A@d"},
        {"both cases", {"Notify=Never", "OrCpt=RFC822;a@d", NULL}, "Notify=Never OrCpt=RFC822;a@d"},
        {"empty values", {"NOTIFY=", "ORCPT=", NULL}, "NOTIFY= ORCPT="},
        {"others are dropped", {"SIZE=3", "BODY=8BITMIME", "FOO=BAR", "RRVS=2014-04-03T23:01:00Z", NULL}, ""},
        {"one among others", {"FOO=BAR", "NOTIFY=NEVER", "X", NULL}, "NOTIFY=NEVER"},
        {"last among others", {"FOO=BAR", "X", "ORCPT=rfc822;a@d", NULL}, "ORCPT=rfc822;a@d"},
        {"no equals sign", {"NOTIFY", "ORCPT", NULL}, ""},
        {"alike, but longer", {"NOTIFYX=NEVER", "XNOTIFY=NEVER", "ORCPTX=a", "XORCPT=a", NULL}, ""},
        {"in a value", {"FOO=NOTIFY=NEVER", NULL}, ""},
        {"an empty one", {"", "NOTIFY=NEVER", "", NULL}, "NOTIFY=NEVER"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message *m = message_new("<>");
        struct decision d = {.event = EVENT_BOUNCE};
        char text[7][64] = {"<prvs=1=A@D>"};
        char *argv[7] = {text[0], NULL};
        for (size_t j = 0; cases[i].argv[j] != NULL; j++) {
            argv[j + 1] = strcpy(text[j + 1], cases[i].argv[j]);
            argv[j + 2] = NULL;
        }
        assert_int_equal(message_add(m, &d, "A@D", "", argv), 0);
        memset(text, '#', sizeof text); /* they are the MTA's, and copied */
        if (strcmp(m->first->params, cases[i].want) != 0)
            fail_msg("%s: \"%s\"", cases[i].name, m->first->params);
        assert_string_equal(m->first->given, "<prvs=1=A@D>");
        message_free(m);
    }
}

/* An address is one recipient in whatever case its domain is; a local part keeps its own. */
static void test_texts(void **state)
{
    static const struct {
        const char *given, *address, *want;
    } cases[] = {
        {"<A.User@D.Example>", "A.User@D.Example", "A.User@d.example"},
        {"  <U@D>  ", "U@D", "U@d"},
        {"<\"A@B\"@D.Example>", "\"A@B\"@D.Example", "\"A@B\"@d.example"},
        {"Postmaster", "Postmaster", "Postmaster"},
        {"<@>", "", ""},
        {"", "", ""},
        {"<b\xc3\x9c@D\xc3\x9c.Example>", "b\xc3\x9c@D\xc3\x9c.Example", "b\xc3\x9c@d\xc3\x9c.example"},
    };
    struct message *m = message_new("<Sender@D>");
    const struct recipient *r;
    struct decision d = {.event = EVENT_BOUNCE, .key = 7};
    size_t i;

    (void)state;
    assert_string_equal(m->from, "<Sender@D>");
    assert_int_equal(m->stored, 0);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char given[64];
        char *argv[] = {strcpy(given, cases[i].given), NULL};
        assert_int_equal(message_add(m, &d, cases[i].address, "", argv), 0);
    }
    assert_int_equal(m->stored, i);
    for (i = 0, r = m->first; r != NULL; r = r->next, i++) {
        assert_string_equal(r->given, cases[i].given);
        assert_string_equal(r->address, cases[i].want);
        assert_int_equal(r->decision.key, 7);
    }
    message_free(m);
}

/* As many as are remembered at most, in the worst case for looking through them. */
static void test_many(void **state)
{
    enum { MANY = 1000 };
    struct message *m = message_new("<>");
    struct timespec start, end;
    struct outcome o;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        char given[64], address[64];
        char *argv[] = {given, NULL};
        struct decision d = {.event = EVENT_BOUNCE, .verdict = VERDICT_VALID, .replace = true};
        snprintf(given, sizeof given, "<prvs=1=u%d@d.example>", i);
        snprintf(address, sizeof address, "u%d@d.example", i);
        assert_int_equal(message_add(m, &d, address, "", argv), 0);
        m->accepted++;
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    message_settle(m, &policy, &o);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - start.tv_sec < 2);
    for (const struct recipient *r = m->first; r != NULL; r = r->next)
        assert_true(r->add && r->remove);
    message_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settle), cmocka_unit_test(test_given_back_is_accepted),
        cmocka_unit_test(test_work),   cmocka_unit_test(test_params),
        cmocka_unit_test(test_texts),  cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

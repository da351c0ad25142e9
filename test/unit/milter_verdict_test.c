#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/verdict.h"

enum { HUGE = 4096 };

static const struct decision expired = {
    .event = EVENT_BOUNCE, .verdict = VERDICT_EXPIRED, .action = ACTION_REJECT, .key = 3};

static struct verdict_client client_of(const char *name)
{
    static const unsigned char octets[] = {192, 0, 2, 7};
    struct verdict_client c = {.name = name};

    net_addr_v4(&c.addr, octets);
    return c;
}

/* Letter by letter what the specification shows. */
static void test_line(void **state)
{
    struct verdict_client c = client_of("mx.example.net");
    struct decision d = expired;
    char line[VERDICT_LINE];

    (void)state;
    verdict_line(line, "4XyZ1abc", &c, &d, bv_str(""), bv_str("prvs=3777e3491e=user@example.com"));
    assert_string_equal(line, "4XyZ1abc: client=mx.example.net[192.0.2.7], event=bounce, verdict=expired, "
                              "action=reject, key=3, from=<>, rcpt=<prvs=3777e3491e=user@example.com>");
    d = (struct decision){.event = EVENT_SIGN, .verdict = VERDICT_SIGNED, .key = 0};
    c.addr.family = NET_UNIX;
    verdict_line(line, "0ALC1x012345", &c, &d, bv_str("user@example.com"), bv_str(""));
    assert_string_equal(line, "0ALC1x012345: client=mx.example.net[unix], event=sign, verdict=signed, "
                              "action=accept, key=0, from=<user@example.com>, rcpt=<>");
    d = (struct decision){.event = EVENT_STRIP, .verdict = VERDICT_VALID, .action = ACTION_TEMPFAIL, .key = 9};
    c = (struct verdict_client){.name = "localhost", .addr = {NET_IP, {[15] = 1}}};
    verdict_line(line, "A", &c, &d, bv_str("a@b"), bv_str("c@d"));
    assert_string_equal(line, "A: client=localhost[::1], event=strip, verdict=valid, action=tempfail, key=9, "
                              "from=<a@b>, rcpt=<c@d>");
    d = (struct decision){.event = EVENT_GUARD, .verdict = VERDICT_NO_MAIL, .action = ACTION_REJECT, .key = -1};
    verdict_line(line, "A", &c, &d, bv_str("a@b"), bv_str("c@dead.example"));
    assert_string_equal(line, "A: client=localhost[::1], event=guard, verdict=no-mail, action=reject, key=-, "
                              "from=<a@b>, rcpt=<c@dead.example>");
    d = (struct decision){
        .event = EVENT_GUARD, .verdict = VERDICT_NULL_MX, .action = ACTION_REJECT, .key = -1, .kind = ""};
    verdict_line(line, "A", &c, &d, bv_str("a@b"), bv_str("c@d.example"));
    assert_string_equal(line, "A: client=localhost[::1], event=guard, verdict=null-mx, action=reject, key=-, "
                              "from=<a@b>, rcpt=<c@d.example>");
    d = (struct decision){.event = EVENT_GUARD,
                          .verdict = VERDICT_BOGUS_MX,
                          .action = ACTION_MARK,
                          .key = -1,
                          .kind = "loopback"};
    verdict_line(line, NULL, &c, &d, bv_str("a@b"), bv_str("c@d.example"));
    assert_string_equal(line, "NOQUEUE: client=localhost[::1], event=guard, verdict=bogus-mx, action=mark, "
                              "key=-, from=<a@b>, rcpt=<c@d.example>");
    d = (struct decision){.verdict = VERDICT_UNTAGGED, .action = ACTION_TOO_MANY, .key = -1};
    c = (struct verdict_client){.name = ""};
    verdict_line(line, NULL, &c, &d, bv_str("a@b"), bv_str("c@d"));
    assert_string_equal(line, "NOQUEUE: client=unknown[unknown], event=none, verdict=untagged, "
                              "action=too-many, key=-, from=<a@b>, rcpt=<c@d>");
}

#define ID40 "0123456789ABCDEFGHIJabcdefghij0123456789"

static void test_queue_ids(void **state)
{
    static const struct {
        const char *name, *id, *want;
    } rows[] = {
        {"Postfix, short", "3F2A1B4C5D", "3F2A1B4C5D"},
        {"Postfix, long", "4XyZ1abcdEz9QvM", "4XyZ1abcdEz9QvM"},
        {"Sendmail", "5ALC0x1f012345", "5ALC0x1f012345"},
        {"not told", NULL, "NOQUEUE"},
        {"empty", "", "NOQUEUE"},
        {"40 octets", ID40, ID40},
        {"41 octets", ID40 "0", "NOQUEUE"},
        {"a blank", "4XyZ 1abc", "NOQUEUE"},
        {"a newline", "4XyZ1abc\n", "NOQUEUE"},
        {"a colon", "4XyZ1abc: client=x", "NOQUEUE"},
        {"a comma", "4XyZ1abc,", "NOQUEUE"},
        {"a percent", "%s%n", "NOQUEUE"},
        {"UTF-8", "\xc3\xbc", "NOQUEUE"},
    };
    struct verdict_client c = client_of("h");
    char line[VERDICT_LINE], want[VERDICT_LINE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        verdict_line(line, rows[i].id, &c, &expired, bv_str(""), bv_str("r"));
        snprintf(want, sizeof want,
                 "%s: client=h[192.0.2.7], event=bounce, verdict=expired, action=reject, key=3, "
                 "from=<>, rcpt=<r>",
                 rows[i].want);
        if (strcmp(line, want) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, line);
    }
}

static char host255[256], host256[257];

static void test_hosts(void **state)
{
    static const struct {
        const char *name, *host;
        bool kept;
    } rows[] = {
        {"host name", "mx.example.net", true},
        {"capitals, digits, hyphen, underscore", "MX_1.a-b.Example.NET", true},
        {"trailing dot", "mx.example.net.", true},
        {"255 octets", host255, true},
        {"256 octets", host256, false},
        {"none", "", false},
        {"an address in brackets", "[192.0.2.7]", false},
        {"a bracket", "mx.example.net[198.51.100.1]", false},
        {"another field", "x], event=bounce, verdict=valid", false},
        {"a comma", "a,b", false},
        {"a blank", "a b", false},
        {"a newline", "a\nb", false},
        {"a newline at the end", "a.example\n", false},
        {"a carriage return", "a\rb", false},
        {"ESC", "\033[31mred", false},
        {"DEL", "a\x7f", false},
        {"UTF-8", "m\xc3\xbc.example", false},
        {"quotes", "\"a\"", false},
        {"a percent", "%n%n%n", false},
        {"an equals sign", "a=b", false},
    };
    char line[VERDICT_LINE], want[VERDICT_LINE];

    (void)state;
    memset(host255, 'h', 255);
    memset(host256, 'h', 256);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict_client c = client_of(rows[i].host);
        verdict_line(line, "Q", &c, &expired, bv_str(""), bv_str(""));
        snprintf(want, sizeof want, "Q: client=%s[192.0.2.7], event=bounce,",
                 rows[i].kept ? rows[i].host : "unknown");
        if (strncmp(line, want, strlen(want)) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, line);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"plain", "user@example.com", "user@example.com"},
        {"all of atext", "!#$%&'*+-/=?^_`{|}~@d.example", "!#$%&'*+-/=?^_`{|}~@d.example"},
        {"address literal", "u@[IPv6:::1]", "u@[IPv6:::1]"},
        {"source route", "@r.example:u@d.example", "@r.example:u@d.example"},
        {"blank", "a b@d", "a\\x20b@d"},
        {"tab", "a\tb@d", "a\\x09b@d"},
        {"newline", "a\nb@d", "a\\x0Ab@d"},
        {"CR LF", "a\r\nb@d", "a\\x0D\\x0Ab@d"},
        {"ESC", "\033[2Jb@d", "\\x1B[2Jb@d"},
        {"DEL", "a\x7f@d", "a\\x7F@d"},
        {"UTF-8", "b\xc3\xbc@d", "b\\xC3\\xBC@d"},
        {"C1 control", "a\x9b@d", "a\\x9B@d"},
        {"octet 255", "a\xff@d", "a\\xFF@d"},
        {"comma", "a,b@d", "a\\x2Cb@d"},
        {"brackets", "<a@d>", "\\x3Ca@d\\x3E"},
        {"quotes", "\"a\"@d", "\\x22a\\x22@d"},
        {"backslash", "a\\x0A@d", "a\\x5Cx0A@d"},
        {"comment", "a(c)@d", "a\\x28c\\x29@d"},
        {"another field", "x>, action=accept", "x\\x3E\\x2C\\x20action=accept"},
        {"another line", "x>\nQ: client=", "x\\x3E\\x0AQ:\\x20client="},
        {"percent", "%s%n@d", "%s%n@d"},
    };
    struct verdict_client c = client_of("h");
    char line[VERDICT_LINE], want[VERDICT_LINE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        verdict_line(line, "Q", &c, &expired, bv_str(rows[i].text), bv_str(rows[i].text));
        snprintf(want, sizeof want, "key=3, from=<%s>, rcpt=<%s>", rows[i].want, rows[i].want);
        if (strcmp(strstr(line, "key="), want) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, line);
    }
    verdict_line(line, "Q", &c, &expired, (struct bv_str){"a\0b", 3}, bv_str(""));
    assert_non_null(strstr(line, "from=<a\\x00b>"));
}

/* The seven fields, in their order, each once; one line of printable ASCII; every bracket where it belongs. */
static void check_fields(const char *line)
{
    static const char *const field[] = {
        ": client=", "], event=", ", verdict=", ", action=", ", key=", ", from=<", ">, rcpt=<"};
    const char *p = line;
    int commas = 0, blanks = 0, angles = 0;

    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        p = strstr(p, field[i]);
        if (p == NULL)
            fail_msg("no \"%s\" in \"%s\"", field[i], line);
        p += strlen(field[i]);
    }
    for (p = line; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~')
            fail_msg("character %d in \"%s\"", *p, line);
        commas += *p == ',';
        blanks += *p == ' ';
        angles += *p == '<' || *p == '>';
    }
    if (commas != 6 || blanks != 7 || angles != 4 || p[-1] != '>')
        fail_msg("\"%s\"", line);
    assert_true((size_t)(p - line) < VERDICT_LINE);
}

static size_t random_text(char *dst, size_t most, unsigned *seed)
{
    static const char nasty[] = "ab@.<>,\"\\()[]: =\n\r\t\033\x7f\x80\xc3\xbc\xff%;'key=from=<>, rcpt=<";
    size_t n = (size_t)rand_r(seed) % most;

    for (size_t i = 0; i < n; i++)
        dst[i] = nasty[(size_t)rand_r(seed) % sizeof nasty]; /* its NUL as well */
    return n;
}

static void test_no_field_is_forged(void **state)
{
    static char from[HUGE + 1], rcpt[HUGE + 1], host[301], id[61], line[VERDICT_LINE + 16];
    unsigned seed = 4711;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        size_t most = i % 10 == 0 ? HUGE : 60;
        struct bv_str f = {from, random_text(from, most, &seed)}, r = {rcpt, random_text(rcpt, most, &seed)};
        host[random_text(host, 300, &seed)] = '\0';
        id[random_text(id, 60, &seed)] = '\0';
        struct verdict_client c = client_of(host);
        memset(line, '#', sizeof line);
        verdict_line(line, id, &c, &expired, f, r);
        assert_memory_equal(line + VERDICT_LINE, "################", 16);
        check_fields(line);
    }
}

/* The longest line there can be is whole: only addresses are cut, and never in the middle of an escape. */
static void test_longest_line(void **state)
{
    static char address[HUGE];
    struct verdict_client c = {.name = host255,
                               .addr = {NET_IP,
                                        {0x20, 1, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55,
                                         0x66, 0x66, 0x77, 0x77}}};
    struct decision d = {
        .event = EVENT_BOUNCE, .verdict = VERDICT_ALREADY_TAGGED, .action = ACTION_DISCONNECT, .key = 9};
    char line[VERDICT_LINE];

    (void)state;
    memset(host255, 'h', 255);
    for (int octet = 'a'; octet <= 0xff; octet += 0xff - 'a') {
        memset(address, octet, sizeof address);
        verdict_line(line, ID40, &c, &d, (struct bv_str){address, HUGE}, (struct bv_str){address, HUGE});
        check_fields(line);
        const char *rcpt = strstr(line, "rcpt=<") + strlen("rcpt=<");
        size_t n = strlen(rcpt) - 1;
        assert_true(n >= 256 + 2 * 16 && n < HUGE); /* a path of the longest kind, tagged, would be whole */
        if (octet == 0xff)
            assert_int_equal(n % 4, 0);
    }
}

/* Written out from the specification; that they are all different follows. */
static void test_words(void **state)
{
    static const char *const events[] = {"none", "sign", "bounce", "strip", "guard"};
    static const char *const verdicts[] = {"valid",          "signed",      "untagged",  "forged",
                                           "expired",        "unknown-key", "malformed", "not-taggable",
                                           "already-tagged", "exempt",      "reply",     "no-mail",
                                           "null-mx",        "bogus-mx",    "fault"};
    static const char *const actions[] = {"accept", "mark",     "quarantine", "discard",
                                          "reject", "tempfail", "too-many",   "disconnect"};
    static const char *const results[] = {"pass", "none", "fail"};

    (void)state;
    assert_int_equal(sizeof events / sizeof *events, EVENT_GUARD + 1);
    assert_int_equal(sizeof verdicts / sizeof *verdicts, VERDICT_FAULT + 1);
    assert_int_equal(sizeof actions / sizeof *actions, ACTION_DISCONNECT + 1);
    assert_int_equal(sizeof results / sizeof *results, RESULT_FAIL + 1);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        assert_string_equal(event_word((enum event)i), events[i]);
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        assert_string_equal(verdict_word((enum verdict)i), verdicts[i]);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        assert_string_equal(action_word((enum action)i), actions[i]);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_string_equal(result_word((enum result)i), results[i]);
}

/* The tools print the core's words, the log the daemon's: they are the same. */
static void test_words_of_the_core(void **state)
{
    static const enum verdict verdicts[] = {
        [BV_VALID] = VERDICT_VALID,         [BV_EXPIRED] = VERDICT_EXPIRED,
        [BV_FORGED] = VERDICT_FORGED,       [BV_UNKNOWN_KEY] = VERDICT_UNKNOWN_KEY,
        [BV_MALFORMED] = VERDICT_MALFORMED, [BV_UNTAGGED] = VERDICT_UNTAGGED,
        [BV_FAULT] = VERDICT_FAULT,         [BV_NOT_TAGGABLE] = VERDICT_NOT_TAGGABLE};

    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        assert_string_equal(bv_status_word((enum bv_status)i), verdict_word(verdicts[i]));
}

static void test_action_words(void **state)
{
    static const char *const none[] = {"tempfail", "too-many",   "disconnect", "",          "Reject", "REJECT",
                                       "reject ",  " reject",    "rejec",      "rejects",   "none",   "off",
                                       "mark\n",   "acceptmark", "no-mail",    "no-bounces"};
    static const char *const words[] = {"accept", "mark", "quarantine", "discard", "reject"};
    enum action a = ACTION_TOO_MANY;

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (action_from_word(&a, bv_str(none[i])) || a != ACTION_TOO_MANY)
            fail_msg("\"%s\" is an action", none[i]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!action_from_word(&a, bv_str(words[i])) || a != (enum action)i)
            fail_msg("\"%s\" is no action", words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_queue_ids),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_no_field_is_forged),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_action_words),
        cmocka_unit_test(test_words_of_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keys/keys.h"
#include "tools/report_clock.h"
#include "tools/report_journal.h"
#include "tools/report_reader.h"

#define HEAD "Nov 21 19:37:40 mx1 bvmilter[427]: "
#define BODY                                                                                                   \
    "4XyZ1abc: client=mx.example.net[192.0.2.7], event=bounce, verdict=expired, action=reject, key=3, "        \
    "from=<>, rcpt=<user@example.com>"
#define SAID "1 bounce expired reject 3 192.0.2.7 <> <user@example.com>"

static const char *const kinds[] = {"foreign", "decision", "notice", "broken"};

/* What a line comes to, as one text. */
static void describe(char *dst, size_t size, const struct report_line *l)
{
    if (l->kind == REPORT_DECISION)
        snprintf(dst, size, "%" PRIu64 " %s %s %s %d %.*s <%.*s> <%.*s>", l->times, event_word(l->event),
                 verdict_word(l->verdict), action_word(l->action), l->key, (int)l->client.n, l->client.p,
                 (int)l->from.n, l->from.p, (int)l->rcpt.n, l->rcpt.p);
    else if (l->kind == REPORT_NOTICE)
        snprintf(dst, size, "notice %d %.*s", l->notice, (int)l->text.n, l->text.p);
    else
        snprintf(dst, size, "%s", kinds[l->kind]);
}

/* In memory of just its size, so that a sanitizer sees a step too far. */
static char *exactly(const char *text, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);

    assert_non_null(copy);
    memcpy(copy, text, n);
    return copy;
}

static const struct {
    const char *name, *line, *want;
} rows[] = {
    {"syslog", HEAD BODY, SAID},
    {"syslog, first of a month", "Nov  1 09:37:40 mx1 bvmilter[427]: " BODY, SAID},
    {"syslog with a fraction", "Nov 21 19:37:40.123456 mx1 bvmilter[427]: " BODY, SAID},
    {"syslog of FreeBSD with facility", "Nov 21 19:37:40 <mail.info> mx1 bvmilter[427]: " BODY, SAID},
    {"syslog without a pid", "Nov 21 19:37:40 mx1 bvmilter: " BODY, SAID},
    {"RFC 3339", "2026-11-21T19:37:40.123456+01:00 mx1 bvmilter[427]: " BODY, SAID},
    {"RFC 3339, UTC", "2026-11-21T19:37:40Z mx1 bvmilter[427]: " BODY, SAID},
    {"short-iso", "2026-11-21T19:37:40+0100 mx1 bvmilter[427]: " BODY, SAID},
    {"a container's: no host", "2026-11-21T19:37:40.1Z bvmilter: " BODY, SAID},
    {"standard error", "bvmilter: " BODY, SAID},
    {"standard error in the journal", HEAD "bvmilter: " BODY, SAID},
    {"CR at the end", HEAD BODY "\r", SAID},
    {"said of later versions", HEAD BODY ", more=1", SAID},
    {"repeated", HEAD "message repeated 3 times: [ " BODY "]",
     "3 bounce expired reject 3 192.0.2.7 <> <user@example.com>"},
    {"repeated never", HEAD "message repeated 0 times: [ " BODY "]",
     "notice 7 message repeated 0 times: [ " BODY "]"},
    {"repeated too often", HEAD "message repeated 1000001 times: [ " BODY "]",
     "notice 7 message repeated 1000001 times: [ " BODY "]"},
    {"IPv6, no key",
     HEAD "NOQUEUE: client=unknown[2001:db8::1], event=sign, verdict=already-tagged, action=accept, key=-, "
          "from=<a\\x22b@example.com>, rcpt=<>",
     "1 sign already-tagged accept -1 2001:db8::1 <a\\x22b@example.com> <>"},
    {"start", HEAD "bvmilter 0.1 serves on unix:/s, rows of domains: 3",
     "notice 0 bvmilter 0.1 serves on unix:/s, rows of domains: 3"},
    {"stop", HEAD "stopping", "notice 1 stopping"},
    {"reload", HEAD "reloaded: /etc/bv/bvmilter.conf", "notice 2 reloaded: /etc/bv/bvmilter.conf"},
    {"no reload", HEAD "not reloaded; the settings", "notice 2 not reloaded; the settings"},
    {"ring", HEAD "ring 1, generation 2: no key signs", "notice 3 ring 1, generation 2: no key signs"},
    {"ring refused", HEAD "/k:1:2: bad; the ring in use stays (refused so far: 1)",
     "notice 3 /k:1:2: bad; the ring in use stays (refused so far: 1)"},
    {"warm-up", HEAD "warm-up is over: x", "notice 4 warm-up is over: x"},
    {"storm", HEAD "storm begins: 9", "notice 5 storm begins: 9"},
    {"lost", HEAD "12 log lines were lost", "notice 6 12 log lines were lost"},
    {"other", HEAD "12 log lines were found", "notice 7 12 log lines were found"},
    {"another program", "Nov 21 19:37:40 mx1 postfix/smtpd[1]: " BODY, "foreign"},
    {"ours, quoted by another", "Nov 21 19:37:40 mx1 x[1]: bvmilter[427]: " BODY, "foreign"},
    {"a host of our name", "Nov 21 19:37:40 bvmilter[1] x[1]: y", "foreign"},
    {"a longer name", "Nov 21 19:37:40 mx1 bvmilterx[1]: y", "foreign"},
    {"no pid in the brackets", "Nov 21 19:37:40 mx1 bvmilter[x]: " BODY, "foreign"},
    {"no such month", "Nox 21 19:37:40 mx1 bvmilter[427]: " BODY, "foreign"},
    {"no such day", "Nov 31 19:37:40 mx1 bvmilter[427]: " BODY, "foreign"},
    {"no such hour", "Nov 21 24:37:40 mx1 bvmilter[427]: " BODY, "foreign"},
    {"no February 29", "2025-02-29T19:37:40Z mx1 bvmilter[427]: " BODY, "foreign"},
    {"a host without a time", "mx1 bvmilter[427]: " BODY, "foreign"},
    {"empty", "", "foreign"},
    {"unknown event", HEAD "A: client=a[192.0.2.7], event=bounced, verdict=", "broken"},
    {"unknown verdict", HEAD "A: client=a[192.0.2.7], event=bounce, verdict=good, action=", "broken"},
    {"unknown action", HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=pass, key=3",
     "broken"},
    {"no key",
     HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=, from=<>, rcpt=<>",
     "broken"},
    {"key of two digits",
     HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=33, from=<>, rcpt=<>",
     "broken"},
    {"cut in the recipient",
     HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=3, from=<>, rcpt=<us",
     "broken"},
    {"cut in the client", HEAD "A: client=a[192.0.2", "broken"},
    {"markup for a name",
     HEAD "A: client=<b>[192.0.2.7], event=bounce, verdict=valid, action=accept, key=3, from=<>, rcpt=<>",
     "broken"},
    {"markup for an address",
     HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=3, from=<>, rcpt=<<b>",
     "broken"},
    {"a blank in an address",
     HEAD "A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=3, from=<>, rcpt=<a b>",
     "broken"},
    {"more behind it", HEAD BODY "x", "broken"},
};

static void test_lines(void **state)
{
    char got[600];
    struct report_line l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].line);
        char *copy = exactly(rows[i].line, n);
        report_line_read(&l, (struct bv_str){copy, n});
        describe(got, sizeof got, &l);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got \"%s\", not \"%s\"", rows[i].name, got, rows[i].want);
        if (l.kind == REPORT_BROKEN && l.why == NULL)
            fail_msg("%s: no reason", rows[i].name);
        free(copy);
    }
}

static void test_nul(void **state)
{
    static const char text[] = "bvmilter: A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, "
                               "key=3, from=<\0>, rcpt=<>";
    struct report_line l;

    (void)state;
    report_line_read(&l, (struct bv_str){text, sizeof text - 1});
    assert_int_equal(l.kind, REPORT_BROKEN);
}

#define MEMBERS "\"SYSLOG_IDENTIFIER\":\"bvmilter\",\"__REALTIME_TIMESTAMP\":\"1795289860000001\""

static const struct {
    const char *name, *line, *want;
    int64_t time;
} json_rows[] = {
    {"an entry", "{" MEMBERS ",\"MESSAGE\":\"" BODY "\"}", SAID, 1795289860},
    {"in another order, with blanks", " { \"MESSAGE\" : \"" BODY "\" , " MEMBERS " } ", SAID, 1795289860},
    {"escapes", "{" MEMBERS ",\"MESSAGE\":\"a\\n\\\"\\\\\\u0041\\u00fc\\/\"}", "notice 7 a\n\"\\A?/",
     1795289860},
    {"other values are passed over",
     "{\"A\":[1,\"]\",{\"B\":\"}\"}],\"C\":null," MEMBERS ",\"MESSAGE\":\"stopping\"}", "notice 1 stopping",
     1795289860},
    {"octets for a message", "{" MEMBERS ",\"MESSAGE\":[1,2]}", "broken", 1795289860},
    {"another program", "{\"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":\"" BODY "\"}", "foreign", INT64_MIN},
    {"a name in a nested object", "{\"A\":{\"SYSLOG_IDENTIFIER\":\"bvmilter\"},\"MESSAGE\":\"stopping\"}",
     "foreign", INT64_MIN},
    {"no number for the time",
     "{\"SYSLOG_IDENTIFIER\":\"bvmilter\",\"__REALTIME_TIMESTAMP\":\"x\",\"MESSAGE\":\"stopping\"}",
     "notice 1 stopping", INT64_MIN},
    {"a time after all times",
     "{\"SYSLOG_IDENTIFIER\":\"bvmilter\",\"__REALTIME_TIMESTAMP\":\"99999999999999999999\",\"MESSAGE\":"
     "\"stopping\"}",
     "notice 1 stopping", INT64_MIN},
};

static void test_json(void **state)
{
    static struct report_entry e;
    struct report_line l;
    struct report_clock c;
    char got[600];

    (void)state;
    report_clock_init(&c, 0);
    for (size_t i = 0; i < sizeof json_rows / sizeof *json_rows; i++) {
        size_t n = strlen(json_rows[i].line);
        char *copy = exactly(json_rows[i].line, n);
        memset(&e, 0, sizeof e);
        if (!report_entry_json(&e, (struct bv_str){copy, n}))
            fail_msg("%s: is no object", json_rows[i].name);
        for (size_t k = 0; k < n; k++) { /* none of its beginnings is one */
            struct report_entry *part = calloc(1, sizeof *part);
            char *head = exactly(copy, k);
            if (report_entry_json(part, (struct bv_str){head, k}) &&
                strspn(json_rows[i].line + k, " ") != n - k)
                fail_msg("%s: an object after %zu octets", json_rows[i].name, k);
            free(head);
            free(part);
        }
        report_entry_line(&l, &e);
        describe(got, sizeof got, &l);
        if (strcmp(got, json_rows[i].want) != 0)
            fail_msg("%s: got \"%s\", not \"%s\"", json_rows[i].name, got, json_rows[i].want);
        if (report_clock_time(&c, &l.stamp) != json_rows[i].time)
            fail_msg("%s: time %" PRId64, json_rows[i].name, report_clock_time(&c, &l.stamp));
        free(copy);
    }
}

static void test_json_long(void **state)
{
    static struct report_entry e;
    struct report_line l;

    (void)state;
    memset(&e, 0, sizeof e);
    for (size_t n = REPORT_MESSAGE - 1; n <= REPORT_MESSAGE + 1; n++) {
        char line[REPORT_MESSAGE + 100];
        int head = snprintf(line, sizeof line, "{" MEMBERS ",\"MESSAGE\":\"");
        memset(line + head, 'x', n);
        memcpy(line + head + n, "\"}", 3);
        assert_true(report_entry_json(&e, bv_str(line)));
        report_entry_line(&l, &e);
        assert_int_equal(l.kind, n > REPORT_MESSAGE ? REPORT_BROKEN : REPORT_NOTICE);
    }
}

static const struct {
    const char *name, *zone, *now, *stamp, *want;
} clock_rows[] = {
    {"this year", "UTC", "2026-11-21T20:00:00Z", "Nov 21 19:37:40 ", "2026-11-21T19:37:40Z"},
    {"last year", "UTC", "2026-01-02T00:00:00Z", "Dec 31 23:59:59 ", "2025-12-31T23:59:59Z"},
    {"new year", "UTC", "2026-01-02T00:00:00Z", "Jan  1 00:00:00 ", "2026-01-01T00:00:00Z"},
    {"a clock ahead at the end of the year", "UTC", "2025-12-31T23:59:00Z", "Jan  1 00:10:00 ",
     "2026-01-01T00:10:00Z"},
    {"more than a day ahead is last year", "UTC", "2026-11-21T20:00:00Z", "Nov 23 00:00:00 ",
     "2025-11-23T00:00:00Z"},
    {"February 29 of the last leap year", "UTC", "2026-11-21T20:00:00Z", "Feb 29 12:00:00 ",
     "2024-02-29T12:00:00Z"},
    {"a zone", "EST5", "2026-11-21T20:00:00Z", "Nov 21 14:37:40 ", "2026-11-21T19:37:40Z"},
    {"a zone that changes the year", "EST5", "2026-01-01T03:00:00Z", "Dec 31 21:00:00 ",
     "2026-01-01T02:00:00Z"},
    {"offset", "UTC", "2026-11-21T20:00:00Z", "2026-11-21T19:37:40+01:30 ", "2026-11-21T18:07:40Z"},
    {"offset without a colon", "UTC", "2026-11-21T20:00:00Z", "2026-11-21T19:37:40-0500 ",
     "2026-11-22T00:37:40Z"},
    {"leap second", "UTC", "2026-11-21T20:00:00Z", "2016-12-31T23:59:60Z ", "2017-01-01T00:00:00Z"},
    {"year 1970", "UTC", "2026-11-21T20:00:00Z", "1970-01-01T00:00:00Z ", "1970-01-01T00:00:00Z"},
    {"before 1970", "UTC", "2026-11-21T20:00:00Z", "1970-01-01T00:00:00+01:00 ", ""},
    {"year 2100", "UTC", "2026-11-21T20:00:00Z", "2100-01-01T00:00:00Z ", ""},
};

static void test_clock(void **state)
{
    struct report_clock c;
    struct report_stamp s;
    char got[KEYS_TIME_LEN + 1];
    int64_t now;

    (void)state;
    for (size_t i = 0; i < sizeof clock_rows / sizeof *clock_rows; i++) {
        setenv("TZ", clock_rows[i].zone, 1);
        tzset();
        assert_true(keys_time_read(&now, bv_str(clock_rows[i].now)));
        report_clock_init(&c, now);
        size_t used = report_stamp_read(&s, bv_str(clock_rows[i].stamp));
        got[0] = '\0';
        if (used > 0)
            keys_time_write(got, report_clock_time(&c, &s));
        if (strcmp(got, clock_rows[i].want) != 0)
            fail_msg("%s: got \"%s\", not \"%s\"", clock_rows[i].name, got, clock_rows[i].want);
        if (used > 0 && used != strlen(clock_rows[i].stamp))
            fail_msg("%s: took %zu octets", clock_rows[i].name, used);
    }
}

static void test_hours(void **state)
{
    struct report_clock c;
    struct report_stamp s;

    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    report_clock_init(&c, INT64_C(1795305600)); /* 2026-11-22 */
    for (int i = 0; i < 48; i++) {
        char text[32];
        snprintf(text, sizeof text, "Nov %d %02d:00:07 ", 20 + i / 24, i % 24);
        assert_true(report_stamp_read(&s, bv_str(text)) > 0);
        assert_int_equal(report_clock_time(&c, &s), INT64_C(1795305600) - 48 * 3600 + i * 3600 + 7);
    }
}

/* Lines around the longest, whole and in pieces. */
static void test_reader(void **state)
{
    static struct report_reader r;
    static char line[REPORT_LINE + 2];
    struct bv_str text;
    FILE *f = tmpfile();
    bool cut;

    (void)state;
    assert_non_null(f);
    memset(line, 'x', sizeof line);
    for (size_t n = REPORT_LINE - 1; n <= REPORT_LINE + 1; n++) {
        assert_int_equal(fwrite(line, 1, n, f), n);
        fputs("\nshort\n", f);
    }
    fputs("last", f);
    rewind(f);
    report_reader_init(&r, fileno(f));
    for (size_t n = REPORT_LINE - 1; n <= REPORT_LINE + 1; n++) {
        assert_int_equal(report_reader_line(&r, &text, &cut), 1);
        assert_int_equal(text.n, n < REPORT_LINE ? n : REPORT_LINE);
        assert_int_equal(cut, n > REPORT_LINE);
        assert_int_equal(report_reader_line(&r, &text, &cut), 1);
        assert_true(bv_str_same(text, bv_str("short")) && !cut);
    }
    assert_int_equal(report_reader_line(&r, &text, &cut), 1);
    assert_true(bv_str_same(text, bv_str("last")));
    assert_int_equal(report_reader_line(&r, &text, &cut), 0);
    fclose(f);
}

static void test_days(void **state)
{
    int year, month, day;

    (void)state;
    assert_int_equal(report_days(1970, 1, 1), 0);
    assert_int_equal(report_days(2026, 11, 21), 20778);
    for (long i = 0; i < 47482; i++) {
        report_date(&year, &month, &day, i);
        assert_int_equal(report_days(year, month, day), i);
    }
    assert_int_equal(year, 2099);
    assert_true(month == 12 && day == 31);
}

static const struct {
    const char *name, *given, *address, *domain;
} address_rows[] = {
    {"plain", "User@Example.COM", "user@example.com", "example.com"},
    {"tag", "prvs=3785366f45=user@example.com", "user@example.com", "example.com"},
    {"sub-address tag", "user+prvs=3785366f45@example.com", "user@example.com", "example.com"},
    {"broken tag stays", "prvs=37=user@example.com", "prvs=37=user@example.com", "example.com"},
    {"quotes that are escaped", "\\x22user\\x22@example.com", "user@example.com", "example.com"},
    {"source route", "@a.example\\x2C@b.example:user@example.com", "user@example.com", "example.com"},
    {"not ASCII", "\\xC3\\xBC@example.com", "\\xC3\\xBC@example.com", "example.com"},
    {"brackets inside brackets", "\\x3Cb\\x3E@example.com", "\"b>\"@example.com", "example.com"},
    {"a control character", "\\x22\\x1B[0m\\x22@example.com", "\\x22\\x1b[0m\\x22@example.com", "example.com"},
    {"no domain", "user", "user", "(none)"},
    {"nothing", "", "", "(none)"},
    {"half an escape", "a\\x2", "ax2", "(none)"},
};

static void test_addresses(void **state)
{
    struct report_address a;

    (void)state;
    for (size_t i = 0; i < sizeof address_rows / sizeof *address_rows; i++) {
        report_address_read(&a, bv_str(address_rows[i].given));
        if (strcmp(a.address, address_rows[i].address) != 0 || strcmp(a.domain, address_rows[i].domain) != 0)
            fail_msg("%s: got \"%s\" in \"%s\"", address_rows[i].name, a.address, a.domain);
    }
}

static void test_cut(void **state)
{
    char dst[REPORT_TEXT], text[300];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(report_clean(dst, sizeof dst, (struct bv_str){text, REPORT_TEXT - 1}), REPORT_TEXT - 1);
    assert_int_equal(dst[REPORT_TEXT - 2], 'a');
    report_clean(dst, sizeof dst, (struct bv_str){text, REPORT_TEXT});
    assert_string_equal(dst + REPORT_TEXT - 5, "a...");
}

static const char *const networks[][2] = {{"192.0.2.7", "192.0.2.0/24"},
                                          {"2001:db8:1:2::3", "2001:db8:1::/48"},
                                          {"::1", "::/48"},
                                          {"::ffff:192.0.2.7", "::/48"},
                                          {"unix", "unix"},
                                          {"unknown", "unknown"},
                                          {"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9"}};

static void test_networks(void **state)
{
    char got[REPORT_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        report_network(got, bv_str(networks[i][0]));
        assert_string_equal(got, networks[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_nul),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_long), cmocka_unit_test(test_clock),    cmocka_unit_test(test_days),
        cmocka_unit_test(test_hours),     cmocka_unit_test(test_reader),   cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

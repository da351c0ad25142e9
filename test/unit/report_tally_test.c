#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/keys.h"
#include "tools/report_view.h"

static struct report_tally tally;

/* Counts lines of standard error, each at a time of its own. */
static void count(const char *at, const char *text)
{
    char line[800];
    struct report_line l;
    int64_t time = REPORT_NEVER;

    snprintf(line, sizeof line, "bvmilter: %s", text);
    report_line_read(&l, bv_str(line));
    assert_int_not_equal(l.kind, REPORT_BROKEN);
    assert_true(at == NULL || keys_time_read(&time, bv_str(at)));
    report_tally_add(&tally, &l, time);
}

static void begin(uint32_t size)
{
    assert_int_equal(report_tally_init(&tally, size, 12345), 0);
}

#define BOUNCE(client, verdict, action, key, rcpt)                                                             \
    "NOQUEUE: client=unknown[" client "], event=bounce, verdict=" verdict ", action=" action ", key=" key      \
    ", from=<>, rcpt=<" rcpt ">"
#define SIGN(verdict, action, key, from)                                                                       \
    "A1: client=unknown[192.0.2.1], event=sign, verdict=" verdict ", action=" action ", key=" key              \
    ", from=<" from ">, rcpt=<>"
#define GUARD(verdict, from, rcpt)                                                                             \
    "A1: client=unknown[192.0.2.1], event=guard, verdict=" verdict ", action=reject, key=-, from=<" from       \
    ">, rcpt=<" rcpt ">"

static void count_sample(void)
{
    count("2026-11-20T23:59:59Z", BOUNCE("192.0.2.7", "untagged", "mark", "-", "bob@example.com"));
    count("2026-11-21T00:00:00Z",
          BOUNCE("192.0.2.8", "forged", "reject", "3", "prvs=3785366f45=BOB@example.com"));
    count("2026-11-21T07:00:00Z",
          BOUNCE("192.0.2.7", "valid", "accept", "3", "prvs=3785366f45=bob@example.com"));
    count("2026-11-21T07:59:59Z",
          BOUNCE("2001:db8::1", "expired", "quarantine", "2", "prvs=2785366f45=a@example.org"));
    count("2026-11-21T08:00:00Z",
          BOUNCE("192.0.2.7", "forged", "disconnect", "3", "prvs=3785366f45=c@example.org"));
    count("2026-11-21T09:00:00Z", SIGN("signed", "accept", "4", "bob@example.com"));
    count("2026-11-21T09:30:00Z", SIGN("signed", "accept", "3", "bob@example.com"));
    count("2026-11-21T09:10:00Z", SIGN("exempt", "accept", "-", "bob@example.com"));
    count("2026-11-21T09:10:00Z", SIGN("fault", "tempfail", "-", "bob@example.com"));
    count("2026-11-21T10:00:00Z", GUARD("no-mail", "x@spam.example", "a@example.org"));
    count("2026-11-21T10:00:00Z", GUARD("bogus-mx", "x@spam.example", "a@example.org"));
    count("2026-11-21T11:00:00Z", "stopping");
    count("2026-11-21T10:59:00Z", "bvmilter 0.1 serves on unix:/s, rows of domains: 1");
    count(NULL, "3 log lines were lost");
    count("2026-11-21T11:00:00Z", "<script>alert(1)</script>&\"'");
    count("2026-11-21T11:00:00Z", "reloaded: <img src=x>&\"'\\");
    report_tally_end(&tally);
}

/* An item as "name total column column ...". */
static void check_item(enum report_list list, uint32_t i, const char *want)
{
    const struct report_top *top = &tally.top[list];
    char got[300];

    assert_true(i < top->n);
    const struct report_top_item *item = &top->item[i];
    snprintf(got, sizeof got, "%s %d %d %d %d %d", item->name, (int)report_top_count(item),
             (int)item->column[0], (int)item->column[1], (int)item->column[2], (int)item->column[3]);
    assert_string_equal(got, want);
}

static void test_lists(void **state)
{
    (void)state;
    begin(100);
    count_sample();
    check_item(REPORT_BOUNCE_DOMAINS, 0, "example.com 3 1 1 1 0");
    check_item(REPORT_BOUNCE_DOMAINS, 1, "example.org 2 0 0 1 1");
    check_item(REPORT_NETWORKS, 0, "192.0.2.0/24 4 1 1 1 1");
    check_item(REPORT_NETWORKS, 1, "2001:db8::/48 1 0 0 1 0");
    check_item(REPORT_CLIENTS, 0, "192.0.2.7 3 1 1 0 1");
    check_item(REPORT_FORGED, 0, "bob@example.com 2 1 1 0 0");
    check_item(REPORT_FORGED, 1, "c@example.org 1 0 1 0 0");
    assert_int_equal(tally.top[REPORT_FORGED].n, 2);
    check_item(REPORT_MARKED_DOMAINS, 0, "example.com 1 1 0 0 0");
    check_item(REPORT_MARKED_CLIENTS, 0, "192.0.2.7 1 1 0 0 0");
    assert_int_equal(tally.top[REPORT_MARKED_CLIENTS].n, 1);
    check_item(REPORT_SIGN_DOMAINS, 0, "example.com 4 2 1 1 0");
    check_item(REPORT_GUARDED, 0, "bogus-mx spam.example > example.org 1 0 0 1 0");
    check_item(REPORT_GUARDED, 1, "no-mail example.org 1 0 0 1 0");
    check_item(REPORT_NOTICES, 0, "<script>alert(1)</script>&\"' 1 1 0 0 0");
    assert_int_equal(tally.top[REPORT_NOTICES].n, 1);
    report_tally_free(&tally);
}

static void test_keys_and_totals(void **state)
{
    const struct report_key *k = tally.key;
    char text[REPORT_TIME];

    (void)state;
    begin(100);
    count_sample();
    assert_int_equal(tally.decisions, 11);
    assert_int_equal(tally.notices, 5);
    assert_int_equal(tally.lost, 3);
    assert_int_equal(tally.untimed, 1);
    assert_int_equal(tally.matrix[EVENT_BOUNCE][VERDICT_FORGED][ACTION_REJECT], 1);
    assert_int_equal(tally.matrix[EVENT_SIGN][VERDICT_SIGNED][ACTION_ACCEPT], 2);
    assert_true(k[3].signed_ == 1 && k[3].valid == 1 && k[3].forged == 2 && k[2].expired == 1 &&
                k[4].signed_ == 1);
    report_view_time(text, k[3].last_signed);
    assert_string_equal(text, "2026-11-21T09:30:00Z");
    report_view_time(text, k[3].last_valid);
    assert_string_equal(text, "2026-11-21T07:00:00Z");
    assert_true(k[4].last_valid == REPORT_NEVER && !report_view_key(&k[5]));
    assert_int_equal(tally.hour[7].count[REPORT_PASSED], 1);
    assert_int_equal(tally.hour[7].count[REPORT_REFUSED], 1);
    assert_int_equal(tally.hour[8].count[REPORT_DEFERRED], 1);
    assert_int_equal(tally.hour[9].count[REPORT_SIGNED], 2);
    assert_int_equal(tally.day[20777].count[REPORT_MARKED], 1);
    assert_int_equal(tally.day[20778].count[REPORT_REFUSED], 2);
    assert_string_equal(tally.moment[1].text, "bvmilter 0.1 serves on unix:/s, rows of domains: 1");
    assert_string_equal(tally.moment[2].text, "stopping");
    report_tally_free(&tally);
}

static void test_period(void **state)
{
    (void)state;
    begin(100);
    assert_true(keys_time_read(&tally.since, bv_str("2026-11-21T00:00:00Z")));
    assert_true(keys_time_read(&tally.until, bv_str("2026-11-21T07:59:59Z")));
    count_sample();
    assert_int_equal(tally.decisions, 2);
    assert_int_equal(tally.outside, 14);
    report_tally_free(&tally);
}

static void test_timeline(void **state)
{
    char text[64];

    (void)state;
    begin(10);
    for (int i = 0; i < REPORT_TIMELINE + 7; i++) {
        snprintf(text, sizeof text, "reloaded: %d", i);
        count(i == 3 ? "2026-11-22T00:00:00Z" : "2026-11-21T00:00:00Z", text);
    }
    count("2026-11-20T00:00:00Z", "reloaded: older than all");
    report_tally_end(&tally);
    assert_int_equal(tally.moments, REPORT_TIMELINE);
    assert_int_equal(tally.moments_seen, REPORT_TIMELINE + 8);
    assert_string_equal(tally.moment[0].text, "reloaded: 8"); /* 3 is the newest */
    assert_string_equal(tally.moment[REPORT_TIMELINE - 1].text, "reloaded: 3");
    report_tally_free(&tally);
}

/* The most frequent of many: never over what was counted, and all that are frequent enough are there. */
static void test_top(void **state)
{
    enum { SIZE = 50, NAMES = 5000, ROUNDS = 200000 };
    static uint64_t real[NAMES];
    struct report_top t;
    unsigned seed = 7;
    char name[16];

    (void)state;
    assert_int_equal(report_top_init(&t, SIZE, 1), 0);
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned r = seed >> 8 & 0xffff, id = r < 0x4000 ? r % 5 : r < 0x8000 ? r % 20 : r % NAMES;
        snprintf(name, sizeof name, "name%u", id);
        report_top_add(&t, bv_str(name), id % 4, 1);
        real[id]++;
    }
    assert_true(t.approximate);
    assert_int_equal(report_top_sort(&t), SIZE);
    for (uint32_t i = 0; i < t.n; i++) {
        unsigned id = (unsigned)strtoul(t.item[i].name + 4, NULL, 10);
        uint64_t least = report_top_count(&t.item[i]);
        assert_true(least <= real[id] && real[id] <= t.item[i].weight);
        assert_true(t.item[i].before > 0 || least == real[id]);
        assert_int_equal(t.item[i].column[id % 4], least);
        assert_true(i == 0 || least <= report_top_count(&t.item[i - 1]));
        real[id] = 0;
    }
    for (int i = 0; i < NAMES; i++)
        assert_true(real[i] <= ROUNDS / SIZE);
    report_top_free(&t);
}

static void test_top_exact(void **state)
{
    struct report_top t;
    char name[300];

    (void)state;
    assert_int_equal(report_top_init(&t, 3, 1), 0);
    report_top_add(&t, bv_str("b"), 0, 2);
    report_top_add(&t, bv_str("a"), 1, 2);
    report_top_add(&t, bv_str("aa"), 1, 1);
    report_top_add(&t, bv_str(""), 1, 1); /* in the place of "aa" */
    memset(name, 'x', sizeof name);
    assert_true(t.approximate);
    report_top_add(&t, (struct bv_str){name, sizeof name}, 0, 9);
    report_top_sort(&t);
    assert_int_equal(strlen(t.item[0].name), REPORT_TEXT - 1);
    assert_string_equal(t.item[1].name, "a");
    assert_string_equal(t.item[2].name, "b");
    report_top_free(&t);
}

static const struct {
    const char *name, *first, *last, *unit, *label;
    size_t n;
} day_rows[] = {
    {"one day", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z", "day", "2026-11-21", 1},
    {"as many days as fit", "2026-11-12T00:00:00Z", "2026-11-21T00:00:00Z", "day", "2026-11-12", 10},
    {"a day more", "2026-11-11T23:59:59Z", "2026-11-21T00:00:00Z", "month", "2026-11", 1},
    {"months", "2026-02-11T00:00:00Z", "2026-11-21T00:00:00Z", "month", "2026-02", 10},
    {"a month more", "2026-01-11T00:00:00Z", "2026-11-21T00:00:00Z", "year", "2026", 1},
    {"more years than fit", "1970-01-01T00:00:00Z", "2099-11-21T00:00:00Z", "year", "2090", 10},
};

static void test_rows(void **state)
{
    struct report_row row[10];
    const char *unit;

    (void)state;
    for (size_t i = 0; i < sizeof day_rows / sizeof *day_rows; i++) {
        begin(10);
        count(day_rows[i].last, BOUNCE("192.0.2.7", "valid", "accept", "3", "a@example.com"));
        count(day_rows[i].first, BOUNCE("192.0.2.7", "valid", "accept", "3", "a@example.com"));
        size_t n = report_view_days(row, 10, &unit, &tally);
        if (n != day_rows[i].n || strcmp(unit, day_rows[i].unit) != 0 ||
            strcmp(row[0].label, day_rows[i].label) != 0)
            fail_msg("%s: %zu of %s, first %s", day_rows[i].name, n, unit, row[0].label);
        if (row[n - 1].bin.count[REPORT_PASSED] == 0)
            fail_msg("%s: the last row is empty", day_rows[i].name);
        report_tally_free(&tally);
    }
}

/* What a writer writes; freed by the caller. */
static char *written(void (*write)(FILE *, const struct report_tally *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    write(out, &tally);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void write_plain(FILE *out, const struct report_tally *t)
{
    report_write_text(out, t, false);
}

static void test_html(void **state)
{
    static const char *const never[] = {"<script", "<img", "alert(1)</", "nan", "inf", "href", "src=\""};

    (void)state;
    begin(100);
    count_sample();
    char *text = written(report_write_html);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(text, never[i]) != NULL)
            fail_msg("the page has %s", never[i]);
    assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"));
    assert_non_null(strstr(text, "reloaded: &lt;img src=x&gt;&amp;&quot;&#39;\\"));
    assert_non_null(strstr(text, "spam.example &gt; example.org"));
    free(text);
    text = written(report_write_json);
    assert_non_null(strstr(text, "\"reloaded: <img src=x>&\\\"'\\\\\""));
    free(text);
    report_tally_free(&tally);
}

static void test_width(void **state)
{
    (void)state;
    begin(100);
    count("2026-11-21T00:00:00Z",
          "storm begins: a line that is longer than one of the report's, broken between words, twice as "
          "it has to be");
    count_sample();
    char *text = written(write_plain);
    assert_non_null(strstr(text,
                           "2026-11-21T00:00:00Z  storm begins: a line that is longer than one of the\n"
                           "                      report's, broken between words, twice as it has to be\n"));
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (strlen(line) > 80)
            fail_msg("%zu columns: %s", strlen(line), line);
    free(text);
    report_tally_free(&tally);
}

static void test_empty(void **state)
{
    (void)state;
    begin(10);
    report_tally_end(&tally);
    char *page = written(report_write_html), *text = written(write_plain);
    assert_null(strstr(page, "nan"));
    assert_null(strstr(text, "Decisions\n"));
    free(page);
    free(text);
    report_tally_free(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),  cmocka_unit_test(test_keys_and_totals),
        cmocka_unit_test(test_period), cmocka_unit_test(test_timeline),
        cmocka_unit_test(test_top),    cmocka_unit_test(test_top_exact),
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_html),
        cmocka_unit_test(test_width),  cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

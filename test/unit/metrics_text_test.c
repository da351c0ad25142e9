#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/metrics_view.h"

/* What both metrics and page say of a view.  The counters are those of the process: each test adds what it needs. */

enum { DAY = 86400, HOUR = 3600 };
#define NOW INT64_C(1795302000) /* 2026-11-21T23:00:00Z */

static struct keys_ring ring;
static struct metrics_view view;

static void add_key(unsigned number, int64_t sign_from)
{
    struct keys_key *k = &ring.key[ring.count++];

    *k = (struct keys_key){.number = number, .algorithm = BV_HMAC_SHA1, .lifetime = 7, .secret_len = 32};
    k->sign_from = sign_from;
    k->created = sign_from - DAY;
    memset(k->secret, 'A' + (int)number, 32);
    strcpy(k->comment, "words-of-a-comment");
}

/* A ring with a superseded, a signing and a staged key, and nothing that is wrong. */
static void fair(void)
{
    ring = (struct keys_ring){.generation = 17};
    strcpy(ring.id, "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab");
    strcpy(ring.updated_by, "somebody@gw1");
    add_key(2, NOW - 40 * DAY);
    add_key(3, NOW - 3 * DAY);
    add_key(4, NOW + 2 * DAY);
    view = (struct metrics_view){.now = NOW, .ring = &ring, .warm_until = INT64_MIN, .sessions = 5};
    assert_int_equal(keys_fingerprints(view.fingerprint, &ring), 0);
    view.domains = 12;
    view.exceptions = 34;
    view.counters.started = NOW - 90 * 60;
}

static const char *written(void (*writer)(FILE *, const struct metrics_view *))
{
    static char text[1 << 18];
    FILE *f = fmemopen(text, sizeof text, "w");

    assert_non_null(f);
    writer(f, &view);
    assert_int_equal(ferror(f), 0);
    fclose(f);
    return text;
}

/* ---- what is changed of the fair view, and what that must say ------------------------------------ */

static void old_key(void)
{
    ring.count = 0;
    add_key(3, NOW - 91 * DAY);
}

static void ninety_days(void)
{
    ring.count = 0;
    add_key(3, NOW - 90 * DAY);
}

static void old_key_with_successor(void)
{
    old_key();
    add_key(4, NOW + DAY);
}

static void no_key_yet(void)
{
    ring.count = 0;
    add_key(3, NOW + DAY);
}

static void no_key(void)
{
    ring.count = 0;
}

static void storm(void)
{
    view.storm = true;
    view.counters.storms = 2;
}

static void ring_refused(void)
{
    view.counters.ring_refused = true;
    view.counters.rings_refused = 3;
}

static void reload_failed(void)
{
    view.counters.reload_failed = true;
    view.counters.reloads = 6;
    view.counters.reloads_failed = 7;
}

static void draining(void)
{
    view.draining = true;
}

static void warm(void)
{
    view.warm_until = NOW + 3 * DAY;
}

static void warm_over(void)
{
    view.warm_until = NOW;
}

static void warm_for_ever(void)
{
    view.warm_until = INT64_MAX;
}

static void decided(void)
{
    view.counters.decisions[EVENT_BOUNCE][VERDICT_FORGED][ACTION_REJECT] = 41;
    view.counters.decisions[EVENT_GUARD][VERDICT_BOGUS_MX][ACTION_MARK] = 42;
}

static void timed(void)
{
    view.counters.callbacks[COUNTERS_RCPT][0] = 3;
    view.counters.callbacks[COUNTERS_RCPT][2] = 4;
    view.counters.callbacks[COUNTERS_RCPT][COUNTERS_BUCKETS - 1] = 5;
    view.counters.callback_us[COUNTERS_RCPT] = 12345678;
}

static void served(void)
{
    view.counters.map[COUNTERS_MAP_OK] = 8;
    view.counters.map[COUNTERS_MAP_TEMP] = 9;
    view.counters.guard[GUARD_NULL_MX][1] = 10;
    view.counters.sessions_refused = 11;
}

static void put_hour(int64_t hour, uint64_t refused)
{
    struct counters_hour *h = &view.counters.hour[hour % COUNTERS_HOURS];

    h->hour = hour;
    h->sorts[COUNTERS_REFUSED] = refused;
    h->sorts[COUNTERS_SIGNED] = 1000 * refused;
}

static void two_hours(void)
{
    put_hour(NOW / HOUR, 7);
    put_hour(NOW / HOUR - COUNTERS_HOURS + 1, 4);
}

static void stale_hour(void)
{
    put_hour(NOW / HOUR - COUNTERS_HOURS, 7);
}

#define OVERDUE      "for 91 days; 90 are enough. Run bvkey rotate."
#define METRIC(line) "\nbvmilter_" line "\n"

static const struct {
    const char *name;
    void (*change)(void);
    void (*writer)(FILE *, const struct metrics_view *);
    const char *with, *without;
} rows[] = {
    {"page: fair", fair, metrics_page, "Nothing to do.", "<li>"},
    {"page: how long", fair, metrics_page, "running for 1 h 30 min", NULL},
    {"page: fingerprint", fair, metrics_page, "<code>bb391415</code>", "DDDD"},
    {"page: ring", fair, metrics_page, "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab", NULL},
    {"page: nobody's words", fair, metrics_page, "Keys", "words-of-a-comment"},
    {"page: nobody's name", fair, metrics_page, "Keys", "somebody"},
    {"page: phases", fair, metrics_page, "signs 2026-11-18 23:00 to 2026-11-23 23:00", NULL},
    {"page: tags outlive the key", fair, metrics_page, "verifies 2026-11-23 23:00 to 2026-12-02 23:00", NULL},
    {"page: no end", fair, metrics_page, "signs 2026-11-23 23:00 and on", NULL},
    {"page: old key", old_key, metrics_page, OVERDUE, "Nothing to do"},
    {"page: 90 days", ninety_days, metrics_page, "Nothing to do", "bvkey rotate"},
    {"page: old key, its successor is there", old_key_with_successor, metrics_page, "Nothing to do",
     "bvkey rotate"},
    {"page: no key yet", no_key_yet, metrics_page, "No key signs", "Nothing to do"},
    {"page: no key at all, and none needed", no_key, metrics_page, "Nothing to do", "No key signs"},
    {"page: storm", storm, metrics_page, "A storm of invalid bounces goes on.", "Nothing to do"},
    {"page: ring refused", ring_refused, metrics_page, "The key file cannot be used", "Nothing to do"},
    {"page: reload failed", reload_failed, metrics_page, "The last reload failed", "Nothing to do"},
    {"page: stopping", draining, metrics_page, "The daemon is stopping.", "Nothing to do"},
    {"page: warm-up", warm, metrics_page, "until 2026-11-24 23:00", NULL},
    {"page: warm-up over", warm_over, metrics_page, "warm-up</th><td>none", NULL},
    {"page: warm-up without a key", warm_for_ever, metrics_page, "until a key has signed", NULL},
    {"page: decisions", decided, metrics_page,
     "<tr><td>bounce</td><td class=\"l\">forged</td><td class=\"l\">reject</td><td>41</td></tr>", NULL},
    {"page: sum of 48 hours", two_hours, metrics_page, "<b>11</b><span>refused", NULL},
    {"page: this hour", two_hours, metrics_page, "2026-11-21 23:00: refused 7, marked 0, passed 0", NULL},
    {"page: the first hour", two_hours, metrics_page, "2026-11-20 00:00: refused 4", NULL},
    {"page: large numbers", two_hours, metrics_page, ">8000<", NULL},
    {"page: an hour of the days before", stale_hour, metrics_page, "<b>0</b><span>refused", "refused 7"},
    {"ring", fair, metrics_text, METRIC("keyring_generation{id=\"6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab\"} 17"),
     "words-of-a-comment"},
    {"signing", fair, metrics_text, METRIC("key_state{number=\"3\",state=\"signing\"} 1"), "somebody"},
    {"no more staged", fair, metrics_text, METRIC("key_state{number=\"3\",state=\"staged\"} 0"), "DDDD"},
    {"staged", fair, metrics_text, METRIC("key_state{number=\"4\",state=\"staged\"} 1"), NULL},
    {"verifying", fair, metrics_text, METRIC("key_state{number=\"2\",state=\"verifying\"} 1"), NULL},
    {"fingerprint", fair, metrics_text, METRIC("signing_key_info{number=\"3\",fingerprint=\"bb391415\"} 1"),
     NULL},
    {"signs from", fair, metrics_text, METRIC("key_signs_from_timestamp_seconds{number=\"3\"} 1795042800"),
     NULL},
    {"verifies until", fair, metrics_text,
     METRIC("key_verifies_until_timestamp_seconds{number=\"2\"} 1795820400"),
     "verifies_until_timestamp_seconds{number=\"4\"}"},
    {"no key signs", no_key_yet, metrics_text, METRIC("key_state{number=\"3\",state=\"staged\"} 1"),
     "signing_key_info{"},
    {"fair weather", fair, metrics_text, METRIC("storm 0"), METRIC("storm 1")},
    {"storm", storm, metrics_text, METRIC("storm 1"), NULL},
    {"storms", storm, metrics_text, METRIC("storms_total 2"), NULL},
    {"key file good", fair, metrics_text, METRIC("keyring_file_usable 1"), NULL},
    {"key file refused", ring_refused, metrics_text, METRIC("keyring_file_usable 0"), NULL},
    {"key files refused", ring_refused, metrics_text, METRIC("keyring_refused_total 3"), NULL},
    {"no reload", fair, metrics_text, METRIC("last_reload_successful 1"), NULL},
    {"reload failed", reload_failed, metrics_text, METRIC("last_reload_successful 0"), NULL},
    {"good reloads", reload_failed, metrics_text, METRIC("reloads_total{result=\"good\"} 6"), NULL},
    {"failed reloads", reload_failed, metrics_text, METRIC("reloads_total{result=\"failed\"} 7"), NULL},
    {"no warm-up", fair, metrics_text, METRIC("warmup_end_timestamp_seconds 0"), NULL},
    {"warm-up", warm, metrics_text, METRIC("warmup_end_timestamp_seconds 1795561200"), NULL},
    {"warm-up over", warm_over, metrics_text, METRIC("warmup_end_timestamp_seconds 0"), NULL},
    {"warm-up without a key", warm_for_ever, metrics_text, METRIC("warmup_end_timestamp_seconds +Inf"), NULL},
    {"sessions", fair, metrics_text, METRIC("sessions 5"), NULL},
    {"tables", fair, metrics_text, METRIC("domains 12"), METRIC("exceptions 12")},
    {"start", fair, metrics_text, METRIC("start_time_seconds 1795296600"), NULL},
    {"version", fair, metrics_text, METRIC("build_info{version=\"" BV_VERSION "\"} 1"), NULL},
    {"usual decisions from the start", fair, metrics_text,
     METRIC("decisions_total{event=\"bounce\",verdict=\"forged\",action=\"reject\"} 0"), "event=\"guard\""},
    {"a decision", decided, metrics_text,
     METRIC("decisions_total{event=\"bounce\",verdict=\"forged\",action=\"reject\"} 41"), NULL},
    {"an unusual decision", decided, metrics_text,
     METRIC("decisions_total{event=\"guard\",verdict=\"bogus-mx\",action=\"mark\"} 42"), NULL},
    {"buckets hold those below: first", timed, metrics_text,
     METRIC("callback_duration_seconds_bucket{callback=\"rcpt\",le=\"1e-05\"} 3"), NULL},
    {"buckets hold those below: empty", timed, metrics_text,
     METRIC("callback_duration_seconds_bucket{callback=\"rcpt\",le=\"2.5e-05\"} 3"), NULL},
    {"buckets hold those below: last bound", timed, metrics_text,
     METRIC("callback_duration_seconds_bucket{callback=\"rcpt\",le=\"2\"} 7"), NULL},
    {"buckets hold those below: all", timed, metrics_text,
     METRIC("callback_duration_seconds_bucket{callback=\"rcpt\",le=\"+Inf\"} 12"), NULL},
    {"count of durations", timed, metrics_text, METRIC("callback_duration_seconds_count{callback=\"rcpt\"} 12"),
     NULL},
    {"sum of durations", timed, metrics_text,
     METRIC("callback_duration_seconds_sum{callback=\"rcpt\"} 12.345678"), NULL},
    {"others have none", timed, metrics_text, METRIC("callback_duration_seconds_count{callback=\"mail\"} 0"),
     NULL},
    {"map: found", served, metrics_text, METRIC("map_answers_total{answer=\"ok\"} 8"), NULL},
    {"map: fault", served, metrics_text, METRIC("map_answers_total{answer=\"temp\"} 9"), NULL},
    {"guard, remembered", served, metrics_text,
     METRIC("guard_verdicts_total{verdict=\"null-mx\",source=\"cache\"} 10"), NULL},
    {"guard, asked", served, metrics_text, METRIC("guard_verdicts_total{verdict=\"null-mx\",source=\"dns\"} 0"),
     NULL},
    {"sessions refused", served, metrics_text, METRIC("sessions_refused_total 11"), NULL},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fair();
        rows[i].change();
        const char *text = written(rows[i].writer);
        if (strstr(text, rows[i].with) == NULL)
            fail_msg("%s: there is no \"%s\" in\n%s", rows[i].name, rows[i].with, text);
        if (rows[i].without != NULL && strstr(text, rows[i].without) != NULL)
            fail_msg("%s: there is \"%s\"", rows[i].name, rows[i].without);
    }
}

/* ---- what is counted -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum event event;
    enum verdict verdict;
    enum action action;
    enum counters_sort sort;
} sorts[] = {
    {"signed", EVENT_SIGN, VERDICT_SIGNED, ACTION_ACCEPT, COUNTERS_SIGNED},
    {"not taggable", EVENT_SIGN, VERDICT_NOT_TAGGABLE, ACTION_ACCEPT, COUNTERS_OTHER},
    {"our bounce", EVENT_BOUNCE, VERDICT_VALID, ACTION_ACCEPT, COUNTERS_GOOD},
    {"a reply", EVENT_BOUNCE, VERDICT_REPLY, ACTION_ACCEPT, COUNTERS_GOOD},
    {"an exempt one", EVENT_BOUNCE, VERDICT_EXEMPT, ACTION_ACCEPT, COUNTERS_GOOD},
    {"a bad one that is let through", EVENT_BOUNCE, VERDICT_FORGED, ACTION_ACCEPT, COUNTERS_OTHER},
    {"marked", EVENT_BOUNCE, VERDICT_FORGED, ACTION_MARK, COUNTERS_MARKED},
    {"refused", EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_REJECT, COUNTERS_REFUSED},
    {"dropped", EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_DISCARD, COUNTERS_REFUSED},
    {"held", EVENT_BOUNCE, VERDICT_UNTAGGED, ACTION_QUARANTINE, COUNTERS_REFUSED},
    {"session ended", EVENT_BOUNCE, VERDICT_FORGED, ACTION_DISCONNECT, COUNTERS_REFUSED},
    {"for now", EVENT_BOUNCE, VERDICT_FAULT, ACTION_TEMPFAIL, COUNTERS_OTHER},
    {"too many", EVENT_BOUNCE, VERDICT_VALID, ACTION_TOO_MANY, COUNTERS_OTHER},
    {"by the guard", EVENT_GUARD, VERDICT_NULL_MX, ACTION_REJECT, COUNTERS_REFUSED},
    {"tag removed", EVENT_STRIP, VERDICT_VALID, ACTION_ACCEPT, COUNTERS_OTHER},
};

/* An hour for each row, later ones in the place of earlier ones. */
static void test_sorts(void **state)
{
    static struct counters c;

    (void)state;
    for (size_t i = 0; i < 5 * sizeof sorts / sizeof *sorts; i++) {
        size_t row = i % (sizeof sorts / sizeof *sorts);
        const struct decision d = {
            .event = sorts[row].event, .verdict = sorts[row].verdict, .action = sorts[row].action};
        int64_t hour = 500000 + (int64_t)i;
        counters_decision(&d, hour * HOUR);
        counters_decision(&d, hour * HOUR + HOUR - 1);
        counters_read(&c);
        const struct counters_hour *h = &c.hour[hour % COUNTERS_HOURS];
        for (int s = 0; s < COUNTERS_SORTS; s++)
            if (h->hour != hour || h->sorts[s] != (s == (int)sorts[row].sort ? 2U : 0U))
                fail_msg("%s: %d of sort %d", sorts[row].name, (int)h->sorts[s], s);
        if (c.decisions[d.event][d.verdict][d.action] != 2 * (i / (sizeof sorts / sizeof *sorts) + 1))
            fail_msg("%s: counted %d times", sorts[row].name, (int)c.decisions[d.event][d.verdict][d.action]);
    }
}

static void test_durations(void **state)
{
    static const struct {
        int64_t us;
        int bucket;
    } durations[] = {{-5, 0}, {0, 0},    {10, 0},       {11, 1},      {25, 1},
                     {26, 2}, {1000, 5}, {2000000, 10}, {2000001, 11}};
    static struct counters before, after;

    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        counters_read(&before);
        counters_callback(COUNTERS_END, durations[i].us);
        counters_read(&after);
        for (int b = 0; b < COUNTERS_BUCKETS; b++)
            if (after.callbacks[COUNTERS_END][b] - before.callbacks[COUNTERS_END][b] !=
                (b == durations[i].bucket))
                fail_msg("%d us: bucket %d", (int)durations[i].us, b);
        assert_int_equal(after.callback_us[COUNTERS_END] - before.callback_us[COUNTERS_END],
                         durations[i].us > 0 ? durations[i].us : 0);
        assert_int_equal(after.callback_us[COUNTERS_RCPT], 0);
    }
}

/* States last until the contrary is said; counts only grow. */
static void test_states(void **state)
{
    static struct counters c;

    (void)state;
    counters_reload(false);
    counters_ring_refused();
    counters_read(&c);
    assert_true(c.reload_failed && c.ring_refused);
    counters_reload(true);
    counters_read(&c);
    assert_true(!c.reload_failed && c.ring_refused);
    counters_ring_taken();
    counters_read(&c);
    assert_false(c.ring_refused);
    assert_int_equal(c.reloads, 1);
    assert_int_equal(c.reloads_failed, 1);
    assert_int_equal(c.rings_refused, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

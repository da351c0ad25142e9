#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "milter/storm.h"

enum { T0 = 1700000000, FOREVER = 1 << 30 };

static struct net_addr client(unsigned number)
{
    const unsigned char ip[4] = {192, 0, (unsigned char)(number >> 8), (unsigned char)number};
    struct net_addr a = {.family = NET_UNKNOWN};

    net_addr_v4(&a, ip);
    return a;
}

static enum storm_change note(struct storm *s, const struct storm_limits *limits, int64_t at, unsigned number)
{
    struct net_addr a = client(number);

    return storm_note(s, limits, at, &a);
}

/* ---- begin and end ----------------------------------------------------------------------------- */

/* At a time after T0, so many bounces; none: time only passes. */
struct step {
    int64_t at;
    int bounces;
    enum storm_change change; /* of the last of them; those before change nothing */
    unsigned long rate;
};

enum { STEPS = 10 };

static const struct {
    const char *name;
    struct storm_limits limits;
    struct step step[STEPS];
} scenes[] = {
    {"below the threshold", {10, 60}, {{0, 9, STORM_SAME, 9}, {30, 0, STORM_SAME, 9}}},
    {"at the threshold", {10, 60}, {{0, 10, STORM_BEGINS, 10}, {0, 5, STORM_SAME, 15}}},
    {"over a minute", {10, 60}, {{0, 5, STORM_SAME, 5}, {59, 5, STORM_BEGINS, 10}}},
    {"over more than a minute", {10, 60}, {{0, 5, STORM_SAME, 5}, {60, 5, STORM_SAME, 5}}},
    {"the minute slides by the second",
     {100, 60},
     {{0, 1, STORM_SAME, 1},
      {1, 2, STORM_SAME, 3},
      {2, 3, STORM_SAME, 6},
      {59, 4, STORM_SAME, 10},
      {60, 0, STORM_SAME, 9},
      {61, 0, STORM_SAME, 7},
      {62, 0, STORM_SAME, 4},
      {118, 0, STORM_SAME, 4},
      {119, 0, STORM_SAME, 0}}},
    {"the minute slides by many seconds at once",
     {100, 60},
     {{0, 1, STORM_SAME, 1}, {50, 2, STORM_SAME, 3}, {100, 4, STORM_SAME, 6}, {159, 0, STORM_SAME, 4}}},
    {"a minute that is full is forgotten whole",
     {100, 60},
     {{0, 9, STORM_SAME, 9}, {60, 0, STORM_SAME, 0}, {60, 9, STORM_SAME, 9}, {3700, 0, STORM_SAME, 0}}},
    {"ends after the quiet time, not before",
     {10, 600},
     {{0, 10, STORM_BEGINS, 10},
      {59, 0, STORM_SAME, 10}, /* high until here */
      {60, 0, STORM_SAME, 0},
      {658, 0, STORM_SAME, 0},
      {659, 0, STORM_ENDS, 0},
      {660, 0, STORM_SAME, 0}}},
    {"bounces below the threshold do not keep it up",
     {10, 100},
     {{0, 10, STORM_BEGINS, 10}, {60, 9, STORM_SAME, 9}, {99, 0, STORM_SAME, 9}, {100, 0, STORM_ENDS, 9}}},
    {"a new high keeps it up",
     {10, 100},
     {{0, 10, STORM_BEGINS, 10},
      {90, 10, STORM_SAME, 10},
      {140, 0, STORM_SAME, 10},
      {239, 0, STORM_SAME, 0},
      {240, 0, STORM_ENDS, 0}}},
    {"a bounce sees the end too", {10, 100}, {{0, 10, STORM_BEGINS, 10}, {100, 1, STORM_ENDS, 1}}},
    {"one storm after the other",
     {10, 100},
     {{0, 10, STORM_BEGINS, 10}, {100, 0, STORM_ENDS, 0}, {101, 9, STORM_SAME, 9}, {102, 1, STORM_BEGINS, 10}}},
    {"the end of one and the begin of the next: one after the other",
     {1, 100},
     {{0, 1, STORM_BEGINS, 1}, {200, 1, STORM_ENDS, 1}, {200, 0, STORM_BEGINS, 1}}},
    {"off", {0, 1}, {{0, 1000, STORM_SAME, 1000}, {60, 0, STORM_SAME, 0}}},
    {"threshold 1", {1, 1}, {{0, 1, STORM_BEGINS, 1}, {59, 0, STORM_SAME, 1}, {60, 0, STORM_ENDS, 0}}},
    {"a clock that goes back stands still, and runs on from there",
     {10, 100},
     {{0, 5, STORM_SAME, 5},
      {-3600, 5, STORM_BEGINS, 10},
      {-3541, 0, STORM_SAME, 10},
      {-3540, 0, STORM_SAME, 0},
      {-3442, 0, STORM_SAME, 0},
      {-3441, 0, STORM_ENDS, 0}}},
    {"a clock that goes back by a second",
     {10, 100},
     {{5, 5, STORM_SAME, 5}, {4, 4, STORM_SAME, 9}, {5, 0, STORM_SAME, 9}, {6, 1, STORM_BEGINS, 10}}},
    {"a clock that leaps ahead, and comes back",
     {10, 100},
     {{0, 10, STORM_BEGINS, 10},
      {100L * 365 * 86400, 0, STORM_ENDS, 0},
      {10, 9, STORM_SAME, 9},
      {69, 0, STORM_SAME, 9},
      {70, 0, STORM_SAME, 0}}},
    {"a clock that leaps to the end of time and back, again and again",
     {10, 100},
     {{0, 9, STORM_SAME, 9},
      {INT64_MAX - T0, 9, STORM_SAME, 9},
      {0, 0, STORM_SAME, 9},
      {INT64_MAX - T0, 9, STORM_SAME, 9},
      {0, 0, STORM_SAME, 9},
      {INT64_MAX - T0, 10, STORM_BEGINS, 10},
      {1, 0, STORM_SAME, 10},
      {INT64_MAX - T0, 0, STORM_ENDS, 0}}},
};

/* Returns whether a step went as it should. */
static bool play(struct storm *s, const struct storm_limits *limits, const struct step *step)
{
    enum storm_change change = STORM_SAME;
    unsigned long sum = 0;

    for (int i = 0; i < step->bounces; i++) {
        if (change != STORM_SAME)
            return false;
        change = note(s, limits, T0 + step->at, (unsigned)i % 3);
    }
    if (step->bounces == 0)
        change = storm_tick(s, limits, T0 + step->at);
    for (size_t i = 0; i < s->clients; i++)
        sum += s->client[i].window.sum;
    return change == step->change && s->all.sum == step->rate && sum == step->rate;
}

static void test_scenes(void **state)
{
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct storm s = {.on = false};
        bool on = false;
        for (size_t j = 0; j < STEPS && (j == 0 || scenes[i].step[j].at != 0 || scenes[i].step[j].rate != 0 ||
                                         scenes[i].step[j].change != STORM_SAME);
             j++) {
            const struct step *step = &scenes[i].step[j];
            bool good = play(&s, &scenes[i].limits, step);
            on = step->change == STORM_SAME ? on : step->change == STORM_BEGINS;
            if (!good || s.on != on) {
                print_error("%s, step %zu: rate %lu, %s\n", scenes[i].name, j + 1, s.all.sum,
                            s.on ? "storm" : "no storm");
                failures++;
                break;
            }
        }
    }
    assert_int_equal(failures, 0);
}

/* Settings that change while a storm lasts, or that begin one. */
static void test_reload(void **state)
{
    static const struct storm_limits ten = {10, 100}, hundred = {100, 100}, off = {0, 100}, brief = {10, 1};
    struct storm s = {.on = false};

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(note(&s, &hundred, T0, i), STORM_SAME);
    assert_int_equal(storm_tick(&s, &ten, T0), STORM_BEGINS);
    assert_int_equal(s.total, 10);
    assert_int_equal(storm_tick(&s, &hundred, T0 + 59), STORM_SAME);
    assert_int_equal(storm_tick(&s, &off, T0 + 59), STORM_ENDS);
    assert_int_equal(storm_tick(&s, &off, T0 + 59), STORM_SAME);
    assert_int_equal(storm_tick(&s, &ten, T0 + 59), STORM_BEGINS);
    assert_int_equal(storm_tick(&s, &ten, T0 + 61), STORM_SAME);
    assert_int_equal(storm_tick(&s, &brief, T0 + 61), STORM_ENDS);
}

/* ---- clients ------------------------------------------------------------------------------------- */

static const struct storm_limits never = {FOREVER, 60};

static unsigned long count_of(const struct storm *s, unsigned number)
{
    struct net_addr a = client(number);

    for (size_t i = 0; i < s->clients; i++)
        if (memcmp(s->client[i].addr.ip, a.ip, sizeof a.ip) == 0)
            return s->client[i].window.sum;
    return 0;
}

static void notes(struct storm *s, int64_t at, unsigned number, int n)
{
    while (n-- > 0)
        assert_int_equal(note(s, &never, at, number), STORM_SAME);
}

static const char *begun(const struct storm *s)
{
    static char text[STORM_TEXT];

    storm_describe_begin(text, s);
    return text;
}

static void test_top(void **state)
{
    struct storm s = {.on = false};

    (void)state;
    assert_string_equal(begun(&s), "0 invalid bounces in a minute");
    notes(&s, T0, 1, 3);
    assert_string_equal(begun(&s), "3 invalid bounces in a minute; top clients 192.0.0.1 3");
    notes(&s, T0, 2, 1);
    notes(&s, T0 + 1, 3, 9);
    notes(&s, T0 + 1, 2, 4);
    assert_string_equal(begun(&s),
                        "17 invalid bounces in a minute; top clients 192.0.0.3 9, 192.0.0.2 5, 192.0.0.1 3");
    notes(&s, T0 + 2, 4, 6);
    notes(&s, T0 + 2, 5, 2);
    notes(&s, T0 + 2, 6, 1);
    assert_string_equal(begun(&s), "26 invalid bounces in a minute; top clients 192.0.0.3 9, 192.0.0.4 6, "
                                   "192.0.0.2 5, 192.0.0.1 3, 192.0.0.5 2");
    storm_tick(&s, &never, T0 + 60); /* what came at T0 has gone, and with it a client */
    assert_string_equal(begun(&s), "22 invalid bounces in a minute; top clients 192.0.0.3 9, 192.0.0.4 6, "
                                   "192.0.0.2 4, 192.0.0.5 2, 192.0.0.6 1");
    assert_int_equal(s.clients, 5);
    storm_tick(&s, &never, T0 + 62);
    assert_int_equal(s.clients, 0);
}

/* A client among many strangers comes to the top, and its count is never too low. */
static void test_many_clients(void **state)
{
    enum { STRANGERS = 2000 };
    struct storm s = {.on = false};
    unsigned long sum = 0;

    (void)state;
    for (unsigned i = 0; i < STRANGERS; i++) {
        notes(&s, T0 + i / 100, 1000 + i, 1);
        if (i % 10 == 0)
            notes(&s, T0 + i / 100, 7, 1);
    }
    assert_int_equal(s.clients, STORM_CLIENTS);
    for (size_t i = 0; i < s.clients; i++)
        sum += s.client[i].window.sum;
    assert_int_equal(sum, s.all.sum);
    assert_int_equal(s.all.sum, STRANGERS + STRANGERS / 10);
    assert_true(count_of(&s, 7) >= STRANGERS / 10);
    assert_true(count_of(&s, 7) < STRANGERS / 10 + STRANGERS / STORM_CLIENTS);
    assert_non_null(strstr(begun(&s), "2200 invalid bounces in a minute; top clients 192.0.0.7 200, "));
    assert_non_null(strstr(begun(&s), " at most "));
    storm_tick(&s, &never, T0 + 80);
    assert_int_equal(s.clients, 0);
    assert_int_equal(s.all.sum, 0);
}

/* Whoever takes another's place has its count for a minute, and is said to. */
static void test_pushed_out(void **state)
{
    struct storm s = {.on = false};

    (void)state;
    for (unsigned i = 0; i < STORM_CLIENTS; i++)
        notes(&s, T0, i, i == 20 ? 3 : 5);
    notes(&s, T0 + 10, 900, 4);
    assert_int_equal(count_of(&s, 20), 0);
    assert_int_equal(count_of(&s, 900), 7);
    assert_non_null(strstr(begun(&s), "top clients 192.0.3.132 at most 7, 192.0.0.0 5, "));
    storm_tick(&s, &never, T0 + 59);
    assert_non_null(strstr(begun(&s), "top clients 192.0.3.132 at most 7, 192.0.0.0 5, "));
    storm_tick(&s, &never, T0 + 69);
    assert_string_equal(begun(&s), "4 invalid bounces in a minute; top clients 192.0.3.132 at most 4");
    notes(&s, T0 + 70, 900, 1);
    assert_string_equal(begun(&s), "1 invalid bounces in a minute; top clients 192.0.3.132 1");
}

static void test_odd_clients(void **state)
{
    struct storm s = {.on = false};
    struct net_addr a = {.family = NET_UNKNOWN}, b = {.family = NET_UNIX}, c;

    (void)state;
    net_addr_v6(&c, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
    for (int i = 0; i < 3; i++) {
        memset(a.ip, i, sizeof a.ip); /* without a meaning here */
        memset(b.ip, i, sizeof b.ip);
        storm_note(&s, &never, T0, &a);
        if (i < 2)
            storm_note(&s, &never, T0, &b);
    }
    storm_note(&s, &never, T0, &c);
    assert_string_equal(begun(&s),
                        "6 invalid bounces in a minute; top clients unknown 3, unix 2, 2001:db8::1 1");
}

/* ---- texts --------------------------------------------------------------------------------------- */

/* Who has a part in it: for a minute, and nobody else. */
static void test_has(void **state)
{
    const struct storm_limits limits = {.threshold = 2, .quiet = 600};
    struct net_addr a = {.family = NET_UNIX}, b = {.family = NET_UNKNOWN};
    struct storm s = {.on = false};

    (void)state;
    assert_false(storm_has(&s, &a));
    storm_note(&s, &limits, 1000, &a);
    assert_true(storm_has(&s, &a));
    assert_false(storm_has(&s, &b));
    storm_tick(&s, &limits, 1000 + STORM_SECONDS - 1);
    assert_true(storm_has(&s, &a));
    storm_tick(&s, &limits, 1000 + STORM_SECONDS);
    assert_false(storm_has(&s, &a));
}

static void test_end_text(void **state)
{
    static const struct {
        int64_t seconds;
        const char *want;
    } rows[] = {
        {2, "12 invalid bounces in 2 seconds"},      {119, "12 invalid bounces in 119 seconds"},
        {120, "12 invalid bounces in 2 minutes"},    {3599, "12 invalid bounces in 59 minutes"},
        {7199, "12 invalid bounces in 119 minutes"}, {7200, "12 invalid bounces in 2 hours"},
        {90000, "12 invalid bounces in 25 hours"},
    };
    char text[STORM_TEXT];
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct storm s = {.since = 1000, .clock = 1000 + rows[i].seconds, .total = 12};
        storm_describe_end(text, &s);
        if (strcmp(text, rows[i].want) != 0) {
            print_error("%lld seconds: %s\n", (long long)rows[i].seconds, text);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
}

/* Counted from the minute that began it to its end, not after. */
static void test_total(void **state)
{
    static const struct storm_limits ten = {10, 100};
    struct storm s = {.on = false};
    char text[STORM_TEXT];

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        note(&s, &ten, T0 - 70, i);
    for (unsigned i = 0; i < 5; i++)
        note(&s, &ten, T0 - 30, i);
    for (unsigned i = 0; i < 7; i++)
        note(&s, &ten, T0, i);
    for (unsigned i = 0; i < 3; i++)
        note(&s, &ten, T0 + 50, i);
    assert_int_equal(storm_tick(&s, &ten, T0 + 99), STORM_SAME);
    assert_int_equal(note(&s, &ten, T0 + 150, 1), STORM_ENDS);
    note(&s, &ten, T0 + 160, 1);
    storm_describe_end(text, &s);
    assert_string_equal(text, "15 invalid bounces in 2 minutes");
}

/* The longest text fits. */
static void test_longest(void **state)
{
    struct storm s = {.on = false};
    struct net_addr a;
    unsigned char ip[NET_OCTETS];

    (void)state;
    memset(ip, 0xff, sizeof ip);
    for (unsigned char i = 0; i < STORM_TOP; i++) {
        ip[15] = (unsigned char)(0xff - i);
        net_addr_v6(&a, ip);
        storm_note(&s, &never, T0, &a);
        s.client[i].window.sum = (unsigned long)-1;
        s.client[i].exact_from = INT64_MAX;
    }
    s.all.sum = (unsigned long)-1;
    assert_true(strlen(begun(&s)) < STORM_TEXT - 1);
    assert_non_null(strstr(begun(&s), "ffff:fffb at most 18446744073709551615"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenes),     cmocka_unit_test(test_reload),
        cmocka_unit_test(test_top),        cmocka_unit_test(test_many_clients),
        cmocka_unit_test(test_pushed_out), cmocka_unit_test(test_odd_clients),
        cmocka_unit_test(test_has),        cmocka_unit_test(test_end_text),
        cmocka_unit_test(test_total),      cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <cmocka.h>

#include "test/unit/keys_make.h"

#define EXPIRED                                                                                                \
    {                                                                                                          \
        .expired = true                                                                                        \
    }
#define ALL                                                                                                    \
    {                                                                                                          \
        .all_but_current = true                                                                                \
    }
#define UNUSED(days)                                                                                           \
    {                                                                                                          \
        .unused = true, .unused_for = (int64_t)(days)*DAY                                                      \
    }
#define NUMBER(n)                                                                                              \
    {                                                                                                          \
        .numbers = 1U << (n)                                                                                   \
    }

/* fate: a letter a key: s(tays), g(oes), l(ive). With lifetime 7, nine days of afterlife are 777600 s. */
static const struct {
    const char *name, *ring;
    struct keys_rule rule;
    const char *fate, *after, *said; /* said: refused */
} rows[] = {
    {"expired: one key, signing", "3@-500", EXPIRED, "s", "", ""},
    {"expired: verifies in its last second", "1@-20 2@-777600s", EXPIRED, "ss", "", ""},
    {"expired: a second later", "1@-20 2@-777601s", EXPIRED, "gs", "2 | 1:0", ""},
    {"expired: by the lifetime of its own", "1@-20/8 2@-777601s", EXPIRED, "ss", "", ""},
    {"expired: all that are, in any number", "1@-90 2@-80 3@-70 4@-5 5@-4 6@+1", EXPIRED, "ggssss",
     "3 4 5 6 | 1:0 2:0", ""},
    {"expired: lifetimes that differ", "1@-90/180 2@-80 3@-40 4@-5", EXPIRED, "sgss", "1 3 4 | 2:0", ""},
    {"expired: no key signs yet", "1@+1 2@+2", EXPIRED, "ss", "", ""},
    {"expired: tombstones are kept in order", "5@-90 6@-20 x1@-600 x3@+4 x7@+5", EXPIRED, "gs",
     "6 | 1:-51840000 3:345600 5:0 7:432000", ""},
    {"unused: a second too short", "1@-99 2@-2591999s", UNUSED(30), "ss", "", ""},
    {"unused: to the second", "1@-99 2@-2592000s", UNUSED(30), "gs", "2 | 1:0", ""},
    {"unused: counts from the end, not from the beginning", "1@-99 2@-29", UNUSED(30), "ss", "", ""},
    {"unused: the signing key is in use", "1@-99", UNUSED(30), "s", "", ""},
    {"unused: a staged key too", "1@-99 2@+1", UNUSED(0), "ss", "", ""},
    {"unused: long enough, but alive", "1@-99/40 2@-31", UNUSED(30), "ls", "", ""},
    {"unused: none at all", "1@-99 2@0", UNUSED(0), "ls", "", ""},
    {"all but current: retired ones go, live ones stay", "1@-99 2@-50 3@-5 4@+1", ALL, "glss", "2 3 4 | 1:0",
     ""},
    {"all but current: nothing but the current", "4@-5 5@+1", ALL, "ss", "", ""},
    {"number: retired", "1@-99 2@-50 3@-40", NUMBER(2), "sgs", "1 3 | 2:0", ""},
    {"number: the oldest", "1@-99 2@-50 3@-40", NUMBER(1), "gss", "2 3 | 1:0", ""},
    {"number: in its last second", "1@-20 2@-777600s", NUMBER(1), "", "",
     "bounces to tags of key 1, issued until 2024-09-25T00:00:00Z and good until 2024-10-04T00:00:00Z, would "
     "be "
     "refused; only --force purges it"},
    {"number: signing", "1@-20 2@-5", NUMBER(2), "", "", "key 2 signs, and is never purged"},
    {"number: staged", "1@-20 2@1", NUMBER(2), "", "", "key 2 is staged, and will sign; only --force"},
    {"number: nobody's", "1@-20 x2@9", NUMBER(3), "", "", "no key has the number 3"},
    {"number: purged already", "1@-20 x2@9", NUMBER(2), "s", "", ""},
    {"number: one may, another may not",
     "1@-99 2@-50 3@-5",
     {.numbers = 6},
     "",
     "",
     "bounces to tags of key 2, issued until 2024-09-29T00:00:00Z and good until 2024-10-08T00:00:00Z"},
    {"two rules: either fits",
     "1@-99 2@-50/90 3@-40",
     {.unused = true, .unused_for = 40 * DAY, .numbers = 2},
     "gls",
     "2 3 | 1:0",
     ""},
    {"two rules: number and expired",
     "1@-99 2@-50/7 3@-40 4@-30",
     {.expired = true, .numbers = 8},
     "gggs",
     "4 | 1:0 2:0 3:0",
     ""},
    {"force: verifying", "1@-20 2@-777600s", {.numbers = 2, .force = true}, "gs", "2 | 1:0", ""},
    {"force: verifying, eight days left",
     "1@-20 2@-1",
     {.numbers = 2, .force = true},
     "gs",
     "2 | 1:691200",
     ""},
    {"force: all but current",
     "1@-99 2@-50/180 3@-5 4@+1",
     {.all_but_current = true, .force = true},
     "ggss",
     "3 4 | 1:0 2:15292800",
     ""},
    {"force: unused, alive",
     "1@-99/40 2@-31",
     {.unused = true, .unused_for = 31 * DAY, .force = true},
     "gs",
     "2 | 1:950400",
     ""},
    {"force: expired is not more", "1@-20 2@-777600s", {.expired = true, .force = true}, "ss", "", ""},
    {"force: signing", "1@-20 2@-5", {.numbers = 4, .force = true}, "", "", "never purged"},
    {"force: staged, free at once", "1@-20 2@86401s", {.numbers = 4, .force = true}, "sg", "1 | 2:0", ""},
    {"force: staged, but it may have signed where the clock is a day ahead",
     "1@-20 2@86400s",
     {.numbers = 4, .force = true},
     "sg",
     "1 | 2:777600",
     ""},
    {"force: a rule never takes a staged one",
     "1@-20 2@1",
     {.all_but_current = true, .force = true},
     "ss",
     "",
     ""},
    {"force: a staged one between two", "1@-20 2@2 3@3", {.numbers = 4, .force = true}, "sgs", "1 3 | 2:0", ""},
    {"force: the only key", "1@1", {.numbers = 2, .force = true}, "", "", "no key would be left"},
    {"force: all keys", "1@1 2@2", {.numbers = 6, .force = true}, "", "", "no key would be left"},
    {"force: the signing key's time has come just now",
     "1@-20 2@0 3@1",
     {.numbers = 4, .force = true},
     "",
     "",
     "never purged"},
};

static char letter(enum keys_fate fate)
{
    return "sgl"[fate];
}

static void test_rules(void **state)
{
    char fates[KEYS_MAX + 1], after[DESCRIPTION];
    struct keys_ring ring, before;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bool refused = rows[r].said[0] != '\0', changed = rows[r].after[0] != '\0';
        make_ring(&ring, rows[r].ring);
        before = ring;
        memset(fate, 0x55, sizeof fate);
        err.text[0] = '\0';
        int n = keys_purge(&ring, &rows[r].rule, "me@here", NOW, fate, &err);
        if (refused ? n != -1 : n != (int)(before.count - ring.count) || strstr(err.text, rows[r].said) == NULL)
            fail_msg("%s: %d, \"%s\"", rows[r].name, n, err.text);
        if (strstr(err.text, rows[r].said) == NULL)
            fail_msg("%s: \"%s\"", rows[r].name, err.text);
        if (!changed && memcmp(&ring, &before, sizeof ring) != 0)
            fail_msg("%s: the ring is changed", rows[r].name);
        if (refused)
            continue;
        for (size_t i = 0; i <= before.count; i++)
            fates[i] = i == before.count ? '\0' : letter(fate[i]);
        if (strcmp(fates, rows[r].fate) != 0)
            fail_msg("%s: fates %s", rows[r].name, fates);
        describe(after, &ring);
        if (changed && strcmp(after, rows[r].after) != 0)
            fail_msg("%s: %s", rows[r].name, after);
        if (changed)
            expect_stamp(rows[r].name, &ring, &before, NOW);
    }
}

/* What stays, stays as it is; what goes leaves nothing. */
static void test_rest(void **state)
{
    static const struct keys_key none;
    struct keys_rule rule = {.numbers = 1U << 2, .force = true};
    struct keys_ring ring, before;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;

    (void)state;
    make_ring(&ring, "1@-30/180 2@-20 3@-10 4@1");
    before = ring;
    assert_int_equal(keys_purge(&ring, &rule, "me@here", NOW, fate, &err), 1);
    assert_memory_equal(&ring.key[0], &before.key[0], sizeof ring.key[0]);
    before.key[2].sign_from = before.key[1].sign_from;
    assert_memory_equal(&ring.key[1], &before.key[2], 2 * sizeof ring.key[0]);
    assert_memory_equal(&ring.key[3], &none, sizeof none);
    assert_int_equal(ring.purged[0].purged, NOW);
    ring.generation = KEYS_GENERATION_MAX;
    before = ring;
    rule.numbers = 1U << 1;
    assert_int_equal(keys_purge(&ring, &rule, "me@here", NOW, fate, &err), -1);
    assert_non_null(strstr(err.text, "generation"));
    assert_true(same_rings(&ring, &before));
}

/* Keys that go by force, and where the others begin then. */
static const struct {
    const char *name, *ring;
    unsigned number;
    const char *after;
} moves[] = {
    /* 1 ended at the beginning of 2, 50 days ago; else it would end 5 days ago, and verify again */
    {"a retired key keeps its end", "1@-99 2@-50 3@-5", 2, "1@-99 3@-50"},
    {"behind other retired keys", "0@-150 1@-99 2@-50 3@-5 4@-1", 2, "0@-150 1@-99 3@-50 4@-1"},
    {"that of the last one only", "0@-150 1@-99 2@-50 3@-40 4@-5", 3, "0@-150 1@-99 2@-50 4@-40"},
    {"a verifying key", "1@-99/180 2@-50 3@-5", 2, "1@-99/180 3@-50"},
    {"for a second only", "1@-99 2@-1s 3@0", 2, "1@-99 3@-1s"},
    {"since just now", "1@-99 2@-50 3@0 4@1", 2, "1@-99 3@-50 4@1"},
    {"the oldest: none before it", "1@-99 2@-50 3@-5", 1, "2@-50 3@-5"},
    {"the oldest, ended a day ago", "1@-99 2@-86400s", 1, "2@-86400s"},
    {"the oldest, ended within a day: by a slow clock it signs still", "1@-99 2@-86399s", 1, "2@-99"},
    {"the oldest, ended now", "1@-99 2@0 3@1", 1, "2@-99 3@1"},
    {"the oldest of staged ones", "1@1 2@2", 1, "2@2"},
    {"a staged one: the one before signs on", "1@-99 2@-50 3@5 4@6", 3, "1@-99 2@-50 4@6"},
    {"a staged one, in a second", "1@-99 2@-50 3@1s 4@6", 3, "1@-99 2@-50 4@6"},
};

static void test_moves(void **state)
{
    struct keys_ring ring, want;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;

    (void)state;
    for (size_t r = 0; r < sizeof moves / sizeof *moves; r++) {
        struct keys_rule rule = {.numbers = 1U << moves[r].number, .force = true};
        make_ring(&ring, moves[r].ring);
        make_ring(&want, moves[r].after);
        if (keys_purge(&ring, &rule, "me@here", NOW, fate, &err) != 1 || ring.count != want.count)
            fail_msg("%s: %s", moves[r].name, err.text);
        for (size_t i = 0; i < want.count; i++)
            if (ring.key[i].number != want.key[i].number || ring.key[i].sign_from != want.key[i].sign_from ||
                ring.key[i].lifetime != want.key[i].lifetime ||
                memcmp(ring.key[i].secret, want.key[i].secret, KEYS_SECRET_NEW) != 0)
                fail_msg("%s: key %u from %lld", moves[r].name, ring.key[i].number,
                         (long long)(ring.key[i].sign_from - NOW));
    }
}

static void test_moves_over_two(void **state)
{
    struct keys_rule rule = {.numbers = 1U << 2 | 1U << 3, .force = true};
    struct keys_ring ring;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;

    (void)state;
    make_ring(&ring, "1@-99/180 2@-50 3@-40 4@-5");
    assert_int_equal(keys_purge(&ring, &rule, "me@here", NOW, fate, &err), 2);
    assert_int_equal(ring.key[1].number, 4);
    assert_int_equal(ring.key[1].sign_from, NOW - 50 * DAY);
}

/* The signing key and the retired ones at all seconds around a change of keys. */
static void test_never_signing(void **state)
{
    struct keys_rule rule = {.expired = true, .all_but_current = true, .unused = true, .force = true};
    struct keys_ring ring;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;

    (void)state;
    for (int64_t now = NOW - 2; now <= NOW + 2; now++) {
        make_ring(&ring, "1@-9 2@0 3@9");
        assert_int_equal(keys_purge(&ring, &rule, "me@here", now, fate, &err), now < NOW ? 0 : 1);
        assert_int_equal(keys_find(&ring, 1), now < NOW ? 0 : -1);
    }
}

static const struct {
    const char *text;
    int64_t seconds; /* -1: refused */
} ages[] = {
    {"1m", 30 * DAY},
    {"3m", 90 * DAY},
    {"6m", 180 * DAY},
    {"12m", 360 * DAY},
    {"0m", 0},
    {"1y", 365 * DAY},
    {"10d", 10 * DAY},
    {"2w", 14 * DAY},
    {"36h", 36 * 3600},
    {"90s", 90},
    {"1216m", INT64_C(1216) * 30 * DAY}, /* 36480 days; 100 years have 36500 */
    {"1217m", -1},
    {"00000001m", 30 * DAY},
    {"000000001m", -1},
    {"99999999m", -1},
    {"999999999999999m", -1},
    {"m", -1},
    {"-1m", -1},
    {"1M", -1},
    {"1mm", -1},
    {"1 m", -1},
    {"1dm", -1},
    {"", -1},
};

static void test_ages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        int64_t seconds = -1;
        bool good = keys_age_read(&seconds, bv_str(ages[i].text));
        if (good != (ages[i].seconds >= 0) || seconds != ages[i].seconds)
            fail_msg("%s: %d, %lld", ages[i].text, good, (long long)seconds);
    }
    int64_t seconds = -1;
    assert_true(keys_age_read(&seconds, (struct bv_str){"1md", 2}));
    assert_int_equal(seconds, 30 * DAY);
}

static void test_rule_words(void **state)
{
    static const char *const bad[] = {"", "expire", "Expired", "expired ", "all", "month", "3"};
    struct keys_rule rule, untouched = {.numbers = 5};

    (void)state;
    assert_true(keys_rule_read(&rule, bv_str("expired")));
    assert_true(rule.expired && !rule.all_but_current && !rule.unused && !rule.force && rule.numbers == 0);
    assert_true(keys_rule_read(&rule, bv_str("all-but-current")));
    assert_true(!rule.expired && rule.all_but_current && !rule.unused);
    assert_true(keys_rule_read(&rule, bv_str("3m")));
    assert_true(!rule.expired && !rule.all_but_current && rule.unused && rule.unused_for == 90 * DAY);
    rule = untouched;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (keys_rule_read(&rule, bv_str(bad[i])) || memcmp(&rule, &untouched, sizeof rule) != 0)
            fail_msg("\"%s\" is taken", bad[i]);
}

static const struct {
    const char *name, *ring;
    struct keys_rule rule;
    int64_t sign_from;
    const char *after, *said;
} both[] = {
    {"stages, purges nothing", "1@-20 2@-5", EXPIRED, NOW + 9, "1 2 3 |", ""},
    {"stages and purges", "1@-99 2@-50 3@-5", EXPIRED, NOW + 9, "2 3 4 | 1:0", ""},
    {"the key in use is not superseded yet", "1@-99 2@-50", ALL, NOW + 9, "2 3 | 1:0", ""},
    {"nor is it when the new one signs at once", "1@-99 2@-50", ALL, NOW, "2 3 | 1:0", ""},
    {"a live one stays", "1@-99 2@-5", ALL, NOW + 9, "1 2 3 |", ""},
    {"by age", "1@-99 2@-60 3@-30 4@-15", UNUSED(30), NOW + 9, "3 4 5 | 1:0 2:0", ""},
    {"the number of a key that goes is not taken while others are free", "9@-50 8@-15", EXPIRED, NOW + 9,
     "8 0 | 9:0", ""},
    {"it is when no other is", "9@-50 8@-15 x0@1 x1@1 x2@1 x3@1 x4@1 x5@1 x6@1 x7@1", EXPIRED, NOW + 9,
     "8 9 | 0:86400 1:86400 2:86400 3:86400 4:86400 5:86400 6:86400 7:86400", ""},
    {"none is free all the same", "9@-15 8@-5 x0@1 x1@1 x2@1 x3@1 x4@1 x5@1 x6@1 x7@1", EXPIRED, NOW + 9, "",
     "no key number is free; the first will be 0"},
    {"begins too early, and nothing is purged", "1@-99 2@-50 3@1", EXPIRED, NOW + 9, "",
     "key 3 is staged and waits"},
};

static void test_both(void **state)
{
    struct keys_ring ring, before;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;
    char after[DESCRIPTION];

    (void)state;
    for (size_t r = 0; r < sizeof both / sizeof *both; r++) {
        struct keys_new how = {.lifetime = 7, .sign_from = both[r].sign_from, .by = "me@here"};
        make_ring(&ring, both[r].ring);
        before = ring;
        err.text[0] = '\0';
        int index = keys_rotate_and_purge(&ring, &how, &both[r].rule, NOW, fate, &err);
        describe(after, &ring);
        if (both[r].said[0] != '\0') {
            if (index != -1 || memcmp(&ring, &before, sizeof ring) != 0 ||
                strstr(err.text, both[r].said) == NULL)
                fail_msg("%s: %d, %s, \"%s\"", both[r].name, index, after, err.text);
            continue;
        }
        if (index != (int)ring.count - 1 || strcmp(after, both[r].after) != 0)
            fail_msg("%s: %d, %s, %s", both[r].name, index, after, err.text);
        expect_stamp(both[r].name, &ring, &before, NOW);
        for (size_t i = 0; i < before.count; i++) {
            int now_at = keys_find(&ring, before.key[i].number);
            bool went = now_at < 0 || ring.key[now_at].sign_from != before.key[i].sign_from;
            if (went != (fate[i] == KEYS_GOES))
                fail_msg("%s: fate of key %zu", both[r].name, i);
        }
    }
    /* the last generation is reached by one step, though two things are done */
    make_ring(&ring, "1@-99 2@-50 3@-5");
    ring.generation = KEYS_GENERATION_MAX - 1;
    struct keys_new how = {.lifetime = 7, .sign_from = NOW, .by = "me@here"};
    struct keys_rule rule = EXPIRED;
    assert_int_equal(keys_rotate_and_purge(&ring, &how, &rule, NOW, fate, &err), 2);
    assert_true(ring.generation == KEYS_GENERATION_MAX);
    how.sign_from++;
    assert_int_equal(keys_rotate_and_purge(&ring, &how, &rule, NOW, fate, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_rest),
        cmocka_unit_test(test_never_signing),  cmocka_unit_test(test_moves),
        cmocka_unit_test(test_moves_over_two), cmocka_unit_test(test_ages),
        cmocka_unit_test(test_rule_words),     cmocka_unit_test(test_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <inttypes.h>
#include <cmocka.h>

#include "test/unit/milter_sample.h"

/* When a warm-up ends: one lifetime of the key that signs after the ring first signed, or after a row's since=. */

enum { DAY = BV_DAY_SECONDS };

#define RING 1795000000 /* when the ring first signed: 2026-11-18T11:06:40Z */

static const struct {
    const char *name;
    bool configured, signs;
    unsigned lifetime;
    int64_t ring, row; /* row -1: no row */
    int64_t want;
} rows[] = {
    {"no row", true, true, 7, RING, -1, RING + 7 * DAY},
    {"a row without since=", true, true, 7, RING, 0, RING + 7 * DAY},
    {"a row that begins earlier", true, true, 7, RING, RING - 1, RING + 7 * DAY},
    {"a row that begins at the same second", true, true, 7, RING, RING, RING + 7 * DAY},
    {"a row that begins a second later", true, true, 7, RING, RING + 1, RING + 1 + 7 * DAY},
    {"a row that begins long after", true, true, 7, RING, RING + 300 * DAY, RING + 307 * DAY},
    {"a row that begins long before", true, true, 7, RING, 1, RING + 7 * DAY},
    {"the shortest lifetime", true, true, 1, RING, -1, RING + DAY},
    {"the longest lifetime", true, true, BV_LIFETIME_MAX, RING, -1, RING + (int64_t)BV_LIFETIME_MAX *DAY},
    {"the longest lifetime, a row's", true, true, BV_LIFETIME_MAX, RING, RING + DAY,
     RING + (int64_t)(BV_LIFETIME_MAX + 1) * DAY},
    {"a ring that does not say when", true, true, 7, 0, -1, 7 * DAY},
    {"a row says when, the ring does not", true, true, 7, 0, RING, RING + 7 * DAY},
    {"a row in the year 9999", true, true, 180, RING, INT64_C(253402300799), INT64_C(253402300799) + 180 * DAY},
    {"no key signs", true, false, 7, RING, -1, INT64_MAX},
    {"no key signs, a row without since=", true, false, 7, RING, 0, INT64_MAX},
    {"no key signs, a row", true, false, 7, RING, RING - 300 * DAY, INT64_MAX},
    {"off", false, true, 7, RING, -1, INT64_MIN},
    {"off, a row", false, true, 7, RING, RING + DAY, INT64_MIN},
    {"off, no key signs", false, false, 7, RING, -1, INT64_MIN},
    {"off, no key signs, a row", false, false, 7, RING, RING + DAY, INT64_MIN},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct policy policy = {.warmup = rows[i].configured};
        const struct bv_key key = {.number = 3, .lifetime = rows[i].lifetime, .honoured = true};
        struct policy_keys keys = {.since = rows[i].ring, .signing = rows[i].signs ? &key : NULL};
        const struct domain row = {.since = rows[i].row};
        for (keys.now = 0; keys.now <= 2 * (int64_t)RING;
             keys.now += RING) { /* the time now is nothing to it */
            int64_t got = policy_warm_until(&policy, &keys, rows[i].row < 0 ? NULL : &row);
            if (got != rows[i].want)
                fail_msg("%s: %" PRId64 ", expected %" PRId64, rows[i].name, got, rows[i].want);
        }
    }
}

/* A bounce in the last second is marked, and in the next refused. */
static void test_to_the_second(void **state)
{
    const struct policy_facts facts = {.direction = DIRECTION_INBOUND, .null_sender = true};
    char address[BV_ADDR_QUOTED];
    struct sample s;
    struct decision d;

    (void)state;
    sample_init(&s);
    s.policy.warmup = true;
    for (int i = 0; i < 2; i++) {
        s.policy.domains.row[0].since = i == 0 ? 0 : RING;
        s.keys.since = i == 0 ? RING : 1;
        for (int64_t seconds = -2; seconds <= 1; seconds++) {
            s.keys.now = RING + 7 * DAY + seconds;
            assert_int_equal(policy_warm_until(&s.policy, &s.keys, &s.policy.domains.row[0]), RING + 7 * DAY);
            policy_rcpt(&d, address, &s.policy, &s.keys, &facts, bv_str("user@d.example"));
            if (d.action != (seconds < 0 ? ACTION_MARK : ACTION_REJECT) || d.warming != (seconds < 0))
                fail_msg("%s, %d s: %s, warming %d", i == 0 ? "ring" : "row", (int)seconds,
                         action_word(d.action), d.warming);
        }
    }
    sample_free(&s);
}

/* A table's since= reaches the row. */
static void test_table(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    sample_domains(&s, "d.example reject since=2026-11-20T00:00:00Z\n.d.example mark\n");
    s.policy.warmup = true;
    s.keys.since = 1;
    assert_int_equal(
        policy_warm_until(&s.policy, &s.keys, domains_find(&s.policy.domains, bv_str("d.example"))),
        (int64_t)(20777 + 7) * DAY);
    assert_int_equal(
        policy_warm_until(&s.policy, &s.keys, domains_find(&s.policy.domains, bv_str("x.d.example"))),
        1 + 7 * DAY);
    sample_free(&s);
}

/* A key that comes later with a longer lifetime does not bring the warm-up back. */
static void test_rotation(void **state)
{
    static struct keys_ring ring = {.signing_since = RING, .count = 2};
    const struct policy policy = {.warmup = true};
    const struct bv_key key = {.number = 4, .lifetime = 180, .honoured = true};
    const struct policy_keys keys = {.ring = &ring, .since = RING, .signing = &key, .now = RING + 100 * DAY};
    const struct domain later = {.since = RING + 100 * DAY};

    (void)state;
    ring.key[0] = (struct keys_key){.number = 3, .lifetime = 7, .sign_from = RING};
    ring.key[1] = (struct keys_key){.number = 4, .lifetime = 180, .sign_from = RING + 99 * DAY};
    assert_int_equal(policy_warm_until(&policy, &keys, NULL), RING + 7 * DAY);
    assert_int_equal(policy_warm_until(&policy, &keys, &later), RING + (int64_t)280 * DAY);
    ring.key[0].sign_from = RING + 1; /* the first is gone: the oldest counts */
    assert_int_equal(policy_warm_until(&policy, &keys, NULL), RING + 7 * DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_to_the_second),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

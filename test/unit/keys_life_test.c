#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <cmocka.h>

#include "keys/parts.h"
#include "test/unit/keys_make.h"

/*
 * Random edits at random times, and beside them a simple account of what every
 * key has signed, which knows nothing of how the ring keeps its states.
 */
enum { SEEDS = 200, STEPS = 120, GONE_MAX = 400 };

struct account {
    int64_t now;
    struct keys_ring ring;
    struct keys_ring before;
    /* by number */
    int64_t made[10]; /* when the last tag was made; -1: none */
    unsigned lifetime[10];
    bool retired[10];
    int64_t reusable[10]; /* of the last tombstone */
    size_t gone_count;
    unsigned char gone[GONE_MAX][KEYS_SECRET_NEW]; /* secrets that were removed */
    bool own_number;
    char what[64];
};

static uint64_t seed, random_state;

static unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 20) % n);
}

/* From seconds to months, round and crooked. */
static int64_t span(void)
{
    static const int64_t unit[] = {1, 1, 3600, DAY, DAY, 30 * DAY};

    return unit[pick(6)] * pick(12) + (pick(3) == 0 ? (int64_t)pick(4) - 2 : 0);
}

#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (!(condition))                                                                                      \
            fail_msg("seed %llu, %s: " #condition, (unsigned long long)seed, a->what);                         \
    } while (0)

/* Lets time pass: whoever signs makes tags until the last second. */
static void wait_for(struct account *a, int64_t seconds)
{
    int64_t from = a->now;

    a->now += seconds;
    for (size_t i = 0; i < a->ring.count; i++) {
        const struct keys_key *key = &a->ring.key[i];
        int64_t end = i + 1 < a->ring.count ? a->ring.key[i + 1].sign_from : a->now;
        if (end > a->now)
            end = a->now;
        if (end > from && end > key->sign_from)
            a->made[key->number] = end - 1;
    }
}

/* The day after a tag's last day. */
static int64_t dead(const struct account *a, unsigned number)
{
    return (int64_t)(bv_day(a->made[number]) + (long)a->lifetime[number] + 1) * DAY;
}

static bool same_key(const struct keys_key *a, const struct keys_key *b)
{
    return a->secret_len == b->secret_len && memcmp(a->secret, b->secret, a->secret_len) == 0;
}

/* What a key that is in the ring now, and was not before, must observe. */
static void check_new(struct account *a, const struct keys_key *key)
{
    unsigned n = key->number;

    CHECK(a->own_number || a->now >= a->reusable[n]);
    CHECK(a->own_number || a->made[n] < 0 || a->now >= dead(a, n));
    a->made[n] = -1;
    a->lifetime[n] = key->lifetime;
    a->retired[n] = false;
    a->reusable[n] = 0;
}

static void bury(struct account *a, const struct keys_key *key)
{
    int stone = keys_find_purged(&a->ring, key->number);

    assert_true(a->gone_count < GONE_MAX);
    memcpy(a->gone[a->gone_count++], key->secret, KEYS_SECRET_NEW);
    if (stone < 0) {
        /* taken again in the same step: the last resort of revoke, or of a rotation that purges */
        CHECK((a->own_number || a->retired[key->number]) && keys_find(&a->ring, key->number) >= 0);
        return;
    }
    a->reusable[key->number] = a->ring.purged[stone].reusable;
    CHECK(a->ring.purged[stone].purged == a->now);
    CHECK(a->reusable[key->number] >= a->now);
    CHECK(a->made[key->number] < 0 || a->reusable[key->number] >= dead(a, key->number));
}

/* Compares the ring with what it was before an edit. */
static void account_for(struct account *a)
{
    for (size_t i = 0; i < a->before.count; i++) {
        int at = keys_find(&a->ring, a->before.key[i].number);
        if (at < 0 || !same_key(&a->ring.key[at], &a->before.key[i]))
            bury(a, &a->before.key[i]);
    }
    for (size_t i = 0; i < a->ring.count; i++) {
        int was = keys_find(&a->before, a->ring.key[i].number);
        if (was < 0 || !same_key(&a->before.key[was], &a->ring.key[i]))
            check_new(a, &a->ring.key[i]);
    }
}

/* What holds at all times. */
static void check_state(struct account *a)
{
    unsigned signing = 0;

    CHECK(a->ring.count >= 1 && a->ring.count <= KEYS_MAX && a->ring.purged_count <= KEYS_MAX);
    for (size_t i = 0; i < a->ring.count; i++) {
        unsigned n = a->ring.key[i].number;
        enum keys_phase phase = keys_phase(&a->ring, i, a->now);
        signing += phase == KEYS_SIGNING;
        CHECK(i == 0 || a->ring.key[i - 1].sign_from < a->ring.key[i].sign_from);
        CHECK(keys_find(&a->ring, n) == (int)i && keys_find_purged(&a->ring, n) < 0);
        CHECK(!a->retired[n] || phase == KEYS_RETIRED);
        /* a bounce to a tag that is in time is never refused as long as the key is there */
        CHECK(phase != KEYS_RETIRED || a->made[n] < 0 || a->now >= dead(a, n));
        a->retired[n] = phase == KEYS_RETIRED;
    }
    for (size_t i = 1; i < a->ring.purged_count; i++)
        CHECK(a->ring.purged[i - 1].number < a->ring.purged[i].number);
    CHECK(signing == 1);
}

/* What is written: it reads back the same, and holds no secret that was removed. */
static void check_text(struct account *a)
{
    char *text, *public, base64[KEYS_SECRET_TEXT + 1];
    struct keys_ring again;
    struct keys_error err;
    size_t n = 0, public_n = 0;

    text = keys_json_write(&a->ring, &n, &err);
    CHECK(text != NULL);
    if (keys_json_read(&again, (struct bv_str){text, n}, &err) != 0)
        fail_msg("seed %llu, %s: %s", (unsigned long long)seed, a->what, err.text);
    CHECK(keys_same(&a->ring, &again, &err) == 1);
    public = keys_json_write_public(&a->ring, &public_n, &err);
    CHECK(public != NULL && strstr(public, "secret") == NULL && strstr(public, "checksum") == NULL);
    for (size_t i = 0; i < a->gone_count + a->ring.count; i++) {
        const unsigned char *secret = i < a->gone_count ? a->gone[i] : a->ring.key[i - a->gone_count].secret;
        keys_base64_write(base64, secret, KEYS_SECRET_NEW);
        base64[20] = '\0';
        CHECK((strstr(text, base64) != NULL) == (i >= a->gone_count));
        CHECK(strstr(public, base64) == NULL);
    }
    for (size_t i = a->ring.count; i < KEYS_MAX; i++)
        for (size_t j = 0; j < a->gone_count; j++)
            CHECK(memcmp(a->ring.key[i].secret, a->gone[j], KEYS_SECRET_NEW) != 0);
    keys_json_free(text, n);
    keys_json_free(public, public_n);
}

static struct keys_rule random_rule(bool named)
{
    return (struct keys_rule){.expired = pick(2) == 0,
                              .all_but_current = pick(4) == 0,
                              .unused = pick(3) == 0,
                              .unused_for = span() + 2,
                              .numbers = named && pick(2) == 0 ? 1U << pick(10) : 0,
                              .force = named && pick(2) == 0};
}

/* No key that has ended may end at another time because others go. */
static void check_ends(struct account *a)
{
    struct keys_times before, after;

    for (size_t i = 0; i < a->before.count; i++) {
        enum keys_phase phase = keys_phase(&a->before, i, a->now);
        int at = keys_find(&a->ring, a->before.key[i].number);
        if (phase == KEYS_STAGED || phase == KEYS_SIGNING || at < 0)
            continue;
        keys_times(&before, &a->before, i);
        keys_times(&after, &a->ring, (size_t)at);
        CHECK(before.signs_until == after.signs_until || !same_key(&a->before.key[i], &a->ring.key[at]));
    }
}

static int edit_purge(struct account *a, struct keys_error *err)
{
    struct keys_rule rule = random_rule(true);
    enum keys_fate fate[KEYS_MAX];
    int n;

    snprintf(a->what, sizeof a->what, "purge%s, numbers %x", rule.force ? " --force" : "", rule.numbers);
    n = keys_purge(&a->ring, &rule, "me@here", a->now, fate, err);
    CHECK(n < 0 || (int)(a->before.count - a->ring.count) == n);
    for (size_t i = 0; n >= 0 && i < a->before.count; i++) {
        enum keys_phase phase = keys_phase(&a->before, i, a->now);
        CHECK((fate[i] == KEYS_GOES) == (keys_find(&a->ring, a->before.key[i].number) < 0));
        CHECK(fate[i] != KEYS_GOES || phase != KEYS_SIGNING);
        CHECK(fate[i] != KEYS_GOES || phase == KEYS_RETIRED || rule.force);
        CHECK(fate[i] != KEYS_GOES || phase != KEYS_STAGED || rule.numbers == 1U << a->before.key[i].number);
        CHECK(fate[i] != KEYS_LIVE || (phase == KEYS_VERIFYING && !rule.force));
        CHECK(!rule.expired || phase != KEYS_RETIRED || fate[i] == KEYS_GOES);
    }
    check_ends(a);
    return n;
}

static int edit_revoke(struct account *a, struct keys_error *err)
{
    struct keys_revoked out;
    unsigned number = pick(10);
    int result;

    snprintf(a->what, sizeof a->what, "revoke %u", number);
    result = keys_revoke(&a->ring, number, "me@here", a->now, &out, err);
    CHECK((result == 0) == (keys_find(&a->before, number) >= 0));
    a->own_number = result == 0 && out.own_number;
    CHECK(result != 0 || a->own_number || keys_find(&a->ring, number) < 0);
    check_ends(a);
    CHECK(result != 0 || out.heir < 0 || keys_phase(&a->ring, (size_t)out.heir, a->now) == KEYS_SIGNING);
    return result == 0 ? 1 : -1;
}

static int edit_add(struct account *a, struct keys_error *err)
{
    struct keys_key key = {.number = pick(10), .lifetime = 1 + pick(40), .secret_len = KEYS_SECRET_NEW};

    key.sign_from = a->now + (pick(2) == 0 ? span() : -span());
    assert_int_equal(keys_generate(key.secret, key.secret_len, err), 0);
    snprintf(a->what, sizeof a->what, "add %u from %lld", key.number, (long long)(key.sign_from - a->now));
    return keys_add(&a->ring, &key, "me@here", a->now, err) < 0 ? -1 : 1;
}

static int edit_rotate(struct account *a, bool purge, struct keys_error *err)
{
    struct keys_new how = {.lifetime = 1 + pick(40), .sign_from = a->now + span(), .by = "me@here"};
    struct keys_rule rule = random_rule(false);
    enum keys_fate fate[KEYS_MAX];
    int index;

    snprintf(a->what, sizeof a->what, "rotate%s in %lld", purge ? " and purge" : "",
             (long long)(how.sign_from - a->now));
    if (purge)
        index = keys_rotate_and_purge(&a->ring, &how, &rule, a->now, fate, err);
    else
        index = keys_rotate(&a->ring, &how, a->now, err);
    CHECK(index < 0 || (index == (int)a->ring.count - 1 && a->ring.key[index].sign_from == how.sign_from));
    return index < 0 ? -1 : 1;
}

static void step(struct account *a, unsigned done[5])
{
    struct keys_error err = {.text = ""};
    unsigned kind = pick(5);
    int result = 0;

    a->before = a->ring;
    a->own_number = false;
    switch (kind) {
    case 0:
        result = edit_purge(a, &err);
        break;
    case 1:
        result = edit_revoke(a, &err);
        break;
    case 2:
        result = edit_add(a, &err);
        break;
    default:
        result = edit_rotate(a, kind == 3, &err);
    }
    if (result > 0) {
        done[kind]++;
        expect_stamp(a->what, &a->ring, &a->before, a->now);
        account_for(a);
        check_text(a);
    } else {
        CHECK(same_rings(&a->ring, &a->before));
        CHECK((result < 0) == (err.text[0] != '\0'));
    }
    check_state(a);
}

static void test_life(void **state)
{
    struct account *a = calloc(1, sizeof *a);
    struct keys_new how = {.lifetime = 7, .sign_from = NOW, .by = "me@here"};
    struct keys_error err;
    unsigned done[5] = {0};

    (void)state;
    assert_non_null(a);
    for (seed = 1; seed <= SEEDS; seed++) {
        random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
        *a = (struct account){.now = NOW};
        assert_int_equal(keys_create(&a->ring, &how, NOW, &err), 0);
        for (int n = 0; n < 10; n++)
            a->made[n] = -1;
        strcpy(a->what, "init");
        check_new(a, &a->ring.key[0]);
        for (int i = 0; i < STEPS; i++) {
            wait_for(a, llabs(span()));
            check_state(a);
            step(a, done);
        }
    }
    free(a);
    /* the random edits must not all be refused */
    for (int i = 0; i < 5; i++)
        if (done[i] < SEEDS * STEPS / 5 / 10)
            fail_msg("edits of kind %d: only %u", i, done[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

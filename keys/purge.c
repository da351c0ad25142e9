#include "keys/parts.h"

#include <string.h>

bool keys_age_read(int64_t *out, struct bv_str text)
{
    enum { MONTH = 30, DIGITS = 8 };
    static const int64_t longest = INT64_C(100) * 365 * BV_DAY_SECONDS;
    char days[DIGITS + 1];
    int64_t seconds;

    if (text.n == 0 || text.p[text.n - 1] != 'm')
        return keys_duration_read(out, text);
    /* Elsewhere "m" is minutes, which no key's age is given in. */
    if (text.n > sizeof days)
        return false;
    memcpy(days, text.p, text.n);
    days[text.n - 1] = 'd';
    if (!keys_duration_read(&seconds, (struct bv_str){days, text.n}) || seconds > longest / MONTH)
        return false;
    *out = seconds * MONTH;
    return true;
}

bool keys_rule_read(struct keys_rule *out, struct bv_str text)
{
    struct keys_rule rule = {0};

    rule.expired = bv_str_same(text, bv_str("expired"));
    rule.all_but_current = bv_str_same(text, bv_str("all-but-current"));
    rule.unused = keys_age_read(&rule.unused_for, text);
    if (!rule.expired && !rule.all_but_current && !rule.unused)
        return false;
    *out = rule;
    return true;
}

/* Whether a rule, other than by number, fits a key. */
static bool fits(const struct keys_rule *rule, const struct keys_ring *ring, size_t i, int64_t now)
{
    enum keys_phase phase = keys_phase(ring, i, now);
    struct keys_times times;

    if (phase == KEYS_SIGNING || phase == KEYS_STAGED)
        return false;
    keys_times(&times, ring, i);
    return rule->all_but_current || (rule->expired && phase == KEYS_RETIRED) ||
           (rule->unused && now - times.signs_until >= rule->unused_for);
}

static enum keys_fate fate_of(const struct keys_rule *rule, const struct keys_ring *ring, size_t i, int64_t now)
{
    bool named = (rule->numbers >> ring->key[i].number & 1) != 0;

    if (!named && !fits(rule, ring, i, now))
        return KEYS_STAYS;
    return keys_phase(ring, i, now) == KEYS_RETIRED || rule->force ? KEYS_GOES : KEYS_LIVE;
}

static int refuse_live(const struct keys_ring *ring, size_t i, int64_t now, struct keys_error *err)
{
    char made[KEYS_TIME_LEN + 1], good[KEYS_TIME_LEN + 1];

    keys_time_write(made, ring->key[i + 1].sign_from);
    keys_time_write(good, keys_last_tag(ring, i, now));
    return keys_fail(
        err,
        "bounces to tags of key %u, issued until %s and good until %s, would be refused; only --force "
        "purges it",
        ring->key[i].number, made, good);
}

/* Whether a key that is named by number may go. Returns 0, or -1 with *err filled. */
static int check_named(const struct keys_ring *ring, size_t i, bool force, int64_t now, struct keys_error *err)
{
    unsigned number = ring->key[i].number;

    switch (keys_phase(ring, i, now)) {
    case KEYS_SIGNING:
        return keys_fail(err, "key %u signs, and is never purged: rotate, or revoke it if it is compromised",
                         number);
    case KEYS_STAGED:
        return force ? 0 : keys_fail(err, "key %u is staged, and will sign; only --force purges it", number);
    case KEYS_VERIFYING:
        return force ? 0 : refuse_live(ring, i, now, err);
    case KEYS_RETIRED:
        break;
    }
    return 0;
}

static int check_numbers(const struct keys_ring *ring, const struct keys_rule *rule, int64_t now,
                         struct keys_error *err)
{
    for (unsigned number = 0; number < BV_KEY_NUMBERS; number++) {
        int i = keys_find(ring, number);
        if ((rule->numbers >> number & 1) == 0 || keys_find_purged(ring, number) >= 0)
            continue;
        if (i < 0)
            return keys_fail(err, "no key has the number %u", number);
        if (check_named(ring, (size_t)i, rule->force, now, err) != 0)
            return -1;
    }
    return 0;
}

int keys_purge(struct keys_ring *ring, const struct keys_rule *rule, const char *by, int64_t now,
               enum keys_fate fate[KEYS_MAX], struct keys_error *err)
{
    unsigned gone = 0;
    int n = 0;

    memset(fate, 0, KEYS_MAX * sizeof *fate);
    if (keys_may_change(ring, err) != 0 || check_numbers(ring, rule, now, err) != 0)
        return -1;
    for (size_t i = 0; i < ring->count; i++) {
        fate[i] = fate_of(rule, ring, i, now);
        if (fate[i] != KEYS_GOES)
            continue;
        gone |= 1U << ring->key[i].number;
        n++;
    }
    if ((size_t)n == ring->count)
        return keys_fail(err, "no key would be left: a keyring has at least one");
    if (n > 0) {
        keys_remove(ring, gone, now);
        keys_stamp(ring, by, now);
    }
    return n;
}

int keys_rotate_and_purge(struct keys_ring *ring, const struct keys_new *how, const struct keys_rule *rule,
                          int64_t now, enum keys_fate fate[KEYS_MAX], struct keys_error *err)
{
    struct keys_ring next = *ring;
    int staged = keys_rotate(&next, how, now, err);
    int purged;

    /* Both make one change, so the second starts from the generation that the first did. */
    next.generation = ring->generation;
    purged = keys_purge(&next, rule, how->by, now, fate, err);
    if (staged < 0 && purged > 0) {
        next.generation = ring->generation;
        staged = keys_rotate(&next, how, now, err);
    }
    if (staged >= 0 && purged >= 0) {
        next.generation = ring->generation + 1;
        *ring = next;
        staged = (int)ring->count - 1; /* the newest */
    } else {
        staged = -1;
    }
    keys_wipe(&next);
    return staged;
}

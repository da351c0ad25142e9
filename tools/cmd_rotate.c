#include "tools/cmd.h"

struct rotation {
    const struct cmd *c;
    struct keys_new how;
    bool lifetime_given, algorithm_given, only_if_older;
    int64_t delay, age; /* seconds */
    bool done;          /* else the newest key is young enough */
};

static void report_new(const struct keys_ring *ring, size_t i, int64_t now)
{
    const struct keys_key *key = &ring->key[i];
    char fingerprint[KEYS_FINGERPRINT + 1], when[KEYS_TIME_LEN + 1];

    keys_fingerprint(fingerprint, key);
    keys_time_write(when, key->sign_from);
    printf("key %u: %s, fingerprint %s, %s, lifetime %u days, signs from %s\n", key->number,
           keys_phase_word(keys_phase(ring, i, now)), fingerprint, bv_algorithm_word(key->algorithm),
           key->lifetime, when);
}

static void report_old(const struct keys_ring *ring, size_t i)
{
    char signs[KEYS_TIME_LEN + 1], verifies[KEYS_TIME_LEN + 1], purgeable[KEYS_TIME_LEN + 1];
    struct keys_times times;

    keys_times(&times, ring, i);
    keys_time_write(signs, times.signs_until);
    keys_time_write(verifies, times.verifies_until);
    keys_time_write(purgeable, times.purgeable_from);
    printf("key %u: signs until %s, verifies until %s, purgeable from %s\n", ring->key[i].number, signs,
           verifies, purgeable);
}

static int report(const struct rotation *r, const struct keys_ring *ring)
{
    const struct keys_key *newest = &ring->key[ring->count - 1];
    char when[KEYS_TIME_LEN + 1];

    if (r->done) {
        printf("%s: generation %lld\n", r->c->file, (long long)ring->generation);
        report_new(ring, ring->count - 1, r->c->now);
        report_old(ring, ring->count - 2);
    } else {
        keys_time_write(when, newest->created);
        printf("%s: nothing to do, key %u is of %s\n", r->c->file, newest->number, when);
    }
    return tool_flush() == 0 ? TOOL_YES : TOOL_TROUBLE;
}

/* The whole change, under the lock: a ring that was read before it may be old. */
static int change(struct rotation *r, struct keys_ring *ring, struct keys_error *err)
{
    const struct keys_key *newest;

    if (keys_load(ring, r->c->file, err) != 0)
        return -1;
    newest = &ring->key[ring->count - 1];
    if (r->only_if_older && r->c->now - newest->created < r->age)
        return 0;
    if (!r->lifetime_given)
        r->how.lifetime = newest->lifetime;
    if (!r->algorithm_given)
        r->how.algorithm = newest->algorithm;
    if (keys_rotate(ring, &r->how, r->c->now, err) < 0)
        return -1;
    r->done = true;
    return keys_save(ring, r->c->file, err);
}

int cmd_rotate(struct cmd *c, int argc, char **argv)
{
    struct rotation r = {.c = c, .delay = 3600};
    const struct cmd_option options[] = {
        {.name = "delay", .seconds = &r.delay},
        {.name = "lifetime", .days = &r.how.lifetime, .given = &r.lifetime_given},
        {.name = "algorithm", .algorithm = &r.how.algorithm, .given = &r.algorithm_given},
        {.name = "if-older-than", .seconds = &r.age, .given = &r.only_if_older},
        {0}};
    char who[CMD_WHO];
    struct keys_ring ring;
    struct keys_error err;
    int lock, status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    cmd_who(who);
    r.how.by = who;
    r.how.sign_from = c->now + r.delay;
    lock = keys_lock(c->file, CMD_LOCK_SECONDS, &err);
    if (lock >= 0 && change(&r, &ring, &err) == 0)
        status = report(&r, &ring);
    else
        tool_say_error(c->file, &err);
    keys_unlock(lock);
    keys_wipe(&ring);
    return status;
}

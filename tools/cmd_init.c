#include "tools/cmd.h"

static int report(const struct cmd *c, const struct keys_ring *ring)
{
    const struct keys_key *key = &ring->key[0];
    char fingerprint[KEYS_FINGERPRINT + 1], when[KEYS_TIME_LEN + 1];

    keys_fingerprint(fingerprint, key);
    keys_time_write(when, key->sign_from);
    printf("%s: new keyring %s\n", c->file, ring->id);
    printf("key %u: fingerprint %s, %s, lifetime %u days, signs from %s\n", key->number, fingerprint,
           bv_algorithm_word(key->algorithm), key->lifetime, when);
    return tool_flush() == 0 ? TOOL_YES : TOOL_TROUBLE;
}

static int create(const struct cmd *c, struct keys_ring *ring, struct keys_new how, struct keys_error *err)
{
    int lock = keys_lock(c->file, CMD_LOCK_SECONDS, err);
    int result = -1;

    how.by = c->who;
    how.sign_from = c->now;
    if (lock >= 0 && keys_create(ring, &how, c->now, err) == 0)
        result = keys_save_new(ring, c->file, err);
    keys_unlock(lock);
    return result;
}

int cmd_init(struct cmd *c, int argc, char **argv)
{
    struct keys_new how = {.algorithm = BV_HMAC_SHA1, .lifetime = 7};
    const struct cmd_option options[] = {
        {.name = "lifetime", .days = &how.lifetime}, {.name = "algorithm", .algorithm = &how.algorithm}, {0}};
    struct keys_ring ring;
    struct keys_error err;
    int status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (create(c, &ring, how, &err) == 0)
        status = report(c, &ring);
    else
        tool_say_error(c->file, &err);
    keys_wipe(&ring);
    return status;
}

#include "tools/cmd.h"

static int report(const struct cmd *c, const struct keys_ring *ring)
{
    const struct keys_key *key = &ring->key[0];
    char fingerprint[KEYS_FINGERPRINT + 1], when[KEYS_TIME_LEN + 1];
    bool whole = keys_fingerprint(fingerprint, key) == 0;

    keys_time_write(when, key->sign_from);
    printf("%s: new keyring %s\n", c->file, ring->id);
    printf("key %u: fingerprint %s, %s, lifetime %u days, signs from %s\n", key->number,
           whole ? fingerprint : "-", bv_algorithm_word(key->algorithm), key->lifetime, when);
    if (!whole)
        cmd_say_no_fingerprint();
    return tool_flush() == 0 && whole ? TOOL_YES : TOOL_TROUBLE;
}

static int create(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    const struct keys_new *how = arg;

    return keys_create(ring, how, how->sign_from, err) == 0 ? 1 : -1;
}

int cmd_init(struct cmd *c, int argc, char **argv)
{
    struct keys_new how = {.algorithm = BV_HMAC_SHA1, .lifetime = 7};
    const struct cmd_option options[] = {
        {.name = "lifetime", .days = &how.lifetime}, {.name = "algorithm", .algorithm = &how.algorithm}, {0}};
    struct keys_ring ring;
    int status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    how.by = c->who;
    how.sign_from = c->now;
    if (cmd_change(c, &ring, STORE_NEW, create, &how) > 0)
        status = report(c, &ring);
    keys_wipe(&ring);
    return status;
}

#include "tools/cmd.h"

struct rotation {
    const struct cmd *c;
    struct keys_new how;
    struct keys_rule rule;
    const char *purge; /* the rule's text, or NULL */
    bool lifetime_given, algorithm_given, only_if_older;
    int64_t delay, age; /* seconds */
    struct keys_ring before;
    enum keys_fate fate[KEYS_MAX]; /* of the keys of `before` */
};

static int report(const struct rotation *r, const struct keys_ring *ring, bool done)
{
    const struct keys_key *newest = &ring->key[ring->count - 1];
    char when[KEYS_TIME_LEN + 1];
    bool whole = true;

    if (done) {
        printf("%s: generation %lld\n", r->c->file, (long long)ring->generation);
        whole = cmd_print_key(ring, ring->count - 1, r->c->now) == 0;
        cmd_print_end(ring, ring->count - 2);
        cmd_print_fates(&r->before, r->fate, r->c->now, false, "");
    } else {
        keys_time_write(when, newest->created);
        printf("%s: nothing to do, key %u is of %s\n", r->c->file, newest->number, when);
    }
    return tool_flush() == 0 && whole ? TOOL_YES : TOOL_TROUBLE;
}

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    struct rotation *r = arg;
    const struct keys_key *newest = &ring->key[ring->count - 1];
    int index;

    if (r->only_if_older && r->c->now - newest->created < r->age)
        return 0;
    if (!r->lifetime_given)
        r->how.lifetime = newest->lifetime;
    if (!r->algorithm_given)
        r->how.algorithm = newest->algorithm;
    r->before = *ring;
    if (r->purge != NULL)
        index = keys_rotate_and_purge(ring, &r->how, &r->rule, r->c->now, r->fate, err);
    else
        index = keys_rotate(ring, &r->how, r->c->now, err);
    return index < 0 ? -1 : 1;
}

int cmd_rotate(struct cmd *c, int argc, char **argv)
{
    struct rotation r = {.c = c, .delay = 3600, .how.by = c->who};
    const struct cmd_option options[] = {
        {.name = "delay", .seconds = &r.delay},
        {.name = "lifetime", .days = &r.how.lifetime, .given = &r.lifetime_given},
        {.name = "algorithm", .algorithm = &r.how.algorithm, .given = &r.algorithm_given},
        {.name = "if-older-than", .seconds = &r.age, .given = &r.only_if_older},
        {.name = "purge", .text = &r.purge},
        {0}};
    struct keys_ring ring;
    int done, status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (r.purge != NULL && !keys_rule_read(&r.rule, bv_str(r.purge))) {
        tool_say("--purge: \"%s\" is none of expired, all-but-current, and ages like 10d 1m 3m 6m 1y", r.purge);
        return TOOL_TROUBLE;
    }
    r.how.sign_from = c->now + r.delay;
    done = cmd_change(c, &ring, STORE_THERE, edit, &r);
    if (done >= 0)
        status = report(&r, &ring, done > 0);
    keys_wipe(&ring);
    keys_wipe(&r.before);
    return status;
}

#include "tools/cmd.h"

struct revocation {
    const struct cmd *c;
    unsigned number;
    struct keys_ring before;
    struct keys_revoked done;
};

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    struct revocation *r = arg;

    if (keys_find_purged(ring, r->number) >= 0)
        return 0;
    r->before = *ring;
    return keys_revoke(ring, r->number, r->c->who, r->c->now, &r->done, err) == 0 ? 1 : -1;
}

/* What has gone, and what has come in its place. Returns 0, or -1 after saying what is missing. */
static int print_keys(const struct revocation *r, const struct keys_ring *ring)
{
    int was = keys_find(&r->before, r->number), result = 0;

    cmd_print_gone(&r->before, (size_t)was, r->c->now, "revoked", false);
    if (r->done.heir >= 0)
        result = cmd_print_key(ring, (size_t)r->done.heir, r->c->now);
    if (r->done.own_number)
        printf(
            "no other number is free: tags of the revoked key %u count as forged, not as of an unknown key\n",
            r->number);
    cmd_print_moved(&r->before, ring, r->done.heir);
    return result;
}

static int report(const struct revocation *r, const struct keys_ring *ring, bool done)
{
    int result = 0;

    if (done) {
        printf("%s: generation %lld\n", r->c->file, (long long)ring->generation);
        result = print_keys(r, ring);
    } else {
        printf("%s: key %u is purged already\n", r->c->file, r->number);
    }
    if (tool_flush() != 0 || result != 0)
        return TOOL_TROUBLE;
    return done ? TOOL_YES : TOOL_NO;
}

int cmd_revoke(struct cmd *c, int argc, char **argv)
{
    const struct cmd_option options[] = {{0}};
    struct revocation r = {.c = c};
    struct keys_ring ring;
    int done, first, status = TOOL_TROUBLE;

    first = cmd_options(c, options, 1, argc, argv);
    if (first < 0)
        return c->status;
    if (first == argc)
        return cmd_misused("revoke: which key? Give its number");
    if (cmd_number(&r.number, "revoke", argv[first]) != 0)
        return TOOL_TROUBLE;
    done = cmd_change(c, &ring, STORE_THERE, edit, &r);
    if (done >= 0)
        status = report(&r, &ring, done > 0);
    keys_wipe(&ring);
    keys_wipe(&r.before);
    return status;
}

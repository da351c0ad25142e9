#include "tools/cmd.h"

struct purge {
    const struct cmd *c;
    struct keys_rule rule;
    bool dry;
    struct keys_ring before;
    enum keys_fate fate[KEYS_MAX]; /* of the keys of `before` */
};

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    struct purge *p = arg;

    p->before = *ring;
    return keys_purge(ring, &p->rule, p->c->who, p->c->now, p->fate, err);
}

/* Returns the same as cmd_change(). */
static int try_out(struct purge *p, struct keys_ring *ring)
{
    struct keys_error err;
    int result = cmd_load(p->c, ring, &err);

    if (result == 0)
        result = edit(ring, p, &err);
    if (result < 0)
        tool_say_ring_error(p->c->file, &err);
    return result;
}

static int report(const struct purge *p, const struct keys_ring *ring, int purged)
{
    const char *file = p->c->file;

    if (purged == 0)
        printf("%s: nothing to purge\n", file);
    else if (p->dry)
        printf("%s: a dry run, nothing is changed\n", file);
    else
        printf("%s: generation %lld\n", file, (long long)ring->generation);
    for (unsigned number = 0; number < BV_KEY_NUMBERS; number++)
        if ((p->rule.numbers >> number & 1) != 0 && keys_find_purged(&p->before, number) >= 0)
            printf("key %u: is purged already\n", number);
    cmd_print_fates(&p->before, p->fate, p->c->now, p->dry,
                    "; --force purges it, and bounces to them are refused");
    cmd_print_moved(&p->before, ring, -1);
    if (tool_flush() != 0)
        return TOOL_TROUBLE;
    return purged > 0 ? TOOL_YES : TOOL_NO;
}

int cmd_purge(struct cmd *c, int argc, char **argv)
{
    struct purge p = {.c = c};
    const struct cmd_option options[] = {
        {.name = "expired", .given = &p.rule.expired},
        {.name = "unused-for", .age = &p.rule.unused_for, .given = &p.rule.unused},
        {.name = "all-but-current", .given = &p.rule.all_but_current},
        {.name = "number", .numbers = &p.rule.numbers},
        {.name = "force", .given = &p.rule.force},
        {.name = "dry-run", .given = &p.dry},
        {0}};
    struct keys_ring ring;
    int purged, status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (!p.rule.unused && !p.rule.all_but_current && p.rule.numbers == 0)
        p.rule.expired = true;
    purged = p.dry ? try_out(&p, &ring) : cmd_change(c, &ring, STORE_THERE, edit, &p);
    if (purged >= 0)
        status = report(&p, &ring, purged);
    keys_wipe(&ring);
    keys_wipe(&p.before);
    return status;
}

#include <stdio.h>
#include <stdlib.h>

#include "test/sim/sim.h"

static struct keys_new new_key(struct world *w, const struct edit *edit)
{
    return (struct keys_new){rng_chance(&w->rng, 800) ? BV_HMAC_SHA1 : BV_HMAC_SHA256,
                             w->s->lifetime[rng_between(&w->rng, 0, 2)], edit->clock + w->s->delay, edit->by};
}

void edit_create(struct world *w, int node)
{
    struct edit edit = {.node = node, .base = NONE, .clock = world_clock(w, node), .by = "root", .heir = NONE};
    struct keys_new how = new_key(w, &edit);
    struct keys_error err;

    how.sign_from = edit.clock;
    if (keys_create(&edit.ring, &how, edit.clock, &err) != 0) {
        fprintf(stderr, "sim: %s\n", err.text);
        exit(2);
    }
    w->newest = NONE;
    edit_close(w, &edit);
    w->life[0].unheralded = true;
}

/* Whether there was a number for another key: a free one, or that of a key that goes in the same edit. */
static bool number_to_have(const struct world *w, const struct edition *e, int64_t clock)
{
    for (unsigned number = 0; number < BV_KEY_NUMBERS; number++)
        if (model_number_free(e, number, clock))
            return true;
    for (size_t i = 0; w->s->rotate_purges && i < e->count; i++)
        if (model_phase(e, i, clock) == KEYS_RETIRED)
            return true;
    return false;
}

/* Whether just the keys went that are retired; with `some`, some of them may have stayed. */
static bool only_retired_went(const struct world *w, const struct edit *edit, int edition, bool some)
{
    const struct edition *old = &w->edition[edit->base];

    for (size_t i = 0; i < old->count; i++) {
        bool gone = model_find_life(&w->edition[edition], old->key[i].life) == NONE;
        bool retired = model_phase(old, i, edit->clock) == KEYS_RETIRED;
        if (gone != retired && (gone || !some))
            return false;
    }
    return true;
}

static void check_rotated(struct world *w, const struct edit *edit, const struct keys_new *how, int edition)
{
    const struct edition *e = &w->edition[edition];
    int added = edit_added(w, edit, edition);
    bool purged = e->count <= w->edition[edit->base].count;

    world_check(w, CHECK_EDIT, edit->node,
                added != NONE && e->key[added].sign_from == how->sign_from &&
                    e->key[added].lifetime == how->lifetime &&
                    w->life[e->key[added].life].algorithm == how->algorithm,
                "the new key is not as asked for");
    if (w->s->rotate_purges || purged)
        world_check(w, CHECK_EDIT, edit->node,
                    w->s->rotate_purges && only_retired_went(w, edit, edition, false),
                    "keys went, or stayed, against the rule");
}

bool edit_rotate(struct world *w, int node, bool always)
{
    const struct keys_rule rule = {.expired = true};
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;
    struct edit edit;
    int base = w->s->editing == EDIT_STORE ? w->newest : w->node[node].edition;

    if (base == NONE || (!always && world_clock(w, node) - w->edition[base].newest_created < w->s->period))
        return false;
    edit_open(w, &edit, node);
    struct keys_new how = new_key(w, &edit);
    int index = w->s->rotate_purges ? keys_rotate_and_purge(&edit.ring, &how, &rule, edit.clock, fate, &err)
                                    : keys_rotate(&edit.ring, &how, edit.clock, &err);
    if (index < 0) {
        const struct edition *e = &w->edition[base];
        bool last = true;
        for (size_t i = 0; i < e->count; i++)
            last = last && e->key[i].sign_from < how.sign_from;
        world_check(w, CHECK_EDIT, node, !last || !number_to_have(w, e, edit.clock), "%s", err.text);
        w->tally.refused++;
        return false;
    }
    w->tally.rotations++;
    check_rotated(w, &edit, &how, edit_close(w, &edit));
    return true;
}

void edit_purge(struct world *w, int node)
{
    static const struct keys_rule rules[] = {
        {.expired = true}, {.all_but_current = true}, {.unused = true, .unused_for = 30 * DAY}};
    int rule = (int)rng_between(&w->rng, 0, 2);
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;
    struct edit edit;

    edit_open(w, &edit, node);
    int removed = keys_purge(&edit.ring, &rules[rule], edit.by, edit.clock, fate, &err);
    world_check(w, CHECK_EDIT, node, removed >= 0, "%s", err.text);
    if (removed == 0)
        return;
    w->tally.purges++;
    int edition = edit_close(w, &edit);
    world_check(w, CHECK_EDIT, node, only_retired_went(w, &edit, edition, rules[rule].unused),
                "keys went, or stayed, against the rule");
}

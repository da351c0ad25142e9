#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

void edit_open(struct world *w, struct edit *edit, int node)
{
    int base = w->s->editing == EDIT_STORE ? w->newest : w->node[node].edition;
    const struct edition *e = &w->edition[base];
    struct keys_error err;

    *edit = (struct edit){.node = node, .base = base, .clock = world_clock(w, node), .heir = NONE};
    snprintf(edit->by, sizeof edit->by, "root@gw%d", node);
    if (keys_json_read(&edit->ring, (struct bv_str){e->text, e->n}, &err) != 0)
        world_check(w, CHECK_EDIT, node, false, "the key file cannot be read: %s", err.text);
}

int edit_added(const struct world *w, const struct edit *edit, int edition)
{
    const struct edition *e = &w->edition[edition];
    int added = NONE;

    for (size_t i = 0; i < e->count; i++) {
        if (model_find_life(&w->edition[edit->base], e->key[i].life) != NONE)
            continue;
        if (added != NONE)
            return NONE;
        added = (int)i;
    }
    return added;
}

/* Until when tags of a key that goes can be good, if all who made them know its end. A clock may be fast. */
static int64_t last_tag(const struct edition *e, size_t i, int64_t clock)
{
    int64_t until = model_until(e, i);

    if (e->key[i].sign_from > clock + DAY)
        return clock;
    until = (until < clock ? until : clock) + ((int64_t)e->key[i].lifetime + 2) * DAY;
    return until > clock ? until : clock;
}

/* A key that goes leaves a tombstone, unless its number has found a new key. */
static void check_removed(struct world *w, const struct edit *edit, int edition, size_t i)
{
    const struct edition *old = &w->edition[edit->base], *new = &w->edition[edition];
    struct life *life = &w->life[old->key[i].life];
    int64_t want = last_tag(old, i, edit->clock), reusable = 0;

    for (size_t j = 0; j < new->purged_count; j++)
        if (new->purged[j].number == life->number)
            reusable = new->purged[j].reusable;
    world_check(w, CHECK_EDIT, edit->node, reusable >= want || model_find(new, life->number) != NONE,
                "the number %u may be taken %lld s too early", life->number, (long long)(want - reusable));
    life->forced |= edit->force && model_phase(old, i, edit->clock) != KEYS_RETIRED;
}

static int64_t slowest_clock(const struct world *w)
{
    int64_t slowest = KEYS_UNKNOWN;

    for (int i = 0; i < w->s->nodes; i++)
        if (!w->node[i].faulty && world_clock(w, i) < slowest)
            slowest = world_clock(w, i);
    return slowest;
}

/* No node may still take a tag of another key for one of the new key's. */
static void check_number(struct world *w, const struct edit *edit, int edition, size_t i)
{
    const struct edition_key *key = &w->edition[edition].key[i];
    int64_t today = slowest_clock(w) / DAY;

    for (int life = 0; life < w->lives; life++) {
        if (life == key->life || w->life[life].number != key->number)
            continue;
        if (edit->no_number)
            w->life[life].displaced = true;
        else
            world_check(w, CHECK_NUMBER, edit->node, w->life[life].last_day < today,
                        "key %u has tags for %ld more days", key->number,
                        w->life[life].last_day - (long)today + 1);
    }
}

/* A key may take over the beginning of one before it that goes, so that the end of a retired key stays. */
static bool may_begin(const struct edition *old, const struct edition *new, const struct edition_key *key)
{
    for (size_t i = 0; i < old->count; i++)
        if (old->key[i].sign_from == key->sign_from &&
            (old->key[i].life == key->life || model_find_life(new, old->key[i].life) == NONE))
            return true;
    return false;
}

static void check_keys(struct world *w, const struct edit *edit, int edition)
{
    const struct edition *old = &w->edition[edit->base], *new = &w->edition[edition];

    for (size_t i = 0; i < new->count; i++) {
        const struct edition_key *now = &new->key[i];
        int at = model_find_life(old, now->life);
        const struct edition_key *was = at == NONE ? NULL : &old->key[at];
        if (was == NULL)
            check_number(w, edit, edition, i);
        else
            world_check(w, CHECK_EDIT, edit->node,
                        was->number == now->number && was->lifetime == now->lifetime &&
                            (may_begin(old, new, now) || (int)now->number == edit->heir),
                        "key %u is not what it was", was->number);
    }
    for (size_t i = 0; i < old->count; i++)
        if (model_find_life(new, old->key[i].life) == NONE)
            check_removed(w, edit, edition, i);
}

/* Two have written the same generation. Nodes that use the first have had its copy already. */
static void open_split(struct world *w, int edition)
{
    w->split_with = edition;
    w->split_heard[0] = w->split_heard[1] = w->split_noticed = 0;
    for (int i = 0; i < w->s->nodes; i++)
        if (w->node[i].edition == w->newest)
            w->split_heard[0] |= 1U << i;
    w->tally.splits++;
    world_at(w, w->now + 2 * w->s->copy_max, EVENT_RESOLVE, (int)rng_between(&w->rng, 0, w->s->nodes - 1), 0,
             0);
}

int edit_close(struct world *w, struct edit *edit)
{
    int edition = edition_add(w, &edit->ring);

    if (edit->base != NONE) {
        world_check(w, CHECK_EDIT, edit->node,
                    w->edition[edition].generation == w->edition[edit->base].generation + 1,
                    "the generation is %lld after %lld", (long long)w->edition[edition].generation,
                    (long long)w->edition[edit->base].generation);
        check_keys(w, edit, edition);
    }
    if (edit->base == w->newest || w->edition[edition].generation > w->edition[w->newest].generation)
        w->newest = edition;
    else
        open_split(w, edition);
    edition_send(w, edition, edit->node);
    int added = edit->base == NONE ? NONE : edit_added(w, edit, edition);
    if (added != NONE)
        mail_burst(w, w->edition[edition].key[added].sign_from);
    keys_wipe(&edit->ring);
    return edition;
}

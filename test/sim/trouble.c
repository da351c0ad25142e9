#include <string.h>

#include "test/sim/sim.h"

static void revoke(struct world *w, int node)
{
    struct keys_revoked done;
    struct keys_error err;
    struct edit edit;

    edit_open(w, &edit, node);
    const struct edition *old = &w->edition[edit.base];
    int signing = model_signing(old, edit.clock);
    size_t i = (size_t)rng_between(&w->rng, 0, (int64_t)old->count - 1);
    if (signing != NONE && rng_chance(&w->rng, 500))
        i = (size_t)signing;
    int life = old->key[i].life;
    int result = keys_revoke(&edit.ring, old->key[i].number, edit.by, edit.clock, &done, &err);
    world_check(w, CHECK_EDIT, node, result == 0, "%s", err.text);
    if (result != 0)
        return;
    edit.force = true;
    edit.heir = done.heir < 0 ? NONE : (int)edit.ring.key[done.heir].number;
    edit.no_number = done.own_number;
    bool none_free = true;
    for (unsigned number = 0; number < BV_KEY_NUMBERS; number++)
        none_free = none_free && !model_number_free(old, number, edit.clock);
    world_check(w, CHECK_EDIT, node, none_free || !done.own_number, "there was a free number");
    w->tally.revocations++;
    int edition = edit_close(w, &edit);
    const struct edition *new = &w->edition[edition];
    int added = edit_added(w, &edit, edition);
    w->life[life].revoked = edition;
    int heir = edit.heir == NONE ? NONE : model_find(new, (unsigned)edit.heir);
    if (heir != NONE)
        w->life[new->key[heir].life].unheralded = true;
    world_check(w, CHECK_EDIT, node,
                model_find_life(new, life) == NONE && model_signing(new, edit.clock) != NONE &&
                    ((added != NONE) == done.fresh),
                "the key is there still, or none signs");
}

/* Whatever verifies goes, at once; for an administrator in a hurry. */
static void purge_by_force(struct world *w, int node)
{
    const struct keys_rule rule = {.all_but_current = true, .force = true};
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;
    struct edit edit;

    edit_open(w, &edit, node);
    int removed = keys_purge(&edit.ring, &rule, edit.by, edit.clock, fate, &err);
    world_check(w, CHECK_EDIT, node, removed >= 0, "%s", err.text);
    if (removed <= 0)
        return;
    edit.force = true;
    w->tally.purges++;
    int edition = edit_close(w, &edit);
    for (size_t i = 0; i < w->edition[edition].count; i++)
        world_check(w, CHECK_EDIT, node, model_phase(&w->edition[edition], i, edit.clock) <= KEYS_STAGED,
                    "a superseded key has stayed");
}

/* A key from elsewhere, that begins at any time, even one that has passed. */
static void add(struct world *w, int node)
{
    struct keys_key key = {.lifetime = w->s->lifetime[rng_between(&w->rng, 0, 2)],
                           .algorithm = BV_HMAC_SHA1,
                           .secret_len = KEYS_SECRET_NEW};
    struct keys_error err;
    struct edit edit;

    edit_open(w, &edit, node);
    const struct edition *old = &w->edition[edit.base];
    key.number = (unsigned)rng_between(&w->rng, 0, BV_KEY_NUMBERS - 1);
    if (old->purged_count > 0 && rng_chance(&w->rng, 500))
        key.number = old->purged[rng_between(&w->rng, 0, (int64_t)old->purged_count - 1)].number;
    key.sign_from = edit.clock + rng_between(&w->rng, -90 * DAY, 10 * DAY);
    if (rng_chance(&w->rng, 300))
        key.sign_from = edit.clock + rng_between(&w->rng, -40 * HOUR, 40 * HOUR);
    for (size_t i = 0; i < sizeof key.secret && i < KEYS_SECRET_NEW; i++)
        key.secret[i] = (unsigned char)rng_next(&w->rng);
    bool may = model_number_free(old, key.number, edit.clock) && old->count < KEYS_MAX;
    if (keys_add(&edit.ring, &key, edit.by, edit.clock, &err) < 0) {
        w->tally.refused++;
        return;
    }
    world_check(w, CHECK_EDIT, node, may, "the number %u was not free", key.number);
    int edition = edit_close(w, &edit), added = edit_added(w, &edit, edition);
    world_check(w, CHECK_EDIT, node, added != NONE && w->edition[edition].key[added].sign_from == key.sign_from,
                "the key is not as asked for");
    if (added != NONE)
        w->life[w->edition[edition].key[added].life].unheralded = key.sign_from < edit.clock + w->s->delay;
}

void edit_emergency(struct world *w, int node)
{
    int64_t which = rng_between(&w->rng, 0, 9);

    if (which < 3)
        revoke(w, node);
    else if (which < 9)
        add(w, node);
    else
        purge_by_force(w, node);
}

/* Takes the other edition, with a generation above both. */
static void take_other(struct world *w, int node, int other)
{
    const struct edition *e = &w->edition[other];
    struct keys_ring from;
    struct keys_error err;
    struct edit edit;

    edit_open(w, &edit, node);
    int result = keys_json_read(&from, (struct bv_str){e->text, e->n}, &err);
    if (result == 0)
        result = keys_import(&edit.ring, &from, true, edit.by, edit.clock, &err);
    world_check(w, CHECK_EDIT, node, result == 1, "the other edition cannot be imported: %s", err.text);
    if (result != 1)
        return;
    edit.base = other;
    int edition = edit_close(w, &edit);
    bool all = w->edition[edition].count == e->count;
    for (size_t i = 0; i < e->count; i++)
        all = all && model_find_life(&w->edition[edition], e->key[i].life) != NONE;
    world_check(w, CHECK_EDIT, node, all, "the import is not what was imported");
}

void edit_resolve(struct world *w, int node)
{
    int first = w->newest, second = w->split_with;

    for (int i = 0; i < w->s->nodes; i++) {
        unsigned bit = 1U << i;
        bool both = (w->split_heard[0] & w->split_heard[1] & bit) != 0;
        world_check(w, CHECK_SPLIT_ALL, i, both && (w->split_noticed & bit) != 0, "%s",
                    both ? "it did not" : "no copy has come");
    }
    w->split_with = NONE;
    w->newest = w->node[node].edition;
    if (rng_chance(&w->rng, 500) || !edit_rotate(w, node, true))
        take_other(w, node, w->newest == first ? second : first);
}

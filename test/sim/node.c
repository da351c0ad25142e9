#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

void node_set_clocks(struct world *w)
{
    const struct scenario *s = w->s;
    int64_t slow = -s->spread / 2, fast = slow + s->spread;
    int slowest = (int)rng_between(&w->rng, 0, s->nodes - 1);
    int fastest = (slowest + (int)rng_between(&w->rng, 1, s->nodes - 1)) % s->nodes;

    for (int i = 0; i < s->nodes; i++) {
        w->node[i].skew = rng_between(&w->rng, slow, fast);
        w->node[i].faulty = false;
    }
    w->node[slowest].skew = slow;
    w->node[fastest].skew = fast;

    struct node *last = &w->node[s->nodes - 1];
    if (w->now > w->begin && rng_chance(&w->rng, s->clock_fault)) {
        int64_t wrong = rng_between(&w->rng, 40 * HOUR, 100 * HOUR);
        last->skew = rng_chance(&w->rng, 500) ? wrong : -wrong;
        last->faulty = true;
    }
}

/* Turns a bit of one octet, or cuts the end off; returns the length that is left. */
static size_t damage(struct world *w, char *text, size_t n)
{
    if (rng_chance(&w->rng, 500))
        return (size_t)rng_between(&w->rng, 0, (int64_t)n - 2);
    text[rng_between(&w->rng, 0, (int64_t)n - 2)] ^= (char)(1 << rng_between(&w->rng, 0, 7));
    return n;
}

static void offer_damaged(struct world *w, int node, const struct edition *e)
{
    struct keys_ring ring;
    struct keys_error err;
    char *text = malloc(e->n);

    if (text == NULL)
        exit(2);
    memcpy(text, e->text, e->n);
    size_t n = damage(w, text, e->n);
    int result = keys_json_read(&ring, (struct bv_str){text, n}, &err);
    world_check(w, CHECK_DAMAGED, node, result != 0, "%zu octets of %zu were taken", n, e->n);
    free(text);
}

/* What a copy means to a node, by what the world knows of both. */
enum meaning { FIRST, NEWER, SAME, OTHER, OLDER };

static enum meaning meaning_of(const struct world *w, const struct node *n, int edition)
{
    const struct edition *next = &w->edition[edition];

    if (n->edition == NONE)
        return FIRST;
    const struct edition *old = &w->edition[n->edition];
    if (next->generation != old->generation)
        return next->generation > old->generation ? NEWER : OLDER;
    return next->n == old->n && memcmp(next->text, old->text, next->n) == 0 ? SAME : OTHER;
}

/* Keys that the new copy does not have any more are over. */
static void take(struct world *w, int node, int edition, const struct keys_ring *ring)
{
    struct node *n = &w->node[node];
    const struct edition *old = n->edition == NONE ? NULL : &w->edition[n->edition];

    for (size_t i = 0; old != NULL && i < old->count; i++) {
        int life = old->key[i].life;
        if (model_find_life(&w->edition[edition], life) == NONE && n->life[life].ended == 0)
            n->life[life].ended = world_clock(w, node);
    }
    keys_macs_free(&n->macs);
    n->ring = *ring;
    n->edition = edition;
    if (keys_macs_init(&n->macs, &n->ring) != 0) {
        fprintf(stderr, "sim: the library cannot compute\n");
        exit(2);
    }
}

/* Notes that a node has been given one of the two editions of a split. */
static void hear(struct world *w, int node, int edition, bool noticed)
{
    if (w->split_with == NONE)
        return;
    if (edition == w->newest || edition == w->split_with)
        w->split_heard[edition == w->split_with] |= 1U << node;
    if (noticed)
        w->split_noticed |= 1U << node;
}

/* The way of a daemon: read, ask whether it may follow, and only then put it to use. */
void node_copy(struct world *w, int node, int edition, bool damaged)
{
    struct node *n = &w->node[node];
    const struct edition *e = &w->edition[edition];
    struct keys_ring ring;
    struct keys_error err = {.line = 0};

    if (n->cut_off)
        return;
    w->tally.copies++;
    if (damaged) {
        offer_damaged(w, node, e);
        return;
    }
    for (size_t i = 0; i < e->count; i++)
        n->life[e->key[i].life].seen = true;
    enum meaning meaning = meaning_of(w, n, edition);
    int result = keys_json_read(&ring, (struct bv_str){e->text, e->n}, &err);
    world_check(w, CHECK_FOLLOW, node, result == 0, "a good copy was refused: %s", err.text);
    if (result == 0 && n->edition != NONE)
        result = keys_may_follow(&n->ring, &ring, &err);

    bool named = result != 0 && strstr(err.text, "other content") != NULL;
    world_check(w, CHECK_FOLLOW, node,
                (result == 0) == (meaning == FIRST || meaning == NEWER || meaning == SAME),
                "generation %lld was %s", (long long)e->generation, result == 0 ? "taken" : err.text);
    if (meaning == OTHER || named)
        world_check(w, CHECK_SPLIT, node, meaning == OTHER && named, "generation %lld: %s",
                    (long long)e->generation, result == 0 ? "taken" : err.text);
    hear(w, node, edition, named);
    if (result != 0)
        return;
    world_check(w, CHECK_GENERATION, node, n->edition == NONE || ring.generation >= n->ring.generation,
                "it is %lld after %lld", (long long)ring.generation, (long long)n->ring.generation);
    take(w, node, edition, &ring);
}

#include "test/sim/sim.h"

/* Whether keys_at() gives the core what the phase calls for. */
static bool core_key_fits(const struct bv_keys *keys, const struct edition_key *key, enum keys_phase phase)
{
    const struct bv_key *core = &keys->by_number[key->number];

    return core->mac != NULL && core->number == key->number && core->lifetime == key->lifetime &&
           core->honoured == (phase != KEYS_RETIRED);
}

static void look_at_key(struct world *w, int node, size_t i, const struct bv_keys *keys, int64_t clock)
{
    struct node *n = &w->node[node];
    const struct edition *e = &w->edition[n->edition];
    unsigned number = n->ring.key[i].number;
    enum keys_phase phase = keys_phase(&n->ring, i, clock);
    int at = model_find(e, number);

    world_check(w, CHECK_STATE, node, at != NONE, "key %u is in no edition that it has", number);
    if (at == NONE)
        return;
    enum keys_phase want = model_phase(e, (size_t)at, clock);
    world_check(w, CHECK_STATE, node, phase == want && core_key_fits(keys, &e->key[at], want),
                "key %u is %s, and should be %s", number, keys_phase_word(phase), keys_phase_word(want));

    struct node_life *life = &n->life[e->key[at].life];
    world_check(w, CHECK_NO_RETURN, node, phase == KEYS_RETIRED || life->ended == 0 || clock <= life->ended,
                "key %u is %s again", number, keys_phase_word(phase));
    if (phase == KEYS_RETIRED && life->ended == 0)
        life->ended = clock;
}

const struct bv_key *node_keys(struct world *w, int node, struct bv_keys *out)
{
    struct node *n = &w->node[node];
    const struct edition *e = &w->edition[n->edition];
    int64_t clock = world_clock(w, node);
    const struct bv_key *signing = keys_at(out, &n->ring, &n->macs, clock);
    int one = keys_signing(&n->ring, clock), want = model_signing(e, clock), sign = 0;

    world_check(w, CHECK_STATE, node, n->ring.count == e->count, "%zu keys of %zu", n->ring.count, e->count);
    for (size_t i = 0; i < n->ring.count; i++) {
        look_at_key(w, node, i, out, clock);
        sign += keys_phase(&n->ring, i, clock) == KEYS_SIGNING;
    }
    world_check(w, CHECK_ONE_SIGNS, node, sign == 1 || (sign == 0 && clock < n->ring.signing_since),
                "%d of %zu keys sign, generation %lld", sign, n->ring.count, (long long)n->ring.generation);
    bool agree = want == NONE ? one < 0 && signing == NULL
                              : one >= 0 && n->ring.key[one].number == e->key[want].number && signing != NULL &&
                                    signing->number == e->key[want].number;
    world_check(w, CHECK_STATE, node, agree, "key %d signs, and should be %d",
                signing == NULL ? NONE : (int)signing->number, want == NONE ? NONE : (int)e->key[want].number);
    return signing;
}

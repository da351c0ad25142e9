#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

static void stop(const char *why)
{
    fprintf(stderr, "sim: %s\n", why);
    exit(2);
}

/* The key with this secret, or a new one. */
static int find_life(struct world *w, const struct keys_key *key)
{
    struct life *life;

    if (key->secret_len != KEYS_SECRET_NEW)
        stop("a key of another length than the simulation makes");
    for (int i = w->lives; i-- > 0;)
        if (memcmp(w->life[i].secret, key->secret, KEYS_SECRET_NEW) == 0)
            return i;
    if (w->lives == KEYS_EVER)
        stop("more keys than the simulation can follow; fewer years, please");
    life = &w->life[w->lives];
    *life = (struct life){.algorithm = key->algorithm,
                          .number = key->number,
                          .lifetime = key->lifetime,
                          .until = KEYS_UNKNOWN,
                          .last_day = -1,
                          .revoked = NONE};
    memcpy(life->secret, key->secret, KEYS_SECRET_NEW);
    return w->lives++;
}

static struct edition *new_edition(struct world *w)
{
    if (w->editions == w->editions_room) {
        w->editions_room = w->editions_room == 0 ? 256 : 2 * w->editions_room;
        w->edition = realloc(w->edition, (size_t)w->editions_room * sizeof *w->edition);
        if (w->edition == NULL)
            stop("no memory");
    }
    memset(&w->edition[w->editions], 0, sizeof w->edition[0]);
    return &w->edition[w->editions++];
}

int edition_add(struct world *w, const struct keys_ring *ring)
{
    struct edition *e = new_edition(w);
    struct keys_error err;
    int64_t newest = 0;

    e->text = keys_json_write(ring, &e->n, &err);
    if (e->text == NULL)
        stop(err.text);
    e->generation = ring->generation;
    e->count = ring->count;
    e->purged_count = ring->purged_count;
    memcpy(e->purged, ring->purged, sizeof e->purged);
    for (size_t i = 0; i < ring->count; i++) {
        const struct keys_key *key = &ring->key[i];
        e->key[i] = (struct edition_key){find_life(w, key), key->number, key->lifetime, key->sign_from};
        if (key->sign_from > newest) {
            newest = key->sign_from;
            e->newest_created = key->created;
        }
    }
    for (size_t i = 0; i < e->count; i++)
        w->life[e->key[i].life].until = model_until(e, i);
    return w->editions - 1;
}

/* A second before, at, and after the moments at which the newest keys change their states. */
static void look_at_changes(struct world *w, const struct edition *e, int node)
{
    for (size_t i = 0; i < e->count; i++) {
        int64_t moment[2] = {e->key[i].sign_from, model_end(e, i)};
        for (int k = 0; k < 2; k++) {
            int64_t at = moment[k] == KEYS_UNKNOWN ? 0 : moment[k] - w->node[node].skew;
            bool news = e->key[i].sign_from > w->now || model_until(e, i) > w->now;
            for (int64_t j = -1; news && at > w->now && j <= 1; j++)
                world_at(w, at + j, EVENT_INSPECT, node, 0, 0);
        }
    }
}

void edition_send(struct world *w, int edition, int author)
{
    const struct scenario *s = w->s;

    for (int node = 0; node < s->nodes; node++) {
        bool late = rng_chance(&w->rng, s->late);
        int64_t takes = rng_between(&w->rng, s->copy_min, late ? s->late_max : s->copy_max);

        if (node != author || s->editing == EDIT_STORE)
            world_at(w, w->now + takes, EVENT_COPY, node, edition, 0);
        if (rng_chance(&w->rng, s->again))
            world_at(w, w->now + rng_scale(&w->rng, 40 * DAY), EVENT_COPY, node, edition, 0);
        if (rng_chance(&w->rng, s->damaged))
            world_at(w, w->now + rng_scale(&w->rng, 2 * DAY), EVENT_COPY, node, edition, 1);
        look_at_changes(w, &w->edition[edition], node);
    }
    if (s->editing != EDIT_STORE)
        node_copy(w, author, edition, false);
}

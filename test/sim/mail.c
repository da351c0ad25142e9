#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

static const char *const addresses[] = {
    "user@example.com",
    "First.Last@Example.COM",
    "a@b.example",
    "list-owner+request@lists.example.net",
    "O'Brien/Sales!x@sub.sub.example.org",
    "x.0123456789012345678901234567890123456789012345@example.com", /* 48 octets: the longest that is signed */
    "ALLCAPS@EXAMPLE.COM",
    "user-with-minus-@example.com",
    "prvs@example.com",
    "99999=00@example.com",
};
enum { ADDRESSES = sizeof addresses / sizeof *addresses };

static struct message *take_slot(struct world *w, int *at)
{
    if (w->free_message == NONE) {
        int room = w->messages_room == 0 ? 1024 : 2 * w->messages_room;
        w->message = realloc(w->message, (size_t)room * sizeof *w->message);
        if (w->message == NULL)
            exit(2);
        for (int i = w->messages_room; i < room; i++)
            w->message[i] = (struct message){.address = i + 1 < room ? i + 1 : NONE};
        w->free_message = w->messages_room;
        w->messages_room = room;
    }
    *at = w->free_message;
    w->free_message = w->message[*at].address;
    return &w->message[*at];
}

static void give_slot(struct world *w, int at)
{
    w->message[at] = (struct message){.address = w->free_message};
    w->free_message = at;
}

static void come_back(struct world *w, struct message *m, int64_t at, int node, bool altered)
{
    int how = altered ? RETURN_ALTERED : (int)rng_between(&w->rng, RETURN_PLAIN, RETURN_MIXED);

    if (at <= w->now || at >= w->end)
        return;
    m->returns++;
    world_at(w, at, EVENT_RETURN, node, (int)(m - w->message), how);
}

/* A moment on a node's own clock. */
static int64_t moment(const struct world *w, int node, int64_t clock)
{
    return clock - w->node[node].skew;
}

static int some_node(struct world *w)
{
    return (int)rng_between(&w->rng, 0, w->s->nodes - 1);
}

/* A bounce in time: soon, or at any time, or at the last moment. */
static void plan_genuine(struct world *w, struct message *m)
{
    int64_t life = w->life[m->life].lifetime * (int64_t)DAY, kind = rng_between(&w->rng, 0, 9);
    int node = some_node(w);
    int64_t ahead = w->node[node].skew - m->skew;
    int64_t last = life - (ahead > 0 ? ahead : 0);

    if (kind < 5)
        come_back(w, m, w->now + rng_scale(&w->rng, last), node, false);
    else if (kind < 8)
        come_back(w, m, w->now + rng_between(&w->rng, 1, last), node, false);
    else if (kind < 9)
        come_back(w, m, w->now + last - rng_between(&w->rng, 0, MINUTE), node, false);
    else
        come_back(w, m, moment(w, node, (m->day + (int64_t)w->life[m->life].lifetime + 1) * DAY - 1), node,
                  false);
}

static void plan_returns(struct world *w, struct message *m)
{
    int64_t over = (m->day + (int64_t)w->life[m->life].lifetime + 1) * DAY;
    int node = some_node(w);

    plan_genuine(w, m);
    if (rng_chance(&w->rng, 150))
        come_back(w, m, moment(w, node, over + rng_scale(&w->rng, 400 * DAY) - 1), node, false);
    if (rng_chance(&w->rng, 100))
        come_back(w, m, moment(w, node, rng_between(&w->rng, (m->day + 998) * DAY, over + 1002 * DAY)), node,
                  false);
    if (rng_chance(&w->rng, 30))
        come_back(w, m, w->now + rng_scale(&w->rng, 8 * DAY), node, true);
}

/* Signs like a daemon. Returns whether there is a tag in m->tagged. */
static bool sign(struct message *m, const char *address, const struct bv_key *key, enum bv_syntax syntax,
                 long day)
{
    char dst[BV_TAGGED];
    struct bv_addr a;

    bv_addr_read(&a, bv_str(address));
    if (bv_sign(dst, &a, key, syntax, day) != BV_TAGGABLE || strlen(dst) >= sizeof m->tagged)
        return false;
    strcpy(m->tagged, dst);
    return true;
}

static void check_tag(struct world *w, int node, const struct message *m)
{
    const struct life *life = &w->life[m->life];
    const char *tag = strstr(m->tagged, "prvs=");
    int last = (int)((m->day + (long)life->lifetime) % 1000);
    char want[16];

    snprintf(want, sizeof want, "prvs=%u%03d", life->number, last);
    world_check(w, CHECK_TAG, node, tag != NULL && strncmp(tag, want, 9) == 0, "%s, and should be %s",
                m->tagged, want);
}

/* Which key it really was that a node has signed with. */
static int life_of(const struct world *w, int node, int64_t clock)
{
    const struct edition *e = &w->edition[w->node[node].edition];
    int i = model_signing(e, clock);

    return i == NONE ? NONE : e->key[i].life;
}

void mail_send(struct world *w)
{
    int node = some_node(w), at;
    int64_t clock = world_clock(w, node);
    struct bv_keys keys;

    if (w->node[node].edition == NONE)
        return;
    const struct bv_key *key = node_keys(w, node, &keys);
    int life = life_of(w, node, clock);
    if (key == NULL || life == NONE)
        return;
    struct message *m = take_slot(w, &at);
    *m = (struct message){.address = (int)rng_between(&w->rng, 0, ADDRESSES - 1),
                          .life = life,
                          .day = (long)(clock / DAY),
                          .sent = w->now,
                          .skew = w->node[node].skew,
                          .faulty = w->node[node].faulty};
    enum bv_syntax syntax = (enum bv_syntax)rng_between(&w->rng, BV_PREFIX, BV_MINUS);
    if (sign(m, addresses[m->address], key, syntax, bv_day(clock))) {
        long last = m->day + (long)w->life[life].lifetime;
        w->tally.sent++;
        check_tag(w, node, m);
        if (!w->node[node].faulty && clock < w->life[life].until && last > w->life[life].last_day)
            w->life[life].last_day = last;
        plan_returns(w, m);
    } else {
        world_check(w, CHECK_TAG, node, false, "%s was not signed", addresses[m->address]);
    }
    if (m->returns == 0)
        give_slot(w, at);
    if (rng_chance(&w->rng, 20))
        mail_leak(w, some_node(w));
}

void mail_burst(struct world *w, int64_t sign_from)
{
    for (long i = 0; i < w->burst_len && w->bursts > 0; i++) {
        int64_t at = rng_between(&w->rng, w->now, w->now + w->s->copy_max);

        if (rng_chance(&w->rng, 600))
            at = moment(w, some_node(w), sign_from) + rng_between(&w->rng, -HOUR / 2, HOUR);
        if (at < w->now || at >= w->end)
            continue;
        world_at(w, at, EVENT_SEND, 0, 0, 1);
        w->bursts--;
    }
}

void mail_rest(struct world *w)
{
    for (; w->bursts > 0; w->bursts--)
        world_at(w, rng_between(&w->rng, w->now, w->end - 1), EVENT_SEND, 0, 0, 1);
}

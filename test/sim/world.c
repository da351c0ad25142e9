#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

enum { FIRST_DAY = 20454 /* 2026-01-01 */, YEAR = 365 };

int64_t world_clock(const struct world *w, int node)
{
    return w->now + w->node[node].skew;
}

void world_at(struct world *w, int64_t at, enum event_kind kind, int node, int what, int how)
{
    if (at < w->end)
        queue_push(&w->queue, (struct event){.at = at, .kind = kind, .node = node, .what = what, .how = how});
}

void world_check(struct world *w, enum check c, int node, bool holds, const char *format, ...)
{
    char place[100], what[500], when[KEYS_TIME_LEN + 1];
    va_list ap;

    if (!check_note(c, holds))
        return;
    keys_time_write(when, w->now);
    snprintf(place, sizeof place, "%s %s (%+llds) node %d", w->s->name, when,
             node == NONE ? 0LL : (long long)w->node[node].skew, node);
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    check_say(c, place, what);
}

/* About so often: at any time from a half of it to one and a half. */
static void again(struct world *w, int64_t about, enum event_kind kind)
{
    int node = (int)rng_between(&w->rng, 0, w->s->nodes - 1);

    if (about > 0)
        world_at(w, w->now + rng_between(&w->rng, about / 2, about + about / 2), kind, node, 0, 0);
}

static void again_timer(struct world *w, int node)
{
    int64_t about = w->s->period / 6 < DAY ? w->s->period / 6 : DAY;

    world_at(w, w->now + rng_between(&w->rng, about / 2, about), EVENT_TIMER, node, 0, 0);
}

/* A node that may edit now: with a sound clock and, where it matters, a copy of its own. */
static int editor(const struct world *w, int node)
{
    if (w->s->editing == EDIT_MASTER)
        return 0;
    return w->node[node].faulty || w->node[node].edition == NONE ? (node + 1) % w->s->nodes : node;
}

/* Message number i of all, at about its time. */
static void next_message(struct world *w, long i)
{
    int64_t from = w->begin + w->s->copy_max + 1, length = w->end - from;

    if (i < w->messages)
        world_at(w, from + length * i / w->messages + rng_between(&w->rng, 0, length / w->messages / 2),
                 EVENT_SEND, 0, (int)i, 0);
}

static void edit_somehow(struct world *w, int node)
{
    if (rng_chance(&w->rng, 300))
        edit_purge(w, node);
    else
        edit_rotate(w, node, true);
}

static void edit_by_two(struct world *w, int node)
{
    int other = (node + (int)rng_between(&w->rng, 1, w->s->nodes - 1)) % w->s->nodes;

    edit_somehow(w, node);
    if (rng_chance(&w->rng, 600))
        world_at(w, w->now + rng_between(&w->rng, 0, 30), EVENT_TIMER, other, 0, 1);
}

static void cut_off(struct world *w, int node)
{
    int64_t until = w->now + rng_scale(&w->rng, w->s->outage_max);

    if (node == 0 || w->node[node].cut_off || until > w->end - DAY)
        return;
    w->node[node].cut_off = true;
    world_at(w, until, EVENT_BACK, node, 0, 0);
}

static void edit_event(struct world *w, const struct event *event)
{
    bool over = w->now > w->end - EDITS_END;
    int node = editor(w, event->node);

    if (event->kind == EVENT_RESOLVE) {
        edit_resolve(w, event->node);
    } else if (event->kind == EVENT_TIMER && event->how == 1) {
        edit_somehow(w, event->node);
    } else if (event->kind == EVENT_TIMER && !over) {
        if (!w->node[event->node].faulty)
            edit_rotate(w, event->node, false);
        again_timer(w, event->node);
    } else if (event->kind == EVENT_EDITORS && !over) {
        edit_by_two(w, node);
        again(w, w->s->period, event->kind);
    } else if (event->kind == EVENT_PURGE && !over) {
        edit_purge(w, node);
        again(w, w->s->purge, event->kind);
    } else if (event->kind == EVENT_REVOKE && !over) {
        edit_emergency(w, node);
        again(w, w->s->revoke, event->kind);
    }
}

static void play(struct world *w, const struct event *event)
{
    struct bv_keys keys;

    switch (event->kind) {
    case EVENT_SEND:
        mail_send(w);
        if (event->how == 0)
            next_message(w, event->what + 1);
        if (w->now > w->end - EDITS_END)
            mail_rest(w);
        break;
    case EVENT_RETURN:
        mail_return(w, event->node, event->what, event->how);
        break;
    case EVENT_COPY:
        node_copy(w, event->node, event->what, event->how != 0);
        break;
    case EVENT_TIMER:
    case EVENT_EDITORS:
    case EVENT_RESOLVE:
    case EVENT_PURGE:
    case EVENT_REVOKE:
        edit_event(w, event);
        break;
    case EVENT_CLOCKS:
        node_set_clocks(w);
        again(w, w->s->clocks, EVENT_CLOCKS);
        break;
    case EVENT_OUTAGE:
        cut_off(w, event->node);
        again(w, w->s->outage, EVENT_OUTAGE);
        break;
    case EVENT_BACK:
        w->node[event->node].cut_off = false;
        world_at(w, w->now + rng_between(&w->rng, w->s->copy_min, w->s->copy_max), EVENT_COPY, event->node,
                 w->newest, 0);
        break;
    case EVENT_INSPECT:
        if (w->node[event->node].edition != NONE)
            node_keys(w, event->node, &keys);
        break;
    }
}

static void begin(struct world *w)
{
    for (int i = 0; i < w->s->nodes; i++)
        w->node[i].edition = NONE;
    node_set_clocks(w);
    edit_create(w, 0);
    next_message(w, 0);
    if (w->s->editing == EDIT_TWO)
        again(w, w->s->period, EVENT_EDITORS);
    for (int i = 0; w->s->editing != EDIT_TWO && i < (w->s->editing == EDIT_MASTER ? 1 : w->s->nodes); i++)
        again_timer(w, i);
    again(w, w->s->purge, EVENT_PURGE);
    again(w, w->s->revoke, EVENT_REVOKE);
    again(w, w->s->clocks, EVENT_CLOCKS);
    again(w, w->s->outage, EVENT_OUTAGE);
}

static void show_progress(const struct world *w)
{
    char when[KEYS_TIME_LEN + 1];

    keys_time_write(when, w->now);
    fprintf(stderr, "\r%-10s %.10s %9ld messages %9ld returned", w->s->name, when, w->tally.sent,
            w->tally.returned);
}

static void end(struct world *w, bool quiet)
{
    const struct tally *t = &w->tally;

    for (int i = 0; i < w->s->nodes; i++) {
        world_check(w, CHECK_SAME_END, i, w->node[i].edition == w->newest, "it has edition %d of %d",
                    w->node[i].edition, w->newest);
        keys_macs_free(&w->node[i].macs);
    }
    if (!quiet)
        printf("# %-9s %7ld messages, %7ld returned, %ld excused, %ld by chance; %ld rotations, %ld refused, "
               "%ld purges, %ld revocations, %ld splits, %ld copies\n",
               w->s->name, t->sent, t->returned, t->excused, t->chance, t->rotations, t->refused, t->purges,
               t->revocations, t->splits, t->copies);
    for (int i = 0; i < w->editions; i++)
        keys_json_free(w->edition[i].text, w->edition[i].n);
    free(w->edition);
    free(w->message);
    queue_free(&w->queue);
    free(w);
}

void world_run(const struct scenario *s, uint64_t seed, double years, long messages, bool progress, bool quiet)
{
    struct world *w = calloc(1, sizeof *w);
    struct event event;
    int64_t shown = 0;

    if (w == NULL)
        exit(2);
    w->s = s;
    w->rng.state = seed;
    rng_seed_entropy(~seed);
    w->now = w->begin = (int64_t)(s->begin == 0 ? FIRST_DAY : s->begin) * DAY;
    w->end = w->begin + (s->days == 0 ? (int64_t)(years * YEAR) : (int64_t)s->days) * DAY;
    w->newest = w->split_with = w->free_message = NONE;
    w->bursts = messages * 2 / 5;
    w->burst_len = w->bursts / (long)((w->end - w->begin) / s->period + 1) + 1;
    w->messages = messages - w->bursts;
    begin(w);
    while (queue_pop(&w->queue, &event)) {
        w->now = event.at;
        play(w, &event);
        if (progress && w->now - shown > 20 * DAY) {
            shown = w->now;
            show_progress(w);
        }
    }
    if (progress)
        fprintf(stderr, "\r%70s\r", "");
    end(w, quiet);
}

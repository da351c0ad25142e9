#include "test/sim/queue.h"

#include <stdio.h>
#include <stdlib.h>

static bool sooner(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void grow(struct queue *q)
{
    if (q->n < q->room)
        return;
    q->room = q->room == 0 ? 1024 : 2 * q->room;
    q->event = realloc(q->event, q->room * sizeof *q->event);
    if (q->event == NULL) {
        perror("sim");
        exit(2);
    }
}

void queue_push(struct queue *q, struct event event)
{
    size_t i;

    grow(q);
    event.order = q->pushed++;
    for (i = q->n++; i > 0 && sooner(&event, &q->event[(i - 1) / 2]); i = (i - 1) / 2)
        q->event[i] = q->event[(i - 1) / 2];
    q->event[i] = event;
}

bool queue_pop(struct queue *q, struct event *out)
{
    if (q->n == 0)
        return false;
    *out = q->event[0];

    const struct event last = q->event[--q->n];
    size_t i = 0;
    for (size_t child = 1; child < q->n; child = 2 * i + 1) {
        if (child + 1 < q->n && sooner(&q->event[child + 1], &q->event[child]))
            child++;
        if (!sooner(&q->event[child], &last))
            break;
        q->event[i] = q->event[child];
        i = child;
    }
    q->event[i] = last;
    return true;
}

void queue_free(struct queue *q)
{
    free(q->event);
    *q = (struct queue){0};
}

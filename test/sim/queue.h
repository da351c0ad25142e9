/*
 * queue - what is going to happen, earliest first: a binary heap.
 *
 * Events of the same second come out in the order in which they went in.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
    EVENT_SEND = 0, /* some node signs the next message */
    EVENT_RETURN,   /* message `what` comes back to a node, in the manner `how` */
    EVENT_COPY,     /* edition `what` reaches a node; how != 0: damaged */
    EVENT_TIMER,    /* a node's rotation timer */
    EVENT_EDITORS,  /* one node, or two at once, rotate */
    EVENT_RESOLVE,  /* somebody mends a split */
    EVENT_PURGE,    /* a node's purge timer */
    EVENT_REVOKE,   /* a key has become known */
    EVENT_CLOCKS,   /* the clocks are set anew */
    EVENT_OUTAGE,   /* a node is cut off */
    EVENT_BACK,     /* and is back */
    EVENT_INSPECT   /* the states of a node's keys are looked at */
};

struct event {
    int64_t at; /* true time */
    uint64_t order;
    enum event_kind kind;
    int node, what, how;
};

struct queue {
    struct event *event;
    size_t n, room;
    uint64_t pushed;
};

void queue_push(struct queue *q, struct event event); /* `order` is set here; ends the program without memory */
bool queue_pop(struct queue *q, struct event *out);   /* false: nothing is left */
void queue_free(struct queue *q);

#endif

/*
 * message - what is remembered of one message between its commands, and what
 * is to be changed at its end.  Pure: no milter, no clock; heap only.  One
 * thread at a time, as the MTA's commands come.
 */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "milter/policy.h"

/* A recipient of ours that was accepted at RCPT. */
struct recipient {
    struct recipient *next;
    struct decision decision;
    bool refused;  /* at the end: to be deleted */
    bool add;      /* at the end: `address` is to be added */
    bool remove;   /* at the end: `given` is to be deleted */
    uint32_t hash; /* of `address` */
    char *given;   /* as the client gave it, verbatim */
    char *address; /* as it is meant, without its tag; may be empty */
    char *params;  /* "NOTIFY=... ORCPT=...": all that may be passed on; may be empty */
    char text[];   /* the three of them */
};

struct message {
    enum direction direction;
    bool null_sender;
    struct decision sign;
    char tagged[BV_TAGGED];
    size_t accepted; /* recipients accepted at RCPT, ours or not */
    size_t stored;
    struct recipient *first, **last;
    char from[]; /* the sender, as the client gave it */
};

/*
 * Sendmail knows a recipient by what the client gave, Postfix by what it read:
 * without source route, comments, nested brackets, needless quotes.  Writes that
 * spelling, in brackets, to path, when it is another one; returns whether it is.
 */
bool recipient_other_spelling(char path[BV_ADDR_QUOTED + 2], const struct recipient *r);

/* An empty message; NULL without memory. */
struct message *message_new(const char *from);
void message_free(struct message *m); /* NULL is legal */

/* Remembers a recipient; argv as the MTA gave it. Returns 0, or -1 without memory. */
int message_add(struct message *m, const struct decision *d, const char *address, char *const *argv);

/*
 * Whether the end of the message matters: something is to be changed, judged
 * or logged then.
 */
bool message_has_work(const struct message *m);

/* What comes of all recipients together. */
struct outcome {
    const struct recipient *refuse; /* every recipient is refused: answer with this one's decision */
    bool judged;                    /* some recipient was judged: copies of the header are removed */
    const struct recipient *header; /* the worst of them is what the header is about; NULL: no header */
    bool only_one;                  /* the message has no other recipient */
};

/* At the end: settles refused, add and remove of every recipient. */
void message_settle(struct message *m, struct outcome *out);

#endif

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
#include "milter/report.h"

/* A recipient of ours that was accepted at RCPT. */
struct recipient {
    struct recipient *next;
    struct decision decision;
    bool refused;   /* at the end: to be deleted */
    bool add;       /* at the end: `address` is to be added */
    bool remove;    /* at the end: `given` is to be deleted */
    uint32_t hash;  /* of `address` */
    char *given;    /* as the client gave it, verbatim */
    char *address;  /* as it is meant, without its tag; may be empty */
    char *resolved; /* what the MTA delivers it to; empty: it does not tell */
    char *params;   /* "NOTIFY=... ORCPT=...": all that may be passed on; may be empty */
    char text[];    /* the four of them */
};

/* Postfix needs time by the square of them: a bounce that brings as many is refused. */
enum { MESSAGE_COPIES = 1000 };

struct message {
    struct policy_facts facts;
    struct decision sign;
    char tagged[BV_TAGGED];
    size_t accepted;  /* recipients accepted at RCPT, ours or not */
    size_t stored;    /* those of them that are kept below */
    size_t no_tag;    /* those of them whose destination wants no tag */
    int no_tag_line;  /* of the exceptions table, with no_tag */
    bool cannot_hold; /* the MTA knows no quarantine */
    bool failed;      /* it must come again: a recipient could not be judged, a mark could not be kept */
    bool judged;      /* some recipient is one of a bounce */
    bool by_type;     /* the type of the message decides on some recipient */
    bool guarded;     /* the MX guard has looked at the sender's domain, */
    struct guard_verdict guard; /* and this came out; or of the recipient's, the last time */
    char *guard_header;         /* value of X-MX-Guard; NULL: none */
    size_t copies;      /* fields of our name in the header, as far as it has come; at most MESSAGE_COPIES */
    struct report type; /* from the header, with by_type */
    struct recipient *first, **last;
    char from[]; /* the sender, as the client gave it */
};

/* "<address>"; dst has room for two octets more than the address. Returns dst. */
char *message_path(char *dst, const char *address);

/*
 * Sendmail knows a recipient by what the client gave, Postfix by what it read:
 * without source route, comments, nested brackets, needless quotes.  Writes that
 * spelling, in brackets, to path, when it is another one; returns whether it is.
 */
bool recipient_other_spelling(char path[BV_ADDR_QUOTED + 2], const struct recipient *r);

/* An address as it is written to the header, and added: two spellings of a domain are one recipient. */
void message_fold_domain(char *address);

/* An empty message; NULL without memory. */
struct message *message_new(const char *from);
void message_free(struct message *m); /* NULL is legal */

/*
 * Remembers a recipient; argv as the MTA gave it.  `resolved` is what an MTA
 * that merges recipients, Sendmail, delivers it to; "" elsewhere: what two
 * recipients have become is one to it, and goes when either is deleted.
 * Returns 0, or -1 without memory.
 */
int message_add(struct message *m, const struct decision *d, const char *address, const char *resolved,
                char *const *argv);

/*
 * Whether the end of the message matters: something is to be changed, judged
 * or logged then.
 */
bool message_has_work(const struct message *m);

/* What comes of all recipients together. */
struct outcome {
    const struct recipient *refuse; /* every recipient is refused or dropped: answer with this one's decision */
    const struct recipient *hold;   /* every recipient that is left is to be quarantined: so is the message */
    const struct recipient *header; /* the worst of them is what the header is about; NULL: no header */
    bool only_one;                  /* the message has no other recipient */
};

/*
 * At the end: settles whether the sender is signed after all, and refused, add
 * and remove of every recipient.
 */
void message_settle(struct message *m, const struct policy *p, struct outcome *out);

#endif

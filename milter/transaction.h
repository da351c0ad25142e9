/*
 * transaction - one SMTP session as the daemon sees it: the client, and the
 * message it is in the middle of.  Joins clock, snapshot and policy; knows
 * nothing of libmilter.  One thread at a time, as the MTA's commands come.
 */
#ifndef MILTER_TRANSACTION_H
#define MILTER_TRANSACTION_H

#include <sys/socket.h>

#include "milter/message.h"
#include "milter/snapshot.h"

/* All zero: a session of which nothing is known. Kept small: thousands of them may idle. */
struct transaction {
    struct net_addr addr;
    char *name;                /* of the client's host; NULL: the MTA gave none */
    char *daemon;              /* {daemon_name}; NULL: the MTA gave none */
    bool broken;               /* memory was short at CONNECT: the client is not known */
    struct snapshot *snapshot; /* for the length of a message */
    struct message *message;   /* NULL between messages, and when memory was short at MAIL */
};

/* Who the client is, as the MTA said; all is copied, NULL is legal. */
void transaction_client(struct transaction *t, const char *name, const struct sockaddr *addr,
                        const char *daemon);

/* Begins a message, whatever was before. Returns 0, or -1, logged, with no message begun. */
int transaction_mail(struct transaction *t, const char *from, bool authenticated);

/*
 * Judges a recipient of the message begun, argv as the MTA gave it, and
 * remembers it when the end of the message has to know.  Logs what is decided
 * now.  *d tells what to answer: d->action, unless d->at_end.  Returns 0, or -1
 * for a temporary failure of ours.
 */
int transaction_rcpt(struct transaction *t, struct decision *d, const char *queue_id, char *const *argv);

/* Whether nothing is left to do for the message: it may be let go at DATA. */
bool transaction_may_go(const struct transaction *t);

/* Logs what was decided of the message at its end; failed: it was answered with a temporary failure. */
void transaction_log(struct transaction *t, const char *queue_id, bool failed);

void transaction_end(struct transaction *t);   /* of the message, delivered or not */
void transaction_close(struct transaction *t); /* of the session; frees what it holds, not *t */

#endif

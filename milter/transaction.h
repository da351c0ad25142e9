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
    bool confirmed;            /* the name leads back to the address */
    bool merges;               /* the MTA is Sendmail, to which two recipients may be one */
    bool counted;              /* among the sessions that are open */
    bool macros;               /* the MTA sends the macros that it is asked for */
    bool cannot_hold;          /* it knows no quarantine */
    bool headers;              /* the MTA was asked to send them, */
    bool header_awaited;       /* and waits for an answer to each, */
    bool eoh_awaited;          /* or to their end */
    unsigned short bad_macs;   /* refused for a MAC that does not fit, in this session */
    char *daemon;              /* {daemon_name}; NULL: the MTA gave none */
    bool broken;               /* memory was short at CONNECT: the client is not known */
    struct snapshot *snapshot; /* for the length of a message */
    struct message *message;   /* NULL between messages, and when memory was short at MAIL */
};

/* Begins a session. Returns false, logged, when there are as many as there may be. */
bool transaction_open(struct transaction *t, const struct conf *conf);

/*
 * Who the client is, as the MTA said, with {client_resolve} and {daemon_name}, and who the MTA is, by the
 * macro v: "Postfix 3.7.11", "8.17.1"; all is copied, NULL is legal.
 */
void transaction_client(struct transaction *t, const char *name, const char *resolve,
                        const struct sockaddr *addr, const char *daemon, const char *version);

/* Begins a message, whatever was before. Returns 0, or -1, logged, with no message begun. */
int transaction_mail(struct transaction *t, const char *from, bool authenticated);

/*
 * Judges a recipient of the message begun, argv and {rcpt_addr} as the MTA gave
 * them (NULL is legal), and remembers it when the end of the message has to know.  Logs what is decided
 * now.  *d tells what to answer: d->action, unless d->at_end.  Returns 0, or -1
 * for a temporary failure of ours.
 */
int transaction_rcpt(struct transaction *t, struct decision *d, const char *queue_id, char *const *argv,
                     const char *rcpt_addr);

/* Takes in a header field of the message, if it matters. */
void transaction_header(struct transaction *t, const char *name, const char *value);

/* Whether nothing is left to do for the message: it may be let go at DATA. */
bool transaction_may_go(const struct transaction *t);

/*
 * Settles the message at its end.  Returns 0, or -1 when it must be sent again:
 * its type decides, and its header was not asked for.
 */
int transaction_settle(struct transaction *t, struct outcome *out);

/* Logs what was decided of the message at its end; failed: it was answered with a temporary failure. */
void transaction_log(struct transaction *t, const char *queue_id, bool failed);

void transaction_end(struct transaction *t);   /* of the message, delivered or not */
void transaction_close(struct transaction *t); /* of the session; frees what it holds, not *t */

#endif

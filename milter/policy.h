/*
 * policy - what to do with a sender or a recipient.  Pure: facts, settings,
 * keys and the day in, a decision out; it cannot fail.  No milter, no socket,
 * no clock; settings are immutable and shared between threads.
 */
#ifndef MILTER_POLICY_H
#define MILTER_POLICY_H

#include <stdbool.h>

#include "bv/bv.h"
#include "keys/keys.h"
#include "milter/exceptions.h"
#include "milter/guard.h"
#include "milter/net.h"
#include "milter/tables.h"
#include "milter/verdict.h"

/* The settings that decide; the configuration fills it and frees it. */
struct policy {
    bool sign_authenticated;
    struct net_list sign_networks;
    struct net_list internal_networks;
    char **sign_daemons; /* NULL-terminated; NULL: none */
    enum action action;  /* for a recipient that no row of the table names */
    bool untagged_at_rcpt;
    unsigned reply_types; /* bits 1 << enum report_type: what is let through untagged */
    bool warmup;          /* mark instead of refusing until a lifetime after the ring first signed */
    bool mixed_tagged;    /* a message to no-tag and other destinations is signed */
    enum bv_syntax syntax;
    enum bv_syntax delimiter; /* what syntax=subaddress means: BV_PLUS or BV_MINUS */
    enum action on_fault;     /* ACTION_TEMPFAIL or ACTION_ACCEPT */
    struct domains domains;
    struct exceptions exceptions;
    enum action guard_recipients; /* the MX guard: ACTION_ACCEPT (off), ACTION_MARK, ACTION_REJECT */
    enum action guard_senders;
    struct names guard_exempt; /* domains with a route of their own: names in space 0, all below in 1 */
};

/* The keys at a moment. */
struct policy_keys {
    struct bv_keys all;
    const struct bv_key *signing; /* in `all`; NULL: no key signs */
    const struct keys_ring *ring; /* they come from; NULL: not known, the signing key has always signed */
    int64_t since;                /* the ring's signing_since, seconds since 1970 */
    int64_t now;
    long today;
};

/* Fills *out for a time, from a ring and its MACs, which it borrows. */
void policy_keys_at(struct policy_keys *out, const struct keys_ring *ring, struct keys_macs *macs, int64_t now);

/* What the MTA said of the client; borrowed. */
struct policy_client {
    struct net_addr addr;
    const char *name;   /* forward-confirmed host name; "" when there is none */
    const char *daemon; /* {daemon_name}; "" when it gave none */
    bool authenticated; /* in this MAIL command */
};

enum direction {
    DIRECTION_INBOUND = 0,
    DIRECTION_INTERNAL, /* from one of our own hosts: bounces are not verified, nothing is signed */
    DIRECTION_OUTBOUND  /* one of our users: signed */
};
const char *direction_word(enum direction direction);
enum direction policy_direction(const struct policy *p, const struct policy_client *client);

/* What is known of a message when its recipients come. */
struct policy_facts {
    enum direction direction;
    bool local;       /* from the local host: never refused */
    bool null_sender; /* a bounce, or what looks like one */
    bool hurry;       /* a storm: untagged bounces are judged at RCPT */
    int client_line;  /* of the exceptions row that accepts untagged bounces from this client; 0: none */
};
/*
 * Whether the MTAs may take a sender for the null sender: "<>", what has no address
 * in it, and, as Postfix has it, the bare name of the daemon.
 */
bool policy_null_sender(const struct bv_addr *sender);
/* Fills *out, all but hurry. */
void policy_facts(struct policy_facts *out, const struct policy *p, const struct policy_client *client,
                  bool null_sender);

/*
 * The sender, at MAIL.  EVENT_NONE: nothing to do with us; VERDICT_SIGNED:
 * tagged is what to put in its place at end of message; otherwise it is empty.
 */
void policy_mail(struct decision *out, char tagged[BV_TAGGED], const struct policy *p,
                 const struct policy_keys *keys, enum direction direction, const struct bv_addr *sender);

/*
 * A recipient, at RCPT, from the argument as received.  EVENT_NONE: it is not
 * ours, or ordinary mail to an ordinary address.  `address` becomes the
 * recipient as it is meant, without its tag; empty when that cannot be told.
 */
void policy_rcpt(struct decision *out, char address[BV_ADDR_QUOTED], const struct policy *p,
                 const struct policy_keys *keys, const struct policy_facts *facts, struct bv_str rcpt);

/* Whether some decision may need the header of the message. */
bool policy_needs_header(const struct policy *p);

/* The line of the exceptions row that leaves mail to this destination untagged; 0: none. */
int policy_destination(const struct policy *p, struct bv_str rcpt);

/* Whether a domain's MX is anybody's business: not of our own, the exempt ones, and names without a dot. */
bool policy_may_guard(const struct policy *p, struct bv_str domain);

/* Whether the MX guard wants to know of the domain of a recipient, or of the sender. */
bool policy_guards(const struct policy *p, const struct policy_facts *facts, bool of_sender,
                   struct bv_str domain);
/* Decides by what the DNS has told; EVENT_NONE: nothing is wrong. Borrows from *verdict. */
void policy_guard(struct decision *out, const struct policy *p, bool of_sender,
                  const struct guard_verdict *verdict);

/*
 * A question of the MTA's map, quoted or not: whether it is an address of ours
 * whose tag fits, of whatever age.  If so, `address` is the original; else it
 * is empty.  *fault: that cannot be told, the library failed.
 */
bool policy_untag(char address[BV_ADDR_QUOTED], bool *fault, const struct policy *p,
                  const struct policy_keys *keys, struct bv_str key);

/*
 * When the warm-up of a domain's row (NULL: of no row) ends, seconds since
 * 1970: a lifetime of the key that signed when it began.  INT64_MIN: there is
 * none.  While no key signs, it does not end.
 */
int64_t policy_warm_until(const struct policy *p, const struct policy_keys *keys, const struct domain *row);

/*
 * The reading of a recipient that policy_rcpt() judges: for "user%host@relay" it
 * may be user@host.  Returns false, with the address as it stands, when none is ours.
 */
bool policy_reading(struct bv_addr *out, const struct policy *p, const struct policy_keys *keys,
                    struct bv_str rcpt);

#endif

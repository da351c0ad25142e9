/*
 * policy - what to do with a sender or a recipient.  Pure: facts, settings,
 * keys and the day in, a decision out; it cannot fail.  No milter, no socket,
 * no clock; settings are immutable and shared between threads.
 */
#ifndef MILTER_POLICY_H
#define MILTER_POLICY_H

#include <stdbool.h>

#include "bv/bv.h"
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
    enum bv_syntax syntax;
    enum bv_syntax delimiter; /* what syntax=subaddress means: BV_PLUS or BV_MINUS */
    enum action on_fault;     /* ACTION_TEMPFAIL or ACTION_ACCEPT */
    struct domains domains;
};

/* The keys at a moment. */
struct policy_keys {
    struct bv_keys all;
    const struct bv_key *signing; /* in `all`; NULL: no key signs */
    long today;
};

/* What the MTA said of the client; borrowed. */
struct policy_client {
    struct net_addr addr;
    const char *daemon; /* {daemon_name}; "" when it gave none */
    bool authenticated; /* in this MAIL command */
};

enum direction {
    DIRECTION_INBOUND = 0,
    DIRECTION_INTERNAL, /* from one of our own hosts: bounces are not verified, nothing is signed */
    DIRECTION_OUTBOUND  /* one of our users: signed */
};
enum direction policy_direction(const struct policy *p, const struct policy_client *client);

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
                 const struct policy_keys *keys, enum direction direction, bool null_sender,
                 struct bv_str rcpt);

/*
 * The reading of a recipient that policy_rcpt() judges: for "user%host@relay" it
 * may be user@host.  Returns false, with the address as it stands, when none is ours.
 */
bool policy_reading(struct bv_addr *out, const struct policy *p, const struct policy_keys *keys,
                    struct bv_str rcpt);

#endif

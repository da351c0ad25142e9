/*
 * exceptions - the exceptions table: destinations and senders that get no tag,
 * clients and recipients whose untagged bounces are accepted, addresses that
 * never send.  Pure, immutable once read, shared between threads; a look-up
 * costs a hash for each label, or a search among the networks.
 */
#ifndef MILTER_EXCEPTIONS_H
#define MILTER_EXCEPTIONS_H

#include <stdbool.h>

#include "bv/bv.h"
#include "milter/names.h"
#include "milter/net.h"
#include "milter/prefixes.h"
#include "milter/problems.h"

/* The spaces of names are numbered kind by kind. Private to exceptions.c and exceptions_read.c. */
enum exceptions_kind {
    EXCEPTIONS_TO = 0,
    EXCEPTIONS_FROM,
    EXCEPTIONS_RCPT,
    EXCEPTIONS_CLIENT,
    EXCEPTIONS_KINDS
};
enum exceptions_name {
    EXCEPTIONS_EXACT = 0, /* example.com */
    EXCEPTIONS_BELOW,     /* .example.com */
    EXCEPTIONS_ADDRESS,   /* user@example.com */
    EXCEPTIONS_NAMES
};

static inline unsigned exceptions_space(enum exceptions_kind kind, enum exceptions_name name)
{
    return (unsigned)kind * EXCEPTIONS_NAMES + (unsigned)name;
}

/* All zero: an empty table. */
struct exceptions {
    size_t n;                 /* rows */
    bool host_names;          /* some row names clients by host name */
    struct names names;       /* every row but the networks */
    struct prefixes networks; /* of clients */
    bool *never_sends;        /* beside the rows, by number: the word is never-sends */
    int *line;                /* beside the rows */
    char *text;               /* what the names are borrowed from */
};

enum { EXCEPTIONS_MAX = 1 << 20 }; /* lines */

/*
 * Reads a table; an empty one is legal.  Everything wrong with it goes to
 * *problems, under `path`.  Returns 0, or -1 when there was a problem (then
 * *out is empty) or no memory (ENOMEM).
 */
int exceptions_read(struct exceptions *out, const char *path, struct bv_str text, struct problems *problems);
void exceptions_free(struct exceptions *e);

/*
 * Look-ups return the line of the row that applies, 0: none.  An address is
 * compared whole, in any case, by its local part without a tag, before its
 * domain, the domain before its nearest parent.  One without a domain is
 * "postmaster" or the like, and so is its row.
 */
int exceptions_to(const struct exceptions *e, struct bv_str local, struct bv_str domain);   /* "to": no-tag */
int exceptions_from(const struct exceptions *e, struct bv_str local, struct bv_str domain); /* "from": no-tag */
/* "rcpt": *never_sends tells which of its two words the row has. */
int exceptions_rcpt(bool *never_sends, const struct exceptions *e, struct bv_str local, struct bv_str domain);
/* "client": by address; or by forward-confirmed host name, "" when there is none. */
int exceptions_client(const struct exceptions *e, const struct net_addr *addr, const char *name);

#endif

/*
 * tables - the domains table: which domains are ours, and what they want.
 * One entry a line: name, word, options; '#' begins a comment.  Pure, immutable
 * once read, shared between threads; look-ups cost one hash a label.
 */
#ifndef MILTER_TABLES_H
#define MILTER_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/names.h"
#include "milter/problems.h"
#include "milter/verdict.h"

enum domain_kind {
    DOMAIN_VERIFIED = 0, /* signed, and its bounces are verified */
    DOMAIN_NO_MAIL,      /* receives nothing */
    DOMAIN_NO_BOUNCES,   /* never sends: every null-sender message to it is refused */
    DOMAIN_OFF           /* not ours after all */
};

struct domain {
    struct bv_str name; /* lower case, no leading dot; borrowed from the table */
    bool subdomains;    /* ".example.com": every domain below it, not itself */
    enum domain_kind kind;
    bool own_syntax; /* the row has syntax= */
    enum bv_syntax syntax;
    enum action action; /* for invalid bounces, with DOMAIN_VERIFIED */
    int64_t since;      /* its own warm-up starts here, seconds since 1970; 0: the row has no since= */
    int line;
};

struct domains {
    size_t n;
    struct domain *row; /* in the order of the file */
    struct names names;
    char *text; /* what the names are borrowed from */
};

enum { DOMAINS_MAX = 1 << 20 };

/*
 * Reads a table.  `delimiter` is the syntax that "subaddress" stands for.
 * Everything wrong with it goes to *problems, under `path`.  Returns 0, or -1
 * when there was a problem (then *out is empty) or no memory (ENOMEM).
 */
int domains_read(struct domains *out, const char *path, struct bv_str text, enum bv_syntax delimiter,
                 struct problems *problems);
void domains_free(struct domains *d);

/* Whether some row signs and verifies; true as well without any row, when the table could not be read. */
bool domains_need_keys(const struct domains *d);

/* Whether a row applies to a domain, even one that says "off"; and which. */
bool domains_listed(const struct domains *d, struct bv_str name);
const struct domain *domains_row(const struct domains *d, struct bv_str name);

/* The row for a domain, exact before the nearest parent's; NULL when no row applies or it says "off". */
const struct domain *domains_find(const struct domains *d, struct bv_str name);

#endif

/*
 * bogus - networks that no mail can be sent to: the built-in list, from the
 * IANA special-purpose address registries (RFC 6890), or a table of the
 * administrator's in the format of Postfix's cidr_table(5).  Pure; immutable
 * once built, shared between threads.
 */
#ifndef MILTER_BOGUS_H
#define MILTER_BOGUS_H

#include "bv/bv.h"
#include "milter/net.h"
#include "milter/prefixes.h"
#include "milter/problems.h"

enum { BOGUS_KIND = 80 }; /* octets of a kind, with its NUL */

/* All zero: no network is bogus. */
struct bogus {
    struct prefixes networks;
    size_t n;
    struct bogus_entry *entry; /* by number */
};

/* What is said of a network. */
struct bogus_entry {
    bool bogus;            /* false: an exemption (DUNNO) */
    bool sentence;         /* the kind is a text of the administrator's, a reply as it stands */
    unsigned char bits;    /* of the network, in the mapped form */
    char kind[BOGUS_KIND]; /* "loopback", for "Domain MX in loopback network" */
};

/* The built-in list. Returns 0, or -1 without memory, *out then empty. */
int bogus_builtin(struct bogus *out);

/*
 * Reads a table: "NETWORK ACTION TEXT" lines, "#" comments, lines that begin
 * with a blank continue the line before.  The longest network that holds an
 * address counts, whatever the order, and of lines with the same network the
 * first: unlike Postfix, for which the first line that holds the address does.
 * DUNNO and OK exempt; REJECT, 4xx, 5xx and their like make the network bogus.
 * The text, its status code dropped, cut to fit, is the kind when it is one word,
 * X when it is "Domain MX in X network", else a sentence; "bogus" without text.
 * `builtin` adds the built-in list, each network behind the table's own line for
 * it; without, an empty table is refused.  Negations, if and endif are refused.
 * Networks inside ::ffff:0:0/96 are skipped: those addresses are judged as IPv4.
 * Everything wrong goes to *problems.  Returns 0, or -1, *out then empty, with
 * ENOMEM when there is no problem.
 */
int bogus_read(struct bogus *out, const char *path, struct bv_str text, bool builtin,
               struct problems *problems);
void bogus_free(struct bogus *b);

/*
 * What makes an IP address bogus; NULL: it is none.  IPv4 addresses inside IPv6
 * ones are judged as IPv4: mapped, IPv4-compatible (::/96), 6to4 (2002::/16, RFC
 * 3056), NAT64 (64:ff9b::/96, RFC 6052).  What they are wrapped in counts when
 * the list has a network for it that is longer than these, or when the IPv4
 * address is not bogus.
 */
const struct bogus_entry *bogus_find(const struct bogus *b, const struct net_addr *a);

#endif

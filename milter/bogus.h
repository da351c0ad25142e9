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
    struct bogus_entry {
        bool bogus;         /* false: an exemption (DUNNO) */
        unsigned char bits; /* of its network, in the mapped form */
        char kind[BOGUS_KIND];
    } * entry; /* by number */
};

/* The built-in list. Returns 0, or -1 without memory, *out then empty. */
int bogus_builtin(struct bogus *out);

/*
 * Reads a table: "NETWORK ACTION TEXT" lines, "#" comments, lines that begin
 * with a blank continue the line before.  The first network that holds an
 * address counts, as with Postfix, not the longest.  DUNNO and OK exempt;
 * REJECT, 4xx, 5xx and their like make the network bogus, the text (status code
 * dropped, cut to fit) being the kind, of "Domain MX in X network" just X;
 * "bogus" without text.  `builtin` puts the built-in list behind the table;
 * without it an empty table is refused.  Negations, if and endif are refused.
 * Networks inside ::ffff:0:0/96 are skipped: those addresses are judged as IPv4.
 * Everything wrong goes to *problems.  Returns 0, or -1, *out then empty, with
 * ENOMEM when there is no problem.
 */
int bogus_read(struct bogus *out, const char *path, struct bv_str text, bool builtin,
               struct problems *problems);
void bogus_free(struct bogus *b);

/*
 * What kind of bogus an IP address is ("loopback", "private", ...), to be used
 * in "Domain MX in KIND network"; NULL: it is none.  IPv4 addresses inside IPv6
 * ones are judged as IPv4: mapped, IPv4-compatible (::/96), 6to4 (2002::/16, RFC
 * 3056), NAT64 (64:ff9b::/96, RFC 6052).  What they are wrapped in counts when
 * the list has a network for it that is longer than these, or when the IPv4
 * address is not bogus.
 */
const char *bogus_kind(const struct bogus *b, const struct net_addr *a);

#endif

/*
 * prefixes - networks to numbers, the longest prefix wins.  Pure; immutable
 * once built, shared between threads; made for 100,000 networks.
 */
#ifndef MILTER_PREFIXES_H
#define MILTER_PREFIXES_H

#include <stddef.h>
#include <stdint.h>

#include "milter/net.h"

/* A network on its way into the set. */
struct prefix {
    struct net net;
    int number; /* at least 0 */
};

/* All zero: no network.  What is inside is private to prefixes.c. */
struct prefixes {
    size_t n;
    struct prefix_range *range; /* all addresses, in order */
    unsigned bits;              /* of an address that the index is over */
    uint32_t *first;            /* IPv6, then IPv4 */
};

/*
 * Builds the set; `item` (n of them) is sorted in place, and not needed
 * afterwards.  Of two networks that are the same the one with the lower number
 * counts.  Returns 0, or -1 without memory, *out then empty.
 */
int prefixes_build(struct prefixes *out, struct prefix *item, size_t n);
void prefixes_free(struct prefixes *p);

/* The number of the longest network that holds an IP address; -1: none, or no IP address. */
int prefixes_find(const struct prefixes *p, const struct net_addr *a);

#endif

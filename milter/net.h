/*
 * net - client addresses and networks.  Pure: no sockets, no look-ups.
 */
#ifndef MILTER_NET_H
#define MILTER_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "bv/bv.h"

enum net_family {
    NET_UNKNOWN = 0, /* the MTA named no address, or a family that we do not know */
    NET_UNIX,
    NET_IP
};

enum { NET_OCTETS = 16, NET_TEXT = 46 };

/* Where a client connects from.  IPv4 is kept in its IPv4-mapped form, RFC 4291 2.5.5.2. */
struct net_addr {
    enum net_family family;
    unsigned char ip[NET_OCTETS];
};

struct net {
    unsigned char ip[NET_OCTETS];
    unsigned bits; /* of the mapped form: 0..128 */
};

struct net_list {
    size_t n;
    struct net *item; /* freed by the owner of the list */
};

void net_addr_v4(struct net_addr *out, const void *octets); /* 4 octets, network order */
void net_addr_v6(struct net_addr *out, const void *octets); /* 16 octets */

/* "192.0.2.7", "2001:db8::1", "unix" or "unknown". */
void net_addr_write(char dst[NET_TEXT], const struct net_addr *a);

/*
 * Reads "198.51.100.0/24", "2001:db8::/32", or an address alone.  Returns NULL,
 * or what is wrong with the text; a network with host bits set is refused.
 */
const char *net_read(struct net *out, const char *text);

/* Whether an IP address lies in one of the networks; other families never do. */
bool net_contains(const struct net_list *list, const struct net_addr *a);

/* Whether a network is 0.0.0.0/0 or ::/0. */
bool net_is_everywhere(const struct net *net);

/* 127.0.0.1, ::1, or a unix socket: what Postfix's own submissions look like. */
bool net_is_local(const struct net_addr *a);

#endif

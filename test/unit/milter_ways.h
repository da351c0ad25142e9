/*
 * ways - how mail may come, for tests that ask whose it is: networks, daemons,
 * and clients by their addresses.
 */
#ifndef TEST_MILTER_WAYS_H
#define TEST_MILTER_WAYS_H

#include <string.h>
#include <arpa/inet.h>

#include "milter/policy.h"

/* What is configured, a letter each. */
enum {
    A = 1, /* sign_authenticated */
    S = 2, /* sign_networks = {"198.51.100.0/24", "2001:db8:5::/48"} */
    D = 4, /* sign_daemons = {"ORIGINATING", "smtps"} */
    I = 8, /* internal_networks = {"10.0.0.0/8", "127.0.0.0/8", "::1/128", "2001:db8:1::/48"} */
    E = 16 /* sign_daemons = {""}, which the configuration refuses */
};

enum { OUT = DIRECTION_OUTBOUND, INT = DIRECTION_INTERNAL, IN = DIRECTION_INBOUND };

/* Puts the settings in; they are borrowed from here. */
static inline void ways_configure(struct policy *p, int conf)
{
    static const char *const sign[] = {"198.51.100.0/24", "2001:db8:5::/48"};
    static const char *const internal[] = {"10.0.0.0/8", "127.0.0.0/8", "::1/128", "2001:db8:1::/48"};
    static struct net sign_nets[2], internal_nets[4];
    static char originating[] = "ORIGINATING", smtps[] = "smtps", nothing[] = "";
    static char *daemons[] = {originating, smtps, NULL}, *empty_daemons[] = {nothing, NULL}, *none[] = {NULL};

    for (size_t i = 0; i < 2; i++)
        assert_null(net_read(&sign_nets[i], sign[i]));
    for (size_t i = 0; i < 4; i++)
        assert_null(net_read(&internal_nets[i], internal[i]));
    p->sign_authenticated = (conf & A) != 0;
    p->sign_networks = (struct net_list){conf & S ? 2 : 0, sign_nets};
    p->internal_networks = (struct net_list){conf & I ? 4 : 0, internal_nets};
    p->sign_daemons = conf & D ? daemons : conf & E ? empty_daemons : none;
}

/* An IPv4 or IPv6 address, "unix" or "unknown". */
static inline void ways_address(struct net_addr *out, const char *from)
{
    unsigned char octets[NET_OCTETS];

    memset(out, 0, sizeof *out);
    if (strcmp(from, "unix") == 0)
        out->family = NET_UNIX;
    else if (inet_pton(AF_INET, from, octets) == 1)
        net_addr_v4(out, octets);
    else if (inet_pton(AF_INET6, from, octets) == 1)
        net_addr_v6(out, octets);
    else
        assert_string_equal(from, "unknown");
}

#endif

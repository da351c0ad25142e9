/* milter_networks - addresses and networks of tests, written and drawn. */
#ifndef TEST_UNIT_MILTER_NETWORKS_H
#define TEST_UNIT_MILTER_NETWORKS_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "milter/net.h"

/* "unix", "unknown", or an address as a client's socket would have it. */
static inline struct net_addr networks_address(const char *text)
{
    struct net_addr a = {.family = NET_UNKNOWN};
    unsigned char octets[NET_OCTETS];

    if (strcmp(text, "unix") == 0)
        a.family = NET_UNIX;
    else if (inet_pton(AF_INET, text, octets) == 1)
        net_addr_v4(&a, octets);
    else if (inet_pton(AF_INET6, text, octets) == 1)
        net_addr_v6(&a, octets);
    else
        assert_string_equal(text, "unknown");
    return a;
}

static uint64_t networks_seed = 20785;

static inline unsigned networks_pick(unsigned below)
{
    networks_seed = networks_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(networks_seed >> 33) % below;
}

/* The address by `step` (1 or -1) from another. */
static inline struct net_addr networks_next_to(struct net_addr a, int step)
{
    for (size_t i = NET_OCTETS; i > 0; i--) {
        a.ip[i - 1] = (unsigned char)(a.ip[i - 1] + step);
        if (a.ip[i - 1] != (step > 0 ? 0 : 255))
            break;
    }
    return a;
}

enum { NETWORKS_AROUND = 5 };

/* The first and last of a network, those before and behind, and one inside. */
static inline void networks_around(struct net_addr out[NETWORKS_AROUND], const struct net *net)
{
    struct net_addr first = {.family = NET_IP}, last, inside;

    memcpy(first.ip, net->ip, NET_OCTETS);
    last = inside = first;
    for (unsigned bit = net->bits; bit < 128; bit++) {
        last.ip[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
        if (networks_pick(2))
            inside.ip[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
    }
    out[0] = first;
    out[1] = last;
    out[2] = inside;
    out[3] = networks_next_to(first, -1);
    out[4] = networks_next_to(last, 1);
}

#endif

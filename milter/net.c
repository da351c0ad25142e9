#include "milter/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

enum { MAPPED_BITS = 96, ALL_BITS = 128 };

void net_addr_v4(struct net_addr *out, const void *octets)
{
    out->family = NET_IP;
    memcpy(out->ip, mapped, sizeof mapped);
    memcpy(out->ip + sizeof mapped, octets, 4);
}

void net_addr_v6(struct net_addr *out, const void *octets)
{
    out->family = NET_IP;
    memcpy(out->ip, octets, NET_OCTETS);
}

static bool is_v4(const unsigned char ip[NET_OCTETS])
{
    return memcmp(ip, mapped, sizeof mapped) == 0;
}

/* By hand: every log line has one, and inet_ntop() costs more than the rest of the line. */
static void write_v4(char *dst, const unsigned char octet[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *dst++ = '.';
        if (octet[i] >= 100)
            *dst++ = (char)('0' + octet[i] / 100);
        if (octet[i] >= 10)
            *dst++ = (char)('0' + octet[i] / 10 % 10);
        *dst++ = (char)('0' + octet[i] % 10);
    }
    *dst = '\0';
}

void net_addr_write(char dst[NET_TEXT], const struct net_addr *a)
{
    switch (a->family) {
    case NET_IP:
        if (is_v4(a->ip))
            write_v4(dst, a->ip + sizeof mapped);
        else
            inet_ntop(AF_INET6, a->ip, dst, NET_TEXT);
        return;
    case NET_UNIX:
        strcpy(dst, "unix");
        return;
    case NET_UNKNOWN:
        break;
    }
    strcpy(dst, "unknown");
}

/* Whether the first `bits` bits are the same. */
static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_set(const struct net *n)
{
    for (unsigned bit = n->bits; bit < ALL_BITS; bit++)
        if (n->ip[bit / 8] & (0x80 >> bit % 8))
            return true;
    return false;
}

const char *net_read(struct net *out, const char *text)
{
    char address[NET_TEXT];
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    unsigned offset = 0;
    struct net net = {.bits = ALL_BITS};

    if (n >= sizeof address)
        return "is no IP address or network";
    memcpy(address, text, n);
    address[n] = '\0';
    if (inet_pton(AF_INET, address, net.ip + sizeof mapped) == 1) {
        memcpy(net.ip, mapped, sizeof mapped);
        offset = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, address, net.ip) != 1) {
        return "is no IP address or network";
    }
    if (slash != NULL) {
        char *end;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > ALL_BITS - offset)
            return "has a bad prefix length";
        net.bits = (unsigned)bits + offset;
    }
    if (host_bits_set(&net))
        return "has bits set behind its prefix";
    *out = net;
    return NULL;
}

bool net_contains(const struct net_list *list, const struct net_addr *a)
{
    if (a->family != NET_IP)
        return false;
    bool v4 = is_v4(a->ip); /* in no network of IPv6, however wide */
    for (size_t i = 0; i < list->n; i++)
        if ((!v4 || list->item[i].bits >= MAPPED_BITS) &&
            same_bits(list->item[i].ip, a->ip, list->item[i].bits))
            return true;
    return false;
}

bool net_is_local(const struct net_addr *a)
{
    static const unsigned char v4[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    static const unsigned char v6[NET_OCTETS] = {[15] = 1};

    if (a->family == NET_UNIX)
        return true;
    return a->family == NET_IP && (memcmp(a->ip, v4, NET_OCTETS) == 0 || memcmp(a->ip, v6, NET_OCTETS) == 0);
}

bool net_is_everywhere(const struct net *net)
{
    return net->bits == 0 || (net->bits == MAPPED_BITS && is_v4(net->ip));
}

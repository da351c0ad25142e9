#include "milter/bogus_parts.h"

#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96 };

/*
 * In no registry of special purposes, but nobody's either: multicast,
 * site-local (RFC 3879), IPv4-compatible (RFC 4291 2.5.5.1).  192.88.99.0/24 is
 * deprecated, and given to nobody (RFC 7526).
 */
static const struct {
    const char *network;
    const char *kind; /* NULL: globally reachable */
} builtin[] = {
    {"0.0.0.0/8", "unspecified"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared address space"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.9", NULL},  /* Port Control Protocol, anycast */
    {"192.0.0.10", NULL}, /* TURN, anycast */
    {"192.0.0.0/24", "protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.2", "6a44 relay"},
    {"192.88.99.0/24", "6to4 relay"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"255.255.255.255", "broadcast"},
    {"240.0.0.0/4", "reserved"},

    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b:1::/48", "local translation"},
    {"100::/64", "discard-only"},
    {"100:0:0:1::/64", "dummy"},
    {"2001:1::1", NULL},       /* Port Control Protocol, anycast */
    {"2001:1::2", NULL},       /* TURN, anycast */
    {"2001:1::3", NULL},       /* service registration, anycast */
    {"2001:3::/32", NULL},     /* AMT */
    {"2001:4:112::/48", NULL}, /* AS112 */
    {"2001:20::/28", NULL},    /* ORCHIDv2 */
    {"2001:30::/28", NULL},    /* drone identifiers */
    {"2001:2::/48", "benchmarking"},
    {"2001:10::/28", "ORCHID"},
    {"2001::/32", "Teredo"},
    {"2001::/23", "protocol assignments"},
    {"2001:db8::/32", "documentation"},
    {"3fff::/20", "documentation"},
    {"5f00::/16", "segment routing"},
    {"fc00::/7", "unique local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

enum { BUILTIN = sizeof builtin / sizeof *builtin };

/* IPv6 ranges that hold IPv4 addresses; mapped ones are IPv4 by the form that addresses are kept in. */
static const struct {
    unsigned char start[V4_BITS / 8];
    unsigned char bits; /* the IPv4 address is behind them */
} wrappers[] = {
    {{0}, 96},                   /* IPv4-compatible */
    {{0, 0x64, 0xff, 0x9b}, 96}, /* NAT64 */
    {{0x20, 0x02}, 16},          /* 6to4 */
};

int bogus_begin(struct bogus_draft *d, struct bogus *out, size_t rows)
{
    *out = (struct bogus){.n = 0};
    *d = (struct bogus_draft){.out = out};
    out->entry = calloc(rows + BUILTIN, sizeof *out->entry);
    d->network = calloc(rows + BUILTIN, sizeof *d->network);
    return out->entry != NULL && d->network != NULL ? 0 : -1;
}

void bogus_add(struct bogus_draft *d, const struct net *net, const char *kind, bool sentence)
{
    struct bogus_entry *entry = &d->out->entry[d->out->n];
    size_t length = kind != NULL ? strlen(kind) : 0;

    d->network[d->out->n] = (struct prefix){*net, (int)d->out->n};
    d->out->n++;
    entry->bogus = kind != NULL;
    entry->sentence = sentence;
    entry->bits = (unsigned char)net->bits;
    if (kind != NULL)
        memcpy(entry->kind, kind, length < BOGUS_KIND ? length : BOGUS_KIND - 1);
}

void bogus_add_builtin(struct bogus_draft *d)
{
    struct net net = {.bits = 0};

    for (size_t i = 0; i < BUILTIN; i++)
        if (net_read(&net, builtin[i].network) == NULL)
            bogus_add(d, &net, builtin[i].kind, false);
}

int bogus_end(struct bogus_draft *d, bool good)
{
    if (good)
        good = prefixes_build(&d->out->networks, d->network, d->out->n) == 0;
    free(d->network);
    d->network = NULL;
    if (!good)
        bogus_free(d->out);
    return good ? 0 : -1;
}

int bogus_builtin(struct bogus *out)
{
    struct bogus_draft draft;
    bool good = bogus_begin(&draft, out, 0) == 0;

    if (good)
        bogus_add_builtin(&draft);
    return bogus_end(&draft, good);
}

void bogus_free(struct bogus *b)
{
    prefixes_free(&b->networks);
    free(b->entry);
    *b = (struct bogus){.n = 0};
}

static const struct bogus_entry *longest(const struct bogus *b, const struct net_addr *a)
{
    int number = prefixes_find(&b->networks, a);

    return number < 0 ? NULL : &b->entry[number];
}

static const struct bogus_entry *unless_exempt(const struct bogus_entry *entry)
{
    return entry != NULL && entry->bogus ? entry : NULL;
}

/* Takes the IPv4 address out. Returns the bits that stood before it; 0: there is none. */
static unsigned unwrap(struct net_addr *out, const struct net_addr *a)
{
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        size_t octets = wrappers[i].bits / 8;
        if (memcmp(a->ip, wrappers[i].start, octets) == 0) {
            net_addr_v4(out, a->ip + octets);
            return wrappers[i].bits;
        }
    }
    return 0;
}

const struct bogus_entry *bogus_find(const struct bogus *b, const struct net_addr *a)
{
    const struct bogus_entry *outer = longest(b, a);
    struct net_addr inner;

    if (a->family != NET_IP)
        return NULL;
    unsigned bits = unwrap(&inner, a);
    if (bits == 0 || (outer != NULL && outer->bits > bits))
        return unless_exempt(outer);
    const struct bogus_entry *found = unless_exempt(longest(b, &inner));
    return found != NULL ? found : unless_exempt(outer);
}

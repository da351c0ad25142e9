#include "milter/prefixes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An address as a number. */
struct key {
    uint64_t high, low;
};

/* From its start to the start of the next one, all addresses have the same answer. */
struct prefix_range {
    struct key start;
    int number; /* -1: none */
};

enum { ALL_BITS = 128, V4_BITS = 96, INDEX_BITS_MIN = 4, INDEX_BITS_MAX = 16 };

static const uint64_t v4_low = UINT64_C(0xffff) << 32; /* ::ffff:0:0 */

static uint64_t read_half(const unsigned char *octet)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | octet[i];
    return value;
}

static struct key read_key(const unsigned char ip[NET_OCTETS])
{
    return (struct key){read_half(ip), read_half(ip + 8)};
}

static bool before(struct key a, struct key b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static bool is_v4(struct key k)
{
    return k.high == 0 && k.low >> 32 == 0xffff;
}

/* The first address behind a network; ::, when there is none. */
static struct key behind(struct key k, unsigned bits)
{
    if (bits == 0)
        return (struct key){0, 0};
    if (bits <= 64)
        return (struct key){k.high + (UINT64_C(1) << (64 - bits)), 0};
    uint64_t low = k.low + (UINT64_C(1) << (ALL_BITS - bits));
    return (struct key){k.high + (low == 0), low};
}

/* A network stands before those inside it. */
static int compare_net(const struct net *a, const struct net *b)
{
    int order = memcmp(a->ip, b->ip, NET_OCTETS);

    return order != 0 ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

static int compare(const void *a, const void *b)
{
    const struct prefix *x = a, *y = b;
    int order = compare_net(&x->net, &y->net);

    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* The networks that the sweep is in, from the outermost, and what it has found out so far. */
struct sweep {
    struct prefixes *out;
    size_t depth;
    struct {
        struct key end; /* the first address behind it */
        int number;
    } open[ALL_BITS + 3]; /* one of each length, none, and V4_BITS once more */
};

/* From here on the answer is another. What was said of the same address before is out of date. */
static void add_range(struct prefixes *out, struct key start, int number)
{
    struct prefix_range *last = &out->range[out->n - 1];

    if (before(last->start, start))
        last = &out->range[out->n++];
    *last = (struct prefix_range){start, number};
}

static bool is_zero(struct key k)
{
    return k.high == 0 && k.low == 0;
}

static void close_top(struct sweep *s)
{
    struct key end = s->open[--s->depth].end;

    if (!is_zero(end))
        add_range(s->out, end, s->open[s->depth - 1].number);
}

static void enter(struct sweep *s, struct key start, unsigned bits, int number)
{
    while (s->depth > 1 && !is_zero(s->open[s->depth - 1].end) && !before(start, s->open[s->depth - 1].end))
        close_top(s);
    add_range(s->out, start, number);
    s->open[s->depth].end = behind(start, bits);
    s->open[s->depth++].number = number;
}

/*
 * Goes through all addresses from :: up.  The room of IPv4 is entered as a
 * network of its own without a number, so that no wide one of IPv6 reaches in.
 */
static void make_ranges(struct prefixes *out, const struct prefix *item, size_t n)
{
    static const struct net v4 = {{[10] = 0xff, [11] = 0xff}, V4_BITS};
    struct sweep s = {.out = out, .depth = 1, .open = {{.number = -1}}};
    bool v4_entered = false;

    out->range[0] = (struct prefix_range){{0, 0}, -1};
    out->n = 1;
    for (size_t i = 0; i < n; i++) {
        if (!v4_entered && compare_net(&v4, &item[i].net) <= 0) {
            enter(&s, read_key(v4.ip), V4_BITS, -1);
            v4_entered = true;
        }
        if (i == 0 || compare_net(&item[i - 1].net, &item[i].net) != 0)
            enter(&s, read_key(item[i].net.ip), item[i].net.bits, item[i].number);
    }
    if (!v4_entered)
        enter(&s, read_key(v4.ip), V4_BITS, -1);
    while (s.depth > 1)
        close_top(&s);
}

/* For each value of the first bits, of IPv6 or of IPv4, the range that its lowest address lies in. */
static void make_index(const struct prefixes *p, uint32_t *first, bool v4)
{
    uint32_t at = 0;

    for (uint64_t i = 0; i < UINT64_C(1) << p->bits; i++) {
        struct key start = {v4 ? 0 : i << (64 - p->bits), v4 ? v4_low + (i << (32 - p->bits)) : 0};
        while (at + 1 < p->n && !before(start, p->range[at + 1].start))
            at++;
        *first++ = at;
    }
    *first = (uint32_t)p->n - 1;
}

static size_t index_size(unsigned bits)
{
    return ((size_t)1 << bits) + 1;
}

int prefixes_build(struct prefixes *out, struct prefix *item, size_t n)
{
    *out = (struct prefixes){.n = 0};
    if (n == 0)
        return 0;
    out->bits = INDEX_BITS_MIN;
    while (out->bits < INDEX_BITS_MAX && (size_t)1 << out->bits < n)
        out->bits++;
    out->range = malloc((2 * n + 3) * sizeof *out->range); /* where each begins and ends, IPv4 too, and :: */
    out->first = malloc(2 * index_size(out->bits) * sizeof *out->first);
    if (out->range == NULL || out->first == NULL) {
        prefixes_free(out);
        return -1;
    }
    qsort(item, n, sizeof *item, compare);
    make_ranges(out, item, n);
    make_index(out, out->first, false);
    make_index(out, out->first + index_size(out->bits), true);
    return 0;
}

void prefixes_free(struct prefixes *p)
{
    free(p->range);
    free(p->first);
    *p = (struct prefixes){.n = 0};
}

int prefixes_find(const struct prefixes *p, const struct net_addr *a)
{
    if (p->n == 0 || a->family != NET_IP)
        return -1;
    struct key key = read_key(a->ip);
    const uint32_t *first = p->first;
    if (is_v4(key))
        first += index_size(p->bits) + ((uint32_t)key.low >> (32 - p->bits));
    else
        first += key.high >> (64 - p->bits);

    uint32_t low = first[0], high = first[1];
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (before(key, p->range[middle].start))
            high = middle - 1;
        else
            low = middle;
    }
    return p->range[low].number;
}

#include "milter/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool same_octets(const char *a, const char *b, size_t n)
{
    if (n == 0 || memcmp(a, b, n) == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (bv_lower(a[i]) != bv_lower(b[i]))
            return false;
    return true;
}

/* What is looked for: local@domain, or with an empty `local` just `rest`. */
struct key {
    unsigned space;
    struct bv_str local, rest;
};

static bool same(const struct names_entry *e, const struct key *k)
{
    size_t head = k->local.n > 0 ? k->local.n + 1 : 0;

    return e->space == k->space && e->length == head + k->rest.n &&
           same_octets(e->name + head, k->rest.p, k->rest.n) && same_octets(e->name, k->local.p, k->local.n) &&
           (head == 0 || e->name[head - 1] == '@');
}

/*
 * From the last octet to the first, so that one pass over an address comes by
 * the hashes of its domain and of all parents.  Times 257, because that takes
 * two cycles an octet; hash_end() does the mixing.
 */
static inline uint64_t hash_octet(uint64_t h, char c)
{
    return (h << 8) + (h + (unsigned char)bv_lower(c));
}

static uint64_t hash_text(uint64_t h, struct bv_str s)
{
    for (size_t i = s.n; i > 0; i--)
        h = hash_octet(h, s.p[i - 1]);
    return h;
}

static uint32_t hash_end(uint64_t h, unsigned space)
{
    h = (h ^ h >> 32 ^ space) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

/* The slot that holds the name, or the free one where it belongs. */
static struct names_slot *find_slot(const struct names *s, const struct key *k, uint32_t hash)
{
    size_t i = hash & (s->slots - 1);

    while (s->slot[i].entry != 0 && !(s->slot[i].hash == hash && same(&s->entry[s->slot[i].entry - 1], k)))
        i = (i + 1) & (s->slots - 1);
    return &s->slot[i];
}

static int number_in(const struct names *s, const struct names_slot *slot)
{
    return slot->entry == 0 ? -1 : s->entry[slot->entry - 1].number;
}

static int find(const struct names *s, const struct key *k, uint64_t h)
{
    return number_in(s, find_slot(s, k, hash_end(h, k->space)));
}

int names_init(struct names *out, size_t most)
{
    size_t slots = 16;

    while (slots < 2 * most)
        slots *= 2;
    *out = (struct names){.slots = slots};
    out->slot = calloc(slots, sizeof *out->slot);
    out->entry =
        malloc(slots / 2 * sizeof *out->entry); /* half of the slots stay free, or searches would not end */
    if (out->slot != NULL && out->entry != NULL)
        return 0;
    names_free(out);
    return -1;
}

void names_free(struct names *s)
{
    free(s->slot);
    free(s->entry);
    *s = (struct names){.n = 0};
}

int names_add(struct names *s, unsigned space, struct bv_str name, int number)
{
    const struct key k = {.space = space, .rest = name};
    uint32_t hash = hash_end(hash_text(0, name), space);
    struct names_slot *slot = find_slot(s, &k, hash);

    if (slot->entry == 0 && s->n < s->slots / 2 && name.n <= UINT32_MAX) {
        s->entry[s->n++] = (struct names_entry){name.p, (uint32_t)name.n, space, number};
        *slot = (struct names_slot){hash, (uint32_t)s->n};
        return -1;
    }
    return number_in(s, slot);
}

int names_find(const struct names *s, unsigned space, struct bv_str name)
{
    const struct key k = {.space = space, .rest = name};

    return s->n == 0 ? -1 : find(s, &k, hash_text(0, name));
}

/* The hash of the domain goes to *h. */
static int find_domain(uint64_t *h, const struct names *s, unsigned exact, unsigned below, struct bv_str domain)
{
    struct key k = {.space = below};
    int parent = -1;

    *h = 0;
    for (size_t i = domain.n; i > 0; i--) {
        if (domain.p[i - 1] == '.') {
            k.rest = (struct bv_str){domain.p + i, domain.n - i};
            int number = find(s, &k, *h);
            parent = number >= 0 ? number : parent; /* the nearest comes last */
        }
        *h = hash_octet(*h, domain.p[i - 1]);
    }
    k = (struct key){.space = exact, .rest = domain};
    int number = find(s, &k, *h);
    return number >= 0 ? number : parent;
}

int names_find_domain(const struct names *s, unsigned exact, unsigned below, struct bv_str domain)
{
    uint64_t h;

    return s->n == 0 ? -1 : find_domain(&h, s, exact, below, domain);
}

int names_find_address(const struct names *s, unsigned whole, unsigned exact, unsigned below,
                       struct bv_str local, struct bv_str domain)
{
    const struct key k = {.space = whole, .local = local, .rest = domain};
    uint64_t h;

    if (s->n == 0)
        return -1;
    int of_domain = find_domain(&h, s, exact, below, domain);
    int number = local.n == 0 ? -1 : find(s, &k, hash_text(hash_octet(h, '@'), local));
    return number >= 0 ? number : of_domain;
}

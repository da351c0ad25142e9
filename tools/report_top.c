#include "tools/report_top.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t nothing = UINT32_MAX;

int report_top_init(struct report_top *t, uint32_t size, uint64_t seed)
{
    *t = (struct report_top){.size = size, .buckets = 1, .seed = seed};
    while (t->buckets < size)
        t->buckets *= 2;
    t->item = calloc(size, sizeof *t->item);
    t->heap = calloc(size, sizeof *t->heap);
    t->bucket = calloc(t->buckets, sizeof *t->bucket);
    if (t->item == NULL || t->heap == NULL || t->bucket == NULL) {
        report_top_free(t);
        return -1;
    }
    for (uint32_t i = 0; i < t->buckets; i++)
        t->bucket[i] = nothing;
    return 0;
}

void report_top_free(struct report_top *t)
{
    free(t->item);
    free(t->heap);
    free(t->bucket);
    *t = (struct report_top){.size = 0};
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint32_t hash_name(uint64_t seed, struct bv_str name)
{
    uint64_t h = mix(seed ^ name.n), word;

    for (; name.n >= sizeof word; name.p += sizeof word, name.n -= sizeof word) {
        memcpy(&word, name.p, sizeof word);
        h = mix(h ^ word);
    }
    word = 0;
    if (name.n > 0)
        memcpy(&word, name.p, name.n);
    return (uint32_t)(mix(h ^ word) >> 32);
}

static bool is_named(const struct report_top_item *item, uint32_t hash, struct bv_str name)
{
    return item->hash == hash && memcmp(item->name, name.p, name.n) == 0 && item->name[name.n] == '\0';
}

static uint32_t *bucket_of(struct report_top *t, uint32_t hash)
{
    return &t->bucket[hash & (t->buckets - 1)];
}

/* ---- the heap: the least weight on top ---- */

static uint64_t weight_at(const struct report_top *t, uint32_t place)
{
    return t->item[t->heap[place]].weight;
}

static void put_at(struct report_top *t, uint32_t place, uint32_t i)
{
    t->heap[place] = i;
    t->item[i].heap_place = place;
}

static void rise(struct report_top *t, uint32_t i)
{
    uint32_t place = t->item[i].heap_place;

    for (; place > 0 && weight_at(t, (place - 1) / 2) > t->item[i].weight; place = (place - 1) / 2)
        put_at(t, place, t->heap[(place - 1) / 2]);
    put_at(t, place, i);
}

static void sink(struct report_top *t, uint32_t i)
{
    uint32_t place = t->item[i].heap_place;

    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= t->n)
            break;
        if (child + 1 < t->n && weight_at(t, child + 1) < weight_at(t, child))
            child++;
        if (weight_at(t, child) >= t->item[i].weight)
            break;
        put_at(t, place, t->heap[child]);
        place = child;
    }
    put_at(t, place, i);
}

/* ---- names ---- */

static void unlink_item(struct report_top *t, uint32_t i)
{
    uint32_t *link = bucket_of(t, t->item[i].hash);

    while (*link != i)
        link = &t->item[*link].next;
    *link = t->item[i].next;
}

/* A place for a new name: a free one, or that of the name with the least weight. */
static uint32_t place_for(struct report_top *t)
{
    if (t->n < t->size) {
        t->item[t->n].heap_place = t->n;
        return t->n++;
    }
    uint32_t i = t->heap[0];
    unlink_item(t, i);
    t->approximate = true;
    t->item[i].before = t->item[i].weight;
    memset(t->item[i].column, 0, sizeof t->item[i].column);
    return i;
}

static uint32_t add_name(struct report_top *t, uint32_t hash, struct bv_str name)
{
    uint32_t i = place_for(t), *first = bucket_of(t, hash);
    struct report_top_item *item = &t->item[i];

    memcpy(item->name, name.p, name.n);
    item->name[name.n] = '\0';
    item->hash = hash;
    item->next = *first;
    *first = i;
    return i;
}

void report_top_add(struct report_top *t, struct bv_str name, unsigned column, uint64_t times)
{
    name.n = name.n < REPORT_TEXT ? name.n : REPORT_TEXT - 1;
    uint32_t hash = hash_name(t->seed, name), i = *bucket_of(t, hash);

    while (i != nothing && !is_named(&t->item[i], hash, name))
        i = t->item[i].next;
    bool is_new = i == nothing;
    if (is_new)
        i = add_name(t, hash, name);
    t->item[i].weight += times;
    t->item[i].column[column] += times;
    if (is_new)
        rise(t, i);
    sink(t, i);
}

uint64_t report_top_count(const struct report_top_item *item)
{
    return item->weight - item->before;
}

static int compare(const void *a, const void *b)
{
    const struct report_top_item *x = a, *y = b;
    uint64_t m = report_top_count(x), n = report_top_count(y);

    return m != n ? (m < n) - (m > n) : strcmp(x->name, y->name);
}

uint32_t report_top_sort(struct report_top *t)
{
    qsort(t->item, t->n, sizeof *t->item, compare);
    return t->n;
}

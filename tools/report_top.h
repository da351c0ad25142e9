/*
 * report_top - the most frequent of any number of names, in constant memory:
 * the space-saving counters of Metwally, Agrawal and El Abbadi (2005).  While
 * there are no more names than places, all figures are exact.  Pure.
 */
#ifndef TOOLS_REPORT_TOP_H
#define TOOLS_REPORT_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/report_line.h"

enum { REPORT_TOP_COLUMNS = 4 };

struct report_top_item {
    uint64_t weight; /* at least what was counted for the name; the place with the least is given away */
    uint64_t before; /* the part of it that is the former names' */
    uint64_t column[REPORT_TOP_COLUMNS];
    uint32_t hash, next, heap_place;
    char name[REPORT_TEXT];
};

struct report_top {
    uint32_t size, n, buckets;
    uint64_t seed;
    bool approximate; /* a name had to give way */
    struct report_top_item *item;
    uint32_t *bucket, *heap;
};

/* `seed` is a secret, so that nobody can have all names fall on one bucket. Returns 0, or -1: no memory. */
int report_top_init(struct report_top *t, uint32_t size, uint64_t seed);
void report_top_free(struct report_top *t);

/* Counts a name, and says where; longer ones than REPORT_TEXT - 1 are cut. */
void report_top_add(struct report_top *t, struct bv_str name, unsigned column, uint64_t times);

/* What was certainly counted for it: exact when nothing was `before`. */
uint64_t report_top_count(const struct report_top_item *item);

/*
 * Puts the items in order, the most frequent first; adding ends with it.
 * Returns how many there are.
 */
uint32_t report_top_sort(struct report_top *t);

#endif

/*
 * names - a set of names, each in a space of its own and with a number: one
 * hash look-up finds the number.  Names are compared in any case (ASCII).
 * Pure; immutable once built, shared between threads.
 */
#ifndef MILTER_NAMES_H
#define MILTER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"

/* All zero: empty, and may be searched. */
struct names {
    size_t n;
    size_t slots; /* of the hash, a power of two */
    /* Small, so that building and searching a large set stay in the cache. */
    struct names_slot {
        uint32_t hash;  /* so that another name need not be looked at */
        uint32_t entry; /* its index, from 1; 0: free */
    } * slot;
    struct names_entry {
        const char *name;
        uint32_t length;
        unsigned space;
        int number;
    } * entry; /* in the order in which they came */
};

/* Makes room for at least `most` names; beyond that none is added. Returns 0, or -1 without memory, *out then empty. */
int names_init(struct names *out, size_t most);
void names_free(struct names *s);

/*
 * Adds a name, whose text must live as long as the set, with a number of at
 * least 0.  Returns -1, or the number of the same name, which stays.
 */
int names_add(struct names *s, unsigned space, struct bv_str name, int number);

int names_find(const struct names *s, unsigned space, struct bv_str name); /* the number, or -1 */

/* A domain: itself in space `exact`, else its nearest parent in space `below`. The number, or -1. */
int names_find_domain(const struct names *s, unsigned exact, unsigned below, struct bv_str domain);

/* An address: local@domain in space `whole`, else its domain as above. The number, or -1. */
int names_find_address(const struct names *s, unsigned whole, unsigned exact, unsigned below,
                       struct bv_str local, struct bv_str domain);

#endif

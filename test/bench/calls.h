/* calls - what is measured, and what a thread needs for it. */
#ifndef TEST_BENCH_CALLS_H
#define TEST_BENCH_CALLS_H

#include "milter/policy.h"

struct worker {
    struct evp_mac_ctx_st *bare;
    struct bv_mac mac;
    struct bv_keys keys;
    struct policy policy;
    struct policy_keys policy_keys;
    char tagged[BV_TAGGED + 2]; /* a valid one, in brackets */
    unsigned long sink;         /* so that nothing is optimised away */
};

void worker_init(struct worker *w, const struct domains *domains);
void worker_free(struct worker *w);

struct call {
    const char *name;
    void (*once)(struct worker *w);
    double bound; /* of the ratio to the bare MAC; 0: none */
};

/* The bare MAC comes first: all else is measured against it. */
extern const struct call calls[];
extern const size_t call_count;

#endif

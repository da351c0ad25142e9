#include "test/sim/rng.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

static struct rng entropy;

/* SplitMix64: one addition and three mixings, and every seed is a good one. */
uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t rng_between(struct rng *r, int64_t lo, int64_t hi)
{
    return hi <= lo ? lo : lo + (int64_t)(rng_next(r) % (uint64_t)(hi - lo + 1));
}

bool rng_chance(struct rng *r, int per_mille)
{
    return rng_between(r, 1, 1000) <= per_mille;
}

int64_t rng_scale(struct rng *r, int64_t longest)
{
    int orders = 1;

    while (orders < 62 && INT64_C(1) << orders < longest)
        orders++;
    int64_t top = INT64_C(1) << rng_between(r, 1, orders);
    return rng_between(r, 1, top < longest ? top : longest);
}

void rng_seed_entropy(uint64_t seed)
{
    entropy.state = seed;
}

/* Taken by the linker in place of the C library's. */
int getentropy(void *buffer, size_t length)
{
    unsigned char *p = buffer;

    for (size_t i = 0; i < length; i++)
        p[i] = (unsigned char)rng_next(&entropy);
    return 0;
}

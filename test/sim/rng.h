/*
 * rng - random numbers that a seed repeats, for the simulation.
 *
 * rng.c also stands in for the system's getentropy(): the secrets that keys/
 * makes follow from the seed too, so that a run can be played again.
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* A number in lo..hi, both included; lo when hi is less. */
int64_t rng_between(struct rng *r, int64_t lo, int64_t hi);
/* Whether one of a thousand throws succeeds, so many of them being good. */
bool rng_chance(struct rng *r, int per_mille);
/* Seconds of 1..longest, each order of magnitude as likely as any other. */
int64_t rng_scale(struct rng *r, int64_t longest);

void rng_seed_entropy(uint64_t seed);

#endif

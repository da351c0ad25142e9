/*
 * guard_cache - verdicts on domains, kept as long as their records may be.
 * Pure: the clock is an argument.  Bounded, also in the time that a look-up
 * takes, whatever names strangers think up.  Verdicts are of the settings that
 * they were judged by: new settings want a new cache.
 *
 * No locks: the caller has one.  guard_cache_get() changes nothing, so that
 * those who read may share it.
 */
#ifndef MILTER_GUARD_CACHE_H
#define MILTER_GUARD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/guard.h"

struct guard_cache;

struct guard_cache *guard_cache_new(size_t domains); /* room for about that many; NULL without memory */
void guard_cache_free(struct guard_cache *c);        /* NULL is legal */

/* Whether the verdict on a domain (in any case) is there and has not outlived its TTL at `now`, in seconds. */
bool guard_cache_get(struct guard_verdict *out, const struct guard_cache *c, struct bv_str domain, int64_t now);
/*
 * Keeps one in place of an earlier one on the same domain, or of one that has
 * outlived its TTL; else an old one makes room.  Names of over BV_DOMAIN_MAX
 * octets are not kept, nor is anything without memory.
 */
void guard_cache_put(struct guard_cache *c, struct bv_str domain, const struct guard_verdict *v, int64_t now);

#endif

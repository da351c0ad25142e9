/*
 * snapshot - configuration, tables and ring of a moment, immutable.  A message
 * holds one from MAIL to its end; a reload puts a new one in place, and the
 * last user frees the old.  Thread-safe.
 */
#ifndef MILTER_SNAPSHOT_H
#define MILTER_SNAPSHOT_H

#include "keys/keys.h"
#include "milter/conf.h"
#include "milter/mx.h"

struct snapshot;

/* Builds one from the files; NULL with *problems filled. */
struct snapshot *snapshot_build(const char *conf_path, struct problems *problems);

/*
 * Puts a built one in place; the caller's reference goes with it.  One thread installs.  Refuses, returning -1 with
 * *problems filled and the new one freed, a ring that must not follow the one in place.
 */
int snapshot_install(struct snapshot *s, struct problems *problems);
/* Puts one in place that has the settings of `old` and another ring. Returns 0, or -1 with *err filled. */
int snapshot_replace_ring(struct snapshot *old, const struct keys_ring *ring, struct keys_error *err);

struct snapshot *snapshot_get(void);   /* a reference to the one in place; never NULL once one is installed */
void snapshot_put(struct snapshot *s); /* gives a reference back; NULL is legal */

const struct conf *snapshot_conf(const struct snapshot *s);
struct mx *snapshot_mx(const struct snapshot *s); /* of the settings */
const struct keys_ring *snapshot_ring(const struct snapshot *s);

/* A set of keyed MACs out of the snapshot's pool, for one thread. */
struct snapshot_macs;

/*
 * Lends the keys at a time.  Returns 0, or -1 when the library fails or memory
 * is short.  Give *macs back when done with *keys.
 */
int snapshot_keys(struct policy_keys *keys, struct snapshot_macs **macs, struct snapshot *s, int64_t now);
void snapshot_keys_done(struct snapshot *s, struct snapshot_macs *macs);

#endif

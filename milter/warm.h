/*
 * warm - tells in the log that a warm-up goes on, and when it is over.  One
 * thread, but where it says so: that of the reloads.
 */
#ifndef MILTER_WARM_H
#define MILTER_WARM_H

#include "milter/snapshot.h"

/* Settings or ring are new. */
void warm_begin(struct snapshot *s);
/* To be called every few seconds. */
void warm_tick(void);
/* In any thread: when the last warm-up ends; INT64_MIN: none goes on; INT64_MAX: until a key signs. */
int64_t warm_end(void);

#endif

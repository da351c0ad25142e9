/*
 * drain - how many answers are being made, so that the process can end between
 * them.  Thread-safe.
 */
#ifndef MILTER_DRAIN_H
#define MILTER_DRAIN_H

#include <stdbool.h>

/* Whether an answer may begin; if so, drain_leave() must follow. */
bool drain_enter(void);
void drain_leave(void);

/*
 * From now on nothing begins.  Returns whether nothing is at work any more, so
 * that the process may end; to be called again and again.
 */
bool drain_stop(void);

#endif

/*
 * clock - the one place where the daemon reads the clock.
 */
#ifndef MILTER_CLOCK_H
#define MILTER_CLOCK_H

#include <stdint.h>

int64_t clock_now(void); /* seconds since 1970, UTC */

#endif

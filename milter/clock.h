/*
 * clock - the one place where the daemon reads the clock.
 */
#ifndef MILTER_CLOCK_H
#define MILTER_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_now(void);       /* seconds since 1970, UTC */
int64_t clock_steady(void);    /* seconds of a clock that nobody sets, for how long something takes */
int64_t clock_steady_us(void); /* the same in microseconds */
void clock_deadline(struct timespec *out, int ms); /* of the same clock, that many milliseconds from now */

#endif

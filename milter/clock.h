/*
 * clock - the one place where the daemon reads the clock.
 */
#ifndef MILTER_CLOCK_H
#define MILTER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

int64_t clock_now(void);       /* seconds since 1970, UTC */
int64_t clock_steady(void);    /* seconds of a clock that nobody sets, for how long something takes */
int64_t clock_steady_us(void); /* the same in microseconds */
/* Whether a minute has passed since this last said so, by *last: 0 at first. For complaints; thread-safe. */
bool clock_minute_over(_Atomic int64_t *last);
void clock_deadline(struct timespec *out, int ms); /* of the same clock, that many milliseconds from now */

#endif

/*
 * timing - how long the answers to the MTA take, for the metrics.  Where nobody
 * reads these, the clock is not looked at.
 */
#ifndef MILTER_TIMING_H
#define MILTER_TIMING_H

#include "milter/counters.h"

void timing_switch_on(void); /* before the first session */

int64_t timing_begin(void); /* for timing_end() */
void timing_end(enum counters_callback which, int64_t began);

#endif

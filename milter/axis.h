/*
 * axis - the scale of the bar charts on the status page and in bvreport.  Pure.
 */
#ifndef MILTER_AXIS_H
#define MILTER_AXIS_H

#include <stdint.h>

/* What an axis ends with that has to hold `most`: its middle is a round number too. */
uint64_t axis_end(uint64_t most);

#endif

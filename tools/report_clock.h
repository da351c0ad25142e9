/*
 * report_clock - the times of log lines that name neither year nor zone.
 */
#ifndef TOOLS_REPORT_CLOCK_H
#define TOOLS_REPORT_CLOCK_H

#include "tools/report_line.h"

struct report_clock {
    int64_t reference;    /* when the last line was written, or later by less than a year */
    int month, day, hour; /* of the hour that was worked out last; month -1: none */
    int64_t hour_begins;
};

void report_clock_init(struct report_clock *c, int64_t reference);

/*
 * The UTC time of a stamp; INT64_MIN when it has none.  Without a year, it is
 * the last one before the reference, with a day for clocks that differ; without
 * a zone, it is that of this process (TZ).
 */
int64_t report_clock_time(struct report_clock *c, const struct report_stamp *s);

#endif

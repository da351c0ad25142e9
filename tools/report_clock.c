#include "tools/report_clock.h"

#include <time.h>

void report_clock_init(struct report_clock *c, int64_t reference)
{
    *c = (struct report_clock){.reference = reference, .month = -1};
}

/* The beginning of an hour in a year; INT64_MIN when the year has no such day. */
static int64_t hour_in(int year, const struct report_stamp *s)
{
    struct tm tm = {.tm_year = year, .tm_mon = s->month, .tm_mday = s->day, .tm_hour = s->hour, .tm_isdst = -1};
    time_t t = mktime(&tm);

    return tm.tm_mon == s->month && tm.tm_mday == s->day ? (int64_t)t : INT64_MIN;
}

static int64_t find_hour(int64_t reference, const struct report_stamp *s)
{
    enum { YEARS = 9 }; /* February 29 may be eight years ago: 1900, 2100 */
    time_t latest = (time_t)(reference + BV_DAY_SECONDS);
    struct tm tm;

    if (localtime_r(&latest, &tm) == NULL)
        return INT64_MIN;
    for (int year = tm.tm_year; year > tm.tm_year - YEARS; year--) {
        int64_t t = hour_in(year, s);
        if (t != INT64_MIN && t <= latest)
            return t;
    }
    return INT64_MIN;
}

int64_t report_clock_time(struct report_clock *c, const struct report_stamp *s)
{
    switch (s->kind) {
    case REPORT_STAMP_NONE:
        return INT64_MIN;
    case REPORT_STAMP_UTC:
        return s->utc;
    case REPORT_STAMP_LOCAL:
        break;
    }
    if (c->month != s->month || c->day != s->day || c->hour != s->hour) {
        c->hour_begins = find_hour(c->reference, s);
        c->month = s->month;
        c->day = s->day;
        c->hour = s->hour;
    }
    return c->hour_begins == INT64_MIN ? INT64_MIN : c->hour_begins + s->minute * 60 + s->second;
}

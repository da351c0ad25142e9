#include "bv/bv.h"

long bv_day(int64_t unix_seconds)
{
    int64_t day = unix_seconds / BV_DAY_SECONDS;

    return (long)(unix_seconds % BV_DAY_SECONDS < 0 ? day - 1 : day);
}

unsigned bv_stamp(long day)
{
    long r = day % BV_STAMPS;

    return (unsigned)(r < 0 ? r + BV_STAMPS : r);
}

/* The counter wraps (next on 2027-07-01, day 21000), so only differences on its circle mean anything. */
unsigned bv_days_ahead(unsigned stamp, long today)
{
    return (stamp + BV_STAMPS - bv_stamp(today)) % BV_STAMPS;
}

bool bv_in_lifetime(unsigned stamp, long today, unsigned lifetime)
{
    return bv_days_ahead(stamp, today) <= lifetime + BV_SKEW_DAYS;
}

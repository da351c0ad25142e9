#include "tools/report_line.h"

#include <string.h>

/* The year begins in March here, so that the leap day is its last. */
long report_days(int year, int month, int day)
{
    long y = month <= 2 ? year - 1L : year, era = y / 400, of_era = y - era * 400;
    long of_year = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void report_date(int *year, int *month, int *day, long days)
{
    long z = days + 719468, era = z / 146097, doe = z - era * 146097;
    long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    long doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two digits at p, or -1. */
static int two(const char *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* "19:37:40" at p, eight octets. */
static bool read_clock(struct report_stamp *out, const char *p)
{
    out->hour = two(p);
    out->minute = two(p + 3);
    out->second = two(p + 6);
    return p[2] == ':' && p[5] == ':' && out->hour >= 0 && out->hour < 24 && out->minute >= 0 &&
           out->minute < 60 && out->second >= 0 && out->second <= 60; /* a leap second */
}

static size_t skip_fraction(struct bv_str s, size_t at)
{
    if (at + 1 >= s.n || s.p[at] != '.' || !is_digit(s.p[at + 1]))
        return at;
    for (at++; at < s.n && is_digit(s.p[at]);)
        at++;
    return at;
}

/* The month's longest length: which year it is, is not known here. */
static bool is_day(int month, int day)
{
    static const char length[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month >= 0 && month < 12 && day >= 1 && day <= length[month];
}

/* "Nov 21 19:37:40 ", "Nov  1 ...", with or without a fraction. */
static size_t read_traditional(struct report_stamp *out, struct bv_str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char day[2];

    if (s.n < 16 || s.p[3] != ' ' || s.p[6] != ' ')
        return 0;
    for (out->month = 0; out->month < 12 && memcmp(s.p, months + 3 * out->month, 3) != 0;)
        out->month++;
    day[0] = s.p[4] == ' ' ? '0' : s.p[4];
    day[1] = s.p[5];
    out->day = two(day);
    if (!is_day(out->month, out->day) || !read_clock(out, s.p + 7))
        return 0;
    size_t end = skip_fraction(s, 15);
    if (end >= s.n || s.p[end] != ' ')
        return 0;
    out->kind = REPORT_STAMP_LOCAL;
    return end + 1;
}

/* "Z", "+01:00" or "+0100" at s.p[*at]; the seconds by which it is ahead of UTC. */
static bool read_zone(int *ahead, size_t *at, struct bv_str s)
{
    size_t left = s.n - *at, colon = left > 3 && s.p[*at + 3] == ':';

    *ahead = 0;
    if (left >= 1 && s.p[*at] == 'Z') {
        *at += 1;
        return true;
    }
    if (left < 5 + colon || (s.p[*at] != '+' && s.p[*at] != '-'))
        return false;
    int hours = two(s.p + *at + 1), minutes = two(s.p + *at + 3 + colon);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ahead = (hours * 60 + minutes) * (s.p[*at] == '-' ? -60 : 60);
    *at += 5 + colon;
    return true;
}

/* "2026-11-21T19:37:40.123456+01:00 ". */
static size_t read_rfc3339(struct report_stamp *out, struct bv_str s)
{
    int ahead, year, month, day;

    if (s.n < 21 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T')
        return 0;
    int century = two(s.p);
    year = century < 0 || two(s.p + 2) < 0 ? -1 : century * 100 + two(s.p + 2);
    out->month = two(s.p + 5) - 1;
    out->day = two(s.p + 8);
    if (year < 1970 || year >= REPORT_TIME_MAX || !is_day(out->month, out->day) || !read_clock(out, s.p + 11))
        return 0;
    size_t at = skip_fraction(s, 19);
    if (!read_zone(&ahead, &at, s) || at >= s.n || s.p[at] != ' ')
        return 0;
    long days = report_days(year, out->month + 1, out->day);
    report_date(&year, &month, &day, days);
    out->utc = (int64_t)days * BV_DAY_SECONDS + out->hour * 3600 + out->minute * 60 + out->second - ahead;
    if (day != out->day || out->utc < 0) /* February 29 of another year */
        return 0;
    out->kind = REPORT_STAMP_UTC;
    return at + 1;
}

size_t report_stamp_read(struct report_stamp *out, struct bv_str s)
{
    size_t used = s.n > 0 && is_digit(s.p[0]) ? read_rfc3339(out, s) : read_traditional(out, s);

    if (used == 0)
        out->kind = REPORT_STAMP_NONE;
    return used;
}

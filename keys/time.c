#include "keys/keys.h"

#include <string.h>
#include <time.h>

static const int64_t last_second = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

static int read_digits(const char *p, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++)
        value = value * 10 + (p[i] - '0');
    return value;
}

bool keys_time_read(int64_t *out, struct bv_str text)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    char again[KEYS_TIME_LEN + 1];

    if (text.n != KEYS_TIME_LEN)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        bool digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (shape[i] == '0' ? !digit : text.p[i] != shape[i])
            return false;
    }
    struct tm tm = {.tm_year = read_digits(text.p, 4) - 1900,
                    .tm_mon = read_digits(text.p + 5, 2) - 1,
                    .tm_mday = read_digits(text.p + 8, 2),
                    .tm_hour = read_digits(text.p + 11, 2),
                    .tm_min = read_digits(text.p + 14, 2),
                    .tm_sec = read_digits(text.p + 17, 2)};
    int64_t t = (int64_t)timegm(&tm);
    /* timegm() takes February 30 for March 1 or 2; what there is comes out as it went in. */
    keys_time_write(again, t);
    if (!bv_str_same(bv_str(again), text))
        return false;
    *out = t;
    return true;
}

void keys_time_write(char dst[KEYS_TIME_LEN + 1], int64_t t)
{
    time_t seconds = (time_t)t;
    struct tm tm;

    if (t < 0 || t > last_second || gmtime_r(&seconds, &tm) == NULL ||
        strftime(dst, KEYS_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) != KEYS_TIME_LEN)
        strcpy(dst, "-");
}

bool keys_duration_read(int64_t *out, struct bv_str text)
{
    static const struct {
        char letter;
        int64_t seconds;
    } unit[] = {{'s', 1},
                {'m', 60},
                {'h', 3600},
                {'d', BV_DAY_SECONDS},
                {'w', 7 * BV_DAY_SECONDS},
                {'y', 365 * BV_DAY_SECONDS}};
    static const int64_t longest = INT64_C(100) * 365 * BV_DAY_SECONDS;
    int64_t value = 0;

    if (text.n < 2)
        return false;
    for (size_t i = 0; i < text.n - 1; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (text.p[i] - '0');
        if (value > longest)
            return false;
    }
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
        if (unit[i].letter == text.p[text.n - 1] && value <= longest / unit[i].seconds) {
            *out = value * unit[i].seconds;
            return true;
        }
    }
    return false;
}

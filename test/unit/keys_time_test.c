#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"

enum { UNTOUCHED = -77 };

struct row {
    const char *name, *text;
    int64_t value; /* UNTOUCHED: refused */
};

static const struct row times[] = {
    {"the epoch", "1970-01-01T00:00:00Z", 0},
    {"one second", "1970-01-01T00:00:01Z", 1},
    {"today", "2026-11-21T12:00:00Z", 1795262400},
    {"leap day of a century", "2000-02-29T23:59:59Z", 951868799},
    {"the stamp wraps", "2027-07-01T00:00:00Z", 1814400000},
    {"past 2038", "2038-01-19T03:14:08Z", INT64_C(2147483648)},
    {"the last second", "9999-12-31T23:59:59Z", INT64_C(253402300799)},
    {"before the epoch", "1969-12-31T23:59:59Z", UNTOUCHED},
    {"year 0", "0000-01-01T00:00:00Z", UNTOUCHED},
    {"no leap day", "2026-02-29T00:00:00Z", UNTOUCHED},
    {"no leap day in 2100", "2100-02-29T00:00:00Z", UNTOUCHED},
    {"April 31", "2026-04-31T00:00:00Z", UNTOUCHED},
    {"month 0", "2026-00-10T00:00:00Z", UNTOUCHED},
    {"month 13", "2026-13-10T00:00:00Z", UNTOUCHED},
    {"day 0", "2026-11-00T00:00:00Z", UNTOUCHED},
    {"day 32", "2026-12-32T00:00:00Z", UNTOUCHED},
    {"hour 24", "2026-11-21T24:00:00Z", UNTOUCHED},
    {"minute 60", "2026-11-21T12:60:00Z", UNTOUCHED},
    {"leap second", "2016-12-31T23:59:60Z", UNTOUCHED},
    {"lower-case t", "2026-11-21t12:00:00Z", UNTOUCHED},
    {"lower-case z", "2026-11-21T12:00:00z", UNTOUCHED},
    {"blank for T", "2026-11-21 12:00:00Z", UNTOUCHED},
    {"no Z", "2026-11-21T12:00:00", UNTOUCHED},
    {"an offset", "2026-11-21T12:00:00+00:00", UNTOUCHED},
    {"a fraction", "2026-11-21T12:00:00.5Z", UNTOUCHED},
    {"a sign", "+026-11-21T12:00:00Z", UNTOUCHED},
    {"a blank digit", "2026-11- 1T12:00:00Z", UNTOUCHED},
    {"something behind", "2026-11-21T12:00:00Z ", UNTOUCHED},
    {"a date", "2026-11-21", UNTOUCHED},
    {"empty", "", UNTOUCHED},
};

static const struct row durations[] = {
    {"seconds", "30s", 30},
    {"minutes", "15m", 900},
    {"hours", "1h", 3600},
    {"days", "7d", 604800},
    {"weeks", "3w", 1814400},
    {"years", "1y", 31536000},
    {"nothing", "0s", 0},
    {"leading zeros", "007d", 604800},
    {"100 years", "100y", INT64_C(3153600000)},
    {"100 years in seconds", "3153600000s", INT64_C(3153600000)},
    {"a second more", "3153600001s", UNTOUCHED},
    {"101 years", "101y", UNTOUCHED},
    {"a number that overflows", "99999999999999999999d", UNTOUCHED},
    {"a product that overflows", "9223372036854775807y", UNTOUCHED},
    {"no unit", "7", UNTOUCHED},
    {"no number", "d", UNTOUCHED},
    {"upper case", "7D", UNTOUCHED},
    {"months", "1M", UNTOUCHED},
    {"two units", "1h30m", UNTOUCHED},
    {"a sign", "-1d", UNTOUCHED},
    {"a plus", "+1d", UNTOUCHED},
    {"a blank", "1 d", UNTOUCHED},
    {"a blank before", " 1d", UNTOUCHED},
    {"a fraction", "1.5d", UNTOUCHED},
    {"something behind", "1d ", UNTOUCHED},
    {"empty", "", UNTOUCHED},
};

static void check_rows(bool (*read)(int64_t *out, struct bv_str text), const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value = UNTOUCHED;
        bool good = read(&value, bv_str(rows[i].text));
        if (good != (rows[i].value != UNTOUCHED) || value != rows[i].value)
            fail_msg("%s: \"%s\": %d, %lld", rows[i].name, rows[i].text, good, (long long)value);
    }
}

static void test_time_read(void **state)
{
    (void)state;
    check_rows(keys_time_read, times, sizeof times / sizeof *times);
}

static void test_duration_read(void **state)
{
    (void)state;
    check_rows(keys_duration_read, durations, sizeof durations / sizeof *durations);
}

static void test_views(void **state)
{
    char text[] = "2026-11-21T12:00:00Zx", nul[] = "2026-11-21T12:00:00Z";
    int64_t value = 0;

    (void)state;
    assert_true(keys_time_read(&value, (struct bv_str){text, KEYS_TIME_LEN}));
    assert_int_equal(value, 1795262400);
    assert_false(keys_time_read(&value, (struct bv_str){text, KEYS_TIME_LEN - 1}));
    nul[4] = '\0';
    assert_false(keys_time_read(&value, (struct bv_str){nul, KEYS_TIME_LEN}));
    assert_true(keys_duration_read(&value, (struct bv_str){"7dd", 2}));
    assert_false(keys_duration_read(&value, (struct bv_str){"7\0d", 3}));
}

static void test_time_write(void **state)
{
    static const int64_t none[] = {-1, INT64_MIN, INT64_C(253402300800), KEYS_UNKNOWN};
    char text[KEYS_TIME_LEN + 1];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i].value == UNTOUCHED)
            continue;
        keys_time_write(text, times[i].value);
        if (strcmp(text, times[i].text) != 0)
            fail_msg("%s: %s", times[i].name, text);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        keys_time_write(text, none[i]);
        assert_string_equal(text, "-");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_read),
        cmocka_unit_test(test_duration_read),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_time_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

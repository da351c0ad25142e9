#include "tools/report_view.h"

#include <stdlib.h>
#include <string.h>

#include "keys/keys.h"

enum unit { DAY = 0, MONTH, YEAR };

/* The number of the day's unit, counted on without a gap. */
static long unit_of(enum unit unit, long day)
{
    int year, month, of_month;

    report_date(&year, &month, &of_month, day);
    switch (unit) {
    case DAY:
        return day;
    case MONTH:
        return year * 12L + month - 1;
    case YEAR:
        break;
    }
    return year;
}

static void label(char dst[16], enum unit unit, long day)
{
    int year, month, of_month;

    report_date(&year, &month, &of_month, day);
    snprintf(dst, 16,
             unit == DAY     ? "%04d-%02d-%02d"
             : unit == MONTH ? "%04d-%02d"
                             : "%04d",
             year % 10000, month % 100, of_month % 100);
}

static void add_bin(struct report_bin *to, const struct report_bin *from)
{
    for (int i = 0; i < REPORT_COLUMNS; i++)
        to->count[i] += from->count[i];
}

size_t report_view_days(struct report_row *row, size_t most, const char **unit, const struct report_tally *t)
{
    static const char *const words[] = {"day", "month", "year"};
    enum unit u = DAY;

    *unit = words[u];
    if (t->first == REPORT_NEVER)
        return 0;
    long first = bv_day(t->first), last = bv_day(t->last);
    while (u < YEAR && unit_of(u, last) - unit_of(u, first) >= (long)most)
        u = u == DAY ? MONTH : YEAR;
    *unit = words[u];
    size_t n = (size_t)(unit_of(u, last) - unit_of(u, first)) + 1, skip = n > most ? n - most : 0;
    memset(row, 0, (n - skip) * sizeof *row);
    for (long day = first; day <= last && day < REPORT_DAYS; day++) {
        size_t i = (size_t)(unit_of(u, day) - unit_of(u, first));
        if (i < skip)
            continue;
        if (row[i - skip].label[0] == '\0')
            label(row[i - skip].label, u, day);
        add_bin(&row[i - skip].bin, &t->day[day]);
    }
    return n - skip;
}

void report_view_hours(struct report_row row[24], const struct report_tally *t)
{
    for (unsigned i = 0; i < 24; i++) {
        snprintf(row[i].label, sizeof row[i].label, "%02u", i);
        row[i].bin = t->hour[i];
    }
}

static int compare(const void *a, const void *b)
{
    const struct report_decision *x = a, *y = b;

    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    return x->action < y->action ? -1 : x->action > y->action;
}

size_t report_view_decisions(struct report_decision row[REPORT_DECISIONS], const struct report_tally *t)
{
    size_t n = 0;

    for (int e = 0; e < REPORT_EVENTS; e++)
        for (int v = 0; v < REPORT_VERDICTS; v++)
            for (int a = 0; a < REPORT_ACTIONS; a++)
                if (t->matrix[e][v][a] > 0)
                    row[n++] = (struct report_decision){(enum event)e, (enum verdict)v, (enum action)a,
                                                        t->matrix[e][v][a]};
    qsort(row, n, sizeof *row, compare);
    return n;
}

uint64_t report_view_bounces(const struct report_bin *bin)
{
    uint64_t sum = 0;

    for (int i = 0; i < REPORT_OUTCOMES; i++)
        sum += bin->count[i];
    return sum;
}

bool report_view_key(const struct report_key *k)
{
    return k->signed_ + k->stripped + k->valid + k->expired + k->forged > 0;
}

void report_view_time(char dst[REPORT_TIME], int64_t t)
{
    char text[KEYS_TIME_LEN + 1];

    keys_time_write(text, t);
    snprintf(dst, REPORT_TIME, "%s", t == REPORT_NEVER ? "-" : text);
}

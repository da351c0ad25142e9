#include "test/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(const double *values, int n)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    return sorted[n / 2];
}

void bench_head(void)
{
    fprintf(stderr, "%-34s %8s %14s %8s %10s\n", "", "threads", "ns", "ratio", "at most");
}

/* Nothing measured, no bound: `none`. */
static void put_number(FILE *out, int width, int digits, const char *none, double value)
{
    if (value > 0)
        fprintf(out, "%*.*f", width, digits, value);
    else
        fprintf(out, "%*s", width, none);
}

bool bench_tell(const struct bench_figure *f)
{
    double measured = f->ratio > 0 ? f->ratio : f->ns;
    bool ok = f->bound <= 0 || measured <= f->bound;

    fprintf(stderr, "%-34s %8d %14.1f ", f->name, f->threads, f->ns);
    put_number(stderr, 8, 2, "-", f->ratio);
    put_number(stderr, 11, 0, "-", f->bound);
    fprintf(stderr, "%s\n", ok ? "" : "  TOO MUCH");
    printf("{\"name\": \"%s\", \"threads\": %d, \"ns\": %.1f, \"ratio\": ", f->name, f->threads, f->ns);
    put_number(stdout, 0, 3, "null", f->ratio);
    fputs(", \"bound\": ", stdout);
    put_number(stdout, 0, 1, "null", f->bound);
    printf(", \"ok\": %s}\n", ok ? "true" : "false");
    fflush(stdout);
    return ok;
}

/* bench - rounds, medians and how a figure is told. */
#ifndef TEST_BENCH_BENCH_H
#define TEST_BENCH_BENCH_H

#include <stdbool.h>

#include "milter/tables.h"

enum { BENCH_ROUNDS_MAX = 101, BENCH_THREADS_MAX = 64, BENCH_TODAY = 20778 };

struct bench_figure {
    const char *name;
    int threads;
    double ns;    /* a call, or a load */
    double ratio; /* to the bare MAC; 0: not compared */
    double bound; /* of the ratio, or of ns where there is no ratio; 0: none */
};

void bench_die(const char *what); /* says so, and exits */
double bench_now(void);           /* nanoseconds */
double bench_median(const double *values, int n);
void bench_head(void);
/* Prints a figure, on both outputs; returns whether it is within its bound. */
bool bench_tell(const struct bench_figure *f);

/* Measures the domains table, and leaves one of 100,000 rows with example.com in *d. */
bool bench_tables(struct domains *d, int rounds);
/* Measures the exceptions table: networks, then names. */
bool bench_exceptions(int rounds);
/* Measures the MX guard: a table of networks, what kind an address is of, the cache of verdicts. */
bool bench_guard(int rounds);

#endif

#include "test/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 100,000 rows, as the specification has it: 0.5 s to load, 0.2 us to look one up. */
enum { ROWS = 100000, ROW_OCTETS = 40, LOAD_BOUND = 500000000, FIND_BOUND = 200, PROBES = 4096 };

static char *make_text(size_t *n)
{
    char *text = malloc((size_t)ROWS * ROW_OCTETS);

    if (text == NULL)
        return NULL;
    *n = (size_t)sprintf(text, "example.com reject\n");
    for (int i = 1; i < ROWS; i++)
        *n += (size_t)sprintf(text + *n, "%scustomer%d.%c%c.example %s\n", i % 4 == 3 ? "." : "", i,
                              'a' + i % 26, 'a' + i / 26 % 26, i % 2 ? "reject" : "mark");
    return text;
}

/* Names in an order that no cache knows. */
static void make_probes(char probe[PROBES][64], const char *before, int shift)
{
    unsigned seed = 20785;

    for (int i = 0; i < PROBES; i++) {
        int row = 1 + rand_r(&seed) % (ROWS - 1);
        snprintf(probe[i], sizeof probe[i], "%scustomer%d.%c%c.example", before, row + shift, 'a' + row % 26,
                 'a' + row / 26 % 26);
    }
}

static double find_all(const struct domains *d, char probe[PROBES][64], size_t *found)
{
    double start = bench_now();

    for (int i = 0; i < PROBES; i++)
        *found += domains_find(d, bv_str(probe[i])) != NULL;
    return (bench_now() - start) / PROBES;
}

static bool measure_find(const struct domains *d, int rounds, const char *name, const char *before, int shift)
{
    static char probe[PROBES][64];
    struct bench_figure figure = {.name = name, .threads = 1, .bound = FIND_BOUND};
    double ns[BENCH_ROUNDS_MAX];
    size_t found = 0;

    make_probes(probe, before, shift);
    for (int round = 0; round < rounds; round++)
        ns[round] = find_all(d, probe, &found);
    if ((found == 0) != (shift > ROWS)) {
        fprintf(stderr, "bench: %s: %zu found\n", name, found);
        exit(2);
    }
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

bool bench_tables(struct domains *d, int rounds)
{
    static struct problems problems;
    struct bench_figure load = {.name = "domains_read, 100,000 rows", .threads = 1, .bound = LOAD_BOUND};
    double ns[BENCH_ROUNDS_MAX];
    size_t n = 0;
    char *text = make_text(&n);
    bool good = text != NULL;

    for (int round = 0; round < rounds && good; round++) {
        domains_free(d);
        double start = bench_now();
        good = domains_read(d, "bench", (struct bv_str){text, n}, BV_PLUS, &problems) == 0 && d->n == ROWS;
        ns[round] = bench_now() - start;
    }
    free(text);
    if (!good) {
        fprintf(stderr, "bench: the table cannot be read\n");
        exit(2);
    }
    load.ns = bench_median(ns, rounds);
    good = bench_tell(&load);
    good = measure_find(d, rounds, "domains_find, exact", "", 0) && good;
    good = measure_find(d, rounds, "domains_find, subdomain", "mail.", 0) && good;
    return measure_find(d, rounds, "domains_find, a stranger's", "", 2 * ROWS) && good;
}

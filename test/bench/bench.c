/*
 * bench - what a decision costs in process.  Sign and verify (parse, key, MAC,
 * format) against a bare HMAC with a reused context, in the same run, in rounds
 * that take turns, medians.  A table for people on standard error, one JSON line
 * a figure on standard output.  bench [ROUNDS]
 */
#include "test/bench/bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/bench/calls.h"

static struct domains domains;

enum { CALLS_MAX = 16, REPEATS = 20000 };

static double measure(struct worker *w, const struct call *call)
{
    double start = bench_now();

    for (int i = 0; i < REPEATS; i++)
        call->once(w);
    return (bench_now() - start) / REPEATS;
}

/* A thread's share: every figure in turn, all threads at the same one at a time. */
struct crew {
    pthread_barrier_t barrier;
    int rounds;
    double (*ns)[BENCH_ROUNDS_MAX][BENCH_THREADS_MAX];
    atomic_int next;
};

static void *work(void *arg)
{
    struct crew *crew = arg;
    int me = atomic_fetch_add(&crew->next, 1);
    struct worker w;

    worker_init(&w, &domains);
    for (int round = 0; round < crew->rounds; round++) {
        for (size_t f = 0; f < call_count; f++) {
            pthread_barrier_wait(&crew->barrier);
            crew->ns[f][round][me] = measure(&w, &calls[f]);
        }
    }
    worker_free(&w);
    return NULL;
}

/* Fills ns[figure][round] with the mean over the threads. */
static void run(double ns[][BENCH_ROUNDS_MAX], int threads, int rounds)
{
    static double all[CALLS_MAX][BENCH_ROUNDS_MAX][BENCH_THREADS_MAX];
    struct crew crew = {.rounds = rounds, .ns = all};
    pthread_t thread[BENCH_THREADS_MAX];

    pthread_barrier_init(&crew.barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, &crew) != 0)
            bench_die("pthread_create");
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&crew.barrier);
    for (size_t f = 0; f < call_count; f++) {
        for (int round = 0; round < rounds; round++) {
            ns[f][round] = 0;
            for (int i = 0; i < threads; i++)
                ns[f][round] += all[f][round][i] / threads;
        }
    }
}

/* The ratio is the median of those of each round: what slows a whole round down falls out. */
static bool tell(double ns[][BENCH_ROUNDS_MAX], int threads, int rounds)
{
    bool good = true;

    for (size_t f = 0; f < call_count; f++) {
        double ratios[BENCH_ROUNDS_MAX];
        for (int round = 0; round < rounds; round++)
            ratios[round] = ns[f][round] / ns[0][round];
        struct bench_figure figure = {.name = calls[f].name,
                                      .threads = threads,
                                      .ratio = bench_median(ratios, rounds),
                                      .bound = calls[f].bound};
        figure.ns = bench_median(ns[f], rounds);
        good = bench_tell(&figure) && good;
    }
    return good;
}

int main(int argc, char **argv)
{
    static double ns[CALLS_MAX][BENCH_ROUNDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool good = true;

    if (rounds < 1 || rounds > BENCH_ROUNDS_MAX) {
        fprintf(stderr, "bench: usage: bench [ROUNDS], 1 to %d\n", BENCH_ROUNDS_MAX);
        return 2;
    }
    if (cores < 1 || cores > BENCH_THREADS_MAX)
        cores = cores < 1 ? 1 : BENCH_THREADS_MAX;
    bench_head();
    good = bench_tables(&domains, rounds) && good;
    good = bench_exceptions(rounds) && good;
    good = bench_guard(rounds) && good;
    for (int threads = 1; threads <= cores; threads += cores > 1 ? (int)cores - 1 : 1) {
        run(ns, threads, rounds);
        good = tell(ns, threads, rounds) && good;
    }
    domains_free(&domains);
    return good ? 0 : 1;
}

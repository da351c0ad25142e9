#include "test/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double load_cpu(pid_t pid)
{
    struct timespec t;
    clockid_t clock;

    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

long load_resident(pid_t pid)
{
    char path[64];
    long pages = 0;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = pid != 0 ? fopen(path, "re") : NULL;
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static double percentile(const struct load *l, double part)
{
    return l->counted > 0 ? (double)l->latency[(long)(part * (double)(l->counted - 1))] : 0;
}

void load_tell(struct load *l)
{
    double n = l->counted > 0 ? (double)l->counted : 1, seconds = l->ended - l->began;
    double sessions = l->sessions > 0 ? (double)l->sessions : 1;

    qsort(l->latency, (size_t)l->counted, sizeof *l->latency, compare);
    printf("{\"messages\": %ld, \"signed\": %ld, \"sessions\": %ld, \"seconds\": %.4f, \"per_second\": %.1f",
           l->counted, l->senders, l->sessions, seconds, seconds > 0 ? (double)l->counted / seconds : 0);
    printf(", \"round_trips\": %.4f, \"setup_round_trips\": %.4f", (double)l->trips / n,
           (double)l->setup_trips / sessions);
    printf(", \"octets\": %.1f", (double)l->octets / n);
    printf(", \"latency_us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}", percentile(l, 0.5),
           percentile(l, 0.9), percentile(l, 0.99), percentile(l, 1));
    printf(", \"cpu_us\": %.3f", l->cpu / n * 1e6);
    printf(", \"resident_kb\": {\"begin\": %ld, \"idle\": %ld, \"end\": %ld}, \"idle\": %ld}\n",
           l->resident_begin, l->resident_idle, l->resident_end, l->idle_alive);
}

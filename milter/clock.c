#include "milter/clock.h"

#include <stdatomic.h>

enum { SECOND_MS = 1000, MS_NS = 1000000, SECOND_NS = 1000000000 };

int64_t clock_now(void)
{
    return (int64_t)time(NULL);
}

int64_t clock_steady(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

int64_t clock_steady_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool clock_minute_over(_Atomic int64_t *last)
{
    enum { MINUTE = 60 };
    int64_t now = clock_steady() + 1, before = atomic_load(last); /* never 0 */

    return (before == 0 || now - before >= MINUTE) && atomic_compare_exchange_strong(last, &before, now);
}

void clock_deadline(struct timespec *out, int ms)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    out->tv_sec += ms / SECOND_MS;
    out->tv_nsec += ms % SECOND_MS * (long)MS_NS;
    if (out->tv_nsec >= SECOND_NS) {
        out->tv_nsec -= SECOND_NS;
        out->tv_sec++;
    }
}

#include "milter/clock.h"

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

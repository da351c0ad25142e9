/*
 * ask - puts one question to bvmilter's map, again and again, one after the
 * other on one connection, as a process of Postfix does.
 *
 *     ask SOCKET QUESTIONS SECONDS PID QUESTION
 *
 * Prints one JSON line; ends after so many questions or seconds.  Status 1: no
 * answer, or one that is not OK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/bench/wire.h"

enum { MOST = 10000000, ANSWER = 1024 };

static double now(clockid_t clock)
{
    struct timespec t = {.tv_sec = 0};

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Receives up to the comma of the netstring; no answer of this map has one inside. */
static bool is_answered(int fd)
{
    char answer[ANSWER];
    size_t n = 0;

    while (n < sizeof answer) {
        ssize_t part = recv(fd, answer + n, sizeof answer - n, 0);
        if (part <= 0)
            return false;
        n += (size_t)part;
        if (answer[n - 1] == ',')
            return memmem(answer, n, ":OK ", 4) != NULL;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct wire_where where;
    clockid_t clock;
    char question[ANSWER];
    long asked = 0;

    if (argc != 6 || strlen(argv[5]) > ANSWER - 16 || wire_where(&where, argv[1]) != 0 ||
        clock_getcpuclockid((pid_t)atol(argv[4]), &clock) != 0) {
        fprintf(stderr, "usage: ask SOCKET QUESTIONS SECONDS PID QUESTION\n");
        return 2;
    }
    long most = atol(argv[2]) < MOST ? atol(argv[2]) : MOST;
    int fd = wire_connect(&where);
    size_t n = (size_t)snprintf(question, sizeof question, "%zu:%s,", strlen(argv[5]), argv[5]);
    double begin = now(CLOCK_MONOTONIC), end = begin + atof(argv[3]), cpu = now(clock);
    while (fd >= 0 && asked < most && now(CLOCK_MONOTONIC) < end) {
        if (send(fd, question, n, MSG_NOSIGNAL) != (ssize_t)n || !is_answered(fd)) {
            fprintf(stderr, "ask: the map does not answer \"%s\" with OK\n", argv[5]);
            return 1;
        }
        asked++;
    }
    double seconds = now(CLOCK_MONOTONIC) - begin;
    if (asked == 0) {
        fprintf(stderr, "ask: no question was answered\n");
        return 1;
    }
    printf("{\"questions\": %ld, \"us\": %.3f, \"cpu_us\": %.3f}\n", asked, seconds / (double)asked * 1e6,
           (now(clock) - cpu) / (double)asked * 1e6);
    close(fd);
    return 0;
}

/*
 * problems - what is wrong with a configuration: all of it in one run, each
 * with its file and line.  A plain value; nothing to free.
 */
#ifndef MILTER_PROBLEMS_H
#define MILTER_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PROBLEMS_KEPT = 64,
    PROBLEM_PATH = 256,
    PROBLEM_TEXT = 320,
    PROBLEM_LINE = PROBLEM_PATH + PROBLEM_TEXT + 16 /* what problem_write() makes of one */
};

struct problem {
    char path[PROBLEM_PATH];
    int line;    /* 0: the file as a whole */
    bool denied; /* its rights do not let us read it */
    char text[PROBLEM_TEXT];
};

/* All zero: none. */
struct problems {
    size_t n; /* found; only the first PROBLEMS_KEPT are kept */
    struct problem item[PROBLEMS_KEPT];
};

void problems_add(struct problems *p, const char *path, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Marks the one that was added last as denied. */
void problems_deny(struct problems *p);

/* Adds those of another list behind. */
void problems_append(struct problems *p, const struct problems *more);

/* Puts those of one file that stand together into the order of their lines. */
void problems_sort(struct problems *p);

/* "PATH:LINE: text", or "PATH: text". */
void problem_write(char *dst, size_t size, const struct problem *p);

#endif

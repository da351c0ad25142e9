/*
 * outlet - standard error, to which whole lines go, each after the program's
 * name.  Where it is the journal's, a line begins with its priority, "<3>": the
 * journal files it by that, and takes it off, systemd.exec(5).
 */
#ifndef MILTER_OUTLET_H
#define MILTER_OUTLET_H

#include <stddef.h>

enum {
    OUTLET_TEXT = 2048,                                       /* longer ones are cut */
    OUTLET_LINE = OUTLET_TEXT + (int)sizeof "<3>bvmilter: \n" /* what outlet_line() makes of one */
};

/*
 * Opens those of the descriptors 0, 1 and 2 that are closed, standard output so
 * that outlet_flush() fails, and finds out whose standard error is.  Before the
 * first line, the first file, and the first thread.
 */
void outlet_open(void);

/* A line, with its newline, as it is written; the priority is one of syslog's. Returns its length. */
size_t outlet_line(char dst[OUTLET_LINE], int priority, const char *text);

/*
 * Writes whole lines.  Those for which there is no room are lost, and the next
 * ones do not continue what could be written of one.
 */
void outlet_write(const char *lines, size_t n);

/* Writes one. */
void outlet_say(int priority, const char *text);

/* 0 when all that was printed has reached standard output, else -1 after saying so. */
int outlet_flush(void);

#endif

/*
 * log - what the daemon says: on standard error, by outlet.h, or to syslog's
 * mail facility.  Thread-safe; keeps errno.
 *
 * Once log_start() has been called, lines go through a queue to a thread of
 * their own: a log that stands still never holds up mail.  What does not fit
 * the queue is counted, and the count is logged.
 */
#ifndef MILTER_LOG_H
#define MILTER_LOG_H

#include <stdbool.h>

void log_open(bool to_syslog, bool verbose);

/* Begins the thread. Returns 0, or -1; lines are then written at once, as before. */
int log_start(void);
/* Writes what is queued, for at most half a second, and ends the thread. */
void log_stop(void);

/* A line that is complete already, as information; cheaper than log_info(). */
void log_line(const char *text);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with -v only */

#endif

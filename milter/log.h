/*
 * log - where the daemon says things: standard error, each line after the
 * program's name, or syslog's mail facility.  Thread-safe; keeps errno.
 */
#ifndef MILTER_LOG_H
#define MILTER_LOG_H

#include <stdbool.h>

void log_open(bool to_syslog, bool verbose);

/* A line that is complete already, as information; cheaper than log_info(). */
void log_line(const char *text);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with -v only */

#endif

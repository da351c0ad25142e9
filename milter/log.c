#include "milter/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { LOG_LINE = 2048 };

/* Set once, before the first thread. */
static bool use_syslog, use_debug;

void log_open(bool to_syslog, bool verbose)
{
    use_syslog = to_syslog;
    use_debug = verbose;
    if (to_syslog)
        openlog("bvmilter", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

/* One write a line, so that lines of several threads never mix. */
static void write_line(const char *text, size_t n)
{
    static const char prefix[] = "bvmilter: ";
    char line[sizeof prefix + LOG_LINE + 1];
    size_t head = sizeof prefix - 1;

    n = n < LOG_LINE ? n : LOG_LINE;
    memcpy(line, prefix, head);
    memcpy(line + head, text, n);
    line[head + n] = '\n';
    if (write(STDERR_FILENO, line, head + n + 1) < 0)
        return; /* there is nobody left to tell */
}

/* The sink, whatever the priority. */
static void log_put(int priority, const char *text)
{
    int saved = errno;

    if (use_syslog)
        syslog(priority, "%s", text);
    else
        write_line(text, strlen(text));
    errno = saved;
}

void log_line(const char *text)
{
    log_put(LOG_INFO, text);
}

__attribute__((format(printf, 2, 0))) static void log_text(int priority, const char *format, va_list ap)
{
    char text[LOG_LINE];
    int saved = errno;

    vsnprintf(text, sizeof text, format, ap);
    errno = saved;
    log_put(priority, text);
}

void log_info(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_INFO, format, ap);
    va_end(ap);
}

void log_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_WARNING, format, ap);
    va_end(ap);
}

void log_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_ERR, format, ap);
    va_end(ap);
}

void log_debug(const char *format, ...)
{
    va_list ap;

    if (!use_debug)
        return;
    va_start(ap, format);
    log_text(LOG_DEBUG, format, ap);
    va_end(ap);
}

#include "milter/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* Set once, before the first thread. */
static bool is_journal;

static atomic_bool torn; /* what was written last has no end */

/* A socket that got number 0, 1 or 2 would have log lines written into it. What is printed to nobody, fails. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR); /* the lowest that is free */
}

/* The variable is inherited by programs whose standard error is something else. */
void outlet_open(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat st;

    fill_standard_descriptors();
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return;
    snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    is_journal = strcmp(stream, mine) == 0;
}

size_t outlet_line(char dst[OUTLET_LINE], int priority, const char *text)
{
    static const char name[] = "bvmilter: ";
    size_t n = strnlen(text, OUTLET_TEXT);
    char *end = dst;

    if (is_journal) {
        *end++ = '<';
        *end++ = (char)('0' + priority);
        *end++ = '>';
    }
    memcpy(end, name, sizeof name - 1);
    end += sizeof name - 1;
    memcpy(end, text, n);
    end[n] = '\n';
    return (size_t)(end - dst) + n + 1;
}

/* Whether all of it was written. */
static bool put(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t written = write(STDERR_FILENO, text, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) { /* somebody else has made it non-blocking */
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (written <= 0)
            return false; /* there is nobody left to tell */
        text += written;
        n -= (size_t)written;
        torn = text[-1] != '\n';
    }
    return true;
}

void outlet_write(const char *lines, size_t n)
{
    if (!torn || put("\n", 1))
        put(lines, n);
}

void outlet_say(int priority, const char *text)
{
    char line[OUTLET_LINE];

    outlet_write(line, outlet_line(line, priority, text));
}

int outlet_flush(void)
{
    char text[128];

    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    snprintf(text, sizeof text, "standard output: %s", strerror(errno));
    outlet_say(LOG_ERR, text);
    return -1;
}

/*
 * accepting - takes new connections for libmilter: the dynamic linker gives it
 * this accept() instead of the C library's.  Two things libmilter cannot do:
 * leave connections to the next process while this one ends, and not spin when
 * descriptors run out.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "milter/clock.h"
#include "milter/drain.h"
#include "milter/log.h"

enum { PAUSE_MS = 100 };

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    nanosleep(&pause, NULL);
}

static void complain(int error)
{
    static _Atomic int64_t said;

    if (clock_minute_over(&said))
        log_error("cannot take a connection: %s", strerror(error));
}

int accept(int fd, struct sockaddr *addr, socklen_t *n)
{
    if (!drain_accept_begin()) {
        rest();
        errno = EAGAIN;
        return -1;
    }
    int connection = accept4(fd, addr, n, SOCK_CLOEXEC);
    int error = errno;
    drain_accept_end(connection >= 0);
    if (connection < 0 && (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)) {
        complain(error);
        rest();
    }
    errno = error;
    return connection;
}

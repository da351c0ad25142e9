/*
 * The dynamic linker gives libmilter this accept(), and libmicrohttpd this
 * accept4(), instead of the C library's.  Two things libmilter cannot do: leave
 * connections to the next process while this one ends, and not spin when
 * descriptors run out.  The second one libmicrohttpd cannot do either.
 */
#include "milter/accepting.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

int accepting_at_once(int fd, int flags)
{
    return (int)syscall(SYS_accept4, fd, NULL, NULL, flags);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *n, int flags)
{
    int connection = (int)syscall(SYS_accept4, fd, addr, n, flags);
    int error = errno;

    if (connection < 0 && (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)) {
        complain(error);
        rest();
    }
    errno = error;
    return connection;
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
    errno = error;
    return connection;
}

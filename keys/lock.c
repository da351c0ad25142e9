#include "keys/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE = 20 /* milliseconds between two tries */ };

int64_t keys_milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / (1000 * 1000);
}

static int open_lock(const char *name, struct keys_error *err)
{
    struct stat st;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return keys_fail_sys(err, "cannot open the lock", name);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return keys_fail(err, "the lock %s is no regular file", name);
}

/* Says who has the lock, as far as that one could write it down. Returns -1. */
static int say_holder(int fd, const char *name, unsigned seconds, struct keys_error *err)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        keys_fail(err, "process %ld keeps the lock %s; gave up after %u s", pid, name, seconds);
    else
        keys_fail(err, "another process keeps the lock %s; gave up after %u s", name, seconds);
    err->sys = EWOULDBLOCK;
    return -1;
}

static int wait_for(int fd, const char *name, unsigned seconds, int stop, struct keys_error *err)
{
    int64_t end = keys_milliseconds() + (int64_t)seconds * 1000;
    struct pollfd p = {.fd = stop, .events = POLLIN};

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return keys_fail_sys(err, "flock", name);
        if (keys_milliseconds() >= end)
            return say_holder(fd, name, seconds, err);
        if (poll(&p, 1, PAUSE) > 0) {
            keys_fail(err, "stopped");
            err->sys = ECANCELED;
            return -1;
        }
    }
    return 0;
}

int keys_lock(const char *path, unsigned seconds, int stop, struct keys_error *err)
{
    char name[KEYS_PATH_MAX], real[KEYS_PATH_MAX];
    int n, fd;

    if (keys_resolve(real, path, err) != 0)
        return -1;
    n = snprintf(name, sizeof name, "%s.lock", real);
    if (n < 0 || (size_t)n >= sizeof name)
        return keys_fail(err, "the path is too long");
    fd = open_lock(name, err);
    if (fd < 0)
        return -1;
    if (wait_for(fd, name, seconds, stop, err) != 0) {
        close(fd);
        return -1;
    }
    /* For the one who waits in vain. The lock holds without it. */
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "%ld\n", (long)getpid());
    return fd;
}

void keys_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

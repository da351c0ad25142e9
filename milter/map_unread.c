#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "milter/map_parts.h"

struct map_unread {
    size_t n, sent;
    char text[];
};

/* Returns how many octets are on their way, or -1 when the connection is gone. */
static ssize_t send_some(int fd, const char *text, size_t n)
{
    ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return sent;
}

static int keep(struct map_unread **u, const char *text, size_t n)
{
    size_t kept = *u != NULL ? (*u)->n : 0;
    struct map_unread *more = realloc(*u, sizeof *more + kept + n);

    if (more == NULL)
        return -1;
    if (kept == 0)
        more->sent = 0;
    memcpy(more->text + kept, text, n);
    more->n = kept + n;
    *u = more;
    return 0;
}

int map_unread_put(struct map_unread **u, int fd, const char *text, size_t n)
{
    ssize_t sent = *u == NULL ? send_some(fd, text, n) : 0;

    if (sent < 0)
        return -1;
    return (size_t)sent == n ? 0 : keep(u, text + sent, n - (size_t)sent);
}

int map_unread_send(struct map_unread **u, int fd)
{
    ssize_t sent = send_some(fd, (*u)->text + (*u)->sent, (*u)->n - (*u)->sent);

    if (sent < 0)
        return -1;
    (*u)->sent += (size_t)sent;
    if ((*u)->sent == (*u)->n) {
        free(*u);
        *u = NULL;
    }
    return (int)sent;
}

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/map.h"
#include "milter/map_parts.h"

enum {
    BACKLOG = 512,
    KERNEL_BUFFER =
        1 << 15 /* octets a connection and direction, which the kernel would let grow to megabytes */
};

/* "inet:PORT@HOST" taken apart; the host may stand in square brackets. Returns the family. */
static int take_apart(char port[NI_MAXSERV], char host[NI_MAXHOST], const char *listen)
{
    const char *colon = strchr(listen, ':'), *at = strchr(listen, '@');
    size_t n = at != NULL ? strlen(at + 1) : 0;

    snprintf(port, NI_MAXSERV, "%.*s", (int)(at != NULL ? at - colon - 1 : 0), colon + 1);
    if (n > 2 && at[1] == '[' && at[n] == ']')
        snprintf(host, NI_MAXHOST, "%.*s", (int)(n - 2), at + 2);
    else
        snprintf(host, NI_MAXHOST, "%.*s", (int)n, at != NULL ? at + 1 : "");
    return strncmp(listen, "inet6:", 6) == 0 ? AF_INET6 : AF_INET;
}

/* Linux hands the options down to the sockets that are accepted. */
static int open_address(const struct addrinfo *a)
{
    int on = 1, octets = KERNEL_BUFFER;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* any_port: at the same host, with a port that is free. */
static int open_inet(const char *listen, bool any_port, char why[PROBLEM_TEXT])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    char port[NI_MAXSERV], host[NI_MAXHOST];
    int fd = -1;

    hints.ai_family = take_apart(port, host, listen);
    int error = getaddrinfo(host, any_port ? "0" : port, &hints, &list);
    if (error != 0) {
        snprintf(why, PROBLEM_TEXT, "the host \"%.100s\" is not known: %.100s", host, gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
        fd = open_address(a);
    if (fd < 0)
        snprintf(why, PROBLEM_TEXT, "cannot listen on \"%.200s\": %s", listen, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

int map_socket_inet(const char *listen, char why[PROBLEM_TEXT])
{
    return open_inet(listen, false, why);
}

int map_socket_unix(struct socket_file *own, const struct conf *conf, struct problems *problems)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    *own = socket_file("map_listen", conf->map_listen);
    if (socket_file_clear(own, conf, problems) != 0)
        return -1;
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", own->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(SOCKET_FILE_UMASK);
    bool open = fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(fd, BACKLOG) == 0;
    umask(old);
    if (open && socket_file_adopt(own, conf, problems) == 0)
        return fd;
    if (!open)
        problems_add(problems, conf->path, conf_line(conf, own->setting), "map_listen: cannot listen on %s: %s",
                     own->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int map_check(const struct conf *conf, struct problems *problems)
{
    struct socket_file f = socket_file("map_listen", conf->map_listen);
    int line = conf_line(conf, "map_listen");
    char why[PROBLEM_TEXT];

    if (f.path != NULL)
        return socket_file_check(&f, conf, problems);
    if (*conf->map_listen == '\0' || line == 0)
        return 0;
    int fd = open_inet(conf->map_listen, true, why);
    if (fd >= 0)
        return close(fd);
    problems_add(problems, conf->path, line, "map_listen: %s", why);
    return -1;
}

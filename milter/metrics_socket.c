#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/endpoint.h"
#include "milter/metrics_parts.h"

enum { BACKLOG = 64 };

static int bind_to(int fd, const struct endpoint *e, bool any_port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    in.sin_port = in6.sin6_port = htons(any_port ? 0 : e->port);
    if (e->family == AF_INET) {
        memcpy(&in.sin_addr, e->ip, sizeof in.sin_addr);
        return bind(fd, (struct sockaddr *)&in, sizeof in);
    }
    memcpy(&in6.sin6_addr, e->ip, sizeof in6.sin6_addr);
    return bind(fd, (struct sockaddr *)&in6, sizeof in6);
}

int metrics_socket(const struct conf *conf, bool any_port, struct problems *problems)
{
    const char *name = conf->metrics_listen, *wrong;
    struct endpoint e;
    int on = 1, line = conf_line(conf, "metrics_listen");

    if ((wrong = endpoint_read(&e, name)) != NULL) {
        problems_add(problems, conf->path, line, "metrics_listen: \"%.100s\" %s", name, wrong);
        return -1;
    }
    int fd = socket(e.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind_to(fd, &e, any_port) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    problems_add(problems, conf->path, line, "metrics_listen: cannot listen on \"%.100s\": %s", name,
                 strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

#include "milter/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/map.h"
#include "milter/metrics.h"
#include "milter/session.h"
#include "milter/socket_file.h"

static struct socket_file own; /* of the milter socket that is open */
static int passed = -1;        /* the descriptor of a socket that a service manager has opened for us */

int listen_check(const struct conf *conf, struct problems *problems)
{
    size_t before = problems->n;
    struct socket_file f = socket_file("listen", conf->listen),
                       map = socket_file("map_listen", conf->map_listen);

    socket_file_check(&f, conf, problems);
    map_check(conf, problems);
    metrics_check(conf, problems);
    if (f.path != NULL || map.path != NULL)
        socket_file_check_group(conf, problems);
    if (*conf->user != '\0' && getpwnam(conf->user) == NULL)
        problems_add(problems, conf->path, conf_line(conf, "user"), "user: there is no user \"%s\"",
                     conf->user);
    return problems->n == before ? 0 : -1;
}

bool listen_is_local(const char *listen)
{
    static const char *const hosts[] = {"@127.", "@::1", "@[::1]", "@localhost"};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strstr(listen, hosts[i]) != NULL)
            return true;
    return strncmp(listen, "unix:", 5) == 0;
}

/*
 * libmilter has no options for it.  Without the first one, which Linux hands
 * down to accepted sockets, Nagle's algorithm holds every changed message back
 * for 40 ms.  Without the second one, which it does not, a connection that has
 * gone, or that another process has taken, would leave us waiting for the next.
 */
static void set_options(void)
{
    enum { LOW_DESCRIPTORS = 256 };
    int on = 1;

    for (int fd = 3; fd < LOW_DESCRIPTORS; fd++) {
        int listening = 0;
        socklen_t n = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* means nothing to a unix socket */
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
}

/* As sd_listen_fds(3) does. */
void listen_find_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    enum { FIRST_PASSED = 3 };

    if (pid != NULL && count != NULL && atol(pid) == (long)getpid() && strcmp(count, "1") == 0)
        passed = FIRST_PASSED;
}

/* It outlives the process, so that the next one answers those who connect meanwhile. */
static int open_passed(int fd, const struct conf *conf, struct problems *problems)
{
    static char name[16]; /* libmilter keeps it */
    char why[PROBLEM_TEXT];
    int domain = AF_UNIX;
    socklen_t n = sizeof domain;

    snprintf(name, sizeof name, "fd:%d", fd);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
    if (session_open(name, domain != AF_UNIX, why, sizeof why) == 0) {
        set_options();
        return 0;
    }
    problems_add(problems, conf->path, conf_line(conf, "listen"),
                 "listen: the socket that was passed cannot be used: %s", why);
    return -1;
}

int listen_open(const struct conf *conf, struct problems *problems)
{
    if (passed >= 0)
        return open_passed(passed, conf, problems);

    char why[PROBLEM_TEXT];
    own = socket_file("listen", conf->listen);
    if (listen_check(conf, problems) != 0 || socket_file_clear(&own, conf, problems) != 0)
        return -1;
    mode_t old = umask(SOCKET_FILE_UMASK);
    int result = session_open(conf->listen, own.path == NULL, why, sizeof why);
    umask(old);
    if (result != 0) {
        problems_add(problems, conf->path, conf_line(conf, "listen"), "listen: %s", why);
        return -1;
    }
    set_options();
    return socket_file_adopt(&own, conf, problems);
}

int listen_give_up_root(const struct conf *conf, struct problems *problems)
{
    int line = conf_line(conf, "user");

    if (*conf->user == '\0' || geteuid() != 0)
        return 0;
    const struct passwd *pw = getpwnam(conf->user);
    if (pw == NULL) {
        problems_add(problems, conf->path, line, "user: there is no user \"%s\"", conf->user);
        return -1;
    }
    if (setgid(pw->pw_gid) == 0 && initgroups(pw->pw_name, pw->pw_gid) == 0 && setuid(pw->pw_uid) == 0 &&
        (pw->pw_uid == 0 || setuid(0) != 0))
        return 0;
    problems_add(problems, conf->path, line, "user: cannot become \"%s\": %s", conf->user, strerror(errno));
    return -1;
}

void listen_remove(void)
{
    socket_file_remove(&own);
}

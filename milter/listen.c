#include "milter/listen.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/session.h"

static int line_of(const struct conf *conf, const char *name)
{
    int row = conf_row_find(name, strlen(name));

    return row < 0 ? 0 : conf->line[row];
}

static const char *socket_path(const char *listen)
{
    return strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;
}

/* Whether the socket's group is to be set. Where nobody asked for the default group, it may be missing. */
static bool wants_group(const struct conf *conf, const struct group *group)
{
    return *conf->socket_group != '\0' && socket_path(conf->listen) != NULL &&
           (group != NULL || line_of(conf, "socket_group") > 0);
}

static int check_path(const struct conf *conf, struct problems *problems)
{
    char dir[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
    const char *path = socket_path(conf->listen);
    struct stat st;

    snprintf(dir, sizeof dir, "%s", path);
    *(strrchr(dir, '/') == dir ? dir + 1 : strrchr(dir, '/')) = '\0';
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        problems_add(problems, conf->path, line_of(conf, "listen"), "listen: %s is there, and is no socket",
                     path);
        return -1;
    }
    if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    problems_add(problems, conf->path, line_of(conf, "listen"),
                 "listen: there is no directory %s; run: mkdir -p %s", dir, dir);
    return -1;
}

int listen_check(const struct conf *conf, struct problems *problems)
{
    size_t before = problems->n;
    const struct group *group = getgrnam(conf->socket_group);

    if (socket_path(conf->listen) != NULL)
        check_path(conf, problems);
    if (wants_group(conf, group) && group == NULL)
        problems_add(problems, conf->path, line_of(conf, "socket_group"),
                     "socket_group: there is no group \"%s\"", conf->socket_group);
    if (*conf->user != '\0' && getpwnam(conf->user) == NULL)
        problems_add(problems, conf->path, line_of(conf, "user"), "user: there is no user \"%s\"", conf->user);
    return problems->n == before ? 0 : -1;
}

/* A socket file that nobody listens on is left from a crash; one that answers belongs to a daemon. */
static int clear_stale(const struct conf *conf, const char *path, struct problems *problems)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    int line = line_of(conf, "listen");

    if (lstat(path, &st) != 0)
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int error = fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (error == 0)
        problems_add(problems, conf->path, line, "listen: another process answers on %s", path);
    else if (error != ECONNREFUSED)
        problems_add(problems, conf->path, line, "listen: whether a process answers on %s is unknown: %s", path,
                     strerror(error));
    if (error != ECONNREFUSED)
        return -1;
    if (unlink(path) == 0)
        return 0;
    problems_add(problems, conf->path, line, "listen: the stale socket %s cannot be removed: %s", path,
                 strerror(errno));
    return -1;
}

/*
 * libmilter has no option for it, and Linux hands it down to accepted sockets:
 * without it, Nagle's algorithm holds every changed message back for 40 ms.
 */
static void set_nodelay(void)
{
    enum { LOW_DESCRIPTORS = 256 };
    int on = 1;

    for (int fd = 3; fd < LOW_DESCRIPTORS; fd++) {
        int listening = 0;
        socklen_t n = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 && listening)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

static int set_group(const struct conf *conf, const char *path, struct problems *problems)
{
    const struct group *group = getgrnam(conf->socket_group);
    int line = line_of(conf, "socket_group");

    if (!wants_group(conf, group))
        return 0;
    if (group == NULL)
        problems_add(problems, conf->path, line, "socket_group: there is no group \"%s\"", conf->socket_group);
    else if (chown(path, (uid_t)-1, group->gr_gid) == 0)
        return 0;
    else
        problems_add(problems, conf->path, line, "socket_group: %s cannot be given to group \"%s\": %s", path,
                     conf->socket_group, strerror(errno));
    return -1;
}

/* The socket file that is ours. */
static struct {
    dev_t device;
    ino_t inode;
} own;

static void remember(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0) {
        own.device = st.st_dev;
        own.inode = st.st_ino;
    }
}

int listen_open(const struct conf *conf, struct problems *problems)
{
    const char *path = socket_path(conf->listen);
    char why[PROBLEM_TEXT];

    if (listen_check(conf, problems) != 0 || (path != NULL && clear_stale(conf, path, problems) != 0))
        return -1;
    mode_t old = umask(0117); /* the socket becomes 0660 */
    int result = session_open(conf->listen, path == NULL, why, sizeof why);
    umask(old);
    if (result != 0) {
        problems_add(problems, conf->path, line_of(conf, "listen"), "listen: %s", why);
        return -1;
    }
    if (path == NULL) {
        set_nodelay();
        return 0;
    }
    remember(path);
    if (set_group(conf, path, problems) == 0)
        return 0;
    listen_remove(conf->listen);
    return -1;
}

int listen_give_up_root(const struct conf *conf, struct problems *problems)
{
    int line = line_of(conf, "user");

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

void listen_remove(const char *listen)
{
    const char *path = socket_path(listen);
    struct stat st;

    if (path != NULL && lstat(path, &st) == 0 && st.st_dev == own.device && st.st_ino == own.inode)
        unlink(path);
}

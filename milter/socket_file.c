#include "milter/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct socket_file socket_file(const char *setting, const char *listen)
{
    return (struct socket_file){.setting = setting,
                                .path = strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL};
}

/* With a command that makes it so that the daemon's user can make the socket, and its group can reach it. */
static void say_missing(const char *setting, const char *dir, const struct conf *conf,
                        struct problems *problems)
{
    const struct group *group = *conf->socket_group == '\0' ? NULL : getgrnam(conf->socket_group);
    int line = conf_line(conf, setting);

    if (*conf->user == '\0')
        problems_add(problems, conf->path, line, "%s: there is no directory %s; run: mkdir -p %s", setting, dir,
                     dir);
    else if (group == NULL)
        problems_add(problems, conf->path, line,
                     "%s: there is no directory %s; run: install -d -m 0755 -o %s %s", setting, dir, conf->user,
                     dir);
    else
        problems_add(problems, conf->path, line,
                     "%s: there is no directory %s; run: install -d -m 2750 -o %s -g %s %s", setting, dir,
                     conf->user, conf->socket_group, dir);
}

int socket_file_check(const struct socket_file *f, const struct conf *conf, struct problems *problems)
{
    char dir[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
    int line = conf_line(conf, f->setting);
    struct stat st;

    if (f->path == NULL)
        return 0;
    snprintf(dir, sizeof dir, "%s", f->path);
    *(strrchr(dir, '/') == dir ? dir + 1 : strrchr(dir, '/')) = '\0';
    if (lstat(f->path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        problems_add(problems, conf->path, line, "%s: %s is there, and is no socket", f->setting, f->path);
        return -1;
    }
    if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
            return 0;
        problems_add(problems, conf->path, line, "%s: no socket can be made in %s: %s", f->setting, dir,
                     strerror(errno));
        return -1;
    }
    say_missing(f->setting, dir, conf, problems);
    return -1;
}

/* NULL: none is wanted, or it is missing, which is a problem unless nobody asked for the default one. */
static const struct group *wanted_group(const struct conf *conf, struct problems *problems)
{
    const char *name = conf->socket_group;
    const struct group *group = *name == '\0' ? NULL : getgrnam(name);
    int line = conf_line(conf, "socket_group");

    if (*name != '\0' && group == NULL && line > 0)
        problems_add(problems, conf->path, line, "socket_group: there is no group \"%s\"", name);
    return group;
}

int socket_file_check_group(const struct conf *conf, struct problems *problems)
{
    size_t before = problems->n;

    wanted_group(conf, problems);
    return problems->n == before ? 0 : -1;
}

/* A socket file that nobody listens on is left from a crash; one that answers belongs to a daemon. */
int socket_file_clear(const struct socket_file *f, const struct conf *conf, struct problems *problems)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int line = conf_line(conf, f->setting);
    struct stat st;

    if (f->path == NULL || lstat(f->path, &st) != 0)
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", f->path);
    int error = fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (error == 0)
        problems_add(problems, conf->path, line, "%s: another process answers on %s", f->setting, f->path);
    else if (error != ECONNREFUSED)
        problems_add(problems, conf->path, line, "%s: whether a process answers on %s is unknown: %s",
                     f->setting, f->path, strerror(error));
    if (error != ECONNREFUSED)
        return -1;
    if (unlink(f->path) == 0)
        return 0;
    problems_add(problems, conf->path, line, "%s: the stale socket %s cannot be removed: %s", f->setting,
                 f->path, strerror(errno));
    return -1;
}

static int set_group(const struct socket_file *f, const struct conf *conf, struct problems *problems)
{
    size_t before = problems->n;
    const struct group *group = wanted_group(conf, problems);
    struct stat st;

    if (group == NULL)
        return problems->n == before ? 0 : -1;
    if ((stat(f->path, &st) == 0 && st.st_gid == group->gr_gid) ||
        chown(f->path, (uid_t)-1, group->gr_gid) == 0)
        return 0;
    problems_add(problems, conf->path, conf_line(conf, "socket_group"),
                 "socket_group: %s cannot be given to group \"%s\": %s", f->path, conf->socket_group,
                 strerror(errno));
    return -1;
}

int socket_file_adopt(struct socket_file *f, const struct conf *conf, struct problems *problems)
{
    struct stat st;

    if (f->path == NULL)
        return 0;
    if (lstat(f->path, &st) == 0) {
        f->device = st.st_dev;
        f->inode = st.st_ino;
    }
    if (set_group(f, conf, problems) == 0)
        return 0;
    socket_file_remove(f);
    return -1;
}

void socket_file_remove(const struct socket_file *f)
{
    struct stat st;

    if (f->path != NULL && lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode)
        unlink(f->path);
}

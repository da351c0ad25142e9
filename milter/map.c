#include "milter/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/accepting.h"
#include "milter/clock.h"
#include "milter/listen.h"
#include "milter/log.h"
#include "milter/map_parts.h"
#include "milter/snapshot.h"

enum { TICK_MS = 1000 };

static struct {
    int socket; /* -1: the service is off */
    const char *listen;
    char why[PROBLEM_TEXT]; /* why it is off although nobody said so */
    struct socket_file file;
    struct map_peers peers;
    int answers;   /* tells of answers that took a while */
    int64_t pause; /* no connections are accepted before this moment; 0: they are */
} map = {.socket = -1};

int map_open(const struct conf *conf, struct problems *problems)
{
    int line = conf_line(conf, "map_listen");

    map.listen = conf->map_listen;
    if (*map.listen == '\0')
        return 0;
    if (strncmp(map.listen, "unix:", 5) == 0) {
        map.socket = map_socket_unix(&map.file, conf, problems);
        return map.socket < 0 ? -1 : 0;
    }
    map.socket = map_socket_inet(map.listen, map.why);
    if (map.socket >= 0 || line == 0)
        return 0;
    problems_add(problems, conf->path, line, "map_listen: %s", map.why);
    return -1;
}

static int watch_socket(int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = NULL};

    return epoll_ctl(map.peers.epoll, operation, map.socket, &event);
}

static int watch_answers(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &map.answers};

    map.answers = map_pool_open();
    return map.answers < 0 ? -1 : epoll_ctl(map.peers.epoll, EPOLL_CTL_ADD, map.answers, &event);
}

/* The one that waits stays, and would be reported for ever. */
static void pause_accepting(int64_t now)
{
    static _Atomic int64_t said;

    if (clock_minute_over(&said))
        log_warn("the map service cannot take a connection: %s", strerror(errno));
    map.pause = now + 1;
    watch_socket(EPOLL_CTL_MOD, 0);
}

/* Once a second, while there is a reason. */
static void do_tick(int64_t now)
{
    if (map.pause != 0 && now >= map.pause) {
        map.pause = 0;
        watch_socket(EPOLL_CTL_MOD, EPOLLIN);
    }
    map_peers_expire(&map.peers, now);
}

static long most_peers(void)
{
    struct snapshot *s = snapshot_get();
    long most = snapshot_conf(s)->max_map_connections;

    snapshot_put(s);
    return most;
}

static void take_peer(int64_t now)
{
    static _Atomic int64_t said;
    int fd = accepting_at_once(map.socket, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            pause_accepting(now);
        return;
    }
    long most = most_peers();
    if ((long)map.peers.n < most || map_peers_yield(&map.peers, now)) {
        if (map_peer_add(&map.peers, fd, now) != 0)
            close(fd);
        return;
    }
    if (clock_minute_over(&said))
        log_warn("the map service closes new connections: it has %ld, and none is idle (max_map_connections)",
                 most);
    close(fd);
}

static void *serve(void *unused)
{
    struct epoll_event event;
    int64_t last = 0;

    (void)unused;
    for (;;) {
        bool tick = map.pause != 0 || map.peers.unread > 0;
        /* One at a time: a second one might be of a connection that the first has ended. */
        int n = epoll_wait(map.peers.epoll, &event, 1, tick ? TICK_MS : -1);
        int64_t now = clock_steady();
        if (n > 0 && event.data.ptr == NULL)
            take_peer(now);
        else if (n > 0 && event.data.ptr == &map.answers)
            map_peers_answer(&map.peers, map_pool_take(), now);
        else if (n > 0)
            map_peer_serve(&map.peers, event.data.ptr, now);
        if (tick && now != last)
            do_tick(now);
        last = now;
    }
    return NULL;
}

int map_start(void)
{
    pthread_t thread;

    if (map.socket < 0) {
        if (map.why[0] != '\0')
            log_warn("the map service is off: %s; set map_listen", map.why);
        return 0;
    }
    map.peers.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (map.peers.epoll < 0 || watch_socket(EPOLL_CTL_ADD, EPOLLIN) != 0 || watch_answers() != 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0)
        return -1;
    pthread_detach(thread);
    log_info("the map service answers on %s", map.listen);
    if (!listen_is_local(map.listen))
        log_warn("%s: whoever reaches it can try out tags; a firewall must keep strangers away", map.listen);
    return 0;
}

void map_stop(void)
{
    socket_file_remove(&map.file);
}

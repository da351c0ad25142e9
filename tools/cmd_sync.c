#include "tools/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd_sync.h"

enum {
    POLL = 30, /* seconds after which the store is asked though it tells of no change */
    POLL_MOST = 3600,
    PAUSE = 1000, /* milliseconds before a store that is away is asked again, twice as many each time */
    PAUSE_MOST = 30 * 1000,
    UNWATCHED = 3, /* watches that end at once before that is said */
    LASTED = 2,    /* seconds; a watch that a proxy has ended, as one that was idle, is good until then */
    SETTLE = 50    /* milliseconds for changes that come in a row */
};

struct sync {
    const struct cmd *c;
    const char *url;
    struct store *store;
    struct sync_trouble trouble;
    bool once, settled;
    int64_t poll; /* seconds */
};

enum look { LOOK_GOOD, LOOK_BAD, LOOK_AWAY, LOOK_STOPPED };

static int stop_pipe[2] = {-1, -1};

static void on_stop(int number)
{
    int kept = errno;

    (void)number;
    if (write(stop_pipe[1], "", 1) < 0) /* a full pipe says the same */
        errno = kept;
    errno = kept;
}

static bool is_stopped(void)
{
    struct pollfd p = {.fd = stop_pipe[0], .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

/* Has the signals that end a service end this one between two files. Returns 0, or -1 after saying what failed. */
static int take_signals(struct sync *y)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
        sigaction(SIGINT, &action, NULL) != 0) {
        tool_say("signals: %s", strerror(errno));
        return -1;
    }
    store_stop_on(y->store, stop_pipe[0]);
    return 0;
}

/* What a ring of the store has become in the local file: 1 it is new there, 0 it was there. */
static void report(struct sync *y, const struct keys_ring *ring, int64_t was, int done)
{
    const char *file = y->c->file;
    long long generation = ring->generation;

    if (done > 0 && was == 0)
        printf("%s: keyring %s, generation %lld, from %s\n", file, ring->id, generation, y->url);
    else if (done > 0)
        printf("%s: keyring %s, generation %lld, from %s; was generation %lld\n", file, ring->id, generation,
               y->url, (long long)was);
    else if (!y->settled)
        printf("%s: nothing to do, generation %lld of %s is here already\n", file, generation, y->url);
    y->settled = true;
    tool_flush();
}

/* Fetches the ring once, and brings it into the file. */
static enum look look(struct sync *y)
{
    struct keys_ring ring;
    struct keys_error err;
    enum look result = LOOK_GOOD;
    int64_t was = 0;
    int done;

    if (store_load(&ring, y->store, &err) != 0) {
        result = err.sys == ECANCELED ? LOOK_STOPPED : err.sys == 0 || err.sys == ENOENT ? LOOK_BAD : LOOK_AWAY;
        if (result != LOOK_STOPPED)
            sync_complain(&y->trouble, y->url, &err, result == LOOK_AWAY);
    } else {
        done = store_mirror(y->c->file, &ring, y->url, stop_pipe[0], &was, &err);
        if (done >= 0) {
            sync_content(&y->trouble, y->url);
            report(y, &ring, was, done);
        } else if (err.sys == ECANCELED) {
            result = LOOK_STOPPED;
        } else {
            sync_complain(&y->trouble, y->c->file, &err, false);
            result = LOOK_BAD;
        }
    }
    keys_wipe(&ring);
    return result;
}

static int64_t longer(int64_t pause)
{
    return pause == 0 ? PAUSE : pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
}

/* Waits for the next change, or until it is time to look in any case. *ended: watches that brought nothing. */
static void wait_for_news(struct sync *y, unsigned *ended, int64_t *pause)
{
    struct keys_error err;
    enum store_news news = STORE_UNWATCHED;
    int64_t begin = sync_clock();

    if (store_watch(y->store, &err) == 0)
        news = store_wait(y->store, y->poll * 1000);
    switch (news) {
    case STORE_CHANGED:
        poll(NULL, 0, SETTLE);
        *ended = 0;
        *pause = 0;
        break;
    case STORE_TIME:
        *ended = 0;
        *pause = 0;
        break;
    case STORE_UNWATCHED:
        if (sync_clock() - begin >= LASTED) {
            *ended = 0;
            *pause = 0;
        }
        *pause = longer(*pause);
        if (++*ended == UNWATCHED)
            tool_say("%s: does not tell of changes; they are found within %lld s", y->url, (long long)y->poll);
        store_wait(y->store, *pause < y->poll * 1000 ? *pause : y->poll * 1000);
        break;
    }
}

static void follow(struct sync *y)
{
    int64_t away = 0, unwatched = 0;
    unsigned ended = 0;

    while (!is_stopped()) {
        enum look found = look(y);
        if (found == LOOK_STOPPED)
            continue;
        if (found == LOOK_AWAY) {
            /* The watch may be as dead, and the next one goes to the host that answers. */
            store_unwatch(y->store);
            away = longer(away);
            store_wait(y->store, away);
        } else {
            away = 0;
            wait_for_news(y, &ended, &unwatched);
        }
    }
}

/* Looks at the arguments. Returns 0, or -1 after saying what is wrong with them. */
static int check(const struct sync *y, int given)
{
    if (given == 0)
        cmd_misused("sync: from where? Give a URL like etcd://gw1.example.com:2379/bv/keyring");
    else if (cmd_check_url(y->url) != 0)
        return -1;
    else if (store_is_url(y->c->file))
        tool_say("%s: what sync keeps equal is a file; give one with -f", y->c->file);
    else if (y->poll < 1 || y->poll > POLL_MOST)
        tool_say("--poll: is not in 1s..1h");
    else
        return 0;
    return -1;
}

int cmd_sync(struct cmd *c, int argc, char **argv)
{
    struct sync y = {.c = c, .poll = POLL};
    const struct cmd_option options[] = {
        {.name = "once", .given = &y.once}, {.name = "poll", .seconds = &y.poll}, {0}};
    struct keys_error err;
    int first, status = TOOL_TROUBLE;

    first = cmd_options(c, options, 1, argc, argv);
    if (first < 0)
        return c->status;
    y.url = argv[first];
    if (check(&y, argc - first) != 0)
        return TOOL_TROUBLE;
    y.store = cmd_open(y.url, &err);
    if (y.store == NULL)
        tool_say_error(y.url, &err);
    else if (y.once)
        status = look(&y) == LOOK_GOOD ? TOOL_YES : TOOL_TROUBLE;
    else if (take_signals(&y) == 0) {
        follow(&y);
        status = TOOL_YES;
    }
    store_close(y.store);
    return status;
}

#include "milter/reload.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "milter/brake.h"
#include "milter/counters.h"
#include "milter/drain.h"
#include "milter/listen.h"
#include "milter/log.h"
#include "milter/map.h"
#include "milter/metrics.h"
#include "milter/snapshot.h"
#include "milter/watch.h"

enum { STOP_PATIENCE = 100, STOP_TICK_MS = 20, DRAIN_TICKS = 250 }; /* five seconds to drain */

static struct {
    const char *conf_path;
    const struct conf *conf; /* of the start */
} what;

/*
 * The dynamic linker gives this to libmilter, whose own signal thread takes HUP
 * for "stop": it sleeps here for ever, and the signals are ours.
 */
int sigwait(const sigset_t *set, int *signal_number)
{
    (void)set, (void)signal_number;
    for (;;)
        pause();
}

static sigset_t set_of(int a, int b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, a);
    sigaddset(&set, b);
    return set;
}

void reload_hold_signals(void)
{
    sigset_t reloads = set_of(SIGHUP, SIGUSR1);

    pthread_sigmask(SIG_BLOCK, &reloads, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void reload_block_signals(void)
{
    sigset_t stops = set_of(SIGTERM, SIGINT);

    pthread_sigmask(SIG_BLOCK, &stops, NULL);
}

static void log_problems(const struct problems *problems)
{
    char text[PROBLEM_LINE];

    for (size_t i = 0; i < problems->n && i < PROBLEMS_KEPT; i++) {
        problem_write(text, sizeof text, &problems->item[i]);
        log_error("%s", text);
    }
    log_error("not reloaded; the settings and the ring in use stay");
}

/* The settings that are new and take a restart, behind each other. */
static void name_fixed(char *dst, size_t size, const struct conf *is, const struct conf *was)
{
    const struct {
        const char *name, *is, *was;
    } fixed[] = {
        {"listen", is->listen, was->listen},
        {"socket_group", is->socket_group, was->socket_group},
        {"map_listen", is->map_listen, was->map_listen},
        {"metrics_listen", is->metrics_listen, was->metrics_listen},
        {"user", is->user, was->user},
    };
    size_t n = 0;

    dst[0] = '\0';
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed && n < size; i++)
        if (strcmp(fixed[i].is, fixed[i].was) != 0)
            n += (size_t)snprintf(dst + n, size - n, "%s%s", n > 0 ? ", " : "", fixed[i].name);
}

static void reload(void)
{
    struct problems *problems = calloc(1, sizeof *problems);
    struct snapshot *s = problems == NULL ? NULL : snapshot_build(what.conf_path, problems);

    if (problems == NULL) {
        counters_reload(false);
        log_error("no memory to reload; the settings and the ring in use stay");
        return;
    }
    char fixed[80] = "";
    if (s != NULL)
        name_fixed(fixed, sizeof fixed, snapshot_conf(s), what.conf);
    if (s == NULL || snapshot_install(s, problems) != 0) {
        counters_reload(false);
        log_problems(problems);
    } else {
        counters_reload(true);
        log_info("reloaded: %s", what.conf_path);
        watch_begin();
        if (fixed[0] != '\0')
            log_warn("changed, but only a restart can make use of it: %s", fixed);
    }
    free(problems);
}

/* Messages under way come to their end, for so long; a second signal ends the wait. */
static void drain(const sigset_t *signals)
{
    const struct timespec tick = {.tv_nsec = STOP_TICK_MS * 1000000L};

    drain_begin();
    for (int i = 0; i < DRAIN_TICKS && !drain_is_quiet(); i++)
        if (sigtimedwait(signals, NULL, &tick) >= 0)
            return;
}

static void stop(const sigset_t *signals)
{
    const struct timespec tick = {.tv_nsec = STOP_TICK_MS * 1000000L};

    log_info("stopping");
    listen_remove();
    drain(signals);
    map_stop();
    for (int i = 0; i < STOP_PATIENCE && !drain_stop(); i++)
        nanosleep(&tick, NULL);
    nanosleep(&tick, NULL); /* the last answers are on their way */
    metrics_stop();
    log_stop();
    _exit(0);
}

static void tick(void)
{
    struct snapshot *s = snapshot_get();

    brake_tick(&snapshot_conf(s)->storm);
    snapshot_put(s);
    watch_tick();
}

static void *serve_reloads(void *unused)
{
    const struct timespec interval = {.tv_sec = WATCH_TICK_SECONDS};
    sigset_t set = set_of(SIGHUP, SIGUSR1);

    (void)unused;
    watch_begin();
    for (;;) {
        int signal_number = sigtimedwait(&set, NULL, &interval);
        if (signal_number < 0)
            tick();
        else
            reload();
    }
    return NULL;
}

/* A thread of its own: a file that cannot be read for a while must not keep the process from ending. */
static void *serve_stops(void *unused)
{
    sigset_t set = set_of(SIGTERM, SIGINT);

    (void)unused;
    while (sigwaitinfo(&set, NULL) < 0)
        continue;
    stop(&set);
    return NULL;
}

int reload_start(const char *conf_path, const struct conf *conf)
{
    pthread_t thread;

    what.conf_path = conf_path;
    what.conf = conf;
    return pthread_create(&thread, NULL, serve_stops, NULL) == 0 &&
                   pthread_create(&thread, NULL, serve_reloads, NULL) == 0
               ? 0
               : -1;
}

/*
 * When it gets no thread for a session, libmilter forgets the session, and
 * neither serves nor closes it, ever: its descriptor is lost, and its MTA waits
 * in vain.  So libmilter is told that all is well, and the thread is started
 * when that is possible.  libmilter has no use for the thread's number: threads
 * of sessions detach themselves.
 *
 * Everybody else has, and learns the truth.  What the thread of a session runs
 * is known from the thread that libmilter has been given for good: the last
 * that this one has started, for a session or ahead of the first, was such a
 * thread.  libmilter's others start more of them.
 *
 * With a pool of such threads (_FFR_WORKERS_POOL, as in Debian), libmilter hands
 * over all sessions that become ready together as long as it knows of one idle
 * thread, which then takes them one after the other: all the others wait for a
 * callback that waits.  A thread more, begun right before that, takes what is
 * left, and ends when there is nothing to do; so those ahead of the first begin.
 */
#include "milter/starting.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "milter/clock.h"
#include "milter/log.h"

enum { PAUSE_MS = 100 };

/* A thread that is to be: no more of them than connections. */
struct late {
    void *(*run)(void *);
    void *session;
    struct late *next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct late *first, **end;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .end = &queue.first};

static _Thread_local bool is_libmilters;     /* this thread */
static void *(*_Atomic of_sessions)(void *); /* what it has started last */
static void *(*_Atomic ahead)(void *);       /* what it has started without a session last */

static int start(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = NULL;
    void *found = dlsym(RTLD_NEXT, "pthread_create");

    memcpy(&real, &found, sizeof real);
    return real(thread, attr, run, arg);
}

/* Returns whether that went well. */
static bool put_off(void *(*run)(void *), void *session)
{
    static _Atomic int64_t said;
    struct late *late = malloc(sizeof *late);

    if (late == NULL)
        return false;
    *late = (struct late){.run = run, .session = session};
    pthread_mutex_lock(&queue.lock);
    *queue.end = late;
    queue.end = &late->next;
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_signal(&queue.filled);
    if (clock_minute_over(&said))
        log_error("no thread can be started; sessions that need one wait");
    return true;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int result = start(thread, attr, run, arg);

    if (is_libmilters) {
        atomic_store(&of_sessions, run);
        if (arg == NULL)
            atomic_store(&ahead, run);
    }
    bool for_session = arg != NULL && run == atomic_load(&of_sessions);
    return result == EAGAIN && for_session && put_off(run, arg) ? 0 : result;
}

static struct late *take_first(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.first == NULL)
        pthread_cond_wait(&queue.filled, &queue.lock);
    struct late *late = queue.first;
    queue.first = late->next;
    if (queue.first == NULL)
        queue.end = &queue.first;
    pthread_mutex_unlock(&queue.lock);
    return late;
}

static void *start_late(void *unused)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    pthread_t thread;

    (void)unused;
    for (;;) {
        struct late *late = take_first();
        while (start(&thread, NULL, late->run, late->session) != 0)
            nanosleep(&pause, NULL);
        free(late);
    }
    return NULL;
}

int starting_open(void)
{
    pthread_t thread;

    return start(&thread, NULL, start_late, NULL) == 0 ? 0 : -1;
}

void starting_for_libmilter(void)
{
    is_libmilters = true;
}

void starting_stand_in(void)
{
    void *(*run)(void *) = atomic_load(&ahead);
    pthread_t thread; /* it detaches itself */

    if (run != NULL && run == atomic_load(&of_sessions))
        (void)start(&thread, NULL, run, NULL);
}

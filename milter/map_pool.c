#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "milter/clock.h"
#include "milter/log.h"
#include "milter/map_parts.h"

enum {
    THREADS = 8,
    WAITING_MAX = 200 /* behind those that are being looked up */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned threads, idle, waiting;
    struct map_question *first, *last; /* waiting */
    struct map_question *answered;
    int event; /* an eventfd that tells of those */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

int map_pool_open(void)
{
    pool.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return pool.event;
}

/* With the lock held. */
static struct map_question *next_question(void)
{
    pool.idle++;
    while (pool.first == NULL)
        pthread_cond_wait(&pool.more, &pool.lock);
    pool.idle--;
    pool.waiting--;
    struct map_question *q = pool.first;
    pool.first = q->next;
    return q;
}

static void *look_up(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        struct map_question *q = next_question();
        pthread_mutex_unlock(&pool.lock);
        map_mx_look_up(q);
        pthread_mutex_lock(&pool.lock);
        q->next = pool.answered;
        pool.answered = q;
        while (eventfd_write(pool.event, 1) != 0 && errno == EINTR)
            continue;
    }
    return NULL;
}

/* With the lock held. Most daemons never need one. */
static void add_thread(void)
{
    pthread_t thread;

    if (pool.threads == THREADS || pthread_create(&thread, NULL, look_up, NULL) != 0)
        return;
    pthread_detach(thread);
    pool.threads++;
}

bool map_pool_put(struct map_question *q)
{
    static _Atomic int64_t said;

    pthread_mutex_lock(&pool.lock);
    if (pool.idle <= pool.waiting)
        add_thread();
    bool taken = pool.threads > 0 && pool.waiting < WAITING_MAX;
    if (taken) {
        q->next = NULL;
        *(pool.first != NULL ? &pool.last->next : &pool.first) = q;
        pool.last = q;
        pool.waiting++;
        pthread_cond_signal(&pool.more);
    }
    pthread_mutex_unlock(&pool.lock);
    if (!taken && clock_minute_over(&said))
        log_warn(
            "the map service answers questions about an MX without looking it up: too many wait for the DNS");
    return taken;
}

struct map_question *map_pool_take(void)
{
    eventfd_t count;

    (void)eventfd_read(pool.event, &count);
    pthread_mutex_lock(&pool.lock);
    struct map_question *q = pool.answered;
    pool.answered = NULL;
    pthread_mutex_unlock(&pool.lock);
    return q;
}

#include "milter/brake.h"

#include <pthread.h>
#include <stdatomic.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/log.h"

static struct {
    pthread_mutex_t lock;
    struct storm storm; /* with the lock held */
    atomic_bool on;     /* what it says, without the lock */
} brake = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* With the lock held, so that the lines stand in the log in their order. */
static void tell(enum storm_change change)
{
    char text[STORM_TEXT];

    atomic_store(&brake.on, brake.storm.on);
    switch (change) {
    case STORM_BEGINS:
        counters_storm();
        storm_describe_begin(text, &brake.storm);
        log_warn("storm begins: %s; until it ends, untagged bounces of such clients are judged at RCPT", text);
        break;
    case STORM_ENDS:
        storm_describe_end(text, &brake.storm);
        log_warn("storm ends: %s", text);
        break;
    case STORM_SAME:
        break;
    }
}

void brake_note(const struct storm_limits *limits, const struct net_addr *client)
{
    if (limits->threshold == 0)
        return;
    pthread_mutex_lock(&brake.lock);
    tell(storm_note(&brake.storm, limits, clock_now(), client));
    pthread_mutex_unlock(&brake.lock);
}

bool brake_storm(const struct net_addr *client)
{
    if (!atomic_load_explicit(&brake.on, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&brake.lock);
    bool part = storm_has(&brake.storm, client);
    pthread_mutex_unlock(&brake.lock);
    return part;
}

bool brake_is_on(void)
{
    return atomic_load(&brake.on);
}

void brake_tick(const struct storm_limits *limits)
{
    pthread_mutex_lock(&brake.lock);
    tell(storm_tick(&brake.storm, limits, clock_now()));
    pthread_mutex_unlock(&brake.lock);
}

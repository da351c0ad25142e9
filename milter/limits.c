#include "milter/limits.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/log.h"

void limits_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

long limits_sessions(const struct conf *conf)
{
    static atomic_long fifths;
    struct rlimit limit;

    if (conf->max_sessions > 0)
        return conf->max_sessions;
    if (atomic_load(&fifths) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0)
        atomic_store(&fifths, (long)(limit.rlim_cur / 5 * 4));
    return atomic_load(&fifths);
}

void limits_complain(long most)
{
    static _Atomic int64_t said;

    counters_session_refused();
    if (clock_minute_over(&said))
        log_error("%ld sessions are open, and no more are taken (max_sessions)", most);
}

#include "milter/warm.h"

#include <stdatomic.h>

#include "milter/clock.h"
#include "milter/log.h"

/* When the last of the warm-ups ends, seconds since 1970; INT64_MIN: none goes on. */
static _Atomic int64_t last_end = INT64_MIN;

/* Rows of the domains table that are warming up; the latest end goes to *until. */
static size_t count_rows(int64_t *until, const struct policy *p, const struct policy_keys *keys)
{
    size_t n = 0;

    for (size_t i = 0; i < p->domains.n; i++) {
        int64_t end = policy_warm_until(p, keys, &p->domains.row[i]);
        n += end > keys->now;
        *until = end > *until ? end : *until;
    }
    return n;
}

static void tell(const struct policy *p, const struct policy_keys *keys)
{
    char time[KEYS_TIME_LEN + 1];
    int64_t until = policy_warm_until(p, keys, NULL);
    bool all = until > keys->now;
    size_t n = count_rows(&until, p, keys);

    if (until <= keys->now)
        return;
    last_end = until;
    keys_time_write(time, until);
    if (until == INT64_MAX)
        log_warn("warm-up: no key signs yet; invalid bounces are marked, not refused");
    else if (all)
        log_info("warm-up until %s: invalid bounces are marked, not refused", time);
    else
        log_info("warm-up of %zu rows of domains until %s: their invalid bounces are marked, not refused", n,
                 time);
}

void warm_begin(struct snapshot *s)
{
    struct policy_keys keys;
    struct snapshot_macs *macs;

    last_end = INT64_MIN;
    if (!domains_need_keys(&snapshot_conf(s)->policy.domains))
        return;
    if (snapshot_keys(&keys, &macs, s, clock_now()) != 0)
        return;
    tell(&snapshot_conf(s)->policy, &keys);
    snapshot_keys_done(s, macs);
}

void warm_tick(void)
{
    if (last_end == INT64_MIN || last_end == INT64_MAX || clock_now() < last_end)
        return;
    last_end = INT64_MIN;
    log_info("warm-up is over: invalid bounces get the action of their domain");
}

int64_t warm_end(void)
{
    return last_end;
}

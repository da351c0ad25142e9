#include "milter/mx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/dns.h"
#include "milter/guard_cache.h"
#include "milter/log.h"

enum {
    KEPT_DOMAINS = 50000,
    RENEW_SECONDS = 60,
    WAITING_MAX = 200 /* threads that wait for the DNS; each holds one of the MTA's sessions up */
};

struct mx {
    const struct conf *conf;
    pthread_rwlock_t cache_lock;
    struct guard_cache *cache;
    pthread_mutex_t dns_lock;
    struct dns *dns;
    int64_t dns_from; /* of the steady clock: before that, none is made again */
    atomic_int waiting;
};

/* Without the guard, the map may still ask: a trust anchor that is set must be good before it does. */
static bool must_have_dns(const struct conf *conf)
{
    return conf->policy.guard_recipients != ACTION_ACCEPT || conf->policy.guard_senders != ACTION_ACCEPT ||
           *conf->guard.trust_anchor != '\0';
}

/* The line of the first of the settings that is set: what is wrong with the DNS is said of it. */
static int line_of_dns(const struct conf *conf)
{
    static const char *const names[] = {"resolver", "mx_guard_trust_anchor", "mx_guard_recipients",
                                        "mx_guard_senders"};
    int line = 0;

    for (size_t i = 0; line == 0 && i < sizeof names / sizeof *names; i++)
        line = conf_line(conf, names[i]);
    return line;
}

static struct dns *make_dns(const struct conf *conf, struct problems *problems)
{
    const char *anchor = conf->guard.trust_anchor;

    return dns_new(conf->guard.resolver, *anchor != '\0' ? anchor : NULL, conf->path, line_of_dns(conf),
                   problems);
}

static void say_none(const struct problem *problem)
{
    char text[PROBLEM_LINE];

    problem_write(text, sizeof text, problem);
    log_error("no domain's MX can be looked up: %s", text);
}

/* Where the system's own settings are at fault, mail goes on unjudged: they may come after us. Takes the problem back. */
static bool may_come(struct mx *m, struct problems *problems, size_t before)
{
    char *const *servers = m->conf->guard.resolver;

    if ((servers != NULL && servers[0] != NULL) || problems->n != before + 1 || before >= PROBLEMS_KEPT ||
        dns_system_works())
        return false;
    say_none(&problems->item[before]);
    problems->n = before;
    m->dns_from = clock_steady() + RENEW_SECONDS;
    return true;
}

struct mx *mx_new(const struct conf *conf, struct problems *problems)
{
    struct mx *m = calloc(1, sizeof *m);

    if (m == NULL) {
        problems_add(problems, conf->path, 0, "no memory");
        return NULL;
    }
    m->conf = conf;
    pthread_rwlock_init(&m->cache_lock, NULL);
    pthread_mutex_init(&m->dns_lock, NULL);
    m->cache = guard_cache_new(KEPT_DOMAINS);
    size_t before = problems->n;
    if (m->cache == NULL)
        problems_add(problems, conf->path, 0, "no memory");
    else if (!must_have_dns(conf) || (m->dns = make_dns(conf, problems)) != NULL ||
             may_come(m, problems, before))
        return m;
    mx_free(m);
    return NULL;
}

void mx_free(struct mx *m)
{
    if (m == NULL)
        return;
    dns_free(m->dns);
    guard_cache_free(m->cache);
    pthread_rwlock_destroy(&m->cache_lock);
    pthread_mutex_destroy(&m->dns_lock);
    free(m);
}

/* With the lock held. */
static void renew_dns(struct mx *m)
{
    struct problems *problems = calloc(1, sizeof *problems);

    if (problems == NULL)
        return;
    if (m->dns != NULL)
        log_error("the resolver for the MX of domains has failed, and is made anew");
    m->dns = make_dns(m->conf, problems); /* a broken one stays where it is: others may be asking it */
    m->dns_from = clock_steady() + RENEW_SECONDS;
    if (m->dns == NULL)
        say_none(&problems->item[0]);
    free(problems);
}

/* The resolver, made with the first question; NULL when that fails. */
static struct dns *resolver_of(struct mx *m)
{
    pthread_mutex_lock(&m->dns_lock);
    if ((m->dns == NULL || dns_is_broken(m->dns)) && clock_steady() >= m->dns_from)
        renew_dns(m);
    struct dns *dns = m->dns;
    pthread_mutex_unlock(&m->dns_lock);
    return dns;
}

bool mx_ask_now(struct guard_verdict *out, struct mx *m, struct bv_str domain)
{
    if (domain.n > 0 && domain.p[0] == '[') {
        guard_literal(out, domain, &m->conf->guard.bogus);
        return true;
    }
    pthread_rwlock_rdlock(&m->cache_lock);
    bool known = guard_cache_get(out, m->cache, domain, clock_now());
    pthread_rwlock_unlock(&m->cache_lock);
    if (known)
        counters_guard(out->result, true);
    return known;
}

static void look_up(struct guard_verdict *out, struct mx *m, struct dns *dns, struct bv_str domain)
{
    struct guard_facts *facts = malloc(sizeof *facts);

    if (facts == NULL)
        return;
    dns_mail_hosts(facts, dns, domain, (int)m->conf->guard.timeout * 1000);
    guard_judge(out, facts, &m->conf->guard.bogus, m->conf->guard.any);
    free(facts);
    pthread_rwlock_wrlock(&m->cache_lock);
    guard_cache_put(m->cache, domain, out, clock_now());
    pthread_rwlock_unlock(&m->cache_lock);
}

void mx_ask(struct guard_verdict *out, struct mx *m, struct bv_str domain)
{
    if (mx_ask_now(out, m, domain))
        return;
    *out = (struct guard_verdict){.result = GUARD_UNKNOWN, .ttl = GUARD_TTL_FAILED};
    struct dns *dns = resolver_of(m);
    if (dns != NULL) {
        if (atomic_fetch_add(&m->waiting, 1) < WAITING_MAX)
            look_up(out, m, dns, domain);
        atomic_fetch_sub(&m->waiting, 1);
    }
    counters_guard(out->result, false);
}

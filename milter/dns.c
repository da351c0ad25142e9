#include "milter/dns.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

#include "milter/answers.h"
#include "milter/asking.h"
#include "milter/clock.h"
#include "milter/dns_server.h"

enum {
    CLASS_IN = 1,
    RCODE_NXDOMAIN = 3,
    FLAGS_AT = 2, /* octets of a message's header, RFC 1035 4.1.1 */
    TRUNCATED = 0x02,
    AUTHORITY_COUNT_AT = 8,
    HEADER = 12
};

struct dns {
    struct ub_ctx *ctx;
    struct askings askings;
    pthread_t thread;
    int stop; /* an eventfd that ends the thread */
    atomic_bool broken;
};

static enum guard_dns outcome(int err, const struct ub_result *r)
{
    if (err != 0 || r->bogus || (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN))
        return GUARD_DNS_FAILED;
    if (r->havedata)
        return GUARD_DNS_OK;
    /* An answer that was too much for libunbound looks like none otherwise. */
    const unsigned char *packet = r->answer_packet;
    bool whole = packet != NULL && r->answer_len >= HEADER && (packet[FLAGS_AT] & TRUNCATED) == 0;
    return whole ? GUARD_DNS_NONE : GUARD_DNS_FAILED;
}

/* libunbound gives any number as the TTL of a "no" that came without an SOA record, RFC 2308 2.2. */
static int64_t negative_ttl(const struct ub_result *r)
{
    const unsigned char *count = (const unsigned char *)r->answer_packet + AUTHORITY_COUNT_AT;

    return count[0] != 0 || count[1] != 0 ? r->ttl : 0;
}

/* In the thread of serve(). */
static void on_answer(void *question, int err, struct ub_result *r)
{
    enum guard_dns got = outcome(err, r);

    if (got == GUARD_DNS_OK)
        asking_answer(question, got, r->ttl, r->data, r->len);
    else
        asking_answer(question, got, got == GUARD_DNS_NONE ? negative_ttl(r) : 0, NULL, NULL);
    ub_resolve_free(r);
}

static void ask(struct dns *d, struct asking *a, const char *name, int type, size_t host)
{
    bool full;
    struct question *q = asking_add(a, type, host, &full);

    if (full || dns_is_broken(d) || ub_resolve_async(d->ctx, name, type, CLASS_IN, q, on_answer, NULL) != 0)
        asking_answer(q, GUARD_DNS_FAILED, 0, NULL, NULL);
}

static void ask_for_addresses(struct dns *d, struct asking *a, const struct guard_facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        const struct guard_host *host = &facts->host[i];
        if (!answers_askable(host))
            continue;
        ask(d, a, host->name, ASKING_A, i);
        ask(d, a, host->name, ASKING_AAAA, i);
    }
}

void dns_mail_hosts(struct guard_facts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    char name[BV_DOMAIN_MAX + 1];
    struct asking *a = NULL;
    struct timespec until;

    answers_begin(out);
    clock_deadline(&until, patience_ms);
    if (answers_name(name, domain))
        a = asking_new(&d->askings, out);
    if (a != NULL) {
        ask(d, a, name, ASKING_MX, 0);
        if (asking_wait(a, &until)) {
            if (out->mx == GUARD_DNS_NONE)
                answers_implicit(out, name);
            ask_for_addresses(d, a, out);
            asking_wait(a, &until);
        }
        asking_end(a);
    }
    answers_end(out);
}

void dns_text(struct answers_texts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    struct guard_facts unused;
    char name[BV_DOMAIN_MAX + 1];
    struct asking *a = NULL;
    struct timespec until;

    *out = (struct answers_texts){.dns = GUARD_DNS_FAILED};
    answers_begin(&unused);
    clock_deadline(&until, patience_ms);
    if (answers_name(name, domain))
        a = asking_new(&d->askings, &unused);
    if (a == NULL)
        return;
    a->texts = out;
    ask(d, a, name, ASKING_TXT, 0);
    asking_wait(a, &until);
    asking_end(a);
}

/* ub_resolve() would set up a resolver of its own for every call: ten times the work. */
static void *serve(void *arg)
{
    struct dns *d = arg;
    struct pollfd fds[] = {{.fd = ub_fd(d->ctx), .events = POLLIN}, {.fd = d->stop, .events = POLLIN}};

    while (fds[1].revents == 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents != 0 && ub_process(d->ctx) != 0)
            break;
    }
    d->broken = fds[1].revents == 0;
    return NULL;
}

static int use_servers(struct ub_ctx *ctx, char *const *servers, const char *path, int line,
                       struct problems *problems)
{
    size_t before = problems->n;

    for (size_t i = 0; servers != NULL && servers[i] != NULL; i++) {
        const char *wrong = dns_server_check(servers[i]);
        if (wrong == NULL && ub_ctx_set_fwd(ctx, servers[i]) != 0)
            wrong = "is not taken by libunbound";
        if (wrong != NULL)
            problems_add(problems, path, line, "\"%s\" %s", servers[i], wrong);
    }
    if ((servers == NULL || servers[0] == NULL) && ub_ctx_resolvconf(ctx, NULL) != 0)
        problems_add(problems, path, line, "/etc/resolv.conf cannot be used: name a DNS server here");
    return problems->n == before ? 0 : -1;
}

static int use_trust_anchor(struct ub_ctx *ctx, const char *file, const char *path, int line,
                            struct problems *problems)
{
    if (access(file, R_OK) != 0)
        problems_add(problems, path, line, "%s cannot be read: %s", file, strerror(errno));
    else if (ub_ctx_add_ta_file(ctx, file) == 0)
        return 0;
    return -1;
}

/*
 * How many questions may be under way: each is a socket, and libmilter must
 * never be left without.  By its default of 16, libunbound would answer nobody
 * while it waits for as many servers that are dead.
 */
static unsigned sockets(void)
{
    enum { FEWEST = 32, MOST = 1024, SHARE = 16 };
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / SHARE >= MOST)
        return MOST;
    return limit.rlim_cur / SHARE > FEWEST ? (unsigned)(limit.rlim_cur / SHARE) : FEWEST;
}

/* What an older libunbound does not know stays as it is there. */
static void tune(struct ub_ctx *ctx, unsigned questions)
{
    char number[16];

    snprintf(number, sizeof number, "%u", questions);
    (void)ub_ctx_set_option(ctx, "outgoing-range:", number);
    (void)ub_ctx_set_option(ctx, "outgoing-num-tcp:", "8");
    /* A server that was away for a minute would otherwise be left alone for 15. */
    (void)ub_ctx_set_option(ctx, "infra-host-ttl:", "30");
    (void)ub_ctx_debugout(ctx, NULL); /* standard error is not its own */
    (void)ub_ctx_async(ctx, 1);
}

static int start(struct dns *d, unsigned questions)
{
    static const char *const private_zones[] = {"test.", "home.arpa."};

    /* This also makes libunbound read its settings. It answers these zones itself, though some have them. */
    for (size_t i = 0; i < sizeof private_zones / sizeof private_zones[0]; i++)
        if (ub_ctx_zone_remove(d->ctx, private_zones[i]) != 0)
            return -1;
    d->stop = eventfd(0, EFD_CLOEXEC);
    if (d->stop < 0)
        return -1;
    askings_init(&d->askings, questions);
    if (pthread_create(&d->thread, NULL, serve, d) == 0)
        return 0;
    askings_free(&d->askings);
    close(d->stop);
    return -1;
}

/* It sets up what all resolvers of the process share, and does not lock that. */
static struct ub_ctx *create(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    struct ub_ctx *ctx = ub_ctx_create();
    pthread_mutex_unlock(&lock);
    return ctx;
}

bool dns_system_works(void)
{
    struct ub_ctx *ctx = create();
    bool works = ctx != NULL && ub_ctx_resolvconf(ctx, NULL) == 0;

    ub_ctx_delete(ctx);
    return works;
}

bool dns_is_broken(const struct dns *d)
{
    return d->broken;
}

struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems)
{
    struct dns *d = calloc(1, sizeof *d);
    size_t before = problems->n;
    unsigned questions = sockets();

    if (d == NULL || (d->ctx = create()) == NULL)
        goto failed;
    tune(d->ctx, questions);
    if (use_servers(d->ctx, servers, path, line, problems) == 0 &&
        (trust_anchor == NULL || use_trust_anchor(d->ctx, trust_anchor, path, line, problems) == 0) &&
        start(d, questions) == 0)
        return d;
failed:
    if (problems->n == before)
        problems_add(problems, path, line, "the DNS cannot be asked%s%s",
                     trust_anchor != NULL ? ": no DS or DNSKEY records can be read from " : "",
                     trust_anchor != NULL ? trust_anchor : "");
    if (d != NULL)
        ub_ctx_delete(d->ctx);
    free(d);
    return NULL;
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    askings_wait(&d->askings);
    while (eventfd_write(d->stop, 1) != 0 && errno == EINTR)
        continue;
    pthread_join(d->thread, NULL);
    if (dns_is_broken(d))
        return; /* ub_ctx_delete() might wait for ever: where one answer ends and the next begins is lost */
    ub_ctx_delete(d->ctx); /* no answer comes any more */
    askings_free(&d->askings);
    close(d->stop);
    free(d);
}

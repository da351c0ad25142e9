#include "milter/dns.h"

#ifdef BV_WITH_LIBUNBOUND

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

    if (full || ub_resolve_async(d->ctx, name, type, CLASS_IN, q, on_answer, NULL) != 0)
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

/* What libunbound does not know is left as it is: older versions lack some. */
static void tune(struct ub_ctx *ctx)
{
    static const struct {
        const char *option, *value;
    } rows[] = {
        {"outgoing-range:", "256"},
        {"outgoing-num-tcp:", "8"},
        {"infra-host-ttl:", "30"}, /* or a server that was dead for a minute would count as dead for 15 */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)ub_ctx_set_option(ctx, rows[i].option, rows[i].value);
    ub_ctx_debugout(ctx, NULL); /* the log is ours */
    ub_ctx_async(ctx, 1);
}

static int start(struct dns *d)
{
    static const char *const private_zones[] = {"test.", "home.arpa."};

    /* This also makes libunbound read its settings. It answers these zones itself, though some have them. */
    for (size_t i = 0; i < sizeof private_zones / sizeof private_zones[0]; i++)
        if (ub_ctx_zone_remove(d->ctx, private_zones[i]) != 0)
            return -1;
    d->stop = eventfd(0, EFD_CLOEXEC);
    if (d->stop < 0)
        return -1;
    askings_init(&d->askings);
    if (pthread_create(&d->thread, NULL, serve, d) == 0)
        return 0;
    askings_free(&d->askings);
    close(d->stop);
    return -1;
}

struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems)
{
    struct dns *d = calloc(1, sizeof *d);
    size_t before = problems->n;

    if (d == NULL || (d->ctx = ub_ctx_create()) == NULL)
        goto failed;
    tune(d->ctx);
    if (use_servers(d->ctx, servers, path, line, problems) == 0 &&
        (trust_anchor == NULL || use_trust_anchor(d->ctx, trust_anchor, path, line, problems) == 0) &&
        start(d) == 0)
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
    ub_ctx_delete(d->ctx); /* no answer comes any more */
    askings_free(&d->askings);
    close(d->stop);
    free(d);
}

#else

struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems)
{
    (void)servers;
    (void)trust_anchor;
    problems_add(problems, path, line,
                 "the MX guard needs a bvmilter that is built with libunbound, and this is none");
    return NULL;
}

void dns_free(struct dns *d)
{
    (void)d;
}

void dns_mail_hosts(struct guard_facts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    (void)d;
    (void)domain;
    (void)patience_ms;
    *out = (struct guard_facts){.mx = GUARD_DNS_FAILED};
}

#endif

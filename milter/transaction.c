#include "milter/transaction.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "milter/clock.h"
#include "milter/log.h"

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void set_address(struct net_addr *out, const struct sockaddr *addr)
{
    out->family = NET_UNKNOWN;
    if (addr == NULL)
        return;
    if (addr->sa_family == AF_INET)
        net_addr_v4(out, &((const struct sockaddr_in *)(const void *)addr)->sin_addr);
    else if (addr->sa_family == AF_INET6)
        net_addr_v6(out, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr);
    else if (addr->sa_family == AF_UNIX)
        out->family = NET_UNIX;
}

void transaction_client(struct transaction *t, const char *name, const struct sockaddr *addr,
                        const char *daemon)
{
    set_address(&t->addr, addr);
    free(t->name);
    free(t->daemon);
    t->name = name != NULL ? strdup(name) : NULL;
    t->daemon = daemon != NULL ? strdup(daemon) : NULL;
    t->broken = (name != NULL && t->name == NULL) || (daemon != NULL && t->daemon == NULL);
}

/* Without its brackets. */
static struct bv_str bare(const char *arg)
{
    struct bv_str s = bv_str(arg);

    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        return (struct bv_str){s.p + 1, s.n - 2};
    return s;
}

static void log_decision(const struct transaction *t, const char *queue_id, const struct decision *d,
                         const char *rcpt)
{
    char line[VERDICT_LINE];
    struct verdict_client client = {or_empty(t->name), t->addr};

    verdict_line(line, queue_id, &client, d, bare(t->message->from), bare(rcpt));
    log_line(line);
}

static const char *direction_word(enum direction direction)
{
    switch (direction) {
    case DIRECTION_INBOUND:
        return "inbound";
    case DIRECTION_INTERNAL:
        return "internal";
    case DIRECTION_OUTBOUND:
        break;
    }
    return "outbound";
}

static int judge_sender(struct transaction *t, bool authenticated)
{
    struct message *m = t->message;
    const struct policy *policy = &snapshot_conf(t->snapshot)->policy;
    struct policy_client client = {t->addr, or_empty(t->daemon), authenticated};
    struct policy_keys keys;
    struct snapshot_macs *macs;
    struct bv_addr sender;

    if (snapshot_keys(&keys, &macs, t->snapshot, clock_now()) != 0)
        return -1;
    bv_addr_read(&sender, bv_str(m->from));
    m->null_sender = sender.shape == BV_NULL_SENDER;
    m->direction = policy_direction(policy, &client);
    policy_mail(&m->sign, m->tagged, policy, &keys, m->direction, &sender);
    log_debug("MAIL: %s%s", direction_word(m->direction), m->null_sender ? ", null sender" : "");
    snapshot_keys_done(t->snapshot, macs);
    if (m->sign.action == ACTION_TEMPFAIL) /* RCPT will say so, and the end never comes */
        log_decision(t, NULL, &m->sign, "");
    return 0;
}

int transaction_mail(struct transaction *t, const char *from, bool authenticated)
{
    transaction_end(t);
    t->snapshot = snapshot_get();
    t->message = message_new(from);
    if (t->message != NULL && !t->broken && judge_sender(t, authenticated) == 0)
        return 0;
    log_error("no memory or library failure at MAIL; the recipients are refused for now");
    transaction_end(t);
    return -1;
}

/* What cannot be remembered is answered at once. */
static void decide_now(struct decision *d)
{
    d->at_end = false;
    if (d->action != ACTION_REJECT)
        d->action = ACTION_TOO_MANY;
}

int transaction_rcpt(struct transaction *t, struct decision *d, const char *queue_id, char *const *argv)
{
    struct message *m = t->message;
    const struct conf *conf = snapshot_conf(t->snapshot);
    bool full = m->stored >= (size_t)conf->max_recipients;
    char address[BV_ADDR_QUOTED];
    struct policy_keys keys;
    struct snapshot_macs *macs;

    if (m->sign.action == ACTION_TEMPFAIL || snapshot_keys(&keys, &macs, t->snapshot, clock_now()) != 0)
        return -1;
    policy_rcpt(d, address, &conf->policy, &keys, m->direction, m->null_sender, bv_str(argv[0]));
    snapshot_keys_done(t->snapshot, macs);
    if (full && d->at_end && d->event != EVENT_NONE)
        decide_now(d);
    if (!d->at_end) {
        log_decision(t, queue_id, d, argv[0]);
        return 0;
    }
    if (d->ours && !full && message_add(m, d, address, argv) != 0)
        return -1;
    m->accepted++;
    return 0;
}

bool transaction_may_go(const struct transaction *t)
{
    return t->message->direction == DIRECTION_INBOUND && !message_has_work(t->message);
}

void transaction_log(struct transaction *t, const char *queue_id, bool failed)
{
    struct message *m = t->message;

    if (failed)
        m->sign.action = ACTION_TEMPFAIL;
    if (m->sign.event != EVENT_NONE)
        log_decision(t, queue_id, &m->sign, "");
    for (struct recipient *r = m->first; r != NULL; r = r->next) {
        if (failed)
            r->decision.action = ACTION_TEMPFAIL;
        if (r->decision.event != EVENT_NONE)
            log_decision(t, queue_id, &r->decision, r->given);
    }
}

void transaction_end(struct transaction *t)
{
    message_free(t->message);
    t->message = NULL;
    snapshot_put(t->snapshot);
    t->snapshot = NULL;
}

void transaction_close(struct transaction *t)
{
    transaction_end(t);
    free(t->name);
    free(t->daemon);
    t->name = t->daemon = NULL;
}

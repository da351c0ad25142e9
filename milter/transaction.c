#include "milter/transaction.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milter/brake.h"
#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/drain.h"
#include "milter/limits.h"
#include "milter/log.h"
#include "milter/transaction_guard.h"

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
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
    counters_decision(d, clock_now());
    if (d->event == EVENT_BOUNCE && verdict_result(d->verdict) == RESULT_FAIL && !d->never &&
        d->action != ACTION_ACCEPT)
        brake_note(&snapshot_conf(t->snapshot)->storm, &t->addr);
}

static int judge_sender(struct transaction *t, bool authenticated)
{
    struct message *m = t->message;
    const struct policy *policy = &snapshot_conf(t->snapshot)->policy;
    struct policy_client client = {t->addr, t->confirmed ? or_empty(t->name) : "", or_empty(t->daemon),
                                   authenticated};
    struct policy_keys keys;
    struct snapshot_macs *macs;
    struct bv_addr sender;

    if (snapshot_keys(&keys, &macs, t->snapshot, clock_now()) != 0)
        return -1;
    bv_addr_read(&sender, bv_str(m->from));
    m->cannot_hold = t->cannot_hold;
    policy_facts(&m->facts, policy, &client, policy_null_sender(&sender));
    policy_mail(&m->sign, m->tagged, policy, &keys, m->facts.direction, &sender);
    log_debug("MAIL: %s%s", direction_word(m->facts.direction), m->facts.null_sender ? ", null sender" : "");
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
    if (t->message != NULL)
        drain_message_begin();
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

/* Whoever was refused for so many bad MACs may be guessing; what comes now must be sent in another session. */
static void apply_brake(struct transaction *t, const struct conf *conf, struct decision *d)
{
    bool bad = d->verdict == VERDICT_FORGED || d->verdict == VERDICT_UNKNOWN_KEY;

    if (d->event != EVENT_BOUNCE || conf->max_bad_macs == 0)
        return;
    if (t->bad_macs >= conf->max_bad_macs) {
        d->action = ACTION_DISCONNECT;
        d->at_end = false;
    } else if (bad && d->action == ACTION_REJECT) {
        t->bad_macs++;
    }
}

static int judge_recipient(struct transaction *t, const struct conf *conf, struct decision *d,
                           char address[BV_ADDR_QUOTED], const char *rcpt)
{
    struct message *m = t->message;
    struct policy_keys keys;
    struct snapshot_macs *macs;

    if (m->sign.action == ACTION_TEMPFAIL || snapshot_keys(&keys, &macs, t->snapshot, clock_now()) != 0)
        return -1;
    m->facts.hurry = brake_storm(&t->addr);
    policy_rcpt(d, address, &conf->policy, &keys, &m->facts, bv_str(rcpt));
    snapshot_keys_done(t->snapshot, macs);
    apply_brake(t, conf, d);
    return 0;
}

static void count_destination(struct message *m, const struct policy *policy, const char *rcpt)
{
    int line = m->sign.replace ? policy_destination(policy, bv_str(rcpt)) : 0;

    if (line == 0)
        return;
    m->no_tag++;
    m->no_tag_line = line;
}

/* Where recipients may be one, the others of a bounce must be known too. */
static bool must_remember(const struct transaction *t, const struct decision *d)
{
    return d->ours ||
           (t->merges && t->message->facts.null_sender && t->message->facts.direction == DIRECTION_INBOUND);
}

static bool is_merged(const struct transaction *t, const char *rcpt_addr)
{
    const struct recipient *r = t->message->first;

    if (!t->merges || *or_empty(rcpt_addr) == '\0')
        return false;
    while (r != NULL && strcasecmp(r->resolved, rcpt_addr) != 0)
        r = r->next;
    return r != NULL;
}

static int fail_recipient(struct transaction *t)
{
    t->message->failed = t->message->failed || t->merges;
    return -1;
}

/*
 * Sendmail would take the recipient that it has merged with a refused one out of
 * the message too, without a word: the end of the message settles both.
 */
static void keep_for_end(struct transaction *t, struct decision *d, const char *rcpt_addr)
{
    if (d->at_end || d->action == ACTION_DISCONNECT || !is_merged(t, rcpt_addr))
        return;
    d->at_end = true;
    if (d->action != ACTION_REJECT)
        d->action = ACTION_ACCEPT; /* one that is told to come later would be gone as well */
}

int transaction_rcpt(struct transaction *t, struct decision *d, const char *queue_id, char *const *argv,
                     const char *rcpt_addr)
{
    struct message *m = t->message;
    const struct conf *conf = snapshot_conf(t->snapshot);
    bool full = m->stored >= (size_t)conf->max_recipients;
    char address[BV_ADDR_QUOTED];
    struct decision guard;

    if (judge_recipient(t, conf, d, address, argv[0]) != 0)
        return fail_recipient(t);
    if (d->at_end && transaction_guard(&guard, t, argv[0])) {
        log_decision(t, queue_id, &guard, argv[0]);
        if (!guard.at_end) {
            *d = guard;
            return 0;
        }
    }
    if (full && d->at_end && d->event != EVENT_NONE)
        decide_now(d);
    keep_for_end(t, d, rcpt_addr);
    if (!d->at_end || (full && d->event != EVENT_NONE))
        log_decision(t, queue_id, d, argv[0]);
    if (!d->at_end)
        return 0;
    if (must_remember(t, d) && !full &&
        message_add(m, d, address, t->merges ? or_empty(rcpt_addr) : "", argv) != 0)
        return fail_recipient(t);
    m->accepted++;
    count_destination(m, &conf->policy, argv[0]);
    return 0;
}

void transaction_header(struct transaction *t, const char *name, const char *value)
{
    struct message *m = t->message;

    if (m == NULL || !m->judged)
        return;
    if (m->copies < MESSAGE_COPIES && strcasecmp(name, snapshot_conf(t->snapshot)->header_name) == 0)
        m->copies++;
    if (m->by_type)
        report_header(&m->type, name, value);
}

bool transaction_may_go(const struct transaction *t)
{
    return t->message->facts.direction == DIRECTION_INBOUND && !message_has_work(t->message);
}

int transaction_settle(struct transaction *t, struct outcome *out)
{
    /* Settings that need the header may be younger than the session. */
    if (t->message->failed || (t->message->by_type && !t->headers))
        return -1;
    message_settle(t->message, &snapshot_conf(t->snapshot)->policy, out);
    return 0;
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
    if (t->message != NULL)
        drain_message_end();
    message_free(t->message);
    t->message = NULL;
    snapshot_put(t->snapshot);
    t->snapshot = NULL;
}

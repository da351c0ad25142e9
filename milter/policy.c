#include "milter/policy.h"

#include <string.h>

static bool is_sign_daemon(const struct policy *p, const char *daemon)
{
    for (char **d = p->sign_daemons; d != NULL && *d != NULL; d++)
        if (**d != '\0' && strcmp(*d, daemon) == 0)
            return true;
    return false;
}

enum direction policy_direction(const struct policy *p, const struct policy_client *client)
{
    if ((p->sign_authenticated && client->authenticated) || net_contains(&p->sign_networks, &client->addr) ||
        is_sign_daemon(p, client->daemon))
        return DIRECTION_OUTBOUND;
    /* Postfix keeps a local submission that is refused in its queue for ever, so localhost is internal always. */
    if (net_is_local(&client->addr) || net_contains(&p->internal_networks, &client->addr))
        return DIRECTION_INTERNAL;
    return DIRECTION_INBOUND;
}

static void decision_clear(struct decision *out)
{
    out->event = EVENT_NONE;
    out->verdict = VERDICT_VALID;
    out->action = ACTION_ACCEPT;
    out->at_end = true;
    out->key = -1;
    out->reason = BV_TAGGABLE;
    out->expires = 0;
    out->line = 0;
    out->ours = out->percent = false;
    out->replace = false;
}

static void decide_fault(struct decision *out, const struct policy *p)
{
    out->verdict = VERDICT_FAULT;
    out->action = p->on_fault;
}

static void decide_sign(struct decision *out, char tagged[BV_TAGGED], const struct policy *p,
                        const struct policy_keys *keys, const struct domain *row, const struct bv_addr *sender)
{
    const struct bv_key *key = keys->signing;
    enum bv_syntax syntax = row->own_syntax ? row->syntax : p->syntax;

    out->reason = key != NULL ? bv_sign(tagged, sender, key, syntax, keys->today) : bv_taggable(sender);
    if (out->reason == BV_ALREADY_TAGGED) {
        out->verdict = VERDICT_ALREADY_TAGGED;
    } else if (out->reason == BV_TAGGING_FAULT || (out->reason == BV_TAGGABLE && key == NULL)) {
        decide_fault(out, p);
    } else if (out->reason != BV_TAGGABLE) {
        out->verdict = VERDICT_NOT_TAGGABLE;
    } else {
        out->verdict = VERDICT_SIGNED;
        out->key = (int)key->number;
        out->expires = keys->today + (long)key->lifetime;
        out->replace = true;
    }
}

void policy_mail(struct decision *out, char tagged[BV_TAGGED], const struct policy *p,
                 const struct policy_keys *keys, enum direction direction, const struct bv_addr *sender)
{
    decision_clear(out);
    tagged[0] = '\0';
    if (direction != DIRECTION_OUTBOUND || sender->shape != BV_MAILBOX)
        return;
    const struct domain *row = domains_find(&p->domains, bv_addr_domain(sender));
    if (row == NULL)
        return;
    out->event = EVENT_SIGN;
    out->line = row->line;
    decide_sign(out, tagged, p, keys, row, sender);
}

/* A recipient as one of its readings, and what its tag is worth. */
struct judged {
    struct bv_addr addr;
    bool percent;             /* not the address as it stands, but the one that '%' hands on to */
    const struct domain *row; /* NULL: ours for want of a readable domain */
    struct bv_result result;  /* borrows from addr */
};

/* What cannot be read, or names no domain but an address at most, is ours: it must not be a way around the check. */
static bool is_ours(const struct policy *p, const struct bv_addr *a, const struct domain **row)
{
    struct bv_str domain = bv_addr_domain(a);

    *row = domain.n > 0 ? domains_find(&p->domains, domain) : NULL;
    return domain.n == 0 || domain.p[0] == '[' || *row != NULL;
}

/*
 * Judges what a recipient means.  "user%host@relay" is read as it stands, and
 * as the mailbox that the relay would hand on to; a valid reading wins, else
 * the innermost that is ours.  Returns false when none is ours.
 */
static bool judge(struct judged *out, const struct policy *p, const struct policy_keys *keys,
                  struct bv_str rcpt)
{
    struct bv_addr reading;
    const struct domain *row;
    bool ours = false, percent = false;

    bv_addr_read(&reading, rcpt);
    do {
        if (is_ours(p, &reading, &row)) {
            ours = true;
            *out = (struct judged){.addr = reading, .percent = percent, .row = row};
            bv_verify(&out->result, &out->addr, &keys->all, keys->today);
        }
        percent = true;
    } while (!(ours && out->result.status == BV_VALID) && bv_addr_percent(&reading, &reading));
    return ours;
}

bool policy_reading(struct bv_addr *out, const struct policy *p, const struct policy_keys *keys,
                    struct bv_str rcpt)
{
    struct judged j;
    bool ours = judge(&j, p, keys, rcpt);

    if (ours)
        *out = j.addr;
    else
        bv_addr_read(out, rcpt);
    return ours;
}

static enum verdict bounce_verdict(enum bv_status status)
{
    switch (status) {
    case BV_VALID:
        return VERDICT_VALID;
    case BV_EXPIRED:
        return VERDICT_EXPIRED;
    case BV_FORGED:
        return VERDICT_FORGED;
    case BV_UNKNOWN_KEY:
        return VERDICT_UNKNOWN_KEY;
    case BV_MALFORMED:
        return VERDICT_MALFORMED;
    case BV_UNTAGGED:
        return VERDICT_UNTAGGED;
    case BV_NOT_TAGGABLE:
        return VERDICT_NOT_TAGGABLE;
    case BV_FAULT:
        break;
    }
    return VERDICT_FAULT;
}

/* The recipient without its tag, as it is meant. */
static void write_address(char address[BV_ADDR_QUOTED], const struct judged *j)
{
    bool tagged = j->result.local.n > 0;

    if (j->addr.shape == BV_MAILBOX && !j->addr.overlong)
        bv_addr_write(address, BV_ADDR_QUOTED, tagged ? j->result.local : bv_addr_local(&j->addr),
                      bv_addr_domain(&j->addr));
}

static void decide_bounce(struct decision *out, const struct policy *p, const struct judged *j)
{
    out->event = EVENT_BOUNCE;
    out->verdict = bounce_verdict(j->result.status);
    if (out->verdict == VERDICT_FAULT)
        decide_fault(out, p);
    else if (verdict_result(out->verdict) == RESULT_FAIL)
        out->action = j->row != NULL ? j->row->action : p->action;
    bool refused = out->action == ACTION_REJECT || out->action == ACTION_TEMPFAIL;
    /* What is let through although it has expired is for our user all the same. */
    out->replace = out->verdict == VERDICT_VALID || (out->verdict == VERDICT_EXPIRED && !refused);
    out->at_end = !refused || (out->verdict == VERDICT_UNTAGGED && !p->untagged_at_rcpt);
}

void policy_rcpt(struct decision *out, char address[BV_ADDR_QUOTED], const struct policy *p,
                 const struct policy_keys *keys, enum direction direction, bool null_sender, struct bv_str rcpt)
{
    struct judged j;

    decision_clear(out);
    address[0] = '\0';
    if (!judge(&j, p, keys, rcpt))
        return;
    out->ours = true;
    out->percent = j.percent;
    out->key = j.result.key;
    out->reason = j.result.tagging;
    out->expires = j.result.expires;
    out->line = j.row != NULL ? j.row->line : 0;
    write_address(address, &j);
    if (direction == DIRECTION_INBOUND && null_sender) {
        decide_bounce(out, p, &j);
    } else if ((j.result.status == BV_VALID || j.result.status == BV_EXPIRED) &&
               !(j.percent && direction == DIRECTION_OUTBOUND)) { /* a stranger's, on its way out */
        /* Replies to the Return-Path come long after the tag has expired; stripping proves nothing. */
        out->event = EVENT_STRIP;
        out->verdict = bounce_verdict(j.result.status);
        out->replace = true;
    }
    out->replace = out->replace && address[0] != '\0';
}

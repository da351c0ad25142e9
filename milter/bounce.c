#include "milter/policy_parts.h"

/* A recipient as one of its readings, and what its tag is worth. */
struct judged {
    struct bv_addr addr;
    bool percent;             /* not the address as it stands, but the one that it hands on to */
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
 * Judges what a recipient means.  "user%host@relay" (or "user@host@relay", or
 * "host!user@relay") is read as it stands, and as the mailbox that the relay would hand on to; a valid reading wins, else
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
    } while (!(ours && out->result.status == BV_VALID) && bv_addr_inner(&reading, &reading));
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

static struct bv_str local_without_tag(const struct judged *j)
{
    return j->result.local.n > 0 ? j->result.local : bv_addr_local(&j->addr);
}

/* The recipient without its tag, as it is meant. */
static void write_address(char address[BV_ADDR_QUOTED], const struct judged *j)
{
    if (j->addr.shape == BV_MAILBOX && !j->addr.overlong)
        bv_addr_write(address, BV_ADDR_QUOTED, local_without_tag(j), bv_addr_domain(&j->addr));
}

/* Whether the recipient's owner says that it never sends: then all but the bounce of a message that we signed is refused. */
static bool never_sends(struct decision *out, const struct policy *p, const struct judged *j)
{
    bool never = false;
    int line = exceptions_rcpt(&never, &p->exceptions, local_without_tag(j), bv_addr_domain(&j->addr));

    if (j->row != NULL && j->row->kind == DOMAIN_NO_BOUNCES)
        return true;
    bool refused = never && out->verdict != VERDICT_VALID && out->verdict != VERDICT_FAULT;
    out->exception = refused || out->verdict == VERDICT_UNTAGGED ? line : 0;
    return refused;
}

/* An untagged bounce that the exceptions table lets pass. An address that is never signed has no other bounces. */
static bool is_exempt(struct decision *out, const struct policy *p, const struct policy_facts *facts,
                      const struct judged *j)
{
    if (out->verdict != VERDICT_UNTAGGED)
        return false;
    if (out->exception == 0)
        out->exception = exceptions_from(&p->exceptions, local_without_tag(j), bv_addr_domain(&j->addr));
    if (out->exception == 0)
        out->exception = facts->client_line;
    return out->exception > 0;
}

/* The action of a verdict that is a failure. */
static void decide_action(struct decision *out, const struct policy *p, const struct policy_keys *keys,
                          const struct domain *row)
{
    out->action = row != NULL ? row->action : p->action;
    out->warming = out->action >= ACTION_QUARANTINE && keys->now < policy_warm_until(p, keys, row);
    if (out->warming)
        out->action = ACTION_MARK;
}

static void decide_bounce(struct decision *out, const struct policy *p, const struct policy_keys *keys,
                          const struct policy_facts *facts, const struct judged *j)
{
    out->event = EVENT_BOUNCE;
    out->verdict = bounce_verdict(j->result.status);
    if (never_sends(out, p, j)) {
        out->never = true;
        out->action = ACTION_REJECT;
        out->at_end = false;
        return;
    }
    if (is_exempt(out, p, facts, j))
        out->verdict = VERDICT_EXEMPT;
    if (out->verdict == VERDICT_FAULT)
        policy_fault(out, p);
    else if (verdict_result(out->verdict) == RESULT_FAIL)
        decide_action(out, p, keys, j->row);
    bool refused = out->action == ACTION_REJECT || out->action == ACTION_TEMPFAIL;
    bool at_once = p->untagged_at_rcpt || facts->hurry;
    /* What is let through although it has expired is for our user all the same. */
    out->replace =
        out->verdict == VERDICT_VALID || (out->verdict == VERDICT_EXPIRED && out->action <= ACTION_QUARANTINE);
    out->at_end = !refused || (out->verdict == VERDICT_UNTAGGED && !at_once);
    out->by_type = out->verdict == VERDICT_UNTAGGED && out->at_end && policy_needs_header(p);
}

void policy_rcpt(struct decision *out, char address[BV_ADDR_QUOTED], const struct policy *p,
                 const struct policy_keys *keys, const struct policy_facts *facts, struct bv_str rcpt)
{
    struct judged j;

    policy_clear(out);
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
    /* "user%ours@stranger" on its way out is the stranger's. */
    bool leaves = j.percent && facts->direction == DIRECTION_OUTBOUND;
    if (j.row != NULL && j.row->kind == DOMAIN_NO_MAIL && !facts->local && !leaves) {
        out->event = EVENT_GUARD;
        out->verdict = VERDICT_NO_MAIL;
        out->action = ACTION_REJECT;
        out->at_end = false;
    } else if (facts->direction == DIRECTION_INBOUND && facts->null_sender) {
        decide_bounce(out, p, keys, facts, &j);
    } else if ((j.result.status == BV_VALID || j.result.status == BV_EXPIRED) && !leaves) {
        /* Replies to the Return-Path come long after the tag has expired; stripping proves nothing. */
        out->event = EVENT_STRIP;
        out->verdict = bounce_verdict(j.result.status);
        out->replace = true;
    } else if (j.result.status == BV_FAULT) {
        out->verdict = VERDICT_FAULT;
    }
    out->replace = out->replace && address[0] != '\0';
}

bool policy_needs_header(const struct policy *p)
{
    return !p->untagged_at_rcpt && p->reply_types != 0;
}

int policy_destination(const struct policy *p, struct bv_str rcpt)
{
    struct bv_addr a;
    struct bv_tag tag;

    if (p->exceptions.n == 0)
        return 0;
    bv_addr_read(&a, rcpt);
    bv_tag_read(&tag, &a);
    return exceptions_to(&p->exceptions, tag.kind == BV_TAG_PRVS ? tag.local : bv_addr_local(&a),
                         bv_addr_domain(&a));
}

/* Sendmail asks without the quotes that a local part needs. */
static bool quote(char dst[BV_ADDR_QUOTED], struct bv_str key)
{
    size_t at = key.n;

    while (at > 0 && key.p[at - 1] != '@')
        at--;
    if (at < 2)
        return false;
    struct bv_str local = {key.p, at - 1}, domain = {key.p + at, key.n - at};
    return bv_addr_write(dst, BV_ADDR_QUOTED, local, domain) > 0;
}

bool policy_untag(char address[BV_ADDR_QUOTED], bool *fault, const struct policy *p,
                  const struct policy_keys *keys, struct bv_str key)
{
    const struct policy_facts ordinary = {.direction = DIRECTION_INBOUND};
    char quoted[BV_ADDR_QUOTED];
    struct decision d;

    policy_rcpt(&d, address, p, keys, &ordinary, key);
    if (!d.replace && d.verdict != VERDICT_FAULT && quote(quoted, key))
        policy_rcpt(&d, address, p, keys, &ordinary, bv_str(quoted));
    *fault = d.verdict == VERDICT_FAULT;
    /* The map is asked for outgoing mail too, and a stranger's address stays a stranger's. */
    if (d.replace && !d.percent)
        return true;
    address[0] = '\0';
    return false;
}

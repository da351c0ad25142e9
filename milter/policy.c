#include "milter/policy_parts.h"

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

void policy_keys_at(struct policy_keys *out, const struct keys_ring *ring, struct keys_macs *macs, int64_t now)
{
    out->signing = keys_at(&out->all, ring, macs, now);
    out->ring = ring;
    out->since = ring->signing_since;
    out->now = now;
    out->today = bv_day(now);
}

const char *direction_word(enum direction direction)
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

bool policy_null_sender(const struct bv_addr *sender)
{
    if (sender->shape != BV_MAILBOX)
        return sender->shape != BV_UNREADABLE;
    return sender->domain_len == 0 &&
           (sender->ill_formed || bv_str_same_nocase(bv_addr_local(sender), bv_str("mailer-daemon")));
}

void policy_facts(struct policy_facts *out, const struct policy *p, const struct policy_client *client,
                  bool null_sender)
{
    *out = (struct policy_facts){.direction = policy_direction(p, client), .null_sender = null_sender};
    out->local = net_is_local(&client->addr);
    if (null_sender && out->direction == DIRECTION_INBOUND)
        out->client_line = exceptions_client(&p->exceptions, &client->addr, client->name);
}

void policy_clear(struct decision *out)
{
    out->event = EVENT_NONE;
    out->verdict = VERDICT_VALID;
    out->action = ACTION_ACCEPT;
    out->at_end = true;
    out->key = -1;
    out->reason = BV_TAGGABLE;
    out->expires = 0;
    out->line = out->exception = 0;
    out->never = out->warming = out->by_type = false;
    out->ours = out->percent = out->of_sender = false;
    out->kind = "";
    out->sentence = false;
    out->replace = false;
}

void policy_fault(struct decision *out, const struct policy *p)
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
        policy_fault(out, p);
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
    policy_clear(out);
    tagged[0] = '\0';
    if (direction != DIRECTION_OUTBOUND || sender->shape != BV_MAILBOX)
        return;
    const struct domain *row = domains_find(&p->domains, bv_addr_domain(sender));
    if (row == NULL || row->kind != DOMAIN_VERIFIED)
        return;
    out->event = EVENT_SIGN;
    out->line = row->line;
    out->exception = exceptions_from(&p->exceptions, bv_addr_local(sender), bv_addr_domain(sender));
    if (out->exception > 0)
        out->verdict = VERDICT_EXEMPT;
    else
        decide_sign(out, tagged, p, keys, row, sender);
}

/* Lifetime of the key that signed at a time, in days; when it is gone, of the oldest. */
static unsigned lifetime_at(const struct policy_keys *keys, int64_t time)
{
    if (keys->ring == NULL)
        return keys->signing->lifetime;
    int i = keys_signing(keys->ring, time);
    return keys->ring->key[i < 0 ? 0 : i].lifetime;
}

int64_t policy_warm_until(const struct policy *p, const struct policy_keys *keys, const struct domain *row)
{
    int64_t since = row != NULL && row->since > keys->since ? row->since : keys->since;

    if (!p->warmup)
        return INT64_MIN;
    if (keys->signing == NULL)
        return INT64_MAX;
    return since + (int64_t)lifetime_at(keys, since) * BV_DAY_SECONDS;
}

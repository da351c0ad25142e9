#include "milter/policy_parts.h"

#include <string.h>

/* Nothing from the local host is refused, so nothing is asked for it. */
static bool concerns(const struct policy *p, const struct policy_facts *facts, bool of_sender)
{
    if (facts->local)
        return false;
    if (of_sender)
        return p->guard_senders != ACTION_ACCEPT && facts->direction == DIRECTION_INBOUND &&
               !facts->null_sender;
    return p->guard_recipients != ACTION_ACCEPT && facts->direction != DIRECTION_INBOUND;
}

/* Names without a dot are of this host or network alone, whatever the DNS would say of them. */
static bool is_askable(struct bv_str domain)
{
    return domain.n > 0 && (domain.p[0] == '[' || memchr(domain.p, '.', domain.n) != NULL);
}

bool policy_may_guard(const struct policy *p, struct bv_str domain)
{
    return is_askable(domain) && !domains_listed(&p->domains, domain) &&
           names_find_domain(&p->guard_exempt, 0, 1, domain) < 0;
}

bool policy_guards(const struct policy *p, const struct policy_facts *facts, bool of_sender,
                   struct bv_str domain)
{
    return concerns(p, facts, of_sender) && policy_may_guard(p, domain);
}

void policy_guard(struct decision *out, const struct policy *p, bool of_sender,
                  const struct guard_verdict *verdict)
{
    policy_clear(out);
    if (verdict->result == GUARD_FINE || verdict->result == GUARD_UNKNOWN)
        return;
    out->event = EVENT_GUARD;
    out->verdict = verdict->result == GUARD_NULL_MX ? VERDICT_NULL_MX : VERDICT_BOGUS_MX;
    out->action = of_sender ? p->guard_senders : p->guard_recipients;
    out->at_end = out->action != ACTION_REJECT;
    out->of_sender = of_sender;
    out->kind = verdict->kind;
    out->sentence = verdict->sentence;
}

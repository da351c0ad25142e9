#include "milter/transaction_guard.h"

#include <string.h>

#include "milter/mx.h"
#include "milter/starting.h"

/* One header a message: of several domains that are marked, the first. */
static void keep_header(struct message *m, const struct decision *d, struct bv_str domain)
{
    char header[VERDICT_HEADER];

    if (m->guard_header != NULL)
        return;
    verdict_guard_header(header, d, domain);
    m->guard_header = strdup(header);
    m->failed = m->failed || m->guard_header == NULL;
}

bool transaction_guard(struct decision *out, struct transaction *t, const char *rcpt)
{
    struct message *m = t->message;
    const struct policy *policy = &snapshot_conf(t->snapshot)->policy;
    bool of_sender = m->facts.direction == DIRECTION_INBOUND, again = of_sender && m->guarded;
    struct bv_addr a;

    if (policy->guard_recipients == ACTION_ACCEPT && policy->guard_senders == ACTION_ACCEPT)
        return false;
    bv_addr_read(&a, bv_str(of_sender ? m->from : rcpt));
    if (!policy_guards(policy, &m->facts, of_sender, bv_addr_domain(&a)))
        return false;
    if (!again && !mx_ask_now(&m->guard, snapshot_mx(t->snapshot), bv_addr_domain(&a))) {
        starting_stand_in();
        mx_ask(&m->guard, snapshot_mx(t->snapshot), bv_addr_domain(&a));
    }
    m->guarded = true;
    policy_guard(out, policy, of_sender, &m->guard);
    if (out->event == EVENT_NONE || (again && out->action == ACTION_MARK))
        return false;
    if (out->action == ACTION_MARK)
        keep_header(m, out, bv_addr_domain(&a));
    return true;
}

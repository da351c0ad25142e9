#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/map_parts.h"
#include "milter/mx.h"
#include "milter/snapshot.h"

/*
 * Postfix asks transport tables of this kind for whole addresses, and for "*";
 * Sendmail for what its rules say.  Literals are left to the MTA, which knows
 * the addresses that are its own.
 */
static struct bv_str read_domain(struct bv_addr *a, struct bv_str key)
{
    struct bv_str domain = key;

    if (memchr(key.p, '@', key.n) != NULL) {
        bv_addr_read(a, key);
        domain = bv_addr_domain(a);
    } else if (key.n > 0 && key.p[key.n - 1] == '.') {
        domain.n--;
    }
    if (domain.n > 0 && (domain.p[0] == '[' || domain.p[0] == '.'))
        domain.n = 0;
    return domain;
}

static size_t write_answer(char dst[NETSTRING_ANSWER], const struct policy *p,
                           const struct guard_verdict *verdict)
{
    char text[VERDICT_REPLY_TEXT + sizeof "error:5.4.6 "];
    struct verdict_reply reply;
    struct decision d;

    policy_guard(&d, p, false, verdict);
    counters_map(d.event == EVENT_NONE ? COUNTERS_MAP_NOTFOUND : COUNTERS_MAP_OK);
    if (d.event == EVENT_NONE)
        return netstring_answer(dst, "NOTFOUND", "");
    d.action = ACTION_REJECT;
    verdict_reply(&reply, "", &d);
    snprintf(text, sizeof text, "error:5.4.6 %s", reply.text);
    return netstring_answer(dst, "OK", text);
}

/* Takes the snapshot over. Returns NULL, without having done so, when it cannot be looked up. */
static struct map_question *hand_on(struct snapshot *s, struct bv_str domain)
{
    struct map_question *q = domain.n <= BV_DOMAIN_MAX ? calloc(1, sizeof *q) : NULL;

    if (q == NULL)
        return NULL;
    q->snapshot = s;
    q->until = clock_steady() + snapshot_conf(s)->guard.timeout;
    q->domain_length = domain.n;
    memcpy(q->domain, domain.p, domain.n);
    if (map_pool_put(q))
        return q;
    free(q);
    return NULL;
}

size_t map_mx(char dst[NETSTRING_ANSWER], struct map_question **waits, struct bv_str key)
{
    struct snapshot *s = snapshot_get();
    const struct policy *p = &snapshot_conf(s)->policy;
    struct guard_verdict verdict = {.result = GUARD_UNKNOWN};
    struct bv_addr a;
    struct bv_str domain = read_domain(&a, key);

    if (policy_may_guard(p, domain) && !mx_ask_now(&verdict, snapshot_mx(s), domain)) {
        *waits = hand_on(s, domain);
        if (*waits != NULL)
            return 0;
    }
    size_t n = write_answer(dst, p, &verdict);
    snapshot_put(s);
    return n;
}

void map_mx_look_up(struct map_question *q)
{
    struct guard_verdict verdict = {.result = GUARD_UNKNOWN};

    /* Later, whoever waits would wait longer than the settings say for two. */
    if (!atomic_load(&q->dropped) && clock_steady() <= q->until)
        mx_ask(&verdict, snapshot_mx(q->snapshot), (struct bv_str){q->domain, q->domain_length});
    q->length = write_answer(q->answer, &snapshot_conf(q->snapshot)->policy, &verdict);
    snapshot_put(q->snapshot);
    q->snapshot = NULL;
}

/*
 * sample - a policy with one row of every kind, and keys in every state, for
 * tests that decide.  The tags are written out: key "secret", HMAC-SHA1, made
 * with  printf 3785user@d.example | openssl dgst -sha1 -hmac secret
 */
#ifndef TEST_MILTER_SAMPLE_H
#define TEST_MILTER_SAMPLE_H

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "milter/policy.h"

enum { SAMPLE_TODAY = 20778, SAMPLE_KEYS = 3 };

#define SAMPLE_DOMAINS                                                                                         \
    "d.example reject\n"                                                                                       \
    ".d.example mark\n"                                                                                        \
    "news.d.example reject syntax=subaddress\n"                                                                \
    "mark.example mark\n"                                                                                      \
    "accept.example accept\n"                                                                                  \
    "off.example off\n"                                                                                        \
    "prefix.example reject syntax=prefix\n"                                                                    \
    "hold.example quarantine\n"                                                                                \
    "drop.example discard\n"                                                                                   \
    "dead.example no-mail\n"                                                                                   \
    "silent.example no-bounces\n"                                                                              \
    "gone.d.example off\n"

/* Key 3 signs, 7 days; key 4 verifies, 30 days; key 2 is retired; no other number is there. */
#define VALID          "prvs=3785935954=user" /* @d.example; good until day 20785 */
#define VALID_LAST     "prvs=37780baa6c=user" /* @d.example; good until today */
#define EXPIRED        "prvs=3777e3491e=user" /* @d.example; good until yesterday */
#define ANCIENT        "prvs=3500a3d214=user" /* @d.example; good until day 20500 */
#define FORGED         "prvs=3785935955=user" /* @d.example, the last digit changed */
#define RETIRED        "prvs=2785c647de=user" /* @d.example */
#define VERIFYING      "prvs=48007743ef=user" /* @d.example; good until day 20800 */
#define UNKNOWN        "prvs=17857f7bbd=user" /* @d.example; no such key */
#define MALFORMED      "prvs=user"            /* no tag at all */
#define SUB_VALID      "prvs=378514e85b=user" /* @sub.d.example */
#define SUB_EXPIRED    "prvs=3777e8a355=user" /* @sub.d.example */
#define MARK_VALID     "prvs=378510ea30=user" /* @mark.example */
#define MARK_EXPIRED   "prvs=3777002d78=user"
#define ACCEPT_VALID   "prvs=378594d5a3=user" /* @accept.example */
#define ACCEPT_EXPIRED "prvs=3777b2c0e7=user"
#define NEWS_VALID     "user+prvs=3785f45978" /* @news.d.example */
#define OFF_VALID      "prvs=3785d90168=user" /* @off.example */
#define GONE_VALID     "prvs=378577a2e6=user" /* @gone.d.example */
#define HOLD_VALID     "prvs=378594566b=user" /* @hold.example */
#define HOLD_EXPIRED   "prvs=3777b03547=user"
#define DROP_VALID     "prvs=37850cb0ae=user" /* @drop.example */
#define DROP_EXPIRED   "prvs=3777d0167c=user"
#define DEAD_VALID     "prvs=37858a1cdf=user" /* @dead.example */
#define DEAD_EXPIRED   "prvs=37779d0069=user"
#define SILENT_VALID   "prvs=378597961c=user" /* @silent.example */
#define SILENT_EXPIRED "prvs=377785e19c=user"
#define STRANGER_VALID "prvs=3785882a10=user" /* @o.example: the tag fits, but the domain is not ours */

struct sample {
    struct policy policy;
    struct policy_keys keys;
    struct bv_mac mac[SAMPLE_KEYS], broken;
    struct problems problems;
};

/* A MAC that cannot be computed: it has no key. */
static inline void sample_break(struct sample *s)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    assert_non_null(hmac);
    s->broken.ctx = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    assert_non_null(s->broken.ctx);
}

/* Other tables. */
static inline void sample_domains(struct sample *s, const char *text)
{
    domains_free(&s->policy.domains);
    assert_int_equal(domains_read(&s->policy.domains, "domains", bv_str(text), BV_PLUS, &s->problems), 0);
}

static inline void sample_exceptions(struct sample *s, const char *text)
{
    exceptions_free(&s->policy.exceptions);
    assert_int_equal(exceptions_read(&s->policy.exceptions, "exceptions", bv_str(text), &s->problems), 0);
}

/* No warm-up, no exceptions, nothing that the type of a message decides. */
static inline void sample_init(struct sample *s)
{
    static const struct bv_key keys[SAMPLE_KEYS] = {
        {3, 7, true, NULL}, {4, 30, true, NULL}, {2, 7, false, NULL}};

    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < SAMPLE_KEYS; i++) {
        assert_int_equal(bv_mac_init(&s->mac[i], BV_HMAC_SHA1, (const unsigned char *)"secret", 6), 0);
        s->keys.all.by_number[keys[i].number] = keys[i];
        s->keys.all.by_number[keys[i].number].mac = &s->mac[i];
    }
    sample_break(s);
    s->keys.all.decoy = &s->mac[0];
    s->keys.signing = &s->keys.all.by_number[3];
    s->keys.today = SAMPLE_TODAY;
    s->keys.now = (int64_t)SAMPLE_TODAY * BV_DAY_SECONDS + 3600;
    s->keys.since = s->keys.now - (int64_t)1000 * BV_DAY_SECONDS;
    s->policy.sign_authenticated = true;
    s->policy.action = ACTION_REJECT;
    s->policy.delimiter = BV_PLUS;
    s->policy.on_fault = ACTION_TEMPFAIL;
    sample_domains(s, SAMPLE_DOMAINS);
}

static inline void sample_free(struct sample *s)
{
    domains_free(&s->policy.domains);
    exceptions_free(&s->policy.exceptions);
    for (size_t i = 0; i < SAMPLE_KEYS; i++)
        bv_mac_free(&s->mac[i]);
    bv_mac_free(&s->broken);
}

/*
 * A decision as one line: event, verdict, (reason), action, "end" or "now", key,
 * line of the table, line of the exceptions, what else holds, last day, and
 * "-> address" when it replaces; "none" when there is nothing to decide, with
 * "ours" for a recipient of ours.
 */
static inline void sample_describe(char *dst, size_t size, const struct decision *d, const char *address)
{
    size_t n;

    if (d->event == EVENT_NONE) {
        bool quiet = d->action == ACTION_ACCEPT && d->at_end && !d->replace && !d->warming && !d->by_type;
        snprintf(dst, size, "%s%s", d->ours ? "none ours" : "none", quiet ? "" : " BUT ACTS");
        return;
    }
    n = (size_t)snprintf(dst, size, "%s %s ", event_word(d->event), verdict_word(d->verdict));
    if (d->verdict == VERDICT_NOT_TAGGABLE)
        n += (size_t)snprintf(dst + n, size - n, "(%s) ", bv_tagging_reason(d->reason));
    n += (size_t)snprintf(dst + n, size - n, "%s %s", action_word(d->action), d->at_end ? "end" : "now");
    if (d->key >= 0)
        n += (size_t)snprintf(dst + n, size - n, " key %d", d->key);
    n += (size_t)snprintf(dst + n, size - n, " line %d", d->line);
    if (d->exception != 0)
        n += (size_t)snprintf(dst + n, size - n, " exception %d", d->exception);
    n +=
        (size_t)snprintf(dst + n, size - n, "%s%s", d->warming ? " warming" : "", d->by_type ? " by type" : "");
    if (d->expires != 0)
        n += (size_t)snprintf(dst + n, size - n, " day %ld", d->expires);
    if (d->replace)
        snprintf(dst + n, size - n, " -> %s", address);
}

#endif

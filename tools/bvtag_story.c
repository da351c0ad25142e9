#include "tools/bvtag_story.h"

#include <stdio.h>
#include <string.h>

#include "milter/message.h"

void story_setting(char *dst, size_t size, const struct conf *conf, const char *name)
{
    int row = conf_row_find(name, strlen(name));
    int line = row < 0 ? 0 : conf->line[row];

    if (line > 0)
        snprintf(dst, size, "%s at %s:%d", name, conf->path, line);
    else
        snprintf(dst, size, "%s, by default", name);
}

static void say_exception(char dst[STORY_TEXT], const struct bvtag *b, int line)
{
    dst[0] = '\0';
    if (line > 0)
        snprintf(dst, STORY_TEXT, "%s:%d", b->conf.exceptions, line);
}

static const struct domain *row_of(const struct story *s, const struct bvtag *b)
{
    return domains_find(&b->conf.policy.domains, bv_addr_domain(&s->addr));
}

const char *story_kind(const struct domain *row)
{
    switch (row->kind) {
    case DOMAIN_NO_MAIL:
        return ", receives no mail";
    case DOMAIN_NO_BOUNCES:
        return ", never sends";
    case DOMAIN_VERIFIED:
    case DOMAIN_OFF:
        break;
    }
    return "";
}

static void tell_domain(struct story *s, const struct bvtag *b)
{
    const struct domain *row = row_of(s, b);

    const struct domain *any = domains_row(&b->conf.policy.domains, bv_addr_domain(&s->addr));

    if (!s->bounce.ours && any != NULL)
        snprintf(s->domain, sizeof s->domain, "not ours: %s:%d says off", b->conf.domains, any->line);
    else if (!s->bounce.ours)
        snprintf(s->domain, sizeof s->domain, "not ours: no row of %s", b->conf.domains);
    else if (s->bounce.line > 0)
        snprintf(s->domain, sizeof s->domain, "ours: %s:%d%s", b->conf.domains, s->bounce.line,
                 row != NULL ? story_kind(row) : "");
    else
        snprintf(s->domain, sizeof s->domain, "none can be read, so taken as ours");
}

static void tell_warmup(struct story *s, const struct bvtag *b)
{
    const struct domain *row = row_of(s, b);
    int64_t until = policy_warm_until(&b->conf.policy, &b->keys, row);
    char time[KEYS_TIME_LEN + 1];

    if (s->bounce.event != EVENT_BOUNCE || until <= b->now)
        return;
    keys_time_write(time, until);
    if (until == INT64_MAX)
        snprintf(s->warmup, sizeof s->warmup, "until a lifetime after a key begins to sign");
    else
        snprintf(s->warmup, sizeof s->warmup, "until %s, a lifetime after %s", time,
                 row != NULL && row->since > b->keys.since ? "the row's since=" : "the ring first signed");
    if (s->bounce.warming)
        strcat(s->warmup, "; then this is no longer only marked");
}

/* What decides the action of a verdict. */
static void tell_decider(struct story *s, const struct bvtag *b)
{
    const struct decision *d = &s->bounce;

    if (d->event == EVENT_NONE)
        snprintf(s->decides, sizeof s->decides, "nothing: the recipient is not ours");
    else if (s->exception[0] != '\0')
        snprintf(s->decides, sizeof s->decides, "%s", s->exception);
    else if (d->verdict == VERDICT_FAULT)
        story_setting(s->decides, sizeof s->decides, &b->conf, "on_fault");
    else if (d->warming)
        story_setting(s->decides, sizeof s->decides, &b->conf, "warmup");
    else if (verdict_result(d->verdict) != RESULT_FAIL && d->action == ACTION_ACCEPT)
        snprintf(s->decides, sizeof s->decides, "the verdict alone");
    else if (d->line > 0)
        snprintf(s->decides, sizeof s->decides, "%s:%d", b->conf.domains, d->line);
    else
        story_setting(s->decides, sizeof s->decides, &b->conf, "action");
}

static const char *when_words(const struct decision *d)
{
    if (!d->at_end)
        return ", at RCPT";
    return d->by_type ? ", at end of message, unless the message is of a type in reply_types"
                      : ", at end of message";
}

static void tell_reply(struct story *s, const struct bvtag *b)
{
    const struct decision *d = &s->bounce;
    struct verdict_reply reply;

    verdict_reply(&reply, b->conf.reject_text, d);
    if (d->action == ACTION_QUARANTINE || d->action == ACTION_DISCARD)
        snprintf(s->reply, sizeof s->reply, "250, then %s%s",
                 d->action == ACTION_DISCARD ? "dropped" : "held by the MTA", when_words(d));
    else if (*reply.status == '\0')
        snprintf(s->reply, sizeof s->reply, "250");
    else
        snprintf(s->reply, sizeof s->reply, "%s %s %s%s", reply.code, reply.status, reply.text, when_words(d));
    bool marked = d->action == ACTION_MARK || d->action == ACTION_QUARANTINE;
    bool good = d->action == ACTION_ACCEPT && verdict_result(d->verdict) != RESULT_FAIL;
    if (d->event == EVENT_BOUNCE && (marked || good))
        verdict_header(s->header, b->conf.header_value, d, bv_str(s->address));
}

/* Sets the fingerprint, and whether that or something of what has been asked failed. */
static void tell_failure(struct story *s, const struct bvtag *b)
{
    int key = s->tag.kind == BV_TAG_PRVS ? keys_find(&b->ring, s->tag.key) : -1;

    s->failed = (key >= 0 && keys_fingerprint(s->fingerprint, &b->ring.key[key]) != 0) ||
                s->result.status == BV_FAULT || s->sender.reason == BV_TAGGING_FAULT ||
                (s->bounce.event != EVENT_NONE && s->bounce.verdict == VERDICT_FAULT);
}

void story_gather(struct story *s, const struct bvtag *b, const char *text)
{
    const struct policy *policy = &b->conf.policy;
    const struct policy_facts bounce = {.direction = DIRECTION_INBOUND, .null_sender = true};
    struct bv_addr sender;

    *s = (struct story){.text = text};
    bv_addr_read(&sender, bv_str(text));
    policy_reading(&s->addr, policy, &b->keys, bv_str(text));
    bv_tag_read(&s->tag, &s->addr);
    bv_verify(&s->result, &s->addr, &b->keys.all, b->keys.today);
    policy_rcpt(&s->bounce, s->address, policy, &b->keys, &bounce, bv_str(text));
    message_fold_domain(s->address);
    policy_mail(&s->sender, s->tagged, policy, &b->keys, DIRECTION_OUTBOUND, &sender);
    tell_failure(s, b);
    say_exception(s->exception, b, s->bounce.exception);
    say_exception(s->sender_row, b, s->sender.exception);
    say_exception(s->destination, b, policy_destination(policy, bv_str(text)));
    tell_domain(s, b);
    tell_warmup(s, b);
    tell_decider(s, b);
    tell_reply(s, b);
}

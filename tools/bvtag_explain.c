#include <stdio.h>
#include <string.h>

#include "tools/bvtag.h"
#include "tools/cmd.h"

/* Everything that there is to say, before it is said as text or JSON. */
struct story {
    const char *text;
    struct bv_addr addr;
    struct bv_tag tag;
    struct bv_result result;
    struct decision bounce;
    char address[BV_ADDR_QUOTED];
    char tagged[BV_TAGGED];
    struct decision sender;
    char domain[PROBLEM_TEXT + 300];
    char decides[PROBLEM_TEXT + 300];
    char reply[PROBLEM_TEXT];
    char header[VERDICT_HEADER]; /* its value; empty: none is set */
};

/* "FILE:LINE" of a setting, or "default". */
static void say_setting(char *dst, size_t size, const struct conf *conf, const char *name)
{
    int row = conf_row_find(name, strlen(name));
    int line = row < 0 ? 0 : conf->line[row];

    if (line > 0)
        snprintf(dst, size, "%s at %s:%d", name, conf->path, line);
    else
        snprintf(dst, size, "%s, by default", name);
}

static void tell_domain(struct story *s, const struct bvtag *b)
{
    if (!s->bounce.ours)
        snprintf(s->domain, sizeof s->domain, "not ours: no row of %s", b->conf.domains);
    else if (s->bounce.line > 0)
        snprintf(s->domain, sizeof s->domain, "ours: %s:%d", b->conf.domains, s->bounce.line);
    else
        snprintf(s->domain, sizeof s->domain, "none can be read, so taken as ours");
}

/* What decides the action of a verdict. */
static void tell_decider(struct story *s, const struct bvtag *b)
{
    const struct decision *d = &s->bounce;

    if (d->event == EVENT_NONE)
        snprintf(s->decides, sizeof s->decides, "nothing: the recipient is not ours");
    else if (d->verdict == VERDICT_FAULT)
        say_setting(s->decides, sizeof s->decides, &b->conf, "on_fault");
    else if (verdict_result(d->verdict) != RESULT_FAIL)
        snprintf(s->decides, sizeof s->decides, "the verdict alone");
    else if (d->line > 0)
        snprintf(s->decides, sizeof s->decides, "%s:%d", b->conf.domains, d->line);
    else
        say_setting(s->decides, sizeof s->decides, &b->conf, "action");
}

static void tell_reply(struct story *s, const struct bvtag *b)
{
    char text[PROBLEM_TEXT / 2];
    const char *when = s->bounce.at_end ? "at end of message" : "at RCPT";

    switch (s->bounce.action) {
    case ACTION_REJECT:
        verdict_reply(text, sizeof text, b->conf.reject_text, s->bounce.verdict);
        snprintf(s->reply, sizeof s->reply, "550 5.7.1 %s, %s", text, when);
        return;
    case ACTION_TEMPFAIL:
    case ACTION_TOO_MANY:
        snprintf(s->reply, sizeof s->reply, "451 4.7.1, at RCPT");
        return;
    case ACTION_MARK:
    case ACTION_ACCEPT:
        break;
    }
    snprintf(s->reply, sizeof s->reply, "250");
    if (s->bounce.event == EVENT_BOUNCE &&
        (s->bounce.action == ACTION_MARK || verdict_result(s->bounce.verdict) != RESULT_FAIL))
        verdict_header(s->header, b->conf.header_value, &s->bounce, bv_str(s->address));
}

static void gather(struct story *s, const struct bvtag *b, const char *text)
{
    struct bv_addr sender;

    bv_addr_read(&sender, bv_str(text));
    policy_reading(&s->addr, &b->conf.policy, &b->keys, bv_str(text));
    bv_tag_read(&s->tag, &s->addr);
    bv_verify(&s->result, &s->addr, &b->keys.all, b->keys.today);
    policy_rcpt(&s->bounce, s->address, &b->conf.policy, &b->keys, DIRECTION_INBOUND, true, bv_str(text));
    policy_mail(&s->sender, s->tagged, &b->conf.policy, &b->keys, DIRECTION_OUTBOUND, &sender);
    tell_domain(s, b);
    tell_decider(s, b);
    tell_reply(s, b);
}

static const char *tag_words(const struct bv_tag *tag)
{
    switch (tag->kind) {
    case BV_TAG_NONE:
        return "without a tag";
    case BV_TAG_BROKEN:
        return "in prvs syntax, but no tag that can be checked";
    case BV_TAG_FOREIGN:
        return "tagged by somebody else's scheme";
    case BV_TAG_PRVS:
        break;
    }
    return tag->syntax == BV_PREFIX ? "tagged in prefix syntax" : "tagged in sub-address syntax";
}

static void print_address(const struct story *s)
{
    char plain[BV_ADDR_QUOTED];

    switch (s->addr.shape) {
    case BV_NULL_SENDER:
        puts("address:  the null sender");
        return;
    case BV_UNREADABLE:
        puts("address:  unreadable");
        return;
    case BV_MAILBOX:
        break;
    }
    bv_addr_write(plain, sizeof plain, bv_addr_local(&s->addr), bv_addr_domain(&s->addr));
    printf("address:  %s, %s\n", plain, tag_words(&s->tag));
}

static void print_key(const struct story *s, const struct bvtag *b)
{
    char fingerprint[KEYS_FINGERPRINT + 1];
    int i = keys_find(&b->ring, s->tag.key);

    if (s->tag.kind != BV_TAG_PRVS)
        return;
    if (i < 0) {
        printf("key:      %u, which is not in %s\n", s->tag.key, b->keyring_path);
        return;
    }
    const struct keys_key *key = &b->ring.key[i];
    keys_fingerprint(fingerprint, key);
    printf("key:      %u, %s, %s, lifetime %u days, fingerprint %s\n", key->number,
           keys_phase_word(keys_phase(&b->ring, (size_t)i, b->now)), bv_algorithm_word(key->algorithm),
           key->lifetime, fingerprint);
}

static void print_tag(const struct story *s, const struct bvtag *b)
{
    bool fits = s->result.status == BV_VALID || s->result.status == BV_EXPIRED;
    char date[BVTAG_DATE];

    print_key(s, b);
    if (s->tag.kind != BV_TAG_PRVS)
        return;
    printf("MAC:      %s\n", fits                                 ? "fits"
                             : s->result.status == BV_UNKNOWN_KEY ? "cannot be checked"
                                                                  : "does not fit");
    bvtag_date(date, s->result.expires);
    if (fits)
        printf("day:      %03u, last good on %s (%ld days left)\n", s->tag.stamp, date,
               s->result.expires - b->keys.today);
    else
        printf("day:      %03u, not looked at\n", s->tag.stamp);
}

static void print_sender(const struct story *s)
{
    if (s->sender.event == EVENT_NONE)
        puts("as sender: left alone");
    else if (s->sender.verdict == VERDICT_FAULT)
        puts("as sender: no key signs at this time; on_fault decides");
    else if (s->sender.replace)
        printf("as sender: signed when the client is ours: %s\n", s->tagged);
    else
        printf("as sender: left alone: %s\n", bv_tagging_reason(s->sender.reason));
}

static void print_text(const struct story *s, const struct bvtag *b)
{
    print_address(s);
    print_tag(s, b);
    printf("domain:   %s\n", s->domain);
    print_sender(s);
    if (s->bounce.event == EVENT_NONE) {
        puts("a bounce to it: none of our business");
        return;
    }
    printf("verdict:  %s\n", verdict_word(s->bounce.verdict));
    if (s->bounce.verdict == VERDICT_NOT_TAGGABLE)
        printf("because:  %s\n", bv_tagging_reason(s->bounce.reason));
    printf("action:   %s (%s)\n", action_word(s->bounce.action), s->decides);
    printf("reply to a bounce: %s\n", s->reply);
    if (s->header[0] != '\0')
        printf("header:   %s: %s\n", b->conf.header_name, s->header);
    if (s->bounce.replace)
        printf("delivered to: %s\n", s->address);
}

static void print_json(const struct story *s, const struct bvtag *b)
{
    char original[BV_ADDR_QUOTED], date[BVTAG_DATE];

    bvtag_original(original, &s->addr);
    bvtag_date(date, s->result.expires);
    fputs("{\"input\": ", stdout);
    cmd_json_string(s->text);
    bvtag_json_text("verdict", s->bounce.event == EVENT_NONE ? "" : verdict_word(s->bounce.verdict), false);
    bvtag_json_text("original", original, false);
    bvtag_json_number("key", s->result.key, s->result.key >= 0);
    bvtag_json_text("expires", date, false);
    bvtag_json_number("days_left", s->result.expires - b->keys.today, s->result.expires != 0);
    bvtag_json_text("domain", s->domain, false);
    bvtag_json_text("signed", s->tagged, false);
    bvtag_json_text("action", s->bounce.event == EVENT_NONE ? "" : action_word(s->bounce.action), false);
    bvtag_json_text("decided_by", s->decides, false);
    bvtag_json_text("reply", s->reply, false);
    bvtag_json_text("header", s->header, false);
    puts("}");
}

int bvtag_explain(struct bvtag *b, const char *text)
{
    struct story s = {.text = text};

    gather(&s, b, text);
    if (b->json)
        print_json(&s, b);
    else
        print_text(&s, b);
    return TOOL_YES;
}

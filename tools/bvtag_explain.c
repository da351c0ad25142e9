#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bvtag_story.h"
#include "tools/cmd.h"

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
    case BV_NOBODY:
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
    int i = keys_find(&b->ring, s->tag.key);

    if (s->tag.kind != BV_TAG_PRVS)
        return;
    if (i < 0) {
        printf("key:      %u, which is not in %s\n", s->tag.key, b->keyring_path);
        return;
    }
    const struct keys_key *key = &b->ring.key[i];
    printf("key:      %u, %s, %s, lifetime %u days, fingerprint %s\n", key->number,
           keys_phase_word(keys_phase(&b->ring, (size_t)i, b->now)), bv_algorithm_word(key->algorithm),
           key->lifetime, *s->fingerprint != '\0' ? s->fingerprint : "-");
}

static void print_tag(const struct story *s, const struct bvtag *b)
{
    bool fits = s->result.status == BV_VALID || s->result.status == BV_EXPIRED;
    long days = s->result.expires - b->keys.today;
    char date[BVTAG_DATE];

    print_key(s, b);
    if (s->tag.kind != BV_TAG_PRVS)
        return;
    printf("MAC:      %s\n", fits                                 ? "fits"
                             : s->result.status == BV_FAULT       ? "cannot be computed: the library failed"
                             : s->result.status == BV_UNKNOWN_KEY ? "cannot be checked"
                                                                  : "does not fit");
    bvtag_date(date, s->result.expires);
    if (fits)
        printf("day:      %03u, last good on %s (%ld day%s %s)\n", s->tag.stamp, date, labs(days),
               labs(days) == 1 ? "" : "s", days < 0 ? "ago" : "left");
    else
        printf("day:      %03u, not looked at\n", s->tag.stamp);
}

static void print_sender(const struct story *s)
{
    if (s->sender.event == EVENT_NONE)
        puts("as sender: left alone");
    else if (s->sender.verdict == VERDICT_EXEMPT)
        printf("as sender: left alone: %s\n", s->sender_row);
    else if (s->sender.verdict == VERDICT_FAULT && s->sender.reason != BV_TAGGING_FAULT)
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
    if (s->destination[0] != '\0')
        printf("as destination: mail to it is not signed: %s\n", s->destination);
    if (s->bounce.event == EVENT_NONE) {
        puts("a bounce to it: none of our business");
        return;
    }
    printf("verdict:  %s\n", verdict_word(s->bounce.verdict));
    if (s->bounce.verdict == VERDICT_NOT_TAGGABLE)
        printf("because:  %s\n", bv_tagging_reason(s->bounce.reason));
    if (s->warmup[0] != '\0')
        printf("warm-up:  %s\n", s->warmup);
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
    bvtag_json_text("warmup", s->warmup, false);
    bvtag_json_text("exception", s->exception, false);
    bvtag_json_text("decided_by", s->decides, false);
    bvtag_json_text("reply", s->reply, false);
    bvtag_json_text("header", s->header, false);
    puts("}");
}

int bvtag_explain(struct bvtag *b, const char *text)
{
    struct story s;

    story_gather(&s, b, text);
    if (b->told && !b->json)
        puts("");
    if (b->json)
        print_json(&s, b);
    else
        print_text(&s, b);
    b->told = true;
    if (!s.failed)
        return TOOL_YES;
    tool_say("%s: not all of it can be told: no memory, or the cryptographic library fails", text);
    return TOOL_TROUBLE;
}

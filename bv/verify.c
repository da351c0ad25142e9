#include "bv/input.h"

/*
 * Whether the tag's MAC fits the folded address or the one received.  Both are
 * always computed, so that time tells nothing.  Returns -1 on a library fault.
 */
static int mac_fits(const struct bv_tag *tag, struct bv_str domain, struct bv_mac *mac)
{
    unsigned char folded[BV_MAC_OCTETS], exact[BV_MAC_OCTETS];
    struct input in;
    int fault = 0;

    input_exact(&in, tag->key, tag->stamp, tag->local, domain);
    fault |= bv_mac_compute(mac, exact, input_view(&in));
    if (input_fold(&in))
        fault |= bv_mac_compute(mac, folded, input_view(&in));
    else
        memcpy(folded, exact, sizeof folded);
    bool folded_fits = bv_mac_same(folded, tag->mac);
    bool exact_fits = bv_mac_same(exact, tag->mac);
    return fault != 0 ? -1 : folded_fits || exact_fits;
}

static enum bv_status untagged_status(enum bv_tagging why)
{
    switch (why) {
    case BV_TAGGABLE:
    case BV_NO_MAILBOX: /* what cannot be read for certain must not be a way around the check */
    case BV_ILL_FORMED:
    case BV_NO_DOMAIN:
        return BV_UNTAGGED;
    case BV_ALREADY_TAGGED:
        return BV_MALFORMED;
    case BV_FOREIGN_TAG:
    case BV_NOT_ASCII:
    case BV_LOCAL_TOO_LONG:
    case BV_NEEDS_QUOTES:
    case BV_PATH_TOO_LONG:
        return BV_NOT_TAGGABLE;
    case BV_TAGGING_FAULT:
        break;
    }
    return BV_FAULT;
}

static enum bv_status tagged_status(const struct bv_tag *tag, struct bv_str domain, const struct bv_keys *keys,
                                    long today)
{
    const struct bv_key *key = &keys->by_number[tag->key];
    struct bv_mac *mac = key->mac != NULL ? key->mac : keys->decoy;
    int fits = mac != NULL ? mac_fits(tag, domain, mac) : 0;

    if (fits < 0)
        return BV_FAULT;
    if (key->mac == NULL)
        return BV_UNKNOWN_KEY;
    if (!fits)
        return BV_FORGED;
    return key->honoured && bv_in_lifetime(tag->stamp, today, key->lifetime) ? BV_VALID : BV_EXPIRED;
}

void bv_verify(struct bv_result *out, const struct bv_addr *a, const struct bv_keys *keys, long today)
{
    struct bv_tag tag;

    *out = (struct bv_result){.key = -1};
    bv_tag_read(&tag, a);
    if (tag.kind != BV_TAG_PRVS) {
        out->tagging = bv_taggable(a);
        out->status = untagged_status(out->tagging);
        return;
    }
    out->key = (int)tag.key;
    out->local = tag.local;
    out->status = tagged_status(&tag, bv_addr_domain(a), keys, today);
    if (out->status == BV_VALID)
        out->expires = today + (long)bv_days_ahead(tag.stamp, today);
    else if (out->status == BV_EXPIRED)
        /* Before today: of a key that is not honoured, today is the last time round. */
        out->expires = today - 1 - (long)bv_days_ahead(bv_stamp(today - 1), (long)tag.stamp);
}

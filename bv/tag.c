#include "bv/bv.h"

#include <string.h>

enum { TAG_WORD = 5, TAG_VALUE = 10 }; /* "prvs=", "KDDDSSSSSS" */

static bool starts_nocase(struct bv_str s, const char *word)
{
    struct bv_str w = bv_str(word);

    return s.n >= w.n && bv_str_same_nocase((struct bv_str){s.p, w.n}, w);
}

static int hex_digit(char c)
{
    c = bv_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* KDDDSSSSSS, exactly. */
static bool read_value(struct bv_tag *out, struct bv_str value)
{
    int digit[TAG_VALUE];

    if (value.n != TAG_VALUE)
        return false;
    for (size_t i = 0; i < TAG_VALUE; i++) {
        digit[i] = hex_digit(value.p[i]);
        if (digit[i] < 0 || (i < 4 && digit[i] > 9))
            return false;
    }
    out->key = (unsigned)digit[0];
    out->stamp = (unsigned)(digit[1] * 100 + digit[2] * 10 + digit[3]);
    for (size_t i = 0; i < BV_MAC_OCTETS; i++)
        out->mac[i] = (unsigned char)(digit[4 + 2 * i] * 16 + digit[5 + 2 * i]);
    return true;
}

static void read_prefix(struct bv_tag *out, const struct bv_addr *a, struct bv_str local)
{
    size_t head = BV_TAG_OCTETS;

    out->kind = BV_TAG_BROKEN;
    if (a->overlong || local.n <= head || local.p[head - 1] != '=' ||
        !read_value(out, (struct bv_str){local.p + TAG_WORD, TAG_VALUE}))
        return;
    out->kind = BV_TAG_PRVS;
    out->syntax = BV_PREFIX;
    out->local = (struct bv_str){local.p + head, local.n - head};
}

/*
 * A tag at the end, behind + or -.  Where more '=' follow it is no tag: that is
 * how the address of a list's member, tagged by its own site, looks in VERP.
 */
static void read_subaddress(struct bv_tag *out, const struct bv_addr *a, struct bv_str local)
{
    size_t i = local.n;

    while (i > 0 && !((local.p[i - 1] == '+' || local.p[i - 1] == '-') &&
                      starts_nocase((struct bv_str){local.p + i, local.n - i}, "prvs=")))
        i--;
    if (i == 0)
        return;
    struct bv_str value = {local.p + i + TAG_WORD, local.n - i - TAG_WORD};
    if (memchr(value.p, '=', value.n) != NULL)
        return;
    out->kind = BV_TAG_BROKEN;
    if (a->overlong || i == 1 || !read_value(out, value))
        return;
    out->kind = BV_TAG_PRVS;
    out->syntax = local.p[i - 1] == '+' ? BV_PLUS : BV_MINUS;
    out->local = (struct bv_str){local.p, i - 1};
}

/* SRS0 or SRS1 and a separator.  A user called "srs0" with a sub-address tag of ours is not that. */
static bool is_srs(struct bv_str local)
{
    enum { HEAD = 5 };

    if (local.n < HEAD || !(starts_nocase(local, "srs0") || starts_nocase(local, "srs1")))
        return false;
    if (local.p[HEAD - 1] != '=' && local.p[HEAD - 1] != '+' && local.p[HEAD - 1] != '-')
        return false;
    struct bv_str rest = {local.p + HEAD, local.n - HEAD};
    return !starts_nocase(rest, "prvs=") || memchr(rest.p + TAG_WORD, '=', rest.n - TAG_WORD) != NULL;
}

static bool is_foreign(struct bv_str local)
{
    return is_srs(local) || starts_nocase(local, "btv1=") || starts_nocase(local, "msprvs1=");
}

void bv_tag_read(struct bv_tag *out, const struct bv_addr *a)
{
    struct bv_str local = bv_addr_local(a);

    *out = (struct bv_tag){.kind = BV_TAG_NONE};
    if (a->shape != BV_MAILBOX)
        return;
    if (starts_nocase(local, "prvs="))
        read_prefix(out, a, local);
    else if (is_foreign(local))
        out->kind = BV_TAG_FOREIGN;
    else
        read_subaddress(out, a, local);
}

enum bv_tagging bv_taggable(const struct bv_addr *a)
{
    struct bv_tag tag;

    if (a->shape != BV_MAILBOX)
        return BV_NO_MAILBOX;
    bv_tag_read(&tag, a);
    if (tag.kind == BV_TAG_PRVS || tag.kind == BV_TAG_BROKEN)
        return BV_ALREADY_TAGGED;
    if (a->ill_formed)
        return BV_ILL_FORMED;
    if (tag.kind == BV_TAG_FOREIGN)
        return BV_FOREIGN_TAG;
    if (a->non_ascii)
        return BV_NOT_ASCII;
    if (a->local_len > BV_LOCAL_TAGGABLE)
        return BV_LOCAL_TOO_LONG;
    if (a->needs_quotes)
        return BV_NEEDS_QUOTES;
    if (a->domain_len == 0)
        return BV_NO_DOMAIN;
    /* "<" tag local "@" domain ">" */
    if (BV_TAG_OCTETS + a->local_len + a->domain_len + 3 > BV_PATH_MAX)
        return BV_PATH_TOO_LONG;
    return BV_TAGGABLE;
}

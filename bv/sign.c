#include "bv/input.h"

static char *put(char *p, struct bv_str s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

/* "prvs=KDDDSSSSSS"; the first four octets of the value are those of the MAC's input. */
static char *put_tag(char *p, const struct input *in, const unsigned char mac[BV_MAC_OCTETS])
{
    static const char hex[] = "0123456789abcdef";

    p = put(p, bv_str("prvs="));
    p = put(p, (struct bv_str){in->text, INPUT_HEAD});
    for (size_t i = 0; i < BV_MAC_OCTETS; i++) {
        *p++ = hex[mac[i] >> 4];
        *p++ = hex[mac[i] & 15];
    }
    return p;
}

enum bv_tagging bv_sign(char dst[BV_TAGGED], const struct bv_addr *a, const struct bv_key *key,
                        enum bv_syntax syntax, long today)
{
    struct bv_str local = bv_addr_local(a), domain = bv_addr_domain(a);
    unsigned char mac[BV_MAC_OCTETS];
    struct input in;
    char *p = dst;

    dst[0] = '\0';
    enum bv_tagging why = bv_taggable(a);
    if (why != BV_TAGGABLE)
        return why;
    input_exact(&in, key->number, bv_stamp(today + (long)key->lifetime), local, domain);
    input_fold(&in);
    if (bv_mac_compute(key->mac, mac, input_view(&in)) != 0)
        return BV_TAGGING_FAULT;

    if (syntax == BV_PREFIX) {
        p = put_tag(p, &in, mac);
        *p++ = '=';
        p = put(p, local);
    } else {
        p = put(p, local);
        *p++ = syntax == BV_PLUS ? '+' : '-';
        p = put_tag(p, &in, mac);
    }
    *p++ = '@';
    p = put(p, domain);
    *p = '\0';
    return BV_TAGGABLE;
}

#include "milter/netstring.h"

#include <stdio.h>
#include <string.h>

enum state {
    STATE_BEGIN = 0,
    STATE_ZERO, /* "0", which only ':' may follow */
    STATE_LENGTH,
    STATE_PAYLOAD,
    STATE_COMMA,
    STATE_ENDED,
    STATE_BROKEN
};

/* The state after an octet of the length. */
static enum state take_digit(struct netstring *s, char c)
{
    if (c == ':' && s->state != STATE_BEGIN)
        return s->length > 0 ? STATE_PAYLOAD : STATE_COMMA;
    if (c < '0' || c > '9' || s->state == STATE_ZERO)
        return STATE_BROKEN;
    s->length = s->length * 10 + (size_t)(c - '0');
    if (s->length > NETSTRING_MAX)
        return STATE_BROKEN;
    return s->length == 0 ? STATE_ZERO : STATE_LENGTH;
}

/* Returns how many of the octets belong to the payload. */
static size_t take_payload(struct netstring *s, const char *octets, size_t n)
{
    size_t wanted = s->length - s->n, taken = n < wanted ? n : wanted;

    if (s->n < NETSTRING_KEPT) {
        size_t room = NETSTRING_KEPT - s->n;
        memcpy(s->payload + s->n, octets, taken < room ? taken : room);
    }
    s->n += taken;
    if (s->n == s->length)
        s->state = STATE_COMMA;
    return taken;
}

enum netstring_result netstring_take(struct netstring *s, size_t *used, const char *octets, size_t n)
{
    size_t at = 0;

    if (s->state == STATE_ENDED) {
        s->state = STATE_BEGIN;
        s->length = s->n = 0;
    }
    while (at < n && s->state < STATE_ENDED) {
        if (s->state == STATE_PAYLOAD)
            at += take_payload(s, octets + at, n - at);
        else if (s->state == STATE_COMMA)
            s->state = octets[at++] == ',' ? STATE_ENDED : STATE_BROKEN;
        else
            s->state = (int)take_digit(s, octets[at++]);
    }
    *used = at;
    if (s->state == STATE_BROKEN)
        return NETSTRING_BROKEN;
    return s->state == STATE_ENDED ? NETSTRING_WHOLE : NETSTRING_MORE;
}

struct bv_str netstring_payload(const struct netstring *s, bool *cut)
{
    *cut = s->n > NETSTRING_KEPT;
    return (struct bv_str){s->payload, *cut ? NETSTRING_KEPT : s->n};
}

size_t netstring_answer(char dst[NETSTRING_ANSWER], const char *word, const char *text)
{
    int n = snprintf(dst, NETSTRING_ANSWER, "%zu:%s %s,", strlen(word) + 1 + strlen(text), word, text);

    if (n > 0 && n < NETSTRING_ANSWER)
        return (size_t)n;
    dst[0] = '\0';
    return 0;
}

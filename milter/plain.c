#include "milter/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bv/bv.h"

#define BLANKS " \t\r\n"

struct out {
    char *dst;
    size_t n, size;
};

static bool full(const struct out *o)
{
    return o->n >= o->size;
}

/* Whether the text ends with these octets. */
static bool ends(const struct out *o, const char *octets)
{
    size_t n = strlen(octets);

    return o->n >= n && memcmp(o->dst + o->n - n, octets, n) == 0;
}

static void put(struct out *o, unsigned char c)
{
    /* No-break spaces, which French puts before a colon, arrive an octet at a time. */
    if (c == 0xa0 && ends(o, "\xc2")) {
        o->n -= 1;
        c = ' ';
    } else if (c == 0xaf && ends(o, "\xe2\x80")) {
        o->n -= 2;
        c = ' ';
    }
    if (c <= ' ' || c == 0x7f)
        c = ' ';
    if (full(o) || (c == ' ' && (o->n == 0 || o->dst[o->n - 1] == ' ')))
        return;
    o->dst[o->n++] = bv_lower((char)c);
}

static void put_latin1(struct out *o, unsigned char c)
{
    if (c >= 0x80) {
        put(o, (unsigned char)(0xc0 | c >> 6));
        c = (unsigned char)(0x80 | (c & 0x3f));
    }
    put(o, c);
}

/* An encoded-word: =?charset?encoding?text?= */
struct encoded {
    struct bv_str charset, text;
    char encoding;
    const char *end;
};

/* Returns false when there is none at p. */
static bool read_encoded(struct encoded *e, const char *p)
{
    if (p[0] != '=' || p[1] != '?')
        return false;
    e->charset = (struct bv_str){p + 2, strcspn(p + 2, "?" BLANKS)};
    p = e->charset.p + e->charset.n;
    if (e->charset.n == 0 || *p != '?')
        return false;
    e->encoding = bv_lower(p[1]);
    if ((e->encoding != 'b' && e->encoding != 'q') || p[2] != '?')
        return false;
    e->text = (struct bv_str){p + 3, strcspn(p + 3, "?" BLANKS)};
    p = e->text.p + e->text.n;
    e->end = p[0] == '?' && p[1] == '=' ? p + 2 : NULL;
    return e->end != NULL;
}

static int digit_in(const char *alphabet, char c)
{
    const char *digit = c != '\0' ? strchr(alphabet, c) : NULL;

    return digit != NULL ? (int)(digit - alphabet) : -1;
}

static void put_octet(struct out *o, unsigned char c, bool latin1)
{
    if (latin1)
        put_latin1(o, c);
    else
        put(o, c);
}

static void decode_q(struct out *o, struct bv_str text, bool latin1)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < text.n && !full(o); i++) {
        int high = -1, low = -1;
        if (text.p[i] == '=' && i + 2 < text.n) {
            high = digit_in(digits, bv_lower(text.p[i + 1]));
            low = digit_in(digits, bv_lower(text.p[i + 2]));
        }
        if (high >= 0 && low >= 0) {
            put_octet(o, (unsigned char)(high * 16 + low), latin1);
            i += 2;
        } else {
            put_octet(o, text.p[i] == '_' ? ' ' : (unsigned char)text.p[i], latin1);
        }
    }
}

static void decode_b(struct out *o, struct bv_str text, bool latin1)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < text.n && !full(o); i++) {
        int digit = digit_in(digits, text.p[i]);
        if (digit < 0)
            continue;
        bits = (bits << 6 | (unsigned)digit) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            put_octet(o, (unsigned char)(bits >> held), latin1);
        }
    }
}

static bool is_latin1(struct bv_str charset)
{
    static const char *const names[] = {"iso-8859-1", "iso-8859-15", "windows-1252"};
    const char *language = memchr(charset.p, '*', charset.n); /* RFC 2231 5 */

    if (language != NULL)
        charset.n = (size_t)(language - charset.p);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bv_str_same_nocase(charset, bv_str(names[i])))
            return true;
    return false;
}

size_t plain_text(char *dst, size_t size, const char *value)
{
    struct out o = {dst, 0, size};
    bool behind = false; /* an encoded-word has just ended: blanks to the next one mean nothing */

    while (*value != '\0' && !full(&o)) {
        size_t blanks = strspn(value, BLANKS);
        struct encoded e;
        value += blanks;
        bool encoded = read_encoded(&e, value);
        if (blanks > 0 && !(behind && encoded))
            put(&o, ' ');
        behind = encoded;
        if (encoded) {
            (e.encoding == 'b' ? decode_b : decode_q)(&o, e.text, is_latin1(e.charset));
            value = e.end;
        } else if (*value != '\0') {
            put(&o, (unsigned char)*value++);
        }
    }
    if (full(&o)) {
        dst[size - 1] = '\0';
        return size;
    }
    if (o.n > 0 && dst[o.n - 1] == ' ')
        o.n--;
    dst[o.n] = '\0';
    return o.n;
}

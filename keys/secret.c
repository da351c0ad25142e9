#include "keys/parts.h"

#include <string.h>

enum {
    HEX_MAX = 2 * KEYS_SECRET_MAX,
    DIFFERENT_MIN = 6 /* of 16 random hexadecimal digits, fewer are different in 1 of 20,000 cases */
};

static const char *const format_word[] = {
    [KEYS_FORMAT_TEXT] = "text",
    [KEYS_FORMAT_RAW] = "raw",
    [KEYS_FORMAT_BASE64] = "base64",
    [KEYS_FORMAT_HEX] = "hex",
};

bool keys_format_from_word(enum keys_format *out, struct bv_str word)
{
    for (size_t i = 0; i < sizeof format_word / sizeof *format_word; i++) {
        if (bv_str_same(word, bv_str(format_word[i]))) {
            *out = (enum keys_format)i;
            return true;
        }
    }
    return false;
}

static int too_long(struct keys_error *err)
{
    return keys_fail(err, "the secret has more than %d octets", KEYS_SECRET_MAX);
}

/* The one line that a text is, without its end. Returns 0, or -1 with *err filled. */
static int one_line(struct bv_str *line, struct bv_str text, struct keys_error *err)
{
    if (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n -= text.n > 1 && text.p[text.n - 2] == '\r' ? 2 : 1;
    if (memchr(text.p, '\n', text.n) != NULL || memchr(text.p, '\0', text.n) != NULL)
        return keys_fail(err, "the secret is not one line of text; should all of it count, use --format raw");
    *line = text;
    return 0;
}

/* Takes the blanks out of a text. Returns its length, or -1 when it is over HEX_MAX. */
static int squeeze(char dst[HEX_MAX], struct bv_str text)
{
    int n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\0' && strchr(" \t\r\n", text.p[i]) != NULL)
            continue;
        if (n == HEX_MAX)
            return -1;
        dst[n++] = text.p[i];
    }
    return n;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = c == '\0' ? NULL : strchr(digits, bv_lower(c));

    return p == NULL ? -1 : (int)(p - digits);
}

static int read_hex(unsigned char *dst, struct bv_str text, struct keys_error *err)
{
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_value(text.p[i]), low = i + 1 < text.n ? hex_value(text.p[i + 1]) : -1;
        if (high < 0 || low < 0)
            return keys_fail(err, "the secret is no hexadecimal text: two digits an octet, and nothing else");
        dst[i / 2] = (unsigned char)(high << 4 | low);
    }
    return (int)(text.n / 2);
}

static int read_base64(unsigned char *dst, struct bv_str text, struct keys_error *err)
{
    unsigned char bytes[KEYS_SECRET_TEXT / 4 * 3];
    size_t n = 0;

    if (text.n <= KEYS_SECRET_TEXT)
        n = keys_base64_read(bytes, sizeof bytes, text);
    if (n > 0 && n <= KEYS_SECRET_MAX)
        memcpy(dst, bytes, n);
    bv_wipe(bytes, sizeof bytes);
    if (n > KEYS_SECRET_MAX || text.n > KEYS_SECRET_TEXT)
        return too_long(err);
    if (n == 0 && text.n > 0)
        return keys_fail(err, "the secret is no base64 (RFC 4648, padded)");
    return (int)n;
}

/* Returns the length, or -1 with *err filled. */
static int read_format(unsigned char *dst, enum keys_format format, struct bv_str text, struct keys_error *err)
{
    char squeezed[HEX_MAX];
    int n = 0;

    switch (format) {
    case KEYS_FORMAT_TEXT:
        if (one_line(&text, text, err) != 0)
            return -1;
        break;
    case KEYS_FORMAT_RAW:
        break;
    case KEYS_FORMAT_BASE64:
    case KEYS_FORMAT_HEX:
        n = squeeze(squeezed, text);
        if (n < 0)
            too_long(err);
        else if (format == KEYS_FORMAT_HEX)
            n = read_hex(dst, (struct bv_str){squeezed, (size_t)n}, err);
        else
            n = read_base64(dst, (struct bv_str){squeezed, (size_t)n}, err);
        bv_wipe(squeezed, sizeof squeezed);
        return n;
    }
    if (text.n > KEYS_SECRET_MAX)
        return too_long(err);
    memcpy(dst, text.p, text.n);
    return (int)text.n;
}

size_t keys_secret_read(unsigned char dst[KEYS_SECRET_MAX], enum keys_format format, struct bv_str text,
                        struct keys_error *err)
{
    int n = read_format(dst, format, text, err);

    if (n == 0)
        keys_fail(err, "the secret is empty");
    if (n > 0)
        return (size_t)n;
    bv_wipe(dst, KEYS_SECRET_MAX);
    return 0;
}

static size_t count_different(const unsigned char *secret, size_t n)
{
    bool seen[256] = {false};
    size_t different = 0;

    for (size_t i = 0; i < n; i++) {
        different += !seen[secret[i]];
        seen[secret[i]] = true;
    }
    bv_wipe(seen, sizeof seen);
    return different;
}

/* Whether it is a piece of at most half its length, over and over; the last time may be cut short. */
static bool is_repeated(const unsigned char *secret, size_t n)
{
    for (size_t piece = 1; piece <= n / 2; piece++)
        if (memcmp(secret, secret + piece, n - piece) == 0)
            return true;
    return false;
}

/* How many octets are the one before, the next higher, or the next lower. */
static size_t count_rows(const unsigned char *secret, size_t n)
{
    size_t steps = 0;

    for (size_t i = 1; i < n; i++)
        steps += secret[i] + 1 >= secret[i - 1] && secret[i] <= secret[i - 1] + 1;
    return steps;
}

const char *keys_secret_weakness(const unsigned char *secret, size_t n)
{
    if (n < KEYS_SECRET_MIN)
        return "it has fewer than 16 octets";
    if (count_different(secret, n) < DIFFERENT_MIN)
        return "it has fewer than 6 different octets";
    if (is_repeated(secret, n))
        return "it is a shorter text, repeated";
    if (3 * count_rows(secret, n) >= 2 * n)
        return "most of it are rows like \"abcd\" or \"9876\"";
    return NULL;
}

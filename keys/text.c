#include "keys/parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int keys_fail(struct keys_error *err, const char *format, ...)
{
    va_list ap;

    err->line = err->column = err->sys = 0;
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    return -1;
}

int keys_fail_sys(struct keys_error *err, const char *what, const char *name)
{
    int sys = errno;

    keys_fail(err, "%s%s%s: %s", what, name == NULL ? "" : " ", name == NULL ? "" : name, strerror(sys));
    err->sys = sys;
    return -1;
}

int keys_fail_memory(struct keys_error *err)
{
    keys_fail(err, "out of memory");
    err->sys = ENOMEM;
    return -1;
}

void keys_hex(char *dst, const unsigned char *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *dst++ = digit[bytes[i] >> 4];
        *dst++ = digit[bytes[i] & 15];
    }
    *dst = '\0';
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
    const char *p = c == '\0' ? NULL : strchr(base64, c);

    return p == NULL ? -1 : (int)(p - base64);
}

/* Reads four characters. Returns the octets in them, 1 to 3, or 0. */
static size_t read_group(unsigned char out[3], const char *p, bool last)
{
    size_t pads = !last || p[3] != '=' ? 0 : p[2] != '=' ? 1 : 2;
    unsigned bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - pads ? base64_value(p[i]) : 0;
        if (value < 0)
            return 0;
        bits = bits << 6 | (unsigned)value;
    }
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
    /* Bits that no octet takes must be zero, else two texts would mean one secret. */
    if ((pads > 0 && out[2] != 0) || (pads > 1 && out[1] != 0))
        return 0;
    return 3 - pads;
}

size_t keys_base64_read(unsigned char *dst, size_t size, struct bv_str text)
{
    unsigned char out[3] = {0};
    size_t n = 0;

    for (size_t i = 0; i + 4 <= text.n; i += 4) {
        size_t got = read_group(out, text.p + i, i + 4 == text.n);
        if (got == 0 || got > size - n) {
            bv_wipe(dst, n);
            n = 0;
            break;
        }
        memcpy(dst + n, out, got);
        n += got;
    }
    bv_wipe(out, sizeof out);
    if (text.n % 4 == 0)
        return n;
    bv_wipe(dst, n);
    return 0;
}

void keys_base64_write(char *dst, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        unsigned bits = (unsigned)bytes[i] << 16;

        if (have > 1)
            bits |= (unsigned)bytes[i + 1] << 8;
        if (have > 2)
            bits |= bytes[i + 2];
        *dst++ = base64[bits >> 18];
        *dst++ = base64[bits >> 12 & 63];
        *dst++ = '=';
        *dst++ = '=';
        if (have > 1)
            dst[-2] = base64[bits >> 6 & 63];
        if (have > 2)
            dst[-1] = base64[bits & 63];
    }
    *dst = '\0';
}

bool keys_text_clean(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return false;
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            return false;
    }
    return true;
}

void keys_json_free(char *text, size_t n)
{
    if (text != NULL)
        bv_wipe(text, n);
    free(text);
}

#include "tools/report_line.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes the \xHH of log lines. */
static size_t unclean(char *dst, size_t size, struct bv_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < size; i++) {
        if (i + 3 < s.n && s.p[i] == '\\' && s.p[i + 1] == 'x' && hex(s.p[i + 2]) >= 0 &&
            hex(s.p[i + 3]) >= 0) {
            dst[n++] = (char)(hex(s.p[i + 2]) << 4 | hex(s.p[i + 3]));
            i += 3;
        } else {
            dst[n++] = s.p[i];
        }
    }
    return n;
}

size_t report_clean(char *dst, size_t size, struct bv_str s)
{
    static const char digit[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = c >= ' ' && c < 0x7f;
        if (n + (plain ? 1 : 4) >= size) {
            memset(dst + (n > 3 ? n - 3 : 0), '.', n > 3 ? 3 : n);
            break;
        }
        if (plain) {
            dst[n++] = (char)c;
        } else {
            dst[n++] = '\\';
            dst[n++] = 'x';
            dst[n++] = digit[c >> 4];
            dst[n++] = digit[c & 15];
        }
    }
    dst[n] = '\0';
    return n;
}

static void clean_folded(char dst[REPORT_TEXT], struct bv_str s)
{
    char lower[BV_ADDR_QUOTED];
    size_t n = s.n < sizeof lower ? s.n : sizeof lower;

    for (size_t i = 0; i < n; i++)
        lower[i] = bv_lower(s.p[i]);
    report_clean(dst, REPORT_TEXT, (struct bv_str){lower, n});
}

void report_address_read(struct report_address *out, struct bv_str cleaned)
{
    char text[BV_ADDR_TEXT], plain[BV_ADDR_QUOTED];
    struct bv_addr addr;
    struct bv_tag tag;
    size_t n = unclean(text, sizeof text, cleaned);

    bv_addr_read(&addr, (struct bv_str){text, n});
    struct bv_str domain = bv_addr_domain(&addr), local = bv_addr_local(&addr);
    if (addr.shape != BV_MAILBOX)
        domain.n = 0;
    clean_folded(out->domain, domain.n > 0 ? domain : bv_str("(none)"));
    if (addr.shape != BV_MAILBOX) {
        clean_folded(out->address, cleaned);
        return;
    }
    bv_tag_read(&tag, &addr);
    if (tag.kind == BV_TAG_PRVS)
        local = tag.local;
    n = bv_addr_write(plain, sizeof plain, local, domain);
    clean_folded(out->address, n > 0 ? (struct bv_str){plain, n} : cleaned);
}

void report_network(char dst[REPORT_TEXT], struct bv_str client)
{
    static const char width[] = "/48";
    const char *dot = client.n > 0 ? memrchr(client.p, '.', client.n) : NULL;
    char text[NET_TEXT];
    unsigned char ip[16];

    report_clean(dst, REPORT_TEXT, client);
    if (client.n >= sizeof text || (dot == NULL && memchr(client.p, ':', client.n) == NULL))
        return;
    if (dot != NULL && memchr(client.p, ':', client.n) == NULL) {
        snprintf(dst, REPORT_TEXT, "%.*s.0/24", (int)(dot - client.p), client.p);
        return;
    }
    memcpy(text, client.p, client.n);
    text[client.n] = '\0';
    if (inet_pton(AF_INET6, text, ip) != 1)
        return;
    memset(ip + 6, 0, sizeof ip - 6);
    if (inet_ntop(AF_INET6, ip, dst, REPORT_TEXT) != NULL)
        strcat(dst, width);
}

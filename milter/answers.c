#include "milter/answers.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63, NAME_TEXT = 253, ESCAPED = 4 };

void answers_begin(struct guard_facts *out)
{
    *out = (struct guard_facts){.mx = GUARD_DNS_FAILED, .ttl = UINT32_MAX};
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Appends an octet of a label: what no host name has as "\DDD", RFC 4343 2.1. Returns false when it does not fit. */
static bool put_octet(char *dst, size_t *used, unsigned char octet)
{
    char c = bv_lower((char)octet);
    size_t n = is_plain(c) ? 1 : ESCAPED;

    if (*used + n > BV_DOMAIN_MAX)
        return false;
    if (n == 1) {
        dst[(*used)++] = c;
        return true;
    }
    dst[(*used)++] = '\\';
    for (unsigned unit = 100; unit > 0; unit /= 10)
        dst[(*used)++] = (char)('0' + octet / unit % 10);
    return true;
}

static bool put_label(char *dst, size_t *used, const char *label, size_t n)
{
    if (*used == BV_DOMAIN_MAX)
        return false;
    if (*used > 0)
        dst[(*used)++] = '.';
    for (size_t i = 0; i < n; i++)
        if (!put_octet(dst, used, (unsigned char)label[i]))
            return false;
    return true;
}

/* A label of a domain as a client types it. */
static bool is_label(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] > 127)
            return false; /* the name that is meant is an A-label, RFC 5890 2.3.2.1 */
    return n > 0 && n <= LABEL_MAX;
}

bool answers_name(char *dst, struct bv_str domain)
{
    size_t used = 0, n;

    dst[0] = '\0';
    if (domain.n > 0 && domain.p[domain.n - 1] == '.')
        domain.n--;
    if (domain.n == 0 || domain.n > NAME_TEXT)
        return false;
    for (const char *p = domain.p, *end = p + domain.n; p <= end; p += n + 1) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        n = (size_t)((dot != NULL ? dot : end) - p);
        if (!is_label(p, n) || !put_label(dst, &used, p, n)) {
            dst[0] = '\0';
            return false;
        }
    }
    dst[used] = '\0';
    return true;
}

/* A name in wire form, RFC 1035 3.1, uncompressed. */
static bool read_wire(char *dst, const unsigned char *p, size_t n)
{
    size_t used = 0;

    for (size_t at = 0; at < n; at += 1U + p[at]) {
        if (p[at] == 0) {
            dst[used] = '\0';
            return at + 1 == n;
        }
        if (p[at] > LABEL_MAX || p[at] >= n - at || !put_label(dst, &used, (const char *)p + at + 1, p[at]))
            return false;
    }
    return false;
}

void answers_ttl(struct guard_facts *f, int64_t ttl)
{
    if (ttl < (int64_t)f->ttl)
        f->ttl = ttl > 0 ? (uint32_t)ttl : 0;
}

void answers_implicit(struct guard_facts *f, const char *name)
{
    f->mx = GUARD_DNS_NONE;
    f->implicit = true;
    f->n = 1;
    memcpy(f->host[0].name, name, strlen(name) + 1);
}

static void read_mx(struct guard_host *out, const unsigned char *rdata, size_t n)
{
    enum { PREFERENCE = 2 };

    *out = (struct guard_host){.preference = n >= PREFERENCE ? rdata[0] * 256U + rdata[1] : 0};
    if (n > PREFERENCE && read_wire(out->name, rdata + PREFERENCE, n - PREFERENCE))
        return;
    memcpy(out->name, "?", sizeof "?");
    out->some_failed = true;
}

static bool is_better(const struct guard_host *a, const struct guard_host *b)
{
    return a->preference != b->preference ? a->preference < b->preference : strcmp(a->name, b->name) < 0;
}

void answers_mx(struct guard_facts *f, const void *rdata, size_t n)
{
    struct guard_host host;
    size_t at = f->n;

    f->mx = GUARD_DNS_OK;
    read_mx(&host, rdata, n);
    while (at > 0 && is_better(&host, &f->host[at - 1]))
        at--;
    if (f->n == GUARD_HOSTS)
        f->more = true;
    else
        f->n++;
    if (at == f->n)
        return;
    memmove(&f->host[at + 1], &f->host[at], (f->n - 1 - at) * sizeof host);
    f->host[at] = host;
}

bool answers_askable(const struct guard_host *h)
{
    return h->name[0] != '\0' && !h->some_failed;
}

void answers_address(struct guard_facts *f, size_t host, const void *rdata, size_t n)
{
    enum { V4 = 4 };
    struct guard_host *h = &f->host[host];

    if (n != V4 && n != NET_OCTETS)
        h->some_failed = true;
    else if (h->n == GUARD_ADDRESSES)
        f->more = true;
    else if (n == V4)
        net_addr_v4(&h->address[h->n++], rdata);
    else
        net_addr_v6(&h->address[h->n++], rdata);
}

void answers_failed(struct guard_facts *f, size_t host)
{
    f->host[host].some_failed = true;
}

void answers_text(struct answers_texts *t, const void *rdata, size_t n)
{
    const unsigned char *p = rdata;
    size_t used = 0;

    if (t->n == ANSWERS_TEXTS)
        return;
    char *dst = t->text[t->n++];
    for (size_t at = 0; at < n; at += 1U + p[at])
        for (size_t i = at + 1; i <= at + p[at] && i < n && used < ANSWERS_TEXT - 1; i++)
            dst[used++] = (char)p[i];
    dst[used] = '\0';
}

static int compare_addresses(const void *a, const void *b)
{
    const struct net_addr *left = a, *right = b;

    return memcmp(left->ip, right->ip, NET_OCTETS);
}

void answers_end(struct guard_facts *f)
{
    if (f->ttl == UINT32_MAX)
        f->ttl = 0; /* there was no answer at all */
    for (size_t i = 0; i < f->n; i++) {
        struct guard_host *h = &f->host[i];
        if (h->n > 0)
            h->dns = GUARD_DNS_OK;
        else
            h->dns = h->some_failed ? GUARD_DNS_FAILED : GUARD_DNS_NONE;
        qsort(h->address, h->n, sizeof h->address[0], compare_addresses);
    }
}

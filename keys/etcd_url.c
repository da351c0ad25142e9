#include "keys/etcd_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keys/parts.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define SHOULD  "; it should be like etcd://gw1.example.com:2379/bv/keyring"

static int refuse(struct keys_error *err, const char *why)
{
    keys_fail(err, "%s", why);
    err->sys = EINVAL;
    return -1;
}

/* Reads ":2379", or nothing. Returns the port, 0 when it is none. */
static unsigned read_port(struct bv_str text)
{
    unsigned port = 0;

    if (text.n == 0)
        return ETCD_PORT;
    if (text.n < 2 || text.n > 6 || text.p[0] != ':')
        return 0;
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return 0;
        port = port * 10 + (unsigned)(text.p[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

/* How long the name or the address at the beginning of a text is; 0: there is none. */
static size_t host_length(struct bv_str text)
{
    static const char name[] = LETTERS DIGITS ".-_", address[] = DIGITS "abcdefABCDEF:.";
    size_t n;

    if (text.n > 0 && text.p[0] == '[') {
        n = 1 + strspn(text.p + 1, address);
        return n > 2 && n < text.n && text.p[n] == ']' ? n + 1 : 0;
    }
    n = strspn(text.p, name);
    return n < text.n ? n : text.n;
}

static int read_host(struct etcd_url *out, struct bv_str text, struct keys_error *err)
{
    size_t n = host_length(text);
    unsigned port = read_port((struct bv_str){text.p + n, text.n - n});

    if (n == 0 || n > ETCD_HOST_MAX - sizeof ":65535" || port == 0)
        return refuse(err, "the URL has no good host and port" SHOULD);
    if (out->hosts == ETCD_HOSTS)
        return refuse(err, "the URL has more than five hosts");
    snprintf(out->host[out->hosts++], ETCD_HOST_MAX, "%.*s:%u", (int)n, text.p, port);
    return 0;
}

static int read_key(struct etcd_url *out, const char *text, struct keys_error *err)
{
    size_t n = strspn(text, LETTERS DIGITS "/._-+=:,~");

    if (text[n] != '\0')
        return refuse(err, "the key of the URL may have letters, digits and /._-+=:,~ only");
    if (n < 2 || n > ETCD_KEY_MAX)
        return refuse(err, "the URL names no key of 1 to 255 characters" SHOULD);
    memcpy(out->key, text, n + 1);
    return 0;
}

int etcd_url_read(struct etcd_url *out, const char *text, struct keys_error *err)
{
    const char *at = strstr(text, "://"), *end;
    size_t scheme = at == NULL ? 0 : (size_t)(at - text);

    memset(out, 0, sizeof *out);
    out->tls = scheme == 5 && memcmp(text, "etcds", scheme) == 0;
    if (!out->tls && (scheme != 4 || memcmp(text, "etcd", scheme) != 0))
        return refuse(err, "is no URL that begins with etcd:// or etcds://");
    at += 3;
    end = at + strcspn(at, "/");
    if (memchr(at, '@', (size_t)(end - at)) != NULL)
        return refuse(err, "user and password do not belong into the URL, where every account of the machine "
                           "sees them; set BV_ETCD_USER and BV_ETCD_PASSWORD_FILE");
    while (at <= end) {
        size_t n = strcspn(at, ",/");
        if (read_host(out, (struct bv_str){at, n}, err) != 0)
            return -1;
        at += n + 1;
    }
    return read_key(out, end, err);
}

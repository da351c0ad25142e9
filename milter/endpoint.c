#include "milter/endpoint.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool read_port(uint16_t *out, const char *text)
{
    size_t n = strlen(text);
    unsigned long port = strtoul(text, NULL, 10);

    *out = (uint16_t)port;
    return n > 0 && n <= 5 && strspn(text, "0123456789") == n && port >= 1 && port <= 65535;
}

static bool is_local(const struct endpoint *e)
{
    static const unsigned char mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, one[16] = {[15] = 1};

    if (e->family == AF_INET)
        return e->ip[0] == 127;
    return memcmp(e->ip, one, sizeof one) == 0 || memcmp(e->ip, mapped, sizeof mapped) == 0;
}

const char *endpoint_read(struct endpoint *out, const char *text)
{
    static const char wrong[] = "is no address with a port: use \"127.0.0.1:9892\" or \"[::1]:9892\"";
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2];

    memset(out, 0, sizeof *out);
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return wrong;
    size_t n = (size_t)(colon - text);
    memcpy(host, text, n);
    host[n] = '\0';
    bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed)
        host[n - 1] = '\0';
    out->family = bracketed ? AF_INET6 : AF_INET;
    if (inet_pton(out->family, host + bracketed, out->ip) != 1)
        return wrong;
    out->local = is_local(out);
    return read_port(&out->port, colon + 1) ? NULL : "has a port that is not in 1..65535";
}

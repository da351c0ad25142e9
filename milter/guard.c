#include "milter/guard.h"

#include <arpa/inet.h>
#include <string.h>

/* What the addresses of a domain come to. */
struct tally {
    bool good;
    bool failed;                     /* there may be more addresses */
    const struct bogus_entry *bogus; /* of the first bogus one; NULL: there is none */
};

static void weigh(struct tally *t, const struct bogus *bogus, const struct net_addr *a)
{
    const struct bogus_entry *found = bogus_find(bogus, a);

    if (found == NULL)
        t->good = true;
    else if (t->bogus == NULL)
        t->bogus = found;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), length = strlen(end);

    return n >= length && strcmp(name + n - length, end) == 0;
}

/* Names that are an address: some write one where a name belongs, and not every resolver knows "localhost". */
static bool read_name(struct net_addr *out, const char *name)
{
    unsigned char octets[4];
    bool local = strcmp(name, "localhost") == 0 || ends_with(name, ".localhost");

    if (inet_pton(AF_INET, local ? "127.0.0.1" : name, octets) != 1)
        return false;
    net_addr_v4(out, octets);
    return true;
}

static void weigh_host(struct tally *t, const struct bogus *bogus, const struct guard_host *host)
{
    struct net_addr named;

    if (host->name[0] == '\0')
        return;
    if (read_name(&named, host->name)) {
        weigh(t, bogus, &named);
        return;
    }
    t->failed = t->failed || host->some_failed || host->dns == GUARD_DNS_FAILED;
    for (size_t i = 0; i < host->n; i++)
        weigh(t, bogus, &host->address[i]);
}

static bool is_null_mx(const struct guard_facts *facts)
{
    return facts->mx == GUARD_DNS_OK && facts->n == 1 && !facts->more && facts->host[0].preference == 0 &&
           facts->host[0].name[0] == '\0';
}

static uint32_t clamp(uint32_t ttl)
{
    if (ttl < GUARD_TTL_MIN)
        return GUARD_TTL_MIN;
    return ttl < GUARD_TTL_MAX ? ttl : GUARD_TTL_MAX;
}

static void put_bogus(struct guard_verdict *out, const struct bogus_entry *found)
{
    out->result = GUARD_BOGUS_MX;
    out->sentence = found->sentence;
    memcpy(out->kind, found->kind, sizeof out->kind);
}

void guard_judge(struct guard_verdict *out, const struct guard_facts *facts, const struct bogus *bogus,
                 bool any)
{
    struct tally t = {.failed = facts->mx == GUARD_DNS_FAILED};

    *out = (struct guard_verdict){.result = GUARD_UNKNOWN, .ttl = clamp(facts->ttl)};
    for (size_t i = 0; i < facts->n; i++)
        weigh_host(&t, bogus, &facts->host[i]);
    if (is_null_mx(facts))
        out->result = GUARD_NULL_MX;
    else if (t.bogus != NULL && (any || !(t.good || t.failed || facts->more)))
        put_bogus(out, t.bogus);
    else if (t.good && !(any && t.failed))
        out->result = GUARD_FINE;
    else if (t.failed)
        out->ttl = GUARD_TTL_FAILED;
}

static bool read_literal(struct net_addr *out, struct bv_str domain)
{
    static const char tag[] = "ipv6:";
    enum { TAG = sizeof tag - 1 };
    unsigned char octets[NET_OCTETS];
    char text[NET_TEXT];

    if (domain.n < 2 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
        return false;
    struct bv_str inside = {domain.p + 1, domain.n - 2};
    bool v6 = inside.n > TAG && bv_str_same_nocase((struct bv_str){inside.p, TAG}, bv_str(tag));
    if (v6)
        inside = (struct bv_str){inside.p + TAG, inside.n - TAG};
    if (inside.n >= sizeof text || memchr(inside.p, '\0', inside.n) != NULL)
        return false;
    memcpy(text, inside.p, inside.n);
    text[inside.n] = '\0';
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, octets) != 1)
        return false;
    if (v6)
        net_addr_v6(out, octets);
    else
        net_addr_v4(out, octets);
    return true;
}

bool guard_literal(struct guard_verdict *out, struct bv_str domain, const struct bogus *bogus)
{
    struct net_addr address;

    *out = (struct guard_verdict){.result = GUARD_UNKNOWN, .ttl = GUARD_TTL_MAX};
    if (!read_literal(&address, domain))
        return false;
    const struct bogus_entry *found = bogus_find(bogus, &address);
    if (found != NULL)
        put_bogus(out, found);
    else
        out->result = GUARD_FINE;
    return true;
}

const char *guard_word(enum guard_result result)
{
    switch (result) {
    case GUARD_FINE:
        return "fine";
    case GUARD_NULL_MX:
        return "null-mx";
    case GUARD_BOGUS_MX:
        return "bogus-mx";
    case GUARD_UNKNOWN:
        break;
    }
    return "unknown";
}

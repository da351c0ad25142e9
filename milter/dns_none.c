#include "milter/dns.h"

struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems)
{
    (void)servers;
    (void)trust_anchor;
    problems_add(
        problems, path, line,
        "this bvmilter was built without libunbound: the MX guard must be off and mx_guard_trust_anchor "
        "empty, or bvmilter be built again where libunbound-dev is installed");
    return NULL;
}

bool dns_system_works(void)
{
    return true;
}

void dns_free(struct dns *d)
{
    (void)d;
}

bool dns_is_broken(const struct dns *d)
{
    (void)d;
    return false;
}

void dns_mail_hosts(struct guard_facts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    (void)d;
    (void)domain;
    (void)patience_ms;
    *out = (struct guard_facts){.mx = GUARD_DNS_FAILED};
}

void dns_text(struct answers_texts *out, struct dns *d, struct bv_str domain, int patience_ms)
{
    (void)d;
    (void)domain;
    (void)patience_ms;
    *out = (struct answers_texts){.dns = GUARD_DNS_FAILED};
}

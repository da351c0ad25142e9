/*
 * guard - whether mail to a domain could ever be delivered, or returned: what
 * the DNS says of its mail exchangers, into a verdict.  Pure; no DNS, no clock.
 */
#ifndef MILTER_GUARD_H
#define MILTER_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/bogus.h"
#include "milter/net.h"

enum {
    GUARD_HOSTS = 20,     /* mail exchangers that are looked at, best first */
    GUARD_ADDRESSES = 32, /* of each */
    GUARD_TTL_MIN = 30,   /* seconds that a decision is kept at least, */
    GUARD_TTL_MAX = 1800, /* and at most */
    GUARD_TTL_FAILED = 15 /* that a failure is */
};

/* The outcome of one question to the DNS. */
enum guard_dns {
    GUARD_DNS_OK = 0, /* there is an answer */
    GUARD_DNS_NONE,   /* the name, or this type of it, does not exist */
    GUARD_DNS_FAILED  /* timeout, SERVFAIL, bogus DNSSEC: nothing is known */
};

struct guard_host {
    char name[BV_DOMAIN_MAX + 1]; /* target, lower case, no dot at the end; "" is the root */
    unsigned preference;
    enum guard_dns dns; /* of its addresses: OK when there are some, FAILED when none has come */
    bool some_failed;   /* a question for A or AAAA failed */
    size_t n;
    struct net_addr address[GUARD_ADDRESSES];
};

/* All that the DNS said of a domain. */
struct guard_facts {
    enum guard_dns mx; /* OK: hosts are the exchangers; NONE: one host, the domain itself, RFC 5321 5.1 */
    bool implicit;     /* the host is the domain itself, for want of an MX */
    bool more;         /* there were more hosts or addresses than fit */
    uint32_t ttl;      /* the least of all answers, seconds */
    size_t n;
    struct guard_host host[GUARD_HOSTS];
};

enum guard_result {
    GUARD_FINE = 0,
    GUARD_NULL_MX, /* RFC 7505: exactly one MX, preference 0, target "." */
    GUARD_BOGUS_MX,
    GUARD_UNKNOWN /* the DNS failed, or no address is known: never a reason to refuse */
};

struct guard_verdict {
    enum guard_result result;
    char kind[BOGUS_KIND]; /* with GUARD_BOGUS_MX: that of the best host; else "" */
    bool sentence;         /* the kind is a reply as it stands */
    uint32_t ttl;          /* seconds that it may be kept: GUARD_TTL_FAILED, or GUARD_TTL_MIN..GUARD_TTL_MAX */
};

/*
 * Judges.  `any`: one bogus address is enough; else all must be, and every host
 * must have been looked at: what failed or did not fit might be a good one.
 * Targets "." count as no host, those that do not exist neither.  A host named
 * "127.0.0.1" is that address, "localhost" and all below it 127.0.0.1 (RFC 6761
 * 6.3), whatever the DNS said of them.
 */
void guard_judge(struct guard_verdict *out, const struct guard_facts *facts, const struct bogus *bogus,
                 bool any);

/*
 * Judges a domain that is an address literal: "[192.0.2.1]", "[IPv6:2001:db8::1]".
 * Returns false, and GUARD_UNKNOWN, for what cannot be read as one.
 */
bool guard_literal(struct guard_verdict *out, struct bv_str domain, const struct bogus *bogus);

const char *guard_word(enum guard_result result); /* "fine", "null-mx", "bogus-mx", "unknown" */

#endif

/*
 * answers - records of the DNS into the facts that the guard judges.  Pure: no
 * questions, no clock.
 */
#ifndef MILTER_ANSWERS_H
#define MILTER_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/guard.h"

enum { ANSWERS_TEXTS = 32, ANSWERS_TEXT = 256 };

/* Nothing is known: the MX has failed, there is no host. */
void answers_begin(struct guard_facts *out);

/*
 * The text that a domain is asked by, as guard_host.name is written, to
 * dst[BV_DOMAIN_MAX + 1].  Returns false, dst then empty, for what can be no
 * name: empty, too long, an empty label, an octet over 127.
 */
bool answers_name(char *dst, struct bv_str domain);

/* The TTL of an answer, seconds; the least counts. */
void answers_ttl(struct guard_facts *f, int64_t ttl);

/* There is no MX: the domain itself is the host, by the name from answers_name(). */
void answers_implicit(struct guard_facts *f, const char *name);

/*
 * Takes an MX record, RDATA with the target in wire form, RFC 1035 3.3.9.  The
 * best GUARD_HOSTS are kept, by preference, then by name.  A target that cannot
 * be read becomes a host "?" that has failed.
 */
void answers_mx(struct guard_facts *f, const void *rdata, size_t n);

/* Whether a host's addresses are to be asked for: it is not the root, and has not failed yet. */
bool answers_askable(const struct guard_host *h);

/* Takes an A or AAAA record of host number `host`: 4 or 16 octets; else its question has failed. */
void answers_address(struct guard_facts *f, size_t host, const void *rdata, size_t n);
void answers_failed(struct guard_facts *f, size_t host);

/* TXT records of a name. */
struct answers_texts {
    enum guard_dns dns;
    size_t n;
    char text[ANSWERS_TEXTS][ANSWERS_TEXT]; /* cut to fit, without NULs and what follows them */
};

/* Takes a TXT record: its strings as one text, RFC 7208 3.3.  Of very many the first are kept. */
void answers_text(struct answers_texts *t, const void *rdata, size_t n);

/* To be called last: fills what follows from the rest, and sorts addresses, so that the same answers are the same facts. */
void answers_end(struct guard_facts *f);

#endif

/*
 * dns - what the DNS says of a domain's mail exchangers.  dns.c is the only file
 * that knows libunbound; dns_none.c stands in where that is missing.  Never the
 * hosts file.  One resolver and one cache for the process; any number of
 * threads may ask at once.
 */
#ifndef MILTER_DNS_H
#define MILTER_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/answers.h"
#include "milter/guard.h"
#include "milter/problems.h"

struct dns;

/*
 * Makes a resolver.  `servers` (NULL-terminated, "ADDRESS" or "ADDRESS@PORT";
 * NULL or empty: those of /etc/resolv.conf, which is read now and not again):
 * who is asked.  Answers are held to DNSSEC when `trust_anchor` names a file of
 * DS or DNSKEY records, else taken as they come.  NULL, with *problems filled
 * (at path:line), when that fails or the program was built without libunbound.
 * Asks nothing yet.  Starts a thread, which a fork does not copy: to be called
 * after the last fork, with all signals blocked.
 */
struct dns *dns_new(char *const *servers, const char *trust_anchor, const char *path, int line,
                    struct problems *problems);
/* Whether the servers of /etc/resolv.conf can be asked: the file may come after us, or have a bad line for a while. */
bool dns_system_works(void);
void dns_free(struct dns *d); /* waits for those who ask; NULL is legal */

/* Whether the library has failed for good: what is asked from now on fails at once. */
bool dns_is_broken(const struct dns *d);

/*
 * Asks for MX, A and AAAA of a domain, at most for `patience_ms` in total; what
 * has not come by then has failed.  Fills *out always.  A domain that can be no
 * name (empty, too long, not ASCII) has failed at once.
 */
void dns_mail_hosts(struct guard_facts *out, struct dns *d, struct bv_str domain, int patience_ms);
/* The same for the TXT records of a domain. */
void dns_text(struct answers_texts *out, struct dns *d, struct bv_str domain, int patience_ms);

#endif

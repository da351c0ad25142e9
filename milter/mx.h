/*
 * mx - the MX guard at work: verdicts on domains, from what is remembered or
 * from the DNS.  Any number of threads may ask at once.
 */
#ifndef MILTER_MX_H
#define MILTER_MX_H

#include "milter/conf.h"
#include "milter/guard.h"
#include "milter/problems.h"

struct mx;

/*
 * Settings must live as long.  With a guard switched on, the resolver is made
 * now, else with the first question.  NULL, with *problems filled, when that fails.
 */
struct mx *mx_new(const struct conf *conf, struct problems *problems);
void mx_free(struct mx *m); /* NULL is legal; nobody may be asking */

/*
 * The verdict on a domain or address literal.  Waits for the DNS at most for
 * the configured time; GUARD_UNKNOWN when it has not answered by then, or too
 * many wait already.
 */
void mx_ask(struct guard_verdict *out, struct mx *m, struct bv_str domain);
/* The same without waiting; false: it would have to. */
bool mx_ask_now(struct guard_verdict *out, struct mx *m, struct bv_str domain);

#endif

/*
 * policy_parts - what policy.c (senders) and bounce.c (recipients) share.
 */
#ifndef MILTER_POLICY_PARTS_H
#define MILTER_POLICY_PARTS_H

#include "milter/policy.h"

void policy_clear(struct decision *out);                         /* nothing decided */
void policy_fault(struct decision *out, const struct policy *p); /* on_fault decides */

#endif

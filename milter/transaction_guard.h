/*
 * transaction_guard - the MX guard's part of a transaction: asks, which may
 * take a while, and decides.
 */
#ifndef MILTER_TRANSACTION_GUARD_H
#define MILTER_TRANSACTION_GUARD_H

#include "milter/transaction.h"

/*
 * Looks at the domain of a recipient, or once in a message from outside at the
 * sender's.  Returns whether there is something to say: then *out is to be
 * logged, and to be answered unless at_end.  A header that marks is kept for
 * the end of the message.  Borrows from the message.
 */
bool transaction_guard(struct decision *out, struct transaction *t, const char *rcpt);

#endif

/*
 * session - the daemon's side of libmilter: the only file that says smfi_.
 * Translates callbacks into calls of the policy, and decisions into replies and
 * changes.  Settings come from the snapshot in place, which must be installed
 * before session_run().
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens the listening socket, "unix:..." or "inet:..."; the text must stay.  over_tcp: DATA is taken
 * and answered, or the MTA's delayed acknowledgements stall every message by
 * 40 ms.  Returns 0, or -1 with the reason in why.
 */
int session_open(char *listen, bool over_tcp, char *why, size_t size);

/* Serves for ever; returns only when libmilter gives up. */
void session_run(void);

#endif

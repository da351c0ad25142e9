/*
 * brake - the daemon's own storm watch: one for all sessions.  While a storm of
 * invalid bounces lasts, untagged ones of the clients that bring it are judged
 * at RCPT.  Thread-safe; logs the begin and the end of a storm.
 */
#ifndef MILTER_BRAKE_H
#define MILTER_BRAKE_H

#include <stdbool.h>

#include "milter/net.h"
#include "milter/storm.h"

/* Counts an invalid bounce from a client. */
void brake_note(const struct storm_limits *limits, const struct net_addr *client);

/*
 * Whether there is a storm, and the client has a part in it: one stranger must
 * not have the replies of others refused.  Costs next to nothing without a storm.
 */
bool brake_storm(const struct net_addr *client);

bool brake_is_on(void); /* whether there is a storm at all */

/* Lets a storm end that is over; to be called every few seconds. */
void brake_tick(const struct storm_limits *limits);

#endif

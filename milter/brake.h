/*
 * brake - the daemon's own storm watch: one for all sessions.  While a storm of
 * invalid bounces lasts, untagged ones are judged at RCPT.  Thread-safe; logs
 * the begin and the end of a storm.
 */
#ifndef MILTER_BRAKE_H
#define MILTER_BRAKE_H

#include <stdbool.h>

#include "milter/net.h"
#include "milter/storm.h"

/* Counts an invalid bounce from a client. */
void brake_note(const struct storm_limits *limits, const struct net_addr *client);

/* Whether there is a storm; costs next to nothing. */
bool brake_storm(void);

/* Lets a storm end that is over; to be called every few seconds. */
void brake_tick(const struct storm_limits *limits);

#endif

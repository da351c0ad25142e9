/*
 * metrics - numbers for a monitoring system, and a status page, over HTTP from
 * a thread of its own.  Read only; tells of no addresses and no secrets.
 */
#ifndef MILTER_METRICS_H
#define MILTER_METRICS_H

#include "milter/conf.h"
#include "milter/problems.h"

/* Whether conf->metrics_listen can be served, as far as that can be told while it may be in use. Returns 0, or -1. */
int metrics_check(const struct conf *conf, struct problems *problems);

/*
 * Opens the socket that conf->metrics_listen names; nothing when it is empty.
 * Returns 0, or -1 with *problems filled.  To be called before root is given up.
 */
int metrics_open(const struct conf *conf, struct problems *problems);

/* Starts the thread, if a socket is open; log and snapshot must be in place. Returns 0, or -1. */
int metrics_start(void);

/* Ends the thread; what is being answered is cut off. */
void metrics_stop(void);

#endif

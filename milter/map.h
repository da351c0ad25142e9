/*
 * map - the map service: answers the MTA's socketmap questions from a thread of
 * its own, on a socket of its own.  Map "untag": a tagged address of ours that
 * verifies becomes the original.  Map "mx": an address, or a domain, to which
 * mail could never be delivered becomes "error:5.4.6 TEXT".  Everything else is
 * not found.
 */
#ifndef MILTER_MAP_H
#define MILTER_MAP_H

#include "milter/conf.h"
#include "milter/problems.h"

/* Whether conf->map_listen can be opened, as far as that can be told while it may be in use. Returns 0, or -1. */
int map_check(const struct conf *conf, struct problems *problems);

/*
 * Opens the socket that conf->map_listen names; nothing when it is empty.  An
 * address that is taken is a problem when the setting is in the file; when it
 * is only the default, map_start() says so in the log, and the daemon does
 * without the service.  Returns 0, or -1 with *problems filled.  To be called
 * before root is given up.
 */
int map_open(const struct conf *conf, struct problems *problems);

/* Starts the thread, if a socket is open; log and snapshot must be in place. Returns 0, or -1. */
int map_start(void);

/* Takes the socket file away; connections are left to the end of the process. */
void map_stop(void);

#endif

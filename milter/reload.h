/*
 * reload - signals: HUP and USR1 read everything anew, TERM and INT stop.  All
 * of them belong to two threads of ours, which begin here; libmilter's own is
 * parked.
 */
#ifndef MILTER_RELOAD_H
#define MILTER_RELOAD_H

#include "milter/conf.h"

/*
 * HUP and USR1 that come from now on wait for the threads to come; a reader that
 * has gone, and a file at its limit of size, are errors of write() alone.
 */
void reload_hold_signals(void);
/* The same for TERM and INT, which would end the process so far. Call it before any other thread begins. */
void reload_block_signals(void);

/*
 * Begins the threads.  conf is what the daemon has been started with; both stay
 * the caller's, and must stay.  Returns 0, or -1.
 */
int reload_start(const char *conf_path, const struct conf *conf);

#endif

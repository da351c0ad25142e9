/*
 * reload - signals: HUP and USR1 read everything anew, TERM and INT stop.  All
 * of them belong to two threads of ours, which begin here; libmilter's own is
 * parked.
 */
#ifndef MILTER_RELOAD_H
#define MILTER_RELOAD_H

#include "milter/conf.h"

/* Keeps the signals for the threads to come. Call it before any other thread begins. */
void reload_block_signals(void);

/*
 * Begins the threads.  conf is what the daemon has been started with; both stay
 * the caller's, and must stay.  Returns 0, or -1.
 */
int reload_start(const char *conf_path, const struct conf *conf);

#endif

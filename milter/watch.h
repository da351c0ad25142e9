/*
 * watch - follows the key file: a change by rename, in place, or by a swapped
 * link is in use within two ticks, on any file system; what is bad is logged
 * once and the ring in use stays.  Called by one thread only.
 */
#ifndef MILTER_WATCH_H
#define MILTER_WATCH_H

enum { WATCH_TICK_SECONDS = 2 };

/* The ring in use is the file's, as of now: call it after every snapshot_install(). Logs the ring. */
void watch_begin(void);

/* Looks at the file, and at which key signs. Call it every WATCH_TICK_SECONDS. */
void watch_tick(void);

#endif

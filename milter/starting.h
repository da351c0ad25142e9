/*
 * starting - starts threads for libmilter, to which the dynamic linker gives
 * pthread_create() of ours: where there is none to be had for a session, the
 * session waits until there is one; where a callback is to wait for others,
 * another thread takes its place.
 */
#ifndef MILTER_STARTING_H
#define MILTER_STARTING_H

/* Begins the thread that starts those that have to wait. Returns 0, or -1. */
int starting_open(void);

/* Call it right before libmilter takes over this thread. */
void starting_for_libmilter(void);

/* Call it in a callback that is about to wait; with no thread to be had, sessions may have to wait too. */
void starting_stand_in(void);

#endif

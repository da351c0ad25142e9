/*
 * starting - starts threads for libmilter, to which the dynamic linker gives
 * pthread_create() of ours: where there is none to be had for a session, the
 * session waits until there is one.
 */
#ifndef MILTER_STARTING_H
#define MILTER_STARTING_H

/* Begins the thread that starts those that have to wait. Returns 0, or -1. */
int starting_open(void);

/* Call it right before libmilter takes over this thread. */
void starting_for_libmilter(void);

#endif

/*
 * limits - how many sessions the daemon takes, and the descriptors that they
 * need.
 */
#ifndef MILTER_LIMITS_H
#define MILTER_LIMITS_H

#include "milter/conf.h"

/* Raises the limit of descriptors as far as it goes: every session needs one. */
void limits_raise(void);

/* Sessions at once: max_sessions, or four fifths of the descriptors. */
long limits_sessions(const struct conf *conf);

/* Logs that a session was refused, once a minute at most. Thread-safe. */
void limits_complain(long most);

#endif

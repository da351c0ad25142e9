/*
 * drain - what the daemon is in the middle of, so that it can end between two
 * messages instead of in one.  Thread-safe.
 */
#ifndef MILTER_DRAIN_H
#define MILTER_DRAIN_H

#include <stdbool.h>

/* Whether an answer may begin; if so, drain_leave() must follow. */
bool drain_enter(void);
void drain_leave(void);

/*
 * Whether a connection may be taken; if so, drain_accept_end() must follow, and
 * the process does not end before the connection has had time to say something.
 */
bool drain_accept_begin(void);
void drain_accept_end(bool taken);

/* A session of an MTA, from negotiation to close. Returns how many there are now, this one among them. */
long drain_session_begin(void);
void drain_session_end(void);
long drain_sessions(void);

/* A message, from MAIL to its end. */
void drain_message_begin(void);
void drain_message_end(void);

/* From now on new connections are left to the next process. */
void drain_begin(void);
bool drain_has_begun(void);

/*
 * Whether the process may end without hurting a message: no connection was
 * taken just now, and no session is open, or none has a message under way and
 * none has said anything for a while.
 */
bool drain_is_quiet(void);

/*
 * From now on nothing begins.  Returns whether no answer is being made any
 * more; to be called again and again.
 */
bool drain_stop(void);

#endif

/*
 * listen - the milter socket, and the daemon's rights: root is given up.
 * Called before the first session, from one thread.
 */
#ifndef MILTER_LISTEN_H
#define MILTER_LISTEN_H

#include <stdbool.h>

#include "milter/conf.h"
#include "milter/problems.h"

/* What can be known of sockets, group and user beforehand. Returns 0, or -1 with *problems filled. */
int listen_check(const struct conf *conf, struct problems *problems);

/* Notes a socket that a service manager passed to this process. Call it before a fork: the manager knows one process only. */
void listen_find_passed(void);

/* Opens the socket that conf names, or takes the one that a service manager passed. Returns 0, or -1 with *problems filled. */
int listen_open(const struct conf *conf, struct problems *problems);

/* Becomes conf->user for good, when started as root and one is named. Returns 0, or -1 with *problems filled. */
int listen_give_up_root(const struct conf *conf, struct problems *problems);

/* Removes the socket file, if it is still the one that was opened and the directory lets us. */
void listen_remove(void);

/* Whether a socket's name means this host only, as far as it tells. */
bool listen_is_local(const char *listen);

#endif

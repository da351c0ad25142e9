/*
 * listen - the milter socket and the daemon's rights: a stale socket file is
 * cleared away, a live one never; group and mode are set; root is given up.
 * Called before the first session, from one thread.
 */
#ifndef MILTER_LISTEN_H
#define MILTER_LISTEN_H

#include "milter/conf.h"
#include "milter/problems.h"

/* What can be known of socket, group and user without opening anything. Returns 0, or -1 with *problems filled. */
int listen_check(const struct conf *conf, struct problems *problems);

/* Opens the socket that conf names. Returns 0, or -1 with *problems filled. */
int listen_open(const struct conf *conf, struct problems *problems);

/* Becomes conf->user for good, when started as root and one is named. Returns 0, or -1 with *problems filled. */
int listen_give_up_root(const struct conf *conf, struct problems *problems);

/* Removes the socket file, if it is still the one that was opened and the directory lets us. */
void listen_remove(const char *listen);

#endif

/*
 * map_parts - what the files of the map service share; private to them.  All
 * but the opening of sockets happens in the service's one thread.
 */
#ifndef MILTER_MAP_PARTS_H
#define MILTER_MAP_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/conf.h"
#include "milter/netstring.h"
#include "milter/socket_file.h"

/* ---- map_socket.c: listening sockets, non-blocking ---- */

/* "inet:PORT@HOST" or "inet6:PORT@HOST". Returns the socket, or -1 with the reason in why. */
int map_socket_inet(const char *listen, char why[PROBLEM_TEXT]);
/* Returns the socket, *own being its file, or -1 with *problems filled. */
int map_socket_unix(struct socket_file *own, const struct conf *conf, struct problems *problems);

/* ---- map_answer.c ---- */

/*
 * Answers one question, "NAME KEY"; cut: its end is missing.  Returns the
 * length of the answer, or 0 when the process is about to end.
 */
size_t map_answer(char dst[NETSTRING_ANSWER], struct bv_str question, bool cut);

/* Whether it is a minute since it was last true for *last, which begins with 0: strangers must not fill the log. */
bool map_may_say(int64_t *last);

/* ---- map_peer.c: the connections ---- */

struct map_peer;

/* All zero but epoll: nobody is connected. */
struct map_peers {
    int epoll;
    size_t n;
    size_t unread;                    /* of them, how many leave answers unread */
    struct map_peer *oldest, *newest; /* by their last answers */
};

/* Takes over a connected, non-blocking socket. Returns 0, or -1: it is the caller's to close. */
int map_peer_add(struct map_peers *all, int fd, int64_t now);

/* Something can be read, written, or is wrong; may end the connection. */
void map_peer_serve(struct map_peers *all, struct map_peer *p, int64_t now);

/* Ends the connection that has been idle longest, if that is long. Returns whether it did. */
bool map_peers_yield(struct map_peers *all, int64_t now);

/* Ends the connections of those who have long left answers unread; to be called now and then while all->unread is not 0. */
void map_peers_expire(struct map_peers *all, int64_t now);

#endif

/*
 * map_parts - what the files of the map service share; private to them.  All
 * but the opening of sockets and map_mx_look_up() happens in the service's one
 * thread.
 */
#ifndef MILTER_MAP_PARTS_H
#define MILTER_MAP_PARTS_H

#include <stdatomic.h>
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

struct map_question;

/*
 * Answers one question, "NAME KEY"; cut: its end is missing.  Returns the
 * length of the answer; or 0 with *waits, when map_pool_take() will bring it;
 * or 0 without, when the process is about to end.
 */
size_t map_answer(char dst[NETSTRING_ANSWER], struct map_question **waits, struct bv_str question, bool cut);

/* ---- map_pool.c: questions that must wait for the DNS, and a few threads that do ---- */

struct map_peer;

struct map_question {
    struct map_question *next;
    struct map_peer *peer; /* NULL: it has gone, */
    atomic_bool dropped;   /* and nobody wants to know any more */
    struct snapshot *snapshot;
    int64_t until; /* by the steady clock: after this it is not looked up any more */
    size_t domain_length, length;
    char domain[BV_DOMAIN_MAX];
    char answer[NETSTRING_ANSWER];
};

/* Returns a descriptor that can be read when there are answers, or -1. */
int map_pool_open(void);
/* Takes a question over. Returns false when there are too many. */
bool map_pool_put(struct map_question *q);
/* The questions that have got answers, a list; to be freed by the caller. */
struct map_question *map_pool_take(void);

/* ---- map_mx.c: map "mx" ---- */

/* As map_answer(). */
size_t map_mx(char dst[NETSTRING_ANSWER], struct map_question **waits, struct bv_str key);
/* Fills the answer, and gives the snapshot back; in any thread, and may take as long as mx_ask(). */
void map_mx_look_up(struct map_question *q);

/* ---- map_unread.c: answers that a peer leaves unread; meanwhile no questions are taken from it ---- */

struct map_unread; /* NULL: all are on their way; to be freed with free() */

/* Sends what can be sent, keeps the rest behind what is kept already. Returns 0, or -1: the connection is gone, or no memory. */
int map_unread_put(struct map_unread **u, int fd, const char *text, size_t n);
/* Sends some of what is kept. Returns how many octets, or -1 when the connection is gone. */
int map_unread_send(struct map_unread **u, int fd);

/* ---- map_peer.c: the connections ---- */

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

/* Passes answers on to those who wait for them; for others they are dropped. */
void map_peers_answer(struct map_peers *all, struct map_question *answered, int64_t now);

/* Ends the connection that has been idle longest, if that is long. Returns whether it did. */
bool map_peers_yield(struct map_peers *all, int64_t now);

/* Ends the connections of those who have long left answers unread; to be called now and then while all->unread is not 0. */
void map_peers_expire(struct map_peers *all, int64_t now);

#endif

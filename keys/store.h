/*
 * store - where a ring lives: a key file, or a key of etcd.  A change is one
 * step for everybody else: a file is changed under its lock, etcd by
 * compare-and-swap.  Nothing here logs, prints, or reads the environment.  One
 * thread at a time.  The process must have SIGPIPE ignored, and
 * keys_json_setup() called, before it opens a URL.
 */
#ifndef KEYS_STORE_H
#define KEYS_STORE_H

#include <string.h>

#include "keys/keys.h"

enum { STORE_LOCK_SECONDS = 20 /* how long a change of a file waits for another one */ };

/* How to get into etcd.  Names of files, and a user; NULL: none. The password is the first line of its file. */
struct store_login {
    const char *user, *password_file;
    const char *ca;         /* certificates of authorities, in place of the system's */
    const char *cert, *key; /* a certificate of our own */
};

struct store;

/* Whether a name is a URL, and so is no file. */
static inline bool store_is_url(const char *name)
{
    return strstr(name, "://") != NULL;
}
/* Whether a URL is good. Returns 0, or -1 with *err filled. */
int store_check_url(const char *name, struct keys_error *err);
enum { STORE_NAME = 1024 };
/* A name for messages: without user and password, if somebody has put them into a URL. */
void store_show(char dst[STORE_NAME], const char *name);

/* `name` and `login` must stay as long as the store. NULL with *err filled. */
struct store *store_open(const char *name, const struct store_login *login, struct keys_error *err);
void store_close(struct store *s); /* NULL is legal */
/* Has every wait for etcd end, with err->sys ECANCELED, when a descriptor can be read; -1: none. */
void store_stop_on(struct store *s, int fd);

/*
 * Reads the ring.  Returns 0, or -1 with *err filled and *out wiped: err->sys
 * is ENOENT when there is none, 0 when what is there is refused, else it could
 * not be read.
 */
int store_load(struct keys_ring *out, struct store *s, struct keys_error *err);

enum store_start {
    STORE_THERE = 0, /* edit() gets the ring that is there */
    STORE_NEW,       /* there must be none yet; edit() gets one of zeros */
    STORE_EITHER     /* edit() gets the ring that is there, else one of zeros */
};
/*
 * Changes the ring by edit(), which returns 1 or more to have it saved, 0 when
 * it is unchanged, -1 with *err filled.  edit() is called again, with the newer
 * ring, when somebody else was faster.  Returns the same, -1 also for other
 * failures.  Wipe *ring in any case.
 */
int store_change(struct store *s, struct keys_ring *ring, enum store_start start,
                 int (*edit)(struct keys_ring *ring, void *arg, struct keys_error *err), void *arg,
                 struct keys_error *err);

/* ---- following a URL ---------------------------------------------------------- */

enum store_news {
    STORE_TIME = 0, /* the time is over */
    STORE_CHANGED,  /* something has happened: load it */
    STORE_UNWATCHED /* changes are no longer told of; that is no failure of the store */
};
/* Has changes since the last store_load() told of, if it has not yet. Returns 0, or -1 with *err filled. */
int store_watch(struct store *s, struct keys_error *err);
void store_unwatch(struct store *s);
/* Waits for news, or the end of time; at once when the wait is stopped. */
enum store_news store_wait(struct store *s, int64_t milliseconds);

/* ---- mirror.c ------------------------------------------------------------------- */

/*
 * Brings a ring into a local key file: makes the file, or replaces an older
 * generation of the same ring.  A file that is refused itself, a newer one, one
 * with other content of this generation, and one of another ring stay as they
 * are.  `from` is the name of where the ring is from, for errors.  A wait for
 * the lock ends, with err->sys ECANCELED, when the descriptor `stop` can be
 * read; -1: none.  Returns 1, 0 when the same is there already, or -1 with *err
 * filled; *was is the generation that was there, 0: none.
 */
int store_mirror(const char *path, const struct keys_ring *ring, const char *from, int stop, int64_t *was,
                 struct keys_error *err);

#endif

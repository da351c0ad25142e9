/*
 * etcd_wire - requests to etcd over HTTP, and a watch.  Only its own hosts are
 * asked: no proxy, no redirect, no other protocol.  All memory that answers and
 * requests pass through is wiped.  store_etcd.c has it, by libcurl;
 * store_none.c, where there is none.  Private to keys/.  One thread at a time.
 */
#ifndef KEYS_ETCD_WIRE_H
#define KEYS_ETCD_WIRE_H

#include "keys/etcd_url.h"
#include "keys/store.h"

enum {
    WIRE_CONNECT_SECONDS = 5,
    WIRE_ANSWER_SECONDS = 10,
    WIRE_ANSWER_MAX = (KEYS_FILE_MAX + 2) / 3 * 4 + 4096 /* a ring in base64, and what is around it */
};

struct wire_answer {
    long status; /* of HTTP */
    size_t n;
    char text[WIRE_ANSWER_MAX];
};

struct wire;

/* url and login must stay. NULL with *err filled. */
struct wire *wire_open(const struct etcd_url *url, const struct store_login *login, struct keys_error *err);
void wire_close(struct wire *w); /* NULL is legal */
void wire_stop_on(struct wire *w, int fd);

/*
 * Asks for an answer of whatever status.  token may be "".  The next host is
 * asked when one does not answer, or says that it cannot (5xx, as a member does
 * that is cut off), if `repeatable`, else only when it has not been reached; the
 * next request goes there in any case, and a watch is ended.  Returns 0, or -1
 * with *err filled: err->sys is EFBIG for an answer that is too large, ECANCELED
 * when stopped, ENOTCONN when the request has certainly not been sent, else EIO.
 */
int wire_ask(struct wire_answer *out, struct wire *w, const char *path, struct bv_str body, const char *token,
             bool repeatable, struct keys_error *err);

/* Sets a watch by a request, which is taken: as by keys_json_free(). Ends the one before. Returns 0, or -1. */
int wire_watch(struct wire *w, char *body, size_t n, const char *token, struct keys_error *err);
void wire_unwatch(struct wire *w);
bool wire_watching(const struct wire *w);
enum store_news wire_wait(struct wire *w, int64_t milliseconds);

#endif

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "keys/etcd_answer.h"
#include "keys/etcd_ask.h"
#include "keys/etcd_wire.h"
#include "keys/heap.h"
#include "keys/parts.h"

enum { URL_MAX = ETCD_HOST_MAX + 64, HEAD_MAX = ETCD_TOKEN_MAX + 32, KEEPALIVE_SECONDS = 30 };

struct wire {
    CURLM *multi;
    CURL *ask, *watch;
    struct curl_slist *ask_head, *watch_head;
    const struct etcd_url *url;
    const struct store_login *login;
    size_t at; /* the host that is asked */
    int stop;

    struct wire_answer *answer; /* of what is being asked */
    bool asking, too_large;
    CURLcode result; /* when it is no longer being asked */

    bool watching, changed;
    char *body; /* of the watch */
    size_t body_n, line_n;
    char line[WIRE_ANSWER_MAX];
    char why[CURL_ERROR_SIZE];
};

static size_t take_answer(char *p, size_t one, size_t n, void *arg)
{
    struct wire *w = arg;

    w->too_large = n * one > sizeof w->answer->text - w->answer->n;
    if (w->too_large)
        return 0;
    memcpy(w->answer->text + w->answer->n, p, n);
    w->answer->n += n;
    return n;
}

/* Cuts what a watch sends into lines. What is too long for one has the watch end, and the ring loaded. */
static size_t take_line(char *p, size_t one, size_t n, void *arg)
{
    struct wire *w = arg;
    enum etcd_news news = ETCD_QUIET;

    for (size_t i = 0; i < n * one && news != ETCD_OVER; i++) {
        if (w->line_n == sizeof w->line) {
            w->changed = true;
            news = ETCD_OVER;
        } else if (p[i] != '\n') {
            w->line[w->line_n++] = p[i];
        } else {
            news = etcd_read_watch((struct bv_str){w->line, w->line_n});
            w->changed |= news == ETCD_CHANGED;
            bv_wipe(w->line, w->line_n);
            w->line_n = 0;
        }
    }
    return news == ETCD_OVER ? 0 : n * one;
}

/* What holds for all requests: none of it is from the environment. */
static int set_up(CURL *easy, struct wire *w, curl_write_callback take)
{
    const struct store_login *login = w->login;
    bool bad = easy == NULL;

    bad = bad || curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, w->url->tls ? "https" : "http") != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_USERAGENT, "bvkey/" BV_VERSION) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_SECONDS) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)WIRE_CONNECT_SECONDS) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, w->why) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_WRITEDATA, w) != CURLE_OK;
    /* A name that is being looked up must not keep the process from ending. */
    bad = bad || curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
    if (bad || !w->url->tls)
        return bad ? -1 : 0;
    bad = bad || curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
    if (login->ca != NULL) {
        bad = bad || curl_easy_setopt(easy, CURLOPT_CAINFO, login->ca) != CURLE_OK;
        bad = bad || curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) != CURLE_OK;
    }
    bad = bad || curl_easy_setopt(easy, CURLOPT_SSLCERT, login->cert) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_SSLKEY, login->key) != CURLE_OK;
    return bad ? -1 : 0;
}

struct wire *wire_open(const struct etcd_url *url, const struct store_login *login, struct keys_error *err)
{
    struct wire *w = NULL;

    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_take, heap_give, heap_resize, heap_copy,
                             heap_take_zeroed) == CURLE_OK)
        w = calloc(1, sizeof *w);
    if (w != NULL) {
        w->url = url;
        w->login = login;
        w->stop = -1;
        w->multi = curl_multi_init();
        w->ask = curl_easy_init();
        w->watch = curl_easy_init();
        if (w->multi != NULL && set_up(w->ask, w, take_answer) == 0 && set_up(w->watch, w, take_line) == 0)
            return w;
    }
    wire_close(w);
    keys_fail(err, "libcurl does not start: out of memory, or it knows no TLS");
    err->sys = ENOTSUP;
    return NULL;
}

void wire_unwatch(struct wire *w)
{
    if (w->watching)
        curl_multi_remove_handle(w->multi, w->watch);
    w->watching = false;
    keys_json_free(w->body, w->body_n);
    w->body = NULL;
    bv_wipe(w->line, sizeof w->line);
    w->line_n = 0;
}

void wire_close(struct wire *w)
{
    if (w == NULL)
        return;
    wire_unwatch(w);
    curl_easy_cleanup(w->ask);
    curl_easy_cleanup(w->watch);
    curl_slist_free_all(w->ask_head);
    curl_slist_free_all(w->watch_head);
    curl_multi_cleanup(w->multi);
    bv_wipe(w, sizeof *w);
    free(w);
    curl_global_cleanup();
}

void wire_stop_on(struct wire *w, int fd)
{
    w->stop = fd;
}

static bool stopped(const struct wire *w)
{
    struct pollfd p = {.fd = w->stop, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

/* Moves what is under way on, until something has ended or changed, or is to stop, or the time is over. */
static void drive(struct wire *w, int64_t milliseconds)
{
    struct curl_waitfd extra = {.fd = w->stop, .events = CURL_WAIT_POLLIN};
    int64_t left, end = keys_milliseconds() + milliseconds;
    bool was_asking = w->asking, was_watching = w->watching;
    const CURLMsg *message;
    int running;

    for (;;) {
        curl_multi_perform(w->multi, &running);
        while ((message = curl_multi_info_read(w->multi, &running)) != NULL) {
            if (message->easy_handle == w->ask) {
                w->result = message->data.result;
                w->asking = false;
            } else {
                wire_unwatch(w);
            }
        }
        left = end - keys_milliseconds();
        if (w->asking != was_asking || left <= 0 || stopped(w) ||
            (!was_asking && (w->changed || w->watching != was_watching)))
            return;
        curl_multi_poll(w->multi, &extra, w->stop >= 0, left > INT32_MAX ? INT32_MAX : (int)left, NULL);
    }
}

/* Tells an easy handle what to send, and where. Returns 0, or -1. */
static int address(CURL *easy, struct curl_slist **head, const struct wire *w, const char *path,
                   struct bv_str body, const char *token)
{
    char url[URL_MAX], line[HEAD_MAX];
    struct curl_slist *more;
    bool bad;

    snprintf(url, sizeof url, "%s://%s%s", w->url->tls ? "https" : "http", w->url->host[w->at], path);
    curl_slist_free_all(*head);
    *head = curl_slist_append(NULL, "Content-Type: application/json");
    more = *head == NULL ? NULL : curl_slist_append(*head, "Expect:");
    if (more != NULL && *token != '\0') {
        snprintf(line, sizeof line, "Authorization: %s", token);
        more = curl_slist_append(*head, line);
        bv_wipe(line, sizeof line);
    }
    bad = more == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *head) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.p) != CURLE_OK;
    bad = bad || curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.n) != CURLE_OK;
    return bad ? -1 : 0;
}

/* Why nothing came, in words that are the same each time. Returns -1. */
static int explain(struct wire *w, struct keys_error *err)
{
    const char *host = w->url->host[w->at];
    long sent = 0; /* octets of header */

    curl_easy_getinfo(w->ask, CURLINFO_REQUEST_SIZE, &sent);
    if (w->asking)
        keys_fail(err, "stopped");
    else if (w->too_large)
        keys_fail(err, "the answer of %s is larger than that with a keyring of %d octets", host, KEYS_FILE_MAX);
    else if (w->result == CURLE_OPERATION_TIMEDOUT)
        keys_fail(err, "no answer from %s within %d s", host,
                  sent > 0 ? WIRE_ANSWER_SECONDS : WIRE_CONNECT_SECONDS);
    else if (w->result == CURLE_COULDNT_CONNECT)
        keys_fail(err, "nothing serves at %s", host);
    else if (w->result == CURLE_GOT_NOTHING || w->result == CURLE_PARTIAL_FILE || w->result == CURLE_RECV_ERROR)
        keys_fail(err, "%s broke the connection off before the answer was whole%s", host,
                  w->answer->n > 0 || w->url->tls ? "" : "; if it has TLS, write etcds://");
    else if (w->result == CURLE_SSL_CONNECT_ERROR)
        keys_fail(err, "no TLS with %s; if it has none, write etcd:// (%s)", host, w->why);
    else
        keys_fail(err, "%s: %s", host, *w->why != '\0' ? w->why : curl_easy_strerror(w->result));
    err->sys = w->asking ? ECANCELED : w->too_large ? EFBIG : sent == 0 ? ENOTCONN : EIO;
    return -1;
}

static int ask_one(struct wire *w, const char *path, struct bv_str body, const char *token,
                   struct keys_error *err)
{
    bool bad = address(w->ask, &w->ask_head, w, path, body, token) != 0;

    bad = bad || curl_easy_setopt(w->ask, CURLOPT_TIMEOUT, (long)WIRE_ANSWER_SECONDS) != CURLE_OK;
    if (bad || curl_multi_add_handle(w->multi, w->ask) != CURLM_OK)
        return keys_fail_memory(err);
    w->asking = true;
    w->too_large = false;
    *w->why = '\0';
    w->answer->n = 0;
    drive(w, INT64_C(2000) * WIRE_ANSWER_SECONDS);
    curl_multi_remove_handle(w->multi, w->ask);
    curl_easy_getinfo(w->ask, CURLINFO_RESPONSE_CODE, &w->answer->status);
    return !w->asking && w->result == CURLE_OK ? 0 : explain(w, err);
}

int wire_ask(struct wire_answer *out, struct wire *w, const char *path, struct bv_str body, const char *token,
             bool repeatable, struct keys_error *err)
{
    int result = -1;

    w->answer = out;
    for (size_t i = 0; i < w->url->hosts; i++) {
        result = ask_one(w, path, body, token, err);
        w->asking = false;
        if (result == 0 ? out->status / 100 != 5
                        : err->sys == ECANCELED || err->sys == EFBIG || err->sys == ENOMEM)
            break;
        w->at = (w->at + 1) % w->url->hosts;
        wire_unwatch(w); /* at the host that was left, it may be silent for ever */
        if (!repeatable && (result == 0 || err->sys != ENOTCONN))
            break;
    }
    curl_easy_setopt(w->ask, CURLOPT_POSTFIELDS, NULL);
    w->answer = NULL;
    return result;
}

int wire_watch(struct wire *w, char *body, size_t n, const char *token, struct keys_error *err)
{
    wire_unwatch(w);
    w->body = body;
    w->body_n = n;
    w->watching = address(w->watch, &w->watch_head, w, ETCD_PATH_WATCH, (struct bv_str){body, n}, token) == 0 &&
                  curl_multi_add_handle(w->multi, w->watch) == CURLM_OK;
    return w->watching ? 0 : keys_fail_memory(err);
}

bool wire_watching(const struct wire *w)
{
    return w->watching;
}

enum store_news wire_wait(struct wire *w, int64_t milliseconds)
{
    bool watched = w->watching, changed;

    if (!w->changed)
        drive(w, milliseconds);
    changed = w->changed;
    w->changed = false;
    return changed ? STORE_CHANGED : watched && !w->watching ? STORE_UNWATCHED : STORE_TIME;
}

#include "milter/metrics.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "milter/clock.h"
#include "milter/endpoint.h"
#include "milter/log.h"
#include "milter/metrics_parts.h"
#include "milter/timing.h"

enum {
    CONNECTIONS = 32,     /* beyond these, the oldest gives way, */
    PATIENCE_US = 500000, /* if it has had that long, */
    IDLE_SECONDS = 10,    /* and who says nothing for so long goes anyway */
    REQUEST_MAX = 1 << 14 /* octets of a request and the header of its answer */
};

#define LIBRARY "libmicrohttpd.so.12"

/* What is used of the library; it brings 2 MB of others with it, so it is loaded only if it is wanted. */
static struct {
    __typeof__(MHD_start_daemon) *start;
    __typeof__(MHD_stop_daemon) *stop;
    __typeof__(MHD_get_connection_info) *info;
    __typeof__(MHD_create_response_from_buffer) *response;
    __typeof__(MHD_add_response_header) *header;
    __typeof__(MHD_queue_response) *queue;
    __typeof__(MHD_destroy_response) *destroy;
} http;

static struct {
    int socket; /* -1: there are no metrics */
    const char *listen;
    struct MHD_Daemon *daemon;
    struct peer {
        int fd; /* -1: nobody */
        int64_t since;
        bool dismissed;
    } peer[2 * CONNECTIONS]; /* the dismissed ones may still be there for a moment */
    size_t peers;
} metrics = {.socket = -1};

static bool load_library(void)
{
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"MHD_start_daemon", &http.start},         {"MHD_stop_daemon", &http.stop},
        {"MHD_get_connection_info", &http.info},   {"MHD_create_response_from_buffer", &http.response},
        {"MHD_add_response_header", &http.header}, {"MHD_queue_response", &http.queue},
        {"MHD_destroy_response", &http.destroy},
    };
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = library != NULL ? dlsym(library, functions[i].name) : NULL;
        if (f == NULL)
            return false;
        memcpy(functions[i].place, &f, sizeof f);
    }
    return true;
}

/* What follows, as far as answer(), is called in the one thread of the library. */

static void note_peer(void *unused, struct MHD_Connection *c, void **place,
                      enum MHD_ConnectionNotificationCode what)
{
    const union MHD_ConnectionInfo *info = http.info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct peer *p = *place;

    (void)unused;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED && p != NULL) {
        p->fd = -1;
        metrics.peers--;
    } else if (what == MHD_CONNECTION_NOTIFY_STARTED && info != NULL) {
        for (p = metrics.peer; p->fd >= 0 && p < metrics.peer + 2 * CONNECTIONS - 1;)
            p++;
        *p = (struct peer){.fd = info->connect_fd, .since = clock_steady_us()};
        *place = p;
        metrics.peers++;
    }
}

/* Whoever is slow must not keep others out. */
static enum MHD_Result admit(void *unused, const struct sockaddr *addr, socklen_t length)
{
    struct peer *oldest = NULL;

    (void)unused, (void)addr, (void)length;
    if (metrics.peers < CONNECTIONS)
        return MHD_YES;
    for (struct peer *p = metrics.peer; p < metrics.peer + 2 * CONNECTIONS; p++)
        if (p->fd >= 0 && !p->dismissed && (oldest == NULL || p->since < oldest->since))
            oldest = p;
    if (oldest == NULL || clock_steady_us() - oldest->since < PATIENCE_US)
        return MHD_NO;
    oldest->dismissed = true;
    shutdown(oldest->fd, SHUT_RDWR);
    return metrics.peers < 2 * CONNECTIONS - 1 ? MHD_YES : MHD_NO;
}

/* All, or false: a page without its policy is none. */
static bool add_headers(struct MHD_Response *r, const struct metrics_answer *a)
{
    const struct {
        bool needed;
        const char *name, *value;
    } headers[] = {
        {true, MHD_HTTP_HEADER_CONTENT_TYPE, a->type},
        {true, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {true, MHD_HTTP_HEADER_CONNECTION, "close"},
        {true, "X-Content-Type-Options", "nosniff"},
        {a->page, "Content-Security-Policy",
         "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'"},
        {a->status == MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD"},
    };

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (headers[i].needed && http.header(r, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct metrics_answer *a)
{
    struct MHD_Response *r = http.response(a->length, a->text, MHD_RESPMEM_MUST_FREE);

    if (r == NULL) {
        free(a->text);
        return MHD_NO;
    }
    enum MHD_Result result = add_headers(r, a) ? http.queue(c, a->status, r) : MHD_NO;
    http.destroy(r);
    return result;
}

static enum MHD_Result answer(void *unused, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *body, size_t *body_length, void **place)
{
    struct metrics_answer a;

    (void)unused, (void)version, (void)body, (void)body_length, (void)place;
    metrics_answer(&a, method, url);
    return a.text != NULL ? send_answer(c, &a) : MHD_NO;
}

static int need_library(const struct conf *conf, struct problems *problems)
{
    if (load_library())
        return 0;
    problems_add(problems, conf->path, conf_line(conf, "metrics_listen"),
                 "metrics_listen: %s cannot be loaded; run: apt-get install libmicrohttpd12", LIBRARY);
    return -1;
}

int metrics_check(const struct conf *conf, struct problems *problems)
{
    if (*conf->metrics_listen == '\0')
        return 0;
    int result = need_library(conf, problems), fd = metrics_socket(conf, true, problems);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : result;
}

int metrics_open(const struct conf *conf, struct problems *problems)
{
    metrics.listen = conf->metrics_listen;
    if (*metrics.listen == '\0')
        return 0;
    if (need_library(conf, problems) != 0)
        return -1;
    metrics.socket = metrics_socket(conf, false, problems);
    return metrics.socket < 0 ? -1 : 0;
}

int metrics_start(void)
{
    struct endpoint e;

    if (metrics.socket < 0)
        return 0;
    for (size_t i = 0; i < 2 * CONNECTIONS; i++)
        metrics.peer[i].fd = -1;
    metrics.daemon = http.start(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0, admit, NULL, answer, NULL,
        MHD_OPTION_LISTEN_SOCKET, metrics.socket, MHD_OPTION_NOTIFY_CONNECTION, note_peer, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * CONNECTIONS), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX, MHD_OPTION_END);
    if (metrics.daemon == NULL)
        return -1;
    timing_switch_on();
    log_info("metrics and a status page are on http://%s/", metrics.listen);
    if (endpoint_read(&e, metrics.listen) == NULL && !e.local)
        log_warn(
            "%s: whoever reaches it can read how much mail is refused, and which key signs; a firewall must "
            "keep strangers away (metrics_listen)",
            metrics.listen);
    return 0;
}

void metrics_stop(void)
{
    if (metrics.daemon != NULL)
        http.stop(metrics.daemon);
    metrics.daemon = NULL;
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/map_parts.h"

enum {
    READ_OCTETS = 512, /* at once; then it is somebody else's turn */
    WRITE_OCTETS = 4 * READ_OCTETS + NETSTRING_ANSWER,
    UNREAD_SECONDS = 100, /* as long as an MTA would wait for us */
    IDLE_SECONDS = 10     /* Postfix gives an idle connection up itself after this */
};

/* Between two questions, and that is nearly always, it is all that a connection costs. */
struct map_peer {
    int fd;
    unsigned events;               /* that are waited for */
    int64_t since;                 /* the last progress with an answer, or the beginning */
    struct netstring *in;          /* NULL: between two questions */
    struct map_unread *out;        /* NULL: all answers are on their way */
    struct map_question *question; /* NULL: none has to wait for the DNS */
    struct octets *rest;           /* NULL: all is treated that has come */
    struct map_peer *older, *newer;
};

/* What a peer has sent, and how much of it is treated. */
struct octets {
    size_t n, at;
    char text[READ_OCTETS];
};

static void unlink_peer(struct map_peers *all, struct map_peer *p)
{
    *(p->older != NULL ? &p->older->newer : &all->oldest) = p->newer;
    *(p->newer != NULL ? &p->newer->older : &all->newest) = p->older;
}

static void link_newest(struct map_peers *all, struct map_peer *p, int64_t now)
{
    p->since = now;
    p->older = all->newest;
    p->newer = NULL;
    /* A peer has one question at a time, so that nobody in the list is gone. */
    *(p->older != NULL ? &p->older->newer : &all->oldest) = p; /* NOLINT(clang-analyzer-unix.Malloc) */
    all->newest = p;
}

static void note_progress(struct map_peers *all, struct map_peer *p, int64_t now)
{
    unlink_peer(all, p);
    link_newest(all, p, now);
}

int map_peer_add(struct map_peers *all, int fd, int64_t now)
{
    struct map_peer *p = calloc(1, sizeof *p);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

    if (p == NULL || epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(p);
        return -1;
    }
    p->fd = fd;
    p->events = EPOLLIN;
    link_newest(all, p, now);
    all->n++;
    return 0;
}

static void end_peer(struct map_peers *all, struct map_peer *p)
{
    unlink_peer(all, p);
    all->n--;
    all->unread -= p->out != NULL;
    if (p->question != NULL) {
        p->question->peer = NULL;
        atomic_store(&p->question->dropped, true);
    }
    close(p->fd);
    free(p->in);
    free(p->out);
    free(p->rest);
    free(p);
}

static int put_answers(struct map_peers *all, struct map_peer *p, const char *text, size_t n)
{
    bool was_behind = p->out != NULL;

    if (n > 0 && map_unread_put(&p->out, p->fd, text, n) != 0)
        return -1;
    all->unread += !was_behind && p->out != NULL;
    return 0;
}

static int put_rest(struct map_peers *all, struct map_peer *p, int64_t now)
{
    int sent = map_unread_send(&p->out, p->fd);

    if (sent > 0)
        note_progress(all, p, now);
    all->unread -= p->out == NULL;
    return sent < 0 ? -1 : 0;
}

/* Until one must wait, or there is no room for answers. Returns -1 when the octets are no questions. */
static int answer_some(struct map_peer *p, char text[WRITE_OCTETS], size_t *length, struct octets *o)
{
    enum netstring_result result = NETSTRING_MORE;
    size_t used;
    bool cut;

    while (o->at < o->n && p->question == NULL && WRITE_OCTETS - *length >= NETSTRING_ANSWER) {
        if (p->in == NULL && (p->in = calloc(1, sizeof *p->in)) == NULL)
            return -1;
        result = netstring_take(p->in, &used, o->text + o->at, o->n - o->at);
        o->at += used;
        if (result == NETSTRING_BROKEN)
            return -1;
        if (result == NETSTRING_MORE)
            break;
        struct bv_str question = netstring_payload(p->in, &cut);
        size_t written = map_answer(text + *length, &p->question, question, cut);
        if (p->question != NULL)
            p->question->peer = p;
        else if (written == 0)
            return -1;
        *length += written;
    }
    if (result == NETSTRING_WHOLE) {
        free(p->in);
        p->in = NULL;
    }
    return 0;
}

/* Answers what it can, and keeps the rest. The answers before octets that are no questions still count. */
static int answer(struct map_peers *all, struct map_peer *p, struct octets *o, int64_t now)
{
    char text[WRITE_OCTETS];
    int result = 0;

    while (result == 0 && o->at < o->n && p->out == NULL && p->question == NULL) {
        size_t length = 0;
        result = answer_some(p, text, &length, o);
        if (length > 0 || p->question != NULL)
            note_progress(all, p, now);
        if (put_answers(all, p, text, length) != 0)
            return -1;
    }
    if (result != 0 || o->at == o->n)
        return result;
    p->rest = malloc(sizeof *o);
    if (p->rest == NULL)
        return -1;
    *p->rest = *o;
    return 0;
}

static int take_questions(struct map_peers *all, struct map_peer *p, int64_t now)
{
    struct octets o = {.at = 0};
    ssize_t n = recv(p->fd, o.text, sizeof o.text, 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) /* whoever asks no more has all answers: while some were unread, nothing was taken in */
        return -1;
    o.n = (size_t)n;
    return answer(all, p, &o, now);
}

static int go_on_with_rest(struct map_peers *all, struct map_peer *p, int64_t now)
{
    if (p->rest == NULL)
        return 0;
    struct octets o = *p->rest;
    free(p->rest);
    p->rest = NULL;
    return answer(all, p, &o, now);
}

static int wait_for_more(const struct map_peers *all, struct map_peer *p)
{
    unsigned events = p->out != NULL ? EPOLLOUT : p->question != NULL ? 0 : EPOLLIN;
    struct epoll_event event = {.events = events, .data.ptr = p};

    if (events == p->events)
        return 0;
    p->events = events;
    return epoll_ctl(all->epoll, EPOLL_CTL_MOD, p->fd, &event);
}

static void go_on(struct map_peers *all, struct map_peer *p, int result, int64_t now)
{
    if (result != 0 || go_on_with_rest(all, p, now) != 0 || wait_for_more(all, p) != 0)
        end_peer(all, p);
}

void map_peer_serve(struct map_peers *all, struct map_peer *p, int64_t now)
{
    int result = -1; /* of one that waits for the DNS, only its end is reported */

    if (p->out != NULL)
        result = put_rest(all, p, now);
    else if (p->question == NULL)
        result = take_questions(all, p, now);
    go_on(all, p, result, now);
}

void map_peers_answer(struct map_peers *all, struct map_question *answered, int64_t now)
{
    for (struct map_question *q = answered, *next; q != NULL; q = next) {
        struct map_peer *p = q->peer;
        next = q->next;
        if (p != NULL) {
            p->question = NULL;
            note_progress(all, p, now);
            go_on(all, p, put_answers(all, p, q->answer, q->length), now);
        }
        free(q);
    }
}

bool map_peers_yield(struct map_peers *all, int64_t now)
{
    for (struct map_peer *p = all->oldest; p != NULL && now - p->since >= IDLE_SECONDS; p = p->newer) {
        if (p->question != NULL)
            continue;
        end_peer(all, p);
        return true;
    }
    return false;
}

void map_peers_expire(struct map_peers *all, int64_t now)
{
    for (struct map_peer *p = all->oldest, *newer; p != NULL && now - p->since >= UNREAD_SECONDS; p = newer) {
        newer = p->newer;
        if (p->out != NULL)
            end_peer(all, p);
    }
}

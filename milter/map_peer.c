#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/map_parts.h"

enum {
    READ_OCTETS = 512, /* at once; then it is somebody else's turn */
    SHORTEST = 3,      /* "0:," */
    ITS_ANSWER = 12,   /* "9:NOTFOUND ,"; no other question has an answer of over four times its length */
    WRITE_OCTETS = (READ_OCTETS / SHORTEST + 2) * ITS_ANSWER + NETSTRING_ANSWER,
    UNREAD_SECONDS = 100, /* as long as an MTA would wait for us */
    IDLE_SECONDS = 10     /* Postfix gives an idle connection up itself after this */
};

/* Between two questions, and that is nearly always, it is all that a connection costs. */
struct map_peer {
    int fd;
    int64_t since;        /* the last progress with an answer, or the beginning */
    struct netstring *in; /* NULL: between two questions */
    struct unread *out;   /* NULL: all answers are on their way */
    struct map_peer *older, *newer;
};

/* Answers that the peer leaves unread; meanwhile no questions are taken from it. */
struct unread {
    size_t n, sent;
    char text[];
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
    *(p->older != NULL ? &p->older->newer : &all->oldest) = p;
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
    link_newest(all, p, now);
    all->n++;
    return 0;
}

static void end_peer(struct map_peers *all, struct map_peer *p)
{
    unlink_peer(all, p);
    all->n--;
    all->unread -= p->out != NULL;
    close(p->fd);
    free(p->in);
    free(p->out);
    free(p);
}

/* Returns how many octets are on their way, or -1 when the connection is gone. */
static ssize_t send_some(int fd, const char *text, size_t n)
{
    ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return sent;
}

static int wait_for(const struct map_peers *all, struct map_peer *p, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = p};

    return epoll_ctl(all->epoll, EPOLL_CTL_MOD, p->fd, &event);
}

static int put_answers(struct map_peers *all, struct map_peer *p, const char *text, size_t n)
{
    ssize_t sent = n > 0 ? send_some(p->fd, text, n) : 0;

    if (sent < 0)
        return -1;
    size_t left = n - (size_t)sent;
    if (left == 0)
        return 0;
    p->out = malloc(sizeof *p->out + left);
    if (p->out == NULL)
        return -1;
    p->out->n = left;
    p->out->sent = 0;
    memcpy(p->out->text, text + sent, left);
    all->unread++;
    return wait_for(all, p, EPOLLOUT);
}

static int put_rest(struct map_peers *all, struct map_peer *p, int64_t now)
{
    struct unread *out = p->out;
    ssize_t sent = send_some(p->fd, out->text + out->sent, out->n - out->sent);

    if (sent < 0)
        return -1;
    if (sent > 0)
        note_progress(all, p, now);
    out->sent += (size_t)sent;
    if (out->sent < out->n)
        return 0;
    free(out);
    p->out = NULL;
    all->unread--;
    return wait_for(all, p, EPOLLIN);
}

/* Returns the length of the answers, or -1 when the octets are no questions; the answers before those still count. */
static int answer_all(struct map_peer *p, char text[WRITE_OCTETS], size_t *length, const char *octets, size_t n)
{
    enum netstring_result result = NETSTRING_MORE;
    size_t used;
    bool cut;

    for (size_t at = 0; at < n; at += used) {
        result = netstring_take(p->in, &used, octets + at, n - at);
        if (result == NETSTRING_BROKEN)
            return -1;
        if (result == NETSTRING_MORE)
            break;
        struct bv_str question = netstring_payload(p->in, &cut);
        size_t written =
            WRITE_OCTETS - *length < NETSTRING_ANSWER ? 0 : map_answer(text + *length, question, cut);
        if (written == 0)
            return -1;
        *length += written;
    }
    if (result == NETSTRING_WHOLE) {
        free(p->in);
        p->in = NULL;
    }
    return 0;
}

static int take_questions(struct map_peers *all, struct map_peer *p, int64_t now)
{
    char octets[READ_OCTETS], text[WRITE_OCTETS];
    size_t length = 0;
    ssize_t n = recv(p->fd, octets, sizeof octets, 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) /* whoever asks no more has all answers: while some were unread, nothing was taken in */
        return -1;
    if (p->in == NULL)
        p->in = calloc(1, sizeof *p->in);
    if (p->in == NULL)
        return -1;
    int result = answer_all(p, text, &length, octets, (size_t)n);
    if (length > 0)
        note_progress(all, p, now);
    return put_answers(all, p, text, length) == 0 ? result : -1;
}

void map_peer_serve(struct map_peers *all, struct map_peer *p, int64_t now)
{
    int result = p->out == NULL ? take_questions(all, p, now) : put_rest(all, p, now);

    if (result != 0)
        end_peer(all, p);
}

bool map_peers_yield(struct map_peers *all, int64_t now)
{
    if (all->oldest == NULL || now - all->oldest->since < IDLE_SECONDS)
        return false;
    end_peer(all, all->oldest);
    return true;
}

void map_peers_expire(struct map_peers *all, int64_t now)
{
    for (struct map_peer *p = all->oldest, *newer; p != NULL && now - p->since >= UNREAD_SECONDS; p = newer) {
        newer = p->newer;
        if (p->out != NULL)
            end_peer(all, p);
    }
}

#include "test/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { VERSION = 6, ACTIONS = 0x1ff, PROTOCOL = 0x1fffff, HEAD = 5, FIRST_OUT = 4096 };

static int where_unix(struct wire_where *where, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&where->address;

    if (strlen(path) >= sizeof un->sun_path)
        return -1;
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, path);
    where->size = sizeof *un;
    return 0;
}

static int where_inet(struct wire_where *where, const char *text)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&where->address;
    char *at = NULL;
    unsigned long port = strtoul(text, &at, 10);

    if (port < 1 || port > UINT16_MAX || *at != '@' || inet_pton(AF_INET, at + 1, &in->sin_addr) != 1)
        return -1;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    where->size = sizeof *in;
    return 0;
}

int wire_where(struct wire_where *where, const char *text)
{
    *where = (struct wire_where){.size = 0};
    if (strncmp(text, "unix:", 5) == 0)
        return where_unix(where, text + 5);
    if (strncmp(text, "inet:", 5) == 0)
        return where_inet(where, text + 5);
    return -1;
}

/* No TCP_NODELAY: Postfix sets none, and what that costs belongs to what is measured. */
int wire_connect(const struct wire_where *where)
{
    const struct timeval patience = {.tv_sec = WIRE_PATIENCE};
    int fd = socket(where->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)&where->address, where->size) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int wire_open(struct wire *w, const struct wire_where *where)
{
    w->out_n = w->in_begin = w->in_end = 0;
    w->fd = wire_connect(where);
    return w->fd < 0 ? -1 : 0;
}

void wire_close(struct wire *w)
{
    if (w->fd > 0)
        close(w->fd);
    w->fd = 0;
}

void wire_free(struct wire *w)
{
    wire_close(w);
    free(w->out);
    memset(w, 0, sizeof *w);
}

static bool make_room(struct wire *w, size_t n)
{
    size_t size = w->out_size > 0 ? w->out_size : FIRST_OUT;

    while (size < w->out_n + n)
        size *= 2;
    if (size != w->out_size) {
        char *out = realloc(w->out, size);
        if (out == NULL) {
            w->failed = true;
            return false;
        }
        w->out = out;
        w->out_size = size;
    }
    return true;
}

static void put_head(struct wire *w, char command, size_t n)
{
    uint32_t size = htonl((uint32_t)n + 1);

    memcpy(w->out + w->out_n, &size, sizeof size);
    w->out[w->out_n + sizeof size] = command;
    w->out_n += HEAD;
}

void wire_put(struct wire *w, char command, const char *data, size_t n)
{
    if (!make_room(w, HEAD + n))
        return;
    put_head(w, command, n);
    if (n > 0)
        memcpy(w->out + w->out_n, data, n);
    w->out_n += n;
}

void wire_put_texts(struct wire *w, char command, char first, const char *const *text)
{
    size_t n = first != '\0';

    for (const char *const *t = text; *t != NULL; t++)
        n += strlen(*t) + 1;
    if (!make_room(w, HEAD + n))
        return;
    put_head(w, command, n);
    if (first != '\0')
        w->out[w->out_n++] = first;
    for (; *text != NULL; text++) {
        size_t size = strlen(*text) + 1;
        memcpy(w->out + w->out_n, *text, size);
        w->out_n += size;
    }
}

void wire_put_offer(struct wire *w)
{
    const uint32_t offer[] = {htonl(VERSION), htonl(ACTIONS), htonl(PROTOCOL)};

    wire_put(w, 'O', (const char *)offer, sizeof offer);
}

int wire_agree(struct wire *w, const struct wire_packet *answer)
{
    uint32_t said[3];

    if (answer->command != 'O' || answer->n < sizeof said)
        return -1;
    memcpy(said, answer->data, sizeof said);
    w->protocol = ntohl(said[2]);
    bool known = ntohl(said[0]) == VERSION && (ntohl(said[1]) | ACTIONS) == ACTIONS;
    return known && (w->protocol | PROTOCOL) == PROTOCOL ? 0 : -1;
}

int wire_send(struct wire *w)
{
    if (w->failed) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t sent = 0; sent < w->out_n;) {
        ssize_t n = send(w->fd, w->out + sent, w->out_n - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return -1;
        sent += (size_t)n;
    }
    w->sent += w->out_n;
    w->out_n = 0;
    return 0;
}

int wire_receive(struct wire *w)
{
    memmove(w->in, w->in + w->in_begin, w->in_end - w->in_begin);
    w->in_end -= w->in_begin;
    w->in_begin = 0;
    errno = EMSGSIZE;
    if (w->in_end == sizeof w->in)
        return -1;
    errno = 0; /* what it stays when the milter has closed the connection */
    ssize_t n = recv(w->fd, w->in + w->in_end, sizeof w->in - w->in_end, 0);
    if (n <= 0)
        return -1;
    w->in_end += (size_t)n;
    return 0;
}

int wire_next(struct wire *w, struct wire_packet *p)
{
    size_t have = w->in_end - w->in_begin;
    uint32_t size;

    if (have < sizeof size)
        return 0;
    memcpy(&size, w->in + w->in_begin, sizeof size);
    size = ntohl(size);
    if (size < 1 || size > sizeof w->in - sizeof size)
        return -1;
    if (have < sizeof size + size)
        return 0;
    p->command = w->in[w->in_begin + sizeof size];
    p->data = w->in + w->in_begin + HEAD;
    p->n = size - 1;
    w->in_begin += sizeof size + size;
    return 1;
}

int wire_answer(struct wire *w, struct wire_packet *p)
{
    if (w->out_n > 0 && wire_send(w) != 0)
        return -1;
    for (;;) {
        int got = wire_next(w, p);
        if (got != 0)
            return got > 0 ? 0 : -1;
        if (wire_receive(w) != 0)
            return -1;
    }
}

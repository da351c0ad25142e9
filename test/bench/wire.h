/*
 * wire - the MTA's end of a milter connection: packets out, packets in.  One
 * thread a connection.  Nothing here blocks for longer than WIRE_PATIENCE.
 */
#ifndef TEST_BENCH_WIRE_H
#define TEST_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { WIRE_IN = 8192, WIRE_PATIENCE = 20 /* seconds */ };

/* What a milter may ask for at the negotiation, as far as it concerns who sends. */
enum wire_protocol {
    WIRE_NOCONNECT = 0x1,
    WIRE_NOHELO = 0x2,
    WIRE_NOMAIL = 0x4,
    WIRE_NORCPT = 0x8,
    WIRE_NOBODY = 0x10,
    WIRE_NOHDRS = 0x20,
    WIRE_NOEOH = 0x40,
    WIRE_NR_HDR = 0x80,
    WIRE_NODATA = 0x200,
    WIRE_NR_CONN = 0x1000,
    WIRE_NR_HELO = 0x2000,
    WIRE_NR_MAIL = 0x4000,
    WIRE_NR_RCPT = 0x8000,
    WIRE_NR_DATA = 0x10000,
    WIRE_NR_EOH = 0x40000,
    WIRE_NR_BODY = 0x80000,
};

struct wire_where {
    struct sockaddr_storage address;
    socklen_t size;
};

/* Begins as zeros. */
struct wire {
    int fd;
    uint32_t protocol; /* what was agreed on */
    char *out;         /* what is gathered, and not sent yet */
    size_t out_n, out_size;
    bool failed; /* no memory for `out` */
    size_t sent; /* octets, on all connections so far */
    char in[WIRE_IN];
    size_t in_begin, in_end;
};

struct wire_packet {
    char command;
    const char *data; /* until more is received */
    size_t n;
};

/* "unix:PATH" or "inet:PORT@ADDRESS". Returns 0, or -1 when it is neither. */
int wire_where(struct wire_where *where, const char *text);

/* A connected socket, or -1 with errno: EAGAIN when the listen queue of a unix socket stays full. */
int wire_connect(const struct wire_where *where);

/* Connects. Returns 0, or -1 with errno. */
int wire_open(struct wire *w, const struct wire_where *where);

/* Closes the connection, and gives nothing back: the next one uses the same memory. */
void wire_close(struct wire *w);

/* Closes the connection, and gives everything back. */
void wire_free(struct wire *w);

/* Adds a packet to what is gathered. */
void wire_put(struct wire *w, char command, const char *data, size_t n);

/* A packet of strings, each with its NUL, up to a NULL; behind `first`, unless that is NUL. */
void wire_put_texts(struct wire *w, char command, char first, const char *const *text);

/* The offer that begins a connection: all that there is. */
void wire_put_offer(struct wire *w);

/* Takes the answer to it. Returns 0, or -1 when it is none, or asks for what was not offered. */
int wire_agree(struct wire *w, const struct wire_packet *answer);

/* Sends what is gathered, in one write if it goes. Returns 0 or -1. */
int wire_send(struct wire *w);

/* Waits for octets, and takes those that are there. Returns 0, or -1 when the milter has gone or sends too much. */
int wire_receive(struct wire *w);

/* The next packet that has been received whole: 1, none: 0; -1: what has come is no packet. */
int wire_next(struct wire *w, struct wire_packet *p);

/* Sends what is gathered, and waits for the next packet. Returns 0 or -1. */
int wire_answer(struct wire *w, struct wire_packet *p);

#endif

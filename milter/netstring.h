/*
 * netstring - the socketmap protocol's frames: "LENGTH:PAYLOAD,", read octet
 * by octet as they come, in bounded memory.  Pure; no sockets.
 */
#ifndef MILTER_NETSTRING_H
#define MILTER_NETSTRING_H

#include <stdbool.h>
#include <stddef.h>

#include "bv/bv.h"

enum {
    NETSTRING_KEPT = 2048,   /* octets of a payload that are kept; the rest is counted and dropped */
    NETSTRING_MAX = 1000000, /* a longer one is a fault of the protocol */
    NETSTRING_ANSWER = BV_ADDR_QUOTED + 32 /* the longest answer, with a NUL: "LENGTH:NOTFOUND ADDRESS," */
};

/* All zero: at the beginning of a netstring. */
struct netstring {
    int state;     /* private to netstring.c */
    size_t length; /* as announced */
    size_t n;      /* octets of the payload so far */
    char payload[NETSTRING_KEPT];
};

enum netstring_result {
    NETSTRING_MORE = 0, /* all octets are taken; the netstring has not ended */
    NETSTRING_WHOLE,    /* one has ended: netstring_payload() has it; the rest of the octets is not taken yet */
    NETSTRING_BROKEN    /* no netstring; nothing that follows can be understood */
};

/* Takes octets in; *used tells how many. After NETSTRING_WHOLE, the next call begins a new one. */
enum netstring_result netstring_take(struct netstring *s, size_t *used, const char *octets, size_t n);

/* The payload that has ended; cut tells that it was longer than what is kept. Borrowed. */
struct bv_str netstring_payload(const struct netstring *s, bool *cut);

/*
 * Writes "LENGTH:WORD TEXT,"; returns its length.  A word of the protocol and
 * BV_ADDR_QUOTED always fit; 0, with dst empty, when it does not.
 */
size_t netstring_answer(char dst[NETSTRING_ANSWER], const char *word, const char *text);

#endif

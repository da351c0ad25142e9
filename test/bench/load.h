/*
 * load - messages to be signed, sent to a milter as Postfix sends them, counted
 * and timed.  One thread.  What is measured is told by load_tell().
 */
#ifndef TEST_BENCH_LOAD_H
#define TEST_BENCH_LOAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "test/bench/wire.h"

enum {
    LOAD_MESSAGES_MAX = 10000000,
    LOAD_SECONDS_MAX = 3600,
    LOAD_CONNECTIONS_MAX = 1024,
    LOAD_IDLE_MAX = 100000,
    LOAD_HEADERS_MAX = 1000,
    LOAD_BODY_MAX = 100000000,
    LOAD_USERS = 1000, /* senders, in turn */
    LOAD_ADDRESS = 128,
    LOAD_ASKED = 512
};

/* Where a connection stands: what is said next. */
enum load_step {
    LOAD_OFFER,
    LOAD_CONNECT,
    LOAD_HELO,
    LOAD_READY, /* between messages */
    LOAD_MAIL,
    LOAD_RCPT,
    LOAD_DATA,
    LOAD_HEADER,
    LOAD_EOH,
    LOAD_BODY,
    LOAD_END,
    LOAD_WAIT /* all has been said */
};

/* The places of macros, in the numbers of the protocol. */
enum load_stage {
    LOAD_AT_CONNECT,
    LOAD_AT_HELO,
    LOAD_AT_MAIL,
    LOAD_AT_RCPT,
    LOAD_AT_DATA,
    LOAD_AT_END,
    LOAD_AT_EOH,
    LOAD_STAGES
};

struct load_options {
    struct wire_where where;
    const char *domain; /* of the recipients */
    long messages, warm_up, per_session, connections, idle, headers, body, recipients;
    double seconds, rate; /* rate: messages a second; 0: each as soon as there is a connection for it */
    pid_t pid;            /* of the milter; 0: not known */
};

/* A connection of an MTA: one session after the other. */
struct load_peer {
    struct wire wire;
    struct load *load;
    struct load_peer *next; /* of those that wait for work */
    enum load_step step, awaited;
    bool busy;                      /* a message is to be sent, or is under way */
    bool chosen;                    /* the milter has said which macros it wants: */
    char asked[LOAD_ASKED];         /* their names, as they came */
    const char *names[LOAD_STAGES]; /* inside of it, or NULL */
    char from[LOAD_ADDRESS], to[LOAD_ADDRESS];
    double due;  /* when the message was to be sent, in seconds */
    long number; /* of the message in the session */
    long rcpt, header, body, trips, senders;
};

struct load {
    struct load_options o;
    struct load_peer *peer, *idle;
    struct load_peer *waiting; /* peers without work */
    int epoll, timer;
    double start;     /* of the schedule */
    long begun, done; /* messages, with the warm-up */
    long owed;        /* messages that are due by the schedule and not begun */
    bool counting, over, failed;
    /* What is counted, after the warm-up. */
    double began, ended, cpu;
    long counted, senders, sessions, trips, setup_trips, octets;
    float *latency; /* microseconds */
    long resident_begin, resident_idle, resident_end, idle_alive;
};

/* Says what has gone wrong with a connection, once, and ends the run. */
void load_fail(struct load *l, const char *what);

/* Seconds by the steady clock. */
double load_now(void);

/* Everything from the first connection to the last. Returns 0, or -1 when a message was not signed. */
int load_run(struct load *l);

/* A connection for the next session, with its offer. Returns 0 or -1. */
int load_open(struct load_peer *p);

/* Gathers what comes next. Returns whether it is to be answered. */
bool load_say(struct load_peer *p);

/* Says all that an MTA says before it has to wait. */
void load_talk(struct load_peer *p);

/* Takes an answer, and goes on talking. Returns whether the message is over with it. */
bool load_take(struct load_peer *p, const struct wire_packet *answer);

/* The session is over: says so, and closes. */
void load_quit(struct load_peer *p);

/* Keeps the names of the macros that an answer to the offer asks for. */
void load_macros_choose(struct load_peer *p, const struct wire_packet *answer);

/* The macros of a command, in a packet of their own, even when there are none: so it is with Postfix. */
void load_macros_put(struct load_peer *p, char command, enum load_stage stage);

/* Processor time and memory of a process: seconds, kilobytes; 0 when they cannot be had. */
double load_cpu(pid_t pid);
long load_resident(pid_t pid);

/* Prints the figures, one JSON line. */
void load_tell(struct load *l);

#endif

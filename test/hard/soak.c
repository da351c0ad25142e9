/*
 * A load of messages on a milter, in the words of Postfix, each answer checked.
 *
 *     soak SOCKET MESSAGES SECONDS VALID FORGED
 *
 * VALID and FORGED are tagged addresses of the milter's ring.  Prints "COUNT
 * SECONDS" now and then; ends after so many messages or seconds, with status 1
 * when an answer was not the one that belongs to the message, and with its reason.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pthread.h>

#include "test/bench/wire.h"

enum { CLIENTS = 6, SESSION = 20, TICK_MS = 100 };

/* A kind of message, and the answers to it. */
struct kind {
    const char *name, *daemon, *from, *rcpt;
    char at_rcpt;        /* the answer to RCPT, */
    const char *changes; /* the commands of changes at the end, those in their order, and the answer */
};

static struct kind kinds[] = {
    {"signed", "ORIGINATING", "<user@example.com>", "<friend@outside.example>", 'c', "ec"},
    {"ordinary", "gw.example.com", "<friend@outside.example>", "<user@example.com>", 'c', "c"},
    {"valid", "gw.example.com", "<>", NULL, 'c', "2-ic"},
    {"forged", "gw.example.com", "<>", NULL, 'y', ""},
};

static struct wire_where where;
static atomic_long taken, done, faults;
static atomic_bool ending;
static long most;

/* The command of the next packet; 0 when the milter has gone. */
static char answer_to(struct wire *w, struct wire_packet *answer)
{
    static const char gone[] = "the milter has gone, or has fallen silent";

    if (wire_answer(w, answer) == 0)
        return answer->command;
    *answer = (struct wire_packet){.data = gone, .n = sizeof gone - 1};
    return '\0';
}

static void fault(const struct kind *k, const char *what, const struct wire_packet *answer)
{
    if (atomic_fetch_add(&faults, 1) < 5)
        fprintf(stderr, "soak: %s: %s: '%c' %.*s\n", k->name, what, answer->command, (int)answer->n,
                answer->data);
    atomic_store(&ending, true);
}

static int begin_session(struct wire *w, const struct kind *k)
{
    struct wire_packet answer;

    wire_put_offer(w);
    answer_to(w, &answer);
    if (wire_agree(w, &answer) != 0) {
        fault(k, "the session does not begin", &answer);
        return -1;
    }
    wire_put_texts(w, 'D', 'C', (const char *const[]){"{daemon_name}", k->daemon, NULL});
    wire_put(w, 'C', "mx.example.net\0004\022g192.0.2.7", sizeof "mx.example.net\0004\022g192.0.2.7");
    return 0;
}

/* The end of a message. Returns 0 when the answers are those that belong to it. */
static int end_message(struct wire *w, const struct kind *k, struct wire_packet *answer)
{
    if ((w->protocol & WIRE_NOHDRS) == 0) {
        wire_put_texts(w, 'L', '\0', (const char *const[]){"From", "somebody@outside.example", NULL});
        wire_put_texts(w, 'L', '\0', (const char *const[]){"Subject", "hello", NULL});
        wire_put(w, 'N', "", 0);
    }
    wire_put_texts(w, 'D', 'E', (const char *const[]){"i", "4XyZ1abc", NULL});
    wire_put(w, 'E', "", 0);
    for (const char *want = k->changes; *want != '\0'; want++) {
        char got = answer_to(w, answer);
        while (*want == 'i' && got == 'm') /* copies of the field, deleted */
            got = answer_to(w, answer);
        if (got != *want)
            return -1;
    }
    return 0;
}

static int one_message(struct wire *w, const struct kind *k)
{
    struct wire_packet answer;

    wire_put_texts(w, 'D', 'M', (const char *const[]){NULL});
    wire_put_texts(w, 'M', '\0', (const char *const[]){k->from, NULL});
    wire_put_texts(w, 'D', 'R', (const char *const[]){NULL});
    wire_put_texts(w, 'R', '\0', (const char *const[]){k->rcpt, NULL});
    if (answer_to(w, &answer) != k->at_rcpt) {
        fault(k, "answer to RCPT", &answer);
        return -1;
    }
    if (k->at_rcpt == 'c' && end_message(w, k, &answer) != 0) {
        fault(k, "answer at the end", &answer);
        return -1;
    }
    wire_put(w, 'A', "", 0);
    return 0;
}

static void one_session(struct wire *w, const struct kind *k)
{
    if (begin_session(w, k) != 0)
        return;
    for (int i = 0; i < SESSION && atomic_fetch_add(&taken, 1) < most; i++) {
        if (one_message(w, k) != 0)
            return;
        atomic_fetch_add(&done, 1);
    }
    wire_put(w, 'Q', "", 0);
    wire_send(w);
}

/* Sessions without end, each of one kind: which mail is signed depends on the client. */
static void *client(void *number)
{
    static const char refused[] = "no connection";
    size_t turn = (size_t)(uintptr_t)number;
    struct wire *w = calloc(1, sizeof *w);

    while (w != NULL && !atomic_load(&ending) && atomic_load(&taken) < most) {
        const struct kind *k = &kinds[turn++ % (sizeof kinds / sizeof *kinds)];
        if (wire_open(w, &where) == 0)
            one_session(w, k);
        else if (errno != EAGAIN) /* the listen queue is full */
            fault(k, "the session does not begin", &(struct wire_packet){'-', refused, sizeof refused - 1});
        wire_close(w);
    }
    if (w != NULL)
        wire_free(w);
    free(w);
    return NULL;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(double seconds)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    double begin = now();

    while (!atomic_load(&ending) && atomic_load(&done) < most && now() - begin < seconds) {
        nanosleep(&tick, NULL);
        printf("%ld %.1f\n", atomic_load(&done), now() - begin);
        fflush(stdout);
    }
    atomic_store(&ending, true);
}

int main(int argc, char **argv)
{
    pthread_t thread[CLIENTS];

    if (argc != 6 || wire_where(&where, argv[1]) != 0) {
        fprintf(stderr, "usage: soak SOCKET MESSAGES SECONDS VALID FORGED\n");
        return 2;
    }
    most = strtol(argv[2], NULL, 10);
    kinds[2].rcpt = argv[4];
    kinds[3].rcpt = argv[5];
    for (size_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&thread[i], NULL, client, (void *)(uintptr_t)i) != 0)
            return 2;
    watch(strtod(argv[3], NULL));
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(thread[i], NULL);
    return atomic_load(&faults) == 0 ? 0 : 1;
}

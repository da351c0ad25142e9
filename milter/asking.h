/*
 * asking - questions to the DNS that are under way, and who waits for their
 * answers.  Whoever asks waits as long as it has patience; an answer that comes
 * later is dropped.  Knows no resolver.  Any number of threads.
 */
#ifndef MILTER_ASKING_H
#define MILTER_ASKING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "milter/answers.h"
#include "milter/guard.h"

enum {
    ASKING_A = 1, /* types of records, RFC 1035 3.2.2, RFC 3596 2.1 */
    ASKING_MX = 15,
    ASKING_TXT = 16,
    ASKING_AAAA = 28
};

enum {
    ASKING_QUESTIONS = 1 + 2 * GUARD_HOSTS, /* of one asking */
    ASKING_IN_FLIGHT = 2000 /* of all; a resolver goes on for a minute with servers that are dead */
};

/* All that is under way. */
struct askings {
    pthread_mutex_t lock; /* of all members, here and below */
    pthread_cond_t idle;
    unsigned askers;
    unsigned in_flight, limit; /* questions */
    struct asking *first;
};

struct question {
    struct asking *asking;
    int type;
    size_t host; /* number of the host that it is about; not with MX */
    bool answered;
};

/* What one thread waits for. It lives until the last answer has come: the resolver points to its questions. */
struct asking {
    struct askings *all;
    struct asking *prev, *next;
    struct guard_facts *facts;   /* NULL: nobody waits any more */
    struct answers_texts *texts; /* what TXT records go to; as long as facts */
    unsigned users;              /* who asks, and each question in flight */
    pthread_cond_t answered;
    size_t n;
    struct question question[ASKING_QUESTIONS];
};

void askings_init(struct askings *all, unsigned limit);
void askings_wait(struct askings *all); /* until nobody asks */
void askings_free(struct askings *all); /* to be called when no answer can come any more, and nobody asks */

/* Begins; answers go to *facts until asking_end(). NULL without memory. */
struct asking *asking_new(struct askings *all, struct guard_facts *facts);

/*
 * Adds a question.  Whatever becomes of it, asking_answer() must be called for
 * it once, by any thread.  *full tells that it is over the limit of questions
 * under way, and not to be asked: resolvers go on with dead servers for long.
 */
struct question *asking_add(struct asking *a, int type, size_t host, bool *full);

/* An answer: records in a NULL-terminated list, with their lengths; both unused unless `got` is GUARD_DNS_OK. */
void asking_answer(struct question *q, enum guard_dns got, int64_t ttl, char *const *data, const int *len);

/* Waits for all questions. Returns false when the steady clock reaches `until` before. */
bool asking_wait(struct asking *a, const struct timespec *until);

/* Ends; *a must not be used any more, and *facts stays as it is. What has not been answered has failed. */
void asking_end(struct asking *a);

#endif

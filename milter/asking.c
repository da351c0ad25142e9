#include "milter/asking.h"

#include <stdlib.h>

#include "milter/answers.h"

void askings_init(struct askings *all, unsigned limit)
{
    *all = (struct askings){.limit = limit};
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->idle, NULL);
}

void askings_wait(struct askings *all)
{
    pthread_mutex_lock(&all->lock);
    while (all->askers > 0)
        pthread_cond_wait(&all->idle, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

static void destroy(struct asking *a)
{
    pthread_cond_destroy(&a->answered);
    free(a);
}

static void free_asking(struct asking *a)
{
    if (a->prev != NULL)
        a->prev->next = a->next;
    else
        a->all->first = a->next;
    if (a->next != NULL)
        a->next->prev = a->prev;
    destroy(a);
}

void askings_free(struct askings *all)
{
    struct asking *next;

    for (struct asking *a = all->first; a != NULL; a = next) {
        next = a->next;
        destroy(a);
    }
    pthread_cond_destroy(&all->idle);
    pthread_mutex_destroy(&all->lock);
}

static void init_steady(pthread_cond_t *cond)
{
    pthread_condattr_t steady;

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &steady);
    pthread_condattr_destroy(&steady);
}

struct asking *asking_new(struct askings *all, struct guard_facts *facts)
{
    struct asking *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->all = all;
    a->facts = facts;
    a->users = 1;
    init_steady(&a->answered);
    pthread_mutex_lock(&all->lock);
    all->askers++;
    a->next = all->first;
    if (all->first != NULL)
        all->first->prev = a;
    all->first = a;
    pthread_mutex_unlock(&all->lock);
    return a;
}

struct question *asking_add(struct asking *a, int type, size_t host, bool *full)
{
    struct question *q = &a->question[a->n++];

    *q = (struct question){.asking = a, .type = type, .host = host};
    pthread_mutex_lock(&a->all->lock);
    a->users++;
    *full = a->all->in_flight++ >= a->all->limit;
    pthread_mutex_unlock(&a->all->lock);
    return q;
}

static void take(struct guard_facts *f, const struct question *q, enum guard_dns got, int64_t ttl)
{
    if (got != GUARD_DNS_FAILED)
        answers_ttl(f, ttl);
    if (q->type == ASKING_TXT)
        q->asking->texts->dns = got;
    else if (q->type == ASKING_MX)
        f->mx = got;
    else if (got == GUARD_DNS_FAILED)
        answers_failed(f, q->host);
}

static void take_record(struct guard_facts *f, const struct question *q, const void *rdata, size_t n)
{
    if (q->type == ASKING_TXT)
        answers_text(q->asking->texts, rdata, n);
    else if (q->type == ASKING_MX)
        answers_mx(f, rdata, n);
    else
        answers_address(f, q->host, rdata, n);
}

/* With the lock held. */
static void let_go(struct asking *a)
{
    a->users--;
    if (a->users == 0)
        free_asking(a);
    else if (a->users == 1 && a->facts != NULL)
        pthread_cond_signal(&a->answered);
}

void asking_answer(struct question *q, enum guard_dns got, int64_t ttl, char *const *data, const int *len)
{
    struct asking *a = q->asking;
    struct askings *all = a->all;

    pthread_mutex_lock(&all->lock);
    all->in_flight--;
    q->answered = true;
    if (a->facts != NULL) {
        take(a->facts, q, got, ttl);
        for (size_t i = 0; got == GUARD_DNS_OK && data[i] != NULL; i++)
            take_record(a->facts, q, data[i], (size_t)len[i]);
    }
    let_go(a);
    pthread_mutex_unlock(&all->lock);
}

bool asking_wait(struct asking *a, const struct timespec *until)
{
    struct askings *all = a->all;

    pthread_mutex_lock(&all->lock);
    while (a->users > 1 && pthread_cond_timedwait(&a->answered, &all->lock, until) == 0)
        continue;
    bool all_answered = a->users == 1;
    pthread_mutex_unlock(&all->lock);
    return all_answered;
}

void asking_end(struct asking *a)
{
    struct askings *all = a->all;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < a->n; i++)
        if (!a->question[i].answered)
            take(a->facts, &a->question[i], GUARD_DNS_FAILED, 0);
    a->facts = NULL;
    let_go(a);
    if (--all->askers == 0)
        pthread_cond_signal(&all->idle);
    pthread_mutex_unlock(&all->lock);
}

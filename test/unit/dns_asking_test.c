#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "milter/answers.h"
#include "milter/asking.h"
#include "milter/clock.h"

enum { LONG_MS = 20000, SHORT_MS = 20, TTL = 300 };

static char mx[] = "\0\12\2mx", v4[] = "\177\0\0\1";
static char *const mx_data[] = {mx, NULL}, *const v4_data[] = {v4, NULL};
static const int mx_len[] = {sizeof mx}, v4_len[] = {sizeof v4 - 1};

static struct askings all;

/* On the heap, so that a late write is seen by a sanitizer. */
static struct guard_facts *facts_new(void)
{
    struct guard_facts *f = malloc(sizeof *f);

    assert_non_null(f);
    answers_begin(f);
    return f;
}

static struct asking *begin(struct guard_facts *f)
{
    struct asking *a = asking_new(&all, f);

    assert_non_null(a);
    return a;
}

static bool wait_ms(struct asking *a, int ms)
{
    struct timespec until;

    clock_deadline(&until, ms);
    return asking_wait(a, &until);
}

static struct question *add(struct asking *a, int type, size_t host)
{
    bool full;
    struct question *q = asking_add(a, type, host, &full);

    assert_false(full);
    return q;
}

static void answer_mx(struct question *q)
{
    asking_answer(q, GUARD_DNS_OK, TTL, mx_data, mx_len);
}

static void answer_v4(struct question *q)
{
    asking_answer(q, GUARD_DNS_OK, TTL, v4_data, v4_len);
}

static int setup(void **state)
{
    (void)state;
    askings_init(&all, 10);
    return 0;
}

/* What is still under way is freed: else the leak checker tells. */
static int teardown(void **state)
{
    (void)state;
    askings_wait(&all);
    askings_free(&all);
    return 0;
}

static void test_all_answers(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a = begin(f);

    (void)state;
    answer_mx(add(a, ASKING_MX, 0));
    assert_true(wait_ms(a, LONG_MS));
    assert_int_equal(f->mx, GUARD_DNS_OK);
    assert_int_equal(f->n, 1);
    struct question *q4 = add(a, ASKING_A, 0), *q6 = add(a, ASKING_AAAA, 0);
    asking_answer(q6, GUARD_DNS_NONE, 60, NULL, NULL);
    assert_false(wait_ms(a, SHORT_MS));
    answer_v4(q4);
    assert_true(wait_ms(a, LONG_MS));
    asking_end(a);
    assert_null(all.first);
    assert_int_equal(all.in_flight, 0);
    assert_int_equal(f->host[0].n, 1);
    assert_false(f->host[0].some_failed);
    assert_int_equal(f->ttl, 60);
    free(f);
}

static void test_no_mx(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a = begin(f);

    (void)state;
    asking_answer(add(a, ASKING_MX, 0), GUARD_DNS_NONE, 60, NULL, NULL);
    assert_int_equal(f->mx, GUARD_DNS_NONE);
    assert_int_equal(f->n, 0);
    assert_int_equal(f->ttl, 60);
    asking_end(a);
    free(f);
}

/* A failure has no TTL. */
static void test_failures(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a = begin(f);

    (void)state;
    answer_mx(add(a, ASKING_MX, 0));
    asking_answer(add(a, ASKING_A, 0), GUARD_DNS_FAILED, 1, NULL, NULL);
    answer_mx(add(a, ASKING_MX, 0));
    asking_answer(add(a, ASKING_AAAA, 1), GUARD_DNS_NONE, TTL, NULL, NULL);
    asking_end(a);
    assert_true(f->host[0].some_failed);
    assert_false(f->host[1].some_failed);
    assert_int_equal(f->ttl, TTL);
    free(f);
    f = facts_new();
    a = begin(f);
    f->mx = GUARD_DNS_OK;
    asking_answer(add(a, ASKING_MX, 0), GUARD_DNS_FAILED, 0, NULL, NULL);
    asking_end(a);
    assert_int_equal(f->mx, GUARD_DNS_FAILED);
    free(f);
}

static void test_late_answers(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a = begin(f);
    struct question *qmx = add(a, ASKING_MX, 0);

    (void)state;
    answers_mx(f, mx, sizeof mx);
    struct question *q4 = add(a, ASKING_A, 0), *q6 = add(a, ASKING_AAAA, 0);
    answer_v4(q4);
    assert_false(wait_ms(a, SHORT_MS));
    asking_end(a);
    assert_int_equal(f->mx, GUARD_DNS_FAILED);
    assert_true(f->host[0].some_failed);
    assert_int_equal(f->host[0].n, 1);
    free(f);
    assert_int_equal(all.askers, 0);
    assert_int_equal(all.in_flight, 2);
    assert_ptr_equal(all.first, a);
    answer_v4(q6);
    answer_mx(qmx);
    assert_int_equal(all.in_flight, 0);
    assert_null(all.first);
}

static void test_never_answered(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        a[i] = begin(f);
        add(a[i], ASKING_MX, 0);
    }
    for (int i = 0; i < 3; i++)
        asking_end(a[i]);
    free(f);
}

/* They leave a list from its middle, its end and its beginning. */
static void test_several(void **state)
{
    static const int order[] = {1, 2, 0};
    struct guard_facts *f = facts_new();
    struct asking *a[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        a[i] = begin(f);
        add(a[i], ASKING_MX, 0);
    }
    for (int i = 0; i < 3; i++) {
        asking_answer(&a[order[i]]->question[0], GUARD_DNS_NONE, TTL, NULL, NULL);
        asking_end(a[order[i]]);
        int left = 0;
        for (const struct asking *each = all.first; each != NULL; each = each->next)
            left++;
        assert_int_equal(left, 2 - i);
    }
    free(f);
}

static void test_limit(void **state)
{
    struct guard_facts *f = facts_new();
    struct asking *a = begin(f);
    struct question *q[10];
    bool full;

    (void)state;
    answer_mx(add(a, ASKING_MX, 0));
    for (int i = 0; i < 10; i++)
        q[i] = add(a, ASKING_A, 0);
    struct question *over = asking_add(a, ASKING_A, 0, &full);
    assert_true(full);
    asking_answer(over, GUARD_DNS_FAILED, 0, NULL, NULL);
    over = asking_add(a, ASKING_A, 0, &full);
    assert_true(full);
    asking_answer(over, GUARD_DNS_FAILED, 0, NULL, NULL);
    for (int i = 0; i < 10; i++)
        answer_v4(q[i]);
    answer_v4(add(a, ASKING_A, 0));
    assert_true(wait_ms(a, LONG_MS));
    asking_end(a);
    free(f);
}

static atomic_bool ended;

static void *end_later(void *asking)
{
    usleep(SHORT_MS * 1000);
    atomic_store(&ended, true);
    asking_end(asking);
    return NULL;
}

static void test_wait_for_askers(void **state)
{
    struct guard_facts *f = facts_new();
    pthread_t thread;

    (void)state;
    atomic_store(&ended, false);
    assert_int_equal(pthread_create(&thread, NULL, end_later, begin(f)), 0);
    askings_wait(&all);
    assert_true(atomic_load(&ended));
    pthread_join(thread, NULL);
    free(f);
}

/* Threads that ask, against one that answers now and then too late. */
enum { ASKERS = 6, ROUNDS = 300, PENDING = 4096 };

static struct {
    pthread_mutex_t lock;
    size_t n;
    struct question *question[PENDING];
    bool stop;
} pending = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_uint in_time, too_late;

static void *answer_all(void *unused)
{
    bool stop = false;

    (void)unused;
    while (!stop) {
        usleep(200);
        pthread_mutex_lock(&pending.lock);
        stop = pending.stop;
        size_t n = pending.n;
        pending.n = 0;
        struct question *batch[PENDING];
        memcpy(batch, pending.question, n * sizeof *batch);
        pthread_mutex_unlock(&pending.lock);
        for (size_t i = n; i-- > 0;) {
            if (batch[i]->type == ASKING_MX)
                answer_mx(batch[i]);
            else
                answer_v4(batch[i]);
        }
    }
    return NULL;
}

static void ask_later(struct asking *a, int type)
{
    bool full;
    struct question *q = asking_add(a, type, 0, &full);

    pthread_mutex_lock(&pending.lock);
    bool room = !full && pending.n < PENDING;
    if (room)
        pending.question[pending.n++] = q;
    pthread_mutex_unlock(&pending.lock);
    if (!room)
        asking_answer(q, GUARD_DNS_FAILED, 0, NULL, NULL);
}

static void *ask_often(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct guard_facts *f = malloc(sizeof *f);
        struct asking *a = f != NULL ? asking_new(&all, f) : NULL;
        struct timespec until;
        if (a == NULL)
            abort();
        answers_begin(f);
        clock_deadline(&until, (i + (number != NULL)) % 3);
        ask_later(a, ASKING_MX);
        bool ok = asking_wait(a, &until);
        if (ok && f->mx == GUARD_DNS_OK) {
            ask_later(a, ASKING_A);
            ask_later(a, ASKING_AAAA);
            ok = asking_wait(a, &until);
        }
        asking_end(a);
        atomic_fetch_add(ok ? &in_time : &too_late, 1);
        answers_end(f);
        free(f);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t asker[ASKERS], answerer;

    (void)state;
    all.limit = PENDING;
    assert_int_equal(pthread_create(&answerer, NULL, answer_all, NULL), 0);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&asker[i], NULL, ask_often, i % 2 == 0 ? NULL : &all), 0);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(asker[i], NULL);
    askings_wait(&all);
    pthread_mutex_lock(&pending.lock);
    pending.stop = true;
    pthread_mutex_unlock(&pending.lock);
    pthread_join(answerer, NULL);
    assert_true(atomic_load(&in_time) > 0);
    assert_true(atomic_load(&too_late) > 0);
    assert_int_equal(all.in_flight, 0);
    assert_null(all.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_mx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wait_for_askers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "test/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, TICK_MS = 100 };

double load_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long all_messages(const struct load *l)
{
    return l->o.warm_up + l->o.messages;
}

/* Octets that have been sent. */
static long sent(const struct load *l)
{
    size_t n = 0;

    for (long i = 0; i < l->o.connections; i++)
        n += l->peer[i].wire.sent;
    return (long)n;
}

static void begin_counting(struct load *l)
{
    l->counting = true;
    l->octets = sent(l);
    l->cpu = load_cpu(l->o.pid);
    l->began = load_now();
}

static void end_counting(struct load *l)
{
    l->ended = load_now();
    l->octets = sent(l) - l->octets;
    l->cpu = load_cpu(l->o.pid) - l->cpu;
    l->counting = false;
    l->over = true;
}

static void begin_work(struct load_peer *p, double due)
{
    struct load *l = p->load;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

    l->begun++;
    p->busy = true;
    p->due = due;
    if (p->wire.fd > 0)
        load_talk(p);
    else if (load_open(p) == 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, p->wire.fd, &event) != 0)
        load_fail(l, "a connection cannot be watched");
}

static void wait_for_work(struct load_peer *p)
{
    p->next = p->load->waiting;
    p->load->waiting = p;
}

/* Gives work to whom there is work for: by the schedule, or at once. */
static void hand_out(struct load *l)
{
    while (l->waiting != NULL && !l->over && l->begun < all_messages(l) && (l->o.rate <= 0 || l->owed > 0)) {
        struct load_peer *p = l->waiting;
        l->waiting = p->next;
        l->owed--;
        begin_work(p, l->start + (double)(l->begun + 1) / l->o.rate);
    }
}

static void finish(struct load_peer *p)
{
    struct load *l = p->load;

    p->busy = false;
    p->number++;
    if (l->counting) {
        l->latency[l->counted++] = (float)((load_now() - p->due) * 1e6);
        l->trips += p->trips;
        l->senders += p->senders;
    }
    wire_put(&p->wire, 'A', "", 0);
    p->step = LOAD_READY;
    if (p->number == l->o.per_session)
        load_quit(p);
    l->done++;
    if (l->done == l->o.warm_up)
        begin_counting(l);
    if (l->done == all_messages(l))
        end_counting(l);
    wait_for_work(p);
}

static void on_readable(struct load_peer *p)
{
    struct wire_packet answer;
    int got = wire_receive(&p->wire);

    if (got != 0) {
        load_fail(p->load, "the milter has closed a connection, or said too much");
        return;
    }
    while (!p->load->over && (got = wire_next(&p->wire, &answer)) > 0)
        if (load_take(p, &answer))
            finish(p);
    if (got < 0)
        load_fail(p->load, "what the milter says is no packet");
}

static void on_timer(struct load *l)
{
    uint64_t times = 0;

    if (read(l->timer, &times, sizeof times) == (ssize_t)sizeof times)
        l->owed += (long)times;
}

static int start_timer(struct load *l)
{
    double period = 1 / l->o.rate;
    struct itimerspec times = {.it_interval = {.tv_sec = (time_t)period}};
    struct epoll_event event = {.events = EPOLLIN};

    times.it_interval.tv_nsec = (long)((period - (double)times.it_interval.tv_sec) * 1e9);
    times.it_value = times.it_interval;
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    l->start = load_now();
    if (l->timer < 0 || timerfd_settime(l->timer, 0, &times, NULL) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &event) != 0)
        return -1;
    return 0;
}

static int open_idle(struct load *l)
{
    l->idle = calloc((size_t)l->o.idle + 1, sizeof *l->idle);
    l->resident_begin = load_resident(l->o.pid);
    for (long i = 0; l->idle != NULL && i < l->o.idle && !l->failed; i++) {
        struct load_peer *p = &l->idle[i];
        struct wire_packet answer;
        p->load = l;
        if (load_open(p) != 0)
            return -1;
        while (!l->failed && p->step != LOAD_READY) {
            if (wire_answer(&p->wire, &answer) != 0)
                load_fail(l, "a connection that is to be idle does not come about");
            else
                load_take(p, &answer);
        }
    }
    l->resident_idle = load_resident(l->o.pid);
    return l->idle != NULL && !l->failed ? 0 : -1;
}

static void count_idle(struct load *l)
{
    char octet;

    for (long i = 0; i < l->o.idle; i++) {
        ssize_t n = recv(l->idle[i].wire.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0 || (n < 0 && errno == EAGAIN))
            l->idle_alive++;
    }
}

static void loop(struct load *l)
{
    double end = load_now() + l->o.seconds;
    struct epoll_event event[EVENTS];

    while (!l->over) {
        int n = epoll_wait(l->epoll, event, EVENTS, TICK_MS);
        if (n < 0 && errno != EINTR)
            load_fail(l, "epoll_wait fails");
        for (int i = 0; i < n && !l->over; i++) {
            if (event[i].data.ptr != NULL)
                on_readable(event[i].data.ptr);
            else
                on_timer(l);
        }
        hand_out(l);
        if (!l->over && load_now() >= end)
            end_counting(l);
    }
}

static void close_all(struct load *l)
{
    for (long i = 0; i < l->o.connections; i++) {
        if (l->peer[i].wire.fd > 0)
            load_quit(&l->peer[i]);
        wire_free(&l->peer[i].wire);
    }
    for (long i = 0; i < l->o.idle; i++)
        wire_free(&l->idle[i].wire);
}

int load_run(struct load *l)
{
    l->peer = calloc((size_t)l->o.connections, sizeof *l->peer);
    l->latency = calloc((size_t)l->o.messages, sizeof *l->latency);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->peer == NULL || l->latency == NULL || l->epoll < 0) {
        load_fail(l, "no memory");
        return -1;
    }
    if (open_idle(l) != 0)
        return -1;
    for (long i = l->o.connections; i-- > 0;) {
        l->peer[i].load = l;
        wait_for_work(&l->peer[i]);
    }
    if (l->o.rate > 0 && start_timer(l) != 0)
        load_fail(l, "no timer");
    if (l->o.warm_up == 0)
        begin_counting(l);
    hand_out(l);
    loop(l);
    count_idle(l);
    l->resident_end = load_resident(l->o.pid);
    close_all(l);
    return l->failed ? -1 : 0;
}

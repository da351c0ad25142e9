#include "milter/drain.h"

#include <stdatomic.h>
#include <stdint.h>

#include "milter/clock.h"

enum { QUIET_US = 500000, GREETING_US = 200000 };

static atomic_int busy, accepting;
static atomic_long sessions, messages;
static _Atomic int64_t last_word, last_taken; /* of an MTA; a connection; by the steady clock */
static atomic_bool draining, stopping;

static void note_word(void)
{
    atomic_store_explicit(&last_word, clock_steady_us(), memory_order_relaxed);
}

bool drain_enter(void)
{
    atomic_fetch_add(&busy, 1);
    if (!atomic_load(&stopping))
        return true;
    atomic_fetch_sub(&busy, 1);
    return false;
}

void drain_leave(void)
{
    atomic_fetch_sub(&busy, 1);
}

bool drain_accept_begin(void)
{
    atomic_fetch_add(&accepting, 1);
    if (!atomic_load(&draining))
        return true;
    atomic_fetch_sub(&accepting, 1);
    return false;
}

void drain_accept_end(bool taken)
{
    if (taken)
        atomic_store(&last_taken, clock_steady_us());
    atomic_fetch_sub(&accepting, 1);
}

long drain_session_begin(void)
{
    note_word();
    return atomic_fetch_add(&sessions, 1) + 1;
}

void drain_session_end(void)
{
    atomic_fetch_sub(&sessions, 1);
}

long drain_sessions(void)
{
    return atomic_load(&sessions);
}

void drain_message_begin(void)
{
    atomic_fetch_add(&messages, 1);
}

void drain_message_end(void)
{
    note_word();
    atomic_fetch_sub(&messages, 1);
}

void drain_begin(void)
{
    atomic_store(&draining, true);
}

bool drain_has_begun(void)
{
    return atomic_load(&draining);
}

bool drain_is_quiet(void)
{
    if (atomic_load(&accepting) > 0 || clock_steady_us() - atomic_load(&last_taken) < GREETING_US)
        return false;
    if (drain_sessions() == 0)
        return true;
    return atomic_load(&messages) == 0 && clock_steady_us() - atomic_load(&last_word) >= QUIET_US;
}

bool drain_stop(void)
{
    atomic_store(&stopping, true);
    return atomic_load(&busy) == 0;
}

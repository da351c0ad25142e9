#include "milter/drain.h"

#include <stdatomic.h>

static atomic_int busy;
static atomic_bool stopping;

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

bool drain_stop(void)
{
    atomic_store(&stopping, true);
    return atomic_load(&busy) == 0;
}

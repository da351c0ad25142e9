#include "milter/timing.h"

#include "milter/clock.h"

static bool on; /* set once, before the first session */

void timing_switch_on(void)
{
    on = true;
}

int64_t timing_begin(void)
{
    return on ? clock_steady_us() : 0;
}

void timing_end(enum counters_callback which, int64_t began)
{
    if (on)
        counters_callback(which, clock_steady_us() - began);
}

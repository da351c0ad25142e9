#include "milter/axis.h"

#include <stddef.h>

uint64_t axis_end(uint64_t most)
{
    static const unsigned char digit[] = {2, 4, 6, 8, 10, 12, 16};
    uint64_t scale = 1;

    for (;; scale *= 10)
        for (size_t i = 0; i < sizeof digit; i++)
            if (most <= digit[i] * scale || scale >= UINT64_MAX / 1000)
                return digit[i] * scale;
}

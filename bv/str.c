#include "bv/bv.h"

bool bv_str_same_nocase(struct bv_str a, struct bv_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (bv_lower(a.p[i]) != bv_lower(b.p[i]))
            return false;
    return true;
}

#include "bv/bv.h"

#include <string.h>

struct bv_str bv_str(const char *text)
{
    return (struct bv_str){text, strlen(text)};
}

char bv_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool bv_str_same(struct bv_str a, struct bv_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bv_str_same_nocase(struct bv_str a, struct bv_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (bv_lower(a.p[i]) != bv_lower(b.p[i]))
            return false;
    return true;
}

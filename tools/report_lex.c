#include "tools/report_lex.h"

#include <string.h>

struct bv_str text_behind(struct bv_str s, size_t n)
{
    return (struct bv_str){s.p + n, s.n - n};
}

bool text_begins(struct bv_str s, const char *text)
{
    size_t n = strlen(text);

    return s.n >= n && memcmp(s.p, text, n) == 0;
}

bool text_take(struct bv_str *s, const char *text)
{
    if (!text_begins(*s, text))
        return false;
    *s = text_behind(*s, strlen(text));
    return true;
}

bool text_take_until(struct bv_str *out, struct bv_str *s, char mark)
{
    const char *end = s->n > 0 ? memchr(s->p, mark, s->n) : NULL;

    if (end == NULL)
        return false;
    *out = (struct bv_str){s->p, (size_t)(end - s->p)};
    *s = text_behind(*s, out->n + 1);
    return true;
}

bool text_take_number(uint64_t *out, struct bv_str *s)
{
    size_t n = 0;

    for (*out = 0; n < s->n && n < 18 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *out = *out * 10 + (uint64_t)(s->p[n] - '0');
    *s = text_behind(*s, n);
    return n > 0;
}

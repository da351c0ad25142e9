#include "milter/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problems_add(struct problems *p, const char *path, int line, const char *format, ...)
{
    va_list ap;

    if (p->n++ >= PROBLEMS_KEPT)
        return;
    struct problem *item = &p->item[p->n - 1];
    snprintf(item->path, sizeof item->path, "%s", path);
    item->line = line;
    item->denied = false;
    va_start(ap, format);
    vsnprintf(item->text, sizeof item->text, format, ap);
    va_end(ap);
}

void problems_deny(struct problems *p)
{
    if (p->n > 0 && p->n <= PROBLEMS_KEPT)
        p->item[p->n - 1].denied = true;
}

void problems_append(struct problems *p, const struct problems *more)
{
    for (size_t i = 0; i < more->n && i < PROBLEMS_KEPT && p->n + i < PROBLEMS_KEPT; i++)
        p->item[p->n + i] = more->item[i];
    p->n += more->n;
}

void problems_sort(struct problems *p)
{
    size_t n = p->n < PROBLEMS_KEPT ? p->n : PROBLEMS_KEPT;

    for (size_t i = 1; i < n; i++) {
        struct problem moved = p->item[i];
        size_t j = i;
        for (; j > 0 && p->item[j - 1].line > moved.line && strcmp(p->item[j - 1].path, moved.path) == 0; j--)
            p->item[j] = p->item[j - 1];
        p->item[j] = moved;
    }
}

void problem_write(char *dst, size_t size, const struct problem *p)
{
    if (p->line > 0)
        snprintf(dst, size, "%s:%d: %s", p->path, p->line, p->text);
    else
        snprintf(dst, size, "%s: %s", p->path, p->text);
}

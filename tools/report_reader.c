#include "tools/report_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void report_reader_init(struct report_reader *r, int fd)
{
    r->fd = fd;
    r->ended = false;
    r->begin = r->end = 0;
    r->octets = 0;
}

/* One more piece behind what is there. Returns 0, or -1 with errno. */
static int fill(struct report_reader *r)
{
    ssize_t got;

    if (r->begin > 0) {
        memmove(r->text, r->text + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    do {
        got = read(r->fd, r->text + r->end, sizeof r->text - r->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    r->ended = got == 0;
    r->end += (size_t)got;
    r->octets += (uint64_t)got;
    return 0;
}

/* Has at least n octets there, unless the stream ends before. */
static int need(struct report_reader *r, size_t n)
{
    while (r->end - r->begin < n && !r->ended)
        if (fill(r) != 0)
            return -1;
    return 0;
}

static struct bv_str take(struct report_reader *r, size_t n)
{
    struct bv_str s = {r->text + r->begin, n};

    r->begin += n;
    return s;
}

/* The length of the line that begins here; SIZE_MAX: it has no end within what is there. */
static size_t line_length(const struct report_reader *r, size_t from)
{
    const char *begin = r->text + r->begin;
    const char *end = memchr(begin + from, '\n', r->end - r->begin - from);

    return end != NULL ? (size_t)(end - begin) : SIZE_MAX;
}

/* A line's rest that is of no interest, its newline with it. */
static int skip_rest(struct report_reader *r)
{
    for (;;) {
        size_t n = line_length(r, 0);
        if (n != SIZE_MAX) {
            r->begin += n + 1;
            return 0;
        }
        r->begin = r->end;
        if (r->ended)
            return 0;
        if (fill(r) != 0)
            return -1;
    }
}

int report_reader_line(struct report_reader *r, struct bv_str *line, bool *cut)
{
    size_t n = line_length(r, 0);

    *cut = false;
    while (n == SIZE_MAX && !r->ended && r->end - r->begin <= REPORT_LINE) {
        size_t seen = r->end - r->begin;
        if (fill(r) != 0)
            return -1;
        n = line_length(r, seen);
    }
    size_t there = r->end - r->begin;
    if (n == SIZE_MAX && there == 0)
        return 0;
    *cut = n == SIZE_MAX ? there > REPORT_LINE : n > REPORT_LINE;
    if (!*cut) {
        *line = take(r, n == SIZE_MAX ? there : n);
        r->begin += n != SIZE_MAX;
        return 1;
    }
    *line = take(r, REPORT_LINE);
    memcpy(r->kept, line->p, line->n);
    line->p = r->kept;
    return skip_rest(r) == 0 ? 1 : -1;
}

int report_reader_octets(struct report_reader *r, struct bv_str *text, uint64_t n)
{
    *text = (struct bv_str){r->kept, 0};
    while (n > 0) {
        if (r->begin == r->end && need(r, 1) != 0)
            return -1;
        size_t there = r->end - r->begin, step = n < there ? (size_t)n : there;
        if (step == 0)
            return 0;
        struct bv_str s = take(r, step);
        size_t room = sizeof r->kept - text->n, part = s.n < room ? s.n : room;
        memcpy(r->kept + text->n, s.p, part);
        text->n += part;
        n -= step;
    }
    return 1;
}

int report_reader_peek(struct report_reader *r, struct bv_str *text, size_t n)
{
    if (need(r, n) != 0)
        return -1;
    size_t there = r->end - r->begin;
    *text = (struct bv_str){r->text + r->begin, there < n ? there : n};
    return 0;
}

#include "milter/bogus_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS "(REJECT, 4xx, 5xx, DUNNO, OK)"

struct reader {
    const char *path;
    struct problems *problems;
    struct bogus_draft draft;
    char *below, *end; /* the lines that are still to be read */
    int next;          /* the number of the first of them */
    char *at, *stop;   /* the current line with all that continues it, in one */
    int line;          /* where it begins */
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void refuse(const struct reader *r, struct bv_str word, const char *wrong)
{
    problems_add(r->problems, r->path, r->line, "\"%.*s\" %s", (int)(word.n < 60 ? word.n : 60), word.p, wrong);
}

/* ---- lines */

/* Takes a line from those below. Returns its end. */
static char *take_line(struct reader *r)
{
    char *newline = memchr(r->below, '\n', (size_t)(r->end - r->below)), *end = newline;

    if (end == NULL)
        end = r->end;
    r->below = newline == NULL ? r->end : newline + 1;
    r->next++;
    return end;
}

/* Whether there is nothing on it but blanks or a comment. */
static bool is_empty(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at == end || *at == '#';
}

/* Makes one line of a line and those that continue it: empty ones and comments in between become blanks. */
static bool next_line(struct reader *r)
{
    do {
        if (r->below == r->end)
            return false;
        r->line = r->next;
        r->at = r->below;
        r->stop = take_line(r);
    } while (is_empty(r->at, r->stop));

    while (r->below < r->end && (is_blank(*r->below) || *r->below == '#')) {
        char *start = r->below, *end = take_line(r);
        if (is_empty(start, end))
            memset(start, ' ', (size_t)(end - start));
        r->stop = end;
    }
    return true;
}

static bool is_printable(const struct reader *r)
{
    for (const char *p = r->at; p < r->stop; p++)
        if (!is_blank(*p) && (*p < ' ' || *p > '~'))
            return false;
    return true;
}

static struct bv_str take_word(struct reader *r)
{
    char *start = r->at;

    while (r->at < r->stop && !is_blank(*r->at))
        r->at++;
    struct bv_str word = {start, (size_t)(r->at - start)};
    while (r->at < r->stop && is_blank(*r->at))
        r->at++;
    return word;
}

/* The rest of the line as a string, with one blank where there were some. */
static char *take_text(struct reader *r)
{
    char *text = r->at, *dst = text;

    while (r->at < r->stop) {
        struct bv_str word = take_word(r);
        if (dst > text)
            *dst++ = ' ';
        memmove(dst, word.p, word.n);
        dst += word.n;
    }
    *dst = '\0'; /* there is room: one octet more was allocated, and a newline is no longer needed */
    return text;
}

/* ---- networks */

/* "[ADDRESS/BITS]" and "[ADDRESS]/BITS" are written without brackets. Returns what is wrong, or NULL. */
static const char *unbracket(char dst[NET_TEXT + 8], struct bv_str word)
{
    const char *close = memchr(word.p, ']', word.n);
    size_t n = 0;

    if (word.p[0] == '[' && close == NULL)
        return "has no \"]\"";
    if (word.p[0] == '[' && close + 1 < word.p + word.n &&
        (close[1] != '/' || memchr(word.p, '/', (size_t)(close - word.p)) != NULL))
        return "goes on behind its \"]\"";
    if (word.n >= NET_TEXT + 8)
        return "is no IP address or network";
    for (size_t i = 0; i < word.n; i++)
        if (word.p[0] != '[' || (i > 0 && word.p + i != close))
            dst[n++] = word.p[i];
    dst[n] = '\0';
    return NULL;
}

static bool take_network(struct reader *r, struct net *out, bool *mapped, struct bv_str word)
{
    char text[NET_TEXT + 8];
    struct net_addr first = {.family = NET_IP};

    if (word.p[0] == '!') {
        refuse(r, word, "is a negation, which is not supported: list the networks themselves");
        return false;
    }
    if (bv_str_same_nocase(word, bv_str("if")) || bv_str_same_nocase(word, bv_str("endif"))) {
        refuse(r, word, "is not supported: list the networks without if and endif");
        return false;
    }
    const char *wrong = unbracket(text, word);
    if (wrong == NULL)
        wrong = net_read(out, text);
    if (wrong != NULL) {
        refuse(r, word, wrong);
        return false;
    }
    memcpy(first.ip, out->ip, NET_OCTETS);
    net_addr_write(text, &first);
    *mapped = strchr(text, ':') == NULL && memchr(word.p, ':', word.n) != NULL;
    return true;
}

/* ---- all of it */

static void read_line(struct reader *r)
{
    struct net net = {.bits = 0};
    bool mapped = false, sentence;
    const char *kind;

    if (is_blank(*r->at) || !is_printable(r)) {
        problems_add(r->problems, r->path, r->line, "%s",
                     is_blank(*r->at)
                         ? "begins with a blank, but there is no line before that it could continue"
                         : "may hold printable ASCII only, but for comments");
        return;
    }
    struct bv_str network = take_word(r);
    if (!take_network(r, &net, &mapped, network))
        return;
    char *text = take_text(r);
    if (*text == '\0')
        refuse(r, network, "has no action behind it " ACTIONS);
    else if (!bogus_action(&kind, &sentence, text))
        refuse(r, (struct bv_str){text, strcspn(text, " ")}, "is no action for this table " ACTIONS);
    else if (!mapped)
        bogus_add(&r->draft, &net, kind, sentence);
}

/* Lines that begin with a blank belong to others. */
static size_t count_rows(struct bv_str text)
{
    size_t n = text.n > 0;

    for (size_t i = 1; i < text.n; i++)
        n += text.p[i - 1] == '\n' && !is_blank(text.p[i]) && text.p[i] != '#';
    return n;
}

static void read_lines(struct reader *r, bool builtin)
{
    size_t before = r->problems->n;

    if (r->end - r->below >= 3 && memcmp(r->below, "\xef\xbb\xbf", 3) == 0) {
        problems_add(r->problems, r->path, 1, "begins with a byte order mark; save it without");
        return;
    }
    while (next_line(r))
        read_line(r);
    if (builtin)
        bogus_add_builtin(&r->draft);
    if (r->draft.out->n == 0 && r->problems->n == before)
        problems_add(r->problems, r->path, 0, "names no network");
}

int bogus_read(struct bogus *out, const char *path, struct bv_str text, bool builtin, struct problems *problems)
{
    struct reader r = {.path = path, .problems = problems, .next = 1};
    size_t before = problems->n;
    char *copy = malloc(text.n + 1);
    bool good = bogus_begin(&r.draft, out, count_rows(text)) == 0 && copy != NULL;

    if (good) {
        memcpy(copy, text.p, text.n);
        r.below = copy;
        r.end = copy + text.n;
        read_lines(&r, builtin);
        good = problems->n == before;
    }
    int result = bogus_end(&r.draft, good);
    if (result != 0 && problems->n == before)
        errno = ENOMEM;
    free(copy);
    return result;
}

#include "milter/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t count_lines(struct bv_str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

int lines_open(struct lines *l, const char *path, struct bv_str text, size_t most, struct problems *problems)
{
    *l = (struct lines){.path = path, .problems = problems, .count = count_lines(text)};
    if (l->count > most) {
        problems_add(problems, path, (int)most + 1, "more than %zu lines", most);
        return -1;
    }
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
        problems_add(problems, path, 1, "begins with a byte order mark; save it without");
        return -1;
    }
    l->text = malloc(text.n + 1);
    if (l->text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < text.n; i++)
        l->text[i] = bv_lower(text.p[i]);
    l->below = (struct bv_str){l->text, text.n};
    return 0;
}

bool lines_next(struct lines *l)
{
    if (l->below.n == 0)
        return false;
    const char *end = memchr(l->below.p, '\n', l->below.n);
    size_t n = end == NULL ? l->below.n : (size_t)(end - l->below.p);
    size_t gone = end == NULL ? n : n + 1;
    l->rest = (struct bv_str){l->below.p, n};
    l->below = (struct bv_str){l->below.p + gone, l->below.n - gone};
    l->line++;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct bv_str lines_word(struct lines *l)
{
    struct bv_str s = l->rest;
    size_t start = 0, i;
    bool quoted = false;

    while (start < s.n && is_blank(s.p[start]))
        start++;
    for (i = start; i < s.n && (quoted || !(is_blank(s.p[i]) || s.p[i] == '#')); i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '\\' && quoted && i + 1 < s.n)
            i++;
    }
    l->rest = (struct bv_str){s.p + i, s.n - i}; /* what begins with '#' has no word in it */
    return (struct bv_str){s.p + start, i - start};
}

static bool is_domain_name(struct bv_str s)
{
    enum { LABEL_MAX = 63 }; /* octets, RFC 1035 2.3.4 */
    size_t length = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c >= 0x80;
        if ((!letter && (c != '.' || length == 0)) || length > LABEL_MAX)
            return false;
        length = letter ? length + 1 : 0;
    }
    return length > 0 && length <= LABEL_MAX && s.n <= BV_DOMAIN_MAX;
}

bool lines_domain(struct bv_str *name, bool *below, struct bv_str word)
{
    *below = word.n > 0 && word.p[0] == '.';
    *name = (struct bv_str){word.p + *below, word.n - *below};
    if (name->n > 1 && name->p[name->n - 1] == '.')
        name->n--;
    return is_domain_name(*name);
}

static bool has_control(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return true;
    return false;
}

bool lines_address(struct bv_str *name, enum bv_tag_kind *tag, struct lines *l, struct bv_str word)
{
    struct bv_addr a;
    struct bv_tag read;

    bv_addr_read(&a, word);
    struct bv_str domain = bv_addr_domain(&a);
    size_t n = a.local_len + 1 + a.domain_len;
    if (a.shape != BV_MAILBOX || a.ill_formed || a.overlong || n > word.n || has_control(a.text, n) ||
        !(is_domain_name(domain) || (domain.n > 0 && domain.p[0] == '[')))
        return false;
    bv_tag_read(&read, &a);
    *tag = read.kind;
    char *place = l->text + (word.p - l->text);
    memcpy(place, a.text, n);
    *name = (struct bv_str){place, n};
    return true;
}

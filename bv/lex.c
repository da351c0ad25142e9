#include "bv/lex.h"

#include <string.h>

/* Where a text is unquoted to. What does not fit is counted, not kept. */
struct half {
    char *dst;
    size_t size;
    size_t n;      /* octets it has, kept or not */
    bool pending;  /* white space seen behind a word: one blank, if another word follows */
    bool adjacent; /* the next octet continues a word */
    bool ill_formed;
};

static void half_put(struct half *h, char c)
{
    if (h->pending && h->adjacent && h->n > 0) {
        if (h->n < h->size)
            h->dst[h->n] = ' ';
        h->n++;
    }
    h->pending = false;
    h->adjacent = true;
    if (h->n < h->size)
        h->dst[h->n] = c;
    h->n++;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bv_str lex_trim(struct bv_str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The index behind a quoted string, comment or domain literal that opens at i; 0 when it never closes. */
static size_t skip_enclosed(struct bv_str s, size_t i)
{
    char open = s.p[i], close = open == '(' ? ')' : open == '[' ? ']' : '"';
    size_t depth = 1;

    for (i++; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == close && --depth == 0)
            return i + 1;
        else if (s.p[i] == open && open == '(')
            depth++;
    }
    return 0;
}

/* Nothing in it opens, closes or escapes anything: nearly always so. */
static bool is_plain(struct bv_str s)
{
    return memchr(s.p, '"', s.n) == NULL && memchr(s.p, '(', s.n) == NULL && memchr(s.p, '[', s.n) == NULL &&
           memchr(s.p, '\\', s.n) == NULL;
}

size_t lex_find(struct bv_str s, char wanted, bool first, bool *balanced)
{
    size_t found = s.n, i = 0;

    if (is_plain(s)) {
        const char *p = first ? memchr(s.p, wanted, s.n) : memrchr(s.p, wanted, s.n);
        return p == NULL ? s.n : (size_t)(p - s.p);
    }
    while (i < s.n) {
        char c = s.p[i];
        if (c == '"' || c == '(' || c == '[') {
            i = skip_enclosed(s, i);
            if (i == 0) {
                *balanced = false;
                return s.n;
            }
            continue;
        }
        if (c == wanted) {
            found = i;
            if (first)
                return found;
        }
        i += c == '\\' ? 2 : 1;
    }
    return found;
}

/* What means something where it stands bare, so that no two programs would read it alike. */
static bool is_special(char c)
{
    static const char specials[] = "()<>[]:;@\\,";

    return (unsigned char)c < ' ' || c == 0x7f || strchr(specials, c) != NULL;
}

/* One octet that stands bare, outside quotes. */
static void half_put_bare(struct half *h, char c)
{
    if (is_blank(c)) {
        h->pending = true;
        return;
    }
    h->ill_formed |= is_special(c);
    if (c == '.')
        h->adjacent = false;
    half_put(h, c);
    if (c == '.')
        h->adjacent = false;
}

struct lex_half lex_unquote(char *dst, size_t size, struct bv_str s, bool literal)
{
    struct half h = {.dst = dst, .size = size};
    bool quoted = false;
    size_t i = 0;

    if (lex_is_dot_atom(s)) { /* nothing to undo: nearly always */
        memcpy(dst, s.p, s.n < size ? s.n : size);
        return (struct lex_half){.n = s.n, .atoms = true};
    }
    while (i < s.n) {
        char c = s.p[i];
        size_t end = !quoted && (c == '(' || (c == '[' && literal)) ? skip_enclosed(s, i) : 0;
        if (end > 0) {
            for (; c == '[' && i < end; i++)
                half_put(&h, s.p[i]);
            i = end;
        } else if (c == '"') {
            quoted = !quoted;
            i++;
        } else if (c == '\\' && i + 1 < s.n) {
            half_put(&h, s.p[i + 1]);
            i += 2;
        } else {
            if (quoted)
                half_put(&h, c);
            else
                half_put_bare(&h, c);
            i++;
        }
    }
    return (struct lex_half){.n = h.n, .ill_formed = h.ill_formed};
}

static bool is_atext(unsigned char c)
{
    /* RFC 5322 3.2.3: a bit for each octet; those over 127 are letters of RFC 6531. */
    static const uint32_t set[8] = {0, 0xa3ffacfa, 0xc7fffffe, 0x7fffffff, ~0u, ~0u, ~0u, ~0u};

    return set[c / 32] >> c % 32 & 1;
}

bool lex_is_dot_atom(struct bv_str s)
{
    bool atom = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '.' && !is_atext((unsigned char)s.p[i]))
            return false;
        if (s.p[i] == '.' && !atom)
            return false;
        atom = s.p[i] != '.';
    }
    return atom;
}

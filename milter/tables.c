#include "milter/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a over the folded name; a row for subdomains is another key than one for the name itself. */
static uint32_t hash_name(struct bv_str name, bool subdomains)
{
    uint32_t h = subdomains ? 2166136261u ^ 0x2e : 2166136261u;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)bv_lower(name.p[i])) * 16777619u;
    return h ^ h >> 15;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct domain_slot *find_slot(const struct domains *d, struct bv_str name, bool subdomains)
{
    uint32_t hash = hash_name(name, subdomains);
    size_t i = hash & (d->slots - 1);

    for (; d->slot[i].row != 0; i = (i + 1) & (d->slots - 1)) {
        const struct domain *row = &d->row[d->slot[i].row - 1];
        if (d->slot[i].hash == hash && row->subdomains == subdomains && bv_str_same_nocase(row->name, name))
            return &d->slot[i];
    }
    return &d->slot[i];
}

static const struct domain *find_row(const struct domains *d, struct bv_str name, bool subdomains)
{
    uint32_t index = find_slot(d, name, subdomains)->row;

    return index == 0 ? NULL : &d->row[index - 1];
}

const struct domain *domains_find(const struct domains *d, struct bv_str name)
{
    if (d->n == 0 || name.n == 0)
        return NULL;
    const struct domain *row = find_row(d, name, false);
    for (size_t i = 1; row == NULL && i < name.n; i++)
        if (name.p[i - 1] == '.')
            row = find_row(d, (struct bv_str){name.p + i, name.n - i}, true);
    return row == NULL || row->off ? NULL : row;
}

void domains_free(struct domains *d)
{
    free(d->row);
    free(d->slot);
    free(d->names);
    *d = (struct domains){.n = 0};
}

/* Where reading is. */
struct reader {
    struct domains *out;
    const char *path;
    int line;
    enum bv_syntax delimiter;
    struct problems *problems;
};

static struct bv_str next_word(struct bv_str *rest)
{
    size_t i = 0, start;

    while (i < rest->n && strchr(" \t\r", rest->p[i]) != NULL)
        i++;
    start = i;
    while (i < rest->n && strchr(" \t\r", rest->p[i]) == NULL)
        i++;
    struct bv_str word = {rest->p + start, i - start};
    *rest = (struct bv_str){rest->p + i, rest->n - i};
    return word;
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

static bool take_name(struct reader *r, struct domain *row, struct bv_str word)
{
    struct bv_str name = word;

    row->subdomains = name.p[0] == '.';
    if (row->subdomains)
        name.p++, name.n--;
    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    row->name = name;
    if (is_domain_name(name))
        return true;
    problems_add(r->problems, r->path, r->line, "\"%.*s\" is no domain name", (int)word.n, word.p);
    return false;
}

static bool take_word(struct reader *r, struct domain *row, struct bv_str word)
{
    if (word.n == 0) {
        problems_add(r->problems, r->path, r->line,
                     "\"%.*s\" has no word behind it (reject, mark, accept, off)", (int)row->name.n,
                     row->name.p);
        return false;
    }
    row->off = bv_str_same(word, bv_str("off"));
    if (row->off || action_from_word(&row->action, word))
        return true;
    problems_add(r->problems, r->path, r->line, "unknown word \"%.*s\" (reject, mark, accept, off)",
                 (int)word.n, word.p);
    return false;
}

static bool take_option(struct reader *r, struct domain *row, struct bv_str word)
{
    bool prefix = bv_str_same(word, bv_str("syntax=prefix"));

    if (prefix || bv_str_same(word, bv_str("syntax=subaddress"))) {
        if (row->own_syntax) {
            problems_add(r->problems, r->path, r->line, "syntax= is given twice");
            return false;
        }
        row->own_syntax = true;
        row->syntax = prefix ? BV_PREFIX : r->delimiter;
        return true;
    }
    problems_add(r->problems, r->path, r->line, "unknown option \"%.*s\" (syntax=prefix, syntax=subaddress)",
                 (int)word.n, word.p);
    return false;
}

static void read_line(struct reader *r, struct bv_str rest)
{
    struct domain row = {.line = r->line};
    const char *comment = memchr(rest.p, '#', rest.n);

    if (comment != NULL)
        rest.n = (size_t)(comment - rest.p);
    struct bv_str word = next_word(&rest);
    if (word.n == 0 || !take_name(r, &row, word) || !take_word(r, &row, next_word(&rest)))
        return;
    while ((word = next_word(&rest)).n > 0)
        if (!take_option(r, &row, word))
            return;
    struct domain_slot *slot = find_slot(r->out, row.name, row.subdomains);
    if (slot->row != 0) {
        problems_add(r->problems, r->path, r->line, "\"%s%.*s\" is in line %d already",
                     row.subdomains ? "." : "", (int)row.name.n, row.name.p, r->out->row[slot->row - 1].line);
        return;
    }
    r->out->row[r->out->n++] = row;
    slot->row = (uint32_t)r->out->n;
    slot->hash = hash_name(row.name, row.subdomains);
}

static size_t count_lines(struct bv_str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static bool allocate(struct domains *out, struct bv_str text, size_t lines)
{
    out->slots = 16;
    while (out->slots < 2 * lines)
        out->slots *= 2;
    out->names = calloc(1, text.n + 1);
    out->row = calloc(lines, sizeof *out->row);
    out->slot = calloc(out->slots, sizeof *out->slot);
    if (out->names == NULL || out->row == NULL || out->slot == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++)
        out->names[i] = bv_lower(text.p[i]);
    return true;
}

int domains_read(struct domains *out, const char *path, struct bv_str text, enum bv_syntax delimiter,
                 struct problems *problems)
{
    struct reader r = {.out = out, .path = path, .delimiter = delimiter, .problems = problems};
    size_t before = problems->n, lines = count_lines(text);

    *out = (struct domains){.n = 0};
    if (lines > DOMAINS_MAX) {
        problems_add(problems, path, DOMAINS_MAX + 1, "more than %d lines", DOMAINS_MAX);
        return -1;
    }
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
        problems_add(problems, path, 1, "begins with a byte order mark; save it without");
        return -1;
    }
    if (!allocate(out, text, lines)) {
        domains_free(out);
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < text.n;) {
        const char *start = out->names + i, *end = memchr(start, '\n', text.n - i);
        size_t n = end == NULL ? text.n - i : (size_t)(end - start);
        r.line++;
        read_line(&r, (struct bv_str){start, n});
        i += n + 1;
    }
    if (out->n == 0 && problems->n == before)
        problems_add(problems, path, 0, "no domain in it: nothing would be signed, and no bounce judged");
    if (problems->n == before)
        return 0;
    domains_free(out);
    return -1;
}

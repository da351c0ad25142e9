#include "milter/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys/keys.h"
#include "milter/lines.h"

#define WORDS   "(reject, mark, quarantine, discard, accept, no-mail, no-bounces, off)"
#define OPTIONS "(syntax=prefix, syntax=subaddress, since=2026-11-20T00:00:00Z)"

enum { EXACT, BELOW }; /* the spaces of names */

enum { SINCE_LEN = 6 }; /* "since=" */

const struct domain *domains_row(const struct domains *d, struct bv_str name)
{
    int number = names_find_domain(&d->names, EXACT, BELOW, name);

    return number < 0 ? NULL : &d->row[number];
}

const struct domain *domains_find(const struct domains *d, struct bv_str name)
{
    const struct domain *row = domains_row(d, name);

    return row == NULL || row->kind == DOMAIN_OFF ? NULL : row;
}

bool domains_need_keys(const struct domains *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->row[i].kind == DOMAIN_VERIFIED)
            return true;
    return d->n == 0;
}

bool domains_listed(const struct domains *d, struct bv_str name)
{
    return domains_row(d, name) != NULL;
}

void domains_free(struct domains *d)
{
    names_free(&d->names);
    free(d->row);
    free(d->text);
    *d = (struct domains){.n = 0};
}

static bool refuse(struct lines *l, const char *before, struct bv_str word, const char *behind)
{
    problems_add(l->problems, l->path, l->line, "%s\"%.*s\" %s", before, (int)word.n, word.p, behind);
    return false;
}

static bool take_name(struct lines *l, struct domain *row, struct bv_str word)
{
    return lines_domain(&row->name, &row->subdomains, word) || refuse(l, "", word, "is no domain name");
}

static const struct {
    const char *word;
    enum domain_kind kind;
} kinds[] = {{"no-mail", DOMAIN_NO_MAIL}, {"no-bounces", DOMAIN_NO_BOUNCES}, {"off", DOMAIN_OFF}};

static bool kind_from_word(enum domain_kind *out, struct bv_str word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (bv_str_same(bv_str(kinds[i].word), word)) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static bool take_word(struct lines *l, struct domain *row, struct bv_str word)
{
    if (word.n == 0)
        return refuse(l, "", row->name, "has no word behind it " WORDS);
    return kind_from_word(&row->kind, word) || action_from_word(&row->action, word) ||
           refuse(l, "unknown word ", word, WORDS);
}

static bool take_syntax(struct lines *l, struct domain *row, struct bv_str word, enum bv_syntax delimiter)
{
    bool prefix = bv_str_same(word, bv_str("syntax=prefix"));

    if (!prefix && !bv_str_same(word, bv_str("syntax=subaddress")))
        return refuse(l, "unknown option ", word, OPTIONS);
    if (row->own_syntax)
        return refuse(l, "", word, "is one syntax= too many");
    row->own_syntax = true;
    row->syntax = prefix ? BV_PREFIX : delimiter;
    return true;
}

static bool take_since(struct lines *l, struct domain *row, struct bv_str word)
{
    struct bv_str value = {word.p + SINCE_LEN, word.n - SINCE_LEN};
    char text[KEYS_TIME_LEN];
    int64_t since;

    for (size_t i = 0; i < value.n && i < sizeof text; i++) /* the table is in lower case here */
        text[i] = value.p[i] == 't' || value.p[i] == 'z' ? (char)(value.p[i] - 'a' + 'A') : value.p[i];
    if (value.n != sizeof text || !keys_time_read(&since, (struct bv_str){text, sizeof text}))
        return refuse(l, "", word, "has no time in UTC (since=2026-11-20T00:00:00Z)");
    if (row->since != 0)
        return refuse(l, "", word, "is one since= too many");
    row->since = since > 0 ? since : 1; /* 0 would be none; 1970 is a way to say "long ago" */
    return true;
}

static bool take_option(struct lines *l, struct domain *row, struct bv_str word, enum bv_syntax delimiter)
{
    bool since = word.n >= SINCE_LEN && memcmp(word.p, "since=", SINCE_LEN) == 0;

    if (!(since ? take_since(l, row, word) : take_syntax(l, row, word, delimiter)))
        return false;
    return row->kind == DOMAIN_VERIFIED ||
           refuse(l, "", word, "is of no use here: with no-mail, no-bounces and off no address is tagged");
}

static void read_line(struct domains *out, struct lines *l, enum bv_syntax delimiter)
{
    struct domain row = {.line = l->line};
    struct bv_str word = lines_word(l);

    if (word.n == 0 || !take_name(l, &row, word) || !take_word(l, &row, lines_word(l)))
        return;
    while ((word = lines_word(l)).n > 0)
        if (!take_option(l, &row, word, delimiter))
            return;
    int earlier = names_add(&out->names, row.subdomains ? BELOW : EXACT, row.name, (int)out->n);
    if (earlier < 0)
        out->row[out->n++] = row;
    else
        problems_add(l->problems, l->path, l->line, "\"%s%.*s\" is in line %d already",
                     row.subdomains ? "." : "", (int)row.name.n, row.name.p, out->row[earlier].line);
}

int domains_read(struct domains *out, const char *path, struct bv_str text, enum bv_syntax delimiter,
                 struct problems *problems)
{
    size_t before = problems->n;
    struct lines l;

    *out = (struct domains){.n = 0};
    if (lines_open(&l, path, text, DOMAINS_MAX, problems) != 0)
        return -1;
    out->text = l.text;
    out->row = calloc(l.count, sizeof *out->row);
    if (out->row == NULL || names_init(&out->names, l.count) != 0) {
        domains_free(out);
        errno = ENOMEM;
        return -1;
    }
    while (lines_next(&l))
        read_line(out, &l, delimiter);
    if (out->n == 0 && problems->n == before)
        problems_add(problems, path, 0, "no domain in it: nothing would be signed, and no bounce judged");
    if (problems->n == before)
        return 0;
    domains_free(out);
    return -1;
}

#include "milter/exceptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "milter/lines.h"

#define NAMES "(example.com, .example.com, user@example.com)"
#define HOSTS "(192.0.2.7, 198.51.100.0/24, 2001:db8::/32, mx.example.net, .example.net)"

static const struct {
    const char *word;
    const char *names; /* how they look, for messages */
    const char *words; /* what may stand behind the name, likewise */
    const char *good;
} kinds[] = {[EXCEPTIONS_TO] = {"to", NAMES, "(no-tag)", "no-tag"},
             [EXCEPTIONS_FROM] = {"from", NAMES, "(no-tag)", "no-tag"},
             [EXCEPTIONS_RCPT] = {"rcpt", NAMES, "(accept-untagged, never-sends)", "accept-untagged"},
             [EXCEPTIONS_CLIENT] = {"client", HOSTS, "(accept-untagged)", "accept-untagged"}};

struct reader {
    struct exceptions *out;
    struct lines lines;
    struct prefix *network;
    size_t networks;
};

/* What the first half of a line says. */
struct row {
    enum exceptions_kind kind;
    bool network;
    struct net net; /* if it is one; else: */
    enum exceptions_name shape;
    struct bv_str name; /* as the table keeps it */
    struct bv_str word; /* as messages name it */
};

static bool refuse(struct reader *r, const char *before, struct bv_str word, const char *behind,
                   const char *right)
{
    problems_add(r->lines.problems, r->lines.path, r->lines.line, "%s\"%.*s\" %s%s%s", before, (int)word.n,
                 word.p, behind, *right == '\0' ? "" : " ", right);
    return false;
}

static bool take_kind(struct reader *r, struct row *row, struct bv_str word)
{
    for (int kind = 0; kind < EXCEPTIONS_KINDS; kind++) {
        if (bv_str_same(bv_str(kinds[kind].word), word)) {
            row->kind = (enum exceptions_kind)kind;
            return true;
        }
    }
    return refuse(r, "unknown word ", word, "(to, from, client, rcpt)", "");
}

static bool take_address(struct reader *r, struct row *row)
{
    enum bv_tag_kind tag;

    if (!lines_address(&row->name, &tag, &r->lines, row->word))
        return refuse(r, "", row->word, "is no address", kinds[row->kind].names);
    row->word = row->name;
    row->shape = EXCEPTIONS_ADDRESS;
    if (tag == BV_TAG_PRVS || tag == BV_TAG_BROKEN)
        return refuse(r, "", row->word, "has a tag: write the address without its tag", "");
    return true;
}

static bool take_domain(struct row *row)
{
    bool below, good = lines_domain(&row->name, &below, row->word);

    row->shape = below ? EXCEPTIONS_BELOW : EXCEPTIONS_EXACT;
    return good;
}

/* Digits behind the last dot: no host is called that, it is an address with a mistake in it. */
static bool is_numeric(struct bv_str name)
{
    size_t i = name.n;

    while (i > 0 && name.p[i - 1] >= '0' && name.p[i - 1] <= '9')
        i--;
    return i < name.n && (i == 0 || name.p[i - 1] == '.');
}

static bool take_client(struct reader *r, struct row *row)
{
    char text[NET_TEXT + sizeof "/128"] = "";

    if (row->word.n < sizeof text)
        memcpy(text, row->word.p, row->word.n);
    const char *wrong = net_read(&row->net, text);
    row->network = wrong == NULL;
    if (row->network || (take_domain(row) && !is_numeric(row->name)))
        return true;
    bool network = memchr(row->word.p, '/', row->word.n) != NULL;
    return refuse(r, "", row->word, network ? wrong : "is no IP address, network or host name", HOSTS);
}

static bool take_name(struct reader *r, struct row *row)
{
    const char *names = kinds[row->kind].names;

    if (row->word.n == 0)
        return refuse(r, "", bv_str(kinds[row->kind].word), "has no name behind it", names);
    if (row->word.p[0] != '"' && memchr(row->word.p, '*', row->word.n) != NULL)
        return refuse(r, "", row->word, "has a '*', but there are no wildcards", names);
    if (row->kind == EXCEPTIONS_CLIENT)
        return take_client(r, row);
    if (memchr(row->word.p, '@', row->word.n) != NULL)
        return take_address(r, row);
    return take_domain(row) || refuse(r, "", row->word, "is no domain and no address", names);
}

static bool take_word(struct reader *r, const struct row *row, bool *never_sends, struct bv_str word)
{
    const char *words = kinds[row->kind].words;

    if (word.n == 0)
        return refuse(r, "", row->word, "has no word behind it", words);
    *never_sends = row->kind == EXCEPTIONS_RCPT && bv_str_same(word, bv_str("never-sends"));
    return *never_sends || bv_str_same(word, bv_str(kinds[row->kind].good)) ||
           refuse(r, "unknown word ", word, words, "");
}

/* Networks that are the same come to light when they are sorted. */
static int add_name(struct reader *r, const struct row *row)
{
    int number = (int)r->out->n;

    if (row->network) {
        r->network[r->networks++] = (struct prefix){row->net, number};
        return -1;
    }
    r->out->host_names = r->out->host_names || row->kind == EXCEPTIONS_CLIENT;
    return names_add(&r->out->names, exceptions_space(row->kind, row->shape), row->name, number);
}

static void read_line(struct reader *r)
{
    struct exceptions *out = r->out;
    struct row row = {.kind = EXCEPTIONS_TO};
    struct bv_str word = lines_word(&r->lines);
    bool never_sends;

    if (word.n == 0 || !take_kind(r, &row, word))
        return;
    row.word = lines_word(&r->lines);
    if (!take_name(r, &row) || !take_word(r, &row, &never_sends, lines_word(&r->lines)))
        return;
    word = lines_word(&r->lines);
    if (word.n > 0) {
        refuse(r, "", word, "is one word too many", "");
        return;
    }
    int earlier = add_name(r, &row);
    if (earlier >= 0) {
        problems_add(r->lines.problems, r->lines.path, r->lines.line, "\"%s %.*s\" is in line %d already",
                     kinds[row.kind].word, (int)row.word.n, row.word.p, out->line[earlier]);
        return;
    }
    out->never_sends[out->n] = never_sends;
    out->line[out->n++] = r->lines.line;
}

static bool same_network(const struct net *a, const struct net *b)
{
    return a->bits == b->bits && memcmp(a->ip, b->ip, NET_OCTETS) == 0;
}

static void find_same_networks(const struct reader *r)
{
    const struct prefix *first = r->network;

    for (size_t i = 1; i < r->networks; i++) {
        const struct prefix *again = &r->network[i];
        struct net_addr addr = {.family = NET_IP};
        char text[NET_TEXT];
        if (!same_network(&first->net, &again->net)) {
            first = again;
            continue;
        }
        memcpy(addr.ip, again->net.ip, NET_OCTETS);
        net_addr_write(text, &addr);
        unsigned bits = again->net.bits - (strchr(text, ':') == NULL ? 96 : 0);
        problems_add(r->lines.problems, r->lines.path, r->out->line[again->number],
                     "\"client %s/%u\" is in line %d already", text, bits, r->out->line[first->number]);
    }
}

static int allocate(struct reader *r)
{
    struct exceptions *out = r->out;
    size_t count = r->lines.count;

    out->text = r->lines.text;
    out->never_sends = calloc(count, sizeof *out->never_sends);
    out->line = calloc(count, sizeof *out->line);
    r->network = calloc(count, sizeof *r->network);
    if (out->never_sends == NULL || out->line == NULL || r->network == NULL)
        return -1;
    return names_init(&out->names, count);
}

int exceptions_read(struct exceptions *out, const char *path, struct bv_str text, struct problems *problems)
{
    struct reader r = {.out = out};
    size_t before = problems->n;
    int result = -1;

    *out = (struct exceptions){.n = 0};
    if (lines_open(&r.lines, path, text, EXCEPTIONS_MAX, problems) != 0)
        return -1;
    if (allocate(&r) != 0) {
        errno = ENOMEM;
        goto out;
    }
    while (lines_next(&r.lines))
        read_line(&r);
    if (prefixes_build(&out->networks, r.network, r.networks) != 0) {
        errno = ENOMEM;
        goto out;
    }
    find_same_networks(&r);
    result = problems->n == before ? 0 : -1;
out:
    free(r.network);
    if (result != 0)
        exceptions_free(out);
    return result;
}

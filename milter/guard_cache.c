#include "milter/guard_cache.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows of a few places each, a name belongs to one row: a look-up never costs
 * more than WAYS places.  With chains, names that were made to have the same
 * hash would make it as long as the cache.
 */
enum { WAYS = 8 };

struct place {
    char *text;  /* the domain in lower case, then the kind, each with its NUL; NULL: free */
    int64_t put; /* when */
    uint32_t ttl;
    uint32_t hash; /* so that another name need not be looked at */
    uint16_t length;
    uint8_t result;
    bool sentence;
};

struct guard_cache {
    size_t rows; /* a power of two */
    struct place place[][WAYS];
};

static uint64_t hash_name(struct bv_str name)
{
    uint64_t h = name.n;

    for (size_t i = 0; i < name.n; i++)
        h = (h << 8) + h + (unsigned char)bv_lower(name.p[i]);
    h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static bool same_name(const struct place *p, struct bv_str name)
{
    if (p->length != name.n)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (p->text[i] != bv_lower(name.p[i]))
            return false;
    return true;
}

/* A clock that went back makes it very old. */
static bool is_alive(const struct place *p, int64_t now)
{
    return p->text != NULL && (uint64_t)now - (uint64_t)p->put < p->ttl;
}

/* Which place of the row is the name's; -1: none. */
static int find(const struct place *row, uint64_t hash, struct bv_str name)
{
    for (int i = 0; i < WAYS; i++)
        if (row[i].text != NULL && row[i].hash == (uint32_t)hash && same_name(&row[i], name))
            return i;
    return -1;
}

static size_t row_of(const struct guard_cache *c, uint64_t hash)
{
    return hash >> 32 & (c->rows - 1);
}

struct guard_cache *guard_cache_new(size_t domains)
{
    size_t rows = 1;

    /* Half of the places stay free on average, or rows would be full too early. */
    while (rows < domains / (WAYS / 2))
        rows *= 2;
    if (rows > (SIZE_MAX - sizeof(struct guard_cache)) / (WAYS * sizeof(struct place)))
        return NULL;
    struct guard_cache *c = calloc(1, sizeof *c + rows * sizeof *c->place);
    if (c != NULL)
        c->rows = rows;
    return c;
}

void guard_cache_free(struct guard_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t way = 0; way < WAYS; way++)
            free(c->place[i][way].text);
    free(c);
}

bool guard_cache_get(struct guard_verdict *out, const struct guard_cache *c, struct bv_str domain, int64_t now)
{
    uint64_t hash = hash_name(domain);
    const struct place *row = c->place[row_of(c, hash)];
    int i = find(row, hash, domain);

    if (i < 0 || !is_alive(&row[i], now))
        return false;
    const char *kind = row[i].text + row[i].length + 1;
    *out = (struct guard_verdict){.result = (enum guard_result)row[i].result, .ttl = row[i].ttl};
    out->sentence = row[i].sentence;
    memcpy(out->kind, kind, strlen(kind) + 1);
    return true;
}

/* That of a name that is not there: one that nobody needs, else the oldest. */
static int find_room(const struct place *row, int64_t now)
{
    int oldest = 0;

    for (int i = 0; i < WAYS; i++) {
        if (!is_alive(&row[i], now))
            return i;
        if (row[i].put < row[oldest].put)
            oldest = i;
    }
    return oldest;
}

void guard_cache_put(struct guard_cache *c, struct bv_str domain, const struct guard_verdict *v, int64_t now)
{
    uint64_t hash = hash_name(domain);
    struct place *row = c->place[row_of(c, hash)];
    size_t kind = strlen(v->kind) + 1;

    if (domain.n > BV_DOMAIN_MAX)
        return;
    char *text = malloc(domain.n + 1 + kind);
    if (text == NULL)
        return;
    for (size_t i = 0; i < domain.n; i++)
        text[i] = bv_lower(domain.p[i]);
    text[domain.n] = '\0';
    memcpy(text + domain.n + 1, v->kind, kind);
    int i = find(row, hash, domain);
    if (i < 0)
        i = find_room(row, now);
    free(row[i].text);
    row[i] = (struct place){.text = text,
                            .put = now,
                            .ttl = v->ttl,
                            .hash = (uint32_t)hash,
                            .length = (uint16_t)domain.n,
                            .result = (uint8_t)v->result,
                            .sentence = v->sentence};
}

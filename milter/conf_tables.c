#include "milter/conf_tables.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "milter/slurp.h"

enum {
    CONF_TABLE_MAX = 64 << 20,
    CONF_TABLE_LONG = 1 << 18 /* octets: worth a thread of its own */
};

/* A table as it was read, which a later configuration shares while its text is the same. */
struct conf_table {
    atomic_int references;
    bool digested;
    unsigned char digest[BV_DIGEST_OCTETS]; /* of the text */
    enum bv_syntax delimiter;               /* that the domains were read with */
    struct domains domains;                 /* one of the two is empty */
    struct exceptions exceptions;
};

void conf_table_put(struct conf_table *t)
{
    if (t == NULL || atomic_fetch_sub(&t->references, 1) != 1)
        return;
    domains_free(&t->domains);
    exceptions_free(&t->exceptions);
    free(t);
}

static bool is_same(const struct conf_table *a, const struct conf_table *b)
{
    return a->digested && b->digested && a->delimiter == b->delimiter &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* A reference to the old table, if it was made of the same text; else a new one, empty. NULL without memory. */
static struct conf_table *table_for(struct bv_str text, enum bv_syntax delimiter, struct conf_table *old)
{
    struct conf_table *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    atomic_init(&t->references, 1);
    t->delimiter = delimiter;
    t->digested = bv_sha256(t->digest, text) == 0;
    if (old == NULL || !is_same(old, t))
        return t;
    free(t);
    atomic_fetch_add(&old->references, 1);
    return old;
}

/* Has it read, unless it is the old one. Returns it, or NULL after noting what is wrong. */
static struct conf_table *fill(struct conf_table *t, const struct conf_table *old, const char *path,
                               struct bv_str text, bool domains, struct problems *problems)
{
    int result = 0;

    errno = t == NULL ? ENOMEM : 0;
    if (t == NULL)
        result = -1;
    else if (t != old && domains)
        result = domains_read(&t->domains, path, text, t->delimiter, problems);
    else if (t != old)
        result = exceptions_read(&t->exceptions, path, text, problems);
    if (result == 0)
        return t;
    if (errno == ENOMEM)
        problems_add(problems, path, 0, "no memory");
    conf_table_put(t);
    return NULL;
}

static void read_domains(struct conf *conf, struct conf_table *old, struct problems *problems)
{
    size_t n;
    char *text = slurp(conf->domains, CONF_TABLE_MAX, &n, problems);

    if (text == NULL)
        return;
    struct bv_str view = {text, n};
    struct conf_table *t = table_for(view, conf->policy.delimiter, old);
    conf->domains_table = fill(t, old, conf->domains, view, true, problems);
    if (conf->domains_table != NULL)
        conf->policy.domains = conf->domains_table->domains;
    free(text);
}

/* Nobody who needs no exceptions has to make a file for them; but one that is named must be there. */
static bool is_left_out(const struct conf *conf)
{
    struct stat st;

    return conf_line(conf, "exceptions") == 0 && lstat(conf->exceptions, &st) != 0 && errno == ENOENT;
}

static void read_exceptions(struct conf *conf, struct conf_table *old, struct problems *problems)
{
    size_t n;

    if (*conf->exceptions == '\0' || is_left_out(conf))
        return;
    char *text = slurp(conf->exceptions, CONF_TABLE_MAX, &n, problems);
    if (text == NULL)
        return;
    struct bv_str view = {text, n};
    struct conf_table *t = table_for(view, BV_PREFIX, old);
    conf->exceptions_table = fill(t, old, conf->exceptions, view, false, problems);
    if (conf->exceptions_table != NULL)
        conf->policy.exceptions = conf->exceptions_table->exceptions;
    free(text);
}

/* "+PATH" is a table that goes before the built-in list, "" that list alone. */
static void read_networks(struct conf *conf, struct problems *problems)
{
    const char *path = conf->guard.networks;
    bool more = *path == '+';
    size_t n;

    if (*path == '\0') {
        if (bogus_builtin(&conf->guard.bogus) != 0)
            problems_add(problems, conf->path, 0, "no memory");
        return;
    }
    char *text = slurp(path + more, CONF_TABLE_MAX, &n, problems);
    errno = 0;
    if (text != NULL &&
        bogus_read(&conf->guard.bogus, path + more, (struct bv_str){text, n}, more, problems) != 0 &&
        errno == ENOMEM)
        problems_add(problems, path + more, 0, "no memory");
    free(text);
}

/* What a thread of its own reads. */
struct apart {
    pthread_t thread;
    struct conf *conf;
    struct conf_table *old;
    struct problems problems;
};

static void *read_apart(void *arg)
{
    struct apart *a = arg;

    read_exceptions(a->conf, a->old, &a->problems);
    return NULL;
}

static bool is_long(const char *path)
{
    struct stat st;

    return path != NULL && stat(path, &st) == 0 && st.st_size >= CONF_TABLE_LONG;
}

void conf_read_tables(struct conf *conf, const struct conf *old, struct problems *problems)
{
    struct conf_table *domains = old == NULL ? NULL : old->domains_table;
    struct apart a = {.conf = conf, .old = old == NULL ? NULL : old->exceptions_table};
    bool started = is_long(conf->domains) && is_long(conf->exceptions) &&
                   pthread_create(&a.thread, NULL, read_apart, &a) == 0;

    if (conf->guard.networks != NULL)
        read_networks(conf, problems);
    if (conf->domains != NULL)
        read_domains(conf, domains, problems);
    if (started) {
        pthread_join(a.thread, NULL);
        problems_append(problems, &a.problems);
    } else if (conf->exceptions != NULL) {
        read_exceptions(conf, a.old, problems);
    }
}

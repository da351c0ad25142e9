#include "milter/conf_tables.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "milter/slurp.h"

enum {
    CONF_TABLE_MAX = 64 << 20,
    CONF_TABLE_LONG = 1 << 18 /* octets: worth a thread of its own */
};

static void read_domains(struct conf *conf, struct problems *problems)
{
    size_t n;
    char *text = slurp(conf->domains, CONF_TABLE_MAX, &n, problems);

    errno = 0;
    if (text != NULL &&
        domains_read(&conf->policy.domains, conf->domains, (struct bv_str){text, n}, conf->policy.delimiter,
                     problems) != 0 &&
        errno == ENOMEM)
        problems_add(problems, conf->domains, 0, "no memory");
    free(text);
}

/* Nobody who needs no exceptions has to make a file for them; but one that is named must be there. */
static bool is_left_out(const struct conf *conf)
{
    struct stat st;

    return conf_line(conf, "exceptions") == 0 && lstat(conf->exceptions, &st) != 0 && errno == ENOENT;
}

static void read_exceptions(struct conf *conf, struct problems *problems)
{
    size_t n;

    if (*conf->exceptions == '\0' || is_left_out(conf))
        return;
    char *text = slurp(conf->exceptions, CONF_TABLE_MAX, &n, problems);
    errno = 0;
    if (text != NULL &&
        exceptions_read(&conf->policy.exceptions, conf->exceptions, (struct bv_str){text, n}, problems) != 0 &&
        errno == ENOMEM)
        problems_add(problems, conf->exceptions, 0, "no memory");
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
    struct problems problems;
};

static void *read_apart(void *arg)
{
    struct apart *a = arg;

    read_exceptions(a->conf, &a->problems);
    return NULL;
}

static bool is_long(const char *path)
{
    struct stat st;

    return path != NULL && stat(path, &st) == 0 && st.st_size >= CONF_TABLE_LONG;
}

void conf_read_tables(struct conf *conf, struct problems *problems)
{
    struct apart a = {.conf = conf};
    bool started = is_long(conf->domains) && is_long(conf->exceptions) &&
                   pthread_create(&a.thread, NULL, read_apart, &a) == 0;

    if (conf->guard.networks != NULL)
        read_networks(conf, problems);
    if (conf->domains != NULL)
        read_domains(conf, problems);
    if (started) {
        pthread_join(a.thread, NULL);
        problems_append(problems, &a.problems);
    } else if (conf->exceptions != NULL) {
        read_exceptions(conf, problems);
    }
}

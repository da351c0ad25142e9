/*
 * conf - the daemon's configuration: bvmilter.conf and the tables it names.
 * conf_rows.c has a row for each setting; conf.c, the only file that knows
 * libconfuse, reads the file by them.  Nothing here logs or exits; all that is
 * wrong comes back in a struct problems.
 */
#ifndef MILTER_CONF_H
#define MILTER_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "milter/policy.h"
#include "milter/problems.h"
#include "milter/storm.h"

#define CONF_DEFAULT_PATH BV_SYSCONFDIR "/bv/bvmilter.conf"

enum { CONF_SETTINGS_MAX = 64 };

/* What the MX guard goes by. */
struct conf_guard {
    bool any;        /* one bogus address is enough */
    char *networks;  /* path of a table; "": the built-in list; "+PATH": the table before the built-in list */
    char **resolver; /* NULL-terminated; empty: resolv.conf */
    char **exempt;   /* NULL-terminated: what policy.guard_exempt borrows from */
    char *trust_anchor; /* path; "": no DNSSEC */
    int64_t timeout;    /* seconds */
    struct bogus bogus;
};

/* Every setting.  Strings and lists belong to the struct. */
struct conf {
    char *path; /* of the file that was read */
    char *listen;
    char *socket_group;
    char *keyring;
    char *domains;
    char *exceptions; /* "": none */
    char *reject_text;
    char *header_name;
    char *header_value;
    char *map_listen;     /* "": no map service */
    char *metrics_listen; /* "": no metrics */
    char *user;
    long max_sessions; /* 0: four fifths of the descriptors */
    long max_recipients;
    long max_map_connections;
    long max_bad_macs; /* of a session; 0: any number */
    struct storm_limits storm;
    struct conf_guard guard;
    struct policy policy;
    struct conf_table *domains_table; /* what the policy borrows its tables from; NULL: none */
    struct conf_table *exceptions_table;
    int line[CONF_SETTINGS_MAX]; /* where each row of conf_rows is set; 0: it has its default */
};

/* The value of one setting, as the file has it. */
struct conf_value {
    const char *text; /* CONF_TEXT, CONF_NUMBER */
    bool yes;         /* CONF_BOOL */
    size_t n;         /* CONF_LIST */
    const char *const *item;
};

enum conf_type { CONF_TEXT, CONF_NUMBER, CONF_BOOL, CONF_LIST };

struct conf_row;

/* One value on its way into its place. */
struct conf_taking {
    struct conf *conf;
    const struct conf_row *row;
    struct conf_value value;
    int line;
    struct problems *problems;
};

/* A setting: its name, type and default, and the function that checks it and puts it in its place. */
struct conf_row {
    const char *name;
    enum conf_type type;
    const char *text;                          /* default of a text or number */
    char *list;                                /* default of a list, in braces */
    bool yes;                                  /* default of a bool */
    void (*take)(const struct conf_taking *t); /* what is wrong goes to t->problems */
};

extern const struct conf_row conf_rows[];
extern const size_t conf_row_count;

/* Index of a setting's row, or -1. */
int conf_row_find(const char *name, size_t n);
/* The line on which a setting stands; 0: it has its default. */
int conf_line(const struct conf *conf, const char *name);

/*
 * Reads the configuration and the tables it names.  Returns 0, or -1 with all
 * that is wrong in *problems, sorted, and *out good for conf_free() and for
 * nothing else but its `keyring`, if it has one.
 */
int conf_load(struct conf *out, const char *path, struct problems *problems);
/* The same; tables that have not changed since `old` was loaded are not read again. NULL: none. */
int conf_load_again(struct conf *out, const char *path, const struct conf *old, struct problems *problems);
/* The same for text that is in memory, without the tables. */
int conf_parse(struct conf *out, const char *path, const char *text, struct problems *problems);
void conf_free(struct conf *conf);

/* Prints every setting with its effective value. Returns 0, or -1 with *problems filled. */
int conf_print(FILE *f, const char *path, struct problems *problems);

#endif

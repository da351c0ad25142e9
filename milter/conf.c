#include "milter/conf.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "milter/conf_tables.h"
#include "milter/conf_text.h"
#include "milter/slurp.h"

enum { CONF_FILE_MAX = 1 << 20 };

/* The error that libconfuse reports; its callback has no place for a pointer of ours but the thread. */
static _Thread_local struct {
    int line;
    char text[PROBLEM_TEXT];
} last_error;

__attribute__((format(printf, 2, 0))) static void note_error(cfg_t *cfg, const char *format, va_list ap)
{
    last_error.line = cfg != NULL ? cfg->line : 0;
    vsnprintf(last_error.text, sizeof last_error.text, format, ap);
}

static void make_options(cfg_opt_t *opt)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        switch (row->type) {
        case CONF_NUMBER: /* as a text: libconfuse would take 010 for eight */
        case CONF_TEXT:
            opt[i] = (cfg_opt_t)CFG_STR(row->name, row->text, CFGF_NONE);
            break;
        case CONF_BOOL:
            opt[i] = (cfg_opt_t)CFG_BOOL(row->name, row->yes ? cfg_true : cfg_false, CFGF_NONE);
            break;
        case CONF_LIST:
            opt[i] = (cfg_opt_t)CFG_STR_LIST(row->name, row->list, CFGF_NONE);
            break;
        }
    }
    opt[conf_row_count] = (cfg_opt_t)CFG_END();
}

static cfg_t *parse_once(cfg_opt_t *opt, const char *text)
{
    errno = 0; /* tells a lack of memory from the other faults that have no words */
    cfg_t *cfg = cfg_init(opt, CFGF_NONE);

    last_error.line = 0;
    last_error.text[0] = '\0';
    if (cfg == NULL)
        return NULL;
    cfg_set_error_function(cfg, note_error);
    if (cfg_parse_buf(cfg, text) == CFG_SUCCESS)
        return cfg;
    cfg_free(cfg);
    return NULL;
}

/* Some faults libconfuse does not tell in words: the first line with which it fails in silence. */
static int silent_line(cfg_opt_t *opt, char *text)
{
    int line = 1;

    for (char *end = text; (end = strchr(end, '\n')) != NULL; end++, line++) {
        *end = '\0';
        cfg_t *cfg = parse_once(opt, text);
        *end = '\n';
        if (cfg == NULL && last_error.text[0] == '\0')
            return line;
        if (cfg != NULL)
            cfg_free(cfg);
    }
    return line;
}

static bool has_problem(const struct problems *p, const char *path, int line)
{
    for (size_t i = 0; i < p->n && i < PROBLEMS_KEPT; i++)
        if (p->item[i].line == line && strcmp(p->item[i].path, path) == 0)
            return true;
    return false;
}

/*
 * libconfuse stops at its first error; all of them are wanted.  So a line with
 * an error is noted, blanked out, and the rest is read again.  What follows
 * from a fault of the line that is told already is not.
 */
static cfg_t *parse_all(cfg_opt_t *opt, const char *path, char *text, struct problems *problems)
{
    for (;;) {
        cfg_t *cfg = parse_once(opt, text);
        if (cfg != NULL)
            return cfg;
        bool told = last_error.text[0] != '\0';
        if (!told && errno == ENOMEM) {
            problems_add(problems, path, 0, "no memory");
            return NULL;
        }
        int line = told ? last_error.line : silent_line(opt, text);
        if (!has_problem(problems, path, line))
            problems_add(problems, path, line, "%s", told ? last_error.text : "cannot be understood");
        if (problems->n >= PROBLEMS_KEPT || !conf_blank_line(text, line))
            return NULL;
    }
}

/* The value of a row; *items is to be freed. A list without memory is a problem, and not empty. */
static struct conf_value get_value(cfg_t *cfg, const struct conf_row *row, const char ***items,
                                   const char *path, struct problems *problems)
{
    struct conf_value v = {.text = NULL};

    *items = NULL;
    switch (row->type) {
    case CONF_NUMBER:
    case CONF_TEXT:
        v.text = cfg_getstr(cfg, row->name);
        break;
    case CONF_BOOL:
        v.yes = cfg_getbool(cfg, row->name) == cfg_true;
        break;
    case CONF_LIST:
        v.n = cfg_size(cfg, row->name);
        *items = calloc(v.n + 1, sizeof **items);
        if (*items == NULL)
            problems_add(problems, path, 0, "no memory");
        for (unsigned i = 0; *items != NULL && i < v.n; i++)
            (*items)[i] = cfg_getnstr(cfg, row->name, i);
        v.n = *items != NULL ? v.n : 0;
        v.item = *items;
        break;
    }
    return v;
}

static void take_values(struct conf *conf, cfg_t *cfg, struct problems *problems)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const char **items;
        struct conf_taking t = {conf, &conf_rows[i],
                                get_value(cfg, &conf_rows[i], &items, conf->path, problems), conf->line[i],
                                problems};
        t.row->take(&t);
        free(items);
    }
}

/* Reads the text (which is changed) with libconfuse; NULL when it cannot be read at all. */
static cfg_t *open_text(struct conf *out, const char *path, char *text, struct problems *problems)
{
    cfg_opt_t opt[CONF_SETTINGS_MAX];

    *out = (struct conf){.path = strdup(path)};
    if (out->path == NULL) {
        problems_add(problems, path, 0, "no memory");
        return NULL;
    }
    make_options(opt);
    conf_scan(out, path, text, problems);
    return parse_all(opt, path, text, problems);
}

static void read_settings(struct conf *out, const char *path, char *text, struct problems *problems)
{
    cfg_t *cfg = open_text(out, path, text, problems);

    if (cfg == NULL)
        return;
    take_values(out, cfg, problems);
    cfg_free(cfg);
}

int conf_parse(struct conf *out, const char *path, const char *text, struct problems *problems)
{
    size_t before = problems->n;
    char *copy = strdup(text);

    *out = (struct conf){.path = NULL};
    if (copy == NULL)
        problems_add(problems, path, 0, "no memory");
    else
        read_settings(out, path, copy, problems);
    free(copy);
    problems_sort(problems);
    return problems->n == before ? 0 : -1;
}

int conf_load_again(struct conf *out, const char *path, const struct conf *old, struct problems *problems)
{
    size_t n, before = problems->n;
    char *text = slurp(path, CONF_FILE_MAX, &n, problems);

    *out = (struct conf){.path = NULL};
    if (text != NULL)
        read_settings(out, path, text, problems);
    free(text);
    conf_read_tables(out, old, problems);
    problems_sort(problems);
    return problems->n == before ? 0 : -1;
}

int conf_load(struct conf *out, const char *path, struct problems *problems)
{
    return conf_load_again(out, path, NULL, problems);
}

int conf_print(FILE *f, const char *path, struct problems *problems)
{
    struct conf conf = {.path = NULL};
    size_t n, before = problems->n;
    char *text = slurp(path, CONF_FILE_MAX, &n, problems);
    cfg_t *cfg = text == NULL ? NULL : open_text(&conf, path, text, problems);

    free(text);
    for (size_t i = 0; i < conf_row_count && problems->n == before; i++) {
        const char **items;
        struct conf_value v = get_value(cfg, &conf_rows[i], &items, path, problems);
        conf_print_value(f, &conf_rows[i], &v);
        free(items);
    }
    if (cfg != NULL)
        cfg_free(cfg);
    conf_free(&conf);
    return problems->n == before ? 0 : -1;
}

#include "tools/cmd.h"

#include <string.h>

struct import {
    const struct cmd *c;
    const char *source; /* for people */
    bool force, open_to_others;
    struct keys_ring from;
    int64_t was; /* the generation that was there; 0: none */
};

/* Reads what is to be imported. Returns 0, or -1 after saying what is wrong with it. */
static int read_source(struct import *m, const char *path)
{
    struct keys_error err;
    size_t n = 0;
    char *text = cmd_read_file(path, &n, &m->open_to_others);
    int result = -1;

    m->source = strcmp(path, "-") == 0 ? "standard input" : path;
    if (text == NULL)
        return -1;
    if (n > KEYS_FILE_MAX)
        tool_say("%s: is larger than %d octets", m->source, KEYS_FILE_MAX);
    else if (keys_json_read(&m->from, (struct bv_str){text, n}, &err) != 0)
        tool_say_error(m->source, &err);
    else
        result = 0;
    keys_json_free(text, n);
    return result;
}

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    struct import *m = arg;

    m->was = ring->generation;
    if (m->was > 0)
        return keys_import(ring, &m->from, m->force, m->c->who, m->c->now, err);
    *ring = m->from;
    return 1;
}

static int report(const struct import *m, const struct keys_ring *ring, bool done)
{
    const char *file = m->c->file;
    long long generation = ring->generation;

    if (!done)
        printf("%s: nothing to do, generation %lld is here already\n", file, generation);
    else if (m->was == 0)
        printf("%s: keyring %s, generation %lld, from %s\n", file, ring->id, generation, m->source);
    else
        printf("%s: keyring %s, generation %lld, from %s; was generation %lld\n", file, ring->id, generation,
               m->source, (long long)m->was);
    if (m->open_to_others)
        printf("%s: has secrets in it, and everybody can read it: remove it, or run: chmod o-rwx %s\n",
               m->source, m->source);
    return tool_printed();
}

int cmd_import(struct cmd *c, int argc, char **argv)
{
    struct import m = {.c = c};
    const struct cmd_option options[] = {{.name = "force", .given = &m.force}, {0}};
    struct keys_ring ring = {0};
    int first, done, status = TOOL_TROUBLE;

    first = cmd_options(c, options, 1, argc, argv);
    if (first < 0)
        return c->status;
    if (first == argc)
        return cmd_misused("import: from where? Give a file, or - for standard input");
    if (read_source(&m, argv[first]) == 0) {
        done = cmd_change(c, &ring, STORE_EITHER, edit, &m);
        if (done >= 0)
            status = report(&m, &ring, done > 0);
    }
    keys_wipe(&m.from);
    keys_wipe(&ring);
    return status;
}

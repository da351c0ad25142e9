#include "tools/cmd.h"

#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CLOCK_SLACK = 5 * 60, /* seconds between the clocks of two nodes that are nothing to speak of */
    ROTATION_DUE = 90 * BV_DAY_SECONDS, /* a key should not sign for longer */
    NUMBERS_LOW = 2,
    FINDINGS_MAX = 8
};

struct findings {
    size_t n, faults;
    struct finding {
        bool fault;
        int line, column; /* 0: of the file as a whole */
        char text[600];
    } item[FINDINGS_MAX];
};

static void add(struct findings *f, bool fault, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(struct findings *f, bool fault, const char *format, ...)
{
    struct finding *item;
    va_list ap;

    if (f->n == FINDINGS_MAX)
        return;
    item = &f->item[f->n++];
    item->fault = fault;
    f->faults += fault;
    va_start(ap, format);
    vsnprintf(item->text, sizeof item->text, format, ap);
    va_end(ap);
}

static void check_clock(struct findings *f, const struct keys_ring *ring, int64_t now)
{
    char clock[KEYS_TIME_LEN + 1], updated[KEYS_TIME_LEN + 1];

    keys_time_write(clock, now);
    keys_time_write(updated, ring->updated);
    if (now < ring->updated - CLOCK_SLACK)
        add(f, true, "the clock says %s, but the file was written at %s: one of the two clocks is wrong", clock,
            updated);
}

static void check_signing(struct findings *f, const struct keys_ring *ring, int64_t now)
{
    int signing = keys_signing(ring, now);
    const struct keys_key *key = &ring->key[signing < 0 ? 0 : signing];
    /* One that signs in the place of a revoked key has that one's beginning. */
    int64_t since = signing >= 0 && key->created > key->sign_from ? key->created : key->sign_from;
    char when[KEYS_TIME_LEN + 1];

    keys_time_write(when, since);
    if (signing < 0)
        add(f, true, "no key signs before %s", when);
    else if ((size_t)signing + 1 == ring->count && now - since > ROTATION_DUE)
        add(f, false, "rotation overdue: key %u signs since %s, more than %d days", key->number, when,
            ROTATION_DUE / BV_DAY_SECONDS);
}

static void check_retired(struct findings *f, const struct keys_ring *ring, int64_t now)
{
    char list[4 * KEYS_MAX] = "";
    size_t n = 0;

    for (size_t i = 0; i < ring->count; i++)
        if (keys_phase(ring, i, now) == KEYS_RETIRED)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%u", n == 0 ? "" : ", ", ring->key[i].number);
    if (n > 0)
        add(f, false, "purge possible of retired keys: %s", list);
}

static void check_numbers(struct findings *f, const struct keys_ring *ring, int64_t now)
{
    unsigned left = keys_numbers_free(ring, now);
    char next[KEYS_NEXT_TEXT];

    keys_number_next(next, ring, now);
    if (left <= NUMBERS_LOW)
        add(f, false, "numbers running out: %u of %d are free; %s", left, BV_KEY_NUMBERS, next);
}

/* Whoever may write a directory that a process with all rights works in, can lead it astray. */
static void check_owner(struct findings *f, const char *path, const char *mode)
{
    struct stat st;

    if (stat(path, &st) != 0 || st.st_uid == 0)
        return;
    const struct passwd *owner = getpwuid(st.st_uid);
    const struct group *group = getgrgid(owner != NULL ? owner->pw_gid : st.st_gid);
    add(f, false,
        "%s belongs to %s, so that bvkey-rotate.service cannot work with it; run: chown root:%s %s && "
        "chmod %s %s",
        path, owner != NULL ? owner->pw_name : "another user", group != NULL ? group->gr_name : "", path, mode,
        path);
}

/* The file that the services know; others may belong to anybody. */
static void check_owners(struct findings *f, const struct cmd *c)
{
    char *path = geteuid() == 0 && c->option == NULL ? realpath(c->file, NULL) : NULL;

    if (path == NULL)
        return;
    check_owner(f, path, "0640");
    check_owner(f, dirname(path), "2750");
    free(path);
}

/* Returns 0, or -1 when it could not be told. */
static int examine(struct findings *f, const struct cmd *c)
{
    struct keys_ring ring;
    struct keys_error err;

    if (cmd_load(c, &ring, &err) == 0) {
        if (!ring.checksummed)
            add(f, false, "the file has no checksum: damage would go unnoticed");
        check_clock(f, &ring, c->now);
        check_signing(f, &ring, c->now);
        check_retired(f, &ring, c->now);
        check_numbers(f, &ring, c->now);
        check_owners(f, c);
        keys_wipe(&ring);
        return 0;
    }
    if (err.sys != 0) {
        tool_say_ring_error(c->file, &err);
        return -1;
    }
    add(f, true, "%s", err.text);
    f->item[0].line = err.line;
    f->item[0].column = err.column;
    return 0;
}

static void print_text(const struct findings *f, const struct cmd *c)
{
    for (const struct finding *item = f->item; item < f->item + f->n; item++)
        if (item->line > 0)
            printf("%s:%d:%d: fault: %s\n", c->file, item->line, item->column, item->text);
        else
            printf("%s: %s: %s\n", c->file, item->fault ? "fault" : "note", item->text);
    if (f->n == 0)
        printf("%s: good\n", c->file);
}

static void print_array(const struct findings *f, bool fault)
{
    size_t printed = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (f->item[i].fault != fault)
            continue;
        char text[sizeof f->item[i].text + 64];
        if (f->item[i].line > 0)
            snprintf(text, sizeof text, "line %d, column %d: %s", f->item[i].line, f->item[i].column,
                     f->item[i].text);
        else
            snprintf(text, sizeof text, "%s", f->item[i].text);
        if (printed++ > 0)
            fputs(", ", stdout);
        cmd_json_string(text);
    }
}

static void print_json(const struct findings *f)
{
    printf("{\"ok\": %s, \"faults\": [", f->faults == 0 ? "true" : "false");
    print_array(f, true);
    fputs("], \"notes\": [", stdout);
    print_array(f, false);
    puts("]}");
}

int cmd_check(struct cmd *c, int argc, char **argv)
{
    bool json = false;
    const struct cmd_option options[] = {{.name = "json", .given = &json}, {0}};
    struct findings f = {0};

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (examine(&f, c) != 0)
        return TOOL_TROUBLE;
    if (json)
        print_json(&f);
    else
        print_text(&f, c);
    if (tool_flush() != 0)
        return TOOL_TROUBLE;
    return f.faults == 0 ? TOOL_YES : TOOL_NO;
}

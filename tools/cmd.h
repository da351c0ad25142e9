/*
 * cmd - what the commands of bvkey share.  A command is a cmd_NAME.c with one
 * function, and a row in bvkey.c.  It prints, and returns the exit status.
 */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "keys/edit.h"
#include "keys/store.h"
#include "tools/args.h"

enum { CMD_WHO = 128 };

struct cmd {
    const char *file;   /* the key file's name, or a URL that is good */
    const char *option; /* -f, or NULL */
    const char *at;     /* --at, or NULL */
    int64_t now;
    char who[CMD_WHO]; /* "root@gw1": who changes the file */
    int status;        /* to exit with, when cmd_options() returns -1 */
};

/* A long option of a command: where its value goes, if it takes one, and where to note that it was given. */
struct cmd_option {
    const char *name;
    bool *given;
    int64_t *seconds;  /* a duration */
    int64_t *age;      /* a duration in which "m" is months */
    unsigned *days;    /* a lifetime */
    unsigned *numbers; /* a key's number, whose bit is set */
    enum bv_algorithm *algorithm;
    const char **text;
};

/*
 * Reads a command's options, up to a row without a name, besides the ones that
 * all have (-f, --at, --help), and at most `most` arguments.  Returns the index
 * of the first argument, or -1 after saying what is wrong, or printing help.
 */
int cmd_options(struct cmd *c, const struct cmd_option *options, int most, int argc, char **argv);
/* The same for what stands before the command's name: none of its own, and -V. */
int cmd_options_before(struct cmd *c, int argc, char **argv);

/* Reads a key's number, a digit. Returns 0, or -1 after saying what is wrong with it; `name` is what it is for. */
int cmd_number(unsigned *out, const char *name, const char *text);

void cmd_usage(FILE *to);
/* Says what is wrong with the command line, and how it should be. Returns TOOL_TROUBLE. */
int cmd_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a JSON string with its quotes; octets that are no UTF-8 come out as U+FFFD. */
void cmd_json_string(const char *text);
/* Prints a time as a JSON string, or null when it is not known. */
void cmd_json_time(int64_t t);

/* ---- cmd_change.c: the ring, wherever it is ----------------------------------------- */

/* Says what is wrong with a URL, without showing a password. Returns 0 when it is good, else -1. */
int cmd_check_url(const char *url);
/* store_open(), with what the environment says on how to get into etcd. */
struct store *cmd_open(const char *name, struct keys_error *err);
/* Reads the ring. Returns 0, or -1 with *err filled. */
int cmd_load(const struct cmd *c, struct keys_ring *ring, struct keys_error *err);
/*
 * store_change(): edit() returns 1 or more to have the ring saved, 0 when it is
 * unchanged, -1 with *err filled, and may be called more than once.  Returns
 * the same, -1 also for other failures; what failed has been said.  Wipe the
 * ring in any case.
 */
int cmd_change(const struct cmd *c, struct keys_ring *ring, enum store_start start,
               int (*edit)(struct keys_ring *ring, void *arg, struct keys_error *err), void *arg);

/* ---- cmd_report.c: lines about keys ------------------------------------------------ */

void cmd_say_no_fingerprint(void);
/* Returns 0, or -1 after saying that the fingerprint is missing. */
int cmd_print_key(const struct keys_ring *ring, size_t i, int64_t now);
void cmd_print_end(const struct keys_ring *ring, size_t i);
/* The keys that begin (but the one at an index, -1: none) or end at another time than before. */
void cmd_print_moved(const struct keys_ring *before, const struct keys_ring *after, int except);
/* A key that has been removed, and what that means; `what` is the word for it. */
void cmd_print_gone(const struct keys_ring *before, size_t i, int64_t now, const char *what, bool dry);
/* What became of each key by a rule. `hint` goes behind one that stays for its live tags. */
void cmd_print_fates(const struct keys_ring *before, const enum keys_fate fate[KEYS_MAX], int64_t now, bool dry,
                     const char *hint);

/* ---- cmd_input.c: what may be secret, past the buffers of stdio -------------------- */

/*
 * Reads standard input, up to size octets; from a terminal one line, which is
 * not shown.  Returns how many, or -1 after saying what failed.
 */
ssize_t cmd_read_secret(char *dst, size_t size);
/*
 * Reads a file, or standard input for "-", up to one octet more than a key file
 * may have; free it with keys_json_free().  Returns NULL after saying what
 * failed.  *open_to_others: it is a file that everybody can read.
 */
char *cmd_read_file(const char *path, size_t *n, bool *open_to_others);
/* Writes all of a text to standard output. Returns 0, or -1 after saying what failed. */
int cmd_write(const char *text, size_t n);

int cmd_init(struct cmd *c, int argc, char **argv);
int cmd_list(struct cmd *c, int argc, char **argv);
int cmd_rotate(struct cmd *c, int argc, char **argv);
int cmd_add(struct cmd *c, int argc, char **argv);
int cmd_purge(struct cmd *c, int argc, char **argv);
int cmd_revoke(struct cmd *c, int argc, char **argv);
int cmd_check(struct cmd *c, int argc, char **argv);
int cmd_export(struct cmd *c, int argc, char **argv);
int cmd_import(struct cmd *c, int argc, char **argv);
int cmd_sync(struct cmd *c, int argc, char **argv);

#endif

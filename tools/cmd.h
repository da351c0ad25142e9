/*
 * cmd - what the commands of bvkey share.  A command is a cmd_NAME.c with one
 * function, and a row in bvkey.c.  It prints, and returns the exit status.
 */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include "keys/keys.h"
#include "tools/args.h"

enum { CMD_LOCK_SECONDS = 20 }; /* how long a command waits for another one that changes the file */

struct cmd {
    const char *file;   /* the key file's name */
    const char *option; /* -f, or NULL */
    const char *at;     /* --at, or NULL */
    int64_t now;
    int status; /* to exit with, when cmd_options() returns -1 */
};

/* A long option of a command: where its value goes, if it takes one, and where to note that it was given. */
struct cmd_option {
    const char *name;
    bool *given;
    int64_t *seconds;
    unsigned *days;
    enum bv_algorithm *algorithm;
};

/*
 * Reads a command's options, up to a row without a name, besides the ones that
 * all have (-f, --at, --help), and at most `most` arguments.  Returns the index
 * of the first argument, or -1 after saying what is wrong, or printing help.
 */
int cmd_options(struct cmd *c, const struct cmd_option *options, int most, int argc, char **argv);
/* The same for what stands before the command's name: none of its own, and -V. */
int cmd_options_before(struct cmd *c, int argc, char **argv);

void cmd_usage(FILE *to);
/* Says what is wrong with the command line, and how it should be. Returns TOOL_TROUBLE. */
int cmd_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a JSON string with its quotes; octets that are no UTF-8 come out as U+FFFD. */
void cmd_json_string(const char *text);
/* Prints a time as a JSON string, or null when it is not known. */
void cmd_json_time(int64_t t);

/* "root@gw1": who changes the file. */
enum { CMD_WHO = 128 };
void cmd_who(char dst[CMD_WHO]);

int cmd_init(struct cmd *c, int argc, char **argv);
int cmd_list(struct cmd *c, int argc, char **argv);
int cmd_rotate(struct cmd *c, int argc, char **argv);
int cmd_check(struct cmd *c, int argc, char **argv);

#endif

/*
 * args - what the command-line tools share: messages, the clock, the key file's
 * name.  Only the tools link it; it prints, and never exits.
 */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

#include <stdint.h>

#include "keys/keys.h"

/* Exit status of every tool. */
enum { TOOL_YES = 0, TOOL_NO = 1, TOOL_TROUBLE = 2 };

/* One line on standard error, after the program's name and a colon. */
void tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An error of keys/ or the configuration: "name: FILE:LINE:COLUMN: text", the place as far as it is known. */
void tool_say_error(const char *path, const struct keys_error *err);

/* The same of the key file that a command needs; when there is none, with the command that makes one. */
void tool_say_ring_error(const char *path, const struct keys_error *err);

/*
 * The time that a tool works at: `at` (RFC 3339), or the clock when it is NULL.
 * The one place where the tools read the clock.  Returns 0, or -1 after saying
 * what is wrong with `at`.
 */
int tool_now(int64_t *now, const char *at);

/* The key file: what -f said, else $BV_KEYRING, else this one, NULL: the default. Borrowed. */
const char *tool_keyring(const char *option, const char *otherwise);

/* 0 when everything printed has reached standard output, else -1 after saying so. */
int tool_flush(void);

/* The exit status of a tool that had only to print what it has printed. */
int tool_printed(void);

#endif

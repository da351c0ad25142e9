/*
 * report_journal - entries of the systemd journal, as "journalctl -o json" and
 * "-o export" write them.  Pure.
 */
#ifndef TOOLS_REPORT_JOURNAL_H
#define TOOLS_REPORT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/report_line.h"

enum { REPORT_IDENTIFIER = 16, REPORT_MESSAGE = 4096 };

/* What is kept of an entry. All zero: nothing yet. */
struct report_entry {
    bool timed;
    int64_t utc;
    bool cut; /* the message does not fit, or is no text */
    size_t identifier_n, message_n;
    char identifier[REPORT_IDENTIFIER], message[REPORT_MESSAGE];
};

/* A field; those that are not needed are left out. */
void report_entry_field(struct report_entry *e, struct bv_str name, struct bv_str value);

/* An object of "-o json". Returns false when it is none; *e then holds what came before the fault. */
bool report_entry_json(struct report_entry *e, struct bv_str line);

/* What the entry says. Borrows from it. */
void report_entry_line(struct report_line *out, const struct report_entry *e);

#endif

/*
 * report_input - files and standard input into the tally.  It says on standard
 * error what cannot be read, and how far it is.
 */
#ifndef TOOLS_REPORT_INPUT_H
#define TOOLS_REPORT_INPUT_H

#include "tools/report_clock.h"
#include "tools/report_journal.h"
#include "tools/report_reader.h"
#include "tools/report_tally.h"

struct report_input {
    struct report_tally *tally;
    bool shows_progress;
    int64_t shown;       /* when progress was told last; 0: not for this file */
    uint64_t broken;     /* lines that were the daemon's, and could not be read */
    bool mentioned;      /* whether others speak of the daemon, as in forms of the journal that are not read */
    bool framed;         /* whether a line of this file had a time, or the daemon's name */
    const char *name;    /* of the file that is read */
    uint64_t line, size; /* its line, and its length, 0: unknown */
    struct report_clock clock;
    struct report_entry entry; /* of the journal */
    struct report_reader reader;
};

/* Reads a file, or standard input when it is "-". Returns 0, or -1 after saying what is wrong. */
int report_input_file(struct report_input *in, const char *path);

/* After the last one: says how many broken lines have not been named. */
void report_input_end(const struct report_input *in);

#endif

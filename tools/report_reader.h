/*
 * report_reader - a stream of any length in lines, in constant memory.
 */
#ifndef TOOLS_REPORT_READER_H
#define TOOLS_REPORT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "bv/bv.h"

enum { REPORT_LINE = 65536, REPORT_CHUNK = 1 << 20 };

struct report_reader {
    int fd;
    bool ended;
    size_t begin, end;
    uint64_t octets; /* read so far */
    char text[REPORT_CHUNK], kept[REPORT_LINE];
};

void report_reader_init(struct report_reader *r, int fd);

/*
 * The next line without its newline, borrowed until the next call.  A line of
 * more than REPORT_LINE octets is cut there, with *cut, and its rest skipped.
 * Returns 1, 0 at the end, or -1 with errno.
 */
int report_reader_line(struct report_reader *r, struct bv_str *line, bool *cut);

/* The next n octets, of which the first REPORT_LINE are in *text, borrowed likewise. Returns as above. */
int report_reader_octets(struct report_reader *r, struct bv_str *text, uint64_t n);

/* The first octets, without taking them: as many as there are, up to n. Returns 0, or -1 with errno. */
int report_reader_peek(struct report_reader *r, struct bv_str *text, size_t n);

#endif

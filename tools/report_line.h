/*
 * report_line - what one line of a log says: the daemon's decisions and notices,
 * told from what others have written.  Pure; views are borrowed from the line.
 * A line is a stranger's text: any octets, any length.
 */
#ifndef TOOLS_REPORT_LINE_H
#define TOOLS_REPORT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "bv/bv.h"
#include "milter/verdict.h"

/* ---- report_stamp.c: the time in front of a line ---- */

enum report_stamp_kind {
    REPORT_STAMP_NONE = 0,
    REPORT_STAMP_UTC,  /* `utc` is known */
    REPORT_STAMP_LOCAL /* "Nov 21 19:37:40": no year, no zone */
};

enum { REPORT_TIME_MAX = 2100 }; /* times are those of 1970 to the end of the year before */

struct report_stamp {
    enum report_stamp_kind kind;
    int64_t utc;
    int month, day, hour, minute, second; /* month 0..11 */
};

/* Reads the time that `s` begins with. Returns the octets it takes with the blank behind it; 0: there is none. */
size_t report_stamp_read(struct report_stamp *out, struct bv_str s);

/* Days from 1970-01-01 to a date, month 1..12; and back. */
long report_days(int year, int month, int day);
void report_date(int *year, int *month, int *day, long days);

/* ---- report_line.c ---- */

enum report_kind {
    REPORT_FOREIGN = 0, /* not a line of the daemon */
    REPORT_DECISION,
    REPORT_NOTICE, /* what the daemon says of itself */
    REPORT_BROKEN  /* the daemon's, but not as it writes them */
};

enum report_notice {
    REPORT_START = 0,
    REPORT_STOP,
    REPORT_RELOAD,
    REPORT_RING,
    REPORT_WARM_UP,
    REPORT_STORM,
    REPORT_LOST, /* log lines that were lost, `lost` of them */
    REPORT_OTHER_NOTICE
};

struct report_line {
    enum report_kind kind;
    struct report_stamp stamp;
    uint64_t times;  /* how often: "message repeated 3 times" */
    const char *why; /* REPORT_BROKEN: what is wrong, a static text */
    /* REPORT_NOTICE */
    enum report_notice notice;
    uint64_t lost;
    struct bv_str text;
    /* REPORT_DECISION; the addresses as they stand in the line, cleaned */
    enum event event;
    enum verdict verdict;
    enum action action;
    int key;
    struct bv_str client, from, rcpt; /* the client's address, without its name */
};

/* A line of a syslog file, of "journalctl -o short-iso", or of standard error, without its newline. */
void report_line_read(struct report_line *out, struct bv_str line);

/*
 * A decision with nothing in front of it, as "journalctl -o cat" writes it.
 * False: the line is none.  What the daemon says otherwise cannot be told from
 * the words of others so.  Leaves out->stamp alone.
 */
bool report_line_bare(struct report_line *out, struct bv_str line);

/* The text behind "bvmilter[PID]: ". Leaves out->stamp alone. */
void report_line_message(struct report_line *out, struct bv_str message);

/* ---- report_address.c ---- */

enum { REPORT_TEXT = 120 }; /* what is kept of a name or address, with its NUL; longer ones are cut */

/* An address of a log line: printable ASCII in lower case, without its tag. */
struct report_address {
    char address[REPORT_TEXT];
    char domain[REPORT_TEXT]; /* "(none)" when there is none */
};
void report_address_read(struct report_address *out, struct bv_str cleaned);

/* The network of a client's address: "192.0.2.0/24", "2001:db8:1::/48"; what is no IP address stays. */
void report_network(char dst[REPORT_TEXT], struct bv_str client);

/* Copies s, what is not printable ASCII as \xHH, cut to fit. Returns the length. */
size_t report_clean(char *dst, size_t size, struct bv_str s);

#endif

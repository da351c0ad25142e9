/*
 * report - what kind of null-sender mail a message is, told from its header
 * alone: a bounce, or a reply that nobody could tag.  Pure and streaming: one
 * call a header field, bounded memory, nothing kept but what the answer needs.
 */
#ifndef MILTER_REPORT_H
#define MILTER_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "bv/bv.h"

enum report_type {
    REPORT_OTHER = 0,  /* a bounce (RFC 3464 or any other shape), or nothing that is known */
    REPORT_MDN,        /* read receipt, RFC 8098 */
    REPORT_AUTO_REPLY, /* vacation, out of office, RFC 3834 */
    REPORT_FEEDBACK,   /* abuse or authentication failure report, RFC 5965, RFC 6591 */
    REPORT_DMARC       /* aggregate report, RFC 7489 7.2 */
};

enum { REPORT_TYPES = REPORT_DMARC + 1 };

const char *report_word(
    enum report_type type); /* "mdn", "auto-reply", "feedback-report", "dmarc-report", "other" */
/* Sets *out from its word; false, *out unchanged, for any other text; "other" is none. */
bool report_from_word(enum report_type *out, struct bv_str word);

/* What the fields so far have told. All zero: none has come. */
struct report {
    unsigned seen; /* bits of report.c */
};

/*
 * Takes a header field in: its name, and its value as the MTA gives it, folds
 * kept (LF or CR LF before a blank).  Any octets, any length.
 */
void report_header(struct report *r, const char *name, const char *value);

/* The type, when the header has ended. Evidence of a bounce outweighs all other. */
enum report_type report_type(const struct report *r);

#endif

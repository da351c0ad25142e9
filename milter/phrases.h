/*
 * phrases - what the words of Subject and From say.  Pure.  Private to report.c.
 */
#ifndef MILTER_PHRASES_H
#define MILTER_PHRASES_H

#include <stdbool.h>

enum {
    SUBJECT_BOUNCE = 1 << 0, /* begins as the subject of a bounce does */
    SUBJECT_AWAY =
        1 << 1, /* begins as that of an automatic reply does, or tells of one that is out of the office */
    SUBJECT_RE = 1 << 2,     /* an answer: "Re:" */
    SUBJECT_DMARC = 1 << 3,  /* RFC 7489 7.2.1.1, and as large senders write it */
    FROM_DAEMON = 1 << 4,    /* a mail system speaks; nobody else writes from there */
    FROM_POSTMASTER = 1 << 5 /* postmaster, or no address: a mail system or a person */
};

enum { PHRASES = (FROM_POSTMASTER << 1) - 1 };

unsigned phrases_subject(const char *value); /* tags in front, as "[EXTERNAL] ", are passed over */
unsigned phrases_from(const char *value);

#endif

/*
 * mime - what a structured header field says: comments, quoted strings, the
 * parameters of RFC 2045 5.1 with the spellings of RFC 2231.  Pure; looks at
 * each octet a bounded number of times, keeps nothing of long values.
 * Private to report.c.
 */
#ifndef MILTER_MIME_H
#define MILTER_MIME_H

#include <stdbool.h>
#include <stddef.h>

enum { MIME_WORD = 96 };

/* A word in lower case, without quotes. One of MIME_WORD octets or more is no word that anybody asks for. */
struct mime_word {
    size_t n; /* octets it really has */
    char text[MIME_WORD];
};

bool mime_word_is(const struct mime_word *w, const char *text);

/* Content-Type, as far as reports go. */
struct mime_content {
    struct mime_word type, subtype; /* empty: cannot be read */
    unsigned report_types;          /* how often report-type is given, in any spelling */
    struct mime_word report_type;   /* the value, when it is given once */
    bool broken;                    /* something in it has no meaning, or more than one */
};

void mime_content_read(struct mime_content *out, const char *value);

/*
 * The first word of a field such as Auto-Submitted or Precedence, up to a blank
 * or semicolon, and its first comment.
 */
void mime_keyword_read(struct mime_word *word, struct mime_word *comment, const char *value);

#endif

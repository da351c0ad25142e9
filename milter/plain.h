/*
 * plain - the text of an unstructured header field, made plain enough to look
 * for phrases in it.  Pure.  Private to phrases.c and report.c.
 */
#ifndef MILTER_PLAIN_H
#define MILTER_PLAIN_H

#include <stddef.h>

/*
 * Writes the text to dst[size], with a NUL: encoded-words (RFC 2047) decoded,
 * Latin-1 as UTF-8 and other charsets octet for octet, ASCII letters in lower
 * case, one blank for any run of blanks, folds and controls, none at the ends.
 * Returns its length; size when it did not fit, dst then holding the beginning.
 * The rest of a longer text is not looked at.
 */
size_t plain_text(char *dst, size_t size, const char *value);

#endif

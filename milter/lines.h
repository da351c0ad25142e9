/*
 * lines - what the plain tables have in common: one entry a line, words between
 * blanks, '#' begins a comment; how they name domains and addresses.  Pure.
 */
#ifndef MILTER_LINES_H
#define MILTER_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "bv/bv.h"
#include "milter/problems.h"

/* Where reading is. */
struct lines {
    const char *path;
    struct problems *problems;
    int line;            /* the number of the current one, from 1 */
    size_t count;        /* of all lines */
    char *text;          /* a copy, in lower case; for the caller to keep or free */
    struct bv_str rest;  /* of the current line */
    struct bv_str below; /* the lines behind it */
};

/*
 * Begins to read a table of at most `most` lines; lines_next() goes to its
 * first.  Returns 0, or -1, with l->text NULL, after a problem or without
 * memory (ENOMEM).
 */
int lines_open(struct lines *l, const char *path, struct bv_str text, size_t most, struct problems *problems);

/* Goes to the next line, which may be empty. Returns false when there is none. */
bool lines_next(struct lines *l);

/* The next word of the line, borrowed from l->text; empty when there is none. Quotes hold blanks and '#' together. */
struct bv_str lines_word(struct lines *l);

/*
 * Reads "example.com" or ".example.com" (then *below is true) with or without
 * a final dot; *name is what is between the dots.  Returns false, *name and *below
 * being of no use, for what is no domain name in lower case.
 */
bool lines_domain(struct bv_str *name, bool *below, struct bv_str word);

/*
 * Reads a word of l as an address with a domain.  *name becomes local@domain
 * without quotes, which takes the place of the word in l->text.  Returns
 * false, the text unchanged, for what is none.  *tag tells of its tag.
 */
bool lines_address(struct bv_str *name, enum bv_tag_kind *tag, struct lines *l, struct bv_str word);

#endif

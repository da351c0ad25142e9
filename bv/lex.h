/*
 * lex - the words of an address: quoting, comments, domain literals, dot-atoms
 * (RFC 5321 4.1.2, RFC 5322 3.2 and 4.4).  Private to bv/.
 */
#ifndef BV_LEX_H
#define BV_LEX_H

#include "bv/bv.h"

/* Without the blanks and tabs around it. */
struct bv_str lex_trim(struct bv_str s);

/*
 * The index of the first (or last) `wanted` outside quotes, comments and
 * literals; s.n when there is none.  Sets *balanced to false, and returns s.n,
 * when something is opened and never closed.
 */
size_t lex_find(struct bv_str s, char wanted, bool first, bool *balanced);

struct lex_half {
    size_t n;        /* octets that it has */
    bool atoms;      /* it is a dot-atom as it stands */
    bool ill_formed; /* an octet stands bare that may not: a special of RFC 5322 3.2.3, a control character */
};

/*
 * Writes to dst[size] what a balanced text means: quoting undone, comments and
 * the blanks around words gone, one blank between words; only its first `size`
 * octets.  `literal` allows a domain literal, which is copied with its brackets.
 */
struct lex_half lex_unquote(char *dst, size_t size, struct bv_str s, bool literal);

bool lex_is_dot_atom(struct bv_str s);

#endif

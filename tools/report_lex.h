/*
 * report_lex - steps through a text: each takes something off its front.  Pure.
 */
#ifndef TOOLS_REPORT_LEX_H
#define TOOLS_REPORT_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "bv/bv.h"

struct bv_str text_behind(struct bv_str s, size_t n); /* n at most s.n */
bool text_begins(struct bv_str s, const char *text);

/* Each returns false, *s unchanged, when what it takes does not stand there. */
bool text_take(struct bv_str *s, const char *text);
bool text_take_until(struct bv_str *out, struct bv_str *s,
                     char mark);                        /* what comes before a mark, and the mark */
bool text_take_number(uint64_t *out, struct bv_str *s); /* at most 18 digits */

#endif

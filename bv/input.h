/*
 * input - the text that a tag's MAC is computed over: K, DDD, address
 * (draft-levine-smtp-batv-01 section 3).  Private to bv/.
 */
#ifndef BV_INPUT_H
#define BV_INPUT_H

#include <string.h>

#include "bv/bv.h"

enum { INPUT_HEAD = 4 };

struct input {
    size_t n;
    char text[INPUT_HEAD + BV_ADDR_TEXT];
};

/* Puts "KDDD" and local@domain as they are spelled into *in. */
static inline void input_exact(struct input *in, unsigned key, unsigned stamp, struct bv_str local,
                               struct bv_str domain)
{
    char *p = in->text + INPUT_HEAD;

    in->text[0] = (char)('0' + key);
    in->text[1] = (char)('0' + stamp / 100);
    in->text[2] = (char)('0' + stamp / 10 % 10);
    in->text[3] = (char)('0' + stamp % 10);
    memcpy(p, local.p, local.n);
    p += local.n;
    if (domain.n > 0) {
        *p++ = '@';
        memcpy(p, domain.p, domain.n);
        p += domain.n;
    }
    in->n = (size_t)(p - in->text);
}

/* Folds ASCII letters to lower case; returns whether any was folded. */
static inline bool input_fold(struct input *in)
{
    bool folded = false;

    for (size_t i = INPUT_HEAD; i < in->n; i++) {
        char c = bv_lower(in->text[i]);
        folded |= c != in->text[i];
        in->text[i] = c;
    }
    return folded;
}

static inline struct bv_str input_view(const struct input *in)
{
    return (struct bv_str){in->text, in->n};
}

#endif

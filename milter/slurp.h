/*
 * slurp - a whole text file in memory.
 */
#ifndef MILTER_SLURP_H
#define MILTER_SLURP_H

#include <stddef.h>

#include "milter/problems.h"

/*
 * Reads a regular file of at most `most` octets without NUL.  Returns the
 * text, NUL-terminated, to be freed, with its length in *n; or NULL with the
 * reason in *problems.
 */
char *slurp(const char *path, size_t most, size_t *n, struct problems *problems);

#endif

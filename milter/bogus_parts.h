/* bogus_parts - how a list of networks is made: what the bogus*.c files share; private. */
#ifndef MILTER_BOGUS_PARTS_H
#define MILTER_BOGUS_PARTS_H

#include "milter/bogus.h"

/* A list on its way. */
struct bogus_draft {
    struct bogus *out;
    struct prefix *network; /* out->n of them */
};

/* Makes room for `rows` networks and the built-in ones. Returns 0, or -1 without memory; end it either way. */
int bogus_begin(struct bogus_draft *d, struct bogus *out, size_t rows);
/* Adds a network; `kind`, cut to fit, NULL: exempt. Of the same network the first that is added counts. */
void bogus_add(struct bogus_draft *d, const struct net *net, const char *kind, bool sentence);
void bogus_add_builtin(struct bogus_draft *d);
/* Makes the list of them if all that came before is `good`. Returns 0, or -1, the list then empty. */
int bogus_end(struct bogus_draft *d, bool good);

/*
 * Reads "ACTION TEXT", with single blanks, which is changed.  *kind, within it
 * or constant, is NULL for an exemption.  Returns false for an action that
 * neither refuses nor exempts.
 */
bool bogus_action(const char **kind, bool *sentence, char *text);

#endif

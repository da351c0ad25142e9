/*
 * background - leaves the terminal, and the command that started us with a
 * status that tells whether we serve.
 */
#ifndef MILTER_BACKGROUND_H
#define MILTER_BACKGROUND_H

/*
 * Returns 0 in the child, with *ready for background_serves(), or -1 with errno
 * set; the parent waits until the child serves or ends, and exits accordingly.
 */
int background_enter(int *ready);

/* Gives up standard input and output, and has the parent exit; -1: there is none. */
void background_serves(int ready);

#endif

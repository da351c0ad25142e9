/*
 * rights - what lets the daemon's own user read a file that it may not.
 */
#ifndef MILTER_RIGHTS_H
#define MILTER_RIGHTS_H

#include "milter/problems.h"

/* Adds the command that mends it to each problem that is denied, once. Call it as the user that was denied. */
void rights_advise(struct problems *problems);

#endif

/*
 * check - the named checks of the simulation: how often each was put to the
 * test, and the first times that it did not hold.  One set a program.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum check {
    CHECK_GENUINE = 0,
    CHECK_LATE,
    CHECK_EARLY,
    CHECK_REVOKED,
    CHECK_ENDED,
    CHECK_ROUND,
    CHECK_OTHER_KEY,
    CHECK_ALTERED,
    CHECK_VERDICT,
    CHECK_TAG,
    CHECK_ONE_SIGNS,
    CHECK_STATE,
    CHECK_NO_RETURN,
    CHECK_GENERATION,
    CHECK_FOLLOW,
    CHECK_SPLIT,
    CHECK_SPLIT_ALL,
    CHECK_DAMAGED,
    CHECK_EDIT,
    CHECK_NUMBER,
    CHECK_SAME_END,
    CHECKS
};

/* Notes an outcome. Returns whether the failure is one of the first, and worth a line. */
bool check_note(enum check c, bool holds);

/* Ends the line that describes a failure; begin with the place. */
void check_say(enum check c, const char *place, const char *what);

/*
 * Prints the TAP plan and a line for each check.  With `all`, one that was never
 * put to the test has failed, else it is skipped; when quiet, only failures are
 * printed.  Returns how many failed.
 */
int check_report(bool all, bool quiet);

#endif

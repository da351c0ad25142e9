#include "test/sim/check.h"

#include <stdio.h>

enum { SHOWN = 3 };

static struct {
    const char *name, *unit;
    uint64_t tested, broken;
} checks[CHECKS] = {
    [CHECK_GENUINE] = {.name = "no genuine bounce was refused", .unit = "bounces"},
    [CHECK_LATE] = {.name = "no tag was honoured after its day", .unit = "tags"},
    [CHECK_EARLY] = {.name = "no tag was honoured more than a day before it was made", .unit = "tags"},
    [CHECK_REVOKED] = {.name = "no tag of a revoked key was honoured where the copy had arrived",
                       .unit = "tags"},
    [CHECK_ENDED] = {.name = "no new tag of a key that has ended was honoured", .unit = "tags"},
    [CHECK_ROUND] = {.name = "no old tag lived again when its number or its day came round", .unit = "tags"},
    [CHECK_OTHER_KEY] = {.name = "no living tag was held against another key of its number", .unit = "tags"},
    [CHECK_ALTERED] = {.name = "no altered tag was honoured", .unit = "tags"},
    [CHECK_VERDICT] = {.name = "every verdict was the one that the model comes to", .unit = "verdicts"},
    [CHECK_TAG] = {.name = "every tag names the key that signs and the last day", .unit = "messages"},
    [CHECK_ONE_SIGNS] = {.name = "exactly one key signed on a node once the ring had begun", .unit = "looks"},
    [CHECK_STATE] = {.name = "every state followed from the order and the clock alone", .unit = "states"},
    [CHECK_NO_RETURN] = {.name = "no key came back to life on a node", .unit = "looks"},
    [CHECK_GENERATION] = {.name = "the generation never fell on a node", .unit = "copies"},
    [CHECK_FOLLOW] = {.name = "every newer copy was taken and every other one refused", .unit = "copies"},
    [CHECK_SPLIT] = {.name = "the same generation with other content was refused as that", .unit = "copies"},
    [CHECK_SPLIT_ALL] = {.name = "every node that had both copies of a split noticed", .unit = "nodes"},
    [CHECK_DAMAGED] = {.name = "no damaged copy was taken", .unit = "copies"},
    [CHECK_EDIT] = {.name = "every edit did what was asked and nothing else", .unit = "edits"},
    [CHECK_NUMBER] = {.name = "no number was given again while a tag of its old key lived", .unit = "keys"},
    [CHECK_SAME_END] = {.name = "all nodes came to the same ring", .unit = "nodes"},
};

bool check_note(enum check c, bool holds)
{
    checks[c].tested++;
    if (holds)
        return false;
    return checks[c].broken++ < SHOWN;
}

void check_say(enum check c, const char *place, const char *what)
{
    printf("# %s: %s, but: %s\n", place, checks[c].name, what);
}

/* A check that nothing was put to has not held. */
static bool report_one(enum check c, bool all, bool quiet)
{
    unsigned long long tested = checks[c].tested, broken = checks[c].broken;
    bool good = broken == 0 && tested > 0;

    if (tested == 0 && !all) {
        if (!quiet)
            printf("ok %d - %s # SKIP nothing to try it on\n", c + 1, checks[c].name);
        return true;
    }
    if (good && !quiet)
        printf("ok %d - %s (%llu %s)\n", c + 1, checks[c].name, tested, checks[c].unit);
    if (!good)
        printf("not ok %d - %s (%llu of %llu %s)\n", c + 1, checks[c].name, broken, tested, checks[c].unit);
    return good;
}

int check_report(bool all, bool quiet)
{
    int failed = 0;

    printf("1..%d\n", CHECKS);
    for (int c = 0; c < CHECKS; c++)
        failed += !report_one((enum check)c, all, quiet);
    return failed;
}

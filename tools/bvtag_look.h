/*
 * bvtag_look - what the MX guard sees of a domain, and what it would do, before
 * bvtag mx says it as text or JSON.
 */
#ifndef TOOLS_BVTAG_LOOK_H
#define TOOLS_BVTAG_LOOK_H

#include "milter/dns.h"
#include "tools/bvtag_story.h"

enum { LOOK_FAULTS = 2 };

/* Texts are empty where there is nothing to say. */
struct look {
    const char *text;
    char name[BV_DOMAIN_MAX + 1]; /* of the domain */
    bool asked;                   /* the DNS was; else there are no facts */
    struct guard_facts facts;
    struct guard_verdict verdict;
    char recipient[STORY_TEXT]; /* what becomes of recipients in the domain */
    char sender[STORY_TEXT];
    char map[STORY_TEXT]; /* the answer of the map mx */
    char row[STORY_TEXT]; /* of the domains table */
    size_t n_faults;      /* of a domain of ours: what is not as it should be */
    char fault[LOOK_FAULTS][STORY_TEXT];
    int status; /* TOOL_YES: all is well; TOOL_NO; TOOL_TROUBLE: it could not be told */
};

/* Fills *l; text, a domain or an address, is borrowed. Returns 0, or -1 after saying why the DNS cannot be asked. */
int look_gather(struct look *l, struct bvtag *b, const char *text);

#endif

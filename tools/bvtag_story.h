/*
 * bvtag_story - everything that there is to say of an address, before
 * bvtag explain says it as text or JSON.
 */
#ifndef TOOLS_BVTAG_STORY_H
#define TOOLS_BVTAG_STORY_H

#include "tools/bvtag.h"

enum { STORY_TEXT = PROBLEM_TEXT + 300 };

/* Texts are empty where there is nothing to say. */
struct story {
    const char *text;
    struct bv_addr addr;
    struct bv_tag tag;
    struct bv_result result;
    bool failed;                            /* something could not be computed */
    char fingerprint[KEYS_FINGERPRINT + 1]; /* of the tag's key, if it is in the ring */
    struct decision bounce;                 /* were a bounce to come from outside */
    char address[BV_ADDR_QUOTED];
    char tagged[BV_TAGGED];
    struct decision sender; /* were the address the sender of outbound mail */
    char domain[STORY_TEXT];
    char exception[STORY_TEXT];   /* the row of the exceptions table that decides on the bounce */
    char sender_row[STORY_TEXT];  /* the one that decides on the sender */
    char destination[STORY_TEXT]; /* the one that leaves mail to the address untagged */
    char warmup[STORY_TEXT];
    char decides[STORY_TEXT];
    char reply[STORY_TEXT];
    char header[VERDICT_HEADER]; /* its value */
};

/* Fills *s; text is borrowed. */
void story_gather(struct story *s, const struct bvtag *b, const char *text);

/* "NAME at FILE:LINE" of a setting, or that it has its default. */
void story_setting(char *dst, size_t size, const struct conf *conf, const char *name);
/* ", receives no mail", ", never sends" or "". */
const char *story_kind(const struct domain *row);

#endif

/*
 * cmd_sync - what "bvkey sync" says of trouble: once, and again after an hour
 * if it is still there; and when it is over.
 */
#ifndef TOOLS_CMD_SYNC_H
#define TOOLS_CMD_SYNC_H

#include "keys/keys.h"

struct sync_trouble {
    bool there, away;
    int64_t since, said;
    char name[256], text[512]; /* what has been said last */
};

/* There is trouble with a file or a URL; `away`: the store cannot be asked. */
void sync_complain(struct sync_trouble *t, const char *name, const struct keys_error *err, bool away);
/* There is none, or none any more. */
void sync_content(struct sync_trouble *t, const char *url);
/* The time, in seconds, whatever --at says. */
int64_t sync_clock(void);

#endif

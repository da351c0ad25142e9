/*
 * bvtag - what its commands share.  A command treats one address, prints its
 * answer on standard output, and returns an exit status.
 */
#ifndef TOOLS_BVTAG_H
#define TOOLS_BVTAG_H

#include <stdbool.h>
#include <stdio.h>

#include "keys/keys.h"
#include "milter/conf.h"
#include "tools/args.h"

struct bvtag {
    bool json;
    int64_t now;
    const char *keyring_path;
    struct keys_ring ring;
    struct keys_macs macs;
    struct policy_keys keys; /* the ring at `now` */
    bool has_conf;           /* -c was given, or the command needs it */
    struct conf conf;
    struct dns *dns; /* NULL until something is asked */
    bool told;       /* explain has told of an address */
};

int bvtag_sign(struct bvtag *b, const char *text);
int bvtag_verify(struct bvtag *b, const char *text);
int bvtag_strip(struct bvtag *b, const char *text);
int bvtag_explain(struct bvtag *b, const char *text);
int bvtag_mx(struct bvtag *b, const char *text);

/* "2026-11-28" for a day since 1970, or "-" for 0. */
enum { BVTAG_DATE = 32 };
void bvtag_date(char dst[BVTAG_DATE], long day);

/* The original address of a tagged one, as text; "" when there is no well-formed tag. */
void bvtag_original(char dst[BV_ADDR_QUOTED], const struct bv_addr *a);

/* `"name": "text"`, null for "" and "-"; `"name": number`, null when not known. After the first, with a comma. */
void bvtag_json_text(const char *name, const char *text, bool first);
void bvtag_json_number(const char *name, long number, bool known);

/*
 * Standard input, with all answers written out before it waits for more.
 * fclose() it.  NULL without memory.
 */
FILE *bvtag_lines_open(void);

enum { BVTAG_LINE = 65534 };

struct bvtag_line {
    char text[BVTAG_LINE + 2]; /* room for the CR of the longest line */
    char fault[32];            /* why the text cannot be used, or "" */
};

/*
 * Reads a line, without the LF or CR LF at its end.  Returns false at the end
 * of input, and when reading, or writing the answers, has failed: ferror().
 */
bool bvtag_line_read(struct bvtag_line *l, FILE *in);

#endif

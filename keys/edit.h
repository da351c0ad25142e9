/*
 * edit - what changes a ring: ring -> ring.  The clock and the author are
 * arguments; the only thing that comes from outside is random numbers.  What
 * is refused leaves the ring as it was, with *err filled.  What is done raises
 * the generation by one, and notes when and by whom.  Saving is keys_save()'s.
 */
#ifndef KEYS_EDIT_H
#define KEYS_EDIT_H

#include "keys/keys.h"

/* ---- edit.c: new keys --------------------------------------------------------- */

struct keys_new {
    enum bv_algorithm algorithm;
    unsigned lifetime; /* days */
    int64_t sign_from;
    const char *by; /* "root@gw1" for updated_by */
};

/* Fills n octets, up to KEYS_SECRET_MAX, from the system's random source. Returns 0, or -1 with *err filled. */
int keys_generate(unsigned char *secret, size_t n, struct keys_error *err);

/* A new ring, generation 1, whose one key signs from `how->sign_from`. Returns 0, or -1, *out wiped. */
int keys_create(struct keys_ring *out, const struct keys_new *how, int64_t now, struct keys_error *err);

/*
 * Adds a new key that signs from how->sign_from, which must be later than that
 * of every other key and not before now.  The number is the next free one
 * after the newest key's.  Returns the key's index, or -1.
 */
int keys_rotate(struct keys_ring *ring, const struct keys_new *how, int64_t now, struct keys_error *err);

/* ---- number.c ------------------------------------------------------------------ */

/* How many numbers a new key may take at a time, and in words which of the others is free next, and when. */
unsigned keys_numbers_free(const struct keys_ring *ring, int64_t now);
enum { KEYS_NEXT_TEXT = 80 };
void keys_number_next(char dst[KEYS_NEXT_TEXT], const struct keys_ring *ring, int64_t now);

/* ---- secret.c, add.c: secrets from elsewhere ------------------------------------ */

enum keys_format {
    KEYS_FORMAT_TEXT = 0, /* one line, its newline not counted */
    KEYS_FORMAT_RAW,      /* all octets */
    KEYS_FORMAT_BASE64,   /* blanks and newlines do not count */
    KEYS_FORMAT_HEX       /* likewise; digits in any case */
};
/* Sets *out from "text", "raw", "base64", "hex"; returns false, *out unchanged, for any other word. */
bool keys_format_from_word(enum keys_format *out, struct bv_str word);

/*
 * Reads a secret of 1..KEYS_SECRET_MAX octets to dst.  Returns its length, or 0
 * with *err filled and dst wiped.
 */
size_t keys_secret_read(unsigned char dst[KEYS_SECRET_MAX], enum keys_format format, struct bv_str text,
                        struct keys_error *err);

/*
 * Why a secret is too easy to guess, as the end of a sentence, or NULL: short,
 * few different octets, a piece repeated, a row like "abcd".  Good words pass:
 * it finds what was never meant as a secret, and knows no dictionary.
 */
const char *keys_secret_weakness(const unsigned char *secret, size_t n);

/*
 * Adds a key as it is given, but for `created`, which becomes now.  A secret of
 * fewer than KEYS_SECRET_MIN octets gets zero octets at its end, which changes
 * no tag (RFC 2104 2).  Refused are a number or a sign_from that is taken, and
 * a beginning in the past that would make another key's live tags too old.
 * Returns its index, or -1.
 */
int keys_add(struct keys_ring *ring, const struct keys_key *key, const char *by, int64_t now,
             struct keys_error *err);

/* ---- purge.c, remove.c: removing by rule ------------------------------------------ */

/* Which keys go: those that any of these fits, never the one that signs. */
struct keys_rule {
    bool expired;         /* retired */
    bool all_but_current; /* superseded, however lately */
    bool unused;          /* superseded for at least unused_for seconds */
    int64_t unused_for;
    unsigned numbers; /* bit n: the key with the number n */
    bool force;       /* even if it verifies; if named by number, even if it is staged */
};
/* Reads 1m 3m 6m (months of 30 days), and all that keys_duration_read() does, to seconds; else false. */
bool keys_age_read(int64_t *out, struct bv_str text);
/* Sets *out from "expired", "all-but-current", or an age; returns false, *out unchanged, for any other text. */
bool keys_rule_read(struct keys_rule *out, struct bv_str text);

/*
 * When the last tag that a key can have made by now expires, or has.  0: it has
 * made none, not even on a node whose clock is BV_SKEW_DAYS ahead.
 */
int64_t keys_last_tag(const struct keys_ring *ring, size_t i, int64_t now);

enum keys_fate {
    KEYS_STAYS = 0,
    KEYS_GOES,
    KEYS_LIVE /* a rule fits, but its tags may be alive: stays without force */
};

/*
 * Removes keys by rule, and leaves tombstones: a number is reusable when the
 * last tag of its key has expired.  The key behind one that goes takes over
 * its sign_from, so that the one before ends when it did, and that a key signs
 * by every clock by which one did.  fate[i] says what became of key i of the
 * ring as it was.  Refused are a key named by number
 * that may not go, and to leave no key at all.  Returns how many were removed
 * (0: the ring is unchanged), or -1.
 */
int keys_purge(struct keys_ring *ring, const struct keys_rule *rule, const char *by, int64_t now,
               enum keys_fate fate[KEYS_MAX], struct keys_error *err);

/*
 * keys_rotate() and keys_purge() as one change, for the same index or -1.
 * Purges first when there is no number for the new key otherwise.
 */
int keys_rotate_and_purge(struct keys_ring *ring, const struct keys_new *how, const struct keys_rule *rule,
                          int64_t now, enum keys_fate fate[KEYS_MAX], struct keys_error *err);

/* ---- revoke.c --------------------------------------------------------------------- */

struct keys_revoked {
    int heir;        /* index of the key that has taken its place; -1: it needed none */
    bool fresh;      /* the heir is a new key; else it was staged */
    bool own_number; /* the heir has the number of the revoked key, since no other was free */
};

/*
 * Removes a key whatever its state, as keys_purge() does.  If it signed, the
 * next staged key signs from now on, or a new one of the same kind does, with
 * the sign_from of the revoked key.  If the only key was staged, a new one is
 * staged in its place.  Returns 0, or -1.
 */
int keys_revoke(struct keys_ring *ring, unsigned number, const char *by, int64_t now, struct keys_revoked *out,
                struct keys_error *err);

/* ---- import.c ----------------------------------------------------------------------- */

/*
 * Puts another ring in the place of this one: a higher generation of the same,
 * as it is.  With force also another ring, as it is, and a lower or the same
 * generation with other content, which then gets a generation above both.
 * Returns 1, 0 when both are the same, or -1.
 */
int keys_import(struct keys_ring *ring, const struct keys_ring *from, bool force, const char *by, int64_t now,
                struct keys_error *err);

#endif

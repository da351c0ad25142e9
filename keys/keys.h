/*
 * keys - the keyring: its file, its life cycle, its state at a moment.
 *
 * A ring is a plain value without pointers; copying it copies it.  Every state
 * of a key follows from the order of sign_from and the clock, which is always
 * an argument (seconds since 1970, UTC); there is no second source of truth.
 * Functions that do I/O return 0, or -1 with *err filled.  Nothing here logs,
 * prints or exits.  A ring holds secrets: wipe it with keys_wipe().
 */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bv/bv.h"

enum {
    KEYS_MAX = BV_KEY_NUMBERS,
    KEYS_SECRET_MIN = 16, /* octets */
    KEYS_SECRET_NEW = 32, /* what keys_generate() makes */
    KEYS_SECRET_MAX = 256,
    KEYS_ID_LEN = 36,    /* a UUID in its usual form, RFC 9562 4 */
    KEYS_TEXT_MAX = 200, /* octets of a comment, of updated_by */
    KEYS_FILE_MAX = 65536,
    KEYS_PATH_MAX = 4096,
    KEYS_FINGERPRINT = 8 /* hex digits */
};

/* A time that is not known yet. */
#define KEYS_UNKNOWN INT64_MAX
/* The highest generation: JSON readers that keep numbers as doubles still tell its neighbours apart. */
#define KEYS_GENERATION_MAX INT64_C(1000000000000000)

/*
 * Why a call failed, for a person: one line, no secret in it.  The text does
 * not begin with the file's name; tools put it, and the place, in front.
 */
struct keys_error {
    int line; /* 0: no place known */
    int column;
    int sys; /* errno, when a system call failed; 0: the file, or what was asked, is refused */
    char text[512];
};

struct keys_key {
    unsigned number; /* 0..9 */
    enum bv_algorithm algorithm;
    unsigned lifetime; /* days */
    int64_t created;
    int64_t sign_from;
    size_t secret_len; /* KEYS_SECRET_MIN..KEYS_SECRET_MAX */
    unsigned char secret[KEYS_SECRET_MAX];
    char comment[KEYS_TEXT_MAX + 1]; /* UTF-8, no control characters */
};

/* What is left of a purged key: its number is not used again before `reusable`. */
struct keys_tombstone {
    unsigned number;
    int64_t purged;
    int64_t reusable;
};

struct keys_ring {
    char id[KEYS_ID_LEN + 1];
    int64_t generation; /* 1 and up, one more with every write */
    int64_t updated;
    char updated_by[KEYS_TEXT_MAX + 1];
    int64_t signing_since;
    size_t count; /* keys, in the order of sign_from, no two alike */
    struct keys_key key[KEYS_MAX];
    size_t purged_count; /* tombstones, by number */
    struct keys_tombstone purged[KEYS_MAX];
    bool checksummed; /* the text it was read from had a checksum; says nothing about the keys */
};

void keys_wipe(struct keys_ring *ring); /* overwrites all of it */

/* ---- phase.c: order + clock -> state ---------------------------------------- */

enum keys_phase {
    KEYS_SIGNING = 0, /* the newest whose sign_from has come; at most one */
    KEYS_STAGED,      /* verifies, does not sign yet */
    KEYS_VERIFYING,   /* superseded, its last tags may be alive */
    KEYS_RETIRED      /* its last tag has expired; may strip a tag from ordinary mail */
};
const char *keys_phase_word(enum keys_phase phase);

/* Phase of ring->key[i] at a time. */
enum keys_phase keys_phase(const struct keys_ring *ring, size_t i, int64_t now);

/* When the phases of a key begin; KEYS_UNKNOWN while no successor is in the ring. */
struct keys_times {
    int64_t signs_from;
    int64_t signs_until;    /* the successor's sign_from */
    int64_t verifies_until; /* signs_until + lifetime + 2 days; retired when this has passed */
    int64_t purgeable_from; /* the same moment: no tag can be alive any more */
};
void keys_times(struct keys_times *out, const struct keys_ring *ring, size_t i);

/* ---- ring.c: looking things up ----------------------------------------------- */

/* Index of the key with a number, of the tombstone with a number, of the signing key at a time; -1: none. */
int keys_find(const struct keys_ring *ring, unsigned number);
int keys_find_purged(const struct keys_ring *ring, unsigned number);
int keys_signing(const struct keys_ring *ring, int64_t now);

/* Whether a new key may take a number at a time: no key has it, no tombstone keeps it. */
bool keys_number_free(const struct keys_ring *ring, unsigned number, int64_t now);

/* The first KEYS_FINGERPRINT hex digits of SHA-256 over the secret. Returns 0, or -1, dst then empty. */
int keys_fingerprint(char dst[KEYS_FINGERPRINT + 1], const struct keys_key *key);
/* The same of all keys, in their order. Returns 0, or -1 when one is missing. */
int keys_fingerprints(char dst[KEYS_MAX][KEYS_FINGERPRINT + 1], const struct keys_ring *ring);

/*
 * Keyed MACs for the keys of a ring, reused from call to call.  One thread at
 * a time; make one for each thread that computes.
 */
struct keys_macs {
    struct bv_mac mac[KEYS_MAX]; /* beside ring->key */
};
/* Returns 0, or -1 when the library fails, *out then empty. */
int keys_macs_init(struct keys_macs *out, const struct keys_ring *ring);
void keys_macs_free(struct keys_macs *m);

/*
 * What the core judges with at a time.  *out borrows from macs.  Returns the
 * signing key in out->by_number, or NULL when none signs.
 */
const struct bv_key *keys_at(struct bv_keys *out, const struct keys_ring *ring, struct keys_macs *macs,
                             int64_t now);

/* ---- time.c: RFC 3339 and durations ------------------------------------------ */

enum { KEYS_TIME_LEN = 20 }; /* "2026-11-21T12:00:00Z" */

/* Reads YYYY-MM-DDTHH:MM:SSZ (1970..9999), nothing else. Returns false, *out unchanged, otherwise. */
bool keys_time_read(int64_t *out, struct bv_str text);
/* Writes a time in 1970..9999; any other becomes "-". */
void keys_time_write(char dst[KEYS_TIME_LEN + 1], int64_t t);
/* Reads 30s 15m 1h 7d 3w 1y (365 days), up to 100 years; seconds. Returns false, *out unchanged, otherwise. */
bool keys_duration_read(int64_t *out, struct bv_str text);

/* ---- json.c, read.c, write.c: the text of a key file --------------------------- */

/* Has Jansson wipe what it frees. Call it first thing in main. */
void keys_json_setup(void);

/*
 * Reads a key file's text.  Everything that makes a key file bad is refused
 * here: unknown and duplicate members, wrong types, values out of range, wrong
 * checksum.  Returns 0, or -1 with *err filled and *out wiped.
 */
int keys_json_read(struct keys_ring *out, struct bv_str text, struct keys_error *err);

/* The file's text, with checksum and final newline; free with keys_json_free(). NULL with *err filled. */
char *keys_json_write(const struct keys_ring *ring, size_t *n, struct keys_error *err);
/* The same without secrets and without checksum: for people, no key file. */
char *keys_json_write_public(const struct keys_ring *ring, size_t *n, struct keys_error *err);
void keys_json_free(char *text, size_t n); /* wipes; NULL is legal */

/* ---- file.c: careful open ----------------------------------------------------- */

/*
 * Loads the key file: follows symbolic links, refuses a mode wider than 0640
 * or a directory that others can write, with the command that mends it.
 * Returns 0, or -1 with *err filled and *out wiped.
 */
int keys_load(struct keys_ring *out, const char *path, struct keys_error *err);

/* ---- save.c, lock.c: atomic replace, lock -------------------------------------- */

/*
 * Takes the lock beside the file that path leads to (its name + ".lock"),
 * waiting at most `seconds`, or until the descriptor `stop` can be read, -1:
 * none; then err->sys is ECANCELED.  The lock file stays when it is given up.
 * Returns a descriptor for keys_unlock(), or -1 with *err filled.
 */
int keys_lock(const char *path, unsigned seconds, int stop, struct keys_error *err);
void keys_unlock(int lock);

/*
 * Replaces the file that path leads to as a whole: temporary file in the same
 * directory, fsync, rename, fsync of the directory.  Owner, group and mode of
 * an old file are kept; a new one is 0640.  Call it under the lock: temporary
 * files that a killed writer left are removed.  Returns 0, or -1 with *err
 * filled, the old file standing and the temporary one gone; only when the
 * directory's fsync failed the new file is in place, and *err says so.
 */
int keys_save(const struct keys_ring *ring, const char *path, struct keys_error *err);
/* The same for a file that must not be there yet. */
int keys_save_new(const struct keys_ring *ring, const char *path, struct keys_error *err);

/* ---- follow.c -------------------------------------------------------------------- */

/*
 * Whether a daemon that uses `old` may go on with `next`: any other ring, a
 * higher generation of the same, or the very same content.  Returns 0, or -1
 * with the reason in *err.
 */
int keys_may_follow(const struct keys_ring *old, const struct keys_ring *next, struct keys_error *err);
/* Whether two rings are the same: their files would be. 1 or 0, or -1 with *err filled. */
int keys_same(const struct keys_ring *a, const struct keys_ring *b, struct keys_error *err);

#endif

/*
 * parts - what the files of keys/ share.  Private to keys/.
 */
#ifndef KEYS_PARTS_H
#define KEYS_PARTS_H

#include <sys/stat.h>

#include "keys/edit.h"

#define KEYS_FORMAT "bv-keyring"
enum { KEYS_VERSION = 1 };

/* Fills *err with a sentence, no place. Returns -1. */
int keys_fail(struct keys_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fills *err with "WHAT: strerror(errno)", or "WHAT NAME: ..." with a name. Returns -1. */
int keys_fail_sys(struct keys_error *err, const char *what, const char *name);
/* Says that there is no memory, which is nothing that a file is refused for: err->sys is ENOMEM. Returns -1. */
int keys_fail_memory(struct keys_error *err);

/* Writes 2 * n lower-case hex digits and a NUL. */
void keys_hex(char *dst, const unsigned char *bytes, size_t n);

/*
 * Strict base64, RFC 4648 4: padded, canonical, no blanks.  Returns the octets
 * written, or 0, dst wiped, when the text is none or does not fit in size.
 */
size_t keys_base64_read(unsigned char *dst, size_t size, struct bv_str text);
enum { KEYS_SECRET_TEXT = (KEYS_SECRET_MAX + 2) / 3 * 4 };
/* Writes (n + 2) / 3 * 4 characters and a NUL. */
void keys_base64_write(char *dst, const unsigned char *bytes, size_t n);

/* Whether UTF-8 text is free of control characters: C0, DEL, C1. */
bool keys_text_clean(const char *text);

/* The real path of a file that is there, or of a new name in a directory that is. */
int keys_resolve(char dst[KEYS_PATH_MAX], const char *path, struct keys_error *err);
/* Cuts a path's directory off: "/a/b" "/a", "/b" "/", "b" ".". Returns the name, in path. */
const char *keys_split(char directory[KEYS_PATH_MAX], const char *path);
/* Refuses a directory that others can write, with the command that mends it. */
int keys_check_directory(const char *directory, struct keys_error *err);

/*
 * Reads a file that holds secrets, after looking at its rights as keys_load()
 * does, of at most so many octets; free it with keys_json_free().  NULL with
 * *err filled.
 */
char *keys_read_carefully(const char *path, size_t most, size_t *n, struct keys_error *err);
/* A ring's text, after making sure that it can be read back as it is. NULL with *err filled. */
char *keys_checked_text(const struct keys_ring *ring, size_t *n, struct keys_error *err);

int64_t keys_milliseconds(void); /* to wait by, of no known beginning */

/* For how long a key verifies when another has taken over, in seconds: its last tag is good until then. */
int64_t keys_afterlife(const struct keys_key *key);

/* ---- pieces of an edit: none of them checks whether it may be done ---- */

/* Refuses a ring whose generation cannot rise. */
int keys_may_change(const struct keys_ring *ring, struct keys_error *err);
/* Raises the generation, and notes who changed the ring, and when. */
void keys_stamp(struct keys_ring *ring, const char *by, int64_t now);
/* Makes a key without a number, with a new secret. */
int keys_make(struct keys_key *out, const struct keys_new *how, int64_t now, struct keys_error *err);
/* Puts a key in its place by sign_from; a tombstone with its number goes. Returns its index. */
size_t keys_insert(struct keys_ring *ring, const struct keys_key *key);
/* The first free number after a number; -1 with *err filled: there is none. */
int keys_number_after(const struct keys_ring *ring, unsigned number, int64_t now, struct keys_error *err);
/*
 * Takes out the keys whose numbers' bits are set, and leaves tombstones.  The
 * keys that stay end when they did.
 */
void keys_remove(struct keys_ring *ring, unsigned numbers, int64_t now);

#endif

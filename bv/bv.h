/*
 * bv - bounce verification tags: the pure core.
 *
 * Bytes in, answer out: reads addresses as they stand in SMTP commands, makes
 * and checks prvs tags (draft-levine-smtp-batv-01).  It never reads a clock,
 * allocates, logs, does I/O or keeps state of its own; the day and the keys
 * are arguments.  All functions are reentrant.  A struct bv_mac belongs to one
 * thread at a time; everything else that is passed const may be shared.
 */
#ifndef BV_BV_H
#define BV_BV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BV_TAG_OCTETS = 16,     /* "prvs=KDDDSSSSSS=", what a tag adds to a local part */
    BV_LOCAL_TAGGABLE = 48, /* longest local part that takes a tag: 64 - 16, RFC 5321 4.5.3.1.1 */
    BV_DOMAIN_MAX = 255,    /* octets, RFC 5321 4.5.3.1.2 */
    BV_PATH_MAX = 256,      /* octets with the brackets, RFC 5321 4.5.3.1.3 */
    BV_LOCAL_KEPT = 512,    /* octets of a local part that struct bv_addr keeps */
    BV_ADDR_TEXT = BV_LOCAL_KEPT + 1 + BV_DOMAIN_MAX + 1,           /* one more: a trailing dot */
    BV_ADDR_QUOTED = 2 * BV_LOCAL_KEPT + 2 + 1 + BV_DOMAIN_MAX + 1, /* bv_addr_write(), with its NUL */
    BV_TAGGED = BV_PATH_MAX + BV_TAG_OCTETS,                        /* bv_sign(), with its NUL */
    BV_KEY_NUMBERS = 10,
    BV_LIFETIME_MIN = 1, /* days */
    BV_LIFETIME_MAX = 180,
    BV_SKEW_DAYS = 1, /* allowed between the clocks of two nodes */
    BV_STAMPS = 1000, /* the day counter in a tag wraps here */
    BV_MAC_OCTETS = 3,
    BV_DIGEST_OCTETS = 32
};

/* A borrowed view of bytes, not NUL-terminated; passed by value. */
struct bv_str {
    const char *p;
    size_t n;
};

/* A view of a whole C string. */
static inline struct bv_str bv_str(const char *text)
{
    return (struct bv_str){text, strlen(text)};
}

static inline bool bv_str_same(struct bv_str a, struct bv_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only, whatever the locale. */
static inline char bv_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool bv_str_same_nocase(struct bv_str a, struct bv_str b); /* ASCII letters in any case */

/* ---- addr.c: the address that a MAIL or RCPT argument means ---------------- */

enum bv_shape {
    BV_MAILBOX = 0, /* a local part, and a domain unless the client gave none */
    BV_NULL_SENDER, /* "<>" or "" */
    BV_NOBODY, /* nothing but comments, quotes, a source route, or what is opened and not closed: "" to some MTAs */
    BV_UNREADABLE /* no address can be made out of what stands there */
};

/*
 * An address without its brackets, source route, comments and quoting, in the
 * sender's own spelling: text is local, '@', domain, not NUL-terminated.
 * Read it with bv_addr_local() and bv_addr_domain().
 */
struct bv_addr {
    enum bv_shape shape;
    bool overlong; /* the local part had over BV_LOCAL_KEPT octets; the rest is dropped */
    bool
        ill_formed; /* a special or control character stands outside quotes: programs differ in what it means */
    bool needs_quotes; /* the local part is no dot-atom, RFC 5321 4.1.2 */
    bool non_ascii;    /* some octet is over 127 */
    size_t local_len;  /* octets kept, at least 1 in a mailbox */
    size_t domain_len; /* octets; 0: the client gave no domain */
    char text[BV_ADDR_TEXT];
};

/*
 * Reads an argument as a client may type it: with or without brackets (even
 * nested or unbalanced), source route, quoted strings and pairs, comments,
 * trailing dot, "host!user" and "user%host" without '@'.  Fills *out always;
 * out->shape tells the result.  RFC 5321 4.1.2, RFC 5322 3.4 and 4.4.
 */
void bv_addr_read(struct bv_addr *out, struct bv_str arg);

struct bv_str bv_addr_local(const struct bv_addr *a);
struct bv_str bv_addr_domain(const struct bv_addr *a);

/*
 * The mailbox that "user%host@relay", "user@host@relay" or "host!user@relay"
 * hands on to: user@host.  Returns false, *out unchanged, when the local part
 * is no such address.
 */
bool bv_addr_inner(struct bv_addr *out, const struct bv_addr *a);

/*
 * Writes local@domain (or local alone), quoting the local part where it must
 * be, and a NUL.  Returns the length, or 0, with dst empty, when the result
 * does not fit or holds a control character.  BV_ADDR_QUOTED always fits.
 */
size_t bv_addr_write(char *dst, size_t size, struct bv_str local, struct bv_str domain);

/* ---- day.c: the UTC day and its stamp -------------------------------------- */

enum { BV_DAY_SECONDS = 86400 };

long bv_day(int64_t unix_seconds); /* days since 1970-01-01; rounds down before it */
unsigned bv_stamp(long day);       /* 0..999: the low three digits */
/* Days until the stamp's day comes round next, 0..999. The only comparison of days there is. */
unsigned bv_days_ahead(unsigned stamp, long today);
/* Whether a tag with this stamp is good today, for a key of that lifetime in days. */
bool bv_in_lifetime(unsigned stamp, long today, unsigned lifetime);

/* ---- tag.c: tag syntax, no key needed -------------------------------------- */

enum bv_syntax {
    BV_PREFIX = 0, /* prvs=KDDDSSSSSS=local@domain */
    BV_PLUS,       /* local+prvs=KDDDSSSSSS@domain */
    BV_MINUS       /* local-prvs=KDDDSSSSSS@domain */
};

enum bv_tag_kind {
    BV_TAG_NONE = 0, /* no tag */
    BV_TAG_PRVS,     /* a well-formed prvs tag */
    BV_TAG_BROKEN,   /* prvs syntax, but not a tag that can be checked */
    BV_TAG_FOREIGN   /* somebody else's: SRS0, SRS1, btv1=, msprvs1= */
};

struct bv_tag {
    enum bv_tag_kind kind;
    /* the rest with BV_TAG_PRVS only */
    enum bv_syntax syntax;
    unsigned key;   /* 0..9 */
    unsigned stamp; /* 0..999 */
    unsigned char mac[BV_MAC_OCTETS];
    struct bv_str local; /* the original local part, borrowed from the address */
};

/* Reads the tag of an address; fills *out always. */
void bv_tag_read(struct bv_tag *out, const struct bv_addr *a);

/* Whether an address may be tagged, and if not why: the first reason that holds. */
enum bv_tagging {
    BV_TAGGABLE = 0,
    BV_NO_MAILBOX,     /* null sender, or unreadable */
    BV_ALREADY_TAGGED, /* in prvs syntax, even broken */
    BV_ILL_FORMED,
    BV_FOREIGN_TAG,
    BV_NOT_ASCII,
    BV_LOCAL_TOO_LONG, /* over BV_LOCAL_TAGGABLE */
    BV_NEEDS_QUOTES,
    BV_NO_DOMAIN,
    BV_PATH_TOO_LONG, /* over BV_PATH_MAX when tagged */
    BV_TAGGING_FAULT  /* the MAC could not be computed (bv_sign() only) */
};
enum bv_tagging bv_taggable(const struct bv_addr *a);

/* ---- mac.c: HMAC, digest, wiping: the only file that knows OpenSSL ---------- */

enum bv_algorithm { BV_HMAC_SHA1 = 0, BV_HMAC_SHA256 };
const char *bv_algorithm_word(enum bv_algorithm a); /* "hmac-sha1", "hmac-sha256" */
/* Sets *out from its word; returns false, *out unchanged, for any other text. */
bool bv_algorithm_from_word(enum bv_algorithm *out, struct bv_str word);

/* A keyed HMAC computation, used again and again. All zero: none. */
struct bv_mac {
    struct evp_mac_ctx_st *ctx;
};

/* Keys a computation. Returns 0, or -1 when the library fails, *m then being none. */
int bv_mac_init(struct bv_mac *m, enum bv_algorithm algorithm, const unsigned char *secret, size_t n);
void bv_mac_free(struct bv_mac *m); /* wipes; none is legal */
/* The first BV_MAC_OCTETS of HMAC(key, text). Returns 0, or -1, out then zero. */
int bv_mac_compute(struct bv_mac *m, unsigned char out[BV_MAC_OCTETS], struct bv_str text);
/* Whether two MACs are equal, in constant time. */
bool bv_mac_same(const unsigned char a[BV_MAC_OCTETS], const unsigned char b[BV_MAC_OCTETS]);

/* SHA-256 of text. Returns 0, or -1 when the library fails, out then zero. */
int bv_sha256(unsigned char out[BV_DIGEST_OCTETS], struct bv_str text);
void bv_wipe(void *p, size_t n); /* overwrites a secret; not optimised away */

/* ---- sign.c, verify.c ------------------------------------------------------- */

/* One key, as far as signing and checking go. The MAC is borrowed, never freed. */
struct bv_key {
    unsigned number;   /* 0..9 */
    unsigned lifetime; /* days, BV_LIFETIME_MIN..BV_LIFETIME_MAX */
    bool honoured;     /* false: too long superseded, its tags are at best expired */
    struct bv_mac *mac;
};

/* The keys that a verdict is reached with; an entry whose mac is NULL is not there. */
struct bv_keys {
    struct bv_key by_number[BV_KEY_NUMBERS];
    struct bv_mac *decoy; /* computed with when a number is missing, so that it takes as long; NULL: nothing */
};

/*
 * Writes the tagged form of an address, without brackets, with a NUL, to
 * dst[BV_TAGGED]; the local part keeps its spelling.  The stamp is that of the
 * last day on which the tag is good, today + lifetime.  Returns BV_TAGGABLE
 * when signed; else the reason, dst then being empty.
 */
enum bv_tagging bv_sign(char dst[BV_TAGGED], const struct bv_addr *a, const struct bv_key *key,
                        enum bv_syntax syntax, long today);

enum bv_status {
    BV_VALID = 0,
    BV_EXPIRED,      /* ours, but old: the MAC fits */
    BV_FORGED,       /* the MAC does not fit the key named */
    BV_UNKNOWN_KEY,  /* no key has that number */
    BV_MALFORMED,    /* prvs syntax, no tag that can be checked */
    BV_UNTAGGED,     /* taggable, unreadable or ill-formed, and without a tag */
    BV_NOT_TAGGABLE, /* has no tag, and could have none */
    BV_FAULT         /* the MAC could not be computed */
};

struct bv_result {
    enum bv_status status;
    enum bv_tagging tagging; /* why, with BV_NOT_TAGGABLE */
    int key;                 /* the number that the tag names; -1: none */
    long expires;            /* last day of the tag, with BV_VALID and BV_EXPIRED; else 0 */
    struct bv_str local;     /* original local part, with a well-formed tag; borrowed from the address */
};

/*
 * Judges the tag of an address: MAC first, date second.  The folded address is
 * tried, then the address as received; both are computed whatever the first
 * says, and with the decoy when the number is unknown.  Fills *out always.
 */
void bv_verify(struct bv_result *out, const struct bv_addr *a, const struct bv_keys *keys, long today);

/* ---- status.c: the words of log lines, headers and tools -------------------- */

const char *bv_status_word(enum bv_status s);     /* "valid", "unknown-key", ... */
const char *bv_tagging_reason(enum bv_tagging t); /* "local part too long", ... */

#endif

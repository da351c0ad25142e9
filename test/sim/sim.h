/*
 * sim - a cluster under a virtual clock, on the real keys/ and bv/.
 *
 * The world knows what really happens: the true time, every key ever made,
 * every message and every edition of the ring.  Nodes know what a daemon
 * knows: their own clock and the copies that reached them.  The checks hold
 * the one against the other.  One thread; a world is made for each scenario.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "keys/edit.h"
#include "keys/keys.h"
#include "test/sim/check.h"
#include "test/sim/queue.h"
#include "test/sim/rng.h"
#include "test/sim/scenario.h"

enum { KEYS_EVER = 16384, NONE = -1 };

/* A key as it really is; found again by its secret. */
struct life {
    unsigned char secret[KEYS_SECRET_NEW];
    enum bv_algorithm algorithm;
    unsigned number, lifetime;
    int64_t until;   /* sign_from of the key after it, in the newest edition that has both */
    long last_day;   /* of the tags made in time, by sound clocks */
    int revoked;     /* the edition without it; NONE */
    bool displaced;  /* a new key has the number early, for want of a free one */
    bool forced;     /* removed while its tags were alive */
    bool unheralded; /* signed as soon as it was made: no copy can be in time */
};

/* What an edit has written. */
struct edition {
    int64_t generation;
    int64_t newest_created;
    char *text;
    size_t n;
    size_t count; /* keys, in any order */
    struct edition_key {
        int life;
        unsigned number, lifetime;
        int64_t sign_from;
    } key[KEYS_MAX];
    size_t purged_count;
    struct keys_tombstone purged[KEYS_MAX];
};

struct node {
    int64_t skew; /* seconds that the clock is ahead */
    bool faulty;  /* by more than the allowance */
    bool cut_off;
    int edition; /* in use; NONE: no ring yet */
    struct keys_ring ring;
    struct keys_macs macs;
    struct node_life {
        bool seen;     /* some copy that arrived had the key */
        int64_t ended; /* by the node's clock, when it was first seen to be over; 0: not yet */
    } life[KEYS_EVER];
};

struct message {
    char tagged[BV_LOCAL_TAGGABLE + BV_TAG_OCTETS + 24];
    int address;  /* which one was signed */
    int life;     /* of the key */
    int returns;  /* still to come; 0: the slot is free */
    long day;     /* on the signing node's clock */
    int64_t sent; /* true time */
    int64_t skew; /* of the signing node then */
    bool faulty;  /* was its clock */
};

struct world {
    const struct scenario *s;
    struct rng rng;
    struct queue queue;
    int64_t now, begin, end; /* true time */
    struct node node[NODES_MAX];

    struct edition *edition;
    int editions, editions_room;
    int newest; /* the edition that all nodes have in the end */
    struct life life[KEYS_EVER];
    int lives;

    int split_with;          /* the other edition of the newest generation; NONE: no split is open */
    unsigned split_heard[2]; /* bit n: node n was given the one, the other */
    unsigned split_noticed;  /* bit n: node n has refused one of them, and said why */

    struct message *message;
    int messages_room, free_message;
    long messages;          /* to send, spread over all the time */
    long bursts, burst_len; /* to send besides while a new key is under way: in all, and for each */

    struct tally {
        long sent, returned, excused, chance, rotations, refused, purges, revocations, splits, copies;
    } tally;
};

/* ---- world.c ------------------------------------------------------------------ */

/* Runs one scenario from its first event to its last. */
void world_run(const struct scenario *s, uint64_t seed, double years, long messages, bool progress, bool quiet);

void world_at(struct world *w, int64_t at, enum event_kind kind, int node, int what, int how);
int64_t world_clock(const struct world *w, int node); /* what the node takes the time for */
/* Notes whether something holds; describes the first failures. node may be NONE. */
void world_check(struct world *w, enum check c, int node, bool holds, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- model.c: what keys/ should come to, from an edition and a clock -------------- */

enum keys_phase model_phase(const struct edition *e, size_t i, int64_t clock);
int64_t model_until(const struct edition *e, size_t i);   /* KEYS_UNKNOWN: no key follows */
int64_t model_end(const struct edition *e, size_t i);     /* the last second in which it verifies */
int model_find(const struct edition *e, unsigned number); /* NONE: no key has it */
int model_find_life(const struct edition *e, int life);
int model_signing(const struct edition *e, int64_t clock);
bool model_number_free(const struct edition *e, unsigned number, int64_t clock);
enum bv_status model_verdict(const struct world *w, const struct message *m, const struct edition *e,
                             int64_t clock);

/* ---- edition.c ------------------------------------------------------------------ */

/* Writes a ring down as a new edition, and notes its keys. Returns its index. */
int edition_add(struct world *w, const struct keys_ring *ring);
/* Sends copies to all nodes. */
void edition_send(struct world *w, int edition, int author);

/* ---- node.c, look.c --------------------------------------------------------------------- */

void node_copy(struct world *w, int node, int edition, bool damaged); /* a copy arrives */
/* Holds the states of the node's keys against the model. Returns the key that signs, or NULL. */
const struct bv_key *node_keys(struct world *w, int node, struct bv_keys *out);
void node_set_clocks(struct world *w);

/* ---- edit.c: an edit from its beginning to its end ------------------------------------ */

struct edit {
    int node, base; /* the edition that it starts from; NONE: a new ring */
    int64_t clock;
    char by[16];
    struct keys_ring ring;
    int heir;       /* number of a key whose beginning may change; NONE */
    bool force;     /* tags of a key that goes may be alive */
    bool no_number; /* none was free, so the heir has that of the revoked key */
};
void edit_open(struct world *w, struct edit *edit, int node);
/* Writes the ring, checks it against what it was, sends it. Returns the new edition. */
int edit_close(struct world *w, struct edit *edit);
int edit_added(const struct world *w, const struct edit *edit, int edition); /* the only new key, or NONE */

/* ---- upkeep.c, trouble.c: what timers and administrators do ---------------------------- */

void edit_create(struct world *w, int node);
/* With `always`, however young the newest key is. Returns whether there is a new edition. */
bool edit_rotate(struct world *w, int node, bool always);
void edit_purge(struct world *w, int node);
void edit_emergency(struct world *w, int node); /* revokes, purges by force, or adds a key by hand */
void edit_resolve(struct world *w, int node);   /* mends a split */

/* ---- mail.c, bounce.c, judge.c ----------------------------------------------------------------- */

void mail_send(struct world *w);
void mail_burst(struct world *w, int64_t sign_from); /* much mail while a new key is under way */
void mail_rest(struct world *w);                     /* what bursts have left over, from now to the end */
void mail_return(struct world *w, int node, int message, int how);
void mail_leak(struct world *w, int node); /* somebody signs with the key of some other time */

enum { RETURN_PLAIN = 0, RETURN_LOWER, RETURN_UPPER, RETURN_MIXED, RETURN_ALTERED };
/* Whether a MAC that should not fit really does, by chance. */
bool judge_chance(struct world *w, int node, const struct bv_addr *to, const struct bv_result *got);
/* Holds what a node said of a message that came back against what it should have said. */
void judge(struct world *w, int node, const struct message *m, const struct bv_addr *to,
           const struct bv_result *got, bool altered);

#endif

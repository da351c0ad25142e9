/*
 * verdict - the words of decisions: what was decided, and how log lines,
 * headers and replies say it.  Pure.  A new verdict is a member of enum verdict,
 * its word and result in words.c, and the place in policy.c that reaches it.
 */
#ifndef MILTER_VERDICT_H
#define MILTER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "bv/bv.h"
#include "milter/net.h"

enum event {
    EVENT_NONE = 0, /* nothing to decide: no log line */
    EVENT_SIGN,     /* the sender of outbound mail */
    EVENT_BOUNCE,   /* a recipient of null-sender mail from outside */
    EVENT_STRIP,    /* a tagged recipient of other mail */
    EVENT_GUARD     /* a recipient that no mail can be returned for, or that takes none */
};

enum verdict {
    VERDICT_VALID = 0,
    VERDICT_SIGNED,
    VERDICT_UNTAGGED,
    VERDICT_FORGED,
    VERDICT_EXPIRED,
    VERDICT_UNKNOWN_KEY,
    VERDICT_MALFORMED,
    VERDICT_NOT_TAGGABLE,
    VERDICT_ALREADY_TAGGED,
    VERDICT_EXEMPT,   /* a row of the exceptions table says so */
    VERDICT_REPLY,    /* untagged, and of a type in reply_types */
    VERDICT_NO_MAIL,  /* a domain of ours that receives nothing */
    VERDICT_NULL_MX,  /* somebody else's that does not, RFC 7505 */
    VERDICT_BOGUS_MX, /* mail exchangers that nobody can reach, or that are the host itself */
    VERDICT_FAULT     /* no usable key, or a library failed: on_fault decides */
};

enum action {
    ACTION_ACCEPT = 0, /* let through, logged */
    ACTION_MARK,       /* let through with a header that says "fail" */
    ACTION_QUARANTINE, /* the MTA holds the message, header as with ACTION_MARK */
    ACTION_DISCARD,    /* the recipient is dropped without a word */
    ACTION_REJECT,
    ACTION_TEMPFAIL,
    ACTION_TOO_MANY,  /* over max_recipients: a temporary failure for this recipient */
    ACTION_DISCONNECT /* over max_bad_macs: a temporary failure that ends the session */
};

/* The header's result, best first. */
enum result { RESULT_PASS = 0, RESULT_NONE, RESULT_FAIL };

/* One decision, and all that is said about it. */
struct decision {
    enum event event;
    enum verdict verdict;
    enum action action;
    bool at_end;            /* to be acted on at end of message, not at RCPT */
    int key;                /* number of the key used or named; -1: none */
    enum bv_tagging reason; /* with VERDICT_NOT_TAGGABLE */
    long expires;           /* last day of the tag, with VERDICT_VALID and VERDICT_EXPIRED */
    int line;               /* of the domains table; 0: no row decided */
    int exception;          /* line of the exceptions table that decided; 0: none */
    bool never;             /* refused whatever its tag: its owner never sends */
    bool warming;           /* without warm-up, the action would be another than ACTION_MARK */
    bool by_type;           /* untagged: the type of the message may make it VERDICT_REPLY at its end */
    bool ours;              /* the recipient is in a domain of ours, or in none that can be read */
    bool percent;           /* it is ours as the mailbox that "user%host@relay" and its like hand on to */
    bool of_sender;   /* with VERDICT_NULL_MX and VERDICT_BOGUS_MX: the sender's domain, not the recipient's */
    const char *kind; /* with VERDICT_BOGUS_MX: "loopback", "private", ...; borrowed */
    bool sentence;    /* the kind is a reply as it stands */
    bool replace;     /* the sender or recipient is to be replaced by the address that came with this */
};

/* ---- words.c ---- */

const char *event_word(enum event e);
const char *verdict_word(enum verdict v);
const char *action_word(enum action a);
const char *result_word(enum result r);
/* Sets *out from its word; false, *out unchanged, for any other text; temporary failures are no words here. */
bool action_from_word(enum action *out, struct bv_str word);

/* What the header says of a verdict. */
enum result verdict_result(enum verdict v);

/* ---- verdict.c ---- */

/* Who is on the other end, as far as log lines name it. */
struct verdict_client {
    const char *name; /* host name as the MTA gave it, "" when there is none */
    struct net_addr addr;
};

enum { VERDICT_LINE = 1200, VERDICT_HEADER = 400, VERDICT_REPLY_TEXT = 300 };

/*
 * The log line, without a newline: words always in the same order, what a
 * stranger controls last; inside an address anything but printable ASCII, and
 * each of <>,"\() is written as \xHH.  Fits VERDICT_LINE; long addresses are cut.
 */
void verdict_line(char dst[VERDICT_LINE], const char *queue_id, const struct verdict_client *client,
                  const struct decision *d, struct bv_str from, struct bv_str rcpt);

/*
 * The header's value: "fail (forged) recipient=user@example.com", or the
 * configured template with %v, %r and %% filled in.  `recipient` empty: not
 * named.  Printable ASCII only; fits VERDICT_HEADER.
 */
void verdict_header(char dst[VERDICT_HEADER], const char *template, const struct decision *d,
                    struct bv_str recipient);

/*
 * The value of X-MX-Guard: "bogus-mx (loopback) domain=example.net"; parentheses
 * of the kind are printed as brackets.  Fits VERDICT_HEADER.
 */
void verdict_guard_header(char dst[VERDICT_HEADER], const struct decision *d, struct bv_str domain);

/* An SMTP reply. */
struct verdict_reply {
    const char *code;   /* three digits; "250": let through */
    const char *status; /* RFC 3463; "" with 250 */
    char text[VERDICT_REPLY_TEXT];
};

/* What a recipient or message is answered; '%' is not doubled. The text of a refused bounce is the configured one. */
void verdict_reply(struct verdict_reply *out, const char *reject_text, const struct decision *d);

#endif

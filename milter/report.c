#include "milter/report.h"

#include <string.h>

#include "milter/mime.h"
#include "milter/phrases.h"
#include "milter/plain.h"

/* Above those of phrases.h. */
enum {
    BOUNCE = PHRASES + 1,   /* a field says that it is one */
    CONFLICT = BOUNCE << 1, /* a decisive field is there twice, or says two things */
    HAS_FROM = BOUNCE << 2, /* these three have come */
    HAS_SUBJECT = BOUNCE << 3,
    HAS_TYPE = BOUNCE << 4,
    TYPE_MDN = BOUNCE << 5,
    TYPE_FEEDBACK = BOUNCE << 6,
    TYPE_NO_REPLY = BOUNCE << 7, /* another report, a message by itself, or unreadable */
    TYPE_CARRIER = BOUNCE << 8,  /* may bring an aggregate report */
    AUTO_REPLIED = BOUNCE << 9,
    AUTO_GENERATED = BOUNCE << 10,
    AUTO_NO = BOUNCE << 11,
    REPLY = BOUNCE << 12,    /* another field says that it is an automatic reply */
    SUPPRESS = BOUNCE << 13, /* X-Auto-Response-Suppress */
    RULE = BOUNCE << 14,     /* made by a mailbox rule of Exchange */
    JUNK = BOUNCE << 15,     /* not worth an answer */
    MACHINE = BOUNCE << 16,  /* the same, or made by a machine, but much else is too */
    ANSWER = BOUNCE << 17    /* names the message that it answers */
};

static const char *const words[REPORT_TYPES] = {"other", "mdn", "auto-reply", "feedback-report",
                                                "dmarc-report"};

const char *report_word(enum report_type type)
{
    return words[type];
}

bool report_from_word(enum report_type *out, struct bv_str word)
{
    for (int i = REPORT_OTHER + 1; i < REPORT_TYPES; i++)
        if (bv_str_same(word, bv_str(words[i]))) {
            *out = (enum report_type)i;
            return true;
        }
    return false;
}

static void once(struct report *r, unsigned has)
{
    if (r->seen & has)
        r->seen |= CONFLICT;
    r->seen |= has;
}

static void take_subject(struct report *r, const char *value)
{
    once(r, HAS_SUBJECT);
    r->seen |= phrases_subject(value);
}

static void take_from(struct report *r, const char *value)
{
    once(r, HAS_FROM);
    r->seen |= phrases_from(value);
}

/* What kind of content it is; delivery-status anywhere is a bounce. */
static unsigned content_bits(const struct mime_content *c)
{
    bool multipart = mime_word_is(&c->type, "multipart") && c->subtype.n > 0;
    bool message = mime_word_is(&c->type, "message");
    bool told = c->report_types == 1 && !c->broken;

    if (mime_word_is(&c->report_type, "delivery-status") ||
        (message && mime_word_is(&c->subtype, "delivery-status")))
        return BOUNCE;
    if ((multipart && told && mime_word_is(&c->report_type, "disposition-notification")) ||
        (message && mime_word_is(&c->subtype, "disposition-notification")))
        return TYPE_MDN;
    if ((multipart && told && mime_word_is(&c->report_type, "feedback-report")) ||
        (message && mime_word_is(&c->subtype, "feedback-report")))
        return TYPE_FEEDBACK;
    if (c->report_types > 0 || message || mime_word_is(&c->subtype, "report") ||
        mime_word_is(&c->subtype, "rfc822-headers"))
        return TYPE_NO_REPLY;
    if (mime_word_is(&c->type, "text"))
        return mime_word_is(&c->subtype, "xml") ? TYPE_CARRIER : 0;
    if (c->type.n == 0 || c->subtype.n == 0)
        return TYPE_NO_REPLY;
    return multipart || mime_word_is(&c->type, "application") ? TYPE_CARRIER : 0;
}

static void take_content_type(struct report *r, const char *value)
{
    struct mime_content content;

    once(r, HAS_TYPE);
    mime_content_read(&content, value);
    r->seen |= content_bits(&content);
}

/* What Sendmail and the rejecting Sieves add to the keyword. */
static bool is_of_bounce(const struct mime_word *comment)
{
    static const char *const comments[] = {"failure", "warning-timeout", "return-receipt",
                                           "postmaster-notification", "rejected"};

    for (size_t i = 0; i < sizeof comments / sizeof *comments; i++)
        if (mime_word_is(comment, comments[i]))
            return true;
    return false;
}

static void take_auto_submitted(struct report *r, const char *value)
{
    struct mime_word word, comment;

    mime_keyword_read(&word, &comment, value);
    if (is_of_bounce(&comment))
        r->seen |= BOUNCE;
    if (mime_word_is(&word, "no"))
        r->seen |= AUTO_NO;
    else if (mime_word_is(&word, "auto-replied"))
        r->seen |= AUTO_REPLIED;
    else if (word.n > 0)
        r->seen |= AUTO_GENERATED;
}

/* Fields that tell by what they hold: NULL is anything but a "no", "" really anything. */
static const struct {
    const char *name, *holds;
    unsigned bits;
} marks[] = {
    {"X-Failed-Recipients", "", BOUNCE},
    {"X-MS-Exchange-Message-Is-Ndr", "", BOUNCE},
    {"X-DSNContext", "", BOUNCE},
    {"X-MDDSN-Message", "", BOUNCE},
    {"Precedence", "auto_reply", REPLY},
    {"Precedence", "auto-reply", REPLY},
    {"Precedence", "autoreply", REPLY},
    {"Precedence", "junk", JUNK},
    {"Precedence", "bulk", MACHINE},
    {"X-Precedence", "auto_reply", REPLY},
    {"Preference", "auto_reply", REPLY},
    {"X-Autoreply", NULL, REPLY},
    {"X-Auto-Reply", NULL, REPLY},
    {"X-AutoReply-From", NULL, REPLY},
    {"X-Mail-Autoreply", NULL, REPLY},
    {"X-Autorespond", NULL, REPLY},
    {"X-Auto-Respond", NULL, REPLY},
    {"X-Autoresponder", NULL, REPLY},
    {"X-Autoresponse", NULL, REPLY},
    {"X-Amazon-Auto-Reply", NULL, REPLY},
    {"X-Zarafa-Vacation", NULL, REPLY},
    {"X-Kopano-Vacation", NULL, REPLY},
    {"Delivered-By-The-Graces-Of", "vacation", REPLY},
    {"X-Delivered-By-The-Graces-Of", "vacation", REPLY},
    {"X-Autogenerated", "reply", REPLY},
    {"X-POST-MessageClass", "autoresponder", REPLY},
    {"Delivered-To", "autoresponder", REPLY},
    {"X-Loop", "vacation", REPLY},
    {"X-Mailer", "vacation", REPLY},
    {"X-Mailer", "autorespon", REPLY},
    {"X-Auto-Response-Suppress", NULL, SUPPRESS},
    {"X-MS-Exchange-Inbox-Rules-Loop", "", RULE},
    {"X-MS-Exchange-Generated-Message-Source", "mailbox rules agent", RULE},
    {"X-FC-MachineGenerated", "true", MACHINE},
    {"In-Reply-To", NULL, ANSWER},
    {"References", NULL, ANSWER},
    {"X-Original-Id", NULL, ANSWER}, /* IONOS */
};

static bool means_no(const char *text)
{
    return *text == '\0' || strcmp(text, "no") == 0 || strcmp(text, "none") == 0 ||
           strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static void take_mark(struct report *r, struct bv_str name, const char *value)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (bv_lower(*marks[i].name) != bv_lower(*name.p) || !bv_str_same_nocase(name, bv_str(marks[i].name)))
            continue;
        char text[128];
        size_t n = plain_text(text, sizeof text, value);
        const char *holds = marks[i].holds;
        if (holds == NULL ? !means_no(text) : memmem(text, n, holds, strlen(holds)) != NULL)
            r->seen |= marks[i].bits;
    }
}

static const struct {
    const char *name;
    void (*take)(struct report *r, const char *value);
} fields[] = {
    {"Content-Type", take_content_type},
    {"Auto-Submitted", take_auto_submitted},
    {"From", take_from},
    {"Subject", take_subject},
};

void report_header(struct report *r, const char *name, const char *value)
{
    struct bv_str n = {name, strcspn(name, " \t\r\n")}; /* obsolete syntax has blanks before the colon */

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (bv_str_same_nocase(n, bv_str(fields[i].name))) {
            fields[i].take(r, value);
            return;
        }
    take_mark(r, n, value);
}

static bool is_automatic(unsigned s)
{
    if (s & AUTO_NO)
        return false;
    if (s & (AUTO_REPLIED | REPLY | SUBJECT_AWAY))
        return true;
    if ((s & SUPPRESS) && (s & RULE))
        return true;
    if ((s & (AUTO_GENERATED | SUPPRESS | JUNK)) && (s & (ANSWER | SUBJECT_RE)))
        return true;
    return (s & MACHINE) && (s & ANSWER);
}

enum report_type report_type(const struct report *r)
{
    unsigned s = r->seen, autos = s & (AUTO_REPLIED | AUTO_GENERATED | AUTO_NO);

    if ((s & (BOUNCE | CONFLICT)) || (autos & (autos - 1)))
        return REPORT_OTHER;
    if ((s & SUBJECT_DMARC) && (s & TYPE_CARRIER) && !(s & (SUBJECT_BOUNCE | TYPE_NO_REPLY | TYPE_FEEDBACK)))
        return REPORT_DMARC; /* some gateways send them as mailer-daemon */
    if (s & FROM_DAEMON)
        return REPORT_OTHER;
    if (s & TYPE_FEEDBACK) /* its subject may be that of the message it complains of */
        return (s & SUBJECT_BOUNCE) && (s & FROM_POSTMASTER) ? REPORT_OTHER : REPORT_FEEDBACK;
    if (s & TYPE_MDN)
        return (s & SUBJECT_BOUNCE) && (s & FROM_POSTMASTER) ? REPORT_OTHER : REPORT_MDN;
    if (s & TYPE_NO_REPLY)
        return REPORT_OTHER;
    /* A person's subject may sound like that of a bounce; what answers it says so in other ways as well. */
    if ((s & SUBJECT_BOUNCE) && !((s & (AUTO_REPLIED | REPLY)) && (s & ANSWER)))
        return REPORT_OTHER;
    if ((s & FROM_POSTMASTER) && !(s & SUBJECT_AWAY))
        return REPORT_OTHER;
    return is_automatic(s) ? REPORT_AUTO_REPLY : REPORT_OTHER;
}

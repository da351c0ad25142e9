#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "milter/report.h"

enum { HEADER_MAX = 1 << 16, FIELDS_MAX = 200 };

/* A header in pieces: name, value, name, value. */
struct header {
    char text[HEADER_MAX];
    char *name[FIELDS_MAX], *value[FIELDS_MAX];
    size_t n;
};

/* Cuts "Name: value\n" lines up, folds kept; ends at an empty line. */
static void cut(struct header *h, const char *text)
{
    size_t n = strlen(text);

    assert_true(n < sizeof h->text);
    memcpy(h->text, text, n + 1);
    h->n = 0;
    for (char *p = h->text, *next; *p != '\0' && *p != '\n'; p = next) {
        next = p;
        do {
            next += strcspn(next, "\n");
            next += *next != '\0';
        } while (*next == ' ' || *next == '\t');
        if (next[-1] == '\n')
            next[-1] = '\0';
        char *colon = strchr(p, ':');
        assert_non_null(colon);
        assert_true(h->n < FIELDS_MAX);
        *colon = '\0';
        h->name[h->n] = p;
        h->value[h->n++] = colon + 1 + strspn(colon + 1, " ");
    }
}

static enum report_type type_of(const char *text)
{
    static struct header h;
    struct report r = {0};

    cut(&h, text);
    for (size_t i = 0; i < h.n; i++)
        report_header(&r, h.name[i], h.value[i]);
    return report_type(&r);
}

#define OTHER    REPORT_OTHER
#define MDN      REPORT_MDN
#define REPLY    REPORT_AUTO_REPLY
#define FEEDBACK REPORT_FEEDBACK
#define DMARC    REPORT_DMARC

struct row {
    const char *name, *header;
    enum report_type want;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum report_type got = type_of(rows[i].header);
        if (got != rows[i].want)
            fail_msg("%s: %s, expected %s", rows[i].name, report_word(got), report_word(rows[i].want));
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

/* Content-Type alone. */
#define CT   "Content-Type: "
#define MR   CT "multipart/report; "
#define DN   "disposition-notification"
#define DS   "delivery-status"
#define FR   "feedback-report"
#define AUTO "Auto-Submitted: auto-replied\n"

static const struct row content_rows[] = {
    {"no header", "", OTHER},
    {"read receipt", MR "report-type=" DN "; boundary=b\n", MDN},
    {"feedback report", MR "report-type=" FR "; boundary=b\n", FEEDBACK},
    {"delivery status", MR "report-type=" DS "; boundary=b\n", OTHER},
    {"parameters the other way round", MR "boundary=b; report-type=" DN "\n", MDN},
    {"quoted value", MR "report-type=\"" DN "\"\n", MDN},
    {"quoted pairs", MR "report-type=\"dispo\\sition\\-notification\"\n", MDN},
    {"quoted value, feedback", MR "report-type=\"feedback-repor\\t\"\n", FEEDBACK},
    {"capitals", "CONTENT-TYPE: MULTIPART/REPORT; REPORT-TYPE=DISPOSITION-NOTIFICATION\n", MDN},
    {"mixed case", "content-type: Multipart/Report; Report-Type=Disposition-Notification\n", MDN},
    {"no blanks", CT "multipart/report;report-type=" DN "\n", MDN},
    {"blanks everywhere", CT " \t multipart / report ; report-type = " DN " ; boundary = b \n", MDN},
    {"folds everywhere", CT "\n multipart\n /\n\treport\n ;\n report-type\n =\n " DN "\n ;\n boundary=b\n",
     MDN},
    {"CR LF folds", CT "multipart/report;\r\n\treport-type=" DN ";\r\n boundary=b\r\n", MDN},
    {"fold inside a quoted value", MR "boundary=\"a\n b\"; report-type=" DN "\n", MDN},
    {"comments everywhere", CT "(a)multipart(b)/(c)report(d);(e)report-type(f)=(g)" DN "(h);(i)boundary=b(j)\n",
     MDN},
    {"nested comment", MR "(a (b (c)) \\) d) report-type=" DN "\n", MDN},
    {"comment that holds a parameter", MR "(report-type=" DS ";) report-type=" DN "\n", MDN},
    {"quoted text that holds a parameter", MR "boundary=\"; report-type=" DS "\"; report-type=" DN "\n", MDN},
    {"quoted quotation mark", MR "boundary=\"\\\"; report-type=" DS "; x=\\\"\"; report-type=" DN "\n", MDN},
    {"semicolon behind", MR "report-type=" DN ";\n", MDN},
    {"two semicolons", MR "; report-type=" DN " ;; boundary=b\n", MDN},
    {"bare boundary with specials", MR "boundary=----=_Part/1?2:3; report-type=" DN "\n", MDN},
    {"blank before the colon", "Content-Type : multipart/report; report-type=" DN "\n", MDN},
    {"name of another field", "X-Content-Type: multipart/report; report-type=" DN "\n", OTHER},
    {"longer parameter name", MR "x-report-type=" DN "\n", OTHER},
    {"parameter name that begins so", MR "report-types=" DN "\n", OTHER},
    {"two parameters that begin so", MR "report-type=" DN "; report-types=x; report-typ=y\n", MDN},
    {"a parameter without a value", MR "x; report-type=" DN "\n" AUTO, OTHER},
    {"longer value", MR "report-type=" DN "s\n", OTHER},
    {"shorter value", MR "report-type=disposition\n", OTHER},
    {"multipart/mixed that a gateway made", CT "multipart/mixed; report-type=" DN "\n", MDN},
    {"text with report-type", CT "text/plain; report-type=" DN "\n" AUTO, OTHER},
    {"notification alone", CT "message/" DN "\n", MDN},
    {"feedback alone", CT "message/" FR "\n", FEEDBACK},

    {"no report-type", MR "boundary=b\n" AUTO, OTHER},
    {"no parameters", CT "multipart/report\n" AUTO, OTHER},
    {"no value", MR "report-type=; boundary=b\n" AUTO, OTHER},
    {"empty quoted value", MR "report-type=\"\"; boundary=b\n" AUTO, OTHER},
    {"unknown value", MR "report-type=tlsrpt\n" AUTO, OTHER},
    {"value over any length that is read", MR "report-type=" DN DN DN DN DN "\n" AUTO, OTHER},
    {"no equals sign", MR "report-type " DN "\n" AUTO, OTHER},
    {"no equals sign, nothing behind", MR "report-type\n" AUTO, OTHER},
    {"no semicolon between", MR "report-type=" DN " boundary=b\n" AUTO, OTHER},
    {"no semicolon behind the type", CT "multipart/report report-type=" DN "\n" AUTO, OTHER},
    {"comma for a semicolon", CT "multipart/report, report-type=" DN "\n" AUTO, OTHER},
    {"open quotation mark", MR "report-type=\"" DN "\n" AUTO, OTHER},
    {"open quotation mark of another parameter", MR "report-type=" DN "; boundary=\"b\n" AUTO, OTHER},
    {"open quotation mark, quoted pair at the end", MR "report-type=\"" DN "\\\n" AUTO, OTHER},
    {"open comment", MR "report-type=" DN " (\n" AUTO, OTHER},
    {"open comment, quoted pair at the end", MR "report-type=" DN " (\\\n" AUTO, OTHER},
    {"quotation mark inside a token", MR "report-type=" DN "\"\"\n" AUTO, OTHER},
    {"single quotes", MR "report-type='" DN "'\n" AUTO, OTHER},
    {"quoted-printable left in", MR "report-type=3D" DN "\n" AUTO, OTHER},
    {"encoded-word", MR "report-type==?us-ascii?q?" DN "?=\n" AUTO, OTHER},
    {"8-bit octets in the value", MR "report-type=" DN "\xa0\n" AUTO, OTHER},
    {"two values, different", MR "report-type=" DN "; report-type=" DS "\n" AUTO, OTHER},
    {"two values, the other order", MR "report-type=" DS "; report-type=" DN "\n" AUTO, OTHER},
    {"two values, the same", MR "report-type=" DN "; report-type=" DN "\n" AUTO, OTHER},
    {"two values, no semicolon between", MR "report-type=" DN " report-type=" DN "\n" AUTO, OTHER},
    {"delivery-status on multipart/mixed", CT "multipart/mixed; report-type=" DS "\n" AUTO, OTHER},
    {"delivery-status on text", CT "text/plain; report-type=" DS "\n" AUTO, OTHER},
    {"message/delivery-status", CT "message/" DS "\n" AUTO, OTHER},
    {"message/rfc822", CT "message/rfc822\n" AUTO, OTHER},
    {"text/rfc822-headers", CT "text/rfc822-headers\n" AUTO, OTHER},
    {"no type", CT "\n" AUTO, OTHER},
    {"parameter only", CT "; report-type=" DN "\n" AUTO, OTHER},
    {"no subtype", CT "multipart; report-type=" DN "\n" AUTO, OTHER},
    {"no subtype, no parameter", CT "multipart\n" AUTO, OTHER},
    {"type as a comment", CT "(text/plain)\n" AUTO, OTHER},

    {"RFC 2231, extended", MR "report-type*=us-ascii''" DN "\n", MDN},
    {"RFC 2231, language", MR "report-type*=utf-8'en'" DN "\n", MDN},
    {"RFC 2231, octets in hex", MR "report-type*=''%64isposition%2Dnotificatio%6E\n", MDN},
    {"RFC 2231, continued", MR "report-type*0=disposition-; report-type*1=notification\n", MDN},
    {"RFC 2231, continued, quoted",
     MR "report-type*0=\"disposition\"; boundary=b; report-type*1=\"-notification\"\n", MDN},
    {"RFC 2231, continued and extended",
     MR "report-type*0*=us-ascii'en'dis; report-type*1=position-; report-type*2*=%6eotification\n", MDN},
    {"RFC 2231, feedback", MR "report-type*0=feedback; report-type*1=-report\n", FEEDBACK},
    {"RFC 2231, a bounce", MR "report-type*0=delivery-; report-type*1=status\n" AUTO, OTHER},
    {"RFC 2231, a bounce, extended", MR "report-type*=us-ascii''delivery%2Dstatus\n" AUTO, OTHER},
    {"RFC 2231, charset missing", MR "report-type*=" DN "\n" AUTO, OTHER},
    {"RFC 2231, language missing", MR "report-type*=us-ascii'" DN "\n" AUTO, OTHER},
    {"RFC 2231, extended but quoted", MR "report-type*=\"us-ascii''" DN "\"\n" AUTO, OTHER},
    {"RFC 2231, bad hex", MR "report-type*=''%6gisposition-notification\n" AUTO, OTHER},
    {"RFC 2231, bad second digit", MR "report-type*=''disp%7gsition-notification\n" AUTO, OTHER},
    {"RFC 2231, cut hex", MR "report-type*=''" DN "%6\n" AUTO, OTHER},
    {"RFC 2231, a NUL in hex", MR "report-type*=''" DN "%00\n" AUTO, OTHER},
    {"RFC 2231, the second piece missing", MR "report-type*0=disposition-; report-type*2=notification\n" AUTO,
     OTHER},
    {"RFC 2231, the first piece missing", MR "report-type*1=" DN "\n" AUTO, OTHER},
    {"RFC 2231, out of order", MR "report-type*1=notification; report-type*0=disposition-\n" AUTO, OTHER},
    {"RFC 2231, a piece twice", MR "report-type*0=" DN "; report-type*1=; report-type*1=\n" AUTO, OTHER},
    {"RFC 2231, two first pieces", MR "report-type*0=" DN "; report-type*0=\n" AUTO, OTHER},
    {"RFC 2231, numbered with a zero in front", MR "report-type*00=" DN "\n" AUTO, OTHER},
    {"RFC 2231, no number", MR "report-type**=''" DN "\n" AUTO, OTHER},
    {"RFC 2231, plain as well", MR "report-type=" DN "; report-type*=''" DN "\n" AUTO, OTHER},
    {"RFC 2231, plain and continued", MR "report-type=" DN "; report-type*0=" DN "\n" AUTO, OTHER},
    {"RFC 2231, plain and its other half", MR "report-type=disposition-; report-type*1=notification\n" AUTO,
     OTHER},
    {"RFC 2231, plain and a piece", MR "report-type=" DN "; report-type*1=s\n" AUTO, OTHER},
};

static void test_content(void **state)
{
    (void)state;
    CHECK(content_rows);
}

#define BOB   "From: Bob <bob@remote.example>\n"
#define POST  "From: Postmaster <postmaster@remote.example>\n"
#define PLAIN CT "text/plain\n"

static const struct row reply_rows[] = {
    {"auto-replied", AUTO, REPLY},
    {"auto-replied, in text", BOB PLAIN AUTO, REPLY},
    {"capitals", "AUTO-SUBMITTED: AUTO-REPLIED\n", REPLY},
    {"parameters", "Auto-Submitted: auto-replied; owner-email=\"x@y.example\"\n", REPLY},
    {"comment behind", "Auto-Submitted: auto-replied (vacation)\n", REPLY},
    {"comment with a semicolon", "Auto-Submitted: auto-replied (zimbra; vacation)\n", REPLY},
    {"comment in front, fold", "Auto-Submitted: (x)\n auto-replied\n", REPLY},
    {"comment against the word", "Auto-Submitted: auto-replied(x)\n", REPLY},
    {"longer word", "Auto-Submitted: auto-replieds\n", OTHER},
    {"auto-generated", "Auto-Submitted: auto-generated\n", OTHER},
    {"auto-notified", "Auto-Submitted: auto-notified\n", OTHER},
    {"no", "Auto-Submitted: no\n", OTHER},
    {"empty", "Auto-Submitted:\n", OTHER},
    {"in a comment only", "Auto-Submitted: (auto-replied)\n", OTHER},
    {"a value of two words", "Auto-Submitted: no auto-replied\n", OTHER},
    {"auto-generated, answers", BOB "Auto-Submitted: auto-generated\nIn-Reply-To: <a@b.example>\n", REPLY},
    {"auto-generated, references", BOB "Auto-Submitted: auto-generated\nReferences: <a@b.example>\n", REPLY},
    {"auto-generated, Re:", BOB "Auto-Submitted: auto-generated\nSubject: Re: x\n", REPLY},
    {"auto-generated, Automatic reply:", BOB "Auto-Submitted: auto-generated\nSubject: Automatic reply: x\n",
     REPLY},
    {"auto-generated, another subject", BOB "Auto-Submitted: auto-generated\nSubject: Report: x\n", OTHER},
    {"auto-generated, In-Reply-To empty", BOB "Auto-Submitted: auto-generated\nIn-Reply-To: \n", OTHER},
    {"answers, nothing else", BOB "Subject: Re: x\nIn-Reply-To: <a@b.example>\n", OTHER},
    {"Exchange, all", BOB "X-MS-Exchange-Inbox-Rules-Loop: b\nX-Auto-Response-Suppress: All\n", REPLY},
    {"Exchange, redirected", BOB "X-MS-Exchange-Inbox-Rules-Loop: b\nAuto-Submitted: auto-generated\n", OTHER},
    {"Exchange, loop alone", BOB "X-MS-Exchange-Inbox-Rules-Loop: b\n", OTHER},
    {"Exchange, suppress alone", BOB "X-Auto-Response-Suppress: All\n", OTHER},
    {"Exchange, suppress none", BOB "X-MS-Exchange-Inbox-Rules-Loop: b\nX-Auto-Response-Suppress: None\n",
     OTHER},
    {"Exchange, suppress and answer", BOB "X-Auto-Response-Suppress: DR\nIn-Reply-To: <a@b.example>\n", REPLY},
    {"Exchange, the agent's name",
     BOB "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\nX-Auto-Response-Suppress: All\n", REPLY},
    {"Exchange, the agent of journals",
     BOB "X-MS-Exchange-Generated-Message-Source: Journal Agent\nX-Auto-Response-Suppress: All\n", OTHER},
    {"X-Autoreply", BOB "X-Autoreply: yes\n", REPLY},
    {"X-Autoreply, no", BOB "X-Autoreply: no\n", OTHER},
    {"X-Autoreply, no with blanks", BOB "X-Autoreply: no \t\n", OTHER},
    {"X-Autoreply, empty", BOB "X-Autoreply:\n", OTHER},
    {"X-Autoreply, FALSE", BOB "X-Autoreply: FALSE\n", OTHER},
    {"X-Autorespond", BOB "X-Autorespond: minutes\n", REPLY},
    {"Precedence: auto_reply", BOB "Precedence: auto_reply\n", REPLY},
    {"Precedence: AUTO_REPLY", BOB "Precedence:  AUTO_REPLY \n", REPLY},
    {"X-Precedence: auto_reply", BOB "X-Precedence: auto_reply\n", REPLY},
    {"Preference: auto_reply", BOB "Preference: auto_reply\n", REPLY},
    {"Precedence: bulk", BOB "Precedence: bulk\n", OTHER},
    {"Precedence: bulk, answers", BOB "Precedence: bulk\nIn-Reply-To: <a@b.example>\n", REPLY},
    {"Precedence: bulk, only Re:", BOB "Precedence: bulk\nSubject: Re: x\n", OTHER},
    {"Precedence: junk, only Re:", BOB "Precedence: junk\nSubject: Re: x\n", REPLY},
    {"Precedence: list, answers", BOB "Precedence: list\nIn-Reply-To: <a@b.example>\n", OTHER},
    {"X-Autogenerated: Reply", BOB "X-Autogenerated: Reply\n", REPLY},
    {"X-Autogenerated: Mirror", BOB "X-Autogenerated: Mirror\n", OTHER},
    {"out of office by subject", BOB "Subject: Out of Office AutoReply: x\n", REPLY},
    {"out of office by subject, capitals", BOB "SUBJECT: OUT OF OFFICE\n", REPLY},
    {"out of office by subject, folded", BOB "Subject: Out\n of\n Office\n", REPLY},
    {"out of office by subject, encoded", BOB "Subject: =?utf-8?B?T3V0IG9mIE9mZmljZTogeA==?=\n", REPLY},
    {"out of office by subject, in pieces",
     BOB "Subject: =?utf-8?Q?Out_of?= =?us-ascii*en?q?=20Offi?=\n =?utf-8?b?Y2U=?=\n", REPLY},
    {"out of office by subject, Latin-1", BOB "Subject: =?iso-8859-1?q?R=E9ponse_automatique=A0: x?=\n", OTHER},
    {"out of office by subject, Latin-1, well encoded",
     BOB "Subject: =?iso-8859-1?q?R=E9ponse_automatique=A0:_x?=\n", REPLY},
    {"out of office by subject, Latin-1 with a language",
     BOB "Subject: =?ISO-8859-1*fr?Q?R=E9ponse_automatique?=\n", REPLY},
    {"out of office by subject, no-break spaces", BOB "Subject: =?utf-8?q?Out=c2=a0of=e2=80=afOffice?=\n",
     REPLY},
    {"out of office by subject, somebody is", BOB "Subject: Bob is out of the office\n", REPLY},
    {"out of office in the middle", BOB "Subject: our out of office policy\n", OTHER},
    {"out of office in an answer of a person", BOB "Subject: Re: Out of office\n", OTHER},
    {"out of office behind a tag", BOB "Subject: [EXTERNAL] {x} Automatic reply: x\n", REPLY},
    {"out of office behind two marks with stars", BOB "Subject: [EXT] ***SPAM*** Automatic reply: x\n", REPLY},
    {"out of office behind many marks", BOB "Subject: [a] [b] {c} *d* [e] [f] Automatic reply: x\n", REPLY},
    {"out of office behind a word", BOB "Subject: EXTERNAL: Automatic reply: x\n", REPLY},
    {"out of office behind a word in parentheses", BOB "Subject: (External) [x] Automatic reply: x\n", REPLY},
    {"out of office as a tag", BOB "Subject: [Auto-Reply] x\n", REPLY},
    {"out of office, Ukrainian",
     BOB "Subject: =?utf-8?b?0JDQstGC0L7QvNCw0YLQuNGH0L3QsCDQstGW0LTQv9C+0LLRltC00Yw6IHg=?=\n", REPLY},
    {"out of office, Russian, short", BOB "Subject: =?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGCOiB4?=\n", REPLY},
    {"out of office, Romanian", BOB "Subject: =?utf-8?b?UsSDc3B1bnMgYXV0b21hdDogeA==?=\n", REPLY},
    {"out of office, Bulgarian",
     BOB "Subject: =?utf-8?b?0JDQstGC0L7QvNCw0YLQuNGH0LXQvSDQvtGC0LPQvtCy0L7RgDogeA==?=\n", REPLY},
    {"out of office, Croatian", BOB "Subject: =?utf-8?b?QXV0b21hdHNraSBvZGdvdm9yOiB4?=\n", REPLY},
    {"out of office, Slovenian", BOB "Subject: =?utf-8?b?U2Ftb2Rlam5pIG9kZ292b3I6IHg=?=\n", REPLY},
    {"out of office, Lithuanian", BOB "Subject: =?utf-8?b?QXV0b21hdGluaXMgYXRzYWt5bWFzOiB4?=\n", REPLY},
    {"out of office, Latvian", BOB "Subject: =?utf-8?b?QXV0b23EgXRpc2thIGF0YmlsZGU6IHg=?=\n", REPLY},
    {"out of office, Estonian", BOB "Subject: =?utf-8?b?QXV0b21hYXR2YXN0dXM6IHg=?=\n", REPLY},
    {"out of office, Hebrew", BOB "Subject: =?utf-8?b?16rXqdeV15HXlCDXkNeV15jXldee15jXmdeqOiB4?=\n", REPLY},
    {"out of office, Arabic", BOB "Subject: =?utf-8?b?2LHYryDYqtmE2YLYp9im2Yo6IHg=?=\n", REPLY},
    {"out of office, Thai",
     BOB "Subject: =?utf-8?b?4LiV4Lit4Lia4LiB4Lil4Lix4Lia4Lit4Lix4LiV4LmC4LiZ4Lih4Lix4LiV4Li0OiB4?=\n", REPLY},
    {"out of office, Vietnamese", BOB "Subject: =?utf-8?b?VHLhuqMgbOG7nWkgVOG7sSDEkeG7mW5nOiB4?=\n", REPLY},
    {"out of office, Indonesian", BOB "Subject: =?utf-8?b?QmFsYXNhbiBvdG9tYXRpczogeA==?=\n", REPLY},
    {"out of office, Catalan", BOB "Subject: =?utf-8?b?UmVzcG9zdGEgYXV0b23DoHRpY2E6IHg=?=\n", REPLY},
    {"out of office, Basque", BOB "Subject: =?utf-8?b?RXJhbnR6dW4gYXV0b21hdGlrb2E6IHg=?=\n", REPLY},
    {"out of office, Korean, in one word", BOB "Subject: =?utf-8?b?W+yekOuPmeydkeuLtV0geA==?=\n", REPLY},
    {"out of office, Yahoo", BOB "Subject: =?utf-8?b?WWFob28hIEF1dG8gUmVzcG9uc2U=?=\n", REPLY},
    {"out of office, OOO", BOB "Subject: =?utf-8?b?T09POiB4?=\n", REPLY},
    {"out of office, but by hand", BOB "Subject: Out of office\nAuto-Submitted: no\n", OTHER},
    {"auto-replied, but X says no", BOB "X-Autoreply: no\n" AUTO, REPLY},
    {"X-Autoreply, but Auto-Submitted says no", BOB "X-Autoreply: yes\nAuto-Submitted: no\n", OTHER},
    {"type without a subtype", CT "text\n" AUTO, REPLY},
    {"any other type", CT "multipart/alternative; boundary=b\n" AUTO, REPLY},
    {"a broken parameter of a plain type", CT "text/plain; charset=\"utf-8\n" AUTO, REPLY},
    {"a broken parameter of a multipart", CT "multipart/mixed boundary=b\n" AUTO, REPLY},
    {"twice the same keyword", AUTO AUTO, REPLY},
    {"a signature", CT "multipart/signed; protocol=\"application/pgp-signature\"\n" AUTO, REPLY},
};

static void test_reply(void **state)
{
    (void)state;
    CHECK(reply_rows);
}

#define FROM     "From: "
#define TO_REPLY AUTO "X-Autoreply: yes\n"

static const struct row bounce_rows[] = {
    {"mailer-daemon", FROM "<mailer-daemon@remote.example>\n" TO_REPLY, OTHER},
    {"MAILER-DAEMON", FROM "MAILER-DAEMON@remote.example\n" TO_REPLY, OTHER},
    {"mailer-daemon, no domain", FROM "MAILER-DAEMON (Mail Delivery System)\n" TO_REPLY, OTHER},
    {"mailer-daemon, quoted", FROM "\"mailer-daemon\"@remote.example\n" TO_REPLY, OTHER},
    {"mailer-daemon, more behind it", FROM "mailer-daemon-1@remote.example\n" TO_REPLY, OTHER},
    {"mailer-daemon, in the name", FROM "\"Mailer-Daemon\" <noreply@remote.example>\n" TO_REPLY, OTHER},
    {"mailer-daemon, encoded", FROM "=?utf-8?b?TWFpbGVyLURhZW1vbg==?= <x@remote.example>\n" TO_REPLY, OTHER},
    {"mailer-daemon, folded", FROM "Mail\n Delivery\n System\n <x@remote.example>\n" TO_REPLY, OTHER},
    {"mailer-daemon, second of two", FROM "a@b.example, mailer-daemon@b.example\n" TO_REPLY, OTHER},
    {"mailer-daemon behind a source route", FROM "<@b.example:mailer-daemon@c.example>\n" TO_REPLY, OTHER},
    {"mailer-daemon is a domain", FROM "bob@mailer-daemon.example\n" TO_REPLY, REPLY},
    {"mailer-daemon is a subdomain", FROM "bob@x.mailer-daemon.example\n" TO_REPLY, REPLY},
    {"mailer-daemon, quoted pair", FROM "\"mailer\\-daemon\"@remote.example\n" TO_REPLY, OTHER},
    {"MMDF, quoted", FROM "\"mmdf\"@remote.example\n" TO_REPLY, OTHER},
    {"mailer-daemon inside a word", FROM "bobmailer-daemon@remote.example\n" TO_REPLY, REPLY},
    {"Mail Delivery Subsystem", FROM "Mail Delivery Subsystem <x@remote.example>\n" TO_REPLY, OTHER},
    {"MDaemon", FROM "MDaemon@remote.example\n" TO_REPLY, OTHER},
    {"MMDF", FROM "mmdf@remote.example\n" TO_REPLY, OTHER},
    {"Exchange's own mailbox", FROM "<MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@b.example>\n" TO_REPLY,
     OTHER},
    {"a long name",
     FROM "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
          "<bob@remote.example>\n" TO_REPLY,
     REPLY},
    {"postmaster", POST TO_REPLY, OTHER},
    {"postmaster, out of office", POST TO_REPLY "Subject: Automatic reply: x\n", REPLY},
    {"postmaster, out of office by subject only", POST "Subject: Automatic reply: x\n", REPLY},
    {"postmaster, Re:", POST TO_REPLY "Subject: Re: x\n", OTHER},
    {"postmaster, bounce", POST TO_REPLY "Subject: Undeliverable: x\n", OTHER},
    {"from no address, a name", FROM "Mail System\n" TO_REPLY, OTHER},
    {"from no address, nothing", FROM "\n" TO_REPLY, OTHER},
    {"from no address, an empty one with a name", FROM "Mail System <>\n" TO_REPLY, OTHER},
    {"from no address, out of office", FROM "Jane Roe\n" TO_REPLY "Subject: Automatic reply: x\n", REPLY},
    {"postmaster is a domain", FROM "bob@postmaster.example\n" TO_REPLY, REPLY},
    {"no address", FROM "Jetmail System <>\n" TO_REPLY, OTHER},
    {"subject of a bounce, a person", BOB TO_REPLY "Subject: Undelivered Mail Returned to Sender\n", OTHER},
    {"subject of a bounce, encoded", BOB TO_REPLY "Subject: =?utf-8?q?Undeliverable:_x?=\n", OTHER},
    {"subject of a bounce, folded", BOB TO_REPLY "Subject: Undelivered\n Mail\n", OTHER},
    {"subject of a bounce behind a tag", BOB TO_REPLY "Subject: [SPAM] failure notice\n", OTHER},
    {"subject of a bounce behind two marks with stars",
     BOB TO_REPLY "Subject: [EXT] ***SPAM*** Undeliverable: x\n", OTHER},
    {"subject of a bounce behind many marks",
     BOB TO_REPLY "Subject: [a] [b] {c} *d* [e] [f] Undeliverable: x\n", OTHER},
    {"subject of a bounce behind a word", BOB TO_REPLY "Subject: External: Undeliverable: x\n", OTHER},
    {"Mail Delivery Service", FROM "\"Mail Delivery Service\" <x@remote.example>\n" TO_REPLY, OTHER},
    {"a company that delivers mail", FROM "Mail Delivery Services Ltd <info@remote.example>\n" TO_REPLY, REPLY},
    {"subject of a bounce quoted by a reply", BOB TO_REPLY "Subject: Automatic reply: Undeliverable: x\n",
     REPLY},
    {"subject of a bounce answered", BOB TO_REPLY "Subject: Re: failure notice\n", REPLY},
    {"a reply quoted by a bounce", BOB TO_REPLY "Subject: Undeliverable: Automatic reply: x\n", OTHER},
    {"X-Failed-Recipients", BOB TO_REPLY "X-Failed-Recipients: a@b.example\n", OTHER},
    {"x-failed-recipients", BOB TO_REPLY "x-failed-recipients: a@b.example\n", OTHER},
    {"X-Failed-Recipients, empty", BOB TO_REPLY "X-Failed-Recipients:\n", OTHER},
    {"X-MS-Exchange-Message-Is-Ndr", BOB TO_REPLY "X-MS-Exchange-Message-Is-Ndr:\n", OTHER},
    {"X-DSNContext", BOB TO_REPLY "X-DSNContext: 335a7efd - 4523\n", OTHER},
    {"X-MDDSN-Message", BOB TO_REPLY "X-MDDSN-Message: Yes\n", OTHER},
    {"Sendmail, failure", BOB "Auto-Submitted: auto-generated (failure)\nX-Autoreply: yes\n", OTHER},
    {"Sendmail, warning", BOB "Auto-Submitted: auto-generated (warning-timeout)\nX-Autoreply: yes\n", OTHER},
    {"Sendmail, success", BOB "Auto-Submitted: auto-generated (return-receipt)\nX-Autoreply: yes\n", OTHER},
    {"Sieve, rejected", BOB "Auto-Submitted: auto-replied (rejected)\n", OTHER},
    {"Sieve, Rejected", BOB "Auto-Submitted: auto-replied (Rejected)\n", OTHER},
    {"Sieve, rejected, and one more comment", BOB "Auto-Submitted: auto-replied (rejected) (x)\n", OTHER},
    {"Sieve, vacation", BOB "Auto-Submitted: auto-replied (vacation)\n", REPLY},

    {"read receipt of a mail system", FROM "Mail Delivery Subsystem <x@b.example>\n" MR "report-type=" DN "\n",
     OTHER},
    {"read receipt, rejected", BOB "Auto-Submitted: auto-replied (rejected)\n" MR "report-type=" DN "\n",
     OTHER},
    {"read receipt, X-Failed-Recipients", BOB "X-Failed-Recipients: a\n" MR "report-type=" DN "\n", OTHER},
    {"read receipt, a subject like a bounce's",
     BOB "Subject: Delivery problem: order 4711\n" MR "report-type=" DN "\n", MDN},
    {"read receipt, subject of a bounce, postmaster",
     POST "Subject: failure notice\n" MR "report-type=" DN "\n", OTHER},
    {"an answer, a subject like a bounce's",
     BOB TO_REPLY "Subject: Delivery status of order 4711\nIn-Reply-To: <a@b>\n", REPLY},
    {"an answer, a subject like a bounce's, postmaster",
     POST TO_REPLY "Subject: Delivery status of order 4711\nIn-Reply-To: <a@b>\n", OTHER},
    {"no answer, a subject like a bounce's", BOB TO_REPLY "Subject: Delivery status of order 4711\n", OTHER},
    {"read receipt for a bounce", BOB "Subject: Read: failure notice\n" MR "report-type=" DN "\n", MDN},
    {"read receipt of a postmaster", POST MR "report-type=" DN "\n", MDN},
    {"read receipt, auto-generated", BOB "Auto-Submitted: auto-generated\n" MR "report-type=" DN "\n", MDN},
    {"read receipt, by hand", BOB "Auto-Submitted: no\n" MR "report-type=" DN "\n", MDN},
    {"feedback of a mail system", FROM "mailer-daemon@b.example\n" MR "report-type=" FR "\n", OTHER},
    {"feedback, subject of a bounce", BOB "Subject: failure notice\n" MR "report-type=" FR "\n", FEEDBACK},
    {"feedback, subject of a bounce, postmaster", POST "Subject: failure notice\n" MR "report-type=" FR "\n",
     OTHER},
    {"feedback of a postmaster", POST "Subject: FW: x\n" MR "report-type=" FR "\n", FEEDBACK},
    {"feedback, X-Failed-Recipients", BOB "X-Failed-Recipients: a\n" MR "report-type=" FR "\n", OTHER},

    {"two Content-Type", PLAIN PLAIN TO_REPLY, OTHER},
    {"two Content-Type, a bounce first", MR "report-type=" DS "\n" PLAIN TO_REPLY, OTHER},
    {"two Content-Type, a receipt and a bounce", MR "report-type=" DN "\n" MR "report-type=" DS "\n", OTHER},
    {"two Content-Type, two receipts", MR "report-type=" DN "\n" MR "report-type=" DN "\n", OTHER},
    {"two From", BOB BOB TO_REPLY, OTHER},
    {"two From, a daemon second", BOB FROM "mailer-daemon@b.example\n" TO_REPLY, OTHER},
    {"two Subject", TO_REPLY "Subject: a\nSubject: b\n", OTHER},
    {"auto-replied and auto-generated", AUTO "Auto-Submitted: auto-generated\n", OTHER},
    {"auto-replied and no", "Auto-Submitted: no\n" AUTO, OTHER},
    {"reply and report", BOB TO_REPLY MR "report-type=" DS "\n", OTHER},
    {"reply and receipt", BOB TO_REPLY MR "report-type=" DN "\n", MDN},
};

static void test_bounce(void **state)
{
    (void)state;
    CHECK(bounce_rows);
}

#define AGG  "Report Domain: d.example Submitter: s.example Report-ID: <1@s.example>\n"
#define ZIP  CT "application/zip; name=x\n"
#define SUBJ "Subject: "

static const struct row dmarc_rows[] = {
    {"RFC 7489", ZIP SUBJ AGG, DMARC},
    {"multipart/mixed", CT "multipart/mixed; boundary=b\n" SUBJ AGG, DMARC},
    {"text/xml", CT "text/xml\n" SUBJ AGG, DMARC},
    {"any case", ZIP SUBJ "rEPORT dOMAIN: D sUBMITTER: S rEPORT-iD: I\n", DMARC},
    {"folded", ZIP SUBJ "Report\n Domain:\n\td.example\r\n Submitter:\n s\n Report-ID:\n i\n", DMARC},
    {"no blanks behind the colons", ZIP SUBJ "Report Domain:d Submitter:s Report-ID:i\n", DMARC},
    {"semicolons", ZIP SUBJ "Report Domain: d; Submitter: s; Report-ID: i\n", DMARC},
    {"Amazon", ZIP SUBJ "Dmarc Aggregate Report Domain: {d}  Submitter: {a b}  Date: {c}  Report-ID: {i}\n",
     DMARC},
    {"Microsoft", ZIP SUBJ "[Preview] " AGG, DMARC},
    {"a submitter of two words", ZIP SUBJ "Report Domain: d Submitter: Remote Example Report-ID: i\n", DMARC},
    {"encoded", ZIP SUBJ "=?utf-8?q?Report_Domain:_d_Submitter:_s_Report-ID:_i?=\n", DMARC},
    {"encoded, split inside a word",
     ZIP SUBJ "=?utf-8?q?Report_Dom?= =?utf-8?q?ain:_d_Submitter:_s_Report-ID:_i?=\n", DMARC},
    {"postmaster", ZIP POST SUBJ AGG, DMARC},
    {"auto-generated", ZIP "Auto-Submitted: auto-generated\n" SUBJ AGG, DMARC},
    {"auto-replied", ZIP AUTO SUBJ AGG, DMARC},
    {"no domain", ZIP SUBJ "Report Domain: Submitter: s Report-ID: i\n", OTHER},
    {"no submitter", ZIP SUBJ "Report Domain: d Submitter: Report-ID: i\n", OTHER},
    {"no word submitter", ZIP SUBJ "Report Domain: d Report-ID: i\n", OTHER},
    {"no identifier", ZIP SUBJ "Report Domain: d Submitter: s Report-ID:\n", OTHER},
    {"no word identifier", ZIP SUBJ "Report Domain: d Submitter: s\n", OTHER},
    {"two domains", ZIP SUBJ "Report Domain: d e Submitter: s Report-ID: i\n", OTHER},
    {"an answer", ZIP SUBJ "Re: " AGG, OTHER},
    {"a bounce", ZIP SUBJ "Undeliverable: " AGG, OTHER},
    {"other order", ZIP SUBJ "Submitter: s Report Domain: d Report-ID: i\n", OTHER},
    {"mailer-daemon", ZIP FROM "mailer-daemon@b.example\n" SUBJ AGG, DMARC},
    {"X-Failed-Recipients", ZIP "X-Failed-Recipients: a\n" SUBJ AGG, OTHER},
    {"multipart/report", CT "multipart/report\n" SUBJ AGG, OTHER},
    {"a TLS report", MR "report-type=tlsrpt\n" SUBJ AGG, OTHER},
    {"a bounce in its clothes", MR "report-type=" DS "\n" SUBJ AGG, OTHER},
    {"text", PLAIN SUBJ AGG, OTHER},
    {"HTML", CT "text/html\n" SUBJ AGG, OTHER},
    {"no Content-Type", SUBJ AGG, OTHER},
    {"two Subject", ZIP SUBJ AGG SUBJ AGG, OTHER},
};

static void test_dmarc(void **state)
{
    (void)state;
    CHECK(dmarc_rows);
}

/* ---- phrases: subjects and senders as they are seen */

static const char *const bounce_subjects[] = {"Automatically rejected mail",
                                              "Bounced mail",
                                              "Could not deliver message to nosuch@remote.example",
                                              "deferral notice",
                                              "Delayed delivery notice",
                                              "Delayed Mail (still being retried)",
                                              "Delivery delayed: minutes",
                                              "Delivery Error",
                                              "Delivery failure",
                                              "Delivery failed: minutes",
                                              "Delivery has failed",
                                              "Delivery incomplete",
                                              "Delivery Notification: Delivery has failed",
                                              "Delivery problem",
                                              "Delivery Report (failure) for nosuch",
                                              "Delivery Status Notification (Failure)",
                                              "Delivery unsuccessful: Mail could not be delivered",
                                              "Delivery Warning",
                                              "E-mail delivery failure",
                                              "Email Delivery Failure",
                                              "Error sending message [1] from [mx]",
                                              "Failed delivery of mail",
                                              "FAILED MAIL to \"nosuch\"",
                                              "failure delivery",
                                              "Failure Notice",
                                              "Mail could not be delivered",
                                              "Mail delivery delayed",
                                              "Mail delivery error",
                                              "Mail delivery failed: returning message to sender",
                                              "Mail Delivery Notification",
                                              "Mail Delivery Problem",
                                              "Mail Delivery Status Report",
                                              "Mail Delivery Warning",
                                              "Mail Error",
                                              "Mail failure - no recipient addresses",
                                              "Mail Not Delivered",
                                              "Mail returned to sender",
                                              "Mail System Error - Returned Mail",
                                              "Mail undeliverable",
                                              "Message could not be delivered",
                                              "Message delayed (nosuch@remote.example)",
                                              "Message Delivery Failure",
                                              "Message not delivered",
                                              "Message status - undeliverable",
                                              "Message undeliverable: minutes",
                                              "**Message you sent blocked by our bulk email filter**",
                                              "=?utf-8?q?Non_remis_:_minutes?=",
                                              "Non recapitabile: verbale",
                                              "Non-Delivery: minutes",
                                              "Nondeliverable mail",
                                              "NOTICE: mail delivery status.",
                                              "=?iso-8859-1?q?N=E3o_entregue:_ata?=",
                                              "Onbestelbaar: notulen",
                                              "Permanent Delivery Failure",
                                              "Postmaster notify: see transcript for details",
                                              "Returned e-mail",
                                              "Returned email",
                                              "Returned mail: see transcript for details",
                                              "Returned to sender",
                                              "success notice",
                                              "Successful Mail Delivery Report",
                                              "Unable to deliver message",
                                              "Undeliverable: minutes",
                                              "Undelivered Mail Returned to Sender",
                                              "Unzustellbar: Protokoll",
                                              "Warning: could not send message for past 4 hours",
                                              "Warning: mail delivery delayed",
                                              "Warning: message 1xUt3K-00067q-17 delayed 24 hours",
                                              "Your mail could not be delivered",
                                              "Your message could not be delivered"};
static const char *const away_subjects[] = {"Absence du bureau : moi",
                                            "Abwesend bis Montag",
                                            "Abwesenheitsnotiz: Protokoll",
                                            "AUTO: away",
                                            "Auto: minutes",
                                            "Auto reply",
                                            "Auto Response: minutes",
                                            "Auto-Reply: I am away",
                                            "Auto-Response",
                                            "Automaattinen vastaus: x",
                                            "Automatic reply: minutes",
                                            "Automatic Response to your message",
                                            "Automatikus v\xc3\xa1lasz: x",
                                            "Automatisch antwoord: x",
                                            "Automatische Antwort: x",
                                            "Automatisk svar: x",
                                            "Automatiskt svar: x",
                                            "Autoreply: minutes",
                                            "AutoResponse - minutes",
                                            "Autosvar: minutes",
                                            "away from mail",
                                            "away from my mail",
                                            "Fuera de la oficina",
                                            "Fuori sede",
                                            "I am on vacation",
                                            "On vacation until Monday",
                                            "Out of Office",
                                            "Out of the office: minutes",
                                            "Out-of-office reply",
                                            "Vacation message",
                                            "Vacation notice",
                                            "Vacation reply",
                                            "Vacation Response: minutes",
                                            "Bob is out of office until Monday",
                                            "=?utf-8?b?6Ieq5YuV5Zue5b6p?=: x",
                                            "Automatyczna odpowied\xc5\xba: x",
                                            "Odpowied\xc5\xba automatyczna: x"};
/* A person's, which only come near. */
static const char *const neutral_subjects[] = {"",
                                               "minutes",
                                               "Delivery of the parcel",
                                               "Delivery notification for your parcel",
                                               "Mail delivery times",
                                               "Message status",
                                               "The undeliverable letter",
                                               "Fwd: Undeliverable: minutes",
                                               "Warning: storm",
                                               "Your message",
                                               "Automatic doors",
                                               "Autumn",
                                               "Vacation plans",
                                               "Office hours",
                                               "out of stock",
                                               "Report"};
static const char *const answers[] = {"Re: x", "RE: x", "re[2]: x", "AW: x", "Antw: x", "SV: x"};
static const char *const daemon_senders[] = {"mailer-daemon@b.example",
                                             "Mailer_Daemon@b.example",
                                             "\"GMX Mailer Daemon\" <x@b.example>",
                                             "mailerdaemon@b.example",
                                             "mail-daemon@b.example",
                                             "maildaemon@b.example",
                                             "MDaemon@b.example",
                                             "mmdf@b.example",
                                             "Mail.Delivery.System@b.example",
                                             "Mail Delivery System <x@b.example>",
                                             "Mail Delivery Subsystem <x@b.example>",
                                             "x@b.example (Mail Delivery Service)",
                                             "Mail Sieve Subsystem <x@b.example>",
                                             "\"Delivery Subsystem\" <x@b.example>",
                                             "Internet Mail Delivery <x@b.example>",
                                             "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@b.example"};

static void check_list(const char *before, const char *const *list, size_t n, const char *behind,
                       enum report_type want)
{
    for (size_t i = 0; i < n; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s\n%s", before, list[i], behind);
        enum report_type got = type_of(text);
        if (got != want)
            fail_msg("%s%s: %s, expected %s", before, list[i], report_word(got), report_word(want));
    }
}

#define LIST(list) list, sizeof(list) / sizeof *(list)

static void test_phrases(void **state)
{
    (void)state;
    check_list(BOB TO_REPLY SUBJ, LIST(bounce_subjects), "", REPORT_OTHER);
    check_list(BOB SUBJ, LIST(away_subjects), "", REPORT_AUTO_REPLY);
    check_list(BOB SUBJ, LIST(neutral_subjects), "", REPORT_OTHER);
    check_list(BOB TO_REPLY SUBJ, LIST(neutral_subjects), "", REPORT_AUTO_REPLY);
    check_list(BOB SUBJ, LIST(answers), "", REPORT_OTHER);
    check_list(BOB SUBJ, LIST(answers), "Auto-Submitted: auto-generated\n", REPORT_AUTO_REPLY);
    check_list(FROM, LIST(daemon_senders), TO_REPLY, REPORT_OTHER);
    check_list(FROM, LIST(daemon_senders), MR "report-type=" DN "\n", REPORT_OTHER);
}

/* Fields that nobody but an autoresponder sends. */
static const char *const reply_marks[] = {"Precedence: auto_reply",
                                          "Precedence: auto-reply",
                                          "Precedence: autoreply",
                                          "X-Precedence: auto_reply",
                                          "Preference: auto_reply",
                                          "X-Autoreply: yes",
                                          "X-Auto-Reply: 1",
                                          "X-AutoReply-From: bob@remote.example",
                                          "X-Mail-Autoreply: vacation",
                                          "X-Autorespond: minutes",
                                          "X-Auto-Respond: yes",
                                          "X-Autoresponder: on",
                                          "X-Autoresponse: true",
                                          "X-Amazon-Auto-Reply: true",
                                          "X-Zarafa-Vacation: autorespond",
                                          "X-Kopano-Vacation: autorespond",
                                          "Delivered-By-The-Graces-Of: The Vacation program",
                                          "X-Delivered-By-The-Graces-Of: the vacation program",
                                          "X-Autogenerated: Reply",
                                          "X-POST-MessageClass: 9; Autoresponder",
                                          "Delivered-To: Autoresponder",
                                          "X-Loop: Postfix Admin Virtual Vacation",
                                          "X-Mailer: vacation 1.46",
                                          "X-Mailer: Confixx Autoresponder"};

static void test_marks(void **state)
{
    (void)state;
    check_list("", LIST(reply_marks), BOB, REPORT_AUTO_REPLY);
    check_list("", LIST(reply_marks), FROM "mailer-daemon@b.example\n", REPORT_OTHER);
}

static void test_words(void **state)
{
    static const char *const bad[] = {"", "other", "MDN", "mdn ", "md", "auto", "vacation"};
    enum report_type type = REPORT_DMARC;

    (void)state;
    assert_string_equal(report_word(REPORT_OTHER), "other");
    assert_string_equal(report_word(REPORT_MDN), "mdn");
    assert_string_equal(report_word(REPORT_AUTO_REPLY), "auto-reply");
    assert_string_equal(report_word(REPORT_FEEDBACK), "feedback-report");
    assert_string_equal(report_word(REPORT_DMARC), "dmarc-report");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (report_from_word(&type, bv_str(bad[i])) || type != REPORT_DMARC)
            fail_msg("\"%s\" is taken for a type", bad[i]);
    for (int i = REPORT_OTHER + 1; i < REPORT_TYPES; i++) {
        assert_true(report_from_word(&type, bv_str(report_word((enum report_type)i))));
        assert_int_equal(type, i);
    }
}

/* ---- values of any length and any octets */

enum { HUGE = 1 << 20 };

/* The type of a message with one field: before, n octets of a pattern, behind. */
static enum report_type type_of_long(const char *name, const char *before, const char *pattern,
                                     const char *behind)
{
    struct report r = {0};
    size_t n = strlen(before), each = strlen(pattern);
    char *value = malloc(n + HUGE + strlen(behind) + 1);

    assert_non_null(value);
    memcpy(value, before, n);
    for (size_t i = 0; i < HUGE; i++)
        value[n + i] = pattern[i % each];
    strcpy(value + n + HUGE, behind);
    report_header(&r, "Auto-Submitted", "auto-replied");
    report_header(&r, name, value);
    free(value);
    return report_type(&r);
}

static const struct {
    const char *name, *field, *before, *pattern, *behind;
    enum report_type want;
} long_rows[] = {
    {"a long boundary", "Content-Type", "multipart/report; boundary=\"", "x", "\"; report-type=" DN, MDN},
    {"a bounce behind a long boundary", "Content-Type", "multipart/mixed; boundary=\"", "x",
     "\"; report-type=" DS, OTHER},
    {"a long comment", "Content-Type", "multipart/report; (", "x", ") report-type=" DN, MDN},
    {"comments as deep as can be", "Content-Type", "multipart/report; ", "(", " report-type=" DN, OTHER},
    {"many parameters", "Content-Type", "multipart/report", "; a=b", "; report-type=" DN, MDN},
    {"many semicolons", "Content-Type", "multipart/report", ";", " report-type=" DN, MDN},
    {"many blanks", "Content-Type", "multipart/report;", " ", "report-type=" DN, MDN},
    {"many folds", "Content-Type", "multipart/report;", "\r\n ", "report-type=" DN, MDN},
    {"a long value", "Content-Type", "multipart/report; report-type=", DN, "", OTHER},
    {"a long quoted value", "Content-Type", "multipart/report; report-type=\"" DN, "x", "\"", OTHER},
    {"a value of quoted pairs", "Content-Type", "multipart/report; report-type=\"", "\\", "\"", OTHER},
    {"many pieces", "Content-Type", "multipart/report", "; report-type*0=x", "", OTHER},
    {"a long parameter name", "Content-Type", "multipart/report; report-type*", "0", "=" DN, OTHER},
    {"a long type", "Content-Type", "multipart", "x", "/mixed", REPLY},
    {"a long type of a report", "Content-Type", "multipart", "x", "/report", OTHER},
    {"hex", "Content-Type", "multipart/report; report-type*=''", "%64", "", OTHER},
    {"a long subject", "Subject", "Automatic reply: ", "x", "", REPLY},
    {"a bounce with a long subject", "Subject", "Undeliverable: ", "x", "", OTHER},
    {"a subject of blanks", "Subject", "", " ", "Undeliverable: x", OTHER},
    {"a subject of encoded-words without text", "Subject", "",
     "=?a?q?"
     "?=",
     "Undeliverable: x", OTHER},
    {"a subject that begins encoded-words", "Subject", "", "=?", "", REPLY},
    {"a subject of 8-bit octets", "Subject", "", "\xff", "", REPLY},
    {"a long From may hide anything", "From", "\"", "x", "\" <bob@remote.example>", OTHER},
    {"a From of at signs", "From", "", "@", "", OTHER},
    {"a From of blanks", "From", "", " ", "mailer-daemon@remote.example", OTHER},
    {"a long comment of Auto-Submitted", "Auto-Submitted", "(", "x", ") auto-replied", REPLY},
    {"a long keyword", "Auto-Submitted", "auto-replied", "x", "", OTHER},
    {"a long mark", "Precedence", "bulk ", "x", "", REPLY},
    {"a long field that does not matter", "X-Other", "", "x", "", REPLY},
};

static void test_long(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof long_rows / sizeof *long_rows; i++) {
        enum report_type got =
            type_of_long(long_rows[i].field, long_rows[i].before, long_rows[i].pattern, long_rows[i].behind);
        if (got != long_rows[i].want)
            fail_msg("%s: %s, expected %s", long_rows[i].name, report_word(got),
                     report_word(long_rows[i].want));
    }
}

/* Four times the octets may not take more than four times as long, give or take a lot. */
static void test_linear(void **state)
{
    static const char *const patterns[] = {
        "(", "\"", "\\", "=?", "=?a?q?", "=?a?q?x?=", "@", "<", ";a=", "[", "%", "'"};
    static const char *const names[] = {"Content-Type", "Subject", "From", "Auto-Submitted", "Precedence"};
    clock_t begun = clock();

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            (void)type_of_long(names[j], "", patterns[i], "");
    assert_true(clock() - begun < 60 * CLOCKS_PER_SEC);
}

/* Every octet that there is, in every field that is looked into: nothing is read past the end. */
static void test_octets(void **state)
{
    static const char *const names[] = {"Content-Type", "Subject", "From", "Auto-Submitted", "Precedence", ""};
    static const char *const starts[] = {"", "multipart/report; report-type=", "=?utf-8?q?", "=?utf-8?b?", "\"",
                                         "("};

    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t s = 0; s < sizeof starts / sizeof *starts; s++)
            for (int c = 0; c < 256; c++) {
                size_t length = strlen(starts[s]);
                char *value = malloc(length + 2); /* just as long, so that a sanitizer sees a step too far */
                struct report r = {0};
                assert_non_null(value);
                memcpy(value, starts[s], length);
                value[length] = (char)c;
                value[length + 1] = '\0';
                report_header(&r, names[n], value);
                assert_int_equal(report_type(&r), REPORT_OTHER);
                free(value);
            }
}

/* ---- the corpus */

static enum report_type type_named(const char *word)
{
    enum report_type type = REPORT_OTHER;

    if (strcmp(word, "other") != 0 && !report_from_word(&type, bv_str(word)))
        fail_msg("test/messages/INDEX: unknown type \"%s\"", word);
    return type;
}

static void read_message(char *text, size_t size, const char *file)
{
    char path[512];

    snprintf(path, sizeof path, "test/messages/%s", file);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        fail_msg("%s: cannot be opened", path);
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    text[n] = '\0';
    char *end = strstr(text, "\n\n");
    if (end == NULL)
        fail_msg("%s: has no end of the header", path);
    end[1] = '\0';
}

/* As the other MTA gives folds: CR LF. */
static void add_returns(char *dst, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            *dst++ = '\r';
        *dst++ = *value;
    }
    *dst = '\0';
}

/* The fields in their order, in the other order, with CR LF; the answer may not differ. */
static void check_message(const char *file, enum report_type want)
{
    static char text[HEADER_MAX], value[2 * HEADER_MAX];
    static struct header h;
    struct report forth = {0}, back = {0};

    read_message(text, sizeof text, file);
    cut(&h, text);
    for (size_t i = 0; i < h.n; i++) {
        report_header(&forth, h.name[i], h.value[i]);
        add_returns(value, h.value[h.n - 1 - i]);
        report_header(&back, h.name[h.n - 1 - i], value);
    }
    if (report_type(&forth) != want)
        fail_msg("%s: %s, expected %s", file, report_word(report_type(&forth)), report_word(want));
    if (report_type(&back) != want || back.seen != forth.seen)
        fail_msg("%s: another answer in another order", file);
    report_header(&forth, "X-Failed-Recipients", "a@b.example");
    if (report_type(&forth) != REPORT_OTHER)
        fail_msg("%s: %s though it is a bounce", file, report_word(report_type(&forth)));
}

static size_t count_messages(void)
{
    size_t n = 0;
    DIR *directory = opendir("test/messages");

    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += strlen(entry->d_name) > 4 && strcmp(entry->d_name + strlen(entry->d_name) - 4, ".eml") == 0;
    closedir(directory);
    return n;
}

static void test_messages(void **state)
{
    char line[1024];
    size_t n = 0, of_type[REPORT_TYPES] = {0};
    FILE *index = fopen("test/messages/INDEX", "re");

    (void)state;
    if (index == NULL)
        fail_msg("test/messages/INDEX: cannot be opened");
    while (fgets(line, sizeof line, index) != NULL) {
        if (line[0] == '#')
            continue;
        char *rest, *file = strtok_r(line, "\t", &rest), *type = strtok_r(NULL, "\t", &rest);
        if (type == NULL || strchr(rest, '\n') == NULL)
            fail_msg("test/messages/INDEX: %s: not three columns", file);
        check_message(file, type_named(type));
        of_type[type_named(type)]++;
        n++;
    }
    fclose(index);
    assert_int_equal(n, count_messages());
    for (int i = 0; i < REPORT_TYPES; i++)
        assert_true(of_type[i] >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content), cmocka_unit_test(test_reply),    cmocka_unit_test(test_bounce),
        cmocka_unit_test(test_dmarc),   cmocka_unit_test(test_phrases),  cmocka_unit_test(test_marks),
        cmocka_unit_test(test_words),   cmocka_unit_test(test_long),     cmocka_unit_test(test_linear),
        cmocka_unit_test(test_octets),  cmocka_unit_test(test_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

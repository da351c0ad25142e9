#include "milter/phrases.h"

#include <string.h>

#include "milter/plain.h"

enum { SUBJECT_SIZE = 1024, FROM_SIZE = 2048, TAGS = 8, TAG_MAX = 40 };

/*
 * Beginnings, a bar between them, in lower case; letters that are not ASCII as
 * they are usually sent.
 */
static const char bounce[] =
    "automatically rejected mail|bounced mail|could not deliver|deferral notice|delayed delivery|"
    "delayed mail|delivery delayed|delivery error|delivery fail|delivery has failed|delivery incomplete|"
    "delivery notification:|delivery problem|delivery report (|delivery status|delivery unsuccessful|"
    "delivery warning|e-mail delivery fail|email delivery fail|error sending message|failed delivery|"
    "failed mail|failure delivery|failure notice|mail could not be delivered|mail delivery delayed|"
    "mail delivery error|mail delivery fail|mail delivery notification|mail delivery problem|"
    "mail delivery status|mail delivery warning|mail error|mail fail|"
    "mail not delivered|mail returned|mail system error|mail undeliverable|message could not be delivered|"
    "message delayed|message delivery fail|message not delivered|"
    "message status - undeliverable|message undeliverable|**message you sent blocked|non remis|"
    "non recapitabile|non-deliver|nondeliver|notice: mail delivery status|n\xc3\xa3o entregue|onbestelbaar|"
    "permanent delivery failure|postmaster notify|returned e-mail|returned email|returned mail|"
    "returned to sender|success notice|successful mail delivery report|unable to deliver|undeliver|"
    "unzustellbar|warning: could not send|warning: mail delivery|warning: message|"
    "your mail could not be delivered|your message could not be delivered";
static const char away[] =
    "absence du bureau|abwesend|abwesenheit|auto:|auto reply|auto response|auto-reply|auto-response|"
    "automaattinen vastaus|automatic reply|automatic response|automatick\xc3\xa1 odpov|"
    "automatikus v\xc3\xa1lasz|automatisch antwoord|automatische antwort|automatisk svar|automatiskt svar|"
    "autoreply|autoresponse|autosvar|away from mail|away from my |fuera de la oficina|fuori sede|"
    "i am on vacation|odpowied\xc5\xba automatyczna|on vacation|otomatik yan\xc4\xb1t|out of office|"
    "out of the office|out-of-office|respuesta autom\xc3\xa1tica|resposta autom\xc3\xa1tica|"
    "automatyczna odpowied|risposta automatica|r\xc3\xa9ponse automatique|vacation message|vacation "
    "notice|vacation reply|"
    "vacation response|\xce\x91\xcf\x85\xcf\x84\xcf\x8c\xce\xbc\xce\xb1\xcf\x84\xce\xb7 |"
    "\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1\x87\xd0\xb5\xd1\x81\xd0\xba\xd0\xb8"
    "\xd0\xb9 \xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82|"
    "ooo:|"
    "yahoo! auto response|"
    "r\xc4\x83spuns automat|"
    "automatski odgovor|"
    "samodejni odgovor|"
    "automatinis atsakymas|"
    "autom\xc4\x81tisk|"
    "automaatvastus|"
    "balasan otomatis|"
    "resposta autom\xc3\xa0tica|"
    "erantzun automatikoa|"
    "tr\xe1\xba\xa3 l\xe1\xbb\x9di t|"
    "\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1\x87\xd0\xbd\xd0\xb0 "
    "\xd0\xb2\xd1\x96\xd0\xb4\xd0\xbf\xd0\xbe\xd0\xb2|"
    "\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82|"
    "\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1\x87\xd0\xb5\xd0\xbd "
    "\xd0\xbe\xd1\x82\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80|"
    "\xd7\xaa\xd7\xa9\xd7\x95\xd7\x91\xd7\x94 \xd7\x90\xd7\x95\xd7\x98\xd7\x95\xd7\x9e\xd7\x98\xd7\x99\xd7\xaa|"
    "\xd8\xb1\xd8\xaf \xd8\xaa\xd9\x84\xd9\x82\xd8\xa7\xd8\xa6\xd9\x8a|"
    "\xe0\xb8\x95\xe0\xb8\xad\xe0\xb8\x9a\xe0\xb8\x81\xe0\xb8\xa5\xe0\xb8\xb1\xe0\xb8\x9a\xe0\xb8\xad\xe0\xb8"
    "\xb1\xe0\xb8\x95\xe0\xb9\x82\xe0\xb8\x99\xe0\xb8\xa1\xe0\xb8\xb1\xe0\xb8\x95\xe0\xb8\xb4|"
    "\xe0\xb8\x81\xe0\xb8\xb2\xe0\xb8\xa3\xe0\xb8\x95\xe0\xb8\xad\xe0\xb8\x9a\xe0\xb8\x81\xe0\xb8\xa5\xe0\xb8"
    "\xb1\xe0\xb8\x9a|"
    "\xec\x9e\x90\xeb\x8f\x99 \xec\x9d\x91\xeb\x8b\xb5|"
    "\xec\x9e\x90\xeb\x8f\x99\xec\x9d\x91\xeb\x8b\xb5|"
    "\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d|\xe8\x87\xaa\xe5\x8a\xa8\xe7\xad\x94\xe5\xa4\x8d|"
    "\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe8\xa6\x86|\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe5\xbe\xa9|"
    "\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94|\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0";
static const char answer[] = "re:|re[|aw:|antw:|sv:";
/* Where a word begins; domains have been taken out. */
static const char daemons[] =
    "mailer-daemon|mailer_daemon|mailer daemon|mailerdaemon|mail-daemon|maildaemon|mdaemon@|mmdf@|"
    "mail.delivery.system|mail delivery system|mail delivery sub|mail delivery service <|mail delivery "
    "service)|mail sieve "
    "subsystem|delivery subsystem|internet mail delivery|"
    "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e@";
static const char postmasters[] = "postmaster|<>"; /* or no "@" at all */

static bool starts(const char *text, const char *with)
{
    for (; *with != '\0'; text++, with++)
        if (*text != *with)
            return false;
    return true;
}

static bool starts_with_any(const char *text, const char *list)
{
    for (;; list++) {
        const char *t = text;
        while (*list == *t && *t != '\0' && *t != '|') {
            list++;
            t++;
        }
        if (*list == '|' || *list == '\0')
            return true;
        list += strcspn(list, "|");
        if (*list == '\0')
            return false;
    }
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool has_any(const char *text, const char *list)
{
    for (const char *p = text; *p != '\0'; p++)
        if ((p == text || !is_word_char(p[-1])) && starts_with_any(p, list))
            return true;
    return false;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " ");
}

/* Behind what says that a message is from outside, in words; p when nothing does. */
static const char *skip_mark_word(const char *p)
{
    static const char *const words[] = {"external:", "(external)", "extern:", "(extern)"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts(p, words[i]))
            return skip_blanks(p + strlen(words[i]));
    return p;
}

/* Behind a mark of a filter or list: "[EXTERNAL] ", "{Spam?} ", "*****SPAM***** "; p when there is none. */
static const char *skip_tag(const char *p)
{
    static const char opening[] = "[{*", closing[] = "]}*";
    const char *which = *p != '\0' ? strchr(opening, *p) : NULL;

    if (which == NULL)
        return skip_mark_word(p);
    const char close = closing[which - opening];
    const char *inner = p + strspn(p, (const char[]){*p, '\0'});
    const char *end = strchr(inner, close);
    if (end == NULL || end == inner || end - inner > TAG_MAX)
        return p;
    return skip_blanks(end + strspn(end, (const char[]){close, '\0'}));
}

/* Behind "; " and blanks, as separates the parts of a report's subject. */
static const char *skip_separators(const char *p)
{
    return p + strspn(p, "; ");
}

/* "report domain: d submitter: s report-id: i", with at least one octet for each letter. */
static bool is_dmarc(const char *p)
{
    static const char domain[] = "report domain:", submitter[] = "submitter:", id[] = "report-id:";

    if (starts(p, "dmarc aggregate "))
        p += strlen("dmarc aggregate ");
    if (!starts(p, domain))
        return false;
    p = skip_separators(p + sizeof domain - 1);
    p = skip_separators(p + strcspn(p, "; "));
    if (!starts(p, submitter))
        return false;
    p = skip_separators(p + sizeof submitter - 1);
    const char *found = memmem(p, strlen(p), id, sizeof id - 1);
    if (found == NULL || found == p)
        return false;
    return *skip_separators(found + sizeof id - 1) != '\0';
}

/* "Jane Roe is out of the office" */
static bool tells_of_absence(const char *text)
{
    static const char with[] = " is out of the office", without[] = " is out of office";
    size_t n = strlen(text);

    return memmem(text, n, with, sizeof with - 1) != NULL ||
           memmem(text, n, without, sizeof without - 1) != NULL;
}

unsigned phrases_subject(const char *value)
{
    char text[SUBJECT_SIZE];
    const char *p = text;
    unsigned says = 0;

    plain_text(text, sizeof text, value);
    for (int i = 0; i < TAGS && p != skip_tag(p); i++) {
        if (starts_with_any(p + 1, away)) /* "[Automatyczna odpowiedz] Minutes" */
            says |= SUBJECT_AWAY;
        p = skip_tag(p);
    }
    if (starts_with_any(p, bounce))
        says |= SUBJECT_BOUNCE;
    else if (starts_with_any(p, answer))
        says |= SUBJECT_RE;
    else if (starts_with_any(p, away) || tells_of_absence(p))
        says |= SUBJECT_AWAY;
    else if (is_dmarc(p))
        says |= SUBJECT_DMARC;
    return says;
}

/* Takes out what a domain or quoting may hold: "<a@b>" becomes "<a@>". */
static void drop_domains(char *text)
{
    char *to = text;
    bool domain = false;

    for (const char *p = text; *p != '\0'; p++) {
        if (domain && strchr(" <>(),;:", *p) != NULL)
            domain = false;
        if (!domain && *p != '"' && *p != '\\' && *p != '\'')
            *to++ = *p;
        domain |= *p == '@';
    }
    *to = '\0';
}

unsigned phrases_from(const char *value)
{
    char text[FROM_SIZE];

    /* Nobody's name is that long: it may hide anything. */
    if (plain_text(text, sizeof text, value) >= sizeof text)
        return FROM_DAEMON;
    drop_domains(text);
    if (has_any(text, daemons))
        return FROM_DAEMON;
    return has_any(text, postmasters) || strchr(text, '@') == NULL ? FROM_POSTMASTER : 0;
}

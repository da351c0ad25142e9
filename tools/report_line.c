#include "tools/report_line.h"

#include <string.h>

#include "tools/report_lex.h"

enum { QUEUE_ID_MAX = 40, TIMES_MAX = 1000000 };

static bool is_alphanumeric(char c)
{
    char lower = bv_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* Goes behind "QUEUEID: client=". */
static bool take_queue_id(struct bv_str *s)
{
    size_t n = 0;

    while (n < s->n && n <= QUEUE_ID_MAX && is_alphanumeric(s->p[n]))
        n++;
    struct bv_str rest = text_behind(*s, n);
    if (n == 0 || n > QUEUE_ID_MAX || !text_take(&rest, ": client="))
        return false;
    *s = rest;
    return true;
}

static bool is_word(struct bv_str s, const char *word)
{
    return s.n > 0 && s.p[0] == word[0] && s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

/* The number of a word, below `end`; -1: it is none. */
static int find_event(struct bv_str s)
{
    for (int i = EVENT_SIGN; i <= EVENT_GUARD; i++)
        if (is_word(s, event_word((enum event)i)))
            return i;
    return -1;
}

static int find_verdict(struct bv_str s)
{
    for (int i = VERDICT_VALID; i <= VERDICT_FAULT; i++)
        if (is_word(s, verdict_word((enum verdict)i)))
            return i;
    return -1;
}

static int find_action(struct bv_str s)
{
    for (int i = ACTION_ACCEPT; i <= ACTION_DISCONNECT; i++)
        if (is_word(s, action_word((enum action)i)))
            return i;
    return -1;
}

static const char *read_client(struct bv_str *out, struct bv_str *s)
{
    struct bv_str name;

    if (!text_take_until(&name, s, '[') || !text_take_until(out, s, ']') || out->n == 0 || out->n >= NET_TEXT)
        return "the client's address cannot be read";
    for (size_t i = 0; i < name.n; i++)
        if (!is_alphanumeric(name.p[i]) && strchr(".-_", name.p[i]) == NULL)
            return "the client's name has characters that the daemon never writes";
    for (size_t i = 0; i < out->n; i++)
        if (!is_alphanumeric(out->p[i]) && out->p[i] != '.' && out->p[i] != ':')
            return "the client's address cannot be read";
    return NULL;
}

static const char *read_words(struct report_line *out, struct bv_str *s)
{
    struct bv_str word;
    int event, verdict, action;

    if (!text_take(s, ", event=") || !text_take_until(&word, s, ',') || (event = find_event(word)) < 0)
        return "the event is none that is known here";
    if (!text_take(s, " verdict=") || !text_take_until(&word, s, ',') || (verdict = find_verdict(word)) < 0)
        return "the verdict is none that is known here";
    if (!text_take(s, " action=") || !text_take_until(&word, s, ',') || (action = find_action(word)) < 0)
        return "the action is none that is known here";
    if (!text_take(s, " key=") || !text_take_until(&word, s, ',') || word.n != 1 ||
        (word.p[0] != '-' && (word.p[0] < '0' || word.p[0] > '9')))
        return "the number of the key cannot be read";
    out->event = (enum event)event;
    out->verdict = (enum verdict)verdict;
    out->action = (enum action)action;
    out->key = word.p[0] == '-' ? -1 : word.p[0] - '0';
    return NULL;
}

static const char *read_address(struct bv_str *out, struct bv_str *s, const char *name)
{
    if (!text_take(s, name) || !text_take_until(out, s, '>'))
        return "it has no end";
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] <= ' ' || out->p[i] >= 0x7f || strchr("<,\"()", out->p[i]) != NULL)
            return "an address has characters that the daemon never writes";
    return NULL;
}

static const char *read_decision(struct report_line *out, struct bv_str s)
{
    const char *why;

    if ((why = read_client(&out->client, &s)) != NULL || (why = read_words(out, &s)) != NULL ||
        (why = read_address(&out->from, &s, " from=<")) != NULL ||
        (why = read_address(&out->rcpt, &s, ", rcpt=<")) != NULL)
        return why;
    if (s.n > 0 && !text_begins(s, ", ")) /* later versions may say more */
        return "there is something behind its end";
    return NULL;
}

static enum report_notice classify(struct report_line *out, struct bv_str s)
{
    static const struct {
        const char *text;
        enum report_notice notice;
    } starts[] = {{"ring ", REPORT_RING},          {"storm begins: ", REPORT_STORM},
                  {"storm ends: ", REPORT_STORM},  {"warm-up", REPORT_WARM_UP},
                  {"reloaded: ", REPORT_RELOAD},   {"not reloaded;", REPORT_RELOAD},
                  {"changed, but ", REPORT_RELOAD}};
    static const char refused[] = "; the ring in use stays", mended[] = ": the key file can be used again";
    struct bv_str rest = s;

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_begins(s, starts[i].text))
            return starts[i].notice;
    if (is_word(s, "stopping"))
        return REPORT_STOP;
    if (text_begins(s, "bvmilter ") && memmem(s.p, s.n, " serves on ", 11) != NULL)
        return REPORT_START;
    if (memmem(s.p, s.n, refused, sizeof refused - 1) != NULL ||
        memmem(s.p, s.n, mended, sizeof mended - 1) != NULL)
        return REPORT_RING;
    if (text_take_number(&out->lost, &rest) && is_word(rest, " log lines were lost"))
        return REPORT_LOST;
    return REPORT_OTHER_NOTICE;
}

/* rsyslog puts lines that are the same into one: "message repeated 3 times: [ ...]". */
static struct bv_str unrepeat(uint64_t *times, struct bv_str s)
{
    struct bv_str inner = s;

    *times = 1;
    if (s.n == 0 || !text_take(&inner, "message repeated ") || !text_take_number(times, &inner) ||
        !text_take(&inner, " times: [ ") || inner.n == 0 || inner.p[inner.n - 1] != ']' || *times == 0 ||
        *times > TIMES_MAX) {
        *times = 1;
        return s;
    }
    inner.n--;
    return inner;
}

static struct bv_str without_end(struct bv_str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
        s.n--;
    return s;
}

bool report_line_bare(struct report_line *out, struct bv_str line)
{
    struct bv_str text = without_end(line), s = text;

    if (!take_queue_id(&s) || read_decision(out, s) != NULL)
        return false;
    out->kind = REPORT_DECISION;
    out->times = 1;
    out->text = text;
    return true;
}

void report_line_message(struct report_line *out, struct bv_str message)
{
    struct bv_str s = unrepeat(&out->times, without_end(message));
    /* What the service manager has caught on standard error has the name twice. */
    text_take(&s, "bvmilter: ");
    out->lost = 0;
    out->why = NULL;
    out->text = s;
    if (!take_queue_id(&s)) {
        out->kind = REPORT_NOTICE;
        out->notice = classify(out, s);
        return;
    }
    out->why = read_decision(out, s);
    out->kind = out->why == NULL ? REPORT_DECISION : REPORT_BROKEN;
}

/* Goes behind "bvmilter: " or "bvmilter[427]: ". */
static bool take_tag(struct bv_str *s)
{
    struct bv_str rest = *s;
    uint64_t pid;

    if (!text_take(&rest, "bvmilter"))
        return false;
    if (text_take(&rest, "[") && (!text_take_number(&pid, &rest) || !text_take(&rest, "]")))
        return false;
    if (!text_take(&rest, ": "))
        return false;
    *s = rest;
    return true;
}

void report_line_read(struct report_line *out, struct bv_str line)
{
    struct bv_str s = line, word;
    size_t used = report_stamp_read(&out->stamp, s);

    out->kind = REPORT_FOREIGN;
    out->times = 1;
    s = text_behind(s, used);
    if (used > 0 && text_begins(s, "<")) /* "<mail.info>" of FreeBSD's syslogd */
        text_take_until(&word, &s, ' ');
    if (!take_tag(&s) && (used == 0 || !text_take_until(&word, &s, ' ') || !take_tag(&s)))
        return;
    report_line_message(out, s);
}

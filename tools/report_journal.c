#include "tools/report_journal.h"

#include <string.h>

static const char time_name[] = "__REALTIME_TIMESTAMP";

static void set_time(struct report_entry *e, struct bv_str value)
{
    static const int64_t limit = INT64_C(4102444800) * 1000000; /* 2100-01-01 */
    int64_t t = 0;

    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || t > limit)
            return;
        t = t * 10 + (value.p[i] - '0');
    }
    e->timed = value.n > 0 && t < limit;
    e->utc = t / 1000000;
}

static bool keep(char *dst, size_t *length, size_t size, struct bv_str value)
{
    size_t n = value.n < size ? value.n : size;

    if (n > 0)
        memcpy(dst, value.p, n);
    *length = n;
    return n == value.n;
}

void report_entry_field(struct report_entry *e, struct bv_str name, struct bv_str value)
{
    if (bv_str_same(name, bv_str("MESSAGE")))
        e->cut = !keep(e->message, &e->message_n, sizeof e->message, value);
    else if (bv_str_same(name, bv_str("SYSLOG_IDENTIFIER")))
        keep(e->identifier, &e->identifier_n, sizeof e->identifier, value);
    else if (bv_str_same(name, bv_str(time_name)))
        set_time(e, value);
}

void report_entry_line(struct report_line *out, const struct report_entry *e)
{
    out->stamp.kind = e->timed ? REPORT_STAMP_UTC : REPORT_STAMP_NONE;
    out->stamp.utc = e->utc;
    out->kind = REPORT_FOREIGN;
    out->times = 1;
    if (!bv_str_same((struct bv_str){e->identifier, e->identifier_n}, bv_str("bvmilter")))
        return;
    report_line_message(out, (struct bv_str){e->message, e->message_n});
    if (e->cut) {
        out->kind = REPORT_BROKEN;
        out->why = "the entry of the journal has no text for a message, or a longer one than the daemon writes";
    }
}

/* ---- JSON: as much of RFC 8259 as finds the strings of the outermost object ---- */

struct scan {
    const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
        s->p++;
}

static bool take_mark(struct scan *s, char mark)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != mark)
        return false;
    s->p++;
    return true;
}

/* A string as it stands, without its quotes. */
static bool take_raw(struct bv_str *out, struct scan *s)
{
    if (!take_mark(s, '"'))
        return false;
    for (const char *begin = s->p; s->p < s->end; s->p++) {
        if (*s->p == '"') {
            *out = (struct bv_str){begin, (size_t)(s->p++ - begin)};
            return true;
        }
        if (*s->p == '\\' && ++s->p == s->end)
            return false;
    }
    return false;
}

/* Four hexadecimal digits; what is above 255 is '?': the daemon writes no such octets. */
static char read_unicode(const char *p)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++) {
        char c = bv_lower(p[i]);
        code = code << 4 | (unsigned)(c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0);
    }
    return code < 0x80 ? (char)code : '?';
}

/* Undoes the escapes; what does not fit dst is left out. */
static struct bv_str unescape(char *dst, size_t size, struct bv_str raw)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    size_t n = 0;

    for (size_t i = 0; i < raw.n && n < size; i++) {
        if (raw.p[i] != '\\') {
            dst[n++] = raw.p[i];
            continue;
        }
        char c = raw.p[++i]; /* take_raw() lets no backslash stand last */
        const char *found = c != '\0' ? strchr(from, c) : NULL;
        if (c == 'u' && i + 4 < raw.n) {
            dst[n++] = read_unicode(raw.p + i + 1);
            i += 4;
        } else {
            dst[n++] = found != NULL ? to[found - from] : c;
        }
    }
    return (struct bv_str){dst, n};
}

/* A value that is no string: up to the comma or brace behind it, whatever is nested in it. */
static bool skip_value(struct scan *s)
{
    struct bv_str ignored;
    unsigned depth = 0;

    while (s->p < s->end) {
        if (*s->p == '"') {
            if (!take_raw(&ignored, s))
                return false;
            continue;
        }
        if (depth == 0 && (*s->p == ',' || *s->p == '}'))
            return true;
        if (*s->p == '[' || *s->p == '{')
            depth++;
        if ((*s->p == ']' || *s->p == '}') && depth-- == 0)
            return false;
        s->p++;
    }
    return false;
}

static bool take_member(struct report_entry *e, struct scan *s)
{
    char text[REPORT_MESSAGE + 1];
    struct bv_str name, raw;

    if (!take_raw(&name, s) || !take_mark(s, ':'))
        return false;
    skip_blanks(s);
    bool wanted = bv_str_same(name, bv_str("MESSAGE")) || bv_str_same(name, bv_str("SYSLOG_IDENTIFIER")) ||
                  bv_str_same(name, bv_str(time_name));
    if (s->p < s->end && *s->p == '"') {
        if (!take_raw(&raw, s))
            return false;
        if (wanted)
            report_entry_field(e, name, unescape(text, sizeof text, raw));
        return true;
    }
    if (bv_str_same(name,
                    bv_str("MESSAGE"))) { /* octets in an array: there are some that the daemon never writes */
        e->cut = true;
        e->message_n = 0;
    }
    return skip_value(s);
}

bool report_entry_json(struct report_entry *e, struct bv_str line)
{
    struct scan s = {line.p, line.p + line.n};

    if (!take_mark(&s, '{'))
        return false;
    do {
        if (!take_member(e, &s))
            return false;
    } while (take_mark(&s, ','));
    return take_mark(&s, '}');
}

#include "milter/mime.h"

#include <stdint.h>
#include <string.h>

#include "bv/bv.h"

#define BLANKS   " \t\r\n"
#define SPECIALS "()<>@,;:\\\"/[]?="

static const char report_type[] = "report-type";

enum { NAME = sizeof report_type - 1, SECTION_MAX = 9, WHOLE = -1 };

/* Where reading has come to. */
struct at {
    const char *p;
    bool broken;
    struct mime_word comment; /* the first one */
    int section;              /* RFC 2231: the next one of report-type; 0: none is awaited */
};

bool mime_word_is(const struct mime_word *w, const char *text)
{
    return w->n < MIME_WORD && strcmp(w->text, text) == 0;
}

static void add(struct mime_word *w, char c)
{
    if (w->n < MIME_WORD - 1)
        w->text[w->n] = bv_lower(c);
    if (w->n < MIME_WORD)
        w->n++;
}

/* At a parenthesis; comments may hold comments. */
static void skip_comment(struct at *at)
{
    bool first = at->comment.n == 0;
    size_t depth = 0;

    do {
        if (*at->p == '\\' && at->p[1] != '\0')
            at->p++;
        else if (*at->p == '(')
            depth++;
        else if (*at->p == ')')
            depth--;
        if (first && depth > 0 && !(depth == 1 && *at->p == '(') && *at->p != '\r' && *at->p != '\n')
            add(&at->comment, *at->p);
        at->p++;
    } while (depth > 0 && *at->p != '\0');
    at->broken |= depth > 0;
}

static void skip(struct at *at)
{
    for (;;) {
        at->p += strspn(at->p, BLANKS);
        if (*at->p != '(')
            return;
        skip_comment(at);
    }
}

static void read_token(struct mime_word *w, struct at *at, const char *ends)
{
    size_t n = strcspn(at->p, ends);

    for (size_t i = 0; i < n; i++)
        add(w, at->p[i]);
    at->p += n;
}

/* At a quotation mark. */
static void read_quoted(struct mime_word *w, struct at *at)
{
    for (at->p++; *at->p != '\0' && *at->p != '"'; at->p++) {
        if (*at->p == '\\' && at->p[1] != '\0')
            at->p++;
        add(w, *at->p);
    }
    if (*at->p == '"')
        at->p++;
    else
        at->broken = true;
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit = c != '\0' ? strchr(digits, c) : NULL;

    return digit != NULL ? (int)(digit - digits) : -1;
}

/* An extended value: charset'language'text in the first section, %XX in all. Returns whether it can be read. */
static bool add_extended(struct mime_word *to, const struct mime_word *value, bool first)
{
    const char *p = value->text;

    for (int quotes = first ? 2 : 0; quotes > 0; quotes--) {
        p = strchr(p, '\'');
        if (p == NULL)
            return false;
        p++;
    }
    for (; *p != '\0'; p++) {
        if (*p != '%') {
            add(to, *p);
            continue;
        }
        int high = hex(p[1]), low = high >= 0 ? hex(p[2]) : -1;
        if (low < 0 || high + low == 0)
            return false;
        add(to, (char)(high * 16 + low));
        p += 2;
    }
    return value->n < MIME_WORD;
}

/*
 * What stands behind "report-type" in a parameter's name: nothing, "*", "*N" or
 * "*N*".  Returns false when it is another parameter.
 */
static bool read_suffix(int *section, bool *extended, bool *wrong, const char *p)
{
    *section = WHOLE;
    *extended = strcmp(p, "*") == 0;
    if (*p == '\0' || *extended)
        return true;
    if (*p != '*')
        return false;
    *extended = p[strlen(p) - 1] == '*';
    *section = p[1] - '0';
    *wrong |= p[1] < '0' || p[1] > '9' || strcmp(p + 2, *extended ? "*" : "") != 0;
    return true;
}

static void take_param(struct mime_content *out, struct at *at, const struct mime_word *name,
                       const struct mime_word *value, bool quoted)
{
    bool extended, wrong = name->n >= MIME_WORD;
    int section;

    if (memcmp(name->text, report_type, NAME) != 0 ||
        !read_suffix(&section, &extended, &wrong, name->text + NAME))
        return;
    if (section <= 0) {
        out->report_types++;
        at->section = section == WHOLE ? 0 : 1;
    } else {
        wrong |= section != at->section || section > SECTION_MAX;
        at->section++;
    }
    if (extended)
        wrong |= quoted || !add_extended(&out->report_type, value, section <= 0);
    for (size_t i = 0; !extended && i < value->n; i++)
        add(&out->report_type, i < MIME_WORD - 1 ? value->text[i] : '?');
    at->broken |= wrong;
}

/* Behind a semicolon, at no blank. */
static void read_param(struct mime_content *out, struct at *at)
{
    struct mime_word name = {0}, value = {0};

    read_token(&name, at, BLANKS SPECIALS);
    skip(at);
    if (*at->p != '=') {
        at->broken = true;
        if (*at->p == '"')
            read_quoted(&value, at);
        else if (name.n == 0 && *at->p != '\0')
            at->p++;
        return;
    }
    at->p++;
    skip(at);
    bool quoted = *at->p == '"';
    if (quoted)
        read_quoted(&value, at);
    else
        read_token(&value, at,
                   BLANKS ";(\""); /* more than a token: bare boundaries with '/' and '=' are common */
    take_param(out, at, &name, &value, quoted);
}

void mime_content_read(struct mime_content *out, const char *value)
{
    struct at at = {.p = value};
    bool apart = false; /* a semicolon has come since the last parameter */

    memset(out, 0, sizeof *out);
    skip(&at);
    read_token(&out->type, &at, BLANKS SPECIALS);
    skip(&at);
    if (*at.p == '/') {
        at.p++;
        skip(&at);
        read_token(&out->subtype, &at, BLANKS SPECIALS);
    }
    for (skip(&at); *at.p != '\0'; skip(&at)) {
        if (*at.p == ';') {
            at.p++;
            apart = true;
            continue;
        }
        at.broken |= !apart;
        read_param(out, &at);
        apart = false;
    }
    out->broken = at.broken;
}

void mime_keyword_read(struct mime_word *word, struct mime_word *comment, const char *value)
{
    struct at at = {.p = value};

    memset(word, 0, sizeof *word);
    skip(&at);
    read_token(word, &at, BLANKS ";(,");
    skip(&at);
    *comment = at.comment;
}

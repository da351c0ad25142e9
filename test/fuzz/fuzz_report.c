/*
 * The kind of a null-sender message: the same for any order, case and fold of
 * its fields; a bounce as soon as one field says so.  Input: a header.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "milter/mime.h"
#include "milter/report.h"

enum { FIELDS = 64 };

struct header {
    char *name[FIELDS], *value[FIELDS];
    size_t n;
};

/* Cuts up text, which it changes. A line without a colon is a value without a name. */
static void cut(struct header *h, char *text)
{
    static char none[] = "Content-Type";

    h->n = 0;
    for (char *p = text, *next; p != NULL && *p != '\0' && h->n < FIELDS; p = next) {
        next = strchr(p, '\n');
        while (next != NULL && (next[1] == ' ' || next[1] == '\t'))
            next = strchr(next + 1, '\n');
        if (next != NULL)
            *next++ = '\0';
        char *colon = strchr(p, ':');
        h->name[h->n] = colon != NULL ? p : none;
        h->value[h->n++] = colon != NULL ? colon + 1 : p;
        if (colon != NULL)
            *colon = '\0';
    }
}

static struct report told(const struct header *h, bool backwards)
{
    struct report r = {0};

    for (size_t i = 0; i < h->n; i++) {
        size_t at = backwards ? h->n - 1 - i : i;
        report_header(&r, h->name[at], h->value[at]);
    }
    return r;
}

static void check_bounce(struct report r)
{
    static const struct {
        const char *name, *value;
        bool not_dmarc; /* what a report of DMARC may have */
    } fields[] = {{"x-FAILED-recipients ", "a@b.example", false},
                  {"From", "\"=?utf-8?q?Mailer-D=61emon?=\" <x@b.example>", true},
                  {"Content-Type", "multipart/report; report-type*=''delivery%2Dstatus", false},
                  {"Auto-Submitted", "auto-generated (Failure)", false}};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct report more = r;
        report_header(&more, fields[i].name, fields[i].value);
        CHECK(report_type(&more) == REPORT_OTHER ||
              (fields[i].not_dmarc && report_type(&more) == REPORT_DMARC && report_type(&r) == REPORT_DMARC));
    }
}

/* One more parameter behind a value that can be read is one more parameter. */
static void check_content(const char *value)
{
    static const char behind[] = "; report-type=delivery-status";
    struct mime_content content, longer;
    size_t n = strlen(value);

    mime_content_read(&content, value);
    CHECK(strlen(content.report_type.text) < MIME_WORD && strlen(content.type.text) < MIME_WORD);
    if (content.broken)
        return;
    char *text = malloc(n + sizeof behind);
    CHECK(text != NULL);
    memcpy(text, value, n);
    memcpy(text + n, behind, sizeof behind);
    mime_content_read(&longer, text);
    CHECK(longer.report_types == content.report_types + 1 && !longer.broken);
    CHECK(strcmp(longer.type.text, content.type.text) == 0);
    free(text);
}

/* The header with capitals, or with CR LF; freed by the caller. */
static char *changed(const char *text, bool capitals)
{
    char *copy = malloc(2 * strlen(text) + 1), *to = copy;

    CHECK(copy != NULL);
    for (; *text != '\0'; text++) {
        if (!capitals && *text == '\n')
            *to++ = '\r';
        *to++ = capitals && *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    }
    *to = '\0';
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *other[2];
    struct header h, same;

    CHECK(text != NULL);
    for (size_t i = 0; i < size; i++)
        text[i] = data[i] != '\0' ? (char)data[i] : ' ';
    text[size] = '\0';
    bool encoded = strstr(text, "=?") != NULL; /* in which case means something */
    other[0] = changed(text, !encoded);
    other[1] = changed(text, false);
    cut(&h, text);
    struct report r = told(&h, false);
    CHECK(told(&h, true).seen == r.seen);
    for (size_t i = 0; i < 2; i++) {
        cut(&same, other[i]);
        CHECK(told(&same, false).seen == r.seen);
        free(other[i]);
    }
    check_bounce(r);
    for (size_t i = 0; i < h.n; i++)
        check_content(h.value[i]);
    free(text);
    return 0;
}

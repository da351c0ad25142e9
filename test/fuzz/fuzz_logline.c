/*
 * Lines of a log: a decision is told again in the words of the daemon and read
 * to the same; what is kept of it is printable; a page of it holds no markup of
 * the line's.  Input: a line, or an entry of the journal in JSON.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "tools/report_journal.h"
#include "tools/report_view.h"

static void check_printable(const char *text)
{
    CHECK(strlen(text) < REPORT_TEXT);
    for (; *text != '\0'; text++)
        CHECK(*text >= ' ' && *text < 0x7f);
}

static void check_address(struct bv_str s)
{
    struct report_address a, again;

    report_address_read(&a, s);
    check_printable(a.address);
    check_printable(a.domain);
    report_address_read(&again, s);
    CHECK(strcmp(a.address, again.address) == 0 && strcmp(a.domain, again.domain) == 0);
}

static bool same(struct bv_str a, struct bv_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static void check_again(const struct report_line *l)
{
    struct report_line again;
    char key = l->key < 0 ? '-' : (char)('0' + l->key);
    size_t size = 400 + l->client.n + l->from.n + l->rcpt.n;
    char *text = malloc(size);

    CHECK(text != NULL);
    snprintf(
        text, size,
        "bvmilter[1]: A: client=a[%.*s], event=%s, verdict=%s, action=%s, key=%c, from=<%.*s>, rcpt=<%.*s>",
        (int)l->client.n, l->client.p, event_word(l->event), verdict_word(l->verdict), action_word(l->action),
        key, (int)l->from.n, l->from.p, (int)l->rcpt.n, l->rcpt.p);
    report_line_read(&again, bv_str(text));
    CHECK(again.kind == REPORT_DECISION && again.event == l->event && again.verdict == l->verdict);
    CHECK(again.action == l->action && again.key == l->key && same(again.client, l->client));
    CHECK(same(again.from, l->from) && same(again.rcpt, l->rcpt));
    free(text);
}

/* Between the page's beginning and its end, every mark that opens is one of ours. */
static void check_page(const struct report_line *l)
{
    static const char *const ours[] = {"!DOCTYPE", "html",    "head",       "meta", "title", "style", "body",
                                       "h1",       "h2",      "p",          "div",  "b>",    "span",  "i ",
                                       "i>",       "figure",  "figcaption", "svg",  "text",  "line",  "g>",
                                       "rect",     "section", "table",      "tr",   "th",    "td",    "/"};
    struct report_tally t;
    char *page = NULL;
    size_t size;

    CHECK(report_tally_init(&t, 4, 1) == 0);
    report_tally_add(&t, l, l->stamp.kind == REPORT_STAMP_UTC ? l->stamp.utc : REPORT_NEVER);
    report_tally_end(&t);
    FILE *out = open_memstream(&page, &size);
    CHECK(out != NULL);
    report_write_html(out, &t);
    CHECK(fclose(out) == 0);
    for (const char *p = page; (p = strchr(p, '<')) != NULL; p++) {
        bool known = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            known = known || strncmp(p + 1, ours[i], strlen(ours[i])) == 0;
        CHECK(known);
    }
    free(page);
    report_tally_free(&t);
}

static void check_line(const struct report_line *l)
{
    char network[REPORT_TEXT];

    if (l->kind == REPORT_BROKEN)
        CHECK(l->why != NULL);
    if (l->kind == REPORT_DECISION) {
        check_address(l->from);
        check_address(l->rcpt);
        report_network(network, l->client);
        check_printable(network);
        check_again(l);
    }
    if (l->kind == REPORT_DECISION || l->kind == REPORT_NOTICE)
        check_page(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bv_str text = {(const char *)data, size};
    static struct report_entry e;
    struct report_line l;

    report_line_read(&l, text);
    check_line(&l);
    e = (struct report_entry){.timed = false};
    report_entry_json(&e, text);
    report_entry_line(&l, &e);
    check_line(&l);
    return 0;
}

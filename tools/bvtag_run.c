#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/bvtag.h"
#include "tools/cmd.h"

void bvtag_date(char dst[BVTAG_DATE], long day)
{
    char text[KEYS_TIME_LEN + 1];

    keys_time_write(text, (int64_t)day * BV_DAY_SECONDS);
    snprintf(dst, BVTAG_DATE, "%.10s", day == 0 ? "-" : text);
}

void bvtag_original(char dst[BV_ADDR_QUOTED], const struct bv_addr *a)
{
    struct bv_tag tag;

    dst[0] = '\0';
    bv_tag_read(&tag, a);
    if (tag.kind == BV_TAG_PRVS)
        bv_addr_write(dst, BV_ADDR_QUOTED, tag.local, bv_addr_domain(a));
}

void bvtag_json_text(const char *name, const char *text, bool first)
{
    fputs(first ? "{" : ", ", stdout);
    cmd_json_string(name);
    fputs(": ", stdout);
    if (text[0] == '\0' || strcmp(text, "-") == 0)
        fputs("null", stdout);
    else
        cmd_json_string(text);
}

void bvtag_json_number(const char *name, long number, bool known)
{
    fputs(", ", stdout);
    cmd_json_string(name);
    if (known)
        printf(": %ld", number);
    else
        fputs(": null", stdout);
}

/* What all commands say in JSON; `name` is "output" or "original". */
static void print_json(const struct bvtag *b, const char *input, const char *verdict, const char *name,
                       const char *address, int key, long expires)
{
    char date[BVTAG_DATE];

    bvtag_date(date, expires);
    fputs("{\"input\": ", stdout);
    cmd_json_string(input);
    bvtag_json_text("verdict", verdict, false);
    bvtag_json_text(name, address, false);
    bvtag_json_number("key", key, key >= 0);
    bvtag_json_text("expires", date, false);
    bvtag_json_number("days_left", expires - b->keys.today, expires != 0);
    puts("}");
}

/* The verdict of the log line, for what bv_sign() says. */
static const char *sign_word(enum bv_tagging why)
{
    switch (why) {
    case BV_TAGGABLE:
        return verdict_word(VERDICT_SIGNED);
    case BV_ALREADY_TAGGED:
        return verdict_word(VERDICT_ALREADY_TAGGED);
    case BV_NO_MAILBOX:
    case BV_ILL_FORMED:
    case BV_FOREIGN_TAG:
    case BV_NOT_ASCII:
    case BV_LOCAL_TOO_LONG:
    case BV_NEEDS_QUOTES:
    case BV_NO_DOMAIN:
    case BV_PATH_TOO_LONG:
        return verdict_word(VERDICT_NOT_TAGGABLE);
    case BV_TAGGING_FAULT:
        break;
    }
    return verdict_word(VERDICT_FAULT);
}

/* The syntax for an address; false when a configuration is named and its domain is not ours. */
static bool choose_syntax(enum bv_syntax *out, const struct bvtag *b, const struct bv_addr *a)
{
    *out = BV_PREFIX;
    if (!b->has_conf || a->domain_len == 0)
        return true;
    const struct domain *row = domains_find(&b->conf.policy.domains, bv_addr_domain(a));
    if (row != NULL)
        *out = row->own_syntax ? row->syntax : b->conf.policy.syntax;
    return row != NULL;
}

int bvtag_sign(struct bvtag *b, const char *text)
{
    char tagged[BV_TAGGED] = "";
    enum bv_tagging why = BV_TAGGING_FAULT;
    enum bv_syntax syntax;
    struct bv_addr a;
    const struct bv_key *key = b->keys.signing;

    bv_addr_read(&a, bv_str(text));
    bool ours = choose_syntax(&syntax, b, &a);
    if (key != NULL)
        why = ours ? bv_sign(tagged, &a, key, syntax, b->keys.today) : bv_taggable(&a);
    bool done = why == BV_TAGGABLE && ours;
    if (b->json)
        print_json(b, text, why == BV_TAGGABLE && !ours ? "exempt" : sign_word(why), "output",
                   done ? tagged : text, done ? (int)key->number : -1,
                   done ? b->keys.today + (long)key->lifetime : 0);
    else
        puts(done ? tagged : text);
    if (done)
        return TOOL_YES;
    if (key == NULL)
        tool_say("%s: no key signs at this time", b->keyring_path);
    else
        tool_say("%s: %s", *text != '\0' ? text : "an empty line",
                 ours || why != BV_TAGGABLE ? bv_tagging_reason(why) : "not in a domain of ours");
    return key == NULL || why == BV_TAGGING_FAULT ? TOOL_TROUBLE : TOOL_NO;
}

int bvtag_verify(struct bvtag *b, const char *text)
{
    char original[BV_ADDR_QUOTED], date[BVTAG_DATE], digit[2] = "-";
    struct bv_result r;
    struct bv_addr a;

    bv_addr_read(&a, bv_str(text));
    bv_verify(&r, &a, &b->keys.all, b->keys.today);
    bvtag_original(original, &a);
    bvtag_date(date, r.expires);
    if (r.key >= 0)
        digit[0] = (char)('0' + r.key);
    if (b->json)
        print_json(b, text, bv_status_word(r.status), "original", original, r.key, r.expires);
    else
        printf("%s %s key=%s expires=%s\n", bv_status_word(r.status), *original != '\0' ? original : "-", digit,
               date);
    if (r.status == BV_FAULT)
        return TOOL_TROUBLE;
    return r.status == BV_VALID ? TOOL_YES : TOOL_NO;
}

int bvtag_strip(struct bvtag *b, const char *text)
{
    char original[BV_ADDR_QUOTED];
    struct bv_tag tag;
    struct bv_addr a;

    bv_addr_read(&a, bv_str(text));
    bv_tag_read(&tag, &a);
    bvtag_original(original, &a);
    bool tagged = *original != '\0';
    if (b->json)
        print_json(b, text, "", "original", tagged ? original : text, tagged ? (int)tag.key : -1, 0);
    else
        puts(tagged ? original : text);
    return TOOL_YES;
}

/* Whoever waits for an answer before he asks on, gets it. */
static ssize_t read_on(void *unused, char *dst, size_t size)
{
    (void)unused;
    return fflush(stdout) == 0 ? read(STDIN_FILENO, dst, size) : -1;
}

FILE *bvtag_lines_open(void)
{
    static char buffer[65536];
    FILE *in = fopencookie(NULL, "r", (cookie_io_functions_t){.read = read_on});

    if (in != NULL)
        setvbuf(in, buffer, _IOFBF, sizeof buffer);
    return in;
}

bool bvtag_line_read(struct bvtag_line *l, FILE *in)
{
    size_t n = 0;
    int c;

    for (; (c = getc_unlocked(in)) != '\n' && c != EOF; n++)
        if (n < sizeof l->text)
            l->text[n] = (char)c;
    if (ferror(in) || (c == EOF && n == 0))
        return false;
    if (c == '\n' && n > 0 && n < sizeof l->text && l->text[n - 1] == '\r')
        n--;
    l->fault[0] = '\0';
    if (n > BVTAG_LINE)
        snprintf(l->fault, sizeof l->fault, "over %d octets", BVTAG_LINE);
    else if (memchr(l->text, '\0', n) != NULL)
        strcpy(l->fault, "holds a NUL");
    else
        l->text[n] = '\0';
    return true;
}

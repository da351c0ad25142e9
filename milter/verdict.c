#include "milter/verdict.h"

#include <stdio.h>
#include <string.h>

/* A text under construction; what does not fit is left out. */
struct out {
    char *dst;
    size_t size, n;
};

static void put_str(struct out *o, struct bv_str s)
{
    if (o->n + s.n < o->size) {
        memcpy(o->dst + o->n, s.p, s.n);
        o->n += s.n;
    }
    o->dst[o->n] = '\0';
}

static void put(struct out *o, const char *text)
{
    put_str(o, bv_str(text));
}

static void put_char(struct out *o, char c)
{
    put_str(o, (struct bv_str){&c, 1});
}

/* What may stand as it is: neither the marks that hold a log line together nor those of a header's comment. */
static bool is_clean(char c)
{
    switch (c) {
    case '<':
    case '>':
    case ',':
    case '"':
    case '\\':
    case '(':
    case ')':
        return false;
    default:
        return c > ' ' && c < 0x7f;
    }
}

/* At most `most` octets of a stranger's text, what is not clean in hex. */
static void put_clean(struct out *o, struct bv_str s, size_t most)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t end = o->n + most < o->size ? o->n + most : o->size;

    for (size_t i = 0; i < s.n && o->n + 5 < end; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_clean(s.p[i]))
            o->dst[o->n++] = s.p[i];
        else
            put_str(o, (struct bv_str){(const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4});
    }
    o->dst[o->n] = '\0';
}

static bool is_alphanumeric(char c)
{
    char lower = bv_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* Whether a text consists of letters, digits and the marks given, 1 to `most` of them. */
static bool is_made_of(const char *text, const char *marks, size_t most)
{
    size_t n = 0;

    while (n <= most && text[n] != '\0' && (is_alphanumeric(text[n]) || strchr(marks, text[n]) != NULL))
        n++;
    return n > 0 && n <= most && text[n] == '\0';
}

enum { QUEUE_ID_MAX = 40 };

enum { LINE_ADDRESS = 330 };

static void put_address(struct out *o, const char *name, struct bv_str address)
{
    put(o, name);
    put_clean(o, address, LINE_ADDRESS);
    put_char(o, '>');
}

void verdict_line(char dst[VERDICT_LINE], const char *queue_id, const struct verdict_client *client,
                  const struct decision *d, struct bv_str from, struct bv_str rcpt)
{
    struct out o = {dst, VERDICT_LINE, 0};
    char address[NET_TEXT];
    const char digit[] = {(char)('0' + d->key), '\0'};

    put(&o, queue_id != NULL && is_made_of(queue_id, "", QUEUE_ID_MAX) ? queue_id : "NOQUEUE");
    put(&o, ": client=");
    /* A reverse name is a stranger's text too. */
    put(&o, is_made_of(client->name, ".-_", BV_DOMAIN_MAX) ? client->name : "unknown");
    net_addr_write(address, &client->addr);
    put_char(&o, '[');
    put(&o, address);
    put(&o, "], event=");
    put(&o, event_word(d->event));
    put(&o, ", verdict=");
    put(&o, verdict_word(d->verdict));
    put(&o, ", action=");
    put(&o, action_word(d->action));
    put(&o, ", key=");
    put(&o, d->key < 0 ? "-" : digit);
    put_address(&o, ", from=<", from);
    put_address(&o, ", rcpt=<", rcpt);
}

static void put_template(struct out *o, const char *template, const struct decision *d)
{
    for (const char *p = template; *p != '\0'; p++) {
        if (p[0] != '%' || p[1] == '\0') {
            put_char(o, *p);
            continue;
        }
        p++;
        if (*p == 'v')
            put(o, verdict_word(d->verdict));
        else if (*p == 'r')
            put(o, result_word(verdict_result(d->verdict)));
        else
            put_char(o, *p);
    }
}

void verdict_header(char dst[VERDICT_HEADER], const char *template, const struct decision *d,
                    struct bv_str recipient)
{
    struct out o = {dst, VERDICT_HEADER, 0};

    dst[0] = '\0';
    if (*template != '\0') {
        put_template(&o, template, d);
        return;
    }
    put(&o, result_word(verdict_result(d->verdict)));
    put(&o, " (");
    put(&o, verdict_word(d->verdict));
    put_char(&o, ')');
    if (recipient.n > 0) {
        put(&o, " recipient=");
        put_clean(&o, recipient, LINE_ADDRESS);
    }
}

/* In parentheses, of which it has none inside. */
static void put_kind(struct out *o, const char *kind)
{
    put(o, " (");
    for (; *kind != '\0'; kind++) {
        if (*kind == '(' || *kind == ')')
            put_char(o, *kind == '(' ? '[' : ']');
        else
            put_char(o, *kind);
    }
    put_char(o, ')');
}

void verdict_guard_header(char dst[VERDICT_HEADER], const struct decision *d, struct bv_str domain)
{
    struct out o = {dst, VERDICT_HEADER, 0};

    put(&o, verdict_word(d->verdict));
    put_kind(&o, d->verdict == VERDICT_BOGUS_MX ? d->kind : "null MX");
    put(&o, " domain=");
    put_clean(&o, domain, LINE_ADDRESS);
}

static void set_reply(struct verdict_reply *out, const char *code, const char *status, const char *text)
{
    out->code = code;
    out->status = status;
    snprintf(out->text, sizeof out->text, "%s", text);
}

static void set_refusal(struct verdict_reply *out, const char *reject_text, const struct decision *d)
{
    if (d->verdict == VERDICT_NO_MAIL || (d->verdict == VERDICT_NULL_MX && !d->of_sender)) {
        set_reply(out, "556", "5.1.10",
                  "the recipient's domain does not accept mail"); /* RFC 7504, RFC 7505 4.2 */
    } else if (d->verdict == VERDICT_NULL_MX) {
        set_reply(out, "550", "5.7.27", "the sender's domain does not accept mail"); /* RFC 7505 4.1 */
    } else if (d->verdict == VERDICT_BOGUS_MX) {
        set_reply(out, "554", "5.7.1", d->kind);
        if (!d->sentence)
            snprintf(out->text, sizeof out->text, "%s MX in %s network",
                     d->of_sender ? "Sender domain" : "Domain", d->kind);
    } else {
        set_reply(out, "550", "5.7.1", reject_text);
        if (d->verdict == VERDICT_EXPIRED)
            strncat(out->text, ": the address tag has expired", sizeof out->text - strlen(out->text) - 1);
    }
}

void verdict_reply(struct verdict_reply *out, const char *reject_text, const struct decision *d)
{
    switch (d->action) {
    case ACTION_ACCEPT:
    case ACTION_MARK:
    case ACTION_QUARANTINE:
    case ACTION_DISCARD:
        set_reply(out, "250", "", "");
        return;
    case ACTION_REJECT:
        set_refusal(out, reject_text, d);
        return;
    case ACTION_TOO_MANY:
        set_reply(out, "452", "4.5.3", "too many recipients");
        return;
    case ACTION_DISCONNECT: /* the MTA ends the session, RFC 5321 3.8 */
        set_reply(out, "421", "4.7.0", "too many forged address tags in this session");
        return;
    case ACTION_TEMPFAIL:
        break;
    }
    set_reply(out, "451", "4.7.1", "bounce verification is not available, try again later");
}

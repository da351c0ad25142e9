#include "bv/lex.h"

#include <string.h>

/* Brackets may be missing, doubled or unbalanced: MTAs let all of that through. */
static struct bv_str strip_brackets(struct bv_str s)
{
    s = lex_trim(s);
    while (s.n > 0 && s.p[0] == '<')
        s = lex_trim((struct bv_str){s.p + 1, s.n - 1});
    while (s.n > 0 && s.p[s.n - 1] == '>')
        s = lex_trim((struct bv_str){s.p, s.n - 1});
    return s;
}

static struct bv_str without_final_dot(struct bv_str s)
{
    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

static bool is_domain(struct bv_str s)
{
    bool literal = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';

    if (!literal)
        return lex_is_dot_atom(s);
    for (size_t i = 1; i + 1 < s.n; i++) /* dtext, RFC 5321 4.1.3, but nothing that would read differently */
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("[]\\\"()<>@", s.p[i]) != NULL)
            return false;
    return true;
}

static bool has_non_ascii(struct bv_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return true;
    return false;
}

/* Joins the two halves in out->text; returns false when they make no mailbox. */
static bool build(struct bv_addr *out, struct bv_str local, struct bv_str domain)
{
    struct lex_half l = lex_unquote(out->text, BV_LOCAL_KEPT, local, false);
    if (l.n == 0)
        return false;
    out->overlong = l.n > BV_LOCAL_KEPT;
    out->local_len = out->overlong ? BV_LOCAL_KEPT : l.n;

    char *at = out->text + out->local_len;
    *at = '@';
    struct lex_half d = lex_unquote(at + 1, BV_DOMAIN_MAX + 1, domain, true);
    if (d.n > BV_DOMAIN_MAX + 1)
        return false;
    out->domain_len = without_final_dot((struct bv_str){at + 1, d.n}).n;
    if (out->domain_len > BV_DOMAIN_MAX || (d.n > 0 && !d.atoms && !is_domain(bv_addr_domain(out))))
        return false;
    out->ill_formed = l.ill_formed;
    out->needs_quotes = out->overlong || !(l.atoms || lex_is_dot_atom(bv_addr_local(out)));
    out->non_ascii = has_non_ascii((struct bv_str){out->text, out->local_len + 1 + out->domain_len});
    return true;
}

/* local@host, or with the host first when it stands before the separator at i. */
static enum bv_shape build_split(struct bv_addr *out, struct bv_str s, size_t i, bool host_first)
{
    struct bv_str before = {s.p, i}, after = {s.p + i + 1, s.n - i - 1};
    bool built = host_first ? build(out, after, before) : build(out, before, after);

    return built && out->domain_len > 0 ? BV_MAILBOX : BV_UNREADABLE;
}

static enum bv_shape read_mailbox(struct bv_addr *out, struct bv_str s)
{
    bool balanced = true;
    size_t i;

    if (s.p[0] == '@') {
        i = lex_find(s, ':', true, &balanced);
        if (i == s.n)
            return balanced ? BV_UNREADABLE : BV_NOBODY;
        s = lex_trim((struct bv_str){s.p + i + 1, s.n - i - 1});
    }
    i = lex_find(s, '@', false, &balanced);
    if (!balanced)
        return BV_NOBODY;
    if (i < s.n)
        return build_split(out, s, i, false);
    i = lex_find(s, '!', true, &balanced);
    if (i < s.n)
        return build_split(out, s, i, true);
    i = lex_find(s, '%', false, &balanced);
    if (i < s.n)
        return build_split(out, s, i, false);
    return build(out, s, (struct bv_str){"", 0}) ? BV_MAILBOX : BV_NOBODY;
}

static void addr_clear(struct bv_addr *out, enum bv_shape shape)
{
    out->shape = shape;
    out->overlong = out->ill_formed = out->needs_quotes = out->non_ascii = false;
    out->local_len = out->domain_len = 0;
}

void bv_addr_read(struct bv_addr *out, struct bv_str arg)
{
    struct bv_str s = strip_brackets(arg);

    addr_clear(out, BV_MAILBOX);
    enum bv_shape shape = s.n == 0 ? BV_NULL_SENDER : read_mailbox(out, s);
    if (shape != BV_MAILBOX)
        addr_clear(out, shape);
}

struct bv_str bv_addr_local(const struct bv_addr *a)
{
    return (struct bv_str){a->text, a->local_len};
}

struct bv_str bv_addr_domain(const struct bv_addr *a)
{
    return (struct bv_str){a->text + a->local_len + 1, a->domain_len};
}

/* Index behind the last of a character, 0: there is none. */
static size_t behind_last(struct bv_str s, char c)
{
    size_t i = s.n;

    while (i > 0 && s.p[i - 1] != c)
        i--;
    return i;
}

/* The two halves of a local part that is an address itself: at its last '@', else its last '%', else its first '!'. */
static bool split_local(struct bv_str *user, struct bv_str *host, struct bv_str local)
{
    size_t i = behind_last(local, '@');
    const char *bang = memchr(local.p, '!', local.n);

    if (i == 0)
        i = behind_last(local, '%');
    if (i > 0) {
        *user = (struct bv_str){local.p, i - 1};
        *host = (struct bv_str){local.p + i, local.n - i};
    } else if (bang != NULL) {
        size_t n = (size_t)(bang - local.p);
        *host = (struct bv_str){local.p, n};
        *user = (struct bv_str){bang + 1, local.n - n - 1};
    } else {
        return false;
    }
    *host = without_final_dot(*host);
    return user->n > 0 && host->n > 0 && host->n <= BV_DOMAIN_MAX && is_domain(*host);
}

bool bv_addr_inner(struct bv_addr *out, const struct bv_addr *a)
{
    struct bv_str local = bv_addr_local(a), user, host;
    struct bv_addr inner;

    if (a->shape != BV_MAILBOX || a->overlong || !split_local(&user, &host, local))
        return false;
    addr_clear(&inner, BV_MAILBOX);
    memcpy(inner.text, user.p, user.n);
    inner.text[user.n] = '@';
    memcpy(inner.text + user.n + 1, host.p, host.n);
    inner.local_len = user.n;
    inner.domain_len = host.n;
    inner.ill_formed = a->ill_formed;
    inner.needs_quotes = !lex_is_dot_atom(bv_addr_local(&inner));
    inner.non_ascii = has_non_ascii(local);
    *out = inner;
    return true;
}

static bool has_control(struct bv_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

size_t bv_addr_write(char *dst, size_t size, struct bv_str local, struct bv_str domain)
{
    bool quote = !lex_is_dot_atom(local);
    size_t n = 0;

    if (size < local.n * (quote ? 2 : 1) + (quote ? 2 : 0) + domain.n + 2 || has_control(local) ||
        has_control(domain))
        goto empty;
    if (quote)
        dst[n++] = '"';
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] == '"' || local.p[i] == '\\')
            dst[n++] = '\\';
        dst[n++] = local.p[i];
    }
    if (quote)
        dst[n++] = '"';
    if (domain.n > 0) {
        dst[n++] = '@';
        memcpy(dst + n, domain.p, domain.n);
        n += domain.n;
    }
    dst[n] = '\0';
    return n;
empty:
    if (size > 0)
        dst[0] = '\0';
    return 0;
}

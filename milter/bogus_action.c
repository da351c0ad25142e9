#include "milter/bogus_parts.h"

#include <string.h>

static bool is_code(struct bv_str word)
{
    return word.n == 3 && (word.p[0] == '4' || word.p[0] == '5') && word.p[1] >= '0' && word.p[1] <= '9' &&
           word.p[2] >= '0' && word.p[2] <= '9';
}

static bool is_one_of(struct bv_str word, const char *const *list)
{
    while (*list != NULL && !bv_str_same_nocase(word, bv_str(*list)))
        list++;
    return *list != NULL;
}

/* One to three digits. Returns what is behind them, or NULL. */
static char *skip_number(char *text)
{
    size_t n = strspn(text, "0123456789");

    return n >= 1 && n <= 3 ? text + n : NULL;
}

/* Steps over an enhanced status code, RFC 3463. */
static char *skip_status(char *text)
{
    char *at = text;

    if (strspn(text, "245") == 0 || text[1] != '.')
        return text;
    at = skip_number(text + 2);
    if (at == NULL || *at != '.')
        return text;
    at = skip_number(at + 1);
    if (at == NULL || (*at != ' ' && *at != '\0'))
        return text;
    return *at == ' ' ? at + 1 : at;
}

static bool drop_end(char *text, const char *end)
{
    size_t n = strlen(text), length = strlen(end);

    if (n <= length || strcmp(text + n - length, end) != 0)
        return false;
    text[n - length] = '\0';
    return true;
}

/* Of "Domain MX in loopback network" or "Domain MX is Loopback address" what is in the middle. */
static const char *find_kind(char *text)
{
    static const char *const begin[] = {"Domain MX in ", "Domain MX is "};

    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) {
        size_t n = strlen(begin[i]);
        if (strlen(text) <= n || memcmp(text, begin[i], n) != 0)
            continue;
        text += n;
        if (!drop_end(text, " network"))
            drop_end(text, " address");
        break;
    }
    return text;
}

/*
 * What lets mail through and only adds to it (WARN, PREPEND, ...) is refused:
 * one reading of it would turn mail away, the other let bogus networks pass.
 */
bool bogus_action(const char **kind, char *text)
{
    static const char *const good[] = {"dunno", "ok", "permit", NULL};
    static const char *const bad[] = {
        "reject", "defer", "defer_if_permit", "defer_if_reject", "discard", "drop", "hold", NULL};
    struct bv_str word = {text, strcspn(text, " ")};

    *kind = NULL;
    if (is_one_of(word, good))
        return true;
    if (!is_code(word) && !is_one_of(word, bad))
        return false;
    text += word.n;
    text = skip_status(text + (*text == ' '));
    *kind = *text == '\0' ? "bogus" : find_kind(text);
    return true;
}

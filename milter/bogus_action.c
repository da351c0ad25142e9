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

/* Of "Domain MX in loopback network" what is in the middle; any other text of several words is left as it is. */
static const char *find_kind(bool *sentence, char *text)
{
    static const char begin[] = "Domain MX in ", end[] = " network";
    enum { BEGIN = sizeof begin - 1, END = sizeof end - 1 };
    size_t n = strlen(text);

    if (n > BEGIN + END && memcmp(text, begin, BEGIN) == 0 && strcmp(text + n - END, end) == 0) {
        text[n - END] = '\0';
        return text + BEGIN;
    }
    *sentence = strchr(text, ' ') != NULL;
    return text;
}

/*
 * What lets mail through and only adds to it (WARN, PREPEND, ...) is refused:
 * one reading of it would turn mail away, the other let bogus networks pass.
 */
bool bogus_action(const char **kind, bool *sentence, char *text)
{
    static const char *const good[] = {"dunno", "ok", "permit", NULL};
    static const char *const bad[] = {
        "reject", "defer", "defer_if_permit", "defer_if_reject", "discard", "drop", "hold", NULL};
    struct bv_str word = {text, strcspn(text, " ")};

    *kind = NULL;
    *sentence = false;
    if (is_one_of(word, good))
        return true;
    if (!is_code(word) && !is_one_of(word, bad))
        return false;
    text += word.n;
    text = skip_status(text + (*text == ' '));
    *kind = *text == '\0' ? "bogus" : find_kind(sentence, text);
    return true;
}

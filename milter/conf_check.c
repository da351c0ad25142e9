#include "milter/conf_check.h"

#include <stdlib.h>
#include <string.h>

#include "keys/keys.h"
#include "milter/endpoint.h"

void conf_refuse(const struct conf_taking *t, const char *text, const char *wrong)
{
    problems_add(t->problems, t->conf->path, t->line, "%s: \"%.60s\" %s", t->row->name, text, wrong);
}

void conf_no_memory(const struct conf_taking *t)
{
    problems_add(t->problems, t->conf->path, t->line, "%s: no memory", t->row->name);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

bool conf_is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

void conf_put_text(const struct conf_taking *t, char **dst, const char *text)
{
    if (!is_printable(text)) {
        conf_refuse(t, "", "holds a control character");
        return;
    }
    free(*dst);
    *dst = strdup(text);
    if (*dst == NULL)
        conf_no_memory(t);
}

void conf_put_path(const struct conf_taking *t, char **dst)
{
    if (*t->value.text == '\0')
        conf_refuse(t, "", "is empty");
    else
        conf_put_text(t, dst, t->value.text);
}

void conf_put_line(const struct conf_taking *t, char **dst)
{
    enum { MOST = 200 };
    const char *text = t->value.text;

    if (!conf_is_ascii(text))
        conf_refuse(t, text, "may hold printable ASCII only");
    else if (strlen(text) > MOST)
        conf_refuse(t, text, "is longer than 200 octets");
    else
        conf_put_text(t, dst, text);
}

/* What is wrong with a socket's name; NULL: nothing. */
static const char *check_socket(const char *text)
{
    static const char wrong[] = "is no socket: use \"unix:/PATH\", \"inet:PORT@HOST\" or \"inet6:PORT@HOST\"";
    enum { SUN_PATH_MAX = 107 };
    const char *colon = strchr(text, ':');
    char *end = NULL;

    if (colon == NULL)
        return wrong;
    if (strncmp(text, "unix:", 5) == 0) {
        if (colon[1] != '/')
            return "needs an absolute path behind \"unix:\"";
        return strlen(colon + 1) > SUN_PATH_MAX ? "has a path of over 107 octets" : NULL;
    }
    if (strncmp(text, "inet:", 5) != 0 && strncmp(text, "inet6:", 6) != 0)
        return wrong;
    long port = strtol(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || port < 1 || port > 65535)
        return "has a port that is not in 1..65535";
    return *end != '@' || end[1] == '\0' ? "needs the address to listen on: \"inet:PORT@127.0.0.1\"" : NULL;
}

void conf_put_socket(const struct conf_taking *t, char **dst)
{
    const char *wrong = check_socket(t->value.text);

    if (wrong != NULL)
        conf_refuse(t, t->value.text, wrong);
    else
        conf_put_text(t, dst, t->value.text);
}

void conf_put_endpoint(const struct conf_taking *t, char **dst)
{
    struct endpoint e;
    const char *wrong = *t->value.text == '\0' ? NULL : endpoint_read(&e, t->value.text);

    if (wrong != NULL)
        conf_refuse(t, t->value.text, wrong);
    else
        conf_put_text(t, dst, t->value.text);
}

int conf_word(const struct conf_taking *t, const char *text, const char *const *words)
{
    char list[120];
    size_t n = 0;

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    problems_add(t->problems, t->conf->path, t->line, "%s: unknown word \"%.60s\" (%s)", t->row->name, text,
                 list);
    return 0;
}

void conf_put_number(const struct conf_taking *t, long *dst, long least, long most)
{
    const char *text = t->value.text;
    size_t digits = strspn(text, "0123456789");
    long value = strtol(text, NULL, 10);
    char wrong[64];

    snprintf(wrong, sizeof wrong, "is not in %ld..%ld", least, most);
    if (digits == 0 || text[digits] != '\0' || value < least || value > most)
        conf_refuse(t, text, wrong);
    else
        *dst = value;
}

void conf_put_duration(const struct conf_taking *t, int64_t *dst, const char *least, const char *most)
{
    int64_t value = 0, low = 0, high = 0;
    char wrong[64];

    keys_duration_read(&low, bv_str(least));
    keys_duration_read(&high, bv_str(most));
    snprintf(wrong, sizeof wrong, "is not in %s..%s", least, most);
    if (!keys_duration_read(&value, bv_str(t->value.text)))
        conf_refuse(t, t->value.text, "is no duration: write it like 30s, 15m, 1h or 7d");
    else if (value < low || value > high)
        conf_refuse(t, t->value.text, wrong);
    else
        *dst = value;
}

void conf_put_networks(const struct conf_taking *t, struct net_list *dst)
{
    dst->item = calloc(t->value.n + 1, sizeof *dst->item);
    if (dst->item == NULL) {
        conf_no_memory(t);
        return;
    }
    for (size_t i = 0; i < t->value.n; i++) {
        const char *wrong = net_read(&dst->item[dst->n], t->value.item[i]);
        if (wrong != NULL)
            conf_refuse(t, t->value.item[i], wrong);
        else
            dst->n++;
    }
}

void conf_put_list(const struct conf_taking *t, char ***dst)
{
    char **list = calloc(t->value.n + 1, sizeof *list);
    size_t n = 0;

    *dst = list;
    if (list == NULL)
        conf_no_memory(t);
    for (size_t i = 0; list != NULL && i < t->value.n; i++) {
        if (*t->value.item[i] == '\0')
            conf_refuse(t, "", "is empty");
        else
            conf_put_text(t, &list[n], t->value.item[i]);
        n += list[n] != NULL;
    }
}

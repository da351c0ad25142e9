#include <stdlib.h>
#include <string.h>

#include "milter/conf.h"

/* What is wrong with a text of the setting: `name: "text" wrong`. */
static void refuse(const struct conf_taking *t, const char *text, const char *wrong)
{
    problems_add(t->problems, t->conf->path, t->line, "%s: \"%.60s\" %s", t->row->name, text, wrong);
}

static void no_memory(const struct conf_taking *t)
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

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static void put_text(const struct conf_taking *t, char **dst, const char *text)
{
    if (!is_printable(text)) {
        refuse(t, "", "holds a control character");
        return;
    }
    free(*dst);
    *dst = strdup(text);
    if (*dst == NULL)
        no_memory(t);
}

static void put_path(const struct conf_taking *t, char **dst)
{
    if (*t->value.text == '\0')
        refuse(t, "", "is empty");
    else
        put_text(t, dst, t->value.text);
}

/* A text for SMTP and headers: short, printable ASCII. */
static void put_line(const struct conf_taking *t, char **dst)
{
    enum { MOST = 200 };
    const char *text = t->value.text;

    if (!is_ascii(text))
        refuse(t, text, "may hold printable ASCII only");
    else if (strlen(text) > MOST)
        refuse(t, text, "is longer than 200 octets");
    else
        put_text(t, dst, text);
}

/* Index of the value in a list of words; 0, the fault noted, when it is none of them. */
static int word_index(const struct conf_taking *t, const char *const *words)
{
    char list[120];
    size_t n = 0;

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], t->value.text) == 0)
            return i;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    problems_add(t->problems, t->conf->path, t->line, "%s: unknown word \"%.60s\" (%s)", t->row->name,
                 t->value.text, list);
    return 0;
}

static void put_networks(const struct conf_taking *t, struct net_list *dst)
{
    dst->item = calloc(t->value.n + 1, sizeof *dst->item);
    if (dst->item == NULL) {
        no_memory(t);
        return;
    }
    for (size_t i = 0; i < t->value.n; i++) {
        const char *wrong = net_read(&dst->item[dst->n], t->value.item[i]);
        if (wrong != NULL)
            refuse(t, t->value.item[i], wrong);
        else
            dst->n++;
    }
}

/* What is wrong with a socket's name; NULL: nothing. */
static const char *check_listen(const char *text)
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

static void take_listen(const struct conf_taking *t)
{
    const char *wrong = check_listen(t->value.text);

    if (wrong != NULL)
        refuse(t, t->value.text, wrong);
    else
        put_text(t, &t->conf->listen, t->value.text);
}

static void take_socket_group(const struct conf_taking *t)
{
    put_text(t, &t->conf->socket_group, t->value.text);
}

static void take_keyring(const struct conf_taking *t)
{
    put_path(t, &t->conf->keyring);
}

static void take_domains(const struct conf_taking *t)
{
    put_path(t, &t->conf->domains);
}

static void take_sign_authenticated(const struct conf_taking *t)
{
    t->conf->policy.sign_authenticated = t->value.yes;
}

static void take_sign_networks(const struct conf_taking *t)
{
    put_networks(t, &t->conf->policy.sign_networks);
}

static void take_internal_networks(const struct conf_taking *t)
{
    put_networks(t, &t->conf->policy.internal_networks);
}

static void take_sign_daemons(const struct conf_taking *t)
{
    char **names = calloc(t->value.n + 1, sizeof *names);
    size_t n = 0;

    t->conf->policy.sign_daemons = names;
    if (names == NULL)
        no_memory(t);
    for (size_t i = 0; names != NULL && i < t->value.n; i++) {
        if (*t->value.item[i] == '\0')
            refuse(t, "", "is empty");
        else
            put_text(t, &names[n], t->value.item[i]);
        n += names[n] != NULL;
    }
}

static void take_action(const struct conf_taking *t)
{
    static const char *const words[] = {"reject", "mark", "accept", NULL};
    static const enum action actions[] = {ACTION_REJECT, ACTION_MARK, ACTION_ACCEPT};

    t->conf->policy.action = actions[word_index(t, words)];
}

static void take_untagged_stage(const struct conf_taking *t)
{
    static const char *const words[] = {"data", "rcpt", NULL};

    t->conf->policy.untagged_at_rcpt = word_index(t, words) == 1;
}

static void take_reject_text(const struct conf_taking *t)
{
    if (*t->value.text == '\0')
        refuse(t, "", "is empty");
    else
        put_line(t, &t->conf->reject_text);
}

/* RFC 5322 3.6.8 */
static void take_header_name(const struct conf_taking *t)
{
    enum { MOST = 60 };
    const char *text = t->value.text;

    if (*text == '\0' || strlen(text) > MOST || strpbrk(text, ": ") != NULL || !is_ascii(text))
        refuse(t, text, "is no header name: 1 to 60 printable ASCII characters without colon or blank");
    else
        put_line(t, &t->conf->header_name);
}

static void take_header_value(const struct conf_taking *t)
{
    for (const char *p = strchr(t->value.text, '%'); p != NULL; p = strchr(p + 2, '%')) {
        if (p[1] == '\0' || strchr("vr%", p[1]) == NULL) {
            refuse(t, t->value.text, "has a \"%\" that is not %v, %r or %%");
            return;
        }
    }
    put_line(t, &t->conf->header_value);
}

static void take_delimiter(const struct conf_taking *t)
{
    static const char *const words[] = {"+", "-", NULL};

    t->conf->policy.delimiter = word_index(t, words) == 1 ? BV_MINUS : BV_PLUS;
}

/* Its row stands behind that of the delimiter, which it needs. */
static void take_syntax(const struct conf_taking *t)
{
    static const char *const words[] = {"prefix", "subaddress", NULL};

    t->conf->policy.syntax = word_index(t, words) == 1 ? t->conf->policy.delimiter : BV_PREFIX;
}

static void take_on_fault(const struct conf_taking *t)
{
    static const char *const words[] = {"tempfail", "accept", NULL};

    t->conf->policy.on_fault = word_index(t, words) == 1 ? ACTION_ACCEPT : ACTION_TEMPFAIL;
}

static void take_user(const struct conf_taking *t)
{
    put_text(t, &t->conf->user, t->value.text);
}

static void take_max_recipients(const struct conf_taking *t)
{
    enum { MOST = 10000, DIGITS = 5 };
    const char *text = t->value.text;
    size_t digits = strspn(text, "0123456789");

    t->conf->max_recipients = atol(text);
    if (digits == 0 || digits > DIGITS || text[digits] != '\0' || t->conf->max_recipients < 1 ||
        t->conf->max_recipients > MOST)
        refuse(t, text, "is not in 1..10000");
}

/* libconfuse wants these writable, and leaves them as they are. */
static char no_list[] = "{}";
static char originating[] = "{\"ORIGINATING\"}";
static char loopback[] = "{\"127.0.0.0/8\", \"::1/128\"}";

#define CONF_DIR BV_SYSCONFDIR "/bv/"

const struct conf_row conf_rows[] = {
    {"listen", CONF_TEXT, "unix:/run/bv/bvmilter.sock", NULL, false, take_listen},
    {"socket_group", CONF_TEXT, "postfix", NULL, false, take_socket_group},
    {"keyring", CONF_TEXT, CONF_DIR "keyring.json", NULL, false, take_keyring},
    {"domains", CONF_TEXT, CONF_DIR "domains", NULL, false, take_domains},
    {"sign_authenticated", CONF_BOOL, NULL, NULL, true, take_sign_authenticated},
    {"sign_networks", CONF_LIST, NULL, no_list, false, take_sign_networks},
    {"sign_daemons", CONF_LIST, NULL, originating, false, take_sign_daemons},
    {"internal_networks", CONF_LIST, NULL, loopback, false, take_internal_networks},
    {"action", CONF_TEXT, "reject", NULL, false, take_action},
    {"untagged_stage", CONF_TEXT, "data", NULL, false, take_untagged_stage},
    {"reject_text", CONF_TEXT, "bounce verification failed", NULL, false, take_reject_text},
    {"header_name", CONF_TEXT, "X-Bounce-Verification", NULL, false, take_header_name},
    {"header_value", CONF_TEXT, "", NULL, false, take_header_value},
    {"subaddress_delimiter", CONF_TEXT, "+", NULL, false, take_delimiter},
    {"syntax", CONF_TEXT, "prefix", NULL, false, take_syntax},
    {"on_fault", CONF_TEXT, "tempfail", NULL, false, take_on_fault},
    {"user", CONF_TEXT, "", NULL, false, take_user},
    {"max_recipients", CONF_NUMBER, "1000", NULL, false, take_max_recipients},
};

const size_t conf_row_count = sizeof conf_rows / sizeof *conf_rows;

int conf_row_find(const char *name, size_t n)
{
    for (size_t i = 0; i < conf_row_count; i++)
        if (strlen(conf_rows[i].name) == n && memcmp(conf_rows[i].name, name, n) == 0)
            return (int)i;
    return -1;
}

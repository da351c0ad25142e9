#include <stdlib.h>
#include <string.h>

#include "milter/conf.h"

static const char no_memory[] = "no memory";

static const char *take_text(char **dst, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return "holds a control character";
    free(*dst);
    *dst = strdup(text);
    return *dst == NULL ? no_memory : NULL;
}

/* A word from a list of them: its index, or -1 with *why filled. */
static int word_index(const char *const *words, const char *text, char *why, size_t size)
{
    size_t n = (size_t)snprintf(why, size, "unknown word \"%.60s\" (", text);

    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    for (int i = 0; words[i] != NULL && n < size; i++)
        n += (size_t)snprintf(why + n, size - n, "%s%s", i > 0 ? ", " : "", words[i]);
    if (n < size)
        snprintf(why + n, size - n, ")");
    return -1;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

/* A text for SMTP and headers: short, printable ASCII. */
static const char *take_line(char **dst, const char *text)
{
    enum { LINE_MAX_OCTETS = 200 };

    if (!is_printable(text))
        return "may hold printable ASCII only";
    if (strlen(text) > LINE_MAX_OCTETS)
        return "is longer than 200 octets";
    return take_text(dst, text);
}

static const char *take_path(char **dst, const char *text)
{
    return *text == '\0' ? "is empty" : take_text(dst, text);
}

static const char *take_networks(struct net_list *dst, const struct conf_value *v, char *why, size_t size)
{
    free(dst->item);
    dst->n = 0;
    dst->item = calloc(v->n + 1, sizeof *dst->item);
    if (dst->item == NULL)
        return no_memory;
    for (; dst->n < v->n; dst->n++) {
        const char *wrong = net_read(&dst->item[dst->n], v->item[dst->n]);
        if (wrong != NULL) {
            snprintf(why, size, "\"%.60s\" %s", v->item[dst->n], wrong);
            return why;
        }
    }
    return NULL;
}

/* unix:/PATH, inet:PORT@HOST or inet6:PORT@HOST. */
static const char *take_listen(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char wrong[] = "is no socket: use \"unix:/PATH\", \"inet:PORT@HOST\" or \"inet6:PORT@HOST\"";
    enum { SUN_PATH_MAX = 107 };
    const char *colon = strchr(v->text, ':');
    char *end = NULL;

    (void)why, (void)size;
    if (colon == NULL)
        return wrong;
    if (strncmp(v->text, "unix:", 5) == 0) {
        if (colon[1] != '/')
            return "needs an absolute path behind \"unix:\"";
        return strlen(colon + 1) > SUN_PATH_MAX ? "has a path of over 107 octets"
                                                : take_text(&c->listen, v->text);
    }
    if (strncmp(v->text, "inet:", 5) != 0 && strncmp(v->text, "inet6:", 6) != 0)
        return wrong;
    long port = strtol(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || port < 1 || port > 65535)
        return "has a port that is not in 1..65535";
    if (*end != '@' || end[1] == '\0')
        return "needs the address to listen on: \"inet:PORT@127.0.0.1\"";
    return take_text(&c->listen, v->text);
}

static const char *take_socket_group(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return take_text(&c->socket_group, v->text);
}

static const char *take_keyring(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return take_path(&c->keyring, v->text);
}

static const char *take_domains(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return take_path(&c->domains, v->text);
}

static const char *take_sign_authenticated(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    c->policy.sign_authenticated = v->yes;
    return NULL;
}

static const char *take_sign_networks(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    return take_networks(&c->policy.sign_networks, v, why, size);
}

static const char *take_internal_networks(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    return take_networks(&c->policy.internal_networks, v, why, size);
}

static const char *take_sign_daemons(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    c->policy.sign_daemons = calloc(v->n + 1, sizeof *c->policy.sign_daemons);
    for (size_t i = 0; c->policy.sign_daemons != NULL && i < v->n; i++) {
        if (*v->item[i] == '\0')
            return "has an empty name in it";
        const char *wrong = take_text(&c->policy.sign_daemons[i], v->item[i]);
        if (wrong != NULL)
            return wrong;
    }
    return c->policy.sign_daemons == NULL ? no_memory : NULL;
}

static const char *take_action(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char *const words[] = {"reject", "mark", "accept", NULL};

    if (action_from_word(&c->policy.action, bv_str(v->text)))
        return NULL;
    word_index(words, v->text, why, size);
    return why;
}

static const char *take_untagged_stage(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char *const words[] = {"data", "rcpt", NULL};
    int i = word_index(words, v->text, why, size);

    c->policy.untagged_at_rcpt = i == 1;
    return i < 0 ? why : NULL;
}

static const char *take_reject_text(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return *v->text == '\0' ? "is empty" : take_line(&c->reject_text, v->text);
}

/* RFC 5322 3.6.8 */
static const char *take_header_name(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    enum { NAME_MAX_OCTETS = 60 };

    (void)why, (void)size;
    if (*v->text == '\0' || strlen(v->text) > NAME_MAX_OCTETS || strpbrk(v->text, ": ") != NULL ||
        !is_printable(v->text))
        return "is no header name: 1 to 60 printable ASCII characters without colon or blank";
    return take_text(&c->header_name, v->text);
}

static const char *take_header_value(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return take_line(&c->header_value, v->text);
}

static const char *take_delimiter(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char *const words[] = {"+", "-", NULL};
    int i = word_index(words, v->text, why, size);

    c->policy.delimiter = i == 1 ? BV_MINUS : BV_PLUS;
    return i < 0 ? why : NULL;
}

/* Its row stands behind that of the delimiter, which it needs. */
static const char *take_syntax(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char *const words[] = {"prefix", "subaddress", NULL};
    int i = word_index(words, v->text, why, size);

    c->policy.syntax = i == 1 ? c->policy.delimiter : BV_PREFIX;
    return i < 0 ? why : NULL;
}

static const char *take_on_fault(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    static const char *const words[] = {"tempfail", "accept", NULL};
    int i = word_index(words, v->text, why, size);

    c->policy.on_fault = i == 1 ? ACTION_ACCEPT : ACTION_TEMPFAIL;
    return i < 0 ? why : NULL;
}

static const char *take_user(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    (void)why, (void)size;
    return take_text(&c->user, v->text);
}

static const char *take_max_recipients(struct conf *c, const struct conf_value *v, char *why, size_t size)
{
    enum { MOST = 10000, DIGITS = 5 };
    size_t digits = strspn(v->text, "0123456789");

    (void)why, (void)size;
    c->max_recipients = atol(v->text);
    if (digits == 0 || digits > DIGITS || v->text[digits] != '\0' || c->max_recipients < 1 ||
        c->max_recipients > MOST)
        return "is not in 1..10000";
    return NULL;
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

#include <stdlib.h>
#include <string.h>

#include "milter/conf_check.h"
#include "milter/conf_guard.h"
#include "milter/report.h"

static void take_listen(const struct conf_taking *t)
{
    conf_put_socket(t, &t->conf->listen);
}

static void take_socket_group(const struct conf_taking *t)
{
    conf_put_text(t, &t->conf->socket_group, t->value.text);
}

static void take_keyring(const struct conf_taking *t)
{
    conf_put_path(t, &t->conf->keyring);
}

static void take_domains(const struct conf_taking *t)
{
    conf_put_path(t, &t->conf->domains);
}

static void take_exceptions(const struct conf_taking *t)
{
    conf_put_text(t, &t->conf->exceptions, t->value.text);
}

static void take_sign_authenticated(const struct conf_taking *t)
{
    t->conf->policy.sign_authenticated = t->value.yes;
}

static void take_sign_networks(const struct conf_taking *t)
{
    conf_put_networks(t, &t->conf->policy.sign_networks);
}

static void take_internal_networks(const struct conf_taking *t)
{
    conf_put_networks(t, &t->conf->policy.internal_networks);
}

static void take_sign_daemons(const struct conf_taking *t)
{
    conf_put_list(t, &t->conf->policy.sign_daemons);
}

static void take_action(const struct conf_taking *t)
{
    static const char *const words[] = {"reject", "mark", "quarantine", "discard", "accept", NULL};
    static const enum action actions[] = {ACTION_REJECT, ACTION_MARK, ACTION_QUARANTINE, ACTION_DISCARD,
                                          ACTION_ACCEPT};

    t->conf->policy.action = actions[conf_word(t, t->value.text, words)];
}

static void take_warmup(const struct conf_taking *t)
{
    static const char *const words[] = {"auto", "off", NULL};

    t->conf->policy.warmup = conf_word(t, t->value.text, words) == 0;
}

static void take_untagged_stage(const struct conf_taking *t)
{
    static const char *const words[] = {"data", "rcpt", NULL};

    t->conf->policy.untagged_at_rcpt = conf_word(t, t->value.text, words) == 1;
}

static void take_reply_types(const struct conf_taking *t)
{
    const char *words[REPORT_TYPES] = {NULL}; /* every type but REPORT_OTHER */

    for (int type = REPORT_MDN; type < REPORT_TYPES; type++)
        words[type - REPORT_MDN] = report_word((enum report_type)type);
    for (size_t i = 0; i < t->value.n; i++)
        t->conf->policy.reply_types |= 1U << (REPORT_MDN + conf_word(t, t->value.item[i], words));
}

static void take_reject_text(const struct conf_taking *t)
{
    if (*t->value.text == '\0')
        conf_refuse(t, "", "is empty");
    else
        conf_put_line(t, &t->conf->reject_text);
}

/* RFC 5322 3.6.8 */
static void take_header_name(const struct conf_taking *t)
{
    enum { MOST = 60 };
    const char *text = t->value.text;

    if (*text == '\0' || strlen(text) > MOST || strpbrk(text, ": ") != NULL || !conf_is_ascii(text))
        conf_refuse(t, text, "is no header name: 1 to 60 printable ASCII characters without colon or blank");
    else
        conf_put_line(t, &t->conf->header_name);
}

static void take_header_value(const struct conf_taking *t)
{
    for (const char *p = strchr(t->value.text, '%'); p != NULL; p = strchr(p + 2, '%')) {
        if (p[1] == '\0' || strchr("vr%", p[1]) == NULL) {
            conf_refuse(t, t->value.text, "has a \"%\" that is not %v, %r or %%");
            return;
        }
    }
    conf_put_line(t, &t->conf->header_value);
}

static void take_max_bad_macs(const struct conf_taking *t)
{
    conf_put_number(t, &t->conf->max_bad_macs, 0, 1000);
}

static void take_delimiter(const struct conf_taking *t)
{
    static const char *const words[] = {"+", "-", NULL};

    t->conf->policy.delimiter = conf_word(t, t->value.text, words) == 1 ? BV_MINUS : BV_PLUS;
}

/* Its row stands behind that of the delimiter, which it needs. */
static void take_syntax(const struct conf_taking *t)
{
    static const char *const words[] = {"prefix", "subaddress", NULL};

    t->conf->policy.syntax = conf_word(t, t->value.text, words) == 1 ? t->conf->policy.delimiter : BV_PREFIX;
}

static void take_mixed_recipients(const struct conf_taking *t)
{
    static const char *const words[] = {"untagged", "tagged", NULL};

    t->conf->policy.mixed_tagged = conf_word(t, t->value.text, words) == 1;
}

static void take_on_fault(const struct conf_taking *t)
{
    static const char *const words[] = {"tempfail", "accept", NULL};

    t->conf->policy.on_fault = conf_word(t, t->value.text, words) == 1 ? ACTION_ACCEPT : ACTION_TEMPFAIL;
}

static void take_storm_threshold(const struct conf_taking *t)
{
    conf_put_number(t, &t->conf->storm.threshold, 0, 1000000);
}

static void take_storm_quiet(const struct conf_taking *t)
{
    conf_put_duration(t, &t->conf->storm.quiet, "1s", "1d");
}

/* Its row stands behind that of listen.  The default only fails to bind, and the daemon does without. */
static void take_map_listen(const struct conf_taking *t)
{
    const char *text = t->value.text, *listen = t->conf->listen;

    if (*text == '\0')
        conf_put_text(t, &t->conf->map_listen, text);
    else if (t->line != 0 && listen != NULL && strcmp(text, listen) == 0)
        conf_refuse(t, text, "is the milter's own socket, see listen");
    else
        conf_put_socket(t, &t->conf->map_listen);
}

static void take_metrics_listen(const struct conf_taking *t)
{
    conf_put_endpoint(t, &t->conf->metrics_listen);
}

static void take_user(const struct conf_taking *t)
{
    conf_put_text(t, &t->conf->user, t->value.text);
}

static void take_max_sessions(const struct conf_taking *t)
{
    conf_put_number(t, &t->conf->max_sessions, 0, 1000000);
}

static void take_max_recipients(const struct conf_taking *t)
{
    conf_put_number(t, &t->conf->max_recipients, 1, 10000);
}

static void take_max_map_connections(const struct conf_taking *t)
{
    conf_put_number(t, &t->conf->max_map_connections, 1, 100000);
}

/* libconfuse wants these writable, and leaves them as they are. */
static char no_list[] = "{}";
static char originating[] = "{\"ORIGINATING\"}";
static char reply_types[] = "{\"mdn\", \"auto-reply\", \"feedback-report\", \"dmarc-report\"}";
static char loopback[] = "{\"127.0.0.0/8\", \"::1/128\"}";

#define CONF_DIR BV_SYSCONFDIR "/bv/"

const struct conf_row conf_rows[] = {
    {"listen", CONF_TEXT, "unix:/run/bv/bvmilter.sock", NULL, false, take_listen},
    {"socket_group", CONF_TEXT, "postfix", NULL, false, take_socket_group},
    {"keyring", CONF_TEXT, CONF_DIR "keyring.json", NULL, false, take_keyring},
    {"domains", CONF_TEXT, CONF_DIR "domains", NULL, false, take_domains},
    {"exceptions", CONF_TEXT, CONF_DIR "exceptions", NULL, false, take_exceptions},
    {"sign_authenticated", CONF_BOOL, NULL, NULL, true, take_sign_authenticated},
    {"sign_networks", CONF_LIST, NULL, no_list, false, take_sign_networks},
    {"sign_daemons", CONF_LIST, NULL, originating, false, take_sign_daemons},
    {"internal_networks", CONF_LIST, NULL, loopback, false, take_internal_networks},
    {"action", CONF_TEXT, "reject", NULL, false, take_action},
    {"warmup", CONF_TEXT, "auto", NULL, false, take_warmup},
    {"untagged_stage", CONF_TEXT, "data", NULL, false, take_untagged_stage},
    {"reply_types", CONF_LIST, NULL, reply_types, false, take_reply_types},
    {"reject_text", CONF_TEXT, "bounce verification failed", NULL, false, take_reject_text},
    {"header_name", CONF_TEXT, "X-Bounce-Verification", NULL, false, take_header_name},
    {"header_value", CONF_TEXT, "", NULL, false, take_header_value},
    {"max_bad_macs", CONF_NUMBER, "3", NULL, false, take_max_bad_macs},
    {"subaddress_delimiter", CONF_TEXT, "+", NULL, false, take_delimiter},
    {"syntax", CONF_TEXT, "prefix", NULL, false, take_syntax},
    {"mixed_recipients", CONF_TEXT, "untagged", NULL, false, take_mixed_recipients},
    {"on_fault", CONF_TEXT, "tempfail", NULL, false, take_on_fault},
    {"storm_threshold", CONF_NUMBER, "600", NULL, false, take_storm_threshold},
    {"storm_quiet", CONF_TEXT, "10m", NULL, false, take_storm_quiet},
    {"map_listen", CONF_TEXT, "inet:8893@127.0.0.1", NULL, false, take_map_listen},
    {"metrics_listen", CONF_TEXT, "", NULL, false, take_metrics_listen},
    {"mx_guard_recipients", CONF_TEXT, "off", NULL, false, conf_take_guard_recipients},
    {"mx_guard_senders", CONF_TEXT, "off", NULL, false, conf_take_guard_senders},
    {"mx_guard_match", CONF_TEXT, "all", NULL, false, conf_take_guard_match},
    {"mx_guard_networks", CONF_TEXT, "", NULL, false, conf_take_guard_networks},
    {"mx_guard_exempt", CONF_LIST, NULL, no_list, false, conf_take_guard_exempt},
    {"mx_guard_timeout", CONF_TEXT, "2s", NULL, false, conf_take_guard_timeout},
    {"mx_guard_trust_anchor", CONF_TEXT, "", NULL, false, conf_take_guard_trust_anchor},
    {"resolver", CONF_LIST, NULL, no_list, false, conf_take_resolver},
    {"user", CONF_TEXT, "", NULL, false, take_user},
    {"max_sessions", CONF_NUMBER, "0", NULL, false, take_max_sessions},
    {"max_recipients", CONF_NUMBER, "1000", NULL, false, take_max_recipients},
    {"max_map_connections", CONF_NUMBER, "500", NULL, false, take_max_map_connections},
};

const size_t conf_row_count = sizeof conf_rows / sizeof *conf_rows;

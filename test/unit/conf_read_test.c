#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/conf.h"
#include "milter/report.h"

enum { VALUE = 1024 };

static struct problems problems;

static int parse(struct conf *conf, const char *text)
{
    memset(&problems, 0, sizeof problems);
    return conf_parse(conf, "C", text, &problems);
}

/* All of what is wrong, a line each. */
static const char *told(void)
{
    static char text[16384];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++) {
        problem_write(text + n, sizeof text - n - 1, &problems.item[i]);
        n += strlen(text + n);
        text[n++] = '\n';
        text[n] = '\0';
    }
    return text;
}

/* ---- the settings as the struct has them, one line each ------------------------------- */

static void put_networks(char *dst, const struct net_list *list)
{
    struct net_addr a = {.family = NET_IP};
    char text[NET_TEXT];

    for (size_t i = 0; i < list->n; i++) {
        memcpy(a.ip, list->item[i].ip, sizeof a.ip);
        net_addr_write(text, &a);
        dst += sprintf(dst, "%s%s/%u", i > 0 ? " " : "", text, list->item[i].bits);
    }
}

static void put_texts(char *dst, char *const *item)
{
    for (size_t i = 0; item != NULL && item[i] != NULL; i++)
        dst += sprintf(dst, "%s%s", i > 0 ? " " : "", item[i]);
}

static const char *guard_setting(enum action a)
{
    return a == ACTION_ACCEPT ? "off" : action_word(a);
}

static void put_types(char *dst, unsigned types)
{
    for (int type = 0; type < 32; type++)
        if ((types & 1U << type) != 0)
            dst += sprintf(dst, "%s ", type < REPORT_TYPES ? report_word((enum report_type)type) : "?");
}

static const char *syntax_word(enum bv_syntax s)
{
    static const char *const words[] = {[BV_PREFIX] = "prefix", [BV_PLUS] = "+", [BV_MINUS] = "-"};

    return words[s];
}

/* The value of a setting where the program reads it. A new setting needs a line here, and rows below. */
static const char *value_of(const struct conf *c, const char *name)
{
    static char text[VALUE];
    const char *const texts[][2] = {
        {"listen", c->listen},
        {"socket_group", c->socket_group},
        {"keyring", c->keyring},
        {"domains", c->domains},
        {"exceptions", c->exceptions},
        {"reject_text", c->reject_text},
        {"header_name", c->header_name},
        {"header_value", c->header_value},
        {"map_listen", c->map_listen},
        {"metrics_listen", c->metrics_listen},
        {"user", c->user},
        {"sign_authenticated", c->policy.sign_authenticated ? "true" : "false"},
        {"action", action_word(c->policy.action)},
        {"warmup", c->policy.warmup ? "auto" : "off"},
        {"untagged_stage", c->policy.untagged_at_rcpt ? "rcpt" : "data"},
        {"syntax", syntax_word(c->policy.syntax)},
        {"subaddress_delimiter", syntax_word(c->policy.delimiter)},
        {"mixed_recipients", c->policy.mixed_tagged ? "tagged" : "untagged"},
        {"on_fault", action_word(c->policy.on_fault)},
        {"mx_guard_recipients", guard_setting(c->policy.guard_recipients)},
        {"mx_guard_senders", guard_setting(c->policy.guard_senders)},
        {"mx_guard_match", c->guard.any ? "any" : "all"},
        {"mx_guard_networks", c->guard.networks},
        {"mx_guard_trust_anchor", c->guard.trust_anchor},
    };
    const struct {
        const char *name;
        long long value;
    } numbers[] = {
        {"max_sessions", c->max_sessions},
        {"max_recipients", c->max_recipients},
        {"max_map_connections", c->max_map_connections},
        {"max_bad_macs", c->max_bad_macs},
        {"storm_threshold", c->storm.threshold},
        {"storm_quiet", c->storm.quiet},
        {"mx_guard_timeout", c->guard.timeout},
    };

    text[0] = '\0';
    if (strcmp(name, "sign_networks") == 0)
        put_networks(text, &c->policy.sign_networks);
    else if (strcmp(name, "internal_networks") == 0)
        put_networks(text, &c->policy.internal_networks);
    else if (strcmp(name, "sign_daemons") == 0)
        put_texts(text, c->policy.sign_daemons);
    else if (strcmp(name, "mx_guard_exempt") == 0)
        put_texts(text, c->guard.exempt);
    else if (strcmp(name, "resolver") == 0)
        put_texts(text, c->guard.resolver);
    else if (strcmp(name, "reply_types") == 0)
        put_types(text, c->policy.reply_types);
    else
        strcpy(text, "no such setting in this test");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i][0], name) == 0)
            return texts[i][1];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].name, name) == 0)
            sprintf(text, "%lld", numbers[i].value);
    return text;
}

/* ---- defaults: those of the specification ------------------------------------------------ */

static const char *const defaults[][2] = {
    {"listen", "unix:/run/bv/bvmilter.sock"},
    {"socket_group", "postfix"},
    {"keyring", BV_SYSCONFDIR "/bv/keyring.json"},
    {"domains", BV_SYSCONFDIR "/bv/domains"},
    {"exceptions", BV_SYSCONFDIR "/bv/exceptions"},
    {"sign_authenticated", "true"},
    {"sign_networks", ""},
    {"sign_daemons", "ORIGINATING"},
    {"internal_networks", "127.0.0.0/104 ::1/128"},
    {"action", "reject"},
    {"warmup", "auto"},
    {"untagged_stage", "data"},
    {"reply_types", "mdn auto-reply feedback-report dmarc-report "},
    {"reject_text", "bounce verification failed"},
    {"header_name", "X-Bounce-Verification"},
    {"header_value", ""},
    {"max_bad_macs", "3"},
    {"subaddress_delimiter", "+"},
    {"syntax", "prefix"},
    {"mixed_recipients", "untagged"},
    {"on_fault", "tempfail"},
    {"storm_threshold", "600"},
    {"storm_quiet", "600"},
    {"map_listen", "inet:8893@127.0.0.1"},
    {"metrics_listen", ""},
    {"mx_guard_recipients", "off"},
    {"mx_guard_senders", "off"},
    {"mx_guard_match", "all"},
    {"mx_guard_networks", ""},
    {"mx_guard_exempt", ""},
    {"mx_guard_timeout", "2"},
    {"mx_guard_trust_anchor", ""},
    {"resolver", ""},
    {"user", ""},
    {"max_sessions", "0"},
    {"max_recipients", "1000"},
    {"max_map_connections", "500"},
};

enum { SETTINGS = sizeof defaults / sizeof *defaults };

static void test_defaults(void **state)
{
    static const char *const texts[] = {"", "\n", "# nothing\n", "  \n\t\n#\n"};
    struct conf c;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(parse(&c, texts[i]), 0);
        for (size_t j = 0; j < SETTINGS; j++)
            if (strcmp(value_of(&c, defaults[j][0]), defaults[j][1]) != 0)
                fail_msg("%s is \"%s\"", defaults[j][0], value_of(&c, defaults[j][0]));
        for (size_t j = 0; j < CONF_SETTINGS_MAX; j++)
            assert_int_equal(c.line[j], 0);
        assert_string_equal(c.path, "C");
        conf_free(&c);
    }
    assert_true(strcmp(CONF_DEFAULT_PATH, BV_SYSCONFDIR "/bv/bvmilter.conf") == 0);
}

/* The rows, this test and the manual page name the same settings. */
static void test_names(void **state)
{
    (void)state;
    assert_true(conf_row_count < CONF_SETTINGS_MAX);
    for (size_t i = 0; i < conf_row_count; i++) {
        size_t known = 0;
        for (size_t j = 0; j < SETTINGS; j++)
            known += strcmp(conf_rows[i].name, defaults[j][0]) == 0;
        if (known != 1)
            fail_msg("%s has no row in this test", conf_rows[i].name);
        assert_int_equal(conf_row_find(conf_rows[i].name, strlen(conf_rows[i].name)), (int)i);
        assert_int_equal(conf_row_find(conf_rows[i].name, strlen(conf_rows[i].name) - 1), -1);
    }
    assert_int_equal(conf_row_count, SETTINGS);
    assert_int_equal(conf_row_find("", 0), -1);
    assert_int_equal(conf_row_find("listens", 7), -1);
}

/* ---- good values --------------------------------------------------------------------------- */

#define C107                                                                                                   \
    "/23456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"      \
    "01234567"
#define C200                                                                                                   \
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234" \
    "567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

static const struct {
    const char *name, *text, *setting, *want;
} good_rows[] = {
    {"unix socket", "listen = \"unix:/x/y.sock\"", "listen", "unix:/x/y.sock"},
    {"unix socket, 107 octets", "listen = \"unix:" C107 "\"", "listen", "unix:" C107},
    {"IPv4", "listen = \"inet:8892@127.0.0.1\"", "listen", "inet:8892@127.0.0.1"},
    {"IPv6", "listen = \"inet6:8892@::1\"", "listen", "inet6:8892@::1"},
    {"host name", "listen = \"inet:1@localhost\"", "listen", "inet:1@localhost"},
    {"highest port", "listen = \"inet:65535@h\"", "listen", "inet:65535@h"},
    {"group", "socket_group = \"mail\"", "socket_group", "mail"},
    {"group, empty", "socket_group = \"\"", "socket_group", ""},
    {"keyring", "keyring = \"/x/ring.json\"", "keyring", "/x/ring.json"},
    {"domains", "domains = \"/x/domains\"", "domains", "/x/domains"},
    {"exceptions", "exceptions = \"/x/exceptions\"", "exceptions", "/x/exceptions"},
    {"no exceptions", "exceptions = \"\"", "exceptions", ""},
    {"yes-or-no: true", "sign_authenticated = true", "sign_authenticated", "true"},
    {"yes-or-no: false", "sign_authenticated = false", "sign_authenticated", "false"},
    {"yes-or-no: yes", "sign_authenticated = yes", "sign_authenticated", "true"},
    {"yes-or-no: no", "sign_authenticated = no", "sign_authenticated", "false"},
    {"yes-or-no: on", "sign_authenticated = on", "sign_authenticated", "true"},
    {"yes-or-no: off", "sign_authenticated = off", "sign_authenticated", "false"},
    {"networks", "sign_networks = {\"192.0.2.0/24\", \"2001:db8::/32\"}", "sign_networks",
     "192.0.2.0/120 2001:db8::/32"},
    {"one network", "sign_networks = {\"192.0.2.0/24\"}", "sign_networks", "192.0.2.0/120"},
    {"an address", "sign_networks = {\"192.0.2.7\"}", "sign_networks", "192.0.2.7/128"},
    {"no network", "internal_networks = {}", "internal_networks", ""},
    {"other networks replace the default", "internal_networks = {\"10.0.0.0/8\"}", "internal_networks",
     "10.0.0.0/104"},
    {"networks added to the default", "internal_networks += {\"10.0.0.0/8\"}", "internal_networks",
     "127.0.0.0/104 ::1/128 10.0.0.0/104"},
    {"no daemon", "sign_daemons = {}", "sign_daemons", ""},
    {"daemons", "sign_daemons = {\"a\", \"b c\"}", "sign_daemons", "a b c"},
    {"daemon added to the default", "sign_daemons += {\"smtps\"}", "sign_daemons", "ORIGINATING smtps"},
    {"action reject", "action = \"reject\"", "action", "reject"},
    {"action mark", "action = \"mark\"", "action", "mark"},
    {"action accept", "action = \"accept\"", "action", "accept"},
    {"action quarantine", "action = \"quarantine\"", "action", "quarantine"},
    {"action discard", "action = \"discard\"", "action", "discard"},
    {"warm-up auto", "warmup = \"auto\"", "warmup", "auto"},
    {"warm-up off", "warmup = \"off\"", "warmup", "off"},
    {"no reply type", "reply_types = {}", "reply_types", ""},
    {"reply type mdn", "reply_types = {\"mdn\"}", "reply_types", "mdn "},
    {"reply type auto-reply", "reply_types = {\"auto-reply\"}", "reply_types", "auto-reply "},
    {"reply type feedback-report", "reply_types = {feedback-report}", "reply_types", "feedback-report "},
    {"reply type dmarc-report", "reply_types = {\"dmarc-report\"}", "reply_types", "dmarc-report "},
    {"reply types, one of them twice", "reply_types = {\"dmarc-report\", \"mdn\", \"dmarc-report\"}",
     "reply_types", "mdn dmarc-report "},
    {"reply type added to the default", "reply_types += {\"mdn\"}", "reply_types",
     "mdn auto-reply feedback-report dmarc-report "},
    {"stage data", "untagged_stage = \"data\"", "untagged_stage", "data"},
    {"stage rcpt", "untagged_stage = \"rcpt\"", "untagged_stage", "rcpt"},
    {"reject text", "reject_text = \"100% sure, see https://h.example/\"", "reject_text",
     "100% sure, see https://h.example/"},
    {"reject text, every printable end", "reject_text = \" ~\"", "reject_text", " ~"},
    {"reject text, 200 octets", "reject_text = \"" C200 "\"", "reject_text", C200},
    {"header name", "header_name = \"X-B\"", "header_name", "X-B"},
    {"header name, one octet", "header_name = \"X\"", "header_name", "X"},
    {"header name, 60 octets", "header_name = \"X23456789012345678901234567890123456789012345678901234567890\"",
     "header_name", "X23456789012345678901234567890123456789012345678901234567890"},
    {"header value", "header_value = \"%v (%r) 100%%\"", "header_value", "%v (%r) 100%%"},
    {"header value, 200 octets", "header_value = \"" C200 "\"", "header_value", C200},
    {"syntax prefix", "syntax = \"prefix\"", "syntax", "prefix"},
    {"syntax subaddress", "syntax = \"subaddress\"", "syntax", "+"},
    {"syntax subaddress, delimiter before", "subaddress_delimiter = \"-\"\nsyntax = \"subaddress\"", "syntax",
     "-"},
    {"syntax subaddress, delimiter behind", "syntax = \"subaddress\"\nsubaddress_delimiter = \"-\"", "syntax",
     "-"},
    {"syntax prefix, delimiter", "subaddress_delimiter = \"-\"", "syntax", "prefix"},
    {"delimiter +", "subaddress_delimiter = \"+\"", "subaddress_delimiter", "+"},
    {"delimiter -", "subaddress_delimiter = \"-\"", "subaddress_delimiter", "-"},
    {"mixed untagged", "mixed_recipients = \"untagged\"", "mixed_recipients", "untagged"},
    {"mixed tagged", "mixed_recipients = \"tagged\"", "mixed_recipients", "tagged"},
    {"on_fault tempfail", "on_fault = \"tempfail\"", "on_fault", "tempfail"},
    {"on_fault accept", "on_fault = \"accept\"", "on_fault", "accept"},
    {"user", "user = \"bv\"", "user", "bv"},
    {"most sessions", "max_sessions = 1000000", "max_sessions", "1000000"},
    {"fewest recipients", "max_recipients = 1", "max_recipients", "1"},
    {"bad MACs, any number", "max_bad_macs = 0", "max_bad_macs", "0"},
    {"bad MACs, most", "max_bad_macs = 1000", "max_bad_macs", "1000"},
    {"guard of recipients, reject", "mx_guard_recipients = \"reject\"", "mx_guard_recipients", "reject"},
    {"guard of recipients, mark", "mx_guard_recipients = mark", "mx_guard_recipients", "mark"},
    {"guard of recipients, off", "mx_guard_recipients = \"off\"", "mx_guard_recipients", "off"},
    {"guard of recipients, not of senders", "mx_guard_recipients = reject", "mx_guard_senders", "off"},
    {"guard of senders, reject", "mx_guard_senders = reject", "mx_guard_senders", "reject"},
    {"guard of senders, mark", "mx_guard_senders = \"mark\"", "mx_guard_senders", "mark"},
    {"guard of senders, not of recipients", "mx_guard_senders = reject", "mx_guard_recipients", "off"},
    {"guard, all", "mx_guard_match = all", "mx_guard_match", "all"},
    {"guard, any", "mx_guard_match = any", "mx_guard_match", "any"},
    {"guard, a table", "mx_guard_networks = \"/x/nets\"", "mx_guard_networks", "/x/nets"},
    {"guard, a table more", "mx_guard_networks = \"+/x/nets\"", "mx_guard_networks", "+/x/nets"},
    {"guard, no table", "mx_guard_networks = \"\"", "mx_guard_networks", ""},
    {"guard, exempt", "mx_guard_exempt = {\"route.example\", \".b.example\"}", "mx_guard_exempt",
     "route.example .b.example"},
    {"guard, exempt, capitals", "mx_guard_exempt = {\"Route.EXAMPLE\"}", "mx_guard_exempt", "route.example"},
    {"guard, exempt twice", "mx_guard_exempt = {a.example, A.example}", "mx_guard_exempt",
     "a.example a.example"},
    {"guard, none exempt", "mx_guard_exempt = {}", "mx_guard_exempt", ""},
    {"guard, shortest time", "mx_guard_timeout = \"1s\"", "mx_guard_timeout", "1"},
    {"guard, longest time", "mx_guard_timeout = 30s", "mx_guard_timeout", "30"},
    {"guard, trust anchor", "mx_guard_trust_anchor = \"/x/root.key\"", "mx_guard_trust_anchor", "/x/root.key"},
    {"a resolver", "resolver = {\"192.0.2.53\"}", "resolver", "192.0.2.53"},
    {"resolvers with ports", "resolver = {\"127.0.0.1@5353\", \"::1@53\"}", "resolver",
     "127.0.0.1@5353 ::1@53"},
    {"no resolver", "resolver = {}", "resolver", ""},
    {"no storm", "storm_threshold = 0", "storm_threshold", "0"},
    {"storm, most", "storm_threshold = 1000000", "storm_threshold", "1000000"},
    {"quiet, shortest", "storm_quiet = \"1s\"", "storm_quiet", "1"},
    {"quiet, longest", "storm_quiet = \"1d\"", "storm_quiet", "86400"},
    {"quiet, longest in hours", "storm_quiet = 24h", "storm_quiet", "86400"},
    {"quiet", "storm_quiet = \"15m\"", "storm_quiet", "900"},
    {"map service, IPv6", "map_listen = \"inet6:8893@::1\"", "map_listen", "inet6:8893@::1"},
    {"map service, unix socket", "map_listen = \"unix:/x/map\"", "map_listen", "unix:/x/map"},
    {"map service off", "map_listen = \"\"", "map_listen", ""},
    {"map service, the default is the milter's socket", "listen = \"inet:8893@127.0.0.1\"", "map_listen",
     "inet:8893@127.0.0.1"},
    {"metrics, IPv4", "metrics_listen = \"127.0.0.1:9892\"", "metrics_listen", "127.0.0.1:9892"},
    {"metrics, IPv6", "metrics_listen = \"[::1]:9892\"", "metrics_listen", "[::1]:9892"},
    {"metrics, everybody", "metrics_listen = \"0.0.0.0:1\"", "metrics_listen", "0.0.0.0:1"},
    {"metrics, longest", "metrics_listen = \"[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535\"",
     "metrics_listen", "[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535"},
    {"metrics off", "metrics_listen = \"\"", "metrics_listen", ""},
    {"fewest map connections", "max_map_connections = 1", "max_map_connections", "1"},
    {"most map connections", "max_map_connections = 100000", "max_map_connections", "100000"},
    {"most recipients", "max_recipients = 10000", "max_recipients", "10000"},

    {"unquoted", "user = bv", "user", "bv"},
    {"unquoted, with a colon, a slash and an at", "listen = inet:8892@127.0.0.1", "listen",
     "inet:8892@127.0.0.1"},
    {"unquoted in a list", "sign_networks = {192.0.2.0/24, 2001:db8::/32}", "sign_networks",
     "192.0.2.0/120 2001:db8::/32"},
    {"single quotes", "reject_text = 'it \"is\" so'", "reject_text", "it \"is\" so"},
    {"escaped quotes", "reject_text = \"it \\\"is\\\" \\\\ so\"", "reject_text", "it \"is\" \\ so"},
    {"a hash in quotes", "reject_text = \"a # b\"", "reject_text", "a # b"},
    {"slashes in quotes", "reject_text = \"a // b /* c */ d\"", "reject_text", "a // b /* c */ d"},
    {"a brace in quotes", "reject_text = \"{}\"", "reject_text", "{}"},
    {"a dollar alone", "reject_text = \"$HOME $ {x}\"", "reject_text", "$HOME $ {x}"},
    {"no blanks", "user=bv", "user", "bv"},
    {"blanks and tabs", " \t user \t = \t bv \t ", "user", "bv"},
    {"no final newline", "# x\nuser = bv", "user", "bv"},
    {"CRLF", "user = bv\r\nmax_recipients = 7\r\n", "user", "bv"},
    {"CRLF, quotes", "user = \"bv\"\r\n", "user", "bv"},
    {"two on a line", "max_recipients = 7 user = bv", "user", "bv"},
    {"comment behind", "user = bv # not root\n", "user", "bv"},
    {"comment behind, slashes", "user = bv // not root\n", "user", "bv"},
    {"comment with a setting", "# user = x\nuser = bv\n", "user", "bv"},
    {"comment with quotes", "# don't\nuser = bv # \"\n", "user", "bv"},
    {"comment with a variable", "# ${HOME}\nuser = bv // ${HOME}\n", "user", "bv"},
    {"value in the next line", "user =\nbv\naction = mark\n", "user", "bv"},
    {"value in the next line, quoted", "user =\r\n\"bv\"\r\naction = mark\r\n", "user", "bv"},
    {"value in the next line, in single quotes", "user = # x\n\n/* x\ny */ 'b v'\n", "user", "b v"},
    {"value in the next line, the last one", "user =\n\nbv", "user", "bv"},
    {"value in the next line, like a name", "user =\naction\naction = mark\n", "user", "action"},
    {"value in the next line, yes-or-no", "sign_authenticated =\nno\n", "sign_authenticated", "false"},
    {"list in the next line, added", "sign_daemons +=\n{a}\naction = mark\n", "sign_daemons", "ORIGINATING a"},
    {"equals sign in the next line", "user # x\n= bv\naction = mark\n", "user", "bv"},
    {"comment over lines", "/* one\ntwo */ user = bv\n", "user", "bv"},
    {"comment over lines, with a setting", "/*\nuser = x\n*/\nuser = bv\n", "user", "bv"},
    {"list over lines", "sign_networks = {\n  \"192.0.2.0/24\",\n\n  \"2001:db8::/32\"\n}\nuser = bv\n",
     "sign_networks", "192.0.2.0/120 2001:db8::/32"},
    {"list over lines, comma at the end", "sign_networks =\n{\n  \"192.0.2.0/24\",\n}\n", "sign_networks",
     "192.0.2.0/120"},
    {"list with a comment behind a member",
     "sign_networks = {\n  \"192.0.2.0/24\", # the gateway\n  \"::1\"\n}\n", "sign_networks",
     "192.0.2.0/120 ::1/128"},
    {"list with a member commented out",
     "sign_networks = {\n  \"192.0.2.0/24\",\n  # \"10.0.0.0/8\",\n  \"::1\"\n}\n", "sign_networks",
     "192.0.2.0/120 ::1/128"},
    {"list with a comment behind the brace", "sign_networks = { # none\n}\n", "sign_networks", ""},
    {"list with a comment behind the last member", "sign_networks = {\n\"::1\" // us\n}\n", "sign_networks",
     "::1/128"},
};

static void test_good(void **state)
{
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
        struct conf c;
        if (parse(&c, good_rows[i].text) != 0) {
            print_error("%s: %s", good_rows[i].name, told());
            failures++;
            continue;
        }
        const char *got = value_of(&c, good_rows[i].setting);
        if (strcmp(got, good_rows[i].want) != 0) {
            print_error("%s: %s is \"%s\"\n", good_rows[i].name, good_rows[i].setting, got);
            failures++;
        }
        conf_free(&c);
    }
    assert_int_equal(failures, 0);
}

/* Exempt are the domains that are named, and with a dot in front those below, in any case. */
static void test_exempt(void **state)
{
    static const struct {
        const char *domain;
        bool want;
    } rows[] = {{"route.example", true},  {"ROUTE.example", true},   {"a.route.example", false},
                {"below.example", false}, {"a.Below.example", true}, {"b.a.below.example", true},
                {"dot.example", true},    {"example", false},        {"xroute.example", false}};
    struct conf c;

    (void)state;
    assert_int_equal(parse(&c, "mx_guard_exempt = {\"Route.example\", \".below.EXAMPLE\", \"dot.example.\"}\n"),
                     0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((names_find_domain(&c.policy.guard_exempt, 0, 1, bv_str(rows[i].domain)) >= 0) != rows[i].want)
            fail_msg("%s is %sexempt", rows[i].domain, rows[i].want ? "not " : "");
    conf_free(&c);
}

/* Where a setting stands, for messages about it later on. */
static void test_lines(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(parse(&c, "# x\nlisten = \"unix:/x\"\n\n  user=bv\nsign_networks = {\n\"::1\"\n}\n"
                               "keyring = /k\r\nsign_daemons += {a}\n"),
                     0);
    assert_int_equal(c.line[conf_row_find("listen", 6)], 2);
    assert_int_equal(c.line[conf_row_find("user", 4)], 4);
    assert_int_equal(c.line[conf_row_find("sign_networks", 13)], 5);
    assert_int_equal(c.line[conf_row_find("keyring", 7)], 8);
    assert_int_equal(c.line[conf_row_find("sign_daemons", 12)], 9);
    assert_int_equal(c.line[conf_row_find("domains", 7)], 0);
    conf_free(&c);
}

/* "A number is written in decimal digits": no row of the manual page promises octal. */
static void test_numbers_are_decimal(void **state)
{
    static const char *const texts[] = {"max_recipients = 010", "max_recipients = 0x10",
                                        "max_recipients = 0144"};
    static const long wrong[] = {8, 16, 100};
    struct conf c;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (parse(&c, texts[i]) == 0 && c.max_recipients == wrong[i])
            fail_msg("%s is taken for %ld", texts[i], c.max_recipients);
        conf_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_names),
        cmocka_unit_test(test_good),     cmocka_unit_test(test_exempt),
        cmocka_unit_test(test_lines),    cmocka_unit_test(test_numbers_are_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

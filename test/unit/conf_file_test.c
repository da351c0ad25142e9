#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "milter/conf.h"
#include "milter/conf_tables.h"
#include "milter/slurp.h"

static struct problems problems;
static char scratch[64], conf_path[96], table_path[96], exceptions_path[96], networks_path[96];

static int setup(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/bv-conf-XXXXXX");
    if (mkdtemp(scratch) == NULL)
        return -1;
    sprintf(conf_path, "%s/c", scratch);
    sprintf(table_path, "%s/d", scratch);
    sprintf(exceptions_path, "%s/e", scratch);
    sprintf(networks_path, "%s/n", scratch);
    memset(&problems, 0, sizeof problems);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(conf_path);
    unlink(table_path);
    unlink(exceptions_path);
    unlink(networks_path);
    return rmdir(scratch);
}

static void put(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

/* A configuration that names the test's own domains table, and exceptions as given; and more, from its line 2 on. */
static void put_tables(const char *exceptions, const char *more)
{
    char text[8192];

    snprintf(text, sizeof text, "domains = \"%s\" exceptions = \"%s\"\n%s", table_path, exceptions, more);
    put_text(conf_path, text);
}

static void put_conf(const char *more)
{
    put_tables("", more);
}

/* All the problems there are, a line each, with the scratch directory's name shown as S. */
static void expect(const char *want)
{
    char text[PROBLEM_TEXT + 300], got[2048] = "";

    for (size_t i = 0; i < problems.n; i++) {
        problem_write(text, sizeof text, &problems.item[i]);
        assert_memory_equal(text, scratch, strlen(scratch));
        snprintf(got + strlen(got), sizeof got - strlen(got), "S%s\n", text + strlen(scratch));
    }
    assert_string_equal(got, want);
    memset(&problems, 0, sizeof problems);
}

static void test_load(void **state)
{
    struct conf c;

    (void)state;
    put_conf("subaddress_delimiter = \"-\"\n");
    put_text(table_path, "d.example reject syntax=subaddress\n");
    assert_int_equal(conf_load(&c, conf_path, &problems), 0);
    assert_string_equal(c.path, conf_path);
    const struct domain *row = domains_find(&c.policy.domains, bv_str("d.example"));
    assert_non_null(row);
    assert_int_equal(row->syntax, BV_MINUS); /* the configuration's delimiter, wherever it stands */
    conf_free(&c);
    conf_free(&c);
}

static bool from_robot(const struct conf *c)
{
    return exceptions_from(&c->policy.exceptions, bv_str("robot"), bv_str("d.example")) != 0;
}

static void test_exceptions(void **state)
{
    struct conf c;

    (void)state;
    put_text(table_path, "d.example reject\n");
    put_text(exceptions_path, "from robot@d.example no-tag\n");
    put_tables(exceptions_path, "");
    assert_int_equal(conf_load(&c, conf_path, &problems), 0);
    assert_int_equal(c.policy.exceptions.n, 1);
    assert_true(from_robot(&c));
    conf_free(&c);
    assert_int_equal(c.policy.exceptions.n, 0);
    assert_false(from_robot(&c));
    conf_free(&c);

    put_tables("", ""); /* none */
    assert_int_equal(conf_load(&c, conf_path, &problems), 0);
    assert_int_equal(c.policy.exceptions.n, 0);
    conf_free(&c);
    put_text(exceptions_path, ""); /* a table without rows */
    put_tables(exceptions_path, "");
    assert_int_equal(conf_load(&c, conf_path, &problems), 0);
    conf_free(&c);
}

/* Reads the tables with the test's own exceptions in place of the default. */
static int load_default(struct conf *c)
{
    char text[200];

    snprintf(text, sizeof text, "domains = \"%s\"\n", table_path);
    assert_int_equal(conf_parse(c, conf_path, text, &problems), 0);
    assert_string_equal(c->exceptions, BV_SYSCONFDIR "/bv/exceptions");
    free(c->exceptions);
    c->exceptions = strdup(exceptions_path);
    assert_non_null(c->exceptions);
    conf_read_tables(c, NULL, &problems);
    return problems.n == 0 ? 0 : -1;
}

/* Where the setting is not in the file, the table may be missing, and only that. */
static void test_exceptions_default(void **state)
{
    struct conf c;

    (void)state;
    put_text(table_path, "d.example reject\n");
    assert_int_equal(load_default(&c), 0);
    assert_int_equal(c.policy.domains.n, 1);
    assert_int_equal(c.policy.exceptions.n, 0);
    conf_free(&c);
    assert_int_equal(symlink("gone", exceptions_path), 0);
    assert_int_equal(load_default(&c), -1);
    conf_free(&c);
    expect("S/e: cannot be opened: No such file or directory\n");
    unlink(exceptions_path);
    put_text(exceptions_path, "from robot@d.example no-tag\n");
    assert_int_equal(load_default(&c), 0);
    assert_true(from_robot(&c));
    conf_free(&c);
}

static void load_bad(const char *want)
{
    struct conf c;

    assert_int_equal(conf_load(&c, conf_path, &problems), -1);
    conf_free(&c);
    expect(want);
}

/* What is wrong with the configuration and with the table, all in one run. */
static void test_load_bad(void **state)
{
    (void)state;
    load_bad("S/c: cannot be opened: No such file or directory\n");
    put_conf("");
    load_bad("S/d: cannot be opened: No such file or directory\n");
    put_text(table_path, "d.example reject\nd.example rejct\n");
    load_bad("S/d:2: unknown word \"rejct\" (reject, mark, quarantine, discard, accept, no-mail, no-bounces, "
             "off)\n");
    put_text(table_path, "");
    load_bad("S/d: no domain in it: nothing would be signed, and no bounce judged\n");
    put_conf("action = \"x\"\n");
    load_bad("S/c:2: action: unknown word \"x\" (reject, mark, quarantine, discard, accept)\n"
             "S/d: no domain in it: nothing would be signed, and no bounce judged\n");
    put_text(table_path, "\nd.example x\nd..example reject\n");
    put_conf("syntax = \"x\"\nlisten = \"y\"\n");
    load_bad(
        "S/c:2: syntax: unknown word \"x\" (prefix, subaddress)\n"
        "S/c:3: listen: \"y\" is no socket: use \"unix:/PATH\", \"inet:PORT@HOST\" or \"inet6:PORT@HOST\"\n"
        "S/d:2: unknown word \"x\" (reject, mark, quarantine, discard, accept, no-mail, no-bounces, off)\n"
        "S/d:3: \"d..example\" is no domain name\n");
}

/* What the MX guard goes by; `networks` is the path of the table, more in front of it. */
static int load_networks(struct conf *c, const char *more, const char *networks)
{
    char text[200];

    snprintf(text, sizeof text, "mx_guard_networks = \"%s%s\"\n", more, networks);
    put_conf(text);
    put_text(table_path, "d.example reject\n");
    return conf_load(c, conf_path, &problems);
}

/* A kind, with "= " before a sentence; or "fine". */
static const char *kind_of(const struct conf *c, const char *address)
{
    static char text[BOGUS_KIND + 8];
    struct net_addr a = {.family = NET_UNKNOWN};
    unsigned char octets[NET_OCTETS];

    assert_int_equal(inet_pton(AF_INET, address, octets), 1);
    net_addr_v4(&a, octets);
    const struct bogus_entry *found = bogus_find(&c->guard.bogus, &a);
    snprintf(text, sizeof text, "%s%s", found != NULL && found->sentence ? "= " : "",
             found != NULL ? found->kind : "fine");
    return text;
}

static void test_networks(void **state)
{
    static const struct {
        const char *more, *path, *address, *want;
    } rows[] = {
        {"", "", "127.0.0.1", "loopback"}, /* the built-in list */
        {"", "", "8.8.8.8", "fine"},
        {"", networks_path, "8.8.8.8", "= no way to get there"}, /* the table alone */
        {"", networks_path, "127.0.0.1", "fine"},
        {"", networks_path, "10.1.2.3", "fine"},
        {"+", networks_path, "8.8.8.8", "= no way to get there"}, /* and with the built-in list */
        {"+", networks_path, "127.0.0.1", "loopback"},
        {"+", networks_path, "10.1.2.3", "fine"},
        {"+", networks_path, "10.2.2.3", "private"},
    };

    (void)state;
    put_text(networks_path, "8.8.8.0/24 REJECT no way to get there\n10.1.0.0/16 DUNNO\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conf c;
        if (load_networks(&c, rows[i].more, rows[i].path) != 0)
            fail_msg("%s%s: %s", rows[i].more, rows[i].path, problems.item[0].text);
        if (strcmp(kind_of(&c, rows[i].address), rows[i].want) != 0)
            fail_msg("%s%s, %s: %s, expected %s", rows[i].more, rows[i].path, rows[i].address,
                     kind_of(&c, rows[i].address), rows[i].want);
        conf_free(&c);
        assert_string_equal(kind_of(&c, "127.0.0.1"), "fine");
    }
    put_text(networks_path, ""); /* nothing to add is legal, */
    struct conf c;
    assert_int_equal(load_networks(&c, "+", networks_path), 0);
    assert_string_equal(kind_of(&c, "127.0.0.1"), "loopback");
    conf_free(&c);
    assert_int_equal(load_networks(&c, "", networks_path), -1); /* nothing at all is not */
    conf_free(&c);
    expect("S/n: names no network\n");
}

static void load_bad_networks(const char *more, const char *want)
{
    struct conf c;

    assert_int_equal(load_networks(&c, more, networks_path), -1);
    conf_free(&c);
    expect(want);
}

static void test_networks_bad(void **state)
{
    (void)state;
    load_bad_networks("", "S/n: cannot be opened: No such file or directory\n");
    load_bad_networks("+", "S/n: cannot be opened: No such file or directory\n");
    put_text(networks_path, "# x\n10.0.0.1/8 REJECT x\n\n11.0.0.0/8 WARN x\n12.0.0.0/8 REJECT x\n");
    for (int more = 0; more < 2; more++)
        load_bad_networks(more ? "+" : "",
                          "S/n:2: \"10.0.0.1/8\" has bits set behind its prefix\n"
                          "S/n:4: \"WARN\" is no action for this table (REJECT, 4xx, 5xx, DUNNO, OK)\n");
}

static void test_exceptions_bad(void **state)
{
    (void)state;
    put_text(table_path, "d.example reject\n");
    put_tables(exceptions_path, "");
    load_bad("S/e: cannot be opened: No such file or directory\n");
    assert_int_equal(symlink("gone", exceptions_path), 0);
    load_bad("S/e: cannot be opened: No such file or directory\n");
    unlink(exceptions_path);
    put_text(exceptions_path, "from robot@d.example no-tag\nx\n");
    load_bad("S/e:2: unknown word \"x\" (to, from, client, rcpt)\n");
    put_text(exceptions_path, "x\n");
    put_tables(exceptions_path, "\nwarmup = \"no\"\n");
    put_text(table_path, "d..example reject\n");
    load_bad("S/c:3: warmup: unknown word \"no\" (auto, off)\n"
             "S/d:1: \"d..example\" is no domain name\n"
             "S/e:1: unknown word \"x\" (to, from, client, rcpt)\n");
    put_tables("/nonexistent\\nx", "");
    put_text(table_path, "d.example reject\n");
    load_bad("S/c:1: exceptions: \"\" holds a control character\n");
}

static void test_slurp(void **state)
{
    char *text;
    size_t n;

    (void)state;
    put(conf_path, "12345678", 8);
    text = slurp(conf_path, 8, &n, &problems);
    assert_non_null(text);
    assert_int_equal(n, 8);
    assert_string_equal(text, "12345678");
    free(text);
    assert_null(slurp(conf_path, 7, &n, &problems));
    expect("S/c: is over 7 octets long\n");
    put(conf_path, "", 0);
    text = slurp(conf_path, 7, &n, &problems);
    assert_non_null(text);
    assert_string_equal(text, "");
    assert_int_equal(n, 0);
    free(text);
    put(conf_path, "a\nb\0c\nd\0", 8);
    assert_null(slurp(conf_path, 8, &n, &problems));
    expect("S/c:2: has a NUL character in it\n");
    put(conf_path, "\0", 1);
    assert_null(slurp(conf_path, 8, &n, &problems));
    expect("S/c:1: has a NUL character in it\n");
    assert_null(slurp(scratch, 8, &n, &problems));
    expect("S: is not a regular file\n");
    unlink(conf_path);
    assert_int_equal(symlink(table_path, conf_path), 0); /* configuration may be linked; links are followed */
    put_text(table_path, "x");
    text = slurp(conf_path, 8, &n, &problems);
    assert_non_null(text);
    free(text);
}

/* What -T prints of a configuration, to be freed; NULL when it has problems. */
static char *printed(const char *text)
{
    char *out = NULL;
    size_t size = 0;

    put_text(conf_path, text);
    FILE *f = open_memstream(&out, &size);
    assert_non_null(f);
    int result = conf_print(f, conf_path, &problems);
    assert_int_equal(fclose(f), 0);
    if (result == 0)
        return out;
    free(out);
    return NULL;
}

#define DEFAULTS                                                                                               \
    "listen = \"unix:/run/bv/bvmilter.sock\"\n"                                                                \
    "socket_group = \"postfix\"\n"                                                                             \
    "keyring = \"" BV_SYSCONFDIR "/bv/keyring.json\"\n"                                                        \
    "domains = \"" BV_SYSCONFDIR "/bv/domains\"\n"                                                             \
    "exceptions = \"" BV_SYSCONFDIR "/bv/exceptions\"\n"                                                       \
    "sign_authenticated = true\n"                                                                              \
    "sign_networks = {}\n"                                                                                     \
    "sign_daemons = {\"ORIGINATING\"}\n"                                                                       \
    "internal_networks = {\"127.0.0.0/8\", \"::1/128\"}\n"                                                     \
    "action = \"reject\"\n"                                                                                    \
    "warmup = \"auto\"\n"                                                                                      \
    "untagged_stage = \"data\"\n"                                                                              \
    "reply_types = {\"mdn\", \"auto-reply\", \"feedback-report\", \"dmarc-report\"}\n"                         \
    "reject_text = \"bounce verification failed\"\n"                                                           \
    "header_name = \"X-Bounce-Verification\"\n"                                                                \
    "header_value = \"\"\n"                                                                                    \
    "max_bad_macs = 3\n"                                                                                       \
    "subaddress_delimiter = \"+\"\n"                                                                           \
    "syntax = \"prefix\"\n"                                                                                    \
    "mixed_recipients = \"untagged\"\n"                                                                        \
    "on_fault = \"tempfail\"\n"                                                                                \
    "storm_threshold = 600\n"                                                                                  \
    "storm_quiet = \"10m\"\n"                                                                                  \
    "map_listen = \"inet:8893@127.0.0.1\"\n"                                                                   \
    "metrics_listen = \"\"\n"                                                                                  \
    "mx_guard_recipients = \"off\"\n"                                                                          \
    "mx_guard_senders = \"off\"\n"                                                                             \
    "mx_guard_match = \"all\"\n"                                                                               \
    "mx_guard_networks = \"\"\n"                                                                               \
    "mx_guard_exempt = {}\n"                                                                                   \
    "mx_guard_timeout = \"2s\"\n"                                                                              \
    "mx_guard_trust_anchor = \"\"\n"                                                                           \
    "resolver = {}\n"                                                                                          \
    "user = \"\"\n"                                                                                            \
    "max_sessions = 0\n"                                                                                       \
    "max_recipients = 1000\n"                                                                                  \
    "max_map_connections = 500\n"

static void test_print_defaults(void **state)
{
    (void)state;
    char *text = printed("");
    assert_non_null(text);
    assert_string_equal(text, DEFAULTS);
    free(text);
}

/* What is printed reads as the same configuration: printed again, it is the same text. */
static void round_trip(const char *text)
{
    struct conf c;
    bool taken = conf_parse(&c, "text", text, &problems) == 0;

    conf_free(&c);
    memset(&problems, 0, sizeof problems);
    char *first = taken ? printed(text) : NULL;
    char *second = first == NULL ? NULL : printed(first);
    if (taken && (first == NULL || second == NULL || strcmp(first, second) != 0))
        fail_msg("\"%s\": what is printed of it %s", text,
                 second == NULL ? problems.item[0].text : "is printed otherwise");
    free(first);
    free(second);
}

static void test_print_round_trip(void **state)
{
    static const char *const texts[] = {
        "",
        "user = bv\nsign_networks = {\"192.0.2.0/24\", \"2001:db8::/32\"}\nmax_recipients = 7\n",
        "sign_authenticated = no\nsign_daemons = {}\ninternal_networks += {\"10.0.0.0/8\"}\n",
        "sign_daemons = {\"a\", \"b c\", 'd\"e', \"f\\\\g\", \"#h\", \"{i}\", \"j,k\"}\n",
        "reject_text = \"it \\\"is\\\" \\\\ so, 100% # sure // really\"\nheader_value = '%v \"x\" \\ %%'\n",
        "user = \"b\\nc\"\nsocket_group = \"d\\te\"\n",
        "keyring = \"/t\xc3\xbcr\"\n",
        "user = 'a$b$'\n",
        "reply_types = {}\nstorm_quiet = 90s\nstorm_threshold = 0\nmap_listen = ''\nexceptions = ''\n",
        "mx_guard_recipients = reject\nmx_guard_senders = mark\nmx_guard_match = any\nmx_guard_timeout = 30s\n",
        "mx_guard_networks = \"+/x y\"\nmx_guard_exempt = {a.example, \".B.example\"}\n",
        "metrics_listen = \"[::1]:9892\"\n",
        "resolver = {\"::1@53\", \"192.0.2.53\"}\nmx_guard_trust_anchor = \"/x\"\n",
        "reply_types = {mdn}\nmap_listen = \"inet6:8893@::1\"\nexceptions = \"/x y\"\nmax_bad_macs = 0\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        round_trip(texts[i]);
}

/* "${" can be written in disguise; then it must be printed in disguise, or not be taken. */
static void test_print_dollar(void **state)
{
    (void)state;
    round_trip("user = \"a$\\{b}\"\n");
}

static void test_print_values(void **state)
{
    (void)state;
    char *text = printed("user = \"b\\\"v\\\\\"\nsign_daemons = {\"a\", \"b\"}\nsign_authenticated = off\n"
                         "max_recipients = 7\n");
    assert_non_null(text);
    assert_non_null(strstr(text, "\nuser = \"b\\\"v\\\\\"\n"));
    assert_non_null(strstr(text, "\nsign_daemons = {\"a\", \"b\"}\n"));
    assert_non_null(strstr(text, "\nsign_authenticated = false\n"));
    assert_non_null(strstr(text, "\nmax_recipients = 7\n"));
    free(text);
}

static void test_print_bad(void **state)
{
    (void)state;
    assert_null(printed("foo = 1\n"));
    expect("S/c:1: no such option 'foo'\n");
}

/* ---- the rule that ties row, manual page and example together ------------------------------- */

static char *read_source(const char *path)
{
    size_t n;
    char *text = slurp(path, 1 << 20, &n, &problems);

    if (text == NULL)
        fail_msg("%s: %s; run from the top of the source tree", path, problems.item[0].text);
    return text;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether a name stands as a word of its own in a line that begins an item. */
static bool has_item(const char *page, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = page; (p = strstr(p, "\n.It ")) != NULL; p++) {
        const char *end = strchr(p + 1, '\n');
        for (const char *q = strstr(p, name); q != NULL && q < end; q = strstr(q + 1, name))
            if (!is_name_char(q[-1]) && !is_name_char(q[n]))
                return true;
    }
    return false;
}

static void test_manual_page(void **state)
{
    char *page = read_source("doc/bvmilter.conf.5");

    (void)state;
    for (size_t i = 0; i < conf_row_count; i++)
        if (!has_item(page, conf_rows[i].name))
            fail_msg("%s is not in doc/bvmilter.conf.5", conf_rows[i].name);
    assert_false(has_item(page, "no_such_setting"));
    free(page);
}

/* What the example sets otherwise than the default. */
static const char *const example_changes[][2] = {
    {"listen", "\"unix:/var/spool/postfix/bv/bvmilter.sock\""},
    {"user", "\"bv\""},
    {"mx_guard_recipients", "\"mark\""},
    {"mx_guard_senders", "\"mark\""},
};

/* Whether the example sets a setting, to what it is known to. */
static bool is_changed(const char *example, const char *name)
{
    char start[64], line[200];
    bool known = false;

    snprintf(start, sizeof start, "\n%s = ", name);
    const char *at = strstr(example, start);
    for (size_t i = 0; at != NULL && i < sizeof example_changes / sizeof *example_changes; i++) {
        snprintf(line, sizeof line, "\n%s = %s\n", example_changes[i][0], example_changes[i][1]);
        known = known || strncmp(at, line, strlen(line)) == 0;
    }
    if (at != NULL && !known)
        fail_msg("the example sets %s, which this test does not know", name);
    return known;
}

/* "A setting that is commented out has the default that it shows"; and every setting is there. */
static void test_example_defaults(void **state)
{
    char *example = read_source("doc/examples/bvmilter.conf");
    size_t changes = 0;

    (void)state;
    for (size_t i = 0; i < conf_row_count; i++) {
        char start[64], line[300];
        snprintf(start, sizeof start, "\n#%s = ", conf_rows[i].name);
        const char *at = strstr(example, start);
        bool changed = is_changed(example, conf_rows[i].name);
        changes += changed;
        if (at == NULL && !changed)
            fail_msg("%s is not in the example", conf_rows[i].name);
        if (at == NULL)
            continue;
        snprintf(line, sizeof line, "%.*s\n", (int)strcspn(at + 2, "\n"), at + 2);
        char *text = printed(line);
        if (text == NULL || strcmp(text, DEFAULTS) != 0)
            fail_msg("%s is not the default: %s", line, text == NULL ? problems.item[0].text : text);
        free(text);
    }
    assert_int_equal(changes, sizeof example_changes / sizeof *example_changes);
    free(example);
}

/* A row that is commented out is one that could be taken in. */
static void take_in_rows(char *text)
{
    for (char *p = text; (p = strstr(p, "\n#")) != NULL; p++)
        if (p[2] != ' ' && p[2] != '\n')
            p[1] = ' ';
}

static void test_examples_read(void **state)
{
    char *example = read_source("doc/examples/bvmilter.conf"), *table = read_source("doc/examples/domains");
    char *exceptions = read_source("doc/examples/exceptions");
    struct conf c;
    struct domains d;
    struct exceptions e;

    (void)state;
    take_in_rows(table);
    take_in_rows(exceptions);
    assert_int_equal(conf_parse(&c, "example", example, &problems), 0);
    assert_int_equal(c.policy.guard_recipients, ACTION_MARK); /* the guard is on, and refuses nothing yet */
    assert_int_equal(c.policy.guard_senders, ACTION_MARK);
    assert_int_equal(domains_read(&d, "example", bv_str(table), BV_PLUS, &problems), 0);
    assert_int_equal(exceptions_read(&e, "example", bv_str(exceptions), &problems), 0);
    assert_int_equal(d.n, 7);
    assert_int_equal(e.n, 8);
    exceptions_free(&e);
    domains_free(&d);
    conf_free(&c);
    free(example);
    free(table);
    free(exceptions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exceptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exceptions_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exceptions_default, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slurp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print_dollar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_manual_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_example_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_examples_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "keys/etcd_login.h"
#include "test/unit/keys_scratch.h"

static void test_check(void **state)
{
    static const struct {
        const char *name, *url;
        struct store_login login;
        const char *said; /* "": it is good */
    } rows[] = {
        {"nothing", "etcd://h/k", {0}, ""},
        {"user", "etcd://h/k", {.user = "u", .password_file = "p"}, ""},
        {"user with TLS", "etcds://h/k", {.user = "u", .password_file = "p", .ca = "p"}, ""},
        {"certificate", "etcds://h/k", {.cert = "p", .key = "p"}, ""},
        {"no password", "etcd://h/k", {.user = "u"}, "BV_ETCD_USER and BV_ETCD_PASSWORD_FILE go together"},
        {"no user", "etcd://h/k", {.password_file = "p"}, "go together"},
        {"no key", "etcds://h/k", {.cert = "p"}, "BV_ETCD_CERT and BV_ETCD_KEY go together"},
        {"no certificate", "etcds://h/k", {.key = "p"}, "go together"},
        {"authorities without TLS", "etcd://h/k", {.ca = "p"}, "write etcds://"},
        {"certificate without TLS", "etcd://h/k", {.cert = "p", .key = "p"}, "write etcds://"},
        {"no such authorities",
         "etcds://h/k",
         {.ca = "nosuch"},
         "BV_ETCD_CA nosuch: cannot be read: No such file"},
        {"no such certificate", "etcds://h/k", {.cert = "nosuch", .key = "p"}, "BV_ETCD_CERT nosuch: cannot"},
        {"no such key", "etcds://h/k", {.cert = "p", .key = "nosuch"}, "BV_ETCD_KEY nosuch: cannot be opened"},
        {"key open to others",
         "etcds://h/k",
         {.cert = "p", .key = "open"},
         "BV_ETCD_KEY open: mode 0644 is wider"},
        {"no such password",
         "etcd://h/k",
         {.user = "u", .password_file = "nosuch"},
         "BV_ETCD_PASSWORD_FILE nosuch: "},
        {"password open to others",
         "etcd://h/k",
         {.user = "u", .password_file = "open"},
         "BV_ETCD_PASSWORD_FILE open: mode 0644 is wider than 0640; run: chmod 0640 open"},
        {"no text",
         "etcd://h/k",
         {.user = "u", .password_file = "newline"},
         "its first line holds no password"},
        {"a NUL", "etcd://h/k", {.user = "u", .password_file = "nul"}, "its first line holds no password"},
        {"too long", "etcd://h/k", {.user = "u", .password_file = "long"}, "is larger than 512 octets"},
    };
    char text[ETCD_PASSWORD_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof text);
    scratch_put("p", "geheim\nmore\n", 12, 0600);
    scratch_put("open", "geheim\n", 7, 0644);
    scratch_put("newline", "\ngeheim\n", 8, 0600);
    scratch_put("nul", "geh\0eim\n", 8, 0600);
    scratch_put("long", text, sizeof text, 0600);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.text = ""};
        struct etcd_url url;
        int result;

        assert_int_equal(etcd_url_read(&url, rows[i].url, &err), 0);
        result = etcd_login_check(&rows[i].login, &url, &err);
        if (result != (*rows[i].said == '\0' ? 0 : -1) ||
            (result != 0 && strstr(err.text, rows[i].said) == NULL))
            fail_msg("%s: %d, %s", rows[i].name, result, err.text);
        if (result != 0 && (err.sys == 0 || err.sys == ENOENT || strstr(err.text, "geheim") != NULL))
            fail_msg("%s: errno %d, or the password is in \"%s\"", rows[i].name, err.sys, err.text);
    }
}

static void test_password(void **state)
{
    static const struct {
        const char *name, *text, *password;
    } rows[] = {
        {"a line", "geheim\n", "geheim"},
        {"no newline", "geheim", "geheim"},
        {"blanks count", " ge heim \n", " ge heim "},
        {"the first of two", "one\ntwo\n", "one"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct store_login login = {.user = "u", .password_file = "p"};
        char password[ETCD_PASSWORD_MAX + 1] = "";
        struct keys_error err;

        scratch_put("p", rows[i].text, strlen(rows[i].text), 0600);
        if (etcd_login_password(password, &login, &err) != 0 || strcmp(password, rows[i].password) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, password);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *url;
        long status;
        const char *text, *said;
        int sys;
    } rows[] = {
        {"no user", "etcd://h/k", 400, "{\"error\":\"etcdserver: user name is empty\"}", "set BV_ETCD_USER",
         EACCES},
        {"wrong password", "etcd://h/k", 400,
         "{\"error\":\"etcdserver: authentication failed, invalid user ID or password\"}",
         "refuses the user u, or the password in p", EACCES},
        {"role", "etcd://h/k", 403, "{\"error\":\"etcdserver: permission denied\"}",
         "the user u may not do that with "
         "the key /k",
         EACCES},
        {"CN", "etcds://h/k", 400, "CommonName of client sending a request against gateway will be ignored",
         "has a CN", EACCES},
        {"TLS", "etcd://h/k", 400, "Client sent an HTTP request to an HTTPS server.\n", "write etcds://",
         EACCES},
        {"the same words with TLS", "etcds://h/k", 400, "Client sent an HTTP request to an HTTPS server.\n",
         "refuses with HTTP 400", EACCES},
        {"redirect", "etcd://h/k", 302, "", "answers with a redirect (HTTP 302)", EIO},
        {"404", "etcd://h/k", 404, "page not found", "no etcd 3.4", EACCES},
        {"500", "etcd://h/k", 500, "", "refuses with HTTP 500", EIO},
        {"no leader", "etcd://h/k", 503, "{\"error\":\"etcdserver: no leader\"}",
         "refuses with HTTP 503: etcdserver: no leader", EIO},
    };
    const struct store_login login = {.user = "u", .password_file = "p", .cert = "c", .key = "k"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.text = ""};
        struct etcd_url url;

        assert_int_equal(etcd_url_read(&url, rows[i].url, &err), 0);
        if (etcd_login_refused(&login, &url, rows[i].status, bv_str(rows[i].text), &err) != -1 ||
            strstr(err.text, rows[i].said) == NULL || err.sys != rows[i].sys)
            fail_msg("%s: errno %d, %s", rows[i].name, err.sys, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_check, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_password, scratch_setup, scratch_teardown),
        cmocka_unit_test(test_refused),
    };

    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

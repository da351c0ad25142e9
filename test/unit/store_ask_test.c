#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

#include "keys/etcd_ask.h"

/* "L2sv" is "/k/" in base64. Etcd passes over members that it does not know: a wrong name would be no comparison. */
#define PUT "\"success\":[{\"request_put\":{\"key\":\"L2sv\",\"value\":\"e30K\"}}]}"

/* Compares a text without its blanks and newlines, and frees it. */
static void expect(const char *name, char *text, size_t n, const char *want)
{
    size_t kept = 0;

    if (text == NULL || strlen(text) != n)
        fail_msg("%s: no text, or of another length", name);
    for (const char *p = text; *p != '\0'; p++)
        if (!isspace((unsigned char)*p))
            text[kept++] = *p;
    text[kept] = '\0';
    if (strcmp(text, want) != 0)
        fail_msg("%s: %s", name, text);
    keys_json_free(text, n);
}

static void test_range(void **state)
{
    struct keys_error err;
    size_t n;
    char *text = etcd_ask_range("/k/", &n, &err);

    (void)state;
    expect("range", text, n, "{\"key\":\"L2sv\"}");
}

static void test_put(void **state)
{
    static const struct {
        const char *name;
        int64_t revision;
        const char *want;
    } rows[] = {
        {"if it is not there", 0,
         "{\"compare\":[{\"target\":\"CREATE\",\"result\":\"EQUAL\",\"key\":\"L2sv\",\"create_revision\":0}]"
         "," PUT},
        {"if it is the same", 7,
         "{\"compare\":[{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"L2sv\",\"mod_revision\":7}]," PUT},
        {"a high revision", INT64_MAX,
         "{\"compare\":[{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"L2sv\",\"mod_revision\":"
         "9223372036854775807}]," PUT},
    };
    struct keys_error err;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = etcd_ask_put("/k/", rows[i].revision, bv_str("{}\n"), &n, &err);
        expect(rows[i].name, text, n, rows[i].want);
    }
}

static void test_watch(void **state)
{
    struct keys_error err;
    size_t n;
    char *text = etcd_ask_watch("/k/", 8, &n, &err);

    (void)state;
    expect("watch", text, n, "{\"create_request\":{\"key\":\"L2sv\",\"start_revision\":8}}");
}

static void test_login(void **state)
{
    struct keys_error err;
    size_t n;
    char *text = etcd_ask_login("n\"x", "p\\\"\x01\xc3\xa4", &n, &err);

    (void)state;
    expect("login", text, n, "{\"name\":\"n\\\"x\",\"password\":\"p\\\\\\\"\\u0001\xc3\xa4\"}");
    text = etcd_ask_login("name", "\xff", &n, &err);
    assert_null(text);
    assert_null(strstr(err.text, "\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_login),
    };

    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

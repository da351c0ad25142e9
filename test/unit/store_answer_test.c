#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "keys/etcd_answer.h"

/* The beginning of what etcd 3.4 answers; "L2s=" is "/k". */
#define HEAD                                                                                                   \
    "{\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":\"1\",\"revision\":\"9\",\"raft_"      \
    "term\":\"2\"}"
#define KV ",\"kvs\":[{\"key\":\"L2s=\",\"create_revision\":\"3\",\"mod_revision\":\"7\",\"version\":\"2\""

static void test_range(void **state)
{
    static const struct {
        const char *name, *text;
        int result;
        int64_t revision;
        const char *value;
    } rows[] = {
        {"a value", HEAD KV ",\"value\":\"e30K\"}],\"count\":\"1\"}", 0, 7, "{}\n"},
        {"an empty value", HEAD KV "}],\"count\":\"1\"}", 0, 7, ""},
        {"no key", HEAD "}", 0, 0, ""},
        {"an empty array", HEAD ",\"kvs\":[]}", 0, 0, ""},
        {"unknown members", HEAD ",\"more\":true,\"new\":{}" KV ",\"lease\":\"1\",\"value\":\"e30K\"}]}", 0, 7,
         "{}\n"},
        {"nothing", "", -1, 0, NULL},
        {"no JSON", "<html>", -1, 0, NULL},
        {"cut", HEAD KV ",\"value\":\"e30K\"}],\"cou", -1, 0, NULL},
        {"no object", "[]", -1, 0, NULL},
        {"no header", "{\"kvs\":[]}", -1, 0, NULL},
        {"a header that is a string", "{\"header\":\"\"}", -1, 0, NULL},
        {"no revision", "{\"header\":{}}", -1, 0, NULL},
        {"a revision that is a number", "{\"header\":{\"revision\":9}}", -1, 0, NULL},
        {"revision 0", "{\"header\":{\"revision\":\"0\"}}", -1, 0, NULL},
        {"a negative revision", "{\"header\":{\"revision\":\"-9\"}}", -1, 0, NULL},
        {"a revision of 64 bits", "{\"header\":{\"revision\":\"9223372036854775808\"}}", -1, 0, NULL},
        {"a revision with a tail", "{\"header\":{\"revision\":\"9x\"}}", -1, 0, NULL},
        {"an empty revision", "{\"header\":{\"revision\":\"\"}}", -1, 0, NULL},
        {"two keys", HEAD ",\"kvs\":[{},{}]}", -1, 0, NULL},
        {"a key that is null", HEAD ",\"kvs\":[null]}", -1, 0, NULL},
        {"another key", HEAD ",\"kvs\":[{\"key\":\"L2w=\",\"mod_revision\":\"7\",\"value\":\"e30K\"}]}", -1, 0,
         NULL},
        {"no mod_revision", HEAD ",\"kvs\":[{\"key\":\"L2s=\",\"value\":\"e30K\"}]}", -1, 0, NULL},
        {"no base64", HEAD KV ",\"value\":\"e30\"}]}", -1, 0, NULL},
        {"a value that is a number", HEAD KV ",\"value\":7}]}", -1, 0, NULL},
        {"the key twice", HEAD KV ",\"value\":\"e30K\",\"value\":\"e30K\"}]}", -1, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.text = ""};
        struct etcd_value value;
        int result = etcd_read_range(&value, bv_str(rows[i].text), "/k", &err);

        if (result != rows[i].result)
            fail_msg("%s: %d, %s", rows[i].name, result, err.text);
        if (result == 0 &&
            (value.now != 9 || value.revision != rows[i].revision || value.n != strlen(rows[i].value) ||
             (value.n > 0 && memcmp(value.text, rows[i].value, value.n) != 0)))
            fail_msg("%s: %lld, %lld, %zu octets", rows[i].name, (long long)value.now,
                     (long long)value.revision, value.n);
        if (result != 0 && (err.sys != EPROTO || strstr(err.text, "no etcd 3.4") == NULL))
            fail_msg("%s: errno %d, %s", rows[i].name, err.sys, err.text);
        keys_json_free(value.text, value.n);
    }
}

static void test_put(void **state)
{
    static const struct {
        const char *name, *text;
        int result;
        bool done;
    } rows[] = {
        {"done",
         HEAD ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"10\"}}}]}", 0,
         true},
        {"lost", HEAD "}", 0, false},
        {"lost, said", HEAD ",\"succeeded\":false}", 0, false},
        {"a word is no truth", HEAD ",\"succeeded\":\"true\"}", 0, false},
        {"no header", "{\"succeeded\":true}", -1, false},
        {"cut", HEAD ",\"succeeded\":true", -1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.sys = 0};
        bool done = !rows[i].done;
        int result = etcd_read_put(&done, bv_str(rows[i].text), &err);

        if (result != rows[i].result || done != rows[i].done || (result != 0 && err.sys != EPROTO))
            fail_msg("%s: %d, %d", rows[i].name, result, done);
    }
}

static void test_login(void **state)
{
    static const struct {
        const char *name, *text, *token;
    } rows[] = {
        {"a token", HEAD ",\"token\":\"vAbC.17\"}", "vAbC.17"},
        {"none", HEAD "}", NULL},
        {"an empty one", HEAD ",\"token\":\"\"}", NULL},
        {"a number", HEAD ",\"token\":7}", NULL},
        {"a line more", HEAD ",\"token\":\"a\\r\\nX-More: 1\"}", NULL},
        {"a NUL", HEAD ",\"token\":\"a\\u0000b\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char token[ETCD_TOKEN_MAX + 1] = "old";
        struct keys_error err;
        int result = etcd_read_login(token, bv_str(rows[i].text), &err);

        if (result != (rows[i].token == NULL ? -1 : 0) || (result == 0 && strcmp(token, rows[i].token) != 0))
            fail_msg("%s: %d, \"%s\"", rows[i].name, result, token);
    }
}

static void test_long_token(void **state)
{
    static char text[ETCD_TOKEN_MAX + 100], token[ETCD_TOKEN_MAX + 1];
    struct keys_error err;

    (void)state;
    for (size_t n = ETCD_TOKEN_MAX - 1; n <= ETCD_TOKEN_MAX + 1; n++) {
        strcpy(text, "{\"token\":\"");
        memset(text + strlen(text), 'x', n);
        strcpy(text + 10 + n, "\"}");
        if (etcd_read_login(token, bv_str(text), &err) != (n <= ETCD_TOKEN_MAX ? 0 : -1))
            fail_msg("a token of %zu characters", n);
    }
}

static void test_watch(void **state)
{
    static const struct {
        const char *name, *line;
        enum etcd_news news;
    } rows[] = {
        {"created", "{\"result\":{\"header\":{\"revision\":\"9\"},\"created\":true}}", ETCD_QUIET},
        {"progress", "{\"result\":{\"header\":{\"revision\":\"9\"}}}", ETCD_QUIET},
        {"put", "{\"result\":{\"header\":{\"revision\":\"9\"},\"events\":[{\"kv\":{\"key\":\"L2s=\"}}]}}",
         ETCD_CHANGED},
        {"deleted", "{\"result\":{\"events\":[{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2s=\"}}]}}",
         ETCD_CHANGED},
        {"no token", "{\"result\":{\"watch_id\":\"-1\",\"created\":true,\"canceled\":true}}", ETCD_OVER},
        {"compacted", "{\"result\":{\"canceled\":true,\"compact_revision\":\"8\"}}", ETCD_OVER},
        {"canceled with an event", "{\"result\":{\"canceled\":true,\"events\":[]}}", ETCD_OVER},
        {"an error", "{\"error\":{\"grpc_code\":14,\"message\":\"no leader\"}}", ETCD_OVER},
        {"no JSON", "404 page not found", ETCD_OVER},
        {"an empty line", "", ETCD_OVER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (etcd_read_watch(bv_str(rows[i].line)) != rows[i].news)
            fail_msg("%s", rows[i].name);
}

#define WORDS20 "12345678901234567890 "

static void test_reason(void **state)
{
    static const struct {
        const char *name, *text, *reason;
    } rows[] = {
        {"error", "{\"error\":\"etcdserver: no leader\",\"code\":14}", "etcdserver: no leader"},
        {"message", "{\"message\":\"etcdserver: no leader\"}", "etcdserver: no leader"},
        {"no JSON", "404 page not found", ""},
        {"no text", "{\"error\":{}}", ""},
        {"empty", "{\"error\":\"\"}", ""},
        {"a word of 20", "{\"error\":\"a " WORDS20 "b\"}", "a " WORDS20 "b"},
        {"a word of 21, which may be of a secret", "{\"error\":\"a x" WORDS20 "b\"}", ""},
        {"a control character", "{\"error\":\"a\\u001bb\"}", ""},
        {"a newline", "{\"error\":\"a\\nb\"}", ""},
        {"no ASCII", "{\"error\":\"gr\xc3\xbcn\"}", ""},
        {"long", "{\"error\":\"" WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 WORDS20 "\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char reason[ETCD_REASON] = "old";
        etcd_read_reason(reason, bv_str(rows[i].text));
        if (strcmp(reason, rows[i].reason) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),      cmocka_unit_test(test_put),   cmocka_unit_test(test_login),
        cmocka_unit_test(test_long_token), cmocka_unit_test(test_watch), cmocka_unit_test(test_reason),
    };

    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

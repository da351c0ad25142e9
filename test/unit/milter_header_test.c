#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "milter/verdict.h"

/* What the header field says. */

enum { HUGE = 4096 };

static const char *const header_rows[] = {
    [VERDICT_VALID] = "pass (valid)",
    [VERDICT_SIGNED] = "pass (signed)",
    [VERDICT_UNTAGGED] = "fail (untagged)",
    [VERDICT_FORGED] = "fail (forged)",
    [VERDICT_EXPIRED] = "fail (expired)",
    [VERDICT_UNKNOWN_KEY] = "fail (unknown-key)",
    [VERDICT_MALFORMED] = "fail (malformed)",
    [VERDICT_NOT_TAGGABLE] = "none (not-taggable)",
    [VERDICT_ALREADY_TAGGED] = "none (already-tagged)",
    [VERDICT_EXEMPT] = "none (exempt)",
    [VERDICT_REPLY] = "none (reply)",
    [VERDICT_NO_MAIL] = "fail (no-mail)",
    [VERDICT_NULL_MX] = "fail (null-mx)",
    [VERDICT_BOGUS_MX] = "fail (bogus-mx)",
    [VERDICT_FAULT] = "none (fault)",
};

static void test_headers(void **state)
{
    static char huge[HUGE + 1];
    char value[VERDICT_HEADER], want[VERDICT_HEADER];

    (void)state;
    memset(huge, '\n', HUGE);
    for (size_t i = 0; i < sizeof header_rows / sizeof *header_rows; i++) {
        struct decision d = {.verdict = (enum verdict)i, .reason = BV_LOCAL_TOO_LONG};
        verdict_header(value, "", &d, bv_str(""));
        assert_string_equal(value, header_rows[i]);
        snprintf(want, sizeof want, "%s recipient=user@example.com", header_rows[i]);
        verdict_header(value, "", &d, bv_str("user@example.com"));
        assert_string_equal(value, want);
        verdict_header(value, "", &d, bv_str(huge));
        snprintf(want, sizeof want, "%s recipient=\\x0A", header_rows[i]);
        if (strncmp(value, want, strlen(want)) != 0 || strpbrk(value, "\r\n") != NULL)
            fail_msg("\"%s\"", value);
    }
    struct decision d = {.verdict = VERDICT_FORGED};
    verdict_header(value, "", &d, bv_str("a(b)\"c\"\\\r\nX: y\xc3\xbc@d"));
    assert_string_equal(value,
                        "fail (forged) recipient=a\\x28b\\x29\\x22c\\x22\\x5C\\x0D\\x0AX:\\x20y\\xC3\\xBC@d");
}

static void test_templates(void **state)
{
    static const struct {
        const char *name, *template, *want;
    } rows[] = {
        {"text", "failed", "failed"},
        {"verdict", "%v", "unknown-key"},
        {"result", "%r", "fail"},
        {"percent", "100%%", "100%"},
        {"both", "%r; reason=%v", "fail; reason=unknown-key"},
        {"each twice", "%v%v %r%r", "unknown-keyunknown-key failfail"},
        {"a doubled percent and a letter", "%%v %%r", "%v %r"},
        {"three percents and a letter", "%%%v", "%unknown-key"},
        {"a percent at the end", "x %", "x %"},
        {"a percent alone", "%", "%"},
        {"two percents alone", "%%", "%"},
        {"three percents alone", "%%%", "%%"},
        {"not a format", "n s d", "n s d"},
    };
    struct decision d = {.verdict = VERDICT_UNKNOWN_KEY};
    char value[VERDICT_HEADER];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        verdict_header(value, rows[i].template, &d, bv_str("user@example.com"));
        if (strcmp(value, rows[i].want) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, value);
    }
}

/* The longest template that the configuration takes: what does not fit is left out, word by word. */
static void test_long_template(void **state)
{
    struct decision d = {.verdict = VERDICT_ALREADY_TAGGED};
    char template[201], value[VERDICT_HEADER + 16];

    (void)state;
    for (size_t i = 0; i < 200; i += 2)
        memcpy(template + i, "%v", 3);
    memset(value, '#', sizeof value);
    verdict_header(value, template, &d, bv_str(""));
    assert_memory_equal(value + VERDICT_HEADER, "################", 16);
    assert_int_equal(strlen(value) % strlen("already-tagged"), 0);
    assert_true(strlen(value) > VERDICT_HEADER - 20);
}

/* The guard's own field: one line, what a stranger controls last. */
static void test_guard_header(void **state)
{
    static const struct {
        const char *name;
        enum verdict verdict;
        const char *kind;
        bool sentence, of_sender;
        const char *domain, *want;
    } rows[] = {
        {"bogus", VERDICT_BOGUS_MX, "loopback", false, false, "example.net",
         "bogus-mx (loopback) domain=example.net"},
        {"of the sender", VERDICT_BOGUS_MX, "private", false, true, "example.net",
         "bogus-mx (private) domain=example.net"},
        {"a kind of several words", VERDICT_BOGUS_MX, "shared address space", false, false, "d.example",
         "bogus-mx (shared address space) domain=d.example"},
        {"a sentence", VERDICT_BOGUS_MX, "no way to get there, 100%", true, false, "d.example",
         "bogus-mx (no way to get there, 100%) domain=d.example"},
        {"a sentence with parentheses", VERDICT_BOGUS_MX, "none (RFC 1918)) (", true, false, "d.example",
         "bogus-mx (none [RFC 1918]] [) domain=d.example"},
        {"null", VERDICT_NULL_MX, "", false, false, "example.net", "null-mx (null MX) domain=example.net"},
        {"null, of the sender", VERDICT_NULL_MX, "", false, true, "example.net",
         "null-mx (null MX) domain=example.net"},
        {"an address", VERDICT_BOGUS_MX, "loopback", false, false, "[127.0.0.1]",
         "bogus-mx (loopback) domain=[127.0.0.1]"},
        {"a domain that would be another line", VERDICT_BOGUS_MX, "loopback", false, false, "a\r\nX: y (z)",
         "bogus-mx (loopback) domain=a\\x0D\\x0AX:\\x20y\\x20\\x28z\\x29"},
    };
    static char huge[HUGE + 1];
    char value[VERDICT_HEADER + 16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision d = {.event = EVENT_GUARD,
                             .verdict = rows[i].verdict,
                             .action = ACTION_MARK,
                             .of_sender = rows[i].of_sender,
                             .kind = rows[i].kind,
                             .sentence = rows[i].sentence};
        verdict_guard_header(value, &d, bv_str(rows[i].domain));
        if (strcmp(value, rows[i].want) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, value);
    }
    memset(huge, '\n', HUGE);
    memset(value, '#', sizeof value);
    verdict_guard_header(value, &(struct decision){.verdict = VERDICT_NULL_MX, .kind = ""}, bv_str(huge));
    assert_memory_equal(value + VERDICT_HEADER, "################", 16);
    assert_null(strpbrk(value, "\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_long_template),
        cmocka_unit_test(test_guard_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_long_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

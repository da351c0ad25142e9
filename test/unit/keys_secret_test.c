#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "keys/edit.h"

#define S(literal)                                                                                             \
    {                                                                                                          \
        "" literal, sizeof literal - 1                                                                         \
    }
#define T64  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
#define T256 T64 T64 T64 T64
#define H32  "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define H256 H32 H32 H32 H32 H32 H32 H32 H32
#define B42  "MDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEy"
#define B252 B42 B42 B42 B42 B42 B42

static const struct {
    const char *name;
    enum keys_format format;
    struct bv_str text, secret;
    const char *said; /* refused */
} rows[] = {
    {"text: a line", KEYS_FORMAT_TEXT, S("secret\n"), S("secret"), ""},
    {"text: no newline", KEYS_FORMAT_TEXT, S("secret"), S("secret"), ""},
    {"text: from another system", KEYS_FORMAT_TEXT, S("secret\r\n"), S("secret"), ""},
    {"text: a lone CR stays", KEYS_FORMAT_TEXT, S("secret\r"), S("secret\r"), ""},
    {"text: blanks stay", KEYS_FORMAT_TEXT, S(" a b \n"), S(" a b "), ""},
    {"text: no ASCII", KEYS_FORMAT_TEXT, S("gr\xc3\xbcn\xff\n"), S("gr\xc3\xbcn\xff"), ""},
    {"text: empty", KEYS_FORMAT_TEXT, S(""), S(""), "is empty"},
    {"text: an empty line", KEYS_FORMAT_TEXT, S("\n"), S(""), "is empty"},
    {"text: an empty line, CR LF", KEYS_FORMAT_TEXT, S("\r\n"), S(""), "is empty"},
    {"text: two lines", KEYS_FORMAT_TEXT, S("a\nb\n"), S(""), "is not one line of text"},
    {"text: an empty line more", KEYS_FORMAT_TEXT, S("a\n\n"), S(""), "is not one line of text"},
    {"text: NUL", KEYS_FORMAT_TEXT, S("a\0b"), S(""), "use --format raw"},
    {"text: 256 octets", KEYS_FORMAT_TEXT, S(T256 "\n"), S(T256), ""},
    {"text: 257 octets", KEYS_FORMAT_TEXT, S(T256 "x\n"), S(""), "more than 256 octets"},
    {"raw: all of it", KEYS_FORMAT_RAW, S("\0a\r\nb\n\xff\n"), S("\0a\r\nb\n\xff\n"), ""},
    {"raw: empty", KEYS_FORMAT_RAW, S(""), S(""), "is empty"},
    {"raw: 256 octets", KEYS_FORMAT_RAW, S(T256), S(T256), ""},
    {"raw: 257 octets", KEYS_FORMAT_RAW, S(T256 "\n"), S(""), "more than 256 octets"},
    {"base64", KEYS_FORMAT_BASE64, S("c2VjcmV0\n"), S("secret"), ""},
    {"base64: one pad", KEYS_FORMAT_BASE64, S("c2VjcmU="), S("secre"), ""},
    {"base64: broken lines", KEYS_FORMAT_BASE64, S(" c2Vj\r\n\tcm V0\n\n"), S("secret"), ""},
    {"base64: not padded", KEYS_FORMAT_BASE64, S("c2VjcmU\n"), S(""), "no base64"},
    {"base64: for URLs", KEYS_FORMAT_BASE64, S("_-__"), S(""), "no base64"},
    {"base64: NUL", KEYS_FORMAT_BASE64, S("c2Vj\0cmV"), S(""), "no base64"},
    {"base64: empty", KEYS_FORMAT_BASE64, S(" \n"), S(""), "is empty"},
    {"base64: 256 octets", KEYS_FORMAT_BASE64, S(B252 "MDEyMA=="), S(""), NULL},
    {"base64: 257 octets", KEYS_FORMAT_BASE64, S(B252 "MDEyMDE="), S(""), "more than 256 octets"},
    {"base64: 258 octets", KEYS_FORMAT_BASE64, S(B252 "MDEyMDEy"), S(""), "more than 256 octets"},
    {"base64: 261 octets", KEYS_FORMAT_BASE64, S(B252 "MDEyMDEyMDEy"), S(""), "more than 256 octets"},
    {"base64: very long", KEYS_FORMAT_BASE64, S(B252 B252), S(""), "more than 256 octets"},
    {"hex", KEYS_FORMAT_HEX, S("736563726574\n"), S("secret"), ""},
    {"hex: in both cases, with blanks", KEYS_FORMAT_HEX, S("fF 00\n0a\tA0"), S("\xff\0\x0a\xa0"), ""},
    {"hex: a digit too few", KEYS_FORMAT_HEX, S("73656"), S(""), "no hexadecimal text"},
    {"hex: another letter", KEYS_FORMAT_HEX, S("736g"), S(""), "no hexadecimal text"},
    {"hex: 0x", KEYS_FORMAT_HEX, S("0x73"), S(""), "no hexadecimal text"},
    {"hex: NUL", KEYS_FORMAT_HEX, S("7\0"), S(""), "no hexadecimal text"},
    {"hex: empty", KEYS_FORMAT_HEX, S("\n"), S(""), "is empty"},
    {"hex: 256 octets", KEYS_FORMAT_HEX, S(H256), S(""), NULL},
    {"hex: 257 octets", KEYS_FORMAT_HEX, S(H256 "00"), S(""), "more than 256 octets"},
};

static void test_formats(void **state)
{
    static const unsigned char zero[KEYS_SECRET_MAX];
    unsigned char secret[KEYS_SECRET_MAX];
    struct keys_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool full = rows[i].said == NULL; /* only the length is looked at */
        bool refused = !full && rows[i].said[0] != '\0';
        memset(secret, 0xaa, sizeof secret);
        err.text[0] = '\0';
        size_t n = keys_secret_read(secret, rows[i].format, rows[i].text, &err);
        if (refused &&
            (n != 0 || strstr(err.text, rows[i].said) == NULL || memcmp(secret, zero, sizeof zero) != 0))
            fail_msg("%s: %zu octets, \"%s\", or not wiped", rows[i].name, n, err.text);
        if (refused && strstr(err.text, "secret is") == NULL && strstr(err.text, "secret has") == NULL)
            fail_msg("%s: \"%s\"", rows[i].name, err.text);
        if (full && n != KEYS_SECRET_MAX)
            fail_msg("%s: %zu octets", rows[i].name, n);
        if (!refused && !full && (n != rows[i].secret.n || memcmp(secret, rows[i].secret.p, n) != 0))
            fail_msg("%s: %zu octets, \"%s\"", rows[i].name, n, err.text);
    }
}

static void test_format_words(void **state)
{
    enum keys_format format = KEYS_FORMAT_HEX;

    (void)state;
    assert_true(keys_format_from_word(&format, bv_str("text")) && format == KEYS_FORMAT_TEXT);
    assert_true(keys_format_from_word(&format, bv_str("raw")) && format == KEYS_FORMAT_RAW);
    assert_true(keys_format_from_word(&format, bv_str("base64")) && format == KEYS_FORMAT_BASE64);
    assert_true(keys_format_from_word(&format, bv_str("hex")) && format == KEYS_FORMAT_HEX);
    assert_false(keys_format_from_word(&format, bv_str("Text")));
    assert_false(keys_format_from_word(&format, bv_str("")));
    assert_int_equal(format, KEYS_FORMAT_HEX);
}

static const struct {
    struct bv_str secret;
    const char *said; /* "": good */
} weak[] = {
    {S("x"), "fewer than 16"},
    {S("q8K#w1z0Lm4rT6y"), "fewer than 16"},
    {S("q8K#w1z0Lm4rT6yB"), ""},
    {S("aqaqaqaqbzbzbzbzcxcx"), ""},
    {S("aqwxzaqwxazqxwzaqwzx"), "fewer than 6 different"},
    {S("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"), "fewer than 6 different"},
    {S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "fewer than 6 different"},
    {S("passwordpassword"), "repeated"},
    {S("passwordpasswordpass"), "repeated"},
    {S("qazwsxedcqazwsxed"), ""}, /* not a whole second time */
    {S("qazwsxedcqazwsxedc"), "repeated"},
    {S("0123456789abcdef0123456789abcdef"), "repeated"},
    {S("abcdefghijklmnop"), "rows"},
    {S("ponmlkjihgfedcba"), "rows"},
    {S("abcdefghijklqwtz"), "rows"},
    {S("abcdefghijkqwtzv"), ""}, /* less than two thirds */
    {S("aabbccddeeffgghh"), "rows"},
    {S("qwertzuiopasdfghjk"), ""},
    {S("correct horse battery staple"), ""},
    {S("9f86d081884c7d659a2feaa0c55ad015"), ""},
    {S("\x7f\x80\x7f\x80\xff\x00\xff\x00\xfe\x01\x55\x13\x77\x99\xab\x31"), ""},
};

static void test_weakness(void **state)
{
    unsigned char secret[KEYS_SECRET_NEW];
    struct keys_error err;

    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        const char *why = keys_secret_weakness((const unsigned char *)weak[i].secret.p, weak[i].secret.n);
        if ((why == NULL) != (weak[i].said[0] == '\0') || (why != NULL && strstr(why, weak[i].said) == NULL))
            fail_msg("row %zu, \"%.40s\": %s", i, weak[i].secret.p, why == NULL ? "good" : why);
    }
    for (int i = 0; i < 2000; i++) {
        char hex[2 * 8 + 1];
        assert_int_equal(keys_generate(secret, sizeof secret, &err), 0);
        for (size_t n = KEYS_SECRET_MIN; n <= sizeof secret; n++)
            assert_null(keys_secret_weakness(secret, n));
        /* 32 hexadecimal digits, as openssl rand -hex 16 makes them */
        snprintf(hex, sizeof hex, "%02x%02x%02x%02x%02x%02x%02x%02x", secret[0], secret[1], secret[2],
                 secret[3], secret[4], secret[5], secret[6], secret[7]);
        memcpy(secret, hex, 16);
        snprintf(hex, sizeof hex, "%02x%02x%02x%02x%02x%02x%02x%02x", secret[24], secret[25], secret[26],
                 secret[27], secret[28], secret[29], secret[30], secret[31]);
        memcpy(secret + 16, hex, 16);
        assert_null(keys_secret_weakness(secret, 32));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_format_words),
        cmocka_unit_test(test_weakness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

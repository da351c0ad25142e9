/* Files that were cut short or damaged on their way: none of them is taken for a ring. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"
#include "keys_sample.h"

static char *text;
static size_t length;

static int setup(void **state)
{
    struct keys_error err;
    struct keys_ring ring;

    (void)state;
    keys_json_setup();
    if (keys_json_read(&ring, bv_str(SAMPLE), &err) != 0)
        return -1;
    text = keys_json_write(&ring, &length, &err);
    return text == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    keys_json_free(text, length);
    return 0;
}

static bool is_read(const char *p, size_t n)
{
    struct keys_error err = {.line = 0};
    struct keys_ring ring;
    bool read = keys_json_read(&ring, (struct bv_str){p, n}, &err) == 0;

    if (!read)
        assert_int_not_equal(err.text[0], '\0');
    return read;
}

static void test_every_prefix(void **state)
{
    (void)state;
    assert_true(is_read(text, length));
    assert_true(is_read(text, length - 1)); /* the final newline is no part of the object */
    for (size_t n = 0; n < length - 1; n++)
        if (is_read(text, n))
            fail_msg("%zu of %zu octets are taken for a ring", n, length);
}

static void test_every_overwritten_half(void **state)
{
    char *mixed = malloc(length);

    (void)state;
    assert_non_null(mixed);
    for (size_t n = 1; n < length - 1; n++) { /* the new file so far, and zeros where blocks are missing */
        memcpy(mixed, text, n);
        memset(mixed + n, '\0', length - n);
        assert_false(is_read(mixed, length));
    }
    free(mixed);
}

static void test_single_bits(void **state)
{
    enum { FLIPS = 10000 };
    unsigned seed = 20778;

    (void)state;
    for (int i = 0; i < FLIPS; i++) {
        size_t at = (size_t)rand_r(&seed) % (length - 1);
        char bit = (char)(1 << rand_r(&seed) % 8);
        text[at] ^= bit;
        if (is_read(text, length))
            fail_msg("a bit of octet %zu is turned over, and nobody noticed", at);
        text[at] ^= bit;
    }
    assert_true(is_read(text, length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_every_overwritten_half),
        cmocka_unit_test(test_single_bits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

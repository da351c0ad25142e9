#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "keys/heap.h"

static void test_resize(void **state)
{
    char *p = heap_resize(NULL, 4);

    (void)state;
    assert_non_null(p);
    memcpy(p, "abc", 4);
    p = heap_resize(p, 100000);
    assert_string_equal(p, "abc");
    p = heap_resize(p, 2);
    assert_memory_equal(p, "ab", 2);
    assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
    heap_give(p);
    heap_give(NULL);
}

static void test_zeroed(void **state)
{
    char *p = heap_take_zeroed(3, 5);

    (void)state;
    for (int i = 0; i < 15; i++)
        assert_int_equal(p[i], 0);
    heap_give(p);
    assert_null(heap_take_zeroed(SIZE_MAX / 2 + 1, 2));
    assert_null(heap_take(SIZE_MAX));
    heap_give(heap_take_zeroed(0, 5));
}

static void test_copy(void **state)
{
    char *p = heap_copy("text");

    (void)state;
    assert_string_equal(p, "text");
    heap_give(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

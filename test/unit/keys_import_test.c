#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <cmocka.h>

#include "test/unit/keys_make.h"

static const struct {
    const char *name;
    int64_t old, new; /* generations */
    bool other_id, other_content, force;
    int result;
    int64_t after; /* generation; with a stamp when it is neither of the two */
    const char *said;
} rows[] = {
    {"the same", 7, 7, false, false, false, 0, 7, ""},
    {"the same, by force", 7, 7, false, false, true, 0, 7, ""},
    {"higher", 7, 8, false, true, false, 1, 8, ""},
    {"much higher", 7, 700, false, true, false, 1, 700, ""},
    {"higher, by force", 7, 8, false, true, true, 1, 8, ""},
    {"higher, nothing else", 7, 8, false, false, false, 1, 8, ""},
    {"the highest", 7, KEYS_GENERATION_MAX, false, true, false, 1, KEYS_GENERATION_MAX, ""},
    {"two editors", 7, 7, false, true, false, -1, 7,
     "generation 7 is in use with other content: two nodes have edited the ring; --force imports it as "
     "generation 8"},
    {"two editors, by force", 7, 7, false, true, true, 1, 8, ""},
    {"lower", 7, 6, false, true, false, -1, 7,
     "generation 6 is older than 7, which is in use; --force imports it as generation 8"},
    {"lower, nothing else", 7, 6, false, false, false, -1, 7, "generation 6 is older than 7"},
    {"lower, by force", 7, 2, false, true, true, 1, 8, ""},
    {"lower, by force, nothing else", 7, 6, false, false, true, 1, 8, ""},
    {"lower than the highest, by force", KEYS_GENERATION_MAX, 6, false, true, true, -1, KEYS_GENERATION_MAX,
     "the generation cannot rise any more"},
    {"another", 7, 9, true, true, false, -1, 7, "; --force puts it in its place"},
    {"another, lower", 7, 2, true, true, false, -1, 7, "is another one than 6f1c2d3e-"},
    {"another, by force", 7, 9, true, true, true, 1, 9, ""},
    {"another, lower, by force", 7, 2, true, true, true, 1, 2, ""},
    {"another, nothing else, by force", 7, 7, true, false, true, 1, 7, ""},
};

static void test_rows(void **state)
{
    struct keys_ring ring, from, before, want;
    struct keys_error err;

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        make_ring(&ring, "3@-20 x2@1");
        ring.generation = rows[r].old;
        make_ring(&from, rows[r].other_content ? "3@-20 4@1" : "3@-20 x2@1");
        from.generation = rows[r].new;
        from.id[0] = rows[r].other_id ? 'a' : from.id[0];
        from.checksummed = r % 2 == 0;
        before = ring;
        want = rows[r].result > 0 ? from : before;
        err.text[0] = '\0';
        int result = keys_import(&ring, &from, rows[r].force, "me@here", NOW, &err);
        if (result != rows[r].result || strstr(err.text, rows[r].said) == NULL ||
            (result < 0) != (rows[r].said[0] != '\0'))
            fail_msg("%s: %d, \"%s\"", rows[r].name, result, err.text);
        if (rows[r].after != rows[r].old && rows[r].after != rows[r].new) {
            want.generation = rows[r].after;
            want.updated = NOW;
            strcpy(want.updated_by, "me@here");
        }
        if (keys_same(&ring, &want, &err) != 1)
            fail_msg("%s: generation %lld, or other content", rows[r].name, (long long)ring.generation);
        if (result > 0 && !rows[r].other_id && keys_may_follow(&before, &ring, &err) != 0)
            fail_msg("%s: no daemon would take it: %s", rows[r].name, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

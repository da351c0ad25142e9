#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"
#include "test/unit/keys_scratch.h"

/* Loads k.json, and expects a piece of an error, or "" for a good answer. */
static void expect(const char *name, const char *path, const char *said, int sys)
{
    struct keys_error err = {-1, -1, -1, ""};
    struct keys_ring ring;
    int result;

    memset(&ring, 1, sizeof ring);
    result = keys_load(&ring, path, &err);
    if (result != (*said == '\0' ? 0 : -1) || (result != 0 && strstr(err.text, said) == NULL))
        fail_msg("%s: %d, \"%s\"", name, result, err.text);
    if (result != 0 && (err.sys != sys || ring.count != 0 || ring.id[0] != '\0'))
        fail_msg("%s: errno %d, or the ring is not wiped", name, err.sys);
    if (result == 0 && ring.generation != 7)
        fail_msg("%s: another ring", name);
}

static void test_modes(void **state)
{
    static const struct {
        mode_t mode;
        const char *said;
    } rows[] = {
        {0640, ""},
        {0600, ""},
        {0440, ""},
        {0400, ""},
        {0644, "mode 0644 is wider than 0640; run: chmod 0640 k.json"},
        {0660, "mode 0660 is wider"},
        {0641, "mode 0641 is wider"},
        {0642, "mode 0642 is wider"},
        {0650, "mode 0650 is wider"},
        {0740, "mode 0740 is wider"},
        {04640, "mode 4640 is wider"},
        {02640, "mode 2640 is wider"},
        {01640, "mode 1640 is wider"},
    };
    char name[16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unlink("k.json");
        scratch_put("k.json", SAMPLE, strlen(SAMPLE), rows[i].mode);
        snprintf(name, sizeof name, "mode %04o", (unsigned)rows[i].mode);
        expect(name, "k.json", rows[i].said, 0);
    }
}

static void test_directories(void **state)
{
    static const struct {
        mode_t mode;
        const char *said;
    } rows[] = {
        {0750, ""},
        {0755, ""},
        {0770, ""},
        {0700, ""},
        {0752, "the directory can be written by everybody; run: chmod o-w "},
        {0777, "the directory can be written by everybody"},
        {01777, "where everybody may put files"},
    };
    char name[24];

    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    scratch_put("d/k.json", SAMPLE, strlen(SAMPLE), 0640);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod("d", rows[i].mode), 0);
        snprintf(name, sizeof name, "directory %04o", (unsigned)rows[i].mode);
        expect(name, "d/k.json", rows[i].said, 0);
    }
}

static void test_kinds(void **state)
{
    static char large[KEYS_FILE_MAX + 1];

    (void)state;
    memset(large, ' ', sizeof large);
    memcpy(large, SAMPLE, strlen(SAMPLE));
    scratch_put("large", large, KEYS_FILE_MAX, 0640);
    scratch_put("larger", large, KEYS_FILE_MAX + 1, 0640);
    scratch_put("empty", "", 0, 0640);
    scratch_put("nul", "{\0}", 3, 0640);
    assert_int_equal(mkfifo("fifo", 0640), 0);
    assert_int_equal(mkdir("dir", 0640), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    expect("the largest", "large", "", 0);
    expect("too large", "larger", "is larger than 65536 octets", 0);
    expect("empty", "empty", "is empty", 0);
    expect("a NUL", "nul", "expected", 0);
    expect("a FIFO without a writer", "fifo", "is no regular file", 0);
    expect("a directory", "dir", "is no regular file", 0);
    expect("a device", "/dev/zero", "is no regular file", 0);
    expect("missing", "none", "cannot be opened: No such file", ENOENT);
    expect("missing directory", "none/k.json", "cannot be opened: No such file", ENOENT);
    expect("a file as a directory", "large/k.json", "cannot be opened: Not a directory", ENOTDIR);
    expect("a loop of links", "loop", "cannot be opened: Too many levels", ELOOP);
}

/* As a Secret is mounted: k.json -> ..data/k.json, ..data -> ..2026; the mount itself is 1777. */
static void test_kubernetes(void **state)
{
    (void)state;
    assert_int_equal(mkdir("mount", 0700), 0);
    assert_int_equal(mkdir("mount/..2026", 0755), 0);
    scratch_put("mount/..2026/k.json", SAMPLE, strlen(SAMPLE), 0440);
    assert_int_equal(symlink("..2026", "mount/..data"), 0);
    assert_int_equal(symlink("..data/k.json", "mount/k.json"), 0);
    assert_int_equal(chmod("mount", 01777), 0);
    expect("sticky mount", "mount/k.json", "", 0);
    assert_int_equal(chmod("mount", 0777), 0);
    expect("mount without the sticky bit", "mount/k.json", "can be written by everybody; run: chmod o-w mount",
           0);
    assert_int_equal(chmod("mount", 0755), 0);
    expect("closed mount", "mount/k.json", "", 0);
    assert_int_equal(chmod("mount/..2026", 0757), 0);
    expect("open target", "mount/k.json", "run: chmod o-w /", 0);
    assert_int_equal(chmod("mount/..2026", 0755), 0);
    assert_int_equal(chmod("mount/..2026/k.json", 0644), 0);
    expect("wide target", "mount/k.json", "mode 0644 is wider", 0);
    assert_int_equal(unlink("mount/..2026/k.json"), 0);
    expect("dangling", "mount/k.json", "cannot be opened: No such file", ENOENT);
}

static void test_place_of_error(void **state)
{
    struct keys_error err;
    struct keys_ring ring;

    (void)state;
    scratch_put("bad", "{\n  oops", 8, 0640);
    assert_int_equal(keys_load(&ring, "bad", &err), -1);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.sys, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_directories, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_kinds, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_kubernetes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_place_of_error, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

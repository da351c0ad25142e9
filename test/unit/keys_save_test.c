#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"
#include "test/unit/keys_scratch.h"

enum { OTHER_UID = 12345, OTHER_GID = 23456 };

/* A ring that differs from what is in the files. */
static void make_ring(struct keys_ring *ring)
{
    struct keys_error err;

    assert_int_equal(keys_json_read(ring, bv_str(SAMPLE), &err), 0);
    ring->generation = 8;
}

static void expect_generation(const char *path, int64_t generation)
{
    struct keys_error err;
    struct keys_ring ring;

    if (keys_load(&ring, path, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    assert_int_equal(ring.generation, generation);
}

static void test_replace(void **state)
{
    static const struct {
        mode_t before, after;
    } rows[] = {{0640, 0640}, {0600, 0600}, {0440, 0440}, {0666, 0640}, {0755, 0640}};
    struct keys_error err;
    struct keys_ring ring;
    struct stat old, st;

    (void)state;
    make_ring(&ring);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unlink("k.json");
        scratch_put("k.json", SAMPLE, strlen(SAMPLE), rows[i].before);
        assert_int_equal(stat("k.json", &old), 0);
        assert_int_equal(keys_save(&ring, "k.json", &err), 0);
        assert_int_equal(stat("k.json", &st), 0);
        if ((st.st_mode & 07777) != rows[i].after || st.st_ino == old.st_ino)
            fail_msg("%04o: mode %04o, or the same file", (unsigned)rows[i].before, (unsigned)st.st_mode);
        expect_generation("k.json", 8);
        assert_int_equal(scratch_count("."), 1);
    }
}

static void test_owner(void **state)
{
    struct keys_error err;
    struct keys_ring ring;
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    make_ring(&ring);
    scratch_put("k.json", SAMPLE, strlen(SAMPLE), 0640);
    assert_int_equal(chown("k.json", OTHER_UID, OTHER_GID), 0);
    assert_int_equal(keys_save(&ring, "k.json", &err), 0);
    assert_int_equal(stat("k.json", &st), 0);
    assert_int_equal(st.st_uid, OTHER_UID);
    assert_int_equal(st.st_gid, OTHER_GID);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_fresh(void **state)
{
    struct keys_error err;
    struct keys_ring ring;
    struct stat st;

    (void)state;
    make_ring(&ring);
    assert_int_equal(keys_save_new(&ring, "k.json", &err), 0);
    assert_int_equal(stat("k.json", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_nlink, 1);
    expect_generation("k.json", 8);
    ring.generation = 9;
    assert_int_equal(keys_save_new(&ring, "k.json", &err), -1);
    assert_string_equal(err.text, "is there already, and is not overwritten");
    assert_int_equal(err.sys, EEXIST);
    expect_generation("k.json", 8);
    assert_int_equal(symlink("k.json", "link"), 0);
    assert_int_equal(keys_save_new(&ring, "link", &err), -1);
    expect_generation("k.json", 8);
    /* keys_save() makes what is not there, too */
    assert_int_equal(keys_save(&ring, "other.json", &err), 0);
    expect_generation("other.json", 9);
    assert_int_equal(scratch_count("."), 3);
}

static void test_links(void **state)
{
    struct keys_error err;
    struct keys_ring ring;
    struct stat st;

    (void)state;
    make_ring(&ring);
    assert_int_equal(mkdir("real", 0750), 0);
    assert_int_equal(mkdir("etc", 0750), 0);
    scratch_put("real/k.json", SAMPLE, strlen(SAMPLE), 0600);
    assert_int_equal(symlink("../real/k.json", "etc/keyring.json"), 0);
    assert_int_equal(keys_save(&ring, "etc/keyring.json", &err), 0);
    assert_int_equal(lstat("etc/keyring.json", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    expect_generation("real/k.json", 8);
    assert_int_equal(scratch_count("etc"), 1);
    assert_int_equal(scratch_count("real"), 1);
    assert_int_equal(unlink("real/k.json"), 0);
    assert_int_equal(keys_save(&ring, "etc/keyring.json", &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(keys_save_new(&ring, "etc/keyring.json", &err), -1);
    assert_int_equal(scratch_count("real"), 0);
}

/* Each must leave the old file, and nothing else. */
static void test_failures(void **state)
{
    struct rlimit limit, tiny;
    struct keys_error err;
    struct keys_ring ring;
    struct stat st;

    (void)state;
    make_ring(&ring);
    scratch_put("k.json", SAMPLE, strlen(SAMPLE), 0640);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    tiny = (struct rlimit){100, limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    int result = keys_save(&ring, "k.json", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(result, -1);
    assert_int_equal(err.sys, EFBIG);
    assert_int_equal(strncmp(err.text, "write ", 6), 0);
    assert_non_null(strstr(err.text, "File too large"));
    expect_generation("k.json", 7);
    assert_int_equal(scratch_count("."), 1);

    assert_int_equal(mkdir("taken", 0750), 0);
    assert_int_equal(keys_save(&ring, "taken", &err), -1);
    assert_int_equal(strncmp(err.text, "rename ", 7), 0);
    assert_int_equal(scratch_count("."), 2);
    assert_int_equal(scratch_count("taken"), 0);

    assert_int_equal(keys_save(&ring, "none/k.json", &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(chmod("taken", 0777), 0);
    assert_int_equal(keys_save_new(&ring, "taken/k.json", &err), -1);
    assert_non_null(strstr(err.text, "run: chmod o-w "));
    assert_int_equal(scratch_count("taken"), 0);

    /* a ring that could not be read again */
    strcpy(ring.key[0].comment, "bell \a");
    assert_int_equal(keys_save(&ring, "k.json", &err), -1);
    assert_string_equal(err.text, "keys[0].comment: holds a control character");
    expect_generation("k.json", 7);
    assert_int_equal(stat("k.json", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(scratch_count("."), 2);
}

static void test_leftovers(void **state)
{
    static const char *const stay[] = {".k.json.bv-12345",  ".k.json.bv-1234567",
                                       "k.json.bv-123456",  ".l.json.bv-123456",
                                       ".k.jsonxbv-123456", ".k.json.123456" /* rsync's */};
    struct keys_error err;
    struct keys_ring ring;

    (void)state;
    make_ring(&ring);
    scratch_put(".k.json.bv-aB3xYz", "old", 3, 0600);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        scratch_put(stay[i], "x", 1, 0600);
    assert_int_equal(keys_save(&ring, "k.json", &err), 0);
    assert_int_equal(access(".k.json.bv-aB3xYz", F_OK), -1);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_int_equal(access(stay[i], F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replace, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_owner, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_fresh, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_links, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_failures, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_leftovers, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

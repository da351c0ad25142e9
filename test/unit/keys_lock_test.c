#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

#include "keys/keys.h"
#include "test/unit/keys_scratch.h"

/* A child that holds the lock until the pipe is closed. Returns its id. */
static pid_t hold(const char *path, int release[2])
{
    struct keys_error err;
    int ready[2];
    char c;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(release[1]);
        int lock = keys_lock(path, 0, -1, &err);
        if (lock >= 0 && write(ready[1], "x", 1) == 1)
            (void)!read(release[0], &c, 1);
        _exit(lock < 0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(release[0]);
    return pid;
}

static void test_lock(void **state)
{
    struct keys_error err;
    struct stat st;
    char said[64];
    int release[2], stop[2], status, lock;

    (void)state;
    scratch_put("k.json", "{}", 2, 0640);
    assert_int_equal(symlink("k.json", "link"), 0);
    pid_t pid = hold("link", release);
    assert_int_equal(keys_lock("k.json", 0, -1, &err), -1);
    snprintf(said, sizeof said, "process %ld keeps the lock ", (long)pid);
    if (strncmp(err.text, said, strlen(said)) != 0)
        fail_msg("\"%s\", not \"%s\"", err.text, said);
    assert_int_equal(err.sys, EWOULDBLOCK);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(keys_lock("k.json", 5, stop[0], &err), -1);
    assert_int_equal(err.sys, ECANCELED);
    close(stop[0]);
    close(stop[1]);
    close(release[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    lock = keys_lock("k.json", 0, -1, &err);
    assert_true(lock >= 0);
    assert_int_equal(stat("k.json.lock", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    keys_unlock(lock);
    lock = keys_lock("k.json", 0, -1, &err);
    assert_true(lock >= 0);
    keys_unlock(lock);
    keys_unlock(-1);
    assert_int_equal(unlink("k.json.lock"), 0);
    assert_int_equal(symlink("victim", "k.json.lock"), 0);
    assert_int_equal(keys_lock("k.json", 0, -1, &err), -1);
    assert_int_equal(access("victim", F_OK), -1);
    assert_int_equal(unlink("k.json.lock"), 0);
    assert_int_equal(mkfifo("k.json.lock", 0600), 0);
    assert_int_equal(keys_lock("k.json", 0, -1, &err), -1);
    assert_non_null(strstr(err.text, "is no regular file"));
    assert_int_equal(keys_lock("none/k.json", 0, -1, &err), -1);
    assert_int_equal(err.sys, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

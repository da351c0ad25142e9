/* scratch - a directory of a test's own, entered by setup, removed by teardown. */
#ifndef TEST_KEYS_SCRATCH_H
#define TEST_KEYS_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/bv-keys-XXXXXX";

static inline int scratch_setup(void **state)
{
    (void)state;
    umask(0);
    strcpy(strrchr(scratch, '-'), "-XXXXXX");
    return mkdtemp(scratch) == NULL || chdir(scratch) != 0 || chmod(scratch, 0750) != 0 ? -1 : 0;
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    return chdir("/") != 0 ? -1 : nftw(scratch, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_put(const char *path, const char *text, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* How many names there are in a directory. */
static inline int scratch_count(const char *path)
{
    DIR *dir = opendir(path);
    int n = -2; /* . and .. */

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

#endif

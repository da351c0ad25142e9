#include "keys/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDEST = 0640, OPEN_TRIES = 3 };

const char *keys_split(char directory[KEYS_PATH_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(directory, KEYS_PATH_MAX, ".");
    else
        snprintf(directory, KEYS_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return slash == NULL ? path : slash + 1;
}

/* Joins a directory's real path and a name. */
static int join(char dst[KEYS_PATH_MAX], const char *directory, const char *name, struct keys_error *err)
{
    int n = snprintf(dst, KEYS_PATH_MAX, "%s%s%s", directory, *name == '\0' || directory[1] == '\0' ? "" : "/",
                     name);

    return n >= 0 && n < KEYS_PATH_MAX ? 0 : keys_fail(err, "the path is too long");
}

int keys_resolve(char dst[KEYS_PATH_MAX], const char *path, struct keys_error *err)
{
    char directory[KEYS_PATH_MAX];
    const char *name = keys_split(directory, path);
    char *real = realpath(path, NULL);
    struct stat st;
    int result;

    if (real != NULL) {
        result = join(dst, real, "", err);
    } else if (errno != ENOENT) {
        result = keys_fail_sys(err, "cannot be found", NULL);
    } else if (lstat(path, &st) == 0) {
        result = keys_fail(err, "is a symbolic link to a file that is not there");
        err->sys = ENOENT;
    } else if (*name == '\0') {
        result = keys_fail(err, "is no file name");
    } else {
        real = realpath(directory, NULL);
        if (real != NULL)
            result = join(dst, real, name, err);
        else
            result = keys_fail_sys(err, "directory", directory);
    }
    free(real);
    return result;
}

int keys_check_directory(const char *directory, struct keys_error *err)
{
    struct stat st;

    if (stat(directory, &st) != 0)
        return keys_fail_sys(err, "directory", directory);
    if ((st.st_mode & S_IWOTH) == 0)
        return 0;
    if ((st.st_mode & S_ISVTX) != 0)
        return keys_fail(err, "is in %s, where everybody may put files; it needs a directory of its own",
                         directory);
    return keys_fail(err, "the directory can be written by everybody; run: chmod o-w %s", directory);
}

/* Who can write a link's directory can point it elsewhere, unless the sticky bit keeps others' names safe. */
static int check_link(const char *path, struct keys_error *err)
{
    char directory[KEYS_PATH_MAX];
    struct stat st;

    if (lstat(path, &st) != 0)
        return keys_fail_sys(err, "cannot be examined", NULL);
    if (!S_ISLNK(st.st_mode))
        return 0;
    keys_split(directory, path);
    if (stat(directory, &st) == 0 && (st.st_mode & S_ISVTX) != 0)
        return 0;
    return keys_check_directory(directory, err);
}

/* Opens what path leads to. Returns a descriptor, or -1 with *err filled. */
static int open_target(char real[KEYS_PATH_MAX], const char *path, struct keys_error *err)
{
    int fd = -1;

    /* Another directory may take the target's place (Kubernetes) between the two calls. */
    for (int i = 0; fd < 0 && i < OPEN_TRIES; i++) {
        char *target = realpath(path, NULL);
        int length = target == NULL ? 0 : snprintf(real, KEYS_PATH_MAX, "%s", target);
        free(target);
        if (length >= KEYS_PATH_MAX)
            return keys_fail(err, "the path is too long");
        if (length > 0)
            fd = open(real, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 && errno != ENOENT && errno != ELOOP)
            break;
    }
    return fd >= 0 ? fd : keys_fail_sys(err, "cannot be opened", NULL);
}

static int check_file(int fd, const char *path, struct keys_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return keys_fail_sys(err, "cannot be examined", NULL);
    if (!S_ISREG(st.st_mode))
        return keys_fail(err, "is no regular file");
    if ((st.st_mode & 07777 & ~(mode_t)WIDEST) != 0)
        return keys_fail(err, "mode %04o is wider than %04o; run: chmod %04o %s", (unsigned)st.st_mode & 07777,
                         (unsigned)WIDEST, (unsigned)WIDEST, path);
    return st.st_size > 0 ? 0 : keys_fail(err, "is empty");
}

/* Reads to the end, at most size octets. Returns how many, or -1 with *err filled. */
static ssize_t read_all(int fd, char *text, size_t size, struct keys_error *err)
{
    size_t n = 0;

    while (n < size) {
        ssize_t got = read(fd, text + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return keys_fail_sys(err, "cannot be read", NULL);
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

/* Opens a file whose rights, and those of what leads to it, are narrow. Returns a descriptor, or -1. */
static int open_carefully(const char *path, struct keys_error *err)
{
    char real[KEYS_PATH_MAX], directory[KEYS_PATH_MAX];
    int fd = open_target(real, path, err);

    if (fd < 0)
        return -1;
    keys_split(directory, real);
    if (check_file(fd, path, err) == 0 && keys_check_directory(directory, err) == 0 &&
        check_link(path, err) == 0)
        return fd;
    close(fd);
    return -1;
}

char *keys_read_carefully(const char *path, size_t most, size_t *n, struct keys_error *err)
{
    int fd = open_carefully(path, err);
    char *text = fd < 0 ? NULL : malloc(most + 1);
    ssize_t got = -1;

    *n = 0;
    if (fd < 0)
        return NULL;
    if (text == NULL)
        keys_fail_memory(err);
    else
        got = read_all(fd, text, most + 1, err);
    close(fd);
    if (got >= 0 && (size_t)got > most)
        keys_fail(err, "is larger than %zu octets", most);
    else if (got >= 0)
        *n = (size_t)got;
    if (got >= 0 && (size_t)got <= most)
        return text;
    keys_json_free(text, most + 1);
    return NULL;
}

int keys_load(struct keys_ring *out, const char *path, struct keys_error *err)
{
    size_t n = 0;
    char *text = keys_read_carefully(path, KEYS_FILE_MAX, &n, err);
    int result = -1;

    keys_wipe(out);
    if (text != NULL)
        result = keys_json_read(out, (struct bv_str){text, n}, err);
    keys_json_free(text, n);
    return result;
}

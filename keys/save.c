#include "keys/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With a mark of our own: rsync calls its temporary files ".NAME.XXXXXX". */
#define MARK ".bv-"
enum { MODE_NEW = 0640, MARK_LEN = sizeof MARK - 1, RANDOM_LEN = 6 };

/* Where a ring is saved. */
struct place {
    char real[KEYS_PATH_MAX]; /* the file itself, links resolved */
    char directory[KEYS_PATH_MAX];
    char temporary[KEYS_PATH_MAX]; /* in the directory: ".NAME.bv-XXXXXX"; "" while there is none */
    const char *name;              /* in real */
};

static int find_place(struct place *at, const char *path, struct keys_error *err)
{
    if (keys_resolve(at->real, path, err) != 0)
        return -1;
    at->name = keys_split(at->directory, at->real);
    at->temporary[0] = '\0';
    return keys_check_directory(at->directory, err);
}

/* Removes temporary files that killed writers left: they hold secrets. */
static void remove_leftovers(const struct place *at)
{
    size_t n = strlen(at->name);
    DIR *dir = opendir(at->directory);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (name[0] == '.' && strncmp(name + 1, at->name, n) == 0 &&
            strncmp(name + 1 + n, MARK, MARK_LEN) == 0 && strlen(name) == 1 + n + MARK_LEN + RANDOM_LEN)
            unlinkat(dirfd(dir), name, 0);
    }
    if (dir != NULL)
        closedir(dir);
}

/* Makes the temporary file, 0600. Returns its descriptor, or -1 with *err filled. */
static int make_temporary(struct place *at, struct keys_error *err)
{
    int n = snprintf(at->temporary, sizeof at->temporary, "%s/.%s" MARK "XXXXXX", at->directory, at->name);
    int fd;

    if (n < 0 || (size_t)n >= sizeof at->temporary) {
        at->temporary[0] = '\0';
        return keys_fail(err, "the path is too long");
    }
    fd = mkostemp(at->temporary, O_CLOEXEC);
    if (fd < 0) {
        keys_fail_sys(err, "cannot create a file in", at->directory);
        at->temporary[0] = '\0';
    }
    return fd;
}

static int write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, text, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC;
        if (put <= 0)
            return -1;
        text += put;
        n -= (size_t)put;
    }
    return 0;
}

/* Owner first: changing it may take mode bits away. An owner that is right already needs no rights to set. */
static int set_rights(int fd, const struct place *at, struct keys_error *err)
{
    struct stat old, st;
    mode_t mode = MODE_NEW;

    if (stat(at->real, &old) == 0) {
        mode &= old.st_mode;
        if (fstat(fd, &st) != 0)
            return keys_fail_sys(err, "fstat", at->temporary);
        if ((st.st_uid != old.st_uid || st.st_gid != old.st_gid) && fchown(fd, old.st_uid, old.st_gid) != 0)
            return keys_fail_sys(err, "cannot keep the owner: fchown", at->temporary);
    } else if (errno != ENOENT) {
        return keys_fail_sys(err, "cannot be examined", NULL);
    }
    return fchmod(fd, mode) == 0 ? 0 : keys_fail_sys(err, "fchmod", at->temporary);
}

/* Writes the temporary file, to the disk. */
static int fill(int fd, const struct place *at, struct bv_str text, struct keys_error *err)
{
    int result = -1;

    if (write_all(fd, text.p, text.n) != 0)
        keys_fail_sys(err, "write", at->temporary);
    else if (set_rights(fd, at, err) == 0)
        result = fsync(fd) == 0 ? 0 : keys_fail_sys(err, "fsync", at->temporary);
    if (close(fd) != 0 && result == 0)
        result = keys_fail_sys(err, "close", at->temporary);
    return result;
}

/* Puts the temporary file in its place. */
static int move(struct place *at, bool fresh, struct keys_error *err)
{
    if (!fresh) {
        if (rename(at->temporary, at->real) != 0)
            return keys_fail_sys(err, "rename", at->temporary);
        at->temporary[0] = '\0';
        return 0;
    }
    /* Only link() never replaces a file. */
    if (link(at->temporary, at->real) == 0)
        return 0;
    if (errno != EEXIST)
        return keys_fail_sys(err, "link", at->temporary);
    keys_fail(err, "is there already, and is not overwritten");
    err->sys = EEXIST;
    return -1;
}

static int sync_directory(const struct place *at, struct keys_error *err)
{
    int fd = open(at->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 && fsync(fd) == 0 ? 0 : -1;

    if (result != 0)
        keys_fail_sys(err, "is written, but may not outlive a power failure: fsync", at->directory);
    if (fd >= 0)
        close(fd);
    return result;
}

char *keys_checked_text(const struct keys_ring *ring, size_t *n, struct keys_error *err)
{
    struct keys_ring again;
    char *text = keys_json_write(ring, n, err);

    if (text != NULL && keys_json_read(&again, (struct bv_str){text, *n}, err) != 0) {
        keys_json_free(text, *n);
        return NULL;
    }
    keys_wipe(&again);
    return text;
}

static int save(const struct keys_ring *ring, const char *path, bool fresh, struct keys_error *err)
{
    struct place at;
    char *text = NULL;
    size_t n = 0;
    int fd, result = -1;

    if (find_place(&at, path, err) != 0)
        return -1;
    text = keys_checked_text(ring, &n, err);
    if (text == NULL)
        return -1;
    remove_leftovers(&at);
    fd = make_temporary(&at, err);
    if (fd >= 0 && fill(fd, &at, (struct bv_str){text, n}, err) == 0)
        result = move(&at, fresh, err);
    if (at.temporary[0] != '\0')
        unlink(at.temporary);
    if (result == 0)
        result = sync_directory(&at, err);
    keys_json_free(text, n);
    return result;
}

int keys_save(const struct keys_ring *ring, const char *path, struct keys_error *err)
{
    return save(ring, path, false, err);
}

int keys_save_new(const struct keys_ring *ring, const char *path, struct keys_error *err)
{
    return save(ring, path, true, err);
}

/*
 * socket_file - the file of a listening unix socket: a stale one is cleared
 * away, a live one never; ours gets its group, and is removed at the end if it
 * is still ours.  One thread at a time.
 */
#ifndef MILTER_SOCKET_FILE_H
#define MILTER_SOCKET_FILE_H

#include <sys/stat.h>

#include "milter/conf.h"
#include "milter/problems.h"

enum { SOCKET_FILE_UMASK = 0117 }; /* a socket bound under it becomes 0660 */

struct socket_file {
    const char *setting; /* that names it: "listen" */
    const char *path;    /* NULL: it is no unix socket, and nothing below does anything */
    dev_t device;        /* of the file that is ours */
    ino_t inode;
};

/* From the setting and its value, "unix:/PATH" or something else; both are borrowed. */
struct socket_file socket_file(const char *setting, const char *listen);

/* The functions return 0, or -1 with *problems filled. */

/* Whether it can be there: its directory is, and nothing else is in its place. */
int socket_file_check(const struct socket_file *f, const struct conf *conf, struct problems *problems);
/* Whether there is the group that unix sockets are given. */
int socket_file_check_group(const struct conf *conf, struct problems *problems);

/* Removes a file that nobody listens on. */
int socket_file_clear(const struct socket_file *f, const struct conf *conf, struct problems *problems);

/* Takes the file that has just been bound for ours, and gives it its group; removes it when that fails. */
int socket_file_adopt(struct socket_file *f, const struct conf *conf, struct problems *problems);

/* Removes the file, if it is still the one that was adopted and the directory lets us. */
void socket_file_remove(const struct socket_file *f);

#endif

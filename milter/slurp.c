#include "milter/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a NUL stands, a C string would end unseen. */
static char *check_text(char *text, size_t n, const char *path, struct problems *problems)
{
    const char *nul = memchr(text, '\0', n);
    int line = 1;

    if (nul == NULL)
        return text;
    for (const char *p = text; p < nul; p++)
        line += *p == '\n';
    problems_add(problems, path, line, "has a NUL character in it");
    free(text);
    return NULL;
}

char *slurp(const char *path, size_t most, size_t *n, struct problems *problems)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO would be waited for */
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    struct stat st;
    char *text = NULL;

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        int error = errno;
        problems_add(problems, path, 0, "cannot be opened: %s", strerror(error));
        if (error == EACCES)
            problems_deny(problems);
    } else if (!S_ISREG(st.st_mode)) {
        problems_add(problems, path, 0, "is not a regular file");
    } else if ((unsigned long long)st.st_size > most) {
        problems_add(problems, path, 0, "is over %zu octets long", most);
    } else if ((text = malloc((size_t)st.st_size + 2)) == NULL) {
        problems_add(problems, path, 0, "no memory");
    } else {
        *n = fread(text, 1, (size_t)st.st_size + 1, f);
        text[*n] = '\0';
        if (ferror(f)) {
            problems_add(problems, path, 0, "cannot be read: %s", strerror(errno));
            free(text);
            text = NULL;
        }
    }
    if (f != NULL)
        fclose(f);
    else if (fd >= 0)
        close(fd);
    return text == NULL ? NULL : check_text(text, *n, path, problems);
}

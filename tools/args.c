#include "keys/store.h"
#include "tools/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_KEYRING BV_SYSCONFDIR "/bv/keyring.json"

void tool_say(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void tool_say_error(const char *path, const struct keys_error *err)
{
    if (err->line > 0)
        tool_say("%s:%d:%d: %s", path, err->line, err->column, err->text);
    else
        tool_say("%s: %s", path, err->text);
}

/* Whether a key file could be made there, by no link that leads nowhere; of a URL, the server has said so. */
static bool has_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    bool place =
        store_is_url(path) || (directory != NULL && access(directory, X_OK) == 0 && lstat(path, &st) != 0);

    free(directory);
    return place;
}

void tool_say_ring_error(const char *path, const struct keys_error *err)
{
    bool named = strcmp(path, DEFAULT_KEYRING) != 0;

    if (err->sys == ENOENT && has_place(path))
        tool_say("%s: %s; run: bvkey %s%s%sinit", path, err->text, named ? "-f " : "", named ? path : "",
                 named ? " " : "");
    else
        tool_say_error(path, err);
}

int tool_now(int64_t *now, const char *at)
{
    if (at == NULL) {
        *now = (int64_t)time(NULL);
        return 0;
    }
    if (keys_time_read(now, bv_str(at)))
        return 0;
    tool_say("--at: \"%s\" is no UTC time like 2026-11-21T12:00:00Z", at);
    return -1;
}

const char *tool_keyring(const char *option, const char *otherwise)
{
    const char *env = getenv("BV_KEYRING");

    if (option != NULL)
        return option;
    if (env != NULL && *env != '\0')
        return env;
    return otherwise != NULL ? otherwise : DEFAULT_KEYRING;
}

int tool_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    tool_say("standard output: %s", strerror(errno));
    return -1;
}

int tool_printed(void)
{
    return tool_flush() == 0 ? TOOL_YES : TOOL_TROUBLE;
}

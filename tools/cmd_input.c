#include "tools/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Reads to the end, or the end of a line, at most size octets. Returns how many, or -1 with errno set. */
static ssize_t read_all(int fd, char *dst, size_t size, bool line)
{
    size_t n = 0;

    while (n < size) {
        ssize_t got = read(fd, dst + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
        if (line && dst[n - 1] == '\n')
            break;
    }
    return (ssize_t)n;
}

static struct termios shown; /* the terminal as it was */

/* Whoever ends the program at the prompt gets the terminal back; the signal comes once more, with its usual effect. */
static void show_and_end(int number)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &shown);
    raise(number);
}

/* What ends the program gets this handler, unless it is ignored. */
static void on_endings(void (*handler)(int))
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND}, now;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (sigaction(endings[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(endings[i], &action, NULL);
}

static ssize_t read_terminal(char *dst, size_t size)
{
    struct termios hidden;
    ssize_t n;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return -1;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    on_endings(show_and_end);
    signal(SIGTSTP, SIG_IGN); /* a stop would leave the echo off, too */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return -1;
    fputs("secret: ", stderr);
    n = read_all(STDIN_FILENO, dst, size, true);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    on_endings(SIG_DFL);
    signal(SIGTSTP, SIG_DFL);
    fputc('\n', stderr);
    return n;
}

ssize_t cmd_read_secret(char *dst, size_t size)
{
    ssize_t n = isatty(STDIN_FILENO) ? read_terminal(dst, size) : read_all(STDIN_FILENO, dst, size, false);

    if (n < 0)
        tool_say("standard input: %s", strerror(errno));
    return n;
}

char *cmd_read_file(const char *path, size_t *n, bool *open_to_others)
{
    bool input = strcmp(path, "-") == 0;
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = fd < 0 ? NULL : malloc(KEYS_FILE_MAX + 1);
    ssize_t got = text == NULL ? -1 : read_all(fd, text, KEYS_FILE_MAX + 1, false);
    struct stat st;

    if (got < 0) {
        tool_say("%s: %s", input ? "standard input" : path, strerror(errno));
        keys_json_free(text, text == NULL ? 0 : KEYS_FILE_MAX + 1);
        text = NULL;
    }
    *n = got < 0 ? 0 : (size_t)got;
    *open_to_others = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO) != 0;
    if (fd >= 0 && !input)
        close(fd);
    return text;
}

int cmd_write(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t put = write(STDOUT_FILENO, text, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            tool_say("standard output: %s", strerror(errno));
            return -1;
        }
        text += put;
        n -= (size_t)put;
    }
    return 0;
}

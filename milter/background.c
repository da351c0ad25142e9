#include "milter/background.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "milter/log.h"

int background_enter(int *ready)
{
    int pipes[2];
    char ok;

    if (pipe2(pipes, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0) {
        close(pipes[1]);
        _exit(read(pipes[0], &ok, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(pipes[0]);
    setsid();
    *ready = pipes[1];
    return 0;
}

void background_serves(int ready)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (ready < 0)
        return;
    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (write(ready, "", 1) != 1)
        log_warn("the parent process is gone");
    close(ready);
}

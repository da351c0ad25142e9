#include "milter/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first directory on the way to a file that does not let us through; false: there is none. */
static bool find_closed(char dst[PROBLEM_PATH], const char *path)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(dst, PROBLEM_PATH, "%.*s", slash == path ? 1 : (int)(slash - path), path);
        if (faccessat(AT_FDCWD, dst, X_OK, AT_EACCESS) != 0 && errno == EACCES)
            return true;
    }
    return false;
}

static void advise(struct problem *p)
{
    const struct group *group = getgrgid(getegid());
    char directory[PROBLEM_PATH], command[2 * PROBLEM_PATH + 64] = "";

    if (find_closed(directory, p->path))
        snprintf(command, sizeof command, "; run: chmod a+x %s", directory);
    else if (group != NULL)
        snprintf(command, sizeof command, "; run: chgrp %s %s && chmod 0640 %s", group->gr_name, p->path,
                 p->path);
    if (strlen(p->text) + strlen(command) < sizeof p->text) /* half a command is none */
        strcat(p->text, command);
    p->denied = false;
}

void rights_advise(struct problems *problems)
{
    for (size_t i = 0; i < problems->n && i < PROBLEMS_KEPT; i++)
        if (problems->item[i].denied)
            advise(&problems->item[i]);
}

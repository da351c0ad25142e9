#include "tools/cmd.h"

#include <unistd.h>

int cmd_export(struct cmd *c, int argc, char **argv)
{
    bool public = false;
    const struct cmd_option options[] = {{.name = "public", .given = &public}, {0}};
    struct keys_ring ring = {0};
    struct keys_error err;
    int status = TOOL_TROUBLE;
    char *text = NULL;
    size_t n = 0;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (!public && isatty(STDOUT_FILENO)) {
        tool_say("standard output is a terminal, which would show the secrets; redirect it, or use --public");
        return TOOL_TROUBLE;
    }
    if (cmd_load(c, &ring, &err) == 0)
        text = public ? keys_json_write_public(&ring, &n, &err) : keys_json_write(&ring, &n, &err);
    if (text == NULL)
        tool_say_ring_error(c->file, &err);
    else if (cmd_write(text, n) == 0)
        status = TOOL_YES;
    keys_json_free(text, n);
    keys_wipe(&ring);
    return status;
}

#include "tools/cmd.h"

int cmd_change(const struct cmd *c, struct keys_ring *ring, bool dry,
               int (*edit)(struct keys_ring *ring, void *arg, struct keys_error *err), void *arg)
{
    struct keys_error err;
    int lock = dry ? -1 : keys_lock(c->file, CMD_LOCK_SECONDS, &err);
    int result = -1;

    /* Under the lock from reading on: a ring that was read before it may be old. */
    if ((dry || lock >= 0) && keys_load(ring, c->file, &err) == 0) {
        result = edit(ring, arg, &err);
        if (result > 0 && !dry && keys_save(ring, c->file, &err) != 0)
            result = -1;
    }
    if (result < 0)
        tool_say_error(c->file, &err);
    keys_unlock(lock);
    return result;
}

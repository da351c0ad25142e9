#include "tools/cmd.h"

#include <signal.h>
#include <stdlib.h>

int cmd_check_url(const char *url)
{
    char shown[STORE_NAME];
    struct keys_error err;

    if (store_check_url(url, &err) == 0)
        return 0;
    store_show(shown, url);
    tool_say("%s: %s", shown, err.text);
    return -1;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

struct store *cmd_open(const char *name, struct keys_error *err)
{
    const struct store_login login = {
        .user = from_environment("BV_ETCD_USER"),
        .password_file = from_environment("BV_ETCD_PASSWORD_FILE"),
        .ca = from_environment("BV_ETCD_CA"),
        .cert = from_environment("BV_ETCD_CERT"),
        .key = from_environment("BV_ETCD_KEY"),
    };

    if (store_is_url(name))
        signal(SIGPIPE, SIG_IGN);
    return store_open(name, &login, err);
}

int cmd_load(const struct cmd *c, struct keys_ring *ring, struct keys_error *err)
{
    struct store *s = cmd_open(c->file, err);
    int result = s == NULL ? -1 : store_load(ring, s, err);

    if (s == NULL)
        keys_wipe(ring);
    store_close(s);
    return result;
}

int cmd_change(const struct cmd *c, struct keys_ring *ring, enum store_start start,
               int (*edit)(struct keys_ring *ring, void *arg, struct keys_error *err), void *arg)
{
    struct keys_error err;
    struct store *s = cmd_open(c->file, &err);
    int result = s == NULL ? -1 : store_change(s, ring, start, edit, arg, &err);

    if (s == NULL)
        keys_wipe(ring);
    if (result < 0 && start == STORE_THERE)
        tool_say_ring_error(c->file, &err);
    else if (result < 0)
        tool_say_error(c->file, &err);
    store_close(s);
    return result;
}

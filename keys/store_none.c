#include <errno.h>

#include "keys/etcd_wire.h"
#include "keys/parts.h"

static int refuse(struct keys_error *err)
{
    keys_fail(err, "this bvkey was built without libcurl (7.85 or later), and knows no etcd; give a file");
    err->sys = ENOTSUP;
    return -1;
}

struct wire *wire_open(const struct etcd_url *url, const struct store_login *login, struct keys_error *err)
{
    (void)url, (void)login;
    refuse(err);
    return NULL;
}

void wire_close(struct wire *w)
{
    (void)w;
}

void wire_stop_on(struct wire *w, int fd)
{
    (void)w, (void)fd;
}

int wire_ask(struct wire_answer *out, struct wire *w, const char *path, struct bv_str body, const char *token,
             bool repeatable, struct keys_error *err)
{
    (void)out, (void)w, (void)path, (void)body, (void)token, (void)repeatable;
    return refuse(err);
}

int wire_watch(struct wire *w, char *body, size_t n, const char *token, struct keys_error *err)
{
    (void)w, (void)token;
    keys_json_free(body, n);
    return refuse(err);
}

void wire_unwatch(struct wire *w)
{
    (void)w;
}

bool wire_watching(const struct wire *w)
{
    (void)w;
    return false;
}

enum store_news wire_wait(struct wire *w, int64_t milliseconds)
{
    (void)w, (void)milliseconds;
    return STORE_TIME;
}

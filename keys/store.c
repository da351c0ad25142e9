#include "keys/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keys/etcd_url.h"
#include "keys/parts.h"
#include "keys/store_parts.h"

enum { TRIES = 20, PAUSE = 4 /* milliseconds, more with every try */ };

int store_check_url(const char *name, struct keys_error *err)
{
    struct etcd_url url;

    return etcd_url_read(&url, name, err);
}

void store_show(char dst[STORE_NAME], const char *name)
{
    const char *host = strstr(name, "://"), *at = NULL;

    if (host != NULL) {
        host += 3;
        at = strrchr(host, '@');
    }
    if (at != NULL)
        snprintf(dst, STORE_NAME, "%.*s...%s", (int)(host - name), name, at);
    else
        snprintf(dst, STORE_NAME, "%s", name);
}

struct store *store_open(const char *name, const struct store_login *login, struct keys_error *err)
{
    return store_is_url(name) ? store_open_etcd(name, login, err) : store_open_file(name, err);
}

void store_close(struct store *s)
{
    if (s != NULL)
        s->kind->close(s);
}

int store_load(struct keys_ring *out, struct store *s, struct keys_error *err)
{
    int result = s->kind->load(out, s, err);

    if (result != 0)
        keys_wipe(out);
    return result;
}

/* Those who have lost at the same time should not come back at the same time. */
static void pause_after(unsigned tries)
{
    struct keys_error err;
    unsigned char chance = 0;
    struct timespec t = {0};

    keys_generate(&chance, 1, &err);
    t.tv_nsec = ((long)tries * PAUSE + (long)tries * PAUSE * chance / 256) * 1000 * 1000;
    nanosleep(&t, NULL);
}

/* Reads what is to be edited. Returns 0, *fresh telling whether there is nothing yet, or -1. */
static int start_from(struct keys_ring *ring, bool *fresh, struct store *s, enum store_start start,
                      struct keys_error *err)
{
    *fresh = start == STORE_NEW;
    keys_wipe(ring);
    if (*fresh || store_load(ring, s, err) == 0)
        return 0;
    *fresh = start == STORE_EITHER && err->sys == ENOENT;
    return *fresh ? 0 : -1;
}

int store_change(struct store *s, struct keys_ring *ring, enum store_start start,
                 int (*edit)(struct keys_ring *ring, void *arg, struct keys_error *err), void *arg,
                 struct keys_error *err)
{
    enum store_saved saved = STORE_LOST;
    int result = -1;
    bool fresh;

    keys_wipe(ring);
    if (s->kind->begin(s, err) != 0)
        return -1;
    for (unsigned i = 1; saved == STORE_LOST; i++) {
        result = start_from(ring, &fresh, s, start, err);
        if (result == 0)
            result = edit(ring, arg, err);
        if (result <= 0)
            break;
        saved = s->kind->save(ring, s, fresh, err);
        if (saved == STORE_LOST && start == STORE_NEW) {
            keys_fail(err, "is there already, and is not overwritten");
            err->sys = EEXIST;
            saved = STORE_FAILED;
        } else if (saved == STORE_LOST && i == TRIES) {
            keys_fail(err, "others have changed the keyring %d times meanwhile; nothing is done, try again",
                      TRIES);
            err->sys = EAGAIN;
            saved = STORE_FAILED;
        }
        if (saved == STORE_LOST)
            pause_after(i);
        if (saved != STORE_SAVED)
            result = -1;
    }
    s->kind->end(s);
    return result;
}

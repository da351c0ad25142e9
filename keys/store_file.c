#include <stdlib.h>

#include "keys/parts.h"
#include "keys/store_parts.h"

struct file {
    struct store store; /* first */
    int lock;
};

static int begin(struct store *s, struct keys_error *err)
{
    struct file *f = (struct file *)s;

    f->lock = keys_lock(s->name, STORE_LOCK_SECONDS, -1, err);
    return f->lock < 0 ? -1 : 0;
}

static int load(struct keys_ring *out, struct store *s, struct keys_error *err)
{
    return keys_load(out, s->name, err);
}

static enum store_saved save(const struct keys_ring *ring, struct store *s, bool fresh, struct keys_error *err)
{
    int result = fresh ? keys_save_new(ring, s->name, err) : keys_save(ring, s->name, err);

    return result == 0 ? STORE_SAVED : STORE_FAILED;
}

static void end(struct store *s)
{
    struct file *f = (struct file *)s;

    keys_unlock(f->lock);
    f->lock = -1;
}

static void close_file(struct store *s)
{
    free(s);
}

struct store *store_open_file(const char *name, struct keys_error *err)
{
    static const struct store_kind kind = {begin, load, save, end, close_file};
    struct file *f = malloc(sizeof *f);

    if (f == NULL) {
        keys_fail_memory(err);
        return NULL;
    }
    *f = (struct file){.store = {&kind, name}, .lock = -1};
    return &f->store;
}

#include "milter/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "milter/rights.h"

struct snapshot_macs {
    struct keys_macs macs;
    struct snapshot_macs *next;
};

/* Settings that several snapshots may share: a new ring leaves them as they are. */
struct settings {
    atomic_int references;
    struct conf conf;
    struct mx *mx;
};

struct snapshot {
    atomic_int references;
    struct settings *settings;
    struct keys_ring *ring; /* in pages of its own */
    pthread_mutex_t pool_lock;
    struct snapshot_macs *pool; /* as many as were ever in use at once */
};

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

static void settings_put(struct settings *settings)
{
    if (settings == NULL || atomic_fetch_sub(&settings->references, 1) != 1)
        return;
    mx_free(settings->mx);
    conf_free(&settings->conf);
    free(settings);
}

/* Secrets stay out of swap and core files, where the system allows it. Returns NULL without memory. */
static struct keys_ring *ring_new(void)
{
    void *pages =
        mmap(NULL, sizeof(struct keys_ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        return NULL;
    (void)mlock(pages, sizeof(struct keys_ring));
    (void)madvise(pages, sizeof(struct keys_ring), MADV_DONTDUMP);
    return pages;
}

static void ring_free(struct keys_ring *ring)
{
    keys_wipe(ring);
    munmap(ring, sizeof *ring);
}

static void snapshot_free(struct snapshot *s)
{
    for (struct snapshot_macs *m = s->pool, *next; m != NULL; m = next) {
        next = m->next;
        keys_macs_free(&m->macs);
        free(m);
    }
    pthread_mutex_destroy(&s->pool_lock);
    ring_free(s->ring);
    settings_put(s->settings);
    free(s);
}

/* Takes over a reference to the settings, also when it fails. */
static struct snapshot *snapshot_new(struct settings *settings)
{
    struct snapshot *s = calloc(1, sizeof *s);

    if (s == NULL || (s->ring = ring_new()) == NULL) {
        free(s);
        settings_put(settings);
        return NULL;
    }
    atomic_init(&s->references, 1);
    pthread_mutex_init(&s->pool_lock, NULL);
    s->settings = settings;
    return s;
}

/* A key file that is not there is the fault that everybody meets first. */
static void report_keyring(const char *path, const struct keys_error *err, struct problems *problems)
{
    bool named = strcmp(path, BV_SYSCONFDIR "/bv/keyring.json") != 0;

    if (err->sys == ENOENT)
        problems_add(problems, path, 0, "%s; run: bvkey %s%s%sinit", err->text, named ? "-f " : "",
                     named ? path : "", named ? " " : "");
    else
        problems_add(problems, path, err->line, "%s", err->text);
    if (err->sys == EACCES)
        problems_deny(problems);
}

/* A key file that is not there is no fault where no domain needs keys: the ring is empty then. */
static void load_ring(struct snapshot *s, struct problems *problems)
{
    const struct conf *conf = &s->settings->conf;
    struct keys_error err;

    if (conf->keyring == NULL || keys_load(s->ring, conf->keyring, &err) == 0 ||
        (err.sys == ENOENT && !domains_need_keys(&conf->policy.domains)))
        return;
    report_keyring(conf->keyring, &err, problems);
}

struct snapshot *snapshot_build(const char *conf_path, struct problems *problems)
{
    struct settings *settings = calloc(1, sizeof *settings);

    if (settings != NULL)
        atomic_init(&settings->references, 1);
    struct snapshot *s = settings == NULL ? NULL : snapshot_new(settings);
    if (s == NULL) {
        problems_add(problems, conf_path, 0, "no memory");
        return NULL;
    }
    size_t before = problems->n;
    struct snapshot *old = snapshot_get();
    conf_load_again(&settings->conf, conf_path, old == NULL ? NULL : &old->settings->conf, problems);
    snapshot_put(old);
    load_ring(s, problems);
    if (problems->n == before && (settings->mx = mx_new(&settings->conf, problems)) != NULL)
        return s;
    rights_advise(problems);
    snapshot_free(s);
    return NULL;
}

static void put_in_place(struct snapshot *s)
{
    struct snapshot *old = current;

    pthread_mutex_lock(&current_lock);
    current = s;
    pthread_mutex_unlock(&current_lock);
    snapshot_put(old);
}

int snapshot_install(struct snapshot *s, struct problems *problems)
{
    struct keys_error err;
    struct snapshot *old = current; /* nobody else replaces it */

    if (old != NULL && keys_may_follow(old->ring, s->ring, &err) != 0) {
        problems_add(problems, s->settings->conf.keyring, 0, "%s", err.text);
        snapshot_put(s);
        return -1;
    }
    put_in_place(s);
    return 0;
}

int snapshot_replace_ring(struct snapshot *old, const struct keys_ring *ring, struct keys_error *err)
{
    atomic_fetch_add(&old->settings->references, 1);
    struct snapshot *s = snapshot_new(old->settings);

    if (s == NULL) {
        *err = (struct keys_error){.text = "no memory", .sys = ENOMEM};
        return -1;
    }
    *s->ring = *ring;
    put_in_place(s);
    return 0;
}

struct snapshot *snapshot_get(void)
{
    pthread_mutex_lock(&current_lock);
    struct snapshot *s = current;
    if (s != NULL)
        atomic_fetch_add(&s->references, 1);
    pthread_mutex_unlock(&current_lock);
    return s;
}

void snapshot_put(struct snapshot *s)
{
    if (s != NULL && atomic_fetch_sub(&s->references, 1) == 1)
        snapshot_free(s);
}

const struct conf *snapshot_conf(const struct snapshot *s)
{
    return &s->settings->conf;
}

struct mx *snapshot_mx(const struct snapshot *s)
{
    return s->settings->mx;
}

const struct keys_ring *snapshot_ring(const struct snapshot *s)
{
    return s->ring;
}

static struct snapshot_macs *macs_new(const struct keys_ring *ring)
{
    struct snapshot_macs *m = calloc(1, sizeof *m);

    if (m != NULL && keys_macs_init(&m->macs, ring) == 0)
        return m;
    free(m);
    return NULL;
}

int snapshot_keys(struct policy_keys *keys, struct snapshot_macs **macs, struct snapshot *s, int64_t now)
{
    pthread_mutex_lock(&s->pool_lock);
    struct snapshot_macs *m = s->pool;
    if (m != NULL)
        s->pool = m->next;
    pthread_mutex_unlock(&s->pool_lock);
    if (m == NULL)
        m = macs_new(s->ring);
    if (m == NULL)
        return -1;
    policy_keys_at(keys, s->ring, &m->macs, now);
    *macs = m;
    return 0;
}

void snapshot_keys_done(struct snapshot *s, struct snapshot_macs *macs)
{
    pthread_mutex_lock(&s->pool_lock);
    macs->next = s->pool;
    s->pool = macs;
    pthread_mutex_unlock(&s->pool_lock);
}

#include "milter/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/log.h"
#include "milter/snapshot.h"
#include "milter/warm.h"

/* What tells one state of the file from another, without opening it. */
struct stamp {
    int error; /* errno of stat(), or 0 */
    dev_t device;
    ino_t inode;
    off_t size;
    mode_t mode;
    struct timespec modified, changed;
};

static struct {
    struct stamp done;      /* what became of this state is settled */
    struct stamp suspect;   /* could not be used, perhaps since it is being written */
    unsigned long refused;  /* files, since the start */
    struct keys_error said; /* the last complaint, not to be made again */
    int signing;            /* number of the key that signs; -1: none */
} watch;

static struct stamp look(const char *path)
{
    struct stamp s;
    struct stat st;

    memset(&s, 0, sizeof s);
    if (stat(path, &st) != 0) {
        s.error = errno;
        return s;
    }
    s.device = st.st_dev;
    s.inode = st.st_ino;
    s.size = st.st_size;
    s.mode = st.st_mode;
    s.modified = st.st_mtim;
    s.changed = st.st_ctim;
    return s;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mode == b->mode && same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* A file just written may be written again within the same tick of its time stamp. */
static bool is_fresh(const struct stamp *s)
{
    int64_t age = clock_now() - (int64_t)s->changed.tv_sec;

    return s->error == 0 && age >= 0 && age < WATCH_TICK_SECONDS;
}

static int signing_number(const struct keys_ring *ring)
{
    int i = keys_signing(ring, clock_now());

    return i < 0 ? -1 : (int)ring->key[i].number;
}

static void log_ring(const struct keys_ring *ring)
{
    char fingerprint[KEYS_FINGERPRINT + 1] = "";
    int i = keys_signing(ring, clock_now());

    watch.signing = i < 0 ? -1 : (int)ring->key[i].number;
    if (ring->count == 0) {
        log_info("there is no key file, and no domain that needs one");
        return;
    }
    if (i < 0) {
        log_warn("ring %s, generation %" PRId64 ": no key signs", ring->id, ring->generation);
        return;
    }
    bool whole = keys_fingerprint(fingerprint, &ring->key[i]) == 0;
    log_info("ring %s, generation %" PRId64 ": key %u signs, fingerprint %s", ring->id, ring->generation,
             ring->key[i].number, whole ? fingerprint : "not known, there is no memory to compute it");
}

/* What is in place now. */
static void tell(void)
{
    struct snapshot *s = snapshot_get();

    log_ring(snapshot_ring(s));
    warm_begin(s);
    snapshot_put(s);
}

void watch_begin(void)
{
    struct snapshot *s = snapshot_get();

    watch.done = look(snapshot_conf(s)->keyring);
    if (is_fresh(&watch.done))
        watch.done.size = -1; /* once more at the next tick */
    watch.said.text[0] = '\0';
    counters_ring_taken();
    snapshot_put(s);
    tell();
}

/* Once for each complaint: a bad file is looked at again and again. */
static void complain(const char *path, const struct keys_error *err)
{
    if (strcmp(watch.said.text, err->text) == 0 && watch.said.line == err->line)
        return;
    watch.said = *err;
    watch.refused++;
    counters_ring_refused();
    if (err->line > 0)
        log_error("%s:%d:%d: %s; the ring in use stays (refused so far: %lu)", path, err->line, err->column,
                  err->text, watch.refused);
    else
        log_error("%s: %s; the ring in use stays (refused so far: %lu)", path, err->text, watch.refused);
}

/* Puts the file's ring to use. Returns 0, or -1 with the reason in *err. */
static int take_ring(struct snapshot *old, struct keys_error *err)
{
    struct keys_ring ring;
    int result = keys_load(&ring, snapshot_conf(old)->keyring, err);

    if (result == 0)
        result = keys_may_follow(snapshot_ring(old), &ring, err);
    bool changed = result == 0 && (strcmp(ring.id, snapshot_ring(old)->id) != 0 ||
                                   ring.generation != snapshot_ring(old)->generation);
    if (changed)
        result = snapshot_replace_ring(old, &ring, err);
    if (changed && result == 0)
        tell();
    keys_wipe(&ring);
    return result;
}

static void look_at_file(struct snapshot *s)
{
    const char *path = snapshot_conf(s)->keyring;
    struct stamp now = look(path);
    struct keys_error err;

    if (same(&now, &watch.done))
        return;
    if (take_ring(s, &err) == 0) {
        if (watch.said.text[0] != '\0')
            log_info("%s: the key file can be used again", path);
        watch.said.text[0] = '\0';
        counters_ring_taken();
        if (!is_fresh(&now))
            watch.done = now;
        return;
    }
    /* Somebody may be in the middle of writing: only what stays bad is bad. */
    if (!same(&now, &watch.suspect)) {
        watch.suspect = now;
        return;
    }
    complain(path, &err);
    if (err.sys == 0) /* what the system could not do now, it may do at the next tick */
        watch.done = now;
}

void watch_tick(void)
{
    struct snapshot *s = snapshot_get();

    look_at_file(s);
    snapshot_put(s);
    s = snapshot_get();
    bool other = signing_number(snapshot_ring(s)) != watch.signing;
    snapshot_put(s);
    if (other)
        tell();
    warm_tick();
}

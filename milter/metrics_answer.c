#include <stdlib.h>
#include <string.h>

#include "milter/brake.h"
#include "milter/clock.h"
#include "milter/drain.h"
#include "milter/metrics_parts.h"
#include "milter/snapshot.h"
#include "milter/warm.h"

static const char plain[] = "text/plain; charset=utf-8";

/* What an answer is written to.  open_memstream() loses what it has no memory for, and says nothing of it. */
struct growing {
    char *text;
    size_t n, size;
    bool failed;
};

static ssize_t grow(void *cookie, const char *data, size_t n)
{
    enum { FIRST = 1 << 14 };
    struct growing *g = cookie;

    if (n > g->size - g->n) {
        size_t size = 2 * g->size + n + FIRST;
        char *text = g->failed ? NULL : realloc(g->text, size);
        g->failed = text == NULL;
        if (g->failed)
            return 0;
        g->text = text;
        g->size = size;
    }
    memcpy(g->text + g->n, data, n);
    g->n += n;
    return (ssize_t)n;
}

static void put_text(FILE *f, struct metrics_answer *a, unsigned status, const char *text)
{
    a->status = status;
    fprintf(f, "%s\n", text);
}

static void put_health(FILE *f, struct metrics_answer *a, const struct metrics_view *v)
{
    if (v->draining)
        put_text(f, a, 503, "the daemon is stopping");
    else if (metrics_lacks_key(v))
        put_text(f, a, 503, "no key signs; see bvkey list");
    else
        put_text(f, a, 200, "ok");
}

/* Returns 0, or -1 without memory. */
static int put_view(FILE *f, struct metrics_answer *a, const char *path)
{
    struct snapshot *s = snapshot_get();
    const struct policy *p = &snapshot_conf(s)->policy;
    struct metrics_view v = {.now = clock_now(),
                             .sessions = drain_sessions(),
                             .draining = drain_has_begun(),
                             .storm = brake_is_on(),
                             .warm_until = warm_end(),
                             .domains = p->domains.n,
                             .exceptions = p->exceptions.n,
                             .ring = snapshot_ring(s)};
    int result = keys_fingerprints(v.fingerprint, v.ring);

    counters_read(&v.counters);
    a->status = 200;
    if (strcmp(path, "/healthz") == 0) {
        put_health(f, a, &v);
    } else if (strcmp(path, "/metrics") == 0) {
        a->type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_text(f, &v);
    } else if (strcmp(path, "/") == 0) {
        a->type = "text/html; charset=utf-8";
        a->page = true;
        metrics_page(f, &v);
    } else {
        put_text(f, a, 404, "not found; there are /metrics, /healthz and /");
    }
    snapshot_put(s);
    return result;
}

void metrics_answer(struct metrics_answer *out, const char *method, const char *path)
{
    *out = (struct metrics_answer){.type = plain};
    struct growing g = {.text = NULL};
    FILE *f = fopencookie(&g, "w", (cookie_io_functions_t){.write = grow});

    if (f == NULL)
        return;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        put_text(f, out, 405, "only GET and HEAD are served");
    else if (put_view(f, out, path) != 0)
        g.failed = true;
    fclose(f);
    if (g.failed) {
        free(g.text);
        return;
    }
    out->text = g.text;
    out->length = g.n;
}

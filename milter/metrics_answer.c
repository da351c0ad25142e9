#include <stdlib.h>
#include <string.h>

#include "milter/brake.h"
#include "milter/clock.h"
#include "milter/drain.h"
#include "milter/metrics_parts.h"
#include "milter/snapshot.h"
#include "milter/warm.h"

static const char plain[] = "text/plain; charset=utf-8";

static void put_text(FILE *f, struct metrics_answer *a, unsigned status, const char *text)
{
    a->status = status;
    fprintf(f, "%s\n", text);
}

static void put_health(FILE *f, struct metrics_answer *a, const struct metrics_view *v)
{
    if (v->draining)
        put_text(f, a, 503, "the daemon is stopping");
    else if (keys_signing(v->ring, v->now) < 0)
        put_text(f, a, 503, "no key signs; see bvkey list");
    else
        put_text(f, a, 200, "ok");
}

static void put_view(FILE *f, struct metrics_answer *a, const char *path)
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
}

void metrics_answer(struct metrics_answer *out, const char *method, const char *path)
{
    *out = (struct metrics_answer){.type = plain};
    FILE *f = open_memstream(&out->text, &out->length);

    if (f == NULL)
        return;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        put_text(f, out, 405, "only GET and HEAD are served");
    else
        put_view(f, out, path);
    bool whole = ferror(f) == 0;
    if (fclose(f) == 0 && whole)
        return;
    free(out->text);
    out->text = NULL;
}

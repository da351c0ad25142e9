#include <inttypes.h>
#include <string.h>

#include "milter/metrics_parts.h"

enum { DAY = 86400, OVERDUE_DAYS = 90, HOUR = 3600 };

void metrics_put_when(FILE *f, int64_t time)
{
    char text[KEYS_TIME_LEN + 1];

    keys_time_write(text, time);
    if (strlen(text) == KEYS_TIME_LEN)
        fprintf(f, "%.10s %.5s", text, text + 11);
    else
        fputs(text, f);
}

/* "3 d 4 h", "4 h 12 min", "12 min" */
static void put_length(FILE *f, int64_t seconds)
{
    int64_t minutes = seconds > 0 ? seconds / 60 : 0, hours = minutes / 60;

    if (hours >= 48)
        fprintf(f, "%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
    else if (hours > 0)
        fprintf(f, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else
        fprintf(f, "%" PRId64 " min", minutes);
}

/* Days that the signing key is over its time, unless another is about to take its place; 0: it is not. */
static int64_t days_old(const struct metrics_view *v, int signing)
{
    int64_t age = signing < 0 ? 0 : v->now - v->ring->key[signing].sign_from;

    if (age <= (int64_t)OVERDUE_DAYS * DAY || (size_t)signing + 1 < v->ring->count)
        return 0;
    return age / DAY;
}

static void put_warnings(FILE *f, const struct metrics_view *v)
{
    int signing = keys_signing(v->ring, v->now);
    const struct {
        bool holds;
        const char *text;
    } warnings[] = {
        {v->draining, "The daemon is stopping."},
        {metrics_lacks_key(v), "No key signs: on_fault decides what becomes of mail. See bvkey list."},
        {v->counters.ring_refused,
         "The key file cannot be used; the ring shown here stays in use. See the log."},
        {v->counters.reload_failed, "The last reload failed; the settings from before stay. See the log."},
        {v->storm, "A storm of invalid bounces goes on."},
    };
    bool any = days_old(v, signing) > 0;

    fputs("<ul>\n", f);
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        if (warnings[i].holds)
            fprintf(f, "<li>%s</li>\n", warnings[i].text);
        any = any || warnings[i].holds;
    }
    if (days_old(v, signing) > 0)
        fprintf(f, "<li>Key %u has signed for %" PRId64 " days; %d are enough. Run bvkey rotate.</li>\n",
                v->ring->key[signing].number, days_old(v, signing), OVERDUE_DAYS);
    fputs(any ? "</ul>\n" : "<li class=\"ok\">Nothing to do.</li>\n</ul>\n", f);
}

static void put_summary(FILE *f, const struct metrics_view *v)
{
    static const struct {
        enum counters_sort sort;
        const char *colour, *text;
    } tiles[] = {{COUNTERS_SIGNED, "sign", "senders signed"},
                 {COUNTERS_GOOD, "good", "bounces passed"},
                 {COUNTERS_MARKED, "mark", "bounces marked"},
                 {COUNTERS_REFUSED, "bad", "refused"}};
    int64_t first = v->now / HOUR - COUNTERS_HOURS + 1;

    fputs("<h2>The last 48 hours</h2>\n<div class=\"sum\">\n", f);
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++) {
        uint64_t sum = 0;
        for (int i = 0; i < COUNTERS_HOURS; i++)
            if (v->counters.hour[i].hour >= first && v->counters.hour[i].hour < first + COUNTERS_HOURS)
                sum += v->counters.hour[i].sorts[tiles[t].sort];
        fprintf(f, "<div class=\"%s\"><b>%" PRIu64 "</b><span>%s</span></div>\n", tiles[t].colour, sum,
                tiles[t].text);
    }
    fputs("</div>\n", f);
}

static void put_warm_up(FILE *f, const struct metrics_view *v)
{
    fputs("<tr><th>warm-up</th><td>", f);
    if (v->warm_until == INT64_MAX) {
        fputs("until a key has signed for its lifetime", f);
    } else if (v->warm_until > v->now) {
        fputs("until ", f);
        metrics_put_when(f, v->warm_until);
    } else {
        fputs("none", f);
    }
    fputs("</td></tr>\n", f);
}

static void put_number(FILE *f, const char *name, uint64_t n)
{
    fprintf(f, "<tr><th>%s</th><td>%" PRIu64 "</td></tr>\n", name, n);
}

static void put_state(FILE *f, const struct metrics_view *v)
{
    const struct counters *c = &v->counters;

    fprintf(f,
            "<section><h2>State</h2>\n<table class=\"facts\"><tr><th>ring</th><td><code>%s</code></td></tr>\n",
            v->ring->id);
    put_number(f, "generation", (uint64_t)v->ring->generation);
    put_number(f, "open sessions", v->sessions > 0 ? (uint64_t)v->sessions : 0);
    fprintf(f, "<tr><th>storm</th><td>%s</td></tr>\n", v->storm ? "goes on" : "none");
    put_warm_up(f, v);
    put_number(f, "rows of domains", v->domains);
    put_number(f, "rows of exceptions", v->exceptions);
    put_number(f, "sessions refused since the start", c->sessions_refused);
    put_number(f, "storms since the start", c->storms);
    put_number(f, "key files refused since the start", c->rings_refused);
    fprintf(f, "<tr><th>reloads since the start</th><td>%" PRIu64 ", failed %" PRIu64 "</td></tr>\n",
            c->reloads, c->reloads_failed);
    fputs("</table></section>\n", f);
}

static void put_decisions(FILE *f, const struct counters *c)
{
    fputs("<section><h2>Decisions since the start</h2>\n<table><tr><th>event</th><th class=\"l\">verdict</th>"
          "<th class=\"l\">action</th><th>count</th></tr>\n",
          f);
    for (int e = EVENT_SIGN; e < COUNTERS_EVENTS; e++)
        for (int v = 0; v < COUNTERS_VERDICTS; v++)
            for (int a = 0; a < COUNTERS_ACTIONS; a++)
                if (c->decisions[e][v][a] > 0)
                    fprintf(f,
                            "<tr><td>%s</td><td class=\"l\">%s</td><td class=\"l\">%s</td><td>%" PRIu64
                            "</td></tr>\n",
                            event_word((enum event)e), verdict_word((enum verdict)v),
                            action_word((enum action)a), c->decisions[e][v][a]);
    fputs("</table></section>\n", f);
}

void metrics_page(FILE *f, const struct metrics_view *v)
{
    metrics_put_head(f);
    fputs("<h1>Bounce verification</h1>\n<p>bvmilter " BV_VERSION ", running for ", f);
    put_length(f, v->now - v->counters.started);
    fputs("; as of ", f);
    metrics_put_when(f, v->now);
    fputs("; all times are UTC</p>\n", f);
    put_warnings(f, v);
    put_summary(f, v);
    metrics_put_hours(f, v);
    metrics_put_keys(f, v);
    fputs("<div class=\"grid\">\n", f);
    put_state(f, v);
    put_decisions(f, &v->counters);
    fputs("</div>\n</body></html>\n", f);
}

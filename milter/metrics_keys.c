#include <time.h>

#include "milter/metrics_parts.h"

enum { DAY = 86400, ROW = 26, TOP = 6, AXIS = 52, BACK_DAYS = 35, AHEAD_DAYS = 400, LABELS = 5 };

/* The part of time that is shown. */
struct span {
    int64_t from, to;
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* All that is to come, and some of the past of keys that are still of use. */
static struct span span_of(const struct metrics_view *v)
{
    struct span s = {v->now - 7 * DAY, v->now + 14 * DAY};
    struct keys_times t;

    for (size_t i = 0; i < v->ring->count; i++) {
        keys_times(&t, v->ring, i);
        if (keys_phase(v->ring, i, v->now) != KEYS_RETIRED)
            s.from = sooner(s.from, later(t.signs_from - DAY, v->now - BACK_DAYS * DAY));
        s.to = later(s.to, sooner(t.signs_from + 7 * DAY, v->now + (int64_t)AHEAD_DAYS * DAY));
        if (t.verifies_until != KEYS_UNKNOWN)
            s.to = later(s.to, sooner(t.verifies_until + 2 * DAY, v->now + (int64_t)AHEAD_DAYS * DAY));
    }
    return s;
}

static double place(const struct span *s, int64_t t)
{
    return (double)(later(s->from, sooner(s->to, t)) - s->from) * 100 / (double)(s->to - s->from);
}

static void put_bar(FILE *f, const struct span *s, int y, const char *colour, const char *what, int64_t from,
                    int64_t to)
{
    double x = place(s, from), end = place(s, to);

    if (end <= x)
        return;
    fprintf(f, "<rect class=\"%s\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%d\" height=\"%d\"><title>%s ", colour, x,
            end - x, y + 6, ROW - 12, what);
    metrics_put_when(f, from);
    if (to != KEYS_UNKNOWN) {
        fputs(" to ", f);
        metrics_put_when(f, to);
    } else {
        fputs(" and on", f);
    }
    fputs("</title></rect>\n", f);
}

static void put_key(FILE *f, const struct span *s, const struct metrics_view *v, size_t i)
{
    int y = TOP + (int)i * ROW;
    struct keys_times t;

    keys_times(&t, v->ring, i);
    put_bar(f, s, y, "stage", "staged", v->ring->key[i].created, t.signs_from);
    put_bar(f, s, y, "sign", "signs", t.signs_from, t.signs_until);
    if (t.signs_until != KEYS_UNKNOWN)
        put_bar(f, s, y, "good", "verifies", t.signs_until, t.verifies_until);
    if (t.verifies_until != KEYS_UNKNOWN)
        put_bar(f, s, y, "grey", "retired", t.verifies_until, KEYS_UNKNOWN);
}

/* The beginnings of days, about as many as fit on a telephone. */
static void put_dates(FILE *f, const struct span *s, const struct metrics_view *v, int base)
{
    int64_t step = ((s->to - s->from) / DAY + LABELS - 1) / LABELS * DAY;
    char text[16] = "";
    struct tm tm;

    for (int64_t at = (s->from / DAY + 1) * DAY; at < s->to; at += step) {
        time_t t = (time_t)at;
        double x = place(s, at);
        if (gmtime_r(&t, &tm) == NULL || strftime(text, sizeof text, "%e %b", &tm) == 0)
            continue;
        fprintf(f, "<line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP, base + 5);
        fprintf(f, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, base + 18,
                x < 6    ? "start"
                : x > 94 ? "end"
                         : "middle",
                text);
    }
    double x = place(s, v->now);
    fprintf(f,
            "<line class=\"now\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"><title>now</title></line>\n",
            x, x, TOP - 6, base);
}

static void put_line(FILE *f, const struct metrics_view *v)
{
    struct span s = span_of(v);
    int base = TOP + (int)v->ring->count * ROW, height = base + 24;

    fputs("<div class=\"legend\"><span><i class=\"stage\"></i>staged</span><span><i "
          "class=\"sign\"></i>signs</span>"
          "<span><i class=\"good\"></i>verifies only</span><span><i class=\"grey\"></i>retired</span>"
          "<span>the upright line is now</span></div>\n<figure class=\"plot\">",
          f);
    fprintf(f, "<svg class=\"axis\" width=\"%d\" height=\"%d\" aria-hidden=\"true\">", AXIS, height);
    for (size_t i = 0; i < v->ring->count; i++)
        fprintf(f, "<text class=\"name\" x=\"0\" y=\"%d\">key %u</text>", TOP + (int)i * ROW + 17,
                v->ring->key[i].number);
    fprintf(f,
            "</svg>\n<svg width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"Keys and their phases\">\n",
            height);
    for (size_t i = 0; i < v->ring->count; i++)
        put_key(f, &s, v, i);
    put_dates(f, &s, v, base);
    fputs("</svg></figure>\n", f);
}

static void put_date(FILE *f, int64_t time)
{
    char text[KEYS_TIME_LEN + 1] = "-";

    if (time != KEYS_UNKNOWN)
        keys_time_write(text, time);
    fprintf(f, "<td>%.10s</td>", text);
}

void metrics_put_keys(FILE *f, const struct metrics_view *v)
{
    struct keys_times t;

    fputs("<section><h2>Keys</h2>\n", f);
    if (v->ring->count > 0)
        put_line(f, v);
    fputs("<table><tr><th>key</th><th class=\"l\">state</th><th>signs from</th><th>verifies until</th>"
          "<th>fingerprint</th></tr>\n",
          f);
    for (size_t i = 0; i < v->ring->count; i++) {
        keys_times(&t, v->ring, i);
        fprintf(f, "<tr><td>%u</td><td class=\"l\">%s</td>", v->ring->key[i].number,
                keys_phase_word(keys_phase(v->ring, i, v->now)));
        put_date(f, t.signs_from);
        put_date(f, t.verifies_until);
        fprintf(f, "<td><code>%s</code></td></tr>\n", v->fingerprint[i]);
    }
    fputs("</table></section>\n", f);
}

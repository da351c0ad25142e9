#include <inttypes.h>
#include <time.h>

#include "milter/axis.h"
#include "milter/metrics_parts.h"

enum { HEIGHT = 182, TOP = 10, BASE = 158, AXIS = 52, HOUR = 3600, LABEL_HOURS = 12 };

/* What is drawn of the hours: one sort upon the other. */
struct chart {
    const char *title;
    size_t n;
    struct part {
        enum counters_sort sort;
        const char *colour, *name;
    } part[3]; /* from the bottom up */
};

static const struct chart charts[] = {
    {"Bounces by hour",
     3,
     {{COUNTERS_REFUSED, "bad", "refused"},
      {COUNTERS_MARKED, "mark", "marked"},
      {COUNTERS_GOOD, "good", "passed"}}},
    {"Other mail by hour",
     2,
     {{COUNTERS_SIGNED, "sign", "signed"}, {COUNTERS_OTHER, "grey", "not signed, or tag removed"}}},
};

static uint64_t count(const struct metrics_view *v, int64_t hour, enum counters_sort sort)
{
    const struct counters_hour *h = &v->counters.hour[hour % COUNTERS_HOURS];

    return h->hour == hour ? h->sorts[sort] : 0;
}

static uint64_t sum_of(const struct metrics_view *v, int64_t hour, const struct chart *c)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < c->n; i++)
        sum += count(v, hour, c->part[i].sort);
    return sum;
}

/* "8000", beyond that "12k", "40M": the axis is narrow. */
static void put_short(FILE *f, uint64_t n)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P"};
    size_t i = 0;

    for (; n >= 10000 && i + 1 < sizeof units / sizeof *units; i++)
        n /= 1000;
    fprintf(f, "%" PRIu64 "%s", n, units[i]);
}

static void put_axis(FILE *f, uint64_t end)
{
    fprintf(f, "<svg class=\"axis\" width=\"%d\" height=\"%d\" aria-hidden=\"true\">", AXIS, HEIGHT);
    for (unsigned i = 0; i <= 2; i++) {
        fprintf(f, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">", AXIS - 6, BASE - i * (BASE - TOP) / 2 + 4);
        put_short(f, end / 2 * i);
        fputs("</text>", f);
    }
    fputs("</svg>\n", f);
}

static void put_bar(FILE *f, const struct metrics_view *v, const struct chart *c, int64_t hour, int place,
                    uint64_t end)
{
    double y = BASE;

    if (sum_of(v, hour, c) == 0)
        return;
    fputs("<g><title>", f);
    metrics_put_when(f, hour * HOUR);
    for (size_t i = 0; i < c->n; i++)
        fprintf(f, "%s %s %" PRIu64, i > 0 ? "," : ":", c->part[i].name, count(v, hour, c->part[i].sort));
    fputs("</title>", f);
    for (size_t i = 0; i < c->n; i++) {
        double height = (double)count(v, hour, c->part[i].sort) / (double)end * (BASE - TOP);
        if (height <= 0)
            continue;
        y -= height;
        fprintf(f, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.2f\" height=\"%.2f\"/>",
                c->part[i].colour, (place + 0.1) * 100 / COUNTERS_HOURS, 80.0 / COUNTERS_HOURS, y, height);
    }
    fputs("</g>\n", f);
}

/* The day at midnight, the time at noon. */
static void put_label(FILE *f, int64_t hour, int place)
{
    time_t t = (time_t)(hour * HOUR);
    double x = (double)place * 100 / COUNTERS_HOURS;
    char text[16] = "";
    struct tm tm;

    if (hour % LABEL_HOURS != 0 || gmtime_r(&t, &tm) == NULL)
        return;
    strftime(text, sizeof text, hour % 24 == 0 ? "%e %b" : "%H:%M", &tm);
    fprintf(f, "<line x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%d\" y2=\"%d\"/>", x, x, BASE, BASE + 5);
    fprintf(f, "<text x=\"%.3f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, BASE + 18,
            x < 4    ? "start"
            : x > 96 ? "end"
                     : "middle",
            text);
}

static void put_chart(FILE *f, const struct metrics_view *v, const struct chart *c)
{
    int64_t first = v->now / HOUR - COUNTERS_HOURS + 1;
    uint64_t most = 0;

    for (int i = 0; i < COUNTERS_HOURS; i++)
        most = sum_of(v, first + i, c) > most ? sum_of(v, first + i, c) : most;
    uint64_t end = axis_end(most);
    fprintf(f, "<section><h2>%s</h2><div class=\"legend\">", c->title);
    for (size_t i = c->n; i-- > 0;)
        fprintf(f, "<span><i class=\"%s\"></i>%s</span>", c->part[i].colour, c->part[i].name);
    fputs("</div>\n<figure class=\"plot\">", f);
    put_axis(f, end);
    fprintf(f, "<svg width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s, the last %d hours\">\n",
            HEIGHT, c->title, COUNTERS_HOURS);
    for (unsigned i = 0; i <= 2; i++)
        fprintf(f, "<line x1=\"0\" x2=\"100%%\" y1=\"%u\" y2=\"%u\"/>", BASE - i * (BASE - TOP) / 2,
                BASE - i * (BASE - TOP) / 2);
    for (int i = 0; i < COUNTERS_HOURS; i++)
        put_bar(f, v, c, first + i, i, end);
    for (int i = 0; i < COUNTERS_HOURS; i++)
        put_label(f, first + i, i);
    fputs("</svg></figure></section>\n", f);
}

void metrics_put_hours(FILE *f, const struct metrics_view *v)
{
    fputs("<div class=\"grid\">\n", f);
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++)
        put_chart(f, v, &charts[i]);
    fputs("</div>\n", f);
}

#include <inttypes.h>
#include <string.h>

#include "milter/axis.h"
#include "tools/report_view.h"

enum { HEIGHT = 192, TOP = 10, BASE = 168, AXIS = 62, LABELS = 6 };

void report_write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            putc(*text, out);
        }
    }
}

static uint64_t sum_of(const struct report_chart *c, size_t i)
{
    uint64_t sum = 0;

    for (int k = c->from; k <= c->to; k++)
        sum += c->row[i].bin.count[k];
    return sum;
}

/* With the thin space that separates thousands. */
static void put_number(FILE *out, uint64_t n)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%" PRIu64, n);

    for (int i = 0; i < length; i++)
        fprintf(out, "%s%c", i > 0 && (length - i) % 3 == 0 ? "&#8239;" : "", text[i]);
}

/* The axis is a drawing of its own, of a fixed width; the plot beside it takes the rest. */
static void put_axis(FILE *out, uint64_t end)
{
    fprintf(out, "<svg class=\"axis\" width=\"%d\" height=\"%d\" aria-hidden=\"true\">", AXIS, HEIGHT);
    for (unsigned i = 0; i <= 2; i++) {
        fprintf(out, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">", AXIS - 6, BASE - i * (BASE - TOP) / 2 + 4);
        put_number(out, end / 2 * i);
        fputs("</text>", out);
    }
    fputs("</svg>\n", out);
}

static void put_grid(FILE *out)
{
    for (unsigned i = 0; i <= 2; i++) {
        unsigned y = BASE - i * (BASE - TOP) / 2;
        fprintf(out, "<line x1=\"0\" x2=\"100%%\" y1=\"%u\" y2=\"%u\"/>", y, y);
    }
    putc('\n', out);
}

static void put_bar(FILE *out, const struct report_chart *c, size_t i, uint64_t end)
{
    static const int order[] = {REPORT_REFUSED, REPORT_MARKED, REPORT_PASSED, REPORT_DEFERRED, REPORT_SIGNED};
    const struct report_row *row = &c->row[i];
    double y = BASE;

    fprintf(out, "<g><title>%s:", row->label);
    for (int k = c->from; k <= c->to; k++)
        fprintf(out, " %s %" PRIu64, report_column_word((enum report_outcome)k), row->bin.count[k]);
    fputs("</title>", out);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        if (order[k] < c->from || order[k] > c->to || row->bin.count[order[k]] == 0)
            continue;
        double height = (double)row->bin.count[order[k]] / (double)end * (BASE - TOP);
        y -= height;
        fprintf(out, "<rect class=\"c%d\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.2f\" height=\"%.2f\"/>", order[k],
                ((double)i + 0.12) * 100 / (double)c->n, 76.0 / (double)c->n, y, height);
    }
    fputs("</g>\n", out);
}

/* What does not fit under the edge of the plot begins or ends there. */
static void put_label(FILE *out, const struct report_chart *c, size_t i)
{
    double x = ((double)i + 0.5) * 100 / (double)c->n;
    const char *text = c->row[i].label;

    if (strlen(text) == 10) /* the year stands in the heading */
        text += 5;
    if (c->n > LABELS && x < 4)
        fprintf(out, "<text x=\"0\" y=\"%d\">%s</text>", BASE + 17, text);
    else if (c->n > LABELS && x > 96)
        fprintf(out, "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>", BASE + 17, text);
    else
        fprintf(out, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">%s</text>", x, BASE + 17, text);
}

void report_write_chart(FILE *out, const struct report_chart *c)
{
    uint64_t most = 0;
    size_t step = (c->n + LABELS - 1) / LABELS;

    for (size_t i = 0; i < c->n; i++)
        most = sum_of(c, i) > most ? sum_of(c, i) : most;
    uint64_t end = axis_end(most);
    fprintf(out, "<figure><figcaption>%s %s</figcaption>\n", c->title, c->each);
    fputs("<div class=\"plot\">", out);
    put_axis(out, end);
    fprintf(out, "<svg width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s %s\">\n", HEIGHT, c->title,
            c->each);
    put_grid(out);
    for (size_t i = 0; i < c->n; i++)
        put_bar(out, c, i, end);
    for (size_t i = 0; i < c->n; i += step)
        put_label(out, c, i);
    fputs("\n</svg></div></figure>\n", out);
}

/* Domains tables: a look-up finds what reading the rows one by one would find. */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "milter/tables.h"

enum { NAME = 600, ROWS_CHECKED = 64 };

static const struct domain *row_named(const struct domains *d, struct bv_str name, bool subdomains)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->row[i].subdomains == subdomains && bv_str_same_nocase(d->row[i].name, name))
            return &d->row[i];
    return NULL;
}

/* Exact, else the longest parent; no hash. */
static const struct domain *slow_find(const struct domains *d, struct bv_str name)
{
    const struct domain *row = row_named(d, name, false);

    for (size_t i = 0; row == NULL && i + 1 < name.n; i++)
        if (name.p[i] == '.')
            row = row_named(d, (struct bv_str){name.p + i + 1, name.n - i - 1}, true);
    return row != NULL && row->kind != DOMAIN_OFF ? row : NULL;
}

static void check_name(const struct domains *d, const char *before, struct bv_str name, const char *behind)
{
    char text[NAME];
    int n = snprintf(text, sizeof text, "%s%.*s%s", before, (int)name.n, name.p, behind);

    if (n <= 0 || (size_t)n >= sizeof text)
        return;
    struct bv_str asked = {text, (size_t)n};
    CHECK(domains_find(d, asked) == slow_find(d, asked));
    for (int i = 0; i < n; i++)
        text[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
    CHECK(domains_find(d, asked) == slow_find(d, asked));
}

static void check_row(const struct domains *d, const struct domain *row, int lines)
{
    CHECK(row->name.n > 0 && row->name.n <= BV_DOMAIN_MAX);
    CHECK(row->line >= 1 && row->line <= lines);
    CHECK(row_named(d, row->name, row->subdomains) == row); /* each once */
    CHECK(row->action <= ACTION_REJECT && row->since >= 0);
    CHECK(row->kind == DOMAIN_VERIFIED || (row->since == 0 && !row->own_syntax));
    check_name(d, "", row->name, "");
    check_name(d, "x.", row->name, "");
    check_name(d, "x.y.", row->name, "");
    check_name(d, "x", row->name, "");
    check_name(d, ".", row->name, "");
    check_name(d, "", row->name, ".");
    for (size_t i = 0; i + 1 < row->name.n; i++)
        if (row->name.p[i] == '.')
            check_name(d, "", (struct bv_str){row->name.p + i + 1, row->name.n - i - 1}, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct problems problems;
    struct bv_str text = {(const char *)data, size};
    struct domains d;
    int lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    memset(&problems, 0, sizeof problems);
    if (domains_read(&d, "table", text, BV_PLUS, &problems) == 0) {
        CHECK(problems.n == 0 && d.n > 0);
        for (size_t i = 0; i < d.n && i < ROWS_CHECKED; i++)
            check_row(&d, &d.row[i], lines);
        check_name(&d, "", (struct bv_str){text.p, text.n < 300 ? text.n : 300}, "");
    } else {
        CHECK(problems.n > 0 && d.n == 0);
        for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++)
            CHECK(problems.item[i].line <= lines && problems.item[i].text[0] != '\0');
    }
    domains_free(&d);
    return 0;
}

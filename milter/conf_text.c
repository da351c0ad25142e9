#include "milter/conf_text.h"

#include <string.h>

static char *line_start(char *text, int line)
{
    for (; line > 1 && text != NULL; line--) {
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    return text;
}

bool conf_blank_line(char *text, int line)
{
    char *p = line_start(text, line);
    bool any = false;

    for (; p != NULL && *p != '\0' && *p != '\n'; p++) {
        any |= *p != ' ';
        *p = ' ';
    }
    return any;
}

/* How far a line has been understood. */
struct scan {
    bool in_comment; /* of the kind that goes over lines */
    int opened;      /* line in which it was opened */
    char quote;      /* that a string was opened with; 0: outside */
};

/* Takes one character (or two, of a comment's mark); comments become blanks. Returns the characters taken. */
static size_t scan_char(struct scan *s, char *p, size_t n)
{
    bool pair = n > 1;
    size_t taken = 1;

    if (s->in_comment) {
        bool end = pair && p[0] == '*' && p[1] == '/';
        s->in_comment = !end;
        taken = end ? 2 : 1;
        memset(p, ' ', taken);
    } else if (s->quote != '\0') {
        if (p[0] == s->quote)
            s->quote = '\0';
        taken = p[0] == '\\' && pair ? 2 : 1;
    } else if (p[0] == '#' || (pair && p[0] == '/' && p[1] == '/')) {
        taken = n;
        memset(p, ' ', taken);
    } else if (pair && p[0] == '/' && p[1] == '*') {
        s->in_comment = true;
        taken = 2;
        memset(p, ' ', taken);
    } else if (p[0] == '"' || p[0] == '\'') {
        s->quote = p[0];
    }
    return taken;
}

static const char blanks[] = " \t\r\n", name_chars[] = "abcdefghijklmnopqrstuvwxyz_";

static bool is_name_char(char c)
{
    return c != '\0' && strchr(name_chars, c) != NULL;
}

/* Whether a value stands at p, and not the next setting, or nothing. */
static bool is_value(const char *p)
{
    static const char marks[] = "=+{}(),";
    size_t word = strcspn(p, "=+{}(),\"' \t\r\n");
    const char *behind = p + word + strspn(p + word, blanks);

    if (*p == '\0' || (strchr(marks, *p) != NULL && *p != '{'))
        return false;
    return word == 0 || (*behind != '=' && strncmp(behind, "+=", 2) != 0);
}

/* What libconfuse would take for the value stands in a line of its own, and is the next setting: one fault, not many. */
static bool lacks_value(const char *p)
{
    size_t n = strspn(p, blanks);

    return (p[n] == '\0' || memchr(p, '\n', n) != NULL) && !is_value(p + n);
}

/* The row of the setting whose name stands at p before "=" or "+=", and where its value begins; -1: there is none. */
static int setting_at(const char *p, size_t *value)
{
    size_t name = strspn(p, name_chars), equals = name + strspn(p + name, " \t\r\n+");

    *value = equals + 1;
    return p[equals] == '=' ? conf_row_find(p, name) : -1;
}

/* Behind an opened list at p: where the next setting, or the end, comes before it is closed; NULL: it is closed. */
static char *next_in_open_list(char *p)
{
    struct scan s = {.in_comment = false};

    for (; *p != '\0'; p += scan_char(&s, p, p[1] == '\0' ? 1 : 2)) {
        size_t value;
        if ((s.quote == '\0' && *p == '}') || (s.quote != '\0' && *p == '\n'))
            return NULL;
        if (s.quote == '\0' && !is_name_char(p[-1]) && setting_at(p, &value) >= 0)
            return p;
    }
    return p;
}

/* A setting that libconfuse would not see the end of, and would complain of all the others, is told of and blanked out. */
static void check_value(const char *path, int line, const char *name, char *p, char *value,
                        struct problems *problems)
{
    char *list = value + strspn(value, blanks), *end = *list == '{' ? next_in_open_list(list + 1) : NULL;
    const char *fault = "the list that { opens is not closed with }";

    if (lacks_value(value)) {
        end = value;
        fault = "no value behind the =";
    }
    if (end == NULL)
        return;
    problems_add(problems, path, line, "%s: %s", name, fault);
    for (; p < end; p++)
        if (*p != '\n')
            *p = ' ';
}

/* Where a setting's name stands before "=" or "+=", notes its line. */
static void note_name(struct conf *conf, const char *path, int line, char *p, struct problems *problems)
{
    size_t value;
    int row = setting_at(p, &value);

    if (row < 0)
        return;
    if (conf->line[row] != 0)
        problems_add(problems, path, line, "%s is set in line %d already", conf_rows[row].name,
                     conf->line[row]);
    conf->line[row] = line;
    check_value(path, line, conf_rows[row].name, p, p + value, problems);
}

/* Comments are blanks here. */
static void scan_line(struct conf *conf, const char *path, int line, char *p, size_t n,
                      struct problems *problems)
{
    struct scan s = {.in_comment = false};

    for (size_t i = 0; i < n;) {
        bool begins = s.quote == '\0' && (i == 0 || !is_name_char(p[i - 1]));
        if (begins && is_name_char(p[i]))
            note_name(conf, path, line, p + i, problems);
        i += scan_char(&s, p + i, n - i);
    }
    bool dollar = memmem(p, n, "${", 2) != NULL, open = s.quote != '\0';
    if (dollar)
        problems_add(problems, path, line, "\"${\" would be replaced from the environment, and is not allowed");
    if (open)
        problems_add(problems, path, line, "a quote is opened and not closed");
    if (dollar || open)
        memset(p, ' ', n);
}

static void blank_comments(const char *path, char *text, struct problems *problems)
{
    struct scan s = {.in_comment = false};
    int line = 1;

    for (char *p = text; *p != '\0'; line++) {
        size_t n = strcspn(p, "\n");
        bool before = s.in_comment;
        for (size_t i = 0; i < n;)
            i += scan_char(&s, p + i, n - i);
        s.quote = '\0';
        if (s.in_comment && !before)
            s.opened = line;
        p += n + (p[n] == '\n');
    }
    if (s.in_comment)
        problems_add(problems, path, s.opened, "a comment is opened and not closed");
}

void conf_scan(struct conf *conf, const char *path, char *text, struct problems *problems)
{
    int line = 1;

    blank_comments(path, text, problems);
    for (char *p = text; *p != '\0'; line++) {
        size_t n = strcspn(p, "\n");
        scan_line(conf, path, line, p, n, problems);
        p += n + (p[n] == '\n');
    }
}

static void print_text(FILE *f, const char *text)
{
    const char *start = text;

    fputc('"', f);
    for (; *text != '\0'; text++) {
        bool dollar = text > start && text[-1] == '$' && *text == '{'; /* else it would be replaced */
        if (*text == '"' || *text == '\\' || dollar)
            fputc('\\', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

void conf_print_value(FILE *f, const struct conf_row *row, const struct conf_value *v)
{
    fprintf(f, "%s = ", row->name);
    switch (row->type) {
    case CONF_TEXT:
        print_text(f, v->text);
        break;
    case CONF_NUMBER:
        fputs(v->text, f);
        break;
    case CONF_BOOL:
        fputs(v->yes ? "true" : "false", f);
        break;
    case CONF_LIST:
        fputc('{', f);
        for (size_t i = 0; i < v->n; i++) {
            fputs(i > 0 ? ", " : "", f);
            print_text(f, v->item[i]);
        }
        fputc('}', f);
        break;
    }
    fputc('\n', f);
}

int conf_row_find(const char *name, size_t n)
{
    for (size_t i = 0; i < conf_row_count; i++)
        if (strlen(conf_rows[i].name) == n && memcmp(conf_rows[i].name, name, n) == 0)
            return (int)i;
    return -1;
}

int conf_line(const struct conf *conf, const char *name)
{
    int row = conf_row_find(name, strlen(name));

    return row < 0 ? 0 : conf->line[row];
}

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

/*
 * The length of a line without its comment.  Sets *open when a string is not
 * closed in it; *in_comment tells of a comment like this one, over lines.
 */
static size_t code_length(const char *line, size_t n, bool *in_comment, bool *open)
{
    char quote = '\0';
    size_t i = 0, code = 0;

    for (; i < n; i++) {
        bool pair = i + 1 < n;
        if (*in_comment) {
            *in_comment = !(pair && line[i] == '*' && line[i + 1] == '/');
            i += !*in_comment;
            continue;
        }
        if (quote == '\0' && (line[i] == '#' || (pair && line[i] == '/' && line[i + 1] == '/')))
            break;
        if (quote == '\0' && pair && line[i] == '/' && line[i + 1] == '*')
            *in_comment = true;
        else if (quote != '\0' && line[i] == '\\')
            i++;
        else if (quote != '\0' ? line[i] == quote : line[i] == '"' || line[i] == '\'')
            quote = quote == '\0' ? line[i] : '\0';
        code = i < n ? i + 1 : n;
    }
    *open = quote != '\0';
    return code;
}

/* Notes where a setting is set. */
static void scan_name(struct conf *conf, const char *path, int line, const char *start,
                      struct problems *problems)
{
    start += strspn(start, " \t");
    size_t n = strspn(start, "abcdefghijklmnopqrstuvwxyz_");
    int row = conf_row_find(start, n);
    const char *equals = start + n + strspn(start + n, " \t+");

    if (row < 0 || *equals != '=')
        return;
    if (conf->line[row] != 0)
        problems_add(problems, path, line, "%s is set in line %d already", conf_rows[row].name,
                     conf->line[row]);
    else
        conf->line[row] = line;
}

void conf_scan(struct conf *conf, const char *path, char *text, struct problems *problems)
{
    bool in_comment = false, open = false;
    int line = 1;

    for (char *p = text; *p != '\0'; line++) {
        size_t n = strcspn(p, "\n"), code = code_length(p, n, &in_comment, &open);
        scan_name(conf, path, line, p, problems);
        if (memmem(p, code, "${", 2) != NULL)
            problems_add(problems, path, line,
                         "\"${\" would be replaced from the environment, and is not allowed");
        if (open) {
            problems_add(problems, path, line, "a quote is opened and not closed");
            memset(p, ' ', n);
        }
        p += n + (p[n] == '\n');
    }
}

static void print_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
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
        fprintf(f, "%ld", v->number);
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

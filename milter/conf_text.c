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

void conf_scan(struct conf *conf, const char *path, const char *text, struct problems *problems)
{
    int line = 1;

    for (const char *p = text; *p != '\0'; line++) {
        size_t n = strcspn(p, "\n"), comment = strcspn(p, "#\n");
        const char *start = p + strspn(p, " \t");
        size_t name = strspn(start, "abcdefghijklmnopqrstuvwxyz_");
        int row = conf_row_find(start, name);
        const char *equals = start + name + strspn(start + name, " \t+");
        if (row >= 0 && *equals == '=') {
            if (conf->line[row] != 0)
                problems_add(problems, path, line, "%s is set in line %d already", conf_rows[row].name,
                             conf->line[row]);
            else
                conf->line[row] = line;
        }
        if (memmem(p, comment, "${", 2) != NULL)
            problems_add(problems, path, line,
                         "\"${\" would be replaced from the environment, and is not allowed");
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

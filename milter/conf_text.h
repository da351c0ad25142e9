/*
 * conf_text - the configuration file as lines of text: what libconfuse does not
 * tell, and settings printed.  Private to the configuration.
 */
#ifndef MILTER_CONF_TEXT_H
#define MILTER_CONF_TEXT_H

#include "milter/conf.h"

/*
 * Notes in conf->line where each setting stands; reports what libconfuse lets
 * pass in silence: a setting given twice (the last would win), ${NAME} (the
 * environment would be put in), a string that is not closed in its line (the
 * rest of the file would be it).  Such a line becomes blanks, and so do all
 * comments, since libconfuse counts the lines of a comment wrongly.  A setting
 * without a value, or with a list that is not closed, is reported and blanked
 * out, too: libconfuse would complain of all the others.
 */
void conf_scan(struct conf *conf, const char *path, char *text, struct problems *problems);

/* Blanks a line out; false when there is nothing in it any more. */
bool conf_blank_line(char *text, int line);

/* "name = value", as the file would have it, and a newline. */
void conf_print_value(FILE *f, const struct conf_row *row, const struct conf_value *v);

#endif

/*
 * conf_check - the checks that settings share.  Each puts a good value in its
 * place; what is wrong goes to t->problems, and the place stays as it is.
 * Private to the configuration.
 */
#ifndef MILTER_CONF_CHECK_H
#define MILTER_CONF_CHECK_H

#include "milter/conf.h"

/* Notes what is wrong with a text of the setting: `name: "text" wrong`. */
void conf_refuse(const struct conf_taking *t, const char *text, const char *wrong);
void conf_no_memory(const struct conf_taking *t);

bool conf_is_ascii(const char *text); /* printable ASCII only */

/* A text without control characters, on the heap in place of the old one. */
void conf_put_text(const struct conf_taking *t, char **dst, const char *text);
void conf_put_path(const struct conf_taking *t, char **dst); /* not empty */
void conf_put_line(const struct conf_taking *t, char **dst); /* for SMTP and headers: short, printable ASCII */
void conf_put_socket(const struct conf_taking *t, char **dst);
void conf_put_endpoint(const struct conf_taking *t, char **dst); /* "ADDRESS:PORT", or empty */

/* Index of a text in a list of words that ends with NULL; 0, the fault noted, when it is none of them. */
int conf_word(const struct conf_taking *t, const char *text, const char *const *words);

/* A number within a range. */
void conf_put_number(const struct conf_taking *t, long *dst, long least, long most);
/* A duration, in seconds, within a range that is given as two durations. */
void conf_put_duration(const struct conf_taking *t, int64_t *dst, const char *least, const char *most);

/* A list of texts, none of them empty; NULL-terminated. */
void conf_put_list(const struct conf_taking *t, char ***dst);
void conf_put_networks(const struct conf_taking *t, struct net_list *dst);

#endif

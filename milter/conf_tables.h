/*
 * conf_tables - the tables that the settings name.  Private to the
 * configuration.
 */
#ifndef MILTER_CONF_TABLES_H
#define MILTER_CONF_TABLES_H

#include "milter/conf.h"

/*
 * Reads those whose setting is good into conf->policy; everything wrong with
 * them goes to *problems.  A table whose text is that of `old`, which may be
 * NULL, is shared with it.
 */
void conf_read_tables(struct conf *conf, const struct conf *old, struct problems *problems);

void conf_table_put(struct conf_table *t); /* gives up a reference; the last one frees it */

#endif

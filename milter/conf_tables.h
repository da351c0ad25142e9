/*
 * conf_tables - the tables that the settings name.  Private to the
 * configuration.
 */
#ifndef MILTER_CONF_TABLES_H
#define MILTER_CONF_TABLES_H

#include "milter/conf.h"

/* Reads those whose setting is good into conf->policy; everything wrong with them goes to *problems. */
void conf_read_tables(struct conf *conf, struct problems *problems);

#endif

/*
 * conf_guard - the settings of the MX guard, each for its row.  Private to the
 * configuration.
 */
#ifndef MILTER_CONF_GUARD_H
#define MILTER_CONF_GUARD_H

#include "milter/conf.h"

void conf_take_guard_recipients(const struct conf_taking *t);
void conf_take_guard_senders(const struct conf_taking *t);
void conf_take_guard_match(const struct conf_taking *t);
void conf_take_guard_networks(const struct conf_taking *t);
void conf_take_guard_exempt(const struct conf_taking *t);
void conf_take_guard_timeout(const struct conf_taking *t);
void conf_take_guard_trust_anchor(const struct conf_taking *t);
void conf_take_resolver(const struct conf_taking *t);

#endif

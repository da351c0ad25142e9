#include <stdlib.h>

#include "milter/conf.h"
#include "milter/conf_tables.h"

static void free_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        free(*item);
    free(list);
}

void conf_free(struct conf *c)
{
    free_list(c->policy.sign_daemons);
    free_list(c->guard.resolver);
    names_free(&c->policy.guard_exempt);
    free_list(c->guard.exempt);
    bogus_free(&c->guard.bogus);
    free(c->guard.networks);
    free(c->guard.trust_anchor);
    free(c->policy.sign_networks.item);
    free(c->policy.internal_networks.item);
    conf_table_put(c->domains_table);
    conf_table_put(c->exceptions_table);
    free(c->path);
    free(c->listen);
    free(c->socket_group);
    free(c->keyring);
    free(c->domains);
    free(c->exceptions);
    free(c->reject_text);
    free(c->header_name);
    free(c->header_value);
    free(c->map_listen);
    free(c->metrics_listen);
    free(c->user);
    *c = (struct conf){.path = NULL};
}

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "milter/drain.h"
#include "milter/limits.h"
#include "milter/transaction.h"

static void set_address(struct net_addr *out, const struct sockaddr *addr)
{
    out->family = NET_UNKNOWN;
    if (addr == NULL)
        return;
    if (addr->sa_family == AF_INET)
        net_addr_v4(out, &((const struct sockaddr_in *)(const void *)addr)->sin_addr);
    else if (addr->sa_family == AF_INET6)
        net_addr_v6(out, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr);
    else if (addr->sa_family == AF_UNIX)
        out->family = NET_UNIX;
}

bool transaction_open(struct transaction *t, const struct conf *conf)
{
    long most = limits_sessions(conf);

    t->counted = true;
    if (drain_session_begin() <= most)
        return true;
    limits_complain(most);
    return false;
}

/* Postfix names only hosts whose name leads back to the address; Sendmail tells by a macro, when it is asked. */
static bool is_confirmed(const struct transaction *t, const char *name, const char *resolve)
{
    return name != NULL && *name != '[' && strcmp(name, "unknown") != 0 &&
           (resolve == NULL ? t->macros : strcmp(resolve, "OK") == 0);
}

void transaction_client(struct transaction *t, const char *name, const char *resolve,
                        const struct sockaddr *addr, const char *daemon, const char *version)
{
    t->confirmed = is_confirmed(t, name, resolve);
    t->merges = version != NULL && *version >= '0' && *version <= '9'; /* Sendmail's is a number */
    set_address(&t->addr, addr);
    free(t->name);
    free(t->daemon);
    t->name = name != NULL ? strdup(name) : NULL;
    t->daemon = daemon != NULL ? strdup(daemon) : NULL;
    t->broken = (name != NULL && t->name == NULL) || (daemon != NULL && t->daemon == NULL);
}

void transaction_close(struct transaction *t)
{
    transaction_end(t);
    if (t->counted)
        drain_session_end();
    free(t->name);
    free(t->daemon);
    t->name = t->daemon = NULL;
}

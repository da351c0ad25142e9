#include "milter/exceptions.h"

#include <stdlib.h>

/* An address without a domain, "postmaster", is looked for as the row writes it. */
static int find_address(const struct exceptions *e, enum exceptions_kind kind, struct bv_str local,
                        struct bv_str domain)
{
    if (domain.n == 0)
        return names_find(&e->names, exceptions_space(kind, EXCEPTIONS_EXACT), local);
    return names_find_address(&e->names, exceptions_space(kind, EXCEPTIONS_ADDRESS),
                              exceptions_space(kind, EXCEPTIONS_EXACT),
                              exceptions_space(kind, EXCEPTIONS_BELOW), local, domain);
}

static int line_of(const struct exceptions *e, int row)
{
    return row < 0 ? 0 : e->line[row];
}

int exceptions_to(const struct exceptions *e, struct bv_str local, struct bv_str domain)
{
    return line_of(e, find_address(e, EXCEPTIONS_TO, local, domain));
}

int exceptions_from(const struct exceptions *e, struct bv_str local, struct bv_str domain)
{
    return line_of(e, find_address(e, EXCEPTIONS_FROM, local, domain));
}

int exceptions_rcpt(bool *never_sends, const struct exceptions *e, struct bv_str local, struct bv_str domain)
{
    int row = find_address(e, EXCEPTIONS_RCPT, local, domain);

    *never_sends = row >= 0 && e->never_sends[row];
    return line_of(e, row);
}

int exceptions_client(const struct exceptions *e, const struct net_addr *addr, const char *name)
{
    int row = prefixes_find(&e->networks, addr);

    if (row < 0 && e->host_names)
        row = names_find_domain(&e->names, exceptions_space(EXCEPTIONS_CLIENT, EXCEPTIONS_EXACT),
                                exceptions_space(EXCEPTIONS_CLIENT, EXCEPTIONS_BELOW), bv_str(name));
    return line_of(e, row);
}

void exceptions_free(struct exceptions *e)
{
    names_free(&e->names);
    prefixes_free(&e->networks);
    free(e->never_sends);
    free(e->line);
    free(e->text);
    *e = (struct exceptions){.n = 0};
}

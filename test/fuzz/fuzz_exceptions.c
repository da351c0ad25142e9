/* Exceptions tables: a look-up finds what going through the rows one by one would find. */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "milter/exceptions.h"

enum { CHECKED = 48, NETWORKS = 64, TEXT = 1100 };

/* ---- names, against a search through all of them */

static int row_named(const struct exceptions *e, enum exceptions_kind kind, enum exceptions_name shape,
                     struct bv_str name)
{
    for (size_t i = 0; i < e->names.n; i++) {
        const struct names_entry *entry = &e->names.entry[i];
        if (entry->space == exceptions_space(kind, shape) &&
            bv_str_same_nocase((struct bv_str){entry->name, entry->length}, name))
            return entry->number;
    }
    return -1;
}

static int slow_domain(const struct exceptions *e, enum exceptions_kind kind, struct bv_str domain)
{
    int row = row_named(e, kind, EXCEPTIONS_EXACT, domain);

    for (size_t i = 0; row < 0 && i < domain.n; i++)
        if (domain.p[i] == '.')
            row = row_named(e, kind, EXCEPTIONS_BELOW, (struct bv_str){domain.p + i + 1, domain.n - i - 1});
    return row;
}

static int slow_address(const struct exceptions *e, enum exceptions_kind kind, struct bv_str local,
                        struct bv_str domain)
{
    char text[TEXT];
    int n = snprintf(text, sizeof text, "%.*s@%.*s", (int)local.n, local.p, (int)domain.n, domain.p);
    int row = n < 0 || (size_t)n >= sizeof text
                  ? -1
                  : row_named(e, kind, EXCEPTIONS_ADDRESS, (struct bv_str){text, (size_t)n});

    return row >= 0 ? row : slow_domain(e, kind, domain);
}

static int line_of(const struct exceptions *e, int row)
{
    return row < 0 ? 0 : e->line[row];
}

static void check_address(const struct exceptions *e, struct bv_str local, struct bv_str domain)
{
    bool never_sends = true;
    int rcpt = slow_address(e, EXCEPTIONS_RCPT, local, domain);

    CHECK(exceptions_to(e, local, domain) == line_of(e, slow_address(e, EXCEPTIONS_TO, local, domain)));
    CHECK(exceptions_from(e, local, domain) == line_of(e, slow_address(e, EXCEPTIONS_FROM, local, domain)));
    CHECK(exceptions_rcpt(&never_sends, e, local, domain) == line_of(e, rcpt));
    CHECK(never_sends == (rcpt >= 0 && e->never_sends[rcpt]));
}

static void check_host(const struct exceptions *e, const char *before, struct bv_str domain)
{
    static const struct net_addr nowhere = {.family = NET_UNKNOWN};
    char host[TEXT];
    int n = snprintf(host, sizeof host, "%s%.*s", before, (int)domain.n, domain.p);

    if (n >= 0 && (size_t)n < sizeof host)
        CHECK(exceptions_client(e, &nowhere, host) ==
              line_of(e, slow_domain(e, EXCEPTIONS_CLIENT, bv_str(host))));
}

static void check_item(const struct exceptions *e, const struct names_entry *item, int lines)
{
    struct bv_str local = bv_str("x"), domain = {item->name, item->length};

    CHECK(item->number >= 0 && (size_t)item->number < e->n);
    CHECK(e->line[item->number] >= 1 && e->line[item->number] <= lines);
    for (size_t i = item->length; i > 0; i--) {
        if (item->name[i - 1] != '@')
            continue;
        local = (struct bv_str){item->name, i - 1};
        domain = (struct bv_str){item->name + i, item->length - i};
        CHECK(local.n > 0 && domain.n > 0);
        break;
    }
    check_address(e, local, domain);
    check_address(e, bv_str("x"), domain);
    check_address(e, local, bv_str("x"));
    for (size_t i = 0; i < domain.n; i++)
        if (domain.p[i] == '.')
            check_address(e, local, (struct bv_str){domain.p + i + 1, domain.n - i - 1});
    check_host(e, "", domain);
    check_host(e, "x.", domain);
    check_host(e, "x", domain);
}

/* ---- networks, against a list of them that is read from the text again */

struct network {
    struct net net;
    int line;
};

static size_t read_networks(struct network network[NETWORKS], struct bv_str text)
{
    char kind[16], name[80], line[400];
    size_t n = 0;
    int number = 1;

    for (size_t i = 0; i < text.n && n < NETWORKS; number++) {
        const char *end = memchr(text.p + i, '\n', text.n - i);
        size_t length = end == NULL ? text.n - i : (size_t)(end - text.p) - i;
        int copied = snprintf(line, sizeof line, "%.*s", (int)length, text.p + i);
        i += length + 1;
        if (copied < 0 || (size_t)copied != length) /* longer, or with a NUL */
            return NETWORKS;
        if (sscanf(line, "%15[^ \t\r#\v\f]%*[ \t\r]%79[^ \t\r#\v\f]", kind, name) == 2 ||
            sscanf(line, "%*[ \t\r]%15[^ \t\r#\v\f]%*[ \t\r]%79[^ \t\r#\v\f]", kind, name) == 2) {
            network[n].line = number;
            n += bv_str_same_nocase(bv_str(kind), bv_str("client")) && net_read(&network[n].net, name) == NULL;
        }
    }
    return n;
}

static void check_client(const struct exceptions *e, const struct network *network, size_t n,
                         const unsigned char ip[NET_OCTETS])
{
    struct net_addr a = {.family = NET_IP};
    unsigned longest = 0;
    int line = 0;

    memcpy(a.ip, ip, NET_OCTETS);
    for (size_t i = 0; i < n; i++) {
        struct net net = network[i].net;
        struct net_list one = {1, &net};
        if (!net_contains(&one, &a) || (line > 0 && net.bits <= longest))
            continue;
        line = network[i].line;
        longest = net.bits;
    }
    CHECK(exceptions_client(e, &a, "") == line);
}

static void check_networks(const struct exceptions *e, struct bv_str text)
{
    struct network network[NETWORKS];
    size_t n = read_networks(network, text);

    if (n == NETWORKS)
        return;
    CHECK(n == e->n - e->names.n);
    for (size_t i = 0; i < n; i++) {
        unsigned char ip[NET_OCTETS];
        memcpy(ip, network[i].net.ip, sizeof ip);
        check_client(e, network, n, ip);
        ip[NET_OCTETS - 1] ^= 1;
        check_client(e, network, n, ip);
        for (unsigned bit = network[i].net.bits; bit < 128; bit++)
            ip[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
        check_client(e, network, n, ip);
        ip[11]++; /* out of IPv4 */
        check_client(e, network, n, ip);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct problems problems;
    struct bv_str text = {(const char *)data, size};
    struct exceptions e;
    int lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    memset(&problems, 0, sizeof problems);
    if (exceptions_read(&e, "table", text, &problems) == 0) {
        CHECK(problems.n == 0 && e.n <= (size_t)lines && e.names.n <= e.n);
        for (size_t i = 0; i < e.names.n && i < CHECKED; i++)
            check_item(&e, &e.names.entry[i], lines);
        check_networks(&e, text);
    } else {
        CHECK(problems.n > 0 && e.n == 0);
        for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++)
            CHECK(problems.item[i].line >= 1 && problems.item[i].line <= lines &&
                  problems.item[i].text[0] != '\0');
    }
    exceptions_free(&e);
    return 0;
}

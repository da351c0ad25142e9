#include "test/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/exceptions.h"

/* As for the domains table; networks and names each in a table of their own. */
enum { ROWS = 100000, ROW_OCTETS = 80, LOAD_BOUND = 500000000, FIND_BOUND = 200, PROBES = 4096 };

static struct problems problems;

/* Some nested, as those are that come from routing tables; one in five is of IPv6. */
static int write_network(char *dst, unsigned *seed)
{
    unsigned bits = 20 + (unsigned)rand_r(seed) % 13;
    unsigned a = (unsigned)rand_r(seed) << 8 ^ (unsigned)rand_r(seed);

    if (rand_r(seed) % 5 == 0)
        return sprintf(dst, "2a%02x:%x:%x:%x::/64", a >> 28, a >> 12 & 0xffff, a & 0xffff, bits);
    a = a >> (32 - bits) << (32 - bits);
    return sprintf(dst, "%u.%u.%u.%u/%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, bits);
}

static size_t write_networks(char *text)
{
    unsigned seed = 20785;
    size_t n = 0;

    for (int i = 0; i < ROWS; i++) {
        n += (size_t)sprintf(text + n, "client ");
        n += (size_t)write_network(text + n, &seed);
        n += (size_t)sprintf(text + n, " accept-untagged\n");
    }
    return n;
}

/* Addresses, domains and subdomains in turn. */
static size_t write_names(char *text)
{
    static const char *const before[] = {"list@", "", "first.last@", "."};
    size_t n = 0;

    for (int i = 0; i < ROWS; i++)
        n += (size_t)sprintf(text + n, "to %scustomer%d.%c%c.example no-tag\n", before[i % 4], i, 'a' + i % 26,
                             'a' + i / 26 % 26);
    return n;
}

/* Random networks are now and then the same, which a table refuses. */
static void drop_repeated(char *text)
{
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++) {
        char *line = text;
        for (int skip = 1; skip < problems.item[i].line; skip++)
            line = strchr(line, '\n') + 1;
        *line = '#';
    }
    memset(&problems, 0, sizeof problems);
}

/* Reads the table again and again, and leaves it in *e. */
static bool measure_load(struct exceptions *e, int rounds, const char *name, size_t (*write)(char *text))
{
    struct bench_figure figure = {.name = name, .threads = 1, .bound = LOAD_BOUND};
    char *text = malloc((size_t)ROWS * ROW_OCTETS);
    double ns[BENCH_ROUNDS_MAX];

    if (text == NULL)
        bench_die("malloc");
    size_t n = write(text);
    if (exceptions_read(e, "bench", (struct bv_str){text, n}, &problems) != 0)
        drop_repeated(text);
    for (int round = 0; round < rounds; round++) {
        exceptions_free(e);
        double start = bench_now();
        if (exceptions_read(e, "bench", (struct bv_str){text, n}, &problems) != 0)
            bench_die("exceptions_read");
        ns[round] = bench_now() - start;
    }
    free(text);
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

static struct net_addr client[PROBES];

/* Half of them from the first networks of the table, half from anywhere. */
static void make_clients(bool v6)
{
    unsigned same = 20785, other = 4711;

    for (int i = 0; i < PROBES;) {
        char text[NET_TEXT + 4];
        struct net net;
        write_network(text, i % 2 ? &same : &other);
        if ((strchr(text, ':') != NULL) != v6 || net_read(&net, text) != NULL)
            continue;
        client[i].family = NET_IP;
        memcpy(client[i++].ip, net.ip, sizeof net.ip);
    }
}

static bool measure_clients(const struct exceptions *e, int rounds, const char *name, bool v6)
{
    struct bench_figure figure = {.name = name, .threads = 1, .bound = FIND_BOUND};
    double ns[BENCH_ROUNDS_MAX];
    size_t found = 0;

    make_clients(v6);
    for (int round = 0; round < rounds; round++) {
        double start = bench_now();
        for (int i = 0; i < PROBES; i++)
            found += exceptions_client(e, &client[i], "") != 0;
        ns[round] = (bench_now() - start) / PROBES;
    }
    if (found < PROBES / 2)
        bench_die("exceptions_client");
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

static char domain[PROBES][64];

static void make_domains(const char *before, int shift)
{
    unsigned seed = 20785;

    for (int i = 0; i < PROBES; i++) {
        int row = rand_r(&seed) % ROWS;
        snprintf(domain[i], sizeof domain[i], "%scustomer%d.%c%c.example", before, row + shift, 'a' + row % 26,
                 'a' + row / 26 % 26);
    }
}

static bool measure_names(const struct exceptions *e, int rounds, const char *name, const char *before,
                          int shift)
{
    struct bench_figure figure = {.name = name, .threads = 1, .bound = FIND_BOUND};
    struct bv_str local = bv_str("list");
    double ns[BENCH_ROUNDS_MAX];
    size_t found = 0;

    make_domains(before, shift);
    for (int round = 0; round < rounds; round++) {
        double start = bench_now();
        for (int i = 0; i < PROBES; i++)
            found += exceptions_to(e, local, bv_str(domain[i])) != 0;
        ns[round] = (bench_now() - start) / PROBES;
    }
    if ((found == 0) != (shift > ROWS))
        bench_die("exceptions_to");
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

bool bench_exceptions(int rounds)
{
    struct exceptions networks = {.n = 0}, names = {.n = 0};
    bool good = measure_load(&networks, rounds, "exceptions_read, 100,000 networks", write_networks);

    good = measure_clients(&networks, rounds, "exceptions_client, IPv4", false) && good;
    good = measure_clients(&networks, rounds, "exceptions_client, IPv6", true) && good;
    exceptions_free(&networks);
    good = measure_load(&names, rounds, "exceptions_read, 100,000 names", write_names) && good;
    good = measure_names(&names, rounds, "exceptions_to, exact", "", 0) && good;
    good = measure_names(&names, rounds, "exceptions_to, subdomain", "mail.", 0) && good;
    good = measure_names(&names, rounds, "exceptions_to, a stranger's", "", 2 * ROWS) && good;
    exceptions_free(&names);
    return good;
}

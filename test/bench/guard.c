#include "test/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/bogus.h"
#include "milter/guard_cache.h"

enum {
    ROWS = 100000,
    ROW_OCTETS = 100,
    LOAD_BOUND = 500000000,
    FIND_BOUND = 200,
    CACHE_BOUND = 1000,
    DOMAINS = 100000,
    PROBES = 4096,
    NOW = 1790000000
};

static struct problems problems;

/* Nested now and then; one in five is of IPv6, one in ten an exemption. */
static size_t write_table(char *text)
{
    unsigned seed = 20785;
    size_t n = 0;

    for (int i = 0; i < ROWS; i++) {
        unsigned bits = 16 + (unsigned)rand_r(&seed) % 17;
        unsigned a = (unsigned)rand_r(&seed) << 8 ^ (unsigned)rand_r(&seed);
        const char *action = i % 10 == 0 ? "DUNNO" : "REJECT Domain MX in somebody's network";
        if (i % 5 == 0)
            n += (size_t)sprintf(text + n, "2a%02x:%x:%x:%x::/64 %s\n", a >> 28, a >> 12 & 0xffff, a & 0xffff,
                                 bits, action);
        else
            n += (size_t)sprintf(text + n, "%u.%u.%u.0/%u %s\n", a >> 24, a >> 16 & 255,
                                 bits < 24 ? 0 : a & 255, bits < 24 ? 16 : 24, action);
        if (bits < 24 && i % 5 != 0)
            n += (size_t)sprintf(text + n, "# %d\n", i);
    }
    return n;
}

static bool measure_load(struct bogus *b, int rounds)
{
    struct bench_figure figure = {.name = "bogus_read, 100,000 networks", .threads = 1, .bound = LOAD_BOUND};
    char *text = malloc((size_t)ROWS * ROW_OCTETS);
    double ns[BENCH_ROUNDS_MAX];

    if (text == NULL)
        bench_die("malloc");
    size_t n = write_table(text);
    for (int round = 0; round < rounds; round++) {
        bogus_free(b);
        double start = bench_now();
        if (bogus_read(b, "bench", (struct bv_str){text, n}, true, &problems) != 0 || b->n <= ROWS)
            bench_die("bogus_read");
        ns[round] = bench_now() - start;
    }
    free(text);
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

/* Half of them bogus by the built-in list. */
static void make_addresses(struct net_addr *address, const char *head)
{
    unsigned seed = 20785;

    for (int i = 0; i < PROBES; i++) {
        unsigned char octets[NET_OCTETS] = {0x26, 0x06};
        for (size_t k = 2; k < sizeof octets; k++)
            octets[k] = (unsigned char)rand_r(&seed);
        if (i % 2 == 0)
            memcpy(octets, head, strlen(head));
        if (*head == '\x7f')
            net_addr_v4(&address[i], octets);
        else
            net_addr_v6(&address[i], octets);
    }
}

static bool measure_kind(const struct bogus *b, int rounds, const char *name, const char *head)
{
    static struct net_addr address[PROBES];
    struct bench_figure figure = {.name = name, .threads = 1, .bound = FIND_BOUND};
    double ns[BENCH_ROUNDS_MAX];
    size_t found = 0;

    make_addresses(address, head);
    for (int round = 0; round < rounds; round++) {
        double start = bench_now();
        for (int i = 0; i < PROBES; i++)
            found += bogus_find(b, &address[i]) != NULL;
        ns[round] = (bench_now() - start) / PROBES;
    }
    if (found < PROBES / 2)
        bench_die("bogus_find");
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

static char domain[PROBES][64];

static void make_domains(int shift)
{
    unsigned seed = 20785;

    for (int i = 0; i < PROBES; i++)
        snprintf(domain[i], sizeof domain[i], "Mail.Customer%d.example", rand_r(&seed) % DOMAINS + shift);
}

static void fill(struct guard_cache *c)
{
    for (int i = 0; i < DOMAINS; i++) {
        struct guard_verdict v = {.result = i % 2 ? GUARD_FINE : GUARD_BOGUS_MX, .ttl = GUARD_TTL_MAX};
        char name[64];
        snprintf(name, sizeof name, "mail.customer%d.example", i);
        snprintf(v.kind, sizeof v.kind, "%s", i % 2 ? "" : "loopback");
        guard_cache_put(c, bv_str(name), &v, NOW);
    }
}

static bool measure_get(const struct guard_cache *c, int rounds, const char *name, int shift)
{
    struct bench_figure figure = {.name = name, .threads = 1, .bound = CACHE_BOUND};
    double ns[BENCH_ROUNDS_MAX];
    size_t found = 0;

    make_domains(shift);
    for (int round = 0; round < rounds; round++) {
        double start = bench_now();
        for (int i = 0; i < PROBES; i++) {
            struct guard_verdict v;
            found += guard_cache_get(&v, c, bv_str(domain[i]), NOW + 1);
        }
        ns[round] = (bench_now() - start) / PROBES;
    }
    if ((found < (size_t)rounds * PROBES / 2) != (shift > 0))
        bench_die("guard_cache_get");
    figure.ns = bench_median(ns, rounds);
    return bench_tell(&figure);
}

bool bench_guard(int rounds)
{
    struct bogus b = {.n = 0};
    struct guard_cache *c = guard_cache_new(DOMAINS);
    bool good = measure_load(&b, rounds);

    good = measure_kind(&b, rounds, "bogus_find, IPv4", "\x7f") && good;
    good = measure_kind(&b, rounds, "bogus_find, IPv6", "\xfe\x80") && good;
    good = measure_kind(&b, rounds, "bogus_find, IPv4 inside IPv6", "\x20\x02\x7f") && good;
    bogus_free(&b);
    if (c == NULL)
        bench_die("guard_cache_new");
    fill(c);
    good = measure_get(c, rounds, "guard_cache_get", 0) && good;
    good = measure_get(c, rounds, "guard_cache_get, not there", 2 * DOMAINS) && good;
    guard_cache_free(c);
    return good;
}

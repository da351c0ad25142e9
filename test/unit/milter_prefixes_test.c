#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "milter/prefixes.h"

/* "unix", "unknown", or an address as a client's socket would have it. */
static struct net_addr client(const char *text)
{
    struct net_addr a = {.family = NET_UNKNOWN};
    unsigned char octets[NET_OCTETS];

    if (strcmp(text, "unix") == 0)
        a.family = NET_UNIX;
    else if (inet_pton(AF_INET, text, octets) == 1)
        net_addr_v4(&a, octets);
    else if (inet_pton(AF_INET6, text, octets) == 1)
        net_addr_v6(&a, octets);
    else
        assert_string_equal(text, "unknown");
    return a;
}

enum { LIST_MAX = 32 };

/* Networks between blanks; the number of each is its place, from 0. */
static size_t read_list(struct prefix item[LIST_MAX], const char *list)
{
    char copy[512], *rest = copy;
    size_t n = 0;

    assert_true(strlen(list) < sizeof copy);
    strcpy(copy, list);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(n < LIST_MAX);
        if (net_read(&item[n].net, word) != NULL)
            fail_msg("%s is no network", word);
        item[n].number = (int)n;
        n++;
    }
    return n;
}

static const struct {
    const char *name, *list, *address;
    int want;
} rows[] = {
    {"one network, inside", "192.0.2.0/24", "192.0.2.7", 0},
    {"one network, its first", "192.0.2.0/24", "192.0.2.0", 0},
    {"one network, its last", "192.0.2.0/24", "192.0.2.255", 0},
    {"one network, before", "192.0.2.0/24", "192.0.1.255", -1},
    {"one network, behind", "192.0.2.0/24", "192.0.3.0", -1},
    {"an address", "192.0.2.7", "192.0.2.7", 0},
    {"an address, before", "192.0.2.7", "192.0.2.6", -1},
    {"an address, behind", "192.0.2.7", "192.0.2.8", -1},
    {"none", "", "192.0.2.7", -1},

    {"nested, inner", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "10.1.2.3", 2},
    {"nested, middle", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "10.1.3.0", 1},
    {"nested, middle, before the inner", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "10.1.1.255", 1},
    {"nested, outer behind", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "10.2.0.0", 0},
    {"nested, outer before", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "10.0.255.255", 0},
    {"nested, outside", "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24", "11.0.0.0", -1},
    {"nested, the inner named first", "10.1.2.0/24 10.1.0.0/16 10.0.0.0/8", "10.1.2.3", 0},
    {"same start, inner", "10.0.0.0/8 10.0.0.0/16 10.0.0.0/24", "10.0.0.1", 2},
    {"same start, middle", "10.0.0.0/8 10.0.0.0/16 10.0.0.0/24", "10.0.1.0", 1},
    {"same start, outer", "10.0.0.0/8 10.0.0.0/16 10.0.0.0/24", "10.1.0.0", 0},
    {"same end, inner", "10.0.0.0/8 10.255.0.0/16 10.255.255.0/24", "10.255.255.255", 2},
    {"same end, behind all", "10.0.0.0/8 10.255.0.0/16 10.255.255.0/24", "11.0.0.0", -1},
    {"neighbours, first", "10.0.0.0/9 10.128.0.0/9", "10.127.255.255", 0},
    {"neighbours, second", "10.0.0.0/9 10.128.0.0/9", "10.128.0.0", 1},
    {"two inside one, between", "10.0.0.0/8 10.1.0.0/16 10.3.0.0/16", "10.2.0.0", 0},
    {"two inside one, second", "10.0.0.0/8 10.1.0.0/16 10.3.0.0/16", "10.3.0.0", 2},
    {"the same twice", "192.0.2.0/24 192.0.2.0/24", "192.0.2.1", 0},
    {"the same three times, others between", "192.0.2.1 192.0.2.0/24 10.0.0.0/8 192.0.2.0/24 192.0.2.0/24",
     "192.0.2.2", 1},

    {"IPv4 /0", "0.0.0.0/0", "192.0.2.1", 0},
    {"IPv4 /0, first", "0.0.0.0/0", "0.0.0.0", 0},
    {"IPv4 /0, last", "0.0.0.0/0", "255.255.255.255", 0},
    {"IPv4 /0 holds no IPv6", "0.0.0.0/0", "2001:db8::1", -1},
    {"IPv4 /0, just before", "0.0.0.0/0", "::fffe:ffff:ffff", -1},
    {"IPv4 /0, just behind", "0.0.0.0/0", "::1:0:0:0", -1},
    {"IPv4 /0 and a network", "0.0.0.0/0 192.0.2.0/24", "192.0.2.1", 1},
    {"last address", "255.255.255.255", "255.255.255.255", 0},
    {"last address but one", "255.255.255.255", "255.255.255.254", -1},
    {"first address", "0.0.0.0", "0.0.0.0", 0},
    {"second address", "0.0.0.0", "0.0.0.1", -1},
    {"last network", "255.255.0.0/16", "255.255.255.255", 0},

    {"IPv6 network", "2001:db8::/32", "2001:db8::1", 0},
    {"IPv6 network, last", "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 0},
    {"IPv6 network, before", "2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", -1},
    {"IPv6 network, behind", "2001:db8::/32", "2001:db9::", -1},
    {"IPv6 /64", "2001:db8:1:2::/64", "2001:db8:1:2:ffff:ffff:ffff:ffff", 0},
    {"IPv6 /64, behind", "2001:db8:1:2::/64", "2001:db8:1:3::", -1},
    {"IPv6 /64 at the carry", "2001:db8:ffff:ffff::/64", "2001:db9::", -1},
    {"IPv6 /65", "2001:db8::8000:0:0:0/65", "2001:db8::ffff:ffff:ffff:ffff", 0},
    {"IPv6 /65, behind", "2001:db8::8000:0:0:0/65", "2001:db8:0:1::", -1},
    {"IPv6 /65, before", "2001:db8::8000:0:0:0/65", "2001:db8::7fff:ffff:ffff:ffff", -1},
    {"IPv6 /128", "2001:db8::1", "2001:db8::1", 0},
    {"IPv6 /128, behind", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", -1},
    {"IPv6 /128, the low half at its end", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::ffff:ffff:ffff:ffff", 0},
    {"IPv6 nested", "2001:db8::/32 2001:db8:1::/48 2001:db8:1:1::/64", "2001:db8:1:1::5", 2},
    {"IPv6 nested, middle", "2001:db8::/32 2001:db8:1::/48 2001:db8:1:1::/64", "2001:db8:1:2::", 1},
    {"IPv6 /0", "::/0", "2001:db8::1", 0},
    {"IPv6 /0, first", "::/0", "::", 0},
    {"IPv6 /0, last", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0},
    {"IPv6 /0, just before IPv4", "::/0", "::fffe:ffff:ffff", 0},
    {"IPv6 /0, just behind IPv4", "::/0", "::1:0:0:0", 0},
    {"IPv6 /1, upper half", "8000::/1", "ffff::", 0},
    {"IPv6 /1, behind", "::/1", "8000::", -1},
    {"last address of all", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0},
    {"first address of all", "::", "::", 0},
    {"second address of all", "::", "::1", -1},
    {"/0 and /128 at its end", "::/0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 0},

    {"IPv6 /0 holds no IPv4", "::/0", "192.0.2.1", -1},
    {"IPv6 /0, first IPv4", "::/0", "0.0.0.0", -1},
    {"IPv6 /0, last IPv4", "::/0", "255.255.255.255", -1},
    {"::/64 holds no IPv4", "::/64", "192.0.2.1", -1},
    {"/95 holds no IPv4", "::fffe:0:0/95", "192.0.2.1", -1},
    {"/95 holds its IPv6", "::fffe:0:0/95", "::fffe:1:1", 0},
    {"both /0, IPv4", "::/0 0.0.0.0/0", "192.0.2.1", 1},
    {"both /0, IPv6", "::/0 0.0.0.0/0", "2001:db8::1", 0},
    {"both /0, behind IPv4", "::/0 0.0.0.0/0", "::1:0:0:0", 0},
    {"IPv6 /0 and an IPv4 network", "::/0 192.0.2.0/24", "192.0.2.1", 1},
    {"IPv6 /0 and an IPv4 network, another", "::/0 192.0.2.0/24", "192.0.3.1", -1},
    {"IPv6 /0 and an IPv4 network, IPv6", "::/0 192.0.2.0/24", "::2", 0},
    {"IPv4-mapped address asked", "192.0.2.0/24", "::ffff:192.0.2.1", 0},
    {"IPv4-mapped network", "::ffff:192.0.2.0/120", "192.0.2.1", 0},
    {"IPv4-mapped address in the list", "::ffff:192.0.2.1", "192.0.2.1", 0},
    {"mapped and plain are the same", "::ffff:192.0.2.0/120 192.0.2.0/24", "192.0.2.1", 0},
    {"IPv4-compatible is no IPv4", "192.0.2.0/24", "::192.0.2.1", -1},

    {"unix socket", "0.0.0.0/0 ::/0", "unix", -1},
    {"unknown", "0.0.0.0/0 ::/0", "unknown", -1},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct prefix item[LIST_MAX];
        struct prefixes p;
        struct net_addr a = client(rows[i].address);
        assert_int_equal(prefixes_build(&p, item, read_list(item, rows[i].list)), 0);
        int got = prefixes_find(&p, &a);
        if (got != rows[i].want)
            fail_msg("%s: %d, expected %d", rows[i].name, got, rows[i].want);
        prefixes_free(&p);
    }
}

static void test_empty(void **state)
{
    struct prefixes p = {.n = 0};
    struct net_addr a = client("192.0.2.1");

    (void)state;
    assert_int_equal(prefixes_find(&p, &a), -1);
    prefixes_free(&p);
    assert_int_equal(prefixes_build(&p, NULL, 0), 0);
    assert_int_equal(prefixes_find(&p, &a), -1);
    prefixes_free(&p);
    assert_null(p.range);
    assert_null(p.first);
}

/* Where one network ends and the next begins is one place, not two: a full table is half as large. */
static void test_neighbours(void **state)
{
    enum { NEIGHBOURS = 256 };
    struct prefix item[NEIGHBOURS];
    struct prefixes p;

    (void)state;
    for (int i = 0; i < NEIGHBOURS; i++) {
        item[i].number = i;
        assert_null(net_read(&item[i].net, "10.0.0.0/24"));
        item[i].net.ip[14] = (unsigned char)i;
    }
    assert_int_equal(prefixes_build(&p, item, NEIGHBOURS), 0);
    assert_int_equal(p.n, NEIGHBOURS + 4); /* ::, IPv4 and what is behind each */
    prefixes_free(&p);
}

/* ---- against a search through the list */

static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

static void clear_bits(struct net *n)
{
    for (unsigned bit = n->bits; bit < 128; bit++)
        n->ip[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

/* Any; IPv4; or inside or around an earlier one, so that they nest. */
static void pick_net(struct prefix *item, size_t i)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct net *net = &item[i].net;
    unsigned kind = pick(10), spread = pick(4);

    item[i].number = (int)i;
    if (i > 0 && kind < 6)
        *net = item[pick((unsigned)i)].net;
    for (size_t octet = 0; octet < NET_OCTETS; octet++)
        if (i == 0 || kind >= 6 || (octet > 12 && pick(3) == 0))
            net->ip[octet] = (unsigned char)(spread == 0 ? pick(256) : pick(2) * 255);
    if (kind >= 8)
        memcpy(net->ip, mapped, sizeof mapped);
    bool v4 = memcmp(net->ip, mapped, sizeof mapped) == 0;
    net->bits = v4 && pick(8) > 0 ? 96 + pick(33) : pick(129);
    if (pick(20) == 0)
        net->bits = 128;
    clear_bits(net);
}

static int slow_find(const struct prefix *item, size_t n, const struct net_addr *a)
{
    int number = -1;
    unsigned longest = 0;

    for (size_t i = 0; i < n; i++) {
        struct net copy = item[i].net;
        struct net_list one = {1, &copy};
        if (!net_contains(&one, a) || (number >= 0 && item[i].net.bits <= longest))
            continue; /* of those of one length, which are the same, the first counts */
        number = item[i].number;
        longest = item[i].net.bits;
    }
    return number;
}

/* The address by `step` (1 or -1) from another. */
static struct net_addr next_to(struct net_addr a, int step)
{
    for (size_t i = NET_OCTETS; i > 0; i--) {
        a.ip[i - 1] = (unsigned char)(a.ip[i - 1] + step);
        if (a.ip[i - 1] != (step > 0 ? 0 : 255))
            break;
    }
    return a;
}

static void check(const struct prefixes *p, const struct prefix *item, size_t n, struct net_addr a)
{
    int got = prefixes_find(p, &a), want = slow_find(item, n, &a);
    char text[NET_TEXT];

    net_addr_write(text, &a);
    if (got != want)
        fail_msg("seed %llu, %zu networks, %s: %d, expected %d", (unsigned long long)seed, n, text, got, want);
}

/* At the edges of a network, at both sides of each, and somewhere inside. */
static void check_around(const struct prefixes *p, const struct prefix *item, size_t n, const struct net *net)
{
    struct net_addr first = {.family = NET_IP}, last, inside;

    memcpy(first.ip, net->ip, NET_OCTETS);
    last = inside = first;
    for (unsigned bit = net->bits; bit < 128; bit++) {
        last.ip[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
        if (pick(2))
            inside.ip[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
    }
    check(p, item, n, first);
    check(p, item, n, last);
    check(p, item, n, inside);
    check(p, item, n, next_to(first, -1));
    check(p, item, n, next_to(last, 1));
}

static void compare_with_list(size_t n, size_t probes)
{
    struct prefix *item = calloc(n, sizeof *item), *sorted = calloc(n, sizeof *item);
    struct prefixes p;

    assert_true(item != NULL && sorted != NULL);
    for (size_t i = 0; i < n; i++)
        pick_net(item, i);
    memcpy(sorted, item, n * sizeof *item);
    assert_int_equal(prefixes_build(&p, sorted, n), 0);
    for (size_t i = 0; i < probes; i++)
        check_around(&p, item, n, &item[pick((unsigned)n)].net);
    for (size_t i = 0; i < probes; i++) {
        struct prefix any[1];
        struct net_addr a = {.family = NET_IP};
        pick_net(any, 0);
        memcpy(a.ip, any[0].net.ip, NET_OCTETS);
        check(&p, item, n, a);
    }
    prefixes_free(&p);
    free(item);
    free(sorted);
}

/* Few, so that each matters; and many, so that the index is as large as it gets. */
static void test_against_list(void **state)
{
    (void)state;
    seed = 20785;
    for (size_t round = 0; round < 3000; round++)
        compare_with_list(1 + round % 40, 10);
    for (size_t round = 0; round < 4; round++)
        compare_with_list(4000, 150);
    compare_with_list(70000, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_against_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

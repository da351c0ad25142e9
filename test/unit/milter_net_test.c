#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "milter/net.h"

#define NO_ADDRESS "is no IP address or network"
#define BAD_PREFIX "has a bad prefix length"
#define HOST_BITS  "has bits set behind its prefix"

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

static const struct {
    const char *name, *text;
    unsigned bits;     /* of the mapped form */
    const char *wrong; /* NULL: it is good */
} read_rows[] = {
    {"IPv4 network", "198.51.100.0/24", 120, NULL},
    {"IPv4 address alone", "198.51.100.7", 128, NULL},
    {"IPv4 /32", "198.51.100.7/32", 128, NULL},
    {"IPv4 /31", "198.51.100.6/31", 127, NULL},
    {"IPv4 /1", "128.0.0.0/1", 97, NULL},
    {"IPv4 /0", "0.0.0.0/0", 96, NULL},
    {"IPv4 /8", "127.0.0.0/8", 104, NULL},
    {"IPv6 network", "2001:db8::/32", 32, NULL},
    {"IPv6 address alone", "2001:db8::1", 128, NULL},
    {"IPv6 /128", "::1/128", 128, NULL},
    {"IPv6 /127", "2001:db8::2/127", 127, NULL},
    {"IPv6 /0", "::/0", 0, NULL},
    {"IPv6 in capitals", "2001:DB8::/32", 32, NULL},
    {"longest IPv6 text", "2001:0db8:0000:0000:0000:0000:255.255.255.255", 128, NULL},
    {"IPv4-mapped network", "::ffff:192.0.2.0/120", 120, NULL},
    {"a leading zero in the length", "192.0.2.0/024", 120, NULL},
    {"host bits", "198.51.100.1/24", 0, HOST_BITS},
    {"one host bit, last place", "198.51.100.1/31", 0, HOST_BITS},
    {"one host bit, first place", "128.0.0.0/0", 0, HOST_BITS},
    {"IPv6 host bits", "2001:db8::1/32", 0, HOST_BITS},
    {"IPv6 host bit next to the prefix", "2001:db8:8000::/32", 0, HOST_BITS},
    {"IPv6 host bit, last place", "2001:db8::1/127", 0, HOST_BITS},
    {"an IPv4-mapped network with too short a prefix", "::ffff:0:0/95", 0, HOST_BITS},
    {"IPv4 /33", "192.0.2.0/33", 0, BAD_PREFIX},
    {"IPv4 /128", "192.0.2.0/128", 0, BAD_PREFIX},
    {"IPv6 /129", "2001:db8::/129", 0, BAD_PREFIX},
    {"no length behind the slash", "192.0.2.0/", 0, BAD_PREFIX},
    {"negative length", "192.0.2.0/-1", 0, BAD_PREFIX},
    {"length with a plus", "192.0.2.0/+24", 0, BAD_PREFIX},
    {"length with a blank before", "192.0.2.0/ 24", 0, BAD_PREFIX},
    {"length with a blank behind", "192.0.2.0/24 ", 0, BAD_PREFIX},
    {"length and junk", "192.0.2.0/24x", 0, BAD_PREFIX},
    {"two lengths", "192.0.2.0/24/8", 0, BAD_PREFIX},
    {"hexadecimal length", "192.0.2.0/0x18", 0, BAD_PREFIX},
    {"length that wraps at 2^32", "192.0.2.0/4294967320", 0, BAD_PREFIX},
    {"length that wraps at 2^64", "192.0.2.0/18446744073709551640", 0, BAD_PREFIX},
    {"a netmask", "192.0.2.0/255.255.255.0", 0, BAD_PREFIX},
    {"empty", "", 0, NO_ADDRESS},
    {"slash only", "/", 0, NO_ADDRESS},
    {"length only", "/24", 0, NO_ADDRESS},
    {"a word", "localhost", 0, NO_ADDRESS},
    {"three octets", "192.0.2/24", 0, NO_ADDRESS},
    {"an octet over 255", "192.0.256.0/24", 0, NO_ADDRESS},
    {"an octal octet", "192.0.02.1", 0, NO_ADDRESS},
    {"five octets", "192.0.2.0.0", 0, NO_ADDRESS},
    {"blank before", " 192.0.2.0/24", 0, NO_ADDRESS},
    {"blank behind", "192.0.2.1 ", 0, NO_ADDRESS},
    {"brackets", "[2001:db8::1]", 0, NO_ADDRESS},
    {"a zone", "fe80::1%eth0", 0, NO_ADDRESS},
    {"an MTA's IPv6 prefix", "IPv6:2001:db8::1", 0, NO_ADDRESS},
    {"nine groups", "1:2:3:4:5:6:7:8:9", 0, NO_ADDRESS},
    {"two double colons", "2001::db8::1", 0, NO_ADDRESS},
    {"46 octets", "2001:0db8:0000:0000:0000:0000:255.255.255.2555", 0, NO_ADDRESS},
    {"far too long", "1111111111111111111111111111111111111111111111111111111111111111/8", 0, NO_ADDRESS},
    {"a range", "192.0.2.1-192.0.2.9", 0, NO_ADDRESS},
    {"a negated network", "!192.0.2.0/24", 0, NO_ADDRESS},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof read_rows / sizeof *read_rows; i++) {
        const char *name = read_rows[i].name;
        struct net net = {.bits = 77};
        const char *wrong = net_read(&net, read_rows[i].text);
        if ((wrong == NULL) != (read_rows[i].wrong == NULL))
            fail_msg("%s: %s", name, wrong == NULL ? "is taken" : wrong);
        if (wrong != NULL && strcmp(wrong, read_rows[i].wrong) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", name, wrong, read_rows[i].wrong);
        if (net.bits != (wrong == NULL ? read_rows[i].bits : 77))
            fail_msg("%s: %u bits", name, net.bits);
    }
}

static const struct {
    const char *name, *network, *client;
    bool want;
} contain_rows[] = {
    {"first address of a /24", "192.0.2.0/24", "192.0.2.0", true},
    {"last address of a /24", "192.0.2.0/24", "192.0.2.255", true},
    {"just before a /24", "192.0.2.0/24", "192.0.1.255", false},
    {"just behind a /24", "192.0.2.0/24", "192.0.3.0", false},
    {"first of a /23", "192.0.2.0/23", "192.0.2.0", true},
    {"last of a /23", "192.0.2.0/23", "192.0.3.255", true},
    {"just behind a /23", "192.0.2.0/23", "192.0.4.0", false},
    {"a /32 is one address", "192.0.2.7", "192.0.2.7", true},
    {"a /32 and its neighbour", "192.0.2.7", "192.0.2.6", false},
    {"a /31 holds two", "192.0.2.6/31", "192.0.2.7", true},
    {"and no third", "192.0.2.6/31", "192.0.2.8", false},
    {"0.0.0.0/0 holds every IPv4 address", "0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0 holds no IPv6 address", "0.0.0.0/0", "2001:db8::1", false},
    {"0.0.0.0/0 does not hold ::1", "0.0.0.0/0", "::1", false},
    {"0.0.0.0/0 does not hold ::", "0.0.0.0/0", "::", false},
    {"0.0.0.0/0 does not hold an IPv4-compatible address", "0.0.0.0/0", "::192.0.2.1", false},
    {"first of an IPv6 /32", "2001:db8::/32", "2001:db8::", true},
    {"last of an IPv6 /32", "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"just behind an IPv6 /32", "2001:db8::/32", "2001:db9::", false},
    {"just before an IPv6 /32", "2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"IPv6 /65, inside", "2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", true},
    {"IPv6 /65, outside", "2001:db8::/65", "2001:db8::8000:0:0:0", false},
    {"::1/128 holds ::1", "::1/128", "::1", true},
    {"::1/128 does not hold ::2", "::1/128", "::2", false},
    {"IPv6 network, IPv4 client", "2001:db8::/32", "192.0.2.1", false},
    {"IPv4 network, IPv4-mapped client", "192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"IPv4 network, IPv4-mapped client outside", "192.0.2.0/24", "::ffff:192.0.3.9", false},
    {"IPv4-mapped network, IPv4 client", "::ffff:192.0.2.0/120", "192.0.2.9", true},
    {"127.0.0.0/8, last", "127.0.0.0/8", "127.255.255.255", true},
    {"127.0.0.0/8, behind", "127.0.0.0/8", "128.0.0.0", false},
    {"every IPv4 network, a unix socket", "0.0.0.0/0", "unix", false},
    {"every network, a unix socket", "::/0", "unix", false},
    {"every network, nobody knows", "::/0", "unknown", false},
    {"loopback, nobody knows", "127.0.0.0/8", "unknown", false},
};

static void test_contains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contain_rows / sizeof *contain_rows; i++) {
        struct net net;
        struct net_list list = {1, &net};
        struct net_addr a = client(contain_rows[i].client);
        if (net_read(&net, contain_rows[i].network) != NULL)
            fail_msg("%s: the network cannot be read", contain_rows[i].name);
        if (net_contains(&list, &a) != contain_rows[i].want)
            fail_msg("%s: %s", contain_rows[i].name, contain_rows[i].want ? "not contained" : "contained");
    }
}

/* The family decides, whatever the octets say: they may be left over from anywhere. */
static void test_family_decides(void **state)
{
    static const char loopback4[] = {127, 0, 0, 1};
    struct net net;
    struct net_list list = {1, &net}, empty = {0, NULL};
    struct net_addr a;

    (void)state;
    assert_null(net_read(&net, "127.0.0.1"));
    net_addr_v4(&a, loopback4);
    assert_true(net_contains(&list, &a));
    assert_false(net_contains(&empty, &a));
    a.family = NET_UNKNOWN;
    assert_false(net_contains(&list, &a));
    assert_false(net_is_local(&a));
    a.family = NET_UNIX;
    assert_false(net_contains(&list, &a));
    assert_true(net_is_local(&a));
}

static void test_list(void **state)
{
    struct net nets[3];
    struct net_list list = {3, nets};
    struct net_addr first = client("192.0.2.1"), second = client("198.51.100.1"), last = client("2001:db8::9"),
                    none = client("203.0.113.1");

    (void)state;
    assert_null(net_read(&nets[0], "192.0.2.0/24"));
    assert_null(net_read(&nets[1], "198.51.100.0/24"));
    assert_null(net_read(&nets[2], "2001:db8::/32"));
    assert_true(net_contains(&list, &first));
    assert_true(net_contains(&list, &second));
    assert_true(net_contains(&list, &last));
    assert_false(net_contains(&list, &none));
}

/* Every bit of a network matters, and none behind it. */
static void test_every_bit(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct net net = {.bits = bits};
        struct net_list list = {1, &net};
        for (unsigned bit = 0; bit < 128; bit++) {
            struct net_addr a = {.family = NET_IP};
            a.ip[bit / 8] = (unsigned char)(0x80 >> bit % 8);
            if (net_contains(&list, &a) != (bit >= bits))
                fail_msg("/%u, bit %u", bits, bit);
        }
    }
}

static const struct {
    const char *client, *text;
    bool local;
} client_rows[] = {
    {"127.0.0.1", "127.0.0.1", true},
    {"127.0.0.0", "127.0.0.0", false},
    {"127.0.0.2", "127.0.0.2", false},
    {"127.255.255.255", "127.255.255.255", false},
    {"126.255.255.255", "126.255.255.255", false},
    {"128.0.0.0", "128.0.0.0", false},
    {"192.0.2.7", "192.0.2.7", false},
    {"255.255.255.255", "255.255.255.255", false},
    {"0.0.0.0", "0.0.0.0", false},
    {"10.127.0.1", "10.127.0.1", false},
    {"::1", "::1", true},
    {"::", "::", false},
    {"::2", "::2", false},
    {"::127.0.0.1", "::127.0.0.1", false},
    {"::ffff:127.0.0.1", "127.0.0.1", true},
    {"::ffff:192.0.2.7", "192.0.2.7", false},
    {"64:ff9b::127.0.0.1", "64:ff9b::7f00:1", false},
    {"2001:db8::1", "2001:db8::1", false},
    {"1:0:0:0:0:0:0:1", "1::1", false},
    {"2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666", false},
    {"fe80::1", "fe80::1", false},
    {"unix", "unix", true},
    {"unknown", "unknown", false},
};

static void test_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof client_rows / sizeof *client_rows; i++) {
        struct net_addr a = client(client_rows[i].client);
        char text[NET_TEXT];
        net_addr_write(text, &a);
        if (strcmp(text, client_rows[i].text) != 0)
            fail_msg("%s is written \"%s\"", client_rows[i].client, text);
        if (net_is_local(&a) != client_rows[i].local)
            fail_msg("%s: local is wrong", client_rows[i].client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read), cmocka_unit_test(test_contains),  cmocka_unit_test(test_family_decides),
        cmocka_unit_test(test_list), cmocka_unit_test(test_every_bit), cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

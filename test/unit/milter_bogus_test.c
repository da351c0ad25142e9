#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/bogus.h"
#include "test/unit/milter_networks.h"

/* NULL: not bogus. */
static const struct {
    const char *name, *address, *want;
} rows[] = {
    {"unspecified", "0.0.0.0", "unspecified"},
    {"unspecified, another", "0.1.2.3", "unspecified"},
    {"unspecified, last", "0.255.255.255", "unspecified"},
    {"behind unspecified", "1.0.0.0", NULL},
    {"private, 10", "10.0.0.1", "private"},
    {"shared", "100.64.0.1", "shared address space"},
    {"shared, last", "100.127.255.255", "shared address space"},
    {"loopback", "127.0.0.1", "loopback"},
    {"loopback, used as a target on purpose", "127.0.0.6", "loopback"},
    {"name collision", "127.0.53.53", "loopback"},
    {"loopback, last", "127.255.255.255", "loopback"},
    {"link-local", "169.254.169.254", "link-local"},
    {"private, 172", "172.31.255.255", "private"},
    {"protocol assignments", "192.0.0.1", "protocol assignments"},
    {"DS-Lite", "192.0.0.2", "protocol assignments"},
    {"dummy address", "192.0.0.8", "protocol assignments"},
    {"PCP anycast", "192.0.0.9", NULL},
    {"TURN anycast", "192.0.0.10", NULL},
    {"behind TURN anycast", "192.0.0.11", "protocol assignments"},
    {"NAT64 discovery", "192.0.0.170", "protocol assignments"},
    {"documentation 1", "192.0.2.1", "documentation"},
    {"documentation 2", "198.51.100.7", "documentation"},
    {"documentation 3", "203.0.113.7", "documentation"},
    {"6a44 relay", "192.88.99.2", "6a44 relay"},
    {"what 6to4 relays were", "192.88.99.1", "6to4 relay"},
    {"private, 192", "192.168.1.1", "private"},
    {"benchmarking", "198.19.255.255", "benchmarking"},
    {"multicast", "224.0.0.1", "multicast"},
    {"multicast, last", "239.255.255.255", "multicast"},
    {"reserved", "240.0.0.0", "reserved"},
    {"reserved, last but one", "255.255.255.254", "reserved"},
    {"broadcast", "255.255.255.255", "broadcast"},

    {"IPv6 unspecified", "::", "unspecified"},
    {"IPv6 loopback", "::1", "loopback"},
    {"behind IPv6 loopback", "::2", "unspecified"},
    {"mapped loopback", "::ffff:127.0.0.1", "loopback"},
    {"mapped private", "::ffff:10.0.0.1", "private"},
    {"mapped, exempt", "::ffff:192.0.0.9", NULL},
    {"mapped, healthy", "::ffff:8.8.8.8", NULL},
    {"compatible loopback", "::127.0.0.1", "loopback"},
    {"compatible private", "::192.168.0.1", "private"},
    {"compatible, a healthy one inside", "::8.8.8.8", "IPv4-compatible"},
    {"compatible, an exempt one inside", "::192.0.0.9", "IPv4-compatible"},
    {"before mapped", "::fffe:ffff:ffff", NULL},
    {"behind mapped", "::1:0:0:0", NULL},
    {"6to4 of loopback", "2002:7f00:1::", "loopback"},
    {"6to4 of loopback, with a host", "2002:7f00:1:2:3:4:5:6", "loopback"},
    {"6to4 of private", "2002:a00:1::1", "private"},
    {"6to4 of broadcast", "2002:ffff:ffff::1", "broadcast"},
    {"6to4 of an exempt one", "2002:c000:9::1", NULL},
    {"6to4 of a healthy one", "2002:808:808::1", NULL},
    {"NAT64 of loopback", "64:ff9b::7f00:1", "loopback"},
    {"NAT64 of private", "64:ff9b::192.168.1.1", "private"},
    {"NAT64 of a healthy one", "64:ff9b::8.8.8.8", NULL},
    {"behind NAT64", "64:ff9b::1:7f00:1", NULL},
    {"local NAT64", "64:ff9b:1::8.8.8.8", "local translation"},
    {"local NAT64, last", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local translation"},
    {"discard-only", "100::1", "discard-only"},
    {"dummy prefix", "100:0:0:1::1", "dummy"},
    {"behind the dummy prefix", "100:0:0:2::1", NULL},
    {"Teredo", "2001::1", "Teredo"},
    {"Teredo, last", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
    {"protocol assignments of IPv6", "2001:1::", "protocol assignments"},
    {"IPv6 PCP anycast", "2001:1::1", NULL},
    {"IPv6 TURN anycast", "2001:1::2", NULL},
    {"service registration anycast", "2001:1::3", NULL},
    {"behind service registration anycast", "2001:1::4", "protocol assignments"},
    {"IPv6 benchmarking", "2001:2::1", "benchmarking"},
    {"behind IPv6 benchmarking", "2001:2:1::1", "protocol assignments"},
    {"AMT", "2001:3::1", NULL},
    {"AS112", "2001:4:112::1", NULL},
    {"behind AS112", "2001:4:113::1", "protocol assignments"},
    {"ORCHID", "2001:10::1", "ORCHID"},
    {"ORCHIDv2", "2001:20::1", NULL},
    {"ORCHIDv2, last", "2001:2f:ffff::1", NULL},
    {"drone identifiers", "2001:30::1", NULL},
    {"behind drone identifiers", "2001:40::1", "protocol assignments"},
    {"protocol assignments of IPv6, last", "2001:1ff:ffff::1", "protocol assignments"},
    {"behind protocol assignments", "2001:200::1", NULL},
    {"IPv6 documentation", "2001:db8::1", "documentation"},
    {"IPv6 documentation, the newer", "3fff:fff:ffff::1", "documentation"},
    {"behind the newer IPv6 documentation", "3fff:1000::1", NULL},
    {"segment routing", "5f00::1", "segment routing"},
    {"unique local", "fc00::1", "unique local"},
    {"unique local, as used", "fd12:3456:789a::1", "unique local"},
    {"IPv6 link-local", "fe80::1", "link-local"},
    {"IPv6 link-local, last", "febf:ffff::1", "link-local"},
    {"site-local", "fec0::1", "site-local"},
    {"IPv6 multicast", "ff02::1", "multicast"},
    {"last of all", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},

    {"a unix socket", "unix", NULL},
    {"an unknown family", "unknown", NULL},
};

/* Mail exchangers, name servers and resolvers that the world can reach, and neighbours of bogus networks. */
static const char healthy[] =
    "1.0.0.1 1.1.1.1 4.2.2.2 8.8.4.4 8.8.8.8 9.9.9.9 9.255.255.255 11.0.0.0 17.57.154.33 23.90.102.12 "
    "40.107.22.52 52.101.73.4 64.6.64.6 66.102.1.27 74.125.206.27 76.76.2.0 77.88.8.8 94.140.14.14 "
    "98.136.96.75 100.63.255.255 100.128.0.0 104.47.18.74 114.114.114.114 126.255.255.255 128.0.0.0 "
    "142.250.102.26 149.112.112.112 169.253.255.255 169.255.0.0 170.247.170.2 172.15.255.255 "
    "172.32.0.0 172.217.218.27 173.194.76.27 185.228.168.9 185.70.42.128 191.255.255.255 192.0.0.9 "
    "192.0.0.10 192.0.1.0 192.0.3.0 192.0.33.8 192.5.5.241 192.31.196.1 192.33.4.12 192.36.148.17 "
    "192.52.193.1 192.58.128.30 192.88.98.255 192.88.100.0 192.112.36.4 192.167.255.255 "
    "192.169.0.0 192.175.48.1 192.175.48.42 192.203.230.10 193.0.14.129 198.17.255.255 198.20.0.0 "
    "198.41.0.4 198.51.99.255 198.51.101.0 198.97.190.53 199.7.83.42 199.7.91.13 202.12.27.33 "
    "203.0.112.255 203.0.114.0 208.67.220.220 208.67.222.222 212.227.15.41 213.165.67.97 "
    "217.72.192.67 223.5.5.5 223.255.255.255 2001:200::1 2001:470:20::2 2001:500:1::53 2001:500:2::c "
    "2001:500:2d::d 2001:500:2f::f 2001:500:9f::42 2001:500:12::d0d 2001:500:a8::e "
    "2001:503:ba3e::2:30 2001:503:c27::2:30 2001:67c:2e8:22::c100:68b 2001:7fd::1 2001:7fe::53 "
    "2001:db7:ffff::1 2001:db9::1 2001:dc3::35 2001:4860:4860::8888 2003:180:2::53 2400:cb00:2048::1 "
    "2404:6800:4003:c00::1b 2600:1406::1 2606:4700::1111 2606:4700:4700::1111 2607:f8b0:4023::1b "
    "2620:0:ccc::2 2620:4f:8000::1 2620:119:35::35 2620:fe::fe 2801:1b8:10::b 2803:f800:50::6ca2:c001 "
    "2a00:1450:4025::1b 2a01:111:f403::1 2a01:4f8:0:a101::5:1 2a02:6b8::feed:ff 2a0d:2a00:1::2 "
    "2c0f:fb50:4003::2";

static void test_rows(void **state)
{
    struct bogus b;

    (void)state;
    assert_int_equal(bogus_builtin(&b), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_addr a = networks_address(rows[i].address);
        const struct bogus_entry *found = bogus_find(&b, &a);
        const char *got = found != NULL ? found->kind : NULL, *want = rows[i].want;
        assert_true(found == NULL || (found->bogus && !found->sentence));
        if ((got == NULL) != (want == NULL) || (want != NULL && strcmp(got, want) != 0))
            fail_msg("%s, %s: %s, expected %s", rows[i].name, rows[i].address, got != NULL ? got : "fine",
                     want != NULL ? want : "fine");
    }
    bogus_free(&b);
}

static void test_healthy(void **state)
{
    char list[sizeof healthy], *rest = list;
    struct bogus b;
    int n = 0;

    (void)state;
    memcpy(list, healthy, sizeof healthy);
    assert_int_equal(bogus_builtin(&b), 0);
    for (char *text = strtok_r(list, " ", &rest); text != NULL; text = strtok_r(NULL, " ", &rest), n++) {
        struct net_addr a = networks_address(text);
        const struct bogus_entry *found = bogus_find(&b, &a);
        if (found != NULL)
            fail_msg("%s: %s, but it is healthy", text, found->kind);
        assert_int_equal(a.family, NET_IP);
    }
    assert_true(n >= 100);
    bogus_free(&b);
}

static void test_empty(void **state)
{
    struct bogus b = {.n = 0};
    struct net_addr a = networks_address("127.0.0.1"), wrapped = networks_address("2002:7f00:1::");

    (void)state;
    assert_null(bogus_find(&b, &a));
    assert_null(bogus_find(&b, &wrapped));
    bogus_free(&b);
}

/* ---- against the registries, as of October 2025, and a search through them */

static const struct {
    const char *network;
    bool bogus;
} registry[] = {{"0.0.0.0/8", true},
                {"0.0.0.0/32", true},
                {"10.0.0.0/8", true},
                {"100.64.0.0/10", true},
                {"127.0.0.0/8", true},
                {"169.254.0.0/16", true},
                {"172.16.0.0/12", true},
                {"192.0.0.0/24", true},
                {"192.0.0.0/29", true},
                {"192.0.0.8/32", true},
                {"192.0.0.9/32", false},
                {"192.0.0.10/32", false},
                {"192.0.0.170/32", true},
                {"192.0.0.171/32", true},
                {"192.0.2.0/24", true},
                {"192.31.196.0/24", false},
                {"192.52.193.0/24", false},
                {"192.88.99.0/24", true},
                {"192.88.99.2/32", true},
                {"192.168.0.0/16", true},
                {"192.175.48.0/24", false},
                {"198.18.0.0/15", true},
                {"198.51.100.0/24", true},
                {"203.0.113.0/24", true},
                {"240.0.0.0/4", true},
                {"255.255.255.255", true},
                {"224.0.0.0/4", true},
                {"::1/128", true},
                {"::/128", true},
                {"64:ff9b:1::/48", true},
                {"100::/64", true},
                {"100:0:0:1::/64", true},
                {"2001::/23", true},
                {"2001::/32", true},
                {"2001:1::1/128", false},
                {"2001:1::2/128", false},
                {"2001:1::3/128", false},
                {"2001:2::/48", true},
                {"2001:3::/32", false},
                {"2001:4:112::/48", false},
                {"2001:10::/28", true},
                {"2001:20::/28", false},
                {"2001:30::/28", false},
                {"2001:db8::/32", true},
                {"2620:4f:8000::/48", false},
                {"3fff::/20", true},
                {"5f00::/16", true},
                {"fc00::/7", true},
                {"fe80::/10", true},
                {"fec0::/10", true},
                {"ff00::/8", true},
                {"::/96", true}};

static bool slow_plain(const struct net_addr *a)
{
    bool bogus = false;
    unsigned longest = 0;

    for (size_t i = 0; i < sizeof registry / sizeof *registry; i++) {
        struct net net;
        struct net_list one = {1, &net};
        assert_null(net_read(&net, registry[i].network));
        if (net_contains(&one, a) && net.bits >= longest) {
            longest = net.bits;
            bogus = registry[i].bogus;
        }
    }
    return bogus;
}

static bool slow_bogus(const struct net_addr *a)
{
    struct net_addr inner;

    if (a->ip[0] == 0x20 && a->ip[1] == 2)
        net_addr_v4(&inner, a->ip + 2);
    else if (memcmp(a->ip, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12) == 0)
        net_addr_v4(&inner, a->ip + 12);
    else
        return slow_plain(a);
    return slow_plain(&inner);
}

static void check(const struct bogus *b, const struct net_addr *a)
{
    bool got = bogus_find(b, a) != NULL, want = slow_bogus(a);
    char text[NET_TEXT];

    net_addr_write(text, a);
    if (got != want)
        fail_msg("%s: %s", text, got ? "bogus, expected fine" : "fine, expected bogus");
}

/* Somewhere, more often where the networks are. */
static struct net_addr pick_address(void)
{
    static const unsigned char head[][4] = {{0x20, 1}, {0x20, 1, 0, 4}, {0x20, 2}, {0, 0x64, 0xff, 0x9b},
                                            {1},       {0xfe}};
    struct net_addr a = {.family = NET_IP};
    unsigned char octets[NET_OCTETS];
    unsigned kind = networks_pick(10);

    for (size_t i = 0; i < NET_OCTETS; i++)
        octets[i] = (unsigned char)(networks_pick(2) ? networks_pick(256) : 0);
    if (kind < 6)
        memcpy(octets, head[kind], sizeof head[kind]);
    if (kind == 3 && networks_pick(2))
        memset(octets + 4, 0, 8);
    if (kind >= 7)
        net_addr_v4(&a, octets);
    else
        net_addr_v6(&a, octets);
    return a;
}

static void test_registry(void **state)
{
    struct bogus b;

    (void)state;
    assert_int_equal(bogus_builtin(&b), 0);
    for (size_t i = 0; i < sizeof registry / sizeof *registry; i++) {
        struct net_addr around[NETWORKS_AROUND], wrapped = {.family = NET_IP};
        struct net net;
        assert_null(net_read(&net, registry[i].network));
        networks_around(around, &net);
        for (size_t k = 0; k < NETWORKS_AROUND; k++) {
            check(&b, &around[k]);
            memcpy(wrapped.ip, "\x20\x02", 2);
            memcpy(wrapped.ip + 2, around[k].ip + 12, 4);
            check(&b, &wrapped);
            memcpy(wrapped.ip, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
            memcpy(wrapped.ip + 12, around[k].ip + 12, 4);
            check(&b, &wrapped);
            memset(wrapped.ip, 0, 12);
            check(&b, &wrapped);
        }
    }
    for (int i = 0; i < 200000; i++) {
        struct net_addr a = pick_address();
        check(&b, &a);
    }
    bogus_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

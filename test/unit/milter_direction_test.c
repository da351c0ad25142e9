#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test/unit/milter_ways.h"

static enum direction direction(int conf, const char *from, const char *daemon, bool authenticated)
{
    struct policy_client client = {.daemon = daemon, .authenticated = authenticated};
    struct policy p = {.sign_authenticated = false};

    ways_configure(&p, conf);
    ways_address(&client.addr, from);
    return policy_direction(&p, &client);
}

static const struct {
    const char *name;
    int conf;
    const char *from, *daemon;
    int auth, want;
} rows[] = {
    {"a stranger", A | S | D | I, "192.0.2.1", "smtpd", 0, IN},
    {"a stranger, nothing configured", 0, "192.0.2.1", "", 0, IN},
    {"a stranger over IPv6", A | S | D | I, "2001:db8:9::1", "smtpd", 0, IN},
    {"a user who has authenticated", A, "192.0.2.1", "smtpd", 1, OUT},
    {"a user over IPv6", A, "2001:db8:9::1", "smtpd", 1, OUT},
    {"authentication does not count", S | D | I, "192.0.2.1", "smtpd", 1, IN},
    {"a user on an internal host", A | I, "10.0.0.1", "", 1, OUT},
    {"authentication does not count, internal host", I, "10.0.0.1", "", 1, INT},
    {"a user on localhost", A | I, "127.0.0.1", "", 1, OUT},
    {"authentication does not count, localhost", I, "127.0.0.1", "", 1, INT},
    {"a user through a unix socket", A, "unix", "", 1, OUT},
    {"a user from nobody knows where", A, "unknown", "", 1, OUT},
    {"authentication does not count, nobody knows where", D | S | I, "unknown", "", 1, IN},
    {"sign_networks, first address", S, "198.51.100.0", "", 0, OUT},
    {"sign_networks, last address", S, "198.51.100.255", "", 0, OUT},
    {"sign_networks, just before", S, "198.51.99.255", "", 0, IN},
    {"sign_networks, just behind", S, "198.51.101.0", "", 0, IN},
    {"sign_networks, IPv6", S, "2001:db8:5::25", "", 0, OUT},
    {"sign_networks, IPv6, last address", S, "2001:db8:5:ffff:ffff:ffff:ffff:ffff", "", 0, OUT},
    {"sign_networks, IPv6, just behind", S, "2001:db8:6::", "", 0, IN},
    {"sign_networks, IPv4-mapped client", S, "::ffff:198.51.100.7", "", 0, OUT},
    {"sign_networks, IPv4-mapped stranger", S, "::ffff:192.0.2.7", "", 0, IN},
    {"sign_networks not configured", A | D | I, "198.51.100.7", "", 0, IN},
    {"sign_networks and another daemon", S | D, "198.51.100.7", "smtpd", 0, OUT},
    {"sign_networks does not hold localhost", S, "127.0.0.1", "", 0, INT},
    {"sign_networks never holds a unix socket", S, "unix", "", 0, INT},
    {"sign_networks never holds nobody knows", S, "unknown", "", 0, IN},
    {"the first daemon listed", D, "192.0.2.1", "ORIGINATING", 0, OUT},
    {"the second daemon listed", D, "192.0.2.1", "smtps", 0, OUT},
    {"another daemon", D, "192.0.2.1", "smtpd", 0, IN},
    {"no daemon name", D, "192.0.2.1", "", 0, IN},
    {"a daemon that begins alike", D, "192.0.2.1", "ORIGINATING2", 0, IN},
    {"the beginning of a daemon", D, "192.0.2.1", "ORIG", 0, IN},
    {"a daemon in another case", D, "192.0.2.1", "originating", 0, IN},
    {"a daemon with a blank", D, "192.0.2.1", "ORIGINATING ", 0, IN},
    {"two names in one", D, "192.0.2.1", "ORIGINATING smtps", 0, IN},
    {"the daemon is not configured", A | S | I, "192.0.2.1", "ORIGINATING", 0, IN},
    {"a daemon listed, over IPv6", D, "2001:db8:9::1", "smtps", 0, OUT},
    {"a daemon listed, on localhost", D | I, "127.0.0.1", "ORIGINATING", 0, OUT},
    {"a daemon listed, on an internal host", D | I, "10.0.0.1", "ORIGINATING", 0, OUT},
    {"a daemon listed, unix socket", D, "unix", "ORIGINATING", 0, OUT},
    {"a daemon listed, nobody knows where", D, "unknown", "ORIGINATING", 0, OUT},
    {"an empty name is no daemon", E, "192.0.2.1", "", 0, IN},
    {"an empty name is no daemon, another", E, "192.0.2.1", "smtpd", 0, IN},
    {"internal, first address", I, "10.0.0.0", "", 0, INT},
    {"internal, last address", I, "10.255.255.255", "", 0, INT},
    {"internal, just before", I, "9.255.255.255", "", 0, IN},
    {"internal, just behind", I, "11.0.0.0", "", 0, IN},
    {"internal, IPv6", I, "2001:db8:1::1", "", 0, INT},
    {"internal, IPv6, just behind", I, "2001:db8:2::", "", 0, IN},
    {"internal, IPv4-mapped", I, "::ffff:10.1.2.3", "", 0, INT},
    {"internal networks not configured", A | S | D, "10.0.0.1", "", 0, IN},
    {"internal and another daemon", D | I, "10.0.0.1", "smtpd", 0, INT},
    {"localhost", I, "127.0.0.1", "", 0, INT},
    {"localhost, nothing configured", 0, "127.0.0.1", "", 0, INT},
    {"loopback, but not localhost, nothing configured", 0, "127.255.255.255", "", 0, IN},
    {"loopback, but not localhost, as configured by default", I, "127.0.0.2", "", 0, INT},
    {"behind localhost", 0, "128.0.0.1", "", 0, IN},
    {"before localhost", 0, "126.255.255.255", "", 0, IN},
    {"localhost over IPv6, nothing configured", 0, "::1", "", 0, INT},
    {"almost localhost over IPv6", I, "::2", "", 0, IN},
    {"the unspecified address", I, "::", "", 0, IN},
    {"localhost, IPv4-mapped, nothing configured", 0, "::ffff:127.0.0.1", "", 0, INT},
    {"a unix socket, nothing configured", 0, "unix", "", 0, INT},
    {"a unix socket, all configured", A | S | D | I, "unix", "smtpd", 0, INT},
    {"nobody knows, nothing configured", 0, "unknown", "", 0, IN},
    {"nobody knows, all configured", A | S | D | I, "unknown", "smtpd", 0, IN},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int got = (int)direction(rows[i].conf, rows[i].from, rows[i].daemon, rows[i].auth);
        if (got != rows[i].want)
            fail_msg("%s: %d, expected %d", rows[i].name, got, rows[i].want);
    }
}

/* What Postfix or Sendmail sends on as "<>", tried with both. */
static void test_null_sender(void **state)
{
    static const struct {
        const char *sender;
        bool want;
    } senders[] = {
        {"<>", true},
        {"", true},
        {"<\"\">", true},
        {"<\"\" >", true},
        {"\"\"", true},
        {"<()>", true},
        {"<(x)>", true},
        {"(x)", true},
        {"<>(c)", true},
        {"<@a.example:>", true},
        {"<@a.example,@b:>", true},
        {"<@a.example:\"\">", true},
        {"<;>", true},
        {"<,>", true},
        {"<x:;>", true},
        {"<undisclosed-recipients:;>", true},
        {"<MAILER-DAEMON>", true},
        {"<mailer-daemon>", true},
        {"mailer-daemon", true},
        {"<mailer-daemon@d.example>", false},
        {"<mailer-daemons>", false},
        {"<user>", false},
        {"<user@d.example>", false},
        {"<\"\"@d.example>", false},
        {"<@d.example>", false},
        {"<@a.example@b:>", true},
        {"<@a[:>", true},
        {"<(x>", true},
        {"<(x@d.example>", true},
        {"<\"\"(@d.example>", true},
        {"<x!>", false},
        {"<%x>", false},
        {"<root@(none)>", false},
        {"<user@d.example@>", false},
        {"<user@d..example>", false},
        {"<user@>", false},
        {"<user@\"\">", false},
        {"<;@d.example>", false},
        {"<\"user\">", false},
        {"<host!user>", false},
    };
    struct bv_addr a;

    (void)state;
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        bv_addr_read(&a, bv_str(senders[i].sender));
        if (policy_null_sender(&a) != senders[i].want)
            fail_msg("%s: expected %d", senders[i].sender, senders[i].want);
    }
}

static void test_no_daemons_at_all(void **state)
{
    struct policy p = {.sign_daemons = NULL};
    struct policy_client client = {.daemon = "ORIGINATING"};

    (void)state;
    assert_int_equal(policy_direction(&p, &client), DIRECTION_INBOUND);
    client.daemon = "";
    assert_int_equal(policy_direction(&p, &client), DIRECTION_INBOUND);
}

/* What each client is, said here and nowhere else. */
static const struct {
    const char *from;
    bool signs, internal, local;
} clients[] = {
    {"192.0.2.1", false, false, false},
    {"0.0.0.0", false, false, false},
    {"255.255.255.255", false, false, false},
    {"198.51.100.0", true, false, false},
    {"198.51.100.255", true, false, false},
    {"198.51.101.0", false, false, false},
    {"10.0.0.0", false, true, false},
    {"10.255.255.255", false, true, false},
    {"127.0.0.1", false, true, true},
    {"127.0.0.2", false, true, false},
    {"127.255.255.255", false, true, false},
    {"128.0.0.0", false, false, false},
    {"::1", false, true, true},
    {"::", false, false, false},
    {"::127.0.0.1", false, false, false},
    {"::ffff:127.0.0.1", false, true, true},
    {"::ffff:198.51.100.3", true, false, false},
    {"::ffff:10.9.8.7", false, true, false},
    {"2001:db8:5::1", true, false, false},
    {"2001:db8:1::1", false, true, false},
    {"2001:db8:9::1", false, false, false},
    {"fe80::1", false, false, false},
    {"unix", false, false, true},
    {"unknown", false, false, false},
};

static const struct {
    const char *daemon;
    bool listed;
} names[] = {{"ORIGINATING", true},  {"smtps", true}, {"smtpd", false},        {"", false},
             {"originating", false}, {"smtp", false}, {"ORIGINATINGx", false}, {"*", false}};

/* Who may have mail signed comes first; then who is one of us; all others are strangers. */
static int oracle(int conf, size_t client, bool listed, bool authenticated)
{
    if (authenticated && (conf & A) != 0)
        return OUT;
    if (clients[client].signs && (conf & S) != 0)
        return OUT;
    if (listed && (conf & D) != 0)
        return OUT;
    if (clients[client].local || (clients[client].internal && (conf & I) != 0))
        return INT;
    return IN;
}

static void test_product(void **state)
{
    size_t checked = 0;

    (void)state;
    for (int conf = 0; conf < 2 * E; conf++) {
        if ((conf & D) != 0 && (conf & E) != 0)
            continue;
        for (size_t c = 0; c < sizeof clients / sizeof *clients; c++) {
            for (size_t n = 0; n < 2 * (sizeof names / sizeof *names); n++, checked++) {
                bool auth = n % 2 != 0;
                int got = (int)direction(conf, clients[c].from, names[n / 2].daemon, auth);
                int want = oracle(conf, c, names[n / 2].listed, auth);
                if (got != want)
                    fail_msg("configured %d, client %s, daemon \"%s\", authenticated %d: %d, expected %d", conf,
                             clients[c].from, names[n / 2].daemon, auth, got, want);
            }
        }
    }
    assert_true(checked > 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_null_sender),
        cmocka_unit_test(test_no_daemons_at_all),
        cmocka_unit_test(test_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "milter/dns_server.h"

#define NO_ADDRESS "is no address of a DNS server"
#define NO_PORT    "has no port from 1 to 65535"

static const struct {
    const char *name, *text;
    const char *wrong; /* how it begins; NULL: the text is good */
} rows[] = {
    {"IPv4", "192.0.2.53", NULL},
    {"IPv4 and port", "192.0.2.53@5353", NULL},
    {"IPv6", "2001:db8::53", NULL},
    {"IPv6 and port", "::1@53", NULL},
    {"link-local", "fe80::1%eth0", NULL},
    {"link-local and port", "fe80::1%eth0@5353", NULL},
    {"lowest port", "127.0.0.1@1", NULL},
    {"highest port", "127.0.0.1@65535", NULL},
    {"nothing", "", NO_ADDRESS},
    {"a name", "ns.example.com", NO_ADDRESS},
    {"IPv4 with a zone", "127.0.0.1%lo", NO_ADDRESS},
    {"three octets", "127.0.1", NO_ADDRESS},
    {"brackets", "[::1]@53", NO_ADDRESS},
    {"a blank before", " 127.0.0.1", NO_ADDRESS},
    {"a blank behind", "127.0.0.1 ", NO_ADDRESS},
    {"port behind a colon", "127.0.0.1:53", NO_ADDRESS},
    {"very long", "0000000000000000000000000000000000000000000000000000000001", NO_ADDRESS},
    {"no port", "127.0.0.1@", NO_PORT},
    {"port 0", "127.0.0.1@0", NO_PORT},
    {"port 65536", "127.0.0.1@65536", NO_PORT},
    {"negative port", "127.0.0.1@-1", NO_PORT},
    {"signed port", "127.0.0.1@+53", NO_PORT},
    {"blank before the port", "127.0.0.1@ 53", NO_PORT},
    {"port and more", "127.0.0.1@53#tls", NO_PORT},
    {"two ports", "127.0.0.1@53@54", NO_PORT},
    {"immense port", "127.0.0.1@99999999999999999999999999", NO_PORT},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = dns_server_check(rows[i].text);
        bool fits = rows[i].wrong == NULL
                        ? got == NULL
                        : got != NULL && strncmp(got, rows[i].wrong, strlen(rows[i].wrong)) == 0;
        if (!fits)
            fail_msg("%s: %s", rows[i].name, got != NULL ? got : "good");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "milter/exceptions.h"

static struct problems problems;

static int read_text(struct exceptions *e, const char *text)
{
    memset(&problems, 0, sizeof problems);
    return exceptions_read(e, "/etc/bv/exceptions", bv_str(text), &problems);
}

static void read_good(struct exceptions *e, const char *name, const char *text)
{
    char problem[PROBLEM_LINE];

    if (read_text(e, text) == 0)
        return;
    problem_write(problem, sizeof problem, &problems.item[0]);
    fail_msg("%s: %s", name, problem);
}

enum { LOOK_UPS = 3 };

static const char *const look_ups[LOOK_UPS] = {"to", "from", "rcpt"};

/* "LINE", with "!" behind it when the row says never-sends; "0": none. */
static void look_up(char *dst, size_t size, const struct exceptions *e, const char *what, const char *address)
{
    const char *at = strrchr(address, '@');
    struct bv_str local = {address, (size_t)(at - address)}, domain = bv_str(at + 1);
    bool never_sends = false;
    int line;

    if (strcmp(what, "to") == 0)
        line = exceptions_to(e, local, domain);
    else if (strcmp(what, "from") == 0)
        line = exceptions_from(e, local, domain);
    else
        line = exceptions_rcpt(&never_sends, e, local, domain);
    snprintf(dst, size, "%d%s", line, never_sends ? "!" : "");
}

#define L48 "a23456789012345678901234567890123456789012345678"

static const struct {
    const char *name, *text, *what, *address, *want;
} find_rows[] = {
    {"no domain", "rcpt postmaster accept-untagged\n", "rcpt", "Postmaster@", "1"},
    {"no domain, another", "rcpt postmaster accept-untagged\n", "rcpt", "root@", "0"},
    {"no domain, no row for it", "rcpt postmaster@example.com accept-untagged\n", "rcpt", "postmaster@", "0"},
    {"a row without a domain is none for others", "rcpt postmaster accept-untagged\n", "rcpt",
     "postmaster@example.com", "0"},
    {"to a domain", "to lists.example.org no-tag\n", "to", "user@lists.example.org", "1"},
    {"to a domain, its child", "to lists.example.org no-tag\n", "to", "user@a.lists.example.org", "0"},
    {"to a domain, its parent", "to lists.example.org no-tag\n", "to", "user@example.org", "0"},
    {"to subdomains", "to .example.org no-tag\n", "to", "user@lists.example.org", "1"},
    {"to subdomains, deeper", "to .example.org no-tag\n", "to", "user@a.b.example.org", "1"},
    {"to subdomains, itself", "to .example.org no-tag\n", "to", "user@example.org", "0"},
    {"to an address", "to user@example.org no-tag\n", "to", "user@example.org", "1"},
    {"to an address, another", "to user@example.org no-tag\n", "to", "users@example.org", "0"},
    {"to an address, its end", "to user@example.org no-tag\n", "to", "ser@example.org", "0"},
    {"to an address, the same one in another domain", "to user@example.org no-tag\n", "to", "user@o.example",
     "0"},
    {"to an address, a subdomain", "to user@example.org no-tag\n", "to", "user@a.example.org", "0"},
    {"from", "from robot@example.com no-tag\n", "from", "robot@example.com", "1"},
    {"from a domain", "from example.com no-tag\n", "from", "x@example.com", "1"},
    {"from subdomains", "from .example.com no-tag\n", "from", "x@a.example.com", "1"},
    {"rcpt accept-untagged", "rcpt abuse@example.com accept-untagged\n", "rcpt", "abuse@example.com", "1"},
    {"rcpt never-sends", "rcpt hostmaster@example.com never-sends\n", "rcpt", "hostmaster@example.com", "1!"},
    {"rcpt of a domain", "rcpt example.com accept-untagged\n", "rcpt", "x@example.com", "1"},
    {"rcpt of subdomains", "rcpt .example.com never-sends\n", "rcpt", "x@a.example.com", "1!"},
    {"rcpt, none", "rcpt abuse@example.com never-sends\n", "rcpt", "user@example.com", "0"},

    {"to is not from", "to example.com no-tag\n", "from", "x@example.com", "0"},
    {"to is not rcpt", "to example.com no-tag\n", "rcpt", "x@example.com", "0"},
    {"from is not to", "from x@example.com no-tag\n", "to", "x@example.com", "0"},
    {"from is not rcpt", "from x@example.com no-tag\n", "rcpt", "x@example.com", "0"},
    {"rcpt is not to", "rcpt .example.com never-sends\n", "to", "x@a.example.com", "0"},
    {"rcpt is not from", "rcpt .example.com never-sends\n", "from", "x@a.example.com", "0"},
    {"client is not to", "client example.com accept-untagged\n", "to", "x@example.com", "0"},
    {"client is not rcpt", "client .example.com accept-untagged\n", "rcpt", "x@a.example.com", "0"},
    {"the same name in each", "to d.example no-tag\nfrom d.example no-tag\nrcpt d.example never-sends\n",
     "from", "x@d.example", "2"},

    {"address before its domain", "rcpt d.example accept-untagged\nrcpt u@d.example never-sends\n", "rcpt",
     "u@d.example", "2!"},
    {"address before its domain, the other word",
     "rcpt d.example never-sends\nrcpt u@d.example accept-untagged\n", "rcpt", "u@d.example", "2"},
    {"its domain where there is no address", "rcpt d.example accept-untagged\nrcpt u@d.example never-sends\n",
     "rcpt", "x@d.example", "1"},
    {"address before a parent", "rcpt .example accept-untagged\nrcpt u@d.example never-sends\n", "rcpt",
     "u@d.example", "2!"},
    {"domain before its parent", "rcpt .example accept-untagged\nrcpt d.example never-sends\n", "rcpt",
     "u@d.example", "2!"},
    {"the nearest parent", "rcpt .example accept-untagged\nrcpt .d.example never-sends\n", "rcpt",
     "u@a.d.example", "2!"},

    {"capitals in the table", "TO User@Example.ORG No-Tag\n", "to", "user@example.org", "1"},
    {"capitals asked for", "to user@example.org no-tag\n", "to", "USER@Example.Org", "1"},
    {"capitals in a domain", "to .Example.org no-tag\n", "to", "user@a.eXample.org", "1"},
    {"final dot of a domain", "to example.org. no-tag\n", "to", "user@example.org", "1"},
    {"final dot of subdomains", "to .example.org. no-tag\n", "to", "user@a.example.org", "1"},
    {"final dot of an address", "to user@example.org. no-tag\n", "to", "user@example.org", "1"},
    {"quotes without need", "to \"user\"@example.org no-tag\n", "to", "user@example.org", "1"},
    {"quotes without need, with a blank", "to \"john doe\"@example.org no-tag\n", "to", "john doe@example.org",
     "1"},
    {"quotes around a #", "to \"a#b\"@example.org no-tag # c\n", "to", "a#b@example.org", "1"},
    {"quotes around a star", "to \"*\"@example.org no-tag\n", "to", "*@example.org", "1"},
    {"quotes around an @", "to \"a@b\"@example.org no-tag\n", "to", "a@b@example.org", "1"},
    {"quoted pair", "to \"a\\\"b\"@example.org no-tag\n", "to", "a\"b@example.org", "1"},
    {"quoted pair and a blank", "to \"a\\\" b\"@example.org no-tag\n", "to", "a\" b@example.org", "1"},
    {"quoted backslash at the end", "to \"a\\\\\"@example.org no-tag\n", "to", "a\\@example.org", "1"},
    {"quoted word in the local part", "to a.\"b\".c@example.org no-tag\n", "to", "a.b.c@example.org", "1"},
    {"brackets", "to <user@example.org> no-tag\n", "to", "user@example.org", "1"},
    {"odd characters of an atom", "to !$%&'+/=?^_`{|}~-@example.org no-tag\n", "to",
     "!$%&'+/=?^_`{|}~-@example.org", "1"},
    {"longest taggable", "from " L48 "@example.org no-tag\n", "from", L48 "@example.org", "1"},
    {"a percent is part of it", "to user%host@example.org no-tag\n", "to", "user%host@example.org", "1"},
    {"somebody else's tag", "rcpt srs0=x=y@example.org accept-untagged\n", "rcpt", "SRS0=x=y@example.org", "1"},
    {"prvs, but not at its beginning", "rcpt xprvs=1@example.org never-sends\n", "rcpt", "xprvs=1@example.org",
     "1!"},
    {"address literal", "rcpt user@[192.0.2.1] never-sends\n", "rcpt", "user@[192.0.2.1]", "1!"},
    {"IPv6 address literal", "rcpt user@[IPv6:2001:DB8::1] never-sends\n", "rcpt", "user@[ipv6:2001:db8::1]",
     "1!"},
    {"octets over 127", "to b\xc3\xbc@\xc3\xbc.example no-tag\n", "to", "b\xc3\xbc@\xc3\xbc.example", "1"},
    {"one label", "to localdomain no-tag\n", "to", "user@localdomain", "1"},
    {"no local part asked for", "to user@example.org no-tag\n", "to", "@example.org", "0"},
    {"no domain asked for", "to user@example.org no-tag\nto .org no-tag\n", "to", "user@", "0"},

    {"blanks and tabs", " \t to \t lists.example.org\t no-tag \t \n", "to", "x@lists.example.org", "1"},
    {"CR LF", "\r\nto a.example no-tag\r\nto b.example no-tag\r\n", "to", "x@b.example", "3"},
    {"CR LF and a comment", "to a.example no-tag # x\r\nto b.example no-tag\r\n", "to", "x@a.example", "1"},
    {"no final newline", "# x\nto a.example no-tag", "to", "x@a.example", "2"},
    {"a comment against the word", "to a.example no-tag#x\n", "to", "x@a.example", "1"},
    {"a comment with a quote in it", "to a.example no-tag # \"\nto b.example no-tag\n", "to", "x@b.example",
     "2"},
    {"empty", "", "to", "x@a.example", "0"},
    {"comments only", "# to a.example no-tag\n\n", "to", "x@a.example", "0"},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof find_rows / sizeof *find_rows; i++) {
        struct exceptions e;
        char got[64];
        read_good(&e, find_rows[i].name, find_rows[i].text);
        look_up(got, sizeof got, &e, find_rows[i].what, find_rows[i].address);
        if (strcmp(got, find_rows[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", find_rows[i].name, got, find_rows[i].want);
        exceptions_free(&e);
    }
}

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

#define ACCEPT " accept-untagged\n"

static const struct {
    const char *name, *text, *address, *host;
    int want;
} client_rows[] = {
    {"network", "client 198.51.100.0/24" ACCEPT, "198.51.100.7", "", 1},
    {"network, outside", "client 198.51.100.0/24" ACCEPT, "198.51.101.7", "", 0},
    {"address", "client 192.0.2.7" ACCEPT, "192.0.2.7", "", 1},
    {"address, another", "client 192.0.2.7" ACCEPT, "192.0.2.8", "", 0},
    {"IPv6 network", "client 2001:DB8::/32" ACCEPT, "2001:db8::1", "", 1},
    {"IPv6 address", "client 2001:db8::1" ACCEPT, "2001:db8::1", "", 1},
    {"IPv6 address in full", "client 2001:0db8:0000:0000:0000:0000:255.255.255.255/128" ACCEPT,
     "2001:db8::ffff:ffff", "", 1},
    {"mapped", "client 192.0.2.0/24" ACCEPT, "::ffff:192.0.2.7", "", 1},
    {"IPv6 of any kind is not IPv4", "client ::/0" ACCEPT, "192.0.2.7", "", 0},
    {"the longest network", "client 192.0.2.0/24" ACCEPT "client 192.0.2.7" ACCEPT "client 192.0.0.0/16" ACCEPT,
     "192.0.2.7", "", 2},
    {"the next longest", "client 192.0.2.0/24" ACCEPT "client 192.0.2.7" ACCEPT "client 192.0.0.0/16" ACCEPT,
     "192.0.2.8", "", 1},
    {"rows between networks", "to a.example no-tag\nclient 192.0.2.7" ACCEPT "#\nclient 192.0.2.8" ACCEPT,
     "192.0.2.8", "", 4},

    {"host", "client mx.example.net" ACCEPT, "192.0.2.7", "mx.example.net", 1},
    {"host in capitals", "client MX.example.net" ACCEPT, "192.0.2.7", "mx.EXAMPLE.net", 1},
    {"host, one below", "client mx.example.net" ACCEPT, "192.0.2.7", "a.mx.example.net", 0},
    {"host, one that ends alike", "client mx.example.net" ACCEPT, "192.0.2.7", "amx.example.net", 0},
    {"hosts below", "client .example.net" ACCEPT, "192.0.2.7", "mx.example.net", 1},
    {"hosts below, deeper", "client .example.net" ACCEPT, "192.0.2.7", "a.mx.example.net", 1},
    {"hosts below, itself", "client .example.net" ACCEPT, "192.0.2.7", "example.net", 0},
    {"hosts below, one that ends alike", "client .example.net" ACCEPT, "192.0.2.7", "mxexample.net", 0},
    {"host before those below", "client .example.net" ACCEPT "client mx.example.net" ACCEPT, "192.0.2.7",
     "mx.example.net", 2},
    {"the nearest hosts below", "client .example.net" ACCEPT "client .a.example.net" ACCEPT, "192.0.2.7",
     "mx.a.example.net", 2},
    {"host with digits", "client 7.example.net" ACCEPT, "192.0.2.7", "7.example.net", 1},
    {"host whose last label has a letter", "client 192.0.2.7x" ACCEPT, "192.0.2.7", "192.0.2.7x", 1},
    {"one label", "client localhost" ACCEPT, "127.0.0.1", "localhost", 1},
    {"no host name", "client .net" ACCEPT "client x.example" ACCEPT, "192.0.2.7", "", 0},
    {"address before host", "client .example.net" ACCEPT "client 192.0.2.7" ACCEPT, "192.0.2.7",
     "mx.example.net", 2},
    {"host of an unknown address", "client .example.net" ACCEPT, "unknown", "mx.example.net", 1},
    {"unix socket", "client 0.0.0.0/0" ACCEPT "client ::/0" ACCEPT, "unix", "", 0},
    {"a domain of another kind", "rcpt mx.example.net" ACCEPT "to .net no-tag\n", "192.0.2.7", "mx.example.net",
     0},
    {"empty", "", "192.0.2.7", "mx.example.net", 0},
};

static void test_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof client_rows / sizeof *client_rows; i++) {
        struct exceptions e;
        struct net_addr a = client(client_rows[i].address);
        read_good(&e, client_rows[i].name, client_rows[i].text);
        int got = exceptions_client(&e, &a, client_rows[i].host);
        if (got != client_rows[i].want)
            fail_msg("%s: %d, expected %d", client_rows[i].name, got, client_rows[i].want);
        exceptions_free(&e);
    }
}

#define AT    "/etc/bv/exceptions"
#define KINDS "(to, from, client, rcpt)"
#define NAMES "(example.com, .example.com, user@example.com)"
#define HOSTS "(192.0.2.7, 198.51.100.0/24, 2001:db8::/32, mx.example.net, .example.net)"
#define RCPT  "(accept-untagged, never-sends)"
#define TAG   "has a tag: write the address without its tag"
#define X64   "x234567890123456789012345678901234567890123456789012345678901234"

static const struct {
    const char *name, *text, *want; /* all of the problems, a line each */
} bad_rows[] = {
    {"unknown kind", "too a.example no-tag\n", AT ":1: unknown word \"too\" " KINDS "\n"},
    {"unknown kind, a name first", "a.example no-tag\n", AT ":1: unknown word \"a.example\" " KINDS "\n"},
    {"unknown kind, last line without newline", "\n\nrecipient x",
     AT ":3: unknown word \"recipient\" " KINDS "\n"},
    {"unknown kind, CR LF", "#\r\nx\r\n", AT ":2: unknown word \"x\" " KINDS "\n"},
    {"kind alone", "to\n", AT ":1: \"to\" has no name behind it " NAMES "\n"},
    {"kind alone, from", "from # x\n", AT ":1: \"from\" has no name behind it " NAMES "\n"},
    {"kind alone, rcpt", "rcpt\r\n", AT ":1: \"rcpt\" has no name behind it " NAMES "\n"},
    {"kind alone, client", "client", AT ":1: \"client\" has no name behind it " HOSTS "\n"},

    {"no word, to", "to a.example\n", AT ":1: \"a.example\" has no word behind it (no-tag)\n"},
    {"no word, from", "from u@a.example #no-tag\n", AT ":1: \"u@a.example\" has no word behind it (no-tag)\n"},
    {"no word, rcpt", "rcpt .a.example\r\n", AT ":1: \".a.example\" has no word behind it " RCPT "\n"},
    {"no word, client", "client 192.0.2.0/24\n",
     AT ":1: \"192.0.2.0/24\" has no word behind it (accept-untagged)\n"},
    {"unknown word, to", "to a.example notag\n", AT ":1: unknown word \"notag\" (no-tag)\n"},
    {"unknown word, from", "from a.example no-tags\n", AT ":1: unknown word \"no-tags\" (no-tag)\n"},
    {"unknown word, rcpt", "rcpt a.example never-send\n", AT ":1: unknown word \"never-send\" " RCPT "\n"},
    {"unknown word, client", "client a.example accept\n", AT ":1: unknown word \"accept\" (accept-untagged)\n"},
    {"a word of another kind, to", "to a.example accept-untagged\n",
     AT ":1: unknown word \"accept-untagged\" (no-tag)\n"},
    {"a word of another kind, from", "from a.example never-sends\n",
     AT ":1: unknown word \"never-sends\" (no-tag)\n"},
    {"a word of another kind, rcpt", "rcpt a.example no-tag\n", AT ":1: unknown word \"no-tag\" " RCPT "\n"},
    {"a word of another kind, client", "client 192.0.2.7 never-sends\n",
     AT ":1: unknown word \"never-sends\" (accept-untagged)\n"},
    {"one word too many", "to a.example no-tag b.example\n", AT ":1: \"b.example\" is one word too many\n"},
    {"both words", "rcpt a@b.example accept-untagged never-sends\n",
     AT ":1: \"never-sends\" is one word too many\n"},

    {"no domain", "to a..example no-tag\n", AT ":1: \"a..example\" is no domain and no address " NAMES "\n"},
    {"a dot alone", "to . no-tag\n", AT ":1: \".\" is no domain and no address " NAMES "\n"},
    {"a comma", "to a.example, no-tag\n", AT ":1: \"a.example,\" is no domain and no address " NAMES "\n"},
    {"an address literal alone", "to [192.0.2.1] no-tag\n",
     AT ":1: \"[192.0.2.1]\" is no domain and no address " NAMES "\n"},
    {"a network", "rcpt 192.0.2.0/24 never-sends\n",
     AT ":1: \"192.0.2.0/24\" is no domain and no address " NAMES "\n"},
    {"a bang path", "to host!user no-tag\n", AT ":1: \"host!user\" is no domain and no address " NAMES "\n"},
    {"a # without quotes", "to a#b@c.example no-tag\nto #b@c.example no-tag\n",
     AT ":1: \"a\" has no word behind it (no-tag)\n" AT ":2: \"to\" has no name behind it " NAMES "\n"},
    {"a long label", "to " X64 ".example no-tag\n",
     AT ":1: \"" X64 ".example\" is no domain and no address " NAMES "\n"},
    {"a star", "to *.example no-tag\n",
     AT ":1: \"*.example\" has a '*', but there are no wildcards " NAMES "\n"},
    {"a star for all addresses", "rcpt *@a.example never-sends\n",
     AT ":1: \"*@a.example\" has a '*', but there are no wildcards " NAMES "\n"},
    {"a star in an address", "from bounce-*@a.example no-tag\n",
     AT ":1: \"bounce-*@a.example\" has a '*', but there are no wildcards " NAMES "\n"},
    {"a star in a host", "client *.example.net accept-untagged\n",
     AT ":1: \"*.example.net\" has a '*', but there are no wildcards " HOSTS "\n"},

    {"no local part", "to @a.example no-tag\n", AT ":1: \"@a.example\" is no address " NAMES "\n"},
    {"empty local part", "to \"\"@a.example no-tag\n", AT ":1: \"\"\"@a.example\" is no address " NAMES "\n"},
    {"no domain behind the @", "to user@ no-tag\n", AT ":1: \"user@\" is no address " NAMES "\n"},
    {"an @ in quotes only", "to \"a@b\" no-tag\n", AT ":1: \"\"a@b\"\" is no address " NAMES "\n"},
    {"quotes that do not end", "to \"a@b.example no-tag\n",
     AT ":1: \"\"a@b.example no-tag\" is no address " NAMES "\n"},
    {"a tab in quotes", "to \"a\tb\"@c.example no-tag\n",
     AT ":1: \"\"a\tb\"@c.example\" is no address " NAMES "\n"},
    {"two @", "to a@b@c.example no-tag\n", AT ":1: \"a@b@c.example\" is no address " NAMES "\n"},
    {"a special character", "to a,b@c.example no-tag\n", AT ":1: \"a,b@c.example\" is no address " NAMES "\n"},
    {"a bad domain behind the @", "to a@b..example no-tag\n",
     AT ":1: \"a@b..example\" is no address " NAMES "\n"},
    {"a domain that is an atom only", "to a@b+c.example no-tag\n",
     AT ":1: \"a@b+c.example\" is no address " NAMES "\n"},
    {"subdomains behind the @", "to a@.example no-tag\n", AT ":1: \"a@.example\" is no address " NAMES "\n"},
    {"the null sender", "from <> no-tag\n", AT ":1: \"<>\" is no domain and no address " NAMES "\n"},

    {"a tag", "rcpt prvs=3785935954=user@d.example never-sends\n",
     AT ":1: \"prvs=3785935954=user@d.example\" " TAG "\n"},
    {"a tag in capitals", "from PRVS=3785935954=user@d.example no-tag\n",
     AT ":1: \"prvs=3785935954=user@d.example\" " TAG "\n"},
    {"a sub-address tag", "rcpt user+prvs=3785935954@d.example accept-untagged\n",
     AT ":1: \"user+prvs=3785935954@d.example\" " TAG "\n"},
    {"a broken tag", "to prvs=user@d.example no-tag\n", AT ":1: \"prvs=user@d.example\" " TAG "\n"},
    {"a quoted tag", "to \"prvs=3785935954=user\"@d.example no-tag\n",
     AT ":1: \"prvs=3785935954=user@d.example\" " TAG "\n"},

    {"host bits", "client 198.51.100.1/24 accept-untagged\n",
     AT ":1: \"198.51.100.1/24\" has bits set behind its prefix " HOSTS "\n"},
    {"IPv6 host bits", "client 2001:db8::1/64 accept-untagged\n",
     AT ":1: \"2001:db8::1/64\" has bits set behind its prefix " HOSTS "\n"},
    {"bad length", "client 192.0.2.0/33 accept-untagged\n",
     AT ":1: \"192.0.2.0/33\" has a bad prefix length " HOSTS "\n"},
    {"no length", "client 192.0.2.0/ accept-untagged\n",
     AT ":1: \"192.0.2.0/\" has a bad prefix length " HOSTS "\n"},
    {"a mask", "client 192.0.2.0/255.255.255.0 accept-untagged\n",
     AT ":1: \"192.0.2.0/255.255.255.0\" has a bad prefix length " HOSTS "\n"},
    {"no network", "client 300.0.2.0/24 accept-untagged\n",
     AT ":1: \"300.0.2.0/24\" is no IP address or network " HOSTS "\n"},
    {"a name with a length", "client example.net/24 accept-untagged\n",
     AT ":1: \"example.net/24\" is no IP address or network " HOSTS "\n"},
    {"no address, but digits", "client 192.0.2.300 accept-untagged\n",
     AT ":1: \"192.0.2.300\" is no IP address, network or host name " HOSTS "\n"},
    {"three numbers", "client 192.0.2 accept-untagged\n",
     AT ":1: \"192.0.2\" is no IP address, network or host name " HOSTS "\n"},
    {"a part of an address as Postfix has it", "client .192.0.2 accept-untagged\n",
     AT ":1: \".192.0.2\" is no IP address, network or host name " HOSTS "\n"},
    {"a number", "client 3221225991 accept-untagged\n",
     AT ":1: \"3221225991\" is no IP address, network or host name " HOSTS "\n"},
    {"an address in brackets", "client [192.0.2.7] accept-untagged\n",
     AT ":1: \"[192.0.2.7]\" is no IP address, network or host name " HOSTS "\n"},
    {"zeros before", "client 192.000.002.001 accept-untagged\n",
     AT ":1: \"192.000.002.001\" is no IP address, network or host name " HOSTS "\n"},
    {"a zone", "client fe80::1%eth0 accept-untagged\n",
     AT ":1: \"fe80::1%eth0\" is no IP address, network or host name " HOSTS "\n"},
    {"a client that is a mailbox", "client user@example.net accept-untagged\n",
     AT ":1: \"user@example.net\" is no IP address, network or host name " HOSTS "\n"},
    {"a long word", "client " X64 X64 "/8 accept-untagged\n",
     AT ":1: \"" X64 X64 "/8\" is no IP address or network " HOSTS "\n"},

    {"twice", "to a.example no-tag\nto a.example no-tag\n", AT ":2: \"to a.example\" is in line 1 already\n"},
    {"twice, in capitals and with a dot", "to a.example no-tag\n\nto A.Example. no-tag\n",
     AT ":3: \"to a.example.\" is in line 1 already\n"},
    {"twice, subdomains", "from .a.example no-tag\nfrom .a.example no-tag\n",
     AT ":2: \"from .a.example\" is in line 1 already\n"},
    {"twice, with other words", "rcpt u@a.example accept-untagged\nrcpt u@a.example never-sends\n",
     AT ":2: \"rcpt u@a.example\" is in line 1 already\n"},
    {"twice, once with quotes", "rcpt u@a.example never-sends\nrcpt \"U\"@a.example never-sends\n",
     AT ":2: \"rcpt u@a.example\" is in line 1 already\n"},
    {"twice, not the first row", "to x.example no-tag\nto a.example no-tag\nto a.example no-tag\n",
     AT ":3: \"to a.example\" is in line 2 already\n"},
    {"three times", "to a.example no-tag\nto a.example no-tag\nto a.example no-tag\n",
     AT ":2: \"to a.example\" is in line 1 already\n" AT ":3: \"to a.example\" is in line 1 already\n"},
    {"host twice", "client .a.example accept-untagged\nclient .A.example accept-untagged\n",
     AT ":2: \"client .a.example\" is in line 1 already\n"},
    {"network twice", "client 192.0.2.0/24 accept-untagged\n#\nclient 192.0.2.0/24 accept-untagged\n",
     AT ":3: \"client 192.0.2.0/24\" is in line 1 already\n"},
    {"address twice", "client 192.0.2.7 accept-untagged\nclient 192.0.2.7/32 accept-untagged\n",
     AT ":2: \"client 192.0.2.7/32\" is in line 1 already\n"},
    {"IPv6 network twice, spelled otherwise",
     "client 2001:db8:0::/48 accept-untagged\nclient 2001:DB8::/48 accept-untagged\n",
     AT ":2: \"client 2001:db8::/48\" is in line 1 already\n"},
    {"network three times",
     "client 192.0.2.0/24 accept-untagged\nclient 10.0.0.0/8 accept-untagged\n"
     "client 192.0.2.0/24 accept-untagged\nclient 192.0.2.0/24 accept-untagged\n",
     AT ":3: \"client 192.0.2.0/24\" is in line 1 already\n" AT
        ":4: \"client 192.0.2.0/24\" is in line 1 already\n"},

    {"all in one run", "to a.example\nx\n# fine\nto b.example no-tag\nto b.example no-tag\nclient 1.2/3 x\n",
     AT ":1: \"a.example\" has no word behind it (no-tag)\n" AT ":2: unknown word \"x\" " KINDS "\n" AT
        ":5: \"to b.example\" is in line 4 already\n" AT ":6: \"1.2/3\" is no IP address or network " HOSTS
        "\n"},
    {"a byte order mark", "\xef\xbb\xbfto a.example no-tag\n",
     AT ":1: begins with a byte order mark; save it without\n"},
};

static void all_problems(char *dst, size_t size)
{
    size_t n = 0;

    dst[0] = '\0';
    for (size_t i = 0; i < problems.n && n + 1 < size; i++) {
        problem_write(dst + n, size - n - 1, &problems.item[i]);
        n += strlen(dst + n);
        dst[n++] = '\n';
        dst[n] = '\0';
    }
}

static void check_empty(const char *name, const struct exceptions *e)
{
    static const struct exceptions empty;

    if (e->n != 0 || e->line != NULL || e->never_sends != NULL || e->text != NULL || e->names.slot != NULL ||
        e->networks.n != 0 || e->networks.range != NULL || e->networks.first != NULL ||
        e->host_names != empty.host_names)
        fail_msg("%s: the table is not empty", name);
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        struct exceptions e;
        char got[4096];
        if (read_text(&e, bad_rows[i].text) != -1)
            fail_msg("%s: is taken", bad_rows[i].name);
        all_problems(got, sizeof got);
        if (strcmp(got, bad_rows[i].want) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", bad_rows[i].name, got, bad_rows[i].want);
        check_empty(bad_rows[i].name, &e);
        exceptions_free(&e);
    }
}

static void test_empty(void **state)
{
    struct exceptions e = {.n = 0};
    struct net_addr a = client("192.0.2.7");
    struct bv_str local = bv_str("u"), domain = bv_str("d.example");
    bool never_sends = true;

    (void)state;
    assert_int_equal(exceptions_to(&e, local, domain), 0);
    assert_int_equal(exceptions_from(&e, local, domain), 0);
    assert_int_equal(exceptions_rcpt(&never_sends, &e, local, domain), 0);
    assert_false(never_sends);
    assert_int_equal(exceptions_client(&e, &a, "mx.example.net"), 0);
    exceptions_free(&e);
}

static void test_shape(void **state)
{
    struct exceptions e;

    (void)state;
    read_good(&e, "rows", "to a.example no-tag\n#\nclient 192.0.2.7" ACCEPT);
    assert_int_equal(e.n, 2);
    assert_false(e.host_names);
    exceptions_free(&e);
    read_good(&e, "host names", "client 192.0.2.7" ACCEPT "client a.example" ACCEPT);
    assert_int_equal(e.n, 2);
    assert_true(e.host_names);
    exceptions_free(&e);
    check_empty("freed", &e);
}

/* Whatever the length, a look-up stays inside its buffer. */
static void test_long(void **state)
{
    enum { LONG = 2000 };
    struct exceptions e;
    char text[LONG];

    (void)state;
    memset(text, 'a', sizeof text);
    read_good(&e, "long", "to a@a.example no-tag\nto .example no-tag\n");
    for (size_t n = 0; n <= LONG; n++) {
        assert_int_equal(exceptions_to(&e, (struct bv_str){text, n}, bv_str("a.example")), n == 1 ? 1 : 2);
        assert_int_equal(exceptions_to(&e, bv_str("a"), (struct bv_str){text, n}), 0);
    }
    assert_int_equal(exceptions_to(&e, (struct bv_str){NULL, 0}, (struct bv_str){NULL, 0}), 0);
    exceptions_free(&e);
    memcpy(text, "to ", 3);
    memcpy(text + 3 + BV_LOCAL_KEPT + 1, "@a.example no-tag", sizeof "@a.example no-tag");
    assert_int_equal(read_text(&e, text), -1); /* it would be another address, cut */
    memcpy(text + 3 + BV_LOCAL_KEPT, "@a.example no-tag", sizeof "@a.example no-tag");
    assert_int_equal(read_text(&e, text), 0);
    exceptions_free(&e);
}

/* The text may be freed, and need not end in NUL; earlier problems are not its own. */
static void test_borrows_nothing(void **state)
{
    static const char table[] = "to a.example no-tag";
    size_t n = sizeof table - 1;
    struct exceptions e;
    char *text = malloc(n), got[16];

    (void)state;
    assert_non_null(text);
    memset(&problems, 0, sizeof problems);
    problems_add(&problems, "elsewhere", 3, "something else");
    memcpy(text, table, n);
    assert_int_equal(exceptions_read(&e, "t", (struct bv_str){text, n}, &problems), 0);
    free(text);
    look_up(got, sizeof got, &e, "to", "x@a.example");
    assert_string_equal(got, "1");
    assert_int_equal(problems.n, 1);
    exceptions_free(&e);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { MANY = 100000, SHAPES = 5 };

static void number_address(char text[64], size_t i)
{
    static const char *const before[SHAPES - 1] = {"", ".", "user@", "u.v@"};

    if (i % SHAPES < SHAPES - 1)
        sprintf(text, "%sd%zu.%c.example", before[i % SHAPES], i, (char)('a' + i % 26));
    else
        sprintf(text, "%zu.%zu.%zu.0/24", 1 + i % 200, i / 200 % 256, i / 51200);
}

static char *many_rows(void)
{
    char *text = malloc((size_t)MANY * 80), *p = text, name[64];

    assert_non_null(text);
    for (size_t i = 0; i < MANY; i++) {
        bool network = i % SHAPES == SHAPES - 1;
        number_address(name, i);
        p += sprintf(p, "%s %s %s\n", network ? "client" : look_ups[i % LOOK_UPS], name,
                     network || i % LOOK_UPS == 2 ? "accept-untagged" : "no-tag");
    }
    return text;
}

static void check_many(const struct exceptions *e, size_t i)
{
    char name[64], address[80], got[64], want[64];

    number_address(name, i);
    snprintf(want, sizeof want, "%zu", i + 1);
    if (i % SHAPES == SHAPES - 1) {
        strcpy(strrchr(name, '0'), "77");
        struct net_addr a = client(name);
        snprintf(got, sizeof got, "%d", exceptions_client(e, &a, ""));
    } else {
        snprintf(address, sizeof address, "%s%s", i % SHAPES < 2 ? i % SHAPES == 0 ? "x@" : "x@y" : "", name);
        look_up(got, sizeof got, e, look_ups[i % LOOK_UPS], address);
    }
    if (strcmp(got, want) != 0)
        fail_msg("row %zu: %s: \"%s\"", i, name, got);
}

/* In the specification: 0.5 s and 0.2 us; here it is only that neither is quadratic. */
static void test_many(void **state)
{
    struct exceptions e;
    char *text = many_rows();
    double start = seconds();

    (void)state;
    read_good(&e, "many", text);
    assert_true(seconds() - start < 2);
    assert_int_equal(e.n, MANY);
    start = seconds();
    for (size_t i = 0; i < MANY; i++)
        check_many(&e, i);
    assert_true(seconds() - start < 2);
    exceptions_free(&e);
    free(text);
}

static void test_too_many(void **state)
{
    char *text = malloc(EXCEPTIONS_MAX + 1), got[200];
    struct exceptions e;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', EXCEPTIONS_MAX);
    text[EXCEPTIONS_MAX - 1] = '\0';
    assert_int_equal(read_text(&e, text), 0);
    exceptions_free(&e);
    text[EXCEPTIONS_MAX - 1] = '\n';
    text[EXCEPTIONS_MAX] = '\0';
    assert_int_equal(read_text(&e, text), -1);
    all_problems(got, sizeof got);
    assert_string_equal(got, AT ":1048577: more than 1048576 lines\n");
    check_empty("too many", &e);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),  cmocka_unit_test(test_clients),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_empty), cmocka_unit_test(test_shape),           cmocka_unit_test(test_long),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_borrows_nothing), cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

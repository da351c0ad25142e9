#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/conf.h"

static struct problems problems;

static int parse(struct conf *conf, const char *text)
{
    memset(&problems, 0, sizeof problems);
    return conf_parse(conf, "C", text, &problems);
}

/* All of what is wrong, a line each. */
static const char *told(void)
{
    static char text[65536];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++) {
        problem_write(text + n, sizeof text - n - 1, &problems.item[i]);
        n += strlen(text + n);
        text[n++] = '\n';
        text[n] = '\0';
    }
    return text;
}

#define NO_ENDPOINT    " is no address with a port: use \"127.0.0.1:9892\" or \"[::1]:9892\"\n"
#define NO_SOCKET      " is no socket: use \"unix:/PATH\", \"inet:PORT@HOST\" or \"inet6:PORT@HOST\"\n"
#define NO_NAME        " is no header name: 1 to 60 printable ASCII characters without colon or blank\n"
#define NO_ENVIRONMENT "\"${\" would be replaced from the environment, and is not allowed\n"
#define OPEN_LIST      "the list that { opens is not closed with }\n"
#define OPEN_QUOTE     "a quote is opened and not closed\n"
#define ACTIONS        "(reject, mark, quarantine, discard, accept)\n"
#define TYPES          "(mdn, auto-reply, feedback-report, dmarc-report)\n"
#define NO_DURATION    " is no duration: write it like 30s, 15m, 1h or 7d\n"
#define C60            "X23456789012345678901234567890123456789012345678901234567890"
#define C108                                                                                                   \
    "/234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"  \
    "45678"
#define C200                                                                                                   \
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234" \
    "567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

struct row {
    const char *name, *text, *want;
};

static const struct row values[] = {
    {"listen, empty", "listen = \"\"", "C:1: listen: \"\"" NO_SOCKET},
    {"listen, a path alone", "listen = \"/x/y\"", "C:1: listen: \"/x/y\"" NO_SOCKET},
    {"listen, unknown kind", "listen = \"local:/x\"", "C:1: listen: \"local:/x\"" NO_SOCKET},
    {"listen, kind in capitals", "listen = \"UNIX:/x\"", "C:1: listen: \"UNIX:/x\"" NO_SOCKET},
    {"listen, blank before", "listen = \" unix:/x\"", "C:1: listen: \" unix:/x\"" NO_SOCKET},
    {"listen, relative path", "listen = \"unix:x\"",
     "C:1: listen: \"unix:x\" needs an absolute path behind \"unix:\"\n"},
    {"listen, no path", "listen = \"unix:\"",
     "C:1: listen: \"unix:\" needs an absolute path behind \"unix:\"\n"},
    {"listen, 108 octets", "listen = \"unix:" C108 "\"",
     "C:1: listen: \"unix:/234567890123456789012345678901234567890123456789012345\" has a path of over 107 "
     "octets\n"},
    {"listen, port 0", "listen = \"inet:0@h\"",
     "C:1: listen: \"inet:0@h\" has a port that is not in 1..65535\n"},
    {"listen, port 65536", "listen = \"inet:65536@h\"",
     "C:1: listen: \"inet:65536@h\" has a port that is not in 1..65535\n"},
    {"listen, port beyond 2^64", "listen = \"inet:18446744073709551617@h\"",
     "C:1: listen: \"inet:18446744073709551617@h\" has a port that is not in 1..65535\n"},
    {"listen, negative port", "listen = \"inet:-1@h\"",
     "C:1: listen: \"inet:-1@h\" has a port that is not in 1..65535\n"},
    {"listen, no port", "listen = \"inet6:@::1\"",
     "C:1: listen: \"inet6:@::1\" has a port that is not in 1..65535\n"},
    {"listen, a service name", "listen = \"inet:smtp@h\"",
     "C:1: listen: \"inet:smtp@h\" has a port that is not in 1..65535\n"},
    {"listen, no host", "listen = \"inet:8892\"",
     "C:1: listen: \"inet:8892\" needs the address to listen on: \"inet:PORT@127.0.0.1\"\n"},
    {"listen, empty host", "listen = \"inet:8892@\"",
     "C:1: listen: \"inet:8892@\" needs the address to listen on: \"inet:PORT@127.0.0.1\"\n"},
    {"listen, the other way round", "listen = \"inet:127.0.0.1:8892\"",
     "C:1: listen: \"inet:127.0.0.1:8892\" needs the address to listen on: \"inet:PORT@127.0.0.1\"\n"},
    {"keyring, empty", "keyring = \"\"", "C:1: keyring: \"\" is empty\n"},
    {"domains, empty", "domains = \"\"", "C:1: domains: \"\" is empty\n"},
    {"yes-or-no, a word", "sign_authenticated = maybe",
     "C:1: invalid boolean value for option 'sign_authenticated'\n"},
    {"yes-or-no, a number", "sign_authenticated = 1",
     "C:1: invalid boolean value for option 'sign_authenticated'\n"},
    {"yes-or-no, empty", "sign_authenticated = \"\"",
     "C:1: invalid boolean value for option 'sign_authenticated'\n"},
    {"network, host bits", "sign_networks = {\"192.0.2.1/24\"}",
     "C:1: sign_networks: \"192.0.2.1/24\" has bits set behind its prefix\n"},
    {"network, bad prefix", "internal_networks = {\"192.0.2.0/33\"}",
     "C:1: internal_networks: \"192.0.2.0/33\" has a bad prefix length\n"},
    {"network, a name", "sign_networks = {\"localhost\"}",
     "C:1: sign_networks: \"localhost\" is no IP address or network\n"},
    {"network, empty", "sign_networks = {\"\"}", "C:1: sign_networks: \"\" is no IP address or network\n"},
    {"network, the second one", "sign_networks = {\"192.0.2.0/24\", \"x\"}",
     "C:1: sign_networks: \"x\" is no IP address or network\n"},
    {"networks in one text", "sign_networks = \"192.0.2.0/24 10.0.0.0/8\"",
     "C:1: sign_networks: \"192.0.2.0/24 10.0.0.0/8\" has a bad prefix length\n"},
    {"daemon, empty", "sign_daemons = {\"a\", \"\"}", "C:1: sign_daemons: \"\" is empty\n"},
    {"action, unknown", "action = \"rejct\"", "C:1: action: unknown word \"rejct\" " ACTIONS},
    {"action, empty", "action = \"\"", "C:1: action: unknown word \"\" " ACTIONS},
    {"action, capitals", "action = \"Reject\"", "C:1: action: unknown word \"Reject\" " ACTIONS},
    {"action, internal word", "action = \"tempfail\"", "C:1: action: unknown word \"tempfail\" " ACTIONS},
    {"action, a word of the table only", "action = \"off\"", "C:1: action: unknown word \"off\" " ACTIONS},
    {"warm-up, unknown", "warmup = \"on\"", "C:1: warmup: unknown word \"on\" (auto, off)\n"},
    {"reply type, unknown", "reply_types = {\"bounce\"}", "C:1: reply_types: unknown word \"bounce\" " TYPES},
    {"reply type, other", "reply_types = {\"other\"}", "C:1: reply_types: unknown word \"other\" " TYPES},
    {"reply type, capitals", "reply_types = {\"MDN\"}", "C:1: reply_types: unknown word \"MDN\" " TYPES},
    {"reply type, empty", "reply_types = {\"\"}", "C:1: reply_types: unknown word \"\" " TYPES},
    {"reply types, the second and third", "reply_types = {\"mdn\", \"x\", \"y\"}",
     "C:1: reply_types: unknown word \"x\" " TYPES "C:1: reply_types: unknown word \"y\" " TYPES},
    {"stage, unknown", "untagged_stage = \"eom\"", "C:1: untagged_stage: unknown word \"eom\" (data, rcpt)\n"},
    {"reject text, empty", "reject_text = \"\"", "C:1: reject_text: \"\" is empty\n"},
    {"reject text, 201 octets", "reject_text = \"" C200 "1\"",
     "C:1: reject_text: \"123456789012345678901234567890123456789012345678901234567890\" is longer than 200 "
     "octets\n"},
    {"reject text, UTF-8", "reject_text = \"\xc3\xbc\"",
     "C:1: reject_text: \"\xc3\xbc\" may hold printable ASCII only\n"},
    {"reject text, a tab", "reject_text = \"a\\tb\"",
     "C:1: reject_text: \"a\tb\" may hold printable ASCII only\n"},
    {"reject text, DEL", "reject_text = \"\x7f\"",
     "C:1: reject_text: \"\x7f\" may hold printable ASCII only\n"},
    {"header name, empty", "header_name = \"\"", "C:1: header_name: \"\"" NO_NAME},
    {"header name, a blank", "header_name = \"X B\"", "C:1: header_name: \"X B\"" NO_NAME},
    {"header name, a colon", "header_name = \"X:\"", "C:1: header_name: \"X:\"" NO_NAME},
    {"header name, UTF-8", "header_name = \"X-\xc3\xbc\"", "C:1: header_name: \"X-\xc3\xbc\"" NO_NAME},
    {"header name, a tab", "header_name = \"X\\tB\"", "C:1: header_name: \"X\tB\"" NO_NAME},
    {"header name, 61 octets", "header_name = \"" C60 "1\"", "C:1: header_name: \"" C60 "\"" NO_NAME},
    {"header value, 201 octets", "header_value = \"" C200 "1\"",
     "C:1: header_value: \"123456789012345678901234567890123456789012345678901234567890\" is longer than 200 "
     "octets\n"},
    {"header value, a newline", "header_value = \"a\\nb\"",
     "C:1: header_value: \"a\nb\" may hold printable ASCII only\n"},
    {"header value, UTF-8", "header_value = \"\xff\"",
     "C:1: header_value: \"\xff\" may hold printable ASCII only\n"},
    {"syntax, unknown", "syntax = \"suffix\"", "C:1: syntax: unknown word \"suffix\" (prefix, subaddress)\n"},
    {"delimiter, unknown", "subaddress_delimiter = \"=\"",
     "C:1: subaddress_delimiter: unknown word \"=\" (+, -)\n"},
    {"delimiter, both", "subaddress_delimiter = \"+-\"",
     "C:1: subaddress_delimiter: unknown word \"+-\" (+, -)\n"},
    {"mixed, unknown", "mixed_recipients = \"both\"",
     "C:1: mixed_recipients: unknown word \"both\" (untagged, tagged)\n"},
    {"on_fault, unknown", "on_fault = \"reject\"",
     "C:1: on_fault: unknown word \"reject\" (tempfail, accept)\n"},
    {"bad MACs, 1001", "max_bad_macs = 1001", "C:1: max_bad_macs: \"1001\" is not in 0..1000\n"},
    {"bad MACs, negative", "max_bad_macs = -1", "C:1: max_bad_macs: \"-1\" is not in 0..1000\n"},
    {"bad MACs, empty", "max_bad_macs = \"\"", "C:1: max_bad_macs: \"\" is not in 0..1000\n"},
    {"storm, 1000001", "storm_threshold = 1000001", "C:1: storm_threshold: \"1000001\" is not in 0..1000000\n"},
    {"storm, a word", "storm_threshold = off", "C:1: storm_threshold: \"off\" is not in 0..1000000\n"},
    {"storm, 2^64 + 1", "storm_threshold = 18446744073709551617",
     "C:1: storm_threshold: \"18446744073709551617\" is not in 0..1000000\n"},
    {"quiet, none", "storm_quiet = \"0s\"", "C:1: storm_quiet: \"0s\" is not in 1s..1d\n"},
    {"quiet, over a day", "storm_quiet = \"86401s\"", "C:1: storm_quiet: \"86401s\" is not in 1s..1d\n"},
    {"quiet, two days", "storm_quiet = \"2d\"", "C:1: storm_quiet: \"2d\" is not in 1s..1d\n"},
    {"quiet, a number", "storm_quiet = 600", "C:1: storm_quiet: \"600\"" NO_DURATION},
    {"quiet, empty", "storm_quiet = \"\"", "C:1: storm_quiet: \"\"" NO_DURATION},
    {"quiet, unknown unit", "storm_quiet = \"10min\"", "C:1: storm_quiet: \"10min\"" NO_DURATION},
    {"quiet, negative", "storm_quiet = \"-1s\"", "C:1: storm_quiet: \"-1s\"" NO_DURATION},
    {"map service, no socket", "map_listen = \"8893\"", "C:1: map_listen: \"8893\"" NO_SOCKET},
    {"map service, off", "map_listen = off", "C:1: map_listen: \"off\"" NO_SOCKET},
    {"map service, no host", "map_listen = \"inet:8893\"",
     "C:1: map_listen: \"inet:8893\" needs the address to listen on: \"inet:PORT@127.0.0.1\"\n"},
    {"map service, relative path", "map_listen = \"unix:x\"",
     "C:1: map_listen: \"unix:x\" needs an absolute path behind \"unix:\"\n"},
    {"map service on the milter's socket", "map_listen = \"unix:/x\"\nlisten = \"unix:/x\"",
     "C:1: map_listen: \"unix:/x\" is the milter's own socket, see listen\n"},
    {"metrics, a port only", "metrics_listen = \"9892\"", "C:1: metrics_listen: \"9892\"" NO_ENDPOINT},
    {"metrics, a host name", "metrics_listen = \"localhost:9892\"",
     "C:1: metrics_listen: \"localhost:9892\"" NO_ENDPOINT},
    {"metrics, no port", "metrics_listen = \"127.0.0.1\"", "C:1: metrics_listen: \"127.0.0.1\"" NO_ENDPOINT},
    {"metrics, IPv6 without brackets", "metrics_listen = \"::1:9892\"",
     "C:1: metrics_listen: \"::1:9892\"" NO_ENDPOINT},
    {"metrics, IPv6 without a port", "metrics_listen = \"[::1]\"",
     "C:1: metrics_listen: \"[::1]\"" NO_ENDPOINT},
    {"metrics, IPv4 in brackets", "metrics_listen = \"[127.0.0.1]:9892\"",
     "C:1: metrics_listen: \"[127.0.0.1]:9892\"" NO_ENDPOINT},
    {"metrics, no address", "metrics_listen = \":9892\"", "C:1: metrics_listen: \":9892\"" NO_ENDPOINT},
    {"metrics, a bracket alone", "metrics_listen = \"[:9892\"", "C:1: metrics_listen: \"[:9892\"" NO_ENDPOINT},
    {"metrics, empty brackets", "metrics_listen = \"[]:9892\"", "C:1: metrics_listen: \"[]:9892\"" NO_ENDPOINT},
    {"metrics, a zone", "metrics_listen = \"[fe80::1%lo]:9892\"",
     "C:1: metrics_listen: \"[fe80::1%lo]:9892\"" NO_ENDPOINT},
    {"metrics, off", "metrics_listen = \"off\"", "C:1: metrics_listen: \"off\"" NO_ENDPOINT},
    {"metrics, a milter socket", "metrics_listen = \"inet:9892@127.0.0.1\"",
     "C:1: metrics_listen: \"inet:9892@127.0.0.1\"" NO_ENDPOINT},
    {"metrics, an address too long",
     "metrics_listen = \"[1111:2222:3333:4444:5555:6666:7777:255.255.255.255]:1\"",
     "C:1: metrics_listen: "
     "\"[1111:2222:3333:4444:5555:6666:7777:255.255.255.255]:1\"" NO_ENDPOINT},
    {"metrics, a blank before", "metrics_listen = \" 127.0.0.1:9892\"",
     "C:1: metrics_listen: \" 127.0.0.1:9892\"" NO_ENDPOINT},
    {"metrics, an octet of 256", "metrics_listen = \"127.0.0.256:9892\"",
     "C:1: metrics_listen: \"127.0.0.256:9892\"" NO_ENDPOINT},
    {"metrics, no port number", "metrics_listen = \"127.0.0.1:\"",
     "C:1: metrics_listen: \"127.0.0.1:\" has a port that is not in 1..65535\n"},
    {"metrics, port 0", "metrics_listen = \"127.0.0.1:0\"",
     "C:1: metrics_listen: \"127.0.0.1:0\" has a port that is not in 1..65535\n"},
    {"metrics, port 65536", "metrics_listen = \"[::1]:65536\"",
     "C:1: metrics_listen: \"[::1]:65536\" has a port that is not in 1..65535\n"},
    {"metrics, a negative port", "metrics_listen = \"127.0.0.1:-1\"",
     "C:1: metrics_listen: \"127.0.0.1:-1\" has a port that is not in 1..65535\n"},
    {"metrics, a signed port", "metrics_listen = \"127.0.0.1:+80\"",
     "C:1: metrics_listen: \"127.0.0.1:+80\" has a port that is not in 1..65535\n"},
    {"metrics, a blank behind", "metrics_listen = \"127.0.0.1:80 \"",
     "C:1: metrics_listen: \"127.0.0.1:80 \" has a port that is not in 1..65535\n"},
    {"metrics, a port of 2^32 + 1", "metrics_listen = \"127.0.0.1:4294967297\"",
     "C:1: metrics_listen: \"127.0.0.1:4294967297\" has a port that is not in 1..65535\n"},
    {"map connections, 0", "max_map_connections = 0", "C:1: max_map_connections: \"0\" is not in 1..100000\n"},
    {"map connections, 100001", "max_map_connections = 100001",
     "C:1: max_map_connections: \"100001\" is not in 1..100000\n"},
    {"guard of recipients, unknown", "mx_guard_recipients = \"on\"",
     "C:1: mx_guard_recipients: unknown word \"on\" (off, reject, mark)\n"},
    {"guard of recipients, a word of action", "mx_guard_recipients = \"accept\"",
     "C:1: mx_guard_recipients: unknown word \"accept\" (off, reject, mark)\n"},
    {"guard of senders, capitals", "mx_guard_senders = \"Mark\"",
     "C:1: mx_guard_senders: unknown word \"Mark\" (off, reject, mark)\n"},
    {"guard of senders, empty", "mx_guard_senders = \"\"",
     "C:1: mx_guard_senders: unknown word \"\" (off, reject, mark)\n"},
    {"guard, match", "mx_guard_match = \"some\"", "C:1: mx_guard_match: unknown word \"some\" (all, any)\n"},
    {"guard, a table with a newline", "mx_guard_networks = \"/x\\ny\"",
     "C:1: mx_guard_networks: \"\" holds a control character\n"},
    {"guard, exempt, empty", "mx_guard_exempt = {\"\"}", "C:1: mx_guard_exempt: \"\" is empty\n"},
    {"guard, exempt, no domain", "mx_guard_exempt = {\"a.example\", \"b..example\", \"c@d\"}",
     "C:1: mx_guard_exempt: \"b..example\" is no domain\nC:1: mx_guard_exempt: \"c@d\" is no domain\n"},
    {"guard, exempt, an address", "mx_guard_exempt = {\"[192.0.2.1]\"}",
     "C:1: mx_guard_exempt: \"[192.0.2.1]\" is no domain\n"},
    {"guard, no time", "mx_guard_timeout = \"0s\"", "C:1: mx_guard_timeout: \"0s\" is not in 1s..30s\n"},
    {"guard, 31 seconds", "mx_guard_timeout = \"31s\"", "C:1: mx_guard_timeout: \"31s\" is not in 1s..30s\n"},
    {"guard, a minute", "mx_guard_timeout = \"1m\"", "C:1: mx_guard_timeout: \"1m\" is not in 1s..30s\n"},
    {"guard, a number", "mx_guard_timeout = 2", "C:1: mx_guard_timeout: \"2\"" NO_DURATION},
    {"guard, a part of a second", "mx_guard_timeout = \"500ms\"",
     "C:1: mx_guard_timeout: \"500ms\"" NO_DURATION},
    {"guard, trust anchor with a newline", "mx_guard_trust_anchor = \"/x\\ny\"",
     "C:1: mx_guard_trust_anchor: \"\" holds a control character\n"},
    {"resolver, a name", "resolver = {\"ns.example\"}",
     "C:1: resolver: \"ns.example\" is no address of a DNS server: 192.0.2.53, 192.0.2.53@5353 or ::1\n"},
    {"resolver, the second one, a port", "resolver = {\"192.0.2.53\", \"192.0.2.53@0\"}",
     "C:1: resolver: \"192.0.2.53@0\" has no port from 1 to 65535 behind its @\n"},
    {"resolver, the usual colon", "resolver = {\"192.0.2.53:53\"}",
     "C:1: resolver: \"192.0.2.53:53\" is no address of a DNS server: 192.0.2.53, 192.0.2.53@5353 or ::1\n"},
    {"resolver, empty", "resolver = {\"\"}", "C:1: resolver: \"\" is empty\n"},
    {"exceptions, a newline", "exceptions = \"/x\\ny\"", "C:1: exceptions: \"\" holds a control character\n"},
    {"recipients, 0", "max_recipients = 0", "C:1: max_recipients: \"0\" is not in 1..10000\n"},
    {"recipients, negative", "max_recipients = -5", "C:1: max_recipients: \"-5\" is not in 1..10000\n"},
    {"recipients, 10001", "max_recipients = 10001", "C:1: max_recipients: \"10001\" is not in 1..10000\n"},
    {"recipients, beyond 2^64", "max_recipients = 99999999999999999999",
     "C:1: max_recipients: \"99999999999999999999\" is not in 1..10000\n"},
    {"recipients, a word", "max_recipients = many", "C:1: max_recipients: \"many\" is not in 1..10000\n"},
    {"recipients, a fraction", "max_recipients = 1.5", "C:1: max_recipients: \"1.5\" is not in 1..10000\n"},
    {"recipients, a unit", "max_recipients = 1k", "C:1: max_recipients: \"1k\" is not in 1..10000\n"},
};

static const struct row texts[] = {
    {"unknown name", "foo = 1", "C:1: no such option 'foo'\n"},
    {"unknown name, a list", "foo = {\"a\"}", "C:1: no such option 'foo'\n"},
    {"unknown name, line 3", "# x\n\nlisten_on = \"unix:/x\"\n", "C:3: no such option 'listen_on'\n"},
    {"a name in capitals", "Listen = \"unix:/x\"", "C:1: no such option 'Listen'\n"},
    {"a part of a name", "max_recipient = 5", "C:1: no such option 'max_recipient'\n"},
    {"no equals sign", "user bv", "C:1: missing equal sign after option 'user'\n"},
    {"no value", "user =", "C:1: user: no value behind the =\n"},
    {"no value, others go on", "action =\nuser = x\nfoo = 1\nwarmup = off\n",
     "C:1: action: no value behind the =\nC:3: no such option 'foo'\n"},
    {"no value, but a comment", "action = # x\nuser = x\n", "C:1: action: no value behind the =\n"},
    {"no value, but a comment over lines", "action = /* x\ny */\nuser = x\n",
     "C:1: action: no value behind the =\n"},
    {"no value, the last line", "user = x\naction =\n", "C:2: action: no value behind the =\n"},
    {"no value, the line ends with CR", "action =\r\nuser = x\r\n", "C:1: action: no value behind the =\n"},
    {"no value, of a number", "max_sessions =\nuser = x\n", "C:1: max_sessions: no value behind the =\n"},
    {"no value, of a yes-or-no", "sign_authenticated =\nuser = x\n",
     "C:1: sign_authenticated: no value behind the =\n"},
    {"no value, nothing added to a list", "sign_daemons +=\nresolver += {}\n",
     "C:1: sign_daemons: no value behind the =\n"},
    {"no value, behind another setting", "user = x action =\nwarmup = off\n",
     "C:1: action: no value behind the =\n"},
    {"no value, and the equals sign in another line", "action\n=\nuser = x\n",
     "C:1: action: no value behind the =\n"},
    {"no value, and an unknown name", "action =\nfoo = 1\n",
     "C:1: action: no value behind the =\nC:2: no such option 'foo'\n"},
    {"a bad value, and the equals sign in another line", "user = x\nwarmup\n= 3\n",
     "C:2: warmup: unknown word \"3\" (auto, off)\n"},
    {"no name", "= x", "C:1: unexpected token '='\n"},
    {"a list for a text", "user = {a, b}", "C:1: unexpected token '{'\n"},
    {"adding to a text", "user += \"x\"", "C:1: attempt to append to non-list option 'user'\n"},
    {"a list without commas", "sign_daemons = {\"a\" \"b\"}", "C:1: unexpected token 'b'\n"},
    {"open list, others go on", "sign_daemons = {\"a\",\n\"b\"\n\nuser = x\nfoo = 1\n",
     "C:1: sign_daemons: " OPEN_LIST "C:5: no such option 'foo'\n"},
    {"open list at the end", "user = x\nsign_daemons = {\"a\",\n", "C:2: sign_daemons: " OPEN_LIST},
    {"open list, added to", "sign_daemons +=\n{ a, b # }\n, c\nresolver += {}\n",
     "C:1: sign_daemons: " OPEN_LIST},
    {"open list in one line", "sign_daemons = { user = x\nfoo = 1",
     "C:1: sign_daemons: " OPEN_LIST "C:2: no such option 'foo'\n"},
    {"two open lists", "sign_daemons = {a\nresolver = {\"}\",\nuser = x\n",
     "C:1: sign_daemons: " OPEN_LIST "C:2: resolver: " OPEN_LIST},
    {"a list for a text, open", "user = {a\nwarmup = off\n", "C:1: user: " OPEN_LIST},
    {"an equals sign in a list", "sign_daemons = {a = b}", "C:1: unexpected token '='\n"},
    {"a brace too much", "sign_daemons = {a}}", "C:1: unexpected closing brace\n"},
    {"open quote", "user = \"bv", "C:1: " OPEN_QUOTE},
    {"open single quote", "user = 'bv", "C:1: " OPEN_QUOTE},
    {"open quote, others go on", "user = \"bv\nfoo = 1\n", "C:1: " OPEN_QUOTE "C:2: no such option 'foo'\n"},
    {"open quote behind a quoted quote", "reject_text = \"a\\\"", "C:1: " OPEN_QUOTE},
    {"open quote in a list", "sign_daemons = {\"a, b}\nfoo = 1\n",
     "C:1: " OPEN_QUOTE "C:2: no such option 'foo'\n"},
    {"environment", "user = \"${HOME}\"", "C:1: " NO_ENVIRONMENT},
    {"environment, unquoted", "user = ${HOME}", "C:1: " NO_ENVIRONMENT},
    {"environment, with a default", "user = \"${X:-root}\"", "C:1: " NO_ENVIRONMENT},
    {"environment, in a list over lines", "sign_daemons = {\na,\n\"${HOME}\"}", "C:3: " NO_ENVIRONMENT},
    {"environment, behind a hash in quotes", "reject_text = \"a # ${HOME}\"", "C:1: " NO_ENVIRONMENT},
    {"environment, behind slashes in quotes", "reject_text = \"a // ${HOME}\"", "C:1: " NO_ENVIRONMENT},
    {"environment, behind a comment in between", "/* x */ user = \"${HOME}\"", "C:1: " NO_ENVIRONMENT},
    {"environment, line 2", "# x\nkeyring = \"${X}/ring\"\n", "C:2: " NO_ENVIRONMENT},
    {"twice", "user = x\nuser = y\n", "C:2: user is set in line 1 already\n"},
    {"twice, the same", "user = x\n\nuser = x\n", "C:3: user is set in line 1 already\n"},
    {"three times", "user = x\nuser = y\nuser = z\n",
     "C:2: user is set in line 1 already\nC:3: user is set in line 2 already\n"},
    {"twice, the last one bad", "warmup = off\n\nwarmup = 3\n",
     "C:3: warmup is set in line 1 already\nC:3: warmup: unknown word \"3\" (auto, off)\n"},
    {"twice, indented", "user = x\n\t user=y\n", "C:2: user is set in line 1 already\n"},
    {"twice, a list added to itself", "sign_daemons = {a}\nsign_daemons += {b}\n",
     "C:2: sign_daemons is set in line 1 already\n"},
    {"several errors, in order",
     "foo = 1\nlisten = \"x\"\nmax_recipients = many\nreject_text = \"\"\non_fault = \"x\"\n",
     "C:1: no such option 'foo'\nC:2: listen: \"x\"" NO_SOCKET
     "C:3: max_recipients: \"many\" is not in 1..10000\nC:4: reject_text: \"\" is empty\n"
     "C:5: on_fault: unknown word \"x\" (tempfail, accept)\n"},
    {"an error behind a list over lines", "sign_daemons = {\n\"a\",\n\"b\"\n}\nfoo = 1\n",
     "C:5: no such option 'foo'\n"},
    {"an error behind a comment over lines", "/* a\nb\nc */\nfoo = 1\n", "C:4: no such option 'foo'\n"},
};

static const struct row lists[] = {
    {"two bad members of a list", "sign_networks = {\"x\", \"192.0.2.1/24\"}",
     "C:1: sign_networks: \"x\" is no IP address or network\n"
     "C:1: sign_networks: \"192.0.2.1/24\" has bits set behind its prefix\n"},
    {"two bad members of a list over lines",
     "sign_networks = {\n\"x\",\n\"192.0.2.0/24\",\n\"192.0.2.0/33\"\n}\n",
     "C:1: sign_networks: \"x\" is no IP address or network\n"
     "C:1: sign_networks: \"192.0.2.0/33\" has a bad prefix length\n"},
};

static int check(const struct row *rows, size_t n)
{
    int failures = 0;

    for (size_t i = 0; i < n; i++) {
        struct conf c;
        int result = parse(&c, rows[i].text);
        if (result != -1 || strcmp(told(), rows[i].want) != 0) {
            print_error("%s: %s%s, expected %s\n", rows[i].name, result == 0 ? "is taken" : "", told(),
                        rows[i].want);
            failures++;
        }
        conf_free(&c);
    }
    return failures;
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(check(values, sizeof values / sizeof *values), 0);
}

static void test_texts(void **state)
{
    (void)state;
    assert_int_equal(check(texts, sizeof texts / sizeof *texts), 0);
}

static void test_lists(void **state)
{
    (void)state;
    assert_int_equal(check(lists, sizeof lists / sizeof *lists), 0);
}

/* Refused in any words: what is left open would swallow the rest of the file. */
static void test_left_open(void **state)
{
    static const char *const open[] = {"/*",
                                       "/*\nuser = x\n",
                                       "user = x\n/* a comment that never ends\naction = mark\n",
                                       "user = /* x",
                                       "sign_daemons = {a",
                                       "sign_daemons = {a,\nb\nuser = x\n",
                                       "sign_daemons = {",
                                       "sign_daemons",
                                       "user = \"a\nb\"\n"};
    struct conf c;
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        if (parse(&c, open[i]) == 0) {
            print_error("\"%s\" is taken\n", open[i]);
            failures++;
        }
        conf_free(&c);
    }
    assert_int_equal(failures, 0);
}

/* Every fault is told in words, with its line, and without what is in the environment. */
static void test_words(void **state)
{
    static const char *const bad[] = {
        "\"\" = x\n",         "user = x \"\"\n",         "user = x ''\nfoo = 1\n",
        "${BV_SET} = x\n",    "user = x ${BV_SET}\n",    "user = x ${BV_UNSET}\nfoo = 1\n",
        "user = ${BV_SET}\n", "action = \"${BV_SET}\"\n"};
    struct conf c;
    int failures = 0;

    (void)state;
    assert_int_equal(setenv("BV_SET", "hunter2", 1), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(&c, bad[i]), -1);
        conf_free(&c);
        bool good = strstr(told(), "hunter2") == NULL;
        for (size_t j = 0; j < problems.n; j++)
            good = good && problems.item[j].line > 0 && problems.item[j].text[0] != '\0';
        if (strstr(bad[i], "foo = 1") != NULL)
            good = good && strstr(told(), "C:2: no such option 'foo'\n") != NULL;
        if (!good) {
            print_error("\"%s\": %s", bad[i], told());
            failures++;
        }
    }
    unsetenv("BV_SET");
    assert_int_equal(failures, 0);
}

/* A bad file leaves nothing behind that a good one would stumble over. */
static void test_good_after_bad(void **state)
{
    struct conf c;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(parse(&c, texts[i].text), -1);
        conf_free(&c);
        if (parse(&c, "user = \"bv\" # x\nsign_daemons = {\"a\"}\n") != 0)
            fail_msg("behind \"%s\": %s", texts[i].name, told());
        assert_string_equal(c.user, "bv");
        assert_string_equal(c.policy.sign_daemons[0], "a");
        conf_free(&c);
    }
}

/* As many as are kept are told, and reading goes no further. */
static void test_many(void **state)
{
    enum { LINES = 3 * PROBLEMS_KEPT };
    static char text[LINES * 16 + 1];
    struct conf c;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "no_such = %d\n", i);
    assert_int_equal(parse(&c, text), -1);
    assert_true(problems.n >= PROBLEMS_KEPT);
    assert_int_equal(problems.item[0].line, 1);
    assert_int_equal(problems.item[PROBLEMS_KEPT - 1].line, PROBLEMS_KEPT);
    conf_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_texts),     cmocka_unit_test(test_lists),
        cmocka_unit_test(test_words),  cmocka_unit_test(test_left_open), cmocka_unit_test(test_good_after_bad),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

"""The MX guard in the milter: which domains it refuses, whom it asks about, and when not."""

from guardworld import (AUTH, INTERNAL, LOCAL, OUTSIDE, SIGNED, SIGNING, SUITE, USER, WORLD, accepted, refused)
from harness import same, true
from zones import LONG

HEALTHY = ["healthy", "a-only", "aaaa-only", "v4-mx", "cname-mx", "cname-domain", "cname-to-a", "dname", "five-mx",
           "same-preference", "twice", "huge", "x.wild", "odd", "odder", "upper", "underscore", "xn--bcher-kva", "short-ttl",
           "zero-ttl", "long-ttl", LONG, "HEALTHY", "healthy.example.",
           # nothing is known of these
           "null-mx-beside", "root-mx", "two-roots", "no-address", "dangling", "text-mx", "elsewhere", "loop", "loop-mx", "self",
           "failing-mx", "half-failing", "no-such-name", "servfail.nasty", "refused.nasty", "formerr.nasty", "notimp.nasty",
           "garbage.nasty", "no-octets.nasty", "half.nasty", "wrong-question.nasty", "grow.nasty", "loop-a.nasty", "poison.nasty",
           "no-soa-nxdomain.nasty", "truncated-closed.nasty", "endless-mx.nasty", "many.nasty", "\xfc"]
MIXED = ["mixed", "mixed-hosts", "huge-a", "silent-bogus"]  # bogus with mx_guard_match = "any" only
BOGUS = [("loopback", "loopback"), ("loopback-alias", "loopback"), ("private", "private"),
         ("literal-mx", "loopback"), ("localhost-mx", "loopback"), ("loopback-v6", "loopback"), ("mapped", "loopback"),
         ("sixtofour", "loopback"), ("nat64", "loopback"), ("a-loopback", "loopback")]
NULL = "556 5.1.10 the recipient's domain does not accept mail"
NULL_SENDER = "550 5.7.27 the sender's domain does not accept mail"


def full(name):
    return name if name.endswith(".") else name + ".example"


@SUITE.rows([(f"never refused: {name[:40]!r}, {daemon}", daemon, full(name)) for daemon in ("reject", "any", "mark")
             for name in HEALTHY])
def healthy(daemon, domain):
    accepted(WORLD.out(daemon, domain), "as a recipient")
    accepted(WORLD.from_(daemon, domain), "as a sender")


@SUITE.rows([("bogus: " + name, full(name), kind) for name, kind in BOGUS])
def bogus(domain, kind):
    for daemon in ("reject", "any"):
        refused(WORLD.out(daemon, domain), f"554 5.7.1 Domain MX in {kind} network", "as a recipient")
        refused(WORLD.from_(daemon, domain), f"554 5.7.1 Sender domain MX in {kind} network", "as a sender")
    accepted(WORLD.out("off", domain), "with the guard off")
    accepted(WORLD.from_("off", domain), "with the guard off")


@SUITE.rows([("partly bogus: " + name, full(name)) for name in MIXED])
def mixed(domain):
    for ask in (WORLD.out, WORLD.from_):
        accepted(ask("reject", domain), "all must be bogus")
        answer = ask("any", domain)
        true(answer.startswith("554 5.7.1 ") and answer.endswith(" network"), f"one is enough: {answer!r}")


@SUITE.case("null MX")
def null_mx():
    for daemon in ("reject", "any"):
        refused(WORLD.out(daemon, "null-mx.example"), NULL)
        refused(WORLD.from_(daemon, "Null-MX.Example"), NULL_SENDER)
    WORLD.logged("reject", "event=guard", "verdict=null-mx", "action=reject", f"rcpt=<u@null-mx.example>")


@SUITE.rows([("outbound is: " + row[0], *row[1:]) for row in (
    ("an authenticated client", OUTSIDE, AUTH), ("a host of sign_networks", SIGNED, None), ("an internal host", INTERNAL, None))])
def outbound(address, macros):
    refused(WORLD.out("reject", "loopback.example", address, macros), "554 5.7.1 Domain MX in loopback network")
    # the sender of outbound mail is no business of the guard
    accepted(WORLD.send("reject", "<u@loopback.example>", ["<f@healthy.example>"], address, macros, stop="rcpt").rcpts[0])


@SUITE.case("a recipient of inbound mail is not asked for, a null sender neither")
def inbound():
    before = len(WORLD.nasty.asked)
    accepted(WORLD.out("reject", "never1.loopback.example", OUTSIDE, None))
    accepted(WORLD.send("reject", "<>", [f"<{SIGNING.tag(USER)}>"], stop="rcpt").rcpts[0])
    same(WORLD.asked("never1.loopback.example", before), [], "questions")


@SUITE.case("the local host is never refused, nor anything asked for it")
def local():
    before = len(WORLD.nasty.asked)
    for macros in (None, AUTH):
        accepted(WORLD.out("reject", "null-mx.example", LOCAL, macros))
        accepted(WORLD.out("reject", "never2.loopback.example", LOCAL, macros))
        accepted(WORLD.send("reject", "<u@loopback.example>", [f"<{USER}>"], LOCAL, macros, stop="rcpt").rcpts[0])
    same(WORLD.asked("never2.loopback.example", before), [], "questions")


@SUITE.rows([("not asked for: " + name, domain) for name, domain in (
    ("a domain of ours", "loopback6.example"), ("one that is off", "collision.example"), ("an exempt one", "zero.example"),
    ("the same in capitals", "ZERO.Example"), ("one below an exempt one", "x.wild-a.example"), ("a name without a dot", "healthy"))])
def exempt(domain):
    before = len(WORLD.nasty.asked)
    for daemon in ("reject", "any"):
        accepted(WORLD.out(daemon, domain))
        accepted(WORLD.from_(daemon, domain))
    same(WORLD.nasty.asked[before:], [], "questions")


@SUITE.rows([("literals: " + literal, literal, kind) for literal, kind in (
    ("[127.0.0.1]", "loopback"), ("[10.1.2.3]", "private"), ("[IPv6:::1]", "loopback"), ("[192.31.196.1]", None),
    ("[something]", None))])
def literals(literal, kind):
    before = len(WORLD.nasty.asked)
    answer = WORLD.out("reject", literal)
    if kind:
        refused(answer, f"554 5.7.1 Domain MX in {kind} network")
    else:
        accepted(answer)
    same(WORLD.nasty.asked[before:], [], "questions")


def headers(said):
    """The fields of ours that the message gets."""
    return [c[-1].strip() for c in said.changes if c[0] in ("addheader", "insheader") and c[-2] == "X-MX-Guard"]


@SUITE.rows([("mark: " + row[0], *row[1:]) for row in (
    ("a bogus one", ["loopback.example"], ["bogus-mx (loopback) domain=loopback.example"]),
    ("a null MX", ["null-mx.example"], ["null-mx (null MX) domain=null-mx.example"]),
    ("two of them, once", ["private.example", "loopback.example"], ["bogus-mx (private) domain=private.example"]),
    ("a good one and a bogus one", ["healthy.example", "loopback.example"], ["bogus-mx (loopback) domain=loopback.example"]),
    ("a good one", ["healthy.example"], []))])
def mark(domains, want):
    said = WORLD.send("mark", f"<{USER}>", [f"<u@{d}>" for d in domains], macros=AUTH)
    true(all(r.accepted for r in said.rcpts), f"recipients: {said}")
    same(headers(said), want, "X-MX-Guard")
    if len(domains) == 1:
        said = WORLD.send("mark", f"<u@{domains[0]}>", [f"<{USER}>", "<other@example.com>"])
        same(headers(said), want, "X-MX-Guard for a sender")


@SUITE.case("of several recipients, the bogus one alone is refused")
def several():
    said = WORLD.send("reject", f"<{USER}>", ["<u@healthy.example>", "<u@loopback.example>", "<u@a-only.example>"], macros=AUTH)
    same([r.accepted for r in said.rcpts], [True, False, True], f"recipients: {said}")

"""
What milter/dns.c makes of the DNS: dnsprobe asks a real authoritative server, and one that misbehaves.

Both are on loopback; no other server is asked.
"""

import os
import re
import resource
import shutil
import subprocess
import time

from harness import Scratch, Suite, contains, free_port, matches, program, same, true
from nasty import A, AAAA, MX, Nasty
from signed import sign
from tap import Skip
from zones import DOMAINS, GOOD, GOOD6, HUGE, LONG, NEGATIVE_TTL, TTL, Zones

SUITE = Suite()
SCRATCH = Scratch()
PROBE = program("test/dnsprobe")
HEALTHY = f"mx.healthy.example ok {GOOD} {GOOD6}"
world = {}


def set_up():
    if "built without libunbound" in subprocess.run([PROBE], capture_output=True, text=True).stdout:
        raise Skip("there is no libunbound here")
    try:
        text, world["anchor"] = sign(SCRATCH.dir)
    except Skip as reason:
        text, world["unsigned"] = None, str(reason)
    zones = world["zones"] = Zones(SCRATCH.dir, {"signed": text} if text else None).start()
    world["nasty"] = Nasty(free_port(), zones.port).start()
    SUITE.logs["nsd"] = zones.log


def probe(*words, timeout=60, **how):
    return subprocess.run([PROBE, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          **how)


class Facts:
    """A line of dnsprobe's."""

    def __init__(self, line):
        self.domain, us, mx, ttl, *rest = line.split(" ")
        self.seconds, self.ttl = int(us) / 1e6, int(ttl.removeprefix("ttl="))
        self.text = " ".join([mx, *rest])


def ask(server, *domains, patience=2000, options=(), **how):
    """The facts on domains, asked for one after the other by one process."""
    done = probe("-s", world[server].server, "-p", str(patience), *options, *domains, **how)
    same((done.returncode, done.stderr), (0, ""), f"dnsprobe: {done.stdout}")
    lines = done.stdout.splitlines()
    same([line.split(" ")[0] for line in lines[-2:]], ["sum", "freed"], "the last lines of dnsprobe")
    return [Facts(line) for line in lines[:-2]]


def one(server, domain, want, **how):
    facts = ask(server, domain, **how)[0]
    same(facts.text, want, domain)
    return facts


# ---- zones that are served well

IMPLICIT = "mx=none implicit | 0"


@SUITE.rows([
    ("MX, A and AAAA", "healthy", f"mx=ok | 10 {HEALTHY}"),
    ("MX and A", "v4-mx", f"mx=ok | 10 mx.v4-mx.example ok {GOOD}"),
    ("A only", "a-only", f"{IMPLICIT} a-only.example ok {GOOD}"),
    ("AAAA only", "aaaa-only", f"{IMPLICIT} aaaa-only.example ok {GOOD6}"),
    ("MX to a chain of CNAMEs", "cname-mx", f"mx=ok | 10 alias.cname-mx.example ok {GOOD} {GOOD6}"),
    ("the domain is an alias of one with MX", "cname-domain", f"mx=ok | 10 {HEALTHY}"),
    ("the domain is an alias of one without MX", "cname-to-a", f"{IMPLICIT} cname-to-a.example ok {GOOD}"),
    ("DNAME", "mx.dname", f"{IMPLICIT} mx.dname.example ok {GOOD} {GOOD6}"),
    ("five MX, best first", "five-mx",
     "mx=ok " + " ".join(f"| {n}0 mx{n}.five-mx.example ok 192.31.196.{n}" for n in range(1, 6))),
    ("MX of one preference, by name", "same-preference",
     "mx=ok " + " ".join(f"| 10 {name}.same-preference.example ok {GOOD}" for name in "abc")),
    ("one host twice", "twice", f"mx=ok | 10 mx.twice.example ok {GOOD} | 20 mx.twice.example ok {GOOD}"),
    ("127.0.0.1", "loopback", "mx=ok | 10 lo.loopback.example ok 127.0.0.1"),
    ("127.0.0.6", "loopback6", "mx=ok | 10 lo.loopback6.example ok 127.0.0.6"),
    ("127.0.53.53", "collision", "mx=ok | 10 lo.collision.example ok 127.0.53.53"),
    ("0.0.0.0", "zero", "mx=ok | 10 lo.zero.example ok 0.0.0.0"),
    ("an alias of a loopback name", "loopback-alias", "mx=ok | 10 lo.loopback-alias.example ok 127.0.0.1"),
    ("private", "private", "mx=ok | 10 mx.private.example ok 10.1.2.3"),
    ("good and bad address", "mixed", f"mx=ok | 10 mx.mixed.example ok 127.0.0.1 {GOOD}"),
    ("good and bad host", "mixed-hosts",
     f"mx=ok | 10 lo.mixed-hosts.example ok 127.0.0.1 | 20 mx.mixed-hosts.example ok {GOOD}"),
    ("null MX", "null-mx", "mx=ok | 0 . none"),
    ("null MX beside another", "null-mx-beside", f"mx=ok | 0 . none | 10 {HEALTHY}"),
    ("root with preference", "root-mx", "mx=ok | 10 . none"),
    ("root twice", "two-roots", "mx=ok | 0 . none | 10 . none"),
    ("address as target", "literal-mx", "mx=ok | 10 127.0.0.1 failed some-failed"),
    ("localhost as target", "localhost-mx", "mx=ok | 10 localhost ok ::1 127.0.0.1"),
    ("::1", "loopback-v6", "mx=ok | 10 lo.loopback-v6.example ok ::1"),
    ("IPv4-mapped loopback", "mapped", "mx=ok | 10 lo.mapped.example ok 127.0.0.1"),
    ("6to4 loopback", "sixtofour", "mx=ok | 10 lo.sixtofour.example ok 2002:7f00:1::1"),
    ("NAT64 loopback", "nat64", "mx=ok | 10 lo.nat64.example ok 64:ff9b::7f00:1"),
    ("no MX, A 127.0.0.1", "a-loopback", f"{IMPLICIT} a-loopback.example ok 127.0.0.1"),
    ("no MX, no address", "no-address", f"{IMPLICIT} no-address.example none"),
    ("MX to a name that does not exist", "dangling", "mx=ok | 10 missing.dangling.example none"),
    ("MX to a name without address", "text-mx", "mx=ok | 10 text.text-mx.example none"),
    ("MX to a zone that is refused", "elsewhere", "mx=ok | 10 mx.outside.invalid-zone failed some-failed"),
    ("no such domain", "missing", f"{IMPLICIT} missing.example none"),
    ("wildcard MX", "anything.wild", f"mx=ok | 10 {HEALTHY}"),
    ("wildcard A", "anything.wild-a", f"{IMPLICIT} anything.wild-a.example ok 127.0.0.1"),
    ("odd octets in a target", "odd", rf"mx=ok | 10 a\046b\032c\000\255\092\064.odd.example ok {GOOD}"),
    ("too many of them", "odder", f"mx=ok | 10 ? failed some-failed | 20 mx.odder.example ok {GOOD}"),
    ("target in capitals", "upper", f"mx=ok | 10 {HEALTHY}"),
    ("underscore", "underscore", f"mx=ok | 10 _mx.underscore.example ok {GOOD}"),
    ("A-labels", "xn--bcher-kva", f"mx=ok | 10 xn--mx-gka.xn--bcher-kva.example ok {GOOD}"),
    ("longest name", LONG, f"mx=ok | 10 {HEALTHY}"),
    ("CNAME loop", "loop", "mx=failed"),
    ("CNAME to itself", "self", "mx=failed"),
    ("MX to a CNAME loop", "loop-mx", "mx=ok | 10 loop.example failed some-failed"),
])
def zones(name, want):
    one("zones", f"{name}.example", want)


@SUITE.rows([
    ("domain in capitals", "HEALTHY.Example", f"mx=ok | 10 {HEALTHY}"),
    ("domain with a dot at its end", "healthy.example.", f"mx=ok | 10 {HEALTHY}"),
    ("a zone below test", "healthy.test", f"mx=ok | 10 mx.healthy.test ok {GOOD} {GOOD6}"),
    ("a zone below home.arpa", "healthy.home.arpa", f"mx=ok | 10 mx.healthy.home.arpa ok {GOOD} {GOOD6}"),
    ("localhost", "localhost", f"{IMPLICIT} localhost ok ::1 127.0.0.1"),
    ("a zone that nobody serves", "x.outside", "mx=failed"),
    ("label too long", "x" * 64 + ".example", "mx=failed"),
    ("domain too long", "y." + LONG + ".example", "mx=failed"),
    ("empty label", "a..example", "mx=failed"),
    ("not ASCII", "b\u00fccher.example", "mx=failed"),
    ("a backslash in the domain", r"no\032such.example", r"mx=none implicit | 0 no\092032such.example none"),
])
def domains(domain, want):
    one("zones", domain, want)


@SUITE.case("every domain of the zones is in a row above")
def complete():
    with open(__file__) as file:
        text = file.read()
    for name in DOMAINS:
        word = re.escape(name.removeprefix("*"))
        true(name in (LONG, "loop2") or re.search(word + r'(\.example)?"', text), f"no row asks for {name}")


@SUITE.rows([
    ("TTL: the least of all", "short-ttl", 40),
    ("TTL: of a domain with both addresses", "healthy", TTL),
    ("TTL: that of a no counts", "loopback", NEGATIVE_TTL),
    ("TTL: of a domain that does not exist", "missing", NEGATIVE_TTL),
    ("TTL: zero", "zero-ttl", 0),
    ("TTL: long ones are cut to a day", "long-ttl", 86400),
    ("TTL: null MX", "null-mx", TTL),
    ("TTL: of a failure", "loop", 0),
])
def ttl(name, want):
    same(ask("zones", f"{name}.example")[0].ttl, want, "TTL")


@SUITE.case("300 MX: the best 20, by TCP")
def huge():
    best = (f"| {n} mx{n}.huge.example ok {GOOD}" for n in range(1, 21))
    one("nasty", "huge.example", "mx=ok more " + " ".join(best))
    true(("huge.example", MX, "tcp") in world["nasty"].asked, "TCP was not used")


@SUITE.case("300 addresses: 32 of them")
def many_addresses():
    text = ask("zones", "huge-a.example")[0].text
    same(len(text.split(" ")), len("mx=ok more | 10 mx.huge-a.example ok".split(" ")) + 32, f"words of {text}")
    contains(text, "mx=ok more | 10 mx.huge-a.example ok 10.0.", "facts")
    same(HUGE > 32, True, "the test is of use")


# ---- a server that misbehaves

def nasty_host(name):
    return f"{IMPLICIT} {name}.nasty.example ok {GOOD}"


@SUITE.rows([
    ("SERVFAIL", "servfail", "mx=failed"),
    ("REFUSED", "refused", "mx=failed"),
    ("NOTIMP", "notimp", "mx=failed"),
    ("FORMERR", "formerr", "mx=failed"),
    ("an answer to another question", "wrong-question", "mx=failed"),
    ("half an answer", "half", "mx=failed"),
    ("rubbish", "garbage", "mx=failed"),
    ("wrong id, then the right one", "wrong-id-first", nasty_host("wrong-id-first")),
    ("truncated, then by TCP", "truncated", nasty_host("truncated")),
    ("truncated, and TCP is closed", "truncated-closed", "mx=failed"),
    ("chain of 9 aliases", "chain9", nasty_host("chain9")),
    ("chain of 30 aliases", "chain30", "mx=failed"),
    ("loop of aliases, one an answer", "loop-a", "mx=failed"),
    ("aliases without end", "grow", "mx=failed"),
    ("A answered, AAAA not", "no-aaaa", f"{IMPLICIT} no-aaaa.nasty.example ok some-failed {GOOD}"),
    ("an A record in every answer, of every type", "a-in-aaaa", "mx=ok | 32512 ? failed some-failed"),
    ("MX without target", "short-mx", "mx=failed"),
    ("MX whose target does not end", "endless-mx", "mx=failed"),
    ("an address beside the MX is not believed", "poison", f"mx=ok | 10 mx.v4-mx.example ok {GOOD}"),
    ("2000 MX, which are too much for libunbound", "many", "mx=failed"),
    ("slow answers in time", "slow200", nasty_host("slow200")),
])
def nasty(name, want):
    one("nasty", f"{name}.nasty.example", want)


@SUITE.rows([
    ("no SOA in a NODATA: no TTL", "no-soa"),
    ("no SOA in an NXDOMAIN: no TTL", "no-soa-nxdomain"),
])
def no_soa(name):
    same(one("nasty", f"{name}.nasty.example", f"{IMPLICIT} {name}.nasty.example none").ttl, 0, "TTL")


@SUITE.rows([
    ("in time: no answer", "silent.nasty", 300, "mx=failed"),
    ("in time: wrong id only", "wrong-id.nasty", 300, "mx=failed"),
    ("in time: no octets", "no-octets.nasty", 300, "mx=failed"),
    ("in time: truncated, and no answer by TCP", "truncated-silent.nasty", 300, "mx=failed"),
    ("in time: MX after 1.5 s, then its host", "slow1500.nasty", 2000,
     f"{IMPLICIT} slow1500.nasty.example failed some-failed"),
    ("in time: a host of 1.5 s", "slow-mx", 400, "mx=ok | 10 slow1500.nasty.example failed some-failed"),
    ("in time: no answer for A", "no-a.nasty", 300, f"{IMPLICIT} no-a.nasty.example ok some-failed {GOOD6}"),
    ("in time: a second host without answer", "silent-mx", 300,
     f"mx=ok | 10 {HEALTHY} | 20 silent.nasty.example failed some-failed"),
    ("in time: a bogus host, and one without answer", "silent-bogus", 300,
     "mx=ok | 10 lo.loopback.example ok 127.0.0.1 | 20 silent.nasty.example failed some-failed"),
    ("in time: no patience at all", "silent.nasty", 0, "mx=failed"),
])
def in_time(name, patience, want):
    seconds = one("nasty", f"{name}.example", want, patience=patience).seconds
    true(patience / 1000 <= seconds < patience / 1000 + 0.5, f"it took {seconds} s")


@SUITE.case("a slow host within its time")
def slow():
    world["nasty"].first.clear()
    facts = one("nasty", "slow-mx.example", f"mx=ok | 10 slow1500.nasty.example ok {GOOD}", patience=5000)
    true(facts.seconds >= 1.4, f"it took {facts.seconds} s")


@SUITE.case("failures are known at once")
def fast_failures():
    facts = ask("nasty", "failing-mx.example", "half-failing.example", "servfail.nasty.example")
    same([f.text for f in facts],
         ["mx=ok | 10 servfail.nasty.example failed some-failed",
          f"mx=ok | 10 no-aaaa.nasty.example ok some-failed {GOOD}", "mx=failed"], "facts")
    true(all(f.seconds < 1 for f in facts), f"it took {[f.seconds for f in facts]} s")


@SUITE.case("an answer that came too late is there the next time")
def late_answer():
    first, second = ask("nasty", "late.slow500.nasty.example", "=700", "late.slow500.nasty.example", patience=200)
    same(first.text, "mx=failed", "first")
    contains(second.text, "mx=none", "second")


@SUITE.case("what is asked: no root, no name twice, nothing that is cached")
def what_is_asked():
    begin = len(world["nasty"].asked)
    ask("nasty", "null-mx-beside.example", "null-mx-beside.example", "twice.example", "?.example")
    asked = [(name, kind) for name, kind, _ in world["nasty"].asked[begin:]]
    want = [("null-mx-beside.example", MX), ("twice.example", MX), ("?.example", MX)]
    want += [(name, kind) for name in ("mx.healthy.example", "mx.twice.example", "?.example") for kind in (A, AAAA)]
    same(sorted(asked), sorted(want), "questions")


# ---- servers that are away

@SUITE.case("25 domains without answer do not hold up others")
def crowd():
    silent = [f"x{n}.silent.nasty.example" for n in range(25)]
    facts = ask("nasty", *silent, "healthy.example", "five-mx.example", patience=100)
    same([f.text.split(" ")[0] for f in facts], ["mx=failed"] * 25 + ["mx=ok"] * 2, "facts")


@SUITE.case("questions under way are bounded by the descriptors that there are")
def bound():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))

    silent = [f"y{n}.silent.nasty.example" for n in range(35)]
    facts = ask("nasty", *silent, "healthy.example", patience=60, preexec_fn=few)
    same([f.seconds >= 0.06 for f in facts], [True] * 32 + [False] * 4, "whether they were waited for")
    same(facts[-1].text, "mx=failed", "the last one")


@SUITE.case("of two servers, one is dead")
def one_dead():
    dead = f"127.0.0.1@{free_port()}"
    facts = ask("zones", *(f"n{n}.wild.example" for n in range(20)), options=["-s", dead], patience=5000)
    same({f.text for f in facts}, {f"mx=ok | 10 {HEALTHY}"}, "facts")


@SUITE.case("a server that was away for 4 s is asked again")
def outage():
    server = world["nasty"]
    words = ["-s", server.server, "-p", "100"]
    words += [word for n in range(200) for word in (f"n{n}.wild.example", "=50")]
    with subprocess.Popen([PROBE, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            contains(process.stdout.readline(), "mx=ok", "before")
            server.silent = True
            end = time.monotonic() + 4
            while time.monotonic() < end:
                last = process.stdout.readline()
            contains(last, "mx=failed", "while it is away")
            server.silent = False
            true(any("mx=ok" in line for line in process.stdout), "it is never asked again")
        finally:
            server.silent = False
            process.kill()


# ---- many at once

@SUITE.case("40 threads wait side by side")
def side_by_side():
    begin = time.monotonic()
    done = probe("-s", world["nasty"].server, "-p", "5000", "-t", "40", "-q", "slow300.nasty.example",
                 "five-mx.example")
    same(done.returncode, 0, done.stdout + done.stderr)
    contains(done.stdout, "sum asked=80 known=80 ", "sums")
    true(time.monotonic() - begin < 10, "they waited for each other")


@SUITE.case("threads, and answers that come in time, too late, or never")
def threads():
    nasty_ones = [f"{how}.nasty.example" for how in ("silent", "slow20", "slow100", "servfail", "truncated")]
    names = [*nasty_ones, "huge.example", *(f"t{n}.wild.example" for n in range(30))]
    done = probe("-s", world["nasty"].server, "-p", "4", "-t", "8", "-r", "10", "-q", *names,
                 env=dict(os.environ, TSAN_OPTIONS="detect_deadlocks=0"))  # libunbound holds more locks than it knows
    same((done.returncode, done.stderr), (0, ""), done.stdout)
    found = matches(done.stdout, r"sum asked=2880 known=(\d+) ", "sums")
    true(0 < int(found[1]) < 2880, "some must be known, and some not")


@SUITE.case("the end does not wait for answers that are under way")
def end():
    done = probe("-s", world["nasty"].server, "-p", "10", *(f"z{n}.silent.nasty.example" for n in range(30)))
    true(int(matches(done.stdout, r"freed us=(\d+)", "the end")[1]) < 1e6, done.stdout)


# ---- settings

@SUITE.rows([
    ("refused: a name as server", ["-s", "ns.example"], '"ns.example" is no address of a DNS server: 192.0.2.53'),
    ("refused: bad port", ["-s", "127.0.0.1@0"], '"127.0.0.1@0" has no port from 1 to 65535 behind its @'),
    ("refused: no trust anchor", ["-a", "/nonexistent/anchor"],
     "/nonexistent/anchor cannot be read: No such file or directory"),
    ("refused: bad trust anchor", ["-a", "/etc/passwd"], "no DS or DNSKEY records can be read from /etc/passwd"),
])
def refused(words, want):
    done = probe("-s", "127.0.0.1", *words, "healthy.example")
    same((done.returncode, done.stderr), (1, ""), done.stdout)
    matches(done.stdout, r"\Aproblem bvmilter\.conf:1: ", "problem")
    contains(done.stdout, want, "problem")
    same(len(done.stdout.splitlines()), 1, done.stdout)


@SUITE.rows([
    ("the hosts file is never read, and resolv.conf neither when servers are named", ["-s", "127.0.0.1@1"], False),
    ("without servers, resolv.conf is read", [], True),
])
def files(words, resolv):
    trace = SCRATCH.path(f"trace{len(words)}")
    if not shutil.which("strace"):
        raise Skip("there is no strace here")
    command = ["strace", "-f", "-e", "trace=open,openat,openat2", "-o", trace, PROBE, "-p", "1", *words, "localhost"]
    done = subprocess.run(command, capture_output=True, text=True,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    same(done.returncode, 0, done.stdout + done.stderr)
    with open(trace) as file:
        text = file.read()
    true("/etc/hosts" not in text and "/etc/nsswitch.conf" not in text, "files of the name service are read")
    same("/etc/resolv.conf" in text, resolv, "resolv.conf is read")


# ---- DNSSEC

@SUITE.rows([
    ("DNSSEC: good signatures", True, "secure.signed", f"mx=ok | 10 mx.secure.signed ok {GOOD}"),
    ("DNSSEC: a changed record", True, "changed.signed", "mx=ok | 10 mx.changed.signed failed some-failed"),
    ("DNSSEC: the same without a trust anchor", False, "changed.signed",
     "mx=ok | 10 mx.changed.signed ok 192.31.196.78"),
    ("DNSSEC: a name that does not exist", True, "missing.signed", f"{IMPLICIT} missing.signed none"),
    ("DNSSEC: a zone that the anchor is not for", True, "healthy.example", f"mx=ok | 10 {HEALTHY}"),
])
def dnssec(anchored, domain, want):
    if "anchor" not in world:
        raise Skip(world["unsigned"])
    one("zones", domain, want, options=["-a", world["anchor"]] if anchored else [])


@SUITE.case("DNSSEC: a zone that should be signed and is not")
def unsigned():
    anchor = SCRATCH.write("example.ds", f"example. IN DS 18468 13 2 {'397a73570dcaa39b' * 4}\n")
    names = ["healthy.example", "null-mx.example", "missing.example", "healthy.test"]
    facts = ask("zones", *names, options=["-a", anchor])
    same([f.text for f in facts], ["mx=failed"] * 3 + [f"mx=ok | 10 mx.healthy.test ok {GOOD} {GOOD6}"], "facts")


SUITE.run(set_up)

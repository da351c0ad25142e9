"""The world of test_guard.py: a DNS server with test zones, one that misbehaves in front of it, and daemons that ask it."""

import os
import time

import milterclient
import zones
from harness import Daemon, Scratch, Suite, free_port, prvs, same, true, wait_until
from mapworld import Map
from nasty import Nasty

SIGNING = prvs.Key(3, b"the key that signs at this time!", -100)
RING = prvs.Ring([SIGNING])
USER = "user@example.com"
OUTSIDE, INTERNAL, SIGNED, LOCAL = "192.0.2.7", "203.0.113.9", "198.51.100.7", "127.0.0.1"
AUTH = {"auth_type": "PLAIN", "auth_authen": "user"}

# Domains of ours, as they should be, and as they should not.
OURS = {
    "good": ["@ MX 10 mx.healthy.example."],
    "quiet": ["@ MX 10 mx.healthy.example."],
    "nomail": ["@ MX 0 .", '@ TXT "something else"', '@ TXT "v=spf1 " "-ALL"'],
    "no-spf": ["@ MX 0 .", '@ TXT "v=spf1 mx -all"'],
    "two-spf": ["@ MX 0 .", '@ TXT "v=spf1 -all"', '@ TXT "v=spf1 mx -all"'],
    "spaced": ["@ MX 0 .", '@ TXT "v=spf1  -all "'],
    "longer": ["@ MX 0 .", '@ TXT "v=spf1 -allx"'],
    "parked": ["@ MX 0 ."],
    "no-null": ["@ A 192.31.196.1", '@ TXT "v=spf1 -all"'],
    "bogus": ["@ MX 10 lo.loopback.example."],
    "null": ["@ MX 0 ."],
    "nowhere": ["@ TXT nothing"],
}
zones.ZONES["ours.example"] = OURS

DOMAINS = """\
example.com        reject
good.ours.example  reject
quiet.ours.example no-bounces
nomail.ours.example no-mail
no-spf.ours.example no-mail
two-spf.ours.example no-mail
spaced.ours.example no-mail
longer.ours.example no-mail
parked.ours.example no-bounces
no-null.ours.example no-mail
bogus.ours.example reject
null.ours.example  reject
nowhere.ours.example reject
loopback6.example  mark
collision.example  off
"""
EXEMPT = ["zero.example", ".wild-a.example"]

DAEMONS = {
    "reject": {"mx_guard_recipients": "reject", "mx_guard_senders": "reject"},
    "any": {"mx_guard_recipients": "reject", "mx_guard_senders": "reject", "mx_guard_match": "any"},
    "mark": {"mx_guard_recipients": "mark", "mx_guard_senders": "mark"},
    "off": {},
}

SUITE = Suite()


class World:
    def start(self):
        self.scratch = Scratch()
        self.zones = zones.Zones(self.scratch.dir).start()
        self.nasty = Nasty(free_port(), self.zones.port).start()
        self.daemon = {}
        for name, options in DAEMONS.items():
            self.add(name, **options)

    def make(self, name, **options):
        """A daemon that is not started yet."""
        options = {"domains": DOMAINS, "mx_guard_exempt": EXEMPT, "resolver": [self.nasty.server], "mx_guard_timeout": "1s",
                   "sign_networks": [SIGNED + "/32"], "internal_networks": [INTERNAL],
                   "map_listen": f"inet:{free_port()}@127.0.0.1", "storm_threshold": 0, **options}
        daemon = self.daemon[name] = Daemon(self.scratch.dir, name, RING, **options)
        SUITE.logs[f"bvmilter ({name})"] = daemon.log
        return daemon

    def add(self, name, **options):
        return self.make(name, **options).start()

    def reload(self, name, **options):
        """New settings, which must be taken up."""
        daemon = self.daemon[name]
        before = len(daemon.lines)
        daemon.configure(**options)
        daemon.process.send_signal(1)
        true(wait_until(lambda: any("reloaded: " in line for line in daemon.lines[before:])),
             f"not reloaded: {daemon.lines[before:]}")

    def map(self, name, timeout=10):
        return Map(self.daemon[name].options["map_listen"], timeout)

    def session(self, name, address=OUTSIDE):
        milter = milterclient.Milter(self.daemon[name].connect())
        milter.connect(address)
        milter.helo()
        return milter

    def send(self, name, mail, rcpts, address=OUTSIDE, macros=None, **more):
        """One message; all that the daemon said."""
        with self.session(name, address) as milter:
            return milterclient.message(milter, mail, rcpts, macros=macros, **more)

    def out(self, name, domain, address=OUTSIDE, macros=AUTH):
        """What is said to a recipient of one of our users."""
        return self.send(name, f"<{USER}>", [f"<u@{domain}>"], address, macros, stop="rcpt").rcpts[0]

    def from_(self, name, domain, address=OUTSIDE):
        """What is said to a sender from outside."""
        return self.send(name, f"<u@{domain}>", [f"<{USER}>"], address, stop="rcpt").rcpts[0]

    def asked(self, domain, since=0):
        """The questions that have reached the server for a domain, or one below it."""
        return [q for q in self.nasty.asked[since:] if q[0] == domain or q[0].endswith("." + domain)]

    def logged(self, name, *parts):
        def found():
            return any(all(part in line for part in parts) for line in list(self.daemon[name].lines))
        true(wait_until(found, 5), f"no log line with {parts}")


WORLD = World()


def timed(function, *args):
    """What it returns, and how long it took."""
    begin = time.monotonic()
    value = function(*args)
    return value, time.monotonic() - begin


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def accepted(answer, what="the answer"):
    true(answer.accepted, f"{what}: {answer!r}")


def refused(answer, text, what="the answer"):
    same(str(answer), text, what)

"""The world of test_milter.py: daemons with several configurations, and no MTA."""

import signal
import time

import milterclient
from harness import Daemon, Scratch, Suite, free_port, prvs, true, wait_until

SIGNING = prvs.Key(3, b"the key that signs at this time!", -1)
STAGED = prvs.Key(7, b"signs from tomorrow on, or so...", 1)
RING = prvs.Ring([SIGNING, STAGED])
NOT_YET = prvs.Ring([prvs.Key(7, b"signs from tomorrow on, or so...", 1)])
FRESH = prvs.Ring([SIGNING, STAGED], time.time() - 3600)
USER = "user@example.com"
OUTSIDE, INTERNAL = "192.0.2.7", "203.0.113.9"
AUTH = {"auth_type": "PLAIN", "auth_authen": "user"}
SUBMISSION = {"daemon_name": "ORIGINATING"}

WORDS = """\
example.com    reject
mark.example   mark
accept.example accept
hold.example   quarantine
drop.example   discard
nomail.example no-mail
parked.example no-bounces
off.example    off
"""

EXCEPTIONS = """\
client 198.51.100.7     accept-untagged
client 198.51.100.128/25 accept-untagged
client 2001:db8:5::/48  accept-untagged
client mx.good.example  accept-untagged
client .friends.example accept-untagged
client unknown          accept-untagged
rcpt   abuse@example.com accept-untagged
rcpt   .open.example    accept-untagged
rcpt   hostmaster@example.com never-sends
rcpt   silent.example   never-sends
from   robot@example.com no-tag
from   .bulk.example    no-tag
to     lists.example.org no-tag
to     .groups.example.org no-tag
to     friend@one.example no-tag
"""
EXCEPTED = {"exceptions": EXCEPTIONS, "internal_networks": [INTERNAL],
            "domains": "example.com reject\nsilent.example mark\n.open.example reject\nbulk.example reject\n"
                       ".bulk.example reject\n"}

# For all daemons but those that are to brake: they are sent forged tags by the hundred.
CALM = {"storm_threshold": 0, "max_bad_macs": 0}

# name -> ring, options of the configuration
DAEMONS = {
    "data": (RING, {}),
    "rcpt": (RING, {"untagged_stage": "rcpt"}),
    "mark": (RING, {"domains": "example.com mark\n", "action": "mark"}),
    "inet": (RING, {"untagged_stage": "rcpt", "listen": None}),
    "inet-data": (RING, {"listen": None}),
    "networks": (RING, {"sign_networks": ["198.51.100.0/24", "2001:db8:1::/48"], "sign_authenticated": False,
                        "sign_daemons": [], "internal_networks": ["203.0.113.0/24", "2001:db8:2::/48"],
                        "untagged_stage": "rcpt"}),
    "few": (RING, {"max_recipients": 3}),
    "subaddress": (RING, {"syntax": "subaddress", "subaddress_delimiter": "-"}),
    "value": (RING, {"header_name": "X-BV", "header_value": "%r by %v: 100%%",
                     "domains": "example.com mark\nrefuse.example reject\n",
                     "reject_text": "50% of bounces are forged"}),
    "keyless": (NOT_YET, {"warmup": "off", "domains": WORDS}),
    "keyless-accept": (NOT_YET, {"on_fault": "accept", "warmup": "off"}),
    "words": (RING, {"domains": WORDS, "internal_networks": [INTERNAL]}),
    "words-rcpt": (RING, {"domains": WORDS, "untagged_stage": "rcpt"}),
    "types-a": (RING, {"reply_types": ["mdn", "feedback-report"]}),
    "types-b": (RING, {"reply_types": ["auto-reply", "dmarc-report"]}),
    "no-types": (RING, {"reply_types": []}),
    "excepted": (RING, EXCEPTED),
    "excepted-rcpt": (RING, {**EXCEPTED, "untagged_stage": "rcpt", "mixed_recipients": "tagged"}),
    "fresh": (FRESH, {"domains": WORDS, "exceptions": EXCEPTIONS, "max_bad_macs": 2}),
    "fresh-off": (FRESH, {"warmup": "off"}),
    "brake": (RING, {"domains": WORDS, "max_bad_macs": 3, "internal_networks": [INTERNAL]}),
}

SUITE = Suite()


class World:
    def start(self):
        self.scratch = Scratch()
        self.daemon = {}
        for name, (ring, options) in DAEMONS.items():
            if "listen" in options:
                options = dict(options, listen=f"inet:{free_port()}@127.0.0.1")
            self.add(name, ring, **options)

    def add(self, name, ring, **options):
        self.daemon[name] = Daemon(self.scratch.dir, name, ring, **{**CALM, **options}).start()
        SUITE.logs[f"bvmilter ({name})"] = self.daemon[name].log

    def milter(self, name, **offer):
        """A negotiated connection."""
        return milterclient.Milter(self.daemon[name].connect(), **offer)

    def session(self, name, address=OUTSIDE, macros=None, host="mx.example.net", **offer):
        """A connection on which CONNECT and HELO have been said."""
        milter = self.milter(name, **offer)
        milter.connect(address, host, macros)
        milter.helo()
        return milter

    def one(self, name, mail, rcpts, address=OUTSIDE, connect=None, host="mx.example.net", **more):
        """One message on a connection of its own."""
        with self.session(name, address, connect, host) as milter:
            said = milterclient.message(milter, mail, rcpts, **more)
            true(milter.silent(), "the daemon said something that nobody waits for")
            return said


    def logged(self, name, *parts):
        """Checks that a line of the log has all these parts."""
        def found():
            return any(all(part in line for part in parts) for line in list(self.daemon[name].lines))
        true(wait_until(found, 5), f"no log line with {parts}")


WORLD = World()
_count = 0


class Own:
    """A daemon of its own; ended at the end of the block."""

    def __init__(self, ring=RING, **options):
        global _count
        _count += 1
        self.name, self.ring, self.options = f"own{_count}", ring, options

    def __enter__(self):
        WORLD.add(self.name, self.ring, **self.options)
        self.daemon = WORLD.daemon[self.name]
        return self

    def __exit__(self, *_):
        self.daemon.kill()

    def signal(self, number=signal.SIGHUP):
        """Has it reload, and waits for the line that tells how that went."""
        before = len(self.daemon.lines)
        self.daemon.process.send_signal(number)
        true(wait_until(lambda: any("reload" in line for line in self.daemon.lines[before:])),
             "no word about the reload")
        return self.daemon.lines[before:]

    def reload(self, **options):
        """New settings, which must be taken up."""
        self.daemon.configure(**options)
        lines = self.signal()
        true(any("reloaded: " in line and "not" not in line for line in lines), f"not reloaded: {lines}")


def fresh(domain="example.com"):
    """An address that no other case has."""
    global _count
    _count += 1
    return f"u{_count}@{domain}"


def made(what, address):
    """An address as "valid", "forged", "expired", "malformed", "unknown" or "untagged", in brackets."""
    tags = {"valid": SIGNING.tag, "forged": SIGNING.forge, "expired": lambda a: SIGNING.tag(a, -3),
            "malformed": lambda a: "prvs=12=" + a, "untagged": str,
            "unknown": prvs.Key(9, b"a key that no ring has.........").tag}
    return bracket(tags[what](address))




def bracket(address):
    return "<" + address + ">"

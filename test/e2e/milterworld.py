"""The world of test_milter.py: daemons with several configurations, and no MTA."""

import re

import milterclient
from harness import Daemon, Scratch, Suite, free_port, prvs, true

SIGNING = prvs.Key(3, b"the key that signs at this time!", -1)
STAGED = prvs.Key(7, b"signs from tomorrow on, or so...", 1)
RING = prvs.Ring([SIGNING, STAGED])
NOT_YET = prvs.Ring([prvs.Key(7, b"signs from tomorrow on, or so...", 1)])
USER = "user@example.com"
OUTSIDE = "192.0.2.7"
AUTH = {"auth_type": "PLAIN", "auth_authen": "user"}
SUBMISSION = {"daemon_name": "ORIGINATING"}

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
    "keyless": (NOT_YET, {}),
    "keyless-accept": (NOT_YET, {"on_fault": "accept"}),
}

SUITE = Suite()


class World:
    def start(self):
        self.scratch = Scratch()
        self.daemon = {}
        for name, (ring, options) in DAEMONS.items():
            if "listen" in options:
                options = dict(options, listen=f"inet:{free_port()}@127.0.0.1")
            self.daemon[name] = Daemon(self.scratch.dir, name, ring, **options).start()
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

    def one(self, name, mail, rcpts, address=OUTSIDE, connect=None, **more):
        """One message on a connection of its own."""
        with self.session(name, address, connect) as milter:
            said = milterclient.message(milter, mail, rcpts, **more)
            true(milter.silent(), "the daemon said something that nobody waits for")
            return said


WORLD = World()


def sender(said):
    """The new sender, without its brackets; None when it stays."""
    changes = [c for c in said.changes if c[0] == "chgfrom"]
    true(len(changes) <= 1, f"the sender is changed {len(changes)} times")
    if not changes:
        return None
    true(re.fullmatch(r"<[^<>]+>", changes[0][1]), f"new sender not in brackets: {changes[0]}")
    true(len(changes[0]) == 2, f"the new sender has parameters: {changes[0]}")
    return changes[0][1][1:-1]


def bracket(address):
    return "<" + address + ">"

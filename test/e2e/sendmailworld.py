"""
The world of test_sendmail.py: a gateway with users of its own, virtual users
and a domain that it relays, set up with doc/examples/sendmail.mc, and the
sinks, in which all mail ends that is delivered.
"""

import os
import re

import sendmail
import zones
from gateway import RING, Copies
from harness import (ROOT, Client, Daemon, Scratch, Sink, Skip, Suite, at_end, contains, free_port, matches, same,
                     token, transact, true)

OUTSIDE, OUR_HOST, INSIDE = "127.0.0.2", "127.0.0.3", "127.0.0.1"
KNOWN, PRETENDER = "127.0.0.4", "127.0.0.5"  # see sendmail_preload.c
EXAMPLE = os.path.join(ROOT, "doc/examples/sendmail.mc")
DOMAINS = "example.com reject\nvirt.example reject\nrelay.example reject\n"
EXCEPTIONS = "client .outside.example accept-untagged\nclient .example.com accept-untagged\n"

# Whose mail is where: a local user, a virtual one, one beyond a relay.
LOCAL, VIRTUAL, RELAYED = "games@example.com", "info@virt.example", "joe@relay.example"
ENDS = {LOCAL: "games", VIRTUAL: "man", RELAYED: "joe@relay.example"}
FRIEND = "friend@outside.example"

PORTS = {
    "in": {"Name": "MTA"},
    "submission": {"Name": "ORIGINATING"},
    "tcp": {"Name": "TCP", "InputMailFilters": "bvtcp"},
}
TABLES = {
    "access": f"Connect:{OUR_HOST}\tRELAY\nTo:relay.example\tRELAY\nTo:lp@example.com\tREJECT\n",
    "virtusertable": "info@virt.example\tman\n@virt.example\terror:nouser 550 5.1.1 User unknown\n",
    "mailertable": "relay.example\tsmtp:[127.0.0.1]\n",
}
MC = """define(`confBV_MILTER', `{milter}')dnl
define(`confBV_MAP', `{map}')dnl
include(`{example}')dnl
MAIL_FILTER(`bvtcp', `S={tcp}, F=T, T=C:10s;S:10s;R:10s;E:1m')dnl
"""


class World:
    """Empty until start() has been called."""

    def start(self):
        self.scratch = Scratch(parent=sendmail.place())
        self.sink, self.relay = Sink(free_port()), Sink(free_port())
        for each in (self.sink, self.relay):
            at_end(each.stop)
            each.rules.append((r"(?i)<nosuch@", "550 5.1.1 no such user here"))
        os.mkdir(self.scratch.path("sendmail"), 0o755)
        self.auth = sendmail.Auth(self.scratch.path("sendmail/mux"))
        at_end(self.auth.stop)
        try:
            self.zones = zones.Zones(self.scratch.dir).start()
        except Skip as why:
            self.zones, self.no_zones = None, str(why)
        self.map = f"inet:{free_port()}@127.0.0.1"
        self.daemons = {"bv": self.daemon("bv", map_listen=self.map),
                        "tcp": self.daemon("tcp", listen=f"inet:{free_port()}@127.0.0.1", map_listen="")}
        self.port = {name: free_port() for name in PORTS}
        self.gateway = sendmail.Sendmail(
            self.scratch.path("sendmail"), {self.port[name]: options for name, options in PORTS.items()},
            ("define(`confBV_MX', `yes')dnl\n" if self.zones else "") + MC.format(milter=self.daemons["bv"].listen, map=self.map, example=EXAMPLE,
                      tcp=self.daemons["tcp"].listen),
            self.sink.port, self.relay.port, ["example.com"], TABLES)
        self.gateway.start()
        for name, daemon in self.daemons.items():
            daemon.start()
            SUITE.logs[f"bvmilter ({name})"] = daemon.log
        SUITE.logs["Sendmail"] = self.gateway.log

    def daemon(self, name, **options):
        return Daemon(self.scratch.dir, name, RING, domains=DOMAINS, exceptions=EXCEPTIONS, socket_group="mail",
                      sign_networks=[OUR_HOST + "/32"], resolver=[self.zones.server] if self.zones else [],
                      **options)

    def client(self, port, source=OUTSIDE):
        return Client(self.port[port], source)

    def send(self, client, mail, rcpts, headers=""):
        """One message: what the server said, and where it was delivered in the end."""
        word = token()
        out = transact(client, mail, rcpts, f"{headers}From: Somebody <somebody@outside.example>\n"
                       f"Subject: test {word}\nMessage-ID: <{word}@outside.example>\n\nHello, {word}.\n")
        return out, self.delivered(out, word)

    def mail(self, port, mail, rcpts, headers="", source=OUTSIDE):
        with self.client(port, source) as client:
            return self.send(client, mail, rcpts, headers)

    def delivered(self, out, word):
        """Every copy of a message, none when it was refused; waits until it has left the queue."""
        if not out.end or out.end.code != 250:
            return Copies([])
        true(self.gateway.wait_gone(queue_id(out)), f"{queue_id(out)} stays in the queue")
        return Copies(self.sink.having(word) + self.relay.having(word))


def queue_id(out):
    return matches(out.end.text, r"^2\.0\.0 (\w+) Message accepted", "the end")[1]


def refused(reply, text="bounce verification failed"):
    """Sendmail says whom a refusal is about, at RCPT; the rest is ours."""
    same(reply.code, 550, f"the reply \"{reply}\"")
    ours = re.sub(r"^(5\.7\.1 )<.*>\.\.\. ", r"\1", reply.text)
    matches(ours, r"^5\.7\.1 \w", "the reply")
    contains(ours, text, "the reply")
    true("@" not in ours and "prvs" not in ours, f"the reply echoes an address: {reply}")


SUITE = Suite()
WORLD = World()

"""
The world of test_postfix.py: a gateway with one smtpd port for each kind of
daemon, a remote Postfix that bounces what its own next hop refuses, and the
sink, in which all mail ends that is delivered.
"""

import re
import threading

from harness import (Auth, Client, Daemon, Postfix, Scratch, Sink, Suite, at_end, contains, free_port, matches,
                     prvs, same,
                     token, transact, true)

OUTSIDE, OTHER_OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.3", "127.0.0.1"
HEADER = "X-Bounce-Verification"
DOMAINS = "example.com reject\n.sub.example reject\noff.example off\n"

# One key for each state; lifetimes are 7 days.
SIGNING = prvs.Key(3, b"the key that signs at this time!", -1)
VERIFYING = prvs.Key(2, b"superseded one day ago, sha-256.", -12, algorithm="hmac-sha256")
RETIRED = prvs.Key(1, b"superseded twelve days ago......", -40)
STAGED = prvs.Key(7, b"signs from tomorrow on, or so...", 1)
ABSENT = prvs.Key(9, b"a key that no ring has.........")
RING = prvs.Ring([SIGNING, VERIFYING, RETIRED, STAGED])

ANY = {"mynetworks": "127.0.0.0/8"}
ORIGINATING = {"milter_macro_daemon_name": "ORIGINATING", **ANY}

# port name -> daemon, smtpd parameters
PORTS = {
    "in": ("plain", {}),
    "submission": ("plain", ORIGINATING),
    "open": ("plain", ANY),  # relays for everybody, and tells the milter nothing of it
    "auth": ("plain", None),
    "listed": ("plain", None),
    "unlisted": ("plain", {"relay_recipient_maps": "inline:{ user@example.com=x }"}),
    "rcpt": ("rcpt", {}),
    "rcpt-submission": ("rcpt", ORIGINATING),
    "mark": ("mark", {}),
    "accept": ("accept", {}),
    "inet": ("inet", {}),
    "inet-submission": ("inet", ORIGINATING),
    "networks": ("networks", ANY),
    "later": ("later", {}),
    "subaddress": ("subaddress", ORIGINATING),
}
DAEMONS = {
    "plain": {},
    "rcpt": {"untagged_stage": "rcpt", "reject_text": "100% no bounce of ours"},
    "mark": {"action": "mark", "domains": "example.com mark\n"},
    "accept": {"action": "accept", "domains": "example.com accept\n"},
    "inet": {},
    "networks": {"sign_networks": [OUTSIDE + "/32"]},
    "later": {"faketime": "+9d"},
    "subaddress": {"syntax": "subaddress"},
}


class World:
    """Empty until start() has been called."""

    def build(self):
        self.scratch = Scratch()
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.sink.rules.append((r"(?i)<nosuch@", "550 5.1.1 no such user here"))
        self.auth = Auth(self.scratch.path("auth"))
        at_end(self.auth.stop)
        self.daemons = {}
        for name, options in DAEMONS.items():
            options = {"domains": DOMAINS, **options}
            if name == "inet":
                options["listen"] = f"inet:{free_port()}@127.0.0.1"
            self.daemons[name] = Daemon(self.scratch.dir, name, RING, **options)
        self.port = {name: free_port() for name in PORTS}
        self.remote_port = free_port()
        self.gateway = Postfix(self.scratch.path("gateway"), "gw.example.com", self.services(),
                               relay_domains="example.com a.sub.example off.example",
                               relayhost=f"[127.0.0.1]:{self.sink.port}",
                               transport_maps=f"inline:{{ remote.example=smtp:[127.0.0.1]:{self.remote_port} }}",
                               non_smtpd_milters=self.daemons["plain"].milter)
        self.remote = Postfix(self.scratch.path("remote"), "mx.remote.example", {self.remote_port: {}},
                              relay_domains="remote.example",
                              relayhost=f"[127.0.0.1]:{self.port['in']}",
                              transport_maps=f"inline:{{ remote.example=smtp:[127.0.0.1]:{self.sink.port} }}",
                              smtp_bind_address=OUTSIDE)

    def services(self):
        known = self.scratch.write("known.regexp", "/^user@example\\.com$/ x\n/^\"?prvs=.*@example\\.com$/ x\n")
        own = {"auth": self.auth.settings, "listed": {"relay_recipient_maps": "regexp:" + known}}
        return {self.port[name]: {"smtpd_milters": self.daemons[daemon].milter, **(own.get(name) or options)}
                for name, (daemon, options) in PORTS.items()}

    def start(self):
        self.build()
        at_end(self.gateway.stop)
        at_end(self.remote.stop)
        starting = [threading.Thread(target=p.start) for p in (self.gateway, self.remote)]
        for each in starting:
            each.start()
        for daemon in self.daemons.values():
            daemon.start()
        for each in starting:
            each.join()
        true(self.gateway.master() and self.remote.master(), "Postfix does not run:\n" + self.gateway.log())
        for name, daemon in self.daemons.items():
            SUITE.logs[f"bvmilter ({name})"] = daemon.log
        SUITE.logs["Postfix"] = self.gateway.log

    def client(self, port, source=OUTSIDE, **options):
        return Client(self.port[port], source, **options)

    def message(self, word, headers=""):
        return (f"{headers}From: Somebody <somebody@outside.example>\nTo: user@example.com\n"
                f"Subject: test {word}\nMessage-ID: <{word}@outside.example>\n\nHello, {word}.\n")

    def send(self, client, mail, rcpts, headers=""):
        """One message: what the server said, and where it was delivered in the end."""
        word = token()
        out = transact(client, mail, rcpts, self.message(word, headers))
        return out, self.delivered(out, word)

    def mail(self, port, mail, rcpts, headers="", source=OUTSIDE):
        with self.client(port, source) as client:
            return self.send(client, mail, rcpts, headers)

    def delivered(self, out, word):
        """Every copy of a message, none when it was refused; waits until it has left the queue."""
        if not out.end or out.end.code != 250:
            return Copies([])
        true(self.gateway.wait_gone(out.end.queue_id), f"{out.end.queue_id} stays in the queue")
        return Copies(self.sink.having(word))


class Copies(list):
    """The copies of one message that the sink holds."""

    @property
    def recipients(self):
        return sorted(rcpt for copy in self for rcpt in copy.recipients)

    @property
    def sender(self):
        same(len(self), 1, "copies of the message at the sink")
        return self[0].sender

    @property
    def rcpt_words(self):
        """The only recipient of the only copy, and its parameters in order of the alphabet."""
        same([len(copy.rcpts) for copy in self], [1], "recipients of each copy")
        return sorted(self[0].rcpts[0].split())

    def header(self):
        """The value of our header, which must be there once, on top of all; None when it is not there at all."""
        values = {tuple(copy.header(HEADER)) for copy in self}
        same(len(values), 1, "different sets of headers among the copies")
        value = values.pop()
        if not value:
            return None
        same(len(value), 1, f"headers {HEADER} in the message")
        for copy in self:
            same(copy.headers[0][0], HEADER, "the first header")
        return value[0]


def signed(sender, original, key=SIGNING):
    true(sender.endswith("=" + original) and key.made(sender),
         f"sender on the wire is {sender!r}, not key {key.number}'s tag for {original}")


def refused(reply, text="bounce verification failed"):
    same(reply.code, 550, f"the reply \"{reply}\"")
    matches(reply.text, r"^5\.7\.1 ", "the reply")
    contains(reply.text, text, "the reply")
    true("@" not in reply.text and "prvs" not in reply.text, f"the reply echoes an address: {reply}")


def log_line(daemon, word, source, event, verdict, action, key, sender, rcpt):
    """The daemon's line that holds a word, which must be exactly this one."""
    found = daemon.wait_log(re.escape(word))
    true(found, f"no log line holds {word!r}")
    line = re.sub(r"^bvmilter: ", "", found.string)
    queue_id = line.split(":")[0]
    matches(queue_id, r"^(NOQUEUE|[0-9A-Za-z]{6,})$", "queue id in the log")
    same(line, f"{queue_id}: client=unknown[{source}], event={event}, verdict={verdict}, action={action}, "
         f"key={key}, from=<{sender}>, rcpt=<{rcpt}>", "log line")
    return queue_id


SUITE = Suite()
WORLD = World()

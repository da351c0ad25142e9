"""
What clients do to the daemon in test_fail2ban.py, and whether that is counted.
Nobody is at VICTIM: that address only stands in what others write.
"""

import re

from harness import same, true, wait_until
from milterclient import Milter, message
from milterworld import SIGNING, SUBMISSION, bracket, fresh, made

VICTIM = "192.0.2.99"
BOTH, AGGRESSIVE, NEVER = "in both modes", "in mode aggressive", "never"
FAKE = f"client=x[{VICTIM}], event=bounce, verdict=forged, action=reject, key=3, from=<>, rcpt=<a>"
_count = 0


class Deed:
    """One message, or several, from a client with an address of its own, and the lines that the daemon wrote."""

    def __init__(self, name, counted, what, rcpts, mail="<>", address="", logged=None, daemon="rcpt",
                 host="mx.example.net", helo="mx.example.net", connect=None, queue_id="4XyZ1abc", headers=()):
        global _count
        _count += 1
        self.name, self.counted, self.what, self.rcpts, self.mail = name, counted, what, rcpts, mail
        self.address = address if address != "" else f"198.51.100.{_count}"
        self.logged = logged or self.address  # how the daemon writes the address
        self.daemon, self.host, self.helo, self.connect = daemon, host, helo, connect
        self.queue_id, self.headers = queue_id, headers

    def do(self, daemon):
        start, self.guesses = len(daemon.lines), int(self.daemon == "cut")
        with Milter(daemon.connect()) as milter:
            milter.connect(self.address, self.host, self.connect)
            milter.helo(self.helo)
            for _ in range(self.guesses):
                message(milter, "<>", deeds("forged"))
            message(milter, self.mail, self.rcpts, headers=self.headers, queue_id=self.queue_id)
        expected = self.guesses + (1 if self.connect == SUBMISSION else len(self.rcpts))
        true(wait_until(lambda: len(daemon.lines) - start >= expected, 5), f"{self.name}: lines are missing")
        self.lines = daemon.lines[start + self.guesses:]

    def check(self):
        """Whether the daemon has logged what the row says."""
        true(self.lines, "no line")
        for line in self.lines:
            found = re.match(r"bvmilter: \w+: client=[\w.-]+\[([^]]+)\], event=(\S+), verdict=(\S+), "
                             r"action=(\S+), ", line)
            true(found, f"the line {line!r}")
            same(found[1], self.logged, f"the address in {line!r}")
            true(re.fullmatch(self.what, "/".join(found.groups()[1:])), f"not {self.what}: {line!r}")

    def hits(self, mode):
        return self.guesses + len(self.lines) * (self.counted == BOTH or self.counted == "in mode " + mode)


def deeds(*kinds, domain="example.com"):
    return [made(kind, fresh(domain)) for kind in kinds]


def quoted(text, tag=""):
    """A text as a local part, whatever is in it."""
    return '<"' + tag + text.replace("\\", "\\\\").replace('"', '\\"') + '"@'


TAG = SIGNING.forge("x@example.com").split("=x@")[0] + "="  # it fits no other address

PLAIN = [
    Deed("forged", BOTH, "bounce/forged/reject", deeds("forged", "forged", "forged")),
    Deed("unknown key", BOTH, "bounce/unknown-key/reject", deeds("unknown", "unknown")),
    Deed("malformed", BOTH, "bounce/malformed/reject", deeds("malformed")),
    Deed("forged, in a domain without bounces", BOTH, "bounce/forged/reject",
         deeds("forged", domain="parked.example")),
    Deed("forged, from an IPv6 address", BOTH, "bounce/forged/reject", deeds("forged"), address="2001:db8::10"),
    Deed("forged, from a long IPv6 address", BOTH, "bounce/forged/reject", deeds("forged", "forged"),
         address="2001:db8:1111:2222:3333:4444:5555:6666"),
    Deed("forged, from an IPv6 address with a gap", BOTH, "bounce/forged/reject", deeds("forged"),
         address="2001:db8::7:0:0:8"),
    Deed("forged, from an IPv4 address in IPv6", BOTH, "bounce/forged/reject", deeds("forged"),
         address="::ffff:198.51.100.250", logged="198.51.100.250"),
    Deed("forged, from a short address", BOTH, "bounce/forged/reject", deeds("forged"), address="8.8.4.4"),
    Deed("forged, and the MTA does not know the name", BOTH, "bounce/forged/reject", deeds("forged"), host="unknown"),
    Deed("forged, and the name is an address", BOTH, "bounce/forged/reject", deeds("forged"), host=f"[{VICTIM}]"),
    Deed("forged, and the name looks like an address", BOTH, "bounce/forged/reject", deeds("forged"), host=VICTIM),
    Deed("forged, and the name looks like us", BOTH, "bounce/forged/reject", deeds("forged"), host="bvmilter"),
    Deed("forged, and the name is long", BOTH, "bounce/forged/reject", deeds("forged"),
         host=("a" * 62 + ".") * 4 + "x"),
    Deed("forged, and the name is too long", BOTH, "bounce/forged/reject", deeds("forged"), host="x." * 2000),
    Deed("forged, from an unknown address", NEVER, "bounce/forged/reject", deeds("forged"), address=None,
         logged="unknown"),
    Deed("forged, from an unknown address with a name", NEVER, "bounce/forged/reject", deeds("forged"), address=None,
         logged="unknown", host=VICTIM),
    Deed("cut off: what was made up counts", BOTH, "bounce/forged/disconnect", deeds("forged", "forged"), daemon="cut"),
    Deed("cut off: a valid tag does not", NEVER, "bounce/valid/disconnect", deeds("valid"), daemon="cut"),
    Deed("cut off: an expired tag does not", NEVER, "bounce/expired/disconnect", deeds("expired"), daemon="cut"),
    Deed("cut off: none at all", AGGRESSIVE, "bounce/untagged/disconnect", deeds("untagged"), daemon="cut"),
    Deed("untagged, at RCPT", AGGRESSIVE, "bounce/untagged/reject", deeds("untagged", "untagged")),
    Deed("untagged, at the end", AGGRESSIVE, "bounce/untagged/reject", deeds("untagged"), daemon="data"),
    Deed("untagged, from an IPv6 address", AGGRESSIVE, "bounce/untagged/reject", deeds("untagged"),
         address="2001:db8::11"),
    Deed("mail to a domain that receives nothing", AGGRESSIVE, "guard/no-mail/reject",
         deeds("untagged", domain="nomail.example"), mail="<a@outside.example>"),
    Deed("expired", NEVER, "bounce/expired/reject", deeds("expired", "expired")),
    Deed("valid", NEVER, "bounce/valid/accept", deeds("valid")),
    Deed("valid, in a domain without bounces", NEVER, "bounce/valid/reject", deeds("valid", domain="parked.example")),
    Deed("forged, marked", NEVER, "bounce/forged/mark", deeds("forged", domain="mark.example")),
    Deed("unknown key, marked", NEVER, "bounce/unknown-key/mark", deeds("unknown", domain="mark.example")),
    Deed("untagged, marked", NEVER, "bounce/untagged/mark", deeds("untagged", domain="mark.example")),
    Deed("forged, accepted", NEVER, "bounce/forged/accept", deeds("forged", domain="accept.example")),
    Deed("forged, held", NEVER, "bounce/forged/quarantine", deeds("forged", domain="hold.example")),
    Deed("forged, dropped", NEVER, "bounce/forged/discard", deeds("forged", domain="drop.example")),
    Deed("exempt", NEVER, "bounce/exempt/accept", ["<abuse@example.com>"]),
    Deed("not taggable", NEVER, "bounce/not-taggable/accept", ['<"a b"@example.com>']),
    Deed("a reply", NEVER, "bounce/reply/accept", deeds("untagged"), daemon="data",
         headers=[("Auto-Submitted", "auto-replied"), ("Subject", "Out of office")]),
    Deed("ordinary mail to a tag", NEVER, "strip/valid/accept", deeds("valid"), mail="<a@outside.example>"),
    Deed("ordinary mail to a tag, through a unix socket", NEVER, "strip/valid/accept", deeds("valid"),
         mail="<a@outside.example>", address="/" + VICTIM, logged="unix"),
    Deed("ordinary mail to an old tag", NEVER, "strip/expired/accept", deeds("expired"), mail="<a@outside.example>"),
    Deed("signed", NEVER, "sign/signed/accept", ["<a@outside.example>"], mail="<user@example.com>",
         connect=SUBMISSION),
    Deed("signed already", NEVER, "sign/already-tagged/accept", ["<a@outside.example>"],
         mail=bracket(SIGNING.forge("user@example.com")), connect=SUBMISSION),
]

# What a stranger writes wherever he can.
TEXTS = [
    ("a line of ours", FAKE),
    ("a line without blanks", FAKE.replace(" ", "")),
    ("the end of an address, and a line", f">, rcpt=<x@y> NOQUEUE: {FAKE}"),
    ("brackets and the rest", f"x[{VICTIM}], event=bounce, verdict=forged, action=reject, key="),
    ("the rest alone", f"[{VICTIM}], event=bounce, verdict=forged, action=reject, key="),
    ("a line feed and a line", f"\nbvmilter: NOQUEUE: {FAKE}"),
    ("a line from syslog", f"\r\nNov 21 19:00:00 gw bvmilter[427]: NOQUEUE: {FAKE}\r\n"),
    ("line feeds in hex", f"%0a%0d%0abvmilter[427]: NOQUEUE: {FAKE}%0a"),
    ("line feeds escaped", f"\\nbvmilter[427]: NOQUEUE: {FAKE}\\n"),
    ("other ends of lines", f"\x0b\x0c\x1c\x1d\x85bvmilter: NOQUEUE: {FAKE}"),
    ("8-bit", f"\xff\xfe\xe2\x80\xa8bvmilter: NOQUEUE: {FAKE}"),
    ("terminal controls", f"\x1b[2K\x08\x08\x08bvmilter: NOQUEUE: {FAKE}"),
    ("length", "x" * 3000 + FAKE),
    ("a time", "2005-01-01T00:00:00+00:00"),
    ("a time of syslog", "Jan  1 00:00:00"),
    ("a time of TAI", "@4000000037c219bf2ef02e94"),
    ("a time in seconds", "1100000000.000"),
    ("the filter's own words", "<ADDR> <HOST> <F-NOFAIL> (?P<ip4>x) %(_client)s .*"),
]
MADE_UP = "bounce/(forged|malformed)/"


def hostile(name, text):
    """The text wherever it can be written, in deeds that count and in such that do not."""
    where = dict(host=text, helo=text, queue_id=text)
    own = quoted(text, TAG)
    return [
        Deed(f"{name}, in what is refused at RCPT", BOTH, MADE_UP + "reject",
             [own + "example.com>"] * 2, **where),
        Deed(f"{name}, beside a forged tag", BOTH, "bounce/forged/reject", deeds("forged"), **where),
        Deed(f"{name}, in what is refused at the end", AGGRESSIVE, "bounce/untagged/reject", deeds("untagged"),
             daemon="data", **where),
        Deed(f"{name}, in what is marked", NEVER, MADE_UP + "mark", [own + "mark.example>"], **where),
        Deed(f"{name}, as a sender from outside", NEVER, "strip/valid/accept", deeds("valid"),
             mail=quoted(text) + "outside.example>", **where),
        Deed(f"{name}, as a sender of ours", NEVER, "sign/(not-taggable|signed)/accept", ["<a@outside.example>"],
             mail=quoted(text) + "example.com>", connect=SUBMISSION, **where),
    ]


DEEDS = PLAIN + [deed for row in TEXTS for deed in hostile(*row)]

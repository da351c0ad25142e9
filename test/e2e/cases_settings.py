"""Every setting takes effect by a reload; a bad value is told, and changes nothing."""

import time

from harness import contains, matches, prvs, same, true
from milterchanges import HEADER, held, inserted, sender
from milterclient import message
from milterworld import (INTERNAL, RING, SIGNING, SUBMISSION, SUITE, USER, WORLD, Own, bracket, fresh,
                         made)

MDN = [("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")]
AUTO = [("Auto-Submitted", "auto-replied")]
REMOTE, LISTS = "<friend@outside.example>", "<l@lists.example.org>"


class Probe:
    """What a daemon does, in a word, on a session of its own each time."""

    def __init__(self, own):
        self.name = own.name

    def bounce(self, what="untagged", domain="example.com", headers=(), **more):
        said = WORLD.one(self.name, "<>", [made(what, fresh(domain)) if domain else "<user>"], headers=headers, **more)
        if not said.rcpts[0].accepted:
            return "RCPT " + said.rcpts[0][:3]
        if not said.eom.accepted:
            return str(said.eom)[:3] if said.eom != "discard" else "discard"
        value = inserted(said)
        return ("held " if held(said) else "") + (value.split(" ")[0] if value else "accept")

    def signed(self, mail=None, rcpts=(REMOTE,), **more):
        return sender(WORLD.one(self.name, mail or bracket(USER), list(rcpts), **more)) is not None

    def ordinary(self, rcpt):
        return str(WORLD.one(self.name, "<s@outside.example>", [rcpt]).rcpts[0])[:3]


def two_forged(probe):
    with WORLD.session(probe.name) as milter:
        return message(milter, "<>", [made("forged", fresh()) for _ in range(2)]).rcpts[1][:3]


def reply(probe):
    return str(WORLD.one(probe.name, "<>", [made("forged", fresh())]).rcpts[0])


def tag(probe):
    return (sender(WORLD.one(probe.name, bracket(USER), [REMOTE], connect=SUBMISSION)) or "")[:9]


def header(probe):
    said = WORLD.one(probe.name, "<>", [made("valid", fresh())])
    name, value = next(c[2:] for c in said.changes if c[0] == "insheader")
    return name, value.split(" ")[0]


def storm(probe):
    for _ in range(3):
        probe.bounce("forged")
    return probe.bounce()


SETTINGS = [
    # name of the setting, probe; settings and what the probe tells, one after the other
    ("action", lambda p: p.bounce(domain=None),
     [({}, "550"), ({"action": "mark"}, "fail"), ({"action": "quarantine"}, "held fail"),
      ({"action": "discard"}, "discard"), ({"action": "accept"}, "accept"), ({"action": "reject"}, "550")]),
    ("untagged_stage", lambda p: p.bounce(), [({}, "550"), ({"untagged_stage": "rcpt"}, "RCPT 550"),
                                              ({"untagged_stage": "data"}, "550")]),
    ("reply_types", lambda p: (p.bounce(headers=MDN), p.bounce(headers=AUTO)),
     [({}, ("none", "none")), ({"reply_types": ["mdn"]}, ("none", "550")), ({"reply_types": []}, ("550", "550")),
      ({"reply_types": ["auto-reply", "dmarc-report"]}, ("550", "none"))]),
    ("reject_text", reply, [({}, "550 5.7.1 bounce verification failed"), ({"reject_text": "No."}, "550 5.7.1 No.")]),
    ("header_name", header, [({}, (HEADER, "pass")), ({"header_name": "X-New"}, ("X-New", "pass"))]),
    ("header_value", header, [({}, (HEADER, "pass")), ({"header_value": "%v"}, (HEADER, "valid"))]),
    ("max_bad_macs", two_forged, [({}, "550"), ({"max_bad_macs": 1}, "421"), ({"max_bad_macs": 2}, "550")]),
    ("syntax", tag, [({}, "prvs=3" + SIGNING.parts(USER)[1:4]), ({"syntax": "subaddress"}, "user+prvs"),
                     ({"subaddress_delimiter": "-"}, "user-prvs")]),
    ("mixed_recipients", lambda p: p.signed(rcpts=(REMOTE, LISTS), connect=SUBMISSION),
     [({"exceptions": "to lists.example.org no-tag\n"}, False), ({"mixed_recipients": "tagged"}, True),
      ({"mixed_recipients": "untagged"}, False)]),
    ("sign_authenticated", lambda p: p.signed(macros={"auth_type": "PLAIN"}),
     [({}, True), ({"sign_authenticated": False}, False), ({"sign_authenticated": True}, True)]),
    ("sign_networks", lambda p: p.signed(), [({}, False), ({"sign_networks": ["192.0.2.0/24"]}, True)]),
    ("sign_daemons", lambda p: p.signed(connect={"daemon_name": "out"}),
     [({}, False), ({"sign_daemons": ["out"]}, True)]),
    ("internal_networks", lambda p: p.bounce(address=INTERNAL),
     [({}, "550"), ({"internal_networks": [INTERNAL]}, "accept")]),
    ("storm_threshold", storm, [({}, "550"), ({"storm_threshold": 3, "storm_quiet": "1h"}, "RCPT 550")]),
    ("the exceptions table: rcpt, client", lambda p: (p.bounce(), p.bounce(host="mx.good.example")),
     [({}, ("550", "550")), ({"exceptions": "client mx.good.example accept-untagged\n"}, ("550", "none")),
      ({"exceptions": "rcpt example.com accept-untagged\n"}, ("none", "none")), ({"exceptions": ""}, ("550", "550"))]),
    ("the exceptions table: to, from", lambda p: (p.signed(rcpts=[LISTS], connect=SUBMISSION),
                                                  p.signed("<r@example.com>", connect=SUBMISSION)),
     [({}, (True, True)), ({"exceptions": "to lists.example.org no-tag\n"}, (False, True)),
      ({"exceptions": "from r@example.com no-tag\n"}, (True, False))]),
    ("the domains table: its words", lambda p: (p.bounce("forged"), p.ordinary(bracket(USER))),
     [({}, ("RCPT 550", "con")), ({"domains": "example.com mark\n"}, ("fail", "con")),
      ({"domains": "example.com no-mail\n"}, ("RCPT 556", "556")),
      ({"domains": "example.com no-bounces\n"}, ("RCPT 550", "con")),
      ({"domains": "example.com quarantine\n"}, ("held fail", "con")),
      ({"domains": f"example.com reject since={prvs.rfc3339(time.time() - 3600)}\n"}, ("fail", "con")),
      ({"domains": "other.example reject\n"}, ("accept", "con"))]),
]


@SUITE.rows([(f"reload: {name}", probe, steps) for name, probe, steps in SETTINGS])
def takes_effect(probe, steps):
    with Own() as own:
        for settings, expected in steps:
            own.daemon.tables(settings.get("domains"), settings.get("exceptions"))
            own.reload(**{k: v for k, v in settings.items() if k not in ("domains", "exceptions")})
            same(probe(Probe(own)), expected, f"with {settings}")


BAD = [
    # setting, bad value, what the log must say
    ("action", "tempfail", "tempfail"), ("action", "no-mail", "no-mail"),
    ("untagged_stage", "eom", "eom"),
    ("reply_types", ["mdn", "dsn"], "dsn"), ("reply_types", ["other"], "other"), ("reply_types", "mdn mdn", "mdn mdn"),
    ("warmup", "on", "on"), ("warmup", "7d", "7d"),
    ("max_bad_macs", -1, "-1"), ("max_bad_macs", 100000, "100000"), ("max_bad_macs", "many", "many"),
    ("mixed_recipients", "both", "both"),
    ("storm_threshold", -1, "-1"), ("storm_threshold", "1e3", "1e3"),
    ("storm_quiet", "10", "10"), ("storm_quiet", "0s", "0s"), ("storm_quiet", "soon", "soon"),
    ("exceptions", "/nonexistent/exceptions", "/nonexistent/exceptions"),
]


@SUITE.case("reload: a bad value is told with its line, and what was in use stays")
def bad_values():
    with Own(untagged_stage="rcpt", max_bad_macs=1, exceptions="rcpt abuse@example.com accept-untagged\n") as own:
        good, probe = dict(own.daemon.options), Probe(own)
        for name, value, word in BAD:
            own.daemon.configure(**{name: value})
            lines = own.signal()
            own.daemon.options = dict(good)
            true(any(name in line and word in line for line in lines), f"{name} = {value} is not told: {lines}")
            if name != "exceptions":
                number = 1 + (list(good) + [name]).index(name)
                true(any(f"{own.daemon.conf}:{number}:" in line for line in lines), f"{name}: no line: {lines}")
            contains("\n".join(lines), "not reloaded", f"log of {name} = {value}")
            same((probe.bounce(), two_forged(probe), WORLD.one(own.name, "<>", ["<abuse@example.com>"]).eom),
                 ("RCPT 550", "421", "continue"), f"what the daemon does with {name} = {value}")
        own.reload(untagged_stage="data")
        same(probe.bounce(), "550", "when all is good again")


@SUITE.case("reload: a bad table is told with file and line, and the old one stays")
def bad_tables():
    with Own(exceptions="rcpt abuse@example.com accept-untagged\n") as own:
        for domains, exceptions, line, word in (
                (None, "rcpt a@example.com accept-untagged\nrcpt b@example.com no-tag\n", 2, "no-tag"),
                (None, "whom a@example.com accept-untagged\n", 1, "whom"),
                (None, "client 198.51.100.7/24 accept-untagged\n", 1, "198.51.100.7/24"),
                (None, "to a.example no-tag\n\nto A.Example no-tag\n", 3, "line 1"),
                (None, "client a.example accept-untagged now\n", 1, "now"),
                ("example.com reject\na.example no-mails\n", None, 2, "no-mails"),
                ("example.com reject since=yesterday\n", None, 1, "yesterday"),
                ("a.example no-mail since=2026-11-20T00:00:00Z\n", None, 1, "since")):
            own.daemon.tables(domains, exceptions)
            path = own.daemon.domains if domains else own.daemon.exceptions
            lines = own.signal()
            true(any(f"{path}:{line}:" in text and word in text for text in lines), f"{word} is not told: {lines}")
            same(WORLD.one(own.name, "<>", ["<abuse@example.com>"]).eom, "continue", f"the old exception, {word}")
            same(Probe(own).bounce(), "550", f"the old domain, {word}")
            own.daemon.tables("example.com reject\n", "rcpt abuse@example.com accept-untagged\n")
        own.reload()


@SUITE.case("reload: a message goes on under the settings with which it began")
def in_the_middle():
    with Own(RING, exceptions="rcpt abuse@example.com accept-untagged\n") as own, WORLD.session(own.name) as milter:
        milter.mail("<>")
        true(milter.rcpt("<abuse@example.com>").accepted, "RCPT")
        own.daemon.tables("example.com no-mail\n", "rcpt abuse@example.com never-sends\n")
        own.reload(untagged_stage="rcpt", header_name="X-New")
        true(milter.rcpt(bracket(fresh())).accepted, "another RCPT, of the old data stage")
        milter.data()
        milter.header(HEADER, "forged")
        milter.eoh()
        answer = milter.eom()
        same(answer, "continue", "the end")
        same([c[:3] for c in answer.changes if c[0] in ("insheader", "chgheader")],
             [("chgheader", 1, HEADER), ("insheader", 0, HEADER)], "our header")
        milter.abort()
        matches(message(milter, "<s@outside.example>", ["<abuse@example.com>"]).rcpts[0], "^556", "the next message")

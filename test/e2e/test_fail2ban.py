#!/usr/bin/env python3
"""Whom fail2ban would ban for the daemon's log: BV_BIN=build/opt python3 test/e2e/test_fail2ban.py [WORD...]"""

import ast
import collections
import os
import re

import mta
from banrows import DEEDS, FAKE, VICTIM
from banworld import FILES, JOURNALS, UNIT, Fail2ban, journal_entry, stamp
from harness import (ROOT, Client, Daemon, Postfix, Scratch, Skip, Suite, at_end, contains, free_port, matches, same,
                     stop_all, transact, true, wait_until)
from milterclient import Milter, message
from milterworld import RING, WORDS, fresh, made

SUITE = Suite()
MODES = ("normal", "aggressive")
COMMON = {"domains": WORDS, "exceptions": "rcpt abuse@example.com accept-untagged\n", "storm_threshold": 0,
          "max_bad_macs": 0}
DAEMONS = {"rcpt": {"untagged_stage": "rcpt"}, "data": {}, "cut": {"max_bad_macs": 1},
           "careless": {"reject_text": "User unknown here"}}


class World:
    def start(self):
        self.scratch = Scratch()
        self.fail2ban = Fail2ban(self.scratch)
        self.daemon = {name: Daemon(self.scratch.dir, name, RING, **{**COMMON, **options}).start()
                       for name, options in DAEMONS.items()}
        SUITE.logs.update({f"bvmilter ({name})": daemon.log for name, daemon in self.daemon.items()})
        for deed in DEEDS:
            deed.do(self.daemon[deed.daemon])
        self.lines = [line for daemon in self.daemon.values() for line in daemon.lines]
        true(len(self.lines) > sum(len(deed.lines) for deed in DEEDS), "lines are missing")


WORLD = World()


# ---- the filter

for each in DEEDS:
    SUITE.case(f"words: {each.name}")(each.check)


def expected(mode):
    hits = {deed.logged: deed.hits(mode) for deed in DEEDS}
    return collections.Counter({address: n for address, n in hits.items() if n and address != "unknown"})


def compare(log, mode, filter_="bvmilter[mode={}]"):
    """Whether our filter finds exactly those in a log that a mode is to find."""
    found, want = WORLD.fail2ban.hits(log, filter_.format(mode)), expected(mode)
    names = {deed.logged: deed.name for deed in DEEDS}
    same({(who, names.get(who)): n for who, n in (found - want).items()}, {}, f"found too often in mode {mode}")
    same({(who, names.get(who)): n for who, n in (want - found).items()}, {}, f"found too rarely in mode {mode}")


@SUITE.rows([(f"filter: {layout}", layout) for layout in (*FILES, *JOURNALS)])
def layouts(layout):
    log = WORLD.fail2ban.log(layout, WORLD.lines)
    for mode in MODES:
        compare(log, mode)


@SUITE.case("filter: the mode is normal when none is named")
def default():
    compare(WORLD.fail2ban.log("mail.log", WORLD.lines), "normal", "bvmilter")


# What else stands in a log and holds strangers' words.
NOT_OURS = [
    "{t} gw postfix/smtpd[9]: NOQUEUE: milter-reject: RCPT from x[{v}]: 550 5.7.1 bounce verification failed; "
    "from=<> to=<prvs=0785aaaaaa=a@example.com> proto=ESMTP helo=<x>",
    "{t} gw postfix/cleanup[9]: 4XyZ1abc: milter-reject: END-OF-MESSAGE from x[{v}]: 5.7.1 bounce verification "
    "failed; from=<> to=<a@example.com> proto=ESMTP helo=<x>",
    "{t} gw postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[{v}]: 550 5.1.1 <a@b>: Recipient address rejected: User "
    "unknown; from=<> to=<a@b> proto=SMTP helo=<bvmilter[427]: NOQUEUE: {fake}>",
    "{t} gw postfix/smtpd[9]: NOQUEUE: {fake}",
    "{t} gw postfix/smtpd[9]: bvmilter[427]: NOQUEUE: {fake}",
    "{t} gw postfix/smtpd: bvmilter[427]: NOQUEUE: {fake}",
    "{t} gw postfix/smtpd[9]: {t} gw bvmilter[427]: NOQUEUE: {fake}",
    "{t} postfix/smtpd[9]: bvmilter: NOQUEUE: {fake}",
    "{t} smtpd: bvmilter: NOQUEUE: {fake}",
    "postfix/smtpd[9]: bvmilter: NOQUEUE: {fake}",
    "postfix/smtpd[9]: {t} gw bvmilter[427]: NOQUEUE: {fake}",
    "smtpd: {t} gw bvmilter: NOQUEUE: {fake}",
    "{t} gw xbvmilter[427]: NOQUEUE: {fake}",
    "{t} gw bvmilter2[427]: NOQUEUE: {fake}",
    "{t} gw bvmilter/x[427]: NOQUEUE: {fake}",
    "{t} gw bvmilter[x]: NOQUEUE: {fake}",
    "{t} gw bvmilter[427]: x: NOQUEUE: {fake}",
    "{t} gw bvmilter[427]: the MTA asks a map that is not served; the name of the map is \"untag\", not "
    "\"NOQUEUE: {fake}\"",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[192.0.2.98], event=strip, verdict=valid, action=accept, key=3, "
    "from=<>, rcpt=<NOQUEUE: {fake}>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[192.0.2.98], {fake}",
    "{t} gw bvmilter[427]: NOQUEUE: client=x, {fake}",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[unix], event=bounce, client={v}[{v}], verdict=forged, action=reject,",
    "{t} gw bvmilter[427]: NOQUEUE: client={v}[unix], event=bounce, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client={v}[localhost], event=bounce, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client={v}, event=bounce, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x [{v}], event=bounce, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=bounce, verdict=forged, action=tempfail, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=bounce, verdict=forged, action=too-many, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=bounce, verdict=fault, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=bounce, verdict=forged-or-so, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=sign, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=guard, verdict=forged, action=reject, key=3, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=guard, verdict=null-mx, action=reject, key=-, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=guard, verdict=bogus-mx, action=reject, key=-, from=<>",
    "{t} gw bvmilter[427]: NOQUEUE: client=x[{v}], event=bounce, verdict=forged, action=rejected, key=3, from=<>",
    "{t} gw bvmilter[427]: client=x[{v}], event=bounce, verdict=forged, action=reject, key=3, from=<>",
]


@SUITE.case("filter: the lines of others, whatever is in them")
def others():
    lines = {}
    for form in ("%b %e %H:%M:%S", "%FT%T.123456+00:00"):
        for line in NOT_OURS:
            address = f"203.0.113.{len(lines) + 1}"
            lines[address] = line.format(t=stamp(form), v=address, fake=FAKE.replace(VICTIM, address))
    log = WORLD.fail2ban.log("mail.log", WORLD.lines, lines.values())
    for mode in MODES:
        found = WORLD.fail2ban.hits(log, f"bvmilter[mode={mode}]")
        same([lines[address] for address in found if address in lines], [], f"lines found in mode {mode}")
        compare(log, mode)


# ---- the jails

@SUITE.case("jails: fail2ban takes them; only the mild one is on")
def jails():
    log = WORLD.scratch.write("empty.log", "")
    WORLD.fail2ban.write("jail.d/zz-test.local", f"[DEFAULT]\nsyslog_mail = {log}\n[sshd]\nenabled = false\n")
    status, out, err = WORLD.fail2ban.run("fail2ban-client", "-d")
    same(status, 0, f"exit status of fail2ban-client -d, which says {err}")
    commands = [ast.literal_eval(line) for line in out.splitlines()]
    same([c[1] for c in commands if c[0] == "start"], ["bvmilter"], "jails that are started")
    set_ = {c[2]: c[3:] for c in commands if c[:2] == ["set", "bvmilter"]}
    same({name: set_.get(name) for name in ("addignoreip", "addlogpath", "addjournalmatch", "maxretry")},
         {"addignoreip": ["127.0.0.0/8", "::1"], "addlogpath": [log, "head"],
          "addjournalmatch": ["_SYSTEMD_UNIT=" + UNIT], "maxretry": [20]}, "settings")
    true("untagged" not in set_["addfailregex"][0], f"not the expression of mode normal: {set_['addfailregex']}")
    with open(os.path.join(ROOT, "doc", "GUIDE")) as file:
        contains(file.read(), UNIT, "the GUIDE")


def refused(what, address, count):
    """So many refused bounces from an address; the daemon's lines."""
    daemon = WORLD.daemon["rcpt"]
    start = len(daemon.lines)
    with Milter(daemon.connect()) as milter:
        milter.connect(address)
        milter.helo()
        message(milter, "<>", [made(what, fresh()) for _ in range(count)])
    true(wait_until(lambda: len(daemon.lines) >= start + count, 5), "lines are missing")
    return daemon.lines[start:]


@SUITE.case("jails: a server bans after so many, in each form of the log, and nobody else")
def server():
    log, write = WORLD.scratch.write("mail.log", ""), FILES["mail.log"]
    WORLD.fail2ban.serve(f"[bvmilter]\nlogpath = {log}\n[bvmilter-backscatter]\nenabled = true\nlogpath = {log}\n")
    lines = [write(line) for line in WORLD.lines if VICTIM in line] * 15
    lines += [write(line) for line in refused("forged", "192.0.2.20", 20) + refused("forged", "192.0.2.19", 19)]
    lines += refused("forged", "2001:db8::20", 20)
    lines += [write(line) for count in (200, 199) for line in refused("untagged", f"192.0.2.{count}", count)]
    with open(log, "a") as file:
        file.writelines(line + "\n" for line in lines)
    want = {"bvmilter 192.0.2.20", "bvmilter 2001:db8::20", "bvmilter-backscatter 192.0.2.200"}
    true(wait_until(lambda: want <= set(WORLD.fail2ban.bans()), 20), f"bans: {WORLD.fail2ban.bans()}")
    WORLD.fail2ban.stop()
    others = {deed.address for deed in DEEDS}
    same({ban for ban in WORLD.fail2ban.bans() if ban.split()[1] not in others}, want, "bans")


# ---- the filter that fail2ban ships for Postfix

HARD_ERRORS = "20"  # Postfix's own default
STOCK = [
    # name, the port's daemon, recipients, in Postfix's log, whether the stock filter counts it
    ("forged", "rcpt", ["forged"], r"milter-reject: RCPT from \S+: 550 5\.7\.1 bounce verification failed;", False),
    ("expired", "rcpt", ["expired"], r"550 5\.7\.1 bounce verification failed: the address tag has expired;", False),
    ("untagged, at RCPT", "rcpt", ["untagged"], r"RCPT from \S+: 550 5\.7\.1 bounce verification failed;", False),
    ("untagged, at the end", "data", ["untagged"], r"END-OF-MESSAGE from \S+: 5\.7\.1 bounce verification", False),
    ("cut off", "cut", ["forged"] * 2, r"421 4\.7\.0 too many forged address tags in this session;", False),
    ("no mail", "rcpt", ["no-mail"], r"556 5\.1\.10 the recipient's domain does not accept mail;", False),
    ("19 refused in a session", "rcpt", ["untagged"] * 19, r"bounce verification failed;", False),
    ("20 refused in a session: too many errors", "rcpt", ["untagged"] * 20, r"too many errors after RCPT", True),
    ("the daemon is down", "down", ["forged"], r"451 4\.7\.1 Service unavailable - try again later;", False),
    ("a user that Postfix does not know", "strict", ["forged"], r"Recipient address rejected: User unknown", True),
    ("a reject_text that names one of its reasons", "careless", ["forged"], r"5\.7\.1 User unknown here;", True),
]


def bounce_to(kind):
    return made("untagged", fresh("nomail.example")) if kind == "no-mail" else made(kind, fresh())


class Mta:
    """A Postfix with a port for each daemon, one for none, and one that knows no tagged recipients."""

    def __init__(self):
        why = mta.why_not()
        if why:
            raise Skip(why)
        settings = {name: {"smtpd_milters": daemon.milter} for name, daemon in WORLD.daemon.items()}
        settings["down"] = {"smtpd_milters": "unix:" + WORLD.scratch.path("nobody")}
        settings["strict"] = {"relay_recipient_maps": "inline:{ user@example.com=x }"}
        self.port = {name: free_port() for name in settings}
        self.postfix = Postfix(WORLD.scratch.path("postfix"), "gw.example.com",
                               {self.port[name]: each for name, each in settings.items()},
                               relay_domains="example.com nomail.example", smtpd_hard_error_limit=HARD_ERRORS)
        at_end(self.postfix.stop)
        self.postfix.start()

    def bounce(self, name, source, rcpts):
        with Client(self.port[name], source) as client:
            transact(client, "<>", rcpts, "Subject: Undelivered\n\nReturned\n")


@SUITE.case("stock filter for Postfix: which of our refusals it counts; ours none of Postfix's lines")
def stock():
    server = Mta()
    wanted = {}
    for number, (name, port, kinds, pattern, counted) in enumerate(STOCK, 2):
        source = f"127.0.0.{number}"
        server.bounce(port, source, [bounce_to(kind) for kind in kinds])
        logged = rf"unknown\[{re.escape(source)}\]"
        true(server.postfix.wait_log(f"(?m)^.*{pattern}.*$", 5), f"{name}: Postfix has not logged {pattern}")
        true(server.postfix.wait_log(f"disconnect from {logged}", 5), f"{name}: Postfix goes on")
        lines = [line for line in server.postfix.log().splitlines() if re.search(logged, line)]
        true(any(re.search(pattern, line) for line in lines), f"{name}: no such line among {lines}")
        wanted[source] = (name, counted)
    log = WORLD.scratch.write("maillog", server.postfix.log())
    for mode in ("more", "aggressive"):
        found = WORLD.fail2ban.hits(log, f"postfix[mode={mode}]")
        same({source: (name, source in found) for source, (name, _) in wanted.items()}, wanted, f"in mode {mode}")
    for mode in MODES:
        same(dict(WORLD.fail2ban.hits(log, f"bvmilter[mode={mode}]")), {}, f"Postfix's lines in our mode {mode}")
    ours = WORLD.fail2ban.log("mail.log", WORLD.lines)
    same(dict(WORLD.fail2ban.hits(ours, "postfix[mode=aggressive]")), {}, "the stock filter on our lines")


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(WORLD.daemon.values())


SUITE.run(WORLD.start)

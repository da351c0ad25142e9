"""What no MTA does: garbage, crowds, and a check that no message leaves a trace in the next."""

import os
import random
import socket
import statistics
import struct
import time

import milterclient
from harness import Skip, sanitized, same, true, wait_until
from milterchanges import sender
from milterclient import message
from milterworld import AUTH, OUTSIDE, SIGNING, STAGED, SUBMISSION, SUITE, USER, WORLD, Own, bracket

TAG, FORGED, OURS = bracket(SIGNING.tag(USER)), bracket(SIGNING.forge(USER)), bracket(USER)
REMOTE = "<friend@outside.example>"
HEADER = ("X-Bounce-Verification", "pass (valid)")
RECEIPT = ("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")
NOTICE = ("Content-Type", "multipart/report; report-type=delivery-status; boundary=b")

# Everything that message() can be told, in every combination that matters.
MESSAGES = [
    dict(mail=OURS, rcpts=[REMOTE]),
    dict(mail=[OURS, "RET=HDRS"], rcpts=[REMOTE, "<b@outside.example>"], macros=AUTH),
    dict(mail=OURS, rcpts=[REMOTE], macros=AUTH, stop="mail"),
    dict(mail=OURS, rcpts=[REMOTE], macros=AUTH, stop="rcpt"),
    dict(mail=OURS, rcpts=[REMOTE], macros={"auth_type": ""}),
    dict(mail=REMOTE, rcpts=[OURS]),
    dict(mail=REMOTE, rcpts=[TAG, OURS], headers=[HEADER] * 2),
    dict(mail=REMOTE, rcpts=[FORGED]),
    dict(mail=REMOTE, rcpts=[TAG], stop="data"),
    dict(mail="<>", rcpts=[TAG], headers=[HEADER] * 3),
    dict(mail="<>", rcpts=[TAG, bracket(STAGED.tag("b@example.com"))]),
    dict(mail="<>", rcpts=[FORGED]),
    dict(mail="<>", rcpts=[FORGED, TAG]),
    dict(mail="<>", rcpts=[OURS]),
    dict(mail="<>", rcpts=[OURS, TAG], headers=[HEADER]),
    dict(mail="<>", rcpts=[OURS, "<b@example.com>"], stop="rcpt"),
    dict(mail="<>", rcpts=[TAG], headers=[HEADER] * 4, stop="header"),
    dict(mail="<>", rcpts=[OURS], headers=[RECEIPT]),
    dict(mail="<>", rcpts=[OURS], headers=[RECEIPT], stop="header"),
    dict(mail="<>", rcpts=[OURS, TAG], headers=[NOTICE, HEADER]),
    dict(mail="<>", rcpts=[OURS], headers=[NOTICE], stop="header"),
    dict(mail=REMOTE, rcpts=[OURS], headers=[RECEIPT, HEADER]),
    dict(mail="<>", rcpts=['<"a b"@example.com>']),
    dict(mail="<>", rcpts=[REMOTE]),
    dict(mail="<>", rcpts=[], stop="mail"),
    dict(mail="", rcpts=[bracket(SIGNING.tag(USER, -2))]),
]
CLIENTS = [(OUTSIDE, {}), (OUTSIDE, SUBMISSION), ("127.0.0.1", {}), (None, {})]


@SUITE.rows([(f"no trace: random messages on one connection, {daemon}", daemon, 60)
             for daemon in ("data", "rcpt", "inet-data")])
def no_trace(daemon, sessions):
    seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
    SUITE.diagnose(f"SEED={seed}")
    rng = random.Random(seed)
    alone = {}
    for n in range(sessions):
        client = rng.randrange(len(CLIENTS))
        address, macros = CLIENTS[client]
        with WORLD.session(daemon, address, macros) as milter:
            history = []
            for _ in range(25):
                which = rng.randrange(len(MESSAGES))
                history.append(which)
                if (client, which) not in alone:
                    with WORLD.session(daemon, address, macros) as fresh:
                        alone[client, which] = str(message(fresh, **MESSAGES[which]))
                same(str(message(milter, **MESSAGES[which])), alone[client, which],
                     f"session {n}, client {client}, after messages {history}: {MESSAGES[which]}")
                true(milter.silent(), f"something nobody waits for, after messages {history}")


def alive(daemon):
    said = WORLD.one(daemon, OURS, [REMOTE], connect=SUBMISSION)
    true(SIGNING.made(sender(said) or ""), f"the daemon ({daemon}) does not sign any more: {said}")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{WORLD.daemon[daemon].process.pid}/fd"))


GARBAGE = [
    ("an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("zeros", b"\0" * 64),
    ("ones", b"\xff" * 64),
    ("a packet of 4 GB", struct.pack(">I", 0xffffffff) + b"O"),
    ("a packet without a command", struct.pack(">I", 0)),
    ("half a length", b"\0\0"),
    ("a negotiation cut short", struct.pack(">I", 5) + b"O\0\0\0\6"),
    ("version 0", struct.pack(">IcIII", 13, b"O", 0, 0x1ff, 0x1fffff)),
    ("a macro's name without its value", struct.pack(">I", 7) + b"DCname\0"),
    ("MAIL before anything", struct.pack(">I", 4) + b"M<>\0"),
    ("a command that does not exist", struct.pack(">I", 1) + b"Z"),
]


@SUITE.rows([("garbage: " + name, bytes_) for name, bytes_ in GARBAGE])
def garbage(data):
    for daemon in ("data", "inet"):
        sock = WORLD.daemon[daemon].connect()
        sock.settimeout(5)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
        except OSError:
            pass
        sock.close()
        alive(daemon)


@SUITE.rows([
    ("hostile: RCPT without a NUL at its end", b"R", b"<user@example.com>"),
    ("hostile: RCPT without anything", b"R", b""),
    ("hostile: RCPT before MAIL", b"R", b"<user@example.com>\0"),
    ("hostile: end of message before MAIL", b"E", b""),
    ("hostile: a header without a value", b"L", b"Subject"),
    ("hostile: CONNECT without an address", b"C", b"host"),
    ("hostile: CONNECT with half an address", b"C", b"host\0004\0"),
    ("hostile: macros without a value", b"D", b"Mname"),
    ("hostile: a macro's name without its value", b"D", b"Mname\0"),
    ("hostile: DATA before MAIL", b"T", b""),
])
def hostile(command, data):
    for daemon in ("data", "rcpt"):
        milter = WORLD.milter(daemon)
        milter.sock.settimeout(0.3)
        try:
            milter.packet(command, data)
            milter.answer(True)
        except (TimeoutError, ConnectionError, milterclient.ProtocolError):
            pass
        milter.close()
        alive(daemon)


@SUITE.case("hostile: the last macro has no value, and another one is looked for")
def odd_macros():
    if sanitized():
        raise Skip("the sanitizer's malloc() has no NULL behind what it gives")
    with Own() as own:
        rng = random.Random(1)
        for _ in range(60):  # what lies behind the odd array depends on what was there before
            with WORLD.session(own.name, macros={"daemon_name": "x" * rng.randrange(1, 200)}) as milter:
                milter.mail(REMOTE, macros={"auth_type": "x" * rng.randrange(1, 200), "auth_authen": ""})
                milter.abort()
                milter.packet(b"D", b"M" + b"name\0" * rng.choice((1, 3, 5, 7)))
                milter.packet(b"M", OURS.encode() + b"\0")
                milter.macros("rcpt", b"R", 3, {"i": "4Odd1"})
                milter.packet(b"R", REMOTE.encode() + b"\0")
                same(milter.answer(False), "continue", "the answer to RCPT")
        alive(own.name)


@SUITE.rows([
    ("long: a local part of 4 KiB, null sender", "<>", ["<" + "x" * 4096 + "@example.com>"]),
    ("long: a domain of 4 KiB", "<>", ["<x@" + "y" * 4096 + ".example.com>"]),
    ("long: a sender of 60 KiB", "<" + "x" * 60000 + "@example.com>", [REMOTE]),
    ("long: a thousand arguments", ["<user@example.com>"] + ["A=B"] * 1000, [[TAG] + ["NOTIFY=NEVER"] * 1000]),
    ("long: a thousand recipients", "<>", [bracket(SIGNING.tag(f"u{i}@example.com")) for i in range(1000)]),
    ("long: a route of a thousand hosts", "<>", ["<" + ",".join(["@a.example"] * 1000) + ":user@example.com>"]),
    ("odd: brackets all over", "<>", ["<<<<user@example.com>"]),
    ("odd: quotes that do not end", "<>", ['<"user@example.com>']),
    ("odd: a backslash at the end", "<>", ["<user\\"]),
    ("odd: comments in comments", "<>", ["<(a(b(c" + "(" * 1000 + ")user@example.com>"]),
])
def long(mail, rcpts):
    for connect in ({}, SUBMISSION):
        said = WORLD.one("data", mail, rcpts, connect=connect)
        true(said.final is not None, f"no answer: {said.mail} {said.eom}")
    alive("data")


@SUITE.case("crowd: two thousand connections that leave at once, in every way")
def crowd():
    before = descriptors("data")
    for i in range(2000):
        sock = WORLD.daemon["data"].connect()
        if i % 3:
            sock.sendall(struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff)[:17 if i % 3 == 1 else 9])
        sock.close()
    alive("data")
    true(wait_until(lambda: descriptors("data") <= before + 3),
         f"{descriptors('data')} descriptors, {before} before")


@SUITE.case("crowd: three hundred sessions at a time, each in the middle of a message")
def many_sessions():
    before = descriptors("rcpt")
    sessions = [WORLD.session("rcpt", macros=SUBMISSION) for _ in range(300)]
    for milter in sessions:
        milter.mail(OURS)
        milter.rcpt(REMOTE)
    for milter in sessions:
        milter.data()
        milter.eoh()
        answer = milter.eom()
        same([c[0] for c in answer.changes], ["chgfrom"], "changes")
    for milter in sessions:
        milter.close()
    true(wait_until(lambda: descriptors("rcpt") <= before + 3),
         f"{descriptors('rcpt')} descriptors, {before} before")


@SUITE.rows([(f"cut: the MTA goes away {where}", where) for where in
             ("after MAIL", "after RCPT", "after DATA", "instead of waiting for the end")])
def cut(where):
    for _ in range(20):
        milter = WORLD.session("data")
        milter.mail("<>")
        if where != "after MAIL":
            milter.rcpt(TAG)
        if where in ("after DATA", "instead of waiting for the end"):
            milter.data()
        if where == "instead of waiting for the end":
            milter.macros("eom", b"E", 5, {"i": "4Cut1"})
            milter.packet(b"E")
        milter.close(polite=False)
    alive("data")


@SUITE.rows([(f"TCP: no message waits 40 ms for an acknowledgement, {d}", d) for d in ("inet", "inet-data")])
def no_stall(daemon):
    for connect, mail, rcpt in ((SUBMISSION, OURS, REMOTE), ({}, "<>", TAG), ({}, REMOTE, OURS)):
        took = []
        with WORLD.session(daemon, macros=connect) as milter:
            for _ in range(30):
                begin = time.monotonic()
                message(milter, mail, [rcpt])
                took.append(time.monotonic() - begin)
        median = statistics.median(took)
        true(median < 0.02, f"{mail} to {rcpt}: {1000 * median:.1f} ms a message")


@SUITE.case("memory: three thousand messages do not make the daemon grow")
def memory():
    if sanitized():
        raise Skip("the address sanitizer keeps what is freed")

    def resident():
        with open(f"/proc/{WORLD.daemon['rcpt'].process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def many(count):
        with WORLD.session("rcpt", macros=SUBMISSION) as milter:
            for _ in range(count):
                message(milter, OURS, [REMOTE], headers=())
                message(milter, "<>", [TAG], headers=())

    many(500)
    before = resident()
    many(1000)
    true(resident() < before + (1 << 20), f"{before} octets before, {resident()} after")

"""The map "mx"."""

import os
import subprocess
import threading
import time

from guardworld import SIGNING, SUITE, USER, WORLD, threads, timed
from harness import Daemon, contains, program, prvs, same, true, wait_until
from mapworld import NOT_FOUND, netstring

BOGUS = "OK error:5.4.6 Domain MX in loopback network"
NULL = "OK error:5.4.6 the recipient's domain does not accept mail"


@SUITE.rows([("map: " + row[0], *row[1:]) for row in (
    ("an address, as Postfix asks", "u@loopback.example", BOGUS),
    ("in capitals", "U@LOOPBACK.Example", BOGUS),
    ("a quoted one", '"a b"@loopback.example', BOGUS),
    ("a quoted one with an at sign", '"a@healthy.example"@loopback.example', BOGUS),
    ("in angle brackets", "<u@loopback.example>", BOGUS),
    ("a domain", "loopback.example", BOGUS),
    ("a domain with a dot behind it", "loopback.example.", BOGUS),
    ("another kind", "u@private.example", "OK error:5.4.6 Domain MX in private network"),
    ("a null MX", "u@null-mx.example", NULL),
    ("a tagged sender of the domain", "prvs=3785366f45=u@loopback.example", BOGUS),
    ("a healthy one", "u@healthy.example", NOT_FOUND),
    ("one of two addresses is bogus", "u@mixed.example", NOT_FOUND),
    ("a name that does not exist", "u@no-such-name.example", NOT_FOUND),
    ("SERVFAIL", "u@servfail.nasty.example", NOT_FOUND),
    ("no answer", "u@silent.nasty.example", NOT_FOUND),
    ("a domain that can be no name", "u@" + "a" * 300 + ".loopback.example", NOT_FOUND),
    ("octets that are no text", b"u@\xff\xfe.loopback.example", NOT_FOUND),
    ("a NUL", b"u@loopback.example\0", NOT_FOUND))])
def answers(key, want):
    for name in ("reject", "mark", "off"):
        with WORLD.map(name) as client:
            same(client.ask(key, "mx"), want, f"answer of {name}")
            same(client.ask(key, "mx"), want, f"second answer of {name}")


@SUITE.rows([("map, not asked for: " + row[0], row[1]) for row in (
    ("the wildcard, as Postfix asks first", "*"), ("the empty key", ""), ("a blank", " "), ("a name without a dot", "u@loopback"),
    ("a local part alone", "loopback"), (".parent", ".loopback.example"), ("@domain", "@"), ("an address literal", "u@[127.0.0.1]"),
    ("a literal alone", "[127.0.0.1]"), ("a domain of ours", "u@loopback6.example"), ("one that is off", "u@collision.example"),
    ("an exempt one", "u@zero.example"), ("one below an exempt one", "u@x.wild-a.example"), ("the null sender", "<>"))])
def not_asked(key):
    before = len(WORLD.nasty.asked)
    with WORLD.map("any") as client:
        same(client.ask(key, "mx"), NOT_FOUND, "answer")
    same(WORLD.nasty.asked[before:], [], "questions")


@SUITE.case("map: any bogus address is enough, when the settings say so")
def match():
    with WORLD.map("any") as client:
        same(client.ask("u@mixed.example", "mx"), BOGUS, "answer")


@SUITE.case("map: the milter and the map remember for each other")
def shared():
    WORLD.out("reject", "m1.wild.example")
    before = len(WORLD.nasty.asked)
    with WORLD.map("reject") as client:
        same(client.ask("u@M1.wild.example", "mx"), NOT_FOUND, "answer")
    same(WORLD.nasty.asked[before:], [], "questions")


@SUITE.case("map: answers come in the order of the questions, whatever has to wait")
def order():
    tag = SIGNING.tag(USER)
    slow = [f"slow{ms}.nasty.example" for ms in (300, 200, 100)]
    questions, want = b"", []
    for n, name in enumerate(slow):
        questions += netstring(f"mx u@{name}") + netstring("untag " + tag) + netstring("mx u@loopback.example") + netstring("untag x")
        want += [NOT_FOUND, "OK " + USER, BOGUS, NOT_FOUND]
    with WORLD.map("reject") as client:
        client.send(questions[:-7])
        time.sleep(0.1)
        client.send(questions[-7:])
        same([client.answer() for _ in want], want, "answers")


@SUITE.case("map: a hundred short questions in one packet, long answers to all")
def many():
    with WORLD.map("reject") as client:
        client.ask("loopback.example", "mx")
        client.send(netstring("mx loopback.example") * 1000)
        same({client.answer() for _ in range(1000)}, {BOGUS}, "answers")


@SUITE.case("map: a reader that is late gets all answers, those that had to wait among them")
def late_reader():
    with WORLD.map("reject", 20) as client:
        def ask():
            for n in range(300):
                client.send(netstring("mx loopback.example") * 15 + netstring(f"mx l{n}.wild.example"))
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.5)
        want = ([BOGUS] * 15 + [NOT_FOUND]) * 300
        same([client.answer() for _ in want] == want, True, "all answers in order")
        thread.join()


@SUITE.case("map: a question that waits holds up nobody else")
def others():
    tag = SIGNING.tag(USER)
    with WORLD.map("reject") as waits, WORLD.map("reject") as goes_on:
        goes_on.ask("loopback.example", "mx")
        waits.send(netstring("mx u@o1.silent.nasty.example"))
        time.sleep(0.05)
        begin = time.monotonic()
        for _ in range(100):
            same(goes_on.ask(tag), "OK " + USER, "an answer meanwhile")
            same(goes_on.ask("loopback.example", "mx"), BOGUS, "an answer meanwhile")
        true(time.monotonic() - begin < 0.5, "the others are slow")
        true(waits.silent(0), "the DNS has answered, the test is none")
        same(waits.answer(), NOT_FOUND, "the answer in the end")
        true(time.monotonic() - begin < 1.5, "it took too long")


@SUITE.case("map: with 300 questions that wait, all are answered in time, by eight threads")
def crowd():
    daemon = WORLD.add("crowd", max_map_connections=400)
    clients = [WORLD.map("crowd") for _ in range(300)]
    begin = time.monotonic()
    for n, client in enumerate(clients):
        client.send(netstring(f"mx u@c{n}.silent.nasty.example"))
    same([client.answer() for client in clients], [NOT_FOUND] * 300, "answers")
    seconds = time.monotonic() - begin
    true(seconds < 2.6, f"the last came after {seconds:.1f} s")
    true(daemon.wait_log("too many wait for the DNS"), "the log does not tell")
    true(threads(daemon.process.pid) < 30, f"{threads(daemon.process.pid)} threads")
    same(clients[0].ask("loopback.example", "mx"), BOGUS, "afterwards")
    for client in clients:
        client.close()


@SUITE.case("map: peers that leave while their question waits")
def leave():
    daemon = WORLD.add("left", max_map_connections=400)
    with WORLD.map("left") as client:
        client.ask("loopback.example", "mx")
    before = descriptors(daemon)
    for n in range(150):
        client = WORLD.map("left")
        client.send(netstring(f"mx u@v{n}.slow300.nasty.example") + netstring("untag x") * (n % 3))
        if n % 2:
            client.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: a reset
        client.close()
    with WORLD.map("left") as client:
        same(client.ask("loopback.example", "mx"), BOGUS, "afterwards")
    true(wait_until(lambda: descriptors(daemon) <= before, 10), f"{descriptors(daemon)} descriptors, {before} before")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


@SUITE.case("map: a peer that asks and says no more gets its answer")
def half_closed():
    with WORLD.map("reject") as client:
        client.send(netstring("mx u@slow250.nasty.example") + netstring("mx loopback.example"))
        client.sock.shutdown(1)
        same([client.answer(), client.answer()], [NOT_FOUND, BOGUS], "answers")
        true(client.closed(), "not closed")


@SUITE.case("map: what is no question ends the connection, after the answers before it")
def broken():
    with WORLD.map("reject") as client:
        client.send(netstring("mx u@slow240.nasty.example") + b"nonsense")
        same(client.answer(), NOT_FOUND, "the answer")
        true(client.closed(), "not closed")


@SUITE.case("map: reloads while questions wait; each is answered by the settings that it was asked under")
def reloads():
    WORLD.add("reloaded")
    clients = [WORLD.map("reloaded") for _ in range(6)]
    for n, client in enumerate(clients):
        client.send(netstring(f"mx u@r{n}.silent.nasty.example") + netstring("mx loopback.example"))
    for n in range(10):
        WORLD.reload("reloaded", mx_guard_exempt=["loopback.example"] if n % 2 == 0 else [])
    same([(c.answer(), c.answer()) for c in clients], [(NOT_FOUND, BOGUS)] * 6, "answers")
    for client in clients:
        client.close()


@SUITE.case("map: the daemon stops at once while questions wait")
def stop():
    daemon = WORLD.add("stops", mx_guard_timeout="30s")
    client = WORLD.map("stops")
    client.send(netstring("mx u@t1.silent.nasty.example"))
    true(wait_until(lambda: WORLD.asked("t1.silent.nasty.example"), 5), "nothing is asked")
    (status, seconds), _ = timed(daemon.stop)
    same(status, 0, "exit status")
    true(seconds < 2, f"it took {seconds:.1f} s")
    true(client.closed(), "not closed")


@SUITE.rows([("map: a trust anchor that is not there is refused, with the guard off", None, "cannot be read"),
             ("map: so is one that is none", "nonsense\n", "no DS or DNSKEY records can be read")])
def bad_anchor(text, said):
    anchor = WORLD.scratch.write("anchor", text) if text else "/nonexistent/anchor"
    daemon = Daemon(WORLD.scratch.dir, f"anchor{bool(text):d}", prvs.Ring([SIGNING]), socket_group="", mx_guard_trust_anchor=anchor)
    done = subprocess.run([program("bvmilter"), "-t", "-c", daemon.conf], capture_output=True, text=True, timeout=20)
    same(done.returncode, 1, "exit status")
    contains(done.stderr, anchor, "what is told")
    contains(done.stderr, said, "what is told")

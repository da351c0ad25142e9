"""The map's connections: good ones in crowds, slow ones, and such as no MTA makes."""

import contextlib
import glob
import os
import random
import resource
import signal
import socket
import statistics
import struct
import threading
import time

from harness import Skip, same, true, wait_until
from mapworld import NOT_FOUND, SIGNING, SUITE, USER, WORLD, Broken, Server, netstring

TAG = SIGNING.tag(USER)
QUESTION = netstring("untag " + TAG)
ANSWER = "OK " + USER


# ---- the protocol

@SUITE.rows([("broken, and closed: " + name, octets) for name, octets in (
    ("a leading zero", b"0" + QUESTION),
    ("no length", b":untag,"),
    ("a negative length", b"-5:untag,"),
    ("20 digits", b"18446744073709551621:untag,"),
    ("an octet over a million", b"1000001:untag "),
    ("no comma", QUESTION[:-1] + b";"),
    ("a line end behind it", QUESTION + b"\n"),
    ("HTTP", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("SMTP", b"EHLO localhost\r\n"),
    ("TLS", bytes.fromhex("16030100a5010000a10303")),
    ("the milter protocol", struct.pack(">Ic", 13, b"O") + bytes(12)),
    ("NULs", bytes(100)))])
def broken(octets):
    with WORLD.server.map() as client:
        client.send(octets)
        if octets.startswith(QUESTION):
            same(client.answer(), ANSWER, "the good one before")
        true(client.closed(), "the connection is not closed")


@SUITE.case("0: is a question, and the next is answered")
def empty_netstring():
    with WORLD.server.map() as client:
        client.send(b"0:," + QUESTION)
        same([client.answer(), client.answer()], [NOT_FOUND, ANSWER], "answers")


@SUITE.case("octet by octet")
def octet_by_octet():
    with WORLD.server.map() as client:
        for octet in QUESTION + netstring("untag " + USER):
            client.send(bytes([octet]))
            time.sleep(0.001)
        same([client.answer(), client.answer()], [ANSWER, NOT_FOUND], "answers")


@SUITE.case("half a question for a second: others are answered meanwhile, then it is as well")
def half():
    with WORLD.server.map() as slow, WORLD.server.map() as other:
        slow.send(QUESTION[:20])
        end = time.monotonic() + 1
        while time.monotonic() < end:
            same(other.ask(TAG), ANSWER, "answer to another")
        true(slow.silent(), "an answer to half a question")
        slow.send(QUESTION[20:])
        same(slow.answer(), ANSWER, "answer")


@SUITE.case("10,000 questions at once are answered in order, beside a reader")
def pipelined():
    rng = random.Random(4)
    users = [f"user{rng.randrange(10 ** 6)}@example.com" for _ in range(10_000)]
    octets = b"".join(netstring("untag " + (SIGNING.tag(u) if n % 3 else u)) for n, u in enumerate(users))
    with WORLD.server.map() as client:
        client.sock.setblocking(False)
        sent, said = 0, b""
        end = time.monotonic() + 60
        while said.count(b",") < len(users) and time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                sent += client.sock.send(octets[sent:sent + 100_000]) if sent < len(octets) else 0
            with contextlib.suppress(BlockingIOError):
                said += client.sock.recv(1 << 20)
        want = b"".join(netstring("OK " + u if n % 3 else NOT_FOUND) for n, u in enumerate(users))
        true(said == want, f"{len(said)} octets of {len(want)}")


@SUITE.rows([(f"half-closed after {count} questions: all are answered, then it is closed", count)
             for count in (1, 10, 1000)])
def half_closed(count):
    with WORLD.server.map() as client:
        client.send(QUESTION * count)
        client.sock.shutdown(socket.SHUT_WR)
        same([client.answer() for _ in range(count)], [ANSWER] * count, "answers")
        true(client.closed(), "the connection is not closed")


@SUITE.case("half-closed in the middle of a question: closed, no answer")
def half_closed_early():
    with WORLD.server.map() as client:
        client.send(QUESTION[:-1])
        client.sock.shutdown(socket.SHUT_WR)
        true(client.closed(), "the connection is not closed")


# ---- who does not read

def stuff(client, octets=QUESTION * 200):
    """Asks, and reads nothing, until the other side takes no more; how much it has taken."""
    client.sock.setblocking(False)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    taken, since = 0, time.monotonic()
    while time.monotonic() - since < 0.3 and taken < 50_000_000:
        try:
            taken += client.sock.send((octets * 2)[taken % len(octets):][:len(octets)])
            since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    return taken


@SUITE.rows([("who asks and does not read: is heard no more, harms nobody, and may read on, " + kind, kind)
             for kind in ("inet", "unix")])
def reads_late(kind):
    with Server("late-" + kind, listen=None if kind == "inet" else "unix:" + WORLD.scratch.path("late.sock")) as server:
        same(server.ask(TAG), ANSWER, "answer before")
        before = server.kilobytes()
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.map()) for _ in range(8)]
            for client in clients:
                taken = stuff(client)
                true(taken < 3_000_000, f"{taken} octets of questions are taken")
            server.grown(before, 1500, "8 connections")
            same(server.ask(TAG), ANSWER, "answer to another")
            true(server.busy(1) < 0.2, "it spins")
            client.sock.settimeout(10)
            for _ in range(taken // len(QUESTION)):
                same(client.answer(), ANSWER, "answer")
            true(client.silent(), "more answers than questions")
            true(server.busy(0.5) < 0.2, "it spins when all is read")
        true(wait_until(lambda: server.ask(TAG) == ANSWER), "answer after they have gone")


@SUITE.case("who leaves answers unread and goes: its descriptor is free again")
def leaves():
    with Server("leaves") as server:
        base = server.settled()
        clients = [server.map() for _ in range(10)]
        for client in clients:
            stuff(client)
        for client in clients:
            client.close()
        true(server.back_to(base), f"{server.descriptors()} descriptors, not {base}")


def fast(name, factor=30, **options):
    """A server whose clocks run fast."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise Skip("libfaketime is not installed")
    server = Server(name, **options)
    wanted = {"LD_PRELOAD": found[0], "FAKETIME": f"+0 x{factor}",
              "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        return server.__enter__()
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


@SUITE.case("who reads nothing for 100 s is dropped, who is idle stays")
def dropped():
    server = fast("fast")
    base = server.settled()
    with server.map() as stuck, server.map() as idle:
        same(idle.ask(TAG), ANSWER, "answer to the idle one")
        stuff(stuck)
        begin = time.monotonic()
        true(server.back_to(base + 1), f"{server.descriptors() - base} connections are left")
        took = (time.monotonic() - begin) * 30
        true(60 < took < 200, f"it took {took:.0f} s")
        same(idle.ask(TAG), ANSWER, "answer to the idle one")
    server.daemon.kill()


# ---- crowds

@SUITE.case("500 connections at once, the default, are all served; the next is closed at once")
def crowd():
    with Server("crowd") as server, contextlib.ExitStack() as stack:
        base = server.settled()
        clients = [stack.enter_context(server.map()) for _ in range(500)]
        for _ in range(2):
            for client in clients:
                client.send(QUESTION)
            for client in clients:
                same(client.answer(), ANSWER, "answer")
        same(server.descriptors(), base + 500, "descriptors")
        for _ in range(20):
            with server.map() as late:
                true(late.closed(), "one too many is not closed")
        same([client.ask(TAG) for client in clients], [ANSWER] * 500, "answers to those who were there")
        true(server.daemon.wait_log("max_map_connections"), "the log does not tell")
        same(server.daemon.log().count("max_map_connections"), 1, "lines in the log")
        true(server.busy(0.5) < 0.2, "it spins")
        clients.pop().close()
        true(wait_until(lambda: server.descriptors() == base + 499), "the place does not become free")
        same(server.ask(TAG), ANSWER, "answer when there is room again")
        stack.close()
        true(server.back_to(base), f"{server.descriptors()} descriptors, not {base}")


@SUITE.case("at the limit, the connection that has been idle longest goes, if it was for ten seconds")
def yields():
    server = fast("yields", factor=5, max_map_connections=3)
    with server.map() as a, server.map() as b, server.map() as c:
        for client in (a, b, c):
            same(client.ask(TAG), ANSWER, "answer")
        with server.map() as late:
            true(late.closed(), "nobody is idle, and another is let in")
        time.sleep(2.6)
        same(a.ask(TAG), ANSWER, "answer to the first, which is the latest now")
        with server.map() as late:
            same(late.ask(TAG), ANSWER, "answer to the new one")
            true(b.closed(), "the longest idle is not closed")
            same([a.ask(TAG), c.ask(TAG)], [ANSWER] * 2, "answers to the others")
    server.daemon.kill()


@SUITE.case("at the limit, who sends octets and no question is idle")
def yields_slow():
    server = fast("yields-slow", factor=5, max_map_connections=1)
    with server.map() as slow:
        for octet in QUESTION[:26]:
            slow.send(bytes([octet]))
            time.sleep(0.1)
        same(server.ask(TAG), ANSWER, "answer to the new one")
        true(slow.closed(), "the slow one is not closed")
    server.daemon.kill()


@SUITE.case("a new limit holds after a reload")
def new_limit():
    with Server("limit", max_map_connections=2) as server, server.map() as a, server.map() as b:
        same([a.ask(TAG), b.ask(TAG)], [ANSWER] * 2, "answers")
        with server.map() as late:
            true(late.closed(), "a third one is let in")
        server.daemon.configure(max_map_connections=3)
        server.daemon.process.send_signal(signal.SIGHUP)
        true(server.daemon.wait_log("reloaded: "), "no reload")
        same(server.ask(TAG), ANSWER, "answer to the third")


@SUITE.case("without descriptors it waits, does not spin, and goes on when there are some")
def no_descriptors():
    with Server("descriptors") as server, server.map() as early:
        same(early.ask(TAG), ANSWER, "answer")
        pid = server.daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (server.settled() + 2, limits[1]))  # libmilter spins without
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.map()) for _ in range(10)]
            for client in clients:
                client.send(QUESTION)
            true(server.busy(2.5) < 0.1, "it spins")
            true(server.daemon.wait_log("cannot take a connection: Too many open files"), "the log does not tell")
            same(early.ask(TAG), ANSWER, "answer to one that was there")
            same([clients[0].answer(), clients[1].answer()], [ANSWER] * 2, "answers to those that there is room for")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            same([client.answer() for client in clients[2:]], [ANSWER] * 8, "answers to the others")
        same(server.daemon.log().count("cannot take a connection"), 1, "lines in the log")


@SUITE.case("2,000 connections of garbage: descriptors and memory are what they were")
def garbage():
    seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
    SUITE.diagnose(f"SEED={seed}")
    rng = random.Random(seed)
    pieces = [QUESTION, b"0:,", b"5:untag,", b"1000000:", b"2048:", b"99", b":", b",", b"\0", b"GET / HTTP/1.0\r\n\r\n",
              b"untag ", TAG.encode(), b"\xff" * 100]

    def one(server):
        try:
            with server.map(2) as client:
                client.send(b"".join(rng.choice(pieces) for _ in range(rng.randrange(8))))
                how = rng.randrange(4)
                if how == 0:
                    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif how == 1:
                    client.sock.shutdown(socket.SHUT_WR)
                elif how == 2:
                    client.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass

    with Server("garbage") as server:
        for _ in range(300):
            one(server)
        wait_until(lambda: server.ask(TAG) == ANSWER)
        base, memory = server.settled(), server.kilobytes()
        for _ in range(2000):
            one(server)
        true(server.back_to(base), f"{server.descriptors()} descriptors, not {base}")
        server.grown(memory, 1000, "2,000 connections that are gone")
        same(server.ask(TAG), ANSWER, "answer")
        true(server.busy(0.5) < 0.1, "it spins")


@SUITE.case("an idle connection costs next to nothing")
def idle_memory():
    with Server("idle", max_map_connections=1500) as server, contextlib.ExitStack() as stack:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard[1]), hard[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, hard)
        same(server.ask(TAG), ANSWER, "answer")
        before = server.kilobytes()
        clients = [stack.enter_context(server.map()) for _ in range(1000)]
        same({client.ask(TAG) for client in clients}, {ANSWER}, "answers")
        SUITE.diagnose(f"{server.kilobytes() - before} kB for 1,000 idle connections")
        server.grown(before, 1500, "1,000 idle connections")
        for client in clients:
            client.send(b"2000:" + b"x" * 1000)
        same(server.ask(TAG), ANSWER, "answer")
        SUITE.diagnose(f"{server.kilobytes() - before} kB for them in the middle of a question")
        server.grown(before, 4000, "1,000 connections in the middle of a question")


@SUITE.case("2,000 questions one after the other: how long an answer takes")
def latency():
    with WORLD.server.map() as client:
        times = []
        for _ in range(2000):
            begin = time.perf_counter()
            said = client.ask(TAG)
            times.append(time.perf_counter() - begin)
            same(said, ANSWER, "answer")
    times.sort()
    SUITE.diagnose(f"median {statistics.median(times) * 1e6:.0f} us, 99 % {times[1980] * 1e6:.0f} us, "
                   f"longest {times[-1] * 1e6:.0f} us")
    true(statistics.median(times) < 0.002, f"a median of {statistics.median(times) * 1e6:.0f} us")


@SUITE.case("many threads of questions and a stop: every answer is right or none, and it ends with 0")
def stop_under_load():
    with Server("stop") as server:
        wrong = []

        def load():
            try:
                with server.map() as client:
                    while True:
                        if client.ask(TAG) != ANSWER:
                            wrong.append("an answer is wrong")
            except (Broken, OSError):
                pass

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        status, took = server.daemon.stop()
        for thread in threads:
            thread.join()
        same((status, wrong), (0, []), "exit status, wrong answers")
        true(took < 3, f"it took {took:.1f} s")

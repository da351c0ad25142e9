"""At its limits the daemon refuses, says so, and recovers; strangers who knock leave nothing behind."""

import os
import pwd
import random
import resource
import socket
import struct
import subprocess
import time

from cases_life_reload import ring
from harness import Skip, same, sanitized, true, wait_until
from lifeworld import (OURS, REMOTE, SUITE, Load, count_lines, cpu_seconds, descriptors, inet, is_signed, prepare, resident,
                       running, session, signs, started, stopped)
from milterclient import Milter, ProtocolError, message

REFUSED = "no more are taken (max_sessions)"


def try_session(daemon):
    """A session, None when it is refused."""
    sock = daemon.connect()
    try:
        milter = Milter(sock)
        milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
        milter.helo()
        milter.flush()
        return milter
    except (ProtocolError, ConnectionError):
        sock.close()
        return None


def works(milter):
    true(is_signed(message(milter, OURS, [REMOTE]).eom), "a session does not work")


def fill(daemon, most):
    """As many sessions as are taken."""
    sessions = []
    while len(sessions) <= most:
        milter = try_session(daemon)
        if milter is None:
            break
        sessions.append(milter)
    return sessions


def close_all(sessions):
    for milter in sessions:
        milter.close()


@SUITE.case("sessions: max_sessions work, the next is refused, one that ends makes room; told once a minute")
def max_sessions():
    with running(max_sessions=20) as daemon:
        sessions = fill(daemon, 20)
        same(len(sessions), 20, "sessions that are taken")
        for _ in range(50):
            true(try_session(daemon) is None, "one too many is taken")
        for milter in sessions:
            works(milter)
        sessions.pop().close()
        true(wait_until(lambda: (new := try_session(daemon)) is not None and not sessions.append(new), 2),
             "no room for another one")
        works(sessions[-1])
        true(try_session(daemon) is None, "one too many is taken")
        true(daemon.wait_log(r"\b20 sessions are open"), "the line does not name the number")
        same(count_lines(daemon, REFUSED), 1, "lines about it")
        close_all(sessions)


@SUITE.case("sessions: a crowd at once, with max_sessions of ten: ten at a time, and all is well afterwards")
def crowd():
    with running(max_sessions=10) as daemon:
        with Load(daemon, threads=20) as load:
            time.sleep(1)
        true(load.count > 100, f"{load.count} messages")
        refusals = ("ProtocolError: the filter has closed", "BrokenPipe", "Connection")
        same([f for f in load.faults if not f.startswith(refusals)], [], "faults other than a refusal")
        same(len(fill(daemon, 10)), 10, "sessions that are taken afterwards")


def limited(**limits):
    """A daemon with resource limits."""
    daemon = prepare(**({"max_sessions": limits.pop("max_sessions")} if "max_sessions" in limits else {}))
    daemon.start()
    for kind, n in limits.items():
        resource.prlimit(daemon.process.pid, getattr(resource, kind), (n, n))
    SUITE.logs[f"bvmilter ({daemon.name})"] = daemon.log
    return daemon


@SUITE.rows([("sessions: by default four fifths of the descriptors", 100, 80),
             ("sessions: by default four fifths of forty descriptors", 40, 32)])
def fifths(limit, most):
    daemon = limited(RLIMIT_NOFILE=limit)
    sessions = fill(daemon, most)
    SUITE.diagnose(f"{len(sessions)} sessions with {limit} descriptors; {descriptors(daemon)} descriptors are open")
    same(len(sessions), most, "sessions that are taken")
    works(sessions[0])
    close_all(sessions)
    true(wait_until(lambda: try_session(daemon) is not None, 2), "no session afterwards")
    true(daemon.wait_log("no more are taken"), "it is not told")
    daemon.kill()


@SUITE.case("descriptors: exhausted, it does not spin, serves those that it has, and recovers")
def exhausted():
    daemon = limited(RLIMIT_NOFILE=40, max_sessions=1000)
    first = try_session(daemon)
    silent = [daemon.connect() for _ in range(60)]
    true(daemon.wait_log("cannot take a connection: Too many open files"), "it is not told")
    before, begin = cpu_seconds(daemon), time.monotonic()
    time.sleep(1.5)
    used = (cpu_seconds(daemon) - before) / (time.monotonic() - begin)
    for _ in range(20):
        works(first)
    true(used < 0.05, f"{100 * used:.0f} % of a processor with nothing to do")
    for sock in silent:
        sock.close()
    true(wait_until(lambda: descriptors(daemon) < 15, 5), f"{descriptors(daemon)} descriptors are still open")
    signs(daemon)
    same(count_lines(daemon, "cannot take a connection"), 1, "lines about it")
    SUITE.diagnose(f"{100 * used:.1f} % of a processor while exhausted")
    daemon.kill()


@SUITE.case("descriptors: exhausted, a reload is refused, and the settings stay; it works afterwards")
def reload_exhausted():
    daemon = limited(RLIMIT_NOFILE=40, max_sessions=1000)
    silent = [daemon.connect() for _ in range(60)]
    true(daemon.wait_log("cannot take a connection"), "it is not exhausted")
    time.sleep(0.3)  # those that looked whether it had started are gone by now, and their places taken
    daemon.process.send_signal(1)
    true(daemon.wait_log("not reloaded; "), "it is not told")
    for sock in silent:
        sock.close()
    signs(daemon)
    daemon.process.send_signal(1)
    true(daemon.wait_log("reloaded: "), "it does not reload afterwards")
    daemon.kill()


OTHER = "games"  # root is not held to a number of threads


def limit_threads(daemon, most):
    subprocess.run(["prlimit", f"--pid={daemon.process.pid}", f"--nproc={most}:"], user=OTHER,
                   group=pwd.getpwnam(OTHER).pw_gid, check=True)


def threads(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/task"))


@SUITE.case("threads: none to be had under load: what goes on goes on, and all is well when there are some again")
def no_threads():
    if os.geteuid() != 0:
        raise Skip("only root can run it as another user, whom the limit holds for")
    daemon = prepare(user=OTHER, socket_group="")
    os.chown(daemon.keyring, pwd.getpwnam(OTHER).pw_uid, -1)
    with started(daemon):
        signs(daemon)
        limit_threads(daemon, 1)
        with Load(daemon, threads=8, patience=2) as load:
            time.sleep(1.5)
        stuck = sum("imed" in fault for fault in load.faults)
        SUITE.diagnose(f"{load.count} messages, {len(load.faults)} faults, {stuck} of them sessions without an answer; "
                       f"{threads(daemon)} threads")
        true(load.count > 0, "nothing goes on")
        limit_threads(daemon, 2000)
        for _ in range(20):
            signs(daemon)
        stopped(daemon, 6)


# ---- strangers

NEGOTIATION = struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff)
KNOCKS = [b"", NEGOTIATION[:9], NEGOTIATION[:3], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64), b"\xff" * 64,
          NEGOTIATION + struct.pack(">I", 4) + b"M<>\0", NEGOTIATION, b"EHLO x\r\n", b"4:unt", b"20:untag user@example.com,"]


def knock(where, count, rng):
    kind, address = where
    for _ in range(count):
        with socket.socket(kind) as sock:
            sock.settimeout(5)
            while True:
                try:
                    sock.connect(address)
                    break
                except BlockingIOError:
                    time.sleep(0.001)
            try:
                sock.sendall(rng.choice(KNOCKS))
            except OSError:
                pass


def place(listen):
    kind, rest = listen.split(":", 1)
    return (socket.AF_UNIX, rest) if kind == "unix" else (socket.AF_INET, ("127.0.0.1", int(rest.split("@")[0])))


@SUITE.rows([("strangers: ten thousand knocks, unix", False), ("strangers: ten thousand knocks, inet", True)])
def knocks(tcp):
    rng = random.Random(1)
    daemon = prepare()
    daemon.configure(**({"listen": inet(), "map_listen": inet()} if tcp else {"map_listen": f"unix:{daemon.dir}/map"}))
    with started(daemon):
        places = [place(daemon.listen), place(daemon.options["map_listen"])]
        for where in places:
            knock(where, 500, rng)
        signs(daemon)
        true(wait_until(lambda: descriptors(daemon) < 30, 5), "connections are not closed")
        before = descriptors(daemon), resident(daemon)
        for where in places:
            knock(where, 2500, rng)
        true(wait_until(lambda: descriptors(daemon) <= before[0] + 1, 5), f"{before} before, {descriptors(daemon)}")
        signs(daemon)
        after = descriptors(daemon), resident(daemon)
        SUITE.diagnose(f"descriptors, octets: {before}, then {after}")
        true(sanitized() or after[1] < before[1] + (1 << 20), f"octets in memory: {before[1]}, then {after[1]}")
        stopped(daemon)


@SUITE.case("memory: at rest with ten keys, and for each idle session")
def memory():
    if sanitized():
        raise Skip("the sanitizer takes its own")
    daemon = prepare()
    ring(10).write(daemon.keyring)
    daemon.start()
    rest = resident(daemon)
    sessions, grown = [], []
    for count in (100, 1000, 1000):
        before = resident(daemon)
        sessions += [session(daemon) for _ in range(count)]
        for milter in sessions:
            milter.flush()
        grown.append((resident(daemon) - before) / count)
    close_all(sessions)
    each = min(grown[1:])  # a thread that libmilter starts meanwhile takes some as well, once
    SUITE.diagnose(f"{rest / 1e6:.1f} MB at rest, {each / 1e3:.2f} kB a session")
    true(rest < 8e6, f"{rest} octets at rest")
    true(each < 1500, f"{each} octets a session")
    daemon.kill()

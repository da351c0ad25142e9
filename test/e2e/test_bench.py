#!/usr/bin/env python3
"""
What the daemon's cost is measured with, test/bench/load.c: that it says what an MTA says, and counts what it has to
wait for.  BV_BIN=build/opt python3 test/e2e/test_bench.py [WORD...]
"""

import json
import socket
import subprocess

from harness import Daemon, Scratch, Suite, contains, free_port, program, prvs, same, stop_all, true, wait_until

SUITE, SCRATCH = Suite(), Scratch()
RING = prvs.Ring([prvs.Key(3, b"the key that signs at this time!", -1)])
STALL = 40000  # microseconds, for which an acknowledgement is delayed
DAEMON = {}

DAEMONS = {
    "data": {},
    "rcpt": {"untagged_stage": "rcpt"},
    "inet": {"listen": "inet"},
    "inet-rcpt": {"listen": "inet", "untagged_stage": "rcpt"},
    "unsigned": {"sign_daemons": []},
}


def start():
    for name, options in DAEMONS.items():
        if "listen" in options:
            options = {**options, "listen": f"inet:{free_port()}@127.0.0.1"}
        DAEMON[name] = Daemon(SCRATCH.dir, name, RING, socket_group="", **options).start()
        SUITE.logs[f"bvmilter ({name})"] = DAEMON[name].log


def measure(listen, *options, status=0):
    """What the load has measured; what it has complained of, when its status is not to be 0."""
    done = subprocess.run([program("test/load"), *map(str, options), listen], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    same(done.returncode, status, f"exit status, after {done.stderr!r}")
    return done.stderr if status else json.loads(done.stdout)


def load(name, *options, status=0):
    return measure(DAEMON[name].listen, *options, status=status)


def answers(listen):
    port, host = listen.split(":", 1)[1].split("@")
    with socket.socket() as sock:
        return sock.connect_ex((host, int(port))) == 0


@SUITE.rows([
    ("unix, judged at the end, one recipient", "data", 1, 2),
    ("unix, judged at the end, three recipients", "data", 3, 4),
    ("unix, judged at RCPT, one recipient", "rcpt", 1, 2),
    ("inet, judged at the end, one recipient", "inet", 1, 3),
    ("inet, judged at the end, three recipients", "inet", 3, 5),
    ("inet, judged at RCPT, one recipient", "inet-rcpt", 1, 3),
])
def round_trips(name, recipients, trips):
    got = load(name, "-n", 200, "-w", 20, "-t", 10, "-c", 2, "-m", 10, "-R", recipients)
    same((got["messages"], got["signed"]), (200, 200), "messages, signed messages")
    same((got["round_trips"], got["setup_round_trips"]), (trips, 1), "round trips of a message, of a session")
    true(got["latency_us"]["p50"] < STALL, f"a message waits for an acknowledgement: {got['latency_us']}")


@SUITE.rows([
    ("the header is sent to who wants it only", "-H", (0, 50), True),
    ("a body is sent to nobody", "-B", (100, 1000000), False),
])
def octets(option, sizes, wanted):
    def grown(name):
        small, large = (load(name, "-n", 20, "-t", 10, "-H", 0, option, size)["octets"] for size in sizes)
        return large - small
    true(grown("rcpt") < 10, "more octets to a daemon that judges at RCPT")
    same(grown("data") > 1000, wanted, "more octets to a daemon that judges at the end")


@SUITE.case("a filter that lets the MTA wait for acknowledgements, twice a message, is seen to")
def stalls():
    listen = f"inet:{free_port()}@127.0.0.1"
    noop = subprocess.Popen([program("test/noop"), "lean", listen], stdin=subprocess.DEVNULL)
    try:
        true(wait_until(lambda: answers(listen)), "the filter that does nothing does not start")
        got = measure(listen, "-n", 8, "-t", 10, "-m", 8)
        same(got["round_trips"], 2, "round trips of a message")
        true(got["latency_us"]["p50"] > 1.5 * STALL, f"there is no stall: {got['latency_us']}")
    finally:
        noop.kill()
        noop.wait()


@SUITE.case("sessions of one message, and of many")
def sessions():
    same(load("rcpt", "-n", 60, "-t", 10)["sessions"], 60, "sessions")
    same(load("rcpt", "-n", 60, "-t", 10, "-m", 10)["sessions"], 6, "sessions")


@SUITE.case("a schedule is kept")
def schedule():
    got = load("rcpt", "-n", 100, "-t", 10, "-c", 8, "-r", 500)
    same(got["messages"], 100, "messages")
    true(got["seconds"] > 0.18, f"100 messages, 500 a second, took {got['seconds']} s")


@SUITE.case("idle connections stay")
def idle():
    same(load("rcpt", "-n", 20, "-t", 10, "-i", 50)["idle"], 50, "idle connections at the end")


@SUITE.case("the time that is given is the end")
def time_is_up():
    got = load("rcpt", "-n", 100000, "-t", 0.3, "-r", 50)
    true(1 <= got["messages"] <= 20, f"{got['messages']} messages at 50 a second, in 0.3 s")


@SUITE.case("no load without an end")
def endless():
    for options in (("-n", 10), ("-t", 10), ()):
        contains(load("rcpt", *options, status=2), "-n and -t are needed", "the complaint")


@SUITE.case("a message that is not signed is noticed")
def unsigned():
    contains(load("unsigned", "-n", 10, "-t", 10, status=1), "one new sender", "the complaint")


@SUITE.case("at the end: every daemon is well, and stops with 0; without one, the load fails")
def end():
    stop_all(DAEMON.values())
    contains(load("rcpt", "-n", 10, "-t", 10, status=1), "no connection", "the complaint")


SUITE.run(start)

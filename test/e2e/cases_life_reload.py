"""Reloads without end, and large ones: no message notices."""

import os
import signal
import time

from harness import prvs, same, sanitized, true
from lifeworld import (KEY, OURS, REMOTE, SUITE, Load, begin_message, count_lines, descriptors, end_message, is_signed,
                       resident, running, session, signs)
from milterclient import message

ROWS = 100000
MOST = 0.5  # seconds; the aim is 0.1, what it takes is printed


def reload(daemon, times=1):
    """Has it reload so many times, one after the other; the seconds each took."""
    took = []
    for _ in range(times):
        with daemon.log_changed:
            seen, begin = len(daemon.lines), time.monotonic()
            daemon.process.send_signal(signal.SIGHUP)
            while not any("reloaded" in line for line in daemon.lines[seen:]):
                true(daemon.log_changed.wait(10), "no word about a reload")
            took.append(time.monotonic() - begin)
            true(not any("not reloaded" in line for line in daemon.lines[seen:]), f"not reloaded: {daemon.lines[seen:]}")
    return took


@SUITE.case("reload: a thousand under load, no message fails")
def thousand():
    with running() as daemon, session(daemon) as long, Load(daemon) as load:
        reload(daemon, 50)
        before = descriptors(daemon), resident(daemon)
        begin_message(long)
        took = sorted(reload(daemon, 1000))
        true(is_signed(end_message(long)), "a message that goes on all the time is not signed")
        after = descriptors(daemon), resident(daemon)
    SUITE.diagnose(f"{load.count} messages; a reload takes {1000 * took[500]:.1f} ms, {1000 * took[-1]:.0f} at most; "
                   f"{before} descriptors and octets, then {after}")
    same(load.faults, [], "messages that failed")
    true(load.count > 200, f"only {load.count} messages")
    true(after[0] <= before[0] + 8, f"descriptors: {before[0]}, then {after[0]}")
    if not sanitized():
        true(after[1] < before[1] + (2 << 20), f"octets in memory: {before[1]}, then {after[1]}")


@SUITE.case("reload: as many signals at once as can be sent, under load")
def burst():
    with running() as daemon, Load(daemon) as load:
        for i in range(1000):
            daemon.process.send_signal((signal.SIGHUP, signal.SIGUSR1)[i % 2])
        reload(daemon)
    same(load.faults, [], "messages that failed")


def ring(count):
    """That many keys, the last but one of them KEY, which signs."""
    keys = [prvs.Key(n, b"a key of the past, number %d....." % n, -30 + 2 * n) for n in range(count) if n != KEY.number]
    return prvs.Ring([key for key in keys if key.sign_from < KEY.sign_from] + [KEY])


def large():
    exceptions = (["from u%d@bulk%d.example no-tag" % (i, i) for i in range(ROWS // 2)] +
                  ["client 10.%d.%d.0/24 accept-untagged" % (i >> 8 & 255, i & 255) for i in range(ROWS // 4)] +
                  ["to d%d.example no-tag" % i for i in range(ROWS // 4)])
    domains = ["example.com reject"] + ["domain%d.example reject" % i for i in range(ROWS - 1)]
    return {"domains": "\n".join(domains) + "\n", "exceptions": "\n".join(exceptions) + "\n"}


@SUITE.case("reload: ten keys, a hundred thousand domains and as many exceptions")
def tables():
    with running(**large()) as daemon:
        keyring = ring(10)
        keyring.generation = 2
        keyring.write(daemon.keyring)
        took = sorted(reload(daemon, 9))
        SUITE.diagnose(f"{1000 * took[0]:.0f} to {1000 * took[-1]:.0f} ms, median {1000 * took[4]:.0f} ms; "
                       f"{resident(daemon) >> 20} MB resident")
        signs(daemon)
        true(sanitized() or took[4] < MOST, f"a reload takes {took[4]:.3f} s")
        with Load(daemon) as load:
            while load.count < 20:
                time.sleep(0.01)
            load.slowest = 0
            loaded = reload(daemon, 5)
        SUITE.diagnose(f"under load {1000 * sorted(loaded)[2]:.0f} ms; the slowest session {1000 * load.slowest:.0f} ms")
        same(load.faults, [], "messages that failed")


@SUITE.case("reload: one line for it, one for the ring; a bad file: one for each fault, and one that says what goes on")
def lines():
    with running() as daemon:
        same([count_lines(daemon, word) for word in ("serves on", "generation", "reload")], [1, 1, 0], "lines at the start")
        seen = len(daemon.lines)
        reload(daemon)
        true(daemon.wait_log("reloaded"), "not reloaded")
        time.sleep(0.1)
        new = daemon.lines[seen:]
        same([sum(word in line for line in new) for word in ("reloaded: ", "generation")], [1, 1], f"lines {new}")
        same(len(new), 2, f"lines {new}")
        seen = len(daemon.lines)
        with open(daemon.domains, "w") as file:
            file.write("example.com rejct\nexample.com what\n")
        daemon.process.send_signal(signal.SIGHUP)
        true(daemon.wait_log("not reloaded"), "nothing is told")
        time.sleep(0.05)
        new = daemon.lines[seen:]
        same([daemon.domains + ":1" in new[0], daemon.domains + ":2" in new[1], "not reloaded" in new[2], len(new)],
             [True, True, True, 3], f"lines {new}")
        os.unlink(daemon.domains)
        with session(daemon) as milter:
            true(is_signed(message(milter, OURS, [REMOTE]).eom), "the old table is not in use")


@SUITE.case("log: a ring that changes by itself: one line; a bad one: one line, with a count, however long it lies there")
def ring_lines():
    with running() as daemon:
        seen = len(daemon.lines)
        keyring = prvs.Ring([KEY])
        for generation, text in ((5, None), (6, "{}")):
            keyring.generation = generation
            keyring.write(daemon.keyring)
            if text:
                with open(daemon.keyring, "w") as file:
                    file.write(text)
                true(daemon.wait_log("refused so far: 1", 10), "the bad ring is not told")
                time.sleep(2.2)
            else:
                true(daemon.wait_log("generation 5", 10), "the new ring is not told")
        new = daemon.lines[seen:]
        same(len(new), 2, f"lines {new}")

#!/usr/bin/env python3
"""
A daemon under a long load, with reloads and new key files: memory and descriptors stay as they are after the warm-up.
BV_BIN=build/opt SOAK_MESSAGES=1000000 SOAK_SECONDS=170 python3 test/hard/test_soak.py
"""

import os
import subprocess
import threading
import time

from world import FORGED, VALID, Everything, Scratch, Suite, program, same, signal, stop_all, true

SUITE, SCRATCH = Suite(), Scratch()
MESSAGES, SECONDS = int(os.environ.get("SOAK_MESSAGES", 1000000)), float(os.environ.get("SOAK_SECONDS", 170))
WARM = 0.2  # of the load
MOST = 1 << 20  # octets; what a million leaks of one octet each are
SHOWN = 10  # seconds between two lines of progress


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def quiet(daemon):
    """The descriptors, when none of them is a session's any more."""
    before, now = -1, descriptors(daemon)
    while now != before:
        time.sleep(0.5)
        before, now = now, descriptors(daemon)
    return now


def upkeep(daemon, done, counts):
    """A reload five times a second, a new key file each second, a question of the map and a look at the numbers between."""
    turn = 0
    while not done.wait(0.2):
        turn += 1
        daemon.process.send_signal(signal.SIGHUP)
        counts["reloads"] += 1
        if turn % 5 == 0:
            daemon.rotate()
            counts["key files"] += 1
            daemon.ask("untag " + VALID[1:-1])
            daemon.numbers()


def load(daemon, counts):
    """Runs the load; a list of (messages, seconds, octets) on the way."""
    client = subprocess.Popen([program("soak"), daemon.listen, str(MESSAGES), str(SECONDS), VALID, FORGED],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done, seen, shown = threading.Event(), [], 0
    keeper = threading.Thread(target=upkeep, args=(daemon, done, counts))
    keeper.start()
    for line in client.stdout:
        count, seconds = line.split()
        seen.append((int(count), float(seconds), resident(daemon)))
        if seen[-1][1] - shown >= SHOWN:
            shown = seen[-1][1]
            SUITE.diagnose(f"{seen[-1][0]} messages in {shown:.0f} s, {seen[-1][2] >> 10} kB, {counts}")
    said = client.stderr.read()
    status = client.wait()
    done.set()
    keeper.join()
    same((status, said), (0, ""), "how the load has ended")
    return seen


def most_of(part):
    return max(octets for _, _, octets in part)


@SUITE.case(f"{MESSAGES} messages, or as many as there are in {SECONDS:.0f} s")
def soak():
    daemon = Everything(SCRATCH, "soak").start()
    SUITE.logs["bvmilter"] = daemon.log
    daemon.lines = Few()
    for name in ("signed", "a valid bounce"):
        daemon.say(name)
    before, counts = quiet(daemon), {"reloads": 0, "key files": 0}
    seen = load(daemon, counts)
    count, seconds, _ = seen[-1]
    after = quiet(daemon)
    warm = [s for s in seen if WARM * count <= s[0] <= 2 * WARM * count]
    end = [s for s in seen if s[0] >= (1 - WARM) * count]
    growth = most_of(end) - most_of(warm)
    SUITE.diagnose(f"{count} messages in {seconds:.0f} s, {count / seconds:.0f} in one, {counts}; most memory "
                   f"{most_of(warm) >> 10} kB after the warm-up, {most_of(end) >> 10} kB at the end; "
                   f"{before} descriptors, then {after}")
    if count < MESSAGES:
        SUITE.diagnose(f"only {count} of {MESSAGES} were had in the time there is; SOAK_SECONDS gives it more")
    true(growth <= MOST, f"{growth} octets more than after the warm-up")
    true(after <= before, f"{before} descriptors before, {after} after")
    stop_all([daemon])


class Few(list):
    """The lines of the log, but those of messages."""

    def append(self, line):
        if "event=" not in line and len(self) < 10000:
            super().append(line)


SUITE.run()

#!/usr/bin/env python3
"""
Memory that runs short: every allocation of a command, a reload and a conversation fails once, alone and with all after it.
BV_BIN=build/san BV_FAILING_SO=build/san/failing.so [HARD=short] python3 test/hard/test_memory.py [WORD...]
"""

import difflib
import http.client
import mmap
import os
import re
import shutil
import struct
import subprocess

from world import (KEY, MESSAGES, OLDER, QUESTIONS, SHORT, VALID, Broken, Everything, ProtocolError, Scratch, Suite, program, prvs,
                   same, signal, stop_all, true)

SUITE, SCRATCH = Suite(), Scratch()
SHIM = os.path.abspath(os.environ.get("BV_FAILING_SO", "build/san/failing.so"))
SANITIZER = 99
FOREVER = 1 << 40
MOST = 12 if SHORT else 1500  # allocations of a command or a conversation that are tried, evenly spread
os.environ["ASAN_OPTIONS"] = f"verify_asan_link_order=0:exitcode={SANITIZER}:allocator_may_return_null=1:handle_abort=1"
os.environ["LSAN_OPTIONS"] = f"exitcode={SANITIZER}"


class Plan:
    """struct plan of failing.c, in a file that the program maps too."""

    NAMES = ("on", "count", "first", "last", "every", "failed", "spared")

    def __init__(self, name):
        self.path = SCRATCH.write(name + ".plan", "\0" * 4096)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 4096)
        self.env = {"LD_PRELOAD": SHIM, "BV_FAILING": self.path}

    def set(self, **values):
        """All that is not named becomes 0; what is counted begins anew."""
        self.map[:8] = bytes(8)
        self.map[8:56] = struct.pack("6q", *(values.get(name, 0) for name in self.NAMES[1:]))
        self.map[:8] = struct.pack("q", values.get("on", 1))

    def get(self, name):
        return struct.unpack_from("q", self.map, 8 * self.NAMES.index(name))[0]


def failures(plan, count):
    """Sets the plan to each failure in turn."""
    for n in range(1, count + 1, max(1, -(-count // MOST))):
        for last in (n, FOREVER):
            plan.set(first=n, last=last)
            yield f"allocation {n}" + ("" if last == n else " and all after it")


# ---- programs that run once

def ring_texts():
    ring, newer = prvs.Ring([KEY, OLDER]), prvs.Ring([KEY, OLDER, prvs.Key(5, b"one key more that signs tomorrow", 1)])
    newer.id, newer.generation = ring.id, 2
    return ring.text(), newer.text()


RING, NEWER = ring_texts()


def rings(place):
    """A place with all files that the commands need."""
    os.makedirs(place, exist_ok=True)
    for name, text in (("ring", RING), ("newer", NEWER), ("domains", "example.com reject\n.example.org mark syntax=subaddress\n"), ("secret", "0123456789abcdef7 much longer\n"),
                       ("exceptions", "client 192.0.2.0/24 accept-untagged\nfrom a@example.com no-tag\n"),
                       ("conf", f'keyring = "{place}/ring"\ndomains = "{place}/domains"\nexceptions = "{place}/exceptions"\n'
                                f'listen = "unix:{place}/sock"\nsign_networks = {{"198.51.100.0/24", "2001:db8::/32"}}\n'
                                'map_listen = ""\nreject_text = "no"\nmx_guard_recipients = "mark"\n'
                                'mx_guard_exempt = {"a.example"}\n'),
                       ("log", "".join(f"Nov 21 10:00:0{i} mx bvmilter[7]: 4XyZ{i}: client=mx{i}.example.net[192.0.2.{i}], event=bounce, "
                                       f"verdict=forged, action=reject, key=3, from=<>, rcpt=<u{i}@example.com>\n"
                                       for i in range(9)))):
        with open(os.path.join(place, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(place, name), 0o600)


COMMANDS = [
    ("bvmilter -t", "bvmilter -c conf -t"), ("bvmilter -T", "bvmilter -c conf -T"),
    ("bvkey init", "bvkey -f fresh init"), ("bvkey list", "bvkey -f ring list"), ("bvkey check", "bvkey -f ring check --json"),
    ("bvkey rotate", "bvkey -f ring rotate"), ("bvkey purge", "bvkey -f ring purge --expired"),
    ("bvkey revoke", "bvkey -f ring revoke 4"), ("bvkey add", "bvkey -f ring add --number 7 --sign-from now"),
    ("bvkey export", "bvkey -f ring export"), ("bvkey import", "bvkey -f ring import newer"),
    ("bvtag sign", "bvtag -f ring sign user@example.com"), ("bvtag verify", "bvtag -f ring verify " + VALID[1:-1]),
    ("bvtag explain", "bvtag -f ring -c conf explain " + VALID[1:-1]),
    ("bvreport", "bvreport log"), ("bvreport --json", "bvreport --json log"), ("bvreport --html", "bvreport --html log"),
]


def keys_of(path):
    """What matters of a key file: numbers and secrets; None: there is none."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return tuple(re.findall(r'"(?:number|secret)": ?"?([^",]+)', file.read()))


def without_fingerprints(text):
    """They are left out where they cannot be computed."""
    return re.sub(rb"(?<=[ \"])[0-9a-f]{8}(?=[ \"\n])", b"", text)


def difference(out, wanted):
    return "\n".join(difflib.unified_diff(wanted.decode().splitlines(), out.decode("utf-8", "replace").splitlines(), "is due",
                                          "was printed", lineterm="", n=0))


def run(place, line, env):
    words = line.split()
    with open(os.path.join(place, "secret")) as secret:
        ended = subprocess.run([program(words[0])] + words[1:], cwd=place, env={**os.environ, **env, "LC_ALL": "C"}, stdin=secret,
                               capture_output=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace")


@SUITE.rows(COMMANDS)
def command(line):
    place, plan = SCRATCH.path("place"), Plan("command")
    rings(place)
    plan.set()
    wanted = run(place, line, plan.env)
    true(wanted[0] in (0, 1) and "Sanitizer" not in wanted[2], f"without a failure: {wanted}")
    count, changed = plan.get("count"), {name: keys_of(os.path.join(place, name)) for name in ("ring", "fresh")}
    tried = spared = 0
    for what in failures(plan, count):
        shutil.rmtree(place)
        rings(place)
        before = {name: keys_of(os.path.join(place, name)) for name in ("ring", "fresh")}
        status, out, err = run(place, line, plan.env)
        tried += 1
        spared += plan.get("spared") > 0
        true(0 <= status < SANITIZER and "Sanitizer" not in err and "runtime error" not in err,
             f"{what}: status {status}, {err[-3000:]}")
        if status == wanted[0] == 0 and b"verdict:  fault" not in out and not re.search("rotate|init|add", line):
            true(out == wanted[1] or without_fingerprints(out) == without_fingerprints(wanted[1]), f"{what}: status 0, and printed was {difference(out, wanted[1])}")
        true(status == wanted[0] or err.strip() or out.strip(), f"{what}: status {status} without a word")
        for name, keys in before.items():
            now = keys_of(os.path.join(place, name))
            true(now == keys or (now is not None and len(now) == len(changed[name] or ())),
                 f"{what}: the key file is neither the old nor the new one: {now}")
    SUITE.diagnose(f"{count} allocations; {tried} runs, {spared} of them with a failure that is foreign")


# ---- the daemon

class World:
    def start(self):
        self.plan = Plan("daemon")
        self.plan.set(on=0)
        os.environ.update(self.plan.env)
        self.daemon = Everything(SCRATCH, "short").start()
        for name in self.plan.env:
            del os.environ[name]
        SUITE.logs["bvmilter"] = self.daemon.log


WORLD = World()
GONE = (Broken, ProtocolError, OSError, http.client.HTTPException)


def refused_for_now(said):
    return said.final is None or said.final.temporary or any(r.temporary for r in said.rcpts)


def settle():
    """No more failures; what was counted stays."""
    WORLD.plan.map[:8] = bytes(8)


def every_failure(act, check, patience=0.5):
    """
    Has each allocation of act() fail.  check(what, result, wanted) judges; a connection that was
    closed, or not answered, is what an MTA takes for a temporary failure.
    """
    daemon, plan = WORLD.daemon, WORLD.plan
    act(10)
    plan.set()
    wanted = act(10)
    settle()
    count, closed, spared = plan.get("count"), 0, 0
    for what in failures(plan, count + 8):
        try:
            result = act(patience)
        except GONE:
            result, closed = None, closed + 1
        spared += plan.get("spared") > 0
        settle()
        true(daemon.process.poll() is None, f"{what}: the daemon is gone: {daemon.log()[-3000:]}")
        if result is not None:
            check(what, result, wanted)
    same(str(act(10)), str(wanted), "the same once more, with memory enough")
    SUITE.diagnose(f"{count} allocations, {closed} times no answer, {spared} times a failure that is foreign")


def kind_of(answer):
    return "none" if answer is None else "permanent" if answer.permanent else str(answer)


def gist(said):
    """What an MTA does about the message; the text of a reply may be libmilter's."""
    return [kind_of(answer) for answer in (said.mail, *said.rcpts, said.data, said.eom)], said.changes


def judge_message(what, said, wanted):
    if gist(said) != gist(wanted):
        true(refused_for_now(said), f"{what}: answered {said}, and should be {wanted}")


@SUITE.rows([(f"the daemon: {name}", name) for name in MESSAGES])
def messages(name):
    every_failure(lambda patience: WORLD.daemon.say(name, patience), judge_message)


def judge_answer(what, said, wanted):
    true(said == wanted or said.startswith("TEMP "), f"{what}: answered {said!r}, and should be {wanted!r}")


@SUITE.rows([(f"the daemon: the map is asked {question}", question) for question in QUESTIONS])
def questions(question):
    every_failure(lambda patience: WORLD.daemon.ask(question, patience), judge_answer)


@SUITE.case("the daemon: its numbers")
def numbers():
    every_failure(lambda patience: WORLD.daemon.numbers(patience), lambda what, said, wanted: same(said, wanted, what))


@SUITE.rows([("the daemon: a reload", signal.SIGHUP), ("the daemon: a reload with a new ring", signal.SIGUSR1)])
def reloads(number):
    daemon = WORLD.daemon

    def act(patience):
        if number == signal.SIGUSR1:
            daemon.rotate()
        return daemon.signal_and_wait(number, max(patience, 5))

    def check(what, said, wanted):
        true(said is not None, f"{what}: no word about the reload: {daemon.log()[-2000:]}")
        settings = [str(daemon.say(name)) for name in MESSAGES if said]
        same(settings, reference if said else [], f"{what}: answers with the settings that were reloaded")

    true(daemon.signal_and_wait(), "a reload with memory enough")
    reference = [str(daemon.say(name)) for name in MESSAGES]
    every_failure(act, check)


@SUITE.case("the daemon: each thirteenth, seventh, third allocation fails, under a mixed load")
def mixed():
    daemon, plan = WORLD.daemon, WORLD.plan
    wanted = {name: daemon.say(name) for name in MESSAGES}
    good = refused = closed = 0
    for every in (61, 29, 13, 7, 3):
        for _ in range(3 if SHORT else 30):
            for name in MESSAGES:
                plan.set(every=every)
                try:
                    said = daemon.say(name, 1)
                except GONE:
                    closed += 1
                    continue
                finally:
                    settle()
                good += str(said) == str(wanted[name])
                refused += str(said) != str(wanted[name])
                judge_message(f"{name}, each {every}th fails", said, wanted[name])
    SUITE.diagnose(f"{good} right, {refused} refused for now, {closed} not answered")


@SUITE.case("the daemon: it is well, and stops with 0, nothing leaked")
def end():
    daemon = WORLD.daemon
    for name in MESSAGES:
        daemon.say(name)
    stop_all([daemon])


SUITE.run(WORLD.start)

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
import socket
import struct
import subprocess
import threading
import time

from world import (KEY, MESSAGES, OLDER, OURS, OUTSIDE, QUESTIONS, SHORT, SUBMISSION, VALID, Broken, Everything, Failed, Milter,
                   ProtocolError, Scratch, Suite, dns, message, program, prvs, same, signal, stop_all, true, wait_until)

SUITE, SCRATCH = Suite(), Scratch()
SHIM = os.path.abspath(os.environ.get("BV_FAILING_SO", "build/san/failing.so"))
SANITIZER = 99
FOREVER = 1 << 40
FAULTS_SHOWN = 20
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


def each_failure(plan, count, judge, most=MOST):
    """Sets the plan to each failure in turn, and calls judge(what); all that does not hold is told of, not the first only."""
    found = []
    for n in range(1, count + 1, max(1, -(-count // most))):
        for last in (n, FOREVER):
            plan.set(first=n, last=last)
            try:
                judge(f"allocation {n}" + ("" if last == n else " and all after it"))
            except Failed as failed:
                found.append(str(failed))
    true(not found, f"{len(found)} do not hold:\n" + "\n".join(found[:FAULTS_SHOWN]))


# ---- programs that run once

def ring_texts():
    ring, newer = prvs.Ring([KEY, OLDER]), prvs.Ring([KEY, OLDER, prvs.Key(5, b"one key more that signs tomorrow", 1)])
    newer.id, newer.generation = ring.id, 2
    return ring.text(), newer.text()


RING, NEWER = ring_texts()


def rings(place):
    """A place with all files that the commands need."""
    os.makedirs(place, exist_ok=True)
    conf = (f'keyring = "{place}/ring"\ndomains = "{place}/domains"\nexceptions = "{place}/exceptions"\n'
            'sign_networks = {"198.51.100.0/24", "2001:db8::/32"}\nmap_listen = ""\nreject_text = "no"\n'
            'mx_guard_recipients = "mark"\nmx_guard_exempt = {"a.example"}\n')
    for name, text in (("ring", RING), ("newer", NEWER), ("secret", "0123456789abcdef7 much longer\n"),
                       ("domains", "example.com reject\n.example.org mark syntax=subaddress\n"),
                       ("exceptions", "client 192.0.2.0/24 accept-untagged\nfrom a@example.com no-tag\n"),
                       ("conf", conf + f'listen = "unix:{place}/sock"\n'),
                       ("taken", conf + f'listen = "unix:{place}/ring"\n'), ("broken", RING.replace("hmac", "hmmm")),
                       ("log", "".join(f"Nov 21 10:00:0{i} mx bvmilter[7]: 4XyZ{i}: client=mx{i}.example.net[192.0.2.{i}], event=bounce, "
                                       f"verdict=forged, action=reject, key=3, from=<>, rcpt=<u{i}@example.com>\n"
                                       for i in range(9)))):
        with open(os.path.join(place, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(place, name), 0o600)


AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
TROUBLE = {"bvmilter": 1, "bvkey": 2, "bvtag": 2, "bvreport": 2}  # the exit status when something could not be done
COMMANDS = [
    ("bvmilter -t", "bvmilter -c conf -t"), ("bvmilter -T", "bvmilter -c conf -T"),
    ("bvmilter -t, no socket can be made", "bvmilter -c taken -t"),
    ("bvkey init", f"bvkey -f fresh --at {AT} init"), ("bvkey list", f"bvkey -f ring --at {AT} list"),
    ("bvkey list --json", f"bvkey -f ring --at {AT} list --json"),
    ("bvkey check", f"bvkey -f ring --at {AT} check --json"), ("bvkey check, a fault", f"bvkey -f broken --at {AT} check"),
    ("bvkey rotate", f"bvkey -f ring --at {AT} rotate"), ("bvkey purge", f"bvkey -f ring --at {AT} purge --expired"),
    ("bvkey revoke", f"bvkey -f ring --at {AT} revoke 4"),
    ("bvkey add", f"bvkey -f ring --at {AT} add --number 7 --sign-from now"),
    ("bvkey export", "bvkey -f ring export"), ("bvkey export --public", "bvkey -f ring export --public"),
    ("bvkey import", f"bvkey -f ring --at {AT} import newer"),
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


def without_chance(text):
    """New keys and rings have another fingerprint and name each time; but they have one."""
    return re.sub(rb"(?<=fingerprint )[0-9a-f]{8}\b|(?<=keyring )[0-9a-f-]{36}\b", b"#", text)


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
    trouble = TROUBLE[line.split()[0]]

    def judge(what):
        nonlocal tried, spared
        shutil.rmtree(place)
        rings(place)
        before = {name: keys_of(os.path.join(place, name)) for name in ("ring", "fresh")}
        status, out, err = run(place, line, plan.env)
        tried += 1
        spared += plan.get("spared") > 0
        true(0 <= status < SANITIZER and "Sanitizer" not in err and "runtime error" not in err,
             f"{what}: status {status}, {err[-3000:]}")
        true(status in (wanted[0], trouble), f"{what}: status {status}, neither {wanted[0]} nor {trouble}: {out} {err}")
        if status != trouble:
            true(without_chance(out) == without_chance(wanted[1]), f"{what}: status {status}, and {difference(out, wanted[1])}")
        true(status == wanted[0] or err.strip() or out.strip(), f"{what}: status {status} without a word")
        for name, keys in before.items():
            now = keys_of(os.path.join(place, name))
            true(now == keys or (now is not None and len(now) == len(changed[name] or ())),
                 f"{what}: the key file is neither the old nor the new one: {now}")

    each_failure(plan, count, judge)
    SUITE.diagnose(f"{count} allocations; {tried} runs, {spared} of them with a failure that is foreign")


# ---- the daemon

class Zone:
    """A DNS server for which no domain below null.example takes mail, and all others do."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.server = f"127.0.0.1@{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(65535)
            q = dns.Question(packet)
            if q.kind == dns.MX:
                host = "" if q.name.endswith("null.example") else "mx." + q.name
                answer = q.answer([dns.record(q.name, dns.MX, struct.pack("!H", 0) + dns.wire(host))])
            else:
                answer = q.good()
            self.socket.sendto(answer, client)


class World:
    def start(self):
        self.plan, self.domains, self.reloads = Plan("daemon"), 0, 0
        self.plan.set(on=0)
        os.environ.update(self.plan.env)
        self.daemon = Everything(SCRATCH, "short", mx_guard_recipients="reject", mx_guard_senders="mark",
                                 resolver=[Zone().server]).start()
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


def lost():
    """Descriptors of resolvers that have failed: libunbound's, which cannot be taken down any more."""
    return 10 * (WORLD.daemon.log().count("is made anew") + WORLD.reloads)


def every_failure(act, check, recover=lambda: None, patience=0.5 if SHORT else 5):
    """
    Has each allocation of act() fail.  check(what, result, wanted) judges; a connection that was
    closed is what an MTA takes for a temporary failure.  After recover(), all is as it was.
    """
    daemon, plan = WORLD.daemon, WORLD.plan
    act(10)
    plan.set()
    wanted = act(10)
    settle()
    count, closed, spared = plan.get("count"), 0, 0
    descriptors = daemon.descriptors() - lost()

    def judge(what):
        nonlocal closed, spared
        try:
            result = act(patience)
        except TimeoutError:  # libmilter waits for seconds where it has no memory for a session
            true(SHORT, f"{what}: neither an answer nor a closed connection")
            result, closed = None, closed + 1
        except GONE:
            result, closed = None, closed + 1
        finally:
            settle()
        spared += plan.get("spared") > 0
        true(daemon.process.poll() is None, f"{what}: the daemon is gone: {daemon.log()[-3000:]}")
        if result is not None:
            check(what, result, wanted)

    each_failure(plan, count + 8, judge)
    recover()
    same(str(act(10)), str(wanted), "the same once more, with memory enough")
    true(wait_until(lambda: daemon.descriptors() <= descriptors + lost()),
         f"{daemon.descriptors()} descriptors are open, not {descriptors} and {lost()}")
    SUITE.diagnose(f"{count} allocations, {closed} times a closed connection, {spared} times a failure that is foreign")


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


@SUITE.rows([("the daemon: mail to a domain with no server", "null", False), ("the daemon: mail to a domain with a server", "good", False),
             ("the daemon: mail from a domain with no server", "null", True)])
def looked_up(zone, inbound):
    def act(patience, zone=zone):
        WORLD.domains += 1
        other = f"<friend@d{WORLD.domains}.{zone}.example>"
        with Milter(WORLD.daemon.connect(patience)) as milter:
            milter.connect(OUTSIDE, "mx.example.net", {} if inbound else SUBMISSION)
            milter.helo()
            return message(milter, other if inbound else OURS, [OURS if inbound else other])

    def check(what, said, wanted):
        judged = re.search(rf"event=guard.*@d{WORLD.domains}\.", WORLD.daemon.log())
        allowed = gist(wanted), gist(wanted if judged else unknown)
        true(gist(said) in allowed or refused_for_now(said), f"{what}: answered {said}, and should be {wanted}")

    def recover():
        """A resolver that has failed is made anew; but not twice a minute."""
        if SHORT:
            WORLD.reloads += 1
            WORLD.daemon.signal_and_wait()
        else:
            wait_until(lambda: gist(act(10)) == gist(wanted), 65)

    unknown, wanted = act(10, "good"), act(10)
    every_failure(act, check, recover, 5)


@SUITE.rows([(f"the daemon: the map is asked {question}", question) for question in QUESTIONS])
def questions(question):
    every_failure(lambda patience: WORLD.daemon.ask(question, patience), judge_answer)


@SUITE.rows([(f"the daemon: {path} over HTTP", path) for path in ("/metrics", "/healthz", "/")])
def pages(path):
    def check(what, said, wanted):
        if said != wanted:  # an hour, or a day, may have begun
            settle()
            same(said, WORLD.daemon.page(path), what)

    every_failure(lambda patience: WORLD.daemon.page(path, patience), check)


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


@SUITE.case("the daemon: a new ring that comes while memory is short is taken up when there is enough")
def follows():
    daemon, plan = WORLD.daemon, WORLD.plan

    def taken_up(patience=10):
        return wait_until(lambda: f"generation {daemon.ring.generation}:" in daemon.log(), patience)

    def judge(what):
        daemon.rotate()
        if plan.get("last") == FOREVER:
            time.sleep(2 * 2 + 0.5)  # two looks at the file: what is bad twice is not looked at again
        else:
            wait_until(lambda: plan.get("failed") > 0, 3)
        settle()
        true(taken_up(), f"{what}: generation {daemon.ring.generation} is not in use: {daemon.log()[-2000:]}")
        same(str(daemon.say("a valid bounce")), wanted, what)

    wanted = str(daemon.say("a valid bounce"))
    plan.set()
    daemon.rotate()
    true(taken_up(), "with memory enough")
    settle()
    each_failure(plan, plan.get("count"), judge, 1 if SHORT else 15)


@SUITE.case("the daemon: it starts, or says why not")
def starts():
    plan = Plan("start")
    daemon = Everything(SCRATCH, "start")

    def start():
        nonlocal before
        before = len(daemon.log())
        os.environ.update(plan.env)
        try:
            daemon.start()
        except RuntimeError:
            pass
        finally:
            for name in plan.env:
                del os.environ[name]
        wait_until(lambda: daemon.process.poll() is not None or re.search(r"generation \d+: ", daemon.log()[before:]))

    def judge(what):
        nonlocal started
        start()
        plan.set(on=0)
        try:
            said = daemon.say("a valid bounce")
        except GONE as gone:
            said = gone
            wait_until(lambda: daemon.process.poll() is not None)
        if daemon.process.poll() is None:
            started += 1
            same(str(said), wanted, f"{what}: {daemon.log()[before:]}")
            stop_all([daemon])
        else:
            same(daemon.process.returncode, 1, f"{what}: exit status: {daemon.log()[before:]}")
            true(wait_until(lambda: len(daemon.log()) > before), f"{what}: not a word")
        true(not os.path.exists(f"{daemon.dir}/sock"), f"{what}: the socket is left")

    started = before = 0
    plan.set()
    start()
    count = plan.get("count")
    plan.set(on=0)
    wanted = str(daemon.say("a valid bounce"))
    stop_all([daemon])
    each_failure(plan, count, judge, 4 if SHORT else 200)
    SUITE.diagnose(f"{count} allocations, started {started} times")


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

#!/usr/bin/env python3
"""
Every allocation of a conversation, a reload and a start of the daemon fails once, alone and with all after it.
BV_BIN=build/san BV_FAILING_SO=build/san/failing.so [HARD=short] python3 test/hard/test_memory_daemon.py [WORD...]
"""

import http.client
import os
import re
import socket
import struct
import threading
import time

from failures import FOREVER, SCRATCH, SUITE, Plan, each_failure
from world import (MESSAGES, OURS, OUTSIDE, QUESTIONS, SHORT, SUBMISSION, Broken, Everything, Milter, ProtocolError, dns, message,
                   same, signal, stop_all, true, wait_until)


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
            said = message(milter, other if inbound else OURS, [OURS if inbound else other])
        return re.sub(r"\bd\d+\.", "", str(gist(said))), refused_for_now(said)

    def is_judged():
        return re.search(rf"event=guard.*@d{WORLD.domains}\.", WORLD.daemon.log())

    def check(what, said, wanted):
        true(said in (wanted, unknown) or said[1], f"{what}: answered {said}, and should be {wanted}")
        true(said == wanted or said[1] or not wait_until(is_judged, 0.3), f"{what}: judged, and then answered {said}")

    def recover():
        """A resolver that has failed is made anew; but not twice a minute."""
        if SHORT:
            WORLD.reloads += 1
            WORLD.daemon.signal_and_wait()
        else:
            wait_until(lambda: act(10) == wanted, 65)

    WORLD.daemon.signal_and_wait()
    unknown, wanted = act(10, "good"), act(10)
    same(wanted == unknown, zone == "good", "the resolver answers")
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

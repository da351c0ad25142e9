#!/usr/bin/env python3
"""
Milter, map, numbers and a key file that changes, with a reload every few milliseconds, for the thread sanitizer:
BV_BIN=build/tsan [HARD=short] python3 test/hard/test_races.py
"""

import threading
import time

from world import MESSAGES, QUESTIONS, SHORT, Everything, Scratch, Suite, same, signal, stop_all, true

SUITE, SCRATCH = Suite(), Scratch()
SECONDS = 8 if SHORT else 40


def forever(done, faults, act):
    """Runs act() until `done` is set; what it raises ends it."""
    try:
        while not done.is_set():
            act()
    except Exception as err:
        faults.append(f"{type(err).__name__}: {err}")


def under_all(daemon, seconds, *more):
    """All clients at once, and more besides; what went wrong, and how often each had a turn."""
    done, faults, turns = threading.Event(), [], {}
    wanted = {name: str(daemon.say(name)) for name in MESSAGES}
    answers = {question: daemon.ask(question) for question in QUESTIONS}

    def talk():
        for name in MESSAGES:
            same(str(daemon.say(name, 30)), wanted[name], name)

    def ask():
        for question in QUESTIONS:
            same(daemon.ask(question, 30), answers[question], question)

    def look():
        true(daemon.numbers(30), "there are no numbers")

    def counted(act):
        def one():
            act()
            turns[act.__name__] = turns.get(act.__name__, 0) + 1
        return one

    acts = [talk, talk, talk, ask, ask, look, *more]
    threads = [threading.Thread(target=forever, args=(done, faults, counted(act))) for act in acts]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    done.set()
    for thread in threads:
        thread.join()
    return faults, turns


@SUITE.case("a reload every few milliseconds, a new key file every 50, under milter, map and numbers")
def reloads():
    daemon = Everything(SCRATCH, "races").start()
    SUITE.logs["bvmilter"] = daemon.log

    def reload():
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.003)

    def rotate():
        daemon.rotate()
        time.sleep(0.05)

    faults, turns = under_all(daemon, SECONDS, reload, rotate)
    SUITE.diagnose(f"{turns}, {sum('reloaded: ' in line for line in daemon.lines)} reloads")
    same(faults, [], "what went wrong")
    true(sum("reloaded: " in line for line in daemon.lines) > 2 * SECONDS, "there were few reloads")
    stop_all([daemon])


@SUITE.case("the end while all of them are busy")
def stop():
    daemon = Everything(SCRATCH, "stop").start()
    done = threading.Event()
    threads = [threading.Thread(target=forever, args=(done, [], act)) for act in
               [lambda: daemon.say("signed", 5)] * 3 + [lambda: daemon.ask(QUESTIONS[0], 5), lambda: daemon.numbers(5)]]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        stop_all([daemon])
    finally:
        done.set()
        for thread in threads:
            thread.join()


SUITE.run()

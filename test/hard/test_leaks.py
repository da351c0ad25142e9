#!/usr/bin/env python3
"""
The conversation, reloads and new key files under memcheck; what is said goes to the log, and makes the exit status 99.
BV_BIN=build/valgrind/under [HARD=short] python3 test/hard/test_leaks.py
"""

import time

from world import MESSAGES, QUESTIONS, SHORT, Everything, Scratch, Suite, same, signal, stop_all, true

SUITE, SCRATCH = Suite(), Scratch()
ROUNDS = 2 if SHORT else 10


@SUITE.case("milter, map, numbers, reloads and key files: nothing invalid, nothing leaked")
def conversation():
    daemon = Everything(SCRATCH, "leaks").start()
    SUITE.logs["bvmilter"] = daemon.log
    wanted = {name: str(daemon.say(name, 60)) for name in MESSAGES}
    for turn in range(ROUNDS):
        if turn % 2 == 0:
            daemon.rotate()
        true(daemon.signal_and_wait(signal.SIGUSR1 if turn % 3 == 0 else signal.SIGHUP, 60), f"reload {turn}")
        for name in MESSAGES:
            same(str(daemon.say(name, 60)), wanted[name], name)
        for question in QUESTIONS:
            daemon.ask(question, 60)
        true(daemon.numbers(60), "there are no numbers")
    with open(daemon.domains, "a") as file:
        file.write("what is this\n")
    same(daemon.signal_and_wait(patience=60), False, "a reload with a bad table")
    open(daemon.keyring, "w").close()
    time.sleep(5)
    stop_all([daemon])
    true("== " not in daemon.log(), daemon.log()[-3000:])


SUITE.run()

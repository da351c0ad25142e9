"""Checks, and the suite of named cases that reports them in TAP."""

import os
import re
import sys
import time
import traceback


class Failed(AssertionError):
    """A check that did not hold."""


class Skip(Exception):
    """Why a case cannot be run here."""


def true(condition, what):
    if not condition:
        raise Failed(what)


def same(got, want, what):
    true(got == want, f"{what}: got {got!r}, not {want!r}")


def matches(text, pattern, what):
    found = re.search(pattern, str(text))
    true(found, f"{what}: {text!r} does not match {pattern!r}")
    return found


def contains(text, part, what):
    true(part in text, f"{what}: {part!r} is not in {text!r}")


class Suite:
    """Named cases, run in order, reported in TAP. `logs`: name -> function that returns a log's text."""

    def __init__(self):
        self.cases, self.logs = [], {}
        self.count = self.failures = 0

    def case(self, name, *args):
        """Decorator: registers a function as a case, called with args."""
        def register(function):
            self.cases.append((name, lambda: function(*args)))
            return function
        return register

    def rows(self, table):
        """Decorator: one case for each row; the row's first member is the case's name."""
        def register(function):
            for row in table:
                self.case(row[0], *row[1:])(function)
            return function
        return register

    def say(self, ok, name, note=""):
        self.count += 1
        self.failures += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}{note}", flush=True)

    def diagnose(self, text):
        for line in str(text).splitlines():
            print("#", line, flush=True)

    def one(self, name, function):
        marks = {log: len(read()) for log, read in self.logs.items()}
        begin = time.monotonic()
        try:
            function()
            self.say(True, name)
            if time.monotonic() - begin > 2:
                self.diagnose(f"took {time.monotonic() - begin:.1f} s")
        except Skip as reason:
            self.say(True, name, f" # SKIP {reason}")
        except Exception as err:
            self.say(False, name)
            where = traceback.extract_tb(err.__traceback__)
            self.diagnose(err if isinstance(err, Failed) else "".join(traceback.format_exception(err)))
            self.diagnose("at " + " < ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in where[:0:-1]))
            for log, read in self.logs.items():
                new = read()[marks.get(log, 0):]
                if new.strip():
                    self.diagnose(f"-- {log}\n{new[-3000:]}")

    def run(self, setup=None, unless=None):
        """Runs all cases after setup(), or skips all for the reason `unless`; ends the program."""
        words = sys.argv[1:]
        chosen = [c for c in self.cases if not words or any(w in c[0] for w in words)]
        try:
            if setup and not unless:
                setup()
        except Skip as reason:
            unless = str(reason)
        except Exception:
            self.say(False, "setting up")
            self.diagnose(traceback.format_exc())
            chosen = []
        for name, function in chosen:
            if unless:
                self.say(True, name, f" # SKIP {unless}")
            else:
                self.one(name, function)
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failures else 0)

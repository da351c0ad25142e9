"""What is measured: the daemon, and the filter that does nothing; and the load for both."""

import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness import Daemon, Scratch, Skip, at_end, free_port, mta, program, prvs, wait_until  # noqa: E402,F401
import zones  # noqa: E402,F401

SCRATCH = Scratch(prefix="bv-bench.")
KEYS = [prvs.Key(n, b"a key of the ring of ten keys, %d" % n, -1 - 30 * n) for n in range(10)]
SIGNING = KEYS[0]
USER = "user@example.com"
LONGEST = 10  # seconds that one load may take
_count = 0


class Broken(Exception):
    """What was to be measured does not work."""


def new_name(kind):
    global _count
    _count += 1
    return f"{kind}{_count}"


class Measured(Daemon):
    """
    bvmilter with ten keys.  Its log goes to a file: a process that reads it would take its time from the same
    processors.
    """

    def __init__(self, **options):
        group = "postfix" if os.geteuid() == 0 else ""
        super().__init__(SCRATCH.dir, new_name("bvmilter"), prvs.Ring(KEYS), socket_group=group, **options)
        self.log_file = os.path.join(self.dir, "log")

    def start(self):
        """Returns as soon as the socket answers; `ready` is how many seconds that took."""
        with open(self.log_file, "ab") as log:
            begin = time.monotonic()
            self.process = subprocess.Popen([program("bvmilter"), "-c", self.conf], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)
        at_end(self.kill)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > begin + 10:
                raise Broken(f"bvmilter does not start: {self.log()[-300:]}")
            time.sleep(0.0005)
        self.ready = time.monotonic() - begin
        return self

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def forget(self):
        """Empties the log."""
        os.truncate(self.log_file, 0)

    @property
    def pid(self):
        return self.process.pid


class Noop:
    """mode: "lean" or "hdr"."""

    def __init__(self, mode):
        path = SCRATCH.path(new_name("noop"))
        self.listen = "unix:" + path
        self.process = subprocess.Popen([program("test/noop"), mode, self.listen], stdin=subprocess.DEVNULL)
        at_end(self.kill)
        if not wait_until(lambda: os.path.exists(path)):
            raise Broken("the filter that does nothing does not start")
        os.chmod(path, 0o777)

    def forget(self):
        pass

    def kill(self):
        """Without a word: libmilter takes five seconds to end, and there is nothing to lose."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self):
        return self.process.pid


def run(*words):
    """What a program of ours has measured."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10 * LONGEST)
    if done.returncode != 0:
        raise Broken(" ".join(done.stderr.split())[:300] or f"{words[0]} ended with {done.returncode}")
    return json.loads(done.stdout)


def load(server, messages, *options):
    """Sends messages to a server that is running."""
    figures = run(program("test/load"), "-n", str(messages), "-t", str(LONGEST), "-p", str(server.pid),
                  *map(str, options), server.listen)
    server.forget()
    return figures


def in_turn(rounds, cases):
    """
    cases: name -> function that measures.  name -> its results, one a round; every other round goes backwards, so
    that none of them always comes behind the same.
    """
    results = {name: [] for name in cases}
    for number in rounds:
        names = list(cases)
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(cases[name]())
    return results


def descriptors():
    """How many a process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def resident(pid):
    """Kilobytes in memory: exactly, where the kernel tells it to us."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Rss:"))
    except OSError:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() // 1024

"""What the cases of test_life.py share: a daemon with a socket that was passed to it, a load, a look at a process."""

import contextlib
import itertools
import os
import socket
import subprocess
import threading
import time

from harness import Daemon, Scratch, Suite, at_end, free_port, program, prvs, same, true
from milterclient import Milter, message

SUITE = Suite()
SCRATCH = Scratch()
KEY = prvs.Key(3, b"the key that signs at this time!", -1)
OURS, REMOTE = "<user@example.com>", "<friend@outside.example>"
_numbers = itertools.count(1)


def new_name(kind):
    return f"{kind}{next(_numbers)}"


def inet():
    return f"inet:{free_port()}@127.0.0.1"


class Passed(Daemon):
    """The test is the service manager: it keeps the listening socket, and passes it as descriptor 3."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        kind, rest = self.listen.split(":", 1)
        if kind == "unix":
            self.listening = socket.socket(socket.AF_UNIX)
            self.listening.bind(rest)
            os.chmod(rest, 0o666)
        else:
            port, host = rest.split("@")
            self.listening = socket.socket()
            self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listening.bind((host, int(port)))
        self.listening.listen(512)
        at_end(self.listening.close)

    def start(self):
        self.lines = []
        line = f"LISTEN_PID=$$ LISTEN_FDS=1 exec {program('bvmilter')} -c {self.conf} 3<&0 0</dev/null"
        self.process = subprocess.Popen(["sh", "-c", line], stdin=self.listening, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        at_end(self.kill)
        threading.Thread(target=self._listen_to, args=(self.process.stderr,), daemon=True).start()
        true(self.wait_log(r"generation \d+: ", 10), f"bvmilter ({self.name}) did not start: {self.log()}")
        return self


def prepare(kind=Daemon, **options):
    return kind(SCRATCH.dir, new_name("life"), prvs.Ring([KEY]), **options)


@contextlib.contextmanager
def started(daemon):
    daemon.start()
    SUITE.logs[f"bvmilter ({daemon.name})"] = daemon.log
    try:
        yield daemon
    finally:
        daemon.kill()
        del SUITE.logs[f"bvmilter ({daemon.name})"]


def running(kind=Daemon, **options):
    return started(prepare(kind, **options))


def session(daemon, timeout=10):
    """A session of an MTA whose mail is signed."""
    milter = Milter(daemon.connect(timeout))
    milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
    milter.helo()
    return milter


def is_signed(answer):
    return answer is not None and [c[0] for c in answer.changes] == ["chgfrom"] and \
        KEY.made(answer.changes[0][1][1:-1])


def signs(daemon):
    with session(daemon) as milter:
        true(is_signed(message(milter, OURS, [REMOTE]).eom), "a message is not signed")


def begin_message(milter):
    milter.mail(OURS)
    true(milter.rcpt(REMOTE).accepted, "RCPT")


def end_message(milter):
    milter.data()
    milter.header("Subject", "hello")
    milter.eoh()
    return milter.eom()


class Load:
    """Threads that have messages signed, each session with `messages`, until the end of the block; faults: what failed."""

    def __init__(self, daemon, threads=4, messages=2, patience=15):
        self.daemon, self.messages, self.patience = daemon, messages, patience
        self.good, self.faults, self.done = [0] * threads, [], threading.Event()
        self.slowest = 0
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(threads)]

    def work(self, i):
        while not self.done.is_set():
            begin = time.monotonic()
            try:
                with session(self.daemon, self.patience) as milter:
                    for _ in range(self.messages):
                        said = message(milter, OURS, [REMOTE])
                        if is_signed(said.eom):
                            self.good[i] += 1
                        else:
                            self.faults.append(str(said))
            except (OSError, AssertionError) as err:
                self.faults.append(f"{type(err).__name__}: {err}")
                time.sleep(0.01)
            self.slowest = max(self.slowest, time.monotonic() - begin)

    @property
    def count(self):
        return sum(self.good)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()


def stopped(daemon, most=1.0):
    """Stops it; the seconds that took."""
    status, seconds = daemon.stop()
    same(status, 0, "exit status")
    true(seconds < most, f"it took {seconds:.2f} s")
    return seconds


# ---- a look at the process


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def resident(daemon):
    """Octets in memory."""
    with open(f"/proc/{daemon.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def count_lines(daemon, word):
    return sum(word in line for line in list(daemon.lines))

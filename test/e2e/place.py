"""Where the tests run: scratch directories, free ports, and an end that leaves nothing behind."""

import atexit
import base64
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, os.environ.get("BV_BIN", "build/opt"))


# ---- an end that leaves nothing behind

_ends = []


def at_end(action):
    """Has an action run when the program ends, in whatever way, last one first."""
    _ends.append(action)
    return action


def clean_up():
    while _ends:
        try:
            _ends.pop()()
        except Exception:  # the rest must be cleaned up all the same
            traceback.print_exc()


def _stopped(number, _frame):
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


atexit.register(clean_up)
for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_number, _stopped)


class Scratch:
    """A directory of our own that user postfix can reach; removed at the end."""

    def __init__(self, parent=None, prefix="bv-e2e."):
        self.dir = tempfile.mkdtemp(prefix=prefix, dir=parent)
        os.chmod(self.dir, 0o755)
        at_end(lambda: shutil.rmtree(self.dir, ignore_errors=True))

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)


_claims = []


def free_port():
    """A port below those that the system hands out itself, so that it stays free; no other test on this machine gets
    it while this one runs, since a name in the abstract namespace can be bound once only."""
    while True:
        port = random.SystemRandom().randrange(20001, 32000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with socket.socket() as sock:
            try:
                claim.bind(f"\0bv-test-port-{port}")
                sock.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        _claims.append(claim)
        return port


def wait_until(test, timeout=10):
    """Whether something comes true in time."""
    end = time.monotonic() + timeout
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


_count = 0


def token():
    """A word that no other message holds."""
    global _count
    _count += 1
    return f"token{os.getpid()}x{_count}x{random.randrange(10 ** 6)}"


def base64_plain(user, password):
    """The argument of AUTH PLAIN."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def program(name):
    return os.path.join(BIN, name)


def sanitized():
    """Whether the programs are built with a sanitizer of addresses or threads."""
    with open(program("bvmilter"), "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text

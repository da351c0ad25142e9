"""bvmilter as the tests run it."""

import glob
import os
import re
import signal
import socket
import subprocess
import threading
import time

from place import at_end, program, wait_until
from tap import Skip, same, true


def _faketime(env, offset):
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise Skip("libfaketime is not installed")
    asan = ":abort_on_error=0:verify_asan_link_order=0"
    env.update(LD_PRELOAD=found[0], FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1",
               ASAN_OPTIONS=env.get("ASAN_OPTIONS", "") + asan)


class Daemon:
    """
    bvmilter with a configuration of its own in DIRECTORY/NAME; domains, exceptions: the text of the
    tables; the other options are those of the configuration file.
    """

    DOMAINS = "example.com reject\n"

    def __init__(self, directory, name, ring, domains=DOMAINS, exceptions="", faketime=None, **options):
        self.name, self.faketime = name, faketime
        self.dir = os.path.join(directory, name)
        os.mkdir(self.dir, 0o755)
        self.process, self.lines = None, []
        self.log_changed = threading.Condition()
        self.keyring = os.path.join(self.dir, "keyring.json")
        if ring:
            ring.write(self.keyring)
        self.domains, self.exceptions = os.path.join(self.dir, "domains"), os.path.join(self.dir, "exceptions")
        self.tables(domains, exceptions)
        self.options = {"listen": f"unix:{self.dir}/sock", "socket_group": "postfix", "keyring": self.keyring,
                        "domains": self.domains, "exceptions": self.exceptions, "map_listen": "",
                        "internal_networks": ["127.0.0.1/32"], **options}
        self.conf = os.path.join(self.dir, "bvmilter.conf")
        self.configure()

    def tables(self, domains=None, exceptions=None):
        for path, text in ((self.domains, domains), (self.exceptions, exceptions)):
            if text is not None:
                with open(path, "w") as file:
                    file.write(text)

    def configure(self, **options):
        self.options.update(options)
        with open(self.conf, "w") as file:
            file.writelines(f"{name} = {self.value(value)}\n" for name, value in self.options.items())

    @staticmethod
    def value(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (list, tuple)):
            return "{" + ", ".join(f'"{v}"' for v in value) + "}"
        return str(value) if isinstance(value, int) else f'"{value}"'

    @property
    def listen(self):
        return self.options["listen"]

    @property
    def milter(self):
        """The socket in Postfix's words."""
        kind, rest = self.listen.split(":", 1)
        return self.listen if kind == "unix" else "inet:{1}:{0}".format(*rest.split("@"))

    def connect(self, timeout=10):
        """A connected socket."""
        kind, rest = self.listen.split(":", 1)
        if kind == "unix":
            sock = socket.socket(socket.AF_UNIX)
            where = rest
        else:
            port, host = rest.split("@")
            sock, where = socket.socket(), (host, int(port))
        sock.settimeout(timeout)
        try:
            while True:
                try:
                    sock.connect(where)
                    return sock
                except BlockingIOError:  # the listen queue is full
                    time.sleep(0.001)
        except OSError:
            sock.close()
            raise

    def answers(self):
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def start(self):
        env = dict(os.environ, TZ="UTC")
        if self.faketime:
            _faketime(env, self.faketime)
        self.process = subprocess.Popen([program("bvmilter"), "-c", self.conf], env=env,
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        at_end(self.kill)
        threading.Thread(target=self._listen_to, args=(self.process.stderr,), daemon=True).start()
        wait_until(lambda: self.answers() or self.process.poll() is not None)
        self.wait_log(r"generation \d+: |there is no key file", 10)  # the last word of the start: the socket may answer before
        if self.process.poll() is not None or not self.answers():
            raise RuntimeError(f"bvmilter ({self.name}) did not start: {self.log()}")
        return self

    def reload(self, **options):
        """Has it go on with other options."""
        self.configure(**options)
        with self.log_changed:
            seen = len(self.lines)
            self.process.send_signal(signal.SIGHUP)
            while not any("reloaded" in line for line in self.lines[seen:]):
                true(self.log_changed.wait(10), "no word about a reload")
            true(not any("not reloaded" in line for line in self.lines[seen:]), f"not reloaded: {self.lines[seen:]}")

    def _listen_to(self, pipe):
        with pipe:
            for line in pipe:
                with self.log_changed:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self.log_changed.notify_all()

    def log(self):
        with self.log_changed:
            return "\n".join(self.lines)

    def wait_log(self, pattern, timeout=5):
        """The first line in which a regular expression is found, as a match; None when time is up."""
        end = time.monotonic() + timeout
        with self.log_changed:
            while True:
                for line in self.lines:
                    found = re.search(pattern, line)
                    if found:
                        return found
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.log_changed.wait(left)

    def stop(self, timeout=10):
        """Stops it in the orderly way; its exit status, and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        return status, time.monotonic() - begin

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for name in ("faketime_shm_", "sem.faketime_sem_"):  # what libfaketime leaves of a process that _exit()s
            if self.process and os.path.exists(f"/dev/shm/{name}{self.process.pid}"):
                os.unlink(f"/dev/shm/{name}{self.process.pid}")


def stop_all(daemons):
    """Stops what still runs; each must end with 0, and a sanitizer must have found nothing."""
    for daemon in daemons:
        if daemon.process.poll() is None:
            same(daemon.stop(30)[0], 0, f"exit status of bvmilter ({daemon.name}): {daemon.log()[-2000:]}")
        true("Sanitizer" not in daemon.log() and "runtime error" not in daemon.log(), daemon.log()[-3000:])

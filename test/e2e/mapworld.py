"""The world of test_map.py: a client of the socketmap protocol, and daemons that serve it."""

import os
import random
import select
import socket
import time

from harness import Daemon, Scratch, Suite, free_port, prvs, sanitized, true, wait_until

SIGNING = prvs.Key(3, b"the key that signs at this time!", -100)
RETIRED = prvs.Key(5, b"the key of long ago, gone by now", -400)
STAGED = prvs.Key(7, b"signs from tomorrow on, or so...", 1)
STRANGER = prvs.Key(9, b"a key that only somebody else has")
KEYS = [RETIRED, SIGNING, STAGED]
USER = "user@example.com"
DOMAINS = """\
example.com        reject
.below.example     mark
plus.example       reject syntax=subaddress
quiet.example      no-bounces
nomail.example     no-mail
off.example        off
"""
NOT_FOUND = "NOTFOUND "

SUITE = Suite()


def netstring(text):
    octets = text if isinstance(text, bytes) else text.encode()
    return b"%d:%s," % (len(octets), octets)


class Broken(Exception):
    """The daemon said what is no netstring, or has ended the connection."""


class Map:
    """A connection to a map service, "unix:PATH" or "inet:PORT@HOST"."""

    def __init__(self, listen, timeout=10):
        kind, rest = listen.split(":", 1)
        if kind == "unix":
            self.sock, where = socket.socket(socket.AF_UNIX), rest
        else:
            port, host = rest.split("@")
            self.sock = socket.socket(socket.AF_INET6 if kind == "inet6" else socket.AF_INET)
            where = (host.strip("[]"), int(port))
        self.sock.settimeout(timeout)
        self.rest = b""
        try:
            self.sock.connect(where)
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, octets):
        self.sock.sendall(octets)

    def answer(self):
        """The next answer, without its frame."""
        while True:
            colon = self.rest.find(b":")
            if colon > 0:
                end = colon + 1 + int(self.rest[:colon])
                if len(self.rest) > end:
                    text, comma, self.rest = self.rest[colon + 1:end], self.rest[end:end + 1], self.rest[end + 1:]
                    true(comma == b",", f"an answer does not end with a comma: {text!r}{comma!r}")
                    return text.decode()
            try:
                more = self.sock.recv(65536)
            except ConnectionError as err:
                raise Broken(str(err)) from err
            if not more:
                raise Broken(f"the connection is closed, {self.rest!r} is left")
            self.rest += more

    def ask(self, key, name="untag"):
        octets = key if isinstance(key, bytes) else key.encode()
        self.send(netstring(name.encode() + b" " + octets))
        return self.answer()

    def silent(self, seconds=0.2):
        return not self.rest and not select.select([self.sock], [], [], seconds)[0]

    def closed(self, timeout=5):
        """Whether the daemon closes the connection, saying nothing more."""
        self.sock.settimeout(timeout)
        try:
            return not self.rest and self.sock.recv(1) == b""
        except socket.timeout:
            return False
        except ConnectionError:
            return True


class Server:
    """A daemon with a map service."""

    def __init__(self, name, listen=None, **options):
        self.ring = prvs.Ring(KEYS)
        self.listen = listen or f"inet:{free_port()}@127.0.0.1"
        self.daemon = Daemon(WORLD.scratch.dir, name, self.ring, domains=DOMAINS, map_listen=self.listen, **options)
        SUITE.logs[f"bvmilter ({name})"] = self.daemon.log
        WORLD.servers.append(self)

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *_):
        self.daemon.kill()

    def map(self, timeout=10):
        return Map(self.listen, timeout)

    def ask(self, key, name="untag"):
        with self.map() as client:
            return client.ask(key, name)

    # ---- what the process uses

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    def settled(self):
        """The same, when the connections that the daemon was tried with are gone."""
        while True:
            before = self.descriptors()
            time.sleep(0.1)
            if self.descriptors() == before:
                return before

    def kilobytes(self):
        with open(f"/proc/{self.daemon.process.pid}/status") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1])

    def cpu(self):
        """Seconds of CPU time that the process has used."""
        with open(f"/proc/{self.daemon.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def grown(self, before, most, what):
        """
        Checks that the process has grown by so many kB at most.  The kernel counts in steps of
        256 kB a thread; sanitizers keep what is freed.
        """
        true(sanitized() or self.kilobytes() - before <= most, f"{what}: {self.kilobytes() - before} kB more")

    def back_to(self, descriptors):
        """Whether the process has no more descriptors than it had, soon."""
        return wait_until(lambda: self.descriptors() <= descriptors, 10)

    def busy(self, seconds):
        """The part of a core that the process uses."""
        before = self.cpu()
        time.sleep(seconds)
        return (self.cpu() - before) / seconds


class World:
    servers = []

    def start(self):
        self.scratch = Scratch()
        self.server = Server("map").__enter__()


WORLD = World()


def spelled(text, rng=random.Random(7)):
    """The same in capitals and small letters at random."""
    return "".join(rng.choice((c.upper(), c.lower())) for c in text)

"""The daemon follows its key file, however it is changed, and keeps no secret that has left it."""

import base64
import ctypes
import json
import os
import re
import resource
import shutil
import subprocess
import time

from harness import Daemon, Scratch, Skip, Suite, program, prvs, same, sanitized, true, wait_until
from milterclient import Milter, message

SUITE = Suite()
PRCTL = ctypes.CDLL(None).prctl
SCRATCH = Scratch()
OLD = prvs.Key(3, b"the key that signs at this time!", -2)
NEW = prvs.Key(4, b"a newer key that signs by now...", -1)
SOON = 10  # seconds within which a change must be in use
_count = 0


class Node:
    """A daemon whose key file is where `place` puts it; stopped at the end of the block."""

    def __init__(self, place=None):
        global _count
        _count += 1
        name = f"node{_count}"
        self.ring = prvs.Ring([OLD])
        self.ring.generation = 5
        self.dir = SCRATCH.path(name + ".keys")
        os.mkdir(self.dir, 0o755)
        self.path = os.path.join(self.dir, "keyring.json")
        (place or (lambda node: node.ring.write(node.path)))(self)
        self.daemon = Daemon(SCRATCH.dir, name, None, keyring=self.path)

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *_):
        self.daemon.kill()

    def next_ring(self, *keys):
        self.ring.generation += 1
        self.ring.keys = list(keys)
        return self.ring

    def signed_by(self):
        """The number of the key that signs now."""
        with Milter(self.daemon.connect()) as milter:
            milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
            milter.helo()
            said = message(milter, "<user@example.com>", ["<a@outside.example>"])
        changes = [c[1] for c in said.changes if c[0] == "chgfrom"]
        return int(changes[0][len("<prvs=")]) if changes else None

    def expect(self, number, what):
        begin = time.monotonic()
        true(wait_until(lambda: self.signed_by() == number, SOON), f"{what}: not in use after {SOON} s")
        return time.monotonic() - begin


def by_rename(node, *keys):
    node.next_ring(*keys).write(node.path)


def in_place(node, *keys):
    with open(node.path, "r+") as file:
        file.write(node.next_ring(*keys).text())
        file.truncate()


def in_place_slowly(node, *keys):
    text = node.next_ring(*keys).text()
    with open(node.path, "r+", buffering=1) as file:
        file.truncate(0)
        for at in range(0, len(text), len(text) // 5):
            file.write(text[at:at + len(text) // 5])
            file.flush()
            time.sleep(0.4)


def by_copy(node, *keys):
    node.next_ring(*keys).write(node.path + ".elsewhere")
    shutil.copyfile(node.path + ".elsewhere", node.path)


def volume(node, *keys):
    """As Kubernetes does it: keyring.json -> ..data/keyring.json, ..data -> a directory, swapped."""
    ring = node.next_ring(*keys) if keys else node.ring
    where = os.path.join(node.dir, f"..2026_{ring.generation}")
    os.mkdir(where, 0o755)
    ring.write(os.path.join(where, "keyring.json"))
    os.symlink(os.path.basename(where), os.path.join(node.dir, "..data_tmp"))
    os.rename(os.path.join(node.dir, "..data_tmp"), os.path.join(node.dir, "..data"))
    if not os.path.islink(node.path):
        os.symlink("..data/keyring.json", node.path)


@SUITE.rows([
    ("follows a change by rename", None, by_rename),
    ("follows a change in place", None, in_place),
    ("follows a change in place that takes two seconds", None, in_place_slowly),
    ("follows a copy over it", None, by_copy),
    ("follows a swapped link, as in a mounted Secret", volume, volume),
])
def follows(place, change):
    with Node(place) as node:
        same(node.signed_by(), 3, "key that signs at first")
        change(node, OLD, NEW)
        took = node.expect(4, "the first change")
        change(node, NEW)
        change(node, NEW, prvs.Key(5, b"and one more, the newest of them", -0.5))
        node.expect(5, "two more changes, one upon the other")
        SUITE.diagnose(f"in use after {took:.1f} s")
        true(not re.search(r"the ring in use stays", node.daemon.log()) or change is in_place_slowly,
             f"a complaint: {node.daemon.log()}")


def spoil_mode(node):
    os.chmod(node.path, 0o644)


def spoil_text(node):
    with open(node.path, "w") as file:
        file.write('{"format": "bv-keyring", "version": 1')


def spoil_generation(node):
    node.ring.generation -= 2
    node.ring.write(node.path)
    node.ring.generation += 2


def spoil_split(node):
    node.ring.keys = [OLD, NEW]
    node.ring.write(node.path)


@SUITE.rows([
    ("a bad file: readable by all", spoil_mode, "run: chmod 0640"),
    ("a bad file: cut short", spoil_text, "keyring.json:1:"),
    ("a bad file: gone", lambda node: os.unlink(node.path), "keyring.json: "),
    ("a bad file: a lower generation", spoil_generation, "generation 3 is older than 5"),
    ("a bad file: edited on two nodes", spoil_split, "generation 5 is in use with other content"),
])
def bad(spoil, said):
    with Node() as node:
        spoil(node)
        true(node.daemon.wait_log("the ring in use stays", SOON), f"nothing is said: {node.daemon.log()}")
        time.sleep(5)  # two more looks
        lines = [line for line in node.daemon.log().splitlines() if "the ring in use stays" in line]
        same(len(lines), 1, f"complaints: {lines}")
        true(said in lines[0], f"{said!r} is not in {lines[0]!r}")
        true(lines[0].endswith("(refused so far: 1)"), f"counted: {lines[0]}")
        true(OLD.secret.decode() not in node.daemon.log(), "the log holds a secret")
        same(node.signed_by(), 3, "key that signs")
        node.next_ring(OLD, NEW)
        node.ring.generation += 1
        node.ring.write(node.path)
        node.expect(4, "a good file again")
        true(node.daemon.wait_log("keyring.json: the key file can be used again$"), f"nothing is said: {node.daemon.log()}")


@SUITE.case("a bad file that is mended, and has the ring in use: one line says so")
def mended():
    with Node() as node:
        for count in (1, 2):
            spoil_mode(node)
            said = f"the ring in use stays \\(refused so far: {count}\\)"
            true(node.daemon.wait_log(said, SOON), f"nothing is said: {node.daemon.log()}")
            os.chmod(node.path, 0o640)
            again = [f"bvmilter: {node.path}: the key file can be used again"] * count
            true(wait_until(lambda want=again: [line for line in node.daemon.log().splitlines()
                                                if "used again" in line] == want, SOON), f"log: {node.daemon.log()}")
        time.sleep(3)
        same(node.daemon.log().count("can be used again"), 2, "lines that say so")


@SUITE.case("a session that idles in the middle of a message delays nothing, and keeps what it began with")
def idle():
    with Node() as node, Milter(node.daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
        milter.helo()
        milter.mail("<user@example.com>")
        true(milter.rcpt("<a@outside.example>").accepted, "RCPT")
        by_rename(node, OLD, NEW)
        node.expect(4, "the change")
        milter.data()
        changes = milter.eom().changes
        same([c[1][:7] for c in changes], ["<prvs=3"], "the message that had begun")


def own_memory_only():
    if sanitized():
        raise Skip("a sanitizer has memory of its own, and locks none")


def memory_of(pid):
    """All that the process can read of itself, region by region."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw") or "[vvar" in line:
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            mem.seek(start)
            try:
                yield mem.read(end - start)
            except OSError:
                continue


def forms(secret):
    """A secret as it may lie about: raw, hex, base64 (whole), and its first half raw."""
    return {"raw": secret, "hex": secret.hex().encode(), "base64": base64.b64encode(secret),
            "half": secret[:len(secret) // 2]}


def found(pid, secret):
    memory = list(memory_of(pid))
    return sorted(name for name, text in forms(secret).items() if any(text in region for region in memory))


@SUITE.case("a key that has left the file leaves the daemon's memory")
def wiped():
    own_memory_only()
    with Node() as node:
        pid = node.daemon.process.pid
        true("raw" in found(pid, OLD.secret), "the search finds a key that is in use")
        for generation in range(3):
            by_rename(node, OLD, NEW)
            node.expect(4, "the change")
        by_rename(node, NEW)
        true(node.daemon.wait_log(f"generation {node.ring.generation}: key 4", SOON), "the last change")
        with Milter(node.daemon.connect()) as milter:
            milter.connect("192.0.2.7", "mx.example.net")
            milter.helo()
            message(milter, "<>", [f"<{OLD.tag('user@example.com')}>", f"<{NEW.tag('user@example.com')}>"])
        same(found(pid, OLD.secret), [], "forms of the purged key in memory")
        true("raw" in found(pid, NEW.secret), "the key in use is there")


def locked(pid):
    """The locked memory of a process, in kB."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"(?m)^VmLck:\s*(\d+) kB", file.read()).group(1))


def flags_of(pid, secret):
    """The flags of the mapped regions that hold a secret as it is."""
    with open(f"/proc/{pid}/smaps") as smaps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for span, rights, text in re.findall(r"(?ms)^([0-9a-f]+-[0-9a-f]+) (\S+)[^\n]*\n(.*?^VmFlags:[^\n]*)", smaps.read()):
            start, end = (int(x, 16) for x in span.split("-"))
            mem.seek(start)
            if rights.startswith("rw") and "VmFlags: io" not in text and secret in mem.read(end - start):
                yield re.search(r"VmFlags:(.*)", text).group(1).split()


@SUITE.case("the ring is locked in memory and kept out of core files, also the tenth; a ring that has gone is not")
def in_locked_memory():
    own_memory_only()
    with Node() as node:
        pid = node.daemon.process.pid
        first = locked(pid)
        true(0 < first < 64, f"locked: {first} kB")
        true(any({"lo", "dd"} <= set(flags) for flags in flags_of(pid, OLD.secret)), "no such region holds the key")
        for generation in range(6, 15):
            by_rename(node, OLD, NEW)
            true(node.daemon.wait_log(f"generation {generation}: key 4", SOON), "the change")
        same(locked(pid), first, "locked after nine changes, in kB")


def forbid_locking():
    """In the process that will be the daemon: no memory to lock, and no right to lock more (CAP_IPC_LOCK)."""
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    PRCTL(24, 14, 0, 0, 0)  # PR_CAPBSET_DROP


@SUITE.case("a ring that cannot be locked is used all the same")
def not_locked():
    with Node() as node:
        node.daemon.kill()
        node.daemon.process = subprocess.Popen([program("bvmilter"), "-c", node.daemon.conf], stdin=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL, preexec_fn=forbid_locking)
        true(wait_until(node.daemon.answers), "it does not start")
        same(locked(node.daemon.process.pid), 0, "locked, in kB")
        same(node.signed_by(), 3, "key that signs")


@SUITE.case("which key signs is logged when the clock makes another one sign")
def staged():
    soon = prvs.Key(4, b"a newer key that signs by now...", sign_from=6 / 86400)
    with Node(lambda node: node.next_ring(OLD, soon).write(node.path)) as node:
        same(node.signed_by(), 3, "key that signs at first")
        true(node.daemon.wait_log(r"generation 6: key 4 signs, fingerprint [0-9a-f]{8}", 15), "the log's line")
        same(node.signed_by(), 4, "key that signs then")


SUITE.run()

"""bvkey: init and rotate, and what happens when a change is cut short."""

import fcntl
import itertools
import json
import os
import re
import shutil
import subprocess
import time

from bvkey import (FILES, SECRETS, SUITE, T0, UUID, bvkey, content, good, jq_checksum, key, listed, names, note_secrets, read,
                   refused, ring, states, tombstones)
from harness import Skip, contains, matches, program, same, true


# ---- init

@SUITE.case("init: the file, and what is said")
def init_file():
    path = FILES.new()
    out = good("-f", path, "--at", T0, "init")
    made = read(path)
    same(list(made), ["format", "version", "id", "generation", "updated", "updated_by", "signing_since", "keys",
                      "purged", "checksum"], "members")
    same(list(made["keys"][0]), ["number", "algorithm", "secret", "lifetime_days", "created", "sign_from", "comment"],
         "members of a key")
    matches(made["id"], f"^{UUID}$", "id")
    matches(made["updated_by"], r"^[^@]+@[^@]+$", "updated_by")
    secret = made["keys"][0].pop("secret")
    same(len(secret), 44, "length of the secret")
    same(made["keys"], [{"number": 0, "algorithm": "hmac-sha1", "lifetime_days": 7, "created": T0, "sign_from": T0,
                         "comment": ""}], "keys")
    same((made["generation"], made["updated"], made["signing_since"], made["purged"]), (1, T0, T0, []), "the rest")
    same(os.stat(path).st_mode & 0o7777, 0o640, "mode")
    same(names(path), ["keyring.json", "keyring.json.lock"], "files")
    same(made["checksum"], jq_checksum(path), "checksum")
    print_of = listed(path)["keys"][0]["fingerprint"]
    same(out, f"{path}: new keyring {made['id']}\nkey 0: fingerprint {print_of}, hmac-sha1, lifetime 7 days, "
              f"signs from {T0}\n", "output")


@SUITE.case("init: options")
def init_options():
    made = read(FILES.init(T0, "--lifetime", "3w", "--algorithm=hmac-sha256"))["keys"][0]
    same((made["lifetime_days"], made["algorithm"]), (21, "hmac-sha256"), "lifetime and algorithm")


@SUITE.case("init: never overwrites")
def init_again():
    path = FILES.init()
    before = content(path)
    refused(2, f"{path}: is there already, and is not overwritten", "-f", path, "init")
    same(content(path), before, "the file")
    target = FILES.put("precious")
    link = FILES.new()
    os.symlink(target, link)
    refused(2, "is there already", "-f", link, "init")
    same(content(target), b"precious", "the target of a link")


@SUITE.case("init: makes no directory, and wants one that others cannot write")
def init_directory():
    path = FILES.new()
    refused(2, "No such file or directory", "-f", os.path.join(os.path.dirname(path), "sub", "k.json"), "init")
    same(names(path), [], "files")
    os.chmod(os.path.dirname(path), 0o777)
    refused(2, f"run: chmod o-w {os.path.dirname(path)}\n", "-f", path, "init")
    true(not os.path.exists(path), "no file")


# ---- rotate

@SUITE.case("rotate: stages a key, and says when each phase begins")
def rotate():
    path = FILES.init(T0, "--lifetime=9d", "--algorithm=hmac-sha256")
    before = read(path)
    out = good("-f", path, "--at", "2026-11-25T00:00:00Z", "rotate")
    after = read(path)
    note_secrets(path)
    new = after["keys"][1]
    same(after["keys"][0], before["keys"][0], "the old key")
    same({k: v for k, v in new.items() if k != "secret"},
         {"number": 1, "algorithm": "hmac-sha256", "lifetime_days": 9, "created": "2026-11-25T00:00:00Z",
          "sign_from": "2026-11-25T01:00:00Z", "comment": ""}, "the new key")
    true(len(new["secret"]) == 44 and new["secret"] != before["keys"][0]["secret"], "a secret of its own")
    same((after["generation"], after["updated"], after["id"], after["signing_since"]),
         (2, "2026-11-25T00:00:00Z", before["id"], T0), "the rest")
    prints = [k["fingerprint"] for k in listed(path)["keys"]]
    same(out, f"{path}: generation 2\nkey 1: staged, fingerprint {prints[1]}, hmac-sha256, lifetime 9 days, "
              "signs from 2026-11-25T01:00:00Z\nkey 0: signs until 2026-11-25T01:00:00Z, verifies until "
              "2026-12-06T01:00:00Z, purgeable from 2026-12-06T01:00:00Z\n", "output")


@SUITE.case("rotate: options")
def rotate_options():
    path = FILES.init()
    out = good("rotate", "-f", path, "--at=2026-11-22T00:00:00Z", "--delay=0s", "--lifetime", "30d",
               "--algorithm=hmac-sha256")
    contains(out, "key 1: signing,", "output")
    same([(k["lifetime_days"], k["algorithm"], k["sign_from"]) for k in read(path)["keys"]],
         [(7, "hmac-sha1", T0), (30, "hmac-sha256", "2026-11-22T00:00:00Z")], "keys")


@SUITE.case("rotate: a second time in a row")
def rotate_twice():
    path = FILES.init()
    at = "2026-11-22T00:00:00Z"
    good("-f", path, "--at", at, "rotate")
    before = content(path)
    for delay in "1h", "30m", "0s":
        refused(2, "key 1 is staged and waits until 2026-11-22T01:00:00Z to sign; another key must start later",
                "-f", path, "--at", at, "rotate", "--delay", delay)
    same(content(path), before, "the file")
    good("-f", path, "--at", at, "rotate", "--delay", "2h")
    same(states(path, at), [(0, "signing"), (1, "staged"), (2, "staged")], "states")
    same(read(path)["generation"], 3, "generation")


@SUITE.case("rotate --if-older-than does nothing twice")
def rotate_old():
    path = FILES.init()
    command = "rotate", "--if-older-than", "30d", "--delay=1h"
    before = content(path)
    same(good("-f", path, "--at", "2026-12-21T11:59:59Z", *command), f"{path}: nothing to do, key 0 is of {T0}\n", "said")
    same(content(path), before, "the file")
    contains(good("-f", path, "--at", "2026-12-21T12:00:00Z", *command), "generation 2", "output")
    for at in "2026-12-21T12:00:00Z", "2026-12-21T14:00:00Z", "2027-01-20T11:59:59Z":
        contains(good("-f", path, "--at", at, *command), "nothing to do, key 1", at)
    contains(good("-f", path, "--at", "2027-01-20T12:00:00Z", *command), "generation 3", "output")


@SUITE.case("rotate: key numbers go round, past tombstones, until none is free")
def rotate_numbers():
    path = FILES.put(ring(key(8, "2026-11-01T00:00:00Z"), purged=tombstones(1, 3, 4, 5, 6, 7) +
                          tombstones(0, reusable=T0)))
    for hour, number in enumerate((9, 0, 2), 1):
        contains(good("-f", path, "--at", T0, "rotate", f"--delay={hour}h"), f"\nkey {number}: staged", "output")
    same([t["number"] for t in read(path)["purged"]], [1, 3, 4, 5, 6, 7], "tombstones")
    before = content(path)
    refused(2, "no key number is free; key 8 can be purged after 2026-11-30T13:00:00Z", "-f", path, "--at", T0, "rotate",
            "--delay=4h")
    refused(2, "no key number is free; key 8 is retired and can be purged", "-f", path, "--at", "2026-12-30T00:00:00Z",
            "rotate")
    path2 = FILES.put(ring(key(8, T0), purged=tombstones(0, 1, 2, 3, 4, 5, 6, 7, 9)))
    refused(2, "no key number is free; the first will be 0, from 2099-01-01T00:00:00Z", "-f", path2, "--at", T0, "rotate")
    same(content(path), before, "the file")


@SUITE.case("rotate: keeps mode and owner, and replaces what a link leads to")
def rotate_link():
    path, link = FILES.init(), FILES.new()
    os.chmod(path, 0o600)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    old = os.stat(path)
    os.symlink(path, link)
    good("-f", link, "rotate", "--at=2026-11-22T00:00:00Z")
    new = os.stat(path)
    true(os.path.islink(link) and new.st_ino != old.st_ino, "the link stays, its target is replaced")
    same((new.st_mode, new.st_uid, new.st_gid), (old.st_mode, old.st_uid, old.st_gid), "mode and owner")
    same(names(link), ["keyring.json"], "beside the link")


@SUITE.case("rotate: twenty at a time lose nothing")
def rotate_parallel():
    path = FILES.init()
    started = [subprocess.Popen([program("bvkey"), "-f", path, "--at=2026-11-22T00:00:00Z", "rotate", f"--delay={n}h"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for n in range(1, 21)]
    done = [(*process.communicate(timeout=60), process.returncode) for process in started]
    made = sum(status == 0 for *_, status in done)
    for _, err, status in done:
        true(status == 0 or (status == 2 and ("start later" in err or "no key number" in err)), f"{status}: {err}")
    after = read(path)
    same((after["generation"], len(after["keys"])), (made + 1, made + 1), f"generation and keys after {made} rotations")
    same(sorted(out.split(": generation ")[1].split()[0] for out, *_ in done if out),
         sorted(str(n) for n in range(2, made + 2)), "generations that were reported")
    same(after["checksum"], jq_checksum(path), "checksum")
    same(names(path), ["keyring.json", "keyring.json.lock"], "files")


# ---- failures in the middle, by strace

CALLS = "openat", "write", "fchmod", "fsync", "rename", "close"
EDITED = "2026-11-22T00:00:00Z"


def strace(path, inject, *command, stdin=b""):
    """Runs a command (rotate, if none is given) under a tracer that has calls fail."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    log = FILES.scratch.path("strace")
    command = "-f", path, "--at", EDITED, *(command or ("rotate",))
    before = "strace", "-o", log, "-e", "trace=" + inject.split(":")[0], "-e", "inject=" + inject
    # the leak sanitizer cannot work under a tracer
    ran = bvkey(*command, before=before, stdin=stdin,
                env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    with open(log) as file:
        text = file.read()
    if "Operation not permitted" in text + ran.err and "PTRACE" in text + ran.err:
        raise Skip("strace may not trace here")
    return ran, text


def changes():
    """Commands that change a file: a name, a file of generation `old`, and what the change makes `old + 1`."""
    retired = ring(key(3, "2026-10-01T00:00:00Z", secret=SECRETS[1]), key(4, "2026-11-01T00:00:00Z"))
    newer = json.dumps({**retired, "generation": 8, "keys": retired["keys"][1:]}).encode()
    return (("rotate", retired, ("rotate",), b""), ("purge", retired, ("purge",), b""),
            ("revoke", retired, ("revoke", "4"), b""), ("import", retired, ("import", "-"), newer),
            ("add", retired, ("add", "--number=5"), b"one more secret for the tests"))


@SUITE.rows([(f"{name} killed at each {call}: the old file or the new one", call, made, command, stdin)
             for name, made, command, stdin in changes() for call in CALLS])
def killed(call, made, command, stdin):
    path = FILES.put(made)
    old, new = content(path), None
    for when in itertools.count(1):
        ran, text = strace(path, f"{call}:signal=KILL:when={when}", *command, stdin=stdin)
        if "SIGKILL" not in text:
            break
        now = content(path)
        if now != old:
            same((read(path)["generation"], read(path)["checksum"]), (8, jq_checksum(path)), "generation and checksum")
            new = now
            break
        same(listed(path)["generation"], 7, "generation of what is there")
    true(when > 1, "something was killed")
    if new is None:
        same(ran.status, 0, "the run that nothing killed")
    good("-f", path, "--at", "2026-11-22T02:00:00Z", "rotate")
    same(names(path), ["keyring.json", "keyring.json.lock"], "leftovers are removed")
    same(read(path)["generation"], 9, "generation")


ERRORS = (("EIO", "Input/output error"), ("ENOSPC", "No space left on device"), ("EDQUOT", "Disk quota exceeded"))


@SUITE.rows([(f"{name}, {call} fails with {error}: the old file stays", call, error, text, made, command, stdin)
             for name, made, command, stdin in changes() for call in ("write", "fchmod", "fsync", "rename")
             for error, text in ERRORS])
def fails(call, error, text, made, command, stdin):
    path = FILES.put(made)
    old = content(path)
    # the first write is that of the lock's owner, which nothing depends on
    ran, _ = strace(path, f"{call}:error={error}:when={2 if call == 'write' else 1}", *command, stdin=stdin)
    same((ran.status, ran.out), (2, ""), "status and output")
    matches(ran.err, rf"^bvkey: {re.escape(path)}: {call} \S+: {text}\n$", "standard error")
    same(content(path), old, "the file")
    same(names(path), ["keyring.json", "keyring.json.lock"], "files")
    good("-f", path, "--at", EDITED, *command, stdin=stdin)
    same(read(path)["generation"], 8, "generation")


@SUITE.rows([(f"{name}: no file may be that long: the old one stays", made, command, stdin)
             for name, made, command, stdin in changes()])
def too_long(made, command, stdin):
    path = FILES.put(made)
    old = content(path)
    ran = bvkey("-f", path, "--at", EDITED, *command, before=("prlimit", "--fsize=0"), stdin=stdin)
    same((ran.status, ran.out), (2, ""), "status and output")
    matches(ran.err, rf"^bvkey: {re.escape(path)}: write \S+: File too large\n$", "standard error")
    same(content(path), old, "the file")
    same(names(path), ["keyring.json", "keyring.json.lock"], "files")


@SUITE.case("the directory's fsync fails: the new file is there, and it is said")
def directory_fails():
    path = FILES.init()
    ran, _ = strace(path, "fsync:error=EIO:when=2")
    same((ran.status, ran.out), (2, ""), "status and output")
    contains(ran.err, ": is written, but may not outlive a power failure: fsync ", "standard error")
    same((read(path)["generation"], names(path)), (2, ["keyring.json", "keyring.json.lock"]), "generation and files")


@SUITE.rows([("rotate: no random numbers: no key", "rotate"), ("revoke: no random numbers: no key", "revoke", "0")])
def no_random(*command):
    path = FILES.init()
    old = content(path)
    ran, _ = strace(path, "getrandom:error=EIO", *command)
    same((ran.status, ran.out), (2, ""), "status and output")
    contains(ran.err, f"{path}: the system's random source: Input/output error", "standard error")
    same(content(path), old, "the file")


@SUITE.case("a lock that somebody keeps is waited for")
def locked():
    path = FILES.init()
    with open(path + ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen([program("bvkey"), "-f", path, "--at=2026-11-22T00:00:00Z", "rotate"],
                                   stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        same(process.poll(), None, "status while it waits")
        same(read(path)["generation"], 1, "generation")
    process.communicate(timeout=20)
    same((process.returncode, read(path)["generation"]), (0, 2), "status and generation")


@SUITE.rows([(f"{name}: no change without the lock", made, command, stdin) for name, made, command, stdin in changes()])
def no_lock(made, command, stdin):
    path = FILES.put(made)
    before = content(path)
    os.mkdir(path + ".lock")
    refused(2, f"bvkey: {path}: cannot open the lock {path}.lock: Is a directory", "-f", path, "--at", EDITED, *command,
            stdin=stdin)
    same(content(path), before, "the file")

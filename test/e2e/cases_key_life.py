"""bvkey: add, purge, revoke, and rotate --purge."""

import base64
import hashlib
import json
import os
import pty
import signal
import subprocess
import termios

from bvkey import (FILES, SECRETS, SUITE, T0, bvkey, content, good, jq_checksum, key, listed, names, note_secrets, read,
                   refused, ring, states, tombstones)
from harness import contains, program, same, true

SHARED = b"a secret that Exim has, too"


def verdict(path, address, at):
    """What bvtag makes of a tag with these keys."""
    done = subprocess.run([program("bvtag"), "-f", path, "--at", at, "verify", address], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    return done.stdout.split(" ")[0]


def signed(path, address, at):
    done = subprocess.run([program("bvtag"), "-f", path, "--at", at, "sign", address], stdout=subprocess.PIPE,
                          text=True, timeout=60)
    return done.stdout.rstrip("\n")


# ---- add

VECTORS = (  # the specification's, for keys shorter than a file's secrets are, and for others; day 20778 is stamp 785
    (b"secret", 0, "2026-11-21T12:00:00Z", "userx@test.ex", "prvs=07853a09e4=userx@test.ex"),
    (b"secret", 1, "2026-11-21T12:00:00Z", "userx@test.ex", "prvs=178514cf67=userx@test.ex"),
    (b"secret", 8, "2027-06-27T12:00:00Z", "userx@test.ex", "prvs=800366d0a6=userx@test.ex"),
    (b"0123456789abcdef0123456789abcdef", 0, "2027-06-23T00:00:00Z", "alice@example.com",
     "prvs=0999e9adbe=alice@example.com"),
    (20 * b"\0", 0, "2027-06-24T23:59:59Z", "a@b.example", "prvs=00004234fb=a@b.example"),
    (80 * b"k", 0, "2026-11-21T12:00:00Z", "alice@example.com", "prvs=07859e2ad5=alice@example.com"),
    (b"secret", 0, "2027-06-23T12:00:00Z", "userx@test.ex", "prvs=0999fb7905=userx@test.ex"),
)


@SUITE.rows([(f"add: tags as made elsewhere, {secret[:8]!r} key {number} {at}", secret, number, at, address, tagged)
             for secret, number, at, address, tagged in VECTORS])
def add_vectors(secret, number, at, address, tagged):
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    good("-f", path, "--at", at, "add", f"--number={number}", "--sign-from=now", "--format=raw", "--weak", stdin=secret)
    same(signed(path, address, at), tagged, "signed")
    same(verdict(path, tagged, at), "valid", "verdict")
    same(base64.b64decode(read(path)["keys"][1]["secret"]), secret.ljust(16, b"\0"), "what is stored")


@SUITE.case("add: the key, and what is said")
def add():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    out = good("-f", path, "--at", T0, "add", "--number", "2", stdin=SHARED + b"\n")
    after = read(path)
    note_secrets(path)
    same(after["keys"][1], {"number": 2, "algorithm": "hmac-sha1", "secret": base64.b64encode(SHARED).decode(),
                            "lifetime_days": 7, "created": T0, "sign_from": "2026-11-21T13:00:00Z", "comment": ""}, "key")
    same((after["generation"], after["updated"], after["checksum"]), (8, T0, jq_checksum(path)), "the rest")
    mark = hashlib.sha256(SHARED).hexdigest()[:8]
    same(out, f"{path}: generation 8\n"
              f"key 2: staged, fingerprint {mark}, hmac-sha1, lifetime 7 days, signs from 2026-11-21T13:00:00Z\n"
              "key 5: signs until 2026-11-21T13:00:00Z, verifies until 2026-11-30T13:00:00Z, purgeable from "
              "2026-11-30T13:00:00Z\n", "output")


@SUITE.case("add: options")
def add_options():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    good("-f", path, "--at", T0, "add", "--number=2", "--sign-from=2026-12-01T00:00:00Z", "--lifetime", "3w",
         "--algorithm=hmac-sha256", "--comment", "für Exim", "--format=text", stdin=SHARED)
    got = read(path)["keys"][1]
    same((got["sign_from"], got["lifetime_days"], got["algorithm"], got["comment"]),
         ("2026-12-01T00:00:00Z", 21, "hmac-sha256", "für Exim"), "key")


@SUITE.case("add: every format gives the same key")
def add_formats():
    marks = set()
    for name, text in (("text", SHARED), ("text", SHARED + b"\n"), ("text", SHARED + b"\r\n"), ("raw", SHARED),
                       ("base64", base64.encodebytes(SHARED)), ("base64", base64.b64encode(SHARED)),
                       ("hex", SHARED.hex().upper().encode() + b"\n"), ("hex", SHARED.hex(" ").encode())):
        path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
        good("-f", path, "--at", T0, "add", "--number=2", "--format", name, stdin=text)
        marks.add(listed(path)["keys"][1]["fingerprint"])
    same(marks, {hashlib.sha256(SHARED).hexdigest()[:8]}, "fingerprints")


@SUITE.rows([("add: refused: " + name, *row) for name, *row in (
    ("nothing", b"", (), "standard input: the secret is empty"),
    ("an empty line", b"\n", ("--weak",), "the secret is empty"),
    ("two lines", SHARED + b"\n" + SHARED, (), "the secret is not one line of text"),
    ("no base64", SHARED, ("--format=base64",), "the secret is no base64"),
    ("no hex", SHARED, ("--format=hex",), "the secret is no hexadecimal text"),
    ("257 octets", 257 * b"x", ("--weak",), "the secret has more than 256 octets"),
    ("a very long one", 100000 * b"x", ("--weak", "--format=raw"), "the secret has more than 256 octets"),
    ("short", b"geheim-geheim15", (), "the secret is weak: it has fewer than 16 octets; if it cannot be changed, --weak"),
    ("few octets", 40 * b"abcde", (), "the secret is weak: it has fewer than 6 different octets"),
    ("repeated", b"password" * 3, (), "the secret is weak: it is a shorter text, repeated"),
    ("rows", b"abcdefgh12345678", (), "the secret is weak: most of it are rows like"),
    ("a comment with a control character", SHARED, ("--comment=a\nb",), "the comment holds a control character"),
    ("a comment that is no UTF-8", SHARED, ("--comment=" + os.fsdecode(b"\xff"),), "text that is no UTF-8"),
)])
def add_refused(secret, options, said):
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    before = content(path)
    err = refused(2, said, "-f", path, "--at", T0, "add", "--number=2", *options, stdin=secret)
    true(secret == b"" or secret.decode().strip() == "" or secret.decode()[:12] not in err, "the secret is not shown")
    same(content(path), before, "the file")


@SUITE.case("add: --weak takes what is refused otherwise, and a short secret is filled up")
def add_weak():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    out = good("-f", path, "--at", T0, "add", "--number=2", "--weak", stdin=b"hunter2\n")
    contains(out, "key 2: the secret is filled up with zero octets to 16, which changes no tag, and the fingerprint is "
                  "of all\n", "output")
    same(base64.b64decode(read(path)["keys"][1]["secret"]), b"hunter2" + 9 * b"\0", "what is stored")
    contains(out, hashlib.sha256(b"hunter2" + 9 * b"\0").hexdigest()[:8], "fingerprint")


@SUITE.rows([("add: begins " + name, *row) for name, *row in (
    ("now", "now", "signing", [(5, "verifying"), (2, "signing")]),
    ("yesterday", "2026-11-20T12:00:00Z", "signing", [(5, "verifying"), (2, "signing")]),
    ("tomorrow", "2026-11-22T00:00:00Z", "staged", [(5, "signing"), (2, "staged")]),
    ("before the oldest, which is young", "2026-11-14T00:00:00Z", "verifying", [(2, "verifying"), (5, "signing")]),
)])
def add_begins(sign_from, state, want):
    path = FILES.put(ring(key(5, "2026-11-15T00:00:00Z")))
    out = good("-f", path, "--at", T0, "add", "--number=2", "--sign-from", sign_from, stdin=SHARED)
    contains(out, f"key 2: {state}, ", "output")
    same(states(path), want, "states")
    for line in out.splitlines():
        if state == "verifying" and line.startswith("key 2: signs until"):
            contains(line, "signs until 2026-11-15T00:00:00Z, verifies until 2026-11-24T00:00:00Z", "its end")
            break
    else:
        true(state != "verifying", "its end is said")


@SUITE.case("add: behind a key that has ended long ago it is retired")
def add_retired():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    out = good("-f", path, "--at", T0, "add", "--number=2", "--sign-from=2026-10-01T00:00:00Z", stdin=SHARED)
    contains(out, "key 2: retired, ", "output")
    contains(out, "verifies until 2026-11-10T00:00:00Z", "output")


@SUITE.case("add: refuses what would break the order, a number, or live tags")
def add_order():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z"), key(6, "2026-12-01T00:00:00Z"),
                          purged=tombstones(2) + tombstones(3, reusable="2026-11-21T12:00:01Z")))
    before = content(path)
    for args, said in ((("--number=5",), "another key has the number 5"),
                       (("--number=2",), "the number 2 is that of a purged key whose tags may be alive; it is free again "
                                         "from 2099-01-01T00:00:00Z"),
                       (("--number=3",), "free again from 2026-11-21T12:00:01Z"),
                       (("--number=4", "--sign-from=2026-11-01T00:00:00Z"), "key 5 signs from 2026-11-01T00:00:00Z; two "
                                                                           "keys cannot begin at the same time"),
                       (("--number=4", "--sign-from=2026-12-01T00:00:00Z"), "key 6 signs from 2026-12-01T00:00:00Z"),
                       (("--number=4", "--sign-from=2026-11-10T00:00:00Z"),
                        "tags that key 5 made are alive, and would be refused; let the new key begin before "
                        "2026-11-01T00:00:00Z, or not before 2026-11-20T12:00:00Z")):
        refused(2, f"bvkey: {path}: {said}" if said[0] != "f" else said, "-f", path, "--at", T0, "add", *args,
                stdin=SHARED)
    same(content(path), before, "the file")
    good("-f", path, "--at", "2026-11-21T12:00:01Z", "add", "--number=3", stdin=SHARED)
    same([t["number"] for t in read(path)["purged"]], [2], "tombstones")


@SUITE.case("add: an eleventh key")
def add_eleventh():
    path = FILES.put(ring(*(key(n, f"2026-11-{n + 10}T00:00:00Z") for n in range(10))))
    refused(2, "the keyring has 10 keys, and cannot have more", "-f", path, "--at", T0, "add", "--number=3", stdin=SHARED)


@SUITE.case("add: from a terminal, the secret is not shown")
def add_terminal():
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    master, slave = pty.openpty()
    process = subprocess.Popen([program("bvkey"), "-f", path, "--at", T0, "add", "--number=2"], stdin=slave,
                               stdout=slave, stderr=slave)
    shown = b""
    while not shown.endswith(b"secret: "):
        shown += os.read(master, 100)
    true(not termios.tcgetattr(slave)[3] & termios.ECHO, "echo is off")
    os.write(master, SHARED + b"\n")
    same(process.wait(60), 0, "status")
    true(termios.tcgetattr(slave)[3] & termios.ECHO, "echo is on again")
    os.close(slave)
    try:
        while True:
            shown += os.read(master, 1000)
    except OSError:
        pass
    os.close(master)
    true(SHARED not in shown and b"key 2: staged" in shown, f"what is shown: {shown}")
    same(base64.b64decode(read(path)["keys"][1]["secret"]), SHARED, "the secret")


@SUITE.rows([(f"add: ended by SIG{name} at the terminal's prompt, which shows again what is typed", name)
             for name in ("INT", "TERM", "HUP", "QUIT")])
def add_ended(name):
    path = FILES.put(ring(key(5, "2026-11-01T00:00:00Z")))
    before = read(path)
    master, slave = pty.openpty()
    number = getattr(signal, "SIG" + name)
    process = subprocess.Popen([program("bvkey"), "-f", path, "add", "--number=2"], stdin=slave, stdout=slave, stderr=slave,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # a shell's "&" has some ignored
    shown = b""
    while not shown.endswith(b"secret: "):
        shown += os.read(master, 100)
    process.send_signal(signal.SIGTSTP)
    process.send_signal(number)
    same(process.wait(60), -number, "status")
    true(termios.tcgetattr(slave)[3] & termios.ECHO, "echo is on again")
    os.close(slave)
    os.close(master)
    same(read(path), before, "the key file")


# ---- purge

def many():
    """Keys 1 and 2 retired, 3 and 4 verifying, 5 signing, 6 staged at T0."""
    made = ring(key(1, "2026-01-01T00:00:00Z"), key(2, "2026-08-23T12:00:00Z", secret=SECRETS[1]),
                key(3, "2026-10-22T12:00:00Z", lifetime=180), key(4, "2026-11-12T12:00:00Z"),
                key(5, "2026-11-15T00:00:00Z"), key(6, "2026-12-01T00:00:00Z"), purged=tombstones(9))
    for each in made["keys"]:
        each["comment"] = ""
    return FILES.put(made)


GONE = {1: "its last tag expired at 2026-09-01T12:00:00Z", 2: "its last tag expired at 2026-10-31T12:00:00Z",
        3: "bounces to its tags, issued until 2026-11-12T12:00:00Z and good until 2027-05-13T12:00:00Z, are refused "
           "from now on",
        4: "bounces to its tags, issued until 2026-11-15T00:00:00Z and good until 2026-11-24T00:00:00Z, are refused "
           "from now on",
        6: "it had not signed yet"}
REUSABLE = {1: T0, 2: T0, 3: "2027-05-13T12:00:00Z", 4: "2026-11-24T00:00:00Z", 6: T0}
STAY = {3: "its tags, issued until 2026-11-12T12:00:00Z, are good until 2027-05-13T12:00:00Z; --force purges it, and "
           "bounces to them are refused",
        4: "its tags, issued until 2026-11-15T00:00:00Z, are good until 2026-11-24T00:00:00Z; --force purges it, and "
           "bounces to them are refused"}


def left(keys, gone):
    """The keys that stay. One behind another that goes, and that has begun, takes over its beginning."""
    kept, end = [], None
    for each in keys:
        if each["number"] not in gone:
            kept.append({**each, "sign_from": end or each["sign_from"]})
            end = None
        elif kept and each["sign_from"] <= T0:
            end = end or each["sign_from"]
    return kept


@SUITE.rows([("purge " + " ".join(options), options, gone, stay) for options, gone, stay in (
    ((), [1, 2], []),
    (("--expired",), [1, 2], []),
    (("--unused-for", "1m"), [1, 2], []),  # 2 to the second
    (("--unused-for=3m",), [1], []),  # to the second
    (("--unused-for=91d",), [], []),
    (("--unused-for=6m",), [], []),
    (("--unused-for=1y",), [], []),
    (("--unused-for=1w",), [1, 2], [3]),
    (("--unused-for=0d",), [1, 2], [3, 4]),
    (("--unused-for=9d", "--force"), [1, 2, 3], []),
    (("--all-but-current",), [1, 2], [3, 4]),
    (("--all-but-current", "--force"), [1, 2, 3, 4], []),
    (("--number", "1"), [1], []),
    (("--number=1", "--number=2"), [1, 2], []),
    (("--number=4", "--force"), [4], []),
    (("--number=6", "--force"), [6], []),
    (("--number=1", "--unused-for=3m"), [1], []),
    (("--number=2", "--unused-for=3m"), [1, 2], []),
    (("--expired", "--number=4", "--force"), [1, 2, 4], []),
    (("--expired", "--force"), [1, 2], []),
    (("--force",), [1, 2], []),
)])
def purge(options, gone, stay):
    path = many()
    before, old = content(path), read(path)
    command = "-f", path, "--at", T0, "purge", *options
    dry = bvkey(*command, "--dry-run")
    same(content(path), before, "the file after a dry run")
    same(names(path), ["keyring.json"], "files after a dry run")
    ran = bvkey(*command)
    after = read(path)
    same((dry.status, dry.err, ran.status, ran.err), (0 if gone else 1, "") * 2, "status and standard error")
    same(after["keys"], left(old["keys"], gone),
         "the keys that are left")
    same(after["generation"], 8 if gone else 7, "generation")
    lines = [f"{path}: generation 8" if gone else f"{path}: nothing to purge"]
    lines += [f"key {n}: purged; {GONE[n]}" if n in gone else f"key {n}: stays; {STAY[n]}" for n in sorted(gone + stay)]
    same(ran.out.splitlines()[:len(lines)], lines, "output")
    same(sorted(l.split(":")[0] for l in dry.out.splitlines()[1:]), sorted(l.split(":")[0] for l in ran.out.splitlines()[1:]),
         "keys of the dry run")
    contains(dry.out, f"{path}: a dry run, nothing is changed\n" if gone else f"{path}: nothing to purge\n", "dry run")
    if gone:
        same(after["purged"], [{"number": n, "purged": T0, "reusable": REUSABLE[n]} for n in gone] + tombstones(9),
             "tombstones")
        same((after["updated"], after["checksum"]), (T0, jq_checksum(path)), "updated and checksum")
        true(2 not in gone or base64.b64encode(SECRETS[1])[:12] not in content(path), "a secret that is gone")
        same(bvkey(*command).status, 1, "the second time")


@SUITE.rows([("purge, refused: " + name, *row) for name, *row in (
    ("the signing key", ("--number=5",), "key 5 signs, and is never purged: rotate, or revoke it if it is compromised"),
    ("the signing key by force", ("--number=5", "--force", "--all-but-current"), "key 5 signs, and is never purged"),
    ("a staged key", ("--number=6",), "key 6 is staged, and will sign; only --force purges it"),
    ("live tags", ("--number=4",), "bounces to tags of key 4, issued until 2026-11-15T00:00:00Z and good until "
                                   "2026-11-24T00:00:00Z, would be refused; only --force purges it"),
    ("live tags, beside another", ("--expired", "--number=4"), "bounces to tags of key 4, issued until"),
    ("nobody's number", ("--number=7",), "no key has the number 7"),
)])
def purge_refused(options, said):
    path = many()
    before = content(path)
    for dry in (), ("--dry-run",):
        refused(2, f"bvkey: {path}: {said}", "-f", path, "--at", T0, "purge", *options, *dry)
    same(content(path), before, "the file")


@SUITE.case("purge: what is purged already, and the last key")
def purge_again():
    path = many()
    ran = bvkey("-f", path, "--at", T0, "purge", "--number=9")
    same((ran.status, ran.out, ran.err), (1, f"{path}: nothing to purge\nkey 9: is purged already\n", ""), "answer")
    path = FILES.put(ring(key(1, "2027-01-01T00:00:00Z")))
    refused(2, "no key would be left: a keyring has at least one", "-f", path, "--at", T0, "purge", "--number=1", "--force")


@SUITE.case("purge: what happens to tags of a key that goes, and of its successor under the same number")
def purge_tags():
    path = FILES.put(ring(key(1, "2026-10-01T00:00:00Z"), key(2, "2026-11-20T00:00:00Z", secret=SECRETS[1])))
    tag = signed(path, "user@example.com", "2026-11-19T00:00:00Z")
    same(verdict(path, tag, T0), "valid", "before")
    out = good("-f", path, "--at", T0, "purge", "--number=1", "--force")
    contains(out, "issued until 2026-11-20T00:00:00Z and good until 2026-11-29T00:00:00Z, are refused from now on", "said")
    same(verdict(path, tag, T0), "unknown-key", "after")
    refused(2, "free again from 2026-11-29T00:00:00Z", "-f", path, "--at", "2026-11-28T23:59:59Z", "add", "--number=1",
            stdin=SHARED)
    good("-f", path, "--at", "2026-11-29T00:00:00Z", "add", "--number=1", "--sign-from=now", stdin=SHARED)
    same(verdict(path, tag, "2026-11-29T00:00:00Z"), "forged", "with another key of that number")


@SUITE.case("purge: a key ends when it did, though the one that ended it goes")
def purge_middle():
    path = FILES.put(ring(key(1, "2026-01-01T00:00:00Z"), key(2, "2026-11-01T00:00:00Z"), key(3, "2026-11-18T00:00:00Z")))
    out = good("-f", path, "--at", T0, "purge", "--number=2", "--force")
    contains(out, "key 3: signs from 2026-11-01T00:00:00Z, in the place of the key that is gone\n", "output")
    same([(k["number"], k["state"], k["verifies_until"]) for k in listed(path)["keys"]],
         [(1, "retired", "2026-11-10T00:00:00Z"), (3, "signing", None)], "states")


# ---- rotate --purge

@SUITE.rows([("rotate --purge " + rule, rule, gone, stay) for rule, gone, stay in (
    ("expired", [1, 2], []), ("1m", [1, 2], []), ("3m", [1], []), ("6m", [], []), ("1y", [], []), ("91d", [], []),
    ("1w", [1, 2], [3]), ("all-but-current", [1, 2], [3, 4]))])
def rotate_purge(rule, gone, stay):
    path = many()
    old = read(path)
    out = good("-f", path, "--at", T0, "rotate", "--delay=30d", "--purge", rule)
    after = read(path)
    same([k["number"] for k in after["keys"]], [k["number"] for k in old["keys"] if k["number"] not in gone] + [7], "keys")
    same((after["generation"], after["checksum"]), (8, jq_checksum(path)), "generation and checksum")
    same([t["number"] for t in after["purged"]], gone + [9], "tombstones")
    same(out.splitlines()[3:], [f"key {n}: purged; {GONE[n]}" if n in gone else
                                f"key {n}: stays; {STAY[n].split(';')[0]}" for n in gone + stay], "output")


@SUITE.case("rotate --purge: a number that is needed, nothing to do, and a rotation that is refused")
def rotate_purge_more():
    path = FILES.put(ring(key(8, "2026-10-01T00:00:00Z"), key(9, "2026-11-01T00:00:00Z"),
                          purged=tombstones(0, 1, 2, 3, 4, 5, 6, 7)))
    before = content(path)
    refused(2, "no key number is free; key 8 is retired and can be purged", "-f", path, "--at", T0, "rotate")
    same(good("-f", path, "--at", T0, "rotate", "--if-older-than=30d", "--purge=expired"),
         f"{path}: nothing to do, key 9 is of 2026-11-01T00:00:00Z\n", "nothing to do")
    same(content(path), before, "the file")
    contains(good("-f", path, "--at", T0, "rotate", "--purge=expired"), "key 8: purged; ", "output")
    same((states(path), read(path)["generation"]), ([(9, "signing"), (8, "staged")], 8), "afterwards")
    before = content(path)
    refused(2, "key 8 is staged and waits", "-f", path, "--at", T0, "rotate", "--purge=all-but-current")
    same(content(path), before, "the file")


# ---- revoke

@SUITE.case("revoke: the only key")
def revoke():
    path = FILES.init("2026-11-01T00:00:00Z", "--lifetime=9d", "--algorithm=hmac-sha256")
    tag = signed(path, "user@example.com", T0)
    out = good("-f", path, "--at", T0, "revoke", "0")
    note_secrets(path)
    after = read(path)
    same(states(path), [(1, "signing")], "states")
    same((after["generation"], after["keys"][0]["sign_from"], after["keys"][0]["created"], after["purged"]),
         (2, "2026-11-01T00:00:00Z", T0, [{"number": 0, "purged": T0, "reusable": "2026-12-02T12:00:00Z"}]), "the rest")
    mark = listed(path)["keys"][0]["fingerprint"]
    same(out, f"{path}: generation 2\n"
              f"key 0: revoked; bounces to its tags, issued until {T0} and good until 2026-12-02T12:00:00Z, are refused "
              "from now on\n"
              f"key 1: signing, fingerprint {mark}, hmac-sha256, lifetime 9 days, signs from "
              "2026-11-01T00:00:00Z\n", "output")
    same(verdict(path, tag, T0), "unknown-key", "a tag of the revoked key")
    same(verdict(path, signed(path, "user@example.com", T0), T0), "valid", "a tag of the new one")
    before = content(path)
    for _ in 1, 2:
        ran = bvkey("-f", path, "--at", T0, "revoke", "0")
        same((ran.status, ran.out, ran.err), (1, f"{path}: key 0 is purged already\n", ""), "once more")
    refused(2, f"{path}: no key has the number 7", "-f", path, "--at", T0, "revoke", "7")
    same(content(path), before, "the file")


@SUITE.rows([("revoke: " + name, *row) for name, *row in (
    ("retired", 2, [1, 3, 4, 5, 6], "its last tag expired at 2026-10-31T12:00:00Z", T0),
    ("verifying", 4, [1, 2, 3, 5, 6], GONE[4], "2026-11-24T00:00:00Z"),
    ("signing, with a staged key", 5, [1, 2, 3, 4, 6],
     f"bounces to its tags, issued until {T0} and good until 2026-11-30T12:00:00Z, are refused from now on",
     "2026-11-30T12:00:00Z"),
    ("staged", 6, [1, 2, 3, 4, 5], "it had not signed yet", T0),
)])
def revoke_states(number, left, said, reusable):
    path = many()
    out = good("-f", path, "--at", T0, "revoke", number)
    contains(out, f"{path}: generation 8\nkey {number}: revoked; {said}\n", "output")
    same([k["number"] for k in read(path)["keys"]], left, "keys")
    same(read(path)["purged"], sorted([{"number": number, "purged": T0, "reusable": reusable}] + tombstones(9),
                                      key=lambda t: t["number"]), "tombstones")
    signing = [k for k in listed(path)["keys"] if k["state"] == "signing"]
    same([(k["number"], k["signs_from"]) for k in signing],
         [({5: 6}.get(number, 5), "2026-11-12T12:00:00Z" if number == 4 else "2026-11-15T00:00:00Z")], "who signs")
    same("key 6: signing, " in out, number == 5, "the heir is named")
    before, after = (dict((k["number"], k["state"]) for k in listed(one)["keys"]) for one in (many(), path))
    same({n: state for n, state in after.items() if n != 6}, {n: state for n, state in before.items() if n in left and n != 6},
         "the states of the others")


@SUITE.case("revoke: the new key takes over the beginning, so others stay what they are, and a slow clock sees it sign")
def revoke_beginning():
    path = FILES.put(ring(key(1, "2026-01-01T00:00:00Z"), key(2, "2026-11-01T00:00:00Z")))
    contains(good("-f", path, "--at", T0, "revoke", "2"), "key 3: signing, ", "output")
    same([(k["number"], k["state"], k["signs_from"]) for k in listed(path)["keys"]],
         [(1, "retired", "2026-01-01T00:00:00Z"), (3, "signing", "2026-11-01T00:00:00Z")], "states")
    same(states(path, "2026-11-20T12:00:00Z"), [(1, "retired"), (3, "signing")], "by a clock that is a day behind")
    same(json.loads(good("-f", path, "--at", "2027-02-19T12:00:00Z", "check", "--json"))["notes"],
         ["purge possible of retired keys: 1"], "the new key is 90 days old")
    contains(good("-f", path, "--at", "2027-02-19T12:00:01Z", "check"), f"rotation overdue: key 3 signs since {T0}", "older")


@SUITE.case("revoke: when no number is free, the new key takes that of the old one")
def revoke_full():
    path = FILES.put(ring(key(3, "2026-11-01T00:00:00Z"), purged=tombstones(0, 1, 2, 4, 5, 6, 7, 8, 9)))
    tag = signed(path, "user@example.com", T0)
    out = good("-f", path, "--at", T0, "revoke", "3")
    contains(out, "no other number is free: tags of the revoked key 3 count as forged, not as of an unknown key\n", "output")
    same((states(path), read(path)["keys"][0]["created"]), ([(3, "signing")], T0), "states")
    same(verdict(path, tag, T0), "forged", "a tag of the revoked key")


# ---- at the same time

@SUITE.case("200 rounds of two rotations at the same time: none is lost")
def rotate_rounds():
    path = FILES.init("2020-01-01T00:00:00Z")
    clashes = 0
    for n in range(200):
        # twenty days apart, so that the keys of the round before are retired and their numbers free
        at = f"{2021 + n // 12}-{n % 12 + 1:02}-01T00:00:00Z"
        command = [program("bvkey"), "-f", path, "--at", at, "rotate", "--purge=expired"]
        pair = [subprocess.Popen([*command, f"--delay={hours}h"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for hours in (1, 2)]
        ended = [(*process.communicate(timeout=60), process.returncode) for process in pair]
        for out, err, status in ended:
            if status != 0:  # the other one was first, and begins later
                contains(err, "is staged and waits", f"round {n}")
                clashes += 1
                subprocess.run([*command, "--delay=3h"], check=True, stdout=subprocess.DEVNULL)
        true(sum(status == 0 for *_, status in ended) >= 1, f"round {n}: one at least is done: {ended}")
        after = read(path)
        same((after["generation"], len(after["keys"])), (2 * n + 3, 3), f"round {n}: generation and keys")
    same(after["checksum"], jq_checksum(path), "checksum")
    same(names(path), ["keyring.json", "keyring.json.lock"], "files")
    SUITE.diagnose(f"{clashes} were second to one that begins later")

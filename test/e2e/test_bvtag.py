"""bvtag: every command, option and exit status, against tags made with Python's hmac."""

import json
import os
import select
import subprocess
import time

from harness import Scratch, Suite, contains, program, prvs, same, true

SUITE = Suite()
SCRATCH = Scratch()
NOON = "2026-11-21T12:00:00Z"  # day 20778
KEY = prvs.Key(3, b"0123456789abcdef0123456789abcdef", sign_from=-3)
SHA256 = prvs.Key(4, b"abcdefghijklmnopqrstuvwxyz012345", algorithm="hmac-sha256", sign_from=-2)


def ring(name, *keys):
    return prvs.Ring(list(keys)).write(SCRATCH.path(name))


RING = ring("ring.json", KEY)
CONF = SCRATCH.write("bvmilter.conf", f"""
keyring = "{RING}"
domains = "{SCRATCH.path('domains')}"
untagged_stage = "rcpt"
action = "mark"
warmup = "off"
exceptions = ""
""")
SCRATCH.write("domains", "# ours\nexample.com reject\nplus.example.com mark syntax=subaddress\n")


def bvtag(*args, stdin=None, env=None, ring_path=RING):
    words = [program("bvtag"), *(["-f", ring_path] if ring_path else []), *args]
    clean = {k: v for k, v in os.environ.items() if k != "BV_KEYRING"}
    return subprocess.run(words, input=stdin, text=True, capture_output=True, timeout=60,
                          env={**clean, **(env or {})})


def answer(status, out, *args, **how):
    """Runs it; compares status and the lines printed. Returns standard error."""
    ran = bvtag(*args, **how)
    same((ran.returncode, ran.stdout.splitlines()), (status, out), f"status and output of {args}, said {ran.stderr!r}")
    return ran.stderr


def date(days):
    return time.strftime("%Y-%m-%d", time.gmtime((prvs.today() + days) * 86400))


USER = "user@example.com"
TAG = KEY.tag(USER)

SIGN = [  # name, address, output, status, reason
    ("an address", USER, TAG, 0, ""),
    ("brackets go", f"<{USER}>", TAG, 0, ""),
    ("spelling stays", "User@Example.COM", KEY.tag("User@Example.COM"), 0, ""),
    ("needless quotes go", '"user"@example.com', TAG, 0, ""),
    ("48 octets", "a" * 48 + "@example.com", KEY.tag("a" * 48 + "@example.com"), 0, ""),
    ("49 octets", "a" * 49 + "@example.com", "a" * 49 + "@example.com", 1, "local part too long"),
    ("needed quotes", '"a b"@example.com', '"a b"@example.com', 1, "local part needs quotes"),
    ("UTF-8", "ü@example.com", "ü@example.com", 1, "not ASCII"),
    ("SRS0", "SRS0=a=b=c=d@example.com", "SRS0=a=b=c=d@example.com", 1, "somebody else's"),
    ("tagged already", TAG, TAG, 1, "already tagged"),
    ("no domain", "user", "user", 1, "no domain"),
    ("null sender", "<>", "<>", 1, "no mailbox"),
]


@SUITE.rows([("sign: " + row[0], *row[1:]) for row in SIGN])
def sign(address, output, status, reason):
    err = answer(status, [output], "sign", address)
    if reason:
        contains(err, reason, "standard error")
        true(err.startswith(f"bvtag: {address}: "), f"standard error is {err!r}")
    else:
        same(err, "", "standard error")


VERIFY = [  # name, address, verdict, original, key, expires in days, status
    ("valid", TAG, "valid", USER, 3, 7, 0),
    ("valid until today", KEY.tag(USER, days=0), "valid", USER, 3, 0, 0),
    ("a fast clock signed", KEY.tag(USER, days=8), "valid", USER, 3, 8, 0),
    ("expired yesterday", KEY.tag(USER, days=-1), "expired", USER, 3, -1, 1),
    ("too far ahead is old", KEY.tag(USER, days=9), "expired", USER, 3, -991, 1),
    ("capitals", TAG.upper(), "valid", USER.upper(), 3, 7, 0),
    ("exact spelling signed", KEY.tag("User@Example.com", fold=False), "valid", "User@Example.com", 3, 7, 0),
    ("sub-address", f"user+prvs={KEY.parts(USER)}@example.com", "valid", USER, 3, 7, 0),
    ("source route and quotes", f'<@a.example:"{TAG.split("@")[0]}"@example.com>', "valid", USER, 3, 7, 0),
    ("forged", KEY.forge(USER), "forged", USER, 3, None, 1),
    ("unknown key", SHA256.tag(USER), "unknown-key", USER, 4, None, 1),
    ("malformed", "prvs=12=user@example.com", "malformed", None, None, None, 1),
    ("untagged", USER, "untagged", None, None, None, 1),
    ("unreadable", "@", "untagged", None, None, None, 1),
    ("not taggable", "ü@example.com", "not-taggable", None, None, None, 1),
]


@SUITE.rows([("verify: " + row[0], *row[1:]) for row in VERIFY])
def verify(address, verdict, original, key, days, status):
    shown = "-" if days is None else date(days)
    answer(status, [f"{verdict} {original or '-'} key={'-' if key is None else key} expires={shown}"],
           "verify", address)
    ran = bvtag("--json", "verify", address)
    want = {"input": address, "verdict": verdict, "original": original, "key": key,
            "expires": None if days is None else shown, "days_left": days}
    same((ran.returncode, json.loads(ran.stdout)), (status, want), "status and JSON")


@SUITE.case("sign --json")
def sign_json():
    want = {"input": USER, "verdict": "signed", "output": TAG, "key": 3, "expires": date(7), "days_left": 7}
    same(json.loads(bvtag("--json", "sign", USER).stdout), want, "signed")
    ran = bvtag("--json", "sign", '"a b"@example.com')
    want = {"input": '"a b"@example.com', "verdict": "not-taggable", "output": '"a b"@example.com', "key": None,
            "expires": None, "days_left": None}
    same((ran.returncode, json.loads(ran.stdout)), (1, want), "not signed")


STRIP = [
    ("tagged", TAG, USER),
    ("forged all the same", KEY.forge(USER), USER),
    ("sub-address", "user-prvs=3785aabbcc@example.com", USER),
    ("quoted original", '"prvs=3785aabbcc=a b"@example.com', '"a b"@example.com'),
    ("untagged", USER, USER),
    ("malformed", "prvs=12=user@example.com", "prvs=12=user@example.com"),
    ("unreadable", "<@>", "<@>"),
]


@SUITE.rows([("strip: " + row[0], *row[1:]) for row in STRIP])
def strip(address, original):
    answer(0, [original], "strip", address, ring_path=None)


@SUITE.case("strip(sign(a)) = a over a stream of 50,000 addresses, in order")
def stream():
    lines = [f"user{i}@host{i % 97}.example.com" for i in range(50000)]
    text = "\n".join(lines) + "\n"
    signed = bvtag("sign", "-", stdin=text)
    same(signed.returncode, 0, "status of sign")
    same(bvtag("strip", "-", stdin=signed.stdout).stdout, text, "what strip gives back")
    verified = bvtag("verify", "-", stdin=signed.stdout)
    same(verified.returncode, 0, "status of verify")
    same({line.split()[0] for line in verified.stdout.splitlines()}, {"valid"}, "verdicts")


@SUITE.case("a stream's status is its worst line's")
def stream_status():
    same(bvtag("verify", "-", stdin=f"{TAG}\n{USER}\n").returncode, 1, "one of two is not valid")
    same(bvtag("verify", "-", stdin=f"{TAG}\r\n").returncode, 0, "CR LF")
    same(bvtag("verify", "-", stdin=TAG).returncode, 0, "no final newline")
    same(bvtag("verify", TAG, "-", stdin=f"{TAG}\n").returncode, 0, "arguments and a stream")


@SUITE.case("a line of a megabyte is named, and the next one is read all the same")
def long_line():
    ran = bvtag("verify", "-", stdin="a" * 10 ** 6 + f"\n{TAG}\n")
    same(ran.returncode, 2, "status")
    contains(ran.stderr, "bvtag: standard input:1: over 65534 octets", "standard error")
    same([line.split()[0] for line in ran.stdout.splitlines()], ["untagged", "valid"], "verdicts")


def octets(command, stdin):
    """Status, lines of standard output, and standard error, of octets that are passed through as they are."""
    ran = subprocess.run([program("bvtag"), "-f", RING, *command, "-"], input=stdin, capture_output=True, timeout=60)
    return ran.returncode, ran.stdout.split(b"\n")[:-1], ran.stderr.decode()


RETURNS = [  # name, an address in which a CR is part of it
    ("in front", f"\r{TAG}"), ("behind a tag, and more behind that", f"{TAG}\rx"),
    ("in the local part", f"prvs=\r{USER}"), ("two at the end", f"{TAG}\r"),
]


@SUITE.rows([(f"a line with a CR in it is treated like an argument: {name}", address) for name, address in RETURNS])
def returns(address):
    for command in ("verify", "strip", "sign"):
        ran = subprocess.run([program("bvtag"), "-f", RING, command, address], capture_output=True, timeout=60)
        status, lines, said = octets([command], f"{address}\r\n{TAG}\r\n".encode())
        same(lines[:-1], ran.stdout.split(b"\n")[:-1], f"what {command} prints")
        same(len(lines), 2, f"answers of {command}")
        true(said.encode().startswith(ran.stderr), f"{command} said {said!r}, and of the argument {ran.stderr!r}")
        if command == "verify":
            same((status, lines[0].startswith(b"valid"), lines[1].split()[0]), (1, False, b"valid"), "verdicts")


@SUITE.case("a CR at the end of input, without an LF, is part of the address")
def last_return():
    status, lines, said = octets(["verify"], f"{TAG}\n{TAG}\r".encode())
    same((status, [line.split()[0] for line in lines], said), (1, [b"valid", b"untagged"], ""), "answers")


NUL = "bvtag: standard input:2: holds a NUL, taken as unreadable\n"
NULS = [  # name, the line
    ("behind an address", TAG.encode() + b"\0"), ("in front", b"\0" + TAG.encode()), ("alone", b"\0"),
    ("in a line of 65534 octets", b"\0" + b"a" * 65533), ("before a CR", TAG.encode() + b"\0\r"),
]


@SUITE.rows([(f"a line with a NUL is named, and is one line: {name}", line) for name, line in NULS])
def nul(line):
    tag = TAG.encode()
    status, lines, said = octets(["verify"], b"\n".join([tag, line, tag, b""]))
    same((status, said), (2, NUL), "status and standard error")
    same([answer.split()[0] for answer in lines], [b"valid", b"untagged", b"valid"], "verdicts")
    same(octets(["strip"], b"\n".join([tag, line, tag])),
         (2, [USER.encode(), b"<@>", USER.encode()], NUL), "strip: status, output and standard error")


LONG = [  # name, the line with its end, verdicts, how it is told
    ("65534 octets", b"a" * 65534 + b"\n", ["not-taggable", "valid"], ""),
    ("65534 octets and CR LF", b"a" * 65534 + b"\r\n", ["not-taggable", "valid"], ""),
    ("65535 octets", b"a" * 65535 + b"\n", ["untagged", "valid"], "over 65534 octets"),
    ("65535 octets, the last one a CR, and LF", b"a" * 65534 + b"\r\r\n", ["untagged", "valid"], "over 65534 octets"),
    ("a NUL, and more than one reading", b"\0" + b"a" * 200000 + b"\n", ["untagged", "valid"], "over 65534 octets"),
    ("a CR where it is cut", b"a" * 65534 + b"\r" + b"a" * 70000 + b"\n", ["untagged", "valid"], "over 65534 octets"),
]


@SUITE.rows([(f"how long a line may be: {name}", line, verdicts, told) for name, line, verdicts, told in LONG])
def longest(line, verdicts, told):
    status, lines, said = octets(["verify"], line + TAG.encode())
    same((status, [answer.split()[0].decode() for answer in lines]), (2 if told else 1, verdicts), "status, verdicts")
    same(said, f"bvtag: standard input:1: {told}, taken as unreadable\n" if told else "", "standard error")


@SUITE.case("who asks by a pipe, a line at a time, has each answer before he asks again")
def coprocess():
    with subprocess.Popen([program("bvtag"), "-f", RING, "verify", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as ran:
        try:
            for line, verdict in ((TAG, b"valid"), (USER, b"untagged"), (f"{TAG}\n{USER}", b"valid"),
                                  ("", b"untagged")):
                ran.stdin.write(line.encode() + b"\n")
                ran.stdin.flush()
                true(select.select([ran.stdout], [], [], 10)[0], f"no answer to {line!r}")
                same(os.read(ran.stdout.fileno(), 65536).split()[0], verdict, f"answer to {line!r}")
            ran.stdin.close()
            same(ran.wait(10), 1, "status")
        finally:
            ran.kill()


@SUITE.case("--at takes the place of the clock, and the counter wraps on 2027-07-01")
def at():
    path = SCRATCH.path("old.json")
    old = prvs.Ring([KEY])
    for name, value in (("created", "2020-01-01T00:00:00Z"), ("sign_from", "2020-01-01T00:00:00Z")):
        text = json.loads(old.text())
        text["keys"][0][name] = value
        text["signing_since"] = "2020-01-01T00:00:00Z"
        text["keys"][0]["created"] = text["keys"][0]["sign_from"] = "2020-01-01T00:00:00Z"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o640), "w") as file:
        json.dump(text, file)
    signed = bvtag("--at", "2027-06-28T12:00:00Z", "sign", USER, ring_path=path).stdout.strip()  # day 20997
    true(signed.startswith("prvs=3004"), f"stamp of {signed}")
    for day, verdict in (("2027-06-26", "expired"), ("2027-06-27", "valid"), ("2027-07-01", "valid"),
                         ("2027-07-05", "valid"), ("2027-07-06", "expired")):
        out = bvtag("--at", f"{day}T12:00:00Z", "verify", signed, ring_path=path).stdout
        true(out.startswith(verdict + " "), f"on {day}: {out}")
    contains(answer(2, [], "--at", "yesterday", "sign", USER), 'bvtag: --at: "yesterday" is no UTC time', "bad time")


@SUITE.case("hmac-sha256, and a ring of two keys")
def two_keys():
    both = ring("both.json", KEY, SHA256)
    same(bvtag("sign", USER, ring_path=both).stdout.strip(), SHA256.tag(USER), "signed by the newer one")
    same(bvtag("verify", TAG, SHA256.tag(USER), ring_path=both).returncode, 0, "both verify")


@SUITE.case("a retired key verifies nothing: what looks fresh is of the last time round")
def retired():
    first = prvs.Key(1, b"0123456789abcdef", sign_from=-30)
    path = ring("retired.json", first, prvs.Key(2, b"abcdefghijklmnop", sign_from=-10))
    answer(1, [f"expired {USER} key=1 expires={date(7 - 1000)}"], "verify", first.tag(USER), ring_path=path)
    contains(bvtag("-c", CONF, "explain", first.tag(USER), ring_path=path).stdout, "1, retired,", "explain")
    today = first.tag(USER, days=0)
    answer(1, [f"expired {USER} key=1 expires={date(-1000)}"], "verify", today, ring_path=path)
    for command in (["verify"], ["-c", CONF, "explain"]):
        got = json.loads(bvtag("--json", *command, today, ring_path=path).stdout)
        same((got["verdict"], got["expires"], got["days_left"]), ("expired", date(-1000), -1000), f"{command}")


@SUITE.rows([(f"an empty argument: {' '.join(command)}", *command)
             for command in (("sign",), ("verify",), ("strip",), ("-c", CONF, "explain"), ("-c", CONF, "mx"))])
def empty(*command):
    contains(answer(2, [], *command, ""), "bvtag: an argument is empty; the null sender is written <>\n", "said")
    same(answer(2, [USER], "strip", "", USER), "bvtag: an argument is empty; the null sender is written <>\n", "another one")


@SUITE.case("an empty line of standard input has its answer, and its reason")
def empty_line():
    same(answer(1, [""], "sign", "-", stdin="\n"), "bvtag: an empty line: no mailbox address\n", "sign")
    same(answer(1, ["untagged - key=- expires=-"], "verify", "-", stdin="\n"), "", "verify")


@SUITE.case("explain: a domain in capitals, spelled as the daemon spells it")
def capitals():
    said = bvtag("-c", CONF, "explain", KEY.tag("User@EXAMPLE.Com")).stdout
    contains(said, " recipient=User@example.com", "header")
    contains(said, "delivered to: User@example.com\n", "recipient")


@SUITE.case("sign -c: the domain's syntax, and nothing for strangers")
def sign_conf():
    plus = "User@plus.example.com"
    answer(0, [f"User+prvs={KEY.parts(plus)}@plus.example.com"], "-c", CONF, "sign", plus)
    err = answer(1, ["user@stranger.example"], "-c", CONF, "sign", "user@stranger.example")
    contains(err, "not in a domain of ours", "standard error")


@SUITE.case("the key file: -f, $BV_KEYRING, the configuration's")
def which_ring():
    other = ring("other.json", SHA256)
    same(bvtag("sign", USER, ring_path=None, env={"BV_KEYRING": other}).stdout.strip(), SHA256.tag(USER), "variable")
    same(bvtag("sign", USER, env={"BV_KEYRING": other}).stdout.strip(), TAG, "-f before the variable")
    same(bvtag("-c", CONF, "sign", USER, ring_path=None).stdout.strip(), TAG, "configuration")
    same(bvtag("-c", CONF, "sign", USER, ring_path=None, env={"BV_KEYRING": ""}).stdout.strip(), TAG,
         "an empty variable")
    same(bvtag("-c", CONF, "sign", USER, ring_path=None, env={"BV_KEYRING": other}).stdout.strip(), SHA256.tag(USER),
         "the variable before the configuration")


def explained(address, **how):
    ran = bvtag("-c", CONF, "explain", address, **how)
    same((ran.returncode, ran.stderr), (0, ""), "status and standard error")
    return ran.stdout


@SUITE.case("explain: a valid tag")
def explain_valid():
    out = explained(TAG)
    for part in ("key:      3, signing, hmac-sha1, lifetime 7 days", "MAC:      fits", f"last good on {date(7)}",
                 f"{SCRATCH.path('domains')}:2", "verdict:  valid", "action:   accept", f"delivered to: {USER}"):
        contains(out, part, "explanation")
    true(KEY.secret.decode() not in out, "the secret is not told")


AGES = [  # days ahead, what is said of them
    (7, "7 days left"), (1, "1 day left"), (0, "0 days left"), (-1, "1 day ago"), (-2, "2 days ago"),
]


@SUITE.rows([(f"explain: {said}", days, said) for days, said in AGES])
def explain_age(days, said):
    contains(explained(KEY.tag(USER, days=days)), f", last good on {date(days)} ({said})\n", "explanation")


@SUITE.case("explain: an empty line between addresses, none in JSON")
def explain_several():
    one, two = explained(TAG), explained("user@stranger.example")
    same(bvtag("-c", CONF, "explain", TAG, "user@stranger.example", TAG).stdout, f"{one}\n{two}\n{one}", "arguments")
    same(bvtag("-c", CONF, "explain", TAG, "-", stdin=f"{TAG}\n{TAG}\n").stdout, f"{one}\n{one}\n{one}", "lines")
    for line in bvtag("-c", CONF, "--json", "explain", TAG, TAG).stdout.split("\n")[:-1]:
        same(json.loads(line)["input"], TAG, "JSON")


@SUITE.case("sign: what the daemon leaves alone is told by explain; sign itself signs it")
def sign_exempt():
    domains = SCRATCH.write("domains2", "example.com no-bounces\n")
    exceptions = SCRATCH.write("exceptions", "from vip@example.com no-tag\n")
    conf = SCRATCH.write("exempt.conf", open(CONF).read().replace(SCRATCH.path("domains"), domains)
                         .replace('exceptions = ""', f'exceptions = "{exceptions}"'))
    for address in (USER, "vip@example.com"):
        answer(0, [KEY.tag(address)], "-c", conf, "sign", address)
        contains(bvtag("-c", conf, "explain", address).stdout, "as sender: left alone", "explain")


@SUITE.case("explain: refused by a row, by a setting, or none of our business")
def explain_others():
    domains = SCRATCH.path("domains")
    out = explained(KEY.forge(USER))
    contains(out, f"action:   reject ({domains}:2)", "forged")
    contains(out, "550 5.7.1 bounce verification failed, at RCPT", "forged")
    contains(explained("u@plus.example.com"), f"action:   mark ({domains}:3)", "marked")
    contains(explained("postmaster"), f"action:   mark (action at {CONF}:5)", "no domain: the setting decides")
    contains(explained("user@stranger.example"), "none of our business", "stranger")
    contains(explained("ü@example.com"), "because:  not ASCII", "not taggable")
    contains(explained(KEY.tag(USER, days=-1)), "the address tag has expired", "expired")
    for address in (TAG, USER, "@", "<>", "user@stranger.example", "a" * 4096 + "@example.com"):
        told = json.loads(bvtag("-c", CONF, "--json", "explain", address).stdout)
        same(told["input"], address, "input in JSON")


TROUBLE = [
    ("no command", [], "bvtag: no command\nusage: bvtag "),
    ("unknown command", ["tag", USER], 'bvtag: unknown command "tag"\nusage: bvtag '),
    ("no address", ["sign"], "bvtag: sign: no address\nusage: bvtag "),
    ("no domain", ["mx"], "bvtag: mx: no domain\nusage: bvtag "),
    ("unknown option", ["--colour", "sign", USER], "bvtag: unrecognized option '--colour'\nusage: bvtag "),
    ("an option without its value", ["-c"], "bvtag: option requires an argument -- 'c'\nusage: bvtag "),
    ("a keyring in etcd", ["-f", "etcd://127.0.0.1:1/k", "sign", USER],
     "bvtag: etcd://127.0.0.1:1/k: no file; bvkey sync keeps a file like it, and bvkey export writes one\n"),
    ("no such configuration", ["-c", "/nonexistent/bvmilter.conf", "explain", USER], "/nonexistent/bvmilter.conf: "),
]


@SUITE.rows([("trouble: " + row[0], *row[1:]) for row in TROUBLE])
def trouble(args, said):
    err = answer(2, [], *args)
    contains(err, said, "standard error")
    true(err.startswith("bvtag: "), f"standard error begins with {err[:40]!r}")


@SUITE.case("trouble: the key file")
def ring_trouble():
    missing = SCRATCH.path("missing.json")
    contains(answer(2, [], "verify", TAG, ring_path=missing), f"bvtag: {missing}: ", "missing")
    broken = SCRATCH.write("broken.json", "{\n  oops\n}\n")
    os.chmod(broken, 0o640)
    contains(answer(2, [], "verify", TAG, ring_path=broken), f"bvtag: {broken}:2:", "file, line and column")
    os.chmod(broken, 0o644)
    contains(answer(2, [], "verify", TAG, ring_path=broken), f"chmod 0640 {broken}", "wide mode")
    staged = ring("staged.json", prvs.Key(1, b"0123456789abcdef", sign_from=1))
    contains(answer(2, [USER], "sign", USER, ring_path=staged), "no key signs at this time", "staged")


@SUITE.case("trouble: standard output is full")
def full():
    with open("/dev/full", "w") as out:
        ran = subprocess.run([program("bvtag"), "-f", RING, "sign", USER], stdout=out, stderr=subprocess.PIPE, text=True)
    same(ran.returncode, 2, "status")
    contains(ran.stderr, "bvtag: standard output: ", "standard error")


@SUITE.rows([(f"standard output is full, and input without end: {command}", command)
             for command in ("sign", "verify", "strip", "explain")])
def endless(command):
    with open("/dev/full", "w") as out, subprocess.Popen(["yes", USER], stdout=subprocess.PIPE) as yes:
        try:
            ran = subprocess.run([program("bvtag"), "-f", RING, "-c", CONF, command, "-", "-"], stdin=yes.stdout,
                                 stdout=out, stderr=subprocess.PIPE, text=True, timeout=20)
        finally:
            yes.kill()
    same((ran.returncode, ran.stderr), (2, "bvtag: standard output: No space left on device\n"), "status, what is said")


@SUITE.rows([("standard output is full: the rest of the arguments is left", ['"a b"@example.com'] * 5000, ""),
             ("standard output is full: the rest of the lines is left", ["-"], '"a b"@example.com\n' * 3000)])
def full_stop(args, stdin):
    with open("/dev/full", "w") as out:
        ran = subprocess.run([program("bvtag"), "-f", RING, "sign", *args], input=stdin, stdout=out,
                             stderr=subprocess.PIPE, text=True, timeout=60)
    lines = ran.stderr.splitlines()
    same((ran.returncode, lines[-1]), (2, "bvtag: standard output: No space left on device"), "status, last line")
    true(len(lines) < 2000, f"addresses that were treated all the same: {len(lines)}")


@SUITE.case("options stand before the command: what stands behind is an address")
def options_first():
    answer(0, ["--version", "-V"], "strip", "--version", "-V")


SUITE.run()

"""What the map answers: to every form of a tagged address, and to everything else."""

import os
import random
import shutil
import signal
import subprocess

from harness import Skip, prvs, same, true, wait_until
from mapworld import (KEYS, NOT_FOUND, RETIRED, SIGNING, STAGED, STRANGER, SUITE, USER, WORLD, Server, netstring,
                      spelled)

TAG = SIGNING.tag(USER)
T = SIGNING.parts(USER)


def parts(local, domain="example.com", key=SIGNING):
    """The ten characters for an address that needs quotes: the tag is over the text without them."""
    return key.parts(f"{local}@{domain}")


NEWER = prvs.Key(4, b"a newer key that signs by now...", -0.5)


# ---- found

@SUITE.rows([("found: " + name, key, want) for name, key, want in (
    ("as it was made", TAG, USER),
    ("in angle brackets", f"<{TAG}>", USER),
    ("as typed, capitals in the address", SIGNING.tag("Jo.Doe@Example.COM"), "Jo.Doe@Example.COM"),
    ("in small letters, capitals were signed", SIGNING.tag("Jo.Doe@Example.COM").lower(), "jo.doe@example.com"),
    ("in capitals", TAG.upper(), USER.upper()),
    ("on its last day", SIGNING.tag(USER, days=0), USER),
    ("expired yesterday", SIGNING.tag(USER, days=-1), USER),
    ("expired 400 days ago", SIGNING.tag(USER, days=-400), USER),
    ("of a retired key", RETIRED.tag(USER), USER),
    ("of a key that signs from tomorrow", STAGED.tag(USER), USER),
    ("with a detail", SIGNING.tag("user+list@example.com"), "user+list@example.com"),
    ("a local part of 48 octets", SIGNING.tag("a" * 48 + "@example.com"), "a" * 48 + "@example.com"),
    ("below a domain with a dot", SIGNING.tag("u@a.b.below.example"), "u@a.b.below.example"),
    ("a domain that never sends", SIGNING.tag("u@quiet.example"), "u@quiet.example"),
    ("as a subaddress", f"user+prvs={parts('user', 'plus.example')}@plus.example", "user@plus.example"),
    ("a final dot", TAG + ".", USER),
    ("a source route", f"@relay.example:{TAG}", USER),
    ("a comment", f"{TAG}(a comment)", USER))])
def found(key, want):
    same(WORLD.server.ask(key), "OK " + want, "answer")


@SUITE.rows([("quoted and unquoted: " + name, local, answer) for name, local, answer in (
    ("a plain one", "user", "user"),
    ("a blank", "john doe", '"john doe"'),
    ("two blanks", "john  q doe", '"john  q doe"'),
    ("a comma", "doe,john", '"doe,john"'),
    ("an at sign", "a@b", '"a@b"'),
    ("a bracket", "a<b", '"a<b"'),
    ("a colon and a semicolon", "a:b;c", '"a:b;c"'),
    ("a parenthesis", "a(b)", '"a(b)"'),
    ("a quote", 'a"b', '"a\\"b"'),
    ("two dots", "a..b", '"a..b"'),
    ("a dot at the end", "ab.", '"ab."'))])
def quoting(local, answer):
    """Postfix asks as it stands in the address, Sendmail without quotes."""
    tagged = f"prvs={parts(local)}={local}"
    want = f"OK {answer}@example.com"
    escaped = tagged.replace('"', '\\"')
    same(WORLD.server.ask(f'"{escaped}"@example.com'), want, "quoted")
    same(WORLD.server.ask(f'"{escaped}"@example.com'.lower()), want, "quoted, in small letters")
    same(WORLD.server.ask(f"{tagged}@example.com"), want, "unquoted")


@SUITE.case("found: in any mix of capitals")
def capitals():
    with WORLD.server.map() as client:
        for _ in range(200):
            key = spelled(SIGNING.tag("Jo.Doe@Example.Com"))
            same(client.ask(key).lower(), "ok jo.doe@example.com", key)


# ---- not found

@SUITE.rows([("not found: " + name, key) for name, key in (
    ("the empty key", ""),
    ("a blank", " "),
    ("an address without a tag", USER),
    ("the domain alone", "example.com"),
    ("@domain", "@example.com"),
    ("a local part alone", "user"),
    ("the null sender", "<>"),
    ("at signs only", "@@@"),
    ("a forged tag", SIGNING.forge(USER)),
    ("a tag of another address", f"prvs={T}=other@example.com"),
    ("a tag of another domain", f"prvs={T}=user@quiet.example"),
    ("an unknown key number", STRANGER.tag(USER)),
    ("a known number, another secret", prvs.Key(3, b"somebody else's number 3, guessed").tag(USER)),
    ("one digit short", f"prvs={T[:-1]}=user@example.com"),
    ("one digit more", f"prvs={T}0=user@example.com"),
    ("no hexadecimal digits", f"prvs={T[:4]}zzzzzz=user@example.com"),
    ("an empty local part behind it", f"prvs={T}=@example.com"),
    ("no second equals sign", f"prvs={T}user@example.com"),
    ("without its domain", f"prvs={T}=user"),
    ("a foreign domain", SIGNING.tag("user@foreign.example")),
    ("the domain above the one with a dot", SIGNING.tag("user@below.example")),
    ("a domain that is off", SIGNING.tag("user@off.example")),
    ("a domain without mail", SIGNING.tag("user@nomail.example")),
    ("somebody else's SRS", "SRS0=HHHH=TT=outside.example=user@example.com"),
    ("a blank behind it", TAG + " x"),
    ("a line end", TAG + "\r\n"),
    ("a line end inside", f"prvs={T}=us\ner@example.com"),
    ("a NUL behind it", TAG.encode() + b"\0"),
    ("a NUL and another domain", TAG.encode() + b"\0@foreign.example"),
    ("octets that are no text", b"\xff\xfe\x80@example.com"),
    ("another map's question inside", "untag " + TAG),
    ("a local part of 600 octets", SIGNING.tag("a" * 600 + "@example.com")))])
def not_found(key):
    same(WORLD.server.ask(key), NOT_FOUND, "answer")


@SUITE.case("a key of 2,042 octets is read, a longer one of any length is not found, and the next question is answered")
def long_keys():
    with WORLD.server.map() as client:
        def commented(octets):
            return TAG + "(" + "c" * (octets - len(TAG) - 2) + ")"

        same(client.ask(commented(2042)), "OK " + USER, "the longest that is kept")
        same(client.ask(commented(2042) + "x"), NOT_FOUND, "an address, and an octet that is not kept")
        for octets in (2043, 4096, 65536, 999_994):
            same(client.ask(commented(octets)), NOT_FOUND, f"a key of {octets} octets")
            same(client.ask(TAG), "OK " + USER, f"the next after {octets} octets")


@SUITE.rows([("unknown map: " + name, question) for name, question in (
    ("another name", "prvs " + TAG),
    ("the name in capitals", "UNTAG " + TAG),
    ("a longer name", "untags " + TAG),
    ("a shorter name", "unta " + TAG),
    ("no name", " " + TAG),
    ("no blank", TAG),
    ("no blank and the name", "untag"),
    ("a tab for the blank", "untag\t" + TAG),
    ("nothing at all", ""))])
def unknown_map(question):
    with WORLD.server.map() as client:
        client.send(netstring(question))
        same(client.answer(), NOT_FOUND, "answer")
        same(client.ask(TAG), "OK " + USER, "the next question")


@SUITE.case("unknown map: the log tells it once a minute, without what could harm a log")
def told_once():
    with Server("names") as server:
        with server.map() as client:
            for _ in range(50):
                same(client.ask(TAG, "no\nsuch\x1b\xe9map" + "x" * 2000), NOT_FOUND, "answer")
        found = server.daemon.wait_log("not \"(.*)\"$")
        true(found, "the log does not tell")
        same(found[1], "no?such???map" + "x" * 27, "the name in the log")
        same(server.daemon.log().count("a map that is not served"), 1, "lines in the log")


@SUITE.case("whatever is asked, the answer is OK or NOTFOUND")
def random_keys():
    seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
    SUITE.diagnose(f"SEED={seed}")
    rng = random.Random(seed)
    pieces = [TAG, USER, "prvs=", T, "=", "@", "example.com", '"', "\\", "<", ">", "(", ")", " ", "%", "!", "[", "]",
              "\0", "\r\n", "\xe9", ",", ":", ".", "+", "a" * 64, "a" * 600]
    with WORLD.server.map() as client:
        for _ in range(5000):
            key = "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 8)))
            said = client.ask(key)
            true(said == NOT_FOUND or (said.startswith("OK ") and "prvs=" in key), f"{key!r}: {said!r}")


# ---- changes

@SUITE.case("a new key is known within ten seconds, and an old one goes on")
def rotation():
    server = WORLD.server
    with server.map() as client:
        same(client.ask(NEWER.tag(USER)), NOT_FOUND, "before")
        server.ring.keys, server.ring.generation = KEYS + [NEWER], 2
        server.ring.write(server.daemon.keyring)
        true(wait_until(lambda: client.ask(NEWER.tag(USER)) == "OK " + USER, 11), "not after ten seconds")
        same(client.ask(TAG), "OK " + USER, "the older key")


@SUITE.case("questions are answered while settings are read anew, a hundred times")
def reloads():
    server = WORLD.server
    with server.map() as client:
        for _ in range(100):
            server.daemon.process.send_signal(signal.SIGHUP)
            for _ in range(20):
                same(client.ask(TAG), "OK " + USER, "answer")


@SUITE.case("a domain that is new in the table is known after a reload, on a connection that is open")
def new_domain():
    server = WORLD.server
    tagged = SIGNING.tag("u@later.example")
    with server.map() as client:
        same(client.ask(tagged), NOT_FOUND, "before")
        with open(server.daemon.domains, "a") as file:
            file.write("later.example reject\n")
        server.daemon.process.send_signal(signal.SIGHUP)
        true(wait_until(lambda: client.ask(tagged) == "OK u@later.example", 5), "after")


# ---- a real client

@SUITE.rows([("Postfix's own client: " + name, key, want) for name, key, want in (
    ("a tag", TAG, USER), ("a forged one", SIGNING.forge(USER), None), ("no tag", USER, None),
    ("quoted", f'"prvs={parts("john doe")}=john doe"@example.com', '"john doe"@example.com'))])
def postmap(key, want):
    if not shutil.which("postmap"):
        raise Skip("Postfix is not installed")
    WORLD.scratch.write("main.cf", "compatibility_level = 3.6\ninet_interfaces = loopback-only\nmyhostname = t.example\n")
    port, host = WORLD.server.listen[len("inet:"):].split("@")
    done = subprocess.run(["postmap", "-c", WORLD.scratch.dir, "-q", key, f"socketmap:inet:{host}:{port}:untag"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    same((done.returncode, done.stdout.rstrip("\n"), done.stderr), (0 if want else 1, want or "", ""), "postmap says")

#!/usr/bin/env python3
"""
Tags against Exim's own ${prvs} and ${prvscheck}: both ways, a thousand each.
Exim is fetched as a package into build/exim and only unpacked there.

    BV_BIN=build/opt SEED=1 python3 test/e2e/test_exim.py [WORD...]
"""

import os
import random
import re
import shutil
import subprocess
import tempfile

from harness import ROOT, Scratch, Skip, Suite, program, prvs, same, true

SUITE = Suite()
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(10 ** 9)))
RNG = random.Random(SEED)
PACKAGE, CACHE = "exim4-daemon-light", os.path.join(ROOT, "build", "exim")
COUNT = 1000
# Everything that may stand in a local part and means nothing to Exim's expansion.
LOWER, MARKS = "abcdefghijklmnopqrstuvwxyz0123456789", "!#&'*+-/=?^_|~"
SECRET = "".join(chr(c) for c in range(33, 127) if chr(c) not in "${}\\")


def run(*words, **how):
    return subprocess.run(words, capture_output=True, text=True, stdin=how.pop("stdin", subprocess.DEVNULL)
                          if "input" not in how else None, timeout=120, **how)


def fetch(where):
    """Downloads and unpacks the package; the program, as it may be called here."""
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Skip(f"Exim cannot be fetched: there is no {tool} here")
    try:
        got = run("apt-get", "-qq", "download", PACKAGE, cwd=where, env=env)
        if got.returncode != 0 and os.geteuid() == 0:
            run("apt-get", "-qq", "update", env=env)
            got = run("apt-get", "-qq", "download", PACKAGE, cwd=where, env=env)
    except subprocess.TimeoutExpired as err:
        raise Skip(f"Exim cannot be downloaded: {err}") from err
    package = [name for name in os.listdir(where) if name.endswith(".deb")]
    if not package:
        raise Skip("Exim cannot be downloaded: " + " ".join(got.stderr.split())[:200])
    run("dpkg", "-x", os.path.join(where, package[0]), os.path.join(where, "root")).check_returncode()
    # It will not start without its user, who comes into being when the package is installed: any other will do.
    with open(os.path.join(where, "root/usr/sbin/exim4"), "rb") as file:
        code = file.read().replace(b"Debian-exim\0", b"daemon".ljust(12, b"\0"))
    shutil.rmtree(os.path.join(where, "root"))
    os.unlink(os.path.join(where, package[0]))
    with open(os.path.join(where, "exim4"), "wb") as file:
        file.write(code)
    os.chmod(os.path.join(where, "exim4"), 0o755)
    open(os.path.join(where, "empty.conf"), "w").close()


def cached():
    """The directory with the program; fetched once, whole or not at all."""
    if not os.path.exists(os.path.join(CACHE, "exim4")):
        os.makedirs(os.path.dirname(CACHE), exist_ok=True)
        new = tempfile.mkdtemp(prefix="exim.", dir=os.path.dirname(CACHE))
        try:
            fetch(new)
            os.chmod(new, 0o755)
            try:
                os.rename(new, CACHE)
            except OSError:
                pass  # another run was faster
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return CACHE


class World:
    def start(self):
        SUITE.diagnose(f"SEED={SEED}")
        self.dir = cached()
        self.scratch = Scratch()
        self.keys = [prvs.Key(n, "".join(RNG.choices(SECRET, k=RNG.randint(16, 64))).encode(),
                              -1 - n / 9) for n in range(10)]
        self.ring = prvs.Ring(self.keys).write(self.scratch.path("ring.json"))
        answer = self.exim(["${prvs{user@example.com}{labsecret}{0}}"], probe=True)
        tag = re.fullmatch(r"prvs=0(\d{3})([0-9a-f]{6})=user@example\.com", answer[0])
        oracle = prvs.Key(0, b"labsecret")
        true(tag and tag[2] == oracle.mac(int(tag[1]), "user@example.com"),
             f"Exim does not sign as it should: {answer}")

    def exim(self, expansions, probe=False):
        """The results of many expansions, by one process."""
        done = run(os.path.join(self.dir, "exim4"), "-C", os.path.join(self.dir, "empty.conf"), "-be",
                   input="".join(e + "\n" for e in expansions))
        if probe and done.returncode != 0:
            raise Skip("Exim does not start here (tools/deps.sh exim): " + " ".join(done.stderr.split())[:200])
        same(done.returncode, 0, f"Exim's exit status ({done.stderr})")
        lines = [line.removeprefix("> ") for line in done.stdout.splitlines()]
        return lines[:len(expansions)]

    def bvtag(self, command, addresses, status=None):
        """The lines printed for many addresses, by one process."""
        done = run(program("bvtag"), "-f", self.ring, command, "-", input="".join(a + "\n" for a in addresses))
        if status is not None:
            same(done.returncode, status, f"exit status of bvtag {command} ({done.stderr[:500]})")
        lines = done.stdout.splitlines()
        same(len(lines), len(addresses), "lines of output")
        return lines


WORLD = World()


def address(letters=LOWER):
    """A random address; local parts of 1 to 48 octets, dots never at an end or beside each other."""
    n = RNG.choice((1, 2, 3, 5, 8, 13, 21, 47, 48))
    local = [RNG.choice(letters if RNG.random() < 0.8 else MARKS) for _ in range(n)]
    for i in range(1, n - 1):
        if RNG.random() < 0.1 and local[i - 1] != ".":
            local[i] = "."
    domain = ".".join("".join(RNG.choices(letters, k=RNG.randint(1, 12))) for _ in range(RNG.randint(2, 4)))
    return "".join(local).replace("prvs=", "prvsx") + "@" + domain


def altered(tagged):
    """The same with another MAC."""
    digit = f"{(int(tagged[14], 16) + 1) % 16:x}"
    return tagged[:14] + digit + tagged[15:]


def check(key, tagged):
    """An expansion that says whether Exim accepts a tag, and for whom."""
    return "${prvscheck{%s}{%s}{$prvscheck_result=$prvscheck_address}}" % (tagged, key.secret.decode())


def many(letters=LOWER, count=COUNT):
    return [address(letters) for _ in range(count)]


@SUITE.case("Exim accepts a thousand addresses that bvtag signed")
def ours():
    addresses = many()
    signed = WORLD.bvtag("sign", addresses, 0)
    for a, s in zip(addresses, signed):
        true(s.startswith("prvs=0") and s.endswith("=" + a), f"{a} was signed as {s}")
    answers = WORLD.exim([check(WORLD.keys[0], s) for s in signed])
    wrong = [(s, got) for a, s, got in zip(addresses, signed, answers) if got != "1=" + a]
    same(wrong[:5], [], f"{len(wrong)} of {len(signed)} that Exim does not accept")


@SUITE.case("Exim refuses them when a digit of the MAC is changed")
def ours_altered():
    signed = [altered(s) for s in WORLD.bvtag("sign", many(count=200), 0)]
    answers = WORLD.exim([check(WORLD.keys[0], s) for s in signed])
    same([(s, got) for s, got in zip(signed, answers) if got.startswith("1=")], [], "accepted by Exim")


def by_exim(addresses):
    """[(address, key, tagged)] with tags by Exim, keys at random."""
    keys = [RNG.choice(WORLD.keys) for _ in addresses]
    tagged = WORLD.exim(["${prvs{%s}{%s}{%d}}" % (a, k.secret.decode(), k.number) for a,
                         k in zip(addresses, keys)])
    return list(zip(addresses, keys, tagged))


@SUITE.rows([("a thousand addresses that Exim signed are valid for bvtag", LOWER),
             ("a thousand in mixed case, which Exim signs as they are, too", LOWER + LOWER.upper())])
def theirs(letters):
    rows = by_exim(many(letters))
    lines = WORLD.bvtag("verify", [tagged for _, _, tagged in rows])
    wrong = [(tagged, line) for (a, key, tagged), line in zip(rows, lines)
             if not re.fullmatch(re.escape(f"valid {a} key={key.number} expires=") + r"\d{4}-\d\d-\d\d", line)]
    same(wrong[:5], [], f"{len(wrong)} of {len(rows)} that bvtag does not accept")


@SUITE.case("bvtag calls them forged when a digit of the MAC is changed")
def theirs_altered():
    rows = by_exim(many(count=200))
    lines = WORLD.bvtag("verify", [altered(tagged) for _, _, tagged in rows], 1)
    same([line for line in lines if not line.startswith("forged ")], [], "other verdicts")


SUITE.run(WORLD.start)

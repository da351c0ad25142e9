#!/usr/bin/env python3
"""
Every allocation of a command fails once, alone and with all after it: it does its job, or says that it could not.
BV_BIN=build/san BV_FAILING_SO=build/san/failing.so [HARD=short] python3 test/hard/test_memory_tools.py [WORD...]
"""

import difflib
import os
import re
import shutil
import subprocess
import time

from failures import SANITIZER, SCRATCH, SUITE, Plan, each_failure
from world import KEY, OLDER, VALID, program, prvs, true


def ring_texts():
    ring, newer = prvs.Ring([KEY, OLDER]), prvs.Ring([KEY, OLDER, prvs.Key(5, b"one key more that signs tomorrow", 1)])
    newer.id, newer.generation = ring.id, 2
    return ring.text(), newer.text()


RING, NEWER = ring_texts()


def rings(place):
    """A place with all files that the commands need."""
    os.makedirs(place, exist_ok=True)
    conf = (f'keyring = "{place}/ring"\ndomains = "{place}/domains"\nexceptions = "{place}/exceptions"\n'
            'sign_networks = {"198.51.100.0/24", "2001:db8::/32"}\nmap_listen = ""\nreject_text = "no"\n'
            'mx_guard_recipients = "mark"\nmx_guard_exempt = {"a.example"}\n')
    for name, text in (("ring", RING), ("newer", NEWER), ("secret", "0123456789abcdef7 much longer\n"),
                       ("domains", "example.com reject\n.example.org mark syntax=subaddress\n"),
                       ("exceptions", "client 192.0.2.0/24 accept-untagged\nfrom a@example.com no-tag\n"),
                       ("conf", conf + f'listen = "unix:{place}/sock"\n'),
                       ("taken", conf + f'listen = "unix:{place}/ring"\n'), ("broken", RING.replace("hmac", "hmmm")),
                       ("log", "".join(f"Nov 21 10:00:0{i} mx bvmilter[7]: 4XyZ{i}: client=mx{i}.example.net[192.0.2.{i}], event=bounce, "
                                       f"verdict=forged, action=reject, key=3, from=<>, rcpt=<u{i}@example.com>\n"
                                       for i in range(9)))):
        with open(os.path.join(place, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(place, name), 0o600)


AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
TROUBLE = {"bvmilter": 1, "bvkey": 2, "bvtag": 2, "bvreport": 2}  # the exit status when something could not be done
COMMANDS = [
    ("bvmilter -t", "bvmilter -c conf -t"), ("bvmilter -T", "bvmilter -c conf -T"),
    ("bvmilter -t, no socket can be made", "bvmilter -c taken -t"),
    ("bvkey init", f"bvkey -f fresh --at {AT} init"), ("bvkey list", f"bvkey -f ring --at {AT} list"),
    ("bvkey list --json", f"bvkey -f ring --at {AT} list --json"),
    ("bvkey check", f"bvkey -f ring --at {AT} check --json"), ("bvkey check, a fault", f"bvkey -f broken --at {AT} check"),
    ("bvkey rotate", f"bvkey -f ring --at {AT} rotate"), ("bvkey purge", f"bvkey -f ring --at {AT} purge --expired"),
    ("bvkey revoke", f"bvkey -f ring --at {AT} revoke 4"),
    ("bvkey add", f"bvkey -f ring --at {AT} add --number 7 --sign-from now"),
    ("bvkey export", "bvkey -f ring export"), ("bvkey export --public", "bvkey -f ring export --public"),
    ("bvkey import", f"bvkey -f ring --at {AT} import newer"),
    ("bvtag sign", "bvtag -f ring sign user@example.com"), ("bvtag verify", "bvtag -f ring verify " + VALID[1:-1]),
    ("bvtag explain", "bvtag -f ring -c conf explain " + VALID[1:-1]),
    ("bvreport", "bvreport log"), ("bvreport --json", "bvreport --json log"), ("bvreport --html", "bvreport --html log"),
]


def keys_of(path):
    """What matters of a key file: numbers and secrets; None: there is none."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return tuple(re.findall(r'"(?:number|secret)": ?"?([^",]+)', file.read()))


def without_chance(text):
    """New keys and rings have another fingerprint and name each time; but they have one."""
    return re.sub(rb"(?<=fingerprint )[0-9a-f]{8}\b|(?<=keyring )[0-9a-f-]{36}\b", b"#", text)


def difference(out, wanted):
    return "\n".join(difflib.unified_diff(wanted.decode().splitlines(), out.decode("utf-8", "replace").splitlines(), "is due",
                                          "was printed", lineterm="", n=0))


def run(place, line, env):
    words = line.split()
    with open(os.path.join(place, "secret")) as secret:
        ended = subprocess.run([program(words[0])] + words[1:], cwd=place, env={**os.environ, **env, "LC_ALL": "C"}, stdin=secret,
                               capture_output=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace")


@SUITE.rows(COMMANDS)
def command(line):
    place, plan = SCRATCH.path("place"), Plan("command")
    rings(place)
    plan.set()
    wanted = run(place, line, plan.env)
    true(wanted[0] in (0, 1) and "Sanitizer" not in wanted[2], f"without a failure: {wanted}")
    count, changed = plan.get("count"), {name: keys_of(os.path.join(place, name)) for name in ("ring", "fresh")}
    tried = spared = 0
    trouble = TROUBLE[line.split()[0]]

    def judge(what):
        nonlocal tried, spared
        shutil.rmtree(place)
        rings(place)
        before = {name: keys_of(os.path.join(place, name)) for name in ("ring", "fresh")}
        status, out, err = run(place, line, plan.env)
        tried += 1
        spared += plan.get("spared") > 0
        true(0 <= status < SANITIZER and "Sanitizer" not in err and "runtime error" not in err,
             f"{what}: status {status}, {err[-3000:]}")
        true(status in (wanted[0], trouble), f"{what}: status {status}, neither {wanted[0]} nor {trouble}: {out} {err}")
        if status != trouble:
            true(without_chance(out) == without_chance(wanted[1]), f"{what}: status {status}, and {difference(out, wanted[1])}")
        true(status == wanted[0] or err.strip() or out.strip(), f"{what}: status {status} without a word")
        for name, keys in before.items():
            now = keys_of(os.path.join(place, name))
            true(now == keys or (now is not None and len(now) == len(changed[name] or ())),
                 f"{what}: the key file is neither the old nor the new one: {now}")

    each_failure(plan, count, judge)
    SUITE.diagnose(f"{count} allocations; {tried} runs, {spared} of them with a failure that is foreign")


SUITE.run()

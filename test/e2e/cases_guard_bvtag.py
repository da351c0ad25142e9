"""bvtag mx: what the guard sees, and whether domains of ours are set up as they should be."""

import json
import subprocess

from guardworld import SUITE, WORLD
from harness import contains, program, same, true


def bvtag(daemon, *args):
    return subprocess.run([program("bvtag"), "-c", WORLD.daemon[daemon].conf, *args], env={"TZ": "UTC"}, text=True,
                          capture_output=True, timeout=30)


@SUITE.rows([("bvtag mx: " + row[0], *row[1:]) for row in (
    ("a healthy domain", "v4-mx.example", 0, ["MX:       10 mx.v4-mx.example\naddress:  192.31.196.1\n", "TTL:      120 seconds; the verdict is kept for 120\n",
                                              "verdict:  fine\n", "as a recipient's: let through\n", "map mx:   not found\n"]),
    ("no MX", "a-only.example", 0, ["MX:       none; mail goes to the domain itself\naddress:  192.31.196.1\n"]),
    ("a bogus one", "loopback.example", 1, ["address:  127.0.0.1, bogus: loopback\n", "verdict:  bogus-mx (loopback)\n",
                                            "as a recipient's: 554 5.7.1 Domain MX in loopback network (mx_guard_recipients at ",
                                            "bvmilter.conf:", "as a sender's: 554 5.7.1 Sender domain MX in loopback network (mx_guard_senders at ",
                                            "map mx:   error:5.4.6 Domain MX in loopback network\n"]),
    ("an address", "u@Loopback.Example", 1, ["domain:   Loopback.Example\n", "verdict:  bogus-mx (loopback)\n"]),
    ("a null MX", "null-mx.example", 1, ["MX:       0 .\n", "verdict:  null-mx\n", "556 5.1.10 ", "550 5.7.27 ", "map mx:   error:5.4.6 "]),
    ("a failure", "servfail.nasty.example", 2, ["MX:       could not be looked up\n", "verdict:  unknown\n"]),
    ("no answer", "silent.nasty.example", 2, ["verdict:  unknown\n"]),
    ("half a failure", "half-failing.example", 0, ["address:  some could not be looked up\n", "verdict:  fine\n"]),
    ("a target without an address", "dangling.example", 2, ["address:  none\n", "verdict:  unknown\n"]),
    ("very many", "huge.example", 0, ["and more, which the guard does not look at\n"]),
    ("an exempt one", "zero.example", 1, ["verdict:  bogus-mx", "as a recipient's: let through: exempt, by mx_guard_exempt\n", "map mx:   not found\n"]),
    ("a literal", "[127.0.0.1]", 1, ["verdict:  bogus-mx (loopback)\n", "554 5.7.1 ", "map mx:   not found\n"]),
    ("no name", "..", 2, ["verdict:  unknown\n"]))])
def look(domain, status, parts):
    ran = bvtag("reject", "mx", domain)
    same((ran.returncode, ran.stderr), (status, ""), f"status and standard error, said {ran.stdout}")
    for part in parts:
        contains(ran.stdout, part, "standard output")
    true("fault:" not in ran.stdout and "ours:" not in ran.stdout, ran.stdout)


@SUITE.rows([("bvtag mx, ours: " + row[0], *row[1:]) for row in (
    ("it receives mail, and can", "good", 0, []),
    ("it never sends, and can receive", "quiet", 0, []),
    ("no mail, and says so", "nomail", 0, []),
    ("no mail, and its SPF says otherwise", "no-spf", 1, ["a TXT record: v=spf1 -all"]),
    ("no mail, and two SPF records, which is none", "two-spf", 1, ["a TXT record: v=spf1 -all"]),
    ("no mail, and its SPF has more blanks than it needs", "spaced", 0, []),
    ("no mail, and its SPF is not known to anybody", "longer", 1, ["a TXT record: v=spf1 -all"]),
    ("it never sends, and has a null MX", "parked", 0, []),
    ("no mail, and no null MX", "no-null", 1, ["one MX record: 0 ."]),
    ("it receives mail, and its MX is bogus", "bogus", 1, ["its MX leads where others cannot reach it"]),
    ("it receives mail, and has a null MX", "null", 1, ["it has a null MX"]),
    ("it receives mail, and has no address", "nowhere", 1, ["its MX has no address"]))])
def ours(name, status, faults):
    ran = bvtag("reject", "mx", name + ".ours.example")
    same((ran.returncode, ran.stderr), (status, ""), f"status and standard error, said {ran.stdout}")
    contains(ran.stdout, "ours:     " + WORLD.daemon["reject"].domains + ":", "standard output")
    contains(ran.stdout, "as a recipient's: let through: a domain of ours\n", "standard output")
    found = [line for line in ran.stdout.splitlines() if line.startswith("fault:")]
    same(len(found), len(faults), f"faults in {ran.stdout}")
    for line, fault in zip(found, faults):
        contains(line, fault, "the fault")


@SUITE.case("bvtag mx, ours: that the DNS fails is no fault, and no answer")
def ours_failing():
    WORLD.nasty.silent = True
    try:
        for name, lines in (("good", 1), ("nomail", 2)):
            ran = bvtag("reject", "mx", name + ".ours.example")
            same((ran.returncode, ran.stdout.count("could not be looked up\n")), (2, lines + 1), f"{name}: {ran.stdout}")
    finally:
        WORLD.nasty.silent = False


@SUITE.case("bvtag mx: the guard is off, or marks; several domains; the worst of them counts")
def several():
    ran = bvtag("off", "mx", "v4-mx.example", "loopback.example")
    same(ran.returncode, 1, "status")
    contains(ran.stdout, "as a recipient's: let through: the guard is off (mx_guard_recipients, by default)\n", "off")
    ran = bvtag("mark", "mx", "loopback.example", "servfail.nasty.example", "v4-mx.example")
    same(ran.returncode, 2, "status")
    contains(ran.stdout, "let through, X-MX-Guard: bogus-mx (loopback) domain=loopback.example (mx_guard_recipients at ", "mark")


@SUITE.case("bvtag mx --json: an object a line")
def as_json():
    ran = bvtag("reject", "--json", "mx", "mixed-hosts.example", "null.ours.example", "[127.0.0.1]")
    first, second, third = map(json.loads, ran.stdout.splitlines())
    same(first["mx"], [{"preference": 10, "host": "lo.mixed-hosts.example", "failed": False,
                        "addresses": [{"address": "127.0.0.1", "kind": "loopback"}]},
                       {"preference": 20, "host": "mx.mixed-hosts.example", "failed": False,
                        "addresses": [{"address": "192.31.196.1", "kind": None}]}], "mx")
    same((first["verdict"], first["ttl"], first["faults"], first["ours"]), ("fine", 120, [], None), "the first")
    same((second["verdict"], len(second["faults"]), second["mx"][0]["host"]), ("null-mx", 1, "."), "the second")
    same((third["kind"], third["ttl"]), ("loopback", None), "the third")


@SUITE.case("bvtag mx: needs no key file, and a configuration")
def files():
    with open(WORLD.daemon["reject"].conf) as file:
        conf = WORLD.scratch.write("keyless.conf", file.read().replace("keyring.json", "none.json"))
    ran = subprocess.run([program("bvtag"), "-c", conf, "mx", "v4-mx.example"], text=True, capture_output=True, timeout=30)
    same((ran.returncode, ran.stderr), (0, ""), "without a key file")
    ran = subprocess.run([program("bvtag"), "-c", conf + "x", "mx", "v4-mx.example"], text=True, capture_output=True, timeout=30)
    same((ran.returncode, ran.stdout), (2, ""), "without a configuration")
    contains(ran.stderr, conf + "x: ", "standard error")

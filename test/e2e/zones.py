"""
A private authoritative DNS server with zones to test the MX guard with: nsd, unpacked and never installed.

nasty.py has a second server in front of it, which misbehaves for some names and passes on the rest.
"""

import glob
import os
import shutil
import socket
import subprocess

from packages import unpacked
from place import at_end, free_port, wait_until
from tap import Skip

GOOD, GOOD2 = "192.31.196.1", "192.31.196.2"  # special-purpose, but reachable from everywhere: RFC 7535
GOOD6 = "2620:4f:8000::1"
TTL, NEGATIVE_TTL = 300, 120
HUGE = 300  # exchangers, or addresses
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 53])  # with ".example" 253 octets

CONFIG = """
server:
    ip-address: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    database: ""
    pidfile: ""
    xfrdfile: ""
    xfrdir: "{dir}"
    zonelistfile: "{dir}/zone.list"
    zonesdir: "{dir}"
    logfile: "{dir}/nsd.log"
    server-count: 1
    tcp-count: 50
    rrl-ratelimit: 0
    xfrd-tcp-max: 1
remote-control:
    control-enable: no
"""
ZONE = '\nzone:\n    name: "{name}"\n    zonefile: "{name}.zone"\n'
HEAD = f"$TTL {TTL}\n@ SOA ns hostmaster 1 3600 600 86400 {NEGATIVE_TTL}\n@ NS ns\nns A 127.0.0.1\n"

# What the domains under "example" have: records as in zone files, with the domain itself as origin.
DOMAINS = {
    "healthy": ["@ MX 10 mx", f"mx A {GOOD}", f"mx AAAA {GOOD6}"],
    "a-only": [f"@ A {GOOD}"],
    "aaaa-only": [f"@ AAAA {GOOD6}"],
    "v4-mx": ["@ MX 10 mx", f"mx A {GOOD}"],
    "cname-mx": ["@ MX 10 alias", "alias CNAME alias2", "alias2 CNAME mx.healthy.example."],
    "cname-domain": ["@ CNAME healthy.example."],
    "cname-to-a": ["@ CNAME a-only.example."],
    "dname": ["@ DNAME healthy.example."],
    "five-mx": ["@ MX 50 mx5", "@ MX 10 mx1", "@ MX 30 mx3", "@ MX 20 mx2", "@ MX 40 mx4"]
               + [f"mx{n} A 192.31.196.{n}" for n in range(1, 6)],
    "same-preference": ["@ MX 10 c", "@ MX 10 a", "@ MX 10 b"] + [f"{name} A {GOOD}" for name in "abc"],
    "twice": ["@ MX 10 mx", "@ MX 20 mx", f"mx A {GOOD}"],
    "loopback": ["@ MX 10 lo", "lo A 127.0.0.1"],
    "loopback6": ["@ MX 10 lo", "lo A 127.0.0.6"],
    "collision": ["@ MX 10 lo", "lo A 127.0.53.53"],
    "zero": ["@ MX 10 lo", "lo A 0.0.0.0"],
    "loopback-alias": ["@ MX 10 lo", "lo CNAME lo.loopback.example."],
    "private": ["@ MX 10 mx", "mx A 10.1.2.3"],
    "mixed": ["@ MX 10 mx", f"mx A {GOOD}", "mx A 127.0.0.1"],
    "mixed-hosts": ["@ MX 10 lo", "@ MX 20 mx", "lo A 127.0.0.1", f"mx A {GOOD}"],
    "null-mx": ["@ MX 0 ."],
    "null-mx-beside": ["@ MX 0 .", "@ MX 10 mx.healthy.example."],
    "root-mx": ["@ MX 10 ."],
    "two-roots": ["@ MX 0 .", "@ MX 10 ."],
    "literal-mx": ["@ MX 10 127.0.0.1."],
    "localhost-mx": ["@ MX 10 localhost."],
    "loopback-v6": ["@ MX 10 lo", "lo AAAA ::1"],
    "mapped": ["@ MX 10 lo", "lo AAAA ::ffff:127.0.0.1"],
    "sixtofour": ["@ MX 10 lo", "lo AAAA 2002:7f00:1::1"],
    "nat64": ["@ MX 10 lo", "lo AAAA 64:ff9b::7f00:1"],
    "a-loopback": ["@ A 127.0.0.1"],
    "no-address": ["@ TXT nothing"],
    "dangling": ["@ MX 10 missing"],
    "text-mx": ["@ MX 10 text", "text TXT nothing"],
    "elsewhere": ["@ MX 10 mx.outside.invalid-zone."],
    "huge": [f"@ MX {n} mx{n}" for n in range(HUGE, 0, -1)] + [f"mx{n} A {GOOD}" for n in range(1, HUGE + 1)],
    "huge-a": ["@ MX 10 mx"] + [f"mx A 10.0.{n // 200}.{n % 200}" for n in range(HUGE)],
    "*.wild": ["@ MX 10 mx.healthy.example."],
    "*.wild-a": ["@ A 127.0.0.1"],
    "odd": [r"@ MX 10 a\.b\032C\000\255\\\@", rf"a\.b\032c\000\255\\\@ A {GOOD}"],
    "odder": ["@ MX 10 " + r"\001" * 63 + "." + r"\001" * 63, "@ MX 20 mx", f"mx A {GOOD}"],
    "upper": ["@ MX 10 MX.Healthy.EXAMPLE."],
    "underscore": ["@ MX 10 _mx", f"_mx A {GOOD}"],
    "xn--bcher-kva": ["@ MX 10 xn--mx-gka", f"xn--mx-gka A {GOOD}"],
    "short-ttl": ["@ 3600 MX 10 mx", f"mx 40 A {GOOD}", f"mx 90 AAAA {GOOD6}"],
    "zero-ttl": ["@ 0 MX 10 mx", f"mx 0 A {GOOD}"],
    "long-ttl": ["@ 2147483647 MX 10 mx", f"mx 2147483647 A {GOOD}", f"mx 2147483647 AAAA {GOOD6}"],
    "loop": ["@ CNAME loop2.example."],
    "loop2": ["@ CNAME loop.example."],
    "loop-mx": ["@ MX 10 loop.example."],
    "self": ["@ CNAME self.example."],
    LONG: ["@ MX 10 mx.healthy.example."],
    # names that only nasty.py knows
    "slow-mx": ["@ MX 10 slow1500.nasty.example."],
    "silent-mx": ["@ MX 10 mx.healthy.example.", "@ MX 20 silent.nasty.example."],
    "silent-bogus": ["@ MX 10 lo.loopback.example.", "@ MX 20 silent.nasty.example."],
    "failing-mx": ["@ MX 10 servfail.nasty.example."],
    "half-failing": ["@ MX 10 no-aaaa.nasty.example."],
}


def zone_text(name, domains):
    return HEAD + "".join("\n".join([f"$ORIGIN {domain}.{name}.", *records, ""])
                          for domain, records in domains.items())


ZONES = {"example": DOMAINS, "test": {"healthy": DOMAINS["healthy"]}, "home.arpa": {"healthy": DOMAINS["healthy"]}}


class Zones:
    """
    Serves ZONES on 127.0.0.1, UDP and TCP; `server` is its name as a resolver.  more: further zones, name: text.
    """

    def __init__(self, directory, more=None):
        self.dir = os.path.join(directory, "nsd")
        os.mkdir(self.dir)
        self.port, self.process = free_port(), None
        self.server = f"127.0.0.1@{self.port}"
        root = "/" if shutil.which("nsd") else unpacked("nsd", ["nsd", "libfstrm0", "libprotobuf-c1"], lambda _: None)
        self.program = shutil.which("nsd") or os.path.join(root, "usr/sbin/nsd")
        self.env = dict(os.environ)
        if root != "/":
            self.env["LD_LIBRARY_PATH"] = ":".join(glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*")))
        texts = {name: zone_text(name, domains) for name, domains in ZONES.items()} | (more or {})
        config = CONFIG.format(dir=self.dir, port=self.port)
        self.write("nsd.conf", config + "".join(ZONE.format(name=name) for name in texts))
        for name, text in texts.items():
            self.write(name + ".zone", text)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as file:
            file.write(text)

    def log(self):
        try:
            with open(os.path.join(self.dir, "nsd.log")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self):
        self.process = subprocess.Popen([self.program, "-d", "-c", os.path.join(self.dir, "nsd.conf")], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        at_end(self.stop)
        if not wait_until(lambda: self.answers() or self.process.poll() is not None) or not self.answers():
            self.stop()
            said = self.process.stderr.read() + self.log()
            raise Skip("nsd does not serve here: " + " ".join(said.split())[-300:])
        return self

    def answers(self):
        """Whether the zone is served, not only the port open."""
        question = b"\0\7\0\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1"
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(0.2)
                sock.connect(("127.0.0.1", self.port))
                sock.send(question)
                return sock.recv(512)[3] & 15 == 0
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

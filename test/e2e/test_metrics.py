#!/usr/bin/env python3
"""Metrics and the status page: what they count, what they never tell, and what strangers do to them.

    BV_BIN=build/opt python3 test/e2e/test_metrics.py [WORD...]
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree

import packages
from harness import BIN, ROOT, Daemon, Failed, Scratch, Skip, Suite, at_end, contains, free_port, matches, prvs, same, true
from milterclient import Milter, message
from place import wait_until

SUITE = Suite()
SCRATCH = Scratch()
SECRET = b"a secret that nobody is to see!!"
KEY, NEXT = prvs.Key(3, SECRET, -3), prvs.Key(4, b"another secret of the same ring!", 2)
OLD = prvs.Key(2, b"one that has been superseded, so", -40)
PACKAGING = os.path.join(ROOT, "tools", "packaging")
_count = 0


class Node:
    """A daemon with metrics, and what it says of itself."""

    def __init__(self, ring=None, host="127.0.0.1", **options):
        global _count
        _count += 1
        self.host, self.port = host, free_port()
        shown = f"[{host}]" if ":" in host else host
        settings = {"metrics_listen": f"{shown}:{self.port}", "map_listen": f"inet:{free_port()}@127.0.0.1",
                    "storm_threshold": 0, "max_bad_macs": 0, **options}
        self.daemon = Daemon(SCRATCH.dir, f"node{_count}", ring or prvs.Ring([OLD, KEY, NEXT]), **settings)

    def __enter__(self):
        self.daemon.start()
        SUITE.logs["bvmilter"] = self.daemon.log
        return self

    def __exit__(self, *_):
        self.daemon.kill()

    def get(self, path, method="GET", timeout=5, **more):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, **more)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, _, text = self.get("/metrics")
        same(status, 200, "status of /metrics")
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if not line.startswith("#")}

    def decision(self, event, verdict, action):
        name = f'bvmilter_decisions_total{{event="{event}",verdict="{verdict}",action="{action}"}}'
        return self.metrics().get(name)

    def mail(self, sender, rcpt, macros=None):
        with Milter(self.daemon.connect()) as milter:
            milter.connect("192.0.2.7", "mx.example.net", macros)
            milter.helo()
            return message(milter, sender, [rcpt])

    def ask_map(self, key):
        port = int(self.daemon.options["map_listen"].split(":")[1].split("@")[0])
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            text = f"untag {key}".encode()
            sock.sendall(b"%d:%s," % (len(text), text))
            return sock.recv(1000)

    def raw(self, octets, end=True):
        """What comes back for some octets, until the other side closes."""
        with socket.create_connection((self.host, self.port), 15) as sock:
            sock.settimeout(15)
            got = b""
            try:
                sock.sendall(octets)
                if end:
                    sock.shutdown(socket.SHUT_WR)
                while piece := sock.recv(65536):
                    got += piece
            except OSError as err:  # it has hung up
                true(not isinstance(err, TimeoutError), "it keeps the connection")
            return got


def reload(node, word):
    node.daemon.process.send_signal(signal.SIGHUP)
    true(node.daemon.wait_log(word), f"no word about the reload: {word}")


# ---- what is counted


@SUITE.case("counts are those of what the milter client did")
def counts():
    with Node() as node:
        for i in range(3):
            node.mail("<user@example.com>", "<a@b.example>", {"daemon_name": "ORIGINATING"})
        for i in range(2):
            node.mail("<>", f"<{KEY.tag('user@example.com')}>")
        node.mail("<>", f"<{KEY.forge('user@example.com')}>")
        node.mail("<>", "<user@example.com>")
        node.mail("<>", "<user@example.com>")
        node.mail("<a@b.example>", f"<{KEY.tag('user@example.com')}>")
        same(node.decision("sign", "signed", "accept"), 3, "signed")
        same(node.decision("bounce", "valid", "accept"), 2, "valid")
        same(node.decision("bounce", "forged", "reject"), 1, "forged")
        same(node.decision("bounce", "untagged", "reject"), 2, "untagged")
        same(node.decision("bounce", "expired", "reject"), 0, "shown before it happens")
        same(node.decision("strip", "valid", "accept"), 1, "stripped")
        got = node.metrics()
        for callback, least in (("mail", 9), ("rcpt", 9), ("end", 8)):
            of = f'callback="{callback}"'
            name = "bvmilter_callback_duration_seconds"
            buckets = [v for k, v in got.items() if k.startswith(f"{name}_bucket{{{of}")]
            count, total = got[f"{name}_count{{{of}}}"], got[f"{name}_sum{{{of}}}"]
            same(buckets, sorted(buckets), f"buckets of {callback} are sums")
            same(buckets[-1], count, f"the last bucket of {callback}")
            true(least <= count <= 9, f"{callback}: {count} of 9")
            true(0 < total < 5, f"sum of {callback}: {total}")
        page = node.get("/")[2]
        for sort, want in (("senders signed", 3), ("bounces passed", 2), ("refused", 3), ("bounces marked", 0)):
            contains(page, f"<b>{want}</b><span>{sort}", "the page")


@SUITE.case("sessions, start and version")
def sessions():
    with Node() as node:
        base = node.metrics()["bvmilter_sessions"]
        with Milter(node.daemon.connect()), Milter(node.daemon.connect()):
            same(node.metrics()["bvmilter_sessions"], base + 2, "two sessions")
        true(wait_until(lambda: node.metrics()["bvmilter_sessions"] == base), "they are closed")
        true(abs(node.metrics()["bvmilter_start_time_seconds"] - time.time()) < 60, "the start")


@SUITE.case("answers of the map")
def of_map():
    with Node() as node:
        contains(node.ask_map(KEY.tag("user@example.com")), b"OK user@example.com", "the map")
        contains(node.ask_map("user@example.com"), b"NOTFOUND", "the map")
        contains(node.ask_map(KEY.forge("user@example.com")), b"NOTFOUND", "the map")
        got = node.metrics()
        same([got[f'bvmilter_map_answers_total{{answer="{a}"}}'] for a in ("ok", "notfound", "temp")], [1, 2, 0], "")


@SUITE.case("reloads, good and failed; a changed metrics_listen takes a restart")
def reloads():
    with Node() as node:
        def got():
            m = node.metrics()
            return [m['bvmilter_reloads_total{result="good"}'], m['bvmilter_reloads_total{result="failed"}'],
                    m["bvmilter_last_reload_successful"]]
        same(got(), [0, 0, 1], "at the start")
        node.daemon.configure(metrics_listen="nonsense")
        reload(node, "not reloaded")
        same(got(), [0, 1, 0], "after a bad one")
        contains(node.get("/")[2], "The last reload failed", "the page")
        node.daemon.configure(metrics_listen=f"127.0.0.1:{free_port()}")
        reload(node, r"only a restart can make use of it: metrics_listen$")
        same(got(), [1, 1, 1], "after a good one")


@SUITE.case("a key file that cannot be used, and the next one")
def rings():
    with Node() as node:
        same(node.metrics()["bvmilter_keyring_file_usable"], 1, "at the start")
        shutil.copy(node.daemon.keyring, node.daemon.keyring + ".good")
        with open(node.daemon.keyring, "w") as file:
            file.write("{}")
        true(node.daemon.wait_log("the ring in use stays", 15), "it is refused")
        got = node.metrics()
        same([got["bvmilter_keyring_file_usable"], got["bvmilter_keyring_refused_total"]], [0, 1], "then")
        contains(node.get("/")[2], "The key file cannot be used", "the page")
        same(node.get("/healthz")[0], 200, "the ring in use still signs")
        os.replace(node.daemon.keyring + ".good", node.daemon.keyring)
        true(wait_until(lambda: node.metrics()["bvmilter_keyring_file_usable"] == 1, 10), "it is good again")


# ---- paths and methods


@SUITE.rows([("path " + row[0], *row) for row in (
    ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"), ("/", 200, "text/html; charset=utf-8"),
    ("/healthz", 200, "text/plain; charset=utf-8"), ("/metrics?x=1", 200, "text/plain; version=0.0.4; charset=utf-8"),
    ("/metrics/", 404, "text/plain; charset=utf-8"), ("/etc/passwd", 404, "text/plain; charset=utf-8"),
    ("//", 404, "text/plain; charset=utf-8"), ("/..%2f", 404, "text/plain; charset=utf-8"),
    ("/" + "a" * 8000, 404, "text/plain; charset=utf-8"))])
def paths(path, status, kind):
    for method in ("GET", "HEAD"):
        got, headers, text = WORLD.get(path, method)
        same((got, headers.get("Content-Type")), (status, kind), f"{method} {path[:40]}")
        same(headers.get("Cache-Control"), "no-store", "kept by nobody")
        same(headers.get("X-Content-Type-Options"), "nosniff", "header")
        same("Content-Security-Policy" in headers, path == "/", "policy of the page")
        same(text == "", method == "HEAD", "a body")
        true(method == "GET" or int(headers["Content-Length"]) > 0, "length of what HEAD leaves out")


@SUITE.rows([("method " + m, m) for m in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "X")])
def methods(method):
    status, headers, _ = WORLD.get("/metrics", method, body=b"x" * 5000 if method in ("POST", "PUT") else None)
    same((status, headers.get("Allow")), (405, "GET, HEAD"), method)


@SUITE.case("health: no key signs, the daemon stops")
def health():
    with Node(prvs.Ring([NEXT]), warmup="off") as node:
        same(node.get("/healthz")[::2], (503, "no key signs; see bvkey list\n"), "without a key")
        contains(node.get("/")[2], "No key signs", "the page")
    with Node() as node, Milter(node.daemon.connect()) as milter:
        same(node.get("/healthz")[::2], (200, "ok\n"), "with one")
        milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
        milter.helo()
        milter.mail("<user@example.com>")
        true(milter.rcpt("<a@b.example>").accepted, "RCPT")
        node.daemon.process.send_signal(signal.SIGTERM)
        true(wait_until(lambda: node.get("/healthz")[::2] == (503, "the daemon is stopping\n"), 3), "it drains")
        milter.abort()
        milter.close()
        same(node.daemon.process.wait(10), 0, "exit status")


# ---- what is never told


@SUITE.case("no address, no name and no secret in any answer")
def nothing_told():
    with Node() as node:
        node.mail("<alice@example.com>", "<bob@friends.example>", {"daemon_name": "ORIGINATING"})
        node.mail("<>", f"<{KEY.tag('alice@example.com')}>")
        node.mail("<>", "<alice@example.com>")
        node.mail("<>", f"<{KEY.forge('alice@example.com')}>")
        secret = json.load(open(node.daemon.keyring))["keys"][0]["secret"]
        for path in ("/metrics", "/", "/healthz", "/alice@example.com"):
            _, headers, text = node.get(path)
            for word in ("alice", "bob", "friends", "example", "prvs", "192.0.2", "mx.", secret, SECRET.decode(),
                         SECRET.hex(), node.daemon.dir):
                true(word not in text + str(headers), f"{path} tells of {word}")


@SUITE.case("the page is well-formed, and has neither scripts nor anything from elsewhere")
def page():
    with Node() as node:
        node.mail("<user@example.com>", "<a@b.example>", {"daemon_name": "ORIGINATING"})
        text = node.get("/")[2]
        tree = xml.etree.ElementTree.fromstring(text.split("\n", 1)[1])
        tags = {e.tag for e in tree.iter()}
        true(not tags & {"script", "link", "img", "iframe", "form"}, f"{tags}")
        true(not re.search(r"\bon\w+=|https?:|url\(|href=|src=|style=", text), "a reference")
        same(len([e for e in tree.iter("svg") if e.get("role") == "img"]), 3, "drawings")
        same([e.text for e in tree.iter("text") if e.get("class") == "name"], ["key 2", "key 3", "key 4"], "keys")


# ---- strangers


@SUITE.rows([("garbage: " + name, octets) for name, octets in (
    ("nothing", b""), ("zeros", b"\0" * 4000), ("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"r" * 500),
    ("no version", b"GET /metrics\r\n\r\n"), ("half a line", b"GET /met"), ("half a header", b"GET / HTTP/1.1\r\nHost:"),
    ("a header without an end", b"GET / HTTP/1.1\r\nX: " + b"a" * 100000), ("a line of 100 kB", b"G" * 100000),
    ("many headers", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n"),
    ("negative length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    ("huge length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    ("bad chunks", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
    ("two requests at once", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2),
    ("the milter protocol", b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"))])
def garbage(octets):
    got = WORLD.raw(octets)
    true(got == b"" or got.startswith(b"HTTP/1."), f"{got[:300]!r}")
    true(got.count(b"HTTP/1.1 200") <= 1, f"{got[:300]!r}")
    same(WORLD.get("/healthz")[0], 200, "it still answers")


@SUITE.case("500 slow connections: others are answered, and mail goes on")
def slow():
    with Node() as node:
        before = len(os.listdir(f"/proc/{node.daemon.process.pid}/fd"))
        peers = []
        for i in range(500):
            sock = socket.create_connection(("127.0.0.1", node.port), 5)
            at_end(sock.close)
            try:
                sock.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            except ConnectionError:
                pass
            peers.append(sock)
        true(len(os.listdir(f"/proc/{node.daemon.process.pid}/fd")) < before + 100, "descriptors are bounded")
        time.sleep(0.6)
        for _ in range(20):
            for sock in peers:
                try:
                    sock.send(b"a")
                except OSError:
                    pass
            begin = time.monotonic()
            same(node.get("/healthz")[0], 200, "status")
            true(time.monotonic() - begin < 1, "it took long")
            node.mail("<>", f"<{KEY.tag('user@example.com')}>")
        for sock in peers:
            sock.close()
        true(wait_until(lambda: len(os.listdir(f"/proc/{node.daemon.process.pid}/fd")) <= before, 5), "all are closed")


@SUITE.case("who says nothing is closed")
def idle():
    begin = time.monotonic()
    got = WORLD.raw(b"GET / HTTP/1.1\r\n", end=False)
    true(5 < time.monotonic() - begin < 15, f"after {time.monotonic() - begin} s")
    true(b" 200 " not in got, f"{got[:100]}")


@SUITE.case("no line in the log for a request")
def log():
    with Node() as node:
        before = node.daemon.log()
        for path in ("/metrics", "/", "/none"):
            node.get(path)
        node.raw(b"garbage\r\n\r\n")
        same(node.daemon.log(), before, "the log")


# ---- the setting


@SUITE.case("IPv6")
def ipv6():
    if not os.path.exists("/proc/net/if_inet6") or "00000000000000000000000000000001" not in open("/proc/net/if_inet6").read():
        raise Skip("there is no IPv6 here")
    with Node(host="::1") as node:
        same(node.get("/healthz")[0], 200, "status")
        true("firewall" not in node.daemon.log(), "a warning")


@SUITE.case("everybody may come: a warning")
def everybody():
    node = Node(map_listen="")
    node.daemon.configure(metrics_listen=f"0.0.0.0:{node.port}")
    with node:
        matches(node.daemon.log(), r"0\.0\.0\.0:\d+: whoever reaches it .* firewall .*\(metrics_listen\)", "the log")
    with Node() as node:
        true("firewall" not in node.daemon.log(), "a warning for loopback")


def run(name, daemon, *options):
    return subprocess.run([os.path.join(BIN, name), "-c", daemon.conf, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)


@SUITE.case("an address that is taken, and one that is not ours")
def taken():
    other = Node()
    other.daemon.configure(metrics_listen=f"127.0.0.1:{WORLD.port}", user="")
    got = run("bvmilter", other.daemon)
    same(got.returncode, 1, "exit status")
    matches(got.stderr, r"bvmilter\.conf:\d+: metrics_listen: cannot listen on \"127\.0\.0\.1:\d+\": Address already", "")
    same(run("bvmilter", other.daemon, "-t").stderr, "", "-t asks whether it could be")
    other.daemon.configure(metrics_listen="192.0.2.1:9892")
    matches(run("bvmilter", other.daemon, "-t").stderr, r"metrics_listen: cannot listen on \"192\.0\.2\.1:9892\": ", "")


@SUITE.case("without metrics_listen there is no port, no thread, and the library is not loaded")
def off():
    with Node(metrics_listen="") as node:
        pid = node.daemon.process.pid
        true("microhttpd" not in open(f"/proc/{pid}/maps").read(), "the library")
        try:
            node.get("/healthz")
        except ConnectionRefusedError:
            pass
        else:
            raise Failed("somebody answers")
        if "san" not in BIN and "cover" not in BIN:
            rss = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])
            true(rss < 8192, f"{rss} kB at rest")


@SUITE.case("built without libmicrohttpd")
def without():
    variant = os.path.basename(BIN)
    made = subprocess.run(["make", "-C", ROOT, f"VARIANT={variant}", f"build/{variant}/test/bvmilter-bare"],
                          capture_output=True, text=True, timeout=300)
    if made.returncode != 0 and not shutil.which("make"):
        raise Skip("there is no make here")
    same(made.returncode, 0, made.stderr[-1000:])
    node = Node()
    for options in ((), ("-t",)):
        got = run("test/bvmilter-bare", node.daemon, *options)
        same(got.returncode, 1, "exit status")
        contains(got.stderr, "metrics_listen: this bvmilter was built without libmicrohttpd", "said")
    node.daemon.configure(metrics_listen="")
    same(run("test/bvmilter-bare", node.daemon, "-t").stderr, "", "without the setting")


# ---- Prometheus


def promtool():
    where = packages.unpacked("prometheus", ["prometheus"], lambda directory: None)
    return os.path.join(where, "usr/bin/promtool")


def tell(*words, **more):
    return subprocess.run([promtool(), *words], capture_output=True, text=True, timeout=120, **more)


@SUITE.case("promtool finds the metrics good")
def checked():
    text = WORLD.get("/metrics")[2]
    got = tell("check", "metrics", input=text)
    same((got.returncode, got.stderr + got.stdout), (0, ""), "promtool check metrics")


@SUITE.case("alerts fire when they should")
def alerts():
    directory = SCRATCH.path("rules")
    os.mkdir(directory)
    rules = shutil.copy(os.path.join(PACKAGING, "prometheus/bvmilter.rules.yml"), directory)
    tests = shutil.copy(os.path.join(ROOT, "test/e2e/bvmilter.rules.test.yml"), directory)
    got = tell("check", "rules", rules)
    same(got.returncode, 0, got.stdout + got.stderr)
    got = tell("test", "rules", tests)
    same(got.returncode, 0, got.stdout + got.stderr)
    named = set(re.findall(r"alert: (\w+)", open(rules).read()))
    same(named, set(re.findall(r"alertname: (\w+)", open(tests).read())), "alerts that are tested")


def names(text):
    return set(re.findall(r"\b(bvmilter_\w+)", text))


@SUITE.case("dashboard and alerts know the metrics that there are")
def known():
    text = WORLD.get("/metrics")[2]
    there = names(text)
    dashboard = json.load(open(os.path.join(PACKAGING, "grafana/bvmilter.json")))
    queries = [t["expr"] for p in dashboard["panels"] for t in p["targets"]]
    true(len(queries) > 10, "queries of the dashboard")
    for query in queries + re.findall(r"expr: (.*?)\n      ?  (?:for|labels)",
                                      open(os.path.join(PACKAGING, "prometheus/bvmilter.rules.yml")).read(), re.S):
        true(names(query) <= there, f"{names(query) - there} in {query}")
    with open(SCRATCH.path("queries.yml"), "w") as file:
        json.dump({"groups": [{"name": "g", "rules": [
            {"record": f"q{i}", "expr": q.replace("$__rate_interval", "5m")} for i, q in enumerate(queries)]}]}, file)
    got = tell("check", "rules", SCRATCH.path("queries.yml"))
    same(got.returncode, 0, got.stdout + got.stderr)
    manual = open(os.path.join(ROOT, "doc/bvmilter.8")).read()
    if "METRICS" in manual:
        families = set(re.findall(r"# TYPE (bvmilter_\w+)", text))
        true(families <= names(manual), f"not in the manual: {families - names(manual)}")


WORLD = Node()


def setup():
    if not run("bvmilter", WORLD.daemon, "-t").stderr == "":
        raise Skip("this bvmilter was built without libmicrohttpd")
    WORLD.__enter__()


SUITE.run(setup)

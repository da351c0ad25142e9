"""bvreport: the daemon's own lines, every kind of log, hostile ones, and what it says on standard error."""

import gzip
import html.parser
import json
import os
import resource
import signal
import struct
import subprocess
import time

from harness import Daemon, Scratch, Suite, contains, matches, program, prvs, same, true
from milterclient import Milter, message

SUITE = Suite()
SCRATCH = Scratch()
KEY = prvs.Key(3, b"0123456789abcdef0123456789abcdef")
BODY = ("4XyZ1abc: client=mx.example.net[192.0.2.7], event=bounce, verdict=expired, action=reject, key=3, "
        "from=<>, rcpt=<user@example.com>")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&</td></table>"
_count = 0


def log(*lines, mtime=None):
    """A file of lines (text or octets); its name."""
    global _count
    _count += 1
    path = SCRATCH.path(f"log{_count}")
    with open(path, "wb") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
    if mtime:
        os.utime(path, (mtime, mtime))
    return path


def bvreport(*args, stdin=b"", env=None, **how):
    clean = {**os.environ, "TZ": "UTC", "LC_ALL": "C", **(env or {})}
    return subprocess.run([program("bvreport"), *args], input=stdin, capture_output=True, timeout=120, env=clean,
                          **how)


def report(*args, status=0, **how):
    """The object of --json; status 1 has one too."""
    ran = bvreport("--json", *args, **how)
    same(ran.returncode, status, f"exit status of {args}, said {ran.stderr!r}")
    return json.loads(ran.stdout)


def at(text):
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)


def entry(text, identifier="bvmilter", usec=1795289860000001):
    """An entry of "journalctl -o export"; a text with newlines in the binary form."""
    fields = f"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP={usec}\nSYSLOG_IDENTIFIER={identifier}\n".encode()
    data = text if isinstance(text, bytes) else text.encode()
    if b"\n" in data:
        return fields + b"MESSAGE\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return fields + b"MESSAGE=" + data + b"\n"


FORMS = [  # name, line, time; the file was changed on 2026-11-22
    ("syslog", f"Nov 21 19:37:40 mx1 bvmilter[427]: {BODY}", "2026-11-21T19:37:40Z"),
    ("syslog of last year", f"Dec  1 19:37:40 mx1 bvmilter[427]: {BODY}", "2025-12-01T19:37:40Z"),
    ("RFC 3339", f"2026-11-21T20:37:40.123456+01:00 mx1 bvmilter[427]: {BODY}", "2026-11-21T19:37:40Z"),
    ("short-iso", f"2026-11-21T20:37:40+0100 mx1 bvmilter[427]: {BODY}", "2026-11-21T19:37:40Z"),
    ("journal as JSON", json.dumps({"SYSLOG_IDENTIFIER": "bvmilter", "MESSAGE": BODY, "_X": [1, {"a": "}"}],
                                    "__REALTIME_TIMESTAMP": "1795289860000001"}), "2026-11-21T19:37:40Z"),
    ("journal export", entry(BODY), "2026-11-21T19:37:40Z"),
    ("standard error", f"bvmilter: {BODY}", None),
]


@SUITE.rows([("a line of " + row[0], *row[1:]) for row in FORMS])
def forms(line, when):
    got = report(log(line, mtime=at("2026-11-22T00:00:00Z")))
    same(got["decisions"], [{"event": "bounce", "verdict": "expired", "action": "reject", "count": 1}], "decisions")
    same((got["first"], got["lines"]["untimed"], got["lines"]["broken"]), (when, int(when is None), 0), "time")
    same([d["day"] for d in got["days"]], [when[:10]] if when else [], "days")
    same(got["bounce_domains"]["items"][0]["name"], "example.com", "domain")


@SUITE.case("journal export: fields of octets, many entries, cut at the end")
def export():
    hidden = "x\n\nMESSAGE=stopping\nSYSLOG_IDENTIFIER=bvmilter\n\n"
    text = b"\n".join([entry(hidden, "other"), entry(BODY), entry("a\nb"), entry("stopping"), entry(BODY)[:-40]])
    got = report(stdin=text)
    same((got["lines"]["foreign"], got["lines"]["decisions"], got["lines"]["notices"], got["lines"]["broken"]),
         (1, 1, 2, 1), "lines")


@SUITE.case("journalctl -o cat: decisions are known by themselves, notices are not")
def bare():
    got = report(log("bvmilter 0.1 serves on inet:8892@127.0.0.1, rows of domains: 1", BODY, "stopping",
                     BODY.replace("4XyZ1abc", "NOQUEUE") + " ", "Stopped bvmilter.service - bounce verification.",
                     BODY.replace("event=bounce", "event=dance"), BODY[:-1]))
    same((got["lines"]["decisions"], got["lines"]["notices"], got["lines"]["foreign"], got["lines"]["broken"],
          got["lines"]["untimed"]), (2, 0, 5, 0, 2), "decisions, notices, foreign, broken, untimed")


@SUITE.rows([("a decision with nothing in front, behind a line with a time", "Nov 21 19:37:40 mx1 sshd[1]: x"),
             ("a decision with nothing in front, behind a line of standard error", "bvmilter: stopping")])
def framed(first):
    got = report(log(first, BODY), status=0 if "bvmilter" in first else 1)
    same((got["lines"]["decisions"], got["lines"]["broken"]), (0, 0), "decisions, broken")
    same(report(log(first, BODY), log(BODY))["lines"]["decisions"], 1, "decisions, and in another file")


@SUITE.case("a year comes from the time at which the file was changed")
def changed():
    path = log(f"Feb  1 19:37:40 mx1 bvmilter[427]: {BODY}", mtime=at("2025-03-01T00:00:00Z"))
    same(report(path)["first"], "2025-02-01T19:37:40Z", "named")
    with open(path, "rb") as file:
        ran = subprocess.run([program("bvreport"), "--json", "-"], stdin=file, capture_output=True, timeout=60,
                             env={**os.environ, "TZ": "UTC"})
    same(json.loads(ran.stdout)["first"], "2025-02-01T19:37:40Z", "on standard input")


@SUITE.case("journal export: a field that says it is longer than all there is")
def endless():
    long = entry("a\nb").replace(struct.pack("<Q", 3), struct.pack("<Q", 3 + (1 << 40)))
    got = report(stdin=b"\n".join([entry(BODY), long, entry(BODY)]))
    same(got["lines"]["decisions"], 1, "decisions")


@SUITE.case("the daemon's own lines: what it decides, starts, reloads and stops")
def own():
    daemon = Daemon(SCRATCH.dir, "own", prvs.Ring([KEY]), warmup="off", untagged_stage="rcpt").start()
    with Milter(daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
        milter.helo()
        message(milter, "<user@example.com>", ["<a@outside.example>"])
    rcpts = [KEY.tag("user@example.com"), KEY.forge("user@example.com"), "user@example.com",
             "\"<script>alert(1)</script>\"@example.com", "x,y>z@example.com"]
    with Milter(daemon.connect()) as milter:
        milter.connect("198.51.100.9", "bad name<b>")
        milter.helo()
        for rcpt in rcpts:
            message(milter, "<>", [f"<{rcpt}>"])
    daemon.process.send_signal(signal.SIGHUP)
    true(daemon.wait_log("reloaded: "), "no reload")
    same(daemon.stop()[0], 0, "exit status of the daemon")
    true(daemon.wait_log("stopping"), "no stop")
    text = daemon.log().encode() + b"\n"
    got = report(stdin=text)
    counts = {(d["event"], d["verdict"], d["action"]): d["count"] for d in got["decisions"]}
    same(counts.get(("sign", "signed", "accept")), 1, f"signed, of {counts}")
    same(counts.get(("bounce", "valid", "accept")), 1, f"valid, of {counts}")
    same(counts.get(("bounce", "forged", "reject")), 1, f"forged, of {counts}")
    same((got["lines"]["broken"], got["lines"]["foreign"]), (0, 0), "broken and foreign lines")
    same(got["lines"]["decisions"], sum(b"client=" in line for line in text.splitlines()), "decisions")
    same((got["keys"][0]["key"], got["keys"][0]["signed"], got["keys"][0]["valid"], got["keys"][0]["forged"]),
         (3, 1, 1, 1), "key")
    same(got["networks"]["items"][0]["name"], "198.51.100.0/24", "network")
    kinds = [m["kind"] for m in got["timeline"]]
    true(kinds[0] == "start" and kinds[-1] == "stop" and "ring" in kinds and "reload" in kinds, f"kinds {kinds}")
    true("<script" not in bvreport("--html", stdin=text).stdout.decode(), "markup in the page")


class Page(html.parser.HTMLParser):
    """The tags of a page, with how they nest."""

    VOID = {"meta", "line", "rect", "i"}
    OPEN_END = {"tr", "td", "th", "p"}

    def __init__(self):
        super().__init__()
        self.tags, self.stack, self.attributes = set(), [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in self.VOID | self.OPEN_END:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag):
        if tag not in self.VOID | self.OPEN_END:
            same(self.stack.pop(), tag, "what is closed")


HOSTILE = [
    b"Nov 21 19:37:40 mx1 bvmilter[427]: " + EVIL.encode(),
    b"Nov 21 19:37:40 mx1 bvmilter[427]: reloaded: " + EVIL.encode(),
    b"Nov 21 19:37:40 mx1 bvmilter[427]: reloaded: \x1b]0;x\x07\x1b[2J \xff\xfe \x00 \xe2\x80\xae",
    b"Nov 21 19:37:40 mx1 bvmilter[427]: A: client=" + EVIL.encode() + b"[192.0.2.7], event=bounce, verdict=valid",
    b"Nov 21 19:37:40 mx1 bvmilter[427]: A: client=a[192.0.2.7], event=bounce, verdict=valid, action=accept, key=3, "
    b"from=<\xff\x00>, rcpt=<>",
    b"Nov 21 19:37:40 mx1 bvmilter[427]: A: client=a[192.0.2.7], event=bounce, verdict=untagged, action=reject, key=-, "
    b"from=<>, rcpt=<\\x22\\x3Cscript\\x3E\\x1B\\x00\\x22@\\x3Cb\\x3Eexample.com>",
    b"Nov 21 19:37:40 mx1 bvmilter[427]: " + b"x" * 10_000_000,
    b"\x00" * 1000, b"\xff" * 1000, b"x" * 10_000_000, b"{" * 100_000, b"{\"MESSAGE\":\"" + b"\\" * 100_001,
    BODY.encode(), b"Nov 21 19:37:40 mx1 postfix/smtpd[1]: warning: bvmilter[1]: " + BODY.encode(),
    b"Nov 21 19:37:40 mx1 bvmilter[427]: " + BODY.encode(),
]


@SUITE.case("hostile lines: nothing of them is markup, nothing moves the terminal, memory stays small")
def hostile():
    path = log(*HOSTILE)

    def limit():
        if "san" not in program(""):
            resource.setrlimit(resource.RLIMIT_DATA, (32 << 20, 32 << 20))

    got = report(path, preexec_fn=limit)
    same((got["lines"]["read"], got["lines"]["decisions"], got["lines"]["notices"], got["lines"]["broken"]),
         (15, 2, 3, 3), "lines read, decisions, notices, broken")
    ran = bvreport(path, preexec_fn=limit)
    true(all(32 <= c < 127 or c == 10 for c in ran.stdout + ran.stderr), "a control character came through")
    true(max(len(line) for line in ran.stdout.splitlines()) <= 80, "a line is too long")
    for number in (4, 5, 7):
        contains(ran.stderr.decode(), f"bvreport: {path}:{number}: ", "standard error")
    page = bvreport("--html", path, preexec_fn=limit).stdout.decode("ascii")
    parsed = Page()
    parsed.feed(page)
    same(parsed.stack, [], "tags that are open")
    true(parsed.tags.isdisjoint({"script", "img", "a", "iframe", "link"}), f"tags {parsed.tags}")
    true(not any(a.startswith("on") or a in ("src", "href") for a in parsed.attributes), f"{parsed.attributes}")
    contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;", "page")


@SUITE.case("more names than places: the frequent ones are there, and figures are called approximate")
def many():
    lines = []
    for number in range(30000):
        name = "often" if number % 3 == 0 else f"user{number}"
        lines.append("bvmilter: " + BODY.replace("user@", f"{name}@").replace("expired", "untagged")
                     .replace("192.0.2.7", f"10.{number >> 8 & 255}.{number & 255}.1"))
    got = report(log(*lines))
    forged = got["forged_addresses"]
    same((forged["approximate"], forged["names"]), (True, 4096), "approximate, names")
    same({k: forged["items"][0][k] for k in ("name", "total", "at_least")},
         {"name": "often@example.com", "total": 10000, "at_least": False}, "first")
    contains(bvreport(log(*lines)).stdout.decode(), "There are more names than 4096", "text")


PERIODS = [  # name, options, decisions
    ("since a time", ["--since", "2026-11-21T12:00:00Z"], 2),
    ("since a day", ["--since", "2026-11-22"], 1),
    ("until leaves it out", ["--until", "2026-11-21T12:00:00Z"], 1),
    ("both", ["--since", "2026-11-21T12:00:00Z", "--until", "2026-11-22"], 1),
    ("long ago", ["--since", "100y"], 3),
    ("none in it", ["--until", "2020-01-01"], 0),
]


@SUITE.rows(PERIODS)
def periods(options, decisions):
    times = ("2026-11-21T11:59:59Z", "2026-11-21T12:00:00Z", "2026-11-22T00:00:00Z")
    path = log(*[f"{when} mx1 bvmilter[1]: {BODY}" for when in times], f"bvmilter: {BODY}")
    got = report(*options, path, status=0 if decisions else 1)
    same((got["lines"]["decisions"], got["lines"]["outside"]), (decisions, 4 - decisions), "decisions, outside")


def good():
    return log(f"bvmilter: {BODY}")


TROUBLE = [  # name, arguments, status, standard error
    ("no line of the daemon", lambda: [log("x")], 1, "^bvreport: no line of bvmilter, in 1 lines\n$"),
    ("no line of the daemon, but its name", lambda: [log("x", "Sun 2026-11-22 01:00:00 UTC mx1 bvmilter[7]: stopping")], 1,
     "^bvreport: no line of bvmilter, in 2 lines; is it the journal\\? give it as: "
     r"journalctl -t bvmilter -o export \| bvreport\n$"),
    ("the journal as -o with-unit", lambda: [log(f"Sun 2026-11-22 01:00:00 UTC mx1 bvmilter.service[7]: {BODY}")], 1,
     "in 1 lines; is it the journal"),
    ("the journal as -o short-unix", lambda: [log(f"1795289860.000001 mx1 bvmilter[7]: {BODY}")], 1,
     "in 1 lines; is it the journal"),
    ("the journal as -o json-pretty", lambda: [log("{", '\t"SYSLOG_IDENTIFIER" : "bvmilter",', f'\t"MESSAGE" : "{BODY}"', "}")],
     1, "in 4 lines; is it the journal"),
    ("none in the period asked for", lambda: ["--since", "2026-11-22", log(f"bvmilter: {BODY}", "x bvmilter")], 1,
     "^bvreport: no line of bvmilter in the period asked for, in 2 lines\n$"),
    ("an empty file", lambda: [log()], 1, "^bvreport: no line of bvmilter, in 0 lines\n$"),
    ("no such file", lambda: [SCRATCH.path("none"), good()], 2, "^bvreport: /.*none: No such file or directory\n$"),
    ("a directory", lambda: [SCRATCH.dir], 2, "^bvreport: /.*: Is a directory\n"),
    ("an option that is none", lambda: ["--xml", good()], 2, r"\Abvreport: unrecognized option '--xml'\nusage: bvreport"),
    ("an option without its value", lambda: ["--since"], 2,
     r"\Abvreport: option '--since' requires an argument\nusage: bvreport"),
    ("two forms", lambda: ["--json", "--html", good()], 2,
     r"\Abvreport: only one of --json and --html is possible\nusage: bvreport"),
    ("a time that is none", lambda: ["--since", "yesterday", good()], 2, '^bvreport: --since: "yesterday" is no '),
    ("a period that is none", lambda: ["--since", "2026-11-21", "--until", "2026-11-21", good()], 2,
     "^bvreport: --until: it is not later than --since\n$"),
    ("a line that was cut", lambda: [log("x", f"bvmilter: {BODY[:-5]}", f"bvmilter: {BODY}")], 0,
     r"^bvreport: /.*:2: a line of the daemon that cannot be read: it has no end\n$"),
]


@SUITE.rows(TROUBLE)
def trouble(args, status, said):
    ran = bvreport(*args())
    same(ran.returncode, status, "exit status")
    matches(ran.stderr.decode(), said, "standard error")


@SUITE.rows([(f"a file that cannot be read, and no other: no report, {form or 'as text'}", form)
             for form in ("", "--json", "--html")])
def no_report(form):
    options = [form] if form else []
    same(bvreport(*options, SCRATCH.path("none")).stdout, b"", "one file")
    same(bvreport(*options, SCRATCH.path("none"), SCRATCH.dir).stdout, b"", "two files")
    true(bvreport(*options, SCRATCH.path("none"), good()).stdout, "there is no report of the other one")


@SUITE.case("packed files are refused, with what to do")
def packed():
    for name, data, word in (("gz", gzip.compress(b"x"), "zcat"), ("xz", b"\xfd7zXZ\0x", "xzcat"),
                             ("zst", b"\x28\xb5\x2f\xfdx", "zstdcat"), ("journal", b"LPKSHHRHx", "journalctl")):
        path = SCRATCH.path(name)
        with open(path, "wb") as file:
            file.write(data)
        ran = bvreport(path)
        same(ran.returncode, 2, "exit status")
        matches(ran.stderr.decode(), f"^bvreport: {path}: it is .*{word}", "standard error")


@SUITE.case("broken lines: the first five are named, the others counted")
def broken():
    said = bvreport(log(*["bvmilter: A: client=?"] * 9, f"bvmilter: {BODY}")).stderr.decode().splitlines()
    same(len(said), 6, "lines on standard error")
    same(said[5], "bvreport: 4 more lines of the daemon that cannot be read", "the last")


@SUITE.case("text: 80 columns, blocks only where the locale has UTF-8")
def text():
    path = log(*[f"2026-11-{1 + n % 20:02}T{n % 24:02}:00:00Z mx1 bvmilter[1]: {BODY}" for n in range(500)])
    plain = bvreport(path).stdout
    true(plain.isascii(), "octets that are not ASCII")
    blocks = bvreport(path, env={"LC_ALL": "C.UTF-8"}).stdout.decode()
    contains(blocks, "█", "text")
    for page in (plain.decode(), blocks):
        true(all(len(line) <= 80 for line in page.splitlines()), "a line is over 80 columns")
        matches(page, r"(?m)^2026-11-20 +0 +25  \S+$", "a day")
        matches(page, r"(?m)^23 +0 +20  \S+$", "an hour")


@SUITE.case("text: what is too long for a line goes on in the next, and nothing of it is lost")
def wrapped():
    notice = "/etc/bv/" + "very-long-name/" * 3 + "domains:17: the word is unknown here, and that is said at some length"
    address = "a" * 64 + "@" + "b" * 40 + ".example"
    page = bvreport(log(f"bvmilter: {notice}", "bvmilter: " + BODY.replace("user@example.com", address)
                        .replace("expired", "untagged"), f"bvmilter: reloaded: {notice}", "bvmilter: " + "c" * 119)).stdout.decode()
    true(all(len(line) <= 80 for line in page.splitlines()), "a line is over 80 columns")
    for whole in (notice, address, f"reloaded: {notice}", "c" * 119):
        contains(page.replace("\n", "").replace(" ", ""), whole.replace(" ", ""), "text")


@SUITE.case("standard output that is full")
def full():
    with open("/dev/full", "w") as out:
        ran = subprocess.run([program("bvreport"), good()], stdout=out, stderr=subprocess.PIPE, timeout=60)
    same(ran.returncode, 2, "exit status")
    contains(ran.stderr.decode(), "bvreport: standard output: ", "standard error")


SUITE.run()

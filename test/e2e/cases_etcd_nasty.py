"""Cases of test_etcd.py: servers that answer badly, and answers that are lost on the way."""

import errno
import http.server
import json
import re
import socket
import threading
import time
import urllib.request

from bvkey import T0, content, names, read
from etcdworld import FILES, PLAIN, SUITE, Store, Sync, base64_text, bvkey, early, good, same, together, true
from harness import at_end, contains, free_port, wait_until

GOOD_HEAD = {"header": {"revision": "5"}}


def on_free_port(make):
    """What make(port) makes: a program that is being started may still hold a port that was found to be free."""
    for _ in range(50):
        try:
            return make(free_port())
        except OSError as err:
            if err.errno != errno.EADDRINUSE:
                raise
    raise RuntimeError("no port is free")


class Nasty:
    """A server that gives each connection one answer, octets, whatever it is asked; a function may write it itself."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []
        self.listener = on_free_port(lambda port: socket.create_server(("127.0.0.1", port)))
        self.port = self.listener.getsockname()[1]
        self.url = f"etcd://127.0.0.1:{self.port}/bv/keyring"
        at_end(self.listener.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(sock,), daemon=True).start()

    def one(self, sock):
        with sock:
            try:
                sock.settimeout(20)
                self.asked.append(sock.recv(100000))
                if callable(self.answer):
                    self.answer(sock)
                else:
                    sock.sendall(self.answer)
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(1)
            except OSError:
                pass


def http_answer(body, status="200 OK", *fields):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


def endless(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(2000):
        sock.sendall(b" " * 65536)


def endless_header(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for i in range(200000):
        sock.sendall(b"X-%d: " % i + b"x" * 1000 + b"\r\n")


def hang(sock):
    sock.recv(1)


def half(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"header\"")
    sock.recv(1)


def drip(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        sock.sendall(b" ")
        time.sleep(0.3)


def kv(**entry):
    return http_answer({**GOOD_HEAD, "kvs": [{"key": base64_text("/bv/keyring"), "mod_revision": "5", **entry}]})


NO_ETCD = "no etcd 3.4 or later"
ROWS = [
    ("500", http_answer({"error": "etcdserver: leader changed"}, "500 Internal Server Error"),
     "refuses with HTTP 500: etcdserver: leader changed"),
    ("503 without a word", http_answer(b"", "503 Service Unavailable"), "refuses with HTTP 503"),
    ("an error that quotes a secret", http_answer({"error": "bad MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, "400 B"),
     "refuses with HTTP 400"),
    ("an error with escapes", http_answer({"error": "\x1b[2J boo"}, "400 B"), "refuses with HTTP 400"),
    ("404", http_answer(b"not found", "404 Not Found"), NO_ETCD),
    ("a web page", http_answer(b"<html>hello</html>"), NO_ETCD),
    ("an array", http_answer([1]), NO_ETCD), ("no header", http_answer({"kvs": []}), NO_ETCD),
    ("a revision that is no number", http_answer({"header": {"revision": "x"}}), NO_ETCD),
    ("a revision past 63 bits", http_answer({"header": {"revision": "9999999999999999999"}}), NO_ETCD),
    ("kvs that is no array", http_answer({**GOOD_HEAD, "kvs": {}}), NO_ETCD),
    ("two keys", http_answer({**GOOD_HEAD, "kvs": [{}, {}]}), NO_ETCD),
    ("another key", kv(key=base64_text("/bv/other"), value="eA=="), NO_ETCD),
    ("no base64", kv(value="!!!!"), NO_ETCD), ("a value that is a number", kv(value=7), NO_ETCD),
    ("a deep nest", http_answer(b"[" * 90000), NO_ETCD),
    ("closed at once", b"", "broke the connection off"),
    ("cut in the header", b"HTTP/1.1 200", ": "), ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n", ": "),
    ("endless", endless, "is larger than"), ("endless header", endless_header, ": "),
    ("hangs", hang, "no answer from"), ("hangs in the middle", half, "no answer from"), ("drips", drip, "no answer from"),
]


def bad_answer(server, said):
    """A ring is to be listed and changed, and a file to be kept equal to it."""
    path = FILES.new()
    good("-f", path, "--at", T0, "init")
    before = content(path)
    for each in together(lambda: bvkey("-f", server.url, "list"), lambda: bvkey("-f", server.url, "rotate"),
                         lambda: bvkey("-f", path, "sync", "--once", server.url)):
        same((each.status, each.out), (2, ""), f"status and output, which said {each.err!r}")
        contains(each.err, f"bvkey: {server.url}: ", "name of the URL")
        contains(each.err, said, "said")
        true(not re.search(r"MDEy|[\x00-\x09\x0b-\x1f\x7f]", each.err), f"it says what it should not: {each.err!r}")
        same(each.err.count("\n"), 1, "lines")
    same(content(path), before, "the local file")
    true(all(b"/v3/kv/txn" not in asked for asked in server.asked), "nothing is put where nothing could be read")


for _name, _answer, _said in ROWS:
    early(f"a bad answer: {_name}")(lambda answer=_answer, said=_said: bad_answer(Nasty(answer), said))


@SUITE.case("a redirect is not followed, to wherever it leads")
def redirect():
    other = Nasty(http_answer(b""))
    store = Store(PLAIN)
    for status in ("301 M", "302 F", "307 T", "308 P"):
        for to in (f"http://127.0.0.1:{PLAIN.port}/v3/kv/range", f"http://127.0.0.1:{other.port}/",
                   f"file://{FILES.init()}", f"/v3/kv/range?{store.key}"):
            server = Nasty(http_answer(b"", status, f"Location: {to}"))
            ran = bvkey("-f", server.url, "list")
            contains(ran.err, f"{server.url}: answers with a redirect (HTTP {status[:3]}), which is not followed", "said")
            same((ran.status, len(server.asked)), (2, 1), "status, and requests")
    same(other.asked, [], "requests at the other place")


@early("sync goes on behind a server that answers badly, and says it once")
def sync_nasty():
    server, path = Nasty(ROWS[0][1]), FILES.init()
    sync = Sync(server.url, path)
    sync.said("leader changed")
    time.sleep(3.5)
    same((len(sync.lines), len(server.asked)), (1, 3), "lines said, and requests: with growing pauses")
    same(sync.stop()[0], 0, "exit status")


@early("sync: a server that knows no watch is asked now and then, and not all the time")
def no_watch():
    store, path = Store(PLAIN), FILES.new()
    with Between(drop_watch=True) as between:
        sync = Sync(between.url(store), path)
        sync.has(store.text(), 5)
        sync.said("does not tell of changes; they are found within 1 s", 8)
        store.bvkey("rotate")
        sync.has(store.text(), 3)
        true(len(between.asked) < 20, f"{len(between.asked)} requests")
        same((sync.stop()[0], sync.count("does not tell")), (0, 1), "exit status, and how often it was said")


@SUITE.case("several hosts: the next one is asked where one says that it cannot, as when it is cut off from the others")
def cut_off():
    store, path = Store(PLAIN), FILES.new()
    server = Nasty(http_answer({"error": "etcdserver: request timed out"}, "503 Service Unavailable"))
    url = store.url.replace("etcd://", f"etcd://127.0.0.1:{server.port},")
    for command in (["list"], ["rotate"], ["check"]):
        same((bvkey("-f", url, *command).status, len(server.asked)), (0, 1), f"status of {command}, and requests")
        server.asked.clear()
    same(store.version(), 2, "how many times the ring was put")
    sync = Sync(url, path)
    sync.has(store.text(), 5)
    same((sync.stop()[0], len(sync.lines)), (0, 1), "exit status, and lines said")


class Failing(Nasty):
    """Has one ring, and a watch that is silent; when it has failed, it can do nothing."""

    failed = 0

    def __init__(self, store):
        self.ring = PLAIN.post("/v3/kv/range", {"key": base64_text(store.key)})
        super().__init__(None)

    def one(self, sock):
        with sock:
            while asked := sock.recv(100000):
                if b"/v3/watch" in asked:
                    sock.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"result":{"created":true}}\n')
                elif self.failed:
                    self.failed += 1
                    sock.sendall(http_answer(b"", "503 Service Unavailable"))
                else:
                    sock.sendall(http_answer(self.ring))


@early("sync: with another host that answers, a change is told of again at once")
def failing():
    store, path = Store(PLAIN), FILES.new()
    server = Failing(store)
    sync = Sync(store.url.replace("etcd://", f"etcd://127.0.0.1:{server.port},"), path, "--poll", "3s")
    sync.has(store.text(), 5)
    server.failed = 1
    true(wait_until(lambda: server.failed > 1, 5), "it is asked again")
    time.sleep(0.3)
    store.bvkey("rotate")
    sync.has(store.text(), 1.5)
    same((sync.stop()[0], len(sync.lines)), (0, 2), "exit status, and lines said")


class Idle(Nasty):
    """Has one ring, and ends a watch after some seconds, as a proxy does that finds it idle."""

    def __init__(self, store, seconds):
        self.ring = kv(value=base64_text(store.text()))
        self.seconds, self.watches = seconds, 0
        super().__init__(None)

    def one(self, sock):
        with sock:
            while asked := sock.recv(100000):
                if b"/v3/watch" not in asked:
                    sock.sendall(self.ring)
                    continue
                self.watches += 1
                sock.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"result":{"created":true}}\n')
                time.sleep(self.seconds)
                return


@early("sync: a watch that is ended now and then is set again, and nothing is said")
def idle():
    server = Idle(Store(PLAIN), 2.2)
    sync = Sync(server.url, FILES.new(), "--poll", "1h")
    true(wait_until(lambda: server.watches == 4, 16), f"{server.watches} watches in 16 s; it said:\n{sync.text()}")
    same((sync.stop()[0], sync.count("does not tell")), (0, 0), "exit status, and how often it was said")


class Between:
    """A proxy in front of the etcd. What it does to a put is that of the first one only."""

    def __init__(self, lose_answer=False, lose_request=False, before_put=None, drop_watch=False, twice=False):
        self.asked, between = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                put = self.path.endswith("/txn") and (lose_request or not any(
                    p.endswith("/txn") for p in between.asked))
                between.asked.append(self.path)
                if self.path.endswith("/watch") and drop_watch:
                    return self.reply(404, b"")
                if put and before_put:
                    before_put()
                if not (put and lose_request):
                    for _ in range(2 if put and twice else 1):
                        answer = self.forward(body)
                if put and (lose_answer or lose_request):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return None
                return self.reply(200, answer)

            def forward(self, body):
                request = urllib.request.Request(f"http://127.0.0.1:{PLAIN.port}{self.path}", body)
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
                    return answer.read()

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = on_free_port(lambda port: http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler))
        self.server.daemon_threads = True
        self.server.block_on_close = False

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, store):
        return f"etcd://127.0.0.1:{self.server.server_address[1]}{store.key}"


@SUITE.case("a put whose answer is lost is found to be done, and not done twice")
def lost_answer():
    for command, generation in ((["init"], 1), (["rotate"], 2)):
        store = Store(PLAIN, init=command != ["init"], at=None if command == ["init"] else T0)
        with Between(lose_answer=True) as between:
            ran = bvkey("-f", between.url(store), *command)
        same((ran.status, ran.err), (0, ""), f"status and standard error of {command}")
        same((store.ring()["generation"], store.version()), (generation, generation), f"generation, puts of {command}")


@SUITE.case("a put that comes twice is done once, and counts as done")
def twice():
    store = Store(PLAIN, at=T0)
    with Between(twice=True) as between:
        ran = bvkey("-f", between.url(store), "rotate")
    same((ran.status, ran.err, store.version()), (0, "", 2), "status, standard error, puts")


@SUITE.case("a put that is lost itself is not called done, and the error tells what to look at")
def lost_request():
    store = Store(PLAIN, at=T0)
    with Between(lose_request=True) as between:
        ran = bvkey("-f", between.url(store), "rotate")
    same((ran.status, ran.out, store.version()), (2, "", 1), "status, output, puts")
    contains(ran.err, "whether the change was made cannot be told: look with bvkey list", "said")


@SUITE.case("a race that is lost: what the other has done stays, and the own change is made upon it")
def lost_race():
    store = Store(PLAIN, at=T0)
    with Between(before_put=lambda: store.bvkey("--at", T0, "rotate", "--delay", "1h")) as between:
        ran = bvkey("-f", between.url(store), "--at", T0, "rotate", "--delay", "2h", "--lifetime", "9d")
    same((ran.status, ran.err), (0, ""), "status and standard error")
    keys = store.ring()["keys"]
    same([(k["number"], k["lifetime_days"]) for k in keys], [(0, 7), (1, 7), (2, 9)], "numbers and lifetimes")
    same((store.ring()["generation"], store.version()), (3, 3), "generation, puts")
    contains(ran.out, "key 1: signs until 2026-11-21T14:00:00Z", "what it says of the other's key")


@early("a race that is lost every time comes to an end")
def lost_always():
    store = Store(PLAIN, at=T0)
    text = store.text()

    class Always(Between):
        pass
    with Always() as between:
        between.asked = Forgetful(lambda: PLAIN.put(text, store.key))
        ran = bvkey("-f", between.url(store), "rotate")
    same((ran.status, ran.out), (2, ""), "status and output")
    contains(ran.err, "others have changed the keyring 20 times meanwhile; nothing is done, try again", "said")
    same(store.text(), text, "the ring")


class Forgetful(list):
    """Does something before each put."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def append(self, path):
        if path.endswith("/txn"):
            self.action()


@SUITE.case("leaves nothing behind but the key file and its lock")
def leftovers():
    store, path = Store(PLAIN), FILES.new()
    bvkey("-f", path, "sync", "--once", store.url)
    same((names(path), read(path)["generation"]), (["keyring.json", "keyring.json.lock"], 1), "names, generation")

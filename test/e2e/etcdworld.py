"""A private etcd, unpacked and never installed; and "bvkey sync" as the tests run it."""

import base64
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from bvkey import FILES, SUITE, bvkey, good, note_secrets, refused
from harness import Scratch, Skip, at_end, free_port, program, same, true, wait_until
from packages import unpacked

SCRATCH = Scratch()
KEY = "/bv/keyring"


def base64_text(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def etcd_program():
    found = shutil.which("etcd")
    if found:
        return found
    found = os.path.join(unpacked("etcd", ["etcd-server"], lambda directory: None), "usr", "bin", "etcd")
    done = subprocess.run([found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip("etcd does not run here: " + " ".join(done.stderr.split())[:200])
    return found


class Etcd:
    """Serves on 127.0.0.1:port once it is started. tls: the words of its command line for that."""

    def __init__(self, name, *options, scheme="http", ca=None):
        self.name, self.scheme, self.ca, self.options = name, scheme, ca, options
        self.port, self.peer = free_port(), free_port()
        self.process, self.token = None, ""
        self.dir = SCRATCH.path(name)

    def url(self, key=KEY, host="127.0.0.1"):
        return f"{'etcds' if self.scheme == 'https' else 'etcd'}://{host}:{self.port}{key}"

    def start(self):
        client, peer = f"{self.scheme}://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.peer}"
        env = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
        self.log = open(self.dir + ".log", "ab")
        self.process = subprocess.Popen(
            [etcd_program(), "--name", self.name, "--data-dir", self.dir, "--listen-client-urls", client,
             "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"{self.name}={peer}", "--heartbeat-interval", "20", "--election-timeout", "200",
             *self.options], env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        at_end(self.kill)
        return self

    def wait(self):
        true(wait_until(self.answers, 15), f"etcd {self.name} does not serve: " + self.log_text()[-1000:])
        return self

    def log_text(self):
        with open(self.dir + ".log", errors="replace") as file:
            return file.read()

    def answers(self):
        try:
            self.post("/v3/kv/range", {"key": base64_text("x")})
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.log.close()

    def post(self, path, body):
        request = urllib.request.Request(f"{self.scheme}://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
                                         {"Authorization": self.token} if self.token else {})
        handlers = [urllib.request.ProxyHandler({})]
        if self.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca)
            if self.client:
                context.load_cert_chain(*self.client)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(request, timeout=5) as answer:
            return json.load(answer)

    client = None

    def put(self, text, key=KEY):
        self.post("/v3/kv/put", {"key": base64_text(key), "value": base64_text(text)})

    def delete(self, key=KEY):
        self.post("/v3/kv/deleterange", {"key": base64_text(key)})

    def kv(self, key=KEY):
        """The key's entry, None if there is none."""
        return self.post("/v3/kv/range", {"key": base64_text(key)}).get("kvs", [None])[0]

    def text(self, key=KEY):
        return base64.b64decode(self.kv(key)["value"])

    def ring(self, key=KEY):
        return json.loads(self.text(key))

    def version(self, key=KEY):
        """How many times the key has been put, in all its life."""
        entry = self.kv(key)
        return int(entry["version"]) if entry else 0


_keys = 0


def new_key():
    """A key of etcd that no other case uses."""
    global _keys
    _keys += 1
    return f"/bv/case-{_keys}/keyring"


class Store:
    """A key of an etcd, with its own URL, and a file that bvkey has made of it where it is needed."""

    def __init__(self, etcd, init=True, at=None):
        self.etcd, self.key = etcd, new_key()
        self.url = etcd.url(self.key)
        if init:
            good("-f", self.url, *(["--at", at] if at else []), "init")
            self.note()

    def note(self):
        """Remembers the secrets, which must not be printed by anything."""
        note_secrets(FILES.put(self.etcd.text(self.key).decode()))

    def bvkey(self, *args, **how):
        return good("-f", self.url, *args, **how)

    def put(self, text):
        self.etcd.put(text if isinstance(text, (str, bytes)) else json.dumps(text), self.key)

    def text(self):
        return self.etcd.text(self.key)

    def ring(self):
        return self.etcd.ring(self.key)

    def version(self):
        return self.etcd.version(self.key)


class Sync:
    """A running "bvkey sync"; what it says, line by line."""

    def __init__(self, url, path, *options, env=None):
        self.path, self.lines, self.changed = path, [], threading.Condition()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BV_ETCD") and k != "BV_KEYRING"}
        self.process = subprocess.Popen([program("bvkey"), "-f", path, "sync", "--poll", "1s", *options, url],
                                        env={**clean, **(env or {})}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        at_end(self.kill)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with self.process.stdout as pipe:
            for line in pipe:
                with self.changed:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self.changed.notify_all()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def said(self, part, timeout=5, times=1):
        """A piece of a line comes, at least so many times."""
        def found():
            return sum(part in line for line in list(self.lines)) >= times
        true(wait_until(found, timeout), f"sync has not said {part!r}, but:\n{self.text()}")

    def count(self, part):
        return sum(part in line for line in list(self.lines))

    def has(self, text, timeout=2):
        """The file gets a content."""
        want = text if isinstance(text, bytes) else text.encode()

        def there():
            try:
                with open(self.path, "rb") as file:
                    return file.read() == want
            except FileNotFoundError:
                return False
        true(wait_until(there, timeout), f"after {timeout} s the file is not that of the store; sync said:\n{self.text()}")

    def stop(self, number=signal.SIGTERM, timeout=5):
        """Its exit status, and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout)
        true("Sanitizer" not in self.text() and "runtime error" not in self.text(), self.text()[-3000:])
        return status, time.monotonic() - begin

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def together(*calls):
    """Runs functions at once; their results, in order."""
    results = [None] * len(calls)

    def one(i):
        results[i] = calls[i]()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(calls))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return results


_early = {}


class Early(threading.Thread):
    """A case that does little but wait: it begins with the first one, and is reported in its place."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.error = function, None

    def run(self):
        try:
            self.function()
        except Exception as err:
            self.error = err

    def result(self):
        self.join()
        if self.error:
            raise self.error


def early(name):
    """Decorator: as SUITE.case()."""
    def register(function):
        _early[name] = Early(function)
        SUITE.case(name)(_early[name].result)
        return function
    return register


def start_early():
    for name, each in _early.items():
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            each.start()


PLAIN = Etcd("plain")
SUITE.logs["etcd"] = lambda: "\n".join(line for line in PLAIN.log_text().splitlines() if re.search(" [EC] \\|", line)) \
    if PLAIN.process else ""

__all__ = ["Etcd", "FILES", "KEY", "PLAIN", "SCRATCH", "SUITE", "Store", "Sync", "base64_text", "bvkey", "early", "good",
           "new_key", "refused", "same", "together", "true"]

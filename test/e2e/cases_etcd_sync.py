"""Cases of test_etcd.py: sync, while the store is there."""

import fcntl
import json
import os
import re
import signal
import time
import urllib.request

from bvkey import T0, content, key, names, read, ring
from daemon import Daemon
from etcdworld import FILES, PLAIN, SCRATCH, SUITE, Store, Sync, bvkey, early, good, refused, same, true
from harness import contains, wait_until


def once(store, path, *words):
    return bvkey("-f", path, "sync", "--once", store.url, *words)


@SUITE.case("once: makes the file, replaces an older one, and leaves the same alone")
def sync_once():
    store, path = Store(PLAIN), FILES.new()
    ran = once(store, path)
    same((ran.status, ran.err), (0, ""), "status and standard error")
    same(ran.out, f"{path}: keyring {store.ring()['id']}, generation 1, from {store.url}\n", "said")
    same((content(path), os.stat(path).st_mode & 0o7777), (store.text(), 0o640), "content and mode")
    before = os.stat(path).st_ino
    same(once(store, path).out, f"{path}: nothing to do, generation 1 of {store.url} is here already\n", "said")
    same(os.stat(path).st_ino, before, "the file")
    store.bvkey("rotate")
    store.note()
    contains(once(store, path).out, "generation 2, from", "said after a rotation")
    same(content(path), store.text(), "content")
    same(names(path), ["keyring.json", "keyring.json.lock"], "what lies there")


@SUITE.case("once: keeps mode and owner of the old file")
def rights():
    store, path = Store(PLAIN), FILES.new()
    once(store, path)
    os.chmod(path, 0o400)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    store.bvkey("rotate")
    same(once(store, path).status, 0, "status")
    st = os.stat(path)
    same((st.st_mode & 0o7777, *((st.st_uid, st.st_gid) if os.geteuid() == 0 else (12, 34))), (0o400, 12, 34), "rights")


BAD = [
    ("nothing is there", None, "there is no keyring"),
    ("empty", "", "keyring: is empty"),
    ("garbage", b"\x00\xff\x00garbage", "; the key file stays"),
    ("cut short", lambda ring: json.dumps(ring)[:-30], ":1:"),
    ("a wrong checksum", lambda ring: {**ring, "checksum": "sha256:" + "0" * 64}, "checksum: does not fit the rest"),
    ("an unknown member", lambda ring: {**ring, "more": 1, "checksum": None}, "unknown member"),
    ("without secrets", "public", "is missing (a public export has no secrets)"),
    ("too large", lambda ring: json.dumps(ring) + " " * 66000, "is larger than 65536 octets"),
    ("much too large", lambda ring: json.dumps(ring) + " " * 1200000, "is larger than"),
]


def bad_content(bad, said):
    """The file stays, once and all the time, and the good ring that comes next is taken."""
    store, path = Store(PLAIN), FILES.new()
    once(store, path)
    good_text, before = store.text(), content(path)
    sync = Sync(store.url, path)
    sync.said("is here already")
    if bad is None:
        PLAIN.delete(store.key)
    elif bad == "public":
        store.put(store.bvkey("export", "--public"))
    else:
        store.put(bad(store.ring()) if callable(bad) else bad)
    sync.said(said)
    sync.said("; the key file stays as it is")
    contains(refused(2, said, "-f", path, "sync", "--once", store.url), f"bvkey: {store.url}:", "name of the URL")
    time.sleep(1.2)
    same((sync.count(said), content(path) == before), (1, True), "how often it was said, and the file is the same")
    store.put(good_text)
    sync.said("is good again, after ")
    store.bvkey("rotate")
    sync.has(store.text())
    same(sync.stop()[0], 0, "exit status")


for _name, _bad, _said in BAD:
    early(f"bad content: {_name}")(lambda bad=_bad, said=_said: bad_content(bad, said))


LOCAL = {
    "a newer one": (lambda r: {**r, "generation": 9}, "generation 9 is newer than 2 in URL, and stays; to bring it "
                                                     "there, run: bvkey -f URL import FILE"),
    "another ring": (lambda r: {**r, "id": "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab"},
                     "is the keyring 6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab, not "),
    "the same generation with other content": (lambda r: {**r, "updated_by": "root@other"},
                                               "generation 2 has other content than in URL, and stays"),
}


@SUITE.rows([(f"the local file stays: {name}", *row) for name, row in LOCAL.items()])
def local_stays(change, said):
    store = Store(PLAIN)
    store.bvkey("rotate")
    mine = change(store.ring())
    mine.pop("checksum")
    path = FILES.put(mine)
    before = content(path)
    said = said.replace("URL", store.url).replace("FILE", path)
    contains(refused(2, said, "-f", path, "sync", "--once", store.url), f"bvkey: {path}: ", "name of the file")
    sync = Sync(store.url, path)
    sync.said(said)
    time.sleep(1.2)
    same((sync.count(said), content(path) == before), (1, True), "how often it was said, and the file is the same")
    same(store.version(), 2, "how many times the ring was put: nothing is pushed")
    same(sync.stop()[0], 0, "exit status")


@SUITE.case("the command that brings a newer local file to the store does so")
def bring():
    store, path = Store(PLAIN), FILES.new()
    once(store, path)
    good("-f", path, "rotate")
    contains(once(store, path).err, f"run: bvkey -f {store.url} import {path}", "said")
    good("-f", store.url, "import", path)
    same((store.text(), once(store, path).status), (content(path), 0), "the store's ring, and the status after that")


@SUITE.case("a local file that is refused itself is not replaced, until it is mended")
def local_bad():
    store, path = Store(PLAIN), FILES.new()
    once(store, path)
    os.chmod(path, 0o644)
    store.bvkey("rotate")
    contains(refused(2, "mode 0644 is wider than 0640; run: chmod 0640 " + path, "-f", path, "sync", "--once",
                     store.url), f"bvkey: {path}: ", "name of the file")
    sync = Sync(store.url, path)
    sync.said("mode 0644 is wider")
    same(read(path)["generation"], 1, "generation")
    os.chmod(path, 0o640)
    sync.has(store.text(), 3)
    with open(path, "w") as file:
        file.write("{")
    sync.said(f"{path}:1:", 3)
    os.unlink(path)
    sync.has(store.text(), 3)
    same(sync.stop()[0], 0, "exit status")


@SUITE.case("follows: a change is in the file within two seconds, ten times in a row")
def follows():
    store, path = Store(PLAIN), FILES.new()
    sync = Sync(store.url, path, "--poll", "1h")
    sync.has(store.text(), 5)
    times = []
    for _ in range(10):
        store.bvkey("rotate", "--delay", f"{len(times) + 1}h") if len(times) < 5 else store.bvkey("purge", "--number", len(times) - 4, "--force")
        begin = time.monotonic()
        sync.has(store.text(), 2)
        times.append(time.monotonic() - begin)
    sync.said("generation 11, from", 2)
    SUITE.diagnose(f"at most {max(times) * 1000:.0f} ms")
    same([sync.stop()[0], read(path)["generation"]], [0, 11], "exit status and generation")


@SUITE.case("follows: a change that is seen by asking only, when the watch has ended")
def polls():
    """Its connection is cut as by a firewall: the poll alone has to find the change."""
    store, path = Store(PLAIN), FILES.new()
    sync = Sync(store.url, path)
    sync.has(store.text(), 5)
    PLAIN.post("/v3/kv/compaction", {"revision": PLAIN.post("/v3/kv/range", {"key": "eA=="})["header"]["revision"]})
    store.bvkey("rotate")
    sync.has(store.text(), 3)
    same(sync.stop()[0], 0, "exit status")


@SUITE.case("follows: six nodes at once, and a killed one is up to date when it comes back")
def nodes():
    store = Store(PLAIN)
    syncs = [Sync(store.url, FILES.new()) for _ in range(6)]
    for each in syncs:
        each.has(store.text(), 5)
    syncs[0].kill()
    store.bvkey("rotate")
    for each in syncs[1:]:
        each.has(store.text())
    again = Sync(store.url, syncs[0].path)
    again.has(store.text(), 5)
    same([each.stop()[0] for each in [again, *syncs[1:]]], [0] * 6, "exit statuses")


@SUITE.rows([("ends by TERM, with 0 and at once", signal.SIGTERM), ("ends by INT, with 0 and at once", signal.SIGINT)])
def ends(number):
    store, path = Store(PLAIN), FILES.new()
    sync = Sync(store.url, path)
    sync.has(store.text(), 5)
    status, seconds = sync.stop(number)
    same(status, 0, "exit status")
    true(seconds < 1, f"it took {seconds:.1f} s")


@SUITE.case("ends at once while it waits for the lock of the file")
def ends_unlocked():
    store, path = Store(PLAIN), FILES.new()
    with open(path + ".lock", "w") as lock:
        os.chmod(lock.name, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        sync = Sync(store.url, path)
        time.sleep(0.7)
        same(sync.process.poll(), None, "exit status while it waits")
        status, seconds = sync.stop()
    same((status, sync.lines, os.path.exists(path)), (0, [], False), "exit status, what it said, and whether the file is there")
    true(seconds < 1, f"it took {seconds:.1f} s")


@SUITE.case("a value that is too large is not fetched again and again")
def large():
    store, path = Store(PLAIN), FILES.new()
    store.put("x" * 200000)
    before = ranges()
    sync = Sync(store.url, path, "--poll", "1h")
    sync.said("is larger than")
    time.sleep(1.5)
    asked = ranges() - before
    true(1 <= asked <= 3, f"{asked} requests")
    store.put(content(FILES.init()))
    sync.said("is good again")
    same(sync.stop()[0], 0, "exit status")


def ranges():
    """How many times the etcd has been asked for a key."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{PLAIN.port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return int(re.search(r'(?m)^grpc_server_started_total\{grpc_method="Range",.*\} (\d+)$', text).group(1))


@SUITE.case("the daemon follows what sync has fetched, and uses the new key")
def daemon():
    store = Store(PLAIN, at="2026-01-01T00:00:00Z")
    node = Daemon(SCRATCH.dir, "daemon", None, socket_group="", warmup="off")
    good("-f", node.keyring, "sync", "--once", store.url)
    os.chmod(node.dir, 0o755)
    sync = Sync(store.url, node.keyring)
    sync.said("is here already")
    node.start()
    store.bvkey("rotate", "--delay", "0s")
    store.note()
    line = f"ring {store.ring()['id']}, generation 2: key 1 signs"
    true(node.wait_log(line, 6), f"the daemon has not logged {line!r}: {node.log()}")
    same((sync.stop()[0], node.stop()[0]), (0, 0), "exit statuses")


@SUITE.rows([
    ("no URL", [], "sync: from where?"), ("two", ["etcd://h/k", "etcd://h/k"], "too many arguments"),
    ("a file", ["/tmp/keyring.json"], "etcd:// or etcds://"), ("poll 0s", ["--poll", "0s", "etcd://h/k"], "1s..1h"),
    ("poll 2h", ["--poll", "2h", "etcd://h/k"], "1s..1h")])
def misused(args, said):
    refused(2, said, "-f", FILES.new(), "sync", *args)


@SUITE.case("sync into a URL is refused")
def into_url():
    refused(2, "what sync keeps equal is a file", "-f", "etcd://h/k", "sync", "etcd://h/k")


@SUITE.case("sync: a directory that is not there is said, and the file comes when it is made")
def no_directory():
    store, path = Store(PLAIN), os.path.join(os.path.dirname(FILES.new()), "sub", "keyring.json")
    sync = Sync(store.url, path)
    sync.said("No such file or directory")
    os.mkdir(os.path.dirname(path), 0o755)
    sync.has(store.text(), 3)
    true(wait_until(lambda: sync.count("is good again") == 1), "it is said to be good again")
    same(sync.stop()[0], 0, "exit status")

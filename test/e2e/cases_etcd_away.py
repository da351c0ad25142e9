"""Cases of test_etcd.py: the store is away, and comes back."""

import signal
import time

from bvkey import content, read
from etcdworld import Etcd, FILES, Store, Sync, bvkey, early, refused, same, together, true
from harness import contains


@early("killed: said once, the file stays; started again: said, and followed, with the next change")
def killed():
    etcd = Etcd("killed").start().wait()
    store, path = Store(etcd), FILES.new()
    sync = Sync(store.url, path)
    sync.has(store.text(), 5)
    before = content(path)
    etcd.kill()
    sync.said("; the key file stays as it is", 3)
    for command in ("list", "rotate", "check"):
        refused(2, f"bvkey: {store.url}: nothing serves at 127.0.0.1:{etcd.port}", "-f", store.url, command)
    refused(2, "nothing serves at", "-f", FILES.new(), "sync", "--once", store.url)
    time.sleep(2)
    same((len(sync.lines), content(path)), (2, before), "lines said, and the file")
    etcd.start().wait()
    sync.said(f"{store.url}: answers again, after ", 8)
    store.bvkey("rotate")
    sync.has(store.text())
    etcd.kill()
    sync.said("the key file stays as it is", 3, times=2)
    status, seconds = sync.stop()
    same(status, 0, "exit status")
    true(seconds < 1, f"it took {seconds:.1f} s to end while the store was away")


@early("not there yet at the start: waited for, and no file is made meanwhile")
def late():
    etcd = Etcd("late")
    path = FILES.new()
    sync = Sync(etcd.url(), path)
    sync.said(f"nothing serves at 127.0.0.1:{etcd.port}")
    etcd.start().wait()
    sync.said("there is no keyring", 5)
    store = Store(etcd, init=False)
    bvkey("-f", etcd.url(), "init")
    sync.has(etcd.text(), 3)
    same(sync.stop()[0], 0, "exit status")
    del store


@early("stopped, as behind a firewall: nobody waits for long, it is said once, and followed after that")
def silent():
    etcd = Etcd("silent").start().wait()
    store, path = Store(etcd), FILES.new()
    sync, ended = Sync(store.url, path), Sync(store.url, FILES.new())
    sync.has(store.text(), 5)
    ended.has(store.text(), 5)
    etcd.signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        time.sleep(1.5)  # both ask now
        status, seconds = ended.stop()
        same(status, 0, "exit status of one that is stopped while it asks")
        true(seconds < 1, f"it took {seconds:.1f} s")
        runs = together(*[lambda c=c: bvkey("-f", store.url, c) for c in ("list", "rotate", "check")])
        same([r.status for r in runs], [2] * 3, "statuses of other commands")
        true(all(f"{store.url}: no answer from 127.0.0.1:{etcd.port} within 10 s" in r.err for r in runs),
             f"said: {[r.err for r in runs]}")
        sync.said("within 10 s; the key file stays as it is", 3)
        true(time.monotonic() - begin < 14, "it took longer than an answer may")
        same(read(path)["generation"], 1, "generation")
    finally:
        etcd.signal(signal.SIGCONT)
    sync.said("answers again", 14)
    store.bvkey("rotate")
    sync.has(store.text())
    same((sync.count("within 10 s"), sync.stop()[0]), (1, 0), "how often it was said, and the exit status")


@early("several hosts: the next one is asked where one does not serve, also for a change")
def hosts():
    etcd = Etcd("hosts").start().wait()
    store, path = Store(etcd), FILES.new()
    url = store.url.replace("etcd://", "etcd://127.0.0.1:1,")
    for command in (["list"], ["rotate"], ["check"]):
        same(bvkey("-f", url, *command).status, 0, f"status of {command}")
    same(store.version(), 2, "how many times the ring was put")
    sync = Sync(url, path)
    sync.has(store.text(), 5)
    store.bvkey("purge", "--number", "1", "--force")
    sync.has(store.text())
    same((sync.stop()[0], len(sync.lines)), (0, 2), "exit status, and lines said")
    etcd.kill()
    contains(bvkey("-f", url, "list").err, "nothing serves at", "said when none serves")

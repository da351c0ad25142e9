"""Cases of test_etcd.py: bvkey's commands with a URL in place of a file."""

import json
import os
import re
import shutil
import subprocess

from bvkey import T0, content, key, read, ring, tombstones
from etcdworld import FILES, PLAIN, SUITE, Store, bvkey, good, refused, same, together, true
from harness import BIN, Skip, contains, matches, program

LATER = "2027-01-21T12:00:00Z"


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env=dict(os.environ, LC_ALL="C"))


@SUITE.case("libcurl: bvkey is linked with it, the others are not")
def linked():
    if not shutil.which("ldd"):
        raise Skip("there is no ldd here")
    for name, want in (("bvkey", True), ("bvmilter", False), ("bvtag", False), ("bvreport", False)):
        same("libcurl" in run("ldd", program(name)).stdout, want, f"{name} needs libcurl")
    if shutil.which("nm"):
        same(re.findall(r"curl_\w+", run("nm", os.path.join(BIN, "libbv.a")).stdout), [], "libcurl in libbv.a")


@SUITE.case("built without libcurl: a URL is refused with the reason, a file is not")
def bare():
    if not os.path.exists(program("test/bvkey-bare")):
        raise Skip("build/.../test/bvkey-bare is not built")
    for words in (("-f", PLAIN.url(), "list"), ("-f", FILES.new(), "sync", "--once", PLAIN.url())):
        done = run(program("test/bvkey-bare"), *words)
        same((done.returncode, done.stdout), (2, ""), f"status and output of {words}")
        contains(done.stderr, f"{PLAIN.url()}: this bvkey was built without libcurl", "said")
    same(run(program("test/bvkey-bare"), "-f", FILES.init(), "list").returncode, 0, "status with a file")


@SUITE.case("init: makes the ring, and refuses to overwrite it")
def init():
    store = Store(PLAIN, init=False)
    out = store.bvkey("--at", T0, "init", "--lifetime", "9d")
    contains(out, f"{store.url}: new keyring ", "said")
    store.note()
    same((store.ring()["generation"], store.ring()["keys"][0]["lifetime_days"]), (1, 9), "generation and lifetime")
    before = store.text()
    refused(2, f"{store.url}: is there already, and is not overwritten", "-f", store.url, "init")
    same((store.text() == before, store.version()), (True, 1), "the ring is the same, and was put once")


@SUITE.case("no ring: every command but init and import says so, and none makes one")
def missing():
    store = Store(PLAIN, init=False)
    for command in (["list"], ["check"], ["rotate"], ["purge"], ["revoke", "0"], ["export", "--public"],
                    ["purge", "--dry-run"]):
        refused(2, f"{store.url}: there is no keyring", "-f", store.url, *command)
    same(store.version(), 0, "how many times it was put")


@SUITE.case("list, check, export, rotate, add, purge and revoke do as with a file, and say the same")
def life():
    """Which differs where something is random: fingerprints, secrets, ids."""
    start = ring(key(1, "2026-10-01T00:00:00Z"), key(3, "2026-11-01T00:00:00Z", secret=b"abcdefghijklmnop"))
    path, store = FILES.put(start), Store(PLAIN, init=False)
    store.put(start)
    for command in (["list"], ["check"], ["list", "--json"], ["export", "--public"], ["purge", "--dry-run"],
                    ["rotate", "--delay", "2h", "--lifetime", "9d"], ["rotate", "--if-older-than", "3d"],
                    ["add", "--number", "7", "--sign-from", "2026-11-21T18:00:00Z", "--comment", "Exim"],
                    ["purge"], ["purge"], ["purge", "--number", "3"], ["revoke", "3"], ["revoke", "3"], ["check"],
                    ["purge", "--all-but-current", "--force"], ["check", "--json"], ["export", "--public"]):
        both = []
        for where in (path, store.url):
            ran = bvkey("-f", where, "--at", T0, *command, stdin=b"correct horse battery staple\n")
            both.append((ran.status, *(re.sub(r"\b[0-9a-f]{8}\b", "PRINT", text.replace(where, "RING"))
                                       for text in (ran.out, ran.err))))
        same(both[1], both[0], f"{command} on the URL")
    same(store.ring()["generation"], read(path)["generation"], "generations")


@SUITE.case("export and import carry a ring from file to store and back, as it is")
def carry():
    path, store = FILES.init(), Store(PLAIN, init=False)
    contains(good("-f", store.url, "import", path), f"{store.url}: keyring ", "said at first")
    same(store.text(), content(path), "the store's ring")
    contains(good("-f", store.url, "import", path), "nothing to do", "said the second time")
    same(store.version(), 1, "how many times it was put")
    store.bvkey("--at", T0, "rotate")
    store.note()
    refused(2, "generation 1 is older than 2", "-f", store.url, "import", path)
    good("-f", path, "import", "-", stdin=bvkey("-f", store.url, "export", export=True).out.encode())
    same(content(path), store.text(), "the file")
    other = FILES.init()
    refused(2, "is another one than", "-f", store.url, "import", other)
    good("-f", store.url, "import", "--force", other)
    same(store.text(), content(other), "the store's ring, by force")


@SUITE.case("a dry run, and what has nothing to do, do not put the ring")
def nothing():
    store = Store(PLAIN, at=T0)
    same(bvkey("-f", store.url, "--at", T0, "purge").status, 1, "status of purge")
    store.bvkey("--at", LATER, "rotate")
    good("-f", store.url, "--at", "2027-03-21T12:00:00Z", "purge", "--dry-run")
    contains(store.bvkey("--at", LATER, "rotate", "--if-older-than", "30d"), "nothing to do", "said by rotate")
    same(store.version(), 2, "how many times it was put")


@SUITE.case("BV_KEYRING may be a URL; a key file option still comes first")
def environment():
    store = Store(PLAIN)
    contains(good("list", env={"BV_KEYRING": store.url}), store.ring()["id"], "said by list")
    path = FILES.init()
    contains(good("-f", path, "list", env={"BV_KEYRING": store.url}), read(path)["id"], "said by list of a file")


@SUITE.case("check: what is wrong with the ring in the store is a fault")
def check():
    store = Store(PLAIN, at=T0)
    contains(store.bvkey("--at", T0, "check"), f"{store.url}: good", "said of a good one")
    text = store.text().decode()
    store.put(text.replace('"lifetime_days": 7', '"lifetime_days": 8'))
    ran = bvkey("-f", store.url, "check", "--json")
    same(ran.status, 1, "status with a wrong checksum")
    contains(json.loads(ran.out)["faults"][0], "checksum", "fault")
    store.put(text[:-20])
    ran = bvkey("-f", store.url, "check")
    same(ran.status, 1, "status with a piece")
    matches(ran.out, rf"^{re.escape(store.url)}:\d+:\d+: fault: premature end", "said of a piece")


@SUITE.case("a race: of twelve timers at once, one makes a new key")
def race_rotate():
    store = Store(PLAIN, at=T0)
    ran = together(*[lambda: bvkey("-f", store.url, "--at", LATER, "rotate", "--if-older-than", "30d")] * 12)
    same([r.status for r in ran], [0] * 12, f"statuses; they said {[r.err for r in ran if r.err]}")
    same(sum("nothing to do" in r.out for r in ran), 11, "how many had nothing to do")
    same((len(store.ring()["keys"]), store.ring()["generation"], store.version()), (2, 2, 2),
         "keys, generation, and how many times it was put")


@SUITE.case("a race: eight that add a key each, and none is lost")
def race_add():
    store = Store(PLAIN, at=T0)
    ran = together(*[lambda n=n: bvkey("-f", store.url, "--at", T0, "add", "--number", n, "--sign-from",
                                       f"2026-12-0{n}T00:00:00Z", stdin=f"correct horse battery {n}\n".encode())
                     for n in range(1, 9)])
    same([r.status for r in ran], [0] * 8, f"statuses; they said {[r.err for r in ran if r.err]}")
    same(sorted(k["number"] for k in store.ring()["keys"]), list(range(9)), "key numbers")
    same((store.ring()["generation"], store.version()), (9, 9), "generation, and how many times it was put")


@SUITE.case("a race: of eight that make the ring, one does")
def race_init():
    store = Store(PLAIN, init=False)
    ran = together(*[lambda: bvkey("-f", store.url, "init")] * 8)
    same(sorted(r.status for r in ran), [0] + [2] * 7, "statuses")
    true(all("is there already" in r.err for r in ran if r.status), f"said {[r.err for r in ran]}")
    same(store.version(), 1, "how many times it was put")


@SUITE.case("a race: two that import the first ring, and no force: one ring, and the other is told")
def race_import():
    store, paths = Store(PLAIN, init=False), [FILES.init(), FILES.init()]
    ran = together(*[lambda p=p: bvkey("-f", store.url, "import", p) for p in paths])
    same(sorted(r.status for r in ran), [0, 2], "statuses")
    winner = [r.status for r in ran].index(0)
    same(store.text(), content(paths[winner]), "the ring in the store")


@SUITE.case("the numbers of purged keys are kept in the store as in a file")
def kept_numbers():
    store = Store(PLAIN, init=False)
    store.put(ring(key(0, "2026-11-01T00:00:00Z"), purged=tombstones(*range(1, 10))))
    refused(2, f"{store.url}: no key number is free", "-f", store.url, "--at", T0, "rotate")


BAD_URLS = [
    ("no host", "etcd:///bv/keyring", "no good host and port"), ("no key", "etcd://127.0.0.1:2379/", "names no key"),
    ("no path", "etcd://127.0.0.1:2379", "names no key"), ("a port too high", "etcd://h:65536/k", "host and port"),
    ("port 0", "etcd://h:0/k", "host and port"), ("http", "http://127.0.0.1/k", "etcd:// or etcds://"),
    ("a query", "etcd://h/k?x=1", "may have letters"), ("six hosts", "etcd://a,b,c,d,e,f/k", "more than five"),
    ("upper case", "ETCD://h/k", "etcd:// or etcds://"), ("nothing", "://", "etcd:// or etcds://"),
]


@SUITE.rows([(f"a URL is refused: {name}", url, said) for name, url, said in BAD_URLS])
def bad_url(url, said):
    contains(refused(2, said, "-f", url, "list"), f"bvkey: {url}: ", "name of the URL")
    contains(refused(2, said, "-f", FILES.new(), "sync", url), f"bvkey: {url}: ", "name of the URL, by sync")


@SUITE.rows([(f"a password in the URL is refused, and not shown: {url}", url) for url in (
    "etcd://root:geheim@127.0.0.1:2379/bv", "etcds://geheim@h/bv", "etcd://u:gehe/im@h/bv", "http://u:geheim@h/bv")])
def password_in_url(url):
    for words in (("-f", url, "list"), ("-f", FILES.new(), "sync", url), ("-f", url, "init")):
        said = refused(2, "", *words)
        true("gehe" not in said, f"{words}: {said!r}")

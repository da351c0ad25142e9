"""Cases of test_etcd.py: users, roles, passwords; TLS and its certificates."""

import os
import subprocess
import time

from bvkey import content
from etcdworld import Etcd, FILES, PLAIN, SCRATCH, SUITE, Store, Sync, base64_text, bvkey, good, refused, same, true
from cluster import guide
from harness import Skip, contains, program
from packages import unpacked

# A token's life is short: 2 seconds after its last use it has expired.
CLOSED = Etcd("closed", "--auth-token-ttl", "2")
TLS = {}
PASSWORD = "Gehe1m!\"\\ wort"


def openssl(*words):
    done = subprocess.run(["openssl", *words], cwd=SCRATCH.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip("openssl: " + " ".join(done.stderr.split())[-200:])


def certificate(name, subject, ca="ca", names="IP:127.0.0.1"):
    """NAME.pem, NAME.key, by an authority, which is made if it is not there."""
    if not os.path.exists(SCRATCH.path(ca + ".pem")):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={ca}", "-keyout", ca + ".key", "-out", ca + ".pem")
    with open(SCRATCH.path(name + ".ext"), "w") as file:
        file.write(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout",
            name + ".key", "-out", name + ".csr")
    openssl("x509", "-req", "-days", "30", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key",
            "-CAcreateserial", "-extfile", name + ".ext", "-out", name + ".pem")
    os.chmod(SCRATCH.path(name + ".key"), 0o600)
    return SCRATCH.path(name + ".pem"), SCRATCH.path(name + ".key")


def start_others():
    """All servers start at the same time."""
    CLOSED.start()
    try:
        cert, key = certificate("server", "/CN=server")
        TLS["client"] = certificate("client", "/O=bv")
        TLS["named"] = certificate("named", "/CN=bvkey/O=bv")
        certificate("stranger", "/CN=stranger", ca="otherca")
    except Skip as reason:
        TLS["skip"] = str(reason)
        return
    ca = SCRATCH.path("ca.pem")
    TLS["open"] = Etcd("tls", "--cert-file", cert, "--key-file", key, scheme="https", ca=ca).start()
    TLS["strict"] = Etcd("mutual", "--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca,
                         scheme="https", ca=ca).start()
    TLS["strict"].client = TLS["client"]


def tls(kind="open"):
    if "skip" in TLS:
        raise Skip(TLS["skip"])
    return TLS[kind].wait()


_made = {}


def password_file(name, text, mode=0o600):
    path = os.path.join(os.path.dirname(FILES.new()), name)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def login(user, password=PASSWORD):
    if user not in _made:
        _made[user] = password_file("password", password + "\n")
    return {"BV_ETCD_USER": user, "BV_ETCD_PASSWORD_FILE": _made[user]}


def closed(etcd=CLOSED):
    """
    An etcd with users: root, admin who may change rings, node who may read them, other who may do nothing here.
    Has a fresh token of root's.
    """
    post = etcd.post
    if etcd.token:
        etcd.token = ""  # an expired one is refused even here
        etcd.token = post("/v3/auth/authenticate", {"name": "root", "password": PASSWORD})["token"]
        return etcd
    etcd.wait()
    for user in ("root", "admin", "node", "other"):
        post("/v3/auth/user/add", {"name": user, "password": PASSWORD})
    for role, kind in (("root", None), ("admin", "READWRITE"), ("node", "READ")):
        post("/v3/auth/role/add", {"name": role})
        if kind:
            post("/v3/auth/role/grant", {"name": role, "perm": {
                "permType": kind, "key": base64_text("/bv/"), "range_end": base64_text("/bv0")}})
        post("/v3/auth/user/grant", {"user": role, "role": role})
    post("/v3/auth/enable", {})
    etcd.token = post("/v3/auth/authenticate", {"name": "root", "password": PASSWORD})["token"]
    return etcd


def ring_for(user="admin"):
    store = Store(closed(), init=False)
    good("-f", store.url, "init", env=login(user))
    store.note()
    return store


@SUITE.case("user: without one, etcd's refusal says what to set; with a wrong password, where it is")
def nobody():
    store = ring_for()
    contains(refused(2, "set BV_ETCD_USER and BV_ETCD_PASSWORD_FILE", "-f", store.url, "list"), store.url, "the URL")
    wrong = password_file("wrong", "wrong\n")
    said = refused(2, "etcd refuses the user admin, or the password in " + wrong, "-f", store.url, "list",
                   env={"BV_ETCD_USER": "admin", "BV_ETCD_PASSWORD_FILE": wrong})
    true("Gehe1m" not in said, said)
    refused(2, "etcd refuses the user nemo", "-f", store.url, "list",
            env={"BV_ETCD_USER": "nemo", "BV_ETCD_PASSWORD_FILE": wrong})


@SUITE.case("role: who may only read can list and sync, and is refused a change, clearly")
def reader():
    store, path = ring_for(), FILES.new()
    good("-f", store.url, "list", env=login("node"))
    for command in (["rotate"], ["revoke", "0"]):
        refused(2, f"{store.url}: the user node may not do that with the key {store.key}", "-f", store.url, *command,
                env=login("node"))
    refused(2, "the user other may not do that", "-f", store.url, "list", env=login("other"))
    same(store.version(), 1, "how many times the ring was put")
    sync = Sync(store.url, path, env=login("node"))
    sync.has(store.text(), 5)
    good("-f", store.url, "rotate", env=login("admin"))
    closed()
    store.note()
    sync.has(store.text())
    same((sync.stop()[0], len(sync.lines)), (0, 2), "exit status, and lines said")


@SUITE.case("token: one that has expired, or is older than the users, is asked for anew, without a word")
def token():
    store, path = ring_for(), FILES.new()
    sync = Sync(store.url, path, "--poll", "1h", env=login("node"))
    sync.has(store.text(), 5)
    time.sleep(4)  # nothing is asked meanwhile
    good("-f", store.url, "rotate", env=login("admin"))
    closed()
    sync.has(store.text())
    closed().post("/v3/auth/user/add", {"name": f"late{os.getpid()}", "password": PASSWORD})
    good("-f", store.url, "purge", "--number", "1", "--force", env=login("admin"))
    closed()
    sync.has(store.text())
    same((sync.stop()[0], len(sync.lines)), (0, 3), "exit status, and lines said:\n" + sync.text())


@SUITE.case("user: a role that is taken away while sync runs is said, and when it is back as well")
def taken_away():
    store, path = ring_for(), FILES.new()
    sync = Sync(store.url, path, env=login("node"))
    sync.has(store.text(), 5)
    closed().post("/v3/auth/user/revoke", {"name": "node", "role": "node"})
    sync.said("the user node may not do that", 4)
    closed().post("/v3/auth/user/grant", {"user": "node", "role": "node"})
    sync.said("answers again", 9)
    same((sync.stop()[0], len(sync.lines)), (0, 3), "exit status, and lines said")


@SUITE.rows([(f"login: {name}", make, said) for name, make, said in (
    ("a password that others can read", lambda: {**login("admin"), "BV_ETCD_PASSWORD_FILE": password_file("p", "x\n", 0o644)},
     "mode 0644 is wider than 0640; run: chmod 0640 "),
    ("no such password file", lambda: {**login("admin"), "BV_ETCD_PASSWORD_FILE": "/nonexistent/p"},
     "BV_ETCD_PASSWORD_FILE /nonexistent/p: cannot be opened: No such file or directory\n"),
    ("an empty first line", lambda: {**login("admin"), "BV_ETCD_PASSWORD_FILE": password_file("p", "\nx\n")},
     "its first line holds no password"),
    ("a user without a password", lambda: {"BV_ETCD_USER": "admin"}, "go together"),
    ("a password without a user", lambda: {"BV_ETCD_PASSWORD_FILE": login("admin")["BV_ETCD_PASSWORD_FILE"]},
     "go together"),
    ("a certificate without its key", lambda: {"BV_ETCD_CERT": "/x"}, "go together"),
    ("authorities without TLS", lambda: {"BV_ETCD_CA": "/x"}, "write etcds://"),
    ("a user where etcd has none", lambda: login("admin"), "authentication is not enabled"))])
def bad_login(make, said):
    refused(2, said, "-f", Store(PLAIN).url, "list", env=make())


# ---- TLS

def authorities(name="ca"):
    return {"BV_ETCD_CA": SCRATCH.path(name + ".pem")}


@SUITE.case("tls: with the right authority all works, also the watch")
def tls_good():
    etcd = tls()
    store, path = Store(etcd, init=False), FILES.new()
    good("-f", store.url, "init", env=authorities())
    store.note()
    sync = Sync(store.url, path, "--poll", "1h", env=authorities())
    sync.has(store.text(), 5)
    good("-f", store.url, "rotate", env=authorities())
    sync.has(store.text())
    same((content(path) == store.text(), sync.stop()[0]), (True, 0), "the file is the ring, and the exit status")


@SUITE.rows([(f"tls: {name}", url, env, said) for name, url, env, said in (
    ("a server of nobody's authority", lambda e: e.url(), dict, "SSL certificate problem"),
    ("another authority", lambda e: e.url(), lambda: authorities("otherca"), "SSL certificate problem"),
    ("another host name", lambda e: e.url(host="localhost"), authorities, "SSL: no alternative"),
    ("authorities that cannot be read", lambda e: e.url(), lambda: {"BV_ETCD_CA": "/nonexistent/ca"},
     "BV_ETCD_CA /nonexistent/ca: cannot be read: No such file"),
    ("no TLS, where the server has", lambda e: e.url().replace("etcds", "etcd"), dict, "write etcds://"),
    ("TLS, where the server has none", lambda e: PLAIN.url().replace("etcd:", "etcds:"), dict, "no TLS with 127.0.0.1:"))])
def tls_bad(url, env, said):
    etcd = tls()
    contains(refused(2, said, "-f", url(etcd), "list", env=env()), f"bvkey: {url(etcd)}: ", "name of the URL")


def mutual(name):
    cert, key = TLS[name]
    return {**authorities(), "BV_ETCD_CERT": cert, "BV_ETCD_KEY": key}


@SUITE.case("tls: a client certificate without a CN is taken; one with a CN is explained; none is refused")
def tls_client():
    store = Store(closed(tls("strict")), init=False)
    good("-f", store.url, "init", env={**mutual("client"), **login("admin")})
    refused(2, "because it has a CN", "-f", store.url, "list", env={**mutual("named"), **login("admin")})
    refused(2, f"bvkey: {store.url}: ", "-f", store.url, "list", env=authorities())


@SUITE.case("tls: a key that others can read is refused")
def tls_key():
    env = mutual("client") if tls("strict") else {}
    path = password_file("key.pem", "x", 0o644)
    refused(2, f"BV_ETCD_KEY {path}: mode 0644 is wider than 0640", "-f", TLS["strict"].url(), "list",
            env={**env, "BV_ETCD_KEY": path})


@SUITE.case("the environment's proxy is not asked, nor its certificates")
def proxy():
    store = Store(PLAIN)
    env = {name: "http://127.0.0.1:1" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
    same(bvkey("-f", store.url, "list", env=env).status, 0, "status")


# ---- the GUIDE

@SUITE.case("the GUIDE's users and roles, its first import, what shows that it works, and what is done after a purge")
def guide_commands():
    etcdctl = os.path.join(unpacked("etcdctl", ["etcd-client"], lambda directory: None), "usr", "bin", "etcdctl")
    etcd = Etcd("guide").start().wait()
    path, made = FILES.init(), os.path.dirname(FILES.new())
    env = {**os.environ, "ETCDCTL_ENDPOINTS": f"127.0.0.1:{etcd.port}", "PATH": ":".join(
        [os.path.dirname(etcdctl), os.path.dirname(program("bvkey")), os.environ["PATH"]])}

    def run(text, **more):
        text = text.replace("/etc/bv/keyring.json", path).replace("/etc/bv/", made + "/")
        done = subprocess.run(["bash", "-ec", text], env={**env, **more}, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.returncode, done.stdout

    def block(mark):
        status, said = run(guide("A cluster with etcd", mark))
        same(status, 0, f"status of what stands below {mark!r}, which said {said}")
        return said
    contains(block("Who may do what"), "Authentication Enabled", "said")
    for name, user in (("etcd.env", "node"), ("etcd-rotate.env", "writer")):
        with open(os.path.join(made, name), "w") as file:
            text = guide("A cluster with etcd", "Put the password of root").replace("=node", "=" + user)
            text = text.replace("etcd.node", "etcd." + user).replace("/etc/bv/", made + "/")
            file.write("".join(line + "\n" for line in text.splitlines() if "BV_ETCD_CA" not in line).replace(
                "etcds://etcd1.example.com:2379,etcd2.example.com:2379", f"etcd://127.0.0.1:{etcd.port}"))
    writer, node = (f"set -a; . /etc/bv/{name}; set +a\n" for name in ("etcd-rotate.env", "etcd.env"))
    status, said = run(writer + guide("A cluster with etcd", "The ring goes from the node"))
    same((status, said.endswith(f"generation 1, from {path}\n")), (0, True), f"the import, which said {said}")
    status, said = run(writer + "bvkey -f $BV_ETCD_URL rotate --delay 1h")
    same(status, 0, "the rotation, which said " + said)
    status, said = run(node + f"bvkey -f {path} sync --once $BV_ETCD_URL")
    same(status, 0, "sync, which said " + said)
    contains(said, "generation 2, from", "said by sync")
    status, said = run(node + "bvkey -f $BV_ETCD_URL rotate --delay 2h")
    same(status, 2, "a node's rotation, which said " + said)
    contains(said, "the user node may not do that with the key /bv/keyring; ask etcdctl role get", "said to a node")
    with open(os.path.join(made, "etcd.root")) as file:
        env["ETCDCTL_USER"] = "root:" + file.read().strip()
    before = etcd_revisions(run)
    contains(block("After a purge"), "Finished defragmenting", "said by defrag")
    same([before, etcd_revisions(run)], [0, 1], "whether the first revision of the ring is gone")


def etcd_revisions(run):
    """The status of reading the store as it was when it had the first ring: 1, when that is gone."""
    return run("etcdctl get /bv/keyring --rev=2")[0]

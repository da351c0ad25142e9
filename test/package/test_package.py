"""The Debian package: made, looked over, and its life from installation to purge in a copy of this machine."""

import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from harness import ROOT, Scratch, Skip, Suite, contains, matches, same, true, wait_until  # noqa: E402
from machine import Machine  # noqa: E402
from packages import unpacked  # noqa: E402

SUITE = Suite()
SCRATCH = Scratch()
MADE = os.path.join(ROOT, "build", "package")
DIRECTORY = "/var/spool/postfix/bv"
MACHINE = None

# A bounce to a tagged address from an outside host, as Postfix gets it.
BOUNCE = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 25, "mx.example.net", 15, ("192.0.2.7", 0)) as smtp:
    smtp.sendmail("", [sys.argv[1]], "Subject: Returned mail\\n\\ntext\\n")
"""


SUBMISSION = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 587, "gw.example.com", 15, (sys.argv[1], 0)) as smtp:
    smtp.sendmail("root@example.com", ["root@example.com"], "Subject: a message\\n\\ntext\\n")
"""


def local(*words, **how):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=600, **how)


def deb(name):
    found = glob.glob(os.path.join(MADE, f"{name}_*.deb"))
    true(len(found) == 1, f"packages {name}: {found}")
    return found[0]


def machine():
    global MACHINE
    if MACHINE is None:
        shutil.which("dpkg") or refuse("there is no dpkg here")
        try:
            MACHINE = Machine()
        except Skip as reason:
            MACHINE = reason
    if isinstance(MACHINE, Skip):
        raise MACHINE
    return MACHINE


def has_postfix(name="postfix"):
    return machine().run(f"getent group {name}", check=False).returncode == 0


def refuse(reason):
    raise Skip(reason)


def pid():
    found = machine().says("systemctl show -p MainPID --value bvmilter")
    true(found not in ("", "0"), "the daemon does not run")
    return found


def kill():
    """Kills the daemon, and waits for another one."""
    before = pid()
    machine().run(f"kill -KILL {before}")
    true(wait_until(lambda: machine().says("systemctl show -p MainPID --value bvmilter") not in ("0", before) and
                    active() == "active"), "it does not come back")


def journal():
    return machine().says("journalctl --no-pager -o cat -u bvmilter")


def active():
    return machine().run("systemctl is-active bvmilter", check=False).stdout.strip()


def restart():
    """However often that was within a minute."""
    machine().run("systemctl daemon-reload && systemctl reset-failed bvmilter && systemctl restart bvmilter")


def guide(after):
    """The indented block of the GUIDE behind a line."""
    with open(os.path.join(ROOT, "doc", "GUIDE")) as file:
        found = matches(file.read(), rf"(?m)^ *{re.escape(after)}\n\n(( +).*\n(?:(?:\2.*)?\n)*)", "the GUIDE")
    return textwrap.dedent(found.group(1)).strip() + "\n"


def drop_in(path):
    """Puts a file of the GUIDE into the machine."""
    machine().run(f"mkdir -p {os.path.dirname(path)} && cat >{path} <<'EOF'\n{guide(path + ':')}EOF")


def is_active(*units):
    return {unit: machine().run(f"systemctl is-active {unit}", check=False).stdout.strip() for unit in units}


def listing(path):
    return machine().says(f"stat -c '%A %U %G' {path}")


# ---- on this machine

@SUITE.case("the packages can be made")
def made():
    shutil.which("dpkg-buildpackage") and shutil.which("dh") or refuse("debhelper is not installed")
    done = local("make", "-s", "deb", cwd=ROOT, env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    true(done.returncode == 0, done.stdout[-3000:])
    same(sorted(os.path.basename(p).split("_")[0] for p in glob.glob(MADE + "/*.deb") if "dbgsym" not in p),
         ["bv", "libbv-dev"], "packages")


@SUITE.case("lintian finds no fault")
def lintian():
    shutil.which("lintian") or refuse("lintian is not installed")
    done = local("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0",
                 *glob.glob(MADE + "/*.changes"))
    true(done.returncode == 0, done.stdout)


@SUITE.case("no file of the package is writable by others, set-uid, or a key")
def contents():
    for line in local("dpkg-deb", "-c", deb("bv")).stdout.splitlines():
        rights, owner, path = line.split()[0], line.split()[1], line.split()[5]
        same(owner, "root/root", path)
        true(rights[8] != "w" and "s" not in rights, line)
        true("keyring" not in os.path.basename(path).replace("bvkeyring", ""), line)


@SUITE.case("what manuals, maintainer scripts and README.Debian name in /usr, is there")
def named():
    where = SCRATCH.path("named")
    local("dpkg-deb", "-R", deb("bv"), where)
    texts = glob.glob(where + "/usr/share/man/man*/*") + glob.glob(where + "/DEBIAN/p*") + \
        [where + "/usr/share/doc/bv/" + name for name in ("README.Debian", "GUIDE")]
    count = 0
    for path in texts:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            text = file.read().decode()
        found = re.findall(r"(?<![\w{])/usr/(?:local/|s?bin/bv|share/doc/bv|lib/systemd/system)[\w./-]*", text)
        # The administrator's own, and where a program may be.
        found = [name.rstrip(".") for name in found
                 if "bv-rotate" not in name and name not in ("/usr/local/sbin", "/usr/local/bin")]
        count += len(found)
        for name in found:
            true(os.path.exists(where + name), f"{os.path.basename(path)} names {name}, which is not in the package")
    true(count > 15, f"only {count} names are found")


# ---- its life

@SUITE.case("installed: user, directories, and nothing is started without a key file")
def install():
    m, package = machine(), machine().take(deb("bv"))
    # As apt does it that brings Postfix along: bv is configured first.
    has_postfix() and m.run(f"groupmod -n later postfix && rm -rf {DIRECTORY}")
    said = m.says(f"dpkg -i {package} 2>&1; status=$?; groupmod -n postfix later; exit $status")
    contains(said, "bvkey init", "what is said")
    contains(said, "There is no Postfix yet.", "what is said")
    m.run(f"test ! -e {DIRECTORY}")
    contains(m.says("getent passwd bv"), "/usr/sbin/nologin", "the user")
    same(m.says("id -Gn bv"), "bv", "its groups")
    same(listing("/etc/bv"), "drwxr-s--- root bv", "/etc/bv")
    same(listing("/run/bv"), "drwxr-xr-x bv bv", "/run/bv")
    same(m.says("systemctl is-enabled bvmilter"), "enabled", "the daemon")
    for unit in ("bvkey-rotate.timer", "bvmilter.socket", "bvkey-sync.service"):
        same(m.run(f"systemctl is-enabled {unit}", check=False).stdout.strip(), "disabled", unit)
    same(active(), "inactive", "without a key file")
    same(m.says("systemctl --failed --no-legend"), "", "failed units")
    m.run("systemd-analyze verify bvmilter.service bvmilter.socket bvkey-rotate.service bvkey-rotate.timer bvkey-sync.service")
    m.run("man -w bvmilter bvkey bvtag bvmilter.conf bvkeyring")


@SUITE.case("the service starts with what is shipped, once there is a key file")
def start():
    m = machine()
    has_postfix() or refuse("there is no group postfix")
    m.run("systemctl start bvmilter")
    same(active(), "inactive", "without a key file")
    contains(m.run("systemctl status bvmilter", check=False).stdout, "Condition: start condition failed", "its status")
    m.run("bvkey --at $(date -u -d '40 days ago' +%FT%TZ) init")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file")
    tested = m.run("bvmilter -t", check=False).stderr
    contains(tested, f"there is no directory {DIRECTORY}; run: install -d -m 2750 -o bv -g postfix {DIRECTORY}\n",
             "bvmilter -t, where the directory is missing")
    m.run("systemctl start bvmilter && bvmilter -t")
    same(active(), "active", "the service")
    same(listing(DIRECTORY), "drwxr-s--- bv postfix", "the socket's directory, made at the start")
    same(listing(DIRECTORY + "/bvmilter.sock"), "srw-rw---- bv postfix", "the socket")
    contains(journal(), "serves on unix:" + DIRECTORY, "the log")


@SUITE.case("the sandbox: no root, no capability, no new privileges, system calls filtered, no core")
def sandbox():
    m = machine()
    uid, gid = m.says("id -u bv"), m.says("id -g bv")
    status = dict(line.split(":", 1) for line in m.says(f"cat /proc/{pid()}/status").splitlines())
    same(status["Uid"].split(), [uid] * 4, "Uid")
    same(status["Gid"].split() + status["Groups"].split(), [gid] * 5, "groups")
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(status[name], 16), 0, name)
    same((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"), "NoNewPrivs, Seccomp")
    limits = m.says(f"cat /proc/{pid()}/limits")
    matches(limits, r"Max core file size +0 +0", "limits")
    most = min(65536, int(m.says("awk '/^Max open files/ { print $5 }' /proc/1/limits")))
    matches(limits, rf"Max open files +{most} +{most} ", "limits")
    for path, want in (("/etc/bv/domains", 1), ("/usr/bin/x", 1), ("/tmp/x", 0), (DIRECTORY + "/x", 0)):
        done = m.run(f"nsenter -t {pid()} -m -r -w setpriv --reuid {uid} --regid {gid} --clear-groups"
                     f" sh -c ': >>{path}'", check=False)
        same(int(done.returncode != 0), want, f"writing {path}: {done.stderr}")
    m.run(f"rm {DIRECTORY}/x")


@SUITE.case("systemd calls it as safe as promised: at most 1.5, with inet sockets allowed")
def exposure():
    m = machine()
    said = m.says("systemd-analyze security bvmilter.service --threshold=15 | tail -n 1")
    true(float(matches(said, r"level for bvmilter.service: ([0-9.]+)", "exposure").group(1)) <= 1.5, said)


@SUITE.case("reload: tests the files, and leaves the daemon as it is when they are bad")
def reload():
    m = machine()
    before = pid()
    m.run("systemctl reload bvmilter")
    true(wait_until(lambda: "reloaded: /etc/bv/bvmilter.conf" in journal()), "it is not reloaded")
    m.run("cp /etc/bv/domains /root/domains; echo bad.example rejct >>/etc/bv/domains")
    same(m.run("systemctl reload bvmilter", check=False).returncode, 1, "with a bad table")
    contains(journal(), 'unknown word "rejct"', "the log")
    same((active(), pid()), ("active", before), "the daemon")
    same(len(re.findall("reloaded: ", journal())), 1, "times that it was reloaded")
    m.run("cat /root/domains >/etc/bv/domains && systemctl reload bvmilter")


@SUITE.case("Debian's Postfix reaches it from its chroot, with the lines that are shipped")
def postfix():
    m = machine()
    m.run("test -x /usr/sbin/postfix", check=False).returncode == 0 or refuse("Postfix is not installed")
    m.run("""
        ip link set lo up && ip address add 192.0.2.7/24 dev lo
        cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
        [ -e /etc/postfix/master.cf ] || cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
        postconf -e mydestination=example.com mynetworks=127.0.0.0/8 local_recipient_maps= alias_maps= \
            inet_protocols=ipv4 smtp_dns_support_level=disabled mailbox_transport=discard: maillog_file=/var/log/m
        cat /usr/share/doc/bv/examples/postfix-main.cf >>/etc/postfix/main.cf
        postconf -F smtp/inet/chroot=y
        systemctl start postfix""")
    m.run("cat >/root/bounce.py <<'EOF'\n" + BOUNCE + "EOF")
    m.run("python3 /root/bounce.py $(bvtag sign root@example.com)")
    found = wait_until(lambda: re.search(r"client=\S*\[192\.0\.2\.7\], event=bounce, verdict=valid", journal()))
    true(found, "the bounce is not in the log: " + journal()[-1500:])
    m.run("systemctl stop postfix")


@SUITE.case("a service submission, which Debian's master.cf has as comments only, can be switched on as the GUIDE says")
def submission():
    m = machine()
    m.run("test -x /usr/sbin/postfix", check=False).returncode == 0 or refuse("Postfix is not installed")
    one = guide("need not (permit_mynetworks, certificates), say so in master.cf:").strip()
    m.run("cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf && postconf -F smtp/inet/chroot=y")
    contains(m.run(one).stderr, "unmatched service_name/type", "before it is there")
    m.run("systemctl start postfix")
    same(m.run(guide("in (which takes settings of SASL and TLS):") + one).stderr.count("unmatched"), 0, "warnings")
    m.run("cat >/root/submit.py <<'EOF'\n" + SUBMISSION + "EOF")
    count = journal().count("event=sign")
    m.run("python3 /root/submit.py 127.0.0.1")
    true(wait_until(lambda: journal().count("event=sign") == count + 1), "a message from here is not signed")
    contains(m.run("python3 /root/submit.py 192.0.2.7", check=False).stderr, "Client host rejected", "a stranger's")
    m.run("systemctl stop postfix")


@SUITE.case("killed, it comes back, past the socket that is left")
def killed():
    kill()


@SUITE.case("a key file that has gone is a failure, told by its lock; with none ever, nothing is started, nothing fails")
def vanished():
    m = machine()
    m.run("mkdir /root/gone && mv /etc/bv/keyring.json /root/gone/")
    true(m.run("systemctl restart bvmilter", check=False).returncode != 0, "it starts, or says nothing")
    contains(journal(), "/etc/bv/keyring.json: cannot be opened: No such file or directory", "the log")
    m.run("mv /etc/bv/keyring.json.lock /root/gone/ && systemctl stop bvmilter && systemctl reset-failed bvmilter")
    m.run("systemctl start bvmilter")
    same((active(), m.says("systemctl --failed --no-legend")), ("inactive", ""), "the service, failed units")
    m.run("mv /root/gone/* /etc/bv/")
    restart()


@SUITE.case("the timer's service rotates a key that is due, and the daemon follows")
def rotate():
    m = machine()
    m.run("systemctl start bvkey-rotate.service")
    contains(m.says("bvkey list"), "staged", "the keys")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file")
    true(wait_until(lambda: "generation 2" in journal(), 15), "the daemon does not follow")
    m.run("systemctl start bvkey-rotate.service")
    same(len(re.findall("staged", m.says("bvkey list"))), 1, "new keys after two runs")
    m.run("chown bv /etc/bv/keyring.json")
    true(m.run("systemctl start bvkey-rotate.service", check=False).returncode != 0, "a file of bv, without an error")
    contains(m.says("journalctl --no-pager -o cat -u bvkey-rotate"), "cannot be opened: Permission denied", "the log")
    m.run(matches(m.says("bvkey check"), "(?m)belongs to bv, .* run: (.*)$", "bvkey check").group(1))
    m.run("systemctl start bvkey-rotate.service")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file, mended")
    m.run("systemctl enable --now bvkey-rotate.timer")
    contains(m.says("systemctl list-timers --no-legend"), "bvkey-rotate.timer", "timers")


@SUITE.case("a keyring in etcd: the key file follows it, inside the sandbox, and the timer's service changes it")
def in_etcd():
    m = machine()
    url = "etcd://127.0.0.1:2379/bv/keyring"
    where = m.take(os.path.join(unpacked("etcd", ["etcd-server"], lambda directory: None), "usr/bin/etcd"))
    m.run(f"""
        chmod 755 {where}
        systemd-run --quiet --unit=etcd {where} --data-dir /root/etcd.data
        for i in $(seq 100); do bvkey -f {url} list 2>&1 | grep -q 'there is no keyring' && break; sleep 0.1; done
        cp -p /etc/bv/keyring.json /root/kept.json
        bvkey -f {url} import /etc/bv/keyring.json
        echo BV_ETCD_URL={url} >/etc/bv/etcd.env
        cp /etc/bv/etcd.env /etc/bv/etcd-rotate.env
        systemctl enable --now bvkey-sync.service
        bvkey -f {url} rotate --delay 9h""")
    true(wait_until(lambda: m.says("bvkey export --public") == m.says(f"bvkey -f {url} export --public"), 5),
         m.says("journalctl --no-pager -o cat -u bvkey-sync"))
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file")
    said = m.says("systemd-analyze security bvkey-sync.service --threshold=25 | tail -n 1")
    matches(said, "bvkey-sync", "what systemd calls it")
    m.run("rm /etc/bv/keyring.json")
    true(wait_until(lambda: m.run("test -e /etc/bv/keyring.json", check=False).returncode == 0, 35), "it is not made again")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file that was made")
    m.run("""
        cp -r /usr/share/doc/bv/examples/systemd/bvkey-rotate.service.d /etc/systemd/system/
        systemctl daemon-reload && systemctl start bvkey-rotate.service""")
    contains(m.says("journalctl --no-pager -o cat -u bvkey-rotate -n 5"), f"{url}: nothing to do", "the rotation's words")
    m.run("systemctl disable --now bvkey-sync.service && systemctl stop etcd")
    same(m.says("systemctl show -p Result --value bvkey-sync.service"), "success", "how it ended")
    m.run("""
        rm -r /etc/bv/etcd.env /etc/bv/etcd-rotate.env /etc/systemd/system/bvkey-rotate.service.d
        cat /root/kept.json >/etc/bv/keyring.json
        systemctl daemon-reload && systemctl restart bvmilter""")


@SUITE.case("a key file of another name: daemon and timer's service work with it by the drop-ins of the GUIDE")
def elsewhere():
    m = machine()
    for unit in ("bvmilter", "bvkey-rotate"):
        drop_in(f"/etc/systemd/system/{unit}.service.d/keyring.conf")
    m.run("""
        install -d -m 2750 -g bv /srv/bv && mv /etc/bv/keyring.json* /srv/bv/
        cp /etc/bv/bvmilter.conf /root/
        echo 'keyring = "/srv/bv/keyring.json"' >>/etc/bv/bvmilter.conf""")
    restart()
    same(active(), "active", "the daemon")
    before = len(journal())
    m.run("bvkey -f /srv/bv/keyring.json rotate --delay 9h && systemctl start bvkey-rotate.service")
    contains(m.says("journalctl --no-pager -o cat -u bvkey-rotate -n 9"), "/srv/bv/keyring.json: nothing to do", "rotation")
    true(wait_until(lambda: "generation" in journal()[before:], 15), "the daemon does not follow")
    m.run("""
        rm -r /etc/systemd/system/bvmilter.service.d /etc/systemd/system/bvkey-rotate.service.d
        mv /srv/bv/keyring.json* /etc/bv/
        cat /root/bvmilter.conf >/etc/bv/bvmilter.conf""")
    restart()


@SUITE.case("the drop-ins: a socket in /run with a group; loopback only")
def drop_ins():
    m = machine()
    m.run("""
        mkdir /etc/systemd/system/bvmilter.service.d
        cp /usr/share/doc/bv/examples/systemd/*.conf /etc/systemd/system/bvmilter.service.d/
        cp /etc/bv/bvmilter.conf /root/
        sed -i 's|^listen = .*|listen = "unix:/run/bv/bvmilter.sock"|' /etc/bv/bvmilter.conf
        echo 'socket_group = "postfix"' >>/etc/bv/bvmilter.conf
        systemctl daemon-reload && systemctl restart bvmilter""")
    same(listing("/run/bv/bvmilter.sock"), "srw-rw---- bv postfix", "the socket")
    denied = m.says("systemctl show -p IPAddressDeny --value bvmilter")
    same(sorted(denied.split()), ["0.0.0.0/0", "::/0"], "IPAddressDeny")
    m.run("""
        rm -r /etc/systemd/system/bvmilter.service.d
        cat /root/bvmilter.conf >/etc/bv/bvmilter.conf""")
    restart()


@SUITE.case("with bvmilter.socket: one that connects while the daemon is down is answered by the next one")
def socket_unit():
    m = machine()
    m.run("systemctl stop bvmilter && systemctl enable --now bvmilter.socket")
    same(listing(DIRECTORY + "/bvmilter.sock"), "srw-rw---- bv postfix", "the socket")
    inode = m.says(f"stat -c %i {DIRECTORY}/bvmilter.sock")
    m.run("systemctl start bvmilter && systemctl restart bvmilter")
    same(m.says(f"stat -c %i {DIRECTORY}/bvmilter.sock"), inode, "the socket after a restart")
    m.run("systemctl stop bvmilter")
    same(active(), "inactive", "stopped")
    m.run("""cat >/root/negotiate.py <<'EOF'
import socket, struct
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(20)
    s.connect("/var/spool/postfix/bv/bvmilter.sock")
    s.sendall(struct.pack("!IcIII", 13, b"O", 6, 0x1ff, 0x1fffff))
    assert s.recv(5)[4:] == b"O"
EOF
python3 /root/negotiate.py""")
    same(active(), "active", "the daemon, started by who connected")


@SUITE.case("bvmilter.socket with the socket of the Sendmail recipe: it stays, whatever becomes of the daemon")
def socket_elsewhere():
    m = machine()
    recipe = guide('bvmilter.socket", and name the same in "listen".  For Sendmail:').replace("smmta", "postfix")
    m.run("mkdir /etc/systemd/system/bvmilter.socket.d")
    m.run(f"cat >/etc/systemd/system/bvmilter.socket.d/x.conf <<'EOF'\n{recipe}EOF")
    m.run("""
        cp /etc/bv/bvmilter.conf /root/
        sed -i 's|^listen = .*|listen = "unix:/run/bv/bvmilter.sock"|' /etc/bv/bvmilter.conf
        systemctl stop bvmilter.socket bvmilter && systemctl reset-failed bvmilter
        systemctl daemon-reload && systemctl start bvmilter.socket && systemctl start bvmilter""")
    look = "stat -c '%A %U %G %i' /run/bv/bvmilter.sock"
    made = m.says(look)
    contains(made, "srw-rw---- bv postfix ", "the socket after the first start")
    m.run("systemctl restart bvmilter")
    same(m.says(look), made, "the socket after a restart")
    kill()
    same(m.says(look), made, "the socket after kill -KILL")
    m.run("systemctl stop bvmilter")
    same(m.says(look), made, "the socket after a stop")
    m.run("sed 's|/var/spool/postfix/bv|/run/bv|' /root/negotiate.py | python3")
    same(active(), "active", "the daemon, started by who connected")
    m.run("""
        rm -r /etc/systemd/system/bvmilter.socket.d
        cat /root/bvmilter.conf >/etc/bv/bvmilter.conf
        systemctl stop bvmilter.socket bvmilter && systemctl reset-failed bvmilter
        systemctl daemon-reload && systemctl start bvmilter.socket && systemctl start bvmilter""")


@SUITE.case("a daemon that cannot start ends as failed, with its socket, and the GUIDE's commands bring both back")
def fails():
    m = machine()
    same(sorted(m.says("systemctl show -p RestartUSec,StartLimitIntervalUSec,StartLimitBurst bvmilter").split()),
         ["RestartUSec=2s", "StartLimitBurst=10", "StartLimitIntervalUSec=1min"], "the limit can be reached")
    m.run("""
        mkdir -p /run/systemd/system/bvmilter.service.d
        printf '[Service]\nRestartSec=100ms\n' >/run/systemd/system/bvmilter.service.d/quick.conf
        cp /etc/bv/bvmilter.conf /root/ && echo nonsense = 1 >>/etc/bv/bvmilter.conf
        systemctl daemon-reload && systemctl reset-failed bvmilter""")
    true(m.run("systemctl restart bvmilter", check=False).returncode != 0, "it starts")
    units = ("bvmilter.socket", "bvmilter.service")
    true(wait_until(lambda: set(is_active(*units).values()) == {"failed"}, 20), f"{is_active(*units)}")
    same(sorted(re.findall(r"bv\S+", m.says("systemctl --failed --no-legend"))), sorted(units), "failed units")
    m.run(f"test ! -e {DIRECTORY}/bvmilter.sock")
    m.run("cat /root/bvmilter.conf >/etc/bv/bvmilter.conf && rm -r /run/systemd/system/bvmilter.service.d && "
          "systemctl daemon-reload")
    m.run(guide("given up.  \"journalctl -u bvmilter\" says why; when that is mended:")
          .replace("bvmilter\n", "bvmilter.socket bvmilter\n"))
    same(set(is_active(*units).values()), {"active"}, "then")


@SUITE.case("upgrade: the daemon is restarted; keys, and files that were edited, stay")
def upgrade():
    m = machine()
    new, before = SCRATCH.path("new"), pid()
    local("dpkg-deb", "-R", deb("bv"), new)
    with open(new + "/DEBIAN/control") as file:
        control = file.read()
    with open(new + "/DEBIAN/control", "w") as file:
        file.write(re.sub(r"(?m)^Version: (.*)", r"Version: \1+next", control))
    local("dpkg-deb", "--root-owner-group", "-b", new, SCRATCH.path("bv_next.deb"))
    m.run("echo second.example mark >>/etc/bv/domains")
    keys = m.says("sha256sum /etc/bv/keyring.json")
    said = m.says(f"dpkg -i {m.take(SCRATCH.path('bv_next.deb'))} 2>&1")
    true("bvkey init" not in said, "an upgrade says what is for the first time: " + said)
    same(m.says("sha256sum /etc/bv/keyring.json"), keys, "the key file")
    contains(m.says("cat /etc/bv/domains"), "second.example", "the domains")
    same(active(), "active", "the service")
    true(pid() != before, "the old daemon still runs")
    same(m.says("systemctl is-enabled bvkey-rotate.timer"), "enabled", "the timer that was enabled")


@SUITE.case("the library's package: the example compiles, and signs as bvtag does")
def library():
    m = machine()
    m.run("command -v cc pkg-config", check=False).returncode == 0 or refuse("there is no compiler here")
    m.run(f"dpkg -i {m.take(deb('libbv-dev'))}")
    m.run("cc -Wall -Werror /usr/share/doc/libbv-dev/examples/sign.c $(pkg-config --cflags --libs bv) -o /root/sign")
    same(m.says("/root/sign /etc/bv/keyring.json alice@example.com"),
         m.says("bvtag sign alice@example.com") + " valid", "the example")
    m.run("dpkg --purge libbv-dev")


@SUITE.case("removed: the daemon stops; settings and keys stay; the mail server that still asks it is told of")
def remove():
    m = machine()
    asked = m.run("postconf -h smtpd_milters", check=False).stdout.strip() == "unix:bv/bvmilter.sock"
    said = m.says("dpkg -r bv")
    same(said.count("bv: /etc/postfix/main.cf still asks bvmilter"), int(asked), "what is said of main.cf: " + said)
    same(m.run("systemctl is-active bvmilter.socket", check=False).stdout.strip(), "inactive", "bvmilter.socket")
    same(m.run("pgrep -x bvmilter", check=False).stdout, "", "daemons that run")
    m.run(f"test ! -e {DIRECTORY}/bvmilter.sock && test ! -e /usr/sbin/bvmilter")
    m.run("test -e /etc/bv/keyring.json && test -e /etc/bv/domains")


@SUITE.case("installed after it was removed: what the administrator has enabled runs again, the daemon on systemd's socket")
def back():
    m = machine()
    units = ("bvkey-rotate.timer", "bvmilter.socket", "bvmilter.service")
    same(set(is_active(*units).values()), {"inactive"}, "before")
    said = m.says(f"dpkg -i {m.take(deb('bv'))} 2>&1")
    same(is_active(*units), {unit: "active" for unit in units}, "then")
    same(m.says("systemctl show -p TriggeredBy --value bvmilter"), "bvmilter.socket", "what can start it")
    contains(m.says(f"ss -lxp src {DIRECTORY}/bvmilter.sock"), '"systemd"', "who has the socket")
    true("shipped" not in said, "the settings have stayed: " + said)


@SUITE.case("purged: the settings go, the keys stay, and it is said how they go")
def purge():
    m = machine()
    contains(m.says("dpkg --purge bv 2>&1"), "rm -r /etc/bv", "what is said")
    same(sorted(m.says("ls /etc/bv").split()), ["keyring.json", "keyring.json.lock"], "what is left")
    same(m.says("systemctl --failed --no-legend"), "", "failed units")


@SUITE.case("installed again: it goes on with the old keys; purged without keys: nothing is left")
def again():
    m = machine()
    said = m.says(f"dpkg -i {m.take(deb('bv'))} 2>&1")
    same(active(), "active", "the service")
    contains(said, "/etc/bv/domains is the one that is shipped", "what is said")
    m.run("cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf; cat /usr/share/doc/bv/examples/sendmail.mc "
          "/usr/share/doc/bv/examples/postfix-main.cf | sed 's/^[^#]/#&/' >>/etc/postfix/main.cf")
    m.run("mkdir -p /etc/mail && echo \"include(\\`/etc/mail/m4/bv.m4')dnl\" >/etc/mail/sendmail.mc")
    said = m.says("rm /etc/bv/keyring.json && dpkg --purge bv")
    same(re.findall(r"bv: (\S+) still asks", said), ["/etc/mail/sendmail.mc"], "what is said of Sendmail")
    m.run(f"rm -r /etc/mail; test ! -e /etc/bv && test ! -e {DIRECTORY} && test ! -e /run/bv")


# ---- without the package

@SUITE.case("the README's ten lines, on a Postfix that runs: a daemon that verifies, and comes again at the next boot")
def by_hand():
    m = machine()
    m.run("test -x /usr/sbin/postfix", check=False).returncode == 0 or refuse("Postfix is not installed")
    with open(os.path.join(ROOT, "README")) as file:
        lines = re.findall("(?m)^    (.*)", matches(file.read(), r"(?s)as root \(doc/GUIDE.*?:\n\n(.*?)\n\n", "README").group(1))
    same(lines.pop(0), "make && make install", "the first line")
    same(len(lines), 9, "lines after the first")
    done = local("make", "-s", "install", "DESTDIR=" + SCRATCH.path("hand"), cwd=ROOT,
                 env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    true(done.returncode == 0, done.stdout[-3000:])
    local("tar", "-cf", SCRATCH.path("hand.tar"), "-C", SCRATCH.path("hand"), ".", "-C", ROOT, "doc/examples")
    m.run(f"userdel bv; cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf; "
          f"tar -xf {m.take(SCRATCH.path('hand.tar'))} -C / --no-same-owner --keep-directory-symlink")
    m.run("""
        postconf -e mydestination=example.com mynetworks=127.0.0.0/8 local_recipient_maps= alias_maps= \
            inet_protocols=ipv4 smtp_dns_support_level=disabled mailbox_transport=discard: maillog_file=/var/log/m
        systemctl start postfix""")
    before = len(journal())
    m.run("set -e; PATH=/usr/local/sbin:/usr/local/bin:$PATH; cd /\n" + "\n".join(lines))
    same((active(), m.says("systemctl is-enabled bvmilter")), ("active", "enabled"), "the daemon")
    same(m.says("systemctl show -p FragmentPath --value bvmilter"), "/usr/local/lib/systemd/system/bvmilter.service", "unit")
    true(m.says(f"readlink /proc/{pid()}/exe").endswith("/usr/local/sbin/bvmilter"), "something else runs")
    same(listing(DIRECTORY), "drwxr-s--- bv postfix", "the socket's directory")
    m.run("python3 /root/bounce.py $(/usr/local/bin/bvtag sign root@example.com)")
    true(wait_until(lambda: "event=bounce, verdict=valid" in journal()[before:]), "the bounce is not in the log")
    m.run("systemctl stop postfix && systemctl start bvkey-rotate.service")


SUITE.run()

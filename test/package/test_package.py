"""The Debian package: made, looked over, and its life from installation to purge in a copy of this machine."""

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from harness import ROOT, Scratch, Skip, Suite, contains, matches, same, true, wait_until  # noqa: E402
from machine import Machine  # noqa: E402

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


def refuse(reason):
    raise Skip(reason)


def pid():
    found = machine().says("systemctl show -p MainPID --value bvmilter")
    true(found not in ("", "0"), "the daemon does not run")
    return found


def journal():
    return machine().says("journalctl --no-pager -o cat -u bvmilter")


def active():
    return machine().run("systemctl is-active bvmilter", check=False).stdout.strip()


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


# ---- its life

@SUITE.case("installed: user, directories, and nothing is started without a key file")
def install():
    m = machine()
    said = m.says(f"dpkg -i {m.take(deb('bv'))} 2>&1")
    contains(said, "bvkey init", "what is said")
    contains(m.says("getent passwd bv"), "/usr/sbin/nologin", "the user")
    same(m.says("id -Gn bv"), "bv", "its groups")
    same(listing("/etc/bv"), "drwxr-s--- root bv", "/etc/bv")
    m.run("getent group postfix || exit 0; test -d " + DIRECTORY)
    same(m.says("systemctl is-enabled bvmilter"), "enabled", "the daemon")
    for unit in ("bvkey-rotate.timer", "bvmilter.socket"):
        same(m.run(f"systemctl is-enabled {unit}", check=False).stdout.strip(), "disabled", unit)
    same(active(), "inactive", "without a key file")
    same(m.says("systemctl --failed --no-legend"), "", "failed units")
    m.run("systemd-analyze verify bvmilter.service bvmilter.socket bvkey-rotate.service bvkey-rotate.timer")
    m.run("man -w bvmilter bvkey bvtag bvmilter.conf bvkeyring")


@SUITE.case("the service starts with what is shipped, once there is a key file")
def start():
    m = machine()
    m.says("getent group postfix") if m.run("getent group postfix", check=False).returncode == 0 else refuse(
        "there is no group postfix")
    m.run("bvkey --at $(date -u -d '40 days ago' +%FT%TZ) init")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file")
    m.run("systemctl start bvmilter")
    same(active(), "active", "the service")
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


@SUITE.case("killed, it comes back, past the socket that is left")
def killed():
    before = pid()
    machine().run(f"kill -KILL {before}")
    true(wait_until(lambda: active() == "active" and pid() != before), "it does not come back")


@SUITE.case("the timer's service rotates a key that is due, and the daemon follows")
def rotate():
    m = machine()
    m.run("systemctl start bvkey-rotate.service")
    contains(m.says("bvkey list"), "staged", "the keys")
    same(listing("/etc/bv/keyring.json"), "-rw-r----- root bv", "the key file")
    true(wait_until(lambda: "generation 2" in journal(), 15), "the daemon does not follow")
    m.run("systemctl start bvkey-rotate.service")
    same(len(re.findall("staged", m.says("bvkey list"))), 1, "new keys after two runs")
    m.run("systemctl enable --now bvkey-rotate.timer")
    contains(m.says("systemctl list-timers --no-legend"), "bvkey-rotate.timer", "timers")


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
        cat /root/bvmilter.conf >/etc/bv/bvmilter.conf
        systemctl daemon-reload && systemctl restart bvmilter""")


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


@SUITE.case("removed: the daemon stops; settings and keys stay")
def remove():
    m = machine()
    m.run("dpkg -r bv")
    same(m.run("systemctl is-active bvmilter.socket", check=False).stdout.strip(), "inactive", "bvmilter.socket")
    same(m.run("pgrep -x bvmilter", check=False).stdout, "", "daemons that run")
    m.run(f"test ! -e {DIRECTORY}/bvmilter.sock && test ! -e /usr/sbin/bvmilter")
    m.run("test -e /etc/bv/keyring.json && test -e /etc/bv/domains")


@SUITE.case("purged: the settings go, the keys stay, and it is said how they go")
def purge():
    m = machine()
    contains(m.says("dpkg --purge bv 2>&1"), "rm -r /etc/bv", "what is said")
    same(sorted(m.says("ls /etc/bv").split()), ["keyring.json", "keyring.json.lock"], "what is left")
    same(m.says("systemctl --failed --no-legend"), "", "failed units")


@SUITE.case("installed again: it goes on with the old keys; purged without keys: nothing is left")
def again():
    m = machine()
    package = m.take(deb("bv"))
    m.run(f"dpkg -i {package}")
    same(active(), "active", "the service")
    m.run("rm /etc/bv/keyring.json && dpkg --purge bv")
    m.run(f"test ! -e /etc/bv && test ! -e {DIRECTORY}")


SUITE.run()

"""The map's socket: where it is, whose it is, and what is wrong with it."""

import grp
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys

from harness import Skip, at_end, contains, free_port, matches, program, same, true, wait_until
from mapworld import SIGNING, SUITE, USER, WORLD, Map, Server

TAG = SIGNING.tag(USER)
ANSWER = "OK " + USER
_count = 0


def path():
    """A name for a socket."""
    global _count
    _count += 1
    return WORLD.scratch.path(f"map{_count}.sock")


def check(server):
    """What bvmilter -t says."""
    done = subprocess.run([program("bvmilter"), "-t", "-c", server.daemon.conf], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    true("Sanitizer" not in done.stderr, done.stderr)
    return done.returncode, done.stderr


def refused(server):
    """What a daemon says that does not start."""
    done = subprocess.run([program("bvmilter"), "-c", server.daemon.conf], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    same(done.returncode, 1, f"exit status: {done.stderr}")
    true("Sanitizer" not in done.stderr, done.stderr)
    return done.stderr


# ---- unix sockets

@SUITE.case("unix: the mode is 0660, the group that of socket_group; it goes at the end")
def mode_and_group():
    if os.getuid() != 0:
        raise Skip("only root can give a file away")
    where = path()
    with Server("mode", listen="unix:" + where, socket_group="mail") as server:
        st = os.stat(where)
        same((oct(stat.S_IMODE(st.st_mode)), grp.getgrgid(st.st_gid).gr_name), ("0o660", "mail"), "mode and group")
        with Map(server.listen) as client:
            same(client.ask(TAG), ANSWER, "answer")
        same(server.daemon.stop()[0], 0, "exit status")
        true(not os.path.exists(where), "the socket file stays")
        true(not os.path.exists(server.daemon.listen[len("unix:"):]), "the milter's socket file stays")


@SUITE.case("unix: a stale socket is replaced")
def stale():
    where = path()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(where)
    with Server("stale", listen="unix:" + where) as server:
        same(server.ask(TAG), ANSWER, "answer")


@SUITE.case("unix: after a crash, a second start replaces both sockets")
def crash():
    with Server("crash", listen="unix:" + path()) as server:
        server.daemon.kill()
        true(os.path.exists(server.listen[len("unix:"):]), "the file is gone with the process")
        server.daemon.start()
        same(server.ask(TAG), ANSWER, "answer")


@SUITE.case("unix: a socket that somebody answers on is left alone, with file and line")
def alive():
    where = path()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(where)
        sock.listen()
        server = Server("alive", listen="unix:" + where)
        matches(refused(server), rf"{server.daemon.conf}:\d+: map_listen: another process answers on {where}", "said")
        true(os.path.exists(where), "the socket is gone")
        true(not os.path.exists(server.daemon.listen[len("unix:"):]), "the milter's socket is left behind")


@SUITE.case("unix: a socket that has taken its place is not removed at the end")
def taken_over():
    where = path()
    with Server("over", listen="unix:" + where) as server, socket.socket(socket.AF_UNIX) as sock:
        os.unlink(where)
        sock.bind(where)
        same(server.daemon.stop()[0], 0, "exit status")
        true(os.path.exists(where), "somebody else's socket is gone")


# ---- inet sockets

@SUITE.rows([("inet: " + name, kind, host) for name, kind, host in (
    ("an address", "inet", "127.0.0.1"), ("another one", "inet", "127.0.0.2"), ("a name", "inet", "localhost"),
    ("IPv6", "inet6", "::1"), ("IPv6 in brackets", "inet6", "[::1]"))])
def inet(kind, host):
    if kind == "inet6" and not os.path.exists("/proc/net/if_inet6"):
        raise Skip("there is no IPv6")
    with Server(f"inet-{kind}-{len(host)}-{host[-1]}", listen=f"{kind}:{free_port()}@{host}") as server:
        same(server.ask(TAG), ANSWER, "answer")
        true("whoever reaches it" not in server.daemon.log(), "a warning of strangers")


@SUITE.case("inet: an address that others may reach is warned of")
def public():
    with Server("public", listen=f"inet:{free_port()}@0.0.0.0") as server:
        true(server.daemon.wait_log(r"@0\.0\.0\.0: whoever reaches it can try out tags"), "no warning")


@SUITE.case("inet: a restart gets the address at once, connections being open")
def restart():
    with Server("restart") as server, server.map() as client:
        same(client.ask(TAG), ANSWER, "answer")
        same(server.daemon.stop()[0], 0, "exit status")
        server.daemon.start()
        same(server.ask(TAG), ANSWER, "answer of the new one")


@SUITE.case("inet: an address that is taken, set in the file: refused with file and line")
def taken():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", free_port()))
        sock.listen()
        server = Server("taken", listen=f"inet:{sock.getsockname()[1]}@127.0.0.1")
        matches(refused(server), rf"{server.daemon.conf}:\d+: map_listen: cannot listen on .*in use", "said")
        true(not os.path.exists(server.daemon.listen[len("unix:"):]), "the milter's socket is left behind")
        same(check(server), (0, ""), "a test while it is taken, perhaps by the daemon that runs")


@SUITE.case("inet: SO_REUSEADDR does not let a second daemon in")
def two():
    with Server("first") as first:
        second = Server("second", listen=first.listen)
        contains(refused(second), "map_listen: cannot listen on", "said")
        same(first.ask(TAG), ANSWER, "answer of the first")


# In a network of its own, where the default's port is free, or taken.
ALONE = """
import fcntl, os, socket, struct, sys
sock = socket.socket()
fcntl.ioctl(sock, 0x8914, struct.pack("16sH", b"lo", 0x41))  # up
if sys.argv[1] == "taken":
    sock.bind(("127.0.0.1", 8893))
    sock.listen()
    os.set_inheritable(sock.fileno(), True)
os.execv(sys.argv[2], sys.argv[2:])
"""


@SUITE.rows([("the default's address, when it is " + how, how, said) for how, said in (
    ("free", r"the map service answers on inet:8893@127\.0\.0\.1"),
    ("taken", r"the map service is off: cannot listen on \"inet:8893@127\.0\.0\.1\": .*; set map_listen"))])
def default(how, said):
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-n", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no network of its own can be had")
    server = Server("default-" + how)
    daemon = server.daemon
    del daemon.options["map_listen"]
    daemon.configure()
    daemon.process = subprocess.Popen([unshare, "-n", sys.executable, "-c", ALONE, how, program("bvmilter"), "-c",
                                       daemon.conf], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    at_end(daemon.kill)
    true(wait_until(daemon.answers), "the milter's socket does not answer")
    status = daemon.stop()[0]
    log = daemon.process.stderr.read().decode()
    same(status, 0, f"exit status: {log}")
    matches(log, said, "log")


# ---- bvmilter -t

@SUITE.rows([("-t: " + name, listen, said) for name, listen, said in (
    ("all is well", None, ""),
    ("a unix socket is well", "unix:{dir}/well.sock", ""),
    ("no directory", "unix:{dir}/none/map.sock", r"map_listen: there is no directory {dir}/none; run: mkdir -p"),
    ("a file in its place", "unix:{dir}/domains", r"map_listen: {dir}/domains is there, and is no socket"),
    ("an address of another host", "inet:20001@192.0.2.1", r"map_listen: cannot listen on .*192\.0\.2\.1"),
    ("an address of the other family", "inet6:20001@127.0.0.1", r"map_listen: the host \"127\.0\.0\.1\" is not known"),
    ("the milter's own socket", "unix:{dir}/sock", r"map_listen: "))])
def tested(listen, said):
    global _count
    _count += 1
    server = Server(f"tested{_count}")
    directory = server.daemon.dir
    if listen:
        server.daemon.configure(map_listen=listen.format(dir=directory))
    status, text = check(server)
    if said:
        same(status, 1, f"exit status: {text}")
        matches(text, rf"^bvmilter: {server.daemon.conf}:\d+: " + said.format(dir=directory), "said")
        same(text.count("\n"), 1, f"lines: {text}")
    else:
        same((status, text), (0, ""), "exit status, what is said")


@SUITE.case("-t: a group that is missing is told once, for both sockets")
def group():
    server = Server("group", listen="unix:" + path(), socket_group="no-such-group")
    status, text = check(server)
    same((status, text.count("no-such-group")), (1, 1), f"exit status, how often it is told: {text}")


@SUITE.case("-t: the group counts when only the map's socket is a unix socket")
def group_of_map():
    server = Server("group-map", listen="unix:" + path(), socket_group="no-such-group")
    server.daemon.configure(listen=f"inet:{free_port()}@127.0.0.1")
    status, text = check(server)
    same(status, 1, "exit status")
    contains(text, "no-such-group", "said")


@SUITE.rows([(f"-t: no directory, for the user and {name}", group, command) for name, group, command in (
    ("a group", "nogroup", "install -d -m 2750 -o nobody -g nogroup {dir}/none"),
    ("no group", "", "install -d -m 0755 -o nobody {dir}/none"))])
def missing(group, command):
    """The command that is told makes a directory that suits; said of the default group, it may be missing."""
    server = Server("missing-" + group)
    directory = server.daemon.dir
    server.daemon.configure(map_listen=f"unix:{directory}/none/map.sock", user="nobody", socket_group=group)
    status, text = check(server)
    same(status, 1, f"exit status: {text}")
    contains(text, f"there is no directory {directory}/none; run: {command.format(dir=directory)}\n", "said")


# ---- reload

@SUITE.case("a reload names the settings that take a restart, and leaves the sockets as they are")
def needs_restart():
    with Server("fixed") as server:
        daemon = server.daemon
        old = dict(daemon.options)
        for changed in ("map_listen", "listen", "listen, socket_group, map_listen, user"):
            news = {"listen": f"unix:{daemon.dir}/other", "map_listen": f"unix:{daemon.dir}/map",
                    "socket_group": "mail", "user": "postfix"}
            daemon.configure(**{**old, "user": "", **{name: news[name] for name in changed.split(", ")}})
            daemon.process.send_signal(signal.SIGHUP)
            true(daemon.wait_log(f"only a restart can make use of it: {changed}$"), f"the log does not name {changed}")
            same(server.ask(TAG), ANSWER, "answer on the old socket")
        with_old = daemon.log().count("only a restart")
        daemon.configure(**{**old, "user": ""})
        daemon.process.send_signal(signal.SIGHUP)
        true(wait_until(lambda: daemon.log().count("reloaded: ") == 4), "no reload")
        same(daemon.log().count("only a restart"), with_old, "settings as they were are named")

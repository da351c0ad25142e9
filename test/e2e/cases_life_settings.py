"""Every setting is taken up by a reload, or named as one that needs a restart."""

import concurrent.futures
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import at_end, prvs, program, same, true, wait_until
from lifeworld import KEY, SCRATCH, SUITE, new_name, prepare, started
from milterclient import Milter, ProtocolError, message

# ---- a DNS server for a handful of names

A, MX = 1, 15
RECORDS = {("bogus.example", MX): ["lo.bogus.example"], ("lo.bogus.example", A): ["127.0.0.1"],
           ("half.example", MX): ["lo.bogus.example", "fine.example"], ("fine.example", A): ["192.31.196.1"],
           ("slow.example", MX): ["lo.bogus.example"]}


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns_answer(question):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    kind, = struct.unpack(">H", question[at + 1:at + 3])
    name, records = ".".join(labels), b""
    found = RECORDS.get((name, kind), [])
    for text in found:
        data = socket.inet_aton(text) if kind == A else struct.pack(">H", 10) + wire(text)
        records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data
    time.sleep(1.4 if name == "slow.example" else 0)
    return question[:2] + struct.pack(">HHHHH", 0x8580, 1, len(found), 0, 0) + question[12:at + 5] + records


def serve_dns():
    """Its address, as the setting wants it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    at_end(sock.close)

    def reply(question, peer):
        try:
            sock.sendto(dns_answer(question), peer)
        except OSError:
            pass

    def serve():
        while True:
            try:
                threading.Thread(target=reply, args=sock.recvfrom(4096), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1@{sock.getsockname()[1]}"


# ---- what a daemon does, all in all

OURS, REMOTE, OUT = "<user@example.com>", "<friend@outside.example>", {"daemon_name": "ORIGINATING"}
NOTICE = (("Content-Type", "multipart/report; report-type=delivery-status; boundary=b"),)
RECEIPT = (("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b"),)
PARTS = KEY.parts("user@example.com")
TALKS = [  # client, macros at CONNECT, then for each message: sender, recipients, fields, macros at MAIL
    ("192.0.2.7", OUT, [(OURS, [REMOTE], (), {}), (OURS, [REMOTE, "<l@lists.example.org>"], (), {}),
                        (OURS, ["<x@bogus.example>", "<x@half.example>", "<x@[192.31.196.77]>"], (), {})]),
    ("192.0.2.7", {"daemon_name": "OTHER"}, [(OURS, [REMOTE], (), {})]),
    ("192.0.2.7", {}, [(OURS, [REMOTE], (), {"auth_type": "PLAIN", "auth_authen": "user"}),
                       ("<x@bogus.example>", [OURS], (), {})]),
    ("198.51.100.7", {}, [(OURS, [REMOTE], (), {})]),
    ("203.0.113.9", {}, [("<>", [OURS], NOTICE, {})]),
    ("192.0.2.8", {}, [("<>", [OURS], NOTICE, {}), ("<>", [OURS], RECEIPT, {}), ("<>", ["<postmaster>"], NOTICE, {}),
                       ("<>", [f"<{KEY.tag('user@example.com')}>"], NOTICE, {}),
                       ("<>", [f"<user+prvs={PARTS}@example.com>"], NOTICE, {}),
                       ("<>", [f"<user-prvs={PARTS}@example.com>"], NOTICE, {})]),
    ("192.0.2.9", {}, [("<>", [f"<{KEY.forge('user@example.com')}>"], NOTICE, {}),
                       ("<>", [f"<{KEY.forge('user@example.com')}>"], NOTICE, {}), ("<>", [OURS], NOTICE, {})]),
    ("192.0.2.10", {}, [("<>", [f"<{KEY.tag(f'user{n}@example.com')}>" for n in range(4)], NOTICE, {})]),
]


def talk(daemon):
    for client, macros, messages in TALKS:
        with Milter(daemon.connect()) as milter:
            milter.connect(client, "mx.example.net", macros)
            milter.helo()
            for mail, rcpts, headers, more in messages:
                yield str(message(milter, mail, rcpts, headers, more))


def sessions(daemon):
    """How many sessions are taken of six."""
    taken = []
    for _ in range(6):
        try:
            taken.append(Milter(daemon.connect()))
        except (ProtocolError, ConnectionError):
            pass
    for milter in taken:
        milter.close()
    return len(taken)


def map_connections(daemon):
    """How many connections the map serves of four."""
    served, socks = 0, [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for sock in socks:
        sock.settimeout(5)
        sock.connect(daemon.options["map_listen"][len("unix:"):])
        try:
            sock.sendall(b"17:untag a@b.example,")
            served += bool(sock.recv(100))
        except OSError:
            pass
    for sock in socks:
        sock.close()
    return served


def slow(daemon):
    with Milter(daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net", OUT)
        milter.helo()
        return str(message(milter, OURS, ["<x@slow.example>"]))


def behaviour(daemon):
    return list(talk(daemon))


# ---- the settings

RESTART = "restart"
UNSEEN = "unseen"  # a storm lasts for a minute at least
FRESH, KEYLESS = prvs.Ring([KEY], time.time() - 3600), prvs.Ring([prvs.Key(7, b"signs from tomorrow on, or so...", 1)])


def write(text):
    return SCRATCH.write(new_name("table"), text)


def other_ring():
    ring = prvs.Ring([prvs.Key(5, b"a key of another ring, of which.", -1)])
    return ring.write(SCRATCH.path(new_name("ring")))


def rows():
    """Setting -> its new value, what is to be seen, what holds before and after, the ring."""
    dns, dead = serve_dns(), "127.0.0.1@1"
    guard = {"mx_guard_recipients": "reject", "resolver": [dns], "mx_guard_timeout": "1s"}
    anchor = write(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    return {
        "listen": ("unix:/tmp/elsewhere", RESTART), "socket_group": ("mail", RESTART), "user": ("games", RESTART),
        "map_listen": ("unix:/tmp/elsewhere2", RESTART), "metrics_listen": ("127.0.0.1:9892", RESTART),
        "keyring": (other_ring(), behaviour), "domains": (write("example.com mark\n"), behaviour),
        "exceptions": (write("client 192.0.2.8 accept-untagged\n"), behaviour),
        "sign_authenticated": (False, behaviour), "sign_networks": (["198.51.100.0/24"], behaviour),
        "sign_daemons": (["OTHER"], behaviour), "internal_networks": (["203.0.113.0/24"], behaviour),
        "action": ("mark", behaviour), "warmup": ("off", behaviour, {}, FRESH), "untagged_stage": ("rcpt", behaviour),
        "reply_types": ([], behaviour), "reject_text": ("not for us", behaviour), "header_name": ("X-BV", behaviour),
        "header_value": ("%r", behaviour), "max_bad_macs": (1, behaviour), "syntax": ("subaddress", behaviour),
        "subaddress_delimiter": ("-", behaviour, {"syntax": "subaddress"}), "mixed_recipients": ("tagged", behaviour),
        "on_fault": ("accept", behaviour, {"warmup": "off"}, KEYLESS), "storm_threshold": (2, behaviour),
        "storm_quiet": ("1s", UNSEEN), "max_sessions": (3, sessions),
        "max_recipients": (2, behaviour), "max_map_connections": (2, map_connections, {"map_listen": None}),
        "mx_guard_recipients": ("mark", behaviour, guard),
        "mx_guard_senders": ("reject", behaviour, {"resolver": [dns]}), "mx_guard_match": ("any", behaviour, guard),
        "mx_guard_networks": (write("192.31.196.77/32 reject\n"), behaviour, guard),
        "mx_guard_exempt": (["bogus.example"], behaviour, guard), "mx_guard_timeout": ("1s", slow, {**guard, "mx_guard_timeout": "4s"}),
        "mx_guard_trust_anchor": (anchor, behaviour, guard), "resolver": ([dead], behaviour, guard),
    }


def start(options, ring):
    daemon = prepare(exceptions="to lists.example.org no-tag\n")
    if "map_listen" in options:
        options = {**options, "map_listen": f"unix:{daemon.dir}/map"}
    daemon.configure(**options)
    ring.write(daemon.keyring)
    return daemon


def reload(daemon, **options):
    daemon.configure(**options)
    before = len(daemon.lines)
    daemon.process.send_signal(signal.SIGHUP)
    true(wait_until(lambda: any("reloaded" in line for line in daemon.lines[before:])), "no word about the reload")
    time.sleep(0.05)
    return "\n".join(daemon.lines[before:])


def check(name, value, look, options=None, ring=None):
    options, ring = options or {}, ring or prvs.Ring([KEY])
    with started(start(options, ring)) as daemon:
        if look in (RESTART, UNSEEN):
            said = reload(daemon, **{name: value})
            same((f"only a restart can make use of it: {name}" in said, "reloaded: " in said), (look == RESTART, True),
                 f"log: {said}")
            return
        before = look(daemon)
    with started(start({**options, name: value}, ring)) as daemon:
        fresh = look(daemon)
    true(fresh != before, f"the test does not see the setting: {before}")
    with started(start(options, ring)) as daemon:
        said = reload(daemon, **{name: value})
        true("reloaded: " in said and "restart" not in said, f"log: {said}")
        same(look(daemon), fresh, "after a reload, and after a start")


@SUITE.case("reload: every setting is taken up, or named in the log as one that needs a restart")
def settings():
    with started(prepare()) as daemon:
        printed = subprocess.run([program("bvmilter"), "-T", "-c", daemon.conf], capture_output=True, text=True, check=True)
    names = [line.split("=")[0].strip() for line in printed.stdout.splitlines() if line and line[0].isalpha()]
    table = rows()
    true(len(names) > 30, f"settings: {names}")
    same([name for name in names if name not in table], [], "settings that are not tried here")

    def fault(name):
        try:
            check(name, *table[name])
        except (AssertionError, OSError, RuntimeError) as err:
            return f"{name}: {err}"
        return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same([said for said in pool.map(fault, names) if said], [], "settings that are not as they should be")

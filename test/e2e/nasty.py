"""
A DNS server that misbehaves for names below nasty.example, and has another server answer for all others.

The label before "nasty" says how; see Nasty.behave().  Names that are answered in the end have an A record,
and nothing else.
"""

import ipaddress
import re
import select
import socket
import socketserver
import struct
import threading
import time

from place import at_end
from zones import GOOD, GOOD6, NEGATIVE_TTL, TTL

A, CNAME, SOA, MX, AAAA = 1, 5, 6, 15, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
RCODES = {"formerr": FORMERR, "servfail": SERVFAIL, "notimp": NOTIMP, "refused": REFUSED}
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED = 0x8000, 0x0400, 0x0200, 0x0100
MANY = 2000  # exchangers of "many"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data, ttl=TTL):
    return wire(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(name, text):
    ip = ipaddress.ip_address(text)
    return record(name, A if ip.version == 4 else AAAA, ip.packed)


SOA_DATA = wire("ns.example") * 2 + struct.pack("!5I", 1, 1, 1, 1, NEGATIVE_TTL)


class Question:
    """One question, as it was asked."""

    def __init__(self, packet):
        self.packet, at, labels = packet, 12, []
        self.id, self.flags = struct.unpack("!HH", packet[:4])
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        self.name, self.kind = ".".join(labels), struct.unpack("!H", packet[at + 1:at + 3])[0]
        self.section = packet[12:at + 5]

    def answer(self, answers=(), rcode=NOERROR, flags=0, soa=True, id_change=0, extra=()):
        soa = soa and not answers and rcode in (NOERROR, NXDOMAIN)
        authority = [record("nasty.example", SOA, SOA_DATA, NEGATIVE_TTL)] if soa else []
        flags |= RESPONSE | AUTHORITATIVE | self.flags & RECURSION_DESIRED | rcode
        head = struct.pack("!6H", (self.id + id_change) & 0xffff, flags, 1, len(answers), len(authority), len(extra))
        return head + self.section + b"".join([*answers, *authority, *extra])

    def good(self, **how):
        return self.answer([address(self.name, GOOD)] if self.kind == A else [], **how)


class Nasty:
    """
    On 127.0.0.1:PORT, UDP and TCP; PORT must be free.  `asked`: the questions, as (name, type, "udp" or "tcp").
    `silent`: nobody gets an answer; `delay`: seconds before every answer.
    """

    def __init__(self, port, behind):
        self.port, self.behind = port, ("127.0.0.1", behind)
        self.server = f"127.0.0.1@{port}"
        self.asked, self.silent, self.delay = [], False, 0.0
        self.first, self.stopping = {}, False

    def start(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))

        class Handler(socketserver.BaseRequestHandler):
            def handle(handler):
                self.serve_tcp(handler.request)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Handler)
        self.tcp.daemon_threads = True
        self.threads = [threading.Thread(target=self.serve_udp, daemon=True),
                        threading.Thread(target=self.tcp.serve_forever, args=(0.05,), daemon=True)]
        for thread in self.threads:
            thread.start()
        at_end(self.stop)
        return self

    def stop(self):
        if not self.stopping:
            self.stopping = True
            self.tcp.shutdown()
            self.tcp.server_close()
            for thread in self.threads:
                thread.join()
            self.udp.close()

    def serve_udp(self):
        while not self.stopping:
            if select.select([self.udp], [], [], 0.05)[0]:
                packet, client = self.udp.recvfrom(65535)
                for wait, answer in self.answers(packet, "udp"):
                    if wait > 0:
                        timer = threading.Timer(wait, self.send, (answer, client))
                        timer.daemon = True
                        timer.start()
                    else:
                        self.send(answer, client)

    def send(self, answer, client):
        try:
            self.udp.sendto(answer, client)
        except OSError:
            pass  # nobody waits for it any more

    def serve_tcp(self, sock):
        try:
            with sock.makefile("rb") as file:
                while not self.stopping:
                    head = file.read(2)
                    if len(head) < 2:
                        return
                    for wait, answer in self.answers(file.read(struct.unpack("!H", head)[0]), "tcp"):
                        if answer is None:
                            return
                        time.sleep(wait)
                        sock.sendall(struct.pack("!H", len(answer)) + answer)
        except OSError:
            pass

    def answers(self, packet, way):
        """What is answered: (after how many seconds, octets)."""
        question = Question(packet)
        self.asked.append((question.name, question.kind, way))
        if self.silent:
            return []
        if not question.name.endswith(".nasty.example"):
            got = [(0, self.relay(packet, way))]
        else:
            got = self.behave(question, question.name.split(".")[-3], way)
        return [(wait + self.delay, answer) for wait, answer in got]

    def relay(self, packet, way):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.connect(self.behind)
            if way == "udp":
                sock.send(packet)
                return sock.recv(65535)
            sock.sendall(struct.pack("!H", len(packet)) + packet)
            with sock.makefile("rb") as file:
                return file.read(struct.unpack("!H", file.read(2))[0])

    def behave(self, q, how, way):
        good, number = q.good(), int(re.sub(r"\D", "", how) or 0)

        def alias(name):
            return q.answer([record(q.name, CNAME, wire(name))])

        if how in RCODES:
            return [(0, q.answer(rcode=RCODES[how]))]
        if how.startswith("slow"):  # slow1500: a resolver that needs so many milliseconds, however often it is asked
            first = self.first.setdefault((q.name, q.kind), time.monotonic())
            return [(max(0, first + number / 1000 - time.monotonic()), good)]
        if how.startswith("chain"):  # chain3: that many aliases
            return [(0, alias(f"chain{number - 1}.nasty.example") if number else good)]
        if how.startswith("truncated") and way == "udp":
            return [(0, q.answer(flags=TRUNCATED, soa=False))]
        return {
            "silent": [],
            "grow": [(0, alias(f"x.{q.name}"))],
            "loop-a": [(0, alias("loop-b.nasty.example"))],
            "loop-b": [(0, alias("loop-a.nasty.example"))],
            "wrong-id": [(0, q.good(id_change=1))],
            "wrong-id-first": [(0, q.answer([address(q.name, "127.0.0.1")], id_change=1)), (0.05, good)],
            "wrong-question": [(0, good.replace(b"\x0ewrong-question", b"\x0ewrong_question"))],
            "half": [(0, good[:len(good) // 2])],
            "no-octets": [(0, b"")],
            "garbage": [(0, good[:2] + bytes(range(100, 200)))],
            "truncated": [(0, good)],
            "truncated-silent": [],
            "truncated-closed": [(0, None)],
            "no-soa": [(0, q.answer(soa=False))],
            "no-soa-nxdomain": [(0, q.answer(soa=False, rcode=NXDOMAIN))],
            "no-aaaa": [(0, q.answer(rcode=SERVFAIL) if q.kind == AAAA else good)],
            "no-a": [] if q.kind == A else [(0, q.answer([address(q.name, GOOD6)] if q.kind == AAAA else []))],
            "a-in-aaaa": [(0, q.answer([record(q.name, q.kind, ipaddress.ip_address("127.0.0.1").packed)]))],
            "short-mx": [(0, q.answer([record(q.name, MX, b"\0")]) if q.kind == MX else good)],
            "endless-mx": [(0, q.answer([record(q.name, MX, b"\0\12\3mx1")]) if q.kind == MX else good)],
            "poison": [(0, self.poison(q))],
            "many": [(0, self.many(q, way))],
        }.get(how, [(0, q.answer(rcode=NXDOMAIN))])

    def poison(self, q):
        """An MX, and on top of it an address that is not to be believed."""
        if q.kind != MX:
            return q.answer()
        target = "mx.v4-mx.example"
        return q.answer([record(q.name, MX, b"\0\12" + wire(target))], extra=[address(target, "127.0.0.1")])

    def many(self, q, way):
        if q.kind != MX:
            return q.good()
        if way == "udp":
            return q.answer(flags=TRUNCATED, soa=False)
        pointer = b"\xc0\x0c"  # to the name asked for
        head = pointer + struct.pack("!HHI", MX, 1, TTL)
        data = [struct.pack("!H", n) + bytes([len(str(n))]) + str(n).encode() + pointer for n in range(MANY, 0, -1)]
        return q.answer([head + struct.pack("!H", len(d)) + d for d in data])

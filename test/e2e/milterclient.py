"""
The MTA's side of the milter protocol, version 6, as Postfix and Sendmail
speak it: offers everything, honours NO*, NR_* and SETSYMLIST, and objects to
whatever a filter may not say.
"""

import select
import struct

ACTIONS = {"ADDHDRS": 0x1, "CHGBODY": 0x2, "ADDRCPT": 0x4, "DELRCPT": 0x8, "CHGHDRS": 0x10, "QUARANTINE": 0x20,
           "CHGFROM": 0x40, "ADDRCPT_PAR": 0x80, "SETSYMLIST": 0x100}
PROTOCOL = {"NOCONNECT": 0x1, "NOHELO": 0x2, "NOMAIL": 0x4, "NORCPT": 0x8, "NOBODY": 0x10, "NOHDRS": 0x20,
            "NOEOH": 0x40, "NR_HDR": 0x80, "NOUNKNOWN": 0x100, "NODATA": 0x200, "SKIP": 0x400,
            "RCPT_REJ": 0x800,
            "NR_CONN": 0x1000, "NR_HELO": 0x2000, "NR_MAIL": 0x4000, "NR_RCPT": 0x8000, "NR_DATA": 0x10000,
            "NR_UNKN": 0x20000, "NR_EOH": 0x40000, "NR_BODY": 0x80000, "HDR_LEADSPC": 0x100000}
ALL_ACTIONS, ALL_PROTOCOL = 0x1ff, 0x1fffff

# event -> (command, flag that leaves it out, flag that leaves it unanswered, stage number of its macros)
EVENTS = {"connect": (b"C", "NOCONNECT", "NR_CONN", 0), "helo": (b"H", "NOHELO", "NR_HELO", 1),
          "mail": (b"M", "NOMAIL", "NR_MAIL", 2), "rcpt": (b"R", "NORCPT", "NR_RCPT", 3),
          "data": (b"T", "NODATA", "NR_DATA", 4), "eom": (b"E", None, None, 5),
          "eoh": (b"N", "NOEOH", "NR_EOH", 6),
          "header": (b"L", "NOHDRS", "NR_HDR", None), "body": (b"B", "NOBODY", "NR_BODY", None),
          "unknown": (b"U", "NOUNKNOWN", "NR_UNKN", None)}

# What Postfix tells without being asked.
MACROS = {"connect": ["j", "v", "_", "{daemon_name}", "{daemon_addr}"], "helo": [],
          "mail": ["i", "{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}",
                   "{mail_mailer}"],
          "rcpt": ["i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"], "data": ["i"], "eoh": ["i"],
          "eom": ["i"]}

FINAL = {b"c": "continue", b"a": "accept", b"r": "reject", b"t": "tempfail", b"d": "discard", b"y": "reply",
         b"s": "skip", b"f": "conn_fail", b"4": "shutdown"}
CHANGES = {b"+": ("addrcpt", "ADDRCPT"), b"2": ("addrcpt_par", "ADDRCPT_PAR"), b"-": ("delrcpt", "DELRCPT"),
           b"h": ("addheader", "ADDHDRS"), b"i": ("insheader", "ADDHDRS"), b"m": ("chgheader", "CHGHDRS"),
           b"e": ("chgfrom", "CHGFROM"), b"b": ("replbody", "CHGBODY"), b"q": ("quarantine", "QUARANTINE")}


class ProtocolError(AssertionError):
    """The filter said what it may not say, or nothing at all."""


def strings(data):
    if data and not data.endswith(b"\0"):
        raise ProtocolError(f"text without a NUL at its end: {data!r}")
    return [part.decode("latin-1") for part in data.split(b"\0")[:-1]]


class Answer(str):
    """An answer: its word, or the reply's text (`550 5.7.1 ...`); with the changes that came before it."""

    changes = ()

    @property
    def accepted(self):
        return self in ("continue", "accept", "unanswered", "unasked")

    @property
    def permanent(self):
        return self == "reject" or self[:1] == "5"

    @property
    def temporary(self):
        return self == "tempfail" or self[:1] == "4"


class Milter:
    """One connection to a filter: one SMTP session."""

    def __init__(self, sock, actions=ALL_ACTIONS, protocol=ALL_PROTOCOL, version=6):
        self.sock, self.awaited, self.waiting = sock, 0, b""
        self.packet(b"O", struct.pack(">III", version, actions, protocol))
        command, data = self.read()
        if command != b"O" or len(data) < 12:
            raise ProtocolError(f"answer to the negotiation: {command!r} {data!r}")
        self.version, self.actions, self.protocol = struct.unpack(">III", data[:12])
        self.asked = self.symbols(data[12:])
        for name, got, offered in (("actions", self.actions, actions), ("protocol", self.protocol, protocol)):
            if got & ~offered:
                raise ProtocolError(f"{name} {got:#x} were asked for, {offered:#x} offered")
        if self.version > version:
            raise ProtocolError(f"version {self.version} is later than {version}")

    def symbols(self, data):
        asked = {}
        while data:
            stage, = struct.unpack(">I", data[:4])
            text, data = data[4:].split(b"\0", 1)
            asked[stage] = text.decode().replace(",", " ").split()
        return asked

    def has(self, name):
        """Whether a protocol flag or an action was agreed on."""
        return bool(self.protocol & PROTOCOL[name] if name in PROTOCOL else self.actions & ACTIONS[name])

    # -- packets

    def packet(self, command, data=b""):
        """Sent with the next packet that is to be answered, as MTAs do: it spares a TCP connection 40 ms."""
        self.waiting += struct.pack(">I", len(data) + 1) + command + data

    def flush(self):
        data, self.waiting = self.waiting, b""
        self.sock.sendall(data)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise ProtocolError("the filter has closed the connection")
            data += part
        return data

    def read(self):
        if self.waiting:
            self.flush()
        size, = struct.unpack(">I", self.exactly(4))
        if not 1 <= size <= 70000:
            raise ProtocolError(f"packet of {size} octets")
        data = self.exactly(size)
        return data[:1], data[1:]

    def silent(self):
        """Whether nothing has come that nobody waits for."""
        return not select.select([self.sock], [], [], 0)[0]

    # -- events

    def event(self, name, data, macros=None):
        command, without, unanswered, stage = EVENTS[name]
        if stage is not None:
            self.macros(name, command, stage, macros or {})
        if without and self.has(without):
            if name == "data":
                self.flush()  # here Postfix hands the connection from one process to another
            return Answer("unasked")
        self.packet(command, data)
        if unanswered and self.has(unanswered):
            return Answer("unanswered")
        self.awaited += 1
        return self.answer(name == "eom")

    def macros(self, name, command, stage, macros):
        names = self.asked.get(stage, MACROS[name])
        told = [(n, macros.get(n.strip("{}"))) for n in names]
        self.packet(b"D", command + b"".join(f"{n}\0{v}\0".encode("latin-1") for n, v in told if v is not None))

    def answer(self, changes_allowed):
        changes = []
        while True:
            command, data = self.read()
            if command in CHANGES and changes_allowed:
                changes.append(self.change(command, data))
            elif command in FINAL:
                answer = Answer(strings(data)[0] if command == b"y" else FINAL[command])
                answer.changes = changes
                return answer
            elif command != b"p":
                raise ProtocolError(f"{command!r} {data!r} at a place where it may not be")

    def change(self, command, data):
        name, action = CHANGES[command]
        if not self.has(action):
            raise ProtocolError(f"{name} without having asked for {action}")
        if name in ("insheader", "chgheader"):
            return (name, struct.unpack(">I", data[:4])[0], *strings(data[4:]))
        return (name, *strings(data))

    def connect(self, address="192.0.2.7", host="mx.example.net", macros=None):
        """address: None for an unknown family, a path, or an IP address."""
        if address is None:
            where = b"U"
        elif address.startswith("/"):
            where = b"L" + struct.pack(">H", 0) + address.encode() + b"\0"
        else:
            where = (b"6" if ":" in address else b"4") + struct.pack(">H", 4711) + address.encode() + b"\0"
        return self.event("connect", host.encode("latin-1") + b"\0" + where,
                          {"j": "gw.example.com", "daemon_name": "gw.example.com", **(macros or {})})

    def text(self, name, args, macros=None):
        return self.event(name, b"".join(arg.encode("latin-1") + b"\0" for arg in args), macros)

    def helo(self, name="mx.example.net"):
        return self.text("helo", [name])

    def mail(self, *args, macros=None):
        return self.text("mail", args, macros)

    def rcpt(self, *args, macros=None):
        return self.text("rcpt", args, macros)

    def data(self, macros=None):
        return self.event("data", b"", macros)

    def header(self, name, value):
        return self.text("header", [name, " " + value if self.has("HDR_LEADSPC") else value])

    def eoh(self, macros=None):
        return self.event("eoh", b"", macros)

    def body(self, text):
        return self.event("body", text)

    def eom(self, macros=None):
        return self.event("eom", b"", macros)

    def abort(self):
        self.packet(b"A")

    def close(self, polite=True):
        try:
            if polite:
                self.packet(b"Q")
            self.flush()
        except OSError:
            pass
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(kind is None)


class Said:
    """All answers to one message."""

    def __init__(self):
        self.mail = self.data = self.eom = None
        self.rcpts, self.awaited = [], 0

    @property
    def changes(self):
        return list(self.eom.changes) if self.eom is not None else []

    @property
    def final(self):
        """The answer that decides about the message; None when it was given up."""
        for answer in (self.mail, *self.rcpts[-1:], self.data, self.eom):
            if answer is not None and answer == "accept":
                return answer
        refused = bool(self.rcpts) and not any(r.accepted for r in self.rcpts)
        for answer in (self.mail, self.rcpts[0] if refused else None, self.data):
            if answer is not None and not answer.accepted:
                return answer
        return self.eom

    def __eq__(self, other):
        return str(self) == str(other)

    def __str__(self):
        return f"MAIL {self.mail!r} RCPT {self.rcpts!r} DATA {self.data!r} EOM {self.eom!r} {self.changes!r}"


HEADERS = (("From", "somebody@outside.example"), ("Subject", "hello"))


def message(milter, mail, rcpts, headers=HEADERS, macros=None, queue_id="4XyZ1abc", stop=None):
    """
    One message as Postfix passes it on.  mail, rcpts: an argument, or a list of
    arguments, for each command.  macros: those at MAIL.  stop: the event after
    which the client gives up ("mail", "rcpt", "data", "header").
    """
    said, before = Said(), milter.awaited
    talk(milter, said, mail, rcpts, headers, macros or {}, queue_id, stop)
    milter.abort()
    said.awaited = milter.awaited - before
    return said


def as_list(args):
    return [args] if isinstance(args, str) else list(args)


def talk(milter, said, mail, rcpts, headers, macros, queue_id, stop):
    said.mail = milter.mail(*as_list(mail), macros=macros)
    if not said.mail.accepted or stop == "mail":
        return
    for rcpt in rcpts:
        known = {"i": queue_id} if any(r.accepted for r in said.rcpts) else {}
        said.rcpts.append(milter.rcpt(*as_list(rcpt), macros=known))
        if said.rcpts[-1] == "accept":
            return
    if stop == "rcpt" or not any(r.accepted for r in said.rcpts):
        return
    said.data = milter.data({"i": queue_id})
    if said.data == "accept" or not said.data.accepted or stop == "data":
        return
    for name, value in headers:
        answer = milter.header(name, value)
        if not answer.accepted:
            raise ProtocolError(f"a header was answered with {answer!r}")
    if stop == "header":
        return
    milter.eoh({"i": queue_id})
    milter.body(b"Hello\r\n")
    said.eom = milter.eom({"i": queue_id})

"""Both ends of SMTP: a client that says exactly what it is told, a sink that keeps what it hears."""

import collections
import re
import socket
import socketserver
import threading
import time


class Reply(collections.namedtuple("Reply", "code text")):
    """text: the lines of the reply without the code, joined with a newline."""

    def __str__(self):
        return f"{self.code} {self.text}"

    @property
    def queue_id(self):
        found = re.search(r"queued as (\S+)", self.text)
        return found[1] if found else None


class Client:
    """An SMTP client. 127.0.0.1 is inside, any other loopback address an outside host."""

    def __init__(self, port, source="127.0.0.2", helo="mx.outside.example", timeout=15):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.file = self.sock.makefile("rb")
        self.greeting = self.read()
        self.ehlo = self.cmd("EHLO " + helo)

    def read(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return Reply(0, "connection closed")
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                return Reply(int(text[:3]), "\n".join(lines))

    def send(self, line):
        self.sock.sendall(line.encode() + b"\r\n")

    def cmd(self, line):
        try:
            self.send(line)
            return self.read()
        except OSError as err:
            return Reply(0, str(err))

    def text(self, message):
        """The message itself, after DATA was answered with 354."""
        lines = message.replace("\r\n", "\n").rstrip("\n").split("\n")
        body = "\r\n".join("." + line if line.startswith(".") else line for line in lines)
        self.sock.sendall(body.encode() + b"\r\n.\r\n")
        return self.read()

    def quit(self):
        self.cmd("QUIT")
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()


class Outcome:
    """What the server said to one transaction."""

    def __init__(self):
        self.mail = None
        self.rcpts = []
        self.data = None  # reply to DATA, when it is not 354
        self.end = None   # reply to the end of the message

    @property
    def final(self):
        """The reply that decides about the message."""
        return self.end or self.data or self.mail

    def __str__(self):
        return f"MAIL: {self.mail}; RCPT: {' / '.join(map(str, self.rcpts))}; end: {self.final}"


def transact(client, mail, rcpts, message):
    """One message; mail and rcpts are what stands after FROM: and TO:, verbatim."""
    out = Outcome()
    out.mail = client.cmd("MAIL FROM:" + mail)
    if out.mail.code != 250:
        return out
    out.rcpts = [client.cmd("RCPT TO:" + rcpt) for rcpt in rcpts]
    if not any(reply.code // 100 == 2 for reply in out.rcpts):
        client.cmd("RSET")
        return out
    out.data = client.cmd("DATA")
    if out.data.code == 354:
        out.data, out.end = None, client.text(message)
    return out


class Received:
    """One message as the sink got it; mail and rcpts are the text after FROM: and TO:."""

    def __init__(self, peer, mail, rcpts, data):
        self.peer, self.mail, self.rcpts, self.data = peer, mail, rcpts, data

    @property
    def sender(self):
        return re.match(r"<(.*?)>(?:\s|$)", self.mail)[1]

    @property
    def mail_args(self):
        return self.mail.split("> ", 1)[1].split() if "> " in self.mail else []

    @property
    def recipients(self):
        return [re.match(r"<(.*?)>(?:\s|$)", rcpt)[1] for rcpt in self.rcpts]

    @property
    def headers(self):
        """(name, value) in order, folded lines joined."""
        head = re.sub(r"\n[ \t]+", " ", self.data.split("\n\n", 1)[0])
        return [tuple(part.strip() for part in line.split(":", 1)) for line in head.split("\n") if ":" in line]

    def header(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class SinkSession(socketserver.StreamRequestHandler):
    """What the sink says to one client."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.mail, self.rcpts = None, []
        self.say("220 sink.example ESMTP")
        while True:
            line = self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n")
            verb = line[:4].upper()
            if not line or verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            self.command(verb, line)

    def command(self, verb, line):
        if verb == "EHLO":
            self.say("250-sink.example\r\n250-DSN\r\n250-8BITMIME\r\n250-SIZE 20000000\r\n250 ENHANCEDSTATUSCODES")
        elif verb == "MAIL":
            self.mail, self.rcpts = line[len("MAIL FROM:"):].strip(), []
            self.say("250 2.1.0 ok")
        elif verb == "RCPT":
            rcpt = line[len("RCPT TO:"):].strip()
            refusal = self.server.sink.refusal(rcpt)
            if refusal:
                self.server.sink.refused.append((self.mail, rcpt, refusal))
            else:
                self.rcpts.append(rcpt)
            self.say(refusal or "250 2.1.5 ok")
        elif verb == "DATA":
            self.data()
        else:
            self.say("250 2.0.0 ok")

    def data(self):
        if not self.rcpts:
            self.say("554 5.5.1 no valid recipients")
            return
        self.say("354 go on")
        lines = []
        for raw in self.rfile:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if line == ".":
                break
            lines.append(line[1:] if line.startswith(".") else line)
        self.server.sink.keep(Received(self.client_address[0], self.mail, self.rcpts, "\n".join(lines) + "\n"))
        self.mail, self.rcpts = None, []
        self.say("250 2.0.0 kept")


class Sink:
    """A small SMTP server on loopback that keeps every message it accepts."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request, client_address):
            pass  # a client that goes away in the middle is no event here

    def __init__(self, port):
        self.port = port
        self.rules = []  # (regular expression searched in the RCPT argument, reply)
        self.messages = []
        self.refused = []  # (MAIL argument, RCPT argument, reply)
        self.arrived = threading.Condition()
        self.server = self.Server(("127.0.0.1", port), SinkSession)
        self.server.sink = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def refusal(self, rcpt):
        return next((reply for pattern, reply in self.rules if re.search(pattern, rcpt)), None)

    def keep(self, message):
        with self.arrived:
            self.messages.append(message)
            self.arrived.notify_all()

    def having(self, token):
        with self.arrived:
            return [m for m in self.messages if token in m.data]

    def wait(self, token, count=1, timeout=20, match=lambda message: True):
        """The messages that hold a token, once there are `count`; fewer when time is up."""
        end = time.monotonic() + timeout
        with self.arrived:
            while True:
                found = [m for m in self.messages if token in m.data and match(m)]
                left = end - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found
                self.arrived.wait(left)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

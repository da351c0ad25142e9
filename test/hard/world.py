"""What the programs of test/hard share: a daemon that does all it can, and a conversation of which every word is known."""

import os
import re
import signal
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness import Daemon, Failed, Scratch, Suite, free_port, program, prvs, same, stop_all, true, wait_until  # noqa: E402,F401
import nasty as dns  # noqa: E402,F401
from mapworld import Broken, Map  # noqa: E402,F401
from milterclient import Milter, ProtocolError, message  # noqa: E402

SHORT = os.environ.get("HARD") == "short"
KEY = prvs.Key(3, b"the key that signs at this time!", -30)
OLDER = prvs.Key(4, b"a key from before that signs not", -60)
OURS, REMOTE, OUTSIDE = "<user@example.com>", "<friend@outside.example>", "192.0.2.7"
SUBMISSION = {"daemon_name": "ORIGINATING"}
AUTH = {"auth_type": "PLAIN", "auth_authen": "user"}
DOMAINS = "example.com reject\nmark.example mark\nquiet.example no-bounces\n"
EXCEPTIONS = "client 198.51.100.7 accept-untagged\nto lists.example.org no-tag\nrcpt silent@example.com never-sends\n"
DSN = (("From", "MAILER-DAEMON@outside.example"), ("Content-Type", "multipart/report; report-type=delivery-status"))
RECEIPT = (("From", "friend@outside.example"), ("Content-Type", 'multipart/report;\n report-type="disposition-notification"'))

VALID, FORGED = f"<{KEY.tag('user@example.com')}>", f"<{KEY.forge('user@example.com')}>"
SECOND, MARKED = f"<{OLDER.tag('other@example.com')}>", f"<{KEY.forge('user@mark.example')}>"

# name -> macros at CONNECT, at MAIL, sender, recipients, header
MESSAGES = {
    "signed": (SUBMISSION, {}, OURS, [REMOTE, ["<b@outside.example>", "NOTIFY=NEVER"]], DSN[:1]),
    "signed for who has logged in": ({}, AUTH, OURS, [REMOTE], DSN[:1]),
    "not signed for a list": (SUBMISSION, {}, OURS, ["<x@lists.example.org>"], DSN[:1]),
    "ordinary": ({}, {}, "<friend@outside.example>", [OURS, "<other@example.com>"], DSN[:1]),
    "a valid bounce": ({}, {}, "<>", [VALID], DSN),
    "a bounce to two": ({}, {}, "<>", [[VALID, "NOTIFY=FAILURE", "ORCPT=rfc822;user@example.com"], SECOND], DSN),
    "a forged bounce": ({}, {}, "<>", [FORGED], DSN),
    "a forged bounce that is marked": ({}, {}, "<>", [MARKED], DSN),
    "an untagged bounce": ({}, {}, "<>", [OURS], DSN),
    "a receipt": ({}, {}, "<>", [OURS], RECEIPT),
    "to who never sends": ({}, {}, "<>", ["<silent@example.com>"], DSN),
}
QUESTIONS = ["untag " + VALID[1:-1], "untag " + FORGED[1:-1], "untag " + OURS[1:-1], "untag x@elsewhere.example", "who knows"]


class Everything(Daemon):
    """A daemon with milter, map and numbers."""

    def __init__(self, scratch, name, **options):
        self.ring = prvs.Ring([KEY, OLDER])
        self.map, self.port = f"inet:{free_port()}@127.0.0.1", free_port()
        super().__init__(scratch.dir, name, self.ring, domains=DOMAINS, exceptions=EXCEPTIONS, map_listen=self.map,
                         metrics_listen=f"127.0.0.1:{self.port}", storm_threshold=0, max_bad_macs=0, **options)

    def say(self, name, patience=10):
        """All answers to a message, as text."""
        connect, mail, sender, recipients, header = MESSAGES[name]
        with Milter(self.connect(patience)) as milter:
            milter.connect(OUTSIDE, "mx.example.net", connect)
            milter.helo()
            return message(milter, sender, recipients, header, mail)

    def ask(self, question, patience=10):
        name, key = question.split(" ", 1)
        with Map(self.map, patience) as client:
            return client.ask(key, name)

    def page(self, path, patience=10):
        """What is served over HTTP, with its header, and each number in it as "#"."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=patience) as answer:
            header = [f"{name}: {value}" for name, value in answer.getheaders() if name not in ("Date", "Content-Length")]
            return sorted(header), re.sub(rb"\b[0-9.]+(e[-+][0-9]+)?\b", b"#", answer.read())

    def numbers(self, patience=10):
        """The names of the numbers that are served."""
        return sorted(set(re.findall(rb"(?m)^bv[a-z_]+", self.page("/metrics", patience)[1])))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def signal_and_wait(self, number=signal.SIGHUP, patience=10):
        """Whether a reload has taken place; None: no word about it."""
        seen, end = len(self.lines), time.monotonic() + patience
        self.process.send_signal(number)
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.lines[seen:]:
                if "reloaded" in line or "to reload" in line:
                    return "not reloaded" not in line and "no memory" not in line
            time.sleep(0.001)
        return None

    def rotate(self):
        """Another generation, with the same keys."""
        self.ring.generation += 1
        self.ring.write(self.keyring)

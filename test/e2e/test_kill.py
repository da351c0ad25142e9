#!/usr/bin/env python3
"""
The daemon stopped and killed behind a real Postfix: nothing is accepted that
it has not seen, nothing is lost, nothing arrives twice.

    BV_BIN=build/opt python3 test/e2e/test_kill.py [WORD...]
"""

import os
import signal
import subprocess
import threading
import time

from harness import (Client, Daemon, Postfix, Scratch, Sink, Suite, at_end, free_port, mta, program, prvs, same,
                     token,
                     transact, true)

KEY = prvs.Key(3, b"the key that signs at this time!", -1)
OURS, REMOTE, TAG = "<user@example.com>", "<friend@outside.example>", "<" + KEY.tag("user@example.com") + ">"
SUITE = Suite()


class World:
    def start(self):
        self.scratch = Scratch()
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.port = free_port()
        self.daemon = Daemon(self.scratch.dir, "bv", prvs.Ring([KEY]))
        self.postfix = Postfix(self.scratch.path("postfix"), "gw.example.com", {self.port: {
            "smtpd_milters": self.daemon.milter, "milter_macro_daemon_name": "ORIGINATING",
            "mynetworks": "127.0.0.0/8"}},
            relay_domains="example.com", relayhost=f"[127.0.0.1]:{self.sink.port}")
        at_end(self.postfix.stop)
        self.postfix.start()
        SUITE.logs.update({"bvmilter": self.daemon.log, "Postfix": self.postfix.log})

    def up(self):
        if not self.daemon.process or self.daemon.process.poll() is not None:
            self.daemon.start()

    def send(self, mail, rcpt, word):
        """The reply that decides about one message on a connection of its own."""
        with Client(self.port) as client:
            out = transact(client, mail, [rcpt], f"Subject: {word}\n\nHello\n")
            return out.end or out.data or (out.rcpts or [out.mail])[0]

    def arrived(self, reply, word):
        """The copies of an accepted message at the sink, once it has left the queue."""
        true(self.postfix.wait_gone(reply.queue_id), f"{reply.queue_id} stays in the queue")
        return self.sink.having(word)


WORLD = World()


def check_once(mail, rcpt, word):
    """With the daemon up again, the message is taken, and arrives once and as it should."""
    WORLD.up()
    reply = WORLD.send(mail, rcpt, word)
    same(reply.code, 250, f"the second try ({reply})")
    copies = WORLD.arrived(reply, word)
    same(len(copies), 1, "copies at the sink")
    if mail == OURS:
        true(KEY.made(copies[0].sender), f"sender on the wire: {copies[0].sender}")
    else:
        same(copies[0].recipients, ["user@example.com"], "delivered to")


MESSAGES = [("outbound mail", OURS, REMOTE), ("a bounce", "<>", TAG)]
STAGES = ["before the connection", "after MAIL", "after RCPT", "after DATA", "in the middle of the text",
          "while it decides"]


def kill_while_it_decides(client):
    """The end of the message is on its way to a daemon that does not move, and then dies."""
    WORLD.daemon.process.send_signal(signal.SIGSTOP)
    client.sock.sendall(b".\r\n")
    time.sleep(0.2)
    WORLD.daemon.kill()
    return client.read()


def talk(client, stage, mail, rcpt, word):
    """One message during which the daemon is killed; every reply."""
    replies = []
    for now, line in (("after MAIL", "MAIL FROM:" + mail), ("after RCPT", "RCPT TO:" + rcpt),
                      ("after DATA", "DATA")):
        replies.append(client.cmd(line))
        if replies[-1].code // 100 not in (2, 3):
            return replies
        if stage == now:
            WORLD.daemon.kill()
    client.sock.sendall(f"Subject: {word}\r\n\r\nHello\r\n".encode())
    if stage == "in the middle of the text":
        WORLD.daemon.kill()
    if stage == "while it decides":
        return replies + [kill_while_it_decides(client)]
    return replies + [client.cmd(".")]


@SUITE.rows([(f"killed {stage}: {name} is put off, and arrives once afterwards", stage, mail, rcpt)
             for stage in STAGES for name, mail, rcpt in MESSAGES])
def killed(stage, mail, rcpt):
    word = token()
    WORLD.up()
    if stage == "before the connection":
        WORLD.daemon.kill()
    with Client(WORLD.port) as client:
        replies = talk(client, stage, mail, rcpt, word)
    true(400 <= replies[-1].code < 500, f"replies: {' / '.join(map(str, replies))}")
    same(WORLD.postfix.queue(), [], "Postfix's queue")
    same(WORLD.sink.having(word), [], "copies at the sink after the first try")
    check_once(mail, rcpt, word)


@SUITE.case("killed between two messages of a connection: the second is put off")
def between():
    first, second = token(), token()
    WORLD.up()
    with Client(WORLD.port) as client:
        out = transact(client, OURS, [REMOTE], f"Subject: {first}\n\nHello\n")
        same(out.end.code, 250, f"first message ({out})")
        WORLD.daemon.kill()
        out = transact(client, OURS, [REMOTE], f"Subject: {second}\n\nHello\n")
        true(out.end is None or 400 <= out.end.code < 500, f"second message ({out})")
        same(len(WORLD.sink.having(second)), 0, "copies of the second message")
    same(len(WORLD.sink.wait(first)), 1, "copies of the first message")
    check_once(OURS, REMOTE, second)


@SUITE.case("stopped before the connection: an untagged bounce is not let in either")
def stopped():
    WORLD.up()
    same(WORLD.daemon.stop()[0], 0, "exit status")
    word = token()
    reply = WORLD.send("<>", OURS, word)
    true(400 <= reply.code < 500, f"reply: {reply}")
    same(WORLD.sink.having(word), [], "copies at the sink")


@SUITE.case("terminated in the middle of a message: that message is put off")
def terminated():
    WORLD.up()
    word = token()
    with Client(WORLD.port) as client:
        same(client.cmd("MAIL FROM:" + OURS).code, 250, "MAIL")
        same(client.cmd("RCPT TO:" + REMOTE).code, 250, "RCPT")
        status, _ = WORLD.daemon.stop()
        same(status, 0, "exit status")
        reply = client.cmd("DATA")
        reply = client.text(f"Subject: {word}\n\nHello\n") if reply.code == 354 else reply
        true(400 <= reply.code < 500, f"reply: {reply}")
    check_once(OURS, REMOTE, word)


@SUITE.rows([("SIGTERM, idle: ends with 0, within a second", False),
             ("SIGTERM, with an idle connection: ends with 0, within a second", True)])
def prompt(connected):
    best = None
    for _ in range(3):
        WORLD.up()
        client = Client(WORLD.port) if connected else None
        status, seconds = WORLD.daemon.stop()
        if client:
            client.quit()
        same(status, 0, "exit status")
        best = min(seconds, best or seconds)
        if best <= 1:
            break
    SUITE.diagnose(f"stopped in {best:.2f} s")
    true(best <= 1, f"it took {best:.2f} s, three times")


@SUITE.case("SIGINT: ends with 0 too")
def interrupted():
    WORLD.up()
    WORLD.daemon.process.send_signal(signal.SIGINT)
    same(WORLD.daemon.process.wait(10), 0, "exit status")


@SUITE.case("a second daemon on the same socket refuses to start, the first goes on")
def second():
    WORLD.up()
    done = subprocess.run([program("bvmilter"), "-c", WORLD.daemon.conf], capture_output=True, text=True,
                          timeout=20)
    same(done.returncode, 1, f"exit status of the second ({done.stderr})")
    true(done.stderr.startswith("bvmilter: ") and WORLD.daemon.listen.split(":", 1)[1] in done.stderr,
         f"the message does not name the socket: {done.stderr!r}")
    check_once(OURS, REMOTE, token())


def keep_sending(mail, rcpt, words, taken):
    """Sends until everything has been taken, as a mail server would."""
    for word in words:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            reply = WORLD.send(mail, rcpt, word)
            if reply.code == 250:
                taken[word] = reply
                break
            true(400 <= reply.code < 500, f"{word} was refused for good: {reply}")
            time.sleep(0.05)


@SUITE.case("killed again and again under load: everything arrives once")
def storm():
    WORLD.up()
    taken = {}
    words = [token() for _ in range(200)]
    senders = [threading.Thread(target=keep_sending, args=(*message[1:], words[i::4], taken))
               for i, message in enumerate(MESSAGES * 2)]
    for sender in senders:
        sender.start()
    kills = 0
    while any(sender.is_alive() for sender in senders) and kills < 40:
        time.sleep(0.05)
        WORLD.daemon.kill()
        kills += 1
        WORLD.up()
    for sender in senders:
        sender.join()
    SUITE.diagnose(f"{kills} kills, {len(taken)} messages")
    same(len(taken), len(words), "messages taken")
    for word in words:
        copies = WORLD.arrived(taken[word], word)
        same(len(copies), 1, f"copies of {word} at the sink")
        good = KEY.made(copies[0].sender) if copies[0].sender else copies[0].recipients == ["user@example.com"]
        true(good, f"{copies[0].mail} {copies[0].rcpts}")


@SUITE.case("after all this no descriptor and no process has leaked")
def leaks():
    WORLD.up()
    count = len(os.listdir(f"/proc/{WORLD.daemon.process.pid}/fd"))
    for _ in range(20):
        WORLD.send(OURS, REMOTE, token())
    time.sleep(0.1)
    now = len(os.listdir(f"/proc/{WORLD.daemon.process.pid}/fd"))
    true(now <= count + 8, f"{count} descriptors before, {now} after twenty messages")


SUITE.run(WORLD.start, unless=mta.why_not())

"""
The world of test_cluster.py: two gateways, each a Postfix with a daemon and a
key file of its own, and a third Postfix, the world, that bounces what its own
next hop refuses.  To which gateway a bounce comes back, the sender's name says.
"""

import base64
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import threading
import time

from harness import (ROOT, Client, Daemon, Postfix, Scratch, Sink, Suite, at_end, free_port, matches, program, prvs,
                     same, token, transact, true, wait_until)

OUTSIDE = "127.0.0.2"
SOON = 10  # seconds within which a new key file must be in use


def bvkey(path, *args):
    """Runs it on a key file; what it prints."""
    done = subprocess.run([program("bvkey"), "-f", path, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30)
    same(done.returncode, 0, f"exit status of bvkey {args}, which said {done.stdout!r}")
    return done.stdout


def replace(path, text):
    """Puts a new key file in the place of an old one as a whole, as rsync does."""
    new = f"{path}.copy"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as file:
        file.write(text)
    os.rename(new, path)


def copy(source, path):
    with open(source, "rb") as file:
        replace(path, file.read())


def days_ago(days):
    return prvs.rfc3339(time.time() - days * 86400)


class Node:
    """A gateway. `daemon` and `keyring` are its own."""

    def __init__(self, scratch, name, sink, world):
        self.name = name
        self.daemon = Daemon(scratch.dir, name, None, warmup="off")
        self.keyring = self.daemon.keyring
        self.smtp, self.submission = free_port(), free_port()
        milter = {"smtpd_milters": self.daemon.milter}
        self.postfix = Postfix(
            scratch.path(name + ".postfix"), name + ".example.com",
            {self.smtp: milter, self.submission: {**milter, "milter_macro_daemon_name": "ORIGINATING"}},
            relay_domains="example.com", relayhost=f"[127.0.0.1]:{world}",
            transport_maps=f"inline:{{ example.com=smtp:[127.0.0.1]:{sink} }}")

    def key(self, *args):
        return bvkey(self.keyring, *args)

    def text(self):
        with open(self.keyring, "rb") as file:
            return file.read()

    def ring(self):
        return json.loads(self.text())

    def copy_to(self, other):
        copy(self.keyring, other.keyring)

    def secret(self, number):
        """A key of the file, as whoever has read the file could use it."""
        key = next(k for k in self.ring()["keys"] if k["number"] == number)
        return prvs.Key(number, base64.b64decode(key["secret"]), lifetime=key["lifetime_days"])

    def follows(self, number, generation=None, node=None):
        """The log says that the ring of a node's file, by default the own, is in use, and which key signs."""
        ring = (node or self).ring()
        line = f"ring {ring['id']}, generation {generation or ring['generation']}: key {number} signs"
        true(self.daemon.wait_log(line, SOON), f"{self.name} has not logged {line!r} after {SOON} s")

    def complains(self, text):
        line = f"{self.keyring}: {text}"
        found = self.daemon.wait_log(re.escape(line), SOON)
        true(found, f"{self.name} has not logged {line!r}")
        matches(found.string, r"; the ring in use stays \(refused so far: \d+\)$", "the complaint")


class Cluster:
    """Empty until start() has been called."""

    def build(self):
        self.scratch = Scratch()
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.sink.rules.append((r"(?i)<nosuch@", "550 5.1.1 no such user here"))
        port = free_port()
        self.gw1, self.gw2 = (Node(self.scratch, name, self.sink.port, port) for name in ("gw1", "gw2"))
        routes = self.scratch.write("routes", "".join(
            f"/via-{n.name}@example\\.com$/ smtp:[127.0.0.1]:{n.smtp}\n" for n in self.nodes()) +
            f"/@remote\\.example$/ smtp:[127.0.0.1]:{self.sink.port}\n")
        self.world = Postfix(self.scratch.path("world"), "mx.remote.example", {port: {}},
                             relay_domains="remote.example", transport_maps="regexp:" + routes,
                             smtp_bind_address=OUTSIDE)
        self.servers = [self.gw1.postfix, self.gw2.postfix, self.world]

    def nodes(self):
        return self.gw1, self.gw2

    def start(self):
        self.build()
        for server in self.servers:
            at_end(server.stop)
        starting = [threading.Thread(target=server.start) for server in self.servers]
        for each in starting:
            each.start()
        self.gw1.key("init")
        self.gw1.copy_to(self.gw2)
        for node in self.nodes():
            node.daemon.start()
            SUITE.logs.update({node.name: node.daemon.log, node.name + "'s Postfix": node.postfix.log})
        for each in starting:
            each.join()
        true(all(server.master() for server in self.servers), "Postfix does not run:\n" + self.world.log())

    def fresh(self, *commands):
        """Both nodes, with a new ring that these commands of bvkey have made, each a list of words."""
        where = self.scratch.path("fresh")
        shutil.rmtree(where, ignore_errors=True)
        os.mkdir(where, 0o755)
        for command in commands or (["--at", days_ago(1), "init"],):
            bvkey(os.path.join(where, "keyring.json"), *command)
        for node in self.nodes():
            copy(os.path.join(where, "keyring.json"), node.keyring)
            if node.daemon.process.poll() is not None:
                node.daemon.start()
            node.daemon.process.send_signal(signal.SIGHUP)
        for node in self.nodes():
            node.follows(".")
        return self.nodes()

    def send(self, node, back, to):
        """A user of a node writes to somebody in the world; the word in the message."""
        word = token()
        with Client(node.submission, "127.0.0.1", "laptop.example.com") as client:
            out = transact(client, f"<via-{back.name}@example.com>", [f"<{to}@remote.example>"],
                           f"Subject: {word}\n\nHello\n")
        same(out.final.code, 250, f"{node.name}'s answer to a message ({out})")
        return word

    def sign(self, node, back=None):
        """The tagged sender that a message of a node's user has on arrival."""
        word = self.send(node, back or node, "friend")
        found = self.sink.wait(word)
        same(len(found), 1, f"copies of a message that {node.name} has sent")
        matches(found[0].sender, r"^prvs=\d{4}[0-9a-f]{6}=via-", f"sender of a message from {node.name}")
        return found[0].sender

    def returns(self, node, back):
        """A message from one node bounces, and comes back through the other to its user."""
        word = self.send(node, back, "nosuch")
        found = self.sink.wait(word, match=lambda m: m.sender == "", timeout=8)
        same([m.recipients for m in found], [[f"via-{back.name}@example.com"]],
             f"recipients of the bounce of {node.name}'s message through {back.name}")
        matches(found[0].data.split("\n")[0], r"^X-Bounce-Verification: pass \(valid\)", "the bounce's first line")

    def both_ways(self):
        self.returns(self.gw1, self.gw2)
        self.returns(self.gw2, self.gw1)

    def judge(self, node, tag):
        """The verdict of a node on a bounce to a tag, which must fit the reply."""
        before = len(node.daemon.log())
        with Client(node.smtp, OUTSIDE) as client:
            out = transact(client, "<>", [f"<{tag}>"], f"Subject: {token()}\n\nReturned\n")
        line = rf"event=bounce, verdict=([\w-]+), action=(\w+), .*rcpt=<{re.escape(tag)}>"
        found = []

        def logged():
            found[:] = re.findall(line, node.daemon.log()[before:])
            return found
        true(wait_until(logged, 5), f"{node.name} has logged nothing about {tag}")
        verdict, action = found[-1]
        code = (out.end or out.rcpts[0]).code
        same((code, action), (250, "accept") if verdict == "valid" else (550, "reject"),
             f"{node.name}'s reply and action, verdict {verdict}")
        return verdict

    def verdicts(self, tag, want, what):
        """What both nodes say."""
        same([self.judge(node, tag) for node in self.nodes()], [want] * 2, f"verdicts of both nodes on {what}")

    def shell(self, node):
        """Runs lines of the GUIDE as on a node; ssh goes to the other one, which is a directory beside it."""
        bin_dir = self.scratch.path("bin")
        if not os.path.isdir(bin_dir):
            os.mkdir(bin_dir)
            os.symlink(program("bvkey"), os.path.join(bin_dir, "bvkey"))
            with open(os.open(os.path.join(bin_dir, "ssh"), os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
                file.write(f'#!/bin/sh\ncd {shlex.quote(self.scratch.dir)}/"$1" || exit 255\nshift\n'
                           'BV_KEYRING=$PWD/keyring.json exec sh -c "$*"\n')
        env = {**os.environ, "PATH": bin_dir + ":" + os.environ["PATH"], "BV_KEYRING": node.keyring}

        def run(line):
            for each in self.nodes():
                with open(os.path.join(each.daemon.dir, "mail.log"), "w") as file:
                    file.write(each.daemon.log() + "\n")
            done = subprocess.run(["sh", "-c", line.replace("/var/log/mail.log", "mail.log")], env=env,
                                  cwd=node.daemon.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=30)
            same(done.returncode, 0, f"exit status of {line!r}, which said {done.stdout!r}")
            return done.stdout
        return run


def guide(title, mark):
    """The text of the GUIDE that stands indented below a paragraph, in the section with a title."""
    with open(os.path.join(ROOT, "doc", "GUIDE")) as file:
        text = file.read()
    section = re.search(rf"(?ms)^\d+  {re.escape(title)}\n-+\n(.*?)(?=\n\n\n|\Z)", text)
    true(section, f"the GUIDE has no section {title!r}")
    block = re.search(rf"(?m)^{re.escape(mark)}.*\n(?:\S.*\n)*\n((?:    .*\n)+)", section[1])
    true(block, f"the section {title!r} of the GUIDE has nothing below {mark!r}")
    return textwrap.dedent(block[1]).replace("\\\n", "")


SUITE = Suite()
CLUSTER = Cluster()

"""What tools/quickstart.sh shows; ends with 0 only when all of it was seen as it should be."""

import os
import pwd
import re
import subprocess
import sys
import textwrap

from harness import (BIN, ROOT, Client, Daemon, Failed, Postfix, Scratch, Sink, at_end, clean_up, contains,
                     free_port, matches,
                     program, same, transact, true)

ALICE, OUTSIDE = "alice@example.com", "127.0.0.2"
SOCKET_PATH = 80  # a socket's path may have 107 octets


def say(text="", indent=3):
    print(textwrap.indent(text, " " * indent), flush=True)


def step(number, text):
    print(f"\n{number}. {text}\n", flush=True)


def reachable(directory):
    """Whether user postfix gets into a directory."""
    postfix = pwd.getpwnam("postfix")
    done = subprocess.run(["test", "-x", directory], user=postfix.pw_uid, group=postfix.pw_gid, extra_groups=[],
                          cwd="/")
    return done.returncode == 0


def scratch():
    """build/, unless Postfix's user cannot get there or the path is too long for a socket."""
    build = os.path.join(ROOT, "build")
    os.makedirs(build, exist_ok=True)
    own = Scratch(build, "quickstart.")
    if reachable(own.dir) and len(own.dir) < SOCKET_PATH:
        return own
    say(f"(user postfix cannot use {build}: this runs in a directory under /tmp)", 0)
    return Scratch("/tmp", "bv-quickstart.")


class Show:
    def command(self, name, *args):
        """Shows a command and what it prints; it must succeed."""
        say("$ " + " ".join([os.path.join(os.path.relpath(BIN, ROOT), name), *args]).replace(self.dir, "DIR"))
        done = subprocess.run([program(name), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.stdout:
            say(done.stdout.rstrip().replace(self.dir, "DIR"))
        same(done.returncode, 0, f"exit status of {name}")

    def keys(self):
        step(1, "A keyring: the secret with which addresses are signed")
        self.scratch = scratch()
        self.dir = self.scratch.dir
        say(f"(DIR is {self.dir}; it goes at the end)\n")
        self.keyring = self.scratch.path("keyring.json")
        self.command("bvkey", "-f", self.keyring, "init")
        self.command("bvkey", "-f", self.keyring, "list")

    def start(self):
        step(2, "The daemon, with these settings:")
        self.daemon = Daemon(self.dir, "bv", None, keyring=self.keyring, warmup="off")
        with open(self.daemon.conf) as file:
            say(file.read().replace(self.dir, "DIR"))
        say(f'and "example.com reject" in the table of our domains. ({OUTSIDE} plays the outside world here. By\n'
            "default, forged bounces are only marked in a new ring's first week: warmup switches that off.)\n")
        self.command("bvmilter", "-t", "-c", self.daemon.conf)
        say("$ bvmilter -c bv/bvmilter.conf &")
        self.daemon.start()

    def servers(self):
        step(3, "Two private Postfix servers: our gateway, and the rest of the world")
        self.smtp, self.submission, self.far = free_port(), free_port(), free_port()
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.sink.rules.append((r"(?i)<bob@", "550 5.1.1 <bob@remote.example>: no such user here"))
        milter = {"smtpd_milters": self.daemon.milter}
        self.gateway = Postfix(
            self.scratch.path("gateway"), "gw.example.com",
            {self.smtp: milter, self.submission: {**milter, "milter_macro_daemon_name": "ORIGINATING"}},
            relay_domains="example.com", relayhost=f"[127.0.0.1]:{self.far}",
            transport_maps=f"inline:{{ example.com=smtp:[127.0.0.1]:{self.sink.port} }}")
        self.world = Postfix(
            self.scratch.path("world"), "mx.remote.example", {self.far: {}}, relay_domains="remote.example",
            relayhost=f"[127.0.0.1]:{self.smtp}", smtp_bind_address=OUTSIDE,
            transport_maps=f"inline:{{ remote.example=smtp:[127.0.0.1]:{self.sink.port} }}")
        for server in (self.gateway, self.world):
            at_end(server.stop)
            server.start()
            true(server.master(), "Postfix does not run: " + server.log())
        say(f"gw.example.com       127.0.0.1:{self.smtp}, mail from outside\n"
            f"                     127.0.0.1:{self.submission}, mail of our users\n"
            f"                     smtpd_milters = {self.daemon.milter.replace(self.dir, 'DIR')}\n"
            f"mx.remote.example    127.0.0.1:{self.far}, talks to us from {OUTSIDE}")

    def log(self, pattern):
        """Shows the daemon's line about something."""
        found = self.daemon.wait_log(pattern)
        true(found, f"bvmilter has not logged {pattern}")
        say("bvmilter's log:")
        say(found.string, 5)
        return found

    def sign(self):
        step(4, f"{ALICE} writes to bob@remote.example, who does not exist")
        with Client(self.submission, "127.0.0.1", "laptop.example.com") as client:
            out = transact(client, f"<{ALICE}>", ["<bob@remote.example>"],
                           f"From: Alice <{ALICE}>\nTo: bob@remote.example\nSubject: Lunch?\n\nToday at noon?\n")
        same(out.final.code, 250, f"the gateway's answer ({out})")
        true(self.world.wait_log(r"status=bounced"), "the remote server does not bounce the message")
        mail, rcpt, reply = self.sink.refused[0]
        self.tag = matches(mail, rf"^<(prvs=\d{{4}}[0-9a-f]{{6}}={re.escape(ALICE)})>",
                           "the sender on the wire")[1]
        say("What the remote side gets, on the wire:")
        say(f"MAIL FROM:{mail}\nRCPT TO:{rcpt}\n{reply}\n", 5)
        say(f"The sender has a tag now: key {self.tag[5]}, the day on which it expires, six digits of an HMAC.\n")
        self.log("event=sign, verdict=signed")

    def bounce(self):
        step(5, "The remote server bounces the message, to the sender that it was given")
        copies = self.sink.wait("Lunch?", match=lambda m: m.sender == "")
        same([c.recipients for c in copies], [[ALICE]], "recipients of the bounce")
        matches(copies[0].data.split("\n")[0], r"^X-Bounce-Verification: pass \(valid\)",
                "the first line of the bounce")
        shown = [line for line in copies[0].data.split("\n\n")[0].split("\n")
                 if re.match(r"(X-Bounce|From:|To:|Subject:)", line)]
        say("What reaches Alice, at the address without the tag:")
        say(f"MAIL FROM:{copies[0].mail}\nRCPT TO:{copies[0].rcpts[0]}\n" + "\n".join(shown) + "\n", 5)
        self.log("event=bounce, verdict=valid")

    def forged(self):
        step(6, "A spammer has used Alice's address; two bounces of such mail come in")
        forged = self.tag[:9] + f"{int(self.tag[9:15], 16) ^ 0xffffff:06x}" + self.tag[15:]
        for rcpt in (forged, ALICE):
            with Client(self.smtp, OUTSIDE, "mx.remote.example") as client:
                out = transact(client, "<>", [f"<{rcpt}>"],
                               "Subject: Undelivered mail: cheap pills\n\nNot found.\n")
            reply = out.end or out.rcpts[0]
            same(reply.code, 550, f"the answer to a bounce to {rcpt} ({out})")
            contains(reply.text, "bounce verification failed", "the answer")
            say(f"MAIL FROM:<>\nRCPT TO:<{rcpt}>\n" + ("...\n" if out.end else "") + str(reply) + "\n", 5)
            self.log(rf"event=bounce, verdict=(forged|untagged), action=reject, .*rcpt=<{re.escape(rcpt)}>")
            say()
        same(len(self.sink.messages), 1, "messages that have arrived in all")

    def run(self):
        say("bv quickstart: bounce verification on real mail, on this machine's loopback only", 0)
        for part in (self.keys, self.start, self.servers, self.sign, self.bounce, self.forged):
            part()
        clean_up()
        say("All of this was as it should be; all of it is stopped and removed again.\n", 0)
        say("Where to go on:\n"
            "  README       what bv is, and ten lines to a working Postfix\n"
            "  doc/GUIDE    Postfix or Sendmail, step by step, from nothing to enforcing", 0)


show = Show()
try:
    show.run()
except (Failed, RuntimeError, OSError) as err:
    print(f"\nquickstart: this is not as it should be: {err}", file=sys.stderr)
    for name in ("daemon", "gateway", "world"):
        if hasattr(show, name):
            print(f"-- {name}\n{getattr(show, name).log()[-3000:]}", file=sys.stderr)
    sys.exit(1)

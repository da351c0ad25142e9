"""
The world of test_fail2ban.py: fail2ban as its Debian package has it, with the
project's filter and jails, and the logs in which it may find the daemon's lines.
"""

import collections
import glob
import os
import shutil
import subprocess
import sys
import time

from harness import ROOT, Skip, at_end, same, true, wait_until
from packages import run, unpacked

OURS = os.path.join(ROOT, "tools", "packaging", "fail2ban")
PREFIX = "bvmilter: "
UNIT = "bvmilter.service"


def stamp(form="%b %e %H:%M:%S"):
    return time.strftime(form, time.gmtime())


# name -> a line of the daemon, which begins with PREFIX, as it is in such a file
FILES = {
    "mail.log": lambda line: f"{stamp()} gw bvmilter[427]: {line[len(PREFIX):]}",
    "mail.log without process ids": lambda line: f"{stamp()} gw {line}",
    "mail.log with RFC 3339 times": lambda line: f"{stamp('%FT%T.123456+00:00')} gw.example.com bvmilter[427]: "
                                                 f"{line[len(PREFIX):]}",
    "mail.log of a host without a name": lambda line: f"{stamp()} 192.0.2.25 bvmilter[427]: {line[len(PREFIX):]}",
    "mail.log with standard error": lambda line: f"{stamp()} gw bvmilter[427]: {line}",
    "mail.log that cuts long lines": lambda line: FILES["mail.log"](line)[:400],
    "standard error": str,
    "standard error with times": lambda line: f"{stamp('%FT%TZ')} {line}",
}


def journal_entry(message, unit=UNIT, identifier="bvmilter"):
    """An entry in the journal's export format."""
    fields = {"__REALTIME_TIMESTAMP": int(time.time() * 1e6), "__MONOTONIC_TIMESTAMP": 1000000,
              "_BOOT_ID": "0123456789abcdef0123456789abcdef", "_HOSTNAME": "gw", "_PID": 427, "_COMM": "bvmilter",
              "_SYSTEMD_UNIT": unit, "SYSLOG_IDENTIFIER": identifier, "MESSAGE": message}
    return "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"


# the same for a journal: -> an entry
JOURNALS = {
    "journal": lambda line: journal_entry(line[len(PREFIX):]),
    "journal with standard error": journal_entry,
}


class Journal:
    """What it takes to make a journal without journald."""

    def __init__(self):
        packages = ["python3-systemd", "systemd-journal-remote", "libsystemd-shared"]
        self.root = unpacked("journal", packages, lambda directory: None)

    def write(self, path, entries):
        libraries = glob.glob(f"{self.root}/usr/lib/*/systemd")
        program = os.path.join(self.root, "lib/systemd/systemd-journal-remote")
        done = subprocess.run([program, "--split-mode=none", "-o", path, "-"], input="".join(entries), text=True,
                              capture_output=True, env=dict(os.environ, LD_LIBRARY_PATH=":".join(libraries)))
        if done.returncode != 0:
            raise Skip("no journal can be made here (tools/deps.sh fail2ban): " + " ".join(done.stderr.split())[:200])


class Fail2ban:
    """Its configuration, as shipped but for what the project adds, lies in the directory."""

    def __init__(self, scratch):
        self.root = unpacked("fail2ban", ["fail2ban"], lambda directory: None)
        self.scratch, self.conf = scratch, scratch.path("fail2ban")
        shutil.copytree(os.path.join(self.root, "etc/fail2ban"), self.conf)
        shutil.copytree(OURS, self.conf, dirs_exist_ok=True)
        self.modules = [os.path.join(self.root, "usr/lib/python3/dist-packages")]
        self.journal, self.server = None, None

    def words(self, program, *args):
        return [sys.executable, "-W", "ignore", os.path.join(self.root, "usr/bin", program), "-c", self.conf, *args]

    def env(self):
        return dict(os.environ, PYTHONPATH=":".join(self.modules), TZ="UTC", LC_ALL="C.UTF-8")

    def run(self, program, *args):
        done = subprocess.run(self.words(program, *args), env=self.env(), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)
        out = done.stdout.decode("utf-8", "replace")
        return done.returncode, out, done.stderr.decode("utf-8", "replace")

    def write(self, name, text):
        with open(os.path.join(self.conf, name), "w") as file:
            file.write(text)

    def hits(self, log, filter_):
        """{address: how often} of what a filter finds in a log; each must have happened just now."""
        status, out, err = self.run("fail2ban-regex", "-o", "<ip> <time>", log, filter_)
        same((status, err), (0, ""), f"what fail2ban-regex says of {filter_}, with {out!r}")
        found = [line.split() for line in out.splitlines()]
        old = [hit for hit in found if abs(float(hit[1]) - time.time()) > 600]
        same(old, [], "hits at a wrong time")
        return collections.Counter(address for address, _ in found)

    def log(self, layout, lines, foreign=()):
        """Lines of the daemon, and others as they are, as fail2ban-regex is to be told of them."""
        name = self.scratch.path(layout.replace(" ", "-"))
        if layout in FILES:
            with open(name, "w") as file:
                file.writelines(text + "\n" for text in [FILES[layout](line) for line in lines] + list(foreign))
            return name
        self.journal = self.journal or Journal()
        self.modules.append(os.path.join(self.journal.root, "usr/lib/python3/dist-packages"))
        strange = [journal_entry(text, "postfix@-.service", "postfix/smtpd") for text in foreign]
        strange += [journal_entry(line[len(PREFIX):], "session-1.scope") for line in lines]
        self.journal.write(name + ".journal", [JOURNALS[layout](line) for line in lines] + strange)
        return f"systemd-journal[journalfiles={name}.journal]"

    # ---- a server of its own

    def serve(self, settings):
        """Starts it with jail settings over the project's; what it would do is in the file self.bans()."""
        self.record = self.scratch.path("bans")
        self.write("action.d/record.conf", f"[Definition]\nactionban = echo <name> <ip> >>{self.record}\n"
                   "actionunban =\n")
        self.write("fail2ban.local", "[Definition]\ndbfile = None\nlogtarget = STDERR\n"
                   f"socket = {self.scratch.path('socket')}\npidfile = {self.scratch.path('pid')}\n")
        self.write("jail.d/zz-test.local", "[DEFAULT]\nbanaction = record\nbackend = polling\n[sshd]\n"
                   "enabled = false\n" + settings)
        with open(self.scratch.path("server"), "wb") as out:
            self.server = subprocess.Popen(self.words("fail2ban-server", "-f"), env=self.env(),
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        at_end(self.stop)
        true(wait_until(lambda: "Server ready" in self.said() or self.server.poll() is not None, 20) and
             self.server.poll() is None, f"fail2ban does not start: {self.said()}")

    def said(self):
        with open(self.scratch.path("server"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def bans(self):
        if not os.path.exists(self.record):
            return []
        with open(self.record) as file:
            return file.read().splitlines()

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()

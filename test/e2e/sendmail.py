"""A private Sendmail: unpacked and never installed; own configuration, queue and log, no DNS, loopback only."""

import glob
import os
import re
import shutil
import socketserver
import struct
import subprocess
import threading
import time

from packages import unpacked
from place import ROOT, at_end, wait_until
from tap import Skip

PACKAGES = ["sendmail-bin", "sendmail-cf", "libsasl2-modules"]
HERE = os.path.join(ROOT, "test/e2e")

# The relay of mailertable is the mailer "smtp", the smart host "esmtp"; "local" goes to the smart host too.
MC = """divert(0)dnl
include(`{cf}/m4/cf.m4')dnl
VERSIONID(`test')dnl
OSTYPE(`bsd4.4')dnl
define(`confDOMAIN_NAME', `gw.example.com')dnl
define(`ALIAS_FILE', `{dir}/aliases')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`HELP_FILE', `')dnl
define(`confPID_FILE', `{dir}/pid')dnl
define(`QUEUE_DIR', `{dir}/queue')dnl
define(`confCW_FILE', `{dir}/local-host-names')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/service.switch')dnl
define(`confHOSTS_FILE', `/dev/null')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confQUEUE_LA', `10000')dnl
define(`confTO_IDENT', `0')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_QUEUEWARN', `')dnl
define(`confDEF_USER_ID', `daemon')dnl
define(`confPRIVACY_FLAGS', `')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confAUTH_MECHANISMS', `PLAIN')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {sink}')dnl
define(`SMTP_MAILER_ARGS', `TCP $h {relay}')dnl
define(`LOCAL_MAILER_PATH', `[IPC]')dnl
define(`LOCAL_MAILER_ARGS', `TCP [127.0.0.1] {sink}')dnl
define(`LOCAL_MAILER_FLAGS', `mn9')dnl
define(`LOCAL_MAILER_EOL', `\\r\\n')dnl
define(`LOCAL_MAILER_DSN_DIAGNOSTIC_CODE', `SMTP')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`use_cw_file')dnl
FEATURE(`access_db', `hash -T<TMPF> {dir}/access')dnl
FEATURE(`blocklist_recipients')dnl
FEATURE(`virtusertable', `hash {dir}/virtusertable')dnl
FEATURE(`mailertable', `hash {dir}/mailertable')dnl
VIRTUSER_DOMAIN(`virt.example')dnl
{ports}MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_CONFIG
ESASL_PATH={dir}/sasl2
ESASL_CONF_PATH={dir}
"""


def why_not():
    """Why no Sendmail can be run here; None when it can, as far as can be seen without fetching it."""
    if os.geteuid() != 0:
        return "a private Sendmail can only be started by root"
    for tool, package in (("m4", "m4"), ("cc", "gcc")):
        if not shutil.which(tool):
            return f"{package} is not installed (tools/deps.sh sendmail)"
    return None


def place():
    """A directory in which Sendmail trusts files and sockets: nobody else may write in it or above."""
    for path in ("/run", "/var/lib", "/root"):
        above = ("/", os.path.dirname(path), path)
        if os.path.isdir(path) and not any(os.stat(each).st_mode & 0o022 for each in above):
            return path
    raise Skip("Sendmail trusts neither /run nor /var/lib nor /root here: others may write there")


def prepare(directory):
    """The programs without setgid bit, which would have the loader ignore what is preloaded."""
    for name in ("sendmail", "makemap"):
        shutil.copyfile(os.path.join(directory, "usr/libexec/sendmail", name), os.path.join(directory, name))
        os.chmod(os.path.join(directory, name), 0o755)
    shutil.move(os.path.join(directory, "usr/share/sendmail/cf"), os.path.join(directory, "cf"))
    shutil.move(glob.glob(os.path.join(directory, "usr/lib/*/sasl2"))[0], os.path.join(directory, "sasl2"))
    for name in ("usr", "etc"):
        shutil.rmtree(os.path.join(directory, name))


class Auth:
    """Stands in for saslauthd: every password is good."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            for _ in ("user", "password", "service", "realm"):
                self.rfile.read(*struct.unpack(">H", self.rfile.read(2)))
            self.wfile.write(b"\0\2OK")

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    def __init__(self, path):
        self.server = self.Server(path, self.Session)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Sendmail:
    """
    daemons: {port: {key of DaemonPortOptions: value}}, a daemon on 127.0.0.1:port each; lines: what else stands
    in sendmail.mc; sink, relay: ports of the smart host and of the relay; tables: {name: text}.
    """

    def __init__(self, directory, daemons, lines, sink, relay, local_domains, tables):
        self.dir = directory
        self.log_file = os.path.join(directory, "log")
        self.process = None
        self.unpacked = unpacked("sendmail", PACKAGES, prepare)
        os.makedirs(os.path.join(directory, "queue"), 0o700)
        ports = "".join(f"DAEMON_OPTIONS(`Family=inet, Addr=127.0.0.1, Port={port}" +
                        "".join(f", {key}={value}" for key, value in options.items()) + "')dnl\n"
                        for port, options in daemons.items())
        self.write("sendmail.mc", MC.format(dir=directory, cf=os.path.join(self.unpacked, "cf"), ports=ports,
                                            sink=sink, relay=relay) + lines)
        # below build/, others may be able to write
        shutil.copytree(os.path.join(self.unpacked, "sasl2"), self.path("sasl2"))
        self.write("service.switch", "hosts files\naliases files\npasswd files\n")
        self.write("Sendmail.conf", "pwcheck_method: saslauthd\nmech_list: PLAIN\n"
                   f"saslauthd_path: {directory}/mux\n")
        self.write("statistics", "")
        self.write("aliases", "postmaster: news\nMAILER-DAEMON: postmaster\n")
        self.write("local-host-names", "".join(name + "\n" for name in local_domains))
        self.environment = dict(os.environ, LC_ALL="C", SENDMAIL_LOG=self.log_file, LD_PRELOAD=self.preload())
        self.cf = self.path("sendmail.cf")
        self.write("sendmail.cf", self.call("m4", f"-D_CF_DIR_={self.unpacked}/cf/", self.path("sendmail.mc")))
        for name, text in tables.items():
            self.call(os.path.join(self.unpacked, "makemap"), "-C", self.cf, "hash", self.path(name),
                      input=text)
        self.sendmail("-bi")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def preload(self):
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.path("preload.so"),
                        os.path.join(HERE, "sendmail_preload.c")], check=True, timeout=60)
        return self.path("preload.so")

    def call(self, *words, input=""):
        done = subprocess.run(words, env=getattr(self, "environment", None), input=input, timeout=60, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 127 and "shared librar" in done.stderr:
            raise Skip("Sendmail does not start here (tools/deps.sh sendmail): " + done.stderr.strip()[:200])
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: "
                               f"{done.stderr}{self.log()[-2000:]}")
        return done.stdout

    def sendmail(self, *options, input=""):
        """What the program prints with this configuration."""
        return self.call(os.path.join(self.unpacked, "sendmail"), f"-C{self.cf}", *options,
                         input=input)

    def start(self):
        """Returns when all ports listen."""
        self.process = subprocess.Popen(
            [os.path.join(self.unpacked, "sendmail"), f"-C{self.cf}", "-bD"], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.path("stderr"), "w"))
        at_end(self.stop)
        wait_until(lambda: "starting daemon" in self.log() or self.process.poll() is not None, 30)
        if self.process.poll() is not None:
            with open(self.path("stderr")) as file:
                raise RuntimeError(f"Sendmail did not start: {file.read()}\n{self.log()[-2000:]}")

    def stop(self):
        """Ends the daemon, and what it has begun."""
        for pid in self.processes():
            try:
                os.kill(pid, 15)
            except ProcessLookupError:
                pass
        if self.process:
            self.process.wait()
        if not wait_until(lambda: not self.processes()):
            for pid in self.processes():
                os.kill(pid, 9)

    def processes(self):
        """All that have our library loaded, and so are ours."""
        mine = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/maps") as file:
                    if self.path("preload.so") in file.read():
                        mine.append(int(pid))
            except OSError:
                pass
        return mine

    def log(self):
        try:
            with open(self.log_file, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, timeout=20):
        """The first match of a regular expression in the log; None when time is up."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.log())
            if found or time.monotonic() > end:
                return found
            time.sleep(0.02)

    def queue(self):
        """The queue ids of what waits, or is under way."""
        return {name[2:] for name in os.listdir(self.path("queue")) if name[:2] in ("qf", "df", "tf", "hf")}

    def wait_gone(self, queue_id, timeout=20):
        """Whether a message has left the queue for good."""
        return wait_until(lambda: queue_id not in self.queue(), timeout)

    def flush(self):
        """One run through the queue, to its end."""
        self.sendmail("-q", "-v")  # without -v it would go on in the background

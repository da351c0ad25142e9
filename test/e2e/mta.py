"""A private Postfix: own configuration, queue, data and log, no DNS, loopback only."""

import base64
import json
import os
import pwd
import re
import shutil
import signal
import socketserver
import subprocess
import threading
import time

os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/log/maillog
maillog_file_prefixes = {dir}/log
mail_owner = postfix
setgid_group = postdrop
myhostname = {host}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_recipient_maps =
relay_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
smtpd_junk_command_limit = 10000
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtp_connection_cache_on_demand = no
in_flow_delay = 0
enable_long_queue_ids = yes
minimal_backoff_time = 300s
notify_classes =
milter_default_action = tempfail
milter_connect_timeout = 5s
milter_command_timeout = 5s
milter_content_timeout = 10s
"""

MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


def why_not():
    """Why no Postfix can be run here; None when it can."""
    if os.geteuid() != 0:
        return "a private Postfix can only be started by root"
    if not shutil.which("postfix"):
        return "Postfix is not installed (make deps)"
    return None


class Postfix:
    """
    services: {port: {parameter: value}}, an smtpd on 127.0.0.1:port each;
    settings: main.cf parameters over those above.
    """

    def __init__(self, directory, host, services, **settings):
        self.dir = directory
        self.conf = os.path.join(directory, "etc")
        self.log_file = os.path.join(directory, "log", "maillog")
        for name in ("etc", "queue", "data", "log"):
            os.makedirs(os.path.join(directory, name), 0o755)
        os.chown(os.path.join(directory, "data"), pwd.getpwnam("postfix").pw_uid, -1)
        with open(os.path.join(self.conf, "main.cf"), "w") as file:
            file.write(MAIN.format(dir=directory, host=host))
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        with open(os.path.join(self.conf, "master.cf"), "w") as file:
            for port, options in services.items():
                file.write(f"127.0.0.1:{port} inet n - n - - smtpd\n")
                file.writelines(f"  -o {{ {name} = {value} }}\n" for name, value in options.items())
            file.write(MASTER.lstrip("\n"))

    def run(self, command, *args, check=True):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run([command, "-c", self.conf, *args], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} {' '.join(args)} failed: {done.stdout}\n{self.log()[-2000:]}")
        return done.stdout

    def start(self):
        """Returns when all ports answer: the master has told that it is ready."""
        self.run("postfix", "start")

    def master(self):
        """The master's process id, None when it does not run."""
        try:
            with open(os.path.join(self.dir, "queue/pid/master.pid")) as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/environ", "rb") as file:
                ours = f"MAIL_CONFIG={self.conf}".encode() in file.read().split(b"\0")
            return pid if ours else None
        except (OSError, ValueError):
            return None

    def stop(self):
        pid = self.master()
        if pid is None:
            return
        self.run("postfix", "stop", check=False)
        end = time.monotonic() + 5
        while self.master() and time.monotonic() < end:
            time.sleep(0.02)
        if self.master():
            os.killpg(pid, signal.SIGKILL)

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

    def wait_gone(self, queue_id, timeout=20):
        """Whether a message has left the queue for good."""
        return self.wait_log(rf"\b{queue_id}: removed", timeout) is not None

    def queue(self):
        lines = self.run("postqueue", "-j").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def flush(self):
        self.run("postqueue", "-f")


class Auth:
    """Stands in for Dovecot's authentication server: PLAIN, every password is good."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
                             b"COOKIE\t00112233445566778899aabbccddeeff\nDONE\n")
            for line in self.rfile:
                word = line.decode().rstrip("\n").split("\t")
                if word[0] == "AUTH":
                    response = next(w[5:] for w in word if w.startswith("resp="))
                    user = base64.b64decode(response).split(b"\0")[1].decode()
                    self.wfile.write(f"OK\t{word[1]}\tuser={user}\n".encode())

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    settings = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
                "smtpd_sasl_security_options": "noanonymous"}

    def __init__(self, path):
        self.server = self.Server(path, self.Session)
        os.chmod(path, 0o666)
        self.settings = dict(self.settings, smtpd_sasl_path="unix:" + path)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

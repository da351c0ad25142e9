"""A private slapd, and Postfix's LDAP tables where they are not installed; unpacked, never installed."""

import glob
import os
import shutil
import socket
import subprocess

from packages import run, unpacked
from place import at_end, wait_until
from tap import Skip

CONFIG = """
include {etc}/schema/core.schema
include {etc}/schema/cosine.schema
include {etc}/schema/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
pidfile {dir}/pid
database mdb
suffix "dc=example"
directory {dir}/db
maxsize 10485760
"""
TOP = "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n"
PERSON = "\ndn: uid={uid},dc=example\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n"
TABLE = """server_host = ldap://127.0.0.1:{port}
version = 3
bind = no
timeout = 5
search_base = dc=example
query_filter = (mail=%s)
result_attribute = uid
"""


def plugin(postfix):
    """The file with the LDAP tables that fits a Postfix; None when it has them already."""
    if "ldap" in postfix.run("postconf", "-m").split():
        return None
    version = run("dpkg-query", "-W", "-f", "${Version}", "postfix").stdout
    if not version:
        raise Skip("Postfix has no LDAP tables, and is no package that some could be added to")
    where = unpacked(f"postfix-ldap-{version}", [f"postfix-ldap={version}"], lambda directory: None)
    return os.path.join(where, "usr/lib/postfix/postfix-ldap.so")


class Slapd:
    """people: {user id: mail addresses}.  Serves on 127.0.0.1:port once it is started."""

    def __init__(self, directory, port, people):
        self.port, self.process = port, None
        root = "/" if shutil.which("slapd") else unpacked("slapd", ["slapd"], lambda directory: None)
        self.program = shutil.which("slapd") or os.path.join(root, "usr/sbin/slapd")
        self.env = dict(os.environ)
        if root != "/":
            self.env["LD_LIBRARY_PATH"] = ":".join(glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*")))
        os.makedirs(os.path.join(directory, "db"))
        self.config = os.path.join(directory, "slapd.conf")
        with open(self.config, "w") as file:
            file.write(CONFIG.format(dir=directory, etc=os.path.join(root, "etc/ldap"),
                                     modules=os.path.join(root, "usr/lib/ldap")))
        text = TOP + "".join(PERSON.format(uid=uid) + "".join(f"mail: {mail}\n" for mail in mails)
                             for uid, mails in people.items())
        done = subprocess.run([self.program, "-T", "add", "-f", self.config], input=text, text=True, env=self.env,
                              capture_output=True)
        if done.returncode != 0:
            raise Skip("slapd does not run here (tools/deps.sh ldap): " + " ".join(done.stderr.split())[:200])

    def start(self):
        self.process = subprocess.Popen([self.program, "-d", "0", "-f", self.config, "-h", f"ldap://127.0.0.1:{self.port}"],
                                        env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        at_end(self.stop)
        if not wait_until(lambda: self.answers() or self.process.poll() is not None) or not self.answers():
            raise RuntimeError("slapd does not serve")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

"""
The world of test_validation.py: a gateway that has recipients in all of
Postfix's address classes and finds the tagged ones by the daemon's map, set up
with the files of doc/examples; a remote Postfix that calls back to verify
senders; a host that only sends, with the same keys and no map; the sink, and
boxes, in which all mail ends that is delivered.

smtpd and cleanup of the gateway run in the queue directory, as chroot, as they
do on Debian.
"""

import contextlib
import grp
import os
import pwd
import re
import threading

import shipped
import slapd
from boxes import Boxes, at_sink
from harness import (Client, Daemon, Postfix, Scratch, Sink, Skip, Suite, at_end, free_port, matches, prvs, same, token,
                     transact, true)

OUTSIDE, SENDING_HOST, INSIDE = "127.0.0.2", "127.0.0.3", "127.0.0.1"

# Lifetimes are 7 days.
SIGNING = prvs.Key(3, b"the key that signs at this time!", -1)
SUPERSEDED = prvs.Key(2, b"superseded one day ago..........", -12)
RETIRED = prvs.Key(1, b"superseded twelve days ago......", -40)
ABSENT = prvs.Key(9, b"a key that no ring has.........")
RING = prvs.Ring([SIGNING, SUPERSEDED, RETIRED])

# Address class -> where mail to user@CLASS.example ends.
CLASSES = {"local": "user@local.example", "relay": "user@relay.example", "virtual": "user@virtual.example",
           "alias": "target@elsewhere.example"}
DOMAINS = "".join(f"{name}.example reject\n" for name in (*CLASSES, "ldap"))
DOMAINS += "off.example off\nnomail.example no-mail\n"

PEOPLE = {"user": ["user@ldap.example", "other.name@ldap.example"], "al": ["al.ice@ldap.example"]}

# Daemon -> its settings.  "bv" is that of doc/examples and the GUIDE; the last two run when a case starts them.
DAEMONS = {
    "bv": {"user": "nobody"},
    "chroot": {"map": "unix"},
    "rcpt": {"untagged_stage": "rcpt"},
    "plus": {"syntax": "subaddress"},
    "minus": {"syntax": "subaddress", "subaddress_delimiter": "-"},
    "away": {},
    "bare": {"map": "unix"},
}
AWAY = ("away", "bare")


class World:
    """Empty until start() has been called."""

    def build(self):
        self.scratch = Scratch()
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.sink.rules.append((r"(?i)<(nosuch|gone|prvs=\w+=strict)@", "550 5.1.1 no such user here"))
        self.boxes = Boxes(self.scratch.path("boxes"))
        self.queue = self.scratch.path("gateway", "queue")
        self.daemons = {name: self.daemon(name, **options) for name, options in DAEMONS.items()}
        self.ldap_port = free_port()
        self.port = {"remote": free_port()}
        self.files, self.services = shipped.Files(self.scratch.path("etc-bv")), ""
        self.all_services()
        self.gateway = shipped.Gateway(self.scratch.path("gateway"), "gw.example.com", self.main(),
                                       self.services + self.files.local_services())
        for name in DAEMONS:
            self.directory(os.path.join(self.queue, name))
        os.chown(self.daemons["bv"].keyring, -1, pwd.getpwnam("nobody").pw_gid)
        self.ldap()
        self.remote = Postfix(self.scratch.path("remote"), "mx.remote.example",
                              {self.port["remote"]: {"smtpd_sender_restrictions": "reject_unverified_sender"}},
                              relay_domains="remote.example", smtp_bind_address=OUTSIDE,
                              address_verify_sender="<>", **self.verify, **self.routes(virtual="rcpt"))
        self.build_sending_host()

    def build_sending_host(self):
        self.port["sending"] = free_port()
        directory = self.scratch.path("sending")
        lines = {**self.routes(), "smtp_bind_address": SENDING_HOST, "mynetworks": "127.0.0.0/8"}
        self.sending = shipped.Gateway(directory, "out.example.com", self.files.main_cf(0) + shipped.text(lines),
                                       self.files.service(self.port["sending"], "smtpd", self.files.submission_options()))
        self.sending.run("postconf", "-X", "recipient_canonical_maps", "recipient_canonical_classes")
        self.directory(directory + "/queue/bv")
        self.daemons["sending"] = Daemon(self.scratch.dir, "sending-bv", RING, domains=DOMAINS,
                                         listen=f"unix:{directory}/queue/bv/bvmilter.sock")

    @staticmethod
    def directory(path):
        """For sockets: as the GUIDE has it made."""
        os.mkdir(path)
        os.chmod(path, 0o750)
        os.chown(path, -1, grp.getgrnam("postfix").gr_gid)

    def routes(self, **other):
        """From another host: our domains to the gateway, the port "in" unless it says otherwise; the rest to the sink."""
        ports = {name: self.port[other.get(name, "in")] for name in CLASSES}
        return {"relayhost": f"[127.0.0.1]:{self.sink.port}",
                "transport_maps": shipped.inline({f"{n}.example": f"smtp:[127.0.0.1]:{p}" for n, p in ports.items()})}

    verify = {"address_verify_map": "", "address_verify_poll_delay": "1s", "unverified_sender_reject_code": "550",
              "unverified_recipient_reject_code": "550"}

    def daemon(self, name, map="inet", **options):
        directory = f"{self.queue}/{name}"
        where = f"inet:{free_port()}@127.0.0.1" if map == "inet" else f"unix:{directory}/map.sock"
        return Daemon(self.scratch.dir, name, RING, domains=DOMAINS, listen=f"unix:{directory}/bvmilter.sock",
                      map_listen=where, **options)

    def map_address(self, name, directory=""):
        """The map of a daemon in Postfix's words; directory: in front of a path below the queue directory."""
        kind, rest = self.daemons[name].options["map_listen"].split(":", 1)
        if kind == "inet":
            return "inet:{1}:{0}".format(*rest.split("@"))
        return f"unix:{directory}{name}/map.sock"

    def main(self):
        settings = {
            "mydestination": "local.example",
            "alias_maps": f"inline:{{ user={self.boxes.dir}/local }}",
            "local_recipient_maps": "$alias_maps",
            "relay_domains": "relay.example ldap.example off.example nomail.example",
            "relay_recipient_maps": shipped.inline({f"user@{name}.example": "x" for name in ("relay", "off", "nomail")}),
            "virtual_mailbox_domains": "virtual.example",
            "virtual_mailbox_base": self.boxes.dir,
            "virtual_mailbox_maps": shipped.inline({"user@virtual.example": "virtual/"}),
            "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534",
            "virtual_alias_domains": "alias.example",
            "virtual_alias_maps": shipped.inline({"user@alias.example": CLASSES["alias"]}),
            "relayhost": f"[127.0.0.1]:{self.sink.port}",
            "transport_maps": shipped.inline({"remote.example": f"smtp:[127.0.0.1]:{self.port['remote']}"}),
            **self.verify,
        }
        return self.files.main_cf(self.map_address("bv").rsplit(":", 1)[1]) + shipped.text(settings)

    def ldap(self):
        """Finds out whether LDAP tables can be had, and a server for them."""
        self.no_ldap = None
        try:
            plugin = slapd.plugin(self.gateway)
            os.mkdir(self.scratch.path("slapd"))
            self.slapd = slapd.Slapd(self.scratch.path("slapd"), self.ldap_port, PEOPLE)
        except Skip as reason:
            self.no_ldap = str(reason)
            return
        if plugin:
            self.gateway.add_type("ldap", plugin)

    def add(self, name, options=None, maps=None, chroot=None):
        """An smtpd, with a cleanup of its own where the map is another."""
        self.port[name] = free_port()
        options = dict(options or {})
        if maps is not None:
            options.update(maps, cleanup_service_name=f"cleanup-{name}")
            self.services += self.files.service(f"cleanup-{name}", "cleanup", maps, chroot)
        self.services += self.files.service(self.port[name], "smtpd", options, chroot)

    def add_for(self, name, daemon, more="", **options):
        milter = {"smtpd_milters": f"{{ unix:{daemon}/bvmilter.sock{more} }}"}
        self.add(name, {**milter, **options}, self.files.map_settings(self.map_address(daemon)))

    def all_services(self):
        accept = ", default_action=accept"
        self.services += "local unix - n n - - local\nvirtual unix - n n - - virtual\n"
        self.services += self.files.service("cleanup", "cleanup", {})
        self.add("in")
        self.add("submission", {"mynetworks": "127.0.0.0/8", **self.files.submission_options()})
        for name in ("chroot", "rcpt", "plus", "minus"):
            self.add_for(name, name)
        self.add("free", {"smtpd_milters": f"unix:{self.queue}/chroot/bvmilter.sock"},
                 self.files.map_settings(self.map_address("chroot", self.queue + "/")), "n")
        self.add("delimiter", {"smtpd_milters": "unix:plus/bvmilter.sock", "recipient_delimiter": "+"},
                 {"recipient_canonical_maps": ""})
        self.add("second", {}, self.files.map_settings(
            self.map_address("bv"), others=", " + shipped.inline({"former@relay.example": "user@relay.example"})))
        addresses = self.scratch.write("addresses", "user@relay.example user@relay.example\n")
        self.add("listed", {}, self.files.map_settings(self.map_address("bv"), "texthash:" + addresses))
        self.add("open", {"mynetworks": "127.0.0.0/8", "smtpd_milters": ""})
        self.add("probe", {"relay_recipient_maps": "",
                           "smtpd_recipient_restrictions": "reject_unverified_recipient"})
        self.add("late", {"receive_override_options": "no_address_mappings"})
        people, key = (self.scratch.write(name, slapd.TABLE.format(port=self.ldap_port) + more)
                       for name, more in (("people.cf", ""), ("key.cf", "result_format = %S\n")))
        ldap = {"relay_recipient_maps": "ldap:" + people}
        self.add("ldap", ldap)
        self.add("ldap-twice", ldap, self.files.map_settings(self.map_address("bv"), "ldap:" + key))
        self.add("senders", {"smtpd_reject_unlisted_sender": "yes"})
        self.add_for("away", "away", accept)
        self.add_for("away-tempfail", "away")
        self.add("bare", {"smtpd_milters": f"{{ unix:bare/bvmilter.sock{accept} }}"},
                 {"recipient_canonical_maps": f"socketmap:{self.map_address('bare')}:untag"})

    def start(self):
        self.build()
        servers = {"Postfix": self.gateway, "remote Postfix": self.remote, "sending Postfix": self.sending}
        for server in servers.values():
            at_end(server.stop)
        starting = [threading.Thread(target=server.start) for server in servers.values()]
        for each in starting:
            each.start()
        for name, daemon in self.daemons.items():
            if name not in AWAY:
                daemon.start()
            SUITE.logs[f"bvmilter ({name})"] = daemon.log
        if not self.no_ldap:
            self.slapd.start()
        for each in starting:
            each.join()
        for name, server in servers.items():
            true(server.master(), f"{name} does not run:\n" + server.log())
            SUITE.logs[name] = server.log

    def running(self, name):
        """A daemon, started again if it was stopped."""
        daemon = self.daemons[name]
        if not daemon.process or daemon.process.poll() is not None:
            daemon.start()
        return daemon

    @contextlib.contextmanager
    def without(self, name):
        """While a daemon is down."""
        self.running(name).stop()
        try:
            yield
        finally:
            self.running(name)

    def client(self, port, source=OUTSIDE, **options):
        return Client(self.port[port], source, **options)

    def message(self, word):
        return (f"From: Somebody <somebody@outside.example>\nTo: user@relay.example\nSubject: test {word}\n"
                f"Message-ID: <{word}@outside.example>\n\nHello, {word}.\n")

    def mail(self, port, mail, rcpts, source=OUTSIDE):
        """One message: what the server said, and every copy of it once it has left the queue."""
        word = token()
        with self.client(port, source) as client:
            out = transact(client, mail, rcpts, self.message(word))
        if not out.end or out.end.code != 250:
            return out, []
        true(self.gateway.wait_gone(out.end.queue_id), f"{out.end.queue_id} stays in the queue ({out})")
        return out, self.copies(word)

    def copies(self, word):
        return at_sink(self.sink, word) + self.boxes.having(word)


def delivered(copies, *rcpts):
    same(sorted(copy.recipient for copy in copies), sorted(rcpts), "delivered to")


def unknown(reply):
    """Postfix's own refusal, before the milter is asked."""
    same(reply.code, 550, f"the reply \"{reply}\"")
    matches(reply.text, r"^5\.1\.1 .*User unknown in .* table", "the reply")


def by_milter(reply, text="bounce verification failed"):
    same(reply.code, 550, f"the reply \"{reply}\"")
    matches(reply.text, "^5\\.7\\.1 " + re.escape(text), "the reply")


SUITE = Suite()
WORLD = World()

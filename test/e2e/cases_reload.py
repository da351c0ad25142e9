"""New settings, tables and keys without a restart; bad ones do no harm."""

import os
import signal
import threading

from harness import prvs, same, true, wait_until
from milterchanges import sender
from milterclient import message
from milterworld import SIGNING, SUBMISSION, SUITE, USER, WORLD, Own, bracket

REMOTE = "<friend@outside.example>"
NEWER = prvs.Key(4, b"a newer key that signs by now...", -0.5)


class Reloaded(Own):
    """A daemon of its own, with a ring of generation 5."""

    def __init__(self):
        super().__init__(prvs.Ring([SIGNING]))
        self.ring.generation = 5

    def new_ring(self, generation=6, keys=(SIGNING, NEWER)):
        self.ring.generation, self.ring.keys = generation, list(keys)
        self.ring.write(self.daemon.keyring)

    def signed_by(self, address=USER):
        """The number of the key that signs, None when nothing is signed."""
        said = WORLD.one(self.name, bracket(address), [REMOTE], connect=SUBMISSION)
        new = sender(said)
        return int(new[len("prvs=")]) if new else None


@SUITE.rows([("reload: a new key file on SIGHUP", signal.SIGHUP),
             ("reload: a new key file on SIGUSR1", signal.SIGUSR1)])
def new_keys(number):
    with Reloaded() as own:
        same(own.signed_by(), 3, "key that signs")
        own.new_ring()
        own.signal(number)
        same(own.signed_by(), 4, "key that signs")
        said = WORLD.one(own.name, "<>", [bracket(SIGNING.tag(USER))])
        true(said.final.accepted, f"a tag of the older key: {said}")


@SUITE.case("reload: a new key file by itself within ten seconds")
def by_itself():
    with Reloaded() as own:
        own.new_ring()
        true(wait_until(lambda: own.signed_by() == 4, 11), "the new key does not sign after ten seconds")


def bad_mode(own):
    own.new_ring()
    os.chmod(own.daemon.keyring, 0o644)


def write(own, text):
    with open(own.daemon.keyring, "w") as file:
        file.write(text)


@SUITE.rows([("reload: the last good ring goes on when the key file is " + name, spoil) for name, spoil in (
    ("empty", lambda own: write(own, "")),
    ("cut short", lambda own: write(own, own.ring.text()[:200])),
    ("no JSON", lambda own: write(own, "keys = secret\n")),
    ("one with an unknown member", lambda own: write(own, own.ring.text().replace('"keys"', '"kyes"'))),
    ("readable by others", bad_mode),
    ("gone", lambda own: os.unlink(own.daemon.keyring)),
    ("of a lower generation", lambda own: own.new_ring(4)),
    ("of the same generation with other content", lambda own: own.new_ring(5)))])
def bad_keys(spoil):
    with Reloaded() as own:
        spoil(own)
        lines = own.signal()
        true(any(own.daemon.keyring in line for line in lines), f"the log does not name the file: {lines}")
        true(not any(SIGNING.secret.decode()[:12] in line for line in lines), "a secret in the log")
        same(own.signed_by(), 3, "key that signs")
        own.new_ring(7)
        own.signal()
        same(own.signed_by(), 4, "key that signs when the file is good again")


@SUITE.case("reload: the last good settings go on when the configuration is bad, all of its faults are told")
def bad_configuration():
    with Reloaded() as own:
        own.daemon.configure(action="explode", no_such_name="x")
        lines = own.signal()
        for word in ("explode", "no_such_name"):
            true(any(own.daemon.conf + ":" in line and word in line for line in lines),
                 f"{word} is not told: {lines}")
        same(own.signed_by(), 3, "key that signs")


@SUITE.case("reload: a domain is added to the table, another taken away")
def table():
    with Reloaded() as own:
        same((own.signed_by(), own.signed_by("u@new.example")), (3, None), "keys that sign before")
        with open(own.daemon.domains, "w") as file:
            file.write("new.example reject\n")
        own.signal()
        same((own.signed_by(), own.signed_by("u@new.example")), (None, 3), "keys that sign after")


@SUITE.case("reload: a bad line in the table is told with its number, the old table stays")
def bad_table():
    with Reloaded() as own:
        with open(own.daemon.domains, "w") as file:
            file.write("new.example reject\nexample.com rejct\n")
        lines = own.signal()
        true(any(own.daemon.domains + ":2" in line and "rejct" in line for line in lines), f"log: {lines}")
        same((own.signed_by(), own.signed_by("u@new.example")), (3, None), "keys that sign")


@SUITE.case("reload: a message goes on under the settings with which it began")
def in_the_middle():
    with Reloaded() as own, WORLD.session(own.name, macros=SUBMISSION) as milter:
        milter.mail(bracket(USER))
        true(milter.rcpt(REMOTE).accepted, "RCPT")
        with open(own.daemon.domains, "w") as file:
            file.write("new.example reject\n")
        own.new_ring()
        own.signal()
        true(milter.data() in ("continue", "unasked"), "DATA was not simply taken")
        milter.eoh()
        changes = milter.eom().changes
        same([c[1][:7] for c in changes], ["<prvs=3"], "changes of the message that had begun")
        milter.abort()
        same(message(milter, bracket(USER), [REMOTE]).changes, [],
             "changes of the next message on the connection")


@SUITE.case("reload: fifty signals at once, under load")
def many():
    with Reloaded() as own:
        done, wrong = threading.Event(), []

        def load():
            while not done.is_set():
                if own.signed_by() not in (3, 4):
                    wrong.append("a message was not signed")

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for generation in range(6, 56):
            own.new_ring(generation)
            own.daemon.process.send_signal(signal.SIGHUP)
        own.signal()
        done.set()
        for thread in threads:
            thread.join()
        same(wrong, [], "messages under load")
        same(own.signed_by(), 4, "key that signs")

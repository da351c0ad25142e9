"""A real Postfix whose bounces would go to itself: the map in transport_maps ends that."""

import re

from guardworld import SUITE, USER, WORLD
from harness import Client, Postfix, Sink, Skip, at_end, contains, free_port, matches, mta, same, token, transact, true

OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
HOPS = 5


class Mail:
    """
    Two gateways, alike but for the map.  What the DNS would tell Postfix stands in `routes`: the MX of
    loopback.example is the gateway itself.  Bounces are no business of the milter, the return address is.
    """

    gateway = {}

    def start(self):
        if mta.why_not():
            raise Skip(mta.why_not())
        if self.gateway:
            return
        self.sink = Sink(free_port())
        at_end(self.sink.stop)
        self.sink.rules.append(("<nosuch@", "550 5.1.1 no such user here"))
        where = WORLD.daemon["off"].options["map_listen"].split(":")[1].split("@")
        ask = f"socketmap:inet:{where[1]}:{where[0]}:mx, "
        for name, before in (("with", ask), ("without", "")):
            self.add(name, before)
        self.add("milter", "")

    def add(self, name, before):
        port = free_port()
        routes = WORLD.scratch.write(f"routes-{name}", f"/@(loopback|collision)\\.example$/ smtp:[127.0.0.1]:{port}\n"
                                     f"/./ smtp:[127.0.0.1]:{self.sink.port}\n")
        options = {"smtpd_milters": WORLD.daemon["reject"].milter} if name == "milter" else {}
        gateway = Postfix(WORLD.scratch.path("postfix-" + name), f"{name}.example.com", {port: options},
                          transport_maps=f"{before}regexp:{routes}", relay_domains="example.com", hopcount_limit=HOPS)
        gateway.port = port
        at_end(gateway.stop)
        gateway.start()
        self.gateway[name] = gateway
        SUITE.logs[f"Postfix ({name})"] = gateway.log

    def send(self, name, sender, rcpt, source=OUTSIDE):
        with Client(self.gateway[name].port, source) as client:
            return transact(client, sender, [rcpt], f"Subject: {token()}\n\nHello\n")

    def ended(self, name, out):
        """The bounce of a message that was taken, once nothing is in the queue any more: its log lines."""
        gateway, queue_id = self.gateway[name], matches(str(out.end), r"queued as (\w+)", "the end")[1]
        found = gateway.wait_log(rf"{queue_id}: sender non-delivery notification: (\w+)")
        true(found, "there is no bounce")
        true(gateway.wait_gone(found[1]), "the bounce stays in the queue")
        return found[1], [line for line in gateway.log().splitlines() if f" {found[1]}: " in line]


MAIL = Mail()


def times_in(gateway):
    """How many messages have come in by SMTP."""
    return len(re.findall(r"smtpd\[\d+\]: \w+: client=", gateway.log()))


@SUITE.case("Postfix: a bounce to a domain whose MX is this host ends, once, and the log says why")
def ends():
    MAIL.start()
    before = times_in(MAIL.gateway["with"])
    out = MAIL.send("with", "<victim@loopback.example>", "<nosuch@example.com>")
    _, lines = MAIL.ended("with", out)
    ends_ = [line for line in lines if "status=" in line]
    same(len(ends_), 1, f"ends: {lines}")
    contains(ends_[0], "dsn=5.4.6, status=bounced (Domain MX in loopback network)", "the log")
    same(times_in(MAIL.gateway["with"]) - before, 1, "messages that came in")
    same(MAIL.gateway["with"].queue(), [], "the queue")


@SUITE.case("Postfix: without the map, the same bounce goes round and round")
def loops():
    MAIL.start()
    out = MAIL.send("without", "<victim@loopback.example>", "<nosuch@example.com>")
    MAIL.ended("without", out)
    true(MAIL.gateway["without"].wait_log("too many hops", 10), "no loop: the case before this proves nothing")
    true(times_in(MAIL.gateway["without"]) >= HOPS, f"{times_in(MAIL.gateway['without'])} times")


@SUITE.case("Postfix: with the map, an exempt domain loops all the same: it is the map that ends it")
def exempt():
    MAIL.start()
    out = MAIL.send("with", "<victim@collision.example>", "<nosuch@example.com>")
    MAIL.ended("with", out)
    true(MAIL.gateway["with"].wait_log("too many hops", 10), "no loop")


@SUITE.case("Postfix: bounces to other domains, and other mail, go where they should")
def others():
    MAIL.start()
    out = MAIL.send("with", "<sender@healthy.example>", "<nosuch@example.com>")
    bounce, lines = MAIL.ended("with", out)
    contains("\n".join(lines), "status=sent", f"the bounce {bounce}")
    for rcpt in ("<user@example.com>", "<postmaster@[127.0.0.9]>", "<user@servfail.nasty.example>", "<user@silent.nasty.example>"):
        out = MAIL.send("with", "<sender@healthy.example>", rcpt, INSIDE)
        same(out.end and out.end.code, 250, f"to {rcpt}: {out}")
        queue_id = matches(str(out.end), r"queued as (\w+)", "the end")[1]
        true(MAIL.gateway["with"].wait_log(f"{queue_id}: to=.*status=sent"), f"{rcpt} is not delivered")


@SUITE.case("Postfix: a recipient in such a domain is refused at RCPT")
def at_rcpt():
    MAIL.start()
    out = MAIL.send("with", f"<{USER}>", "<u@loopback.example>", INSIDE)
    same(str(out.rcpts[0]), "550 5.4.6 <u@loopback.example>: Recipient address rejected: Domain MX in loopback network", "RCPT")


@SUITE.case("Postfix: a joe job with such a return address is refused by the milter before a bounce is owed")
def joe_job():
    MAIL.start()
    for n in range(20):
        out = MAIL.send("milter", "<victim@loopback.example>", "<nosuch@example.com>")
        same(str(out.rcpts[0]), "554 5.7.1 Sender domain MX in loopback network", f"RCPT of message {n}")
    true("non-delivery notification" not in MAIL.gateway["milter"].log(), "there is a bounce")
    same(times_in(MAIL.gateway["milter"]), 0, "messages that came in")
    out = MAIL.send("milter", "<sender@healthy.example>", "<user@example.com>")
    same(out.end.code, 250, f"an honest sender: {out}")

"""The map mx in Sendmail, by the rules of doc/examples/sendmail.mc."""

from harness import Skip, same, token, transact, true, wait_until
from sendmailworld import FRIEND, LOCAL, OUR_HOST, OUTSIDE, SUITE, WORLD, queue_id

LOOPBACK = "Domain MX in loopback network"


def needs_zones():
    if not WORLD.zones:
        raise Skip(WORLD.no_zones)


@SUITE.rows([(f"map mx: {name}", rcpt, text) for name, rcpt, text in (
    ("loopback", "u@loopback.example", LOOPBACK), ("private", "u@private.example", "Domain MX in private network"),
    ("null MX", "u@null-mx.example", "the recipient's domain does not accept mail"))])
def refused_at_rcpt(rcpt, text):
    needs_zones()
    out, _ = WORLD.mail("in", f"<{LOCAL}>", [f"<{rcpt}>"], source=OUR_HOST)
    same(str(out.rcpts[0]), f"550 5.4.6 <{rcpt}>... {text}", "RCPT")


@SUITE.rows([(f"map mx: {rcpt} is delivered", rcpt) for rcpt in ("u@v4-mx.example", "u@no-such-name.example", FRIEND)])
def delivered(rcpt):
    needs_zones()
    out, copies = WORLD.mail("in", f"<{LOCAL}>", [f"<{rcpt}>"], source=OUR_HOST)
    same(copies.recipients, [rcpt], f"delivered to ({out})")


@SUITE.case("map mx: mail from such a domain is no business of the map")
def senders():
    needs_zones()
    out, copies = WORLD.mail("in", "<u@loopback.example>", [f"<{LOCAL}>"], source=OUTSIDE)
    same(len(copies), 1, f"copies ({out})")


@SUITE.case("map mx: a bounce to such a domain ends, once, and the log says why")
def bounce_ends():
    needs_zones()
    with WORLD.client("in", OUTSIDE) as client:
        out = transact(client, "<victim@loopback.example>", ["<nosuch@relay.example>"], f"Subject: {token()}\n\nHello\n")
    same(out.final.code, 250, f"the message ({out})")
    true(wait_until(lambda: f"postmaster notify: <victim@loopback.example>... {LOOPBACK}" in WORLD.gateway.log()), "the log")
    true(WORLD.gateway.wait_gone(queue_id(out)), "the message stays in the queue")
    same([m.rcpts for m in WORLD.sink.messages + WORLD.relay.messages if "victim" in str(m.rcpts)], [], "bounces that left")

"""Several messages on one connection: nothing of one may show in the next."""

from gateway import INSIDE, SIGNING, SUITE, WORLD, refused, signed
from harness import base64_plain, contains, same, token, transact, true

USER = "user@example.com"
OUT = ["<friend@outside.example>"]


@SUITE.case("session: signed, bounce, foreign sender, RSET, signed again")
def submission():
    with WORLD.client("submission") as client:
        _, copies = WORLD.send(client, "<user@example.com> RET=HDRS ENVID=one", OUT)
        signed(copies.sender, USER)
        out, copies = WORLD.send(client, "<>", [f"<{SIGNING.tag(USER)}>"])
        same((copies.sender, copies.recipients), ("", [USER]), f"the bounce after a signed message ({out})")
        true(not any(a.startswith(("RET", "ENVID")) for a in copies[0].mail_args),
             f"RET or ENVID leaked: {copies[0].mail}")
        _, copies = WORLD.send(client, "<user@outside.example>", OUT)
        same(copies.sender, "user@outside.example", "a foreign sender after that")
        same(copies.header(), None, "our header in ordinary mail")
        for verb in ("MAIL FROM:<user@example.com>", "RCPT TO:<friend@outside.example>", "RSET"):
            same(client.cmd(verb).code, 250, verb)
        _, copies = WORLD.send(client, "<stranger@outside.example>", OUT)
        same(copies.sender, "stranger@outside.example", "a foreign sender after RSET")
        _, copies = WORLD.send(client, "<other@example.com>", OUT)
        signed(copies.sender, "other@example.com")


@SUITE.case("session: forged, RSET, strip, valid, stranger, untagged, ordinary")
def incoming():
    with WORLD.client("in") as client:
        same(client.cmd("MAIL FROM:<>").code, 250, "MAIL")
        refused(client.cmd(f"RCPT TO:<{SIGNING.forge(USER)}>"))
        same(client.cmd("RSET").code, 250, "RSET")
        _, copies = WORLD.send(client, "<s@outside.example>", [f"<{SIGNING.tag(USER)}>"])
        same((copies.recipients, copies.header()), ([USER], None),
             "ordinary mail to a tag, after a refusal and RSET")
        _, copies = WORLD.send(client, "<>", [f"<{SIGNING.tag(USER)}>"])
        same(copies.recipients, [USER], "a bounce after ordinary mail")
        contains(copies.header(), "pass (valid)", "header")
        _, copies = WORLD.send(client, "<user@example.com>", [f"<{USER}>"])
        same((copies.sender, copies.header()), (USER, None), "a stranger after a bounce")
        out, _ = WORLD.send(client, "<>", [f"<{USER}>"])
        refused(out.end)
        out, copies = WORLD.send(client, "<s@outside.example>", [f"<{USER}>"])
        same(copies.recipients, [USER], f"ordinary mail after a refused bounce ({out})")


@SUITE.case("session: RSET after an untagged recipient does not refuse the next message")
def rset_untagged():
    with WORLD.client("in") as client:
        for verb in ("MAIL FROM:<>", f"RCPT TO:<{USER}>", "RSET"):
            same(client.cmd(verb).code, 250, verb)
        out, copies = WORLD.send(client, "<>", [f"<{SIGNING.tag('other@example.com')}>"])
        same(copies.recipients, ["other@example.com"], f"delivered to ({out})")
        contains(copies.header(), "pass (valid)", "header")


@SUITE.case("session: a second EHLO in the middle begins anew")
def second_ehlo():
    with WORLD.client("submission", INSIDE) as client:
        for verb in ("MAIL FROM:<user@example.com>", "RCPT TO:<friend@outside.example>", "EHLO again.example"):
            same(client.cmd(verb).code, 250, verb)
        _, copies = WORLD.send(client, "<user@outside.example>", OUT)
        same(copies.sender, "user@outside.example", "sender on the wire")


@SUITE.case("session: the authentication of an aborted message is not that of the next")
def aborted_authentication():
    with WORLD.client("auth") as client:
        same(client.cmd("AUTH PLAIN " + base64_plain("user", "password")).code, 235, "AUTH")
        for verb in ("MAIL FROM:<user@example.com>", "RCPT TO:<friend@outside.example>", "RSET"):
            same(client.cmd(verb).code, 250, verb)
        _, copies = WORLD.send(client, "<user@example.com>", OUT)
        signed(copies.sender, USER)
    with WORLD.client("auth") as client:
        _, copies = WORLD.send(client, "<user@example.com>", [f"<{USER}>"])
        same(copies.sender, USER, "sender on a new connection without authentication")


@SUITE.case("session: twenty messages, every other one signed")
def twenty():
    with WORLD.client("submission") as client:
        for i in range(10):
            _, copies = WORLD.send(client, f"<user{i}@example.com>", OUT)
            signed(copies.sender, f"user{i}@example.com")
            _, copies = WORLD.send(client, f"<user{i}@outside.example>", OUT)
            same(copies.sender, f"user{i}@outside.example", "foreign sender")


@SUITE.rows([
    # name, port, sender, recipient, text
    ("shape: outbound mail without a header", "submission", "<user@example.com>", OUT[0],
     "\nonly a body, {}\n"),
    ("shape: a bounce without a header", "in", "<>", f"<{SIGNING.tag(USER)}>", "\nonly a body, {}\n"),
    ("shape: outbound mail without a header, rcpt stage", "rcpt-submission", "<user@example.com>", OUT[0],
     "\nonly a body, {}\n"),
    ("shape: outbound mail without a body", "submission", "<user@example.com>", OUT[0], "Subject: {}\n"),
    ("shape: a header of 50 kB", "in", "<>", f"<{SIGNING.tag(USER)}>",
     "Subject: {}\nX-Long: x" + "\n y" * 16000 + "\n\nbody\n"),
    ("shape: two thousand headers", "in", "<>", f"<{SIGNING.tag(USER)}>",
     "Subject: {}\n" + "X-Many: x\n" * 2000 + "\nbody\n"),
    ("shape: a body of 2 MB", "submission", "<user@example.com>", OUT[0],
     "Subject: {}\n\n" + ("x" * 70 + "\n") * 28000),
])
def shapes(port, mail, rcpt, text):
    word = token()
    with WORLD.client(port) as client:
        out = transact(client, mail, [rcpt], text.format(word))
    same(out.final.code, 250, f"the message ({out})")
    copies = WORLD.delivered(out, word)
    same(len(copies), 1, "copies at the sink")
    if mail == "<>":
        same(copies.recipients, [USER], "delivered to")
        contains(copies.header(), "pass (valid)", "header")
    else:
        signed(copies.sender, USER)

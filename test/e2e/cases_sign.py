"""Outbound mail: what is signed, and what is left alone."""

import subprocess

from gateway import INSIDE, OTHER_OUTSIDE, OUTSIDE, SIGNING, SUITE, WORLD, log_line, signed
from harness import base64_plain, same, token, true

OUT = ["<friend@outside.example>"]


@SUITE.case("sign: from the ORIGINATING port, with RET=, ENVID= and BODY= kept")
def parameters_kept():
    out, copies = WORLD.mail("submission", "<Al.Ice@Example.COM> RET=HDRS ENVID=abc123 BODY=8BITMIME",
                             ["<friend@outside.example> NOTIFY=FAILURE ORCPT=rfc822;friend@outside.example"])
    same(len(copies), 1, f"copies at the sink ({out})")
    signed(copies.sender, "Al.Ice@Example.COM")
    args = [a for a in copies[0].mail_args if not a.startswith("SIZE=")]
    same(sorted(args), ["BODY=8BITMIME", "ENVID=abc123", "RET=HDRS"], "parameters of the sender")
    same(copies.rcpt_words, ["<friend@outside.example>", "NOTIFY=FAILURE",
                             "ORCPT=rfc822;friend@outside.example"],
         "recipient with its parameters")
    same(copies.header(), None, "our header in outbound mail")
    log_line(WORLD.daemons["plain"], out.end.queue_id, OUTSIDE, "sign", "signed", "accept", 3,
             "Al.Ice@Example.COM", "")


@SUITE.case("sign: over a TCP milter socket")
def over_tcp():
    _, copies = WORLD.mail("inet-submission", "<user@example.com> RET=FULL ENVID=x+2By", OUT)
    signed(copies.sender, "user@example.com")
    true({"RET=FULL", "ENVID=x+2By"} <= set(copies[0].mail_args), f"parameters: {copies[0].mail}")


LOCAL = "abcdefghijklmnopqrstuvwxyz0123456789.abcdefghij-"  # 48 octets, the most that takes a tag


@SUITE.rows([
    # name, sender as typed, what the tag is for
    ("sign: sender without brackets", "user@example.com", "user@example.com"),
    ("sign: sender with a source route", "<@a.example,@b.example:user@example.com>", "user@example.com"),
    ("sign: sender in upper case", "<USER@EXAMPLE.COM>", "USER@EXAMPLE.COM"),
    ("sign: sender in quotes that it does not need", '<"user"@example.com>', "user@example.com"),
    ("sign: sub-address", "<user+list=a@example.com>", "user+list=a@example.com"),
    ("sign: odd but legal characters", "<!#$&'*-/=?^_`{|}~@example.com>", "!#$&'*-/=?^_`{|}~@example.com"),
    ("sign: local part of 48 octets", f"<{LOCAL}@example.com>", f"{LOCAL}@example.com"),
    ("sign: subdomain named by .sub.example", "<user@a.sub.example>", "user@a.sub.example"),
])
def shapes(sender, original):
    out, copies = WORLD.mail("submission", sender, OUT)
    same(len(copies), 1, f"copies at the sink ({out})")
    signed(copies.sender, original)


@SUITE.rows([
    # name, port, source, sender as typed, sender on the wire
    ("not signed: quoted local part", "submission", INSIDE, '<"john doe"@example.com>',
     '"john doe"@example.com'),
    ("not signed: local part of 49 octets", "submission", INSIDE, f"<x{LOCAL}@example.com>",
     f"x{LOCAL}@example.com"),
    ("not signed: tagged already", "submission", INSIDE, "<prvs=3123abcdef=user@example.com>", None),
    ("not signed: tagged already, broken", "submission", INSIDE, "<prvs=12=user@example.com>", None),
    ("not signed: SRS0 address", "submission", INSIDE, "<SRS0=HHH=TT=other.example=u@example.com>", None),
    ("not signed: Barracuda's tag", "submission", INSIDE, "<btv1==1234567890==user@example.com>", None),
    ("not signed: null sender", "submission", INSIDE, "<>", None),
    ("not signed: domain not ours", "submission", INSIDE, "<user@outside.example>", None),
    ("not signed: domain that ends like ours", "submission", INSIDE, "<user@notexample.com>", None),
    ("not signed: subdomain not named", "submission", INSIDE, "<user@deep.example.com>", None),
    ("not signed: the domain itself where .sub.example is named", "submission", INSIDE, "<user@sub.example>",
     None),
    ("not signed: domain switched off", "submission", INSIDE, "<user@off.example>", None),
    ("not signed: a stranger claims our domain", "in", OUTSIDE, "<user@example.com>", None),
    ("not signed: a stranger on a port that relays", "open", OUTSIDE, "<user@example.com>", None),
    ("not signed: re-injection from localhost", "in", INSIDE, "<user@example.com>", None),
    ("not signed: network not in sign_networks", "networks", OTHER_OUTSIDE, "<user@example.com>", None),
    ("not signed: localhost where sign_networks does not list it", "networks", INSIDE, "<user@example.com>",
     None),
])
def left_alone(port, source, sender, wire):
    rcpts = ["<user@example.com>"] if port == "in" and source == OUTSIDE else OUT
    out, copies = WORLD.mail(port, sender, rcpts, source=source)
    same(len(copies), 1, f"copies at the sink ({out})")
    same(copies.sender, wire if wire is not None else sender.strip("<>"), "sender on the wire")


@SUITE.case("sign: a network in sign_networks")
def networks():
    _, copies = WORLD.mail("networks", "<user@example.com>", OUT)
    signed(copies.sender, "user@example.com")


@SUITE.case("sign: an authenticated client; not before it has authenticated")
def authenticated():
    with WORLD.client("auth") as client:
        out, copies = WORLD.send(client, "<user@example.com>", ["<user@example.com>"])
        same(copies.sender, "user@example.com", f"sender of the unauthenticated client ({out})")
        same(client.cmd("AUTH PLAIN " + base64_plain("user", "password")).code, 235, "AUTH")
        out, copies = WORLD.send(client, "<user@example.com> RET=HDRS ENVID=q", OUT)
        same(len(copies), 1, f"copies at the sink ({out})")
        signed(copies.sender, "user@example.com")
        out, copies = WORLD.send(client, "<user@outside.example>", OUT)
        same(copies.sender, "user@outside.example", "sender in a foreign domain")


@SUITE.case("sign: sub-address syntax")
def subaddress():
    _, copies = WORLD.mail("subaddress", "<user@example.com>", OUT)
    tag = copies.sender.removeprefix("user+prvs=").removesuffix("@example.com")
    signed(f"prvs={tag}=user@example.com", "user@example.com")


@SUITE.case("sign: one tag for all recipients, and the others in the message untouched")
def many_recipients():
    rcpts = [f"<r{i}@outside.example>" for i in range(5)]
    _, copies = WORLD.mail("submission", "<user@example.com>", rcpts)
    same(copies.recipients, [r.strip("<>") for r in rcpts], "recipients")
    same(len({copy.sender for copy in copies}), 1, "different senders among the copies")
    signed(copies[0].sender, "user@example.com")


@SUITE.case("not signed, not refused: mail submitted with sendmail(1) through non_smtpd_milters")
def submitted():
    word = token()
    for sender in ("user@example.com", ""):
        subprocess.run(["sendmail", "-C", WORLD.gateway.conf, "-f", sender, "-i", "--",
                        SIGNING.forge("user@example.com")],
                       input=f"Subject: {word}\nFrom: user@example.com\n\nHello\n", text=True, check=True)
    copies = WORLD.sink.wait(word, 2)
    same(sorted(c.sender for c in copies), ["", "user@example.com"], "senders on the wire")

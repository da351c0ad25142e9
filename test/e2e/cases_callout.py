"""Tests whether an address exists: ours of recipients, and those of others of our senders."""

import re

from harness import matches, same, token, transact, true
from validation import INSIDE, SIGNING, SUITE, WORLD, delivered

USER, FRIEND = "user@relay.example", "<friend@outside.example>"


@SUITE.rows([
    # name, recipient, reply, where it is delivered
    ("reject_unverified_recipient: a user", USER, 250, USER),
    ("reject_unverified_recipient: tagged, the next hop is asked for the user", SIGNING.tag(USER), 250, USER),
    ("reject_unverified_recipient: nobody", "nosuch@relay.example", 550, None),
    ("reject_unverified_recipient: a good tag of nobody", SIGNING.tag("nosuch@relay.example"), 550, None),
    ("reject_unverified_recipient: a forged tag", SIGNING.forge("strict@relay.example"), 550, None),
])
def recipients(rcpt, code, end):
    out, copies = WORLD.mail("probe", FRIEND, [f"<{rcpt}>"])
    same((out.end or out.rcpts[0]).code, code, f"reply ({out})")
    delivered(copies, *[end] * bool(end))
    if rcpt != end:
        status = "deliverable" if code == 250 else "undeliverable"
        true(WORLD.gateway.wait_log(rf"to=<\S*>, (orig_to=<{re.escape(rcpt)}>, )?.*status={status}"), "no probe")


@SUITE.rows([
    ("callout: of a tagged sender", SIGNING.tag(USER), 250),
    ("callout: of a tagged sender in another class", SIGNING.tag("user@alias.example"), 250),
    ("callout: of a sender without a tag", USER, 250),
    ("callout: of a sender with a forged tag", SIGNING.forge(USER), 550),
    ("callout: of a sender with an expired tag", SIGNING.tag(USER, -3), 550),
    ("callout: of a sender who does not exist", "nosuch@relay.example", 550),
])
def callouts(sender, code):
    """The remote Postfix asks the gateway about a sender, and refuses whom that refuses."""
    word = token()
    with WORLD.client("remote", INSIDE) as client:
        out = transact(client, f"<{sender}>", ["<friend@remote.example>"], WORLD.message(word))
    same((out.end or out.rcpts[0]).code, code, f"reply of the remote server ({out})")


@SUITE.case("callout: with the sender that Postfix uses unless it is told otherwise")
def double_bounce():
    for sender in (SIGNING.tag(USER), USER):
        with WORLD.client("in") as client:
            for line in ("MAIL FROM:<double-bounce@mx.remote.example>", f"RCPT TO:<{sender}>"):
                same(client.cmd(line).code, 250, line)


@SUITE.case("callout: of a sender without a tag, where untagged_stage is rcpt: the remote server refuses")
def at_rcpt():
    with WORLD.client("remote", INSIDE) as client:
        out = transact(client, "<user@virtual.example>", ["<friend@remote.example>"], WORLD.message(token()))
    same(out.rcpts[0].code, 550, f"reply of the remote server ({out})")
    matches(out.rcpts[0].text, "bounce verification failed", "the reply")


@SUITE.case("callout: all the way: signed here, verified there, taken there")
def all_the_way():
    word = token()
    with WORLD.client("submission") as client:
        out = transact(client, f"<{USER}>", ["<friend@remote.example>"], WORLD.message(word))
    same(out.final.code, 250, f"reply to the message ({out})")
    copies = WORLD.sink.wait(word)
    same([copy.recipients for copy in copies], [["friend@remote.example"]], "delivered to")
    true(SIGNING.made(copies[0].sender), f"sender {copies[0].sender}")

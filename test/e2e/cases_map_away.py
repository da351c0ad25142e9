"""The daemon is down, comes up, goes away in the middle: what Postfix makes of it."""

import time

from cases_own_mail import OTHER, arrives, sendmail, submit, waits
from harness import matches, same, token
from validation import AWAY, SIGNING, SUITE, WORLD, delivered

USER, FRIEND = "user@relay.example", "<friend@outside.example>"


def temporary(reply, text):
    same(reply.code, 451, f"the reply \"{reply}\"")
    matches(reply.text, text, "the reply")


LOOKUP = r"^4\.3\.0 .*Temporary lookup failure"


@SUITE.rows([
    # name, port, sender, recipient, where it is delivered or what is said
    ("down: untagged mail is taken", "away", FRIEND, USER, USER),
    ("down: an untagged bounce is taken, where the milter may be missing", "away", "<>", USER, USER),
    ("down: nobody is refused", "away", FRIEND, "nosuch@relay.example", None),
    ("down: a tagged recipient has to wait", "away", "<>", SIGNING.tag(USER), LOOKUP),
    ("down: a forged tag has to wait", "away", FRIEND, SIGNING.forge(USER), LOOKUP),
    ("down: all mail has to wait, where the milter may not be missing", "away-tempfail", FRIEND, USER,
     r"^4\.7\.1 Service unavailable"),
    ("down: all mail has to wait, where the map has no table in front", "bare", FRIEND, USER, LOOKUP),
])
def down(port, sender, rcpt, end):
    out, copies = WORLD.mail(port, sender, [f"<{rcpt}>"])
    if end == USER:
        delivered(copies, USER)
    elif end:
        temporary(out.mail if out.mail.code != 250 else out.rcpts[0], end)
    else:
        same(out.rcpts[0].code, 550, f"reply ({out})")


@SUITE.case("up: the daemon has come, and Postfix finds it without being told")
def up():
    for name in AWAY:
        WORLD.running(name)
    for port in ("away", "away-tempfail", "bare"):
        for sender, rcpt in (("<>", SIGNING.tag(USER)), (FRIEND, USER)):
            _, copies = WORLD.mail(port, sender, [f"<{rcpt}>"])
            delivered(copies, USER)


def settle():
    """cleanup asks the map by itself, after smtpd has answered; what it asks in the very moment of a stop gets a 451."""
    time.sleep(0.3)


def restart(daemon):
    settle()
    same(daemon.stop()[0], 0, "exit status")
    daemon.start()


@SUITE.rows([("restarted: a session in the middle goes on", "away"),
             ("restarted: the same with a socket in the file system, and no table in front", "bare")])
def restarted(port):
    daemon = WORLD.running(port)
    with WORLD.client(port) as client:
        same(client.cmd("MAIL FROM:" + FRIEND).code, 250, "MAIL")
        for name in ("local", "virtual"):
            same(client.cmd(f"RCPT TO:<{SIGNING.tag(f'user@{name}.example')}>").code, 250, "RCPT")
            restart(daemon)
        same(client.cmd("DATA").code, 354, "DATA")
        word = token()
        end = client.text(WORLD.message(word))
    same(end.code, 250, f"reply to the message ({end})")
    delivered(arrives(word, 2), "user@local.example", "user@virtual.example")


@SUITE.case("stopped between RCPT and DATA: the message is delivered to the user")
def stopped():
    daemon = WORLD.running("away")
    with WORLD.client("away") as client:
        for line in ("MAIL FROM:<>", f"RCPT TO:<{SIGNING.tag(USER)}>"):
            same(client.cmd(line).code, 250, line)
        settle()
        daemon.stop()
        same(client.cmd("DATA").code, 354, "DATA")
        word = token()
        end = client.text(WORLD.message(word))
    same(end.code, 250, f"reply to the message ({end})")
    delivered(arrives(word), USER)


@SUITE.case("down: own bounces to signed senders and mail of local programs wait, and come when the daemon is back")
def comes_later():
    with WORLD.without("bv"):
        bounced = submit(SIGNING.tag(USER), "<nosuch@outside.example>", "open")
        foreign = submit(OTHER, "<nosuch@outside.example>", "open")
        local = sendmail(USER, "friend@outside.example")
        waits(bounced, "the bounce does not wait")
        delivered(arrives(foreign), OTHER)
        same(WORLD.copies(local), [], "delivered while the daemon is down")
    WORLD.gateway.flush()
    delivered(arrives(bounced), USER)
    delivered(arrives(local), "friend@outside.example")

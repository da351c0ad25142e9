"""Mail that Postfix makes itself, or gets from local programs: none of it passes smtpd."""

import re
import subprocess

from harness import matches, same, token, transact, true, wait_until
from validation import CLASSES, SENDING_HOST, SIGNING, SUITE, WORLD, delivered

USER, OTHER = "user@relay.example", "somebody@elsewhere.example"
EACH = [(f"user@{name}.example", end) for name, end in CLASSES.items()]


def submit(sender, rcpt, port="submission"):
    """Sends a message; the word in it."""
    word = token()
    with WORLD.client(port) as client:
        out = transact(client, f"<{sender}>", [rcpt], WORLD.message(word))
    same(out.final.code, 250, f"reply to the message ({out})")
    return word


def sendmail(sender, rcpt):
    word = token()
    subprocess.run(["sendmail", "-C", WORLD.gateway.conf, "-f", sender, "-i", "--", rcpt], text=True, check=True,
                   input=f"From: {sender}\nSubject: {word}\nMessage-ID: <{word}@gw.example.com>\n\nHello\n")
    return word


def arrives(word, count=1):
    """The copies that hold a word, once there are so many."""
    copies = []

    def all_are_here():
        copies[:] = WORLD.copies(word)
        return len(copies) >= count
    wait_until(all_are_here, 20)
    return copies


def is_signed(address, original):
    true(SIGNING.made(address) and address.endswith("=" + original), f"{address!r} is no tag for {original}")


@SUITE.rows([(f"own bounce: to {user}", user, end) for user, end in EACH])
def bounce(user, end):
    word = submit(user, "<nosuch@outside.example>")
    copies = arrives(word)
    delivered(copies, end)
    same(copies[0].sender, "", "sender of the bounce")
    matches(copies[0].text, "no such user here", "the bounce")
    tagged = WORLD.gateway.wait_log(rf"to=<{re.escape(end)}>, orig_to=<([^>]*={re.escape(user)})>")
    true(tagged, "no line of Postfix says that a tag was taken off")
    is_signed(tagged[1], user)
    matches(copies[0].text, rf"(?m)^To: {re.escape(tagged[1])}$", "the header, which is to stay as it is")


@SUITE.case("own bounce: to a sender whose tag has expired meanwhile")
def expired():
    tagged = SIGNING.tag(USER, -3)
    copies = arrives(submit(tagged, "<nosuch@outside.example>", "open"))
    delivered(copies, USER)


@SUITE.case("own bounce: to a forged tag, which stays as it is")
def forged():
    tagged = SIGNING.forge(USER)
    copies = arrives(submit(tagged, "<nosuch@outside.example>", "open"))
    delivered(copies, tagged)


@SUITE.case("own bounce: of a host that only sends, and has no map: it comes in here, as everybody's")
def separate_hosts():
    copies = arrives(submit(USER, "<nosuch@outside.example>", "sending"))
    delivered(copies, USER)
    matches(copies[0].text, r"(?m)^X-Bounce-Verification: pass \(valid\)", "the bounce")
    line = WORLD.daemons["bv"].wait_log(rf"client=unknown\[{SENDING_HOST}\], event=bounce, verdict=valid")
    true(line, "no log line of the host that takes mail in")


@SUITE.case("own success report: to a signed sender")
def success():
    word = submit(USER, "<user@virtual.example> NOTIFY=SUCCESS ORCPT=rfc822;user@virtual.example")
    copies = arrives(word, 2)
    delivered(copies, USER, "user@virtual.example")
    report = next(copy for copy in copies if copy.recipient == USER)
    same(report.sender, "", "sender of the report")
    matches(report.text, r"Action: (delivered|relayed)", "the report")


@SUITE.case("sendmail(1): signed by the services of doc/examples, and its bounce comes back")
def local_program():
    copies = arrives(sendmail(USER, "friend@outside.example"))
    delivered(copies, "friend@outside.example")
    is_signed(copies[0].sender, USER)
    copies = arrives(sendmail(USER, "nosuch@outside.example"))
    delivered(copies, USER)
    same(copies[0].sender, "", "sender of the bounce")


@SUITE.rows([
    # name, sender, recipient, where it is delivered
    ("sendmail(1): a bounce without a tag is not refused", "", USER, USER),
    ("sendmail(1): a bounce to a forged tag is not refused", "", SIGNING.forge(USER), SIGNING.forge(USER)),
    ("sendmail(1): a bounce with a tag", "", SIGNING.tag(USER), USER),
    ("sendmail(1): a message with a tag", "user@local.example", SIGNING.tag(USER), USER),
])
def never_refused(sender, rcpt, end):
    delivered(arrives(sendmail(sender, rcpt)), end)


@SUITE.case("internal_mail_filter_classes = bounce: the milter sees own bounces, and lets them pass")
def filtered():
    with WORLD.gateway.changed(internal_mail_filter_classes="bounce"):
        for user, end in EACH:
            delivered(arrives(submit(user, "<nosuch@outside.example>")), end)
        for sender in (SIGNING.forge(USER), OTHER):
            delivered(arrives(submit(sender, "<nosuch@outside.example>", "open")), sender)
        with WORLD.without("bv"):
            word = submit(OTHER, "<nosuch@outside.example>", "open")
            waits(word, "the milter has not been asked about a bounce")
        WORLD.gateway.flush()
        delivered(arrives(word), OTHER)


def waits(word, why):
    """Checks that the bounce of a message stays with Postfix."""
    true(WORLD.gateway.wait_log(rf": (\w+): message-id=<{word}@(?:.*\n)*.*: \1: .*status=deferred \(bounce failed\)"),
         why)
    same(WORLD.copies(word), [], "delivered while the daemon is down")

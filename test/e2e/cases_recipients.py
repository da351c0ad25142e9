"""Recipients that Postfix knows, and those that it refuses, in all four address classes."""

from harness import Skip, same, true
from validation import (ABSENT, CLASSES, INSIDE, RETIRED, SIGNING, SUITE, SUPERSEDED, WORLD, by_milter, delivered,
                        unknown)

USER = "user@relay.example"
LONG = "x" * 48 + "@relay.example"
QUOTED = SIGNING.tag("al ice@relay.example")

FRIEND = "<friend@outside.example>"
EACH = [(name, f"user@{name}.example", end) for name, end in CLASSES.items()]


@SUITE.rows([(f"{name}: {what}, of a {kind}", sender, tag(rcpt), end) for name, rcpt, end in EACH
             for what, tag in (("tagged recipient", SIGNING.tag),
                               ("tag in upper case", lambda rcpt: SIGNING.tag(rcpt).upper()),
                               ("tag of a superseded key", SUPERSEDED.tag))
             for kind, sender in (("bounce", "<>"), ("message", FRIEND))])
def valid(sender, rcpt, end):
    out, copies = WORLD.mail("in", sender, [f"<{rcpt}>"])
    same(out.final.code, 250, f"reply to the message ({out})")
    same([copy.recipient.lower() for copy in copies], [end], "delivered to")


@SUITE.rows([(f"{name}: {what}, {kind}: refused by Postfix", sender, rcpt) for name, user, _ in EACH
             for what, rcpt in (("forged tag of a user", SIGNING.forge(user)),
                                ("forged tag of nobody", SIGNING.forge(user.replace("user", "nosuch"))),
                                ("tag of a key that is not there", ABSENT.tag(user)),
                                ("broken tag", f"prvs=12={user}"),
                                ("nobody", user.replace("user", "nosuch")))
             for kind, sender in (("bounce", "<>"), ("message", FRIEND))])
def invalid(sender, rcpt):
    out, _ = WORLD.mail("in", sender, [f"<{rcpt}>"])
    unknown(out.rcpts[0])


@SUITE.rows([(f"{name}: a user, untagged", user, end) for name, user, end in EACH])
def untagged(user, end):
    out, copies = WORLD.mail("in", FRIEND, [f"<{user}>"])
    same(out.final.code, 250, f"reply to the message ({out})")
    delivered(copies, end)
    out, _ = WORLD.mail("in", "<>", [f"<{user}>"])
    same(out.rcpts[0].code, 250, "reply to RCPT of a bounce")
    by_milter(out.end)


@SUITE.rows([
    # name, key's tag
    ("old: expired last week", SIGNING.tag(USER, -7)),
    ("old: of a retired key", RETIRED.tag(USER, -30)),
    ("old: with a day far ahead", SIGNING.tag(USER, 300)),
])
def old(tagged):
    """The map ignores the age, so that replies arrive; whether a bounce may come in is for the milter to say."""
    out, copies = WORLD.mail("in", FRIEND, [f"<{tagged}>"])
    delivered(copies, USER)
    same(out.final.code, 250, f"reply to the message ({out})")
    out, _ = WORLD.mail("in", "<>", [f"<{tagged}>"])
    by_milter(out.rcpts[0], "bounce verification failed: ")
    true(WORLD.daemons["bv"].wait_log(f"event=bounce, verdict=expired, action=reject, .*<{tagged}>"), "no log line")


@SUITE.rows([
    # name, port, recipient as typed, where it is delivered
    ("spelled: quoted without need", "in", f'<"{SIGNING.tag(USER).replace("@", chr(34) + "@")}>', USER),
    ("spelled: quoted of need", "in", f'<"{QUOTED.replace("@", chr(34) + "@")}>', '"al ice"@relay.example'),
    ("spelled: without brackets", "in", SIGNING.tag(USER), USER),
    ("spelled: source route", "in", f"<@a.example,@b.example:{SIGNING.tag(USER)}>", USER),
    ("spelled: trailing dot", "in", f"<{SIGNING.tag(USER)}.>", USER),
    ("spelled: nested brackets", "in", f"<<{SIGNING.tag(USER)}>>", USER),
    ("spelled: % and no @", "in", f"<{SIGNING.tag(USER).replace('@', '%')}>", USER),
    ("spelled: % behind another domain of ours", "in", f"<{SIGNING.tag(USER).replace('@', '%')}@local.example>", USER),
    ("spelled: mixed case under a tag over lower case", "in", f"<{SIGNING.tag('User@Relay.example')}>",
     "User@relay.example"),
    ("spelled: an extension in the address", "in", f"<{SIGNING.tag('user+list@relay.example')}>",
     "user+list@relay.example"),
    ("sub-address: +", "plus", f"<user+prvs={SIGNING.parts(USER)}@relay.example>", USER),
    ("sub-address: -", "minus", f"<user-prvs={SIGNING.parts(USER)}@relay.example>", USER),
    ("sub-address: behind an extension", "plus",
     f"<user+x+prvs={SIGNING.parts('user+x@relay.example')}@relay.example>", "user+x@relay.example"),
    ("sub-address: upper case", "plus", f"<USER+PRVS={SIGNING.parts(USER).upper()}@RELAY.EXAMPLE>",
     "USER@relay.example"),
    ("sub-address: to a gateway that signs in prefix syntax", "in",
     f"<user+prvs={SIGNING.parts(USER)}@relay.example>", USER),
    ("sub-address: recipient_delimiter and no map", "delimiter",
     f"<user+prvs={SIGNING.parts(USER)}@relay.example>", USER),
    ("spelled: a local part of 48 octets", "in", f"<{SIGNING.tag(LONG)}>", LONG),
    ("no_address_mappings: the map lets it in, the milter takes the tag off", "late", f"<{SIGNING.tag(USER)}>", USER),
    ("a list of addresses behind the map: one that is there", "listed", f"<{SIGNING.tag(USER)}>", USER),
    ("another table beside the map sees what the map has answered", "second",
     f"<{SIGNING.tag('former@relay.example')}>", USER),
    ("chroot: map and milter by sockets in the queue directory", "chroot", f"<{SIGNING.tag(USER)}>", USER),
    ("chroot: the same without one", "free", f"<{SIGNING.tag(USER)}>", USER),
])
def spelled(port, rcpt, end):
    if port == "chroot" and WORLD.files.chroot != "y":
        raise Skip("nobody may use chroot here")
    for sender in ("<>", FRIEND):
        out, copies = WORLD.mail(port, sender, [rcpt])
        same(out.final.code, 250, f"reply to the message ({out})")
        delivered(copies, end)


@SUITE.rows([
    ("sub-address: forged: refused by Postfix", "plus", f"user+prvs={SIGNING.parts('x@relay.example')}@relay.example"),
    ("sub-address: forged, -: refused by Postfix", "minus",
     f"user-prvs={SIGNING.parts('x@relay.example')}@relay.example"),
    # What Exim signs for an address in mixed case: smtpd asks in lower case, so the map cannot tell.
    ("spelled: mixed case under a tag over mixed case: refused by Postfix", "in",
     SIGNING.tag("User@relay.example", fold=False)),
    ("a list of addresses behind the map: one that is not there", "listed", SIGNING.tag("gone@relay.example")),
    ("chroot: forged: refused by Postfix", "chroot", SIGNING.forge(USER)),
    ("a good tag in a domain that is switched off: refused by Postfix", "in", SIGNING.tag("user@off.example")),
])
def refused(port, rcpt):
    for sender in ("<>", FRIEND):
        out, _ = WORLD.mail(port, sender, [f"<{rcpt}>"])
        unknown(out.rcpts[0])


@SUITE.case("sub-address: recipient_delimiter and no map: a forged tag is known to Postfix, and refused by the milter")
def delimiter():
    forged = f"user+prvs={SIGNING.parts('x@relay.example')}@relay.example"
    out, _ = WORLD.mail("delimiter", "<>", [f"<{forged}>"])
    by_milter(out.rcpts[0])
    out, copies = WORLD.mail("delimiter", FRIEND, [f"<{forged}>"])
    delivered(copies, forged)


@SUITE.rows([
    # name, sender, recipients, where it is delivered
    ("several: one tagged in each class", "<>", [SIGNING.tag(user) for _, user, _ in EACH], [end for *_, end in EACH]),
    ("several: a user twice, tagged and not", FRIEND, [USER, SIGNING.tag(USER)], [USER]),
    ("several: a user under two tags", "<>", [SIGNING.tag(USER), SUPERSEDED.tag(USER), SIGNING.tag(USER)], [USER]),
    ("several: tagged, and another one not, of a bounce", "<>", [SIGNING.tag(USER), "user@virtual.example"], [USER]),
])
def several(sender, rcpts, ends):
    out, copies = WORLD.mail("in", sender, [f"<{rcpt}>" for rcpt in rcpts])
    same(out.final.code, 250, f"reply to the message ({out})")
    delivered(copies, *sorted(ends))


@SUITE.case("NOTIFY= and ORCPT= of a tagged recipient go on")
def parameters():
    tagged = SIGNING.tag(USER)
    orcpt = "ORCPT=rfc822;" + tagged.replace("=", "+3D")
    WORLD.mail("in", "<>", [f"<{tagged}> NOTIFY=FAILURE {orcpt}"])
    same(sorted(WORLD.sink.messages[-1].rcpts[0].split()), [f"<{USER}>", "NOTIFY=FAILURE", orcpt], "RCPT at the sink")


@SUITE.rows([
    ("senders: with reject_unlisted_sender, a tagged one is known", SIGNING.tag(USER), 250),
    ("senders: with reject_unlisted_sender, a forged tag is not", SIGNING.forge(USER), 550),
])
def senders(sender, code):
    """As it is when mail of ours comes back through a forwarder that keeps the sender."""
    out, copies = WORLD.mail("senders", f"<{sender}>", [f"<{USER}>"])
    same((out.end or out.rcpts[0]).code, code, f"reply ({out})")
    same([copy.sender for copy in copies], [sender] if code == 250 else [], "sender of what is delivered")


@SUITE.rows([
    ("no-mail: a user that Postfix knows is refused by the milter", "user@nomail.example", "5.1.10"),
    ("no-mail: nobody is refused by Postfix", "nosuch@nomail.example", "5.1.1"),
    ("no-mail: a tag does not help", SIGNING.tag("user@nomail.example"), "5.1.1"),
])
def no_mail(rcpt, status):
    for sender in ("<>", FRIEND):
        out, _ = WORLD.mail("in", sender, [f"<{rcpt}>"])
        true(out.rcpts[0].code // 10 == 55 and out.rcpts[0].text.startswith(status), f"reply: {out.rcpts[0]}")


@SUITE.case("untagged_stage = rcpt: an untagged bounce is refused at RCPT, a tagged one is not")
def at_rcpt():
    out, _ = WORLD.mail("rcpt", "<>", [f"<{USER}>"])
    by_milter(out.rcpts[0])
    out, copies = WORLD.mail("rcpt", "<>", [f"<{SIGNING.tag(USER)}>"])
    delivered(copies, USER)


@SUITE.case("an internal client: its bounces are not judged, and their tags come off")
def internal():
    for tagged in (SIGNING.tag(USER), SIGNING.tag(USER, -3)):
        _, copies = WORLD.mail("in", "<>", [f"<{tagged}>"], INSIDE)
        delivered(copies, USER)
    _, copies = WORLD.mail("in", "<>", [f"<{USER}>"], INSIDE)
    delivered(copies, USER)

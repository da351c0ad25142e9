"""Tagged recipients, which Sendmail takes for what they mean by the rules of doc/examples/sendmail.mc."""

import contextlib

from gateway import ABSENT, RETIRED, SIGNING, signed
from harness import contains, matches, same, token, transact, true, wait_until
from sendmailworld import (ENDS, FRIEND, LOCAL, OUR_HOST, OUTSIDE, RELAYED, SUITE, VIRTUAL, WORLD, queue_id,
                           refused)

USERS = (LOCAL, VIRTUAL, RELAYED)
UNKNOWN, DISABLED = r"^5\.1\.1 .*User unknown$", r"^5\.2\.1 .*Mailbox disabled"


@SUITE.rows([
    # name, recipient, reply
    ("map: no local user", SIGNING.tag("nosuch@example.com"), UNKNOWN),
    ("map: no virtual user", SIGNING.tag("nosuch@virt.example"), UNKNOWN),
    ("map: blocked in the access database", SIGNING.tag("lp@example.com"), DISABLED),
    ("map: forged tag for a local user", SIGNING.forge(LOCAL), UNKNOWN),
    ("map: forged tag for a virtual user", SIGNING.forge(VIRTUAL), UNKNOWN),
    ("map: malformed tag for a local user", "prvs=12=" + LOCAL, UNKNOWN),
])
def refused_by_sendmail(rcpt, reply):
    for sender in ("<>", f"<{FRIEND}>"):
        out, _ = WORLD.mail("in", sender, [f"<{rcpt}>"])
        same(out.rcpts[0].code, 550, f"reply to RCPT, sender {sender} ({out})")
        matches(out.rcpts[0].text, reply, "reply to RCPT")


@SUITE.case("map: forged tag for a user beyond a relay")
def refused_by_us():
    out, _ = WORLD.mail("in", "<>", [f"<{SIGNING.forge(RELAYED)}>"])
    refused(out.rcpts[0])


@SUITE.case("map: a tag in a domain that is not ours stays, even with our key")
def foreign():
    rcpts = [SIGNING.tag(FRIEND), ABSENT.tag(FRIEND)]
    for rcpt in rcpts:
        out, copies = WORLD.mail("in", f"<{LOCAL}>", [f"<{rcpt}>"], source=OUR_HOST)
        same(copies.recipients, [rcpt], f"delivered to ({out})")


@SUITE.rows([(f"map: ordinary mail to the tagged address of {user}", user) for user in USERS])
def ordinary(user):
    for tagged in (SIGNING.tag(user), SIGNING.tag(user, -300), RETIRED.tag(user)):
        out, copies = WORLD.mail("in", f"<{FRIEND}>", [f"<{tagged}>"], f"To: {tagged}\n")
        same(copies.recipients, [ENDS[user]], f"delivered to ({out})")
        same(copies[0].header("To"), [tagged], "a header field is nobody's business")


@SUITE.case("map: mailertable finds the relay")
def relay():
    word = token()
    with WORLD.client("in") as client:
        out = transact(client, "<>", [f"<{SIGNING.tag(RELAYED)}>"], f"Subject: {word}\n\nHello\n")
    same(out.final.code, 250, f"the bounce ({out})")
    same([m.recipients for m in WORLD.relay.wait(word)], [[RELAYED]], "recipients at the relay")


@SUITE.rows([(f"map: {what}", user, form) for user in (LOCAL, VIRTUAL) for what, form in (
    (f"without brackets, {user}", lambda u: SIGNING.tag(u)),
    (f"source route, {user}", lambda u: f"<@a.example,@b.example:{SIGNING.tag(u)}>"),
    (f"quoted as a whole, {user}", lambda u: '<"' + SIGNING.tag(u).replace("@", '"@') + ">"),
    (f"trailing dot, {user}", lambda u: f"<{SIGNING.tag(u)}.>"),
    (f"in upper case, {user}", lambda u: f"<PRVS={SIGNING.parts(u).upper()}={u.upper()}>"),
    (f"made over the address as written, {user}", lambda u: f"<{SIGNING.tag(u.title(), fold=False)}>"),
    (f"behind the name, {user}", lambda u: "<" + u.replace("@", f"+prvs={SIGNING.parts(u)}@") + ">"),
)])
def spelled(user, form):
    for sender in ("<>", f"<{FRIEND}>"):
        out, copies = WORLD.mail("in", sender, [form(user)])
        same([r.lower() for r in copies.recipients], [ENDS[user]], f"delivered to, sender {sender} ({out})")


@SUITE.rows([
    ("map: tagged and clean, delivered once", [SIGNING.tag(LOCAL), LOCAL]),
    ("map: clean and tagged, delivered once", [LOCAL, SIGNING.tag(LOCAL)]),
    ("map: the same twice, delivered once", [SIGNING.tag(LOCAL)] * 2),
    ("map: with two tags, delivered once", [SIGNING.tag(LOCAL), SIGNING.tag(LOCAL, 3)]),
    ("map: by two names, delivered once", [SIGNING.tag(VIRTUAL), SIGNING.tag("man@example.com")]),
])
def once(rcpts):
    for sender in ("<>", f"<{FRIEND}>"):
        out, copies = WORLD.mail("in", sender, [f"<{r}>" for r in rcpts])
        same(len(copies.recipients), 1, f"recipients, sender {sender} ({out})")


@SUITE.case("map: two recipients that are one user, one of them untagged: the valid bounce is not lost")
def merged():
    out, copies = WORLD.mail("in", "<>", [f"<{VIRTUAL}>", f"<{SIGNING.tag('man@example.com')}>"])
    same(copies.recipients, ["man"], f"who gets it ({out})")


def bounce_of(sender):
    """What comes to the sink and to the relay when our host sends what the next host refuses."""
    word = token()
    with WORLD.client("in", OUR_HOST) as client:
        out = transact(client, f"<{sender}>", ["<nosuch@outside.example>"], f"Subject: {word}\n\nHello\n")
    same(out.final.code, 250, f"the message ({out})")
    true(wait_until(lambda: WORLD.sink.having(word) + WORLD.relay.having(word)), "there is no bounce")
    return [(m.sender, m.recipients) for m in WORLD.sink.having(word) + WORLD.relay.having(word)]


@SUITE.rows([(f"map: a message of {user} that bounces here comes back to the user", user) for user in USERS])
def local_bounce(user):
    same(bounce_of(user), [("", [ENDS[user]])], "the bounce")
    signed(WORLD.sink.refused[-1][0].split()[0].strip("<>"), user)


@SUITE.case("map: a message that bounces here comes back, with the tag behind the sender's name")
def local_bounce_subaddress():
    tagged = RELAYED.replace("@", f"+prvs={SIGNING.parts(RELAYED)}@")
    same(bounce_of(tagged), [("", [RELAYED])], "the bounce")


@SUITE.rows([(f"map: {user} keeps the tag as a sender", user) for user in USERS])
def sender_keeps_tag(user):
    _, copies = WORLD.mail("in", f"<{user}>", [f"<{FRIEND}>"], source=OUR_HOST)
    signed(copies.sender, user)
    _, copies = WORLD.mail("in", f"<{SIGNING.tag(user)}>", [f"<{FRIEND}>"], source=OUR_HOST)
    same(copies.sender, SIGNING.tag(user), "a sender that had its tag before")


@contextlib.contextmanager
def restarted(**options):
    """The daemon with other options, or none at all, for a while."""
    daemon = WORLD.daemons["bv"]
    before = dict(daemon.options)
    daemon.stop()
    try:
        if options:
            daemon.configure(**options)
            daemon.start()
        yield
    finally:
        if options:
            daemon.stop()
        daemon.configure(**before)
        daemon.start()


@SUITE.rows([(f"map down: {what}", user, sender) for user in USERS for what, sender in (
    (f"a bounce to {user} is kept, and delivered once", "<>"),
    (f"mail to the tagged address of {user} is kept, and delivered once", f"<{FRIEND}>"))])
def map_down(user, sender):
    word = token()
    text = f"Subject: {word}\n\nHello, {word}.\n"
    with restarted(map_listen=""):
        with WORLD.client("in") as client:
            out = transact(client, sender, [f"<{SIGNING.tag(user)}>"], text)
        _, copies = WORLD.mail("in", f"<{FRIEND}>", [f"<{user}>"])
        same(copies.recipients, [ENDS[user]], "meanwhile, untagged mail is delivered to")
        true(out.final.code in (250, 450, 451), f"the message is neither kept nor put off: {out}")
    if out.final.code != 250:
        with WORLD.client("in") as client:
            out = transact(client, sender, [f"<{SIGNING.tag(user)}>"], text)
    WORLD.gateway.flush()
    same(WORLD.delivered(out, word).recipients, [ENDS[user]], f"delivered to ({out})")


@SUITE.case("map down: the milter takes the tag off, and NOTIFY= and ORCPT= go on")
def milter_strips():
    tagged = SIGNING.tag(RELAYED)
    words = ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;" + tagged.replace("=", "+3D")]
    with restarted(map_listen=""):
        for sender in ("<>", f"<{FRIEND}>"):
            out, copies = WORLD.mail("in", sender, [" ".join([f"<{tagged}>", *words])])
            same(len(copies), 1, f"copies ({out})")
            same(copies.rcpt_words, [f"<{RELAYED}>", *words], "RCPT at the relay")


@SUITE.case("map down: Sendmail's own bounce waits, and is delivered")
def bounce_waits():
    word = token()
    with restarted(map_listen=""):
        with WORLD.client("in", OUR_HOST) as client:
            out = transact(client, f"<{LOCAL}>", ["<nosuch@outside.example>"], f"Subject: {word}\n\nHello\n")
        same(out.final.code, 250, f"the message ({out})")
        true(WORLD.gateway.wait_gone(queue_id(out)), "the message stays in the queue")
        same(WORLD.sink.having(word), [], "copies, while the map is down")
    WORLD.gateway.flush()
    same([m.recipients for m in WORLD.sink.wait(word)], [["games"]], "recipients of the bounce")


@SUITE.case("daemon down: all mail is put off at once, and comes again")
def daemon_down():
    rows = [(OUR_HOST, f"<{LOCAL}>", FRIEND), (OUTSIDE, "<>", SIGNING.tag(LOCAL)),
            (OUTSIDE, f"<{FRIEND}>", LOCAL)]
    with restarted():
        for source, sender, rcpt in rows:
            with WORLD.client("in", source) as client:
                reply = transact(client, sender, [f"<{rcpt}>"], "Subject: down\n\nHello\n").final
            same(reply.code, 451, f"reply to MAIL FROM:{sender}")
            contains(reply.text, "4.3.2", "the reply")
    for source, sender, rcpt in rows:
        out, copies = WORLD.mail("in", sender, [f"<{rcpt}>"], source=source)
        same(len(copies), 1, f"copies, now that it is back ({out})")

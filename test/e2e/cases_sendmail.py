"""What the milter does behind Sendmail: signing, bounces, header."""

from gateway import ABSENT, HEADER, RETIRED, SIGNING, VERIFYING, signed
from harness import base64_plain, contains, matches, same, true
from sendmailworld import (ENDS, FRIEND, INSIDE, KNOWN, LOCAL, OUR_HOST, OUTSIDE, PRETENDER, RELAYED, SUITE,
                           VIRTUAL, WORLD, queue_id, refused)

OUT = [f"<{FRIEND}>"]


@SUITE.rows([
    ("sign: from a host in sign_networks, with RET= and ENVID= kept", "in", OUR_HOST),
    ("sign: from the daemon named ORIGINATING, with RET= and ENVID= kept", "submission", OUR_HOST),
    ("sign: over a TCP milter socket, with RET= and ENVID= kept", "tcp", OUR_HOST),
])
def sign(port, source):
    out, copies = WORLD.mail(port, "<Al.Ice@Example.COM> RET=HDRS ENVID=abc123 BODY=8BITMIME",
                             [f"<{FRIEND}> NOTIFY=FAILURE ORCPT=rfc822;{FRIEND}"], source=source)
    signed(copies.sender, "Al.Ice@Example.COM")
    true({"RET=HDRS", "ENVID=abc123"} <= set(copies[0].mail_args), f"the sender: {copies[0].mail}")
    same(copies.rcpt_words, [f"<{FRIEND}>", "NOTIFY=FAILURE", f"ORCPT=rfc822;{FRIEND}"], "the recipient")
    same(copies.header(), None, "our header in outbound mail")
    daemon = WORLD.daemons["tcp" if port == "tcp" else "bv"]
    found = daemon.wait_log(rf"{queue_id(out)}: client=\S+, event=sign")
    true(found, "no log line about the signing")
    contains(found.string, "verdict=signed, action=accept, key=3, from=<Al.Ice@Example.COM>", "log line")


@SUITE.case("sign: an authenticated client; not before it has authenticated")
def authenticated():
    with WORLD.client("in") as client:
        out, copies = WORLD.send(client, f"<{LOCAL}>", [f"<{LOCAL}>"])
        same(copies.sender, LOCAL, f"sender of the unauthenticated client ({out})")
        same(client.cmd("AUTH PLAIN " + base64_plain("user", "password")).code, 235, "AUTH")
        out, copies = WORLD.send(client, f"<{LOCAL}> RET=HDRS ENVID=q", OUT)
        same(len(copies), 1, f"copies at the sink ({out})")
        signed(copies.sender, LOCAL)
        out, copies = WORLD.send(client, f"<{FRIEND}>", OUT)
        same(copies.sender, FRIEND, "sender in a foreign domain")


@SUITE.rows([
    ("not signed: a stranger claims our domain", OUTSIDE, f"<{LOCAL}>", [f"<{RELAYED}>"]),
    ("not signed: a sender in a foreign domain", OUR_HOST, f"<{FRIEND}>", OUT),
    ("not signed: the null sender", OUR_HOST, "<>", OUT),
    ("not signed: the local host", INSIDE, f"<{LOCAL}>", OUT),
])
def left_alone(source, sender, rcpts):
    out, copies = WORLD.mail("in", sender, rcpts, source=source)
    same(len(copies), 1, f"copies at the sink ({out})")
    same(copies.sender, sender.strip("<>"), "sender on the wire")


@SUITE.rows([
    ("bounce: valid, for a local user", LOCAL),
    ("bounce: valid, for a virtual user", VIRTUAL),
    ("bounce: valid, for a user beyond a relay", RELAYED),
])
def valid(user):
    for key in (SIGNING, VERIFYING):
        out, copies = WORLD.mail("in", "<>", [f"<{key.tag(user)}>"])
        same(copies.recipients, [ENDS[user]], f"delivered to ({out})")
        matches(copies.header(), rf"^pass \(valid\) recipient={user}$", "header")


TAG = SIGNING.tag(RELAYED)


@SUITE.rows([
    ("bounce: valid, recipient without brackets", TAG),
    ("bounce: valid, source route", f"<@a.example,@b.example:{TAG}>"),
    ("bounce: valid, quoted as a whole", f'<"{TAG.split("@")[0]}"@relay.example>'),
    ("bounce: valid, trailing dot", f"<{TAG}.>"),
    ("bounce: valid, in upper case", "<PRVS=" + SIGNING.parts(RELAYED).upper() + "=JOE@RELAY.EXAMPLE>"),
    ("bounce: valid, made over the address as written", f'<{SIGNING.tag("Joe@Relay.example", fold=False)}>'),
])
def spelled(rcpt):
    out, copies = WORLD.mail("in", "<>", [rcpt])
    same([r.lower() for r in copies.recipients], [RELAYED], f"delivered to ({out})")
    matches(copies.header(), r"^pass \(valid\)", "header")


@SUITE.rows([
    ("bounce: valid, and NOTIFY= and ORCPT= go on with it", "<>"),
    ("strip: ordinary mail to a tagged address; NOTIFY= and ORCPT= go on with it", f"<{FRIEND}>"),
])
def parameters(sender):
    orcpt = "ORCPT=rfc822;" + TAG.replace("=", "+3D")
    out, copies = WORLD.mail("in", sender, [f"<{TAG}> NOTIFY=SUCCESS,DELAY {orcpt}"])
    same(len(copies), 1, f"copies ({out})")
    same(copies.rcpt_words, [f"<{RELAYED}>", "NOTIFY=SUCCESS,DELAY", orcpt], "RCPT at the relay")


@SUITE.rows([
    ("bounce: forged", SIGNING.forge(RELAYED), "forged"),
    ("bounce: unknown key", ABSENT.tag(RELAYED), "unknown-key"),
    ("bounce: malformed", "prvs=12=" + RELAYED, "malformed"),
])
def refused_at_rcpt(rcpt, verdict):
    out, _ = WORLD.mail("in", "<>", [f"<{rcpt}>"])
    refused(out.rcpts[0])
    found = WORLD.daemons["bv"].wait_log(rf"event=bounce, verdict={verdict}, action=reject, .*rcpt=<{rcpt}>")
    true(found, "no log line about the bounce")


@SUITE.rows([
    ("bounce: expired yesterday, for a local user", SIGNING.tag(LOCAL, -1)),
    ("bounce: expired yesterday, for a user beyond a relay", SIGNING.tag(RELAYED, -1)),
    ("bounce: expired, with a retired key", RETIRED.tag(LOCAL)),
])
def expired(rcpt):
    out, _ = WORLD.mail("in", "<>", [f"<{rcpt}>"])
    refused(out.rcpts[0], "expired")


@SUITE.rows([("bounce: untagged, for " + user, user) for user in (LOCAL, VIRTUAL, RELAYED)])
def untagged(user):
    out, copies = WORLD.mail("in", "<>", [f"<{user}>"])
    same(out.rcpts[0].code, 250, "reply to RCPT")
    refused(out.end)
    same(copies, [], "copies")


@SUITE.case("bounce: from the local host, never refused")
def internal():
    for rcpt in (RELAYED, SIGNING.forge(RELAYED)):
        out, copies = WORLD.mail("in", "<>", [f"<{rcpt}>"], source=INSIDE)
        same(copies.recipients, [rcpt], f"delivered to ({out})")


@SUITE.rows([
    ("client: a name that its address confirms is trusted", KNOWN, 250, r"known\.outside\.example"),
    ("client: a name that its address does not confirm is not", PRETENDER, 550, "unknown"),
])
def client_name(source, code, name):
    out, _ = WORLD.mail("in", "<>", [f"<{RELAYED}>"], source=source)
    same(out.end.code, code, f"the bounce ({out})")
    true(WORLD.daemons["bv"].wait_log(rf"client={name}\[{source}\], event=bounce"), "no log line with the name")


@SUITE.case("several: of two recipients the forged one is refused, the other gets the bounce")
def one_of_two():
    for rcpts, codes in (([TAG, SIGNING.forge("ann@relay.example")], [250, 550]),
                         ([SIGNING.forge("ann@relay.example"), TAG], [550, 250])):
        out, copies = WORLD.mail("in", "<>", [f"<{r}>" for r in rcpts])
        same([r.code for r in out.rcpts], codes, "replies to RCPT")
        same(copies.recipients, [RELAYED], f"delivered to ({out})")
        matches(copies.header(), r"^pass \(valid\)", "header")


@SUITE.rows([
    ("several: two valid ones", [TAG, SIGNING.tag(LOCAL)], [RELAYED, "games"]),
    ("several: the same valid one twice, delivered once", [TAG, TAG], [RELAYED]),
    ("several: one user with two keys' tags, delivered once", [TAG, VERIFYING.tag(RELAYED)], [RELAYED]),
    ("several: a valid one and an untagged one", [TAG, "ann@relay.example"], [RELAYED]),
])
def several(rcpts, delivered):
    out, copies = WORLD.mail("in", "<>", [f"<{r}>" for r in rcpts])
    same([r.code for r in out.rcpts], [250, 250], "replies to RCPT")
    same(copies.recipients, sorted(delivered), f"delivered to ({out})")


@SUITE.rows([(f"several: {user}'s valid bounce, then the same user refused: {what}: not lost", user, second)
             for user in (LOCAL, VIRTUAL, RELAYED) for what, second in (
                 ("expired", lambda u: SIGNING.tag(u, -1)), ("forged", SIGNING.forge), ("untagged", lambda u: u),
                 ("malformed", lambda u: "prvs=12=" + u))])
def merged(user, second):
    out, copies = WORLD.mail("in", "<>", [f"<{r}>" for r in (SIGNING.tag(user), second(user))])
    same(copies.recipients, [ENDS[user]], f"delivered to ({out})")


@SUITE.case("several: a valid bounce, then the same user untagged, judged at RCPT: not lost")
def merged_at_rcpt():
    daemon = WORLD.daemons["bv"]
    stage = daemon.options.get("untagged_stage", "data")
    try:
        daemon.reload(untagged_stage="rcpt")
        for user in (LOCAL, VIRTUAL, RELAYED):
            out, copies = WORLD.mail("in", "<>", [f"<{r}>" for r in (SIGNING.tag(user), user)])
            same(copies.recipients, [ENDS[user]], f"delivered to ({out})")
        out, _ = WORLD.mail("in", "<>", [f"<{LOCAL}>"])
        same(out.rcpts[0].code, 550, f"one alone ({out})")
    finally:
        daemon.reload(untagged_stage=stage)


@SUITE.case("several: two refused that are one user: refused")
def merged_refused():
    out, copies = WORLD.mail("in", "<>", [f"<{r}>" for r in (SIGNING.tag(LOCAL, -1), SIGNING.forge(LOCAL))])
    same([r.code for r in out.rcpts], [550, 550], "replies to RCPT")
    same(copies.recipients, [], f"delivered to ({out})")


@SUITE.rows([(f"null sender, as Sendmail takes it: {sender}", sender) for sender in ("<()>", "(x)", "<>(c)")])
def null_sender(sender):
    out, copies = WORLD.mail("in", sender, [f"<{LOCAL}>"], "X-Bounce-Verification: pass (valid)\n")
    same(out.final.code, 550, f"the message ({out})")
    same(copies.recipients, [], "delivered to")


COPIES = ["X-Bounce-Verification: pass (valid)\n", "x-bounce-verification:pass\n",
          "X-BOUNCE-VERIFICATION:\n pass\n\t(valid)\n", "X-Bounce-Verification : pass\n"]


@SUITE.rows([(f"header: on top and once, with {n} forged copies", "".join((COPIES * 13)[:n]))
             for n in (0, 1, 3, 4, 50)])
def forged_copies(headers):
    headers += "X-Bounce: kept\nX-Bounce-Verification-2: kept\n"
    out, copies = WORLD.mail("in", "<>", [f"<{TAG}>"], headers)
    same(len(copies), 1, f"copies ({out})")
    matches(copies.header(), r"^pass \(valid\) recipient=joe@relay\.example$", "header")
    for name in ("X-Bounce", "X-Bounce-Verification-2"):
        same(copies[0].header(name), ["kept"], f"header {name}")


@SUITE.rows([("session: several messages on one connection", "in"),
             ("session: several messages on one connection, over TCP", "tcp")])
def one_connection(port):
    with WORLD.client(port) as client:
        for _ in range(2):
            out, copies = WORLD.send(client, "<>", [f"<{TAG}>"])
            same(copies.recipients, [RELAYED], f"a valid bounce is delivered to ({out})")
            matches(copies.header(), r"^pass \(valid\)", "header")
            out, _ = WORLD.send(client, "<>", [f"<{SIGNING.forge(RELAYED)}>"])
            refused(out.rcpts[0])
            out, _ = WORLD.send(client, "<>", [f"<{RELAYED}>"])
            refused(out.end)
            out, copies = WORLD.send(client, f"<{FRIEND}>", [f"<{RELAYED}>"], "X-Bounce-Verification: x\n")
            same((copies.sender, copies.recipients), (FRIEND, [RELAYED]), "ordinary mail")
            same(copies[0].header(HEADER), ["x"], "our header in ordinary mail")
    with WORLD.client(port, OUR_HOST) as client:
        for _ in range(2):
            _, copies = WORLD.send(client, f"<{LOCAL}>", OUT)
            signed(copies.sender, LOCAL)
            _, copies = WORLD.send(client, f"<{FRIEND}>", OUT)
            same(copies.sender, FRIEND, "sender in a foreign domain")

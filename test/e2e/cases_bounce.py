"""Bounces, genuine and forged, of one recipient each."""

from gateway import (ABSENT, INSIDE, OUTSIDE, RETIRED, SIGNING, STAGED, SUITE, VERIFYING, WORLD, log_line,
                     refused, signed)
from harness import contains, matches, same, token, transact, true

USER = "user@example.com"
FORGED_COPIES = ("X-Bounce-Verification: pass (valid) recipient=forged\nx-bounce-verification: pass\n"
                 "Subject: between\nX-BOUNCE-VERIFICATION:\n pass (valid)\n")


@SUITE.case("bounce: a genuine one comes back through the gateway to the user")
def genuine():
    word = token()
    with WORLD.client("submission") as client:
        out = transact(client, "<Al.Ice@example.com> ENVID=trip", ["<nosuch@remote.example>"],
                       WORLD.message(word))
    same(out.final.code, 250, f"submission ({out})")
    copies = WORLD.sink.wait(word)
    same([c.recipients for c in copies], [["Al.Ice@example.com"]], "recipients of the bounce")
    bounce = copies[0]
    same(bounce.sender, "", "sender of the bounce")
    contains(bounce.data, "no such user here", "the bounce")
    same(bounce.headers[0][0], "X-Bounce-Verification", "the first header")
    values = bounce.header("X-Bounce-Verification")
    same(len(values), 1, "headers X-Bounce-Verification in the bounce")
    matches(values[0], r"(?i)^pass \(valid\) recipient=\S*al\.ice@example\.com$", "header")
    sent = WORLD.remote.wait_log(r"from=<(prvs=[^>]*)>")
    signed(sent[1], "Al.Ice@example.com")
    log_line(WORLD.daemons["plain"], sent[1], OUTSIDE, "bounce", "valid", "accept", 3, "", sent[1])


VALID = [
    # name, port, recipient as typed, where it is delivered
    ("valid on its last day", SIGNING.tag(USER, 0)),
    ("valid a day ahead: the other node's clock", SIGNING.tag(USER, 8)),
    ("valid, key superseded yesterday, sha-256", VERIFYING.tag(USER)),
    ("valid, key staged for tomorrow", STAGED.tag(USER)),
    ("valid, tag in upper case", "PRVS=" + SIGNING.parts(USER).upper() + "=USER@EXAMPLE.COM"),
    ("valid, made over the address as written", SIGNING.tag("User@Example.com", fold=False)),
    ("valid, subdomain", SIGNING.tag("user@a.sub.example")),
]


@SUITE.rows([("bounce: " + name, "<" + rcpt + ">") for name, rcpt in VALID] + [
    ("bounce: valid, recipient without brackets", SIGNING.tag(USER)),
    ("bounce: valid, source route", f"<@a.example,@b.example:{SIGNING.tag(USER)}>"),
    ("bounce: valid, quoted as a whole", f'<"{SIGNING.tag(USER).split("@")[0]}"@example.com>'),
    ("bounce: valid, nested brackets", f"<<{SIGNING.tag(USER)}>>"),
    ("bounce: valid, trailing dot", f"<{SIGNING.tag(USER)}.>"),
])
def valid(rcpt):
    out, copies = WORLD.mail("in", "<>", [rcpt])
    same(out.final.code, 250, f"the bounce ({out})")
    domain = "a.sub.example" if "a.sub." in rcpt else "example.com"
    same([r.lower() for r in copies.recipients], ["user@" + domain], "delivered to")
    matches(copies.header(), r"^pass \(valid\) recipient=\S*@", "header")


@SUITE.case("bounce: valid, sub-address syntax")
def valid_subaddress():
    out, copies = WORLD.mail("subaddress", "<>", [f"<user+prvs={SIGNING.parts(USER)}@example.com>"])
    same(copies.recipients, [USER], f"delivered to ({out})")


@SUITE.case("bounce: valid, and NOTIFY= and ORCPT= go on with it")
def valid_parameters():
    tagged = SIGNING.tag(USER)
    _, copies = WORLD.mail("in", "<>", [f"<{tagged}> NOTIFY=NEVER ORCPT=rfc822;{tagged.replace('=', '+3D')}"])
    same(copies.rcpt_words, [f"<{USER}>", "NOTIFY=NEVER", f"ORCPT=rfc822;{tagged.replace('=', '+3D')}"],
         "RCPT at the sink")


@SUITE.case("bounce: header on top and once, although it came with forged copies")
def forged_headers():
    _, copies = WORLD.mail("in", "<>", [f"<{SIGNING.tag(USER)}>"], FORGED_COPIES)
    matches(copies.header(), r"^pass \(valid\) recipient=\S*@example\.com$", "header")
    same(copies[0].header("Subject")[0], "between", "the header between the forged ones")


@SUITE.case("bounce: header on top and once, with fifty forged copies")
def fifty_forged_headers():
    _, copies = WORLD.mail("in", "<>", [f"<{SIGNING.tag(USER)}>"], "X-Bounce-Verification: pass\n" * 50)
    matches(copies.header(), r"^pass \(valid\)", "header")


TOO_LONG = "x" * 49 + "@example.com"


@SUITE.rows([
    # name, port, recipient, word in the log
    ("bounce: forged", SIGNING.forge(USER), "forged", 3),
    ("bounce: forged: a good tag for another user", SIGNING.tag("other@example.com").replace("other", "user"),
     "forged", 3),
    ("bounce: forged: a good tag for another domain",
     SIGNING.tag("user@a.sub.example").replace("a.sub.example", "example.com"), "forged", 3),
    ("bounce: forged: made with another key", f"prvs=2{SIGNING.parts(USER)[1:]}={USER}", "forged", 2),
    ("bounce: unknown key", ABSENT.tag(USER), "unknown-key", 9),
    ("bounce: malformed: too short", f"prvs=12={USER}", "malformed", "-"),
    ("bounce: malformed: no hex", f"prvs=3785zzzzzz={USER}", "malformed", "-"),
    ("bounce: malformed: another program's order", f"prvs=user={SIGNING.parts(USER)}@example.com", "malformed",
     "-"),
])
def refused_at_rcpt(rcpt, verdict, key):
    out, _ = WORLD.mail("in", "<>", [f"<{rcpt}>"])
    refused(out.rcpts[0])
    queue_id = log_line(WORLD.daemons["plain"], rcpt, OUTSIDE, "bounce", verdict, "reject", key, "", rcpt)
    same(queue_id, "NOQUEUE", "queue id at the first RCPT")


@SUITE.rows([
    # name, port, recipient
    ("bounce: expired yesterday", "in", SIGNING.tag(USER, -1)),
    ("bounce: expired, a day far ahead", "in", SIGNING.tag(USER, 9)),
    ("bounce: expired, retired key, although its day is to come", "in", RETIRED.tag(USER)),
    ("bounce: expired by the daemon's clock nine days on", "later", SIGNING.tag(USER)),
])
def expired(port, rcpt):
    forged, _ = WORLD.mail(port, "<>", [f"<{SIGNING.forge(USER)}>"])
    out, _ = WORLD.mail(port, "<>", [f"<{rcpt}>"])
    refused(out.rcpts[0], "")
    true(out.rcpts[0].text != forged.rcpts[0].text,
         f"an expired tag is refused like a forged one: {out.rcpts[0]}")
    log_line(WORLD.daemons["later" if port == "later" else "plain"], rcpt, OUTSIDE, "bounce", "expired",
             "reject",
             rcpt[5], "", rcpt)


@SUITE.case("bounce: untagged, refused at the end of the message")
def untagged_data():
    out, copies = WORLD.mail("in", "<>", [f"<{USER}>"])
    same(out.rcpts[0].code, 250, "reply to RCPT")
    refused(out.end)
    same(copies, [], "copies at the sink")
    log_line(WORLD.daemons["plain"], f"<{USER}>", OUTSIDE, "bounce", "untagged", "reject", "-", "", USER)


@SUITE.rows([(f"bounce: untagged, however it is spelled: {spelling}", spelling) for spelling in (
    f"<x <{USER}>>", f"<@a:@b:{USER}>", f"<>{USER}>", f"<a:{USER}>", f"<<{USER}>>", f'<"user"@example.com>',
    "<user@[127.0.0.1]>")])
def untagged_spelled(spelling):
    out, copies = WORLD.mail("in", "<>", [spelling])
    true(out.final.code >= 500, f"the bounce is not refused ({out})")
    same(copies, [], "copies at the sink")


@SUITE.rows([(f"bounce: a null sender, as Postfix takes it: {sender}", sender) for sender in (
    '<"">', '""', "<()>", "<(x)>", "(x)", "<>(c)", "<@a.example:>", "<;>", "<x:;>", "<MAILER-DAEMON>",
    "<mailer-daemon>", "<(x>", "<(x@a.example>", "<@a.example@b:>")])
def null_sender(sender):
    out, _ = WORLD.mail("in", sender, [f"<{USER}>"], "X-Bounce-Verification: pass (valid)\n")
    true(out.final.code >= 500, f"the bounce is not refused ({out})")
    out, copies = WORLD.mail("in", sender, [f"<{SIGNING.tag(USER)}>"])
    same(copies.recipients, [USER], f"delivered to ({out})")
    matches(copies.header(), r"^pass \(valid\)", "header")


@SUITE.rows([(f"no bounce: a sender that nobody can read, and Postfix does not take for the null sender: {sender}", sender)
             for sender in ("<@a.example>", '<""@a.example>', "<user@a.example@>", "<x!>")])
def unreadable_sender(sender):
    out, copies = WORLD.mail("in", sender, [f"<{USER}>"])
    same(copies.recipients, [USER], f"delivered to ({out})")
    same(copies.header(), None, "header")


@SUITE.case("bounce: untagged, refused at RCPT where untagged_stage says so, in the text of reject_text")
def untagged_rcpt():
    out, _ = WORLD.mail("rcpt", "<>", [f"<{USER}>"])
    refused(out.rcpts[0], "100% no bounce of ours")


@SUITE.rows([
    ("bounce: to an address that needs quotes, passed with a reason", '<"john doe"@example.com>',
     '"john doe"@example.com'),
    ("bounce: to a local part of 49 octets, passed with a reason", f"<{TOO_LONG}>", TOO_LONG),
    ("bounce: to an SRS0 address, passed with a reason", "<SRS0=H=T=o.example=u@example.com>",
     "SRS0=H=T=o.example=u@example.com"),
])
def not_taggable(rcpt, delivered):
    out, copies = WORLD.mail("in", "<>", [rcpt])
    same(copies.recipients, [delivered], f"delivered to ({out})")
    matches(copies.header(), r"^none \(not-taggable\b", "header")


@SUITE.rows([
    ("bounce: to a domain not ours, left alone", "open", OUTSIDE, "someone@outside.example"),
    ("bounce: to a domain switched off, left alone", "in", OUTSIDE, "user@off.example"),
    ("bounce: from an internal client, never refused", "in", INSIDE, USER),
    ("bounce: from an internal client to a forged tag, never refused", "in", INSIDE, SIGNING.forge(USER)),
])
def not_ours(port, source, rcpt):
    out, copies = WORLD.mail(port, "<>", [f"<{rcpt}>"], source=source)
    same(copies.recipients, [rcpt], f"delivered to ({out})")


@SUITE.rows([
    # name, port, recipient, header
    ("mark: forged", "mark", SIGNING.forge(USER), r"^fail \(forged\) recipient=\S*user@example\.com$"),
    ("mark: unknown key", "mark", ABSENT.tag(USER), r"^fail \(unknown-key\)"),
    ("mark: malformed", "mark", f"prvs=12={USER}", r"^fail \(malformed\)"),
    ("mark: untagged", "mark", USER, r"^fail \(untagged\) recipient=user@example\.com$"),
    ("mark: valid", "mark", SIGNING.tag(USER), r"^pass \(valid\)"),
    ("accept: forged", "accept", SIGNING.forge(USER), None),
    ("accept: untagged", "accept", USER, None),
])
def not_refused(port, rcpt, header):
    out, copies = WORLD.mail(port, "<>", [f"<{rcpt}>"], FORGED_COPIES if header else "")
    same(out.final.code, 250, f"reply to the message ({out})")
    same(copies.recipients, [USER if "(valid" in (header or "") else rcpt], "delivered to")
    if header:
        matches(copies.header(), header, "header")
    word = "valid" if "(valid" in (header or "") else "forged|unknown-key|malformed|untagged"
    found = WORLD.daemons[port].wait_log(rf"{out.end.queue_id}: .*event=bounce, verdict=({word}), action=(\w+)")
    true(found, "no log line about the bounce")
    if word != "valid":
        same(found[2], port, "action in the log")


@SUITE.case("mark: expired, marked as such")
def mark_expired():
    out, copies = WORLD.mail("mark", "<>", [f"<{SIGNING.tag(USER, -1)}>"])
    same(out.final.code, 250, f"reply to the message ({out})")
    matches(copies.header(), r"^fail \(expired\)", "header")


@SUITE.case("mark: several, the header is for the worst and names nobody")
def mark_several():
    _, copies = WORLD.mail("mark", "<>", [f"<{SIGNING.tag(USER)}>", f"<{SIGNING.forge('b@example.com')}>"])
    same(copies.recipients, sorted([USER, SIGNING.forge("b@example.com")]), "delivered to")
    matches(copies.header(), r"^fail \(forged\)$", "header")


@SUITE.rows([
    ("tcp: valid", SIGNING.tag(USER), 250, [USER]),
    ("tcp: forged", SIGNING.forge(USER), 550, []),
    ("tcp: untagged", USER, 550, []),
])
def over_tcp(rcpt, code, delivered):
    out, copies = WORLD.mail("inet", "<>", [f"<{rcpt}>"])
    same((out.final if out.end else out.rcpts[0]).code, code, f"reply ({out})")
    same(copies.recipients, delivered, "delivered to")


@SUITE.rows([
    ("recipient tables: the tagged pattern lets a bounce in", "listed", "<>", SIGNING.tag(USER), 250, [USER]),
    ("recipient tables: a known user", "listed", "<s@outside.example>", USER, 250, [USER]),
    ("recipient tables: an unknown user", "listed", "<s@outside.example>", "nobody@example.com", 550, []),
    ("recipient tables: a forged tag gets as far as our refusal", "listed", "<>", SIGNING.forge(USER), 550, []),
])
def tables(port, sender, rcpt, code, delivered):
    out, copies = WORLD.mail(port, sender, [f"<{rcpt}>"])
    same(out.rcpts[0].code, code, "reply to RCPT")
    if code == 550 and rcpt != "nobody@example.com":
        refused(out.rcpts[0])
    same(copies.recipients, delivered, "delivered to")

"""What is changed at the end of a message, and in which order."""

from harness import matches, same, true
from milterchanges import HEADER, inserted, no_copies, postfix_recipients, recipients, sender
from milterclient import HEADERS, message
from milterworld import SIGNING, STAGED, SUBMISSION, SUITE, USER, WORLD, bracket

TAG, FORGED = bracket(SIGNING.tag(USER)), bracket(SIGNING.forge(USER))
REMOTE = "<friend@outside.example>"


@SUITE.rows([
    # name, RCPT arguments, what is added, what is deleted
    ("recipient: brackets", [TAG], [(bracket(USER),)]),
    ("recipient: none", [SIGNING.tag(USER)], [(bracket(USER),)]),
    ("recipient: source route", [f"<@a.example,@b.example:{SIGNING.tag(USER)}>"], [(bracket(USER),)]),
    ("recipient: nested brackets", [f"<<{SIGNING.tag(USER)}>>"], [(bracket(USER),)]),
    ("recipient: quoted", [f'<"{SIGNING.tag(USER).split("@")[0]}"@example.com>'], [(bracket(USER),)]),
    ("recipient: upper case", [f"<PRVS={SIGNING.parts(USER).upper()}=User@example.com>"],
     [("<User@example.com>",)]),
    ("recipient: trailing dot", [f"<{SIGNING.tag(USER)}.>"], [(bracket(USER),)]),
    ("recipient: NOTIFY= and ORCPT= go on", [TAG, "NOTIFY=NEVER", "ORCPT=rfc822;x@y.example"],
     [(bracket(USER), "NOTIFY=NEVER ORCPT=rfc822;x@y.example")]),
    ("recipient: in lower case too", [TAG, "notify=DELAY", "orcpt=rfc822;x"],
     [(bracket(USER), "notify=DELAY orcpt=rfc822;x")]),
    ("recipient: any other parameter stays behind",
     [TAG, "FOO=BAR", "NOTIFY=NEVER", "RRVS=2026-01-01T00:00:00Z"],
     [(bracket(USER), "NOTIFY=NEVER")]),
])
def replaced(args, added):
    for mail in ("<>", "<someone@outside.example>"):
        said = WORLD.one("data", mail, [args])
        got = recipients(said)
        same([tuple(p for p in a if p) for a in got[0]], added, f"added ({said})")
        same(got[1][:1], [args[0]], "deleted first: the argument as it came")
        spellings = {args[0], bracket(args[0].split(":")[-1].strip("<>").replace('"', "").replace("example.com.", "example.com"))}
        true(set(got[1]) <= spellings, f"deleted: {got[1]}")
        if args[0].startswith(("<@", "<<")):
            same(set(got[1]), spellings, "deleted: Postfix knows the recipient as it read it")


@SUITE.case("recipient: of two, both are replaced, each added before it is deleted")
def two():
    other = bracket(STAGED.tag("other@example.com"))
    said = WORLD.one("data", "<>", [TAG, other])
    added, deleted = recipients(said)
    same(sorted(a[0] for a in added), ["<other@example.com>", "<user@example.com>"], "added")
    same(sorted(deleted), sorted([TAG, other]), "deleted")
    order = [c[:2] for c in said.changes]
    for tagged, clean in ((TAG, USER), (other, "other@example.com")):
        true(order.index(("delrcpt", tagged)) > next(i for i, c in enumerate(order) if c[1] == bracket(clean)),
             f"{tagged} is deleted before {clean} is added: {order}")


@SUITE.rows([
    # name, RCPT arguments, addresses that the message has in the end
    ("once: the same tag twice", [TAG, TAG], {USER}),
    ("once: two tags of one user", [TAG, bracket(STAGED.tag(USER))], {USER}),
    ("once: clean and tagged", [bracket(USER), TAG], {USER}),
    ("once: tagged and clean", [TAG, bracket(USER)], {USER}),
    ("once: tagged and clean without brackets", [TAG, USER], {USER}),
    ("once: three of a kind", [TAG, bracket(USER), TAG], {USER}),
])
def once(rcpts, wanted):
    for mail in ("<>", "<someone@outside.example>"):
        said = WORLD.one("data", mail, rcpts)
        true(said.final.accepted, str(said))
        same(postfix_recipients(rcpts, said), sorted(wanted),
             f"recipients in the end, sender {mail} ({said.changes})")


@SUITE.rows([(f"header: {n} forged copies are removed, {daemon} stage", n, daemon)
             for n in (0, 1, 3, 50) for daemon in ("data", "rcpt")])
def copies(count, daemon):
    names = [HEADER, HEADER.lower(), HEADER.upper()]
    headers = [*HEADERS, *((names[i % 3], f"pass (valid) {i}") for i in range(count)), ("X-Last", "x")]
    said = WORLD.one(daemon, "<>", [TAG], headers=headers)
    matches(inserted(said), r"^pass \(valid\) recipient=\S*user@example\.com$", "header")
    no_copies(headers, said)


@SUITE.case("header: copies are removed in the second message of a connection too")
def copies_again():
    with WORLD.session("data") as milter:
        message(milter, "<>", [TAG], headers=[(HEADER, "x")] * 5, stop="header")
        for count in (4, 1):
            headers = [(HEADER, "x")] * count
            no_copies(headers, message(milter, "<>", [TAG], headers=headers))


@SUITE.rows([
    # name, recipients, value
    ("header: fail names the only recipient", [FORGED], r"^fail \(forged\) recipient=\S*user@example\.com$"),
    ("header: the worst counts, nobody is named", [TAG, bracket(STAGED.forge("b@example.com"))],
     r"^fail \(forged\)$"),
    ("header: worst is not the last", [FORGED, TAG], r"^fail \(forged\)$"),
    ("header: two valid", [TAG, bracket(STAGED.tag("b@example.com"))], r"^pass \(valid\)$"),
    ("header: not taggable", ['<"a b"@example.com>'], r"^none \(not-taggable\b"),
    ("header: not taggable is worse than valid", [TAG, '<"a b"@example.com>'], r"^none \(not-taggable\b"),
])
def worst(rcpts, value):
    said = WORLD.one("mark", "<>", rcpts)
    matches(inserted(said), value, "header")


@SUITE.case("header: name and value as configured")
def configured():
    headers = [("x-bv", "forged"), (HEADER, "not ours here")]
    said = WORLD.one("value", "<>", [FORGED], headers=headers)
    same([c for c in said.changes if c[0] == "insheader"], [("insheader", 0, "X-BV", "fail by forged: 100%")],
         "header")
    no_copies(headers, said, "X-BV")
    true(all(c[2] == "X-BV" for c in said.changes if c[0] == "chgheader"), "another header is deleted")


@SUITE.case("header: what a stranger writes into an address cannot break out of it")
def clean_header():
    said = WORLD.one("mark", "<>", ['<"a\tb\x01(x)"@example.com>'])
    value = inserted(said)
    true(value.isprintable() and value.isascii(), f"header {value!r}")


@SUITE.rows([
    # name, sender, recipients
    ("untouched: ordinary mail", "<a@outside.example>", [bracket(USER)]),
    ("untouched: ordinary mail to a forged tag", "<a@outside.example>", [FORGED]),
    ("untouched: ordinary mail that claims our domain", bracket(USER), [bracket(USER)]),
    ("untouched: null sender to somebody else", "<>", ["<a@outside.example>"]),
])
def untouched(mail, rcpts):
    for daemon in ("data", "rcpt", "mark"):
        said = WORLD.one(daemon, mail, rcpts, headers=[(HEADER, "pass")])
        true(said.final.accepted, f"{daemon}: {said}")
        same(said.changes, [], f"{daemon}: changes")


@SUITE.case("sign: parameters of the sender are not touched, whatever they are")
def parameters():
    said = WORLD.one("data", [bracket(USER), "SIZE=100", "RET=HDRS", "ENVID=x", "BODY=8BITMIME"], [REMOTE],
                     connect=SUBMISSION)
    true(SIGNING.made(sender(said) or ""), str(said))


@SUITE.case("sign: sub-address syntax with the delimiter -")
def subaddress():
    said = WORLD.one("subaddress", bracket(USER), [REMOTE], connect=SUBMISSION)
    same(sender(said), f"user-prvs={SIGNING.parts(USER)}@example.com", "new sender")
    said = WORLD.one("subaddress", "<>", [bracket(sender(said))])
    same(recipients(said)[0], [(bracket(USER),)], "recipient of the bounce")


@SUITE.rows([
    # name, recipients, answers to RCPT, permanent refusal at the end
    ("untagged: refused at the end", [bracket(USER)], [True], True),
    ("untagged: two, refused at the end", [bracket(USER), "<b@example.com>"], [True, True], True),
    ("untagged: without a domain, ours all the same", ["<user>"], [True], True),
    ("untagged: unreadable, ours all the same", ["<user@@>"], [True], True),
    ("untagged: empty argument", [""], [True], True),
    ("untagged: beside a foreign recipient, only deleted", [bracket(USER), REMOTE], [True, True], False),
    ("untagged: % to us", ["<user%example.com@relay.example>"], None, None),
    ("forged: % behind our domain", [bracket(SIGNING.forge(USER).replace("@", "%") + "@example.com")], [False],
     True),
])
def at_the_end(rcpts, codes, refused):
    said = WORLD.one("data", "<>", rcpts)
    if codes is not None:
        same([r.accepted for r in said.rcpts], codes, f"answers to RCPT ({said})")
        same(bool(said.final.permanent), refused, f"refusal ({said})")
    if refused and codes[0]:
        matches(said.eom, r"^550 5\.7\.1 bounce verification failed", "the reply")
    if refused is False:
        same(recipients(said), ([], [bracket(USER)]), "recipients added and deleted")


@SUITE.case("reply: the text of reject_text, % doubled for the MTA, no address in it")
def reply_text():
    said = WORLD.one("value", "<>", [bracket(SIGNING.forge("u@refuse.example"))])
    same(list(said.rcpts), ["550 5.7.1 50%% of bounces are forged"], "the reply as the MTA gets it")
    said = WORLD.one("rcpt", "<>", [FORGED, bracket(USER), bracket(SIGNING.tag(USER, -3))])
    for reply in said.rcpts:
        matches(reply, r"^550 5\.7\.1 [ -~]+$", "the reply")
        true("@" not in reply and "prvs=" not in reply.lower(), f"an address in the reply: {reply}")
    true(said.rcpts[2] != said.rcpts[0], "expired has no text of its own")


@SUITE.case("many recipients: what cannot be remembered is refused at RCPT, nothing is let through unjudged")
def many():
    names = [f"u{i}@example.com" for i in range(6)]
    said = WORLD.one("few", "<>", [bracket(n) for n in names])
    same([r.accepted for r in said.rcpts], [True] * 3 + [False] * 3, f"answers to untagged recipients ({said})")
    true(said.final.permanent, f"the message: {said}")
    said = WORLD.one("few", "<>", [bracket(SIGNING.tag(n)) for n in names])
    kept = [n for n, r in zip(names, said.rcpts) if r.accepted]
    true(all(r.accepted or r.temporary for r in said.rcpts), f"a valid recipient is refused for good: {said}")
    same(sorted(a[0] for a in recipients(said)[0]), sorted(bracket(n) for n in kept),
         "added: all that were accepted")
    said = WORLD.one("few", "<a@outside.example>", [bracket(n) for n in names])
    same([r.accepted for r in said.rcpts], [True] * 6, "ordinary recipients")
    said = WORLD.one("few", bracket(USER), [f"<r{i}@outside.example>" for i in range(30)], connect=SUBMISSION)
    true(SIGNING.made(sender(said) or "") and all(r.accepted for r in said.rcpts),
         "outbound mail to thirty recipients")

"""What the words of the domains table do to a message, alone and together."""

from harness import matches, same, true
from milterchanges import held, inserted, recipients, sender
from milterclient import ALL_ACTIONS, message
from milterworld import (AUTH, INTERNAL, OUTSIDE, SIGNING, SUBMISSION, SUITE, USER, WORLD, bracket, fresh, made)

FOREIGN = "<friend@outside.example>"
ORDINARY = "<somebody@outside.example>"
REFUSAL, AT_RCPT = r"^550 5\.7\.1 bounce verification failed$", "refused"
MDN = [("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")]
DOMAINS = {"reject": "example.com", "mark": "mark.example", "accept": "accept.example", "quarantine": "hold.example",
           "discard": "drop.example"}


class Mixed:
    """A bounce to recipients described as "valid reject", "forged mark" and so on, or "foreign"."""

    def __init__(self, daemon, what, **offer):
        self.daemon = daemon
        self.address = [FOREIGN[1:-1] if w == "foreign" else fresh(DOMAINS[w.split()[1]]) for w in what]
        self.given = [FOREIGN if w == "foreign" else made(w.split()[0], a) for w, a in zip(what, self.address)]
        with WORLD.session(daemon, **offer) as milter:
            self.said = message(milter, "<>", self.given)

    def fates(self):
        """What becomes of each: refused at RCPT, kept as it is, replaced by the original address, or gone."""
        added, deleted = recipients(self.said)
        same(len(added), len({a[0] for a in added}), f"additions ({self.said})")
        fates = []
        for given, address, answer in zip(self.given, self.address, self.said.rcpts):
            if not answer.accepted:
                matches(answer, r"^550 5\.7\.1 bounce verification failed(: the address tag has expired)?$", "RCPT")
                fates.append(AT_RCPT)
            elif given not in deleted:
                fates.append("kept")
            else:
                fates.append("original" if bracket(address) in [a[0] for a in added] else "gone")
        return fates

    def logged(self, actions):
        for given, action in zip(self.given, actions):
            if action:
                WORLD.logged(self.daemon, f"action={action},", f"rcpt={given}")


KEEP_VALID, PASS = ("valid reject", "original", "accept"), r"^pass \(valid\)"
UNTAGGED, FORGED, EXPIRED = r"^fail \(untagged\)", r"^fail \(forged\)", r"^fail \(expired\)"

# name; for each recipient: what it is, what becomes of it, action in the log; header; held
MIXED = [
    ("mark: untagged", [("untagged mark", "kept", "mark")], UNTAGGED + " recipient=u", False),
    ("mark: forged", [("forged mark", "kept", "mark")], FORGED + " recipient=u", False),
    ("mark: malformed", [("malformed mark", "kept", "mark")], r"^fail \(malformed\)", False),
    ("mark: unknown key", [("unknown mark", "kept", "mark")], r"^fail \(unknown-key\)", False),
    ("mark: expired, the user gets it", [("expired mark", "original", "mark")], EXPIRED + " recipient=u", False),
    ("mark: valid", [("valid mark", "original", "accept")], PASS, False),
    ("mark beside valid", [("forged mark", "kept", "mark"), KEEP_VALID], FORGED + "$", False),
    ("mark beside refused at RCPT", [("forged reject", AT_RCPT, "reject"), ("untagged mark", "kept", "mark")],
     UNTAGGED, False),
    ("mark beside refused", [("untagged reject", "gone", "reject"), ("forged mark", "kept", "mark")], FORGED, False),
    ("accept: untagged", [("untagged accept", "kept", "accept")], None, False),
    ("accept: forged", [("forged accept", "kept", "accept")], None, False),
    ("accept: expired, the user gets it", [("expired accept", "original", "accept")], None, False),
    ("accept: valid", [("valid accept", "original", "accept")], PASS, False),
    ("accept beside refused", [("untagged accept", "kept", "accept"), ("untagged reject", "gone", "reject")], None,
     False),
    ("accept beside mark", [("forged accept", "kept", "accept"), ("untagged mark", "kept", "mark")], UNTAGGED, False),
    ("quarantine: untagged", [("untagged quarantine", "kept", "quarantine")], UNTAGGED + " recipient=u", True),
    ("quarantine: forged", [("forged quarantine", "kept", "quarantine")], FORGED + " recipient=u", True),
    ("quarantine: expired, the user gets it", [("expired quarantine", "original", "quarantine")], EXPIRED, True),
    ("quarantine: valid", [("valid quarantine", "original", "accept")], PASS, False),
    ("quarantine: two", [("forged quarantine", "kept", "quarantine"), ("untagged quarantine", "kept", "quarantine")],
     r"^fail \((forged|untagged)\)$", True),
    ("quarantine beside valid: only marked", [("untagged quarantine", "kept", "mark"), KEEP_VALID], UNTAGGED + "$",
     False),
    ("quarantine beside foreign: only marked", [("forged quarantine", "kept", "mark"), ("foreign", "kept", None)],
     FORGED + "$", False),
    ("quarantine beside mark: only marked", [("untagged mark", "kept", "mark"), ("forged quarantine", "kept", "mark")],
     "^fail", False),
    ("quarantine beside accept: only marked", [("forged quarantine", "kept", "mark"),
                                               ("untagged accept", "kept", "accept")], FORGED + "$", False),
    ("quarantine beside refused", [("untagged reject", "gone", "reject"),
                                   ("untagged quarantine", "kept", "quarantine")], UNTAGGED, True),
    ("quarantine beside refused at RCPT", [("forged reject", AT_RCPT, "reject"),
                                           ("untagged quarantine", "kept", "quarantine")], UNTAGGED, True),
    ("quarantine beside dropped", [("forged quarantine", "kept", "quarantine"), ("forged discard", "gone", "discard")],
     FORGED, True),
    ("discard beside valid", [("forged discard", "gone", "discard"), KEEP_VALID], PASS, False),
    ("discard beside foreign", [("untagged discard", "gone", "discard"), ("foreign", "kept", None)], None, False),
    ("discard beside mark", [("expired discard", "gone", "discard"), ("untagged mark", "kept", "mark")], UNTAGGED,
     False),
    ("discard beside accept", [("untagged discard", "gone", "discard"), ("untagged accept", "kept", "accept")], None,
     False),
    ("discard and refused beside valid", [("untagged discard", "gone", "discard"),
                                          ("untagged reject", "gone", "reject"), KEEP_VALID], PASS, False),
    ("discard: valid", [("valid discard", "original", "accept")], PASS, False),
]


@SUITE.rows(MIXED)
def mixed(rows, header, hold):
    bounce = Mixed("words", [row[0] for row in rows])
    same(bounce.said.eom, "continue", f"end of message ({bounce.said})")
    same(bounce.fates(), [row[1] for row in rows], f"what becomes of {bounce.given} ({bounce.said})")
    value = inserted(bounce.said)
    matches(value, header, "header") if header else same(value, None, "header")
    same(held(bounce.said) is not None, hold, f"held ({bounce.said})")
    true(held(bounce.said) != "", "held without a reason")
    bounce.logged([row[2] for row in rows])


@SUITE.rows([
    # name, recipients, answers to RCPT, end of message, actions in the log
    ("discard: untagged", ["untagged discard"], [True], "^discard$", ["discard"]),
    ("discard: forged", ["forged discard"], [True], "^discard$", ["discard"]),
    ("discard: expired", ["expired discard"], [True], "^discard$", ["discard"]),
    ("discard: two", ["untagged discard", "malformed discard"], [True, True], "^discard$", ["discard"] * 2),
    ("discard beside refused at RCPT", ["forged reject", "forged discard"], [False, True], "^discard$",
     ["reject", "discard"]),
    ("discard beside refused: the client is told", ["untagged discard", "untagged reject"], [True, True], REFUSAL,
     ["discard", "reject"]),
    ("refused beside discard: the client is told", ["untagged reject", "forged discard"], [True, True], REFUSAL,
     ["reject", "discard"]),
    ("refused: two", ["untagged reject", "untagged reject"], [True, True], REFUSAL, ["reject"] * 2),
])
def all_gone(what, codes, end, actions):
    bounce = Mixed("words", what)
    same([r.accepted for r in bounce.said.rcpts], codes, "answers to RCPT")
    matches(bounce.said.eom, end, "end of message")
    same(bounce.said.changes, [], "changes")
    bounce.logged(actions)


@SUITE.rows([(f"{action}: untagged, untagged_stage rcpt", action) for action in
             ("mark", "accept", "quarantine", "discard")])
def rcpt_stage(action):
    for what in ("untagged", "forged", "expired"):
        bounce = Mixed("words-rcpt", [f"{what} {action}"])
        same([r.accepted for r in bounce.said.rcpts], [True], "answers to RCPT")
        same(bounce.said.eom, "discard" if action == "discard" else "continue", "end of message")
        same(held(bounce.said) is not None, action == "quarantine", f"held ({bounce.said})")
        bounce.logged([action])


@SUITE.case("quarantine: where the MTA cannot, marks must do; nothing else suffers")
def cannot_hold():
    offer = dict(actions=ALL_ACTIONS & ~0x20)
    for what, actions in ((["forged quarantine"], ["mark"]),
                          (["untagged quarantine", "untagged reject"], ["mark", "reject"])):
        bounce = Mixed("words", what, **offer)
        same(bounce.said.eom, "continue", f"end of message ({bounce.said})")
        bounce.logged(actions)
    for what, end in ((["forged quarantine", "valid reject"], "continue"), (["valid quarantine"], "continue"),
                      (["forged mark"], "continue"), (["untagged discard"], "discard")):
        same(Mixed("words", what, **offer).said.eom, end, f"end of a message to {what}")


# ---- domains that receive nothing, or never send

@SUITE.rows([
    # name, sender, address of the client, macros of CONNECT, of MAIL, refused
    ("no-mail: ordinary mail", ORDINARY, OUTSIDE, {}, {}, True),
    ("no-mail: a bounce", "<>", OUTSIDE, {}, {}, True),
    ("no-mail: an internal client", ORDINARY, INTERNAL, {}, {}, True),
    ("no-mail: an internal bounce", "<>", INTERNAL, {}, {}, True),
    ("no-mail: an authenticated client", bracket(USER), OUTSIDE, {}, AUTH, True),
    ("no-mail: the submission service", ORDINARY, OUTSIDE, SUBMISSION, {}, True),
    ("no-mail: a client of an unknown family", ORDINARY, None, {}, {}, True),
    ("no-mail: never to localhost", ORDINARY, "127.0.0.1", {}, {}, False),
    ("no-mail: never to localhost by IPv6", ORDINARY, "::1", {}, {}, False),
    ("no-mail: never to localhost, mapped", "<>", "::ffff:127.0.0.1", {}, {}, False),
    ("no-mail: never to localhost, authenticated", bracket(USER), "127.0.0.1", {}, AUTH, False),
])
def no_mail(mail, address, connect, macros, refused):
    user = fresh("nomail.example")
    for rcpt in (bracket(user), bracket(user.upper()), f"<@relay.example:{user}>", f"<{user}.>", made("valid", user),
                 made("forged", user)):
        said = WORLD.one("words", mail, [rcpt, FOREIGN], address, connect, macros=macros)
        if refused:
            matches(said.rcpts[0], r"^556 5\.1\.10 [ -~]+$", f"RCPT {rcpt}")
            true("@" not in said.rcpts[0], "an address in the reply")
        same([r.accepted for r in said.rcpts], [not refused, True], f"answers to RCPT ({said})")
        true(said.final.accepted, f"the other recipient ({said})")
    if refused:
        WORLD.logged("words", "event=guard,", "action=reject,", f"rcpt=<{user}>")


@SUITE.rows([
    # name, daemon, sender, address of the client, macros of CONNECT, refused
    ("no-bounces: every null-sender message is refused", "words", "<>", OUTSIDE, {}, True),
    ("no-bounces: without a key", "keyless", "<>", OUTSIDE, {}, True),
    ("no-bounces: at the rcpt stage", "words-rcpt", "<>", OUTSIDE, {}, True),
    ("no-bounces: ordinary mail", "words", ORDINARY, OUTSIDE, {}, False),
    ("no-bounces: never to localhost", "words", "<>", "127.0.0.1", {}, False),
    ("no-bounces: never to internal clients", "words", "<>", INTERNAL, {}, False),
])
def no_bounces(daemon, mail, address, connect, refused):
    for rcpt in (bracket(fresh("parked.example")), '<"a b"@parked.example>', made("forged", fresh("parked.example"))):
        said = WORLD.one(daemon, mail, [rcpt], address, connect, headers=MDN)
        if refused:
            matches(said.rcpts[0], r"^550 5\.7\.1 bounce verification failed$", f"RCPT {rcpt}")
            WORLD.logged(daemon, "event=bounce,", "action=reject,", rcpt.split("@")[0].strip('<"').split()[0])
        same([r.accepted for r in said.rcpts], [not refused], f"answers to RCPT ({said})")


@SUITE.case("no-bounces, no-mail: their senders get no tag")
def no_senders():
    for domain in ("parked.example", "nomail.example", "off.example"):
        said = WORLD.one("words", bracket(fresh(domain)), [FOREIGN], connect=SUBMISSION)
        same((said.final.accepted, sender(said)), (True, None), f"sender in {domain} ({said})")


@SUITE.rows([(f"signed: domain with the word {word}", domain) for word, domain in DOMAINS.items()])
def signed(domain):
    user = fresh(domain)
    said = WORLD.one("words", bracket(user), [FOREIGN], connect=SUBMISSION)
    true(SIGNING.made(sender(said) or ""), f"not signed: {said}")
    true(held(said) is None and inserted(said) is None, f"changes: {said}")

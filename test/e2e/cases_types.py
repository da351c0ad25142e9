"""Untagged null-sender mail that is no bounce: let through by its type, which only the header tells."""

import milterclient
from harness import matches, same, true
from milterchanges import HEADER, inserted, recipients
from milterclient import ALL_ACTIONS, ALL_PROTOCOL, PROTOCOL, message
from milterworld import STAGED, SUITE, WORLD, Own, bracket, fresh, made

FRAME = [("Received", "from a.example by b.example\n\tfor <user@example.com>; Sat, 21 Nov 2026 12:00:00 +0000"),
         ("From", "Somebody <somebody@outside.example>"), ("MIME-Version", "1.0")]
MDN = FRAME + [("Subject", "Read: your mail"),
               ("Content-Type", 'multipart/report; report-type=disposition-notification;\n\tboundary="b"')]
AUTO = FRAME + [("Subject", "Out of office"), ("Auto-Submitted", "auto-replied"), ("Content-Type", "text/plain")]
FEEDBACK = FRAME + [("Subject", "Abuse report"),
                    ("Content-Type", 'multipart/report; report-type=feedback-report; boundary="b"')]
DMARC = FRAME + [("Subject", "Report Domain: example.com Submitter: outside.example Report-ID: <1@outside.example>"),
                 ("Content-Type", 'application/gzip; name="outside.example!example.com!1!2.xml.gz"'),
                 ("Content-Disposition", 'attachment; filename="outside.example!example.com!1!2.xml.gz"')]
DSN = FRAME + [("Subject", "Undelivered Mail Returned to Sender"), ("Auto-Submitted", "auto-replied"),
               ("Content-Type", 'multipart/report; report-type=delivery-status;\n\tboundary="b"')]
PLAIN = FRAME + [("Subject", "failure notice")]
TYPES = [("mdn", MDN), ("auto-reply", AUTO), ("feedback-report", FEEDBACK), ("dmarc-report", DMARC)]


def passes(daemon, headers, **more):
    """Sends a message to an untagged address, and checks that it is let through as a reply, marked."""
    address = fresh()
    said = WORLD.one(daemon, "<>", [bracket(address)], headers=headers, **more)
    true(said.final.accepted, f"not let through: {said}")
    same(inserted(said), f"none (reply) recipient={address}", "header")
    same(recipients(said), ([], []), "recipients added and deleted")
    WORLD.logged(daemon, "event=bounce, verdict=reply, action=accept, key=-,", f"rcpt=<{address}>")


def refused(daemon, headers, **more):
    address = fresh()
    said = WORLD.one(daemon, "<>", [bracket(address)], headers=headers, **more)
    same([r.accepted for r in said.rcpts], [True], "answers to RCPT")
    matches(said.eom, r"^550 5\.7\.1 bounce verification failed$", "end of message")
    same(said.changes, [], "changes")
    WORLD.logged(daemon, "event=bounce, verdict=untagged, action=reject, key=-,", f"rcpt=<{address}>")


@SUITE.rows([(f"type: {name} is let through, {daemon}", daemon, headers)
             for name, headers in TYPES for daemon in ("data", "inet-data")])
def let_through(daemon, headers):
    passes(daemon, headers)


@SUITE.rows([
    ("type: mdn and feedback-report switched on alone", "types-a", ("mdn", "feedback-report")),
    ("type: auto-reply and dmarc-report switched on alone", "types-b", ("auto-reply", "dmarc-report")),
    ("type: all switched off", "no-types", ()),
])
def switched(daemon, on):
    for name, headers in TYPES:
        (passes if name in on else refused)(daemon, headers)


@SUITE.rows([
    ("type: a DSN", DSN),
    ("type: a DSN as Sendmail writes it", FRAME + [
        ("Subject", "Returned mail: see transcript for details"), ("Auto-Submitted", "auto-generated (failure)"),
        ("Content-Type", 'multipart/report; report-type=delivery-status; boundary="b"')]),
    ("type: a DSN as Exim writes it", FRAME + [
        ("X-Failed-Recipients", "nosuch@remote.example"), ("Auto-Submitted", "auto-replied"),
        ("Content-Type", "multipart/report; report-type=delivery-status; boundary=b"),
        ("Subject", "Mail delivery failed: returning message to sender")]),
    ("type: a DSN in odd case", FRAME + [("AUTO-SUBMITTED", "Auto-Replied"), (
        "content-TYPE", "Multipart/Report;\n boundary=b;\n\tREPORT-TYPE = \"Delivery-Status\"")]),
    ("type: a DSN that claims to be a receipt as well", DSN + MDN[3:]),
    ("type: a receipt that claims to be a DSN as well", MDN + DSN[3:]),
    ("type: a bounce in plain text", PLAIN),
    ("type: no header at all", []),
    ("type: a receipt in name only", FRAME + [("Subject", "Read: disposition-notification")]),
    ("type: the word in another field", FRAME + [
        ("X-Type", "multipart/report; report-type=disposition-notification")]),
    ("type: Auto-Submitted: no", FRAME + [("Auto-Submitted", "no")]),
])
def is_refused(headers):
    for daemon in ("data", "inet-data"):
        refused(daemon, headers)


@SUITE.rows([
    ("type: names and values in odd case", [(n.swapcase(), v.replace("report", "REPORT")) for n, v in MDN]),
    ("type: the field that tells comes first", MDN[::-1]),
    ("type: parameters in another order, folded", FRAME + [
        ("Content-Type", "multipart/report;\n\tboundary=\"x;y\\\"z\";\n report-type=\"disposition-notification\"")]),
    ("type: folded with CR LF", FRAME + [
        ("Content-Type", "multipart/report;\r\n\tboundary=b;\r\n report-type=disposition-notification")]),
    ("type: behind two thousand fields", [("X-Many", "x")] * 2000 + MDN),
    ("type: before two thousand fields", MDN + [("X-Many", "x")] * 2000),
    ("type: behind fields of 60 kB", [("X-Long", "x" * 60000), ("X-Folded", "x\n " * 20000)] * 4 + MDN),
    ("type: among fields of 200 kB", [("X-Long", "x" * 200000)] + MDN + [("X-Folded", "y\n " * 66000)]),
    ("type: in a field of 200 kB", FRAME + [
        ("Content-Type", "multipart/report;" + "\n\tx=y;" * 33000 + "\n\treport-type=disposition-notification")]),
    ("type: empty and eight-bit fields between", [("X-Empty", ""), ("X-8", "\xff\xfe\xe4"), *MDN, ("X-Empty", "")]),
])
def odd_headers(headers):
    for daemon in ("data", "inet-data"):
        passes(daemon, headers)


@SUITE.rows([(f"type: told by an MTA {how}", dict(protocol=protocol)) for how, protocol in (
    ("that waits for an answer to each field", ALL_PROTOCOL & ~PROTOCOL["NR_HDR"]),
    ("that waits for one at the end of the header", ALL_PROTOCOL & ~PROTOCOL["NR_EOH"]),
    ("that leaves nothing out", PROTOCOL["SKIP"]), ("that knows no NR_", 0x77f))])
def other_mtas(offer):
    for headers, permanent in ((MDN, False), (DSN, True), (AUTO, False), ([], True)):
        for daemon in ("data", "inet-data"):
            with WORLD.session(daemon, **offer) as milter:
                said = message(milter, "<>", [bracket(fresh())], headers=headers)
                same(said.final.permanent, permanent, f"{daemon}: refusal ({said})")


@SUITE.rows([
    # name, recipients, header fields, deleted, value of the header
    ("type: valid, and untagged with a receipt", ["valid", "untagged"], MDN, [], r"^none \(reply\)$"),
    ("type: untagged with a receipt, and valid", ["untagged", "valid"], MDN, [], r"^none \(reply\)$"),
    ("type: valid, and untagged with a DSN", ["valid", "untagged"], DSN, [1], r"^pass \(valid\)"),
    ("type: two untagged with a receipt", ["untagged", "untagged"], MDN, [], r"^none \(reply\)$"),
    ("type: forged and untagged with a receipt", ["forged", "untagged"], MDN, [], r"^none \(reply\)"),
])
def several(kinds, headers, gone, value):
    addresses = [fresh() for _ in kinds]
    rcpts = [made(kind, address) for kind, address in zip(kinds, addresses)]
    said = WORLD.one("data", "<>", rcpts, headers=headers)
    same([r.accepted for r in said.rcpts], [kind != "forged" for kind in kinds], "answers to RCPT")
    true(said.final.accepted, str(said))
    valid = [i for i, kind in enumerate(kinds) if kind == "valid"]
    added, deleted = recipients(said)
    same([a[0] for a in added], [bracket(addresses[i]) for i in valid], "recipients added")
    same(deleted, [rcpts[i] for i in valid + gone], "recipients deleted")
    matches(inserted(said), value, "header")
    verdicts = {"untagged": "untagged" if gone else "reply"}
    for kind, rcpt in zip(kinds, rcpts):
        WORLD.logged("data", f"verdict={verdicts.get(kind, kind)},", f"rcpt={rcpt}")


@SUITE.rows([(f"type: action {action}, and a receipt", domain, action, failed) for domain, action, failed in (
    ("mark.example", "mark", r"^fail \(untagged\)"), ("accept.example", "accept", None),
    ("hold.example", "quarantine", r"^fail \(untagged\)"), ("drop.example", "discard", None))])
def other_actions(domain, action, failed):
    for headers, verdict, done, value in ((MDN, "reply", "accept", r"^none \(reply\) recipient=u"),
                                          (DSN, "untagged", action, failed)):
        address = fresh(domain)
        said = WORLD.one("words", "<>", [bracket(address)], headers=headers)
        matches(inserted(said), value, "header") if value else same(inserted(said), None, "header")
        same(any(c[0] == "quarantine" for c in said.changes), done == "quarantine", f"held: {said.changes}")
        same(said.eom, "discard" if done == "discard" else "continue", "end of message")
        WORLD.logged("words", f"verdict={verdict}, action={done},", f"rcpt=<{address}>")


@SUITE.rows([
    ("type: a receipt does not make a forged recipient better, action mark", "mark.example", "mark"),
    ("type: a receipt does not make a forged recipient better, action quarantine", "hold.example", "mark"),
    ("type: a receipt does not make a forged recipient better, action discard", "drop.example", "discard"),
])
def beside_forged(domain, action):
    forged, untagged = made("forged", fresh(domain)), bracket(fresh())
    said = WORLD.one("words", "<>", [forged, untagged], headers=MDN)
    same(said.eom, "continue", "end of message")
    matches(inserted(said), r"^none \(reply\)" if action == "discard" else r"^fail \(forged\)$", "header")
    same(recipients(said), ([], [forged] if action == "discard" else []), "added and deleted")
    WORLD.logged("words", f"verdict=forged, action={action},", f"rcpt={forged}")
    WORLD.logged("words", "verdict=reply, action=accept,", f"rcpt={untagged}")


@SUITE.case("type: untagged_stage rcpt does not wait for it")
def at_rcpt():
    for headers in (MDN, AUTO, DSN):
        said = WORLD.one("rcpt", "<>", [bracket(fresh())], headers=headers)
        same([r.permanent for r in said.rcpts], [True], f"refusals at RCPT ({said})")


@SUITE.rows([(f"type: nothing of it shows in the next message on the connection, {d}", d)
             for d in ("data", "inet-data")])
def no_leak(daemon):
    kinds = {"receipt": (MDN, False), "DSN": (DSN, True), "plain": (PLAIN, True), "none": ([], True)}
    with WORLD.session(daemon) as milter:
        for stop in (None, "header", "data", "rcpt"):
            for first, (headers, _) in kinds.items():
                for then, (next_headers, permanent) in kinds.items():
                    message(milter, "<>", [bracket(fresh())], headers=headers, stop=stop)
                    said = message(milter, "<>", [bracket(fresh())], headers=next_headers)
                    same(said.final.permanent, permanent, f"{first}, given up after {stop}, then {then}: refusal")
        message(milter, "<somebody@outside.example>", [bracket(fresh())], headers=MDN)
        true(message(milter, "<>", [bracket(fresh())], headers=[]).final.permanent, "after ordinary mail")


@SUITE.case("type: a session that began before headers were needed waits, and sends it again")
def older_session():
    with Own(untagged_stage="rcpt") as own:
        milter = milterclient.Milter(own.daemon.connect(), actions=ALL_ACTIONS)
        milter.connect()
        true(milter.has("NOHDRS"), "headers are not asked for at first")
        own.reload(untagged_stage="data")
        for headers in (MDN, DSN):
            address = fresh()
            said = message(milter, "<>", [bracket(address)], headers=headers)
            true(said.rcpts[0].accepted, f"RCPT: {said}")
            matches(said.eom, r"^451 4\.", "end of message")
            WORLD.logged(own.name, "verdict=untagged, action=tempfail,", f"rcpt=<{address}>")
        said = message(milter, "<>", [bracket(STAGED.tag(fresh()))])
        true(said.final.accepted and inserted(said).startswith("pass"), f"a valid bounce: {said}")
        same(len([c for c in said.changes if c[:1] + c[2:3] == ("chgheader", HEADER)]), 50, "blind deletions")
        true(message(milter, "<a@outside.example>", [bracket(fresh())]).final.accepted, "ordinary mail")
        milter.close()
        passes(own.name, MDN)
        refused(own.name, DSN)

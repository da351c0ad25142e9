"""The brakes: guessers are cut off, and storms met at RCPT."""

from harness import Skip, matches, program, same, true, wait_until
from milterchanges import held, inserted, sender
from milterclient import message
from milterworld import (AUTH, INTERNAL, OUTSIDE, SIGNING, SUITE, USER, WORLD, Own, bracket, fresh, made)

ORDINARY, REMOTE = "<somebody@outside.example>", "<friend@outside.example>"
CUT = r"^421 4\.7\.\d [ -~]+$"
MDN = [("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")]


def codes(said):
    return [answer[:3] if answer[:1].isdigit() else str(answer) for answer in said.rcpts]


def cut(milter, daemon="brake"):
    """Whether bounces to us are told 421 in this session."""
    answers = []
    for what in ("forged", "untagged", "valid", "malformed"):
        rcpt = made(what, fresh())
        said = message(milter, "<>", [rcpt])
        answers.append(said.rcpts[0])
        if said.rcpts[0].startswith("421"):
            matches(said.rcpts[0], CUT, "the reply")
            true("@" not in said.rcpts[0], "an address in the reply")
            WORLD.logged(daemon, "event=bounce,", "action=disconnect,", f"rcpt={rcpt}")
    return all(a.startswith("421") for a in answers)


@SUITE.case("max_bad_macs: after three refused forged tags 421, to the end of the session")
def guesser():
    with WORLD.session("brake") as milter:
        said = message(milter, "<>", [made("forged", fresh()) for _ in range(5)])
        same(codes(said), ["550", "550", "550", "421", "421"], "answers to RCPT")
        true(cut(milter), "the session goes on")
        said = message(milter, "<>", ['<"a b"@example.com>', "<user>", "<u@mark.example>", "<u@hold.example>"])
        same(codes(said), ["421"] * 4, "recipients of ours that need no tag, are odd, or would be marked")
    same(codes(WORLD.one("brake", "<>", [made("forged", fresh())])), ["550"], "in another session")


@SUITE.case("max_bad_macs: ordinary mail and other people's bounces in such a session are untouched")
def guesser_mail():
    with WORLD.session("brake") as milter:
        message(milter, "<>", [made("forged", fresh()) for _ in range(3)])
        true(cut(milter), "the session goes on")
        same(codes(message(milter, ORDINARY, [bracket(USER), made("forged", USER)])), ["continue"] * 2,
             "ordinary mail")
        said = message(milter, ORDINARY, [made("valid", USER)])
        same((codes(said), len(said.changes)), (["continue"], 2), f"ordinary mail to a tag ({said})")
        same(codes(message(milter, "<>", [REMOTE, "<u@off.example>"])), ["continue"] * 2, "bounces of others")
        said = message(milter, bracket(USER), [REMOTE], macros=AUTH)
        true(SIGNING.made(sender(said) or ""), f"signed mail: {said}")
        same(codes(message(milter, "<>", [REMOTE, made("valid", fresh())])), ["continue", "421"],
             "another's recipient beside ours")


@SUITE.rows([
    # name, messages as lists of recipients, whether the session is cut off then
    ("max_bad_macs: counts over several messages", [["forged"], ["forged", "valid"], ["forged"]], True),
    ("max_bad_macs: two are not three", [["forged"], ["valid"], ["forged"]], False),
    ("max_bad_macs: an unknown key is a guess too", [["unknown", "forged", "unknown"]], True),
    ("max_bad_macs: untagged, expired and malformed are none",
     [["untagged"] * 3, ["expired"] * 4, ["malformed"] * 4], False),
])
def counting(messages, end):
    with WORLD.session("brake") as milter:
        for kinds in messages:
            message(milter, "<>", [made(kind, fresh()) for kind in kinds], stop="rcpt")
        same(cut(milter), end, "cut off")


@SUITE.rows([
    # name, daemon, domain of the recipients, address of the client, sender
    ("max_bad_macs: what is only marked does not count", "brake", "mark.example", OUTSIDE, "<>"),
    ("max_bad_macs: what is held does not count", "brake", "hold.example", OUTSIDE, "<>"),
    ("max_bad_macs: what is accepted does not count", "brake", "accept.example", OUTSIDE, "<>"),
    ("max_bad_macs: what is marked in a warm-up does not count", "fresh", "example.com", OUTSIDE, "<>"),
    ("max_bad_macs: internal clients are not judged", "brake", "example.com", INTERNAL, "<>"),
    ("max_bad_macs: nor is localhost", "brake", "example.com", "127.0.0.1", "<>"),
    ("max_bad_macs: tags on ordinary mail do not count", "brake", "example.com", OUTSIDE, ORDINARY),
])
def not_counted(daemon, domain, address, mail):
    with WORLD.session(daemon, address) as milter:
        for _ in range(2):
            said = message(milter, mail, [made("forged", fresh(domain)) for _ in range(4)])
            same(codes(said), ["continue"] * 4, "answers to RCPT")
        said = message(milter, "<>", [made("valid", fresh())])
        true(said.final.accepted, f"a valid bounce then: {said}")


@SUITE.case("max_bad_macs: 0 is off; 1; other numbers by reload, for sessions that go on")
def numbers():
    with Own(max_bad_macs=0) as own:
        with WORLD.session(own.name) as milter:
            many = [made("forged", fresh()) for _ in range(20)]
            same(codes(message(milter, "<>", many)), ["550"] * 20, "with 0")
            own.reload(max_bad_macs=1)
            same(codes(message(milter, "<>", many[:3])), ["550", "421", "421"], "with 1")
            own.reload(max_bad_macs=0)
            same(codes(message(milter, "<>", many[:2])), ["550"] * 2, "with 0 again")


# ---- storms

STORM = {"storm_threshold": 5, "storm_quiet": "2s", "exceptions": "rcpt abuse@example.com accept-untagged\n",
         "domains": "example.com reject\nmark.example mark\nhold.example quarantine\n",
         "internal_networks": [INTERNAL]}


def bounces(own, count, address="192.0.2.7", what="forged"):
    for _ in range(count):
        WORLD.one(own.name, "<>", [made(what, fresh())], address)


def callout(own, rcpt):
    """What a server is told that asks whether an address is there, and leaves."""
    with WORLD.session(own.name) as milter:
        return message(milter, "<>", [rcpt], stop="rcpt").rcpts[0]


def begun(own, timeout=5):
    return own.daemon.wait_log(r"storm begins: (\d+) invalid bounces in a minute; top clients (.*?)(;|$)", timeout)


@SUITE.case("storm: begins with the fifth invalid bounce in a minute, and names the clients")
def storm_begins():
    with Own(**STORM) as own:
        bounces(own, 1, "192.0.2.8", "untagged")
        bounces(own, 1, "2001:db8::1", "expired")
        bounces(own, 2)
        for _ in range(5):
            WORLD.one(own.name, "<>", [made("valid", fresh()), "<abuse@example.com>"])
            WORLD.one(own.name, "<>", [bracket(fresh())], headers=MDN)
            WORLD.one(own.name, ORDINARY, [made("forged", fresh())])
            WORLD.one(own.name, "<>", [made("forged", fresh())], INTERNAL)
        true(callout(own, bracket(fresh())).accepted, "a callout before the storm")
        true(not begun(own, 0.3), "a storm of four")
        bounces(own, 1)
        found = begun(own)
        true(found, "no storm of five")
        same((found[1], found[2].split(", ")[0]), ("5", "192.0.2.7 3"), f"the log line: {found[0]}")
        same(sorted(found[2].split(", ")[1:]), ["192.0.2.8 1", "2001:db8::1 1"], "other clients")


@SUITE.case("storm: while it lasts, untagged bounces are refused at RCPT, callouts and receipts too, and no more")
def storm_lasts():
    with Own(**STORM) as own:
        with WORLD.session(own.name) as milter:
            milter.mail("<>")
            true(milter.rcpt(bracket(fresh())).accepted, "RCPT before the storm")
            bounces(own, 5)
            true(begun(own), "no storm")
            same(milter.rcpt(bracket(fresh()))[:3], "550", "the next RCPT, in the storm")
            milter.data()
            for name, value in MDN:
                milter.header(name, value)
            milter.eoh()
            same(milter.eom(), "continue", "a receipt that had begun before the storm")
            milter.abort()
        matches(callout(own, bracket(fresh())), r"^550 5\.7\.1 bounce verification failed$", "a callout")
        same(codes(WORLD.one(own.name, "<>", [bracket(fresh())], headers=MDN)), ["550"], "a receipt")
        said = WORLD.one(own.name, "<>", [made("valid", fresh()), bracket(fresh()), "<abuse@example.com>"])
        same(codes(said), ["continue", "550", "continue"], "valid, untagged, excepted")
        matches(inserted(said), r"^none \(exempt\)$", "header")
        said = WORLD.one(own.name, "<>", [bracket(fresh("mark.example"))])
        matches(inserted(said), r"^fail \(untagged\)", "header, action mark")
        said = WORLD.one(own.name, "<>", [bracket(fresh("mark.example"))], headers=MDN)
        true(said.final.accepted, f"a receipt, action mark: {said}")
        true(held(WORLD.one(own.name, "<>", [bracket(fresh("hold.example"))])) is not None, "action quarantine")
        same(codes(WORLD.one(own.name, ORDINARY, [bracket(fresh())])), ["continue"], "ordinary mail")
        same(codes(WORLD.one(own.name, "<>", [bracket(fresh())], INTERNAL)), ["continue"], "an internal bounce")
        same(len([line for line in own.daemon.lines if "storm begins" in line]), 1, "words of its begin")
        said = WORLD.one(own.name, "<>", [bracket(fresh())], "192.0.2.99", headers=MDN)
        true(said.final.accepted, f"a receipt from a client that has no part in it: {said}")


@SUITE.case("storm: neither what is accepted nor what is sent to those who never send begins one")
def storm_not_counted():
    with Own(**dict(STORM, domains="example.com accept\nparked.example no-bounces\n")) as own:
        for _ in range(4):
            WORLD.one(own.name, "<>", [bracket(fresh())])
            WORLD.one(own.name, "<>", [bracket(fresh("parked.example"))])
        true(not begun(own, 0.3), "a storm of eight that do not count")


@SUITE.case("storm: ends when it has been quiet for long enough, and says so; the next one begins anew")
def storm_ends():
    with open(program("bvmilter"), "rb") as file:
        if b"__asan_init" in file.read():
            raise Skip("the address sanitizer and libfaketime do not go together")
    with Own(faketime="+0 x40", **STORM) as own:
        bounces(own, 5)
        true(begun(own), "no storm")
        same(callout(own, bracket(fresh()))[:3], "550", "a callout in the storm")
        found = own.daemon.wait_log(r"storm ends: (\d+) invalid bounces in (\d+) seconds", 8)
        true(found, "the storm does not end")
        same(found[1], "6", "invalid bounces, the callout among them")
        true(60 <= int(found[2]), f"less than the minute that counts: {found[0]}")
        true(callout(own, bracket(fresh())).accepted, "a callout after the storm")


@SUITE.case("storm: ends by a higher threshold, or none; 0 never begins one")
def storm_settings():
    with Own(**STORM) as own:
        bounces(own, 6)
        true(begun(own), "no storm")
        own.reload(storm_threshold=1000, storm_quiet="1s")
        true(own.daemon.wait_log("storm ends: 6 invalid bounces in", 5), "the storm does not end")
        true(callout(own, bracket(fresh())).accepted, "a callout after the storm")
        own.reload(storm_threshold=3)
        bounces(own, 1)
        same(callout(own, bracket(fresh()))[:3], "550", "a callout in the second storm")
        own.reload(storm_threshold=0)
        true(wait_until(lambda: own.daemon.log().count("storm ends:") == 2, 5), "the second storm does not end")
        bounces(own, 10)
        same(own.daemon.log().count("storm begins:"), 2, "storms")
    with Own(storm_threshold=0) as own:
        bounces(own, 30)
        true(callout(own, bracket(fresh())).accepted, "a callout")
        true("storm" not in own.daemon.log(), "a storm with threshold 0")

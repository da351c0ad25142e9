"""Copies of our header field that a message came with: all of them go, whoever counts them."""

from harness import same, true
from milterchanges import HEADER, deletions, inserted, no_copies
from milterclient import HEADERS, PROTOCOL, message
from milterworld import AUTH, INTERNAL, SIGNING, SUBMISSION, SUITE, USER, WORLD, Own, bracket, fresh, made

TAG = bracket(SIGNING.tag(USER))
COUNTS = (0, 1, 2, 3, 49, 50, 51, 200)
NAMES = (HEADER, HEADER.lower(), HEADER.upper(), "x-Bounce-VERIFICATION")


def with_copies(count):
    """A header with copies in any case, folded and empty ones among them, and fields that look like them."""
    values = ("pass (valid)", "pass\n\t(valid) recipient=a\n b", "", "\tx")
    fields = [(NAMES[i % 4], values[i % 3]) for i in range(count)]
    return [("X-Bounce-Verification-Not", "x"), *HEADERS, *fields, ("X-Bounce", "y"), ("Subject", HEADER + ": z")]


@SUITE.rows([(f"copies: {count}, headers sent: as many are deleted, from the last down, {daemon}", count, daemon)
             for count in COUNTS for daemon in ("data", "inet-data")])
def counted(count, daemon):
    said = WORLD.one(daemon, "<>", [TAG], headers=with_copies(count))
    same(deletions(said), list(range(count, 0, -1)), "deletions")
    no_copies(with_copies(count), said)


@SUITE.rows([(f"copies: headers not sent: fifty deletions, {daemon}", daemon)
             for daemon in ("rcpt", "inet", "no-types")])
def blind(daemon):
    for count in (0, 1, 50):
        said = WORLD.one(daemon, "<>", [TAG], headers=with_copies(count))
        same(deletions(said), list(range(50, 0, -1)), "deletions")
        no_copies(with_copies(count), said)


@SUITE.case("copies: a bounce that brings a thousand is refused, since Postfix needs long to delete them")
def too_many():
    said = WORLD.one("data", "<>", [TAG], headers=with_copies(999))
    same(len(deletions(said)), 999, "deletions")
    said = WORLD.one("data", "<>", [TAG], headers=with_copies(1000))
    same((said.eom[:3], said.changes), ("550", []), f"a thousand: {said}")


@SUITE.case("copies: counted where the MTA waits for an answer to each field")
def answered():
    for protocol in (PROTOCOL["SKIP"], 0x77f):
        with WORLD.session("data", protocol=protocol) as milter:
            for count in (3, 0, 60):
                said = message(milter, "<>", [TAG], headers=with_copies(count))
                same(deletions(said), list(range(count, 0, -1)), "deletions")


@SUITE.case("copies: a number counts for one message of the connection")
def one_message():
    with WORLD.session("data") as milter:
        for count, stop in ((5, "header"), (2, None), (0, None), (7, "header"), (1, None), (3, None)):
            said = message(milter, "<>", [TAG], headers=with_copies(count), stop=stop)
            if stop is None:
                same(deletions(said), list(range(count, 0, -1)), "deletions")


@SUITE.rows([
    # name, daemon, recipient, whether a header of ours comes instead
    ("copies: deleted with pass", "data", "valid", "example.com", True),
    ("copies: deleted with fail", "words", "forged", "mark.example", True),
    ("copies: deleted where action accept adds none", "words", "untagged", "accept.example", False),
    ("copies: deleted from what is held", "words", "untagged", "hold.example", True),
    ("copies: deleted at the rcpt stage where action accept adds none", "words-rcpt", "untagged", "accept.example",
     False),
])
def judged(daemon, kind, domain, ours):
    said = WORLD.one(daemon, "<>", [made(kind, fresh(domain))], headers=with_copies(3))
    true(said.final.accepted, str(said))
    same(deletions(said), list(range(50 if daemon == "words-rcpt" else 3, 0, -1)), "deletions")
    same(inserted(said) is not None, ours, "a header of ours")


@SUITE.rows([
    # name, sender, recipients, address, macros of CONNECT, of MAIL
    ("copies: ordinary mail keeps them", "<a@outside.example>", [bracket(USER)], None, {}, {}),
    ("copies: ordinary mail to a tag keeps them", "<a@outside.example>", [TAG], None, {}, {}),
    ("copies: signed mail keeps them", bracket(USER), ["<a@outside.example>"], None, SUBMISSION, {}),
    ("copies: authenticated mail keeps them", bracket(USER), [bracket(USER)], None, {}, AUTH),
    ("copies: null sender to somebody else keeps them", "<>", ["<a@outside.example>"], None, {}, {}),
    ("copies: an internal bounce keeps them", "<>", [TAG], INTERNAL, {}, {}),
    ("copies: a bounce from localhost keeps them", "<>", [TAG], "127.0.0.1", {}, {}),
    ("copies: a domain switched off keeps them", "<>", ["<a@off.example>"], None, {}, {}),
])
def kept(mail, rcpts, address, connect, macros):
    for daemon in ("words", "words-rcpt"):
        if daemon == "words-rcpt" and address == INTERNAL:
            continue
        more = {"address": address} if address else {}
        said = WORLD.one(daemon, mail, rcpts, connect=connect, macros=macros, headers=with_copies(4), **more)
        true(said.final.accepted, str(said))
        same(deletions(said), [], f"{daemon}: deletions")


@SUITE.case("copies: of the configured name; those of the default are nobody's")
def configured():
    headers = [("x-bv", "a"), (HEADER, "b"), ("X-BV", "c")]
    said = WORLD.one("value", "<>", [TAG], headers=headers)
    same([c for c in said.changes if c[0] == "chgheader"], [("chgheader", 2, "X-BV", ""), ("chgheader", 1, "X-BV", "")],
         "deletions")


@SUITE.case("copies: sessions that began before a reload count as they did, under the new name")
def reloaded():
    with Own() as own, WORLD.session(own.name) as counting:
        own.reload(untagged_stage="rcpt", header_name="X-New")
        with WORLD.session(own.name) as not_counting:
            for milter, numbers in ((counting, [2, 1]), (not_counting, list(range(50, 0, -1)))):
                said = message(milter, "<>", [TAG], headers=[("X-New", "a"), (HEADER, "b"), ("x-new", "c")])
                same([c[1:3] for c in said.changes if c[0] == "chgheader"], [(n, "X-New") for n in numbers],
                     "deletions")

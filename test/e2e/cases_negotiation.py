"""What is negotiated with an MTA, and what a message then costs in round trips."""

import milterclient
from harness import contains, matches, same, true
from milterchanges import sender
from milterclient import ALL_ACTIONS, ALL_PROTOCOL, PROTOCOL, message
from milterworld import OUTSIDE, SIGNING, SUBMISSION, SUITE, USER, WORLD, bracket

TAG, FORGED = bracket(SIGNING.tag(USER)), bracket(SIGNING.forge(USER))
OUR_SENDER, REMOTE = bracket(USER), "<friend@outside.example>"

NEVER = ("NOHELO", "NOBODY", "NOUNKNOWN")
UNANSWERED = ("NR_CONN", "NR_MAIL")
NEEDED = ("NOCONNECT", "NOMAIL", "NORCPT", "NR_RCPT", "NR_DATA")
NO_HEADERS, HEADERS_UNANSWERED = ("NOHDRS", "NOEOH"), ("NR_HDR", "NR_EOH")


@SUITE.rows([
    # name, daemon, flags that must be set, flags that must not
    ("negotiation: untagged_stage rcpt asks for no headers and no DATA", "rcpt", ("NODATA",) + NO_HEADERS, ()),
    ("negotiation: reply_types {} neither", "no-types", ("NODATA",) + NO_HEADERS, ()),
    ("negotiation: untagged_stage data asks for headers, unanswered", "data", ("NODATA",) + HEADERS_UNANSWERED,
     NO_HEADERS),
    ("negotiation: over TCP, DATA is taken and answered", "inet", NO_HEADERS, ("NODATA",)),
    ("negotiation: over TCP, data stage, DATA and headers", "inet-data", HEADERS_UNANSWERED,
     ("NODATA",) + NO_HEADERS),
])
def flags(daemon, wanted, unwanted):
    with WORLD.milter(daemon) as milter:
        wanted, unwanted = NEVER + UNANSWERED + wanted, NEEDED + unwanted
        same([f for f in wanted if not milter.has(f)], [], "flags that are missing")
        same([f for f in unwanted if milter.has(f)], [], "flags that should not be there")
        true(milter.has("QUARANTINE"), "QUARANTINE is offered, and not asked for")
        same([a for a in ("CHGBODY",) if milter.has(a)], [], "actions that nobody needs")
        true(not milter.has("HDR_LEADSPC"), "HDR_LEADSPC is asked for")


@SUITE.case("negotiation: no macro is asked for that is not needed, and none is missing that is")
def symbols():
    with WORLD.milter("data") as milter:
        asked = milter.asked
    contains(asked.get(0, ["{daemon_name}"]), "{daemon_name}", "macros of CONNECT")
    contains(asked.get(0, ["{client_resolve}"]), "{client_resolve}", "macros of CONNECT")
    contains(asked.get(2, ["{auth_authen}"]), "{auth_authen}", "macros of MAIL")
    contains(asked.get(5, ["i"]), "i", "macros of the end of message")
    for names in asked.values():
        same([n for n in names if n == "{mail_addr}"], [], "a macro that both MTAs rewrite")


@SUITE.rows([("fewer actions: none", 0), ("fewer actions: no CHGFROM", ALL_ACTIONS & ~0x40),
             ("fewer actions: no ADDRCPT_PAR", ALL_ACTIONS & ~0x80), ("fewer actions: version 2's", 0x1f)])
def fewer_actions(actions):
    try:
        with WORLD.milter("data", actions=actions) as milter:
            milter.connect(OUTSIDE, macros=SUBMISSION)
            said = message(milter, OUR_SENDER, [REMOTE])
            true(not said.final.accepted, f"mail goes out unsigned: {said}")
    except (milterclient.ProtocolError, ConnectionError) as err:
        matches(err, "closed|refused|reset", "end of the session")
    true(WORLD.daemon["data"].wait_log("0x%x|actions" % actions), "the log does not say why")
    true(sender(WORLD.one("data", OUR_SENDER, [REMOTE], connect=SUBMISSION)),
         "the daemon does not sign any more")


@SUITE.rows([("fewer flags: no SETSYMLIST", ALL_ACTIONS & ~0x100, ALL_PROTOCOL),
             ("fewer flags: nothing may stay unanswered", ALL_ACTIONS, 0x77f),
             ("fewer flags: nothing may be left out", ALL_ACTIONS, PROTOCOL["SKIP"]),
             ("fewer flags: no NR_CONN", ALL_ACTIONS, ALL_PROTOCOL & ~PROTOCOL["NR_CONN"]),
             ("fewer flags: no NR_MAIL", ALL_ACTIONS, ALL_PROTOCOL & ~PROTOCOL["NR_MAIL"]),
             ("fewer flags: no NR_HDR", ALL_ACTIONS, ALL_PROTOCOL & ~PROTOCOL["NR_HDR"]),
             ("fewer flags: no NR_EOH", ALL_ACTIONS, ALL_PROTOCOL & ~PROTOCOL["NR_EOH"]),
             ("fewer flags: no NR_HDR, no NR_EOH", ALL_ACTIONS,
              ALL_PROTOCOL & ~PROTOCOL["NR_HDR"] & ~PROTOCOL["NR_EOH"]),
             ("fewer flags: no NOHDRS, no NOEOH, no NODATA", ALL_ACTIONS,
              ALL_PROTOCOL & ~PROTOCOL["NOHDRS"] & ~PROTOCOL["NOEOH"] & ~PROTOCOL["NODATA"]),
             ("fewer flags: no QUARANTINE", ALL_ACTIONS & ~0x20, ALL_PROTOCOL)])
def fewer_flags(actions, protocol):
    for daemon in ("data", "rcpt", "inet", "inet-data"):
        with WORLD.session(daemon, macros=SUBMISSION, actions=actions, protocol=protocol) as milter:
            said = message(milter, OUR_SENDER, [REMOTE, "<b@outside.example>"])
            true(said.final.accepted and SIGNING.made(sender(said) or ""), f"{daemon}: not signed: {said}")
        with WORLD.session(daemon, actions=actions, protocol=protocol) as milter:
            for headers in ([], [("Subject", "x")] * 30):
                said = message(milter, "<>", [FORGED, TAG], headers=headers)
                same([r.accepted for r in said.rcpts], [False, True], f"{daemon}: answers to RCPT")
                same([c[0] for c in said.changes if c[0] in ("addrcpt_par", "delrcpt", "insheader")],
                     ["addrcpt_par", "delrcpt", "insheader"], f"{daemon}: changes")
                said = message(milter, REMOTE, [OUR_SENDER], headers=headers)
                true(said.final.accepted and not said.changes, f"{daemon}: ordinary mail: {said}")
            true(milter.silent(), f"{daemon}: an answer that nobody waits for")


@SUITE.rows([
    # name, daemon, sender, recipients, macros of CONNECT, answers awaited
    ("round trips: rcpt stage, signed", "rcpt", OUR_SENDER, [REMOTE] * 3, SUBMISSION, 4),
    ("round trips: rcpt stage, ordinary", "rcpt", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: rcpt stage, bounce", "rcpt", "<>", [TAG], {}, 2),
    ("round trips: data stage, signed", "data", OUR_SENDER, [REMOTE], SUBMISSION, 2),
    ("round trips: data stage, ordinary", "data", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: data stage, bounce", "data", "<>", [TAG], {}, 2),
    ("round trips: TCP, signed", "inet", OUR_SENDER, [REMOTE] * 3, SUBMISSION, 5),
    ("round trips: TCP, ordinary: let go at DATA", "inet", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: TCP, bounce", "inet", "<>", [TAG], {}, 3),
    ("round trips: TCP, data stage, signed", "inet-data", OUR_SENDER, [REMOTE] * 3, SUBMISSION, 5),
    ("round trips: TCP, data stage, ordinary: let go at DATA", "inet-data", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: TCP, data stage, bounce", "inet-data", "<>", [TAG], {}, 3),
])
def round_trips(daemon, mail, rcpts, connect, expected):
    with WORLD.session(daemon, macros=connect) as milter:
        same(milter.awaited, 0, "answers awaited before MAIL")
        for _ in range(2):
            said = message(milter, mail, rcpts, headers=[("X-Many", "x")] * 80)
            true(said.final.accepted, str(said))
            same(said.awaited, expected, "answers awaited")


@SUITE.rows([
    # name, sender, recipients, macros of CONNECT, answer to DATA over TCP
    ("DATA: ordinary mail from outside is let go", REMOTE, [OUR_SENDER, "<b@example.com>"], {}, "accept"),
    ("DATA: with a forged tag, which stays, too", REMOTE, [FORGED], {}, "accept"),
    ("DATA: from outside, our own name as sender, too", OUR_SENDER, [OUR_SENDER], {}, "accept"),
    ("DATA: null sender, nobody of ours, too", "<>", [REMOTE], {}, "accept"),
    ("DATA: null sender, ours refused, too", "<>", [FORGED, REMOTE], {}, "accept"),
    ("DATA: not a bounce", "<>", [TAG], {}, "continue"),
    ("DATA: not a bounce beside somebody else", "<>", [REMOTE, TAG, REMOTE], {}, "continue"),
    ("DATA: not one that is untagged", "<>", [OUR_SENDER], {}, "continue"),
    ("DATA: not a tag to strip", REMOTE, [OUR_SENDER, TAG], {}, "continue"),
    ("DATA: not mail that is signed", OUR_SENDER, [REMOTE], SUBMISSION, "continue"),
])
def data_stage(mail, rcpts, connect, answer):
    with WORLD.session("inet-data", macros=connect) as milter:
        for _ in range(3):
            said = message(milter, mail, rcpts)
            same(said.data, answer, "answer to DATA")
            true(said.eom is None if answer == "accept" else said.eom is not None, f"end of message: {said}")
    said = WORLD.one("data", mail, rcpts, connect=connect)
    same(said.data, "unasked", "on a unix socket, DATA")


@SUITE.rows([(f"no headers, no body: {d}", d) for d in ("data", "rcpt", "inet", "inet-data", "no-types")])
def no_headers(daemon):
    said = WORLD.one(daemon, OUR_SENDER, [REMOTE], connect=SUBMISSION, headers=())
    true(SIGNING.made(sender(said) or ""), f"not signed: {said}")
    said = WORLD.one(daemon, "<>", [TAG], headers=())
    same(len([c for c in said.changes if c[0] == "delrcpt"]), 1, f"deletions ({said})")
    true(WORLD.one(daemon, "<>", [OUR_SENDER], headers=()).final.permanent, "untagged")
    true(WORLD.one(daemon, REMOTE, [OUR_SENDER], headers=()).final.accepted, "ordinary mail")

"""What is negotiated, who counts as what, and what a message costs in round trips."""

import milterclient
from harness import contains, matches, same, true
from milterclient import ALL_ACTIONS, ALL_PROTOCOL, PROTOCOL, message
from milterworld import AUTH, NOT_YET, OUTSIDE, SIGNING, SUBMISSION, SUITE, USER, WORLD, bracket, sender

NEVER = ("NOHELO", "NOBODY", "NOUNKNOWN")
TAG = bracket(SIGNING.tag(USER))
FORGED = bracket(SIGNING.forge(USER))
OUR_SENDER, REMOTE = bracket(USER), "<friend@outside.example>"


UNANSWERED = ("NR_CONN", "NR_MAIL")
NEEDED = ("NOCONNECT", "NOMAIL", "NORCPT", "NR_RCPT")


@SUITE.rows([
    # name, daemon, flags that must be set, flags that must not
    ("negotiation: untagged_stage rcpt asks for no headers and no DATA", "rcpt",
     NEVER + UNANSWERED + ("NOHDRS", "NOEOH", "NODATA"), NEEDED),
    ("negotiation: untagged_stage data needs no more", "data",
     NEVER + UNANSWERED + ("NOHDRS", "NOEOH", "NODATA"), NEEDED),
    ("negotiation: over TCP, DATA is taken and answered", "inet",
     NEVER + UNANSWERED + ("NOHDRS", "NOEOH"), NEEDED + ("NODATA", "NR_DATA")),
])
def flags(daemon, wanted, unwanted):
    with WORLD.milter(daemon) as milter:
        same([f for f in wanted if not milter.has(f)], [], "flags that are missing")
        same([f for f in unwanted if milter.has(f)], [], "flags that should not be there")
        same([a for a in ("CHGBODY", "QUARANTINE") if milter.has(a)], [], "actions that nobody needs")
        true(not milter.has("HDR_LEADSPC"), "HDR_LEADSPC is asked for")


@SUITE.case("negotiation: no macro is asked for that is not needed, and none is missing that is")
def symbols():
    with WORLD.milter("data") as milter:
        asked = milter.asked
    contains(asked.get(0, ["{daemon_name}"]), "{daemon_name}", "macros of CONNECT")
    contains(asked.get(2, ["{auth_authen}"]), "{auth_authen}", "macros of MAIL")
    contains(asked.get(5, ["i"]), "i", "macros of the end of message")
    for names in asked.values():
        same([n for n in names if n in ("{mail_addr}", "{rcpt_addr}")], [], "macros that both MTAs rewrite")


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
             ("fewer flags: no NR_HDR", ALL_ACTIONS, ALL_PROTOCOL & ~PROTOCOL["NR_HDR"])])
def fewer_flags(actions, protocol):
    for daemon in ("data", "rcpt", "inet"):
        with WORLD.session(daemon, macros=SUBMISSION, actions=actions, protocol=protocol) as milter:
            said = message(milter, OUR_SENDER, [REMOTE, "<b@outside.example>"])
            true(said.final.accepted and SIGNING.made(sender(said) or ""), f"{daemon}: not signed: {said}")
        with WORLD.session(daemon, actions=actions, protocol=protocol) as milter:
            said = message(milter, "<>", [FORGED, TAG])
            same([r.accepted for r in said.rcpts], [False, True], f"{daemon}: answers to RCPT")
            true(milter.silent(), f"{daemon}: an answer that nobody waits for")


@SUITE.rows([
    # name, address in CONNECT, refused
    ("client: an outside IPv4 address", "192.0.2.7", True),
    ("client: an outside IPv6 address", "2001:db8:3::7", True),
    ("client: of an unknown family is never internal", None, True),
    ("client: in internal_networks, IPv4", "203.0.113.9", False),
    ("client: in internal_networks, IPv6", "2001:db8:2::9", False),
    ("client: just outside internal_networks", "203.0.112.255", True),
    ("client: IPv4 mapped into IPv6, internal", "::ffff:203.0.113.9", False),
    ("client: IPv4 mapped into IPv6, outside", "::ffff:192.0.2.7", True),
    ("client: localhost is never refused, listed or not", "127.0.0.1", False),
    ("client: localhost by IPv6", "::1", False),
    ("client: a network that signs is not an outside host", "198.51.100.3", False),
])
def families(address, refused):
    said = WORLD.one("networks", "<>", [bracket(USER), FORGED], address)
    same([r.permanent for r in said.rcpts], [refused, refused], f"refusals ({said})")


@SUITE.case("client: on a unix socket, nothing breaks")
def unix_client():
    said = WORLD.one("networks", "<s@outside.example>", [TAG], "/run/client")
    true(said.final.accepted, str(said))


@SUITE.rows([
    # name, daemon, address, macros of CONNECT, macros of MAIL, sender, signed
    ("sign: authenticated", "data", OUTSIDE, {}, AUTH, OUR_SENDER, True),
    ("sign: {auth_type} empty, {auth_authen} not", "data", OUTSIDE, {}, {"auth_type": "", "auth_authen": "u"},
     OUR_SENDER, True),
    ("sign: both empty", "data", OUTSIDE, {}, {"auth_type": "", "auth_authen": ""}, OUR_SENDER, False),
    ("sign: neither", "data", OUTSIDE, {}, {}, OUR_SENDER, False),
    ("sign: authenticated where sign_authenticated is off", "networks", OUTSIDE, {}, AUTH, OUR_SENDER, False),
    ("sign: {daemon_name} listed", "data", OUTSIDE, SUBMISSION, {}, OUR_SENDER, True),
    ("sign: {daemon_name} in other case", "data", OUTSIDE, {"daemon_name": "originating"}, {}, OUR_SENDER,
     False),
    ("sign: {daemon_name} listed nowhere", "networks", OUTSIDE, SUBMISSION, {}, OUR_SENDER, False),
    ("sign: {daemon_name} empty", "networks", OUTSIDE, {"daemon_name": ""}, {}, OUR_SENDER, False),
    ("sign: sign_networks, IPv4", "networks", "198.51.100.3", {}, {}, OUR_SENDER, True),
    ("sign: sign_networks, IPv6", "networks", "2001:db8:1::1", {}, {}, OUR_SENDER, True),
    ("sign: sign_networks, IPv4 mapped into IPv6", "networks", "::ffff:198.51.100.3", {}, {}, OUR_SENDER, True),
    ("sign: an address beside sign_networks", "networks", "198.51.101.3", {}, {}, OUR_SENDER, False),
    ("sign: localhost is in no list by itself", "networks", "127.0.0.1", {}, {}, OUR_SENDER, False),
    ("sign: an unknown family is in no list", "networks", None, {}, {}, OUR_SENDER, False),
    ("sign: authenticated from an unknown family", "data", None, {}, AUTH, OUR_SENDER, True),
    ("sign: internal alone does not sign", "networks", "203.0.113.9", {}, {}, OUR_SENDER, False),
    ("sign: no brackets", "data", OUTSIDE, SUBMISSION, {}, USER, True),
    ("sign: source route", "data", OUTSIDE, SUBMISSION, {}, f"<@a.example,@b.example:{USER}>", True),
    ("sign: needless quotes", "data", OUTSIDE, SUBMISSION, {}, '<"user"@example.com>', True),
    ("sign: trailing dot", "data", OUTSIDE, SUBMISSION, {}, f"<{USER}.>", True),
    ("sign: non-ASCII local part", "data", OUTSIDE, SUBMISSION, {}, ["<us\xc3\xa9r@example.com>", "SMTPUTF8"],
     False),
    ("sign: needs quotes", "data", OUTSIDE, SUBMISSION, {}, '<"us er"@example.com>', False),
    ("sign: no domain", "data", OUTSIDE, SUBMISSION, {}, "<user>", False),
    ("sign: null sender", "data", OUTSIDE, SUBMISSION, {}, "<>", False),
    ("sign: empty argument", "data", OUTSIDE, SUBMISSION, {}, "", False),
    ("sign: two at signs", "data", OUTSIDE, SUBMISSION, {}, "<a@b@outside.example>", False),
])
def signing(daemon, address, connect, mail, argument, signed):
    said = WORLD.one(daemon, argument, [REMOTE], address, connect, macros=mail)
    true(said.final.accepted, f"not accepted: {said}")
    if signed:
        true(SIGNING.made(sender(said) or ""), f"the sender is {sender(said)!r}")
        same(len(said.changes), 1, f"changes ({said.changes})")
    else:
        same(said.changes, [], "changes")


@SUITE.case("sign: the authentication of an aborted message is forgotten, with and without new macros")
def stale():
    with WORLD.session("data") as milter:
        message(milter, OUR_SENDER, [REMOTE], macros=AUTH, stop="rcpt")
        said = message(milter, OUR_SENDER, [REMOTE])
        same(sender(said), None, "new sender after an aborted message")
        message(milter, OUR_SENDER, [REMOTE], macros=AUTH, stop="mail")
        milter.packet(b"M", OUR_SENDER.encode() + b"\0")  # an MTA that sends no macros at all
        true(milter.rcpt(REMOTE).accepted, "RCPT")
        if milter.data() != "accept":
            same(milter.eom().changes, [], "changes after an aborted message, without macros")
        milter.abort()
        said = message(milter, OUR_SENDER, [REMOTE], macros=AUTH)
        true(SIGNING.made(sender(said) or ""), f"not signed any more: {said}")


@SUITE.rows([
    # name, daemon, sender, recipients, macros of CONNECT, answers awaited
    ("round trips: rcpt stage, signed", "rcpt", OUR_SENDER, [REMOTE] * 3, SUBMISSION, 4),
    ("round trips: rcpt stage, ordinary", "rcpt", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: rcpt stage, bounce", "rcpt", "<>", [TAG], {}, 2),
    ("round trips: data stage, signed", "data", OUR_SENDER, [REMOTE], SUBMISSION, 2),
    ("round trips: data stage, ordinary", "data", REMOTE, [OUR_SENDER] * 2, {}, 3),
    ("round trips: data stage, bounce", "data", "<>", [TAG], {}, 2),
    ("round trips: TCP, signed", "inet", OUR_SENDER, [REMOTE] * 3, SUBMISSION, 5),
    ("round trips: TCP, bounce", "inet", "<>", [TAG], {}, 3),
    ("round trips: TCP, data stage, ordinary", "inet-data", REMOTE, [OUR_SENDER] * 2, {}, 4),
])
def round_trips(daemon, mail, rcpts, connect, most):
    with WORLD.session(daemon, macros=connect) as milter:
        same(milter.awaited, 0, "answers awaited before MAIL")
        said = message(milter, mail, rcpts)
        true(said.final.accepted, str(said))
        true(said.awaited <= most, f"{said.awaited} answers awaited, at most {most} expected")


@SUITE.rows([(f"no headers, no body: {d}", d) for d in ("data", "rcpt", "inet", "inet-data")])
def no_headers(daemon):
    said = WORLD.one(daemon, OUR_SENDER, [REMOTE], connect=SUBMISSION, headers=())
    true(SIGNING.made(sender(said) or ""), f"not signed: {said}")
    said = WORLD.one(daemon, "<>", [TAG], headers=())
    same(len([c for c in said.changes if c[0] == "delrcpt"]), 1, f"deletions ({said})")


@SUITE.rows([
    # name, daemon, sender, recipient, address, refused for now
    ("no key that signs: outbound mail waits", "keyless", OUR_SENDER, REMOTE, SUBMISSION, True),
    ("no key that signs, on_fault accept: outbound mail goes unsigned", "keyless-accept", OUR_SENDER, REMOTE,
     SUBMISSION,
     False),
    ("no key that signs: ordinary mail goes on", "keyless", REMOTE, OUR_SENDER, {}, False),
    ("no key that signs: a foreign sender goes on", "keyless", "<a@outside.example>", REMOTE, SUBMISSION,
     False),
    ("no key that signs: a valid bounce goes on", "keyless", "<>", bracket(NOT_YET.keys[0].tag(USER)), {},
     False),
])
def no_key(daemon, mail, rcpt, connect, temporary):
    said = WORLD.one(daemon, mail, [rcpt], connect=connect)
    same(said.final.temporary, temporary, f"temporary failure ({said})")
    same(said.final.accepted, not temporary, f"accepted ({said})")
    same(sender(said), None, "new sender")

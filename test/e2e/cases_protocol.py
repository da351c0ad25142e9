"""Who counts as what, whose mail is signed, and what happens without a key."""

from harness import same, true
from milterchanges import sender
from milterclient import ALL_ACTIONS, message
from milterworld import AUTH, NOT_YET, OUTSIDE, SIGNING, SUBMISSION, SUITE, USER, WORLD, bracket

TAG, FORGED = bracket(SIGNING.tag(USER)), bracket(SIGNING.forge(USER))
OUR_SENDER, REMOTE = bracket(USER), "<friend@outside.example>"


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


@SUITE.rows([(f"sign: the authentication of an aborted message is forgotten, {how}", daemon, actions)
             for how, daemon, actions in (("unix", "data", ALL_ACTIONS), ("TCP", "inet-data", ALL_ACTIONS),
                                          ("macros sent unasked", "data", ALL_ACTIONS & ~0x100))])
def stale(daemon, actions):
    with WORLD.session(daemon, actions=actions) as milter:
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
        milter.packet(b"M", OUR_SENDER.encode() + b"\0")  # and after a message that was not aborted
        true(milter.rcpt(REMOTE).accepted, "RCPT")
        if milter.data() != "accept":
            same(milter.eom().changes, [], "changes after a signed message, without macros")
        milter.abort()


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

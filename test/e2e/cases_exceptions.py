"""The exceptions table: whose untagged bounces pass, who never sends, and what is left unsigned."""

from harness import matches, same, true
from milterchanges import inserted, recipients, sender
from milterclient import ALL_ACTIONS, message
from milterworld import (AUTH, INTERNAL, OUTSIDE, SIGNING, SUBMISSION, SUITE, USER, WORLD, bracket, fresh, made)

DAEMONS = ("excepted", "excepted-rcpt")
REMOTE = "<friend@outside.example>"
OK, FORGED, TEMP, FAIL = ({"client_resolve": word} for word in ("OK", "FORGED", "TEMP", "FAIL"))


def passes(rcpt, user, **more):
    """An untagged bounce is let through at both stages, and marked."""
    for daemon in DAEMONS:
        said = WORLD.one(daemon, "<>", [rcpt], **more)
        true(said.final.accepted, f"{daemon}: not let through: {said}")
        matches(inserted(said), rf"^none \(exempt\) recipient={user}$", "header")
        same(recipients(said), ([], []), f"{daemon}: recipients added and deleted")
        WORLD.logged(daemon, "event=bounce, verdict=exempt, action=accept,", f"rcpt={rcpt}")


def refused(rcpt, verdict, **more):
    for daemon in DAEMONS:
        said = WORLD.one(daemon, "<>", [rcpt], **more)
        true(said.final.permanent, f"{daemon}: not refused: {said}")
        WORLD.logged(daemon, f"event=bounce, verdict={verdict}, action=reject,", f"rcpt={rcpt}")


@SUITE.rows([
    # name, address of the client, its name, macros of CONNECT, let through
    ("client: an address", "198.51.100.7", "unknown", {}, True),
    ("client: the address beside it", "198.51.100.8", "unknown", {}, False),
    ("client: the first of a network", "198.51.100.128", "unknown", {}, True),
    ("client: the last of a network", "198.51.100.255", "unknown", {}, True),
    ("client: below a network", "198.51.100.127", "unknown", {}, False),
    ("client: an IPv4 address mapped into IPv6", "::ffff:198.51.100.200", "unknown", {}, True),
    ("client: an IPv6 network", "2001:db8:5:ffff::1", "unknown", {}, True),
    ("client: beside an IPv6 network", "2001:db8:6::1", "unknown", {}, False),
    ("client: an address, whatever its name", "198.51.100.7", "mx.bad.example", FORGED, True),
    ("client: a host name", OUTSIDE, "mx.good.example", {}, True),
    ("client: a host name in other case", OUTSIDE, "MX.Good.Example", {}, True),
    ("client: a host name, Sendmail confirms it", OUTSIDE, "mx.good.example", OK, True),
    ("client: a host name, Sendmail calls it forged", OUTSIDE, "mx.good.example", FORGED, False),
    ("client: a host name, Sendmail could not tell", OUTSIDE, "mx.good.example", TEMP, False),
    ("client: a host name, Sendmail found none", OUTSIDE, "mx.good.example", FAIL, False),
    ("client: a host name, Sendmail says what nobody knows", OUTSIDE, "mx.good.example",
     {"client_resolve": "ok?"}, False),
    ("client: below a host name", OUTSIDE, "a.mx.good.example", {}, False),
    ("client: a name that ends like it", OUTSIDE, "xmx.good.example", {}, False),
    ("client: a name that begins like it", OUTSIDE, "mx.good.example.bad.example", {}, False),
    ("client: .host", OUTSIDE, "a.friends.example", {}, True),
    ("client: .host, deep", OUTSIDE, "a.b.friends.example", OK, True),
    ("client: .host, forged", OUTSIDE, "a.friends.example", FORGED, False),
    ("client: .host is not the host itself", OUTSIDE, "friends.example", {}, False),
    ("client: a name that ends like .host", OUTSIDE, "xfriends.example", {}, False),
    ("client: unknown", OUTSIDE, "unknown", {}, False),
    ("client: an address in brackets", OUTSIDE, "[198.51.100.7]", {}, False),
    ("client: of an unknown family, by name", None, "mx.good.example", {}, True),
    ("client: nothing said of it", None, "", {}, False),
])
def clients(address, host, macros, good):
    user = fresh()
    more = dict(address=address, host=host, connect=macros)
    if good:
        passes(bracket(user), user, **more)
        refused(made("forged", user), "forged", **more)
        refused(made("expired", user), "expired", **more)
    else:
        refused(bracket(user), "untagged", **more)


@SUITE.case("client: the name is not believed of an MTA that cannot be asked for {client_resolve}")
def no_symlist():
    with WORLD.session("excepted", host="mx.good.example", actions=ALL_ACTIONS & ~0x100) as milter:
        same(message(milter, "<>", [bracket(fresh())]).final.accepted, False, "an untagged bounce")


@SUITE.case("client: what is accepted untagged is no other client's; valid tags are still replaced")
def clients_apart():
    user = fresh()
    said = WORLD.one("excepted", "<>", [made("valid", user), bracket(fresh())], "198.51.100.7")
    same([a[0] for a in recipients(said)[0]], [bracket(user)], f"added ({said})")
    same(inserted(said), "none (exempt)", "header")
    refused(bracket(fresh()), "untagged")
    said = WORLD.one("excepted", "<somebody@outside.example>", [bracket(fresh())], "198.51.100.7")
    same((said.final.accepted, said.changes), (True, []), "ordinary mail of the client")


# ---- rcpt

@SUITE.rows([
    # name, recipient as typed, as the header has it
    ("rcpt: accept-untagged", "<abuse@example.com>", "abuse@example.com"),
    ("rcpt: in other case", "<Abuse@EXAMPLE.com>", "Abuse@example.com"),
    ("rcpt: with a source route", "<@a.example:abuse@example.com>", "abuse@example.com"),
    ("rcpt: in quotes", '<"abuse"@example.com>', "abuse@example.com"),
    ("rcpt: by domain", "<anybody@a.open.example>", "anybody@a.open.example"),
])
def accepted(rcpt, address):
    for daemon in DAEMONS:
        said = WORLD.one(daemon, "<>", [rcpt])
        true(said.final.accepted, f"{daemon}: not let through: {said}")
        matches(inserted(said), rf"(?i)^none \(exempt\) recipient={address}$", "header")


@SUITE.case("rcpt: a bad tag is refused all the same, a good one is taken off")
def accepted_tags():
    for address in ("abuse@example.com", fresh("a.open.example")):
        for what in ("forged", "expired", "malformed"):
            refused(made(what, address), what)
        for daemon in DAEMONS:
            said = WORLD.one(daemon, "<>", [made("valid", address)])
            same([a[0] for a in recipients(said)[0]], [bracket(address)], f"added ({said})")
            matches(inserted(said), r"^pass \(valid\)", "header")


@SUITE.case("rcpt: beside others, each is judged by itself")
def rcpt_beside():
    said = WORLD.one("excepted", "<>", ["<abuse@example.com>", bracket(fresh()), made("valid", fresh())])
    same([r.accepted for r in said.rcpts], [True] * 3, "answers to RCPT")
    same((len(recipients(said)[0]), len(recipients(said)[1])), (1, 2), f"added and deleted ({said})")
    same(inserted(said), "none (exempt)", "header")


@SUITE.rows([
    # name, recipient
    ("never-sends: an address", "<hostmaster@example.com>"),
    ("never-sends: in other case", "<HostMaster@Example.COM>"),
    ("never-sends: a domain, whatever its action", "<u@silent.example>"),
    ("never-sends: a forged tag", made("forged", "hostmaster@example.com")),
    ("never-sends: a forged tag, whatever the action", made("forged", "u@silent.example")),
    ("never-sends: an expired tag, whatever the action", made("expired", "u@silent.example")),
    ("never-sends: an address that cannot have a tag", '<"a b"@silent.example>'),
])
def never_sends(rcpt):
    mdn = [("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")]
    for daemon in DAEMONS:
        said = WORLD.one(daemon, "<>", [rcpt], headers=mdn)
        matches(said.rcpts[0], r"^550 5\.7\.1 bounce verification failed(: the address tag has expired)?$",
                f"{daemon}: RCPT")
        said = WORLD.one(daemon, "<>", [rcpt], "198.51.100.7")
        true(said.rcpts[0].permanent, f"{daemon}: from an excepted client: {said}")
        said = WORLD.one(daemon, "<somebody@outside.example>", [rcpt])
        true(said.final.accepted, f"{daemon}: ordinary mail: {said}")
        for address in ("127.0.0.1", INTERNAL):
            said = WORLD.one(daemon, "<>", [rcpt], address)
            true(said.final.accepted, f"{daemon}: from {address}: {said}")


# ---- from

@SUITE.rows([
    # name, sender, signed
    ("from: an address gets no tag", "robot@example.com", False),
    ("from: in other case", "Robot@Example.COM", False),
    ("from: others of its domain do", "robots@example.com", True),
    ("from: a domain gets none", "news@a.bulk.example", False),
    ("from: .domain is not the domain itself", "news@bulk.example", True),
])
def left_unsigned(address, signed):
    for daemon in DAEMONS:
        said = WORLD.one(daemon, bracket(address), [REMOTE], macros=AUTH)
        true(said.final.accepted, str(said))
        same(SIGNING.made(sender(said) or ""), signed, f"signed ({said})")
        verdict = "signed, action=accept, key=3" if signed else "exempt, action=accept, key=-"
        WORLD.logged(daemon, f"event=sign, verdict={verdict},", f"from=<{address}>")


@SUITE.case("from: what is never signed gets its bounces untagged; a bad tag is refused all the same")
def from_bounces():
    for address in ("robot@example.com", "news@a.bulk.example"):
        passes(bracket(address), address)
        refused(made("forged", address), "forged")
    refused("<news@bulk.example>", "untagged")


# ---- to

@SUITE.rows([
    # name, recipients, signed where mixed_recipients is untagged, where it is tagged
    ("to: a domain", ["<l@lists.example.org>"], False, False),
    ("to: in other case", ["<l@Lists.Example.ORG>"], False, False),
    ("to: not what is below it", ["<l@a.lists.example.org>"], True, True),
    ("to: .domain", ["<l@a.groups.example.org>"], False, False),
    ("to: .domain is not the domain itself", ["<l@groups.example.org>"], True, True),
    ("to: an address", ["<Friend@One.Example>"], False, False),
    ("to: not others of its domain", ["<other@one.example>"], True, True),
    ("to: with a source route", ["<@a.example:friend@one.example>"], False, False),
    ("to: two of them", ["<l@lists.example.org>", "<friend@one.example>"], False, False),
    ("to: the same twice", ["<friend@one.example>"] * 2, False, False),
    ("to: one, and another recipient", ["<l@lists.example.org>", REMOTE], False, True),
    ("to: another recipient, and one", [REMOTE, REMOTE, "<l@lists.example.org>"], False, True),
    ("to: one, and a recipient of ours", ["<l@lists.example.org>", bracket(USER)], False, True),
    ("to: somebody else", [REMOTE], True, True),
])
def destinations(rcpts, untagged, tagged):
    for daemon, signed in (("excepted", untagged), ("excepted-rcpt", tagged)):
        user = fresh()
        said = WORLD.one(daemon, bracket(user), rcpts, connect=SUBMISSION)
        true(said.final.accepted, str(said))
        same(SIGNING.made(sender(said) or ""), signed, f"{daemon}: signed ({said})")
        verdict = "signed, action=accept, key=3" if signed else "exempt, action=accept, key=-"
        WORLD.logged(daemon, f"event=sign, verdict={verdict},", f"from=<{user}>")


@SUITE.case("to: counts for one message of the connection, and not when it was given up")
def destinations_apart():
    with WORLD.session("excepted", macros=SUBMISSION) as milter:
        for rcpts, stop in ((["<l@lists.example.org>"], None), ([REMOTE], None), (["<l@lists.example.org>"], "rcpt"),
                            ([REMOTE], None), ([REMOTE, "<l@lists.example.org>"], None), ([REMOTE], None)):
            said = message(milter, bracket(USER), rcpts, stop=stop)
            if stop is None:
                same(sender(said) is not None, rcpts == [REMOTE], f"signed, to {rcpts}")


@SUITE.case("to: mail from outside to such a destination is ordinary mail")
def destination_inbound():
    said = WORLD.one("excepted", bracket(USER), ["<l@lists.example.org>"])
    same((said.final.accepted, said.changes), (True, []), "accepted, changes")

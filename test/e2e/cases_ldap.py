"""Recipients that are found in LDAP: relay_recipient_maps asks a real slapd."""

from harness import Skip, same
from validation import PEOPLE, SIGNING, SUITE, WORLD, by_milter, delivered, unknown

USER, FRIEND = "user@ldap.example", "<friend@outside.example>"


def mail(port, sender, rcpt):
    if WORLD.no_ldap:
        raise Skip(WORLD.no_ldap)
    return WORLD.mail(port, sender, [f"<{rcpt}>"])


@SUITE.rows([(f"ldap: {what}, {port}", port, sender, rcpt, end) for port in ("ldap", "ldap-twice")
             for what, sender, rcpt, end in (
                 ("a user", FRIEND, USER, USER),
                 ("tagged, of a bounce", "<>", SIGNING.tag(USER), USER),
                 ("tagged, of a message", FRIEND, SIGNING.tag(USER), USER),
                 ("a second address, tagged", "<>", SIGNING.tag(PEOPLE["user"][1]), PEOPLE["user"][1]),
                 ("tag in upper case", "<>", SIGNING.tag(USER).upper().replace("EXAMPLE", "example"),
                  "USER@LDAP.example"))])
def known(port, sender, rcpt, end):
    out, copies = mail(port, sender, rcpt)
    same(out.final.code, 250, f"reply to the message ({out})")
    same([copy.recipient.lower() for copy in copies], [end.lower()], "delivered to")


@SUITE.rows([(f"ldap: {what}: refused by Postfix, {port}", port, rcpt) for port in ("ldap", "ldap-twice")
             for what, rcpt in (("nobody", "gone@ldap.example"),
                                ("forged tag of a user", SIGNING.forge(USER)),
                                ("forged tag of nobody", SIGNING.forge("gone@ldap.example")),
                                ("an asterisk", "u*@ldap.example"),
                                ("a tag with an asterisk", SIGNING.forge("u*@ldap.example")))])
def refused(port, rcpt):
    for sender in ("<>", FRIEND):
        out, _ = mail(port, sender, rcpt)
        unknown(out.rcpts[0])


# Postfix asks no recipient table about an address that a canonical table has.
@SUITE.case("ldap: a good tag of somebody who has left is taken at RCPT, unless a table behind the map knows better")
def left():
    out, copies = mail("ldap", "<>", SIGNING.tag("gone@ldap.example"))
    same((out.final.code, copies), (250, []), f"accepted, and not delivered ({out})")
    out, _ = mail("ldap-twice", "<>", SIGNING.tag("gone@ldap.example"))
    unknown(out.rcpts[0])


@SUITE.case("ldap: an untagged bounce is refused by the milter")
def untagged():
    out, _ = mail("ldap", "<>", USER)
    by_milter(out.end)


@SUITE.case("ldap: while the server is down, tagged recipients are found all the same, others get a 451")
def down():
    if WORLD.no_ldap:
        raise Skip(WORLD.no_ldap)
    WORLD.slapd.stop()
    out, copies = mail("ldap", "<>", SIGNING.tag(USER))
    delivered(copies, USER)
    out, _ = mail("ldap", FRIEND, USER)
    same(out.rcpts[0].code, 451, "reply to RCPT")
    WORLD.slapd.start()
    out, copies = mail("ldap", FRIEND, USER)
    delivered(copies, USER)

"""Several recipients in one message, and ordinary mail to tagged addresses."""

from gateway import ABSENT, OUTSIDE, RETIRED, SIGNING, SUITE, VERIFYING, WORLD, log_line
from harness import matches, same

USER, A, B, C = "user@example.com", "a@example.com", "b@example.com", "c@example.com"
FOREIGN, QUOTED = "b@outside.example", '"b c"@example.com'
TAG, TAG_A = SIGNING.tag(USER), SIGNING.tag(A)
TAG_OFF = SIGNING.tag("user@off.example")
OLD_TAG, OLD_TAG_B = VERIFYING.tag(USER), VERIFYING.tag(B)
FORGED, FORGED_B = SIGNING.forge(USER), SIGNING.forge(B)
PASS, NONE = r"^pass \(valid\)", r"^none \(not-taggable\b"


@SUITE.rows([
    # name, port, recipients, codes at RCPT, code at the end, delivered to, header
    ("several: valid and forged", "in", [TAG_A, FORGED_B], [250, 550], 250, [A], PASS),
    ("several: forged and valid", "in", [FORGED_B, TAG_A], [550, 250], 250, [A], PASS),
    ("several: untagged, untagged and valid", "in", [C, B, TAG_A], [250] * 3, 250, [A], PASS),
    ("several: untagged with a source route, and valid", "in", ["@x.example,@y.example:" + B, TAG_A], [250] * 2,
     250, [A], PASS),
    ("several: untagged in nested brackets, and valid", "in", ["<" + B + ">", TAG_A], [250] * 2, 250, [A], PASS),
    ("several: untagged in quotes, and valid", "in", ['"b"@example.com', TAG_A], [250] * 2, 250, [A], PASS),
    ("several: untagged with a trailing dot, and valid", "in", [B + ".", TAG_A], [250] * 2, 250, [A], PASS),
    ("several: untagged in upper case, and valid", "in", [B.upper(), TAG_A], [250] * 2, 250, [A], PASS),
    ("several: untagged with a percent sign, and valid", "in", ["b%outside.example@example.com", TAG_A], None, 250,
     [A], PASS),
    ("several: untagged twice", "in", [C, B], [250] * 2, 550, [], None),
    ("several: two valid", "in", [TAG_A, OLD_TAG_B], [250] * 2, 250, [A, B], PASS + "$"),
    ("several: valid and one of a foreign domain", "open", [TAG_A, FOREIGN], [250] * 2, 250, [A, FOREIGN], PASS),
    ("several: untagged and one of a foreign domain", "open", [A, FOREIGN], [250] * 2, 250, [FOREIGN], ""),
    ("several: valid and not taggable: the header is for the worst", "in", [TAG_A, QUOTED], [250] * 2, 250,
     [QUOTED, A], NONE),
    ("several: the same valid recipient twice, delivered once", "in", [TAG] * 2, [250] * 2, 250, [USER], PASS),
    ("several: the same user with two keys' tags, delivered once", "in", [TAG, OLD_TAG], [250] * 2, 250, [USER],
     PASS),
    ("several: valid and the clean address, delivered once", "in", [TAG, USER], [250] * 2, 250, [USER], ""),
    ("several: the clean address and valid, delivered once", "in", [USER, TAG], [250] * 2, 250, [USER], ""),
    ("several: valid and the clean address in other case", "in", [TAG, "User@Example.COM"], [250] * 2, 250, [USER],
     ""),
])
def several(port, rcpts, codes, end, delivered, header):
    out, copies = WORLD.mail(port, "<>", [f"<{r}>" for r in rcpts])
    if codes is not None:
        same([r.code for r in out.rcpts], codes, "replies to RCPT")
    same(out.final.code, end, f"reply to the message ({out})")
    same(copies.recipients, sorted(delivered), "delivered to")
    if header is not None:
        matches(copies.header() or "", header, "header")


@SUITE.rows([
    # name, recipients, delivered to
    ("strip: ordinary mail to a tagged address", [TAG], [USER]),
    ("strip: whatever the tag's age", [SIGNING.tag(USER, -300)], [USER]),
    ("strip: whatever the key's age", [RETIRED.tag(USER, -100)], [USER]),
    ("strip: not with a forged tag", [FORGED], [FORGED]),
    ("strip: not with an unknown key", [ABSENT.tag(USER)], [ABSENT.tag(USER)]),
    ("strip: not a malformed tag", ["prvs=12=" + USER], ["prvs=12=" + USER]),
    ("strip: not in a domain switched off", [TAG_OFF], [TAG_OFF]),
    ("strip: the same twice, delivered once", [TAG] * 2, [USER]),
    ("strip: tagged and clean, delivered once", [TAG, USER], [USER]),
    ("strip: clean and tagged, delivered once", [USER, TAG], [USER]),
    ("strip: clean and tagged, domain in other case, delivered once", ["user@Example.COM", TAG], [USER]),
    ("strip: with a source route, delivered once", ["@x.example:" + TAG], [USER]),
    ("strip: among others", [A, TAG, FORGED_B], [A, USER, FORGED_B]),
])
def strip(rcpts, delivered):
    out, copies = WORLD.mail("in", "<someone@outside.example>", [f"<{r}>" for r in rcpts])
    same(out.final.code, 250, f"reply to the message ({out})")
    got = [r.replace("Example.COM", "example.com") for r in copies.recipients]
    same(sorted(got), sorted(delivered), "delivered to")
    same({c.sender for c in copies}, {"someone@outside.example"}, "senders on the wire")
    same(copies.header(), None, "our header in ordinary mail")


@SUITE.case("strip: NOTIFY= and ORCPT= go on with the recipient; logged")
def strip_parameters():
    tagged = SIGNING.tag("param@example.com")
    out, copies = WORLD.mail("in", "<someone@outside.example>",
                             [f"<{tagged}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig+3D@other.example"])
    same(copies.rcpt_words, ["<param@example.com>", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;orig+3D@other.example"],
         f"RCPT at the sink ({out})")
    log_line(WORLD.daemons["plain"], tagged, OUTSIDE, "strip", "valid", "accept", 3, "someone@outside.example",
             tagged)

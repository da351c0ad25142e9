"""The daemon's log lines: the same words in the same order, and no way for a stranger to write others."""

import re

from harness import matches, true
from milterclient import message
from milterworld import OUTSIDE, SIGNING, SUBMISSION, SUITE, WORLD, bracket

REMOTE = "<friend@outside.example>"
ANY = object()


@SUITE.rows([
    # name, macros of CONNECT, MAIL, RCPT; in the line: queue id, event, verdict, action, key
    ("log: sign", SUBMISSION, "<Us.Er@example.com>", REMOTE, "4LogQ01", "sign", "signed", "accept", "3"),
    ("log: bounce", {}, "<>", bracket(SIGNING.tag("log1@example.com")), "4LogQ01", "bounce", "valid", "accept", "3"),
    ("log: at RCPT, before the queue id is known", {}, "<>", bracket(SIGNING.forge("log2@example.com")), "NOQUEUE",
     "bounce", "forged", "reject", "3"),
    ("log: untagged, at the end", {}, "<>", "<log3@example.com>", "4LogQ01", "bounce", "untagged", "reject", "-"),
    ("log: strip", {}, "<s@outside.example>", bracket(SIGNING.tag("log4@example.com")), "4LogQ01", "strip", "valid",
     "accept", "3"),
    ("log: not taggable", SUBMISSION, '<"log 5"@example.com>', REMOTE, "4LogQ01", "sign", "not-taggable", "accept",
     "-"),
    ("log: already tagged", SUBMISSION, bracket(SIGNING.tag("log6@example.com")), REMOTE, "4LogQ01", "sign",
     "already-tagged", "accept", ANY),
])
def log_lines(connect, mail, rcpt, queue_id, event, verdict, action, key):
    WORLD.one("data", mail, [rcpt], OUTSIDE, connect, queue_id="4LogQ01")
    cleaned = re.escape(mail.strip("<>")).replace('"', ".*").replace("\\ ", ".*")
    key = "[-0-9]" if key is ANY else key
    to = ".*" if event == "sign" else re.escape(rcpt.strip("<>"))
    line = (rf"^bvmilter: {queue_id}: client=mx\.example\.net\[192\.0\.2\.7\], event={event}, verdict={verdict}, "
            rf"action={action}, key={key}, from=<{cleaned}>, rcpt=<{to}>$")
    true(WORLD.daemon["data"].wait_log(line), f"no log line like {line}")


@SUITE.rows([
    ("log: control characters in an address", "<log7\x1b[31m\r\nfake: line=1@example.com>", "mx.example.net"),
    ("log: a host name with a blank and quotes", "<log8@example.com>", 'mx" event=forged, client=x'),
    ("log: commas and brackets in an address", '<"log9>, rcpt=<a"@example.com>', "mx.example.net"),
    ("log: 8-bit", "<log10\xff\xfe@example.com>", "m\xfcller.example.net"),
])
def log_is_clean(rcpt, host):
    daemon = WORLD.daemon["rcpt"]
    before = len(daemon.lines)
    with WORLD.session("rcpt", host=host) as milter:
        message(milter, "<>", [rcpt])
    true(daemon.wait_log(re.search(r"log\d+", rcpt)[0]), "no log line")
    for line in daemon.lines[before:]:
        true(line.isprintable() and line.isascii(), f"unclean log line {line!r}")
        matches(line, r"client=[A-Za-z0-9._-]+\[192\.0\.2\.7\], event=bounce, verdict=[a-z-]+, action=[a-z]+, "
                r"key=[-0-9], from=<>, rcpt=<[^<>]*>$", "log line")

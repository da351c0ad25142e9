"""The warm-up: what left before signing began comes back untagged, so it is marked, not refused."""

import time

from harness import matches, prvs, same, true, wait_until
from milterchanges import held, inserted
from milterworld import FRESH, NOT_YET, RING, SIGNING, STAGED, SUITE, WORLD, Own, bracket, fresh, made

DAY, WEEK = 86400, 7 * 86400
BAD = ("untagged", "forged", "expired", "malformed", "unknown")


def marks(daemon, *addresses):
    """Bounces to the addresses are let through with a header that says fail."""
    for address in addresses:
        for what in BAD:
            rcpt = made(what, address)
            said = WORLD.one(daemon, "<>", [rcpt])
            true(said.final.accepted and said.eom == "continue", f"{what} to {address}: {said}")
            matches(inserted(said), rf"^fail \({what}", f"header of {what} to {address}")
            same(held(said), None, "held")
            WORLD.logged(daemon, f"verdict={what}", "action=mark,", f"rcpt={rcpt}")


def refuses(daemon, *addresses):
    for address in addresses:
        for what in BAD:
            said = WORLD.one(daemon, "<>", [made(what, address)])
            true(said.final.permanent, f"{what} to {address} is not refused: {said}")


def rfc3339(seconds):
    return prvs.rfc3339(int(seconds))


@SUITE.case("warm-up: a fresh ring marks what it would refuse, hold or drop, and says until when")
def fresh_ring():
    marks("fresh", fresh(), fresh("hold.example"), fresh("drop.example"), fresh("mark.example"))
    said = WORLD.one("fresh", "<>", [made("forged", fresh("accept.example"))])
    same((said.eom, inserted(said)), ("continue", None), "action accept")
    true(WORLD.daemon["fresh"].wait_log(rf"warm-up until {rfc3339(FRESH.since + WEEK)}:"), "no word in the log")


@SUITE.case("warm-up: an old ring has none; nor has a fresh one where it is off")
def no_warmup():
    refuses("words", fresh())
    refuses("fresh-off", fresh())
    for daemon in ("words", "fresh-off"):
        true("warm-up" not in WORLD.daemon[daemon].log(), "a word of the warm-up in the log")


@SUITE.case("warm-up: a recipient without a readable domain is marked too, a valid one passes")
def odd_recipients():
    for rcpt in ("<user>", "<user@@>", ""):
        said = WORLD.one("fresh", "<>", [rcpt])
        true(said.final.accepted and inserted(said).startswith("fail (untagged)"), f"{rcpt}: {said}")
    said = WORLD.one("fresh", "<>", [made("valid", fresh())])
    true(said.final.accepted and inserted(said).startswith("pass (valid)"), str(said))


@SUITE.case("warm-up: receipts are replies, whatever is marked")
def replies():
    mdn = [("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")]
    said = WORLD.one("fresh", "<>", [bracket(fresh())], headers=mdn)
    matches(inserted(said), r"^none \(reply\)", "header")


@SUITE.case("warm-up: who receives nothing or never sends is not spared")
def no_mercy():
    for rcpt, reply in (("<u@nomail.example>", "556 5.1.10"), ("<u@parked.example>", "550 5.7.1"),
                        ("<hostmaster@example.com>", "550 5.7.1")):
        said = WORLD.one("fresh", "<>", [rcpt])
        true(said.rcpts[0].startswith(reply), f"{rcpt}: {said}")


@SUITE.case("warm-up: since= of a row begins its own, and no other's")
def rows():
    now = time.time()
    table = (f"new.example reject since={rfc3339(now - 3600)}\n.new.example reject\n"
             f"hold.example quarantine since={rfc3339(now - WEEK + 600)}\n"
             f"past.example reject since={rfc3339(now - WEEK - 600)}\n"
             f"future.example reject since={rfc3339(now + DAY)}\nexample.com reject\n")
    with Own(domains=table) as own:
        marks(own.name, fresh("new.example"), fresh("hold.example"), fresh("future.example"))
        refuses(own.name, fresh("a.new.example"), fresh("past.example"), fresh())
        true(own.daemon.wait_log(rf"warm-up of 3 rows .*until {rfc3339(now + DAY + WEEK)}"), "no word in the log")
    with Own(FRESH, domains=f"past.example reject since={rfc3339(now - WEEK - 600)}\n") as own:
        marks(own.name, fresh("past.example"))  # the ring signs only since an hour ago


@SUITE.case("warm-up: lasts for the lifetime of the key that signs")
def lifetime():
    long_lived = prvs.Key(3, SIGNING.secret, -9, lifetime=10)
    with Own(prvs.Ring([long_lived], time.time() - 9 * DAY)) as own:
        said = WORLD.one(own.name, "<>", [bracket(fresh())])
        matches(inserted(said), r"^fail \(untagged\)", "header")
    with Own(prvs.Ring([SIGNING, STAGED], time.time() - 9 * DAY)) as own:
        refuses(own.name, fresh())


@SUITE.case("warm-up: goes on while no key signs")
def no_key():
    with Own(NOT_YET) as own:
        said = WORLD.one(own.name, "<>", [bracket(fresh())])
        matches(inserted(said), r"^fail \(untagged\)", "header")


@SUITE.case("warm-up: ends while the daemon runs, and says so; its end is no secret at the start")
def ends():
    end = int(time.time()) + 3
    with Own(prvs.Ring([SIGNING], end - WEEK)) as own:
        user = fresh()
        said = WORLD.one(own.name, "<>", [made("forged", user)])
        same(said.rcpts[0], "continue", "a forged bounce at first")
        milter = WORLD.session(own.name)
        milter.mail("<>")
        true(milter.rcpt(bracket(user)).accepted, "RCPT of a message that began in the warm-up")
        time.sleep(max(0, end - time.time() - 0.5))
        said = WORLD.one(own.name, "<>", [made("forged", user)])
        true(said.rcpts[0] == "continue" or time.time() >= end, f"half a second before the end: {said}")
        true(wait_until(lambda: time.time() >= end, 5), "time stands still")
        refuses(own.name, user)
        milter.data()
        milter.eoh()
        matches(milter.eom(), "^continue$", "the end of the message that began in the warm-up")
        milter.close()
        true(own.daemon.wait_log(r"warm-up is over", 5), "no word of the end in the log")


@SUITE.case("warm-up: switched off and on by a reload, and taken from a new key file")
def reloaded():
    ring = prvs.Ring([SIGNING], time.time() - 3600)
    with Own(ring) as own:
        user = fresh()
        marks(own.name, user)
        own.reload(warmup="off")
        refuses(own.name, user)
        own.reload(warmup="auto")
        marks(own.name, user)
        ring.since, ring.generation = RING.since, 2
        ring.write(own.daemon.keyring)
        own.reload()
        refuses(own.name, user)

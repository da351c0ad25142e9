#!/usr/bin/env python3
"""
Two gateways that share a key file by copying it: what one has signed comes
back through the other, whatever becomes of the keys meanwhile.

    BV_BIN=build/opt python3 test/e2e/test_cluster.py [WORD...]
"""

import base64
import time

from cluster import CLUSTER, SOON, SUITE, copy, days_ago, guide
from harness import contains, mta, same, stop_all, true, wait_until


def signs(node):
    """The number of the key that a node signs with."""
    return int(CLUSTER.sign(node)[5])


def both_sign(number):
    same([signs(node) for node in CLUSTER.nodes()], [number] * 2, "keys with which both nodes sign")


@SUITE.case("one key: a message of each node bounces through the other to its user")
def before():
    CLUSTER.fresh()
    CLUSTER.both_ways()


@SUITE.case("a rotation: a staged key on one node only changes nothing for mail")
def staged_on_one():
    gw1, gw2 = CLUSTER.fresh()
    gw1.key("rotate", "--delay", "1h")
    gw1.follows(0, 2)
    CLUSTER.both_ways()
    early = gw1.secret(1).tag("user@example.com")
    same([CLUSTER.judge(gw1, early), CLUSTER.judge(gw2, early)], ["valid", "unknown-key"],
         "verdicts on a tag of the staged key, from a clock that is ahead")


@SUITE.case("a rotation: a staged key on both nodes verifies on both, and signs on none")
def staged_on_both():
    gw1, gw2 = CLUSTER.fresh()
    gw1.key("rotate", "--delay", "1h")
    gw1.copy_to(gw2)
    gw1.follows(0)
    gw2.follows(0)
    CLUSTER.verdicts(gw1.secret(1).tag("user@example.com"), "valid", "a tag of the staged key")
    both_sign(0)


@SUITE.case("a rotation: the copy is in time, and both nodes change over by the clock")
def by_clock():
    gw1, gw2 = CLUSTER.fresh()
    old = CLUSTER.sign(gw1)
    gw1.key("rotate", "--delay", "7s")
    gw1.copy_to(gw2)
    gw2.follows(0)
    gw1.follows(1)
    gw2.follows(1)
    both_sign(1)
    CLUSTER.both_ways()
    CLUSTER.verdicts(old, "valid", "a tag of the old key")


@SUITE.case("a rotation without a delay: bounces through the other node are refused until it has the copy")
def no_delay():
    gw1, gw2 = CLUSTER.fresh()
    gw1.key("rotate", "--delay", "0s")
    gw1.follows(1)
    new = CLUSTER.sign(gw1, gw2)
    same(new[5], "1", "key that signs on the first node")
    same(CLUSTER.judge(gw2, new), "unknown-key", "verdict of the node without the copy")
    CLUSTER.returns(gw2, gw1)
    gw1.copy_to(gw2)
    gw2.follows(1)
    same(CLUSTER.judge(gw2, new), "valid", "verdict of the node with the copy")
    CLUSTER.both_ways()


@SUITE.case("rotations long past: old tags are good on both nodes for their time, and no longer")
def long_past():
    gw1, gw2 = CLUSTER.fresh(["--at", days_ago(40), "init"], ["--at", days_ago(10), "rotate", "--delay", "0s"],
                             ["--at", days_ago(3), "rotate", "--delay", "1h"])
    both_sign(2)
    user = "user@example.com"
    CLUSTER.verdicts(gw1.secret(1).tag(user, 4), "valid", "a tag of the last key")
    CLUSTER.verdicts(gw1.secret(1).tag(user, -1), "expired", "a tag of the last key that has had its day")
    ended = gw1.secret(0).tag(user, 4)
    CLUSTER.verdicts(ended, "expired", "a tag of a retired key")
    gw1.key("purge", "--expired")
    gw1.copy_to(gw2)
    gw1.follows(2)
    gw2.follows(2)
    CLUSTER.verdicts(ended, "unknown-key", "a tag of a purged key")
    CLUSTER.both_ways()


@SUITE.case("a revocation: within ten seconds of the copy its tags are refused, and all mail goes on with another")
def revoked():
    gw1, gw2 = CLUSTER.fresh()
    tags = [CLUSTER.sign(node) for node in CLUSTER.nodes()]
    gw1.key("revoke", "0")
    same(CLUSTER.judge(gw2, tags[0]), "valid", "verdict of the node without the copy")
    gw1.copy_to(gw2)
    for node, tag in zip(CLUSTER.nodes(), tags):
        begin = time.monotonic()
        true(wait_until(lambda: CLUSTER.judge(node, tag) != "valid", SOON),
             f"{node.name} honours the revoked key after {SOON} s")
        SUITE.diagnose(f"{node.name}: refused after {time.monotonic() - begin:.1f} s")
    for tag in tags:
        CLUSTER.verdicts(tag, "unknown-key", "a tag of the revoked key")
    both_sign(1)
    CLUSTER.both_ways()


@SUITE.case("a late copy is refused by the daemon, and logged; the ring in use stays")
def late_copy():
    gw1, gw2 = CLUSTER.fresh()
    late = CLUSTER.scratch.path("late.json")
    copy(gw1.keyring, late)
    gw1.key("rotate", "--delay", "0s")
    gw1.copy_to(gw2)
    gw1.follows(1)
    gw2.follows(1)
    copy(late, gw2.keyring)
    gw2.complains("generation 1 is older than 2, which is in use")
    both_sign(1)
    CLUSTER.both_ways()
    gw1.key("rotate", "--delay", "1h")
    gw1.copy_to(gw2)
    gw2.follows(1, 3)


@SUITE.case("a split: each node edits a generation of its own, and both notice it when the files cross")
def split():
    gw1, gw2 = CLUSTER.fresh()
    gw1.key("rotate", "--delay", "0s")
    gw2.key("rotate", "--delay", "0s")
    gw1.follows(1)
    gw2.follows(1)
    mine = CLUSTER.scratch.path("mine.json")
    copy(gw1.keyring, mine)
    copy(gw2.keyring, gw1.keyring)
    copy(mine, gw2.keyring)
    for node in CLUSTER.nodes():
        node.complains("generation 2 is in use with other content: two nodes have edited the ring")
        same(CLUSTER.judge(node, CLUSTER.sign(node)), "valid", f"{node.name}'s verdict on what it has signed")
    run = CLUSTER.shell(gw1)
    for command in guide("A cluster", "If two nodes have changed the same generation").splitlines():
        SUITE.diagnose(f"{command}\n{run(command)}")
    gw1.follows(1, 3)
    gw2.follows(1, 3)
    CLUSTER.both_ways()


@SUITE.case("a node that is down during a rotation comes up with the new file, and knows old and new tags")
def down():
    gw1, gw2 = CLUSTER.fresh()
    old = CLUSTER.sign(gw2)
    same(gw2.daemon.stop()[0], 0, "exit status")
    gw1.key("rotate", "--delay", "0s")
    gw1.follows(1)
    new = CLUSTER.sign(gw1, gw2)
    gw1.copy_to(gw2)
    gw2.daemon.start()
    same([CLUSTER.judge(gw2, tag) for tag in (old, new)], ["valid"] * 2, "verdicts on the old tag and the new")
    both_sign(1)
    CLUSTER.both_ways()


@SUITE.case("the GUIDE's drill for a leaked key: at most five commands, as they stand there")
def drill():
    gw1, gw2 = CLUSTER.fresh()
    commands = guide("A leaked key", "The drill").splitlines()
    true(1 < len(commands) <= 5, f"the drill has {len(commands)} commands")
    forged = gw1.secret(0).tag("user@example.com")
    CLUSTER.verdicts(forged, "valid", "a tag that the thief has made")
    run = CLUSTER.shell(gw1)
    for command in commands:
        if "mail.log" in command:  # that is where one looks, until it is there
            true(wait_until(lambda: "generation 2: key 1 signs" in run(command), SOON),
                 f"{command!r} does not show the new generation: {run(command)}")
        else:
            SUITE.diagnose(f"{command}\n{run(command)}")
    CLUSTER.verdicts(forged, "unknown-key", "a tag that the thief has made")
    both_sign(1)
    CLUSTER.both_ways()


@SUITE.case("the GUIDE's loop for a leaked file: no key that was in it is honoured, none of them signs")
def file_leaked():
    gw1, gw2 = CLUSTER.fresh(["--at", days_ago(40), "init"], ["--at", days_ago(3), "rotate", "--delay", "0s"],
                             ["rotate", "--delay", "4h"])
    stolen = [gw1.secret(number) for number in range(3)]
    run = CLUSTER.shell(gw1)
    for command in guide("A leaked key", "The whole file").splitlines():
        SUITE.diagnose(f"{command}\n{run(command)}")
    new = gw1.ring()["keys"]
    same(len(new), 1, "keys in the file")
    true(new[0]["secret"] not in (base64.b64encode(key.secret).decode() for key in stolen), "a stolen key signs")
    gw2.follows(new[0]["number"], node=gw1)
    for key in stolen:  # a number that has not signed yet may be taken again
        CLUSTER.verdicts(key.tag("user@example.com", 4), "forged" if key.number == new[0]["number"] else "unknown-key",
                         f"a tag of the stolen key {key.number}")
    both_sign(new[0]["number"])
    CLUSTER.both_ways()


@SUITE.case("the GUIDE's timer: again and again, and only the first run rotates; the copy is in time")
def timer():
    gw1, gw2 = CLUSTER.fresh(["--at", days_ago(60), "init"], ["--at", days_ago(31), "rotate", "--delay", "0s"])
    run = CLUSTER.shell(gw1)
    script = CLUSTER.scratch.write("bv-rotate", guide("Rotating by a timer", "A new key every 30 days"))
    contains(run(f"sh {script}"), "key 0: purged", "what the first run says")
    gw2.follows(1, node=gw1)
    same([k["number"] for k in gw2.ring()["keys"]], [1, 2], "keys of the copy")
    once = gw1.text()
    contains(run(f"sh {script}"), "nothing to do", "what the second run says")
    same((gw1.text(), gw2.text()), (once, once), "the files of both nodes")
    CLUSTER.both_ways()


@SUITE.case("at the end: both daemons are well, and stop with 0")
def end():
    stop_all(node.daemon for node in CLUSTER.nodes())


SUITE.run(CLUSTER.start, unless=mta.why_not())

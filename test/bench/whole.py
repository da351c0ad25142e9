#!/usr/bin/env python3
"""
What the whole daemon costs, as ratios to a filter on libmilter that does nothing and that is measured in the same
run, round by round.  A table on standard error, one JSON line a figure on standard output; status 1 when a bound is
broken.

    BV_BIN=build/opt python3 test/bench/whole.py [ROUNDS [SECONDS [WORD...]]]

SECONDS is for all of it; what does not fit is left out by the round.  With words, only groups whose names hold one of
them are measured.
"""

import subprocess
import sys

import flow
import postal
import rest
from figures import Report
from rivals import Broken, Skip

# name, function, part of the time
GROUPS = [
    ("signing", flow.signing, 0.32),
    ("round trips", flow.round_trips, 0.04),
    ("growth with what is not asked for", flow.growth, 0.12),
    ("idle connections", flow.idle, 0.10),
    ("messages by a schedule", flow.schedule, 0.20),
    ("start, rest and stop", rest.life, 0.05),
    ("reload", rest.reload, 0.02),
    ("questions of the map", rest.questions, 0.03),
    ("the MX guard", postal.guard, 0.05),
    ("through Postfix", postal.through, 0.12),
]


def main():
    try:
        rounds, seconds = int((sys.argv[1:2] or [15])[0]), float((sys.argv[2:3] or [300])[0])
    except ValueError:
        rounds = seconds = 0
    words = sys.argv[3:]
    chosen = [group for group in GROUPS if not words or any(word in group[0] for word in words)]
    if rounds < 1 or seconds <= 0 or not chosen:
        print("bench: usage: whole.py [ROUNDS [SECONDS [WORD...]]]; the groups are: "
              + ", ".join(name for name, _, _ in GROUPS), file=sys.stderr)
        return 2
    report = Report(rounds, seconds)
    report.head()
    for name, measure, weight in chosen:
        report.enter(name, weight)
        try:
            measure(report)
        except Skip as reason:
            report.skip(name, reason)
        except (Broken, OSError, RuntimeError, subprocess.TimeoutExpired) as err:
            report.fail(name, err)
    report.say("done" if report.good else "done; a bound is broken")
    return 0 if report.good else 1


sys.exit(main())

"""How figures of the whole daemon are told: a table on standard error, one JSON line each on standard output."""

import json
import statistics
import sys
import time

LEAST_ROUNDS = 3
QUIET = 10  # seconds without a line of progress
ROW = "{:<58} {:>11} {:<4} {:>7} {:>16} {:>8}{}"


class Report:
    """rounds: how often each group is measured; seconds: for all of them together, shared out by weights."""

    def __init__(self, rounds, seconds):
        self.most, self.seconds = rounds, seconds
        self.begin = self.said = time.monotonic()
        self.good, self.group, self.weight = True, "", 0.0

    def say(self, text):
        self.said = time.monotonic()
        print(f"bench: {self.said - self.begin:4.0f} s  {text}", file=sys.stderr, flush=True)

    def head(self):
        self.row("", "median", "", "ratio", "half of them", "bound", "")

    @staticmethod
    def row(*cells):
        print(ROW.format(*cells), file=sys.stderr, flush=True)

    def enter(self, group, weight):
        self.group, self.weight = group, weight
        self.say(group)

    def rounds(self, part=1.0, most=None):
        """Numbers of rounds, until there were enough of them, or this part of the group's time is used up."""
        most, end = min(most or self.most, self.most), time.monotonic() + part * self.weight * self.seconds
        for done in range(most):
            if done >= LEAST_ROUNDS and time.monotonic() > end:
                self.say(f"{self.group}: no time for more than {done} of {most} rounds")
                return
            if time.monotonic() - self.said > QUIET:
                self.say(f"{self.group}: round {done + 1} of {most}")
            yield done

    def tell(self, name, values, unit, ratios=None, most=None, least=None):
        """
        One figure: the median of its values.  ratios: to the yardstick, round by round.  most, least: the bound of
        their median, or of that of the values where there are none.
        """
        value = statistics.median(values)
        ratio = statistics.median(ratios) if ratios else None
        judged = value if ratio is None else ratio
        low, high = middle(ratios or values)
        ok = (most is None or judged <= most) and (least is None or judged >= least)
        self.good = self.good and ok
        self.row(name, number(value), unit, "-" if ratio is None else f"{ratio:.3f}", f"{number(low)}..{number(high)}",
                 bound_text(most, least), "" if ok else "  BROKEN")
        self.line(name=name, value=round(value, 4), unit=unit, ratio=ratio and round(ratio, 4), low=round(low, 4),
                  high=round(high, 4), bound=most if least is None else least, at_least=least is not None,
                  rounds=len(values), ok=ok)

    def skip(self, name, reason):
        print(f"{name}: skipped: {reason}", file=sys.stderr, flush=True)
        self.line(name=name, skipped=str(reason))

    def fail(self, name, reason):
        self.good = False
        print(f"{name}: not measured: {reason}", file=sys.stderr, flush=True)
        self.line(name=name, error=str(reason), ok=False)

    @staticmethod
    def line(**figure):
        print(json.dumps(figure), flush=True)


def number(value):
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def bound_text(most, least):
    if most is None and least is None:
        return "-"
    return f"<= {most:g}" if least is None else f">= {least:g}"


def middle(values):
    """The first and the third quartile: how far the median can be trusted."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def ratios(results, yardstick, read):
    """Of each round, so that what slows a whole round down falls out."""
    return [read(a) / read(b) for a, b in zip(results, yardstick) if read(b) > 0]

"""The failures of memory that failing.c is told to make, each in turn."""

import mmap
import os
import struct

from world import SHORT, Failed, Scratch, Suite, true

SUITE, SCRATCH = Suite(), Scratch()
SHIM = os.path.abspath(os.environ.get("BV_FAILING_SO", "build/san/failing.so"))
SANITIZER = 99
FOREVER = 1 << 40
FAULTS_SHOWN = 20
MOST = 12 if SHORT else 1500  # allocations of a command or a conversation that are tried, evenly spread
os.environ["ASAN_OPTIONS"] = f"verify_asan_link_order=0:exitcode={SANITIZER}:allocator_may_return_null=1:handle_abort=1"
os.environ["LSAN_OPTIONS"] = f"exitcode={SANITIZER}"


class Plan:
    """struct plan of failing.c, in a file that the program maps too."""

    NAMES = ("on", "count", "first", "last", "every", "failed", "spared")

    def __init__(self, name):
        self.path = SCRATCH.write(name + ".plan", "\0" * 4096)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 4096)
        self.env = {"LD_PRELOAD": SHIM, "BV_FAILING": self.path}

    def set(self, **values):
        """All that is not named becomes 0; what is counted begins anew."""
        self.map[:8] = bytes(8)
        self.map[8:56] = struct.pack("6q", *(values.get(name, 0) for name in self.NAMES[1:]))
        self.map[:8] = struct.pack("q", values.get("on", 1))

    def get(self, name):
        return struct.unpack_from("q", self.map, 8 * self.NAMES.index(name))[0]


def each_failure(plan, count, judge, most=MOST):
    """Sets the plan to each failure in turn, and calls judge(what); all that does not hold is told of, not the first only."""
    found = []
    for n in range(1, count + 1, max(1, -(-count // most))):
        for last in (n, FOREVER):
            plan.set(first=n, last=last)
            try:
                judge(f"allocation {n}" + ("" if last == n else " and all after it"))
            except Failed as failed:
                found.append(str(failed))
    true(not found, f"{len(found)} do not hold:\n" + "\n".join(found[:FAULTS_SHOWN]))

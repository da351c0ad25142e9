#!/usr/bin/env python3
"""The MX guard, in the milter, the map and bvtag, with a DNS server of its own: BV_BIN=build/opt python3 test/e2e/test_guard.py [WORD...]"""

import cases_guard_bvtag  # noqa: F401
import cases_guard_map  # noqa: F401  registers its cases
import cases_guard_milter  # noqa: F401
import cases_guard_postfix  # noqa: F401
import cases_guard_slow  # noqa: F401
from guardworld import SUITE, WORLD
from harness import stop_all


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(d for d in WORLD.daemon.values() if d.process and d.process.poll() is None)


SUITE.run(WORLD.start)

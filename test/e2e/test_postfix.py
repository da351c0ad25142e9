#!/usr/bin/env python3
"""The daemon behind a real Postfix: BV_BIN=build/opt python3 test/e2e/test_postfix.py [WORD...]"""

import cases_bounce  # noqa: F401  registers its cases
import cases_session  # noqa: F401
import cases_several  # noqa: F401
import cases_sign  # noqa: F401
from gateway import SUITE, WORLD
from harness import mta, stop_all


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(WORLD.daemons.values())


SUITE.run(WORLD.start, unless=mta.why_not())

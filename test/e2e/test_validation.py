#!/usr/bin/env python3
"""Tagged recipients in a real Postfix, by the map: BV_BIN=build/opt python3 test/e2e/test_validation.py [WORD...]"""

import cases_shipped  # noqa: F401, I001  registers its cases
import cases_recipients  # noqa: F401
import cases_callout  # noqa: F401
import cases_own_mail  # noqa: F401
import cases_ldap  # noqa: F401
import cases_map_away  # noqa: F401
from harness import mta, stop_all
from validation import SUITE, WORLD


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(daemon for daemon in WORLD.daemons.values() if daemon.process)


SUITE.run(WORLD.start, unless=mta.why_not())

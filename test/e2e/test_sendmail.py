#!/usr/bin/env python3
"""The daemon behind a real Sendmail: BV_BIN=build/opt python3 test/e2e/test_sendmail.py [WORD...]"""

import cases_sendmail  # noqa: F401  registers its cases
import cases_sendmail_map  # noqa: F401
import cases_sendmail_mx  # noqa: F401
import sendmail
from harness import stop_all
from sendmailworld import SUITE, WORLD


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(WORLD.daemons.values())


SUITE.run(WORLD.start, unless=sendmail.why_not())

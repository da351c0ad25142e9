#!/usr/bin/env python3
"""The daemon without an MTA, word by word: BV_BIN=build/opt python3 test/e2e/test_milter.py [WORD...]"""

import cases_abuse  # noqa: F401  registers its cases
import cases_actions  # noqa: F401
import cases_brakes  # noqa: F401
import cases_changes  # noqa: F401
import cases_copies  # noqa: F401
import cases_exceptions  # noqa: F401
import cases_log  # noqa: F401
import cases_negotiation  # noqa: F401
import cases_protocol  # noqa: F401
import cases_reload  # noqa: F401
import cases_settings  # noqa: F401
import cases_types  # noqa: F401
import cases_warmup  # noqa: F401
from harness import stop_all
from milterworld import SUITE, WORLD


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(d for name, d in WORLD.daemon.items() if not name.startswith("own"))


SUITE.run(WORLD.start)

#!/usr/bin/env python3
"""The daemon's life: start, stop, restart, reload, and its limits: BV_BIN=build/opt python3 test/e2e/test_life.py [WORD...]"""

import cases_life_limits  # noqa: F401  registers its cases
import cases_life_reload  # noqa: F401
import cases_life_restart  # noqa: F401
import cases_life_settings  # noqa: F401
import cases_life_shortage  # noqa: F401
import cases_life_stop  # noqa: F401
from lifeworld import SUITE

SUITE.run()

#!/usr/bin/env python3
"""The map service, question by question: BV_BIN=build/opt python3 test/e2e/test_map.py [WORD...]"""

import cases_map_answers  # noqa: F401  registers its cases
import cases_map_peers  # noqa: F401
import cases_map_sockets  # noqa: F401
from harness import stop_all
from mapworld import SUITE, WORLD


@SUITE.case("at the end: every daemon is well, and stops with 0")
def end():
    stop_all(s.daemon for s in WORLD.servers if s.daemon.process and s.daemon.process.poll() is None)


SUITE.run(WORLD.start)

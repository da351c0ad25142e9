#!/usr/bin/env python3
"""The key file's tool, every command and exit status: BV_BIN=build/opt python3 test/e2e/test_bvkey.py [WORD...]"""

import sys

import cases_key_show  # noqa: F401  registers its cases
import cases_key_change  # noqa: F401
import cases_key_life  # noqa: F401
import cases_key_copy  # noqa: F401
from bvkey import SUITE, no_secret_printed
from harness import Skip


@SUITE.case("nothing secret was printed by any of these")
def secrets():
    if len(sys.argv) > 1:
        raise Skip("only after all the others")
    no_secret_printed()


SUITE.run()

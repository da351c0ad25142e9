#!/usr/bin/env python3
"""
Keyrings in a real etcd: bvkey's commands on a URL, and "bvkey sync".

    BV_BIN=build/opt python3 test/e2e/test_etcd.py [WORD...]
"""

import sys

import cases_etcd_keys  # noqa: F401  registers its cases
import cases_etcd_sync  # noqa: F401
import cases_etcd_away  # noqa: F401
import cases_etcd_login  # noqa: F401
import cases_etcd_nasty  # noqa: F401
from bvkey import no_secret_printed
from cases_etcd_login import start_others
from etcdworld import PLAIN, SUITE, start_early
from harness import Skip


@SUITE.case("nothing secret was printed by any of these")
def secrets():
    if len(sys.argv) > 1:
        raise Skip("only after all the others")
    no_secret_printed()


def start():
    PLAIN.start()
    start_others()
    PLAIN.wait()
    start_early()


SUITE.run(setup=start)

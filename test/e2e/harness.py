"""
What the end-to-end tests share, each part in a file of its own: a suite that
reports in TAP, a scratch directory, the daemon, a private Postfix, both ends
of SMTP.

    BV_BIN=build/opt python3 test/e2e/test_postfix.py [WORD...]

BV_BIN says where the programs are; with words, only cases whose names hold
one of them are run.
"""

import mta
import prvs
from daemon import Daemon, stop_all
from mta import Auth, Postfix
from place import (BIN, ROOT, Scratch, at_end, base64_plain, clean_up, free_port, program, sanitized, token,
                   wait_until)
from smtp import Client, Sink, transact
from tap import Failed, Skip, Suite, contains, matches, same, true

__all__ = ["Auth", "BIN", "Client", "Daemon", "Failed", "Postfix", "ROOT", "Scratch", "Sink", "Skip", "Suite",
           "at_end", "base64_plain", "clean_up", "contains", "free_port", "matches", "mta", "program", "prvs", "same",
           "sanitized", "stop_all", "token", "transact", "true", "wait_until"]

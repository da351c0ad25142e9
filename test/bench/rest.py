"""The daemon when nothing happens, when it comes and goes, and when it is asked by the map."""

import os
import signal
import time

from flow import inet
from rivals import (SCRATCH, SIGNING, USER, Broken, Measured, Skip, free_port, in_turn, load, new_name, program,
                    resident, run)

ROWS = 100000
SETTLED = 0.7  # seconds, in which a daemon comes to rest
GUARD = {"mx_guard_recipients": "mark", "mx_guard_timeout": "1s"}


def guarded(**options):
    """A daemon with the MX guard."""
    daemon = Measured(**{**GUARD, **options})
    try:
        return daemon.start()
    except Broken as err:
        if "libunbound" in daemon.log():
            raise Skip("bvmilter was built without libunbound") from err
        raise


def life(report):
    """From the start to the end, with a few messages between."""
    seen = {"ready": [], "memory": [], "stop": []}
    for _ in report.rounds(0.6, 5):
        daemon = Measured().start()
        load(daemon, 100)
        time.sleep(SETTLED)
        seen["ready"].append(daemon.ready * 1000)
        seen["memory"].append(resident(daemon.pid) / 1024)
        status, seconds = daemon.stop()
        if status != 0:
            raise Broken(f"the daemon has ended with {status}")
        seen["stop"].append(seconds)
    report.tell("from the start to an open socket", seen["ready"], "ms", most=200)
    report.tell("at rest, 10 keys: memory", seen["memory"], "MB", most=8)
    report.tell("to stop when idle", seen["stop"], "s", most=1)
    with_guard = []
    for _ in report.rounds(0.4, 3):
        daemon = guarded(resolver=[f"127.0.0.1@{free_port()}"])  # nobody is there: the guard has asked all the same
        load(daemon, 1)
        time.sleep(SETTLED)
        with_guard.append(resident(daemon.pid) / 1024)
        daemon.kill()
    report.tell("at rest, 10 keys, with the MX guard: memory", with_guard, "MB", most=12)


def wait_for_line(daemon, patience=10):
    """Until the log says something, how a reload went: what it says."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if os.path.getsize(daemon.log_file) > 0 and "reload" in daemon.log():
            return daemon.log()
        time.sleep(0.0005)
    raise Broken("no word about a reload")


def time_reload(daemon):
    """Milliseconds from the signal to the word in the log."""
    daemon.forget()
    begin = time.monotonic()
    daemon.process.send_signal(signal.SIGHUP)
    said = wait_for_line(daemon)
    took = (time.monotonic() - begin) * 1000
    if "not reloaded" in said:
        raise Broken(said[-300:])
    return took


def reload(report):
    """Large tables: with a new row in each of them, and as they were."""
    domains = "example.com reject\n" + "".join(f"customer{n}.example reject\n" for n in range(1, ROWS))
    kinds = ("to list@customer{}.example no-tag\n", "client 2001:db8:{:x}::/48 accept-untagged\n",
             "rcpt info@customer{}.example accept-untagged\n", "to .group{}.example no-tag\n")
    exceptions = "".join(kinds[n % 4].format(n if n % 4 != 1 else n // 4) for n in range(ROWS))
    daemon = Measured(domains=domains, exceptions=exceptions).start()
    time.sleep(SETTLED)
    changed, same = [], []
    for number in report.rounds():
        daemon.tables(f"round{number}.example reject\n{domains}", f"to round{number}.example no-tag\n{exceptions}")
        changed.append(time_reload(daemon))
        same.append(time_reload(daemon))
    report.tell(f"to reload, {ROWS} domains and exceptions, changed", changed, "ms", most=100)
    report.tell(f"to reload, {ROWS} domains and exceptions, as they were", same, "ms", most=100)
    daemon.kill()


def questions(report):
    """What Postfix asks for each recipient with a tag."""
    listens = {"unix": f"unix:{SCRATCH.path(new_name('map'))}", "inet": inet()}
    daemons = {kind: Measured(map_listen=listen).start() for kind, listen in listens.items()}
    results = in_turn(report.rounds(), {
        kind: lambda k=kind: run(program("test/ask"), listens[k], "4000", "2", str(daemons[k].pid),
                                 "untag " + SIGNING.tag(USER))
        for kind in listens})
    for kind, got in results.items():
        report.tell(f"a question of the map, {kind}", [f["us"] for f in got], "us")
        report.tell(f"a question of the map, {kind}: processor", [f["cpu_us"] for f in got], "us")
        daemons[kind].kill()

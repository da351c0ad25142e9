"""Where the system gives no more descriptors, threads or octets, and signals that come before the daemon serves."""

import os
import pwd
import resource
import signal
import socket
import subprocess
import threading
import time

from harness import Skip, at_end, free_port, program, same, true, wait_until
from lifeworld import (OURS, REMOTE, SUITE, Load, count_lines, cpu_seconds, descriptors, is_signed, prepare, session, signs,
                       started, stopped)
from milterclient import message

OTHER = "games"  # root is not held to a number of threads


# ---- descriptors

@SUITE.rows([("descriptors: exhausted, and somebody waits for the numbers: it does not spin", "metrics_listen"),
             ("descriptors: exhausted, and somebody waits for the map: it does not spin", "map_listen")])
def exhausted(setting):
    port = free_port()
    where = {"metrics_listen": f"127.0.0.1:{port}", "map_listen": f"inet:{port}@127.0.0.1"}[setting]
    daemon = prepare(max_sessions=1000, **{setting: where})
    if setting == "metrics_listen" and "without" in subprocess.run(
            [program("bvmilter"), "-t", "-c", daemon.conf], capture_output=True, text=True, timeout=20).stderr:
        raise Skip("this bvmilter was built without libmicrohttpd")
    with started(daemon):
        first = session(daemon)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (40, 40))
        silent = [daemon.connect() for _ in range(60)]
        true(daemon.wait_log("bvmilter: cannot take a connection: Too many open files"), "it is not told")
        waiting = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(5)]
        time.sleep(0.3)
        before, begin = cpu_seconds(daemon), time.monotonic()
        time.sleep(1.5)
        used = (cpu_seconds(daemon) - before) / (time.monotonic() - begin)
        SUITE.diagnose(f"{100 * used:.1f} % of a processor while exhausted")
        true(used < 0.05, f"{100 * used:.0f} % of a processor with nothing to do")
        for _ in range(20):
            true(is_signed(message(first, OURS, [REMOTE]).eom), "a session that it has does not work")
        for sock in silent + waiting:
            sock.close()
        true(wait_until(lambda: descriptors(daemon) < 20, 5), f"{descriptors(daemon)} descriptors are still open")
        signs(daemon)
        same(count_lines(daemon, "bvmilter: cannot take a connection"), 1, "lines about it")
        stopped(daemon, 6)


# ---- threads

def limit_threads(daemon, most):
    subprocess.run(["prlimit", f"--pid={daemon.process.pid}", f"--nproc={most}:"], user=OTHER,
                   group=pwd.getpwnam(OTHER).pw_gid, check=True)


def of_other(**options):
    """A daemon whose threads can be limited."""
    if os.geteuid() != 0:
        raise Skip("only root can run it as another user, whom the limit holds for")
    daemon = prepare(user=OTHER, socket_group="", **options)
    os.chown(daemon.keyring, pwd.getpwnam(OTHER).pw_uid, -1)
    return daemon


@SUITE.case("threads: none to be had: sessions that need one wait, are served when there are some again, and leave nothing")
def threads():
    daemon = of_other()
    with started(daemon):
        with Load(daemon, threads=8):
            time.sleep(0.5)
        true(wait_until(lambda: descriptors(daemon) < 15, 5), "connections are not closed")
        before = descriptors(daemon)
        for _ in range(3):
            limit_threads(daemon, 1)
            with Load(daemon, threads=30, patience=20) as load:
                time.sleep(1)
                limit_threads(daemon, 2000)
            same(load.faults, [], "faults")
            SUITE.diagnose(f"{load.count} messages, a session lasted {load.slowest:.2f} s at most")
        true(daemon.wait_log("no thread can be started; sessions that need one wait$"), "no session had to wait")
        same(count_lines(daemon, "no thread can be started"), 1, "lines about it")
        true(wait_until(lambda: descriptors(daemon) <= before, 5), f"{descriptors(daemon)} descriptors, {before} before")
        stopped(daemon, 6)


@SUITE.case("threads: none to be had: long tables, for which a reload would like one, are read without")
def tables():
    daemon = of_other()
    with started(daemon):
        signs(daemon)
        limit_threads(daemon, 1)
        daemon.tables("example.com reject\n" + "".join(f"d{i}.example.org reject\n" for i in range(20_000)),
                      "".join(f"to d{i}.example.net no-tag\n" for i in range(20_000)))
        daemon.reload()
        limit_threads(daemon, 2000)
        signs(daemon)
        with session(daemon) as milter:
            said = message(milter, OURS, ["<x@d19999.example.net>"])
        same((said.final, said.changes), ("continue", []), "a message that the last row of the second table keeps from a tag")
        stopped(daemon, 6)


# ---- signals before it serves

def blocked(process):
    with open(f"/proc/{process.pid}/status") as file:
        mask = next(int(line.split()[1], 16) for line in file if line.startswith("SigBlk:"))
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


def start_slowly():
    """A daemon that reads a long table, at a moment when it holds HUP and USR1 back, and not yet TERM and INT."""
    daemon = prepare()
    daemon.tables("example.com reject\n" + "".join(f"d{i}.example.org reject\n" for i in range(200_000)))
    daemon.process = subprocess.Popen([program("bvmilter"), "-c", daemon.conf], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    at_end(daemon.kill)
    threading.Thread(target=daemon._listen_to, args=(daemon.process.stderr,), daemon=True).start()
    end, held = time.monotonic() + 10, set()
    while signal.SIGHUP not in held and time.monotonic() < end:
        held = blocked(daemon.process)
    same(held & {signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT}, {signal.SIGHUP, signal.SIGUSR1},
         "signals that are held back at first")
    return daemon


@SUITE.rows([("start: HUP before it serves is a reload", signal.SIGHUP), ("start: so is USR1", signal.SIGUSR1)])
def early_reload(number):
    daemon = start_slowly()
    daemon.process.send_signal(number)
    true(daemon.wait_log("reloaded: ", 20), f"no reload; exit status {daemon.process.poll()}")
    signs(daemon)
    stopped(daemon, 6)


@SUITE.case("start: TERM before it serves ends it")
def early_stop():
    daemon = start_slowly()
    daemon.process.terminate()
    same(daemon.process.wait(5), -signal.SIGTERM, "exit status")

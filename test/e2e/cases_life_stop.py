"""TERM: what is under way comes to its end, what is idle does not hold the daemon up."""

import os
import signal
import subprocess
import time

from harness import at_end, program, same, true, wait_until
from lifeworld import (OURS, REMOTE, SUITE, Load, Passed, begin_message, end_message, inet, is_signed, prepare, running,
                       session, signs, stopped)
from milterclient import Milter, ProtocolError, message


@SUITE.rows([("stop: idle, within a second", 0), ("stop: with 200 idle sessions, within a second", 200)])
def idle(count):
    with running() as daemon:
        sessions = [session(daemon) for _ in range(count)]
        for milter in sessions:
            milter.mail(OURS)
            milter.abort()
            milter.flush()
        time.sleep(0.6)  # idle is who has said nothing for half a second
        SUITE.diagnose(f"{stopped(daemon):.2f} s")
        for milter in sessions:
            milter.close()


@SUITE.case("stop: 200 sessions that have just ended a message, within a second and a half")
def busy():
    with running() as daemon:
        sessions = [session(daemon) for _ in range(200)]
        for milter in sessions:
            true(is_signed(message(milter, OURS, [REMOTE]).eom), "not signed")
        SUITE.diagnose(f"{stopped(daemon, 1.5):.2f} s")


def terminate(daemon):
    begin = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    true(daemon.wait_log("stopping"), "the signal is not told")
    return begin


@SUITE.case("stop: a session ends its message, and begins no other one in time: it ends half a second later")
def pause_after_message():
    with running() as daemon:
        milter = session(daemon)
        begin_message(milter)
        terminate(daemon)
        true(is_signed(end_message(milter)), "not signed")
        second = message(milter, OURS, [REMOTE])  # at once: the session is not cut between two messages
        true(is_signed(second.eom), f"the next message: {second}")
        begin = time.monotonic()
        same(daemon.process.wait(5), 0, "exit status")
        took = time.monotonic() - begin
        true(0.3 < took < 1.2, f"it ended after {took:.2f} s")


def cut_off(milter):
    """Whether a message is put off, or its connection closed, to which the MTA says 451."""
    try:
        answer = end_message(milter)
    except (ProtocolError, OSError):
        return True
    return answer.temporary and not answer.changes


@SUITE.case("stop: a message that ends within five seconds is finished, another one is put off")
def patience():
    with running() as daemon:
        in_time, too_late = session(daemon), session(daemon)
        for milter in (in_time, too_late):
            begin_message(milter)
        begin = terminate(daemon)
        time.sleep(4)
        answer = end_message(in_time)
        true(is_signed(answer) and answer.accepted, f"answer {answer!r} {answer.changes}")
        in_time.close()
        same(daemon.process.wait(10), 0, "exit status")
        took = time.monotonic() - begin
        true(4.8 < took < 6, f"it ended after {took:.2f} s")
        true(cut_off(too_late), "the other one is not put off")


@SUITE.case("stop: when the last message ends, so does the daemon")
def at_once():
    with running() as daemon:
        milter = session(daemon)
        begin_message(milter)
        terminate(daemon)
        time.sleep(0.8)
        true(is_signed(end_message(milter)), "the message is not signed")
        milter.close()
        begin = time.monotonic()
        same(daemon.process.wait(5), 0, "exit status")
        took = time.monotonic() - begin
        true(took < 0.4, f"it went on for {took:.2f} s after the message")


@SUITE.rows([("stop: a second TERM ends the wait", signal.SIGTERM), ("stop: so does INT", signal.SIGINT)])
def second_signal(number):
    with running() as daemon:
        milter = session(daemon)
        begin_message(milter)
        terminate(daemon)
        time.sleep(0.1)
        begin = time.monotonic()
        daemon.process.send_signal(number)
        same(daemon.process.wait(5), 0, "exit status")
        took = time.monotonic() - begin
        true(took < 0.3, f"it took {took:.2f} s")
        same(sum("stopping" in line for line in daemon.lines), 1, "lines that tell the stop")


@SUITE.case("stop: a session that is being negotiated just then is served")
def negotiating():
    for pause in (0, 0.001, 0.01, 0.05):
        with running() as daemon:
            daemon.process.send_signal(signal.SIGSTOP)
            sock = daemon.connect()
            daemon.process.send_signal(signal.SIGCONT)
            time.sleep(pause + 0.02)  # it is taken, and has said nothing
            daemon.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            milter = Milter(sock)
            milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
            milter.helo()
            true(is_signed(message(milter, OURS, [REMOTE]).eom), f"not signed, after {pause} s")
            milter.close()
            same(daemon.process.wait(5), 0, "exit status")


@SUITE.rows([("stop: who connects while it drains is not served, and the socket is gone, unix", None),
             ("stop: who connects while it drains is not served, inet", inet)])
def while_draining(listen):
    with running(**({"listen": listen()} if listen else {})) as daemon:
        milter = session(daemon)
        begin_message(milter)
        terminate(daemon)
        if listen is None:
            true(not daemon.answers() and not os.path.exists(daemon.listen[len("unix:"):]), "the socket is there")
        else:
            sock = daemon.connect()
            sock.settimeout(0.3)
            try:
                Milter(sock)
                true(False, "a new session is taken")
            except TimeoutError:
                pass
        true(is_signed(end_message(milter)), "the message under way is not signed")
        milter.close()
        same(daemon.process.wait(5), 0, "exit status")


@SUITE.case("stop: under load, no session that was taken is cut")
def under_load():
    for _ in range(3):
        with running(listen=inet()) as daemon:
            with Load(daemon) as load:
                true(wait_until(lambda: load.count > 20), "no load")
                stopped(daemon)
            cut = [fault for fault in load.faults if not fault.startswith(("Connection", "ProtocolError: the filter"))]
            same(cut, [], "answers other than a connection that is closed")


@SUITE.case("start: ready within 200 ms")
def ready():
    took = []
    for _ in range(5):
        daemon = prepare()
        begin = time.monotonic()
        daemon.start()
        signs(daemon)
        took.append(time.monotonic() - begin)
        stopped(daemon)
    SUITE.diagnose(f"{1000 * sorted(took)[2]:.0f} ms to the first message, with the 10 ms of the test's own patience")
    true(sorted(took)[2] < 0.2, f"{took}")


@SUITE.case("start: a dead daemon's socket is taken over, a live one's is not")
def stale():
    with running() as daemon:
        daemon.kill()
        true(os.path.exists(daemon.listen[len("unix:"):]), "there is no stale socket to begin with")
        daemon.lines = []
        daemon.start()
        second = subprocess.run([program("bvmilter"), "-c", daemon.conf], capture_output=True, text=True, timeout=10)
        same((second.returncode, "another process answers" in second.stderr), (1, True), f"second daemon: {second.stderr}")
        signs(daemon)
        lines = [line for line in daemon.lines if "serves on" in line or "stopping" in line]
        stopped(daemon)
        true(daemon.wait_log("stopping"), "the stop is not told")
        same((len(lines), sum("stopping" in line for line in daemon.lines)), (1, 1), "lines of start and stop")


@SUITE.case("start: a passed socket, and descriptors 0 to 2 closed: the protocol stays clean")
def closed():
    daemon = prepare(Passed)
    line = f"LISTEN_PID=$$ LISTEN_FDS=1 exec {program('bvmilter')} -c {daemon.conf} 3<&0 0<&- 1>&- 2>&-"
    daemon.process = subprocess.Popen(["sh", "-c", line], stdin=daemon.listening)
    at_end(daemon.kill)
    for _ in range(50):
        signs(daemon)
    for number in range(3):
        same(os.readlink(f"/proc/{daemon.process.pid}/fd/{number}"), "/dev/null", f"descriptor {number}")
    stopped(daemon)

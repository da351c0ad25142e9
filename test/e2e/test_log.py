"""The daemon's log: nobody who does not read it may hold up mail, and no line gets into another stream."""

import os
import resource
import signal
import subprocess
import time

from harness import Daemon, Scratch, Suite, at_end, contains, program, prvs, same, true, wait_until
from milterclient import Milter, message

SUITE = Suite()
SCRATCH = Scratch()
KEY = prvs.Key(3, b"0123456789abcdef0123456789abcdef")
_count = 0


def prepare():
    global _count
    _count += 1
    return Daemon(SCRATCH.dir, f"log{_count}", prvs.Ring([KEY]))


def start(daemon, **how):
    """As Daemon.start() does, but with standard error left to the case."""
    daemon.process = subprocess.Popen([program("bvmilter"), "-c", daemon.conf], stdin=subprocess.DEVNULL, **how)
    at_end(daemon.kill)
    true(wait_until(daemon.answers), "the daemon did not start")
    return daemon


def send(daemon, count):
    """Has messages signed; how many were."""
    signed = 0
    with Milter(daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net", {"daemon_name": "ORIGINATING"})
        milter.helo()
        for number in range(count):
            said = message(milter, f"<user{number}@example.com>", ["<a@outside.example>"])
            signed += any(change[0] == "chgfrom" for change in said.changes)
    return signed


@SUITE.case("a log that nobody reads: mail goes on, and what was lost is counted")
def blocked():
    read, write = os.pipe()
    daemon = start(prepare(), stderr=write)
    os.close(write)
    begin = time.monotonic()
    rcpts = [f"<{'x' * 300}{number}@example.com>" for number in range(1000)]
    with Milter(daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net")
        milter.helo()
        for _ in range(8):  # a line of 450 octets for each recipient: more than pipe and queue hold
            true(message(milter, "<>", rcpts).final.accepted, "a message is not taken")
    true(time.monotonic() - begin < 40, "mail was held up")
    text = b""
    os.set_blocking(read, False)

    def drained():
        nonlocal text
        try:
            text += os.read(read, 1 << 20)
        except BlockingIOError:
            pass
        return b"log lines were lost\n" in text

    true(wait_until(drained), "the loss is not told")
    lines = text.decode().splitlines()
    lost = sum(int(line.split()[1]) for line in lines if line.endswith("log lines were lost"))
    kept = sum("event=bounce" in line for line in lines)
    same(kept + lost, 8000, "lines kept and lost")
    true(all(line.startswith("bvmilter: ") for line in lines), "a line is torn")
    os.close(read)


@SUITE.case("the reader of the log has gone: mail goes on")
def gone():
    read, write = os.pipe()
    daemon = start(prepare(), stderr=write)
    os.close(write)
    os.close(read)
    same(send(daemon, 200), 200, "messages signed")
    daemon.process.send_signal(signal.SIGHUP)
    same(send(daemon, 200), 200, "messages signed")
    same(daemon.stop()[0], 0, "exit status")


@SUITE.case("the disk of the log is full: mail goes on")
def full():
    with open("/dev/full", "wb") as disk:
        daemon = start(prepare(), stderr=disk)
    same(send(daemon, 200), 200, "messages signed")
    same(daemon.stop()[0], 0, "exit status")


@SUITE.case("the log is as long as a file may be: mail goes on")
def limited():
    path = SCRATCH.path("limited.log")
    with open(path, "wb") as file:
        daemon = start(prepare(), stderr=file)
    most = os.path.getsize(path) + 1000
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (most, most))
    same(send(daemon, 200), 200, "messages signed")
    same(daemon.stop()[0], 0, "exit status")
    same(os.path.getsize(path), most, "octets in the log")


@SUITE.case("started with descriptors 0 to 2 closed: the protocol stays clean")
def closed():
    daemon = prepare()
    line = f"exec 0<&- 1>&- 2>&-; exec {program('bvmilter')} -c {daemon.conf}"
    daemon.process = subprocess.Popen(["sh", "-c", line])
    at_end(daemon.kill)
    true(wait_until(daemon.answers), "the daemon did not start")
    same(send(daemon, 50), 50, "messages signed")
    for number in range(3):
        same(os.readlink(f"/proc/{daemon.process.pid}/fd/{number}"), "/dev/null", f"descriptor {number}")


@SUITE.case("a message of a thousand recipients: a line for each")
def thousand():
    path = SCRATCH.path("thousand.log")
    with open(path, "wb") as file:
        daemon = start(prepare(), stderr=file)
    rcpts = [f"<{'x' * 300}{number}@example.com>" for number in range(1000)]
    with Milter(daemon.connect()) as milter:
        milter.connect("192.0.2.7", "mx.example.net")
        milter.helo()
        message(milter, "<>", rcpts)
    same(daemon.stop()[0], 0, "exit status")
    with open(path) as file:
        same(sum("verdict=not-taggable" in line for line in file), 1000, "lines")


@SUITE.case("every line of a burst is there when it stops, in one piece")
def burst():
    path = SCRATCH.path("burst.log")
    with open(path, "wb") as file:
        daemon = start(prepare(), stderr=file)
    same(send(daemon, 500), 500, "messages signed")
    same(daemon.stop()[0], 0, "exit status")
    with open(path) as file:
        lines = file.read().splitlines()
    signed = [line for line in lines if "event=sign, verdict=signed" in line]
    same(len(signed), 500, "lines of signed messages")
    contains(signed[-1], "from=<user499@example.com>", "the last one")
    same(lines[-1], "bvmilter: stopping", "last line")


@SUITE.case("-d: in the background, and its status tells whether it serves")
def background():
    daemon = prepare()
    done = subprocess.run([program("bvmilter"), "-c", daemon.conf, "-d"], capture_output=True, text=True, timeout=20)
    same((done.returncode, done.stdout, done.stderr), (0, "", ""), "the command that started it")
    pids = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and
            daemon.conf.encode() in open(f"/proc/{pid}/cmdline", "rb").read()]
    same(len(pids), 1, f"processes that run: {pids}")
    at_end(lambda: os.path.exists(f"/proc/{pids[0]}") and os.kill(pids[0], signal.SIGKILL))
    same(send(daemon, 20), 20, "messages signed")
    again = subprocess.run([program("bvmilter"), "-c", daemon.conf, "-d"], capture_output=True, text=True, timeout=20)
    same(again.returncode, 1, "a second one on the same socket")
    contains(again.stderr, "another process answers on", "what it says")
    os.kill(pids[0], signal.SIGTERM)

    def ended():
        try:
            with open(f"/proc/{pids[0]}/stat") as file:
                return file.read().split()[2] == "Z"
        except OSError:
            return True

    true(wait_until(ended), "it does not stop")
    true(not os.path.exists(daemon.listen.split(":", 1)[1]), "the socket is left behind")


SUITE.run()

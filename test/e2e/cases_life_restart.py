"""A restart under load: with a passed socket nobody notices, without one the MTA is told to try again."""

import os
import signal
import subprocess
import threading
import time

from harness import (Client, Daemon, Postfix, Sink, at_end, free_port, mta, program, same, Skip, token, transact, true,
                     wait_until)
from lifeworld import KEY, OURS, REMOTE, SCRATCH, SUITE, Load, Passed, inet, new_name, prepare, running, signs, stopped


def restart_under_load(kind, restarts, **options):
    """The load that has seen all restarts, and the seconds that they took."""
    took = []
    with running(kind, **options) as daemon, Load(daemon) as load:
        for _ in range(restarts):
            before = load.count
            true(wait_until(lambda: load.count > before + 100), "no load")
            begin = time.monotonic()
            same(daemon.stop()[0], 0, "exit status")
            daemon.lines = []
            daemon.start()
            took.append(time.monotonic() - begin)
    true(load.count > 100 * restarts, f"{load.count} messages")
    SUITE.diagnose(f"{load.count} messages, {len(load.faults)} faults; a restart took {max(took):.2f} s at most, "
                   f"a session {load.slowest:.2f} s")
    return load


@SUITE.rows([("restart: passed socket, unix: ten under load, every session is served", None, 10),
             ("restart: passed socket, inet: five under load, every session is served", inet, 5)])
def passed(listen, restarts):
    load = restart_under_load(Passed, restarts, **({"listen": listen()} if listen else {}))
    same(load.faults, [], "sessions that failed")


@SUITE.rows([("restart: own socket, unix: messages are put off, none is half done", None),
             ("restart: own socket, inet: messages are put off, none is half done", inet)])
def own(listen):
    load = restart_under_load(Daemon, 4, **({"listen": listen()} if listen else {}))
    kinds = ("Connection", "BrokenPipe", "FileNotFound", "ProtocolError: the filter has closed")
    same([fault for fault in load.faults if not fault.startswith(kinds)], [], "faults other than no connection")


@SUITE.rows([("restart: passed socket, killed instead of stopped: the next one answers who waits", signal.SIGKILL),
             ("restart: passed socket, while nobody runs: who connects is answered later", signal.SIGTERM)])
def waits(number):
    with running(Passed) as daemon:
        daemon.process.send_signal(number)
        daemon.process.wait(10)
        timer = threading.Timer(0.3, daemon.start)
        timer.start()
        signs(daemon)
        timer.join()


@SUITE.case("restart: passed socket: it is neither removed nor made anew")
def kept():
    with running(Passed) as daemon:
        path = daemon.listen[len("unix:"):]
        before = os.stat(path)
        stopped(daemon)
        daemon.start()
        stopped(daemon)
        after = os.stat(path)
        same((after.st_ino, after.st_mode), (before.st_ino, before.st_mode), "file and mode of the socket")


@SUITE.case("restart: passed socket with -d: the process that stays has it")
def background():
    daemon = prepare(Passed)
    line = f"LISTEN_PID=$$ LISTEN_FDS=1 exec {program('bvmilter')} -d -c {daemon.conf} 3<&0 0</dev/null"
    done = subprocess.run(["sh", "-c", line], stdin=daemon.listening, stderr=subprocess.PIPE, text=True, timeout=20)
    same((done.returncode, done.stderr), (0, ""), "the command that started it")
    pid = next(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and
               daemon.conf.encode() in open(f"/proc/{pid}/cmdline", "rb").read())
    at_end(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, signal.SIGKILL))
    signs(daemon)
    os.kill(pid, signal.SIGTERM)


@SUITE.rows([("restart: LISTEN_PID of another process: the socket of the settings is opened", "LISTEN_PID=1 LISTEN_FDS=1"),
             ("restart: two sockets passed: the socket of the settings is opened", "LISTEN_PID=$$ LISTEN_FDS=2")])
def not_ours(environment):
    with running() as daemon:
        stopped(daemon)
        line = f"{environment} exec {program('bvmilter')} -c {daemon.conf}"
        daemon.process = subprocess.Popen(["sh", "-c", line], stderr=subprocess.DEVNULL)
        true(wait_until(daemon.answers), "it does not answer")
        signs(daemon)
        stopped(daemon)


# ---- with Postfix


class Mail:
    """Postfix in front of a daemon; senders that count what they are told."""

    def __init__(self, daemon):
        self.sink, self.port = Sink(free_port()), free_port()
        self.postfix = Postfix(SCRATCH.path(new_name("postfix")), "gw.example.com", {self.port: {
            "smtpd_milters": daemon.milter, "milter_macro_daemon_name": "ORIGINATING", "mynetworks": "127.0.0.0/8"}},
            relay_domains="example.com", relayhost=f"[127.0.0.1]:{self.sink.port}")
        self.taken, self.put_off, self.other, self.done = {}, 0, [], threading.Event()

    def __enter__(self):
        at_end(self.postfix.stop)
        self.postfix.start()
        return self

    def __exit__(self, *_):
        self.postfix.stop()
        self.sink.stop()

    def send(self):
        while not self.done.is_set():
            word = token()
            with Client(self.port) as client:
                out = transact(client, OURS, [REMOTE], f"Subject: {word}\n\nHello\n")
            reply = out.end or out.data or (out.rcpts or [out.mail])[0]
            if reply.code == 250:
                self.taken[word] = reply
            elif reply.code // 100 == 4:
                self.put_off += 1
                time.sleep(0.05)
            else:
                self.other.append(str(reply))

    def load(self, action, threads=4):
        senders = [threading.Thread(target=self.send) for _ in range(threads)]
        for sender in senders:
            sender.start()
        try:
            action()
        finally:
            self.done.set()
            for sender in senders:
                sender.join()


@SUITE.rows([("restart: Postfix, passed socket: every message is taken, and signed", Passed),
             ("restart: Postfix, own socket: every message that is taken is signed", Daemon)])
def with_postfix(kind):
    if mta.why_not():
        raise Skip(mta.why_not())
    with running(kind) as daemon, Mail(daemon) as mail:
        def restarts():
            for _ in range(2):
                before = len(mail.taken)
                true(wait_until(lambda: len(mail.taken) > before + 10, 10), "no load")
                same(daemon.stop()[0], 0, "exit status")
                daemon.lines = []
                daemon.start()

        mail.load(restarts)
        SUITE.diagnose(f"{len(mail.taken)} messages taken, {mail.put_off} put off")
        same(mail.other, [], "other replies")
        if kind is Passed:
            same(mail.put_off, 0, "messages that were put off")
        for word in mail.taken:
            copies = mail.sink.wait(word)
            same(len(copies), 1, f"copies of {word}")
            true(KEY.made(copies[0].sender), f"sender {copies[0].sender}")

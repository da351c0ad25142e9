"""What the daemon says at its start, to whom, and what mends it."""

import grp
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request

from harness import Daemon, Scratch, Suite, contains, free_port, program, prvs, same, stop_all, true
from milterclient import Milter, message

SUITE = Suite()
SCRATCH = Scratch()
SIGNS = prvs.Key(3, b"the key that signs at this time!", -1)
STAGED = prvs.Key(4, b"a key that signs from tomorrow on", 1)
NOBODY = 65534
ROOT = os.geteuid() == 0
_count = 0

COPY = SCRATCH.path("bvmilter")  # where other users may run it
shutil.copy(program("bvmilter"), COPY)


def prepare(key=SIGNS, **options):
    global _count
    _count += 1
    return Daemon(SCRATCH.dir, f"start{_count}", prvs.Ring([key]), listen=f"inet:{free_port()}@127.0.0.1", **options)


def test(daemon, *options, journal=None, **how):
    """bvmilter -t; journal: what stands in front of standard error's own device and inode."""
    read, write = os.pipe()
    env = {name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"}
    if journal is not None:
        st = os.fstat(write)
        env["JOURNAL_STREAM"] = f"{journal}{st.st_dev}:{st.st_ino}"
    with os.fdopen(read) as said:
        done = subprocess.run([COPY, "-t", "-c", daemon.conf, *options], stdout=subprocess.PIPE, stderr=write,
                              text=True, env=env, timeout=30, **how)
        os.close(write)
        return done.returncode, done.stdout, said.read()


# ---- files that the daemon's own user may not read

def group_of(who):
    return grp.getgrgid(who).gr_name


@SUITE.rows([(f"-t: {name} may not be read, and the command that is named mends it", name)
             for name in ("conf", "domains", "exceptions", "keyring")])
def denied(name):
    daemon = prepare()
    path = getattr(daemon, name)
    if name == "keyring" and ROOT:
        os.chown(path, -1, NOBODY)
    elif ROOT:
        os.chown(daemon.keyring, -1, NOBODY)
    os.chmod(daemon.keyring, 0o640)
    os.chmod(path, 0o000 if not ROOT else 0o600)
    who = {"user": NOBODY, "group": NOBODY} if ROOT else {}
    status, out, said = test(daemon, **who)
    group = group_of(NOBODY if ROOT else os.getegid())
    same((status, out), (1, ""), "status and output")
    same(said, f"bvmilter: {path}: cannot be opened: Permission denied; run: chgrp {group} {path} && "
               f"chmod 0640 {path}\n", "said")
    subprocess.run(said.split("run: ")[1], shell=True, check=True)
    same(test(daemon, **who), (0, "", ""), "when it is mended")


@SUITE.case("-t: a directory that lets nobody through is named, and not the file in it")
def closed():
    daemon = prepare()
    if ROOT:
        os.chown(daemon.keyring, -1, NOBODY)
    os.chmod(daemon.keyring, 0o640)
    closed = os.path.join(daemon.dir, "closed")
    os.makedirs(os.path.join(closed, "below"))
    daemon.domains = shutil.move(daemon.domains, os.path.join(closed, "below", "domains"))
    daemon.configure(domains=daemon.domains)
    os.chmod(closed, 0o600)
    who = {"user": NOBODY, "group": NOBODY} if ROOT else {}
    status, _, said = test(daemon, **who)
    same((status, said), (1, f"bvmilter: {daemon.domains}: cannot be opened: Permission denied; "
                             f"run: chmod a+x {closed}\n"), "status, and what is said")
    subprocess.run(said.split("run: ")[1], shell=True, check=True)
    same(test(daemon, **who), (0, "", ""), "when it is mended")


@SUITE.case("-t: no key file, and the command that makes it")
def missing():
    daemon = prepare()
    os.unlink(daemon.keyring)
    status, _, said = test(daemon)
    same(status, 1, "status")
    command = said.split("run: bvkey ")[1]
    subprocess.run([program("bvkey"), *command.split()], check=True, stdout=subprocess.DEVNULL)
    same(test(daemon), (0, "", ""), "then")


# ---- a key file of which no key signs

@SUITE.rows([("-t: all is well, and nothing is said", SIGNS, {}, None),
             ("-t: no key signs yet, a warning", STAGED, {}, "our users' mail is put off (on_fault)"),
             ("-t: no key signs yet, on_fault = accept", STAGED, {"on_fault": "accept"},
              "our users' mail leaves without tags (on_fault)")])
def no_key(key, options, said):
    daemon = prepare(key, **options)
    want = f"bvmilter: {daemon.keyring}: no key signs at this time; {said}\n" if said else ""
    same(test(daemon), (0, "", want), "status, output, and what is said")
    if said:
        same(test(daemon, journal="")[2], "<4>" + want, "what is said to the journal")


# ---- standard error that is the journal's

@SUITE.rows([("a fault at the start: without a journal", None, ""), ("a fault at the start: in the journal", "", "<3>"),
             ("a fault at the start: standard error is no longer the journal's", "1", "")])
def faults(journal, prefix):
    daemon = prepare(map_listen="nonsense", action="nonsense")
    status, _, said = test(daemon, journal=journal)
    lines = said.splitlines()
    same((status, len(lines)), (1, 2), f"status and lines: {said}")
    for line in lines:
        true(line.startswith(f"{prefix}bvmilter: {daemon.conf}:"), f"line {line!r}")


@SUITE.case("in the journal, every line of the daemon has its priority")
def priorities():
    daemon = prepare()
    log = SCRATCH.path("journal")
    with open(log, "wb") as file:
        st = os.fstat(file.fileno())
        env = {**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}
        daemon.process = subprocess.Popen([program("bvmilter"), "-c", daemon.conf], env=env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=file)
    try:
        end = time.monotonic() + 10
        while not re.search(r"generation \d+: key", open(log).read()) and time.monotonic() < end:
            time.sleep(0.02)
        os.unlink(daemon.keyring)
        while "the ring in use stays" not in open(log).read() and time.monotonic() < end:
            time.sleep(0.02)
        same(daemon.stop()[0], 0, "exit status")
    finally:
        daemon.kill()
    lines = open(log).read().splitlines()
    for line in lines:
        true(re.match(r"<[346]>bvmilter: ", line), f"line {line!r}")
    same([line[:3] for line in lines if "the ring in use stays" in line], ["<3>"], "an error")
    same([line[:3] for line in lines if line.endswith("stopping")], ["<6>"], "information")


# ---- no key file

def bounce(daemon, rcpt):
    with Milter(daemon.connect()) as milter:
        return str(message(milter, "<>", [rcpt], stop="rcpt").rcpts[0])


@SUITE.case("no key file: none is needed where no domain is signed; one that comes is taken up")
def no_key_file():
    metrics = f"127.0.0.1:{free_port()}"
    daemon = prepare(domains="parked.example no-bounces\ngone.example no-mail\n.parked.example off\n", metrics_listen=metrics)
    ring = daemon.keyring + ".kept"
    os.rename(daemon.keyring, ring)
    same(test(daemon), (0, "", ""), "-t")
    daemon.start()
    contains(daemon.log(), "bvmilter: there is no key file, and no domain that needs one", "the log")
    true("warm-up" not in daemon.log(), daemon.log())
    for rcpt, wanted in (("u@parked.example", "550 5.7.1 "), ("prvs=3786964f1a=u@parked.example", "550 5.7.1 "),
                         ("u@gone.example", "556 5.1.10 "), ("u@other.example", "continue")):
        contains(bounce(daemon, f"<{rcpt}>"), wanted, rcpt)
    for page in "metrics", "healthz", "":
        with urllib.request.urlopen(f"http://{metrics}/{page}", timeout=10) as answer:
            true("No key signs" not in answer.read().decode(), page)
    os.rename(ring, daemon.keyring)
    true(daemon.wait_log("generation 1: key 3 signs", 15), daemon.log())
    os.remove(daemon.keyring)
    daemon.tables("parked.example no-bounces\nexample.com reject\n")
    daemon.process.send_signal(signal.SIGHUP)
    true(daemon.wait_log("No such file or directory; run: bvkey -f .* init"), daemon.log())
    status, out, err = test(daemon)
    same((status, out), (1, ""), "-t, with a domain that is signed")
    contains(err, "cannot be opened: No such file or directory", "standard error")
    daemon.tables("")
    same(test(daemon)[0], 1, "-t, with no domain")
    stop_all([daemon])


# ---- options

TROUBLE = {"bvmilter": 1, "bvkey": 2, "bvtag": 2, "bvreport": 2}  # the exit status when something could not be done


def run(name, *args, **how):
    return subprocess.run([program(name), *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=20, **how)


def closed():
    os.close(1)


def unprinted(name, *args):
    """Standard output takes nothing: it is said, and has a status."""
    with open("/dev/full", "wb") as full:
        done = run(name, *args, stdout=full)
    same((done.returncode, done.stderr), (TROUBLE[name], f"{name}: standard output: No space left on device\n"), "full")
    done = run(name, *args, preexec_fn=closed)
    same((done.returncode, done.stderr), (TROUBLE[name], f"{name}: standard output: Bad file descriptor\n"), "closed")


@SUITE.rows([(f"{name} {option}: its {'usage' if 'h' in option else 'version'}, on standard output", name, option)
             for name in TROUBLE for option in ("-h", "--help", "-V", "--version")])
def usage(name, option):
    done = run(name, option, stdout=subprocess.PIPE)
    same((done.returncode, done.stderr), (0, ""), "status and standard error")
    want = f"usage: {name} " if "h" in option else rf"{name} [0-9.]+\n\Z"
    true(re.match(want, done.stdout), f"printed {done.stdout!r}")
    unprinted(name, option)


@SUITE.rows([(f"{name} {' '.join(args)}: what is wrong, after the program's name, and the usage", name, args)
             for name in TROUBLE for args in (("-?",), ("--colour",), ("--help=1",))])
def misused(name, args):
    done = run(name, *args, stdout=subprocess.PIPE)
    first, second = done.stderr.split("\n")[:2]
    same((done.returncode, done.stdout), (2, ""), "status and standard output")
    true(first.startswith(f"{name}: ") and "usage" not in first, f"the first line is {first!r}")
    contains(second, f"usage: {name} ", "the second line")


@SUITE.rows([("the daemon: an unknown option", ("-tx",), 'unknown option "-x"'),
             ("the daemon: an unknown long option", ("-t", "--no"), 'unknown option "--no"'),
             ("the daemon: a value of an option that has none", ("--help=1",), 'unknown option "--help=1"'),
             ("the daemon: an option without its value", ("-c",), 'a file is missing after "-c"'),
             ("the daemon: a test and a print", ("-tT",), '-t and -T cannot go together: "-T"'),
             ("the daemon: a print and a test", ("-T", "-t"), '-t and -T cannot go together: "-t"'),
             ("the daemon: an argument", ("-t", "x"), 'unknown argument "x"')])
def misused_daemon(args, said):
    done = run("bvmilter", *args, stdout=subprocess.PIPE)
    same((done.returncode, done.stdout), (2, ""), "status and standard output")
    same(done.stderr.split("\n")[0], f"bvmilter: {said}", "what is said")


@SUITE.case("-T: every setting, or why there are none")
def printed():
    daemon = prepare()
    out = run("bvmilter", "-T", "-c", daemon.conf, stdout=subprocess.PIPE).stdout
    contains(out, f'keyring = "{daemon.keyring}"\n', "-T")
    unprinted("bvmilter", "-T", "-c", daemon.conf)


SUITE.run()

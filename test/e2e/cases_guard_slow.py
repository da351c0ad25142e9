"""Time: resolvers that hang, what is remembered and how long, settings that change meanwhile."""

import signal
import subprocess
import threading
import time

from guardworld import AUTH, SUITE, USER, WORLD, accepted, refused, timed
from harness import Skip, free_port, matches, program, same, sanitized, true, wait_until
from nasty import Nasty

LOOPBACK = "554 5.7.1 Domain MX in loopback network"
_count = 0


def fresh(domain):
    """A name below a wildcard that nobody has asked for."""
    global _count
    _count += 1
    return f"n{_count}.{domain}"


@SUITE.rows([("hangs: " + name, name + ".example") for name in ("silent.nasty", "silent-mx", "truncated-silent.nasty", "no-a.nasty")])
def hangs(domain):
    answer, seconds = timed(WORLD.out, "reject", domain)
    accepted(answer)
    true(seconds < 1.3, f"it took {seconds:.2f} s, mx_guard_timeout is 1 s")
    answer, seconds = timed(WORLD.out, "reject", domain)
    accepted(answer)
    true(seconds < 0.1, f"the second answer took {seconds:.2f} s: a failure is not remembered")


@SUITE.case("hangs: the sender of a message is waited for once, not with each recipient")
def hangs_once():
    said, seconds = timed(WORLD.send, "any", "<u@silent.nasty.example>", [f"<user{n}@example.com>" for n in range(5)])
    true(all(r.accepted for r in said.rcpts) and seconds < 1.3, f"{seconds:.2f} s, {said}")


@SUITE.case("hangs: 200 sessions wait at a time, and others are served")
def two_hundred():
    done, others = [], []

    def wait(n):
        done.append(timed(WORLD.out, "reject", f"w{n}.silent.nasty.example"))

    def mail():
        others.append(timed(WORLD.from_, "reject", "healthy.example"))

    accepted(WORLD.from_("reject", "healthy.example"))
    before = len(WORLD.nasty.asked)
    WORLD.nasty.silent = True
    try:
        threads = [threading.Thread(target=wait, args=(n,)) for n in range(200)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            mail()
        for thread in threads:
            thread.join()
    finally:
        WORLD.nasty.silent = False
    true(all(answer.accepted for answer, _ in done), "one was refused")
    slowest = max(seconds for _, seconds in done)
    true(len(done) == 200 and slowest < 2.5, f"{len(done)} answers, the slowest after {slowest:.2f} s")
    same(WORLD.asked("healthy.example", before), [], "questions for one that is known")
    same([seconds for _, seconds in others if seconds > 0.5], [], "seconds for sessions that ask nothing")


@SUITE.case("hangs: sessions that become ready together are served while some of them wait")
def together():
    """With its pool of workers, libmilter gives all of them to one that is idle."""
    daemon = WORLD.add("together", mx_guard_recipients="reject")
    asking, others = [[WORLD.session("together") for _ in range(count)] for count in (12, 30)]
    WORLD.nasty.silent = True
    try:
        for milter in asking + others:
            accepted(milter.mail(f"<{USER}>", macros=AUTH if milter in asking else {}))
        daemon.process.send_signal(signal.SIGSTOP)
        for n, milter in enumerate(asking + others):
            milter.packet(b"R", (f"<u@t{n}.silent.nasty.example>" if milter in asking else f"<{USER}>").encode() + b"\0")
            milter.flush()
        daemon.process.send_signal(signal.SIGCONT)
        _, seconds = timed(lambda: [accepted(milter.answer(False)) for milter in others])
        for milter in asking:
            accepted(milter.answer(False))
            milter.close()
    finally:
        WORLD.nasty.silent = False
    true(seconds < 0.5, f"those that ask nothing took {seconds:.2f} s")


@SUITE.rows([("hangs: the daemon stops, when all questions end in time", "1s", 3),
             ("hangs: the daemon stops after seven seconds, when they do not", "30s", 7.6)])
def stop(timeout, most):
    name = "stopped-" + timeout
    daemon = WORLD.add(name, mx_guard_recipients="reject", mx_guard_timeout=timeout)

    def ask(n):
        try:
            WORLD.out(name, f"s{n}.{name}.silent.nasty.example")
        except (AssertionError, OSError):
            pass  # the connection is closed

    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(20)]
    for thread in threads:
        thread.start()
    true(wait_until(lambda: WORLD.asked(name + ".silent.nasty.example"), 5), "nothing is asked")
    status, seconds = daemon.stop()
    same(status, 0, "exit status")
    true(seconds < (most + 3 if sanitized() else most), f"it took {seconds:.1f} s")
    for thread in threads:
        thread.join()


@SUITE.case("remembered: the second question does not reach the server, nor does that of another spelling")
def remembered():
    domain = fresh("wild-a.example").replace("wild-a", "wild")
    accepted(WORLD.out("reject", domain))
    before = len(WORLD.nasty.asked)
    true(WORLD.asked(domain), "the first does not either")
    for name in (domain, domain.upper(), domain + "."):
        accepted(WORLD.out("reject", name))
        accepted(WORLD.from_("reject", name))
    same(WORLD.nasty.asked[before:], [], "questions")


@SUITE.case("remembered: a failure for 15 seconds, then it is asked again")
def failure():
    domain = "again.servfail.nasty.example"
    accepted(WORLD.out("reject", domain))
    before, begin = len(WORLD.nasty.asked), time.monotonic()
    true(WORLD.asked(domain), "nothing is asked")
    true(wait_until(lambda: WORLD.out("reject", domain).accepted and WORLD.asked(domain, before), 20), "never asked again")
    seconds = time.monotonic() - begin
    true(13 < seconds < 17, f"asked again after {seconds:.1f} s")


@SUITE.case("reload: networks, match, exemptions and the resolver change, under load, and no answer is an old one's")
def reload():
    other = Nasty(free_port(), WORLD.zones.port).start()
    WORLD.add("changing", mx_guard_recipients="reject")
    table = WORLD.scratch.write("networks", "192.31.196.0/24 REJECT Domain MX in our own network\n")
    stop, said = threading.Event(), []

    def load():
        while not stop.is_set():
            said.append(WORLD.out("changing", fresh("wild.example")))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            refused(WORLD.out("changing", "loopback.example"), LOOPBACK)
            WORLD.reload("changing", mx_guard_networks=table, resolver=[other.server])
            accepted(WORLD.out("changing", "loopback.example"), "loopback is not in the table")
            refused(WORLD.out("changing", "v4-mx.example"), "554 5.7.1 Domain MX in our own network")
            WORLD.reload("changing", mx_guard_networks="", mx_guard_exempt=["loopback.example"], resolver=[WORLD.nasty.server])
            accepted(WORLD.out("changing", "loopback.example"), "it is exempt")
            accepted(WORLD.out("changing", "mixed.example"), "all must be bogus")
            WORLD.reload("changing", mx_guard_match="any", mx_guard_exempt=[])
            refused(WORLD.out("changing", "mixed.example"), LOOPBACK)
            WORLD.reload("changing", mx_guard_match="all")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    true(other.asked, "the new resolver is not asked")
    true(len(said) > 50, f"only {len(said)} answers")
    good = {"continue", "554 5.7.1 Domain MX in our own network"}
    same({str(a) for a in said} - good, set(), "other answers")


@SUITE.case("reload: a resolver that is no address is refused, and the old one goes on")
def bad_resolver():
    daemon = WORLD.daemon["changing"]
    daemon.configure(resolver=["nonsense"])
    daemon.process.send_signal(1)
    true(daemon.wait_log("not reloaded"), "not refused")
    refused(WORLD.out("changing", "loopback.example"), LOOPBACK)
    daemon.configure(resolver=[WORLD.nasty.server])


@SUITE.case("with both guards off, nothing is asked")
def off():
    before = len(WORLD.nasty.asked)
    accepted(WORLD.out("off", "null-mx.example"))
    accepted(WORLD.from_("off", "null-mx.example"))
    same(WORLD.nasty.asked[before:], [], "questions")


@SUITE.case("a resolv.conf that cannot be used holds up no mail: it is told, and is no fault")
def no_resolv_conf():
    bad = WORLD.scratch.write("resolv.conf", "nameserver bogus\n")
    daemon = WORLD.make("resolv", mx_guard_recipients="reject", resolver=[])
    daemon.configure()
    mount = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf || exit 77; shift; exec "$@"', "sh", bad]
    ran = subprocess.run(mount + [program("bvmilter"), "-c", daemon.conf, "-t"], capture_output=True, text=True, timeout=20)
    if ran.returncode == 77 or "unshare" in ran.stderr:
        raise Skip("no file can be mounted here: " + ran.stderr.strip())
    same(ran.returncode, 0, f"exit status ({ran.stderr})")
    matches(ran.stderr, r"^bvmilter: no domain's MX can be looked up: .*: /etc/resolv\.conf cannot be used", "standard error")

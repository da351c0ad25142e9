"""The daemon under a load, beside the filter that does nothing."""

from figures import ratios
from rivals import Measured, Noop, descriptors, free_port, in_turn, load

IDLE = 4000
RATE = 2000


def per_second(figures):
    return figures["per_second"]


def cpu(figures):
    return figures["cpu_us"]


def inet():
    return f"inet:{free_port()}@127.0.0.1"


def compare(report, name, ours, noops):
    """Throughput and processor time of results, against those of the filter that does nothing."""
    report.tell(f"{name}: messages", [per_second(f) for f in ours], "/s", ratios(ours, noops, per_second), least=0.90)
    report.tell(f"{name}: processor", [cpu(f) for f in ours], "us", ratios(ours, noops, cpu), most=1.15)


def signing(report):
    """Eight connections, a session for each message and for a hundred; both stages."""
    for stage, mode, one, many, part in (("rcpt", "lean", 8000, 20000, 0.45), ("data", "hdr", 4000, 8000, 0.55)):
        daemon, noop = Measured(untagged_stage=stage).start(), Noop(mode)
        cases = {(server, session): lambda s=server, m=messages, n=session: load(s, m, "-w", 500, "-c", 8, "-m", n)
                 for session, messages in ((1, one), (100, many)) for server in (daemon, noop)}
        results = in_turn(report.rounds(part), cases)
        for session in (1, 100):
            compare(report, f"signing at {stage}, {session} a session", results[daemon, session],
                    results[noop, session])
        daemon.kill(), noop.kill()


def round_trips(report):
    """Answers that the MTA waits for in a message; and, on inet, whether it waits for an acknowledgement."""
    for kind, more in (("unix", 1), ("inet", 2)):
        daemon = Measured(**({"listen": inet()} if kind == "inet" else {})).start()
        for recipients in (1, 3):
            got = in_turn(report.rounds(0.2, 3), {"": lambda r=recipients: load(daemon, 100, "-m", 10, "-R", r)})[""]
            report.tell(f"round trips, {kind}, {recipients} recipient{'s' * (recipients > 1)}",
                        [f["round_trips"] for f in got], "", most=more + recipients)
        if kind == "inet":
            got = in_turn(report.rounds(0.2), {"": lambda: load(daemon, 200, "-w", 10, "-m", 10)})[""]
            report.tell("no stall: p99 of a message, inet, one connection",
                        [f["latency_us"]["p99"] / 1000 for f in got], "ms", most=20)
        daemon.kill()


def growth(report):
    """What the daemon has not asked for costs it nothing."""
    daemon = Measured(untagged_stage="rcpt").start()
    cases = {"-H": (5, 80), "-B": (2000, 1000000)}
    results = in_turn(report.rounds(), {(option, size): lambda o=option, s=size: load(daemon, 6000, "-w", 300, "-c", 8,
                                                                                     o, s)
                                        for option, sizes in cases.items() for size in sizes})
    for name, option in (("from 5 to 80 header fields", "-H"), ("from 2 kB to 1 MB of body", "-B")):
        small, large = cases[option]
        report.tell(f"{name}: processor", [cpu(f) for f in results[option, large]], "us",
                    ratios(results[option, large], results[option, small], cpu), most=1.10)
    daemon.kill()


def idle(report):
    """Thousands of connections that say nothing."""
    number = min(IDLE, descriptors() // 5 * 4 - 200)
    sizes = []
    for _ in report.rounds(0.3, 3):
        daemon = Measured().start()
        kilobytes = load(daemon, 1, "-i", number)["resident_kb"]
        sizes.append((kilobytes["idle"] - kilobytes["begin"]) / number)
        daemon.kill()
    report.tell(f"an idle connection, of {number}: memory", sizes, "kB", most=1.5)
    daemon, noop = Measured(untagged_stage="rcpt").start(), Noop("lean")
    results = in_turn(report.rounds(0.7), {server: lambda s=server: load(s, 3000, "-w", 300, "-c", 8, "-i", number)
                                           for server in (daemon, noop)})
    report.tell(f"{number} idle connections: processor", [cpu(f) for f in results[daemon]], "us",
                ratios(results[daemon], results[noop], cpu), most=1.15)
    daemon.kill(), noop.kill()


def schedule(report):
    """Messages that come when they come, as they do."""
    daemon, noop = Measured(untagged_stage="rcpt").start(), Noop("lean")
    results = in_turn(report.rounds(), {server: lambda s=server: load(s, 2 * RATE, "-w", 200, "-c", 64, "-r", RATE)
                                        for server in (daemon, noop)})
    for part in ("p50", "p99"):
        report.tell(f"{RATE} messages a second: {part}", [f["latency_us"][part] for f in results[daemon]], "us",
                    ratios(results[daemon], results[noop], lambda f: f["latency_us"][part]), most=1.25)
    daemon.kill(), noop.kill()

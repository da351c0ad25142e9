"""Mail through a private Postfix, and the MX guard: what needs more than the daemon."""

import os
import shutil
import subprocess
import time

from figures import ratios
from flow import cpu, per_second
from rest import guarded
from rivals import (SCRATCH, Broken, Measured, Noop, Scratch, Skip, at_end, free_port, in_turn, load, mta, program, run,
                    wait_until, zones)

MESSAGES, WARM, SESSIONS = 600, 50, 10
ROOM = 100 << 20  # octets, for a queue in memory
DOMAIN, NULL_MX = "healthy.example", "null-mx.example"


def why_not():
    reason = mta.why_not()
    if reason:
        return reason
    for tool in ("smtp-source", "smtp-sink"):
        if not shutil.which(tool):
            return f"there is no {tool}, which comes with Postfix"
    return None


def queue_directory():
    """In memory, where there is room: what a disk takes is not ours."""
    shm = "/dev/shm"
    try:
        if shutil.disk_usage(shm).free > ROOM and os.access(shm, os.W_OK):
            return shm
    except OSError:
        pass
    return None


class Gateway:
    """Postfix with a port for each milter; all mail goes on to a sink."""

    def __init__(self, milters):
        self.scratch = Scratch(parent=queue_directory(), prefix="bv-bench.")
        self.port = {name: free_port() for name in milters}
        sink = free_port()
        self.sink = subprocess.Popen([shutil.which("smtp-sink"), "-u", "postfix", f"127.0.0.1:{sink}", "256"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        at_end(self.stop_sink)
        services = {self.port[name]: {"smtpd_milters": milter, "milter_macro_daemon_name": "ORIGINATING",
                                      "mynetworks": "127.0.0.0/8"} for name, milter in milters.items()}
        self.postfix = mta.Postfix(self.scratch.path("postfix"), "gw.example.com", services,
                                   relayhost=f"[127.0.0.1]:{sink}")
        at_end(self.postfix.stop)
        self.postfix.start()

    def stop_sink(self):
        self.sink.kill()
        self.sink.wait()

    def is_empty(self):
        return not any(files for queue in ("maildrop", "incoming", "active", "deferred")
                       for _, _, files in os.walk(os.path.join(self.postfix.dir, "queue", queue)))

    def send(self, name, messages):
        """Messages that are accepted in a second, by the port of a milter."""
        begin = time.monotonic()
        words = ["-s", str(SESSIONS), "-m", str(messages), "-l", "2000", "-f", "user@example.com",
                 "-t", "friend@outside.example", f"127.0.0.1:{self.port[name]}"]
        done = subprocess.run([shutil.which("smtp-source"), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120)
        seconds = time.monotonic() - begin
        if done.returncode != 0:
            raise Broken("smtp-source: " + " ".join(done.stderr.split())[-300:])
        if not wait_until(self.is_empty, 60):
            raise Broken("mail stays in the queue of Postfix:\n" + self.postfix.log()[-500:])
        os.truncate(self.postfix.log_file, 0)
        return messages / seconds


def through(report):
    """How fast the same Postfix takes mail, with bvmilter and with the filter that does nothing."""
    reason = why_not()
    if reason:
        raise Skip(reason)
    daemon, noop = Measured().start(), Noop("hdr")
    gateway = Gateway({"bvmilter": daemon.milter, "noop": noop.listen})
    for name in gateway.port:
        gateway.send(name, WARM)
    if not wait_until(lambda: "verdict=signed" in daemon.log()):
        raise Broken("bvmilter has signed nothing that came through Postfix")
    results = in_turn(report.rounds(), {name: lambda n=name: gateway.send(n, MESSAGES) for name in gateway.port})
    report.tell("Postfix accepts", results["bvmilter"], "/s", ratios(results["bvmilter"], results["noop"], float),
                least=0.95)
    gateway.postfix.stop(), gateway.stop_sink(), daemon.kill(), noop.kill()


def guard(report):
    """Recipients whose domain the guard knows, against the same daemon without it."""
    nsd = zones.Zones(SCRATCH.dir).start()
    plain, looking = Measured(untagged_stage="rcpt").start(), guarded(untagged_stage="rcpt", resolver=[nsd.server])
    run(program("test/load"), "-n", "1", "-t", "10", "-d", NULL_MX, looking.listen)
    if not wait_until(lambda: "verdict=null-mx" in looking.log()):
        raise Broken("the MX guard has not noticed a null MX")
    results = in_turn(report.rounds(), {server: lambda s=server: load(s, 6000, "-w", 300, "-c", 8, "-d", DOMAIN)
                                        for server in (plain, looking)})
    report.tell("with the MX guard: messages", [per_second(f) for f in results[looking]], "/s",
                ratios(results[looking], results[plain], per_second))
    report.tell("with the MX guard: processor", [cpu(f) for f in results[looking]], "us",
                ratios(results[looking], results[plain], cpu))
    plain.kill(), looking.kill(), nsd.stop()

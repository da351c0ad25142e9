"""The files of doc/examples by themselves: the table, and what Postfix thinks of the lines."""

import subprocess

from harness import matches, same, true
from validation import SIGNING, SUITE, WORLD

TAG = "prvs=0785aaaaaa"
ASKED = [
    f"{TAG}=alice@example.com", f"{TAG.upper()}=ALICE@EXAMPLE.COM", f'"{TAG}=al ice"@example.com',
    f"{TAG}=al ice@example.com", f'"{TAG}=a@b"@example.com', f"{TAG}=alice+list@example.com",
    f"{TAG}=prvs=x@example.com", f"{TAG}=a$1${{2}}@example.com", f"{TAG}=\u00fc@example.com",
    f"alice+{TAG}@example.com", f"alice-{TAG}@example.com", f"ALICE+{TAG.upper()}@EXAMPLE.COM",
    f'"al ice+{TAG}"@example.com', f"al ice-{TAG}@example.com", f"alice+list+{TAG}@example.com",
]
NOT_ASKED = [
    "alice@example.com", "prvs@example.com", "prvs=1=alice@example.com", "prvs=0785aaaaa=alice@example.com",
    "prvs=0785aaaaaag=alice@example.com", "prvs=0785aaaaax=alice@example.com", f"{TAG}@example.com",
    f"{TAG}=@example.com", f"{TAG}=alice", f"x{TAG}=alice@example.com", f"alice{TAG}@example.com",
    f"+{TAG}@example.com", f"alice+{TAG}+x@example.com", f"alice@{TAG}.example.com", "@example.com", "alice",
    "btv1==0785aaaaaa==alice@example.com", "SRS0=aaaa=aa=example.com=alice@example.org",
]


def look_up(table, keys):
    """{key: answer} for those that have one."""
    done = subprocess.run(["postmap", "-c", WORLD.gateway.conf, "-q", "-", table], capture_output=True, text=True,
                          input="".join(key + "\n" for key in keys))
    same(done.stderr, "", "what postmap complains of")
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


@SUITE.case("table: it answers what looks tagged, as it is, and nothing else")
def table():
    found = look_up("regexp:" + WORLD.files.table, ASKED + NOT_ASKED)
    same(found, {key: key for key in ASKED}, "answers")


@SUITE.case("lines: Postfix takes them without a warning, and the map answers as the GUIDE says")
def lines():
    out = WORLD.gateway.run("postconf", "-n")
    true("warning" not in out, out)
    matches(out, r"(?m)^recipient_canonical_classes = envelope_recipient$", "settings")
    maps = WORLD.gateway.run("postconf", "-hx", "recipient_canonical_maps").strip()
    user = "user@relay.example"
    same(look_up(maps, [SIGNING.tag(user), SIGNING.forge(user), user]), {SIGNING.tag(user): user}, "answers")


@SUITE.case("lines: those for master.cf are the services that they say")
def master():
    out = WORLD.gateway.run("postconf", "-Mf")
    matches(out, r"(?m)^pickup +unix .* pickup\n +-o cleanup_service_name=local-cleanup$", "services")
    matches(out, r"(?m)^local-cleanup +unix .* cleanup\n +-o milter_macro_daemon_name=ORIGINATING$", "services")
    same(WORLD.files.submission_options(), {"milter_macro_daemon_name": "ORIGINATING"}, "options of the submission service")

"""bvkey: the command line, list, check, and which files are refused."""

import json
import os
import re
import shutil
import subprocess

from bvkey import (FILES, SECRETS, SUITE, T0, bvkey, good, jq_checksum, key, names, note_secrets, read, refused, ring,
                   states, tombstones)
from harness import ROOT, Skip, contains, matches, program, same, true


# ---- the command line

MISUSES = (
    ("no command", (), "no command"),
    ("an unknown command", ("frobnicate",), 'unknown command "frobnicate"'),
    ("an unknown option", ("list", "--colour"), "unrecognized option '--colour'"),
    ("an unknown option before the command", ("--colour", "list"), "unrecognized option '--colour'"),
    ("an unknown letter", ("list", "-x"), "invalid option -- 'x'"),
    ("-f without a value", ("list", "-f"), "option requires an argument -- 'f'"),
    ("--delay without a value", ("rotate", "--delay"), "option '--delay' requires an argument"),
    ("--json with a value", ("list", "--json=yes"), "option '--json' doesn't allow an argument"),
    ("an argument too many", ("list", "all"), 'too many arguments, from "all" on'),
    ("an option of another command", ("init", "--delay", "1h"), "unrecognized option '--delay'"),
    ("add without a number", ("add",), "the key needs a number; give one, with --number"),
    ("add with two numbers", ("add", "--number=1", "--number=2"), "give one, with --number"),
    ("revoke without a number", ("revoke",), "revoke: which key?"),
    ("revoke with two", ("revoke", "1", "2"), 'too many arguments, from "2" on'),
    ("import without a file", ("import",), "import: from where?"),
    ("import with two", ("import", "a", "b"), 'too many arguments, from "b" on'),
    ("purge with an argument", ("purge", "3"), 'too many arguments, from "3" on'),
    ("export with an argument", ("export", "x"), 'too many arguments, from "x" on'),
    ("--expired with a value", ("purge", "--expired=yes"), "option '--expired' doesn't allow an argument"),
)
BAD_VALUES = (
    ("--at with an offset", ("--at", "2026-11-21T12:00:00+01:00", "list"), "--at: "),
    ("--at without a time", ("list", "--at=2026-11-21"), "--at: "),
    ("lifetime 0d", ("init", "--lifetime", "0d"), "--lifetime: "),
    ("lifetime 181d", ("init", "--lifetime=181d"), "--lifetime: "),
    ("lifetime 36h", ("init", "--lifetime=36h"), "not in 1..180 whole days"),
    ("lifetime 7", ("rotate", "--lifetime=7"), "no duration"),
    ("lifetime 1M", ("rotate", "--lifetime=1M"), "no duration"),
    ("delay -1h", ("rotate", "--delay=-1h"), "no duration"),
    ("delay soon", ("rotate", "--delay=soon"), '--delay: "soon" is no duration like 30s 15m 1h 7d 3w 1y'),
    ("if-older-than x", ("rotate", "--if-older-than=x"), "--if-older-than: "),
    ("algorithm md5", ("init", "--algorithm", "hmac-md5"), "neither hmac-sha1 nor hmac-sha256"),
    ("purge by a rule that is none", ("rotate", "--purge=old"),
     '--purge: "old" is none of expired, all-but-current, and ages like 10d 1m 3m 6m 1y'),
    ("purge by nothing", ("rotate", "--purge="), '--purge: "" is none of'),
    ("unused for ever", ("purge", "--unused-for=ever"),
     '--unused-for: "ever" is no age like 10d 3w 1m 6m 1y, m being months'),
    ("unused for 1M", ("purge", "--unused-for=1M"), "--unused-for: "),
    ("number 10", ("purge", "--number=10"), '--number: "10" is no key number, 0 to 9'),
    ("number -1", ("add", "--number=-1"), "--number: "),
    ("number x", ("add", "--number=x"), "--number: "),
    ("no number", ("add", "--number="), '--number: "" is no key number'),
    ("revoke 10", ("revoke", "10"), 'revoke: "10" is no key number, 0 to 9'),
    ("revoke x", ("revoke", "x"), "revoke: "),
    ("sign-from soon", ("add", "--number=1", "--sign-from=soon"),
     '--sign-from: "soon" is neither "now" nor a UTC time like 2026-11-21T12:00:00Z'),
    ("sign-from 1h", ("add", "--number=1", "--sign-from=1h"), "--sign-from: "),
    ("format octal", ("add", "--number=1", "--format=octal"), '--format: "octal" is none of text, raw, base64, hex'),
    ("a comment too long", ("add", "--number=1", "--comment=" + 201 * "x"), "--comment: 201 octets, at most 200"),
    ("add: lifetime 181d", ("add", "--number=1", "--lifetime=181d"), "--lifetime: "),
    ("add: algorithm md5", ("add", "--number=1", "--algorithm=md5"), "neither hmac-sha1 nor hmac-sha256"),
    ("import of no file", ("import", "/nonexistent/k.json"), "/nonexistent/k.json: No such file or directory"),
    ("import of a directory", ("import", "/"), "/: Is a directory"),
    ("algorithm in upper case", ("rotate", "--algorithm", "HMAC-SHA1"), "neither hmac-sha1 nor hmac-sha256"),
)


@SUITE.rows([("misuse: " + name, args, said, True) for name, args, said in MISUSES] +
            [("bad value: " + name, args, said, False) for name, args, said in BAD_VALUES])
def misuse(args, said, usage):
    path = FILES.new()
    err = refused(2, said, *args, env={"BV_KEYRING": path})
    same("usage: bvkey [-f FILE]" in err, usage, "the usage text is printed")
    same(names(path), [], "files")


@SUITE.case("help and version")
def help_and_version():
    for args in (("--help",), ("-h",), ("rotate", "--help"), ("list", "-h"), ("add", "-h"), ("purge", "-h"),
                 ("revoke", "-h"), ("export", "--help"), ("import", "-h")):
        contains(good(*args), "usage: bvkey [-f FILE] [--at TIME] COMMAND", "help")
    for command in "init", "list", "rotate", "add", "purge", "revoke", "check", "export", "import":
        contains(good("-h"), f"\n  {command} ", "help")
    with open(os.path.join(ROOT, "doc", "bvkey.8")) as file:
        page = file.read()
    options = set(re.findall(r"--([a-z-]+)", good("-h")))
    true(len(options) > 15, f"options: {options}")
    for option in options:
        contains(page, f".It Fl \\-{option}", "the manual")
    for option in "-V", "--version":
        matches(good(option), r"\Abvkey \d+\.\d+\n\Z", "version")


@SUITE.case("which file: -f before or after, -f before $BV_KEYRING, the default")
def which_file():
    one, two = FILES.init(), FILES.init()
    ids = [read(path)["id"] for path in (one, two)]
    contains(good("-f", one, "list"), ids[0], "-f before")
    contains(good("list", "-f", one), ids[0], "-f after")
    contains(good("list", env={"BV_KEYRING": two}), ids[1], "environment")
    contains(good("-f", one, "list", env={"BV_KEYRING": two}), ids[0], "both")
    if not os.path.exists("/etc/bv/keyring.json"):
        refused(2, "/etc/bv/keyring.json: cannot be opened", "list", env={"BV_KEYRING": ""})


# ---- list

@SUITE.case("list: the states of a key follow the clock")
def list_states():
    path = FILES.put(ring(key(4, "2026-12-01T00:00:00Z"), key(3, "2026-11-01T00:00:00Z")))
    for at, want in (("2026-10-31T23:59:59Z", ["staged", "staged"]), ("2026-11-01T00:00:00Z", ["signing", "staged"]),
                     ("2026-11-30T23:59:59Z", ["signing", "staged"]), ("2026-12-01T00:00:00Z", ["verifying", "signing"]),
                     ("2026-12-10T00:00:00Z", ["verifying", "signing"]),
                     ("2026-12-10T00:00:01Z", ["retired", "signing"])):
        same(states(path, at), [(3, want[0]), (4, want[1])], at)


@SUITE.case("list --json")
def list_json():
    comment = 'grün / "x" \\ 😀'
    path = FILES.put(ring(key(4, "2026-12-01T00:00:00Z", 30, SECRETS[1], comment=comment),
                          key(3, "2026-11-01T00:00:00Z"), purged=tombstones(2)))
    got = json.loads(good("-f", path, "--at", T0, "list", "--json"), object_pairs_hook=lambda pairs: pairs)
    same(got, [("id", "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab"), ("generation", 7),
               ("signing_since", "2026-11-01T00:00:00Z"),
               ("keys", [[("number", 3), ("state", "signing"), ("algorithm", "hmac-sha1"), ("lifetime_days", 7),
                          ("signs_from", "2026-11-01T00:00:00Z"), ("signs_until", "2026-12-01T00:00:00Z"),
                          ("verifies_until", "2026-12-10T00:00:00Z"), ("purgeable_from", "2026-12-10T00:00:00Z"),
                          ("fingerprint", "3eb1bd43"), ("comment", "")],
                         [("number", 4), ("state", "staged"), ("algorithm", "hmac-sha1"), ("lifetime_days", 30),
                          ("signs_from", "2026-12-01T00:00:00Z"), ("signs_until", None), ("verifies_until", None),
                          ("purgeable_from", None), ("fingerprint", "f39dac6c"), ("comment", comment)]]),
               ("purged", [[("number", 2), ("purged", "2026-11-01T00:00:00Z"),
                            ("reusable", "2099-01-01T00:00:00Z")]])], "the whole answer")


@SUITE.case("list: the table")
def list_table():
    path = FILES.put(ring(key(4, "2026-12-01T00:00:00Z", comment="for the new gateway"),
                          key(3, "2026-11-01T00:00:00Z"), purged=tombstones(2)))
    head, *rows, last = good("-f", path, "--at", T0, "list").splitlines()
    same(re.split(r"  +", head), ["number", "state", "algorithm", "signs from", "signs until", "verifies until",
                                  "purgeable from", "fingerprint", "comment"], "head")
    begins = [m.end() for m in re.finditer(r"  +(?=\S)", head)]
    for row in rows:
        true(all(row[at - 1:at] in (" ", "") and row[at:at + 1] != " " for at in begins), f"columns of {row!r}")
    same([row.split() for row in rows],
         [["3", "signing", "hmac-sha1", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-10T00:00:00Z",
           "2026-12-10T00:00:00Z", "3eb1bd43"],
          ["4", "staged", "hmac-sha1", "2026-12-01T00:00:00Z", "-", "-", "-", "3eb1bd43", "for", "the", "new", "gateway"],
          ["2", "purged", "-", "-", "-", "-", "-", "-", "number", "reusable", "from", "2099-01-01T00:00:00Z"]], "rows")
    same(last, "id 6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab, generation 7", "last line")


@SUITE.case("a link that leads nowhere: init would not help, and is not advised")
def dangling():
    path = FILES.new()
    os.symlink(path + ".gone", path)
    refused(2, f"bvkey: {path}: cannot be opened: No such file or directory\n", "-f", path, "list")
    refused(2, f"bvkey: {path}: is a symbolic link to a file that is not there\n", "-f", path, "rotate")


@SUITE.case("refused files: list and rotate say where and why, and exit 2")
def bad_files():
    rows = ((FILES.put('{\n  "format": "bv-keyring",\n  oops'), ":3:6: "),
            (FILES.put(ring(key(3, T0, 400))), ": keys[0].lifetime_days: 400 is not in 1..180\n"),
            (FILES.put(ring(key(3, T0)), 0o644), ": mode 0644 is wider than 0640; run: chmod 0640 {}\n"),
            (FILES.put(""), ": is empty\n"), (FILES.new(), ": cannot be opened: No such file or directory; run: bvkey -f {} init\n"))
    for path, said in rows:
        for command in (("list",), ("list", "--json"), ("rotate",), ("purge",), ("purge", "--dry-run"), ("revoke", "3"),
                        ("export",), ("export", "--public")):
            refused(2, f"bvkey: {path}{said.format(path)}", "-f", path, *command)


@SUITE.case("the command that an error names mends it")
def mends():
    path = FILES.put(ring(key(3, T0)), 0o666)
    subprocess.run(refused(2, "", "-f", path, "list").split("run: ")[1], shell=True, check=True)
    good("-f", path, "list")
    os.chmod(os.path.dirname(path), 0o777)
    subprocess.run(refused(2, "", "-f", path, "list").split("run: ")[1], shell=True, check=True)
    good("-f", path, "list")
    path = FILES.new()
    command = refused(2, "", "-f", path, "list").split("run: bvkey ")[1]
    good(*command.split())
    good("-f", path, "list")


@SUITE.case("no key file, and no directory for one: no command is named that could not make it")
def no_directory():
    path = FILES.new() + ".d/keyring.json"
    for command in (("list",), ("check",), ("export",), ("rotate",), ("init",)):
        contains(refused(2, "No such file or directory\n", "-f", path, *command), path, "said")


@SUITE.case("standard output that cannot be written: exit 2")
def full_output():
    path = FILES.init()
    with open("/dev/full", "w") as full:
        for command in (("list",), ("list", "--json"), ("check",), ("--help",), ("export",), ("export", "--public"),
                        ("purge",), ("rotate", "--delay=1h"), ("revoke", "1")):
            ran = bvkey("-f", path, *command, stdout=full)
            same((ran.status, ran.err), (2, "bvkey: standard output: No space left on device\n"), str(command))


# ---- the checksum

@SUITE.case("checksum: as the real jq computes it")
def checksum():
    made = ring(key(4, "2026-12-01T00:00:00Z", comment='grün / "x" \\ \u2028 😀 <&>\u00ad'), key(3, T0),
                updated_by="/é\\\"", purged=tombstones(2))
    path = FILES.put(made)
    made["checksum"] = jq_checksum(path)
    for text in json.dumps(made), json.dumps(made, ensure_ascii=False, indent=7, sort_keys=True).replace("/", "\\/"):
        good("-f", FILES.put(text), "list")
    made["keys"][1]["comment"] = "another"
    refused(2, "checksum: does not fit", "-f", FILES.put(made), "list")
    good("-f", path, "--at", T0, "rotate", "--delay=30d")
    note_secrets(path)
    after = read(path)
    same(after["checksum"], jq_checksum(path), "checksum of what bvkey writes")
    same((after["keys"][1]["comment"], after["keys"][0]["comment"]), (made["keys"][0]["comment"], ""), "comments")


@SUITE.case("the manual's example of a key file, and its way to renew the checksum")
def manual():
    with open(os.path.join(ROOT, "doc", "bvkeyring.5")) as page:
        example, recipe = re.findall(r"^\.Bd .*?\n(.*?)^\.Ed$", page.read(), re.M | re.S)
    path = FILES.put(example)
    same(states(path, T0), [(3, "signing"), (4, "staged")], "states")
    jq_checksum(path)
    subprocess.run(recipe.replace("\\e", "\\"), shell=True, check=True, cwd=os.path.dirname(path))
    same(read(path)["checksum"], jq_checksum(path), "checksum")
    contains(good("-f", path, "--at", T0, "check"), ": good\n", "check")


# ---- check

CHECKS = (  # name, ring, at, faults, notes
    ("good", ring(key(3, "2026-11-01T00:00:00Z")), T0, [], ["checksum"]),
    ("clock behind, within reason", ring(key(3, "2026-11-01T00:00:00Z")), "2026-11-21T11:55:00Z", [], ["checksum"]),
    ("clock behind", ring(key(3, "2026-11-01T00:00:00Z")), "2026-11-21T11:54:59Z", ["clock"], ["checksum"]),
    ("no key signs", ring(key(3, "2026-12-01T00:00:00Z")), T0, ["no key signs before 2026-12-01"], ["checksum"]),
    ("90 days", ring(key(3, "2026-11-21T12:00:00Z")), "2027-02-19T12:00:00Z", [], ["checksum"]),
    ("more than 90 days", ring(key(3, "2026-11-21T12:00:00Z")), "2027-02-19T12:00:01Z", [],
     ["checksum", "rotation overdue: key 3 signs since 2026-11-21T12:00:00Z"]),
    ("more than 90 days, but rotated", ring(key(3, "2026-11-21T12:00:00Z"), key(4, "2027-02-19T13:00:00Z")),
     "2027-02-19T12:00:01Z", [], ["checksum"]),
    ("purgeable keys", ring(key(1, "2026-01-01T00:00:00Z"), key(2, "2026-02-01T00:00:00Z"),
                            key(3, "2026-11-01T00:00:00Z"), key(4, "2026-11-20T00:00:00Z")), T0, [],
     ["checksum", "purge possible of retired keys: 1, 2"]),
    ("three numbers left", ring(key(3, T0), purged=tombstones(0, 1, 2, 4, 5, 6)), T0, [], ["checksum"]),
    ("two numbers left", ring(key(3, T0), purged=tombstones(0, 1, 2, 4, 5, 6, 7)), T0, [],
     ["checksum", "numbers running out: 2 of 10 are free; the first will be 0, from 2099-01-01T00:00:00Z"]),
    ("two numbers left, the next is that of a key", ring(key(3, "2026-11-01T00:00:00Z"), key(4, T0),
                                                         purged=tombstones(0, 1, 2, 5, 6, 7)), T0, [],
     ["checksum", "2 of 10 are free; key 3 can be purged after 2026-11-30T12:00:00Z"]),
    ("two numbers left, but a key is retired", ring(key(3, "2026-10-01T00:00:00Z"), key(4, "2026-11-01T00:00:00Z"),
                                                    purged=tombstones(0, 1, 2, 5, 6, 7)), T0, [],
     ["checksum", "purge possible of retired keys: 3", "2 of 10 are free; key 3 is retired and can be purged"]),
    ("two numbers left, of purged keys", ring(key(3, T0), purged=tombstones(0, 1, 2, 4, 5, 6, 7) +
                                                           tombstones(8, 9, reusable="2026-11-20T00:00:00Z")), T0, [],
     ["checksum", "2 of 10 are free; the first will be 0, from 2099-01-01T00:00:00Z"]),
    ("no number left, and a far end", ring(*(key(n, f"2026-11-{21 + n}T12:00:00Z", 180) for n in range(10))), T0, [],
     ["checksum", "0 of 10 are free; key 0 can be purged after 2027-05-23T12:00:00Z"]),
    ("numbers that are free again", ring(key(3, T0), purged=tombstones(0, 1, 2, 4, 5, 6, 7, reusable=T0)), T0, [],
     ["checksum"]),
    ("bad schema", ring(key(10, T0)), T0, ["keys[0].number: 10 is not in 0..9"], []),
    ("bad syntax", "{\n nonsense", T0, ["line 2, column"], []),
)


@SUITE.rows([("check: " + row[0], *row[1:]) for row in CHECKS])
def check(made, at, faults, notes):
    path = FILES.put(made)
    ran = bvkey("-f", path, "--at", at, "check", "--json")
    got = json.loads(ran.out)
    same((ran.status, ran.err, list(got), got["ok"]), (1 if faults else 0, "", ["ok", "faults", "notes"], not faults),
         "the answer")
    text = bvkey("-f", path, "--at", at, "check")
    same((text.status, text.err), (ran.status, ""), "status of the plain text")
    for kind, word, wanted in ("faults", "fault", faults), ("notes", "note", notes):
        same(len(got[kind]), len(wanted), f"{kind}: {got[kind]}")
        for item, want in zip(got[kind], wanted):
            contains(item, want, kind)
            place = re.match(r"line (\d+), column (\d+): ", item)
            line = f"{path}:{place[1]}:{place[2]}: {word}: {item[place.end():]}\n" if place else f"{path}: {word}: {item}\n"
            contains(text.out, line, "plain text")
    same(len(text.out.splitlines()), len(faults) + len(notes), "lines")


@SUITE.case("check: nothing to say; modes; a missing and an unreadable file")
def check_files():
    path = FILES.init()
    same(good("-f", path, "--at", T0, "check"), f"{path}: good\n", "output")
    same(json.loads(good("-f", path, "--at", T0, "check", "--json")), {"ok": True, "faults": [], "notes": []}, "JSON")
    os.chmod(path, 0o604)
    ran = bvkey("-f", path, "check")
    same((ran.status, ran.out), (1, f"{path}: fault: mode 0604 is wider than 0640; run: chmod 0640 {path}\n"), "modes")
    os.chmod(path, 0o600)
    refused(2, "No such file", "-f", path + ".not", "check")
    refused(2, "No such file", "-f", path + ".not", "check", "--json")
    if os.geteuid() != 0:
        raise Skip("only root can make a file that another user cannot read")
    copy = FILES.scratch.path("bvkey")
    shutil.copy(program("bvkey"), copy)
    ran = subprocess.run([copy, "-f", path, "check"], user=65534, capture_output=True, text=True)
    same((ran.returncode, ran.stderr), (2, f"bvkey: {path}: cannot be opened: Permission denied\n"), "unreadable")




@SUITE.case("check: what belongs to the daemon's user, with a command that mends it")
def check_owner():
    if os.geteuid() != 0:
        raise Skip("only root can give files away")
    directory = os.path.join(os.path.realpath(os.path.dirname(FILES.new())), "owned")
    path = os.path.join(directory, "keyring.json")
    os.mkdir(directory, 0o750)
    good("-f", path, "--at", T0, "init")
    for changed in (path,), (directory,), (path, directory):
        for name in changed:
            os.chown(name, 65534, 0)
        same(good("-f", path, "--at", T0, "check"), f"{path}: good\n", "with -f, it is no file of the services")
        notes = good("--at", T0, "check", env={"BV_KEYRING": path}).splitlines()
        same(len(notes), len(changed), f"notes: {notes}")
        for name, note in zip(changed, notes):
            contains(note, f"{path}: note: {name} belongs to nobody, so that bvkey-rotate.service cannot", "note")
            subprocess.run(note.split("run: ")[1], shell=True, check=True)
        same(good("--at", T0, "check", env={"BV_KEYRING": path}), f"{path}: good\n", "then")
        same([(os.stat(name).st_uid, os.stat(name).st_gid) for name in changed], [(0, 65534)] * len(changed), "owners")


@SUITE.case("check --json: a path that is no UTF-8")
def odd_path():
    path = FILES.new() + os.fsdecode(b"-\xff\xc0\xaf\xed\xa0\x80\xe2\x82-") + "é😀\"\\\x01"
    os.rename(FILES.put(ring(key(3, T0)), 0o644), path)
    ran = bvkey("-f", path, "check", "--json")
    same(ran.status, 1, "status")
    contains(json.loads(ran.out)["faults"][0], "-" + 8 * "\ufffd" + "-é😀\"\\\x01", "the path")

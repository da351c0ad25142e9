"""bvkey: export and import."""

import base64
import json
import os
import pty
import subprocess

from bvkey import (FILES, SECRETS, SUITE, T0, bvkey, content, good, jq_checksum, key, names, note_secrets, read, refused,
                   ring, tombstones)
from harness import contains, program, same, true

OTHER = "0f1c2d3e-4a5b-4c6d-8e7f-0123456789ab"


def two():
    return ring(key(3, "2026-11-01T00:00:00Z"), key(4, "2026-12-01T00:00:00Z", secret=SECRETS[1], comment="grün \" \\"),
                purged=tombstones(2))


@SUITE.case("export: the file as bvkey writes it, to import on another node")
def export():
    path = FILES.init()
    good("-f", path, "--at", T0, "rotate")
    note_secrets(path)
    ran = bvkey("-f", path, "export", export=True)
    same((ran.status, ran.err, ran.out.encode()), (0, "", content(path)), "answer")
    copy = FILES.new()
    same(good("-f", copy, "import", "-", stdin=ran.out.encode()),
         f"{copy}: keyring {read(path)['id']}, generation 2, from standard input\n", "output")
    same(content(copy), content(path), "the copy")
    same((os.stat(copy).st_mode & 0o7777, names(copy)), (0o640, ["keyring.json", "keyring.json.lock"]), "mode and files")
    same(good("-f", copy, "import", path), f"{copy}: nothing to do, generation 2 is here already\n", "once more")


@SUITE.case("export: a file without a checksum gets one")
def export_checksum():
    path = FILES.put(two())
    made = json.loads(bvkey("-f", path, "export", export=True).out)
    same(made, {**two(), "checksum": made["checksum"],
                "keys": [{"comment": "", **k} for k in two()["keys"]]}, "content")
    same(made["checksum"], jq_checksum(FILES.put(made)), "checksum")


@SUITE.case("export: never to a terminal, but with --public")
def export_terminal():
    path = FILES.put(two())
    for options, status, said in ((), 2, b"standard output is a terminal, which would show the secrets; redirect it, or "
                                         b"use --public"), (("--public",), 0, b'"number": 3'):
        master, slave = pty.openpty()
        done = subprocess.run([program("bvkey"), "-f", path, "export", *options], stdin=subprocess.DEVNULL, stdout=slave,
                              stderr=subprocess.PIPE, timeout=60)
        os.close(slave)
        shown = done.stderr
        try:
            while True:
                shown += os.read(master, 10000)
        except OSError:
            pass
        os.close(master)
        same(done.returncode, status, "status")
        true(said in shown and base64.b64encode(SECRETS[0])[:12] not in shown, f"shown: {shown}")


@SUITE.case("export --public: no secrets, no checksum, and no way back")
def export_public():
    path = FILES.put(two())
    out = good("-f", path, "export", "--public")
    made = json.loads(out)
    same(made, {**two(), "keys": [{"comment": "", **{k: v for k, v in each.items() if k != "secret"}}
                                  for each in two()["keys"]]}, "content")
    copy = FILES.put(out)
    for options in (), ("--force",):
        refused(2, f"{copy}: keys[0].secret: is missing (a public export has no secrets)\n", "-f", path, "import", copy,
                *options)
    same(read(path), two(), "the file")


IMPORTS = (  # name, what is imported, options, status, what is said, generation afterwards (stamped, if over both)
    ("the same", {}, (), 0, "nothing to do, generation 7 is here already", 7),
    ("the same, by force", {}, ("--force",), 0, "nothing to do", 7),
    ("higher", {"generation": 9}, (), 0, "generation 9, from {}; was generation 7", 9),
    ("higher, by force", {"generation": 9}, ("--force",), 0, "generation 9, from {}; was generation 7", 9),
    ("lower", {"generation": 6}, (), 2, "generation 6 is older than 7, which is in use; --force imports it as "
                                        "generation 8", 7),
    ("lower, by force", {"generation": 6}, ("--force",), 0, "generation 8, from {}; was generation 7", 8),
    ("two editors", {"purged": []}, (), 2, "generation 7 is in use with other content: two nodes have edited the ring; "
                                           "--force imports it as generation 8", 7),
    ("two editors, by force", {"purged": []}, ("--force",), 0, "generation 8, from {}; was generation 7", 8),
    ("another keyring", {"id": OTHER, "generation": 9}, (), 2, f"the keyring {OTHER} is another one than 6f1c2d3e-4a5b-"
     "4c6d-8e7f-0123456789ab, which is in use; --force puts it in its place", 7),
    ("another keyring, by force", {"id": OTHER, "generation": 2}, ("--force",), 0,
     f"keyring {OTHER}, generation 2, from {{}}; was generation 7", 2),
)


@SUITE.rows([("import: " + row[0], *row[1:]) for row in IMPORTS])
def imports(changed, options, status, said, generation):
    path, source = FILES.put(two()), FILES.put({**two(), **changed})
    before = content(path)
    command = "-f", path, "--at", "2026-11-25T00:00:00Z", "import", *options, source
    if status:
        refused(status, f"bvkey: {path}: {said}\n", *command)
    else:
        contains(good(*command), said.format(source), "output")
    after = read(path)
    if status or "nothing" in said:
        same(content(path), before, "the file")
        return
    want = {**two(), **changed, "generation": generation, "keys": [{"comment": "", **k} for k in two()["keys"]]}
    if generation == 8:
        want.update(updated="2026-11-25T00:00:00Z", updated_by=after["updated_by"])
        true("@" in after["updated_by"] and after["updated_by"] != "root@gw1", "updated_by")
    same({k: v for k, v in after.items() if k != "checksum"}, want, "the file")
    same(after["checksum"], jq_checksum(path), "checksum")


@SUITE.rows([("import, refused: " + name, *row) for name, *row in (
    ("empty", "", ":1:0: "), ("no JSON", "{\n oops", ":2:5: "), ("no keyring", "{}", ": format: is missing"),
    ("too large", 70000 * " ", ": is larger than 65536 octets"),
    ("damaged", {**two(), "checksum": "sha256:" + 64 * "0"}, ": checksum: does not fit the rest"),
    ("no keys", {**two(), "keys": []}, ": keys: is empty"),
)])
def import_refused(made, said):
    path, source = FILES.put(two()), FILES.put(made)
    before = content(path)
    refused(2, f"bvkey: {source}{said}", "-f", path, "import", source, "--force")
    refused(2, f"bvkey: standard input{said}", "-f", path, "import", "-", stdin=content(source))
    refused(2, f"bvkey: {source}{said}", "-f", FILES.new(), "import", source)
    same((content(path), names(path)), (before, ["keyring.json"]), "the file, and that there is no lock yet")


@SUITE.case("import: a key file that is refused is not overwritten")
def import_over_bad():
    source = FILES.put({**two(), "generation": 9})
    for path, said in ((FILES.put("{"), ":1:1: "), (FILES.put(two(), 0o644), ": mode 0644 is wider than 0640")):
        before = content(path)
        for options in (), ("--force",):
            refused(2, f"bvkey: {path}{said}", "-f", path, "import", source, *options)
        same(content(path), before, "the file")
    link = FILES.new()
    os.symlink("nowhere", link)
    refused(2, "is a symbolic link to a file that is not there", "-f", link, "import", source)


@SUITE.case("import: keeps mode and owner, and says when others can read the source")
def import_modes():
    path, source = FILES.put(two(), 0o600), FILES.put({**two(), "generation": 9}, 0o644)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    old = os.stat(path)
    out = good("-f", path, "import", source)
    contains(out, f"{source}: has secrets in it, and everybody can read it: remove it, or run: chmod o-rwx {source}\n", "said")
    new = os.stat(path)
    same((new.st_mode, new.st_uid, new.st_gid), (old.st_mode, old.st_uid, old.st_gid), "mode and owner")
    subprocess.run(out.split("run: ")[1], shell=True, check=True)
    true("chmod" not in good("-f", path, "import", source), "mended")


@SUITE.case("import: from a pipe with a name, as the shell's <( ) gives it")
def import_fifo():
    path, fifo = FILES.put(two()), FILES.scratch.path("fifo")
    os.mkfifo(fifo)
    text = json.dumps({**two(), "generation": 9}).encode()
    process = subprocess.Popen([program("bvkey"), "-f", path, "import", fifo], stdout=subprocess.PIPE)
    with open(fifo, "wb", buffering=0) as file:
        for at in range(0, len(text), 100):
            file.write(text[at:at + 100])
    process.communicate(timeout=60)
    same((process.returncode, read(path)["generation"]), (0, 9), "status and generation")

"""bvkey as the tests run it, and key files that were made without it."""

import base64
import hashlib
import json
import os
import shutil
import subprocess

from harness import Scratch, Skip, Suite, program, same, true

T0 = "2026-11-21T12:00:00Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SECRETS = (b"0123456789abcdef0123456789abcdef", b"abcdefghijklmnop")

_printed = []  # all that bvkey has ever said, to be searched for secrets
_secrets = set()


class Ran:
    """What a run of a program left: status, out, err."""

    def __init__(self, done):
        self.status = done.returncode
        self.out, self.err = ((text or b"").decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))


def bvkey(*args, env=None, stdout=subprocess.PIPE, before=(), user=None, stdin=b"", export=False):
    """Runs it; `before` are the words of a program that starts it. What an export prints is secret, and may be."""
    clean = {k: v for k, v in os.environ.items() if k != "BV_KEYRING"}
    done = subprocess.run([*before, program("bvkey"), *map(str, args)], env={**clean, **(env or {})}, input=stdin,
                          stdout=stdout, stderr=subprocess.PIPE, user=user, timeout=60)
    ran = Ran(done)
    _printed.append(ran.err if export else f"{ran.out}{ran.err}")
    return ran


def good(*args, **how):
    """Runs it, and expects that it does what is asked, and says nothing on standard error."""
    ran = bvkey(*args, **how)
    same((ran.status, ran.err), (0, ""), f"status and standard error of {args}")
    return ran.out


def refused(status, said, *args, **how):
    """Runs it, and expects a status, and a text on standard error that begins with the program's name."""
    ran = bvkey(*args, **how)
    same(ran.status, status, f"status of {args}, which said {ran.err!r}")
    true(ran.err.startswith("bvkey: ") and said in ran.err, f"{args}: {said!r} is not in {ran.err!r}")
    same(ran.out, "", f"standard output of {args}")
    return ran.err


class Files:
    """Key files in a directory of their own."""

    def __init__(self):
        self.scratch = Scratch()
        self.count = 0

    def new(self):
        """A name in a new directory."""
        self.count += 1
        directory = self.scratch.path(str(self.count))
        os.mkdir(directory, 0o755)
        return os.path.join(directory, "keyring.json")

    def init(self, at=T0, *options):
        path = self.new()
        good("-f", path, "--at", at, "init", *options)
        note_secrets(path)
        return path

    def put(self, ring, mode=0o640):
        """Writes an object, or a text."""
        path = self.new()
        with open(path, "w") as file:
            file.write(ring if isinstance(ring, str) else json.dumps(ring, ensure_ascii=False))
        os.chmod(path, mode)
        return path


def note_secrets(path):
    for key in read(path)["keys"]:
        _secrets.update((key["secret"], base64.b64decode(key["secret"]).hex()))


def no_secret_printed():
    everything = "".join(_printed)
    true(len(_secrets) > 10 and len(everything) > 1000, "there is something to look for, and where")
    for secret in _secrets:
        true(secret not in everything and secret[:12] not in everything, "a secret was printed")


def key(number, sign_from, lifetime=7, secret=SECRETS[0], **more):
    return {"number": number, "algorithm": "hmac-sha1", "secret": base64.b64encode(secret).decode(),
            "lifetime_days": lifetime, "created": sign_from, "sign_from": sign_from, **more}


def ring(*keys, **more):
    return {"format": "bv-keyring", "version": 1, "id": "6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab", "generation": 7,
            "updated": T0, "updated_by": "root@gw1", "signing_since": "2026-11-01T00:00:00Z", "keys": list(keys),
            **more}


def tombstones(*numbers, reusable="2099-01-01T00:00:00Z"):
    return [{"number": n, "purged": "2026-11-01T00:00:00Z", "reusable": reusable} for n in numbers]


def read(path):
    with open(path) as file:
        return json.load(file)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def jq_checksum(path):
    """The checksum by the manual's definition."""
    if not shutil.which("jq"):
        raise Skip("jq is not installed")
    text = subprocess.run(["jq", "-cjS", "del(.checksum)", path], check=True, stdout=subprocess.PIPE).stdout
    return "sha256:" + hashlib.sha256(text).hexdigest()


def listed(path, at=T0):
    return json.loads(good("-f", path, "--at", at, "list", "--json"))


def states(path, at=T0):
    """Number and state of each key."""
    return [(k["number"], k["state"]) for k in listed(path, at)["keys"]]


def names(path):
    """What lies in a file's directory."""
    return sorted(os.listdir(os.path.dirname(path)))


SUITE = Suite()
FILES = Files()

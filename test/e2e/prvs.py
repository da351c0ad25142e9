"""prvs tags and key files, made without the project's own code."""

import base64
import hashlib
import hmac
import json
import os
import re
import time
import uuid

TAG = re.compile(r"prvs=([0-9])([0-9]{3})([0-9a-f]{6})=(.+)", re.I)


def today():
    return int(time.time()) // 86400


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Key:
    """One key of a ring; sign_from is in days from now (negative: in the past)."""

    def __init__(self, number, secret, sign_from=-1.0, lifetime=7, algorithm="hmac-sha1"):
        self.number = number
        self.secret = secret
        self.sign_from = int(time.time() + sign_from * 86400)
        self.lifetime = lifetime
        self.algorithm = algorithm

    def mac(self, stamp, address):
        """Six hex digits over the address exactly as given."""
        hash_name = {"hmac-sha1": hashlib.sha1, "hmac-sha256": hashlib.sha256}[self.algorithm]
        text = f"{self.number}{stamp:03d}{address}".encode()
        return hmac.new(self.secret, text, hash_name).hexdigest()[:6]

    def parts(self, address, days=None, fold=True):
        """The ten characters KDDDSSSSSS for an address; days: until the tag's last day."""
        stamp = (today() + (self.lifetime if days is None else days)) % 1000
        text = address.lower() if fold else address
        return f"{self.number}{stamp:03d}{self.mac(stamp, text)}"

    def tag(self, address, days=None, fold=True):
        return f"prvs={self.parts(address, days, fold)}={address}"

    def forge(self, address):
        """A tag in every respect but its MAC."""
        text = self.parts(address)
        return f"prvs={text[:-1]}{(int(text[-1], 16) + 1) % 16:x}={address}"

    def made(self, tagged, lifetime=None):
        """Whether this key made a tagged address just now, the MAC being over the folded address."""
        found = TAG.fullmatch(tagged)
        if not found or int(found[1]) != self.number:
            return False
        ahead = (int(found[2]) - today()) % 1000
        last = self.lifetime if lifetime is None else lifetime
        return ahead in (last, last - 1) and found[3] == self.mac(int(found[2]), found[4].lower())


class Ring:
    """
    A key file's content; as configuration management would render it, without a
    checksum.  since: when it first signed, in seconds; long ago unless given, so that
    no warm-up goes on.
    """

    def __init__(self, keys, since=None):
        self.keys = keys
        self.since = int(time.time()) - 400 * 86400 if since is None else int(since)
        self.id = str(uuid.uuid4())
        self.generation = 1

    def text(self):
        now = rfc3339(time.time())
        keys = sorted(self.keys, key=lambda k: k.sign_from)
        return json.dumps({
            "format": "bv-keyring", "version": 1, "id": self.id, "generation": self.generation,
            "updated": now, "updated_by": "root@test", "signing_since": rfc3339(self.since),
            "keys": [{
                "number": k.number, "algorithm": k.algorithm,
                "secret": base64.b64encode(k.secret).decode(), "lifetime_days": k.lifetime,
                "created": rfc3339(k.sign_from - 3600), "sign_from": rfc3339(k.sign_from), "comment": "",
            } for k in keys],
            "purged": []}, indent=2) + "\n"

    def write(self, path):
        new = path + ".new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w") as file:
            file.write(self.text())
        os.chmod(new, 0o640)
        os.rename(new, path)
        return path

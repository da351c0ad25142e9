#!/usr/bin/env python3
"""Writes prvs.tsv: tags made with Python's hmac, none of bv's code.

    python3 test/vectors/make_prvs.py > test/vectors/prvs.tsv

Columns: name, algorithm, secret in hex, key number, expiry day, address, tagged address.
The MAC covers the folded address; the tagged address keeps its spelling.
"""
import hashlib
import hmac
import random


def tagged(algorithm, secret, number, day, address):
    digest = {"hmac-sha1": hashlib.sha1, "hmac-sha256": hashlib.sha256}[algorithm]
    head = "%d%03d" % (number, day % 1000)
    mac = hmac.new(secret, (head + address.lower()).encode("ascii"), digest).hexdigest()[:6]
    return "prvs=%s%s=%s" % (head, mac, address)


def rows():
    sha1, sha256 = "hmac-sha1", "hmac-sha256"
    k32 = b"0123456789abcdef0123456789abcdef"
    yield "draft key 0", sha1, b"secret", 0, 20785, "userx@test.ex"
    yield "draft key 1", sha1, b"secret", 1, 20785, "userx@test.ex"
    yield "draft key 8, day 003", sha1, b"secret", 8, 21003, "userx@test.ex"
    yield "32-octet key, day 999", sha1, k32, 0, 20999, "alice@example.com"
    yield "zero key, day 000", sha1, bytes(20), 0, 21000, "a@b.example"
    yield "key over the block size", sha1, b"k" * 80, 0, 20785, "alice@example.com"
    yield "plus detail", sha1, b"secret", 0, 20785, "alice+list@example.com"
    yield "upper case folded", sha1, b"secret", 0, 20785, "UserX@Test.EX"
    yield "sha256", sha256, k32, 0, 20785, "alice@example.com"
    yield "sha256, key over the block size", sha256, b"k" * 80, 9, 20785, "Alice@Example.COM"
    rng = random.Random(20785)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
    for i in range(200):
        local = "".join(rng.choice(letters) for _ in range(rng.randint(1, 48)))
        if "prvs=" in local.lower() or local.lower().startswith(("srs", "btv", "msprvs")):
            continue
        domain = "d%d.%s" % (i, rng.choice(["example", "Example.COM", "sub.example.org"]))
        secret = bytes(rng.randrange(256) for _ in range(rng.randint(16, 128)))
        algorithm = rng.choice([sha1, sha256])
        yield "random %d" % i, algorithm, secret, rng.randrange(10), 20000 + rng.randrange(3000), local + "@" + domain


for name, algorithm, secret, number, day, address in rows():
    print("\t".join([name, algorithm, secret.hex(), str(number), str(day), address,
                     tagged(algorithm, secret, number, day, address)]))

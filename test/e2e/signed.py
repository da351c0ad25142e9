"""DNSSEC for the zones of zones.py: a zone signed with ldns-signzone, unpacked and never installed."""

import glob
import os
import shutil
import subprocess

from packages import unpacked

NAME = "signed"
# the last name's address is changed after it was signed
TEXT = """$TTL 300
signed. SOA ns.signed. hostmaster.signed. 1 3600 600 86400 120
signed. NS ns.signed.
ns.signed. A 127.0.0.1
secure.signed. MX 10 mx.secure.signed.
mx.secure.signed. A 192.31.196.1
changed.signed. MX 10 mx.changed.signed.
mx.changed.signed. A 192.31.196.77
"""


def sign(directory):
    """The text of the signed zone, and the path of a file with its trust anchor."""
    directory = os.path.join(directory, "keys")
    os.mkdir(directory)
    root, env = "/", dict(os.environ)
    if not shutil.which("ldns-signzone"):
        root = unpacked("ldnsutils", ["ldnsutils", "libldns3"], lambda _: None)
        env["LD_LIBRARY_PATH"] = ":".join(glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*")))

    def call(tool, *words):
        done = subprocess.run([os.path.join(root, "usr/bin", tool), *words], cwd=directory, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stderr}")
        return done.stdout.strip()

    key = call("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", NAME)
    with open(os.path.join(directory, "zone"), "w") as file:
        file.write(TEXT)
    call("ldns-signzone", "-i", "20200101", "-o", NAME, "-f", "zone.signed", "zone", key)
    with open(os.path.join(directory, "zone.signed")) as file:
        text = file.read()
    if "192.31.196.77" not in text:
        raise RuntimeError("the signed zone lacks a record")
    return text.replace("192.31.196.77", "192.31.196.78"), os.path.join(directory, key + ".ds")

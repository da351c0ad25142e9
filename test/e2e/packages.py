"""Debian packages that the tests use without installing them: downloaded once, and unpacked below build/."""

import os
import shutil
import subprocess
import tempfile

from place import ROOT
from tap import Skip


def run(*words, cwd=None):
    return subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C"))


def download(packages, where):
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Skip(f"{packages[0]} cannot be fetched: there is no {tool} here")
    try:
        got = run("apt-get", "-qq", "download", *packages, cwd=where)
        if got.returncode != 0 and os.geteuid() == 0:
            run("apt-get", "-qq", "update")
            got = run("apt-get", "-qq", "download", *packages, cwd=where)
    except subprocess.TimeoutExpired as err:
        raise Skip(f"{packages[0]} cannot be downloaded: {err}") from err
    if got.returncode != 0:
        raise Skip(f"{packages[0]} cannot be downloaded: " + " ".join(got.stderr.split())[:200])


def unpacked(name, packages, prepare):
    """
    The directory build/NAME, which holds what the packages hold; made once, whole or not at all.
    prepare(directory) makes it fit for use before it gets its name.
    """
    cache = os.path.join(ROOT, "build", name)
    if os.path.exists(cache):
        return cache
    os.makedirs(os.path.dirname(cache), exist_ok=True)
    new = tempfile.mkdtemp(prefix=name + ".", dir=os.path.dirname(cache))
    try:
        download(packages, new)
        for package in [file for file in os.listdir(new) if file.endswith(".deb")]:
            run("dpkg", "-x", os.path.join(new, package), new).check_returncode()
            os.unlink(os.path.join(new, package))
        prepare(new)
        os.chmod(new, 0o755)
        try:
            os.rename(new, cache)
        except OSError:
            pass  # another run was faster
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return cache

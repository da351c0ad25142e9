"""
A copy of this machine with systemd as its init, in namespaces of its own: what is installed and started in it, is
gone when it ends.  Its disk is an overlay in memory above this machine's; it has no network but a loopback.
"""

import glob
import os
import shutil
import signal
import subprocess
import tempfile

from harness import Skip, at_end, true, wait_until

INIT = "/lib/systemd/systemd"
# What would reach through to this machine's kernel, or is of no use here.
MASKED = ["systemd-sysctl.service", "systemd-modules-load.service", "systemd-udevd.service",
          "systemd-udev-trigger.service", "systemd-timesyncd.service", "systemd-logind.service",
          "systemd-remount-fs.service", "getty.target", "console-getty.service", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "dev-hugepages.mount"]

BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
cd root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
for dir in run dev tmp; do mount -t tmpfs -o mode=755 tmpfs $dir; done
chmod 1777 tmp
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
rm -rf usr/sbin/policy-rc.d etc/systemd/system/*.wants var/lib/man-db/auto-update
: >etc/machine-id
for unit in $2; do ln -sf /dev/null etc/systemd/system/$unit; done
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd \
    --unit=multi-user.target --show-status=0 --log-target=console
"""


def _cgroup():
    """A cgroup of our own to put the machine into."""
    with open("/proc/mounts") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    if not mounts:
        raise Skip("there is no cgroup2 file system")
    path = os.path.join(mounts[0], f"bv-test-{os.getpid()}")
    try:
        os.mkdir(path)
    except OSError as err:
        raise Skip(f"no cgroup can be made: {err}") from err

    def remove():
        for directory, _, _ in os.walk(path, topdown=False):
            wait_until(lambda d=directory: _removed(d), 5)
    at_end(remove)
    return path


def _removed(directory):
    try:
        os.rmdir(directory)
    except OSError:
        return not os.path.exists(directory)
    return True


class Machine:
    def __init__(self):
        if os.geteuid() != 0:
            raise Skip("only root can start a machine in namespaces")
        for need in (INIT, shutil.which("unshare"), shutil.which("nsenter")):
            if not need or not os.path.exists(need):
                raise Skip(f"systemd ({INIT}), unshare or nsenter is not installed")
        cgroup = _cgroup()
        where = tempfile.mkdtemp(prefix="bv-machine.")
        at_end(lambda: os.rmdir(where))
        self.log = tempfile.TemporaryFile()
        self.init = None
        self.process = subprocess.Popen(
            # the shell moves itself before the cgroup namespace is made, so that this is its root
            ["sh", "-c", 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', "sh", cgroup,
             "unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net", "--cgroup",
             "sh", "-c", BOOT, "sh", where, " ".join(MASKED)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        at_end(self._end)
        if not wait_until(self._booted, 30):
            raise Skip("systemd does not start in namespaces here: " + self._said())

    def _booted(self):
        if self.process.poll() is not None:
            raise Skip("no machine can be started in namespaces here: " + self._said())
        if self.init is None:
            for path in glob.glob(f"/proc/{self.process.pid}/task/*/children"):
                with open(path) as file:
                    self.init = next(iter(file.read().split()), None)
        if self.init is None:
            return False
        try:
            with open(f"/proc/{self.init}/comm") as file:
                if file.read().strip() != "systemd":
                    return False
        except OSError:
            return False
        return self.run("systemctl is-system-running", 5, check=False).stdout.strip() in ("running", "degraded")

    def _said(self):
        self.log.seek(0)
        return " ".join(self.log.read().decode("utf-8", "replace").split())[-300:]

    def _end(self):
        if self.init is not None:  # its end is that of all in its namespace
            try:
                os.kill(int(self.init), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()
        self.log.close()

    def run(self, script, timeout=60, check=True):
        """Has a shell of the machine run something; check: it must succeed."""
        done = subprocess.run(["nsenter", "--target", self.init, "--all", "--root", "--wd", "sh", "-c", script],
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "SYSTEMD_PAGER": "",
                                   "DEBIAN_FRONTEND": "noninteractive"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                              start_new_session=True)  # a "kill 0" stays among them
        true(not check or done.returncode == 0,
             f"{script}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def says(self, script):
        return self.run(script).stdout.strip()

    def take(self, path):
        """Copies a file of this machine into its /root; its name there."""
        name = "/root/" + os.path.basename(path)
        with open(path, "rb") as file:
            subprocess.run(["nsenter", "--target", self.init, "--all", "--root", "--wd", "sh", "-c", f"cat >{name}"],
                           stdin=file, check=True, timeout=60)
        return name

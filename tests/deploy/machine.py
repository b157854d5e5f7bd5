"""A booted Debian for tests: a folder with a root file system, started by its own systemd in namespaces of its own.

Processes, mounts, network (none but loopback), names and control groups are its own, so that nothing is left when its first
process is killed, which happens at the latest when the test ends, however that ends.  Not a chroot but a changed root: the
kernel makes no user namespaces in a chroot, and PrivateUsers= of a unit wants one.
"""

import os
import pathlib
import shutil
import subprocess
import time

BOOT = r"""
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s null dev/console
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir tmp/before
pivot_root . tmp/before
cd /
umount -l /tmp/before
rmdir /tmp/before
capabilities=-sys_module,-sys_time,-sys_boot,-sys_rawio,-syslog
exec setpriv --bounding-set="$capabilities" --inh-caps="$capabilities" env -i container=freightlake PATH=/usr/sbin:/usr/bin \
    /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no
"""
NAMESPACES = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup"]


class CannotBoot(Exception):
    """No machine can be booted here; the message says why."""


def control_group() -> pathlib.Path:
    """This process's own place in the unified hierarchy."""
    mounted = subprocess.run(["findmnt", "-n", "-t", "cgroup2", "-o", "TARGET"], capture_output=True, text=True).stdout
    own = [line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().split("\n") if line.startswith("0::")]
    if not mounted or not own:
        raise CannotBoot("the kernel has no unified control groups")
    return pathlib.Path(mounted.split()[0] + own[0])


class Machine:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.group = control_group() / f"freightlake-machine-{os.getpid()}"
        self.first = 0
        self.guard: subprocess.Popen | None = None
        self.starter: subprocess.Popen | None = None

    def __enter__(self) -> "Machine":
        try:
            self.group.mkdir()
            enter = f"echo $$ >{self.group}/cgroup.procs && exec unshare {' '.join(NAMESPACES)} sh -c '{BOOT}' sh {self.root}"
            self.starter = subprocess.Popen(
                ["sh", "-c", enter],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.wait_for_start()
        except OSError as error:
            self.end()
            raise CannotBoot(str(error)) from error
        except CannotBoot:
            self.end()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def wait_for_start(self) -> None:
        state = ""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.starter.poll() is not None:
                raise CannotBoot(f"namespaces or mounts: {self.starter.stdout.read().strip()[-300:]}")
            if not self.first:
                pid = self.starter.pid
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                if children:
                    self.first = int(children[0])
                    # Reads until this process is gone or says so, then kills: a test that is killed leaves no machine.
                    guard = ["sh", "-c", f"read -r _; kill -9 {self.first}"]
                    self.guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
            else:
                state = self.run("systemctl", "is-system-running", check=False).strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.2)
        raise CannotBoot(f"systemd does not come up: {state or 'no answer'}")

    def end(self) -> None:
        if self.guard:
            self.guard.communicate(timeout=30)
        elif self.starter and self.starter.poll() is None:
            self.starter.kill()
        if self.starter:
            self.starter.communicate(timeout=30)
        for _ in range(50):
            try:
                for folder, _, _ in os.walk(self.group, topdown=False):
                    os.rmdir(folder)
                return
            except OSError:  # the last processes are still going
                time.sleep(0.1)

    def run(self, *command: object, check: bool = True, timeout: float = 60) -> str:
        words = ["nsenter", "--target", str(self.first), "--all", "--", *map(str, command)]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, env=environment
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(map(str, command))} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
        )
        return done.stdout

    def put(self, source: pathlib.Path, path: str) -> None:
        shutil.copy(source, self.root / path.lstrip("/"))

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

#!/usr/bin/env python3
"""The Debian package: made by scripts/package, read by lintian, installed, used, upgraded, removed and purged.

It is installed in a fresh Debian 12, which debootstrap makes once and the cache keeps: in a chroot, as an image that is being
made, and in a machine that its own systemd has booted (machine.py), which follows docs/install.md to the first mart, lets the
timer fire and tries what the service must not do.  Then mistakes are made on purpose, each of which one of these checks must
catch.  What wants root, debootstrap, lintian or namespaces is skipped without.  Ends with `N passed, N failed, N skipped`.
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from machine import CannotBoot, Machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import s3_server  # noqa: E402

CACHE = pathlib.Path(
    os.environ.get("FREIGHTLAKE_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "freightlake"
)
# What there is beside what of Debian is essential: what the package depends on and recommends, and what completes and reads.
SYSTEM = ["systemd", "ca-certificates", "libcurl4", "bash-completion", "fish", "man-db", "zsh"]
MOST_EXPOSURE = 1.5  # of 10, as systemd-analyze counts
CONFIGURATION = "etc/freightlake/daily.conf"
UNIT = "lib/systemd/system/freightlake-daily.service"
HOME = "var/lib/freightlake"
# Runs instead of the service's command, under its confinement: each line must hold.
PROBE = f"""#!/bin/sh
set -eu
refused() {{
    if "$@"; then
        echo "went through: $*"
        exit 1
    fi
}}
test "$(id -un) $(id -Gn)" = "freightlake freightlake"
test "$AWS_ACCESS_KEY_ID" = probe
test "$FREIGHTLAKE_LAKE" = /{HOME}/lake
refused cat /etc/freightlake/credentials.conf
refused touch /{CONFIGURATION}
refused touch /opt/probe
refused ls /home/person
refused test -e /tmp/of-another
refused unshare --user true
refused chmod u+s /{HOME}/lake
refused setpriv --reuid=0 true
refused test -d /proc/1
refused test -e /dev/of-another
touch /{HOME}/probe
rm /{HOME}/probe
"""
SUDO = """#!/bin/sh
[ "$1" = -u ] || exec "$@"
user=$2
shift 2
exec runuser -u "$user" -- "$@"
"""
# A terminal in which zsh completes twice; prints what stands on it.
ZSH = r"""
zmodload zsh/zpty
zpty -b terminal zsh -f -i
shown=
wait_for() { repeat 200 { zpty -rt terminal part && shown+=$part; [[ $shown == *$1* ]] && return; sleep 0.05 } }
zpty -w terminal 'autoload -Uz compinit; compinit -u; PS1=; print rea''dy'
wait_for ready
zpty -w -n terminal $'freightlake comple\t'
wait_for completion
zpty -w -n terminal $'fi\t'
wait_for fish
print -r -- "$shown"
zpty -d terminal
"""
# Name, file of the package, what is replaced, by what; the name of the check that must object.
MISTAKES = [
    ("a unit without a user of its own", UNIT, "User=freightlake\nGroup=freightlake\n", "", "confined"),
    ("a unit that may write anywhere", UNIT, "ProtectSystem=strict\n", "", "machine"),
    ("a unit that gains privileges", UNIT, "NoNewPrivileges=yes\n", "NoNewPrivileges=maybe\n", "confined"),
    ("credentials that are not read", UNIT, "EnvironmentFile=-/etc/freightlake/credentials.conf\n", "", "machine"),
    ("an upgrade that overwrites the configuration", "DEBIAN/conffiles", f"/{CONFIGURATION}\n", "", "upgraded"),
    ("an upgrade that turns the timer off", "DEBIAN/prerm", '"$1" = remove', "1 = 1", "machine"),
    ("a removal that leaves the timer on", "DEBIAN/prerm", "deb-systemd-invoke stop", "true", "machine"),
    ("a removal that leaves the timer's link", "DEBIAN/postrm", "rm -f /etc/systemd", "true /etc/systemd", "machine"),
    ("a purge that leaves the user's files", "DEBIAN/postrm", '        rmdir ', '        true ', "purged"),
    ("a purge that leaves credentials", "DEBIAN/postrm", "rm -f /etc/freightlake/credentials.conf", "rm -f", "purged"),
    ("a purge that takes the lake", "DEBIAN/postrm", "rmdir --ignore-fail-on-non-empty", "rm -rf", "purged_with_lake"),
    ("a home that anybody reads", "DEBIAN/postinst", "-m 750", "-m 755", "purged_with_lake"),
    ("half a file is taken", "usr/lib/freightlake/freightlake-daily", "*.part | ", "", "machine"),
]  # fmt: skip


class Tests:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name: str, check: Callable, *arguments) -> None:
        started = time.monotonic()
        try:
            check(*arguments)
        except CannotBoot as error:
            self.skip(f"{name}: cannot be tried here: {error}")
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            self.failed += 1
            print(f"FAILED {name}: {error} {getattr(error, 'stderr', '') or ''}", flush=True)
        else:
            self.passed += 1
            print(f"ok     {name} ({time.monotonic() - started:.1f} s)", flush=True)

    def skip(self, reason: str) -> None:
        self.skipped += 1
        print(f"skipped: {reason}", flush=True)


def output(*command: object, **options) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=300, **options).stdout


def version() -> str:
    return re.search(r"version: '(.*)',", (ROOT / "meson.build").read_text())[1]


def build() -> pathlib.Path:
    output(ROOT / "scripts" / "package")
    return ROOT / "build" / f"freightlake_{version()}_{output('dpkg', '--print-architecture').strip()}.deb"


def contents(package: pathlib.Path) -> None:
    assert output("dpkg-deb", "-f", package, "Version").strip() == version()
    listing = output("dpkg-deb", "-c", package)
    for line in listing.splitlines():
        assert " root/root " in line, line
    for path in [
        "usr/bin/freightlake", "usr/share/man/man1/freightlake.1.gz", CONFIGURATION, UNIT,
        "usr/share/bash-completion/completions/freightlake", "usr/share/zsh/vendor-completions/_freightlake",
        "usr/share/fish/vendor_completions.d/freightlake.fish", "usr/share/freightlake/spark/run_marts.py",
    ]:  # fmt: skip
        assert f"./{path}\n" in listing, f"{path} is missing"
    for mart in (ROOT / "marts").glob("*.sql"):
        assert f"./usr/share/freightlake/marts/{mart.name}\n" in listing, f"{mart.name} is missing"


def same_bytes(package: pathlib.Path) -> None:
    before = package.read_bytes()
    build()
    assert package.read_bytes() == before, "the same program makes another package"


def lintian(package: pathlib.Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--display-info", "--fail-on", "error,warning,info", str(package)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def unpacked(package: pathlib.Path) -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder, "tree")
        output("dpkg-deb", "-R", package, tree)
        yield tree


def repacked(tree: pathlib.Path, name: str) -> pathlib.Path:
    package = tree.parent / name
    output("dpkg-deb", "-Znone", "--build", "--root-owner-group", tree, package)
    return package


def with_version(tree: pathlib.Path, number: str) -> pathlib.Path:
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {number}", control.read_text()))
    return repacked(tree, f"freightlake_{number}.deb")


def confined(package: pathlib.Path) -> None:
    with unpacked(package) as tree:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(tree / UNIT)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert "ignoring" not in done.stderr, done.stderr
        level = float(re.search(r"Overall exposure level.*: ([0-9.]+)", done.stdout)[1])
        assert level <= MOST_EXPOSURE, f"exposure {level}, at most {MOST_EXPOSURE}"


def system() -> pathlib.Path:
    """A bare Debian 12 as a tar file, from the mirror that this machine's apt uses."""
    tarball = CACHE / f"debian-12-{hashlib.sha256(' '.join(SYSTEM).encode()).hexdigest()[:16]}.tar"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tarball.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if tarball.exists():
            return tarball
        targets = output("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages")
        mirrors = [line.split()[0] for line in targets.splitlines() if line.endswith(" bookworm")]
        with tempfile.TemporaryDirectory() as folder:
            # debootstrap mounts /proc in there; in a mount namespace of its own nothing stays mounted.
            done = subprocess.run(
                ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={','.join(SYSTEM)}", "bookworm",
                 folder, *mirrors[:1]],
                capture_output=True, text=True, timeout=600,
            )  # fmt: skip
            if done.returncode:
                raise CannotBoot(f"debootstrap could not fetch a Debian: {done.stdout.strip()[-300:]}")
            partial = tarball.with_suffix(f".{os.getpid()}")
            output("tar", "-C", folder, "--one-file-system", "-cf", partial, ".")
            partial.rename(tarball)
    return tarball


@contextlib.contextmanager
def fresh_root() -> Iterator[pathlib.Path]:
    """The system in a folder of its own: a layer over what was unpacked once, or unpacked again where layers cannot be had."""
    with tempfile.TemporaryDirectory(prefix="freightlake-root-") as folder:
        layers = pathlib.Path(folder)
        root = layers / "root"
        root.mkdir()
        # In memory, and gone with the mount: main() has given this process mounts of its own.
        output("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", layers)
        for name in ("root", "upper", "work"):
            (layers / name).mkdir()
        options = f"lowerdir={unpacked_system()},upperdir={layers}/upper,workdir={layers}/work"
        if subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", root], capture_output=True).returncode:
            output("cp", "-a", f"{unpacked_system()}/.", root)
        try:
            yield root
        finally:
            output("umount", "--lazy", "--recursive", layers)


@functools.cache
def unpacked_system() -> pathlib.Path:
    """Once a run; removed at its end."""
    folder = tempfile.mkdtemp(prefix="freightlake-system-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    output("tar", "-C", folder, "-xf", system())
    pathlib.Path(folder).chmod(0o755)
    return pathlib.Path(folder)


def inside(root: pathlib.Path, *command: object) -> str:
    return output("chroot", root, *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})


def install(root: pathlib.Path, package: pathlib.Path, *options: str) -> None:
    shutil.copy(package, root / "package.deb")
    inside(root, "dpkg", *options, "-i", "/package.deb")


def upgraded(package: pathlib.Path) -> None:
    """In a chroot, from a lower version with another configuration: what the operator wrote stays."""
    with unpacked(package) as tree, fresh_root() as root:
        (tree / CONFIGURATION).write_text("# as shipped before\n")
        install(root, with_version(tree, "0.0.1"))
        edited = "FREIGHTLAKE_LAKE=/srv/lake\n"
        (root / CONFIGURATION).write_text(edited)
        install(root, package, "--force-confold")
        assert (root / CONFIGURATION).read_text() == edited, "the operator's configuration is gone"
        assert inside(root, "dpkg-query", "-W", "-f", "${Version}", "freightlake") != "0.0.1"


def purged(package: pathlib.Path) -> None:
    """In a chroot without a lake: nothing stays but the user's line."""
    with fresh_root() as root:
        before = files(root)
        install(root, package)
        inside(root, "systemd-analyze", "verify", "--man=no", "freightlake-daily.timer", "freightlake-daily.service")
        (root / "etc/freightlake/credentials.conf").write_text("AWS_ACCESS_KEY_ID=secret\n")
        (root / HOME / "inbox" / "emart").mkdir()
        inside(root, "dpkg", "-r", "freightlake")
        assert (root / CONFIGURATION).exists(), "removal took the configuration"
        inside(root, "dpkg", "-P", "freightlake")
        left = (
            files(root)
            - before
            - {"package.deb", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-"}
        )
        assert not left, f"left after a purge: {sorted(left)}"


def files(root: pathlib.Path) -> set[str]:
    """All but what dpkg, apt and ldconfig keep for themselves."""
    own = ("var/lib/dpkg/", "var/log/", "var/cache/", "var/lib/systemd/deb-systemd-helper-", "run/")
    found = (path.relative_to(root).as_posix() for path in root.rglob("*"))
    return {name for name in found if not name.startswith(own)}


def purged_with_lake(package: pathlib.Path) -> None:
    """In a chroot, with a lake and a waiting file: both stay, and only they."""
    with fresh_root() as root:
        install(root, package)
        home = root / HOME
        assert home.stat().st_mode & 0o7777 == 0o750, f"{HOME} has mode {home.stat().st_mode & 0o7777:o}"
        inside(root, "runuser", "-u", "freightlake", "--", "freightlake", "init", f"/{HOME}/lake")
        (home / "inbox" / "emart").mkdir()
        (home / "inbox" / "emart" / "a.csv").write_text("a\n")
        before = {name for name in files(root) if name.startswith(HOME)}
        inside(root, "dpkg", "-P", "freightlake")
        assert {name for name in files(root) if name.startswith(HOME)} == before, "the lake or a waiting file is gone"


def guide() -> str:
    """What docs/install.md says to type, from the package to the first mart."""
    text = (ROOT / "docs" / "install.md").read_text()
    return re.search(r"## From the package to the first mart\n```sh\n(.*?)```", text, re.S)[1]


def machine(package: pathlib.Path) -> None:
    """In a booted machine: the guide, the daily run, the timer, the confinement, an upgrade, removal and purge."""
    with fresh_root() as root:
        with Machine(root) as booted:
            booted.put(package, f"/root/freightlake_{version()}_amd64.deb")
            follow_guide(booted)
            daily_runs(booted)
            confinement_holds(booted)
            timer_fires(booted)
            upgrade_keeps(booted, package)
            goes(booted)
        assert (root / HOME / "lake" / "freightlake.yaml").exists(), "the purge took the lake"


def generated(folder: pathlib.Path) -> list[pathlib.Path]:
    program = os.environ.get("FREIGHTLAKE") or ROOT / "build" / "freightlake"
    output(
        program, "generate", "--rows", 20000, "--seed", 7, "--files", 2, "--format", "csv", "--bad-rows", 0.01,
        "--out", folder,
    )  # fmt: skip
    return sorted(folder.glob("*.csv"))


def wait_until(condition: Callable, complaint: str) -> object:
    """What the condition gives as soon as that is true."""
    end = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < end, complaint
        time.sleep(0.2)
    return found


def follow_guide(booted: Machine) -> None:
    booted.write("/usr/local/bin/sudo", SUDO, 0o755)
    generated(booted.root / "root")
    booted.write("/root/guide", "set -eu\ncd /root\nPATH=/usr/local/bin:$PATH\n" + guide())
    said = booted.run("sh", "/root/guide")
    assert "FedEx" in said or "carrier" in said, f"no mart is shown: {said[-600:]}"
    assert booted.run("systemctl", "show", "-p", "UnitFileState,ActiveState", "--value", "freightlake-daily.timer").split() == [
        "active", "enabled",
    ], "the timer is not on"  # fmt: skip


def lake(booted: Machine, *command: object) -> str:
    words = ["freightlake", "--lake", f"/{HOME}/lake", *map(str, command)]
    return booted.run("runuser", "-u", "freightlake", "--", *words)


def shipments(booted: Machine) -> int:
    return int(lake(booted, "query", "SELECT count(*) AS n FROM shipments", "--format", "csv").split()[-1])


def daily_runs(booted: Machine) -> None:
    """A second run takes what came, passes over what is there or half there, and fails for a client it does not know."""
    before = shipments(booted)
    assert before > 19000, f"{before} shipments of 20000"
    inbox = booted.root / HOME / "inbox"
    # The same records as of another day, and a file that is still being copied.
    text = (inbox / "emart" / "part-00000.csv").read_text()
    (inbox / "emart" / "late.csv").write_text(re.sub(r"(?m)^SH", "LATE", text))
    (inbox / "emart" / "copying.csv.part").write_text(text[: len(text) // 2] + "\n")
    booted.run("systemctl", "start", "freightlake-daily.service")
    # A second file of the same shipments: more rows, and none of the half file.
    names = lake(booted, "query", "SELECT DISTINCT source_file FROM shipments", "--format", "csv")
    assert "late.csv" in names and "copying" not in names, names
    owned = booted.run("find", f"/{HOME}/lake", "!", "-user", "freightlake")
    assert not owned, f"not the service's user's: {owned}"
    (inbox / "nobody").mkdir()
    (inbox / "nobody" / "a.csv").write_text("a\n1\n")
    booted.run("systemctl", "start", "freightlake-daily.service", check=False)
    assert booted.run("systemctl", "is-failed", "freightlake-daily.service").strip() == "failed"
    journal = booted.run("journalctl", "--no-pager", "-u", "freightlake-daily", "-o", "cat")
    assert "nobody" in journal and "hint:" in journal, f"the journal does not say why: {journal[-800:]}"
    shutil.rmtree(inbox / "nobody")
    inbox.rename(inbox.with_name("elsewhere"))
    booted.run("systemctl", "start", "freightlake-daily.service", check=False)
    assert booted.run("systemctl", "is-failed", "freightlake-daily.service").strip() == "failed", (
        "no inbox is no failure"
    )
    inbox.with_name("elsewhere").rename(inbox)
    journal = booted.run("journalctl", "--no-pager", "-u", "freightlake-daily", "-o", "cat", "-n", "8")
    assert f"there is no folder /{HOME}/inbox" in journal, journal[-800:]


def confinement_holds(booted: Machine) -> None:
    booted.write("/etc/freightlake/credentials.conf", "AWS_ACCESS_KEY_ID=probe\n", 0o600)
    booted.write("/home/person/secret", "")
    (booted.root / "opt").chmod(0o777)
    booted.run("touch", "/tmp/of-another", "/dev/of-another")
    booted.write("/usr/lib/freightlake/probe", PROBE, 0o755)
    override = f"/etc/systemd/system/{pathlib.Path(UNIT).name}.d/probe.conf"
    booted.write(override, "[Service]\nExecStart=\nExecStart=/bin/sh -ex /usr/lib/freightlake/probe\n")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "start", "freightlake-daily.service", check=False)
    failed = (
        booted.run("systemctl", "show", "-p", "Result", "--value", "freightlake-daily.service").strip() != "success"
    )
    journal = booted.run("journalctl", "--no-pager", "-u", "freightlake-daily", "-o", "cat", "-n", "12")
    assert not failed, f"the service may do more, or less, than it should; the last command: {journal}"
    (booted.root / override.lstrip("/")).unlink()
    booted.run("systemctl", "daemon-reload")


def timer_fires(booted: Machine) -> None:
    def started() -> str:
        return booted.run(
            "systemctl", "show", "-p", "ExecMainStartTimestampMonotonic", "--value", "freightlake-daily.service"
        )

    before = started()
    override = "/etc/systemd/system/freightlake-daily.timer.d/soon.conf"
    booted.write(override, "[Timer]\nOnCalendar=*-*-* *:*:*\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "freightlake-daily.timer")
    wait_until(lambda: started() != before, "the timer does not start the service")
    shutil.rmtree((booted.root / override.lstrip("/")).parent)
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "freightlake-daily.timer")
    booted.run("systemctl", "start", "freightlake-daily.service")


def upgrade_keeps(booted: Machine, package: pathlib.Path) -> None:
    configuration = booted.root / CONFIGURATION
    edited = configuration.read_text() + "# edited\n"
    configuration.write_text(edited)
    with unpacked(package) as tree:
        booted.put(with_version(tree, "99.0"), "/root/later.deb")
    # A run is under way meanwhile.
    override = f"/etc/systemd/system/{pathlib.Path(UNIT).name}.d/long.conf"
    booted.write(override, "[Service]\nExecStart=\nExecStart=/bin/sleep 600\n")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "start", "--no-block", "freightlake-daily.service")
    show = ["systemctl", "show", "-p", "MainPID", "--value", "freightlake-daily.service"]
    running = wait_until(lambda: booted.run(*show).strip().removeprefix("0"), "the service does not start")
    booted.run("apt-get", "install", "-y", "/root/later.deb")
    assert booted.run(*show).strip() == running, "the upgrade stopped a run"
    (booted.root / override.lstrip("/")).unlink()
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "stop", "freightlake-daily.service")
    assert booted.run("dpkg-query", "-W", "-f", "${Version}", "freightlake") == "99.0"
    assert configuration.read_text() == edited, "the operator's configuration is gone"
    booted.run("systemctl", "is-active", "freightlake-daily.timer")
    booted.run("systemctl", "is-enabled", "freightlake-daily.timer")


def lake_on_s3(package: pathlib.Path) -> None:
    """In a booted machine with an S3 server on its loopback: the confined service, with keys in credentials.conf."""
    try:
        server = pathlib.Path(s3_server.find_program())
    except RuntimeError as error:
        raise CannotBoot(str(error)) from error
    with fresh_root() as root, Machine(root) as booted:
        booted.put(package, f"/root/freightlake_{version()}_amd64.deb")
        booted.run("apt-get", "install", "-y", f"/root/freightlake_{version()}_amd64.deb")
        booted.put(server, "/usr/local/bin/s3-server")
        (root / "srv" / "s3" / "bucket").mkdir(parents=True)
        keys = [f"ROOT_ACCESS_KEY={s3_server.ACCESS_KEY}", f"ROOT_SECRET_KEY={s3_server.SECRET_KEY}"]
        booted.run(
            "systemd-run", "--unit=s3-server", *(f"--setenv={key}" for key in keys),
            "/usr/local/bin/s3-server", "--port", "127.0.0.1:7070", "--quiet", "posix", "/srv/s3",
        )  # fmt: skip
        booted.write(
            f"/{CONFIGURATION}",
            f"FREIGHTLAKE_LAKE=s3://bucket/lake\nFREIGHTLAKE_INBOX=/{HOME}/inbox\n"
            "AWS_ENDPOINT_URL=http://127.0.0.1:7070\nAWS_REGION=us-east-1\nAWS_EC2_METADATA_DISABLED=true\n",
        )
        booted.write(
            "/etc/freightlake/credentials.conf",
            f"AWS_ACCESS_KEY_ID={s3_server.ACCESS_KEY}\nAWS_SECRET_ACCESS_KEY={s3_server.SECRET_KEY}\n",
            0o600,
        )
        inbox = generated(root / HOME / "inbox" / "emart")
        booted.write(
            "/root/begin",
            "set -eua\n. /etc/freightlake/daily.conf\n. /etc/freightlake/credentials.conf\n"
            "freightlake init $FREIGHTLAKE_LAKE\n"
            f"freightlake onboard emart --sample /{HOME}/inbox/emart/{inbox[0].name} --yes\n",
        )
        booted.run("sh", "/root/begin")
        booted.run("systemctl", "start", "freightlake-daily.service", check=False)
        result = booted.run("systemctl", "show", "-p", "Result", "--value", "freightlake-daily.service").strip()
        journal = booted.run("journalctl", "--no-pager", "-u", "freightlake-daily", "-o", "cat", "-n", "12")
        assert result == "success", f"{result}: {journal}"
        made = list((root / "srv/s3/bucket/lake/marts/carrier_performance").rglob("*.parquet"))
        assert made, f"no mart in the bucket: {journal}"


def shells_complete(package: pathlib.Path) -> None:
    """In a booted machine: bash, fish and zsh find the completions by themselves, and man its page."""
    with fresh_root() as root, Machine(root) as booted:
        booted.put(package, f"/root/freightlake_{version()}_amd64.deb")
        booted.run("apt-get", "install", "-y", f"/root/freightlake_{version()}_amd64.deb")
        for typed, wanted in [
            ("freightlake comple", "completion"), ("freightlake ingest --js", "--json"),
            ("freightlake run --mart ware", "warehouse_demand"),
        ]:  # fmt: skip
            found = [line.split("\t")[0] for line in booted.run("fish", "-c", f"complete -C '{typed}'").splitlines()]
            assert found == [wanted], f"fish completes {typed!r} by {found}"
        booted.write("/root/complete.zsh", ZSH)
        shown = booted.run("env", "TERM=xterm", "zsh", "-f", "/root/complete.zsh")
        assert "freightlake completion" in shown and "fish" in shown, f"zsh shows {shown!r}"
        loaded = (
            "source /usr/share/bash-completion/bash_completion; _completion_loader freightlake; complete -p freightlake"
        )
        assert "_freightlake" in booted.run("bash", "-c", loaded)
        page = booted.run("env", "MANWIDTH=100", "sh", "-c", "man --warnings freightlake 2>&1")
        assert page.startswith("FREIGHTLAKE(1)") and "warning" not in page, page[:600]
        assert "shipment files" in booted.run("whatis", "freightlake")


def goes(booted: Machine) -> None:
    wanted = booted.root / "etc/systemd/system/timers.target.wants/freightlake-daily.timer"
    stamp = booted.root / "var/lib/systemd/timers/stamp-freightlake-daily.timer"
    assert wanted.is_symlink() and stamp.exists()
    booted.run("apt-get", "remove", "-y", "freightlake")
    state = booted.run("systemctl", "is-active", "freightlake-daily.timer", check=False).strip()
    assert state == "inactive", f"the timer is {state} after a removal"
    assert not wanted.is_symlink(), "a link to the timer stays"
    assert (booted.root / CONFIGURATION).exists()
    booted.run("apt-get", "purge", "-y", "freightlake")
    assert not (booted.root / "etc/freightlake").exists(), "configuration stays after a purge"
    assert not stamp.exists(), "the timer's stamp stays after a purge"
    left = booted.run("find", "/", "-xdev", "-user", "freightlake", "!", "-path", f"/{HOME}*")
    assert not left, f"the user's files stay after a purge: {left}"


def caught(package: pathlib.Path, file: str, old: str, replacement: str, check: Callable) -> None:
    with unpacked(package) as tree:
        text = (tree / file).read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        (tree / file).write_text(text.replace(old, replacement))
        wrong = repacked(tree, package.name)
        try:
            check(wrong)
        except (AssertionError, subprocess.SubprocessError) as error:
            print(f"       {check.__name__}: {str(error).strip()[-160:]}")
            return
    raise AssertionError(f"{check.__name__} does not object")


def no_system_because() -> str:
    """Why none can be installed into here, or nothing.

    Where one can, this script starts again with mounts of its own: seen by it alone, and gone when it ends, however it ends.
    """
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        return "root and debootstrap (apt-get install debootstrap) are wanted"
    command = ["unshare", "--mount", "--propagation", "private"]
    if "FREIGHTLAKE_PRIVATE_MOUNTS" not in os.environ:
        done = subprocess.run([*command, "true"], capture_output=True, text=True)
        if done.returncode:
            return f"mounts of its own: {done.stderr.strip()}"
        os.environ["FREIGHTLAKE_PRIVATE_MOUNTS"] = "1"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
    return ""


def main() -> int:
    missing = no_system_because()
    tests = Tests()
    try:
        package = build()
    except subprocess.CalledProcessError as error:
        print(f"FAILED scripts/package: {error.stderr[-800:]}\n0 passed, 1 failed, 0 skipped")
        return 1
    tests.run("the package holds what it should", contents, package)
    tests.run("the same program makes the same package", same_bytes, package)
    tests.run("the service is confined", confined, package)
    if shutil.which("lintian"):
        tests.run("lintian finds nothing", lintian, package)
    else:
        tests.skip("lintian is not there (apt-get install lintian)")
    if missing:
        tests.skip(f"installing the package: {missing}")
    else:
        tests.run("an older package is upgraded", upgraded, package)
        tests.run("a purge leaves nothing", purged, package)
        tests.run("a purge leaves a lake", purged_with_lake, package)
        tests.run("a machine is installed by the guide and runs every day", machine, package)
        tests.run("shells complete and man reads", shells_complete, package)
        tests.run("the confined service has its lake on S3", lake_on_s3, package)
        if not tests.failed:
            for name, file, old, replacement, check in MISTAKES:
                tests.run(f"caught: {name}", caught, package, file, old, replacement, globals()[check])
    print(f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())

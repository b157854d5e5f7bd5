#!/usr/bin/env python3
"""The Debian package: made by scripts/package, installed, used by its service's user, upgraded, removed and purged.

It is installed in a fresh chroot of Debian 12, which debootstrap makes once and the cache keeps.  Without root or
debootstrap that part is skipped.  Ends with `N passed, N failed, N skipped`.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(
    os.environ.get("FREIGHTLAKE_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "freightlake"
)
SERVICE = ROOT / "packaging" / "freightlake-daily.service"
MOST_EXPOSURE = 2.0  # of 10, as systemd-analyze counts
CONFIGURATION = "etc/freightlake/daily.conf"


class Tests:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name: str, check: Callable, *arguments) -> None:
        try:
            check(*arguments)
        except (AssertionError, subprocess.CalledProcessError, OSError) as error:
            self.failed += 1
            print(f"FAILED {name}: {error} {getattr(error, 'stderr', '') or ''}")
        else:
            self.passed += 1
            print(f"ok {name}")


def output(*command: object, **options) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=300, **options).stdout


def build() -> pathlib.Path:
    output(ROOT / "scripts" / "package")
    version = re.search(r"version: '(.*)',", (ROOT / "meson.build").read_text())[1]
    return ROOT / "build" / f"freightlake_{version}_{output('dpkg', '--print-architecture').strip()}.deb"


def contents(package: pathlib.Path) -> None:
    version = re.search(r"version: '(.*)',", (ROOT / "meson.build").read_text())[1]
    assert output("dpkg-deb", "-f", package, "Version").strip() == version
    listing = output("dpkg-deb", "-c", package)
    for line in listing.splitlines():
        assert " root/root " in line, line
    for path in ["usr/bin/freightlake", "usr/share/man/man1/freightlake.1.gz", CONFIGURATION]:
        assert f"./{path}\n" in listing, f"{path} is missing"


def exposure() -> None:
    text = output("systemd-analyze", "security", "--offline=yes", SERVICE)
    level = float(re.search(r"Overall exposure level.*: ([0-9.]+)", text)[1])
    assert level <= MOST_EXPOSURE, f"exposure {level}, at most {MOST_EXPOSURE}"


def chroot_tarball() -> pathlib.Path:
    """A bare Debian 12 with systemd, from the mirror that this machine's apt uses."""
    tarball = CACHE / "debian-12-systemd.tar"
    if tarball.exists():
        return tarball
    targets = output("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages")
    mirrors = [line.split()[0] for line in targets.splitlines() if line.endswith(" bookworm")]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        output("debootstrap", "--variant=minbase", "--include=systemd", "bookworm", folder, *mirrors[:1])
        partial = tarball.with_suffix(f".{os.getpid()}")
        output("tar", "-C", folder, "--one-file-system", "-cf", partial, ".")
        partial.rename(tarball)
    return tarball


def inside(root: pathlib.Path, *command: object) -> str:
    return output("chroot", root, *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})


def as_service(root: pathlib.Path, *command: object) -> str:
    settings = [f"FREIGHTLAKE_{key}=/var/lib/freightlake/{key.lower()}" for key in ("LAKE", "INBOX")]
    return inside(
        root, "setpriv", "--reuid=freightlake", "--regid=freightlake", "--clear-groups", "env", *settings, *command
    )


def install(root: pathlib.Path, package: pathlib.Path) -> None:
    shutil.copy(package, root / "package.deb")
    inside(root, "dpkg", "-i", "/package.deb")


def used(root: pathlib.Path) -> None:
    inside(root, "systemd-analyze", "verify", "--man=no", "freightlake-daily.timer", "freightlake-daily.service")
    as_service(root, "freightlake", "init", "/var/lib/freightlake/lake")
    as_service(root, "/usr/lib/freightlake/freightlake-daily")
    refused = root / "var/lib/freightlake/inbox/nobody"
    refused.mkdir()
    (refused / "a.csv").write_text("a\n1\n")
    try:
        as_service(root, "/usr/lib/freightlake/freightlake-daily")
    except subprocess.CalledProcessError:
        return
    raise AssertionError("files of an unknown client went through")


def upgraded(root: pathlib.Path, package: pathlib.Path) -> None:
    """From a package of a lower version; what the operator wrote into the configuration stays."""
    with tempfile.TemporaryDirectory() as folder:
        output("dpkg-deb", "-R", package, folder)
        control = pathlib.Path(folder, "DEBIAN", "control")
        control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 0.0.1", control.read_text()))
        pathlib.Path(folder, CONFIGURATION).write_text("# as shipped before\n")
        older = pathlib.Path(folder + ".deb")
        output("dpkg-deb", "--build", "--root-owner-group", folder, older)
    try:
        install(root, older)
    finally:
        older.unlink()
    edited = "FREIGHTLAKE_LAKE=/srv/lake\n"
    (root / CONFIGURATION).write_text(edited)
    shutil.copy(package, root / "package.deb")
    inside(root, "dpkg", "--force-confold", "-i", "/package.deb")
    assert (root / CONFIGURATION).read_text() == edited
    assert "0.0.1" not in inside(root, "dpkg-query", "-W", "-f", "${Version}", "freightlake")


def purged(root: pathlib.Path) -> None:
    inside(root, "dpkg", "-r", "freightlake")
    assert (root / CONFIGURATION).exists(), "removal took the configuration"
    inside(root, "dpkg", "-P", "freightlake")
    assert not (root / "etc/freightlake").exists()
    assert not (root / "usr/bin/freightlake").exists()
    assert (root / "var/lib/freightlake/lake").exists(), "the lake is gone"


def main() -> int:
    tests = Tests()
    package = build()
    tests.run("the package holds what it should", contents, package)
    tests.run("the service is confined", exposure)
    skipped = 0
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        skipped = 1
        print("skipped: installing the package wants root and debootstrap (apt-get install debootstrap)")
    else:
        with tempfile.TemporaryDirectory(prefix="freightlake-chroot-") as folder:
            root = pathlib.Path(folder)
            output("tar", "-C", root, "-xf", chroot_tarball())
            tests.run("an older package is upgraded", upgraded, root, package)
            tests.run("the service's user makes a lake and runs it", used, root)
            tests.run("it is removed and purged, and the lake stays", purged, root)
    print(f"{tests.passed} passed, {tests.failed} failed, {skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())

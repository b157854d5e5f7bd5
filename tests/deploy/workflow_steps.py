#!/usr/bin/env python3
"""What the workflows' steps call, called here: a release's files, the artefacts, a deployment, Terraform's plan and apply.

The bucket is one of the tests' S3 server, asked by the real AWS CLI; Kestra's two requests meet a double that keeps what
it is sent; Terraform runs on the stand-in provider.  Ends with `N passed, N failed, N skipped`.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE / "terraform"), str(ROOT / "tests")]

import tools  # noqa: E402

tools.with_packages()

import s3_server  # noqa: E402
from cyclonedx.schema import SchemaVersion  # noqa: E402
from cyclonedx.validation.json import JsonStrictValidator  # noqa: E402
from terraform import Tests  # noqa: E402

ARTEFACTS = ROOT / "build" / "artefacts"
RELEASE = ROOT / "build" / "release"
PASSWORD = 'a "quoted" \\password'
FLOW = "id: {name}\nnamespace: freightlake\ntasks: []\n"


def script(*words: object, code: int = 0, **environment: str) -> str:
    """Runs one of scripts/; gives all it said."""
    done = subprocess.run([str(word) for word in words], cwd=ROOT, env={**os.environ, **environment}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)  # fmt: skip
    assert done.returncode == code, f"{words[0]} ended with {done.returncode}: {done.stdout[-1500:]}"
    return done.stdout


def version() -> str:
    return re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]


def package() -> None:
    """Makes it of the program that is there; what follows wants it."""
    for path in ("build/freightlake", "scripts/package"):
        if not (ROOT / path).exists():
            raise tools.Unavailable(f"{path} is not there")
    script("scripts/package")


def with_package(check):
    """The same check, where there is a package."""

    def checked(*arguments) -> None:
        if not list((ROOT / "build").glob(f"freightlake_{version()}_*.deb")):
            raise tools.Unavailable("there is no package: make package")
        check(*arguments)

    return checked


def checksums_hold(folder: pathlib.Path) -> set[str]:
    named = set()
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split(maxsplit=1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, f"{name}: another checksum"
        named.add(name)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files - {"SHA256SUMS"} == named, f"checksums of {sorted(named)}, files {sorted(files)}"
    return named


@with_package
def release_is_made() -> None:
    script("scripts/release", f"v{version()}")
    guide = (ROOT / "docs" / "cicd.md").read_text()
    assert f"$ make release TAG=v{version()}\n" in guide, "docs/cicd.md releases another version"
    named = checksums_hold(RELEASE / "files")
    assert {pathlib.Path(name).suffix for name in named} == {".deb", ".json"}, named
    notes = (RELEASE / "notes.md").read_text()
    assert "sha256sum --check SHA256SUMS" in notes and f"freightlake_{version()}_" in notes, notes
    before = (RELEASE / "files" / "SHA256SUMS").read_text()
    script("scripts/release", f"v{version()}")
    assert (RELEASE / "files" / "SHA256SUMS").read_text() == before, "the same package gives another release"
    said = script("scripts/release", "v99.0.0", code=1)
    assert "v99.0.0" in said and f"make release TAG=v{version()}" in said, said


@with_package
def bill_is_whole() -> None:
    """Valid CycloneDX, with every library that src/ links and the one it loads by name."""
    text = (RELEASE / "files" / "sbom.cdx.json").read_text()
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    problem = validator.validate_str(text)
    assert problem is None, str(problem)[:600]
    assert validator.validate_str(text.replace('"library"', '"libary"')) is not None, "the validator takes anything"
    bill = json.loads(text)
    assert bill["metadata"]["component"]["version"] == version()
    names = {one["name"] for one in bill["components"]}
    wanted = {"curl", "expat", "glibc", "jansson", "libdeflate", "libpg-query", "libyaml", "libzstd", "lz4", "openssl",
              "snappy", "xxhash", "zlib"}  # fmt: skip
    assert wanted <= names, f"the bill lacks {sorted(wanted - names)}, it has {sorted(names)}"
    assert all(one["version"] and one["purl"].startswith("pkg:deb/debian/") for one in bill["components"])
    loader = (ROOT / "src" / "storage" / "s3" / "curl_library.c").read_text()
    assert '"libcurl.so.4"' in loader, "src/ loads another libcurl than scripts/sbom.py says"


@with_package
def artefacts_are_made() -> None:
    script("scripts/artefacts")
    named = checksums_hold(ARTEFACTS)
    flows = {f"flows/{path.name}" for path in (ROOT / "deploy" / "kestra" / "flows").glob("*.yaml")}
    assert flows | {"jobs/run_marts.py"} < named, f"{sorted(named)} is not all"
    assert {name.split("/")[0] for name in named} <= {"flows", "jobs", "packages"}, "the role writes no other folder"
    job = (ARTEFACTS / "jobs" / "run_marts.py").read_bytes()
    assert job == (ROOT / "spark" / "run_marts.py").read_bytes()


class Kestra(http.server.BaseHTTPRequestHandler):
    """Knows flows by namespace and id: PUT changes one that is there, POST makes one."""

    flows: dict[str, bytes] = {}
    asked: list[str] = []

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def take(self, name: str, body: bytes) -> None:
        self.flows[name] = body
        self.answer(422 if b"broken" in body else 200)

    def do_PUT(self) -> None:
        self.handle_flow(lambda name, body: self.take(name, body) if name in self.flows else self.answer(404))

    def do_POST(self) -> None:
        self.handle_flow(lambda name, body: self.take(name, body))

    def handle_flow(self, act) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"{self.command} {self.path}")
        wanted = "Basic " + base64.b64encode(f"deployer:{PASSWORD}".encode()).decode()
        if self.headers["Authorization"] != wanted or self.headers["Content-Type"] != "application/x-yaml":
            self.answer(401)
            return
        name = re.search(rb"^id: (\S+)", body)[1].decode()
        if self.command == "PUT":
            assert self.path == f"/api/v1/main/flows/freightlake/{name}", self.path
        act(name, body)

    def log_message(self, *words) -> None:
        pass


@contextlib.contextmanager
def kestra():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kestra)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def seal(flows: dict[str, str]) -> None:
    """Artefacts with these flows, and checksums that fit."""
    shutil.rmtree(ARTEFACTS / "flows", ignore_errors=True)
    (ARTEFACTS / "flows").mkdir()
    for name, text in flows.items():
        (ARTEFACTS / "flows" / f"{name}.yaml").write_text(text)
    files = sorted(path for path in ARTEFACTS.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ARTEFACTS)}\n" for path in files]
    (ARTEFACTS / "SHA256SUMS").write_text("".join(lines))


@with_package
def deployment_arrives(folder: pathlib.Path) -> None:
    aws = shutil.which("aws")
    if not aws:
        raise tools.Unavailable("the AWS CLI: scripts/setup build deploy")
    (folder / "bin").mkdir()
    with s3_server.s3_server() as server, kestra() as url:
        bucket = server.make_bucket("artefacts")
        # Older ones know no AWS_ENDPOINT_URL.
        (folder / "bin" / "aws").write_text(f'#!/bin/sh\nexec {aws} --endpoint-url {server.endpoint} "$@"\n')
        (folder / "bin" / "aws").chmod(0o755)
        environment = server.environment(AWS_DEFAULT_REGION="us-east-1", PATH=f"{folder / 'bin'}:{os.environ['PATH']}")
        with_kestra = {**environment, "KESTRA_URL": f"{url}/", "KESTRA_USER": "deployer", "KESTRA_PASSWORD": PASSWORD}
        daily, weekly = FLOW.format(name="daily"), FLOW.format(name="weekly")

        def found(part: str) -> dict[str, bytes]:
            return {path.name: path.read_bytes() for path in (bucket / part).glob("*") if path.is_file()}

        seal({"daily": daily, "weekly": weekly})
        said = script("scripts/deploy", "artefacts", **with_kestra)
        assert PASSWORD not in said
        for part in ("packages", "jobs", "flows"):
            sent = {path.name: path.read_bytes() for path in (ARTEFACTS / part).iterdir()}
            if part == "packages":
                sums = [f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sent.items()]
                assert len(sums) == 1, "a deployment has one package"
                sent["SHA256SUMS"] = sums[0].encode()
            assert sent and found(part) == sent, f"{part}: {sorted(sent)} became {sorted(found(part))}"
        assert Kestra.flows == {"daily": daily.encode(), "weekly": weekly.encode()}
        # Again, with one flow changed and one gone; Kestra knows both, so nothing is made twice.
        Kestra.asked.clear()
        seal({"daily": daily + "labels: {}\n"})
        script("scripts/deploy", "artefacts", **with_kestra)
        assert set(found("flows")) == {"daily.yaml"} and b"labels" in Kestra.flows["daily"]
        assert Kestra.asked == ["PUT /api/v1/main/flows/freightlake/daily"], Kestra.asked
        # What was tampered with, a wrong password and a refused flow stop it, and say why.
        (ARTEFACTS / "jobs" / "run_marts.py").open("a").write("# tampered\n")
        said = script("scripts/deploy", "artefacts", code=1, **environment)
        assert "not what was built" in said and b"tampered" not in found("jobs")["run_marts.py"], said
        shutil.copy(ROOT / "spark" / "run_marts.py", ARTEFACTS / "jobs")
        said = script("scripts/deploy", "artefacts", code=1, **{**with_kestra, "KESTRA_PASSWORD": "wrong"})
        assert "Kestra answers 401" in said, said
        seal({"broken": FLOW.format(name="broken")})
        said = script("scripts/deploy", "artefacts", code=1, **with_kestra)
        assert "Kestra answers 422 to the flow freightlake.broken" in said, said
        said = script("scripts/deploy", "no-such-bucket", code=1, **environment)
        assert "no-such-bucket" in said or "NoSuchBucket" in said, said


GH = """#!/bin/sh
# Knows the files whose checksums are in $ATTESTED; notes what it is asked.
echo "$*" >>"$ASKED"
test "$1 $2" = "attestation verify" || exit 2
grep -q "$(sha256sum <"$3" | cut -d ' ' -f 1)" "$ATTESTED"
"""


@with_package
def every_file_is_verified(folder: pathlib.Path) -> None:
    """Each file that a deployment sends is asked for by the workflow that built it; one that is not attested stops it."""
    (folder / "gh").mkdir()
    (folder / "gh" / "gh").write_text(GH)
    (folder / "gh" / "gh").chmod(0o755)
    seal({"daily": FLOW.format(name="daily")})
    files = sorted(path for path in ARTEFACTS.rglob("*") if path.is_file())
    attested, asked = folder / "attested", folder / "asked"
    attested.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files))
    environment = {"PATH": f"{folder / 'gh'}:{os.environ['PATH']}", "ATTESTED": str(attested), "ASKED": str(asked),
                   "GITHUB_REPOSITORY": "owner/freightlake"}  # fmt: skip
    script("scripts/verify", **environment)
    said = asked.read_text().splitlines()
    wanted = [f"attestation verify build/artefacts/{path.relative_to(ARTEFACTS)} --repo owner/freightlake --signer-workflow "
              "owner/freightlake/.github/workflows/deploy.yml" for path in files]  # fmt: skip
    assert sorted(said) == sorted(wanted) and len(said) >= 4, said
    # A flow that was slipped in, also where the checksums were made to fit.
    seal({"daily": FLOW.format(name="daily"), "other": FLOW.format(name="other")})
    said = script("scripts/verify", code=1, **environment)
    assert re.search(r"(SHA256SUMS|other\.yaml) was not built by the workflow deploy", said), said
    (ARTEFACTS / "flows" / "other.yaml").unlink()
    said = script("scripts/verify", code=1, **environment)
    assert "SHA256SUMS was not built" in said, said


def infrastructure_is_planned_and_applied(folder: pathlib.Path) -> None:
    shutil.rmtree(ROOT / "build" / "infra", ignore_errors=True)
    workspace = tools.Workspace(folder / "infra")
    (workspace.folder / "environments" / "dev.s3.tfbackend").write_text(f'path = "{folder}/dev.tfstate"\n')
    given = {key: value for key, value in workspace.environment.items() if key.startswith("TF_")}
    environment = {"FREIGHTLAKE_INFRA": str(workspace.folder), **given}
    said = script("scripts/infra", "plan", "dev", code=1, **environment)
    assert "lock" in said.lower() and "readonly" in said, f"a provider that no lock file names is taken: {said[-600:]}"
    workspace.run("providers", "lock", f"-fs-mirror={tools.mirror()}", "-platform=linux_amd64")
    said = script("scripts/infra", "apply", "dev", code=1, **environment)
    assert "make infra-plan ENVIRONMENT=dev" in said, said
    script("scripts/infra", "plan", "dev", LOCK="false", **environment)
    text = (ROOT / "build" / "infra" / "dev.md").read_text()
    assert re.search(r"^### dev\n\nPlan: \d+ to add, 0 to change, 0 to destroy\.\n", text), text[:300]
    assert "# module.lake.aws_s3_bucket" in text and len(text) < 40000, len(text)
    # Applied where nothing but the plan came over; a second time it is stale.
    plan = ROOT / "build" / "infra" / "dev.tfplan"
    shutil.copy(plan, folder / "dev.tfplan")
    shutil.rmtree(workspace.folder / ".terraform")
    script("scripts/infra", "apply", "dev", **environment)
    shutil.copy(folder / "dev.tfplan", plan)
    said = script("scripts/infra", "apply", "dev", code=1, **environment)
    assert "stale" in said, said[-600:]
    script("scripts/infra", "plan", "dev", **environment)
    text = (ROOT / "build" / "infra" / "dev.md").read_text()
    assert text.startswith("### dev\n\nNo changes."), text[:300]
    said = script("scripts/infra", "plan", "nowhere", code=1, **environment)
    assert "there is no environment 'nowhere'" in said, said


def infrastructure_is_checked(folder: pathlib.Path) -> None:
    workspace = tools.Workspace(folder / "check")
    (workspace.folder / "offline_override.tf").unlink()  # with the backend that the configuration names
    given = {key: value for key, value in workspace.environment.items() if key.startswith("TF_")}
    for part in (workspace.folder, workspace.folder / "bootstrap"):
        words = ["terraform", "init", "-backend=false"]  # locks the stand-in, whose hashes are its own
        subprocess.run(words, cwd=part, env=workspace.environment, check=True, capture_output=True, timeout=120)
    script("scripts/infra", "check", FREIGHTLAKE_INFRA=str(workspace.folder), **given)
    path = workspace.folder / "main.tf"
    path.write_text(path.read_text() + "\n\n  locals   {}\n")
    said = script("scripts/infra", "check", code=1, FREIGHTLAKE_INFRA=str(workspace.folder), **given)
    assert "not formatted" in said, said


def main() -> int:
    tests = Tests()
    with tempfile.TemporaryDirectory(prefix="freightlake-steps-") as name:
        folder = pathlib.Path(name)
        tests.run("package", package)
        tests.run("release", release_is_made)
        tests.run("bill of materials", bill_is_whole)
        tests.run("artefacts", artefacts_are_made)
        tests.run("deploy", deployment_arrives, folder)
        tests.run("verify", every_file_is_verified, folder)
        tests.run("infra plan, apply", infrastructure_is_planned_and_applied, folder)
        tests.run("infra check", infrastructure_is_checked, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

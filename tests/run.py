#!/usr/bin/env python3
"""Runs the tests of the project, stage by stage: tests/run.py [--slow] [STAGE...]

Prints each stage's name, result and time; shows the log of a stage that failed; ends with one line, alone:
`N passed, N failed, N skipped`, summed over the stages.  The exit code is 0 only when something ran and nothing failed.

A test that is no C unit test is a script, tests/KIND/NAME.py, which finds the program in the environment variable
FREIGHTLAKE, the build folder in FREIGHTLAKE_BUILD, and FREIGHTLAKE_SLOW=1 in a slow run; it prints `skipped: REASON` for
what it cannot run and ends with the line `N passed, N failed, N skipped`.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.M)
SKIPPED = re.compile(r"^\s*(skipped:.*)$", re.M | re.I)
TAIL_LINES = 150
# Spark itself is not among the packages of the tests: what comes from it has any type.
MYPY = ["-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", os.devnull]


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    skips: list[str] = field(default_factory=list)  # why something was skipped

    def add(self, other: "Result") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.skips += other.skips

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Stage:
    """One named part of the run with its log file."""

    def __init__(self, name: str, slow: bool):
        self.name = name
        self.slow = slow
        self.path = LOGS / f"{name}.log"
        self.log = self.path.open("w")

    def run(self, *command: object, timeout: float = 1800, **environment: str) -> tuple[int, str]:
        """Runs a command with its output in the log; gives exit code and output.  A timeout ends it and its children."""
        words = [str(word) for word in command]
        self.log.write(f"$ {' '.join(words)}\n")
        self.log.flush()
        start = self.log.tell()
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            with self.path.open("a") as log:
                log.write(f"\nstopped: it ran longer than {timeout:.0f} s\n")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        self.log.seek(0, os.SEEK_END)
        with self.path.open(errors="replace") as log:
            log.seek(start)
            return code, log.read()

    def check(self, *command: object) -> Result:
        """A command that is one test."""
        code, _ = self.run(*command)
        return Result(passed=1) if code == 0 else Result(failed=1)

    def build(self, kind: str) -> bool:
        code, _ = self.run("scripts/build", kind, "all", timeout=3600)
        return code == 0

    def unit(self, folder: pathlib.Path, timeout_multiplier: int = 1) -> Result:
        """All tests that meson knows in one build, counted test by test."""
        report = folder / "meson-logs" / "testlog.junit.xml"
        report.unlink(missing_ok=True)
        code, _ = self.run(
            *without_address_randomisation(), "meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
            "--timeout-multiplier", timeout_multiplier, **sanitizer_options(),
        )  # fmt: skip
        result = Result()
        if report.exists():
            for suite in ElementTree.parse(report).getroot().iter("testsuite"):
                total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                result.add(Result(total - failed - skipped, failed, skipped))
        if code != 0 and result.failed == 0:
            result.failed = 1
        return result

    def script(self, path: pathlib.Path, folder: pathlib.Path, timeout: float = 900) -> Result:
        """One test script, on the program of one build."""
        started = time.monotonic()
        code, output = self.run(
            *without_address_randomisation(), sys.executable, path, timeout=timeout * (8 if self.slow else 1),
            FREIGHTLAKE=str(folder / "freightlake"), FREIGHTLAKE_BUILD=str(folder),
            FREIGHTLAKE_SLOW="1" if self.slow else "", **sanitizer_options(),
        )  # fmt: skip
        found = SUMMARY.findall(output)
        result = Result(*map(int, found[-1])) if found else Result(failed=1)
        if code != 0 and result.failed == 0:
            result.failed = 1
        if code == 0 and sum((result.passed, result.failed, result.skipped)) == 0:
            result.failed = 1
        name = path.relative_to(ROOT).as_posix()
        result.skips = [f"{name}: {reason}" for reason in SKIPPED.findall(output)]
        if result.skipped and not result.skips:
            result.skips = [f"{name}: {result.skipped} skipped"]
        self.log.write(f"{name}: {result} in {time.monotonic() - started:.1f} s\n")
        print(f"     {name}: {result}, {time.monotonic() - started:.1f} s", flush=True)
        return result

    def scripts(self, kind: str, folder: pathlib.Path) -> Result:
        result = Result()
        for path in sorted((ROOT / "tests" / kind).glob("*.py")):
            if "__main__" in path.read_text():
                result.add(self.script(path, folder))
        return result


def without_address_randomisation() -> list[str]:
    """The sanitizers of clang 14 place their shadow where a kernel with much randomisation may have put the program."""
    command = ["setarch", os.uname().machine, "-R"]
    works = (
        shutil.which("setarch") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    )
    return command if works else []


def sanitizer_options() -> dict[str, str]:
    symbolizer = shutil.which("llvm-symbolizer-14") or ""
    common = f"halt_on_error=1:external_symbolizer_path={symbolizer}"
    return {
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "TSAN_OPTIONS": f"{common}:second_deadlock_stack=1",
    }


def stage_build(stage: Stage) -> Result:
    return Result() if stage.build("release") else Result(failed=1)


def stage_lint(stage: Stage) -> Result:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    files = sorted({name for name in listed if name and (ROOT / name).is_file()})
    shell = [name for name in files if first_line(ROOT / name).endswith(("bash", "/sh")) or name.endswith(".sh")]
    python = [name for name in files if name.endswith(".py")]
    result = stage.check("scripts/fmt", "--check")
    result.add(stage.check(sys.executable, "scripts/check_layers.py"))
    result.add(stage.check("shellcheck", "-x", *shell))
    result.add(stage.check(sys.executable, "-m", "ruff", "check", "--quiet", *python))
    result.add(stage.check(sys.executable, *MYPY, *sorted((ROOT / "spark").glob("*.py"))))
    result.add(stage.scripts("lint", ROOT / "build"))
    return result


def first_line(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        line = file.readline(80)
    return line.decode("ascii", "replace").strip() if line.startswith(b"#!") else ""


def stage_unit(stage: Stage) -> Result:
    result = stage.unit(ROOT / "build")
    result.add(stage.scripts("spark", ROOT / "build"))
    return result


def stage_differential(stage: Stage) -> Result:
    return stage.scripts("differential", ROOT / "build")


def stage_e2e(stage: Stage) -> Result:
    return stage.scripts("e2e", ROOT / "build")


def stage_faults(stage: Stage) -> Result:
    if not stage.build("faults"):
        return Result(failed=1)
    result = stage.unit(ROOT / "build-faults")
    result.add(stage.scripts("faults", ROOT / "build-faults"))
    return result


# The quick scripts that also run on a sanitizer's build; a slow run takes all.
SANITIZED = {
    "asan": [
        "smoke",
        "test_bad_records",
        "test_ingest_policies",
        "test_lake",
        "test_marts",
        "test_onboard",
        "test_quarantine",
    ],
    "tsan": ["smoke"],
}


def sanitized(stage: Stage, kind: str) -> Result:
    folder = ROOT / f"build-{kind}"
    if not stage.build(kind):
        return Result(failed=1)
    result = stage.unit(folder, timeout_multiplier=6)
    if stage.slow:
        result.add(stage.scripts("e2e", folder))
        result.add(stage.scripts("differential", folder))
    else:
        for name in SANITIZED[kind]:
            result.add(stage.script(ROOT / "tests" / "e2e" / f"{name}.py", folder))
    return result


def stage_asan(stage: Stage) -> Result:
    return sanitized(stage, "asan")


def stage_tsan(stage: Stage) -> Result:
    return sanitized(stage, "tsan")


def stage_fuzz(stage: Stage) -> Result:
    folder = ROOT / "build-asan"
    if not stage.build("asan"):
        return Result(failed=1)
    seconds = int(os.environ.get("FUZZ_SECONDS", "600" if stage.slow else "10"))
    findings = folder / "fuzz-findings"
    findings.mkdir(exist_ok=True)
    result = Result()
    failures = []
    for target in sorted((folder / "tests" / "fuzz").glob("fuzz_*")):
        if not target.is_file():
            continue
        name = target.name.removeprefix("fuzz_")
        corpus = ROOT / "tests" / "fuzz" / "corpus" / name
        grown = folder / "fuzz-corpus" / name
        grown.mkdir(parents=True, exist_ok=True)
        code, output = stage.run(
            *without_address_randomisation(), target, grown, *([corpus] if corpus.is_dir() else []),
            f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
            f"-artifact_prefix={findings}/{name}-", timeout=seconds + 300, **sanitizer_options(),
        )  # fmt: skip
        result.add(Result(passed=1) if code == 0 else Result(failed=1))
        if code != 0:
            failures.append(f"== {name}, exit {code}\n" + "\n".join(output.splitlines()[-60:]))
    if failures:  # the end of the log is what is shown
        stage.log.write("\n".join(failures) + "\n")
    return result


def stage_cover(stage: Stage) -> Result:
    folder = ROOT / "build-cover"
    if not stage.build("cover"):
        return Result(failed=1)
    result = stage.unit(folder, timeout_multiplier=4)
    result.add(stage.scripts("differential", folder))
    result.add(stage.scripts("e2e", folder))
    return result


def stage_clang(stage: Stage) -> Result:
    folder = ROOT / "build-clang"
    if not stage.build("clang"):
        return Result(failed=1)
    result = stage.unit(folder)
    result.add(stage.script(ROOT / "tests" / "e2e" / "smoke.py", folder))
    return result


def stage_deploy(stage: Stage) -> Result:
    return stage.scripts("deploy", ROOT / "build")


STAGES = {
    "build": stage_build,
    "lint": stage_lint,
    "unit": stage_unit,
    "differential": stage_differential,
    "e2e": stage_e2e,
    "faults": stage_faults,
    "asan": stage_asan,
    "fuzz": stage_fuzz,
    "tsan": stage_tsan,
}
ON_REQUEST = {"clang": stage_clang, "cover": stage_cover, "deploy": stage_deploy}
NEEDS_BUILD = {"unit", "differential", "e2e", "deploy"}


def run_stage(name: str, slow: bool) -> Result:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    stage = Stage(name, slow)
    result = {**STAGES, **ON_REQUEST}[name](stage)
    stage.log.close()
    if name != "build" and result.passed + result.failed == 0:
        print(f"     nothing ran in this stage: {'all was skipped' if result.skipped else 'there are no tests'}")
        result.failed += 0 if result.skipped else 1
    if result.failed:
        lines = stage.path.read_text(errors="replace").split("\n")
        if len(lines) > TAIL_LINES:
            print(f"... the first {len(lines) - TAIL_LINES} lines are in {stage.path.relative_to(ROOT)}")
        print("\n".join(lines[-TAIL_LINES:]))
    for reason in result.skips:
        print(f"     SKIPPED {reason}")
    verdict = "FAILED" if result.failed else "ok"
    print(f"   {verdict:6} {name:13} {result}  {time.monotonic() - started:.1f} s", flush=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="runs the tests of the project, stage by stage")
    parser.add_argument("--slow", action="store_true", help="the long tests, too")
    known = [*STAGES, *ON_REQUEST]
    parser.add_argument(
        "stage", nargs="*", help=f"of {', '.join(known)}; all but {', '.join(ON_REQUEST)} when none is named"
    )
    arguments = parser.parse_args()
    for name in set(arguments.stage) - set(known):
        parser.error(f"there is no stage {name}: one of {', '.join(known)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    names = arguments.stage or list(STAGES)
    if NEEDS_BUILD & set(names) and "build" not in names:
        names = ["build", *names]
    total = Result()
    started = time.monotonic()
    for name in names:
        result = run_stage(name, arguments.slow)
        total.add(result)
        if name == "build" and result.failed:
            break
    print(f"all stages took {time.monotonic() - started:.0f} s")
    if total.passed + total.failed == 0:
        print("no test ran: that is a failure")
        total.failed = 1
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())

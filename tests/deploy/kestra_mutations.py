#!/usr/bin/env python3
"""Mistakes made on purpose in the flows of deploy/kestra: each is to be caught by the test of kestra.py that is there for it.

Mistakes that text shows cost a second each; those that only the engine shows are made together, as far as one does not
hide another.  Ends with `N passed, N failed, N skipped`.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOWS = ROOT / "deploy" / "kestra" / "flows"
RULES = "rules for flows"
RETRY = r"\n +retry:\n +type: exponential\n +interval: \w+\n +maxInterval: \w+\n +maxAttempts: 3"

# What is wrong, the flow, a pattern, what takes its place (once).
BY_TEXT = [
    ("a step has no timeout", "daily-local", r"    timeout: PT6H\n", ""),
    ("the schedule has no time zone", "daily-local", r"    timezone: .*\n", ""),
    ("two executions at once", "daily-local", r"concurrency:\n  limit: 1\n", "concurrency:\n  limit: 2\n"),
    ("nothing is tried again", "daily-local", RETRY, ""),
    ("nobody is told", "backfill", r"    uri: .*\n", '    uri: "http://127.0.0.1/"\n'),
    ("the cluster is terminated after success alone", "daily-emr", r"finally:", "afterExecution:"),
    ("a step sees Kestra's secrets", "backfill", r"    interpreter: .*\n", ""),
    (
        "nobody is told of a cluster that stays",
        "daily-emr",
        r"    errors:\n      - id: alert_of_cluster",
        "    tasks_:\n      - id: alert",
    ),
    ("a value within a command", "onboard-client", r'"\$CLIENT"', "{{ inputs.client }}"),
    ("a name that Terraform does not give", "daily-emr", r"kv\('aws_region'\)", "kv('region')"),
]
# The same, and the test that is to fail; each group is one start of the engine.
BY_ENGINE = [
    [
        ("the step's outcome counts for nothing", "daily-emr", r"(cluster-step .*)", r"\1 || true", "emr_step_fails"),
        ("all days at once", "backfill", r"concurrencyLimit: 2", "concurrencyLimit: 0", "backfill"),
        ("a refused file is passed over", "daily-local", r"vars\.refused > 0", "vars.refused < 0", "daily_local_broken"),
    ],
    [
        ("an output of another name", "daily-emr", r"vars\.engine == 'spark'", "vars.engin == 'spark'", "emr_step_completes"),
        ("an unknown type", "onboard-client", r"shell\.Commands", "shell.Command", "validator: onboard-client"),
    ],
]  # fmt: skip


def mistaken(folder: pathlib.Path, mistakes: list[tuple]) -> None:
    shutil.copytree(FLOWS, folder)
    for what, flow, pattern, instead, *_ in mistakes:
        path = folder / f"{flow}.yaml"
        text, count = re.subn(pattern, instead, path.read_text(), count=1)
        assert count == 1, f"{what}: {flow}.yaml has nothing of {pattern}"
        path.write_text(text)


def failures(mistakes: list[tuple], only: str) -> tuple[list[str], str]:
    """The names of the tests that failed, and all that was said."""
    with tempfile.TemporaryDirectory(prefix="freightlake-mistakes-") as work:
        folder = pathlib.Path(work) / "flows"
        mistaken(folder, mistakes)
        environment = {**os.environ, "FREIGHTLAKE_KESTRA_FLOWS": str(folder), "FREIGHTLAKE_KESTRA_ONLY": only}
        said = subprocess.run(
            [ROOT / "tests" / "deploy" / "kestra.py"], capture_output=True, text=True, env=environment
        )
    return re.findall(r"^FAILED (.+)", said.stdout, re.M), said.stdout + said.stderr


def main() -> int:
    passed = failed = skipped = 0
    groups = [([mistake], {RULES: mistake[0]}, "rules") for mistake in BY_TEXT]
    for group in BY_ENGINE:
        wanted = {mistake[4]: mistake[0] for mistake in group}
        groups.append((group, {test.replace("_", " "): what for test, what in wanted.items()}, ",".join(wanted)))
    for mistakes, wanted, only in groups:
        names, said = failures(mistakes, only)
        unavailable = re.search(r"^skipped: .*$", said, re.M)
        for test, what in wanted.items():
            if unavailable:
                skipped += 1
                print(f"{unavailable[0]} ({what})")
            elif any(name.startswith(test) for name in names):
                passed += 1
                print(f"ok     {what}: caught by {test!r}", flush=True)
            else:
                failed += 1
                print(f"FAILED {what}: {test!r} does not see it: {said[-1500:]}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

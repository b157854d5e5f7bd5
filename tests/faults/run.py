#!/usr/bin/env python3
"""`freightlake run` when the nth allocation, read, write, fsync or rename fails, and when it is killed while it publishes.

Needs a program built with fault injection (base/fault.h).  Each time the program must end with a documented exit code and
one clear message, every mart must be the old or the new one as a whole, and the next start must clean up and succeed.
A fault kind is tried at n = 1, 2, 3, ... with growing steps until a run succeeds, which shows that all calls were passed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ["FREIGHTLAKE"]
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
MARTS = ["carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"]
KINDS = ["alloc", "read", "write", "write:ENOSPC", "fsync", "rename"]
KILL_STEPS = ["storage_before_fsync", "storage_before_rename", "storage_after_rename"]
EXIT_CODES = {"alloc": (4,), "write:ENOSPC": (3,), "read": (3,), "write": (3,), "fsync": (3,), "rename": (3,)}


def run(folder: pathlib.Path, data: str, fault: str = "") -> subprocess.CompletedProcess:
    command = [PROGRAM, "run", "--from", f"{data}/*.parquet", "--to", "marts", "--threads", "2"]
    environment = {**os.environ, "FREIGHTLAKE_FAULT": fault} if fault else None
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {mart: (folder / "marts" / mart / f"{mart}.parquet").read_bytes() for mart in MARTS}


def steps():
    """1, 2, 3, ...: each one in a slow run, else with steps that grow by a quarter."""
    n = 1
    while True:
        yield n
        n += 1 if SLOW else 1 + n // 4


class Faults:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.passed = self.failed = 0
        for name, seed in (("old", "1"), ("new", "2")):
            command = [PROGRAM, "generate", "--rows", "5000", "--files", "2", "--seed", seed, "--out", name]
            subprocess.run(command, cwd=folder, check=True, timeout=120)
        self.new = self.marts_of("new")
        self.old = self.marts_of("old")

    def marts_of(self, data: str) -> dict[str, bytes]:
        done = run(self.folder, data)
        if done.returncode != 0:
            sys.exit(f"the run without a fault failed: {done.stderr}")
        return contents(self.folder)

    def check(self, what: str, holds: bool, detail: object = "") -> None:
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}: {detail}")

    def restore(self) -> None:
        shutil.rmtree(self.folder / "marts")
        self.marts_of("old")

    def whole(self, what: str) -> None:
        now = contents(self.folder)
        broken = [mart for mart in MARTS if now[mart] not in (self.old[mart], self.new[mart])]
        self.check(f"{what}: every mart is the old or the new one", not broken, broken)

    def recovers(self, what: str) -> None:
        done = run(self.folder, "new")
        left = [str(path) for path in (self.folder / "marts").rglob(".*.tmp-*")]
        self.check(
            f"{what}: the next run succeeds and cleans up", done.returncode == 0 and not left, (done.stderr, left)
        )
        self.check(f"{what}: and its marts are right", contents(self.folder) == self.new)

    def fails_at_nth(self, kind: str) -> None:
        name, _, error = kind.partition(":")
        for n in steps():
            fault = f"{name}:{n}" + (f":{error}" if error else "")
            done = run(self.folder, "new", fault)
            if done.returncode == 0:
                self.check(f"{kind}: the run without a hit gives the new marts", contents(self.folder) == self.new)
                self.check(f"{kind}: at least one call could fail", n > 1)
                break
            said = done.stderr.strip()
            self.check(f"{fault}: exit code", done.returncode in EXIT_CODES[kind], (done.returncode, said))
            self.check(f"{fault}: an error is named", "error" in said.lower() and len(said) > 20, said)
            self.whole(fault)
            if n == 1 or n % 5 == 0:
                self.recovers(fault)
        self.restore()

    def killed_at(self, step: str) -> None:
        done = run(self.folder, "new", f"kill:{step}")
        self.check(f"killed at {step}", done.returncode == -9, (done.returncode, done.stderr))
        self.whole(f"killed at {step}")
        self.recovers(f"killed at {step}")
        self.restore()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(pathlib.Path(folder))
        for kind in KINDS:
            faults.fails_at_nth(kind)
        for step in KILL_STEPS:
            faults.killed_at(step)
    print(f"{faults.passed} passed, {faults.failed} failed, 0 skipped")
    return 1 if faults.failed else 0


if __name__ == "__main__":
    sys.exit(main())

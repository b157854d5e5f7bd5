#!/usr/bin/env python3
"""Several writers, a compactor, a deleter, a vacuum and readers on one Delta table; writers are killed at any moment.

Each batch of rows has a transaction of its own and is tried until it is in the table, so each must be there exactly once
whatever was killed.  The model is a replay of the log: WRITE brings the batch its `txn` names, DELETE empties one
partition, everything else changes no row.  Every read, while others write and afterwards, must be what the model says of
that version: rows, sum of ids, sum of amounts.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.environ["FREIGHTLAKE"]
TOOL = str(pathlib.Path(os.environ["FREIGHTLAKE_BUILD"]) / "tests" / "tools" / "delta_table")
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.SystemRandom().randrange(2**31)))
SECONDS = 180 if SLOW else 15
WRITERS = 4
PARTS = ["a", "b", "doomed"]


class Table:
    """The table, the batches that were asked for, and what readers saw."""

    def __init__(self, folder: pathlib.Path):
        self.path = folder / "table"
        self.stop = time.monotonic() + SECONDS
        self.lock = threading.Lock()
        self.next_id = 0
        self.batches: dict[tuple[str, int], tuple[str, int, int]] = {}  # (app, version) -> part, first id, rows
        self.reads: list[tuple[int, int, int, int]] = []
        self.problems: list[str] = []
        self.kills = 0
        self.conflicts = 0

    def running(self) -> bool:
        return time.monotonic() < self.stop and not self.problems

    def problem(self, text: str) -> None:
        with self.lock:
            self.problems.append(text)

    def call(self, *words: object, kill_after: float | None = None) -> subprocess.CompletedProcess | None:
        """Ends with None when the process was killed."""
        command = [str(word) for word in words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, errors = process.communicate(timeout=kill_after or 120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if kill_after is None:
                self.problem(f"{' '.join(command)} hangs")
            self.kills += 1
            return None
        if process.returncode == -signal.SIGKILL:
            return None
        return subprocess.CompletedProcess(command, process.returncode, out, errors)

    # ---- those who work on the table ----

    def write(self, number: int) -> None:
        """One writer: batch after batch, each until it is in."""
        chance = random.Random(f"{SEED} {number}")
        for version in range(10**6):
            if not self.running():
                return
            rows = chance.choice([1, 10, 300])
            part = chance.choice(PARTS)
            with self.lock:
                first = self.next_id
                self.next_id += rows
                self.batches[(f"writer-{number}", version)] = (part, first, rows)
            while True:
                kill_after = chance.choice([None, None, 0.002, 0.005, 0.01, 0.02, 0.03])
                words = [TOOL, "append", self.path, part, first, rows, f"writer-{number}", version]
                done = self.call(*words, kill_after=kill_after)
                if done and done.returncode != 0:
                    self.problem(f"append: exit code {done.returncode}: {done.stderr}")
                    return
                if done:
                    break

    def maintain(self) -> None:
        chance = random.Random(f"{SEED} maintenance")
        while self.running():
            time.sleep(chance.random() * 0.2)
            kill_after = chance.choice([None, None, None, 0.01, 0.03])
            action = chance.choice(["compact", "compact", "delete", "vacuum"])
            if action == "delete":
                done = self.call(TOOL, "delete", self.path, "doomed", kill_after=kill_after)
            else:
                options = ["--sort-by", "day"] if action == "compact" else []
                done = self.call(PROGRAM, "table", action, self.path, *options, kill_after=kill_after)
            if done and done.returncode == 3 and ("others change" in done.stderr or action == "delete"):
                self.conflicts += 1
            elif done and done.returncode != 0:
                self.problem(f"{action}: exit code {done.returncode}: {done.stderr}")

    def read(self) -> None:
        while self.running():
            done = self.call(TOOL, "read", self.path)
            if done.returncode != 0:
                self.problem(f"read: exit code {done.returncode}: {done.stderr}")
                return
            self.reads.append(tuple(int(word) for word in done.stdout.split()))

    # ---- the model ----

    def model(self) -> dict[int, tuple[int, int, int]]:
        """Rows, sum of ids and sum of amounts of every version, by the log."""
        log = self.path / "_delta_log"
        versions = sorted(int(file.stem) for file in log.glob("*.json") if file.stem.isdigit())
        if versions != list(range(len(versions))):
            self.problem(f"the versions have gaps: {versions}")
        parts = {part: [0, 0] for part in PARTS}
        states = {}
        seen = set()
        for version in versions:
            actions = [json.loads(line) for line in (log / f"{version:020d}.json").read_text().splitlines() if line]
            operation = next(a["commitInfo"]["operation"] for a in actions if "commitInfo" in a)
            for action in actions:
                if "txn" not in action:
                    continue
                key = (action["txn"]["appId"], action["txn"]["version"])
                if key in seen:
                    self.problem(f"the batch {key} is in the table twice")
                seen.add(key)
                part, first, rows = self.batches[key]
                parts[part][0] += rows
                parts[part][1] += sum(range(first, first + rows))
            if operation == "DELETE":
                parts["doomed"] = [0, 0]
            rows, ids = (sum(part[i] for part in parts.values()) for i in (0, 1))
            states[version] = (rows, ids, ids * 12345)
        # the batch each writer was at when the time was over may be missing only if its process was given up
        missing = set(self.batches) - seen
        if missing:
            self.problem(f"batches are missing: {sorted(missing)[:5]}")
        return states


def check(table: Table) -> list[tuple[str, bool]]:
    states = table.model()
    wrong = [read for read in table.reads if states.get(read[0]) != read[1:]]
    backwards = [pair for pair in zip(table.reads, table.reads[1:]) if pair[0][0] > pair[1][0]]
    checks = [
        (f"reads while others wrote are what the model says: {wrong[:3]}", not wrong),
        (f"a later read sees an older version: {backwards[:3]}", not backwards),
        (f"there were reads and kills: {len(table.reads)}, {table.kills}", len(table.reads) > 5 and table.kills > 0),
    ]
    chance = random.Random(SEED)
    for version in [*chance.sample(sorted(states), min(25, len(states))), max(states)]:
        done = table.call(TOOL, "read", table.path, version)
        found = tuple(int(word) for word in done.stdout.split())
        checks.append(
            (
                f"version {version}: {found} instead of {states[version]} {done.stderr}",
                found == (version, *states[version]),
            )
        )
    done = table.call(PROGRAM, "table", "fsck", table.path, "--deep")
    checks.append((f"fsck: {done.stdout} {done.stderr}", done.returncode == 0))
    checkpoints = len(list((table.path / "_delta_log").glob("*.checkpoint.parquet")))
    checks.append((f"{checkpoints} checkpoints of {len(states)} versions", checkpoints >= len(states) // 20))
    try:
        import deltalake

        found = deltalake.DeltaTable(str(table.path)).to_pyarrow_table()
        ids = sum(found.column("id").to_pylist())
        checks.append((f"delta-rs reads {found.num_rows} rows", (found.num_rows, ids) == states[max(states)][:2]))
    except ImportError:
        print("skipped: deltalake is not installed, the table is not read by another reader")
    print(
        f"{len(states)} versions, {len(table.reads)} reads, {table.kills} kills, {table.conflicts} conflicts given up"
    )
    return checks


def restore_conflict(folder: pathlib.Path) -> list[tuple[str, bool]]:
    """A restore beside writers: it either undoes exactly one known state or says that somebody was faster."""
    table = Table(folder)
    table.call(TOOL, "create", table.path)
    for version in range(6):
        table.call(TOOL, "append", table.path, "a", version * 10, 10, "first", version)
    table.stop = time.monotonic() + 3
    table.next_id = 60
    for version in range(6):
        table.batches[("first", version)] = ("a", version * 10, 10)
    writers = [threading.Thread(target=table.write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    outcomes = {"done": 0, "conflict": 0}
    while any(writer.is_alive() for writer in writers):
        done = table.call(PROGRAM, "table", "restore", table.path, "--version", "3")
        if done.returncode == 3 and "meanwhile" in done.stderr:
            outcomes["conflict"] += 1
        elif done.returncode == 0:
            outcomes["done"] += 1
        else:
            table.problem(f"restore: exit code {done.returncode}: {done.stderr}")
            break
    for writer in writers:
        writer.join()
    done = table.call(PROGRAM, "table", "restore", table.path, "--version", "3")
    read = table.call(TOOL, "read", table.path)
    print(f"restore beside writers: {outcomes}")
    return [
        (f"restore: {table.problems}", not table.problems),
        (f"the last restore: {done.stderr}", done.returncode == 0),
        (f"after it: {read.stdout} {read.stderr}", read.stdout.split()[1:3] == ["30", str(sum(range(30)))]),
    ]


def main() -> int:
    print(f"FREIGHTLAKE_TEST_SEED={SEED}")
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        table = Table(folder / "many")
        (folder / "many").mkdir()
        (folder / "restore").mkdir()
        table.call(TOOL, "create", table.path)
        workers = [threading.Thread(target=table.write, args=(number,)) for number in range(WRITERS)]
        workers += [threading.Thread(target=table.maintain), threading.Thread(target=table.read)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        checks = [(problem, False) for problem in table.problems]
        checks += check(table)
        checks += [(problem, False) for problem in table.problems if (problem, False) not in checks]
        checks += restore_conflict(folder / "restore")
    finally:
        shutil.rmtree(folder)
    failed = [what for what, holds in checks if not holds]
    for what in failed:
        print(f"FAILED {what}")
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Faults in a lake: killed at every named step and at random, failing writes, a full disk, an interrupt.

After each: the tables can be read by another program, nothing is there twice, and the same command run again ends as it does
without a fault.  Needs a program built with -Dfaults=true in the environment variable FREIGHTLAKE.
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
import time

import deltalake

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import cluster_double

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
RANDOM = random.Random(SEED)
CYCLES = 5000 if SLOW else 300
STEPS = [
    "raw_copied",
    "ingest_before_commit",
    "pending_written",
    "first_committed",
    "second_committed",
    "delta_before_commit",
    "delta_after_commit",
    "delta_before_checkpoint",
    "delta_after_checkpoint",
    "storage_before_fsync",
    "storage_before_rename",
    "storage_after_rename",
    "compact_before_files",
    "compact_after_files",
    "mart_file_written",
    "mart_checked",
    "mart_committed",
    "state_written",
    "rebuild_before_commit",
    "erase_before_commit",
    "erase_committed",
    "job_begun",
    "job_done",
    "job_recorded",
    "staged_file_written",
]
REPAIR_STEPS = ["fsck_announced", "fsck_before_replace", "storage_before_rename", "storage_after_rename"]


class Failure(Exception):
    pass


def check(holds: object, what: str) -> None:
    if not holds:
        raise Failure(what)


def run(*words: object, fault: str = "", codes: tuple = (0,)) -> subprocess.CompletedProcess:
    environment = {**os.environ, "FREIGHTLAKE_FAULT": fault} if fault else None
    done = subprocess.run(
        [PROGRAM, *map(str, words)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if codes and done.returncode not in codes:
        raise Failure(f"{words} {fault}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def rows(lake: pathlib.Path, zone: str) -> list[tuple]:
    """(file, line) of every row; fails where one is there twice."""
    table = deltalake.DeltaTable(str(lake / zone / "shipments")).to_pyarrow_table(columns=["source_file", "source_row"])
    found = sorted(zip(*(table.column(i).to_pylist() for i in range(2)), strict=True))
    check(len(found) == len(set(found)), f"a record is twice in {zone}")
    return found


def state(lake: pathlib.Path) -> tuple:
    """What the lake holds: rows of both tables, and what its marts say."""
    marts = []
    for name in sorted(p.name for p in (lake / "marts").iterdir()) if (lake / "marts").exists() else []:
        if (lake / "marts" / name / "_delta_log").exists():
            table = deltalake.DeltaTable(str(lake / "marts" / name)).to_pyarrow_table()
            marts.append((name, sorted(map(str, table.to_pylist()))))
    return rows(lake, "processed"), rows(lake, "quarantine"), marts


class Lakes:
    """One lake to begin with, of which every case gets a copy, and files to ingest."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.n = 0
        self.files = [self.generate(i, 400, 0.05) for i in range(8)]
        self.clean = self.generate(50, 300, 0)
        self.seed = folder / "seed"
        run("init", self.seed)
        run("--lake", self.seed, "onboard", "emart", "--sample", self.clean, "--yes")
        for file in self.files[:3]:
            run("--lake", self.seed, "ingest", "emart", file)
        run("--lake", self.seed, "run")

    def generate(self, i: int, n: int, bad: float) -> pathlib.Path:
        out = self.folder / f"in{i}"
        run("generate", "--rows", n, "--format", "csv", "--out", out, "--seed", SEED % 1000 + i, "--bad-rows", bad)
        file = self.folder / f"file{i}.csv"
        shutil.move(out / "part-00000.csv", file)
        return file

    def copy(self) -> pathlib.Path:
        self.n += 1
        lake = self.folder / f"lake{self.n}"
        shutil.copytree(self.seed, lake)
        return lake


def mend(lake: pathlib.Path) -> None:
    mapping = lake / "clients" / "emart.yaml"
    text = mapping.read_text()
    mapping.write_text(
        text.replace("    from: delivery_status", "    values: {Teleported: Delivered}\n    from: delivery_status", 1)
    )


def latest(lake: pathlib.Path) -> None:
    mapping = lake / "clients" / "emart.yaml"
    mapping.write_text(mapping.read_text().replace("duplicates: keep", "duplicates: latest"))


def staged(lakes: Lakes):
    """More rows, and a cluster's files for all marts of them."""

    def prepare(lake: pathlib.Path) -> None:
        def query(sql: str, version: int, file: pathlib.Path) -> None:
            run("--lake", lake, "query", sql, "--version", version, "--output", file)

        run("--lake", lake, "ingest", "emart", lakes.files[6])
        run("--lake", lake, "marts", "export", "--run", "r1")
        cluster_double.make(lake, "r1", query, random.Random(SEED))

    return prepare


def nothing(lake: pathlib.Path) -> None:
    del lake


def some_id(lakes: Lakes) -> str:
    return lakes.files[0].read_text().splitlines()[3].split(",")[0]


def jobs(lakes: Lakes) -> dict:
    """Name -> (what is done to the lake before, words of the command)."""
    return {
        "ingest": (nothing, ["ingest", "emart", lakes.files[4]]),
        "ingest clean": (nothing, ["ingest", "emart", lakes.clean]),
        "ingest latest": (latest, ["ingest", "emart", lakes.files[4]]),
        "run": (lambda lake: run("--lake", lake, "ingest", "emart", lakes.files[5]), ["run"]),
        "compact": (nothing, ["table", "compact", "shipments"]),
        "replay": (mend, ["quarantine", "replay", "emart"]),
        "rebuild": (mend, ["rebuild", "emart"]),
        "publish": (staged(lakes), ["publish", "r1"]),
        "erase": (nothing, ["erase", "emart", "--shipment", some_id(lakes), "--yes"]),
    }


def without_fault(lakes: Lakes, before, words: list) -> tuple:
    lake = lakes.copy()
    before(lake)
    run("--lake", lake, *words)
    result = state(lake)
    shutil.rmtree(lake)
    return result


def versions(lake: pathlib.Path) -> dict[str, int]:
    places = {"shipments": lake / "processed" / "shipments", "quarantine": lake / "quarantine" / "shipments"}
    places |= {path.name: path for path in (lake / "marts").iterdir()} if (lake / "marts").exists() else {}
    return {
        name: deltalake.DeltaTable(str(path)).version()
        for name, path in places.items()
        if (path / "_delta_log").exists()
    }


def history_knows(lake: pathlib.Path, before: dict[str, int], kind: str) -> None:
    """A killed job is in the history once, with every version it made."""
    records = json.loads(run("--lake", lake, "history", "--json").stdout)["records"]
    check(not any(record["outcome"] == "running" for record in records), "a killed job is said to run")
    check(len({record["id"] for record in records}) == len(records), "a job has two records")
    told: dict[str, int] = {}
    for record in records:
        for table in record["tables"]:
            told[table["table"]] = max(told.get(table["table"], -1), table.get("version_after", -1))
    made = {name: version for name, version in versions(lake).items() if version != before.get(name)}
    check(all(told.get(name) == version for name, version in made.items()), f"{told} in the history, not {made}")
    if made:
        check(records[0]["kind"] == kind and records[0]["outcome"] in ("killed", "ok"), f"{records[0]}")
    check(not list((lake / "_freightlake" / "running").glob("*.json")), "a mark is left")


def again(lake: pathlib.Path, words: list, wanted: tuple) -> None:
    state(lake)  # another program can read it, and nothing is there twice
    run("--lake", lake, *words, codes=(0, 3) if words[0] == "erase" else (0,))  # 3: what is erased is not there
    check(state(lake) == wanted, "run again it does not end as without a fault")
    run("--lake", lake, "doctor")
    shutil.rmtree(lake)


def killed(lakes: Lakes, name: str, before, words: list) -> int:
    """Cases in which the job came to the step and died there."""
    wanted, n = without_fault(lakes, before, words), 0
    for step in STEPS:
        lake = lakes.copy()
        before(lake)
        known = versions(lake)
        done = run("--lake", lake, *words, fault=f"kill:{step}", codes=(0, -signal.SIGKILL))
        try:
            if done.returncode:
                history_knows(lake, known, next(word for word in words if word not in ("table", "quarantine")))
                again(lake, words, wanted)
                n += 1
            else:
                shutil.rmtree(lake)
        except Failure as failure:
            raise Failure(f"{name}, killed at {step}: {failure}") from failure
    check(n >= 3, f"{name} came to no step")
    return n


def copied(lakes: Lakes) -> int:
    """What a killed job left in a copy of a lake, or in a moved one, is finished there, and the original is left alone."""
    for step in ("pending_written", "first_committed"):
        lake = lakes.copy()
        words = ["ingest", "emart", lakes.files[4]]
        wanted = without_fault(lakes, nothing, words)
        run("--lake", lake, *words, fault=f"kill:{step}", codes=(-signal.SIGKILL,))
        copy = lake.with_name(lake.name + "-copy")
        shutil.copytree(lake, copy)
        files = sorted(lake.rglob("*"))
        run("--lake", copy, "doctor", "--fix")
        run("--lake", copy, *words)
        check(state(copy) == wanted, f"{step}: the copy is not what it should be")
        check(sorted(lake.rglob("*")) == files, f"{step}: work on the copy changed the original")
        shutil.rmtree(copy)
        lake.rename(copy)
        run("--lake", copy, *words)
        check(state(copy) == wanted, f"{step}: the moved lake is not what it should be")
        shutil.rmtree(copy)
    return 2


def killed_repair(lakes: Lakes) -> int:
    """Unreadable log entries are replaced or not, and the way back is the same after any kill."""
    wanted, n = state(lakes.seed), 0
    for table, name in (("processed", "shipments"), ("quarantine", "quarantine")):
        for step in REPAIR_STEPS:
            lake = lakes.copy()
            log = sorted((lake / table / "shipments" / "_delta_log").glob("*.json"))
            for entry in log[-2:]:
                entry.write_bytes(entry.read_bytes()[:100])
            repair = ["--lake", lake, "table", "fsck", name, "--repair"]
            n += run(*repair, fault=f"kill:{step}", codes=(0, -signal.SIGKILL)).returncode != 0
            run(*repair)
            state(lake)
            for words in (["rebuild", "emart"], ["run"], ["doctor"], ["table", "fsck", name, "--deep"]):
                run("--lake", lake, *words)
            check(state(lake) == wanted, f"{name}: repaired and rebuilt it is not what it was")
            shutil.rmtree(lake)
    check(n == 2 * len(REPAIR_STEPS), f"only {n} of the steps were come to")
    return n


def failing(lakes: Lakes, name: str, before, words: list) -> int:
    """The nth write, flush or rename fails, for every n (in short runs for n that grow by a quarter)."""
    wanted, cases = without_fault(lakes, before, words), 0
    for kind in ("write", "write:ENOSPC", "fsync", "rename"):
        n = 1
        while True:
            lake = lakes.copy()
            before(lake)
            base, _, errno = kind.partition(":")
            done = run("--lake", lake, *words, fault=f"{base}:{n}" + (f":{errno}" if errno else ""), codes=(0, 3))
            try:
                if done.returncode:
                    check("error:" in done.stderr and "hint:" in done.stderr, f"no clear error: {done.stderr}")
                again(lake, words, wanted)
            except Failure as failure:
                raise Failure(f"{name}, {kind}:{n}: {failure}") from failure
            cases += 1
            if done.returncode == 0 and n > 4:
                break
            n += 1 if SLOW else 1 + n // 3
    return cases


def killed_at_random(lakes: Lakes) -> int:
    lake = lakes.copy()
    words = [["ingest", "emart", file] for file in lakes.files] + [["run"], ["table", "compact", "shipments"]]
    kills = 0
    for cycle in range(CYCLES):
        process = subprocess.Popen(
            [PROGRAM, "--lake", lake, *map(str, RANDOM.choice(words))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=RANDOM.uniform(0.001, 0.015))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        if cycle % 40 == 39:
            state(lake)
    for file in lakes.files:
        run("--lake", lake, "ingest", "emart", file)
    run("--lake", lake, "run")
    found = state(lake)
    wanted = sorted((file.name, line) for file in lakes.files for line in range(2, 402))
    check(sorted(found[0] + found[1]) == wanted, "records are missing or came from nowhere")
    run("--lake", lake, "run", "--full")
    check(state(lake) == found, "the marts differ from those of a full run")
    run("--lake", lake, "doctor")
    check(kills > CYCLES // 10, f"only {kills} kills")
    return kills


def full_disk(lakes: Lakes) -> int:
    place = lakes.folder / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", place], check=False).returncode:
        print("skipped: a full disk: a tmpfs cannot be mounted here")
        return -1
    try:
        lake = place / "lake"
        shutil.copytree(lakes.seed, lake)
        big = lakes.generate(70, 40000, 0)
        done = run("--lake", lake, "ingest", "emart", big, codes=(3,))
        check("space" in done.stderr, f"the cause is not named: {done.stderr}")
        check(rows(lake, "processed") == rows(lakes.seed, "processed"), "a refused file left rows")
        subprocess.run(["mount", "-o", "remount,size=100m", place], check=True)
        run("--lake", lake, "ingest", "emart", big)
        run("--lake", lake, "run")
        run("--lake", lake, "table", "fsck", "shipments", "--deep")
    finally:
        subprocess.run(["umount", place], check=False)
    return 1


def interrupted(lakes: Lakes) -> int:
    lake = lakes.copy()
    big = lakes.generate(80, 400000, 0)
    before = state(lake)
    process = subprocess.Popen(
        [PROGRAM, "--lake", lake, "ingest", "emart", big], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not list(lake.glob("raw/emart/.incoming.tmp-*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    if process.returncode != 0:
        check(process.returncode == 130, f"exit {process.returncode}: {said}")
        check(state(lake) == before, "what was interrupted is visible")
        check(not list(lake.glob("**/.*.tmp-*")), "temporary files are left")
    run("--lake", lake, "ingest", "emart", big)
    check(len(rows(lake, "processed")) == len(before[0]) + 400000, "rows are missing")
    return 1


def at_once(lakes: Lakes) -> int:
    """Two jobs on the same file, two on different files, a run and a compaction beside them."""
    lake = lakes.copy()
    words = [["ingest", "emart", lakes.files[4]]] * 2 + [["ingest", "emart", f] for f in lakes.files[5:]]
    words += [["run"], ["table", "compact", "shipments"], ["run"]]
    started = [
        subprocess.Popen(
            [PROGRAM, "--lake", lake, *map(str, w)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for w in words
    ]
    for process, w in zip(started, words, strict=True):
        said = process.communicate(timeout=120)
        check(process.returncode == 0, f"{w}: exit {process.returncode}: {said}")
    run("--lake", lake, "run")
    found = state(lake)
    files = lakes.files[:3] + lakes.files[4:]
    check(len(found[0] + found[1]) == 400 * len(files), "records are missing or doubled")
    run("--lake", lake, "run", "--full")
    check(state(lake) == found, "the marts differ from those of a full run")
    return 1


def main() -> int:
    print(f"seed {SEED}")
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="freightlake-faults-") as folder:
        lakes = Lakes(pathlib.Path(folder))
        cases = [(f"killed: {name}", lambda n=name, j=job: killed(lakes, n, *j)) for name, job in jobs(lakes).items()]
        cases += [(f"failing: {name}", lambda n=name: failing(lakes, n, *jobs(lakes)[n])) for name in ("ingest", "run")]
        cases += [
            ("copied and moved", lambda: copied(lakes)),
            ("killed: repair of a log", lambda: killed_repair(lakes)),
            ("killed at random", lambda: killed_at_random(lakes)),
            ("a full disk", lambda: full_disk(lakes)),
            ("interrupted", lambda: interrupted(lakes)),
            ("many at once", lambda: at_once(lakes)),
        ]
        for name, case in cases:
            start = time.monotonic()
            try:
                n = case()
                passed += max(n, 0)
                skipped += n < 0
                print(f"{name}: {n} cases, {time.monotonic() - start:.1f} s")
            except Failure as failure:
                failed += 1
                print(f"FAILED {name}: {failure}")
    print(json.dumps({"seed": SEED, "cycles": CYCLES}))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

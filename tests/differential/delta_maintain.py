#!/usr/bin/env python3
"""`freightlake table` on Delta tables of ours and of others, read back by delta-rs and Polars.

After compact, restore and vacuum the same rows must be read; versions that vacuum has emptied give a clear error; fsck finds
what was broken on purpose, and nothing else.  Rows are compared as a whole, in the order of their ids.
"""

import datetime
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

try:
    import deltalake
    import polars
    import pyarrow
    import pyarrow.parquet
except ImportError as missing:
    print(f"skipped: {missing}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = os.environ["FREIGHTLAKE"]
TOOL = str(pathlib.Path(os.environ["FREIGHTLAKE_BUILD"]) / "tests" / "tools" / "delta_table")
WEEK = 7 * 86400
ODD = ["plain", "with space", "a=b", "50 %", "ümlaut/slash", "quote'\"", "#?&", "colon: {x}"]


class Failure(Exception):
    pass


def check(holds: object, what: str) -> None:
    if not holds:
        raise Failure(what)


def run(*words: object, code: int = 0, error: str = "") -> str:
    """Standard output of a program that must end with this code and, when it fails, say this."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)
    said = f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}"
    check(done.returncode == code, f"exit code {done.returncode} instead of {code}: {said}")
    check(error in done.stderr, f"'{error}' is not said: {said}")
    return done.stdout


def table(action: str, path: pathlib.Path, *options: object, code: int = 0, error: str = "") -> dict:
    """The JSON of `freightlake table ACTION PATH`."""
    text = run(PROGRAM, "table", action, path, "--json", *options, code=code, error=error)
    return json.loads(text) if text.strip() else {}


def make(folder: pathlib.Path, parts: list[str], files: int, rows: int, *properties: str) -> pathlib.Path:
    """A table of ours with `files` files in each part, ids without gaps."""
    path = folder / "table"
    run(TOOL, "create", path, *properties)
    first = 0
    for _ in range(files):
        for part in parts:
            run(TOOL, "append", path, part, first, rows)
            first += rows
    return path


def rows_of(path: pathlib.Path, version: int | None = None, key: str = "id") -> list[dict]:
    """All rows, and that delta-rs and Polars agree on them."""
    rows = deltalake.DeltaTable(str(path), version=version).to_pyarrow_table().sort_by(key)
    names = rows.column_names
    frame = polars.read_delta(str(path), version=version).select(names).sort(key)
    check(frame.height == rows.num_rows, f"Polars reads {frame.height} rows, delta-rs {rows.num_rows}")
    check(frame.get_column(key).to_list() == rows.column(key).to_pylist(), "Polars and delta-rs read different rows")
    return rows.to_pylist()


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    """The data files of the newest version."""
    actions = deltalake.DeltaTable(str(path)).get_add_actions(flatten=True)
    return [path / urllib.parse.unquote(name) for name in pyarrow.table(actions).column("path").to_pylist()]


def log_of(path: pathlib.Path, version: int) -> list[dict]:
    text = (path / "_delta_log" / f"{version:020d}.json").read_text()
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def age(path: pathlib.Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


# ---- compact ----


def compact_ours(folder: pathlib.Path) -> None:
    path = make(folder, ODD, 4, 50)
    before = rows_of(path)
    version = deltalake.DeltaTable(str(path)).version()
    told = table("compact", path, "--dry-run", "--sort-by", "day")
    check(told["version"] is None and told["files_before"] == 4 * len(ODD), f"dry run says {told}")
    check(deltalake.DeltaTable(str(path)).version() == version, "a dry run committed")
    told = table("compact", path, "--sort-by", "day")
    check(told["version"] == version + 1, f"version {told['version']} after {version}")
    check((told["files_before"], told["files_after"], told["rows"]) == (32, 8, len(before)), f"it says {told}")
    check(rows_of(path) == before, "rows differ after compaction")
    for old in range(1, version + 1, 5):
        check(len(rows_of(path, old)) == 50 * old, f"version {old} has other rows after compaction")
    actions = log_of(path, version + 1)
    check(all(not a[kind]["dataChange"] for a in actions for kind in ("add", "remove") if kind in a), "dataChange")
    counts = [json.loads(a["add"]["stats"])["numRecords"] for a in actions if "add" in a]
    check(counts == [200] * 8, f"numRecords {counts}")
    for file in files_of(path):
        days = pyarrow.parquet.read_table(file, partitioning=None).column("day").to_pylist()
        known = [day for day in days if day is not None]
        check(days == [None] * (len(days) - len(known)) + sorted(known), f"{file.name} is not sorted by day")
    told = table("compact", path)
    check(told["version"] is None and told["files_before"] == 0, f"a second compaction did {told}")
    check("nothing to do" in run(PROGRAM, "table", "compact", path), "it does not say that there is nothing to do")
    check(table("fsck", path, "--deep")["problems"] == [], "fsck finds problems after compaction")


def compact_in_bins(folder: pathlib.Path) -> None:
    """Files above half the size stay; bins have about the size asked for."""
    path = make(folder, ["p"], 12, 2000)
    before = rows_of(path)
    size = files_of(path)[0].stat().st_size
    told = table("compact", path, "--target-size", int(size * 4.5))
    check(told["files_before"] == 12 and told["files_after"] == 3, f"it says {told}")
    check(rows_of(path) == before, "rows differ after compaction")
    told = table("compact", path, "--target-size", 1000)
    check(told["version"] is None, f"files above the size were rewritten: {told}")


def foreign_rows(first: int, n: int, part: str | None, extra: bool) -> pyarrow.Table:
    ids = list(range(first, first + n))
    utc = datetime.UTC
    columns = {
        "id": pyarrow.array(ids, pyarrow.int64()),
        "part": pyarrow.array([part] * n, pyarrow.string()),
        "whole": pyarrow.array(ids, pyarrow.int32()),
        "single": pyarrow.array([i / 4 for i in ids], pyarrow.float32()),
        "double": pyarrow.array([float("nan") if i % 7 == 0 else i / 3 for i in ids], pyarrow.float64()),
        "flag": pyarrow.array([None if i % 5 == 0 else i % 2 == 0 for i in ids], pyarrow.bool_()),
        "bytes": pyarrow.array([bytes([i % 256, 0, 255]) for i in ids], pyarrow.binary()),
        "text": pyarrow.array([f"text {i} ü" if i % 4 else None for i in ids], pyarrow.string()),
        "day": pyarrow.array([datetime.date(2025, 1, 1) + datetime.timedelta(i * 37 % 365) for i in ids]),
        "at": pyarrow.array(
            [datetime.datetime(2025, 1, 1, tzinfo=utc) + datetime.timedelta(microseconds=i * 1234567) for i in ids],
            pyarrow.timestamp("us", "UTC"),
        ),
        "money": pyarrow.array([decimal.Decimal(i) / 100 for i in ids], pyarrow.decimal128(18, 4)),
        "wide": pyarrow.array([decimal.Decimal(i) * 10**20 for i in ids], pyarrow.decimal128(38, 10)),
    }
    if extra:
        columns["late"] = pyarrow.array([f"late {i}" for i in ids], pyarrow.string())
    return pyarrow.table(columns)


def comparable(rows: list[dict]) -> list[str]:
    """NaN equals itself as text."""
    return [repr(sorted(row.items())) for row in rows]


def foreign(folder: pathlib.Path) -> None:
    """A table that delta-rs wrote, with a column that came later, compacted, vacuumed and restored by us."""
    path = folder / "foreign"
    first = 0
    for i, part in enumerate([*ODD, None] * 3):
        data = foreign_rows(first, 40, part, extra=i >= 9)
        deltalake.write_deltalake(str(path), data, mode="append", partition_by=["part"], schema_mode="merge")
        first += 40
    before = comparable(rows_of(path))
    told = table("compact", path, "--sort-by", "day")
    check((told["files_before"], told["files_after"]) == (27, 9), f"it says {told}")
    check(comparable(rows_of(path)) == before, "rows differ after compaction")
    check(table("fsck", path, "--deep")["problems"] == [], "fsck finds problems")
    told = table("vacuum", path, "--retention", "0", "--force")
    check(told["files_removed"] == 27, f"vacuum says {told}")
    check(comparable(rows_of(path)) == before, "rows differ after vacuum")
    deltalake.write_deltalake(str(path), foreign_rows(first, 5, "plain", extra=True), mode="append")
    check(len(rows_of(path)) == len(before) + 5, "delta-rs cannot go on with the table")
    table("restore", path, "--version", told_version(path) - 1)
    check(comparable(rows_of(path)) == before, "rows differ after restore")
    history = deltalake.DeltaTable(str(path)).history()
    check([h["operation"] for h in history[:3]] == ["RESTORE", "WRITE", "OPTIMIZE"], f"history {history[:3]}")
    check(len(table("history", path, "--limit", 0)["versions"]) == len(history), "history is of other length")


def told_version(path: pathlib.Path) -> int:
    return table("history", path, "--limit", 1)["versions"][0]["version"]


def refused(folder: pathlib.Path) -> None:
    """Tables above our versions, and columns that cannot be rewritten, are refused before anything is written."""
    path = folder / "features"
    data = pyarrow.table({"id": [1, 2], "at": pyarrow.array([0, 1], pyarrow.timestamp("us"))})
    deltalake.write_deltalake(str(path), data)
    for action in ("compact", "vacuum", "history"):
        table(action, path, code=3, error="reader of version 3")
    hint = "write a copy without them"
    table("fsck", path, code=1, error=hint)
    deltalake.write_deltalake(str(path), data, mode="append")
    deltalake.DeltaTable(str(path)).create_checkpoint()
    (path / "_delta_log" / f"{0:020d}.json").unlink()  # only the checkpoint tells of the features
    table("fsck", path, code=1, error=hint)
    path = folder / "nested"
    for i in range(2):
        data = pyarrow.table({"id": [i], "list": pyarrow.array([[1, 2]])})
        deltalake.write_deltalake(str(path), data, mode="append")
    table("compact", path, code=3, error="nested")
    check(table("fsck", path, "--deep")["problems"] == [], "fsck of a nested column")
    path = folder / "small"
    for i in range(2):
        deltalake.write_deltalake(str(path), pyarrow.table({"id": pyarrow.array([i], pyarrow.int8())}), mode="append")
    table("compact", path, code=3, error="byte")
    table("compact", folder / "nowhere", code=3, error="no Delta table")
    run(PROGRAM, "table", "compct", path, code=2, error="did you mean 'table compact'")


# ---- vacuum ----


def vacuum_ours(folder: pathlib.Path) -> None:
    path = make(folder, ODD, 3, 20)
    before = rows_of(path)
    version = told_version(path)
    table("compact", path)
    told = table("vacuum", path)
    check(told["files_removed"] == 0, f"files within the retention were removed: {told}")
    check("nothing to do" in run(PROGRAM, "table", "vacuum", path), "it does not say that there was nothing to do")
    table("vacuum", path, "--retention", "1h", code=2, error="shorter than the table's")
    check(rows_of(path, version) == before, "time travel before vacuum")
    dry = table("vacuum", path, "--retention", "0", "--force", "--dry-run")
    check(dry["files_removed"] == 24 and len(dry["files"]) == 24, f"dry run says {dry}")
    check(all((path / name).exists() for name in dry["files"]), "a dry run removed files")
    told = table("vacuum", path, "--retention", "0", "--force")
    check(told["files"] == dry["files"], "the dry run named other files")
    check(not any((path / name).exists() for name in told["files"]), "files are still there")
    check(rows_of(path) == before, "rows differ after vacuum")
    run(TOOL, "read", path, version, code=3, error=".parquet")
    table("restore", path, "--version", version, code=3, error="vacuum has taken")
    check(rows_of(path) == before, "a restore that failed changed the table")
    check(table("fsck", path, "--deep")["problems"] == [], "fsck after vacuum")


def vacuum_odd_files(folder: pathlib.Path) -> None:
    path = make(folder, ["a b", "c%d"], 2, 10)
    data = files_of(path)[0]
    old = {
        name: path / name
        for name in (
            "orphan.parquet",
            "part=x/ü orphan#1.parquet",
            "README.txt",
            ".hidden.parquet",
            "_other/file.parquet",
            "_delta_log/note.parquet",
            ".orphan.parquet.crc",
        )
    }
    young = path / "young.parquet"
    for file in [*old.values(), young]:
        file.parent.mkdir(exist_ok=True)
        shutil.copy(data, file)
        age(file, WEEK + 3600 if file != young else WEEK - 3600)
    dead = path / ".dead.parquet.tmp-999999999-1"
    dead.write_text("x")
    for file in files_of(path):
        age(file, 2 * WEEK)
    told = table("vacuum", path)
    check(
        sorted(told["files"]) == sorted(["orphan.parquet", "part=x/ü orphan#1.parquet", ".orphan.parquet.crc"]),
        f"removed {told['files']}",
    )
    check(told["files_kept"] == 1 and young.exists(), f"the young file: {told}")
    check(
        old["README.txt"].exists() and old[".hidden.parquet"].exists() and old["_other/file.parquet"].exists(),
        "files that are none of the table's were removed",
    )
    check(not dead.exists(), "a temporary file of a dead process is still there")
    check(len(rows_of(path)) == 40, "rows are lost")


def vacuum_retention(folder: pathlib.Path) -> None:
    """The table's own retention counts, and a longer one asked for keeps more."""
    path = make(folder, ["p"], 3, 10, "delta.deletedFileRetentionDuration=interval 0 seconds")
    for file in files_of(path):
        age(file, 60)
    table("compact", path)
    time.sleep(0.05)
    told = table("vacuum", path, "--retention", "1d")
    check(told["files_removed"] == 0, f"a retention of a day: {told}")
    told = table("vacuum", path)
    check(told["files_removed"] == 3, f"the table's retention of nothing: {told}")
    check(len(rows_of(path)) == 30, "rows are lost")


# ---- restore ----


def restore_ours(folder: pathlib.Path) -> None:
    path = make(folder, ["a", "b"], 6, 25)
    states = {version: rows_of(path, version) for version in (1, 5, 12)}
    for wanted in (5, 1, 12):
        before = told_version(path)
        told = table("restore", path, "--version", wanted, "--dry-run")
        check(not told["changed"] and told_version(path) == before, f"a dry run did {told}")
        told = table("restore", path, "--version", wanted)
        check(told["changed"] and told["version_after"] == before + 1, f"it says {told}")
        check(rows_of(path) == states[wanted], f"rows differ after the restore of {wanted}")
        check(rows_of(path, before) is not None, "the version before is gone")
        told = table("restore", path, "--version", wanted)
        check(not told["changed"], f"a second restore did {told}")
    versions = {v["version"]: v["time"] for v in table("history", path, "--limit", 0)["versions"]}
    told = table("restore", path, "--as-of", versions[13])
    check(told["restored_version"] >= 13, f"as of the time of version 13: {told}")
    table("restore", path, code=2, error="which version")
    table("restore", path, "--version", 999, code=3)
    table("restore", path, "--as-of", "yesterday", code=2, error="no time")
    check(table("fsck", path, "--deep")["problems"] == [], "fsck after restores")


def restore_many(folder: pathlib.Path) -> None:
    """Over checkpoints: hundreds of commits, compacted now and then, any of them can come back."""
    path = make(folder, ["p"], 60, 3)
    table("compact", path)
    for first in range(180, 240, 3):
        run(TOOL, "append", path, "q", first, 3)
    newest = rows_of(path)
    for wanted in (7, 10, 11, 59, 61, 70):
        table("restore", path, "--version", wanted)
        check(rows_of(path) == newest[: 3 * (wanted if wanted <= 60 else wanted - 1)], f"restore of {wanted}")
    told = table("history", path, "--limit", 0)
    check(
        [v["version"] for v in told["versions"]] == list(range(told_version(path), -1, -1)), "versions of the history"
    )
    check(table("fsck", path)["problems"] == [], "fsck")


# ---- fsck ----


def restore_partitions(folder: pathlib.Path) -> None:
    """Back to another partitioning, and to one from none: each file's values are those of the columns of its version."""
    first = pyarrow.table({"id": [1, 2, 3], "a": ["x", "y", None], "c": ["p", "q", "r"]})
    second = pyarrow.table({"id": [4, 5], "a": ["z", "z"], "c": ["s", "t"]})
    for before, after in ((["a"], ["c"]), ([], ["a", "c"]), (["a", "c"], [])):
        path = folder / f"partitions-{len(before)}-{len(after)}"
        options = {"mode": "overwrite", "schema_mode": "overwrite"}
        deltalake.write_deltalake(str(path), first, partition_by=before or None)
        deltalake.write_deltalake(str(path), second, partition_by=after or None, **options)
        wanted = {version: rows_of(path, version) for version in (0, 1)}
        for version in (0, 1, 0):
            table("restore", path, "--version", version)
            check(rows_of(path) == wanted[version], f"{before} to {after}: version {version} came back otherwise")
            check(table("fsck", path, "--deep")["problems"] == [], "fsck finds something")


def fsck_finds(folder: pathlib.Path) -> None:
    good = make(folder, ["a", "b"], 6, 500)
    check(table("fsck", good, "--deep")["problems"] == [], "a good table")

    def copy(name: str) -> pathlib.Path:
        path = folder / name
        shutil.copytree(good, path)
        return path

    def problems(path: pathlib.Path, *options: str) -> list[dict]:
        return table("fsck", path, *options, code=1)["problems"]

    path = copy("missing")
    files_of(path)[3].unlink()
    found = problems(path)
    check(len(found) == 1 and found[0]["what"] == "missing" and found[0]["repairable"], f"missing: {found}")
    told = table("fsck", path, "--repair")
    check(told["repair_version"] == 13, f"repair: {told}")
    check(len(rows_of(path)) == 5500 and table("fsck", path)["problems"] == [], "after the repair")

    path = copy("short")
    file = files_of(path)[2]
    file.write_bytes(file.read_bytes()[:-10])
    found = problems(path)
    check(len(found) == 1 and "bytes instead of" in found[0]["what"], f"short: {found}")

    path = copy("footer")
    file = files_of(path)[2]
    content = bytearray(file.read_bytes())
    content[-30] ^= 0xFF
    content[-4:] = b"XXXX"
    file.write_bytes(content)
    check(len(problems(path)) == 1, "a broken footer")

    path = copy("page")
    file = files_of(path)[2]
    content = bytearray(file.read_bytes())
    content[200] ^= 0xFF
    file.write_bytes(content)
    check(table("fsck", path)["problems"] == [], "a broken page is not seen without --deep")
    found = problems(path, "--deep")
    check(len(found) == 1 and not found[0]["repairable"], f"page: {found}")

    path = copy("rows")
    log = path / "_delta_log" / f"{12:020d}.json"
    log.write_text(log.read_text().replace('\\"numRecords\\":500', '\\"numRecords\\":501'))
    found = problems(path)
    check(len(found) == 1 and "500 rows instead of 501" in found[0]["what"], f"rows: {found}")

    path = copy("gap")
    (path / "_delta_log" / f"{5:020d}.json").unlink()
    found = problems(path)
    check(any("gap" in p["what"] for p in found), f"gap: {found}")

    path = copy("garbage")
    (path / "_delta_log" / f"{11:020d}.json").write_text('{"add":\n')
    check(problems(path), "a log entry that is no JSON")

    path = copy("torn checkpoint")
    file = path / "_delta_log" / f"{10:020d}.checkpoint.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    found = problems(path)
    check(len(found) == 1 and "checkpoint" in found[0]["file"], f"torn checkpoint: {found}")

    path = copy("checkpoint")
    (path / "_delta_log" / f"{7:020d}.json").write_text('{"commitInfo":{"operation":"NOTHING"}}\n')
    found = problems(path)
    check(len(found) == 1 and "checkpoint" in found[0]["what"], f"checkpoint: {found}")


CASES = [
    compact_ours,
    compact_in_bins,
    foreign,
    refused,
    vacuum_ours,
    vacuum_odd_files,
    vacuum_retention,
    restore_ours,
    restore_many,
    restore_partitions,
    fsck_finds,
]


def main() -> int:
    passed = failed = 0
    wanted = sys.argv[1:]
    for case in CASES:
        if wanted and case.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(pathlib.Path(folder))
                passed += 1
            except Exception as problem:
                failed += 1
                print(f"FAILED {case.__name__}: {type(problem).__name__}: {problem}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

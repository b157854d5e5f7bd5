#!/usr/bin/env python3
"""Joins whose right side does not fit in memory: random tables and statements, with --memory-limit at a fraction of what they
take, against the same statement with all the memory: the same rows.

Keys of one to three columns (numbers, texts, dates, decimals), NULLs on both sides, inner and left joins with and without
more conditions, two and three joins in a row, a key that a third of the rows has, grouped and as they are, relations read by others.
explain --analyze has to say that parts were made, and that some were parted again."""

import decimal
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = os.environ["FREIGHTLAKE"]
TABLES, QUERIES = (12, 40) if os.environ.get("FREIGHTLAKE_SLOW") else (3, 10)
LIMITS = ["3MB", "4MB", "6MB"]
KEYS = ["k", "name", "day", "price"]


def make_table(rng: random.Random, rows: int, heavy: float) -> pa.Table:
    some = lambda make: [None if rng.random() < 0.04 else make() for _ in range(rows)]  # noqa: E731
    many = rng.choice([rows // 3, rows, rows * 4]) + 1
    key = lambda: 7 if rng.random() < heavy else rng.randrange(many)  # noqa: E731
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "k": pa.array(some(key), pa.int64()),
            "name": pa.array(some(lambda: f"{key():x}" + "-lane" * rng.randrange(4)), pa.string()),
            "day": pa.array(some(lambda: rng.randrange(0, many)), pa.date32()),
            "price": pa.array(some(lambda: decimal.Decimal(rng.randrange(many)).scaleb(-2)), pa.decimal128(12, 2)),
            "n": pa.array(some(lambda: rng.randrange(100)), pa.int32()),
            "flag": pa.array(some(lambda: rng.random() < 0.5), pa.bool_()),
        }
    )


def on(rng: random.Random, left: str, right: str) -> str:
    keys = rng.sample(KEYS, rng.choice([1, 1, 1, 2, 3]))
    if len(keys) == 1 and keys[0] == "k" and rng.random() < 0.3:
        return f"{left}.k = {right}.id"
    more = rng.choice(["", "", f" AND {left}.n < {right}.n", f" AND {right}.flag"])
    return " AND ".join(f"{left}.{key} = {right}.{key}" for key in keys) + more


def statement(rng: random.Random) -> str:
    join = lambda: rng.choice(["JOIN", "LEFT JOIN"])  # noqa: E731
    source = f"t AS a {join()} u AS b ON {on(rng, 'a', 'b')}"
    last = "b"
    if rng.random() < 0.5:
        source += f" {join()} v AS c ON {on(rng, rng.choice('ab'), 'c')}"
        last = "c"
    where = rng.choice(["", "", " WHERE a.n < 60", f" WHERE coalesce({last}.n, 1) <> 5"])
    match rng.randrange(4):
        case 0:
            return f"SELECT a.id, b.id AS other, {last}.name, {last}.price, a.day FROM {source}{where}"
        case 1:
            return f"SELECT a.flag, {last}.n, count(*) AS rows, sum(b.id) AS s, max({last}.name) AS m FROM {source}{where} GROUP BY a.flag, {last}.n"  # fmt: skip
        case 2:
            return f"SELECT count(*) AS rows, count({last}.id) AS found, sum(b.price) AS p FROM {source}{where}"
    return f"WITH w AS (SELECT a.id AS id, {last}.id AS other, {last}.name AS name FROM {source}{where}) SELECT x.id, y.name, count(*) AS rows FROM w AS x JOIN w AS y ON x.other = y.id GROUP BY x.id, y.name HAVING x.id % 50 = 0"  # fmt: skip


def run(sql: str, folder: pathlib.Path, *more: str, command=("query",)) -> subprocess.CompletedProcess:
    for name in "tuv":
        sql = sql.replace(f" {name} AS ", f" '{folder}/{name}.parquet' AS ")
    return subprocess.run(
        [PROGRAM, *command, sql, *more], capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip


def compare(rng: random.Random, sql: str, folder: pathlib.Path, seen: dict[str, int]) -> str | None:
    whole = run(sql, folder, "--format", "csv")
    if whole.returncode:
        return whole.stderr
    threads, limit = rng.choice(["1", "2", "3"]), rng.choice(LIMITS)
    options = ["--threads", threads, "--memory-limit", limit, "--spill-dir", str(folder)]
    part = run(sql, folder, "--format", "csv", *options)
    if part.returncode == 4 and ("grouping" in part.stderr or "a grouped result" in part.stderr):
        seen["groups do not fit"] += 1
        return None
    if part.returncode:
        return f"{limit}, {threads} threads: {part.stderr}"
    if sorted(whole.stdout.splitlines()) != sorted(part.stdout.splitlines()):
        return f"{limit}, {threads} threads: {part.stdout.count(chr(10))} lines, {whole.stdout.count(chr(10))} with all the memory, or others"
    plan = run(sql, folder, *options, command=("explain", "--analyze")).stdout
    seen["parts"] += " parts" in plan
    seen["parted again"] += "parted again" in plan
    return None


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = 0
    seen = {"parts": 0, "parted again": 0, "groups do not fit": 0}
    print(f"seed {seed}")
    for _ in range(TABLES):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for table in "tuv":
                rows = rng.choice([0, 1, 30000, 40000, 60000]) if table != "u" else 50000
                heavy = rng.choice([0, 0.3]) if table == "u" else 0  # in one only: pairs are a product
                pq.write_table(make_table(rng, rows, heavy), folder / f"{table}.parquet", row_group_size=4000)
            for _ in range(QUERIES):
                sql = statement(rng)
                problem = compare(rng, sql, folder, seen)
                passed += problem is None
                failed += problem is not None
                if problem:
                    print(f"FAILED: {sql}\n  {problem}")
            if left := [path.name for path in folder.iterdir() if path.suffix != ".parquet"]:
                failed += 1
                print(f"FAILED: left behind: {left}")
    print(", ".join(f"{what}: {n}" for what, n in seen.items()))
    if not seen["parts"] or (TABLES > 3 and not seen["parted again"]) or seen["groups do not fit"] > passed / 2:
        failed += 1
        print("FAILED: too few of these statements spilled")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""ORDER BY with LIMIT, whose rows are kept while all others go by, against the same statement without LIMIT, which sorts all:
random tables with ties, NULLs, NaN, both zeros and long texts, from files of one row group or many."""

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
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
TABLES, QUERIES = (20, 40) if SLOW else (4, 12)
KEYS = ["few", "d", "text", "i", "day", "flag", "d * 2", "coalesce(text, 'none')", "lower(text)", "i % 7"]


def make_table(rng: random.Random, rows: int) -> pa.Table:
    some = lambda make: [None if rng.random() < 0.05 else make() for _ in range(rows)]  # noqa: E731
    odd = [float("nan"), 0.0, -0.0, float("inf"), -float("inf"), 1e300]
    return pa.table(
        {
            "few": pa.array(some(lambda: rng.choice(["FedEx", "Amazon Logistics", "Amazon Fresh", "UPS", ""])), pa.string()),
            "d": pa.array(some(lambda: rng.choice(odd) if rng.random() < 0.02 else rng.randrange(900) / 8), pa.float64()),
            "text": pa.array(some(lambda: "SH" * rng.randrange(6) + str(rng.randrange(rows))), pa.string()),
            "i": pa.array(some(lambda: rng.randrange(-50, 50) * 10**9), pa.int64()),
            "day": pa.array(some(lambda: rng.randrange(19000, 19030)), pa.date32()),
            "flag": pa.array(some(lambda: rng.random() < 0.5), pa.bool_()),
        }
    )  # fmt: skip


def rows_of(folder: pathlib.Path, sql: str, *more: str) -> list[str] | str:
    done = subprocess.run(
        [PROGRAM, "query", sql, "--format", "csv", *more],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()[1:] if done.returncode == 0 else done.stderr


def statement(rng: random.Random) -> str:
    keys = ", ".join(
        key + rng.choice(["", " DESC", " NULLS LAST", " DESC NULLS FIRST"])
        for key in rng.sample(KEYS, rng.choice([1, 1, 2, 3]))
    )
    columns = ", ".join(rng.sample(["few", "d", "text", "i", "day", "flag", "d + 1 AS e"], rng.randrange(1, 7)))
    where = rng.choice(["", "", " WHERE i > 0", " WHERE few = 'UPS' OR flag"])
    return f"SELECT {columns} FROM 't*.parquet'{where} ORDER BY {keys}"


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = 0
    print(f"seed {seed}")
    for _ in range(TABLES):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for part in range(rng.choice([1, 3])):
                table = make_table(rng, rng.choice([0, 1, 700, 30000]))
                pq.write_table(
                    table, folder / f"t{part}.parquet",
                    row_group_size=rng.choice([500, 2**20]), use_dictionary=rng.random() < 0.7,
                )  # fmt: skip
            for _ in range(QUERIES):
                sql = statement(rng)
                limit, offset = rng.choice([0, 1, 2, 20, 999, 5000, 65000]), rng.choice([0, 0, 1, 700])
                want = rows_of(folder, sql)
                want = want[offset : offset + limit] if isinstance(want, list) else want
                got = rows_of(folder, f"{sql} LIMIT {limit} OFFSET {offset}", "--threads", rng.choice(["1", "2", "5"]))
                passed += got == want
                if got != want:
                    failed += 1
                    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
                    print(f"FAILED: {sql} LIMIT {limit} OFFSET {offset}: {len(got)} and {len(want)} rows, from {at} on "
                          f"{got[at:at + 2]} is not {want[at:at + 2]}")  # fmt: skip
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

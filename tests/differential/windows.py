#!/usr/bin/env python3
"""Window functions over random tables, against DuckDB: NULLs, NaN, infinities, ties, one row, none, texts, decimals, dates,
frames within, across and outside the partition, windows over groups and several windows in one SELECT.

The adapter: where NULLs go is written in both (the defaults differ); rows are compared unordered; what depends on the order
of rows that are equal in all keys (row_number, ntile, lag, lead, first_value, last_value, frames of ROWS) is ordered by a
unique column at last.  Doubles are eighths, whose sums are exact in both."""

import datetime
import decimal
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"skipped: {missing}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = os.environ["FREIGHTLAKE"]
TABLES, QUERIES = (30, 60) if os.environ.get("FREIGHTLAKE_SLOW") else (5, 30)
KEYS = ["carrier", "day", "delay", "flag", "weight", "cost", "lower(carrier)", "delay % 3"]
VALUES = ["weight", "delay", "cost", "day", "carrier", "flag"]
NUMBERS = ["weight", "delay", "cost", "weight + 1", "CASE WHEN flag THEN delay END"]


def make_table(rng: random.Random) -> pa.Table:
    rows = rng.choice([0, 1, 7, 400, 3000, 40000])
    some = lambda make: [None if rng.random() < 0.08 else make() for _ in range(rows)]  # noqa: E731
    odd = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0]
    many = rng.choice([3, 50, 5000])
    return pa.table(
        {
            "id": pa.array(rng.sample(range(rows * 3), rows), pa.int64()),
            "carrier": pa.array(some(lambda: rng.choice(["FedEx", "UPS", "", "Zürich"]) + str(rng.randrange(many))), pa.string()),
            "weight": pa.array(some(lambda: rng.choice(odd) if rng.random() < 0.002 else rng.randrange(-400, 900) / 8), pa.float64()),
            "delay": pa.array(some(lambda: rng.randrange(-2, 9)), pa.int32()),
            "cost": pa.array(some(lambda: decimal.Decimal(rng.randrange(-(10**6), 10**9)).scaleb(-4)), pa.decimal128(18, 4)),
            "day": pa.array(some(lambda: datetime.date(2025, 1, 1) + datetime.timedelta(days=rng.randrange(40))), pa.date32()),
            "flag": pa.array(some(lambda: rng.random() < 0.5), pa.bool_()),
        }
    )  # fmt: skip


def bound(rng: random.Random, start: bool) -> tuple[tuple[int, int], str]:
    """A bound, and what says which of two is earlier."""
    n = rng.choice([0, 1, 2, 7, 100, 10**6])
    ways = [
        ((-2, 0), "UNBOUNDED PRECEDING") if start else ((2, 0), "UNBOUNDED FOLLOWING"),
        ((-1, -n), f"{n} PRECEDING"),
        ((0, 0), "CURRENT ROW"),
        ((1, n), f"{n} FOLLOWING"),
    ]
    return rng.choice(ways)


def frame(rng: random.Random) -> str:
    while (first := bound(rng, True))[0] > (last := bound(rng, False))[0]:
        continue
    return f" ROWS BETWEEN {first[1]} AND {last[1]}"


def window(rng: random.Random, ordered: bool, total: bool, framed: bool) -> str:
    keys = rng.sample(KEYS, rng.choice([0, 1, 1, 2]))
    order = rng.sample(KEYS, rng.choice([1, 1, 2])) if ordered else []
    sorts = [
        f"{key}{rng.choice(['', ' DESC'])} {rng.choice(['NULLS FIRST', 'NULLS LAST'])}"
        for key in [*order, *(["id"] if total else [])]
    ]
    parts = [f"PARTITION BY {', '.join(keys)}"] if keys else []
    parts += [f"ORDER BY {', '.join(sorts)}"] if sorts else []
    return f"({' '.join(parts)}{frame(rng) if framed else ''})"


def call(rng: random.Random) -> str:
    kind = rng.choice(["rank", "numbered", "neighbour", "end", "aggregate", "aggregate", "moving", "moving", "range"])
    match kind:
        case "rank":
            name = rng.choice(["rank()", "dense_rank()", "percent_rank()", "cume_dist()"])
            return f"{name} OVER {window(rng, True, rng.random() < 0.3, False)}"
        case "numbered":
            name = rng.choice(["row_number()", f"ntile({rng.choice([1, 2, 3, 10, 5000])})"])
            return f"{name} OVER {window(rng, True, True, False)}"
        case "neighbour":
            value = rng.choice(VALUES)
            more = rng.choice(["", f", {rng.choice([0, 1, 2, 50])}", f", 2, {value}"])
            return f"{rng.choice(['lag', 'lead'])}({value}{more}) OVER {window(rng, True, True, False)}"
        case "end":
            name = rng.choice(["first_value", "last_value"])
            return f"{name}({rng.choice(VALUES)}) OVER {window(rng, True, True, rng.random() < 0.7)}"
        case "range":
            ends = rng.choice(["UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "CURRENT ROW AND CURRENT ROW",
                               "CURRENT ROW AND UNBOUNDED FOLLOWING"])  # fmt: skip
            return f"{aggregate(rng)} OVER {window(rng, True, False, False)[:-1]} RANGE BETWEEN {ends})"
        case "moving":
            return f"{aggregate(rng)} OVER {window(rng, True, True, True)}"
    return f"{aggregate(rng)} OVER {window(rng, rng.random() < 0.6, False, False)}"


def aggregate(rng: random.Random) -> str:
    name = rng.choice(["sum", "avg", "min", "max", "count", "count(*)"])
    if name == "count(*)":
        return name
    return f"{name}({rng.choice(NUMBERS if name in ('sum', 'avg') else VALUES)})"


def statement(rng: random.Random) -> str:
    where = rng.choice(["", "", " WHERE delay > 0", " WHERE carrier < 'G' OR flag"])
    if rng.random() < 0.2:
        windows = [
            "rank() OVER (ORDER BY count(*) DESC NULLS LAST)",
            "sum(count(*)) OVER (PARTITION BY flag)",
            "lag(max(delay)) OVER (ORDER BY day NULLS FIRST, flag NULLS FIRST)",
            "count(*) * 100 / sum(count(*)) OVER ()",
            "sum(sum(delay)) OVER (PARTITION BY flag ORDER BY day NULLS FIRST)",
        ]
        chosen = ", ".join(f"{each} AS c{i}" for i, each in enumerate(rng.sample(windows, 3)))
        return f"SELECT day, flag, {chosen} FROM t{where} GROUP BY day, flag"
    chosen = ", ".join(f"{call(rng)} AS c{i}" for i in range(rng.randint(1, 4)))
    return f"SELECT id, {chosen} FROM t{where}"


def plain(value):
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return value.isoformat() if isinstance(value, datetime.date) else value


def same(a, b) -> bool:
    if isinstance(a, (float, decimal.Decimal)) and isinstance(b, (float, decimal.Decimal)):
        return a == b or math.isclose(float(a), float(b), rel_tol=1e-11, abs_tol=1e-12)
    return a == b


def rows_of(table: pa.Table, keys: int) -> dict[tuple, tuple]:
    columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    return {row[:keys]: row[keys:] for row in zip(*columns, strict=True)}


def compare(sql: str, folder: pathlib.Path, threads: str) -> str | None:
    files = str(folder / "t*.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW t AS SELECT * FROM '{files}'")
        want = connection.sql(sql).to_arrow_table()
    done = subprocess.run(
        [PROGRAM, "query", sql.replace("FROM t", f"FROM '{files}'"), "-o", "out.parquet", "--threads", threads],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return done.stderr
    got = pq.read_table(folder / "out.parquet")
    keys = 2 if "GROUP BY" in sql else 1
    ours, theirs = rows_of(got, keys), rows_of(want, keys)
    if ours.keys() != theirs.keys():
        return f"{len(ours)} rows instead of {len(theirs)}"
    for key, row in ours.items():
        if not all(map(same, row, theirs[key])):
            return f"{key}: {row} instead of {theirs[key]}"
    return None


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = 0
    print(f"seed {seed}")
    for _ in range(TABLES):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            pq.write_table(make_table(rng), folder / "t.parquet", row_group_size=rng.choice([50, 2**20]))
            for _ in range(QUERIES):
                sql = statement(rng)
                problem = compare(sql, folder, rng.choice(["1", "2", "5"]))
                passed += problem is None
                failed += problem is not None
                if problem:
                    print(f"FAILED: {sql}\n  {problem}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

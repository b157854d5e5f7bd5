#!/usr/bin/env python3
"""Queries in expressions over random tables, against DuckDB: x IN and NOT IN with NULLs on either side and empty queries, values
of one row in the list, in WHERE and HAVING, beside joins, groups and windows."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
    import pyarrow.parquet as pq
    import windows
except ImportError as missing:
    print(f"skipped: {missing}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = os.environ["FREIGHTLAKE"]
TABLES, QUERIES = (30, 80) if os.environ.get("FREIGHTLAKE_SLOW") else (5, 30)
TESTS = ["delay", "carrier", "day", "cost", "delay + 1", "lower(carrier)", "flag", "weight"]
FILTERS = ["delay > 4", "delay = 3", "carrier < 'F'", "flag", "delay IS NOT NULL", "weight > 20 AND carrier IS NOT NULL",
           "delay > 1000", "id % 7 = 0"]  # fmt: skip
VALUES = ["max(delay)", "min(delay)", "count(*)", "avg(delay)", "sum(delay)", "max(delay) FILTER (WHERE delay > 1000)"]


def where(rng: random.Random) -> str:
    return f" WHERE {rng.choice(FILTERS)}" if rng.random() < 0.8 else ""


def value(rng: random.Random) -> str:
    return f"(SELECT {rng.choice(VALUES)} FROM {rng.choice('tu')}{where(rng)})"


def test_in(rng: random.Random, side: str) -> str:
    column = rng.choice(TESTS)
    prefixed = column.replace("delay", f"{side}delay").replace("carrier", f"{side}carrier")
    prefixed = prefixed if prefixed != column or not side else f"{side}{column}"
    inner = rng.choice([f"SELECT {column} FROM {rng.choice('tu')}{where(rng)}",
                        f"SELECT {column} AS v FROM u{where(rng)} GROUP BY {column} HAVING count(*) > 1",
                        f"WITH w AS (SELECT {column} AS v FROM t{where(rng)}) SELECT v FROM w"])  # fmt: skip
    return f"{prefixed} {rng.choice(['IN', 'IN', 'NOT IN'])} ({inner})"


def statement(rng: random.Random) -> str:
    match rng.randrange(6):
        case 0:
            tests = " AND ".join(test_in(rng, "") for _ in range(rng.choice([1, 1, 2])))
            return f"SELECT id, carrier FROM t WHERE {tests}{rng.choice(['', ' AND delay > 0', ' AND NOT flag'])}"
        case 1:
            return f"SELECT id, delay - {value(rng)} AS a, {value(rng)} AS b FROM t{where(rng)}"
        case 2:
            return f"SELECT id, delay FROM t WHERE delay >= {value(rng)} AND {test_in(rng, '')}"
        case 3:
            having = f" HAVING count(*) > {value(rng)} % 5" if rng.random() < 0.6 else ""
            return f"SELECT day AS k, flag, count(*) AS n, sum(delay) + {value(rng)} AS s FROM t WHERE {test_in(rng, '')} GROUP BY day, flag{having}"  # fmt: skip
        case 4:
            join = rng.choice(["JOIN", "LEFT JOIN"])
            return f"SELECT a.id, b.id AS other FROM t AS a {join} u AS b ON a.id = b.id WHERE {test_in(rng, 'a.')} AND coalesce(b.delay, 1) <> {value(rng)}"  # fmt: skip
    return f"SELECT id, rank() OVER (ORDER BY delay NULLS FIRST) AS r FROM t WHERE {test_in(rng, '')}"


def compare(sql: str, folder: pathlib.Path, threads: str) -> str | None:
    with duckdb.connect() as connection:
        for name in "tu":
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}.parquet'")
        want = connection.sql(sql).to_arrow_table()
    for name in "tu":
        sql = sql.replace(f"FROM {name}", f"FROM '{folder}/{name}.parquet'").replace(
            f"JOIN {name}", f"JOIN '{folder}/{name}.parquet'"
        )
    done = subprocess.run(
        [PROGRAM, "query", sql, "-o", "out.parquet", "--threads", threads],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return done.stderr
    keys = 2 if "AS k, flag" in sql else 1
    ours, theirs = (windows.rows_of(table, keys) for table in (pq.read_table(folder / "out.parquet"), want))
    if ours.keys() != theirs.keys():
        return f"{len(ours)} rows instead of {len(theirs)}"
    wrong = [key for key, row in ours.items() if not all(map(windows.same, row, theirs[key]))]
    return f"{wrong[0]}: {ours[wrong[0]]} instead of {theirs[wrong[0]]}" if wrong else None


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = 0
    print(f"seed {seed}")
    for _ in range(TABLES):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for table in "tu":
                pq.write_table(windows.make_table(rng), folder / f"{table}.parquet", row_group_size=2**15)
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

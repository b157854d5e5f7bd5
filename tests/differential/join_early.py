#!/usr/bin/env python3
"""Joins in a row over tables long enough for rows to be dropped early, for want of a partner further up, against DuckDB: keys
of the scan, keys that equal one by way of another join's, inner and left joins mixed, selective ones last or first, NULLs, NaN,
both zeros, texts, several partners.  explain --analyze has to say that some rows were dropped early."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
except ImportError as missing:
    print(f"skipped: {missing}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = os.environ["FREIGHTLAKE"]
TABLES, QUERIES = (10, 30) if os.environ.get("FREIGHTLAKE_SLOW") else (2, 9)
TYPES = {"i": "BIGINT", "s": "VARCHAR", "d": "DOUBLE"}


def make_tables(rng: random.Random, folder: pathlib.Path) -> None:
    """t is what is scanned; a, b, c are held: keys i, s, d of the same values, each in another order."""
    connection = duckdb.connect()
    keys = rng.choice([300, 20000])
    for name in "tabc":
        rows = rng.choice([400000, 500000]) if name == "t" else rng.choice([0, 5, keys // 20, keys, keys * 2])
        chosen = [rng.randrange(10**9) for _ in range(4)]
        number = "CASE WHEN hash(r + {}) % 50 = 0 THEN NULL ELSE (hash(r + {}) % " + str(keys) + ")::BIGINT END"
        i, s, d = (number.format(rng.randrange(10**9), seed) for seed in chosen[:3])
        connection.execute(f"""
            COPY (SELECT r::BIGINT AS id, ({i})::BIGINT AS i, 'lane ' || ({s})::VARCHAR AS s,
                         CASE ({d}) WHEN 0 THEN -0.0 WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN 0.0 ELSE ({d}) / 4 END AS d,
                         (hash(r + {chosen[3]}) % 10)::INT AS n
                  FROM range({rows}) AS x(r)) TO '{folder}/{name}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 40000)""")


def statement(rng: random.Random) -> str:
    source, known = "t", ["t"]
    for name in rng.sample("abc", rng.choice([2, 3, 3])):
        key, left = rng.choice("iisd"), rng.choice(known)
        more = rng.choice(["", "", "", f" AND {name}.n < 2", f" AND {left}.n <> {name}.n"])
        source += f" {rng.choice(['JOIN', 'JOIN', 'LEFT JOIN'])} {name} ON {left}.{key} = {name}.{key}{more}"
        known.append(name)
    last = known[-1]
    where = rng.choice(["", "", " WHERE t.n < 5", f" WHERE {last}.n = 1", f" WHERE {last}.id < 40"])
    return f"SELECT t.n AS g, count(*) AS rows, sum(t.id) AS s, count({last}.id) AS found, max({last}.s) AS m, sum({known[1]}.id) AS o FROM {source}{where} GROUP BY t.n"  # fmt: skip


def ours(sql: str, folder: pathlib.Path, command: list[str], *more: str) -> subprocess.CompletedProcess:
    for name in "tabc":
        sql = sql.replace(f"FROM {name} ", f"FROM '{folder}/{name}.parquet' AS {name} ")
        sql = sql.replace(f"JOIN {name} ", f"JOIN '{folder}/{name}.parquet' AS {name} ")
    return subprocess.run([PROGRAM, *command, sql, *more], capture_output=True, text=True, timeout=300, check=False)


def compare(sql: str, folder: pathlib.Path, threads: str) -> str | None:
    with duckdb.connect() as connection:
        for name in "tabc":
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}.parquet'")
        want = sorted(",".join("" if v is None else str(v) for v in row) for row in connection.sql(sql).fetchall())
    done = ours(sql, folder, ["query"], "--format", "csv", "--threads", threads)
    have = sorted(done.stdout.splitlines()[1:])
    if done.returncode or want != have:
        return f"{threads} threads: {done.stderr or have[:3]} instead of {want[:3]}"
    return None


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = dropped = 0
    print(f"seed {seed}")
    for _ in range(TABLES):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_tables(rng, folder)
            fixed = "SELECT t.n AS g, count(*) AS rows, sum(c.id) AS s FROM t JOIN a ON t.i = a.i JOIN c ON a.i = c.i AND c.n < 1 WHERE t.n < 8 GROUP BY t.n"  # fmt: skip
            for sql in [fixed, *(statement(rng) for _ in range(QUERIES))]:
                problem = compare(sql, folder, rng.choice(["1", "2"]))
                passed += problem is None
                failed += problem is not None
                if problem:
                    print(f"FAILED: {sql}\n  {problem}")
                dropped += "dropped before" in ours(sql, folder, ["explain", "--analyze"], "--threads", "1").stdout
    print(f"rows dropped early: {dropped}")
    if not dropped:
        failed += 1
        print("FAILED: no statement dropped rows early")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Queries over Delta tables that delta-rs wrote, against DuckDB over what delta-rs reads.

Tables are partitioned by columns of several types (NULL among the values), get columns later, lose rows, and have many
small files; every query is asked of the newest version and of an earlier one.  Which files may be skipped is decided
from the log, so filters on partition columns and on columns with statistics are asked most.  Each table is also joined with
the one before it, where a filter on one of them must not rule files of the other out.
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

try:
    import deltalake
    import duckdb
    import pyarrow as pa
except ImportError as missing:
    print(f"skipped: {missing}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = os.environ["FREIGHTLAKE"]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.SystemRandom().randrange(2**31))
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
TABLES, QUERIES = (40, 60) if SLOW else (8, 25)

TYPES = {
    "client": pa.string(),
    "year": pa.int32(),
    "day": pa.date32(),
    "flag": pa.bool_(),
    "carrier": pa.string(),
    "weight": pa.float64(),
    "cost": pa.decimal128(18, 4),
    "delay": pa.int32(),
    "big": pa.int64(),
    "seen": pa.timestamp("us", "UTC"),
    "later": pa.int32(),
}
PARTITIONS = ["client", "year", "day", "flag"]
WORDS = ["emart", "a b", "x=y", "50 %", "Zürich/1", "quote'", "colon: {x}", "#?&"]
START = datetime.date(2025, 1, 1)
NOON = datetime.datetime(2025, 1, 1, 12, tzinfo=datetime.UTC)


def value(rng: random.Random, column: str):
    if rng.random() < 0.12:
        return None
    match column:
        case "client":
            return rng.choice(WORDS)
        case "year":
            return rng.randint(2020, 2024)
        case "day":
            return START + datetime.timedelta(days=rng.randint(0, 4))
        case "flag":
            return rng.random() < 0.5
        case "carrier":
            return rng.choice(["FedEx", "UPS", "DHL", "", "a long name of a carrier that no bound holds in full " * 2])
        case "weight":
            # eighths, whose sums are exact in DuckDB, too, which loses what cancels
            return rng.choice([0.0, -1.5, rng.randrange(400) / 8, 2.0**40, -0.125])
        case "cost":
            return decimal.Decimal(rng.randint(-50, 10**7)).scaleb(-4)
        case "big":
            return rng.randint(-(2**40), 2**40)
        case "seen":
            return NOON + datetime.timedelta(microseconds=rng.randint(0, 10**10))
        case _:
            return rng.randint(-1, 4)


def part(rng: random.Random, columns: list[str]) -> pa.Table:
    rows = rng.choice([1, 30, 400])
    if rng.random() < 0.4:  # values of a file close together: there is something to skip
        pool = {name: [value(rng, name) for _ in range(2)] for name in columns}
        return pa.table(
            {name: pa.array([rng.choice(pool[name]) for _ in range(rows)], TYPES[name]) for name in columns}
        )
    return pa.table({name: pa.array([value(rng, name) for _ in range(rows)], TYPES[name]) for name in columns})


def write_table(rng: random.Random, path: str) -> list[str]:
    """A table of several versions; its partition columns."""
    partitions = rng.sample(PARTITIONS, rng.randint(0, 2))
    columns = [name for name in TYPES if name != "later"]
    for version in range(rng.randint(2, 6)):
        if version >= 2:
            columns = list(TYPES)
        deltalake.write_deltalake(
            path, part(rng, columns), mode="append", schema_mode="merge", partition_by=partitions or None
        )
    if rng.random() < 0.5:
        deltalake.DeltaTable(path).delete("delay = 2")
    if rng.random() < 0.3:
        deltalake.DeltaTable(path).create_checkpoint()
    return partitions


FILTERS = [
    "client = 'emart'",
    "client IS NULL",
    "client >= 'b' AND client < 'y'",
    "client <> 'x=y'",
    "year = 2021",
    "year > 2022 AND delay >= 1",
    "year IS NULL OR year = 2020",
    "day = DATE '2025-01-03'",
    "day > DATE '2025-01-02' AND day IS NOT NULL",
    "flag",
    "NOT flag",
    "flag IS NULL",
    "weight > 40",
    "weight <= 0",
    "weight IS NULL",
    "cost < 1",
    "carrier = 'DHL'",
    "carrier > 'a'",
    "delay = 4",
    "big < 0",
    "seen >= TIMESTAMP '2025-01-01 14:00:00Z'",
    "client = 'emart' AND weight > 10 AND delay < 3",
]
KEYS = ["client", "year", "day", "flag", "carrier", "delay"]
CALLS = [
    "count(*)",
    "count(weight)",
    "sum(delay)",
    "sum(cost)",
    "sum(weight)",
    "avg(weight)",
    "min(client)",
    "max(day)",
    "min(year)",
    "max(carrier)",
    "min(cost)",
    "max(seen)",
    "count(*) FILTER (WHERE year > 2021)",
    "min(big)",
    "count(DISTINCT client)",
]


def statement(rng: random.Random, columns: list[str]) -> str:
    later = "later" in columns
    filters = FILTERS + (["later IS NULL", "later = 3", "later > 1 AND client IS NOT NULL"] if later else [])
    calls = CALLS + (["sum(later)", "count(later)", "max(later)"] if later else [])
    where = f" WHERE {rng.choice(filters)}" if rng.random() < 0.75 else ""
    if rng.random() < 0.35:
        names = rng.sample(columns, rng.randint(1, len(columns)))
        return f"SELECT {', '.join(names)} FROM NEWEST{where}"
    keys = rng.sample(KEYS + (["later"] if later else []), rng.randint(0, 3))
    outputs = keys + [f"{call} AS c{i}" for i, call in enumerate(rng.sample(calls, rng.randint(1, 5)))]
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"SELECT {', '.join(outputs)} FROM NEWEST{where}{group}"


def joined_statement(rng: random.Random) -> str:
    """Over NEWEST and OTHER, both in full, or one of them twice."""
    left, right = rng.choice([("NEWEST", "OTHER"), ("NEWEST", "OTHER"), ("NEWEST", "NEWEST")])
    keys = rng.sample(["client", "year", "day", "flag", "carrier"], rng.randint(1, 3))
    on = " AND ".join(f"a.{key} = b.{key}" for key in [*keys, "delay"])
    names = re.compile(r"\b(client|year|day|flag|weight|cost|carrier|delay|big|seen)\b(?! ')")
    wheres = [names.sub(rf"{side}.\1", rng.choice(FILTERS)) for side in "ab" if rng.random() < 0.6]
    where = f" WHERE {' AND '.join(f'({each})' for each in wheres)}" if wheres else ""
    return (
        f"SELECT a.{keys[0]} AS k, count(*) AS n, count(b.big) AS m, sum(b.cost) AS s, max(a.seen) AS t "
        f"FROM {left} AS a {rng.choice(['JOIN', 'LEFT JOIN'])} {right} AS b ON {on}{where} GROUP BY a.{keys[0]}"
    )


def plain(item):
    """A value of either side in one form."""
    if isinstance(item, datetime.datetime):
        text = item.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return text.rstrip("0").rstrip(".")
    if isinstance(item, datetime.date):
        return item.isoformat()
    if isinstance(item, bool) or item is None or isinstance(item, str):
        return item
    return float(item) if isinstance(item, float) else decimal.Decimal(item)


def order(row: tuple) -> tuple:
    """Numbers that differ in their last digits stand side by side."""
    return tuple(
        (item is None, str(item) if isinstance(item, (str, bool, type(None))) else f"{float(item):.6g}") for item in row
    )


def same(a, b) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(float(a), float(b), rel_tol=1e-11, abs_tol=1e-300)
    return a == b


def ours(sql: str, options: list[str]) -> list[tuple]:
    done = subprocess.run(
        [PROGRAM, "query", sql, "--format", "ndjson", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr.strip())
    return [
        tuple(plain(item) for item in json.loads(line, parse_float=decimal.Decimal).values())
        for line in done.stdout.splitlines()
    ]


def times(rows: list[tuple]) -> list[tuple]:
    """Timestamps print with a zone or without; both mean UTC."""

    def one(item):
        if isinstance(item, str) and item.startswith("2025-") and len(item) > 12:
            text = item.replace("T", " ").removesuffix("Z").removesuffix("+00:00")
            return text.rstrip("0").rstrip(".") if "." in text else text
        return item

    return [tuple(one(item) for item in row) for row in rows]


def compare(sql: str, paths: dict[str, str], tables: dict[str, pa.Table], options: list[str]) -> str | None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, data in tables.items():
            connection.register(name, data)
        result = connection.sql(sql).to_arrow_table()
        columns = [[plain(item) for item in column.to_pylist()] for column in result.columns]
        expected = list(zip(*columns, strict=True))
    try:
        got = ours(re.sub("NEWEST|OTHER", lambda name: f"'{paths[name[0]]}'", sql), options)
    except AssertionError as failure:
        return str(failure)
    left, right = sorted(times(got), key=order), sorted(times(expected), key=order)
    if len(left) != len(right):
        return f"{len(left)} rows instead of {len(right)}"
    for a, b in zip(left, right, strict=True):
        if not all(map(same, a, b)):
            return f"{a} instead of {b}"
    return None


def say(*words: str) -> tuple[int, str]:
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def check_names(folder: pathlib.Path) -> list[str]:
    """Tables of a lake by their names; what is wrong with the answers."""
    lake = str(folder / "lake")
    say("init", lake)
    mart = folder / "lake" / "marts" / "carrier_performance"
    for number in (2, 3, 1):  # several files, in no order
        row = {"carrier": [f"C{number}"], "total_shipments": [number], "avg_delay_days": [float(number)]}
        deltalake.write_deltalake(str(mart), pa.table(row), mode="append")
    wanted = {
        ("query", "SELECT count(*) AS n FROM carrier_performance", "--format", "csv"): (0, "n\n3\n"),
        ("query", "SELECT count(*) AS n FROM shipments", "--format", "csv"): (0, "n\n0\n"),
        ("query", "SELECT count(*) AS n FROM quarantine", "--format", "csv"): (0, "n\n0\n"),
        ("query", "SELECT count(*) AS n FROM carrier_performance", "--version", "0", "--format", "csv"): (0, "n\n1\n"),
        ("show", "carrier_performance", "--format", "csv"): (
            0,
            "carrier,total_shipments,avg_delay_days\nC1,1,1.0\nC2,2,2.0\nC3,3,3.0\n",
        ),
        ("show", "carrier_performance", "--format", "csv", "--rows", "1", "--version", "1"): (
            0,
            "carrier,total_shipments,avg_delay_days\nC2,2,2.0\n",
        ),
        ("query", "SELECT * FROM carrier_performanc"): (None, "did you mean 'carrier_performance'?"),
        ("query", "SELECT * FROM delay_trends"): (None, "run --mart delay_trends"),
        ("show", "nothing_like_it"): (None, "the tables are shipments, quarantine, carrier_performance"),
        ("query", "SELECT * FROM shipments", "--version", "99"): (None, "version"),
        (
            "query",
            "SELECT count(*) AS n FROM carrier_performance p LEFT JOIN shipments s ON p.carrier = s.carrier",
            "--format",
            "csv",
        ): (0, "n\n3\n"),
        (
            "query",
            "SELECT count(*) AS n FROM carrier_performance p LEFT JOIN shipments s ON p.carrier = s.carrier",
            "--version",
            "0",
        ): (None, "give --as-of TIME"),
        ("query", "SELECT * FROM shipments", "--version", "1", "--as-of", "2026-01-01"): (None, "give one of them"),
        ("query", "SELECT * FROM shipments", "--as-of", "soon"): (None, "is no time"),
    }
    problems = []
    for words, (code, text) in wanted.items():
        ended, said = say("--lake", lake, *words)
        good = (ended == 0 and said == text) if code == 0 else (ended != 0 and text in said)
        if not good:
            problems.append(f"{' '.join(words)}: exit {ended}: {said}")
    return problems


def main() -> int:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        problems = check_names(pathlib.Path(folder))
        for problem in problems:
            print(f"FAILED {problem}")
        failed += len(problems)
        passed += not problems
    with tempfile.TemporaryDirectory() as folder:
        paths, tables = {}, {}
        for number in range(TABLES):
            path = str(pathlib.Path(folder) / f"table {number}")
            paths = {"NEWEST": path, "OTHER": paths.get("NEWEST", path)}
            partitions = write_table(rng, path)
            newest = deltalake.DeltaTable(path).version()
            for version in {newest, rng.randint(0, newest)}:
                data = deltalake.DeltaTable(path, version=version).to_pyarrow_table()
                options = [] if version == newest else ["--version", str(version)]
                for _ in range(QUERIES):
                    sql = statement(rng, data.column_names)
                    problem = compare(sql, paths, {"NEWEST": data}, options)
                    passed += problem is None
                    failed += problem is not None
                    if problem:
                        print(f"FAILED table {number} by {partitions} version {version}: {sql}\n  {problem}")
            newest_data = deltalake.DeltaTable(path).to_pyarrow_table()
            tables = {"NEWEST": newest_data, "OTHER": tables.get("NEWEST", newest_data)}
            for _ in range(QUERIES):
                sql = joined_statement(rng)
                problem = compare(sql, paths, tables, [])
                passed += problem is None
                failed += problem is not None
                if problem:
                    print(f"FAILED table {number} by {partitions} with the one before: {sql}\n  {problem}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

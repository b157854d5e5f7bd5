#!/usr/bin/env python3
"""Freight's own questions, beyond the five marts, side by side with DuckDB: medians and percentiles of lanes, distinct ids, ranks,
the best carrier, groups of many keys, first rows of an order.

usage: questions.py FREIGHTLAKE --from FILES [--rounds N]

Each round runs every question as a process of its own in both, files in and a file out.  The answers are compared before: keys
and counts exactly, other numbers within 1e-9.  DuckDB's plain sums and running means are taken for equal within that.
"""

import argparse
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq

QUESTIONS = {
    "delay by carrier and week, p90": """
        SELECT carrier, trunc(CAST(shipment_date AS DATE), 'week') AS week, count(*) AS n, avg(delay_days) AS mean,
               percentile(delay_days, 0.9) AS p90
        FROM t GROUP BY carrier, trunc(CAST(shipment_date AS DATE), 'week')""",
    "cost of each lane and carrier, median": """
        SELECT origin_warehouse, destination_city, carrier, count(*) AS n,
               sum(shipping_cost) / sum(route_distance_km) AS per_km, percentile(shipping_cost, 0.5) AS median
        FROM t GROUP BY origin_warehouse, destination_city, carrier""",
    "best carrier of each lane": """
        SELECT o, d, c, mean FROM (
            SELECT origin_warehouse AS o, destination_city AS d, carrier AS c, avg(delay_days) AS mean,
                   row_number() OVER (PARTITION BY origin_warehouse, destination_city
                                      ORDER BY avg(delay_days), carrier) AS place
            FROM t GROUP BY origin_warehouse, destination_city, carrier) AS lanes
        WHERE place = 1""",
    "week over week": """
        SELECT c, w, n, n - lag(n) OVER (PARTITION BY c ORDER BY w) AS change FROM (
            SELECT carrier AS c, trunc(CAST(shipment_date AS DATE), 'week') AS w, count(*) AS n
            FROM t GROUP BY carrier, trunc(CAST(shipment_date AS DATE), 'week')) AS weeks""",
    "distinct ids": "SELECT count(DISTINCT shipment_id) AS n FROM t",
    "distinct ids of each carrier": "SELECT carrier, count(DISTINCT shipment_id) AS n FROM t GROUP BY carrier",
    "rows and cost of each id": """
        SELECT shipment_id, count(*) AS n, sum(shipping_cost) AS cost FROM t GROUP BY shipment_id""",
    "two keys, 2 M groups": """
        SELECT route_distance_km, shipment_weight_kg, count(*) AS n FROM t
        GROUP BY route_distance_km, shipment_weight_kg""",
    "twenty dearest": """
        SELECT shipment_id, carrier, shipping_cost FROM t
        ORDER BY shipping_cost DESC, shipment_id, carrier LIMIT 20""",
    "above the carrier's mean": """
        WITH means AS (SELECT carrier AS k, avg(shipping_cost) AS mean FROM t GROUP BY carrier)
        SELECT s.destination_city AS city, count(*) AS n
        FROM t AS s JOIN means ON s.carrier = means.k AND s.shipping_cost > means.mean GROUP BY s.destination_city""",
    "spread and correlation": """
        SELECT carrier, stddev(shipping_cost) AS spread, corr(shipping_cost, route_distance_km) AS with_distance
        FROM t GROUP BY carrier""",
    "late ones of lanes that are late": """
        SELECT destination_city AS city, count(*) AS n FROM t
        WHERE delay_days > (SELECT avg(delay_days) FROM t) AND carrier IN (
            SELECT carrier FROM t GROUP BY carrier HAVING avg(delay_days) > 0.3)
        GROUP BY destination_city""",
}
DUCKDB = "import duckdb, sys; duckdb.sql(f\"COPY ({sys.argv[1]}) TO '{sys.argv[2]}' (FORMAT parquet)\")"


def for_duckdb(sql: str) -> str:
    """The words that DuckDB has for the same."""
    return sql.replace("percentile(", "quantile_cont(").replace(
        "trunc(CAST(shipment_date AS DATE), 'week')", "CAST(date_trunc('week', CAST(shipment_date AS DATE)) AS DATE)"
    )


def timed(command: list[str]) -> float:
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return time.monotonic() - start


def rows_of(path: pathlib.Path) -> list[tuple]:
    rows = list(zip(*[column.to_pylist() for column in pq.read_table(path).columns]))
    return sorted(
        rows, key=lambda row: tuple((v is None, f"{float(v):.9g}" if isinstance(v, float) else str(v)) for v in row)
    )


def same(a, b) -> bool:
    if a is None or b is None or isinstance(a, str):
        return a == b
    return a == b if not isinstance(a, float) else math.isclose(a, float(b), rel_tol=1e-9)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--from", dest="files", required=True, help="a folder of Parquet files")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    wrong = 0
    print(f"\n### Questions over {given.files}\n\n| question | Freightlake s | DuckDB s | x |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = pathlib.Path(name, "ours.parquet"), pathlib.Path(name, "theirs.parquet")
        for question, text in QUESTIONS.items():
            sql = " ".join(text.split()).replace("FROM t", f"FROM '{given.files}/*.parquet'")
            commands = ([given.program, "query", sql, "-o", str(ours)],
                        [sys.executable, "-c", DUCKDB, for_duckdb(sql), str(theirs)])  # fmt: skip
            rounds = [[timed(command) for command in commands] for _ in range(given.rounds)]
            mine, other = rows_of(ours), rows_of(theirs)
            if len(mine) != len(other) or not all(all(map(same, a, b)) for a, b in zip(mine, other)):
                print(f"| {question} | the answers differ | | |")
                wrong += 1
                continue
            a, b = (statistics.median(each) for each in zip(*rounds))
            print(f"| {question} | {a:.3f} | {b:.3f} | {b / a:.2f} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

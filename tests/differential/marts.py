#!/usr/bin/env python3
"""The five marts against DuckDB, over files as pandas, pyarrow and others write them.

Counts, decimals and strings must be equal, doubles within relative 1e-12; the order must be the documented one; the bytes
must be the same for 1, 2 and 7 threads, and the rows the same for shuffled files.
"""

import hashlib
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = os.environ["FREIGHTLAKE"]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.SystemRandom().randrange(2**31))
WAREHOUSES = ["NY_Warehouse", "TX_Warehouse", "CA_Warehouse", "IL_Warehouse"]
CITIES = ["Los Angeles", "Chicago", "Miami", "Seattle", "Boston", "Denver", "Atlanta", "Houston"]
CARRIERS = ["FedEx", "UPS", "DHL", "USPS", "OnTrac", "Ryder", "Amazon Logistics"]

SOURCE = """
  SELECT carrier, origin_warehouse, destination_city, delivery_status,
         CAST(shipment_weight_kg AS DOUBLE) AS shipment_weight_kg, CAST(shipment_volume_m3 AS DOUBLE) AS shipment_volume_m3,
         CAST(route_distance_km AS DOUBLE) AS route_distance_km, CAST(delay_days AS INTEGER) AS delay_days,
         CAST(shipping_cost AS DECIMAL(18, 4)) AS shipping_cost,
         TRY_CAST(shipment_date AS DATE) AS shipment_date, TRY_CAST(delivery_date AS DATE) AS delivery_date
  FROM read_parquet({files})"""
ORACLE = {
    "carrier_performance": """
      SELECT carrier, count(*) AS total_shipments, avg(delay_days) AS avg_delay_days,
             round(CAST(sum(shipping_cost) AS DOUBLE) / count(shipping_cost), 2) AS avg_shipping_cost,
             count(*) FILTER (WHERE delivery_status = 'Delivered') / count(*) * 100 AS on_time_percentage
      FROM s GROUP BY carrier ORDER BY avg_delay_days NULLS FIRST, ALL NULLS FIRST""",
    "route_efficiency": """
      SELECT origin_warehouse, destination_city, count(*) AS total_shipments, avg(route_distance_km) AS avg_distance_km,
             avg(delivery_date - shipment_date) AS avg_delivery_time_days,
             CAST(sum(shipping_cost) AS DOUBLE) / count(shipping_cost) AS avg_shipping_cost
      FROM s GROUP BY ALL""",
    "cost_analysis": """
      SELECT carrier, shipment_weight_kg, shipment_volume_m3, shipping_cost, route_distance_km,
             CAST(shipping_cost AS DOUBLE) / nullif(route_distance_km, 0) AS cost_per_km
      FROM s""",
    "delay_trends": """
      SELECT destination_city, count(*) AS total_shipments,
             CAST(sum(CASE WHEN delay_days > 0 THEN 1 ELSE 0 END) AS BIGINT) AS delayed_shipments,
             sum(CASE WHEN delay_days > 0 THEN 1 ELSE 0 END) / count(*) * 100 AS delay_percentage
      FROM s GROUP BY ALL""",
    "warehouse_demand": """
      SELECT origin_warehouse, destination_city, count(*) AS shipment_count FROM s GROUP BY ALL""",
}
ORACLE["carrier_performance"] = ORACLE["carrier_performance"].rsplit("ORDER BY", 1)[0]
# the leading sort key, and whether it descends (NULLs first ascending, last descending)
KEYS = {
    "carrier_performance": ("avg_delay_days", False),
    "route_efficiency": ("avg_delivery_time_days", False),
    "cost_analysis": ("cost_per_km", False),
    "delay_trends": ("delay_percentage", True),
    "warehouse_demand": ("shipment_count", True),
}


def shipments(rng: np.random.Generator, n: int, with_nulls: bool) -> pd.DataFrame:
    day = pd.Timestamp("2024-12-22")
    shipped = rng.integers(0, 191, n)
    delay = rng.choice(4, n, p=[0.7, 0.15, 0.1, 0.05])
    weight = np.round(rng.uniform(1, 50, n), 1)
    distance = rng.integers(500, 5001, n)
    days = np.array([(day + pd.Timedelta(days=int(i))).strftime("%Y-%m-%d") for i in range(220)], dtype=object)
    frame = pd.DataFrame(
        {
            "shipment_id": ["SH%d" % i for i in rng.integers(1000, 100000, n)],
            "origin_warehouse": rng.choice(WAREHOUSES, n),
            "destination_city": rng.choice(CITIES, n),
            "carrier": rng.choice(CARRIERS, n),
            "shipment_weight_kg": weight,
            "shipment_volume_m3": np.round(rng.uniform(0.1, 1, n), 2),
            "shipment_date": days[shipped],
            "delivery_date": days[shipped + rng.integers(1, 8, n) + delay],
            "shipping_cost": np.round(rng.uniform(10, 30, n) + weight * 0.5 + distance * 0.01, 2),
            "delivery_status": np.where(delay == 0, "Delivered", "Delayed"),
            "delay_days": delay.astype(np.int64),
            "route_distance_km": distance.astype(np.int64),
        }
    )
    if with_nulls:
        for column in [
            "carrier",
            "destination_city",
            "delivery_date",
            "delivery_status",
            "shipping_cost",
            "delay_days",
        ]:
            frame[column] = frame[column].astype(object).where(rng.random(n) > 0.05, None)
        frame["shipping_cost"] = frame["shipping_cost"].astype(float)
        frame["delay_days"] = frame["delay_days"].astype("Int64")
        frame.loc[rng.random(n) < 0.02, "route_distance_km"] = 0
    return frame


def write_pandas(frame, path, _rng):
    frame.to_parquet(path, index=False)


def write_small_groups(frame, path, _rng):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path, row_group_size=997, data_page_size=512, compression="zstd", data_page_version="2.0")


def write_plain(frame, path, _rng):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path, use_dictionary=False, compression="none")


def write_mixed(frame, path, _rng):
    """Dictionaries that overflow in the middle of a chunk, and some columns without any."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    names = ["carrier", "shipping_cost", "route_distance_km", "shipment_date"]
    pq.write_table(table, path, use_dictionary=names, dictionary_pagesize_limit=4096, write_batch_size=256)


def write_dates(frame, path, _rng):
    """Dates as DATE, cost as decimal, distance as double: what other writers make of the same data."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name in ["shipment_date", "delivery_date"]:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.date32()))
    cost = table["shipping_cost"].cast(pa.decimal128(18, 4))
    table = table.set_column(table.column_names.index("shipping_cost"), "shipping_cost", cost)
    distance = table["route_distance_km"].cast(pa.float64())
    table = table.set_column(table.column_names.index("route_distance_km"), "route_distance_km", distance)
    pq.write_table(table, path, compression="gzip")


WRITERS = [write_pandas, write_small_groups, write_plain, write_mixed, write_dates]


def same(a, b) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-12, abs_tol=0)
    return a == b


def sortable(row):
    return tuple(
        (value is not None, str(type(value)), value) if not isinstance(value, float) else (True, "f", round(value, 9))
        for value in row
    )


def run(folder, files, threads, *more):
    marts = folder / f"marts-{threads}"
    command = [PROGRAM, "run", "--from", files, "--to", str(marts), "--threads", str(threads), "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr}")
    return marts


def digest(marts) -> dict[str, str]:
    return {m: hashlib.sha256((marts / m / f"{m}.parquet").read_bytes()).hexdigest() for m in ORACLE}


def check_mart(name, path, connection):
    ours = pq.read_table(path, page_checksum_verification=True)
    expected = connection.execute(ORACLE[name])
    columns = [d[0] for d in expected.description]
    assert ours.column_names == columns, (name, ours.column_names, columns)
    rows = list(zip(*[ours[c].to_pylist() for c in columns])) if ours.num_rows else []
    wanted = expected.fetchall()
    assert len(rows) == len(wanted), f"{name}: {len(rows)} rows, {len(wanted)} expected"
    for got, want in zip(sorted(rows, key=sortable), sorted(wanted, key=sortable)):
        assert all(same(a, b) for a, b in zip(got, want)), f"{name}: {got} is not {want}"
    key, descending = KEYS[name]
    place = columns.index(key)
    order = [columns[place]] + [c for c in columns if c != key]

    def sort_key(row):
        parts = []
        for column in order:
            value = row[columns.index(column)]
            if column == key and descending:
                parts.append((value is None, -value if value is not None else 0))
            else:
                parts.append(
                    (
                        value is not None,
                        (value.encode() if isinstance(value, str) else value) if value is not None else 0,
                    )
                )
        return tuple(parts)

    keys = [sort_key(row) for row in rows]
    assert all(a <= b for a, b in zip(keys, keys[1:])), f"{name}: not in the documented order"


def check_case(folder, writer, n, n_files, with_nulls, rng):
    data = folder / "data"
    data.mkdir(parents=True)
    frames = [shipments(rng, n // n_files + 1, with_nulls) for _ in range(n_files)]
    for i, frame in enumerate(frames):
        writer(frame, data / f"part-{i:03d}.parquet", rng)
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW s AS {SOURCE.format(files=repr(str(data / '*.parquet')))}")
    marts = run(folder, str(data / "*.parquet"), 2)
    for name in ORACLE:
        check_mart(name, marts / name / f"{name}.parquet", connection)
    want = digest(marts)
    for threads in [1, 7]:
        assert digest(run(folder, str(data / "*.parquet"), threads)) == want, f"{threads} threads give other bytes"
    names = sorted(data.iterdir())
    for i, path in enumerate(random.Random(SEED).sample(names, len(names))):
        path.rename(data / f"shuffled-{i:03d}.parquet")
    assert digest(run(folder, str(data), 3)) == want, "another order of files gives other bytes"


def main() -> int:
    print(f"seed {SEED}")
    passed = failed = 0
    cases = [
        (writer, n, files, nulls)
        for writer in WRITERS
        for n, files in [(3000, 3), (60000, 2)]
        for nulls in [False, True]
    ]
    cases += [(write_pandas, 400_000, 4, False), (write_pandas, 1, 1, False), (write_pandas, 0, 1, True)]
    for i, (writer, n, files, nulls) in enumerate(cases):
        what = f"{writer.__name__} rows={n} files={files} nulls={nulls}"
        with tempfile.TemporaryDirectory() as folder:
            try:
                check_case(pathlib.Path(folder) / "case", writer, n, files, nulls, np.random.default_rng([SEED, i]))
                passed += 1
            except AssertionError as error:
                failed += 1
                print(f"FAILED: {what}: {str(error)[:600]}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

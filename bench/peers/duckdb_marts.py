#!/usr/bin/env python3
"""The marts by DuckDB, tuned: duckdb_marts.py FILES OUT [all|aggregates|sort]

One scan fills a cube of carrier, warehouse and city, from which the four aggregates are rolled up (dates and costs are
cast once a row, not once a mart); the sort runs without keeping the input's order, with the carrier as an enumeration.
"""

import os
import pathlib
import sys

import duckdb

CUBE = """
CREATE TEMP TABLE cube AS
SELECT carrier, origin_warehouse, destination_city, count(*) AS n,
       sum(delay_days) AS delay, count(delay_days) AS n_delay,
       sum(CAST(shipping_cost AS DECIMAL(18, 4))) AS cost, count(shipping_cost) AS n_cost,
       sum(route_distance_km) AS distance, count(route_distance_km) AS n_distance,
       count(*) FILTER (WHERE delivery_status = 'Delivered') AS delivered,
       count(*) FILTER (WHERE delay_days > 0) AS delayed,
       sum(TRY_CAST(delivery_date AS DATE) - TRY_CAST(shipment_date AS DATE)) AS transit,
       count(TRY_CAST(delivery_date AS DATE) - TRY_CAST(shipment_date AS DATE)) AS n_transit
FROM read_parquet('{files}')
GROUP BY ALL"""

AGGREGATES = {
    "carrier_performance": """
        SELECT carrier, CAST(sum(n) AS BIGINT) AS total_shipments, sum(delay) / sum(n_delay) AS avg_delay_days,
               round(CAST(sum(cost) AS DOUBLE) / sum(n_cost), 2) AS avg_shipping_cost,
               sum(delivered) / sum(n) * 100 AS on_time_percentage
        FROM cube GROUP BY ALL ORDER BY avg_delay_days NULLS FIRST""",
    "route_efficiency": """
        SELECT origin_warehouse, destination_city, CAST(sum(n) AS BIGINT) AS total_shipments,
               sum(distance) / sum(n_distance) AS avg_distance_km, sum(transit) / sum(n_transit) AS avg_delivery_time_days,
               CAST(sum(cost) AS DOUBLE) / sum(n_cost) AS avg_shipping_cost
        FROM cube GROUP BY ALL ORDER BY avg_delivery_time_days NULLS FIRST""",
    "delay_trends": """
        SELECT destination_city, CAST(sum(n) AS BIGINT) AS total_shipments, CAST(sum(delayed) AS BIGINT) AS delayed_shipments,
               sum(delayed) / sum(n) * 100 AS delay_percentage
        FROM cube GROUP BY ALL ORDER BY delay_percentage DESC NULLS LAST""",
    "warehouse_demand": """
        SELECT origin_warehouse, destination_city, CAST(sum(n) AS BIGINT) AS shipment_count
        FROM cube GROUP BY ALL ORDER BY shipment_count DESC""",
}

SORT = """
SELECT CAST(carrier AS VARCHAR) AS carrier, * EXCLUDE (carrier)
FROM (SELECT CAST(carrier AS carriers) AS carrier, shipment_weight_kg, shipment_volume_m3,
             CAST(shipping_cost AS DECIMAL(18, 4)) AS shipping_cost, route_distance_km,
             shipping_cost / nullif(route_distance_km, 0) AS cost_per_km
      FROM read_parquet('{files}') ORDER BY cost_per_km NULLS FIRST)"""


def main() -> None:
    files, out = sys.argv[1], pathlib.Path(sys.argv[2])
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    threads = len(os.sched_getaffinity(0))
    database = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    database.execute("SET enable_progress_bar = false")
    out.mkdir(parents=True, exist_ok=True)

    def write(mart: str, sql: str) -> None:
        database.execute(f"COPY ({sql}) TO '{out / mart}.parquet' (FORMAT parquet, COMPRESSION snappy)")

    if what in ("all", "aggregates"):
        database.execute(CUBE.format(files=files))
        for mart, sql in AGGREGATES.items():
            write(mart, sql)
    if what in ("all", "sort"):
        database.execute(
            f"CREATE TYPE carriers AS ENUM (SELECT DISTINCT carrier FROM read_parquet('{files}') WHERE carrier IS NOT NULL)"
        )
        write("cost_analysis", SORT.format(files=files))


main()

#!/usr/bin/env python3
"""The marts by ClickHouse, embedded as chDB, tuned: chdb_marts.py FILES OUT [all|aggregates|sort]

One scan fills a cube of carrier, warehouse and city, from which the four aggregates are rolled up.
A cast to a decimal cuts digits off there, so half of the last digit is added first.
"""

import os
import pathlib
import sys

from chdb import session

TRANSIT = "dateDiff('day', toDate32OrNull(shipment_date), toDate32OrNull(delivery_date))"

CUBE = f"""
CREATE TABLE marts.cube ENGINE = Memory AS
SELECT carrier, origin_warehouse, destination_city, count() AS n,
       sum(delay_days) AS delay, count(delay_days) AS n_delay,
       sum(CAST(shipping_cost + 0.00005 AS Nullable(Decimal(18, 4)))) AS cost, count(shipping_cost) AS n_cost,
       sum(route_distance_km) AS distance, count(route_distance_km) AS n_distance,
       countIf(delivery_status = 'Delivered') AS delivered, countIf(delay_days > 0) AS delayed,
       sum({TRANSIT}) AS transit, count({TRANSIT}) AS n_transit
FROM {{source}} GROUP BY ALL"""

AGGREGATES = {
    "carrier_performance": """
        SELECT carrier, toInt64(sum(n)) AS total_shipments, sum(delay) / sum(n_delay) AS avg_delay_days,
               round(toFloat64(sum(cost)) / sum(n_cost), 2) AS avg_shipping_cost, sum(delivered) / sum(n) * 100 AS on_time_percentage
        FROM marts.cube GROUP BY ALL ORDER BY avg_delay_days NULLS FIRST""",
    "route_efficiency": """
        SELECT origin_warehouse, destination_city, toInt64(sum(n)) AS total_shipments, sum(distance) / sum(n_distance) AS avg_distance_km,
               sum(transit) / sum(n_transit) AS avg_delivery_time_days, toFloat64(sum(cost)) / sum(n_cost) AS avg_shipping_cost
        FROM marts.cube GROUP BY ALL ORDER BY avg_delivery_time_days NULLS FIRST""",
    "delay_trends": """
        SELECT destination_city, toInt64(sum(n)) AS total_shipments, toInt64(sum(delayed)) AS delayed_shipments,
               sum(delayed) / sum(n) * 100 AS delay_percentage
        FROM marts.cube GROUP BY ALL ORDER BY delay_percentage DESC NULLS LAST""",
    "warehouse_demand": """
        SELECT origin_warehouse, destination_city, toInt64(sum(n)) AS shipment_count
        FROM marts.cube GROUP BY ALL ORDER BY shipment_count DESC""",
}

# The decimal has a name of its own: ClickHouse lets an alias win over the column of the same name.
SORT = """
SELECT carrier, shipment_weight_kg, shipment_volume_m3, CAST(cost + 0.00005 AS Nullable(Decimal(18, 4))) AS shipping_cost, route_distance_km,
       cost / nullIf(route_distance_km, 0) AS cost_per_km
FROM (SELECT carrier, shipment_weight_kg, shipment_volume_m3, shipping_cost AS cost, route_distance_km FROM {source})
ORDER BY cost_per_km NULLS FIRST"""


def main() -> None:
    files, out = sys.argv[1], pathlib.Path(sys.argv[2]).absolute()
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    out.mkdir(parents=True, exist_ok=True)
    settings = (
        f"SETTINGS max_threads = {len(os.sched_getaffinity(0))}, output_format_parquet_compression_method = 'snappy',"
        " output_format_parquet_string_as_string = 1, engine_file_truncate_on_insert = 1,"
        " schema_inference_make_columns_nullable = 1"
    )
    source = f"file('{files}', Parquet)"
    database = session.Session()

    def write(mart: str, sql: str) -> None:
        database.query(f"INSERT INTO FUNCTION file('{out / mart}.parquet', Parquet) {sql} {settings}")

    if what in ("all", "aggregates"):
        database.query("CREATE DATABASE marts ENGINE = Atomic")
        database.query(f"{CUBE.format(source=source)} {settings}")
        for mart, sql in AGGREGATES.items():
            write(mart, sql)
    if what in ("all", "sort"):
        write("cost_analysis", SORT.format(source=source))


main()

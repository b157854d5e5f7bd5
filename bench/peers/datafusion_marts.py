#!/usr/bin/env python3
"""The marts by Apache DataFusion, tuned: datafusion_marts.py FILES OUT [all|aggregates|sort]

One scan fills a cube of carrier, warehouse and city, kept in memory, from which the four aggregates are rolled up.
"""

import os
import pathlib
import sys

from datafusion import SessionConfig, SessionContext

TRANSIT = "(CAST(CAST(delivery_date AS DATE) AS INT) - CAST(CAST(shipment_date AS DATE) AS INT))"

CUBE = f"""
SELECT carrier, origin_warehouse, destination_city, count(*) AS n,
       sum(delay_days) AS delay, count(delay_days) AS n_delay,
       sum(CAST(shipping_cost AS DECIMAL(18, 4))) AS cost, count(shipping_cost) AS n_cost,
       sum(route_distance_km) AS distance, count(route_distance_km) AS n_distance,
       count(*) FILTER (WHERE delivery_status = 'Delivered') AS delivered,
       count(*) FILTER (WHERE delay_days > 0) AS delayed,
       sum({TRANSIT}) AS transit, count({TRANSIT}) AS n_transit
FROM shipments GROUP BY carrier, origin_warehouse, destination_city"""

AGGREGATES = {
    "carrier_performance": """
        SELECT carrier, sum(n) AS total_shipments, CAST(sum(delay) AS DOUBLE) / sum(n_delay) AS avg_delay_days,
               round(CAST(sum(cost) AS DOUBLE) / sum(n_cost), 2) AS avg_shipping_cost,
               CAST(sum(delivered) AS DOUBLE) / sum(n) * 100 AS on_time_percentage
        FROM cube GROUP BY carrier ORDER BY avg_delay_days NULLS FIRST""",
    "route_efficiency": """
        SELECT origin_warehouse, destination_city, sum(n) AS total_shipments,
               CAST(sum(distance) AS DOUBLE) / sum(n_distance) AS avg_distance_km,
               CAST(sum(transit) AS DOUBLE) / sum(n_transit) AS avg_delivery_time_days,
               CAST(sum(cost) AS DOUBLE) / sum(n_cost) AS avg_shipping_cost
        FROM cube GROUP BY origin_warehouse, destination_city ORDER BY avg_delivery_time_days NULLS FIRST""",
    "delay_trends": """
        SELECT destination_city, sum(n) AS total_shipments, sum(delayed) AS delayed_shipments,
               CAST(sum(delayed) AS DOUBLE) / sum(n) * 100 AS delay_percentage
        FROM cube GROUP BY destination_city ORDER BY delay_percentage DESC NULLS LAST""",
    "warehouse_demand": """
        SELECT origin_warehouse, destination_city, sum(n) AS shipment_count
        FROM cube GROUP BY origin_warehouse, destination_city ORDER BY shipment_count DESC""",
}

SORT = """
SELECT carrier, shipment_weight_kg, shipment_volume_m3, CAST(shipping_cost AS DECIMAL(18, 4)) AS shipping_cost,
       route_distance_km, shipping_cost / nullif(CAST(route_distance_km AS DOUBLE), 0) AS cost_per_km
FROM shipments ORDER BY cost_per_km NULLS FIRST"""


def main() -> None:
    files, out = sys.argv[1], pathlib.Path(sys.argv[2])
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    out.mkdir(parents=True, exist_ok=True)
    config = SessionConfig().with_target_partitions(len(os.sched_getaffinity(0)))
    context = SessionContext(config.set("datafusion.execution.parquet.compression", "snappy"))
    context.register_parquet("shipments", str(pathlib.Path(files).parent), file_extension=".parquet")

    def write(mart: str, sql: str) -> None:
        (out / f"{mart}.parquet").unlink(missing_ok=True)
        context.sql(f"COPY ({sql}) TO '{out / mart}.parquet' STORED AS PARQUET").collect()

    if what in ("all", "aggregates"):
        context.register_record_batches("cube", [context.sql(CUBE).collect()])
        for mart, sql in AGGREGATES.items():
            write(mart, sql)
    if what in ("all", "sort"):
        write("cost_analysis", SORT)


main()

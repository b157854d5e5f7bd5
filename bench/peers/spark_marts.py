#!/usr/bin/env python3
"""The marts by Apache Spark on this machine, tuned: spark_marts.py FILES OUT [all|aggregates|sort]; by spark-submit

One scan fills a cached cube of carrier, warehouse and city, from which the four aggregates are rolled up; as many shuffle
partitions as cores; no web interface.  A mart is a folder of Parquet files, as Spark writes them.
"""

import os
import pathlib
import sys

from pyspark.sql import SparkSession

CUBE = """
SELECT carrier, origin_warehouse, destination_city, count(*) AS n,
       sum(delay_days) AS delay, count(delay_days) AS n_delay,
       sum(CAST(shipping_cost AS DECIMAL(18, 4))) AS cost, count(shipping_cost) AS n_cost,
       sum(route_distance_km) AS distance, count(route_distance_km) AS n_distance,
       count_if(delivery_status = 'Delivered') AS delivered, count_if(delay_days > 0) AS delayed,
       sum(datediff(delivery_date, shipment_date)) AS transit, count(datediff(delivery_date, shipment_date)) AS n_transit
FROM shipments GROUP BY carrier, origin_warehouse, destination_city"""

AGGREGATES = {
    "carrier_performance": """
        SELECT carrier, sum(n) AS total_shipments, sum(delay) / sum(n_delay) AS avg_delay_days,
               round(CAST(sum(cost) AS DOUBLE) / sum(n_cost), 2) AS avg_shipping_cost,
               sum(delivered) / sum(n) * 100 AS on_time_percentage
        FROM cube GROUP BY carrier ORDER BY avg_delay_days""",
    "route_efficiency": """
        SELECT origin_warehouse, destination_city, sum(n) AS total_shipments, sum(distance) / sum(n_distance) AS avg_distance_km,
               sum(transit) / sum(n_transit) AS avg_delivery_time_days, CAST(sum(cost) AS DOUBLE) / sum(n_cost) AS avg_shipping_cost
        FROM cube GROUP BY origin_warehouse, destination_city ORDER BY avg_delivery_time_days""",
    "delay_trends": """
        SELECT destination_city, sum(n) AS total_shipments, sum(delayed) AS delayed_shipments,
               sum(delayed) / sum(n) * 100 AS delay_percentage
        FROM cube GROUP BY destination_city ORDER BY delay_percentage DESC""",
    "warehouse_demand": """
        SELECT origin_warehouse, destination_city, sum(n) AS shipment_count
        FROM cube GROUP BY origin_warehouse, destination_city ORDER BY shipment_count DESC""",
}

SORT = """
SELECT carrier, shipment_weight_kg, shipment_volume_m3, CAST(shipping_cost AS DECIMAL(18, 4)) AS shipping_cost,
       route_distance_km, shipping_cost / route_distance_km AS cost_per_km
FROM shipments ORDER BY cost_per_km"""


def main() -> None:
    files, out = sys.argv[1:3]
    if "://" not in out:
        out = str(pathlib.Path(out).absolute())
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    cores = len(os.sched_getaffinity(0))
    spark = (
        SparkSession.builder.config("spark.sql.shuffle.partitions", cores)
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.read.parquet(files).createOrReplaceTempView("shipments")

    def write(mart: str, sql: str) -> None:
        spark.sql(sql).write.parquet(f"{out}/{mart}", mode="overwrite", compression="snappy")

    if what in ("all", "aggregates"):
        spark.sql(CUBE).coalesce(1).cache().createOrReplaceTempView("cube")
        for mart, sql in AGGREGATES.items():
            write(mart, sql)
    if what in ("all", "sort"):
        write("cost_analysis", SORT)
    spark.stop()


main()

#!/usr/bin/env python3
"""The marts by Polars, tuned: polars_marts.py FILES OUT [all|aggregates|sort]; FILES and OUT may be on S3

One streaming scan fills a cube of carrier, warehouse and city, from which the four aggregates are rolled up; the sort is
streamed from scan to sink.
"""

import pathlib
import sys

import polars
from polars import Expr, LazyFrame, col

LANE = ["origin_warehouse", "destination_city"]
MONEY = polars.Decimal(18, 4)


def day(name: str) -> Expr:
    return col(name).str.to_date("%Y-%m-%d", strict=False).to_physical()


def cube(shipments: LazyFrame) -> polars.DataFrame:
    cost = col("shipping_cost").cast(MONEY)
    transit = day("delivery_date") - day("shipment_date")
    return (
        shipments.group_by("carrier", *LANE)
        .agg(
            n=polars.len(),
            delay=col("delay_days").sum(),
            n_delay=col("delay_days").count(),
            cost=cost.sum(),
            n_cost=cost.count(),
            distance=col("route_distance_km").sum(),
            n_distance=col("route_distance_km").count(),
            delivered=(col("delivery_status") == "Delivered").sum(),
            delayed=(col("delay_days") > 0).sum(),
            transit=transit.sum().cast(polars.Int64),
            n_transit=transit.count(),
        )
        .collect(engine="streaming")
    )


def total(name: str) -> Expr:
    return col(name).sum()


def aggregates(shipments: LazyFrame, out: str) -> None:
    table = cube(shipments)
    count = total("n").cast(polars.Int64)
    mean_cost = total("cost").cast(polars.Float64) / total("n_cost")
    marts = {
        "carrier_performance": table.group_by("carrier")
        .agg(
            total_shipments=count,
            avg_delay_days=total("delay") / total("n_delay"),
            avg_shipping_cost=mean_cost.round(2),
            on_time_percentage=total("delivered") / total("n") * 100,
        )
        .sort("avg_delay_days"),
        "route_efficiency": table.group_by(LANE)
        .agg(
            total_shipments=count,
            avg_distance_km=total("distance") / total("n_distance"),
            avg_delivery_time_days=total("transit") / total("n_transit"),
            avg_shipping_cost=mean_cost,
        )
        .sort("avg_delivery_time_days"),
        "delay_trends": table.group_by("destination_city")
        .agg(
            total_shipments=count,
            delayed_shipments=total("delayed").cast(polars.Int64),
            delay_percentage=total("delayed") / total("n") * 100,
        )
        .sort("delay_percentage", descending=True, nulls_last=True),
        "warehouse_demand": table.group_by(LANE).agg(shipment_count=count).sort("shipment_count", descending=True),
    }
    for name, mart in marts.items():
        mart.write_parquet(f"{out}/{name}.parquet", compression="snappy")


def sort(shipments: LazyFrame, out: str) -> None:
    distance = col("route_distance_km")
    shipments.select(
        "carrier",
        "shipment_weight_kg",
        "shipment_volume_m3",
        col("shipping_cost").cast(MONEY),
        distance,
        polars.when(distance != 0).then(col("shipping_cost") / distance).alias("cost_per_km"),
    ).sort("cost_per_km", nulls_last=False).sink_parquet(
        f"{out}/cost_analysis.parquet", compression="snappy", engine="streaming"
    )


def main() -> None:
    files, out = sys.argv[1:3]
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    if "://" not in out:
        pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    shipments = polars.scan_parquet(files, cache=False, use_statistics=False)
    if what in ("all", "aggregates"):
        aggregates(shipments, out)
    if what in ("all", "sort"):
        sort(shipments, out)


main()

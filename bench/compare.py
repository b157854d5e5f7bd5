#!/usr/bin/env python3
"""compare.py OURS THEIRS: are two engines' marts the same?

Rows as multisets: keys and counts exactly, other doubles within 1e-12 relative; and each file in the order that the
mart's definition asks for.
"""

import pathlib
import sys

import polars
from polars import col

TOLERANCE = 1e-12

# What each mart computes in doubles (all other columns must be equal), and the column it is sorted by.
COMPUTED = {
    "carrier_performance": ["avg_delay_days", "avg_shipping_cost", "on_time_percentage"],
    "route_efficiency": ["avg_distance_km", "avg_delivery_time_days", "avg_shipping_cost"],
    "cost_analysis": ["cost_per_km"],
    "delay_trends": ["delay_percentage"],
    "warehouse_demand": [],
}
ORDER = {
    "carrier_performance": ("avg_delay_days", False),
    "route_efficiency": ("avg_delivery_time_days", False),
    "cost_analysis": ("cost_per_km", False),
    "delay_trends": ("delay_percentage", True),
    "warehouse_demand": ("shipment_count", True),
}


def read(out: pathlib.Path, mart: str) -> polars.DataFrame:
    """OUT/MART.parquet or all files of the folder OUT/MART in their order, numbers in one type each."""
    single = out / f"{mart}.parquet"
    files = [single] if single.exists() else sorted((out / mart).glob("[!._]*.parquet"))
    table = polars.concat([polars.read_parquet(file) for file in files])
    casts = []
    for name, kind in table.schema.items():
        if kind.is_integer() and name != "route_distance_km":
            casts.append(col(name).cast(polars.Int64))
        elif kind.is_numeric():
            casts.append(col(name).cast(polars.Float64))
        else:
            casts.append(col(name).cast(polars.String))
    return table.select(casts)


def sorted_problem(table: polars.DataFrame, mart: str) -> str:
    name, descending = ORDER[mart]
    values = table[name].drop_nulls()
    step = values.diff().drop_nulls()
    wrong = (step > 0).sum() if descending else (step < 0).sum()
    return f"{mart} is not in the order of {name}: {wrong} steps" if wrong else ""


def mart(ours: pathlib.Path, theirs: pathlib.Path, name: str) -> list[str]:
    a, b = read(ours, name), read(theirs, name)
    if a.columns != b.columns:
        return [f"{name} has columns {b.columns} instead of {a.columns}"]
    if a.height != b.height:
        return [f"{name} has {b.height} rows instead of {a.height}"]
    problems = [problem for problem in (sorted_problem(a, name), sorted_problem(b, name)) if problem]
    keys = [column for column in a.columns if column not in COMPUTED[name]]
    a, b = a.sort(keys), b.sort(keys)
    if not a.select(keys).equals(b.select(keys)):
        problems.append(f"{name} differs in {keys}")
        return problems
    for column in COMPUTED[name]:
        x, y = a[column], b[column]
        if not x.is_null().equals(y.is_null()):
            problems.append(f"{name}.{column} is NULL in other rows")
            continue
        difference = (
            (x - y).abs() / polars.select(polars.max_horizontal(x.abs(), polars.lit(1e-300))).to_series()
        ).max()
        if difference is not None and not difference <= TOLERANCE:
            problems.append(f"{name}.{column} differs by {difference:.3g} relative")
    return problems


def main() -> int:
    ours, theirs = map(pathlib.Path, sys.argv[1:3])
    problems = [problem for name in ORDER for problem in mart(ours, theirs, name)]
    print("\n".join(problems) or "equal")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

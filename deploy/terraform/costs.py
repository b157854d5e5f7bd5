#!/usr/bin/env python3
"""What a day costs: prints docs/costs.md from costs.json, which has prices, measured seconds and assumptions.

A day is: 1 % of the rows come in, all five marts are made anew from all rows.  Measured seconds are scaled by rows and cores;
beyond the largest measured size they are stretched by a stated factor, for what does not fit in memory and is sorted twice.
"""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
DAYS = 30.4


def load() -> dict:
    return json.loads((HERE / "costs.json").read_text())


DATA = load()
PRICES, ASSUMED = DATA["prices"], DATA["assumptions"]
MEASURED = {one["what"]: one for one in DATA["measured"]}


def hours(seconds: float) -> float:
    """What is paid for: seconds, a minute at least."""
    return max(seconds, 60) / 3600


def money(amount: float) -> str:
    return "< 0.01" if amount < 0.01 else f"{amount:.2f}"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def scaled(what: str, rows: float) -> float:
    """Seconds of a measured job for another number of rows on the two cores it was measured on."""
    one = MEASURED[what]
    stretch = ASSUMED["slowdown_beyond_measured"] if rows > one["rows"] else 1
    return one["seconds"] * rows / one["rows"] * stretch


def instance_seconds(rows: float) -> float:
    """Ingest of the day's rows and the five marts of all rows, on S3."""
    return scaled("ingest_20m", rows * ASSUMED["ingested_share_a_day"]) + scaled("marts_20m_s3", rows)


def cluster_cores() -> int:
    nodes = ASSUMED["cluster"]["core"] + ASSUMED["cluster"]["task"]
    return nodes * PRICES["cluster_instance"]["vcpu"]


def spark_seconds(rows: float) -> float:
    """The same marts on the cluster: the measured two cores, spread over the cluster's at a stated efficiency."""
    return scaled("spark_20m_s3", rows) * 2 / (cluster_cores() * ASSUMED["spark_parallel_efficiency"])


def cluster_price(kind: str) -> float:
    """An hour of the cluster; with spot, its task nodes alone are spot.  EMR's fee is the same for both."""
    machine, size = PRICES["cluster_instance"], ASSUMED["cluster"]
    share = PRICES["spot_share_of_on_demand"] if kind == "spot" else 1
    nodes = sum(size.values())
    disks = nodes * ASSUMED["volume_gb"] * PRICES["ebs_gb_month"] / (DAYS * 24)
    whole = (size["primary"] + size["core"]) * machine["hour"] + size["task"] * machine["hour"] * share
    return whole + nodes * machine["emr_hour"] + disks


def small_cost(rows: float) -> float:
    return hours(ASSUMED["instance_start_seconds"] + instance_seconds(rows)) * PRICES["small_instance"]["hour"]


def cluster_cost(rows: float, kind: str) -> float:
    """The cluster for the marts, and the small instance, which takes the rows in and waits for it."""
    seconds = ASSUMED["cluster_start_seconds"] + spark_seconds(rows)
    waiting = seconds + scaled("ingest_20m", rows * ASSUMED["ingested_share_a_day"])
    return hours(seconds) * cluster_price(kind) + hours(waiting) * PRICES["small_instance"]["hour"]


def storage_cost(rows: float) -> float:
    """A day of keeping raw, processed and marts, and the requests of the day."""
    gb = rows * (ASSUMED["ingest_bytes_a_row"] + ASSUMED["stored_bytes_a_row"]) / 1e9
    requests = rows * ASSUMED["stored_bytes_a_row"] / (ASSUMED["s3_requests_mb"] * 1e6)
    return gb * PRICES["s3_gb_month"] / DAYS + requests / 1000 * (PRICES["s3_get_1000"] + PRICES["s3_put_1000"])


def standing_costs() -> list[tuple[str, float]]:
    """What is paid for a day whether or not anything runs."""
    endpoints = 24 * PRICES["interface_endpoint_hour"]
    return [
        (f"an {PRICES['small_instance']['type']} that is never stopped", 24 * PRICES["small_instance"]["hour"]),
        ("3 interface endpoints (dev)", 3 * endpoints),
        ("8 interface endpoints (prod)", 8 * endpoints),
        ("a NAT gateway, before traffic", 24 * PRICES["nat_gateway_hour"]),
        ("a KMS key", PRICES["kms_key_month"] / DAYS),
    ]


def count(rows: int) -> str:
    return f"{rows / 1e9:g} B" if rows >= 1e9 else f"{rows / 1e6:g} M"


def page() -> str:
    small, node, size = PRICES["small_instance"], PRICES["cluster_instance"], ASSUMED["cluster"]
    out = [
        "# What a day costs",
        "",
        "Made by `deploy/terraform/costs.py` from `deploy/terraform/costs.json`; a test compares. A day: 1 % of the rows come in as CSV, all five",
        "marts are made anew from all rows, on S3.",
        "",
        f"| rows in the lake | one {small['type']} | USD | EMR: the marts | USD on demand | USD spot | USD storage |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rows in DATA["rows"]:
        out.append(
            f"| {count(rows)} | {duration(instance_seconds(rows))} | {money(small_cost(rows))} | {duration(spark_seconds(rows))} "
            f"| {money(cluster_cost(rows, 'on_demand'))} | {money(cluster_cost(rows, 'spot'))} | {money(storage_cost(rows))} |"
        )
    out += [
        "",
        f"Times are of the work alone; the prices add {ASSUMED['instance_start_seconds']} s for an instance that is started for it and "
        f"{ASSUMED['cluster_start_seconds']} s for a cluster.",
        f"The cluster: {size['primary']} primary, {size['core']} core and {size['task']} task nodes of {node['type']}; with spot the task nodes alone are. "
        "Its prices hold the small instance that",
        "takes the rows in and waits. One machine is cheaper at every size here: a cluster is for what one machine cannot do in the time there is.",
        "",
        "## Paid for whether or not anything runs",
        "",
        "| what | USD a day |",
        "|---|---:|",
        *(f"| {what} | {money(amount)} |" for what, amount in standing_costs()),
        "",
        "## Where the numbers come from",
        "",
        f"Prices: {PRICES['region']}, {PRICES['currency']}, {PRICES['as_of']}. {PRICES['source']}",
        "",
        "| measured ([benchmarks.md](benchmarks.md)) | seconds |",
        "|---|---:|",
        *(f"| {one['note']} | {one['seconds']} |" for one in DATA["measured"]),
        "",
        "Nothing here was measured on AWS: seconds are those of two shared cores, scaled by rows and cores. Assumed, not measured:",
        "",
        f"- beyond 20 M rows a row takes {ASSUMED['slowdown_beyond_measured']} times as long (marts of 100 M rows and more spill to disk);",
        f"- Spark on {cluster_cores()} cores reaches {ASSUMED['spark_parallel_efficiency'] * 100:.0f} % of what as many times two cores would;",
        f"- spot costs {PRICES['spot_share_of_on_demand'] * 100:.0f} % of on demand; nothing is lost to interruptions;",
        f"- a row takes {ASSUMED['ingest_bytes_a_row']} bytes in raw and {ASSUMED['stored_bytes_a_row']} in tables, replaced versions included.",
        "",
    ]
    return "\n".join(out)


if __name__ == "__main__":
    print(page(), end="")

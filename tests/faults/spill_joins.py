"""Joins whose right side does not fit in memory, when the spill files fail: every failure is an error that names the folder, and
nothing is left behind.

An inner join in parts, a left join whose parts are parted again, and rows of a subquery that two others read run with
--memory-limit far below what they take.  Then writes and reads fail one after the other (on a build with fault injection), and the
limit of the space is hit."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = os.environ["FREIGHTLAKE"]
QUERIES = {
    "inner join": "SELECT count(*) AS n, sum(b.shipping_cost) AS s FROM '{f}' AS a JOIN '{f}' AS b "
    "ON a.shipment_id = b.shipment_id AND a.shipment_date = b.shipment_date",
    "left join": "SELECT a.delay_days, count(*) AS n, count(b.shipping_cost) AS m FROM '{f}' AS a LEFT JOIN '{f}' AS b "
    "ON a.shipment_weight_kg = b.shipping_cost AND a.shipment_id = b.shipment_id GROUP BY a.delay_days ORDER BY a.delay_days",
    "subquery": "WITH w AS (SELECT shipment_id, shipping_cost, carrier FROM '{f}' WHERE delay_days = 0) "
    "SELECT count(*) AS n, max(x.carrier) AS c FROM w AS x JOIN w AS y ON x.shipment_id = y.shipment_id AND x.shipping_cost = y.shipping_cost",
}
LIMIT = "6MB"
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, holds, detail=""):
    counts["passed" if holds else "failed"] += 1
    if not holds:
        print(f"FAILED: {name}: {detail}")


def run(*arguments, fault=None):
    environment = dict(os.environ)
    if fault:
        environment["FREIGHTLAKE_FAULT"] = fault
    return subprocess.run([PROGRAM, *arguments], capture_output=True, env=environment, timeout=300)


def spilling(sql, folder, *more, command=("query",), **keywords):
    options = ["--threads", "2", "--memory-limit", LIMIT, "--spill-dir", str(folder), *more]
    return run(*command, sql, *options, **keywords)


def check_faults(name, sql, folder, whole):
    for kind in ("write", "read"):
        n, failed = 1, 0
        while True:
            done = spilling(sql, folder, "--format", "csv", fault=f"{kind}:{n}")
            if done.returncode == 0:
                check(f"{name}: {kind} beyond the last, rows", done.stdout == whole)
                break
            failed += 1
            check(f"{name}: {kind} {n}", done.returncode == 3 and done.stderr, (done.returncode, done.stderr[-300:]))
            check(f"{name}: {kind} {n}, nothing left", not os.listdir(folder), os.listdir(folder))
            n = n * 3 // 2 + 1
        if failed == 0:
            counts["skipped"] += 1
            print(f"skipped: {name}, failing {kind}s: this build injects no faults")


def main():
    scratch = Path(tempfile.mkdtemp(prefix="freightlake-spill-joins-test-"))
    try:
        folder = scratch / "spill"
        folder.mkdir()
        made = run("generate", "--rows", "60000", "--seed", "7", "--files", "12", "--out", str(scratch / "data"))
        check("data", made.returncode == 0, made.stderr[-300:])
        for name, query in QUERIES.items():
            sql = query.format(f=scratch / "data" / "*.parquet")
            whole = run("query", sql, "--format", "csv")
            check(f"{name}: with all the memory", whole.returncode == 0, whole.stderr[-300:])
            part = spilling(sql, folder, "--format", "csv")
            check(f"{name}: rows", part.returncode == 0 and part.stdout == whole.stdout, part.stderr[-300:])
            plan = spilling(sql, folder, command=("explain", "--analyze"))
            check(f"{name}: in parts", b" parts" in plan.stdout, plan.stdout[-900:] + plan.stderr[-300:])
            check_faults(name, sql, folder, whole.stdout)
            done = spilling(sql, folder, "--spill-limit", "100kB")
            check(f"{name}: spill limit", done.returncode == 4 and b"--spill-limit" in done.stderr, done.stderr[-300:])
            check(f"{name}: nothing left", not os.listdir(folder), os.listdir(folder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return counts["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())

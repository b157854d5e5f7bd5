#!/usr/bin/env python3
"""The lake side by side with its peers: a CSV file of shipments to typed Parquet, validated; and what a small change costs.

usage: lake.py FREIGHTLAKE [--rows N] [--rounds N]

Freightlake's time is `ingest`: raw copy, SHA-256, mapping, validation, quarantine, sorted data files, statistics, commit.  The
peers read the CSV with its types and write Parquet.  Everything lies in memory (/dev/shm) where there is room, so that engines and
not a disk are compared; every run of Freightlake flushes all the same.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DUCKDB = """
import duckdb, sys
duckdb.sql(f"COPY (SELECT * FROM {sys.argv[3]}('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet)")
"""
POLARS = """
import polars, sys
polars.scan_csv(sys.argv[1], try_parse_dates=True).sink_parquet(sys.argv[2])
"""


def timed(command: list[str]) -> float:
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return time.monotonic() - start


class Bench:
    def __init__(self, program: str, folder: pathlib.Path, rounds: int):
        self.program, self.folder, self.rounds = program, folder, rounds
        self.sample = self.generate("sample", 1000, "csv", 1)

    def run(self, *words: object) -> float:
        return timed([self.program, *map(str, words)])

    def generate(self, name: str, rows: int, form: str, seed: int) -> pathlib.Path:
        self.run("generate", "--rows", rows, "--format", form, "--out", self.folder / name, "--seed", seed)
        return next((self.folder / name).glob(f"part-00000.{form}"))

    def new_lake(self, sample: pathlib.Path) -> pathlib.Path:
        lake = self.folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        self.run("init", lake)
        self.run("--lake", lake, "onboard", "emart", "--sample", sample, "--yes")
        return lake

    def ingest(self, file: pathlib.Path) -> float:
        sample = self.sample if file.suffix == ".csv" else self.generate("sample_nd", 1000, "ndjson", 1)
        return self.run("--lake", self.new_lake(sample), "ingest", "emart", file)

    def race(self, title: str, file: pathlib.Path, peers: dict[str, list[str]]) -> None:
        times: dict[str, list[float]] = {"Freightlake": [], **{name: [] for name in peers}}
        out = self.folder / "peer.parquet"
        for _ in range(self.rounds):
            times["Freightlake"].append(self.ingest(file))
            for name, command in peers.items():
                times[name].append(timed([sys.executable, "-c", command[0], str(file), str(out), *command[1:]]))
        ours = statistics.median(times["Freightlake"])
        print(f"\n### {title}\n\n| engine | wall s | x Freightlake |\n|---|---:|---:|")
        for name, each in times.items():
            print(f"| {name} | {statistics.median(each):.2f} | {statistics.median(each) / ours:.2f} |", flush=True)

    def small_changes(self, rows: int) -> None:
        """50,000 more rows, the four aggregates; then nothing."""
        lake = self.new_lake(self.sample)
        self.run("--lake", lake, "ingest", "emart", self.generate("base", rows, "csv", 2))
        self.run("--lake", lake, "run")
        four = [w for mart in ("carrier_performance", "route_efficiency", "delay_trends", "warehouse_demand")
                for w in ("--mart", mart)]  # fmt: skip
        more, aggregates, sorted_mart, nothing = [], [], [], []
        for i in range(self.rounds):
            file = self.generate("more", 50000, "csv", 100 + i)
            more.append(self.run("--lake", lake, "ingest", "emart", file))
            aggregates.append(self.run("--lake", lake, "run", *four))
            sorted_mart.append(self.run("--lake", lake, "run"))
            nothing.append(self.run("--lake", lake, "run"))
        print(f"| {rows:,} |" + "".join(f" {1000 * statistics.median(t):.0f} ms |"
                                        for t in (more, aggregates, sorted_mart, nothing)), flush=True)  # fmt: skip


def starts(program: str) -> None:
    """What every command pays before it does anything."""
    print("\n### A start\n\n| | median of 50 | slowest |\n|---|---:|---:|")
    for option in ("--version", "--help"):
        times = [1000 * timed([program, option]) for _ in range(50)]
        print(f"| `{option}` | {statistics.median(times):.1f} ms | {max(times):.1f} ms |", flush=True)
    print(f"\nThe program has {pathlib.Path(program).stat().st_size / 1e6:.1f} MB.", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="the lake and its peers, side by side")
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    memory = pathlib.Path("/dev/shm")
    room = memory.is_dir() and shutil.disk_usage(memory).free > options.rows * 400
    with tempfile.TemporaryDirectory(dir=memory if room else None) as folder:
        bench = Bench(options.program, pathlib.Path(folder), options.rounds)
        print(f"{'in memory' if room else 'on disk'}, {options.rounds} interleaved rounds, medians of whole processes")
        csv = bench.generate("in", options.rows, "csv", 7)
        bench.race(f"CSV to lake, {options.rows:,} rows, {csv.stat().st_size / 1e9:.2f} GB", csv,
                   {"DuckDB": [DUCKDB, "read_csv"], "Polars": [POLARS]})  # fmt: skip
        csv.unlink()
        rows = options.rows // 10
        ndjson = bench.generate("nd", rows, "ndjson", 7)
        bench.race(f"NDJSON to lake, {rows:,} rows, {ndjson.stat().st_size / 1e9:.2f} GB", ndjson,
                   {"DuckDB": [DUCKDB, "read_json"]})  # fmt: skip
        ndjson.unlink()
        print("\n### 50,000 more rows\n")
        print("| rows in the lake | ingest | four aggregates | the sorted mart | nothing changed |")
        print("|---:|---:|---:|---:|---:|")
        for n in (options.rows // 10, options.rows):
            bench.small_changes(n)
    starts(options.program)
    print(json.dumps({"rows": options.rows, "rounds": options.rounds}), file=sys.stderr)


if __name__ == "__main__":
    main()

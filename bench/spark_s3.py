#!/usr/bin/env python3
"""The five marts on S3: Freightlake, Polars and a Spark cluster, each reading and writing the same S3 server on the same cores.

usage: spark_s3.py FREIGHTLAKE [--rows N] [--files N] [--rounds N] [--without-spark]

The server is the one of the tests (versitygw over a folder), the cluster is Spark's own standalone one: a master and two workers of one
core each, which are there before the clock starts; its time is that of spark-submit.  The scripts of Polars and Spark are the tuned
ones of bench/peers.  Every engine's marts are compared with Freightlake's before its time counts.
"""

import argparse
import contextlib
import importlib.util
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
FILES = "s3://bucket/data/*.parquet"
WORKER_MEMORY = "3g"

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench"), str(ROOT / "spark")]


def timed(command: list[str], environment: dict[str, str]) -> float:
    start = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stdout}{done.stderr[-4000:]}")
    return time.monotonic() - start


def spark_command(cluster, environment: dict[str, str]) -> list[str]:
    import run_marts

    words = ["spark-submit", "--master", cluster.master]
    for name, value in run_marts.s3_settings(environment).items():
        words += ["--conf", f"spark.hadoop.{name}={value}"]
    return [*words, str(PEERS / "spark_marts.py"), FILES.replace("s3://", "s3a://"), "s3a://bucket/spark"]


def main() -> int:
    import compare
    import s3_server
    import spark_cluster

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-spark", action="store_true")
    arguments = parser.parse_args()
    program = str(arguments.program.resolve())
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(s3_server.s3_server())
        bucket = server.make_bucket("bucket")
        environment = server.environment(AWS_ALLOW_HTTP="true")
        commands = {
            "Freightlake": [program, "run", "--from", FILES, "--to", "s3://bucket/freightlake"],
            "Polars": [sys.executable, str(PEERS / "polars_marts.py"), FILES, "s3://bucket/polars"],
        }
        if not importlib.util.find_spec("polars"):
            sys.exit("polars is missing: run this by $(scripts/venv bench/requirements.txt)")
        if not arguments.without_spark:
            try:
                cluster = stack.enter_context(spark_cluster.spark_cluster(WORKER_MEMORY))
                environment = cluster.environment(environment)
                commands["Spark cluster"] = spark_command(cluster, environment)
            except spark_cluster.Unavailable as error:
                print(f"without Spark: {error}")
        size = ["--rows", str(arguments.rows), "--files", str(arguments.files)]
        timed([program, "generate", *size, "--seed", "7", "--out", "s3://bucket/data"], environment)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                times[name].append(timed(command, environment))
        folders = {name: bucket / name.lower().split()[0] for name in commands}
        for name, folder in folders.items():
            for mart in compare.ORDER:
                for problem in compare.mart(folders["Freightlake"], folder, mart):
                    sys.exit(f"{name}: {problem}")
        ours = statistics.median(times["Freightlake"])
        print(f"### The five marts of {arguments.rows:,} rows in {arguments.files} files, from S3 to S3\n")
        print("| engine | wall s | x Freightlake |\n|---|---:|---:|")
        for name, each in times.items():
            print(f"| {name} | {statistics.median(each):.2f} | {statistics.median(each) / ours:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The 22 queries of TPC-H over Parquet files, side by side with DuckDB, Polars and DataFusion.

usage: tpch.py FREIGHTLAKE [--scale 1|10] [--queries 1,6] [--rounds N] [--peers duckdb,polars] [--threads N] [--json FILE]
               [--data FOLDER] [--memory-limit SIZE]

The data comes from tpchgen-cli, is made once and lies in the download cache.  All run the same text, bench/tpch/qNN.sql: our
own wording of the public specification, in the form that the dialect has (each file says where that is another one).  Every
answer is compared with DuckDB's first: keys, counts and decimals exactly, other numbers within 1e-9 or the last digit of a decimal.  Then the engines run in turns, each
query in a process of its own, files in and a Parquet file out.  A peer is timed inside its process, from its connection to the
file, without the start of Python and its modules; ours is timed as a whole.  CPU is user and system time of the same.  The
last lines are geometric means of the medians, over the queries that both engines run.
"""

import argparse
import contextlib
import decimal
import json
import math
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq

TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
QUERIES = pathlib.Path(__file__).resolve().parent / "tpch"
PEERS = ("duckdb", "polars", "datafusion")
OUT_OF_TIME = 600


class Failed(Exception):
    """A query that did not run; the text is the first line of why."""


# ---- data ----


def make_data(scale: int, threads: int) -> pathlib.Path:
    """The folder of the tables, made if it is not there."""
    cache = os.environ.get("FREIGHTLAKE_CACHE") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "freightlake"
    )
    folder = pathlib.Path(cache, "bench", f"tpch-scale{scale}")
    if not folder.is_dir():
        half = pathlib.Path(f"{folder}.{os.getpid()}")
        print(f"making TPC-H at scale {scale} in {folder}", file=sys.stderr)
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        command = [str(generator), "parquet", "-s", str(scale), "-q", "-n", str(threads), "-o", str(half)]
        subprocess.run(command, check=True)
        with contextlib.suppress(OSError):
            half.rename(folder)
        shutil.rmtree(half, ignore_errors=True)
    return folder


def text_of(query: int, scale: float) -> str:
    """The statement in one line, without its comments."""
    lines = (QUERIES / f"q{query:02}.sql").read_text().splitlines()
    sql = " ".join(" ".join(line for line in lines if not line.startswith("--")).split())
    return sql.replace(":scale", f"{scale:g}")


def with_files(sql: str, data: pathlib.Path) -> str:
    """The text with files in the place of tables' names, under these names."""
    names = "|".join(TABLES)

    def file_of(match: re.Match) -> str:
        name = match[2] if match[3] else f"{match[2]} AS {match[2]}"
        return f"{match[1]}{re.sub(match[2], repr(str(data / match[2]) + '.parquet'), name, count=1)}{match[3] or ''}"

    return re.sub(rf"((?:FROM|JOIN|,) )({names})\b( AS \w+)?", file_of, sql)


# ---- the engines ----


def run_duckdb(sql: str, data: pathlib.Path, out: str, threads: int) -> None:
    import duckdb

    yield
    connection = duckdb.connect(config={"threads": threads})
    for name in TABLES:
        connection.sql(f"CREATE VIEW {name} AS FROM '{data}/{name}.parquet'")
    connection.sql(f"COPY ({sql}) TO '{out}' (FORMAT parquet)")


def run_polars(sql: str, data: pathlib.Path, out: str, threads: int) -> None:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars

    yield
    frames = {name: polars.scan_parquet(data / f"{name}.parquet") for name in TABLES}
    polars.SQLContext(frames).execute(sql).collect().write_parquet(out)


def run_datafusion(sql: str, data: pathlib.Path, out: str, threads: int) -> None:
    import datafusion

    yield
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
    for name in TABLES:
        context.register_parquet(name, str(data / f"{name}.parquet"))
    pq.write_table(context.sql(sql).to_arrow_table(), out)


def cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def run_inside(engine: str, sql: str, data: str, out: str, threads: str) -> None:
    """In the process of a peer: prints its seconds, by the clock and of CPU, and its greatest memory."""
    steps = globals()[f"run_{engine}"](sql, pathlib.Path(data), out, int(threads))
    next(steps)
    cpu, start = cpu_s(resource.RUSAGE_SELF), time.monotonic()
    next(steps, None)
    wall, cpu = time.monotonic() - start, cpu_s(resource.RUSAGE_SELF) - cpu
    print(json.dumps([wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def measure(command: list[str]) -> tuple[str, list[float]]:
    """What it prints, and seconds by the clock, of CPU, and MiB."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        # wait4 gives this child's usage, which RUSAGE_CHILDREN does not.
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - start > OUT_OF_TIME:
                process.kill()
                process.wait()
                raise Failed(f"not done in {OUT_OF_TIME} s")
            time.sleep(0.0005)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode:
            lines = [line for line in stderr.read().decode(errors="replace").splitlines() if line.strip()]
            wanted = [line for line in lines if "rror" in line] or lines or [f"exit code {process.returncode}"]
            raise Failed(wanted[-1][:160])
        return stdout.read().decode(), [wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]


def run_once(given, engine: str, query: int, data: pathlib.Path, out: pathlib.Path) -> list[float]:
    sql = text_of(query, given.scale)
    if engine == "freightlake":
        command = [given.program, "query", with_files(sql, data), "-o", str(out), "--threads", str(given.threads)]
        return measure(command + (["--memory-limit", given.memory_limit] if given.memory_limit else []))[1]
    command = [sys.executable, __file__, "--inside", engine, sql, str(data), str(out), str(given.threads)]
    return json.loads(measure(command)[0].splitlines()[-1])


# ---- answers ----


def rows_of(path: pathlib.Path) -> list[tuple]:
    columns = [column.to_pylist() for column in pq.read_table(path).columns]
    return list(zip(*columns)) if columns else []


def is_number(value) -> bool:
    return not isinstance(value, (str, bytes, bool)) and hasattr(value, "__float__")


def last_digit(value) -> float:
    """What one of the last digit is worth: our quotients of decimals are decimals where DuckDB's are doubles."""
    return 10.0 ** value.as_tuple().exponent if isinstance(value, decimal.Decimal) else 0


def same(a, b) -> bool:
    if is_number(a) and is_number(b):
        if type(a) is type(b) and not isinstance(a, float):
            return a == b
        return math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=0.51 * max(last_digit(a), last_digit(b)))
    return a == b


def difference(mine: list[tuple], other: list[tuple]) -> str:
    """Where two answers, whose order the queries fix but for equal sums, differ; empty: nowhere."""
    if len(mine) != len(other):
        return f"{len(mine)} rows instead of {len(other)}"
    for i, (a, b) in enumerate(zip(mine, other)):
        if len(a) != len(b) or not all(map(same, a, b)):
            return f"row {i + 1} is {a} instead of {b}"
    return ""


# ---- the bench ----


def check(given, query: int, data: pathlib.Path, folder: pathlib.Path) -> str:
    ours, theirs = folder / "ours.parquet", folder / "theirs.parquet"
    run_once(given, "duckdb", query, data, theirs)
    run_once(given, "freightlake", query, data, ours)
    return difference(rows_of(ours), rows_of(theirs))


def race(given, query: int, data: pathlib.Path, folder: pathlib.Path) -> dict[str, list[float]]:
    """The medians of each engine: seconds, seconds of CPU, MiB."""
    engines = ["freightlake", *given.peers]
    runs: dict[str, list[list[float]]] = {engine: [] for engine in engines}
    failed = set()
    for turn in range(given.rounds):
        for engine in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
            if engine in failed:
                continue
            try:
                runs[engine].append(run_once(given, engine, query, data, folder / f"{engine}.parquet"))
            except Failed as failure:
                print(f"q{query:02}: {engine} does not run it: {failure}", file=sys.stderr)
                failed.add(engine)
    return {
        engine: [statistics.median(each) for each in zip(*taken)]
        for engine, taken in runs.items()
        if taken and engine not in failed
    }


def print_row(query: int, medians: dict[str, list[float]], peers: list[str]) -> None:
    wall, cpu, memory = medians["freightlake"]
    cells = [f"{wall:.3f}", f"{cpu:.3f}", f"{memory:.0f}"]
    for peer in peers:
        each = medians.get(peer)
        cells += [f"{each[0]:.3f}", f"{each[1]:.3f}", f"{wall / each[0]:.2f}"] if each else ["-", "-", "-"]
    print(f"| q{query:02} | {' | '.join(cells)} |", flush=True)


def print_means(results: dict[int, dict[str, list[float]]], peers: list[str]) -> dict[str, dict[str, float]]:
    means = {}
    for peer in peers:
        both = [medians for medians in results.values() if peer in medians]
        if not both:
            continue
        ratios = [[medians["freightlake"][i] / max(medians[peer][i], 1e-6) for medians in both] for i in (0, 1)]
        wall, cpu = (statistics.geometric_mean(each) for each in ratios)
        means[peer] = {"queries": len(both), "wall": wall, "cpu": cpu}
        print(
            f"\nFreightlake's time over {peer}'s, geometric mean of {len(both)} queries: {wall:.2f}, of CPU {cpu:.2f}"
        )
    return means


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--scale", type=float, default=1, help="1 is 6 million lines")
    parser.add_argument("--queries", default=",".join(map(str, range(1, 23))))
    parser.add_argument("--rounds", type=int, default=3, help="0 compares the answers only")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory-limit", help="of Freightlake")
    parser.add_argument("--data", type=pathlib.Path, help="a folder of the eight tables as TABLE.parquet")
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    given.queries = [int(each) for each in given.queries.split(",")]
    given.peers = [peer for peer in given.peers.split(",") if peer]
    if unknown := set(given.peers) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if unknown := set(given.queries) - set(range(1, 23)):
        parser.error(f"there is no query {sorted(unknown)[0]}; there are 1 to 22")
    return given


def main() -> int:
    given = parse()
    data = given.data or make_data(given.scale if given.scale % 1 else int(given.scale), given.threads)
    results, wrong, refused = {}, {}, {}
    peers = "".join(f" {peer} s | CPU s | x |" for peer in given.peers)
    print(
        f"\n### TPC-H, scale {given.scale:g}, {given.threads} threads\n\n| query | Freightlake s | CPU s | MiB |{peers}"
    )
    print("|---|" + "---:|" * (3 + 3 * len(given.peers)))
    with tempfile.TemporaryDirectory() as name:
        for query in given.queries:
            try:
                if problem := check(given, query, data, pathlib.Path(name)):
                    wrong[query] = problem
                    print(f"| q{query:02} | another answer than DuckDB's |", flush=True)
                elif given.rounds:
                    results[query] = race(given, query, data, pathlib.Path(name))
                    print_row(query, results[query], given.peers)
                else:
                    print(f"| q{query:02} | DuckDB's answer |", flush=True)
            except Failed as failure:
                refused[query] = str(failure)
                print(f"| q{query:02} | does not run |", flush=True)
    for query, problem in {**wrong, **refused}.items():
        print(f"q{query:02}: {problem}", file=sys.stderr)
    means = print_means(results, given.peers)
    if given.json:
        given.json.write_text(json.dumps({"scale": given.scale, "threads": given.threads, "means": means,
                                          "queries": results, "wrong": wrong, "refused": refused}, indent=1) + "\n")  # fmt: skip
    return 1 if wrong or refused else 0


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--inside":
        run_inside(*sys.argv[2:])
    else:
        sys.exit(main())

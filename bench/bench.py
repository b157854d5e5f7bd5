#!/usr/bin/env python3
"""Side by side: the marts by Freightlake and its peers, files to files.  Run by scripts/bench (make bench).

For each table of shipments: every engine's result is compared with Freightlake's first, then all engines run in turn,
round by round, so that what else the machine does hits all of them alike.  Measured is the whole process, from exec to
exit: wall clock, user and system CPU, peak resident memory (wait4).  A child's peak counts from what its parent held, so
this process stays small and comparing is another's work.  Medians go into a Markdown table, all runs into a JSON file.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
PROGRAM = ROOT / "build" / "freightlake"
SEED = 7

AGGREGATES = ["carrier_performance", "route_efficiency", "delay_trends", "warehouse_demand"]
SORT = ["cost_analysis"]
MODES = {"all": [*AGGREGATES, *SORT], "aggregates": AGGREGATES, "sort": SORT}
MODE_TITLES = {"all": "all five marts", "aggregates": "the four aggregates", "sort": "cost_analysis (the global sort)"}


@dataclass(frozen=True)
class Table:
    name: str
    rows: int
    files: int


TABLES = {
    "1.4M": Table("1.4 M rows in 28 files", 1_400_000, 28),
    "20M": Table("20 M rows in 20 files", 20_000_000, 20),
    "100M": Table("100 M rows in 100 files", 100_000_000, 100),
}


@dataclass
class Run:
    table: str
    mode: str
    engine: str
    round: int
    wall_seconds: float
    user_seconds: float
    system_seconds: float
    peak_bytes: int
    load_before: float

    @property
    def cpu_seconds(self) -> float:
        return self.user_seconds + self.system_seconds


def prepare(table: Table, cache: pathlib.Path) -> pathlib.Path:
    """The table's files, generated once per version of the program and options."""
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    folder = cache / "bench" / f"{version}-seed{SEED}-rows{table.rows}-files{table.files}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"== generating {table.name} into {folder}", flush=True)
        options = ["--rows", table.rows, "--seed", SEED, "--files", table.files, "--format", "parquet"]
        subprocess.run([PROGRAM, "generate", *map(str, options), "--out", folder / "shipments"], check=True)
        subprocess.run(
            [sys.executable, ROOT / "bench" / "limit_index.py", folder / "shipments", folder / "index"], check=True
        )
        (folder / "complete").touch()
    return folder


def freightlake(files: str, out: pathlib.Path, mode: str) -> list[str]:
    only = [] if mode == "all" else [word for mart in MODES[mode] for word in ("--mart", mart)]
    return [str(PROGRAM), "run", "--from", files, "--to", str(out), *only]


def peer(script: str):
    def command(files: str, out: pathlib.Path, mode: str) -> list[str]:
        return [sys.executable, str(PEERS / script), files, str(out), mode]

    return command


def spark(files: str, out: pathlib.Path, mode: str) -> list[str]:
    """By spark-submit, which ends after both the Java and the Python process: their CPU and memory are seen."""
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(out / "spark"),
        "spark.pyspark.python": sys.executable,
        "spark.ui.enabled": "false",
    }
    return [
        str(pathlib.Path(importlib.util.find_spec("pyspark").origin).parent / "bin" / "spark-submit"),
        *("--master", f"local[{len(os.sched_getaffinity(0))}]", "--driver-memory", "8g"),
        *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
        *(str(PEERS / "spark_marts.py"), files, str(out), mode),
    ]


@dataclass(frozen=True)
class Engine:
    name: str
    package: str  # whose version is printed; "" for this program
    command: object


def limit(files: str, out: pathlib.Path, mode: str) -> list[str]:
    """The physical limit (limit.c), with the index that was made with the files; no entrant, but a yardstick."""
    return [
        str(ROOT / "build" / "bench" / "limit"),
        str(pathlib.Path(files).parent.parent / "index"),
        mode,
        f"{out}.out",
    ]


LIMIT = Engine("(limit)", "", limit)
ENGINES = [
    Engine("Freightlake", "", freightlake),
    Engine("DuckDB", "duckdb", peer("duckdb_marts.py")),
    Engine("Polars", "polars", peer("polars_marts.py")),
]
MORE_ENGINES = [
    Engine("DataFusion", "datafusion", peer("datafusion_marts.py")),
    Engine("chDB", "chdb", peer("chdb_marts.py")),
    Engine("Spark", "pyspark", spark),
]


def measure(command: list[str], log: pathlib.Path) -> tuple[float, resource.struct_rusage, int]:
    """Wall clock, resources and exit code of a whole process, its output in `log`."""
    with log.open("wb") as output:
        started = time.perf_counter()
        process = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
            ],
        )
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - started
    return wall, usage, os.waitstatus_to_exitcode(status)


def check_equality(engines: list[Engine], table: Table, files: str, scratch: pathlib.Path) -> list[Engine]:
    """The engines whose five marts equal Freightlake's; what another one got wrong is printed."""
    outs = {}
    for engine in engines:
        out = scratch / engine.name
        shutil.rmtree(out, ignore_errors=True)
        log = scratch / f"{engine.name}.log"
        _, _, code = measure(engine.command(files, out, "all"), log)
        if code == 0:
            outs[engine.name] = out
        else:
            print(
                f"   {engine.name} ended with exit code {code}:\n{log.read_text(errors='replace')[-2000:]}", flush=True
            )
    if "Freightlake" not in outs:
        sys.exit("error: Freightlake's own run failed")
    equal = []
    for engine in engines:
        if engine.name not in outs:
            continue
        if engine.name != "Freightlake":
            command = [sys.executable, ROOT / "bench" / "compare.py", outs["Freightlake"], outs[engine.name]]
            compared = subprocess.run(command, capture_output=True, text=True, check=False)
            if compared.returncode != 0:
                print(f"   {engine.name} is not equal:\n{compared.stdout}{compared.stderr}", flush=True)
                continue
            print(f"   {engine.name}'s five marts over {table.name} equal Freightlake's", flush=True)
        equal.append(engine)
    return equal


def race(engines: list[Engine], table: Table, mode: str, files: str, scratch: pathlib.Path, rounds: int) -> list[Run]:
    runs = []
    for number in range(rounds):
        for engine in engines:
            load = os.getloadavg()[0]
            log = scratch / f"{engine.name}.log"
            wall, usage, code = measure(engine.command(files, scratch / engine.name, mode), log)
            if code != 0:
                sys.exit(f"error: {engine.name} ended with exit code {code}\n{log.read_text(errors='replace')[-2000:]}")
            runs.append(
                Run(
                    table.name,
                    mode,
                    engine.name,
                    number,
                    wall,
                    usage.ru_utime,
                    usage.ru_stime,
                    usage.ru_maxrss * 1024,
                    load,
                )
            )
    return runs


def median(runs: list[Run], engine: str, value: str) -> float:
    return statistics.median(getattr(run, value) for run in runs if run.engine == engine)


def markdown(runs: list[Run], title: str) -> str:
    """One table: medians, and how many times Freightlake's each is."""
    lines = [
        f"### {title}",
        "",
        "| engine | wall s | CPU s | peak MB | wall, x Freightlake | CPU, x | memory, x |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    own = {value: median(runs, "Freightlake", value) for value in ("wall_seconds", "cpu_seconds", "peak_bytes")}
    for engine in dict.fromkeys(run.engine for run in runs):
        wall, cpu, peak = (median(runs, engine, value) for value in own)
        ratios = [f"{theirs / ours:.2f}" for theirs, ours in zip((wall, cpu, peak), own.values(), strict=True)]
        lines.append(f"| {engine} | {wall:.3f} | {cpu:.3f} | {peak / 1e6:.0f} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def machine() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GB memory, Linux {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser(description="the five marts by Freightlake and its peers, side by side")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["1.4M", "20M"])
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--all", action="store_true", help="Spark, DataFusion and chDB, too, and 100 M rows")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="where generated tables are kept")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()

    engines = ENGINES + (MORE_ENGINES if arguments.all else [])
    names = [*arguments.tables, *(["100M"] if arguments.all and "100M" not in arguments.tables else [])]
    arguments.out.mkdir(parents=True, exist_ok=True)
    scratch = arguments.out / "results"
    scratch.mkdir(exist_ok=True)

    versions = ", ".join(f"{e.name} {metadata.version(e.package)}" for e in engines if e.package)
    head = f"{machine()}; {versions}; {arguments.rounds} interleaved rounds, medians of whole processes."
    print(head, flush=True)
    sections, runs = [], []
    for name in names:
        table = TABLES[name]
        folder = prepare(table, arguments.cache)
        files = str(folder / "shipments" / "*.parquet")
        entrants = check_equality(engines, table, files, scratch)
        for mode in arguments.modes:
            print(f"== {table.name}, {MODE_TITLES[mode]}", flush=True)
            part = race([*entrants, LIMIT], table, mode, files, scratch, arguments.rounds)
            runs += part
            loads = [run.load_before for run in part]
            section = markdown(part, f"{table.name}, {MODE_TITLES[mode]}")
            section += f"\n\nLoad average before the runs: {min(loads):.2f} to {max(loads):.2f}.\n"
            sections.append(section)
            print(section, flush=True)
        shutil.rmtree(scratch)
        scratch.mkdir()

    (arguments.out / "benchmarks.md").write_text(head + "\n\n" + "\n".join(sections))
    facts = {"machine": machine(), "versions": versions, "runs": [asdict(run) for run in runs]}
    (arguments.out / "benchmarks.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"written: {arguments.out / 'benchmarks.md'} and benchmarks.json")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""ratios.py BENCHMARKS.JSON: do the ratios of one race hold what bench/ratios.json asks for?

A time means nothing on a machine that is shared; how many times longer a peer takes in the same round does.  So each
round gives a ratio (the better peer's figure over Freightlake's), and the median of the rounds counts.  The table goes
to standard output and, as Markdown, beside the file that was read.  Exit code 1 where a ratio is below its floor.
"""

import json
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("DuckDB", "Polars")
FIGURES = {
    "wall": lambda run: run["wall_seconds"],
    "cpu": lambda run: run["user_seconds"] + run["system_seconds"],
    "memory": lambda run: run["peak_bytes"],
}


def ratio(runs: list[dict], figure: str) -> float:
    """The median over the rounds of the better peer's figure over Freightlake's."""
    value = {(run["round"], run["engine"]): FIGURES[figure](run) for run in runs}
    rounds = sorted({number for number, _ in value})
    return statistics.median(
        min(value[number, peer] for peer in PEERS) / value[number, "Freightlake"] for number in rounds
    )


def judge(facts: dict, floors: dict) -> tuple[list[str], list[str]]:
    """The lines of the table, and what is wrong."""
    lines = ["| marts | figure | better peer / Freightlake | at least | |", "|---|---|---:|---:|---|"]
    problems = []
    for mode, wanted in floors["modes"].items():
        runs = [run for run in facts["runs"] if run["table"] == floors["table"] and run["mode"] == mode]
        missing = {"Freightlake", *PEERS} - {run["engine"] for run in runs}
        if missing:
            problems.append(f"{mode}: {', '.join(sorted(missing))} did not run or gave other marts")
            continue
        for figure, least in wanted.items():
            found = ratio(runs, figure)
            if found < least:
                problems.append(f"{mode}: the {figure} ratio is {found:.2f}, at least {least} is wanted")
            lines.append(f"| {mode} | {figure} | {found:.2f} | {least} | {'ok' if found >= least else '**below**'} |")
    return lines, problems


def main() -> int:
    source = pathlib.Path(sys.argv[1])
    facts = json.loads(source.read_text())
    lines, problems = judge(facts, json.loads((HERE / "ratios.json").read_text()))
    text = "\n".join([f"{facts['machine']}; {facts['versions']}", "", *lines, "", *problems])
    source.with_name("ratios.md").write_text(text + "\n")
    print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

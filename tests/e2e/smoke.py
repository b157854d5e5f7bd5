#!/usr/bin/env python3
"""The way of a shipment as a person types it: generate, run, show, query, explain, inspect, and what goes wrong.

Short on purpose: it also runs on the sanitizer builds.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from pyarrow import parquet

PROGRAM = os.environ["FREIGHTLAKE"]
ROWS = 20_000
MARTS = ["carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"]


class Smoke:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.passed = 0
        self.failed = 0

    def check(self, what: str, holds: bool, detail: object = "") -> None:
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}: {detail}")

    def freightlake(self, *words: object, expect: int = 0) -> subprocess.CompletedProcess:
        command = [PROGRAM, *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        self.check(
            f"exit code {expect} of {' '.join(command[1:])}",
            done.returncode == expect,
            (done.returncode, done.stderr[-4000:]),
        )
        return done

    def leftovers(self, folder: str) -> list[str]:
        return [str(path) for path in (self.folder / folder).rglob(".*")]

    def generate(self) -> None:
        options = ["--rows", ROWS, "--seed", 11, "--files", 3, "--format", "parquet"]
        self.freightlake("generate", *options, "--out", "data", "--threads", 2)
        self.freightlake("generate", *options, "--out", "again", "--threads", 1)
        files = sorted(path.name for path in (self.folder / "data").glob("*.parquet"))
        self.check("three files", len(files) == 3, files)
        same = all((self.folder / "data" / n).read_bytes() == (self.folder / "again" / n).read_bytes() for n in files)
        self.check("the same seed gives the same bytes whatever the threads", same)
        rows = sum(parquet.read_metadata(self.folder / "data" / name).num_rows for name in files)
        self.check("all rows are there", rows == ROWS, rows)
        for form in ("csv", "ndjson"):
            self.freightlake("generate", "--rows", 500, "--seed", 3, "--format", form, "--out", form)

    def run(self) -> None:
        done = self.freightlake("run", "--from", "data/*.parquet", "--to", "marts", "--threads", 2, "--json")
        try:
            json.loads(done.stdout)
        except ValueError as error:
            self.check("run --json prints JSON", False, (error, done.stdout[:500]))
        self.freightlake("run", "--from", "data/*.parquet", "--to", "single", "--threads", 1)
        for mart in MARTS:
            two, one = (self.folder / to / mart / f"{mart}.parquet" for to in ("marts", "single"))
            self.check(f"{mart} has the same bytes with one thread", two.read_bytes() == one.read_bytes())
            expected = {"carrier_performance": 7, "route_efficiency": 32, "cost_analysis": ROWS, "delay_trends": 8}
            rows = parquet.read_metadata(two).num_rows
            self.check(f"rows of {mart}", rows == expected.get(mart, 32), rows)
        self.check("no temporary file is left", not self.leftovers("marts"), self.leftovers("marts"))

    def look(self) -> None:
        for mart in MARTS:
            shown = self.freightlake("show", mart, "--from", "marts").stdout
            self.check(f"show {mart} prints a table", len(shown.splitlines()) > 5, shown)
        sql = "SELECT carrier, count(*) AS n FROM 'data/*.parquet' GROUP BY carrier ORDER BY carrier"
        lines = self.freightlake("query", sql, "--format", "ndjson").stdout.splitlines()
        counts = {row["carrier"]: row["n"] for row in map(json.loads, lines)}
        self.check("query counts every shipment", sum(counts.values()) == ROWS and len(counts) == 7, counts)
        for form in ("table", "csv", "json"):
            text = self.freightlake("query", sql, "--format", form).stdout
            self.check(f"query prints {form}", "OnTrac" in text, text)
        self.freightlake("query", sql, "--output", "counts.parquet")
        self.check(
            "query writes Parquet",
            parquet.read_table(self.folder / "counts.parquet").to_pydict()["n"] == [*counts.values()],
        )
        self.freightlake("explain", sql)
        self.freightlake("explain", "--analyze", sql)
        inspected = self.freightlake("inspect", "marts/cost_analysis/cost_analysis.parquet", "--json").stdout
        self.check("inspect --json prints JSON", isinstance(json.loads(inspected), dict), inspected[:300])
        self.freightlake("inspect", "marts/delay_trends/delay_trends.parquet")

    def go_wrong(self) -> None:
        self.freightlake("--version")
        self.freightlake("--help")
        for command in ("generate", "run", "query", "inspect", "show", "explain"):
            self.freightlake(command, "--help")
        self.freightlake("rum", expect=2)
        self.freightlake("run", "--from", "data/*.parquet", expect=2)
        self.freightlake("query", "SELECT FROM WHERE", expect=2)
        self.freightlake("query", "SELECT nothing AS n FROM 'data/*.parquet'", expect=2)
        self.freightlake("run", "--from", "nowhere/*.parquet", "--to", "other", expect=3)
        before = {mart: (self.folder / "marts" / mart / f"{mart}.parquet").read_bytes() for mart in MARTS}
        first = sorted((self.folder / "data").glob("*.parquet"))[0]
        whole = first.read_bytes()
        for name, content in (
            ("cut", whole[: len(whole) // 2]),
            ("empty", b""),
            ("text", b"shipment_id,carrier\n" * 100),
        ):
            first.write_bytes(content)
            done = self.freightlake("run", "--from", "data/*.parquet", "--to", "marts", expect=3)
            self.check(f"a broken file ({name}) is named", first.name in done.stderr, done.stderr)
        first.write_bytes(whole)
        after = {mart: (self.folder / "marts" / mart / f"{mart}.parquet").read_bytes() for mart in MARTS}
        self.check("broken input leaves every mart as it was", before == after)
        self.check("and no temporary file", not self.leftovers("marts"), self.leftovers("marts"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        smoke = Smoke(pathlib.Path(folder))
        for part in (smoke.generate, smoke.run, smoke.look, smoke.go_wrong):
            try:
                part()
            except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
                smoke.check(part.__name__, False, repr(error))
    print(f"{smoke.passed} passed, {smoke.failed} failed, 0 skipped")
    return 1 if smoke.failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The command line as people meet it: help, exit codes, formats, mistakes, interrupts, a full disk.

Runs the program in the environment variable FREIGHTLAKE; ends with the line `N passed, N failed, N skipped`.
"""

import csv
import decimal
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import pyarrow
from pyarrow import parquet

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
ROWS = 30_000
MARTS = ["carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"]
COMMANDS = [
    "generate",
    "init",
    "onboard",
    "ingest",
    "quarantine",
    "rebuild",
    "erase",
    "table",
    "marts",
    "history",
    "status",
    "doctor",
    "run",
    "show",
    "query",
    "explain",
    "inspect",
    "completion",
    "help",
    "version",
    "man",
    "reference",
]
TIMEOUT = 300
BINARY_MAX_BYTES = 10_000_000


def run(*words: object, cwd: pathlib.Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [PROGRAM, *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **environment},
    )


def leftovers(folder: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in folder.rglob(".*") if ".tmp-" in path.name]


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


class Lake(unittest.TestCase):
    """A folder with generated shipments and their marts, shared by the tests of a class."""

    folder: pathlib.Path
    made: tempfile.TemporaryDirectory

    @classmethod
    def setUpClass(cls) -> None:
        cls.made = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.made.name)
        done = run("generate", "--rows", ROWS, "--seed", 5, "--files", 3, "--out", "data", cwd=cls.folder)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        done = run("run", "--from", "data", "--to", "marts", cwd=cls.folder)
        if done.returncode != 0:
            raise AssertionError(done.stderr)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.made.cleanup()

    def do(self, *words: object, expect: int = 0, **options: str) -> subprocess.CompletedProcess:
        done = run(*words, cwd=self.folder, **options)
        self.assertEqual(done.returncode, expect, f"{words}: {done.stderr[-2000:]}")
        if expect not in (0, 130):
            self.assertIn("error: ", done.stderr)
        return done

    def mistake(self, *words: object, expect: int, says: list[str]) -> None:
        done = self.do(*words, expect=expect)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")


class TestAbout(Lake):
    def test_version(self) -> None:
        self.assertRegex(self.do("--version").stdout, r"^freightlake \d+\.\d+\.\d+\n$")
        self.assertEqual(self.do("version").stdout, self.do("--version").stdout)

    def test_version_is_quick(self) -> None:
        best = 1.0
        for _ in range(10):
            start = time.perf_counter()
            self.do("--version")
            best = min(best, time.perf_counter() - start)
        self.assertLess(best, 0.1)

    def test_binary_is_small(self) -> None:
        facts = pathlib.Path(os.environ.get("FREIGHTLAKE_BUILD", "")) / "meson-info" / "intro-buildoptions.json"
        options = (
            {option["name"]: option["value"] for option in json.loads(facts.read_text())} if facts.is_file() else {}
        )
        shipped = (
            options.get("buildtype") == "release" and options["b_sanitize"] == "none" and not options["b_coverage"]
        )
        if not shipped:
            self.skipTest("this is no release build")
        self.assertLess(pathlib.Path(PROGRAM).stat().st_size, BINARY_MAX_BYTES)

    @unittest.skipUnless(shutil.which("readelf"), "readelf is not here")
    def test_binary_looks_for_libraries_nowhere_of_its_own(self) -> None:
        done = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True)
        self.assertNotRegex(done.stdout, r"\((RPATH|RUNPATH)\)")

    def test_help_of_every_command(self) -> None:
        for command in COMMANDS:
            text = self.do(command, "--help").stdout
            self.assertIn("Usage: freightlake " + command, text)
            self.assertIn("Examples:", text)
            self.assertEqual(text, self.do("help", command).stdout)

    def test_overview(self) -> None:
        text = self.do("--help").stdout
        for command in COMMANDS[:-2]:
            self.assertRegex(text, rf"\n  {command} +\w")
        self.assertNotRegex(text, r"\n  (man|reference) ")
        self.assertEqual(text, self.do("help").stdout)

    def test_usage_mistakes(self) -> None:
        self.mistake(expect=2, says=["no command", "--help"])
        self.mistake("rum", expect=2, says=["'rum'", "did you mean 'run'"])
        self.mistake("run", "--form", "x", expect=2, says=["--form", "did you mean --from"])
        self.mistake("run", "--from", "x", expect=2, says=["--to"])
        self.mistake("query", expect=2, says=["needs a statement"])
        self.mistake("query", "x", "--format", "xml", expect=2, says=["'xml'", "table|csv|json|ndjson"])
        self.mistake("query", "x", "--threads", "many", expect=2, says=["--threads", "from 0 to"])
        self.mistake("query", "x", "--memory-limit", "lots", expect=2, says=["--memory-limit", "1GiB"])
        self.mistake("help", "rum", expect=2, says=["did you mean 'run'"])
        self.mistake("completion", "csh", expect=2, says=["bash, zsh and fish"])
        self.mistake("generate", "--out", "x", "--as-of", "2025-02-30", expect=2, says=["2025-02-30", "YYYY-MM-DD"])

    def test_errors_as_json(self) -> None:
        done = run("--log-format", "json", "run", "--from", "nowhere/*.parquet", "--to", "x", cwd=self.folder)
        self.assertEqual(done.returncode, 3)
        line = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual((line["level"], line["code"]), ("error", "not_found"))
        self.assertIn("hint", line)

    def test_completions(self) -> None:
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            script = self.do("completion", shell).stdout
            self.assertIn("carrier_performance", script)
            if not shutil.which(check[0]):
                continue
            path = self.folder / f"completion.{shell}"
            path.write_text(script)
            subprocess.run([*check, str(path)], check=True)

    def complete(self, *words: str) -> list[str]:
        """What bash offers for the last word."""
        quoted = " ".join(f"'{word}'" for word in words)
        script = (
            f"source <('{PROGRAM}' completion bash); COMP_WORDS=(freightlake {quoted}); "
            f'COMP_CWORD={len(words)}; _freightlake; printf "%s\\n" "${{COMPREPLY[@]}}"'
        )
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    def test_bash_completes(self) -> None:
        self.assertEqual(self.complete("qu"), ["quarantine", "query"])
        self.assertEqual(self.complete("run", "--fr"), ["--from"])
        self.assertEqual(self.complete("query", "x", "--format", "nd"), ["ndjson"])
        self.assertEqual(self.complete("show", "cost"), ["cost_analysis"])
        self.assertEqual(self.complete("run", "--mart", "ware"), ["warehouse_demand"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])
        self.assertEqual(self.complete("--color", "al"), ["always"])

    def test_manual_page(self) -> None:
        page = self.do("man").stdout
        self.assertTrue(page.startswith(".TH FREIGHTLAKE 1"))
        for line in page.splitlines():
            self.assertRegex(line, r"^(\.(TH|SH|SS|TP|PP|B|I)\b|[^.'])", line)
        sections = re.findall(r"(?m)^\.SH (.*)$", page)
        self.assertEqual(
            sections, ["NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
        )
        for name in [
            "FREIGHTLAKE_LAKE",
            "AWS_PROFILE",
            "NO_COLOR",
            "LAKE/freightlake.yaml",
            "LAKE/clients/CLIENT.yaml",
        ]:
            self.assertIn(f"\\fB{name}\\fR", page)
        if shutil.which("mandoc"):
            subprocess.run(["mandoc", "-T", "lint", "-W", "error"], input=page, text=True, check=True)
        if shutil.which("groff"):
            done = subprocess.run(
                ["groff", "-man", "-Tutf8", "-ww"], input=page, text=True, capture_output=True, check=True
            )
            self.assertEqual(done.stderr, "")
            self.assertIn("--memory-limit", re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout).replace("‐", "-"))

    def test_reference_document(self) -> None:
        document = (ROOT / "docs" / "cli.md").read_text()
        self.assertTrue(
            document.endswith(self.do("reference").stdout), "docs/cli.md: replace its end by `freightlake reference`"
        )

    def test_closed_pipe_ends_quietly(self) -> None:
        done = subprocess.run(
            [
                "bash",
                "-c",
                f"'{PROGRAM}' query \"SELECT * FROM 'data'\" --format csv | head -1; echo ${{PIPESTATUS[0]}}",
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        self.assertEqual(done.stdout.split()[-1], str(128 + signal.SIGPIPE))
        self.assertEqual(done.stderr, "")

    def test_full_standard_output(self) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)


class TestRun(Lake):
    def test_marts_are_there(self) -> None:
        rows = {
            mart: parquet.read_metadata(self.folder / "marts" / mart / f"{mart}.parquet").num_rows for mart in MARTS
        }
        self.assertEqual(rows["cost_analysis"], ROWS)
        self.assertEqual((rows["carrier_performance"], rows["delay_trends"]), (7, 8))
        self.assertEqual((rows["route_efficiency"], rows["warehouse_demand"]), (32, 32))
        self.assertEqual(leftovers(self.folder), [])

    def test_summary_for_people(self) -> None:
        done = self.do("run", "--from", "data/*.parquet", "--to", "people")
        for part in [*MARTS, "rows/s", "peak memory", "3 files"]:
            self.assertIn(part, done.stdout)
        self.assertEqual(done.stderr, "")

    def test_summary_for_machines(self) -> None:
        done = self.do("run", "--from", "data/*.parquet", "--to", "machine", "--json", "--threads", 2)
        summary = json.loads(done.stdout)
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual((summary["rows"], summary["files"], summary["threads"]), (ROWS, 3, 2))
        self.assertEqual([mart["name"] for mart in summary["marts"]], MARTS)
        for mart in summary["marts"]:
            path = self.folder / mart["path"]
            self.assertEqual(path.stat().st_size, mart["bytes"])
            self.assertEqual(parquet.read_metadata(path).num_rows, mart["rows"])
            self.assertRegex(mart["definition_hash"], "^[0-9a-f]{32}$")
        for field in (
            "bytes_read",
            "seconds",
            "rows_per_second",
            "peak_memory_bytes",
            "row_groups",
            "row_groups_skipped",
        ):
            self.assertGreaterEqual(summary[field], 0, field)

    def test_log_line(self) -> None:
        done = self.do("run", "--from", "data", "--to", "logged", "--log-format", "json")
        line = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual((line["message"], line["rows"], line["marts"]), ("run finished", ROWS, 5))
        quiet = self.do("run", "--from", "data", "--to", "logged", "--log-format", "json", "--log-level", "error")
        self.assertEqual(quiet.stderr, "")

    def test_chosen_marts(self) -> None:
        self.do("run", "--from", "data", "--to", "chosen", "--mart", "delay_trends", "-m", "warehouse_demand")
        self.assertEqual(
            sorted(path.name for path in (self.folder / "chosen").iterdir()), ["delay_trends", "warehouse_demand"]
        )
        self.mistake(
            "run",
            "--from",
            "data",
            "--to",
            "x",
            "--mart",
            "delay_trend",
            expect=2,
            says=["did you mean 'delay_trends'"],
        )

    def test_own_marts(self) -> None:
        own = self.folder / "own"
        own.mkdir()
        (own / "late.sql").write_text(
            "SELECT carrier, count(*) AS n FROM shipments WHERE delay_days > 1 GROUP BY carrier\n"
        )
        (own / "delay_trends.sql").write_text("SELECT count(*) AS n FROM shipments\n")
        self.do("run", "--from", "data", "--to", "owned", "--marts", "own")
        self.assertEqual(parquet.read_metadata(self.folder / "owned/late/late.parquet").num_rows, 7)
        trends = parquet.read_table(self.folder / "owned/delay_trends/delay_trends.parquet").to_pydict()
        self.assertEqual(trends, {"n": [ROWS]})
        (own / "broken.sql").write_text("SELECT carrier,\n  nothing AS x\nFROM shipments\n")
        self.mistake(
            "run",
            "--from",
            "data",
            "--to",
            "owned",
            "--marts",
            "own",
            expect=2,
            says=["own/broken.sql", "row 2", "position"],
        )
        (own / "broken.sql").write_text("SELECT carrier FROM elsewhere\n")
        self.mistake(
            "run", "--from", "data", "--to", "owned", "--marts", "own", expect=2, says=["own/broken.sql", "elsewhere"]
        )
        self.mistake("run", "--from", "data", "--to", "owned", "--marts", "nowhere", expect=3, says=["nowhere"])

    def test_folders_take_only_parquet(self) -> None:
        mixed = self.folder / "mixed"
        shutil.copytree(self.folder / "data", mixed)
        (mixed / "README.txt").write_text("not Parquet")
        (mixed / "_notes.parquet").write_text("not Parquet")
        (mixed / ".hidden.parquet").write_text("not Parquet")
        done = self.do("run", "--from", "mixed", "--to", "mixed-marts", "--json")
        self.assertEqual(json.loads(done.stdout)["files"], 3)
        (self.folder / "none").mkdir(exist_ok=True)
        self.mistake("run", "--from", "none", "--to", "x", expect=3, says=["none"])
        self.mistake("run", "--from", "nowhere", "--to", "x", expect=3, says=["nowhere"])
        self.assertFalse((self.folder / "x").exists())

    def test_data_that_does_not_fit(self) -> None:
        table = parquet.read_table(self.folder / "data" / "part-00000.parquet")
        cases = {
            "lacking": (table.drop_columns(["shipping_cost"]), ["shipping_cost"]),
            "renamed": (
                table.rename_columns([name.replace("carrier", "carier") for name in table.column_names]),
                ["carrier", "carier"],
            ),
            "nested": (
                table.set_column(
                    table.column_names.index("carrier"), "carrier", pyarrow.array([["a"]] * table.num_rows)
                ),
                ["carrier"],
            ),
            "binary": (
                table.set_column(
                    table.column_names.index("shipping_cost"), "shipping_cost", pyarrow.array([b"1"] * table.num_rows)
                ),
                ["shipping_cost"],
            ),
        }
        before = contents(self.folder / "marts")
        for name, (wrong, says) in cases.items():
            folder = self.folder / f"wrong-{name}"
            shutil.copytree(self.folder / "data", folder)
            parquet.write_table(wrong, folder / "part-00001.parquet")
            with self.subTest(name):
                self.mistake(
                    "run", "--from", folder.name, "--to", "marts", expect=3, says=["part-00001.parquet", *says]
                )
        self.assertEqual(before, contents(self.folder / "marts"))
        self.assertEqual(leftovers(self.folder), [])

    def test_broken_files(self) -> None:
        whole = (self.folder / "data" / "part-00000.parquet").read_bytes()
        middle = len(whole) // 2
        before = contents(self.folder / "marts")
        for name, content in {
            "cut": whole[:middle],
            "empty": b"",
            "text": b"shipment_id,carrier\n" * 50,
            "zeroed": whole[: middle - 2000] + bytes(4000) + whole[middle + 2000 :],
        }.items():
            folder = self.folder / f"broken-{name}"
            shutil.copytree(self.folder / "data", folder)
            (folder / "part-00002.parquet").write_bytes(content)
            with self.subTest(name):
                self.mistake("run", "--from", folder.name, "--to", "marts", expect=3, says=["part-00002.parquet"])
        self.assertEqual(before, contents(self.folder / "marts"))
        self.assertEqual(leftovers(self.folder), [])

    def test_target_that_cannot_be_written(self) -> None:
        (self.folder / "file").write_text("in the way")
        self.mistake("run", "--from", "data", "--to", "file/marts", expect=3, says=["file"])
        (self.folder / "taken" / "delay_trends" / "delay_trends.parquet").mkdir(parents=True)
        self.mistake("run", "--from", "data", "--to", "taken", expect=3, says=["delay_trends.parquet"])
        self.assertEqual(leftovers(self.folder), [])

    def test_memory_limit(self) -> None:
        before = contents(self.folder / "marts")
        self.mistake(
            "run", "--from", "data", "--to", "marts", "--memory-limit", "100kB", expect=4, says=["--memory-limit"]
        )
        self.assertEqual(before, contents(self.folder / "marts"))
        self.assertEqual(leftovers(self.folder), [])


class TestInterrupted(unittest.TestCase):
    """What remains when a run is stopped half way."""

    ROWS = 3_000_000

    @classmethod
    def setUpClass(cls) -> None:
        cls.made = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.made.name)
        for rows, name in ((2000, "small"), (cls.ROWS, "large")):
            done = run("generate", "--rows", rows, "--seed", 9, "--out", name, cwd=cls.folder)
            if done.returncode != 0:
                raise AssertionError(done.stderr)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.made.cleanup()

    def setUp(self) -> None:
        self.marts = self.folder / "marts"
        shutil.rmtree(self.marts, ignore_errors=True)
        self.assertEqual(run("run", "--from", "small", "--to", "marts", cwd=self.folder).returncode, 0)
        self.before = contents(self.marts)

    def stop(self, number: int) -> subprocess.Popen:
        """Starts a run and sends it a signal as soon as its temporary files are there."""
        for _ in range(5):
            process = subprocess.Popen(
                [PROGRAM, "run", "--from", "large", "--to", "marts", "--threads", "1"],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            while process.poll() is None and len(leftovers(self.marts)) < len(MARTS):
                pass
            process.send_signal(number)
            self.output = process.communicate(timeout=TIMEOUT)
            if process.returncode != 0:
                return process
            self.setUp()
        self.skipTest("the run is over before it can be stopped")

    def test_killed(self) -> None:
        process = self.stop(signal.SIGKILL)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertEqual(contents(self.marts), self.before)
        self.assertNotEqual(leftovers(self.marts), [])
        done = run("run", "--from", "small", "--to", "marts", "--json", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["temporary_files_removed"], 0)
        self.assertEqual(leftovers(self.marts), [])
        self.assertEqual(contents(self.marts), self.before)

    def test_interrupted(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.stop(number)
            self.assertEqual(process.returncode, 130, self.output)
            self.assertIn("interrupted", self.output[1])
            self.assertEqual(contents(self.marts), self.before)
            self.assertEqual(leftovers(self.marts), [])

    def test_full_disk(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
        )
        if mounted.returncode != 0:
            self.skipTest(f"no disk can be mounted: {mounted.stderr.strip()}")
        try:
            done = run("run", "--from", "small", "--to", "disk/marts", cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            before = contents(disk)
            done = run("run", "--from", "large", "--to", "disk/marts", cwd=self.folder)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("No space left", done.stderr)
            self.assertEqual(contents(disk), before)
            self.assertEqual(leftovers(disk), [])
            done = run("query", "SELECT * FROM 'large'", "--output", "disk/all.csv", cwd=self.folder)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertFalse((disk / "all.csv").exists())
        finally:
            subprocess.run(["umount", str(disk)], check=True)


class TestQuery(Lake):
    BY_CARRIER = "SELECT carrier, count(*) AS n, sum(shipping_cost) AS cost FROM 'data/*.parquet' GROUP BY carrier ORDER BY carrier"

    def test_formats_agree(self) -> None:
        as_json = json.loads(self.do("query", self.BY_CARRIER, "--format", "json").stdout)
        as_lines = [
            json.loads(line) for line in self.do("query", self.BY_CARRIER, "--format", "ndjson").stdout.splitlines()
        ]
        as_csv = list(csv.DictReader(io.StringIO(self.do("query", self.BY_CARRIER, "--format", "csv").stdout)))
        self.assertEqual(as_json, as_lines)
        self.assertEqual([row["carrier"] for row in as_json], [row["carrier"] for row in as_csv])
        self.assertEqual([row["n"] for row in as_json], [int(row["n"]) for row in as_csv])
        self.assertEqual([row["cost"] for row in as_json], [float(row["cost"]) for row in as_csv])
        self.assertEqual(sum(row["n"] for row in as_json), ROWS)
        table = self.do("query", self.BY_CARRIER).stdout.splitlines()
        self.assertEqual(table[0].split(), ["carrier", "n", "cost"])
        self.assertEqual(len(table), 2 + len(as_json))

    def test_statement_from_everywhere(self) -> None:
        (self.folder / "statement.sql").write_text(self.BY_CARRIER + "\n")
        expected = self.do("query", self.BY_CARRIER).stdout
        self.assertEqual(self.do("query", "--file", "statement.sql").stdout, expected)
        self.assertEqual(run("query", "-", cwd=self.folder, stdin=self.BY_CARRIER).stdout, expected)
        self.assertEqual(self.do("query", "-- by carrier\n" + self.BY_CARRIER).stdout, expected)
        self.mistake("query", "x", "--file", "statement.sql", expect=2, says=["twice"])
        self.mistake("query", "--file", "nowhere.sql", expect=3, says=["nowhere.sql"])

    def test_values(self) -> None:
        table = pyarrow.table(
            {
                "s": pyarrow.array(["", None, 'a,"b"\r\n', "NULL", "ä€😀"]),
                "i": pyarrow.array([2**63 - 1, None, -(2**63), 0, 1], pyarrow.int64()),
                "d": pyarrow.array([0.1, None, float("nan"), float("inf"), -1e300]),
                "c": pyarrow.array(
                    [
                        decimal.Decimal("12345678901234567890.123456789012345678"),
                        None,
                        decimal.Decimal("-0.000000000000000001"),
                        decimal.Decimal(0),
                        decimal.Decimal(1),
                    ],
                    pyarrow.decimal128(38, 18),
                ),
            }
        )
        parquet.write_table(table, self.folder / "values.parquet")
        sql = "SELECT * FROM 'values.parquet'"
        # As bytes: reading as text would turn the \r\n inside a value into \n.
        done = subprocess.run(
            [PROGRAM, "query", sql, "--format", "csv"], cwd=self.folder, stdout=subprocess.PIPE, check=True
        )
        rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
        self.assertEqual([row[0] for row in rows], ["s", "", "", 'a,"b"\r\n', "NULL", "ä€😀"])
        self.assertEqual([row[2] for row in rows], ["d", "0.1", "", "NaN", "Infinity", "-1.0E300"])
        raw = self.do("query", sql, "--format", "csv").stdout.split("\n")
        self.assertTrue(raw[1].startswith('"",9223372036854775807,'))
        self.assertEqual(raw[2], ",,,")
        loaded = json.loads(self.do("query", sql, "--format", "json").stdout, parse_float=decimal.Decimal)
        self.assertEqual([row["s"] for row in loaded], table["s"].to_pylist())
        self.assertEqual([row["i"] for row in loaded], table["i"].to_pylist())
        self.assertEqual([row["c"] for row in loaded], table["c"].to_pylist())
        self.assertEqual([row["d"] for row in loaded][2:4], ["NaN", "Infinity"])
        shown = self.do("query", sql).stdout
        self.assertIn("'NULL'", shown)
        self.assertIn('a,"b"\\r\\n', shown)

    def test_output_files(self) -> None:
        expected = json.loads(self.do("query", self.BY_CARRIER, "--format", "json").stdout)
        for name in ("out.parquet", "out.csv", "out.json", "out.ndjson", "deep/er/out.parquet"):
            done = self.do("query", self.BY_CARRIER, "--output", name)
            self.assertEqual(done.stdout, "")
        for name in ("out.parquet", "deep/er/out.parquet"):
            counts = parquet.read_table(self.folder / name).to_pydict()
            self.assertEqual(counts["carrier"], [row["carrier"] for row in expected])
            self.assertEqual(counts["n"], [row["n"] for row in expected])
        self.assertEqual(json.loads((self.folder / "out.json").read_text()), expected)
        self.assertEqual([json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()], expected)
        self.assertEqual(
            self.do("query", self.BY_CARRIER, "--format", "csv").stdout, (self.folder / "out.csv").read_text()
        )
        self.mistake("query", self.BY_CARRIER, "--output", "out.xlsx", expect=2, says=[".parquet, .csv"])
        self.mistake("query", self.BY_CARRIER, "--output", "out.parquet", "--format", "csv", expect=2, says=["fit"])
        before = (self.folder / "out.csv").read_bytes()
        self.mistake("query", "SELECT nothing AS n FROM 'data'", "--output", "out.csv", expect=2, says=["nothing"])
        self.assertEqual(before, (self.folder / "out.csv").read_bytes())
        self.assertEqual(leftovers(self.folder), [])

    def test_limit_of_rows_shown(self) -> None:
        sql = "SELECT shipment_id FROM 'data'"
        lines = self.do("query", sql, "--limit-rows", 5).stdout.splitlines()
        self.assertEqual(len(lines), 2 + 5 + 1)
        self.assertIn(f"{ROWS - 5} more rows", lines[-1])
        self.assertEqual(len(self.do("query", sql).stdout.splitlines()), 2 + 100 + 1)
        self.assertEqual(len(self.do("query", sql, "--limit-rows", 0).stdout.splitlines()), 2 + ROWS)
        self.assertEqual(len(self.do("query", sql, "--format", "csv").stdout.splitlines()), 1 + ROWS)

    def test_no_rows(self) -> None:
        sql = "SELECT carrier FROM 'data' WHERE delay_days > 99"
        self.assertEqual(self.do("query", sql).stdout, "carrier\n-------\n")
        self.assertEqual(self.do("query", sql, "--format", "csv").stdout, "carrier\n")
        self.assertEqual(json.loads(self.do("query", sql, "--format", "json").stdout), [])
        self.assertEqual(self.do("query", sql, "--format", "ndjson").stdout, "")
        self.do("query", sql, "--output", "nothing.parquet")
        self.assertEqual(parquet.read_metadata(self.folder / "nothing.parquet").num_rows, 0)

    def test_mistakes(self) -> None:
        self.mistake("query", "SELECT FROM WHERE", expect=2, says=["position"])
        self.mistake("query", "SELECT 1 AS x", expect=2, says=["FROM"])
        self.mistake("query", "SELECT carier AS c FROM 'data'", expect=2, says=["carier", "carrier"])
        self.mistake("query", "SELECT carrier FROM 'nowhere/*.parquet'", expect=3, says=["nowhere"])
        self.mistake("query", "SELECT carrier FROM shipments", expect=3, says=["shipments", "in quotes"])
        self.mistake(
            "query",
            "SELECT carrier AS a, carrier AS a FROM 'data'",
            "--format",
            "json",
            expect=2,
            says=["called a", "AS"],
        )
        self.mistake("query", "DELETE FROM 'data'", expect=2, says=["SELECT"])

    def test_files_that_differ(self) -> None:
        pair = self.folder / "pair"
        pair.mkdir()
        parquet.write_table(pyarrow.table({"a": [1], "b": ["x"]}), pair / "1.parquet")
        parquet.write_table(pyarrow.table({"b": ["y"], "a": [2]}), pair / "2.parquet")
        rows = [
            json.loads(line)
            for line in self.do("query", "SELECT a, b FROM 'pair' ORDER BY a", "--format", "ndjson").stdout.splitlines()
        ]
        self.assertEqual(rows, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
        for table, column in ((pyarrow.table({"a": [3]}), "b"), (pyarrow.table({"a": [3], "b": ["z"], "c": [1]}), "c")):
            parquet.write_table(table, pair / "3.parquet")
            self.mistake("query", "SELECT a FROM 'pair'", expect=3, says=["3.parquet", f"column {column}"])

    def on_terminal(self, *words: str, columns: int) -> str:
        """The program's output on a terminal of that width."""
        try:
            process, terminal = pty.fork()
        except OSError as error:  # a chroot without /dev/pts
            self.skipTest(f"no terminal to be had: {error}")
        if process == 0:
            os.chdir(self.folder)
            os.environ["TERM"] = "xterm"
            os.environ.pop("NO_COLOR", None)
            os.execv(PROGRAM, [PROGRAM, *words])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        text = b""
        while True:
            try:
                read = os.read(terminal, 65536)
            except OSError:
                break
            if not read:
                break
            text += read
        os.close(terminal)
        self.assertEqual(os.waitpid(process, 0)[1], 0, text)
        return text.decode().replace("\r\n", "\n")

    def test_terminal(self) -> None:
        sql = "SELECT * FROM 'data' ORDER BY shipment_id LIMIT 5"
        text = self.on_terminal("query", sql, columns=70)
        self.assertIn("\x1b[1m", text)
        self.assertIn("more columns", text)
        self.assertRegex(text, r"5 rows in \d")
        plain = re.sub(r"\x1b\[[0-9;]*[mK]|\r", "", text)
        for line in plain.splitlines()[:7]:
            self.assertLessEqual(len(line), 70)
        self.assertNotIn("\x1b", self.on_terminal("query", sql, "--color", "never", "--no-progress", columns=200))
        self.assertIn("\x1b[1m", self.do("query", sql, "--color", "always").stdout)


class TestExplainInspectShow(Lake):
    def test_explain(self) -> None:
        sql = "SELECT carrier, count(*) AS n FROM 'data' WHERE delay_days > 1 GROUP BY carrier"
        plan = self.do("explain", sql).stdout
        self.assertGreaterEqual(len(plan.splitlines()), 2)
        analyzed = self.do("explain", "--analyze", sql).stdout
        self.assertIn("row groups", analyzed)
        self.assertIn("peak memory", analyzed)
        self.mistake("explain", "SELECT FROM", expect=2, says=["position"])
        self.mistake("explain", expect=2, says=["needs a statement"])
        plan = self.do("explain", "--mart", "cost_analysis", "--from", "data", "--analyze").stdout
        self.assertIn("cost_per_km", plan)
        self.mistake("explain", "--mart", "cost_analysis", expect=2, says=["--from"])
        self.mistake("explain", "--mart", "cost_analisis", "--from", "data", expect=2, says=["did you mean"])
        self.mistake("explain", "--from", "data", sql, expect=2, says=["--mart"])

    def test_inspect(self) -> None:
        path = "marts/cost_analysis/cost_analysis.parquet"
        text = self.do("inspect", path).stdout
        for part in ("shipping_cost", "decimal(18,4)", "BYTE_ARRAY", "row group", "created by", f"{ROWS} rows"):
            self.assertIn(part, text)
        facts = json.loads(self.do("inspect", path, "--json").stdout)
        theirs = parquet.ParquetFile(self.folder / path)
        self.assertEqual(facts["rows"], theirs.metadata.num_rows)
        self.assertEqual([column["name"] for column in facts["columns"]], theirs.schema_arrow.names)
        for g, group in enumerate(facts["row_groups"]):
            for c, chunk in enumerate(group["chunks"]):
                column = theirs.metadata.row_group(g).column(c)
                self.assertEqual(chunk["column"], column.path_in_schema)
                self.assertEqual(chunk["compressed_bytes"], column.total_compressed_size)
                self.assertEqual(chunk["uncompressed_bytes"], column.total_uncompressed_size)
                self.assertEqual(chunk["values"], column.num_values)
                self.assertEqual(chunk["codec"], column.compression)
                self.assertEqual(sorted(chunk["encodings"]), sorted(column.encodings))
                self.assertEqual(chunk.get("nulls"), column.statistics.null_count if column.statistics else None)
        self.assertGreater(len(self.do("inspect", path, "--columns").stdout), 100)

    def test_inspect_foreign_files(self) -> None:
        table = pyarrow.table(
            {
                "day": pyarrow.array([0, 19000], pyarrow.date32()),
                "at": pyarrow.array([0, 10**18], pyarrow.timestamp("ns", "UTC")),
                "price": pyarrow.array([decimal.Decimal("-1.50"), decimal.Decimal("2.25")], pyarrow.decimal128(9, 2)),
                "list": pyarrow.array([[1], [2, 3]]),
                "u": pyarrow.array([0, 2**32 - 1], pyarrow.uint32()),
            }
        )
        parquet.write_table(table, self.folder / "foreign.parquet", write_page_index=True)
        facts = json.loads(self.do("inspect", "foreign.parquet", "--json").stdout)
        chunks = {chunk["column"]: chunk for chunk in facts["row_groups"][0]["chunks"]}
        self.assertEqual((chunks["day"]["min"], chunks["day"]["max"]), ("1970-01-01", "2022-01-08"))
        self.assertEqual((chunks["price"]["min"], chunks["price"]["max"]), ("-1.50", "2.25"))
        self.assertEqual((chunks["u"]["min"], chunks["u"]["max"]), ("0", str(2**32 - 1)))
        self.assertTrue(chunks["day"]["column_index"] and chunks["day"]["offset_index"])
        self.assertFalse(chunks["day"]["bloom_filter"])
        self.assertIn("ARROW:schema", facts["metadata_keys"])
        self.do("inspect", "foreign.parquet")

    def test_inspect_mistakes(self) -> None:
        self.mistake("inspect", "nowhere.parquet", expect=3, says=["nowhere.parquet"])
        (self.folder / "short").write_bytes(b"PAR1")
        self.mistake("inspect", "short", expect=3, says=["short", "too short"])
        (self.folder / "text").write_bytes(b"no Parquet here, only text")
        self.mistake("inspect", "text", expect=3, says=["PAR1", "text"])
        (self.folder / "lies").write_bytes(b"PAR1" + bytes(20) + struct.pack("<I", 2**31) + b"PAR1")
        self.mistake("inspect", "lies", expect=3, says=["longer than the file"])
        self.mistake("inspect", expect=2, says=["needs a FILE"])

    def test_show(self) -> None:
        text = self.do("show", "carrier_performance", "--from", "marts").stdout
        for part in ("Carrier performance: ", "7 rows", "ago", "On time percentage", "%", "FedEx"):
            self.assertIn(part, text.replace("just now", "ago"))
        text = self.do("show", "cost_analysis", "--from", "marts", "--rows", 3).stdout
        self.assertIn(f"{ROWS - 3:,} more rows: freightlake show cost_analysis --from marts --rows 0", text)
        self.assertEqual(len(self.do("show", "cost_analysis", "--from", "marts").stdout.splitlines()), 3 + 2 + 20 + 2)
        shown = self.do("show", "warehouse_demand", "--from", "marts", "--rows", 1, "--format", "json").stdout
        self.assertEqual(len(json.loads(shown)), 1)
        shown = self.do("show", "cost_analysis", "--from", "marts", "--format", "csv").stdout
        self.assertEqual(len(shown.splitlines()), 1 + ROWS)

    def test_show_mistakes(self) -> None:
        self.mistake(
            "show", "carrier_performence", "--from", "marts", expect=2, says=["did you mean 'carrier_performance'"]
        )
        self.mistake("show", "xyz", "--from", "marts", expect=2, says=["the marts are", "delay_trends"])
        self.mistake("show", "../marts/delay_trends", "--from", "marts", expect=2, says=["no mart"])
        self.mistake("show", "delay_trends", "--from", "data", expect=3, says=["has not been made", "freightlake run"])
        self.mistake("show", "delay_trends", expect=2, says=["--from"])


def main() -> int:
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    failed = len(result.failures) + len(result.errors)
    # A failed subtest counts once more than tests were run; never say fewer than none passed.
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print(f"{passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

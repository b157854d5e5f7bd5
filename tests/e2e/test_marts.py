#!/usr/bin/env python3
"""`freightlake marts`: the list, and the export that other engines run; DuckDB stands for such an engine."""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import deltalake
import duckdb
import pyarrow

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
ROOT = pathlib.Path(__file__).parents[2]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
MARTS = ["carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"]
# Every kind of test, a text that JSON has to escape, and a rule over the table of shipments.
SQL = '-- Late "lanes": mostly \\ late, é\nSELECT destination_city, count(*) AS n FROM shipments GROUP BY destination_city\n'
TESTS = r"""tests:
  - unique: [destination_city]
  - not_null: [n]
  - range: {column: n, min: 1}
  - accepted_values: {column: destination_city, values: ["No \"such\" city", München]}
  - row_count_change: {max_drop: 0.25, max_growth: 3}
  - no_rows: |
      SELECT shipment_id FROM shipments
      WHERE shipment_weight_kg < 0;
"""


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


def manifest_of(folder: pathlib.Path) -> dict[str, dict]:
    manifest = json.loads((folder / "marts.json").read_text())
    if manifest["format"] != 1:
        raise AssertionError(manifest["format"])
    return {mart["name"]: mart for mart in manifest["marts"]}


def files_below(folder: pathlib.Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        self.made = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.made.name)
        self.out = self.folder / "out"

    def tearDown(self) -> None:
        self.made.cleanup()

    def define(self, where: str = "own") -> pathlib.Path:
        folder = self.folder / where
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "late_lanes.sql").write_text(SQL)
        (folder / "late_lanes.tests.yaml").write_text(TESTS)
        return folder

    def mistake(self, *words: object, says: list[str], code: int = 2) -> None:
        done = run(*words, code=code)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")


class List(Folder):
    def test_built_in(self) -> None:
        lines = run("marts", "list").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["mart", *MARTS])
        self.assertRegex(lines[1], r"^carrier_performance +incremental +7 +built in +Carrier performance: how late")
        self.assertRegex(lines[3], r"^cost_analysis +full +6 ")
        self.assertEqual(len(run("marts", "list", "delay_trends", "cost_analysis").stdout.splitlines()), 3)

    def test_json_is_what_is_exported(self) -> None:
        run("marts", "export", "--to", self.out)
        listed = json.loads(run("marts", "list", "--json").stdout)["marts"]
        self.assertEqual(listed, list(manifest_of(self.out).values()))

    def test_where_from(self) -> None:
        own = self.define()
        (own / "delay_trends.sql").write_text(SQL)
        marts = {m["name"]: m for m in json.loads(run("marts", "list", "--marts", own, "--json").stdout)["marts"]}
        self.assertEqual(list(marts), [*MARTS, "late_lanes"])
        self.assertEqual(marts["delay_trends"]["file"], f"{own}/delay_trends.sql")
        self.assertEqual(marts["delay_trends"]["tests"], [])
        self.assertIsNone(marts["cost_analysis"]["file"])
        self.assertEqual(marts["delay_trends"]["definition_hash"], marts["late_lanes"]["definition_hash"])
        lake = self.folder / "lake"
        run("init", lake)
        self.assertNotIn("late_lanes", run("--lake", lake, "marts", "list").stdout)
        self.define("lake/definitions")
        self.assertIn(f"{lake}/definitions/late_lanes.sql", run("--lake", lake, "marts", "list").stdout)

    def test_mistakes(self) -> None:
        self.mistake("marts", "list", "delay_trend", says=["did you mean 'delay_trends'"])
        self.mistake("marts", "lst", says=["did you mean 'list'"])
        self.mistake("marts", "list", "--to", self.out, says=["for export"])
        self.mistake("marts", says=["ACTION"])


class Export(Folder):
    def test_files(self) -> None:
        said = run("marts", "export", "--to", self.out / "deep" / "er").stdout
        out = self.out / "deep" / "er"
        expected = {"marts.json"}
        for name in MARTS:
            expected |= {f"{name}.sql", f"{name}.tests.yaml", f"tests/{name}.sql"}
            for file in (f"{name}.sql", f"{name}.tests.yaml"):
                self.assertEqual((out / file).read_bytes(), (ROOT / "marts" / file).read_bytes())
                self.assertIn(file, said)
        self.assertEqual(files_below(out), expected)
        self.assertIn(f"{len(expected)} files in {out}", said)

    def test_manifest(self) -> None:
        own = self.define()
        summary = json.loads(run("marts", "export", "--to", self.out, "--marts", own, "--json").stdout)
        marts = manifest_of(self.out)
        self.assertEqual((summary["files"], summary["manifest"]), (len(files_below(self.out)), "marts.json"))
        self.assertEqual(summary["marts"], list(marts.values()))
        mart = marts["late_lanes"]
        self.assertEqual((mart["title"], mart["meaning"]), ('Late "lanes"', "mostly \\ late, é"))
        self.assertEqual((mart["sql"], mart["reads"], mart["incremental"]), (SQL, ["shipments"], True))
        self.assertEqual(
            mart["columns"],
            [
                {"name": "destination_city", "type": "string", "nullable": True},
                {"name": "n", "type": "bigint", "nullable": False},
            ],
        )
        rules = ["unique(destination_city)", "not_null(n)", "range(n, 1..)", "accepted_values(destination_city)"]
        self.assertEqual([test["rule"] for test in mart["tests"]], [*rules, "row_count_change", "no_rows(line 7)"])
        self.assertEqual(mart["tests"][4], {"rule": "row_count_change", "max_drop": 0.25, "max_growth": 3})
        self.assertIn("""NOT IN ('No "such" city', 'München')""", mart["tests"][3]["sql"])
        self.assertEqual([test.get("reads") for test in mart["tests"]], [*["late_lanes"] * 4, None, "shipments"])
        for mart in marts.values():
            self.assertEqual((self.out / mart["files"]["sql"]).read_text(), mart["sql"])
            self.assertTrue((self.out / mart["files"]["tests"]).is_file())
            # Each test, in order, behind the name of its rule.
            tests = [(test["rule"], test["sql"].rstrip("; \n")) for test in mart["tests"] if "sql" in test]
            text = "\n".join(f"-- {rule}\n{sql};\n" for rule, sql in tests)
            self.assertEqual((self.out / mart["files"]["tests_sql"]).read_text(), text)

    def test_marts_without_tests(self) -> None:
        own = self.define()
        (own / "late_lanes.tests.yaml").unlink()
        (own / "counted.sql").write_text("SELECT count(*) AS n FROM shipments\n")
        (own / "counted.tests.yaml").write_text("tests:\n  - row_count_change: {max_drop: 0.5}\n")
        run("marts", "export", "--to", self.out, "--marts", own, "late_lanes", "counted", "late_lanes")
        self.assertEqual(files_below(self.out), {"late_lanes.sql", "counted.sql", "counted.tests.yaml", "marts.json"})
        marts = manifest_of(self.out)
        self.assertEqual(marts["late_lanes"]["files"], {"sql": "late_lanes.sql", "tests": None, "tests_sql": None})
        self.assertEqual(marts["counted"]["tests"], [{"rule": "row_count_change", "max_drop": 0.5}])
        self.assertIsNone(marts["counted"]["files"]["tests_sql"])

    def test_folder_in_use(self) -> None:
        self.out.mkdir()
        (self.out / "notes.txt").write_text("mine")
        self.mistake("marts", "export", "--to", self.out, says=["not empty", str(self.out), "--force"])
        self.assertEqual(files_below(self.out), {"notes.txt"})
        run("marts", "export", "--to", self.out, "--force", "delay_trends")
        (self.out / "delay_trends.sql").write_text("changed")
        run("marts", "export", "--to", self.out, "--force", "cost_analysis", "delay_trends")
        self.assertEqual((self.out / "notes.txt").read_text(), "mine")
        self.assertEqual(list(manifest_of(self.out)), ["cost_analysis", "delay_trends"])
        self.assertIn("FROM shipments", (self.out / "delay_trends.sql").read_text())

    def test_cut_off_export_has_no_manifest(self) -> None:
        run("marts", "export", "--to", self.out)
        (self.out / "delay_trends.sql").unlink()
        (self.out / "delay_trends.sql").mkdir()
        self.mistake("marts", "export", "--to", self.out, "--force", says=["delay_trends.sql"], code=3)
        self.assertNotIn("marts.json", files_below(self.out))
        self.assertEqual([path for path in self.out.rglob(".*") if ".tmp-" in path.name], [])

    def test_mistakes_write_nothing(self) -> None:
        own = self.define()
        self.mistake("marts", "export", says=["--to DIR"])
        self.mistake("marts", "export", "--to", self.out, "delay_trend", says=["did you mean"])
        (own / "late_lanes.sql").write_text("SELECT elsewhere FROM shipments\n")
        self.mistake("marts", "export", "--to", self.out, "--marts", own, says=["late_lanes.sql", "elsewhere"])
        self.define()
        (own / "late_lanes.tests.yaml").write_text("tests:\n  - not_null: [absent]\n")
        self.mistake("marts", "export", "--to", self.out, "--marts", own, says=["late_lanes.tests.yaml", "absent"])
        self.assertFalse(self.out.exists())
        file = self.folder / "file"
        file.write_text("")
        self.mistake("marts", "export", "--to", file, says=[str(file)], code=3)


class Elsewhere(Folder):
    """What is exported is what a run makes, tests and records."""

    def setUp(self) -> None:
        super().setUp()
        self.lake = self.folder / "lake"
        run("init", self.lake)
        run("generate", "--rows", 3000, "--format", "csv", "--out", self.folder / "in", "--seed", SEED)
        file = self.folder / "in" / "part-00000.csv"
        run("--lake", self.lake, "onboard", "emart", "--sample", file, "--yes")
        run("--lake", self.lake, "ingest", "emart", file)
        self.define("lake/definitions")
        (self.lake / "definitions" / "late_lanes.tests.yaml").write_text("tests:\n  - unique: [destination_city]\n")
        run("--lake", self.lake, "marts", "export", "--to", self.out)
        self.marts = manifest_of(self.out)
        done = run("--lake", self.lake, "run", "--json")
        self.results = {mart["name"]: mart for mart in json.loads(done.stdout)["marts"]}

    def table(self, *zone: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.lake.joinpath(*zone)))

    def test_hashes_and_tests_are_those_of_runs(self) -> None:
        self.assertEqual(list(self.results), list(self.marts))
        for name, mart in self.marts.items():
            self.assertEqual(mart["definition_hash"], self.results[name]["definition_hash"])
            self.assertEqual([t["rule"] for t in mart["tests"]], [c["rule"] for c in self.results[name]["checks"]])
            commit = self.table("marts", name).history(1)[0]
            self.assertEqual(commit["operationParameters"]["definition"], mart["definition_hash"])

    def test_exported_definitions_change_nothing(self) -> None:
        for file in self.out.glob("*.*"):
            if file.name != "marts.json":
                (self.lake / "definitions" / file.name).write_bytes(file.read_bytes())
        status = json.loads(run("--lake", self.lake, "status", "--json").stdout)["tables"]
        self.assertEqual([table["stale_because"] for table in status if table["kind"] == "mart"], [None] * 6)

    def test_columns_are_those_of_tables(self) -> None:
        for name, mart in self.marts.items():
            fields = json.loads(self.table("marts", name).schema().to_json())["fields"]
            types = {"long": "bigint", "integer": "int"}
            self.assertEqual(
                [(c["name"], c["type"]) for c in mart["columns"]],
                [(f["name"], types.get(f["type"], f["type"])) for f in fields],
            )

    def test_another_engine_runs_the_tests(self) -> None:
        engine = duckdb.connect()
        engine.register("shipments", self.table("processed", "shipments").to_pyarrow_table())
        for name, mart in self.marts.items():
            table = self.table("marts", name).to_pyarrow_table()
            tests = [test for test in mart["tests"] if "sql" in test]
            engine.register(name, table)
            for test in tests:
                self.assertEqual(engine.execute(test["sql"]).fetchall(), [], test["rule"])
            statements = (self.out / "tests" / f"{name}.sql").read_text()
            self.assertEqual(len(re.findall(r"^-- ", statements, re.M)), len(tests))
            engine.execute(statements)
            # With every row twice, what says unique must find something.
            engine.register(name, pyarrow.concat_tables([table, table]))
            for test in tests:
                found = engine.execute(test["sql"]).fetchall()
                self.assertEqual(bool(found), test["rule"].startswith("unique"), test["rule"])


def main() -> int:
    print(f"seed {SEED}")
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print(f"{passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""`freightlake run` over a lake, and the tables it leaves, as delta-rs and Polars read them."""

import json
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

import deltalake
import duckdb
import polars
import pyarrow

PROGRAM = os.environ["FREIGHTLAKE"]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
MARTS = ["carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"]
AGGREGATES = [mart for mart in MARTS if mart != "cost_analysis"]


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


class Lake(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.lake = self.path / "lake"
        run("init", self.lake)
        self.n = 0

    def tearDown(self) -> None:
        self.folder.cleanup()

    def ingest(self, rows: int = 2000) -> pathlib.Path:
        """One more file of generated shipments."""
        self.n += 1
        out = self.path / f"in{self.n}"
        run("generate", "--rows", rows, "--format", "csv", "--out", out, "--seed", SEED + self.n)
        file = out / "part-00000.csv"
        if self.n == 1:
            run("--lake", self.lake, "onboard", "emart", "--sample", file, "--yes")
        run("--lake", self.lake, "ingest", "emart", file)
        return file

    def test_a_definition_that_comes_back(self) -> None:
        """A, then B, then A again: the rows are those of A."""
        self.ingest()
        self.marts()
        folder = str(self.lake / "marts" / "carrier_performance")
        wanted = deltalake.DeltaTable(folder).to_pyarrow_table().to_pylist()
        own = self.lake / "definitions" / "carrier_performance.sql"
        told = json.loads(run("--lake", self.lake, "marts", "list", "--json").stdout)["marts"]
        text = next(mart["sql"] for mart in told if mart["name"] == "carrier_performance")
        own.write_text(text.replace("count(*) AS total_shipments", "count(*) + 1000000 AS total_shipments"))
        self.marts()
        other = deltalake.DeltaTable(folder).to_pyarrow_table()
        self.assertGreater(other.column("total_shipments")[0].as_py(), 10**6)
        own.unlink()
        self.assertIn("definition changed", run("--lake", self.lake, "status").stdout)
        self.marts()
        self.assertEqual(deltalake.DeltaTable(folder).to_pyarrow_table().to_pylist(), wanted)

    def marts(self, *options: object, code: int = 0) -> dict:
        done = run("--lake", self.lake, "run", "--json", *options, code=code)
        return {mart["name"]: mart for mart in json.loads(done.stdout)["marts"]}

    def files(self, mart: str) -> list[bytes]:
        table = deltalake.DeltaTable(str(self.lake / "marts" / mart))
        return [pathlib.Path(uri.removeprefix("file://")).read_bytes() for uri in table.file_uris()]

    def check_like_full(self) -> None:
        """What stands is to the byte what a run over everything makes."""
        before = {mart: self.files(mart) for mart in MARTS}
        for mart, done in self.marts("--full").items():
            self.assertEqual(done["action"], "full", mart)
            self.assertEqual(self.files(mart), before[mart], mart)


class Stale(Lake):
    def states(self) -> dict[str, str | None]:
        tables = json.loads(run("--lake", self.lake, "status", "--json").stdout)["tables"]
        return {table["table"]: table["stale_because"] for table in tables if table["kind"] == "mart"}

    def test_status_says_what_a_run_would_do(self) -> None:
        self.assertEqual(self.states(), dict.fromkeys(MARTS, "never run"))
        self.ingest()
        self.marts()
        self.assertEqual(self.states(), dict.fromkeys(MARTS))
        self.ingest()
        self.assertEqual(self.states(), dict.fromkeys(MARTS, "shipments changed since"))
        self.marts("--mart", "delay_trends")
        self.assertIsNone(self.states()["delay_trends"])
        self.marts()
        run("--lake", self.lake, "table", "compact", "shipments")  # no row changed
        self.assertEqual(self.states(), dict.fromkeys(MARTS))
        definition = self.lake / "definitions" / "delay_trends.sql"
        definition.write_text("SELECT delay_days, count(*) AS n FROM shipments GROUP BY delay_days\n")
        self.assertEqual(self.states(), {**dict.fromkeys(MARTS), "delay_trends": "its definition changed"})
        definition.rename(self.lake / "definitions" / "delays.sql")
        self.marts()
        (self.lake / "definitions" / "delays.sql").unlink()
        self.assertIn("no definition", self.states()["delays"])
        self.assertIn("definition", run("--lake", self.lake, "status").stdout)

    def test_what_cannot_be_told_is_not_up_to_date(self) -> None:
        self.ingest()
        self.marts()
        log = self.lake / "marts" / "delay_trends" / "_delta_log" / "00000000000000000000.json"
        log.write_text("{")
        self.assertEqual(self.states(), {**dict.fromkeys(MARTS), "delay_trends": "its table cannot be read"})
        for entry in (self.lake / "processed" / "shipments" / "_delta_log").glob("*.json"):
            entry.write_text("{")
        others = [mart for mart in MARTS if mart != "delay_trends"]
        self.assertEqual({self.states()[mart] for mart in others}, {"shipments cannot be read"})
        shown = run("--lake", self.lake, "status").stdout
        self.assertNotIn("up to date", shown)
        self.assertIn("doctor", shown)


class Runs(Lake):
    def test_first_then_nothing(self) -> None:
        self.ingest()
        for mart in self.marts().values():
            self.assertEqual((mart["action"], mart["published"]), ("full", True))
        done = run("--lake", self.lake, "run")
        self.assertIn("nothing to do", done.stdout)
        for mart in self.marts().values():
            self.assertEqual((mart["action"], mart["published"]), ("up to date", False))
        kinds = [r["kind"] for r in json.loads(run("--lake", self.lake, "history", "--json").stdout)["records"]]
        self.assertEqual(kinds.count("run"), 1)

    def test_incremental_is_full(self) -> None:
        self.ingest(5000)
        self.marts()
        for rows in (1, 700, 3000):
            self.ingest(rows)
            made = self.marts()
            for name in AGGREGATES:
                self.assertEqual(made[name]["action"], "incremental", name)
            self.assertEqual(made["cost_analysis"]["action"], "full")
        self.check_like_full()

    def test_compaction_changes_nothing(self) -> None:
        for _ in range(3):
            self.ingest()
        self.marts()
        run("--lake", self.lake, "table", "compact", "shipments")
        self.assertIn("nothing to do", run("--lake", self.lake, "run").stdout)
        self.ingest()
        made = self.marts()
        self.assertEqual({made[name]["action"] for name in AGGREGATES}, {"incremental"})
        self.check_like_full()

    def test_compaction_of_old_and_new(self) -> None:
        self.ingest()
        self.marts()
        self.ingest()
        run("--lake", self.lake, "table", "compact", "shipments")
        made = self.marts()
        self.assertEqual({made[name]["action"] for name in AGGREGATES}, {"full"})
        self.check_like_full()

    def test_rows_that_go(self) -> None:
        self.ingest()
        self.ingest()
        self.marts()
        table = deltalake.DeltaTable(str(self.lake / "processed" / "shipments"))
        table.delete("carrier = 'UPS'")
        made = self.marts("--mart", "carrier_performance")
        self.assertEqual(made["carrier_performance"]["action"], "full")
        shown = run("--lake", self.lake, "query", "SELECT carrier FROM carrier_performance", "--format", "csv").stdout
        self.assertNotIn("UPS", shown.split())
        run("--lake", self.lake, "table", "restore", "shipments", "--version", 2)
        self.marts()
        self.check_like_full()

    def test_damaged_state(self) -> None:
        self.ingest()
        self.marts()
        self.ingest()
        state = self.lake / "_freightlake" / "state" / "delay_trends.state"
        damaged = bytearray(state.read_bytes())
        damaged[random.Random(SEED).randrange(len(damaged))] ^= 0x40
        state.write_bytes(damaged)
        (self.lake / "_freightlake" / "state" / "warehouse_demand.state").write_bytes(b"")
        made = self.marts()
        self.assertEqual(
            [made[m]["action"] for m in ("delay_trends", "warehouse_demand", "route_efficiency")],
            ["full", "full", "incremental"],
        )
        self.check_like_full()

    def test_only_one_mart(self) -> None:
        self.ingest()
        self.assertEqual(list(self.marts("--mart", "delay_trends")), ["delay_trends"])
        self.assertFalse((self.lake / "marts" / "cost_analysis").exists())
        error = run("--lake", self.lake, "run", "--mart", "delay_trend", code=2).stderr
        self.assertIn("did you mean 'delay_trends'", error)

    def test_values(self) -> None:
        """The marts against DuckDB over the table as delta-rs gives it."""
        self.ingest()
        self.marts()
        shipments = deltalake.DeltaTable(str(self.lake / "processed" / "shipments")).to_pyarrow_table()  # noqa: F841
        rows = duckdb.sql(
            "SELECT destination_city, count(*), sum(CASE WHEN delay_days > 0 THEN 1 ELSE 0 END)"
            " FROM shipments GROUP BY 1"
        ).fetchall()
        ours = deltalake.DeltaTable(str(self.lake / "marts" / "delay_trends")).to_pyarrow_table().to_pylist()
        self.assertEqual(
            sorted((r["destination_city"], r["total_shipments"], r["delayed_shipments"]) for r in ours), sorted(rows)
        )

    def test_a_mart_of_queries_and_a_join(self) -> None:
        """The one in docs/marts.md, against DuckDB; its test reads the mart and the shipments."""
        guide = (pathlib.Path(__file__).parents[2] / "docs" / "marts.md").read_text()
        sql = guide.split("```sql\n")[1].split("```")[0]
        (self.lake / "definitions" / "best_carrier.sql").write_text(sql)
        (self.lake / "definitions" / "best_carrier.tests.yaml").write_text(
            "tests:\n"
            "  - not_null: [carrier, cost_per_km]\n"
            "  - no_rows: SELECT b.carrier FROM best_carrier AS b LEFT JOIN (SELECT carrier FROM shipments"
            " GROUP BY carrier) AS s ON b.carrier = s.carrier WHERE s.carrier IS NULL\n"
        )
        for rows in (2000, 500):
            self.ingest(rows)
            self.assertEqual(self.marts()["best_carrier"]["action"], "full")
            shipments = deltalake.DeltaTable(str(self.lake / "processed" / "shipments")).to_pyarrow_table()  # noqa: F841
            oracle = sql.replace("percentile(", "quantile_cont(")
            wanted = duckdb.sql(oracle).fetchall()
            ours = deltalake.DeltaTable(str(self.lake / "marts" / "best_carrier")).to_pyarrow_table().to_pylist()
            self.assertGreater(len(ours), 20)
            for mine, theirs in zip((tuple(row.values()) for row in ours), wanted, strict=True):
                self.assertEqual(mine[:4], theirs[:4])
                self.assertAlmostEqual(mine[4], float(theirs[4]), places=9)
                self.assertAlmostEqual(mine[5], float(theirs[5]), places=9)
        self.assertEqual(self.marts()["best_carrier"]["action"], "up to date")

    def test_a_mart_with_windows(self) -> None:
        """The trend of docs/marts.md, against DuckDB."""
        guide = (pathlib.Path(__file__).parents[2] / "docs" / "marts.md").read_text()
        sql = guide.split("```sql\n")[2].split("```")[0]
        (self.lake / "definitions" / "weekly_trend.sql").write_text(sql)
        self.ingest(3000)
        self.assertEqual(self.marts()["weekly_trend"]["action"], "full")
        shipments = deltalake.DeltaTable(str(self.lake / "processed" / "shipments")).to_pyarrow_table()  # noqa: F841
        wanted = duckdb.sql(
            sql.replace("trunc(shipment_date, 'week')", "CAST(date_trunc('week', shipment_date) AS DATE)")
        ).fetchall()
        ours = deltalake.DeltaTable(str(self.lake / "marts" / "weekly_trend")).to_pyarrow_table().to_pylist()
        self.assertGreater(len(ours), 50)
        for mine, theirs in zip((tuple(row.values()) for row in ours), wanted, strict=True):
            self.assertEqual(mine[:3], theirs[:3])
            for a, b in zip(mine[3:], theirs[3:], strict=True):
                self.assertEqual(a is None, b is None)
                self.assertAlmostEqual(a or 0, b or 0, places=9)


class Wording(Lake):
    def test_one_is_one(self) -> None:
        """No command says "1 files", "1 rows" and the like, and none says "2 file"."""
        self.ingest(1)
        for words in (
            ["run", "--mart", "delay_trends"],
            ["run", "--mart", "delay_trends"],
            ["doctor"],
            ["status"],
            ["history"],
            ["table", "fsck", "shipments"],
            ["table", "compact", "shipments"],
            ["table", "vacuum", "shipments"],
            ["marts", "list"],
            ["query", "SELECT count(*) AS n FROM shipments"],
            ["show", "delay_trends"],
            ["rebuild", "emart"],
            ["quarantine", "list"],
            ["erase", "emart", "--yes"],
        ):
            done = run("--lake", self.lake, *words)
            said = done.stdout + done.stderr
            self.assertNotRegex(
                said, r"\b1 [a-z]*( ?(files|rows|marts|records|shipments|entries|things|problems))\b", words
            )


class Checks(Lake):
    def define(self, name: str, sql: str, tests: str) -> None:
        (self.lake / "definitions" / f"{name}.sql").write_text(sql)
        (self.lake / "definitions" / f"{name}.tests.yaml").write_text(tests)

    def test_failure_leaves_the_version_before(self) -> None:
        self.ingest()
        sql = "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier"
        self.define("mine", sql, "tests:\n  - range: {column: n, max: 1000000}\n")
        self.assertTrue(self.marts()["mine"]["published"])
        before = self.files("mine")
        self.ingest()
        self.define("mine", sql, "tests:\n  - unique: [carrier]\n  - range: {column: n, max: 400}\n")
        done = run("--lake", self.lake, "run", "--json", code=1)
        mine = {m["name"]: m for m in json.loads(done.stdout)["marts"]}["mine"]
        self.assertEqual((mine["published"], mine["version"]), (False, 0))
        failed = [check for check in mine["checks"] if not check["passed"]]
        self.assertEqual([check["rule"] for check in failed], ["range(n, ..400)"])
        self.assertIn("carrier=", failed[0]["examples"])
        self.assertIn("mine breaks range(n, ..400)", done.stderr)
        self.assertEqual(self.files("mine"), before)
        names = {p.name for p in (self.lake / "marts" / "mine").glob("*.parquet")}
        self.assertEqual(len(names), 1, "what was refused is removed")
        record = json.loads(run("--lake", self.lake, "history", "--kind", "run", "--json").stdout)["records"][0]
        self.assertEqual(record["outcome"], "refused")
        self.define("mine", sql, "tests: []\n")
        self.assertEqual(self.marts()["mine"]["version"], 1)

    def test_every_rule(self) -> None:
        self.ingest()
        sql = "SELECT shipment_id, carrier, delay_days FROM shipments"
        rules = {
            "not_null: [carrier]": True,
            "accepted_values: {column: carrier, values: [UPS, FedEx]}": False,
            "accepted_values: {column: delay_days, values: [0, 1, 2, 3]}": True,
            "range: {column: delay_days, min: 0, max: 3}": True,
            "range: {column: delay_days, min: 1}": False,
            "unique: [shipment_id, carrier, delay_days]": None,
            "no_rows: SELECT carrier FROM mine WHERE delay_days > 3": True,
            "no_rows: SELECT carrier FROM mine WHERE delay_days = 3": False,
            "no_rows: SELECT shipment_id FROM shipments WHERE shipping_cost < 0": True,
            "no_rows: SELECT shipment_id FROM shipments WHERE delay_days = 3": False,
        }
        for rule, passes in rules.items():
            self.define("mine", sql, f"tests:\n  - {rule}\n")
            if passes is not None:
                self.marts("--mart", "mine", "--full", code=0 if passes else 1)

    def test_row_count_change(self) -> None:
        self.ingest(1000)
        self.define("mine", "SELECT shipment_id FROM shipments", "tests:\n  - row_count_change: {max_growth: 0.5}\n")
        self.marts()
        self.ingest(5000)
        self.assertFalse(self.marts(code=1)["mine"]["published"])

    def test_definition_makes_stale(self) -> None:
        self.ingest()
        self.define("mine", "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier", "tests: []\n")
        self.marts()
        self.define("mine", "SELECT carrier, max(delay_days) AS worst FROM shipments GROUP BY carrier", "tests: []\n")
        made = self.marts()
        self.assertEqual([made[m]["action"] for m in ("mine", "delay_trends")], ["full", "up to date"])
        self.assertEqual(
            deltalake.DeltaTable(str(self.lake / "marts" / "mine")).to_pyarrow_table().column_names,
            ["carrier", "worst"],
        )

    def test_wrong_tests_file(self) -> None:
        self.ingest()
        self.define("mine", "SELECT carrier FROM shipments", "tests:\n  - not_nul: [carrier]\n")
        error = run("--lake", self.lake, "run", code=2).stderr
        self.assertIn("did you mean 'not_null'", error)
        self.assertIn("mine.tests.yaml, row 2", error)
        for wrong in ("not_null: [weight]", "no_rows: SELECT x FROM elsewhere", "range: {column: carrier}"):
            self.define("mine", "SELECT carrier FROM shipments", f"tests:\n  - {wrong}\n")
            self.assertIn("mine.tests.yaml, row 2", run("--lake", self.lake, "run", code=2).stderr, wrong)
        self.assertTrue((self.lake / "marts" / "delay_trends").exists(), "others do not wait for it")
        self.assertFalse((self.lake / "marts" / "mine").exists())

    def test_wrong_mart(self) -> None:
        self.ingest()
        self.define("mine", "SELECT carrier,\n  weight FROM shipments", "")
        self.assertRegex(run("--lake", self.lake, "run", code=2).stderr, r"mine\.sql, .*row 2")
        (self.lake / "definitions" / "mine.sql").unlink()
        before = self.marts()
        for taken in ("shipments", "quarantine"):
            self.define(taken, "SELECT carrier FROM shipments", "")
            self.assertIn("are taken", run("--lake", self.lake, "run", code=2).stderr)
            (self.lake / "definitions" / f"{taken}.sql").unlink()
        self.assertEqual(self.marts()["delay_trends"]["version"], before["delay_trends"]["version"])

    def test_tests_alone_changed(self) -> None:
        """They run on the version that stands, which stays whatever they say."""
        self.ingest()
        sql = "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier"
        self.define("mine", sql, "tests:\n  - unique: [carrier]\n")
        self.marts()
        before = self.files("mine")
        self.assertIn("nothing to do", run("--lake", self.lake, "run").stdout)
        self.define("mine", sql, "tests:\n  - range: {column: n, max: 3}\n")
        states = {t["table"]: t for t in json.loads(run("--lake", self.lake, "status", "--json").stdout)["tables"]}
        self.assertEqual(states["mine"]["stale_because"], "its tests are to be run")
        for _ in range(2):
            done = run("--lake", self.lake, "run", "--json", code=1)
            self.assertRegex(done.stderr, r"mine breaks range\(n, \.\.3\).*made before its tests changed")
            mine = {m["name"]: m for m in json.loads(done.stdout)["marts"]}["mine"]
            self.assertEqual((mine["action"], mine["published"], mine["version"]), ("tested", False, 0))
            self.assertEqual(self.files("mine"), before)
        record = json.loads(run("--lake", self.lake, "history", "--kind", "run", "--json").stdout)["records"][0]
        self.assertEqual(record["outcome"], "refused")
        self.define("mine", sql, "tests:\n  - range: {column: n, min: 1}\n  - row_count_change: {max_growth: 0}\n")
        made = self.marts()
        self.assertEqual({name for name, mart in made.items() if mart["action"] != "up to date"}, {"mine"})
        self.assertEqual([c["passed"] for c in made["mine"]["checks"]], [True, True])
        self.assertIn("nothing to do", run("--lake", self.lake, "run").stdout)
        self.assertEqual(self.files("mine"), before)

    def findings(self, check: str) -> list[dict]:
        done = subprocess.run(
            [PROGRAM, "--lake", self.lake, "doctor", "--json"], capture_output=True, text=True, timeout=120, check=False
        )
        found = json.loads(done.stdout)["findings"]
        return [f for f in found if f["check"] == check and f["state"] == "problem"]

    def test_broken_definitions(self) -> None:
        """Each is named by run, status and doctor; the others are made; a table that stands stays."""
        self.ingest()
        good = "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier"
        self.define("mine", good, "tests: []\n")
        self.marts()
        self.assertEqual(self.findings("mart"), [])
        before = self.files("mine")
        definitions = self.lake / "definitions"
        broken = {
            "mine": ("SELECT carrier,\n  weight FROM shipments", "tests: []\n", "mine.sql", 2),
            "syntax": ("SELECT carrier\nFROM\nGROUP BY 1", "tests: []\n", "syntax.sql", 3),
            "bad_yaml": (good, "tests:\n  - unique: [carrier\n", "bad_yaml.tests.yaml", None),
            "bad_rule": (good, "tests:\n  - unique: [weight]\n", "bad_rule.tests.yaml", 2),
            "nothing": ("  \n", "tests: []\n", "nothing.sql", None),
            "Late-Lanes": (good, "tests: []\n", "Late-Lanes.sql", None),
        }
        for name, (sql, tests, _, _) in broken.items():
            self.define(name, sql, tests)
        listed = run("--lake", self.lake, "marts", "list", "--json", code=2)
        shown = {mart["name"]: mart for mart in json.loads(listed.stdout)["marts"]}
        bad = {name: mart["broken"] for name, mart in shown.items() if "broken" in mart}
        self.assertEqual(len(bad), len(broken))
        for _, _, file, _ in broken.values():
            self.assertTrue(any(file in why for why in bad.values()), (file, bad))
        self.assertIn("broken", run("--lake", self.lake, "marts", "list", code=2).stdout)
        out = pathlib.Path(self.lake).parent / "exported"
        done = run("--lake", self.lake, "marts", "export", "--to", out, code=2)
        self.assertTrue(any(file in done.stderr for _, _, file, _ in broken.values()), done.stderr)
        manifest = json.loads((out / "marts.json").read_text())["marts"]
        self.assertEqual({mart["name"] for mart in manifest}, set(shown) - set(bad))
        run("--lake", self.lake, "marts", "export", "--run", "r1", code=2)
        run("--lake", self.lake, "publish", "r1", "--discard")
        self.ingest()
        done = run("--lake", self.lake, "run", "--json", code=2)
        result = json.loads(done.stdout)
        self.assertEqual((result["published"], result["broken"]), (len(MARTS), len(broken)))
        by_name = {mart["name"].removesuffix(".sql"): mart for mart in result["marts"]}
        status = json.loads(run("--lake", self.lake, "status", "--json").stdout)["tables"]
        states = {row["table"].removesuffix(".sql"): row for row in status}
        found = self.findings("mart")
        self.assertEqual(len(found), len(broken))
        shown = run("--lake", self.lake, "run", code=2)
        for name, (_, _, file, line) in broken.items():
            where = f"definitions/{file}" + (f", row {line}" if line else "")
            if line and file.endswith(".sql"):
                where = f"definitions/{file}"
                self.assertIn(f"row {line}", by_name[name]["broken"])
            self.assertIn(where, by_name[name]["broken"])
            self.assertIn(where, states[name]["broken_definition"])
            self.assertIn("broken definition", states[name]["stale_because"])
            self.assertEqual(len([f for f in found if where in f["what"] and f["next"]]), 1, name)
            self.assertIn(where, shown.stdout)
        self.assertIn("broken definition", run("--lake", self.lake, "status").stdout)
        self.assertEqual(self.files("mine"), before)
        self.assertIsNone(states["delay_trends"]["stale_because"])
        for file in definitions.iterdir():
            file.unlink()
        self.define("mine", good, "")
        self.marts()
        (definitions / "mine.sql").unlink()
        self.assertIn("mine.tests.yaml", self.findings("mart")[0]["what"])

    def test_two_at_once(self) -> None:
        self.ingest()
        both = [
            subprocess.Popen([PROGRAM, "--lake", self.lake, "run", "--json"], stdout=subprocess.PIPE) for _ in range(2)
        ]
        published = [json.loads(run.communicate(timeout=120)[0])["published"] for run in both]
        self.assertEqual(sorted(published), [0, len(MARTS)])
        self.check_like_full()

    def test_file_gone(self) -> None:
        """A mart whose file was lost and taken out of its table is made again."""
        self.ingest()
        self.marts()
        for file in (self.lake / "marts" / "delay_trends").glob("*.parquet"):
            file.unlink()
        run("--lake", self.lake, "table", "fsck", "delay_trends", "--repair")
        self.assertTrue(self.marts()["delay_trends"]["published"])
        self.check_like_full()


class Restore(Lake):
    def again(self, file: pathlib.Path) -> tuple[str, int | None, str]:
        words = ("--lake", self.lake, "ingest", "emart", file)
        done = json.loads(run(*words, "--json").stdout)["files"][0]
        return done["outcome"], done["undone_by_version"], run(*words).stdout

    def mart(self, name: str = "carrier_performance") -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.lake / "marts" / name))

    def test_marts_that_a_restore_took_back(self) -> None:
        """The next run makes them anew, whoever restored them, to whichever version, over checkpoints too."""
        self.ingest(100)
        self.marts()
        self.ingest(200)
        self.marts()
        self.marts("--full")  # the same rows, once more
        wanted = self.mart().to_pyarrow_table().to_pylist()
        self.mart().delete("carrier = 'UPS'")
        for version in [0, 1, 3, 0, 2, 0, 1]:
            before = self.mart().version()
            if version % 2 == 0:
                said = run("--lake", self.lake, "table", "restore", "carrier_performance", "--version", version).stdout
                self.assertIn("the next 'freightlake run' makes the mart anew", said)
            else:
                self.mart().restore(version)
            self.assertEqual(self.mart().version(), before + 1)
            self.assertIn("restored", run("--lake", self.lake, "status").stdout)
            made = self.marts()
            self.assertEqual([name for name in made if made[name]["published"]], ["carrier_performance"])
            self.assertEqual(self.mart().to_pyarrow_table().to_pylist(), wanted)
            self.assertFalse(any(mart["published"] for mart in self.marts().values()))
            if version == 3:
                self.mart().delete("carrier = 'UPS'")
                self.assertTrue(self.marts()["carrier_performance"]["published"])
        self.assertGreater(self.mart().version(), 10)

    def test_what_leaves_a_mart_as_it_is(self) -> None:
        self.ingest(100)
        self.marts()
        self.mart().alter.set_table_properties({"delta.checkpointInterval": "3"})
        self.mart().optimize.compact()
        self.mart().create_checkpoint()
        run("--lake", self.lake, "table", "vacuum", "carrier_performance", "--retention", "0", "--force")
        self.assertFalse(any(mart["published"] for mart in self.marts().values()))

    def test_a_restored_mart_of_another_definition(self) -> None:
        self.ingest(100)
        self.marts()
        wanted = self.mart().to_pyarrow_table().to_pylist()
        own = self.lake / "definitions" / "carrier_performance.sql"
        own.write_text("SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier ORDER BY carrier\n")
        self.marts()
        other = self.mart().to_pyarrow_table().to_pylist()
        for restore in (0, 1, 0):
            run("--lake", self.lake, "table", "restore", "carrier_performance", "--version", restore)
            self.assertTrue(self.marts()["carrier_performance"]["published"])
            self.assertEqual(self.mart().to_pyarrow_table().to_pylist(), other)
        own.unlink()
        self.mart().restore(1)
        self.marts()
        self.assertEqual(self.mart().to_pyarrow_table().to_pylist(), wanted)

    def count(self) -> int:
        return deltalake.DeltaTable(str(self.lake / "processed" / "shipments")).to_pyarrow_table().num_rows

    def test_files_that_a_restore_took_out(self) -> None:
        """They stay known, and who gives them again is told so with the way back."""
        first, second, third = (self.ingest(100 + i) for i in range(3))
        self.assertEqual(self.again(second)[:2], ("known", None))
        run("--lake", self.lake, "table", "restore", "shipments", "--version", 1)
        self.assertEqual(self.count(), 100)
        self.assertEqual(self.again(first)[:2], ("known", None))
        for file in (second, third):
            outcome, version, said = self.again(file)
            self.assertEqual((outcome, version), ("known", 4))
            self.assertIn("'table restore' (version 4 of the shipments) took their rows out", said)
        run(*("--lake", self.lake, "table", "compact", "shipments"))
        erase = said.split("again: freightlake ")[1].split(",")[0].split()
        run("--lake", self.lake, *erase, "--yes")
        self.assertEqual(self.again(third)[0], "ingested")
        self.assertEqual(self.count(), 202)
        self.assertEqual(self.again(third)[:2], ("known", None))
        self.assertEqual(self.again(second)[:2], ("known", 4))
        run("--lake", self.lake, "table", "restore", "shipments", "--version", 3)  # of before the first restore
        self.assertEqual([self.again(file)[1] for file in (first, second)], [None, None])
        run("--lake", self.lake, "table", "restore", "shipments", "--version", 4)
        self.assertEqual(self.count(), 100)
        self.assertIsNotNone(self.again(second)[1])
        run("--lake", self.lake, "rebuild", "emart")
        self.assertEqual([self.again(file)[1] for file in (first, second, third)], [None] * 3)
        self.assertEqual(self.count(), 303)


class FewDescriptors(Lake):
    """Tables of more files than a process may have open."""

    def few(self, *words: object) -> str:
        """With at most 64 open files."""
        done = subprocess.run(
            [PROGRAM, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_300_files(self) -> None:
        out = self.path / "many"
        run("generate", "--rows", 6000, "--files", 300, "--out", out, "--seed", SEED)
        sql = (
            f"SELECT carrier, count(*) AS n, sum(shipping_cost) AS cost, min(shipment_id) AS first FROM '{out}/*.parquet'"
            " GROUP BY carrier ORDER BY carrier"
        )
        self.assertEqual(
            self.few("query", sql, "--format", "csv", "--threads", 4), run("query", sql, "--format", "csv").stdout
        )
        self.few("run", "--from", out, "--to", self.path / "few")
        run("run", "--from", out, "--to", self.path / "all")
        for mart in MARTS:
            one, other = (self.path / folder / mart / f"{mart}.parquet" for folder in ("few", "all"))
            self.assertEqual(one.read_bytes(), other.read_bytes(), mart)

    def test_300_files_of_a_table(self) -> None:
        self.ingest(3000)
        source = deltalake.DeltaTable(str(self.lake / "processed" / "shipments")).to_pyarrow_table()
        table = self.path / "table"
        pieces = [str(i % 300) for i in range(source.num_rows)]
        deltalake.write_deltalake(
            str(table), source.append_column("piece", pyarrow.array(pieces)), partition_by=["piece"]
        )
        self.assertEqual(len(list(table.rglob("*.parquet"))), 300)
        sql = f"SELECT count(*) AS n, count(DISTINCT piece) AS pieces, sum(source_row) AS rows_sum FROM '{table}'"
        rows = sum(source.column("source_row").to_pylist())
        self.assertEqual(self.few("query", sql, "--format", "csv").split()[1], f"{source.num_rows},300,{rows}")


class Readers(Lake):
    def test_many_versions(self) -> None:
        """Tens of commits with checkpoints: every reader counts alike, at every version."""
        file = self.ingest(200)
        header, *rows = file.read_text().splitlines()
        for i in range(34):
            more = self.path / f"more{i}.csv"
            more.write_text("\n".join([header, *rows[i : i + 5]]) + "\n")
            run("--lake", self.lake, "ingest", "emart", more)
        path = str(self.lake / "processed" / "shipments")
        self.assertTrue(list((self.lake / "processed/shipments/_delta_log").glob("*.checkpoint.parquet")))
        wanted = 200 + 34 * 5
        self.assertEqual(deltalake.DeltaTable(path).to_pyarrow_table().num_rows, wanted)
        self.assertEqual(polars.scan_delta(path).select(polars.len()).collect().item(), wanted)
        for version in (1, 9, 10, 11, 20, 35):
            theirs = deltalake.DeltaTable(path, version=version).to_pyarrow_table().num_rows
            ours = run(
                "--lake",
                self.lake,
                "query",
                "SELECT count(*) AS n FROM shipments",
                "--version",
                version,
                "--format",
                "csv",
            ).stdout.split()[1]
            self.assertEqual(int(ours), theirs)
        shutil.rmtree(self.lake / "_freightlake" / "state", ignore_errors=True)
        self.marts()
        for mart in MARTS:
            table = str(self.lake / "marts" / mart)
            self.assertEqual(
                deltalake.DeltaTable(table).to_pyarrow_table().num_rows,
                polars.scan_delta(table).select(polars.len()).collect().item(),
            )


def main() -> int:
    print(f"seed {SEED}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

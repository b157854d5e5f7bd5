#!/usr/bin/env python3
"""`marts export --run` and `publish`: what a cluster made becomes the lake's marts by the lake's own tests, or not at all."""

import fcntl
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import cluster_double
import deltalake
import pyarrow
import pyarrow.parquet

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
RANDOM = random.Random(SEED)
MARTS = ["carrier_performance", "cost_analysis", "delay_trends", "route_efficiency", "warehouse_demand"]


class Publish(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.lake = self.path / "lake"
        self.n = 0
        self.do("init", self.lake, lake=False)
        self.ingest()

    def do(self, *words: object, code: int = 0, lake: bool = True) -> str:
        words = (*(("--lake", self.lake) if lake else ()), *words)
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def ingest(self, rows: int = 1500) -> None:
        self.n += 1
        out = self.path / f"in{self.n}"
        words = ("--rows", rows, "--format", "csv", "--out", out, "--seed", SEED % 100000 + self.n)
        self.do("generate", *words, lake=False)
        file = out / "part-00000.csv"
        if self.n == 1:
            self.do("onboard", "emart", "--sample", file, "--yes")
        self.do("ingest", "emart", file)

    def query(self, sql: str, version: int, file: pathlib.Path) -> None:
        self.do("query", sql, "--version", version, "--output", file)

    def begin(self, run_id: str, *words: object) -> None:
        self.do("marts", "export", "--run", run_id, *words)

    def make(self, run_id: str, **changes: object) -> dict:
        return cluster_double.make(self.lake, run_id, self.query, RANDOM, **changes)

    def staging(self, run_id: str) -> pathlib.Path:
        return self.lake / "_freightlake" / "staging" / run_id

    def mart(self, name: str) -> list[dict]:
        return deltalake.DeltaTable(str(self.lake / "marts" / name)).to_pyarrow_table().to_pylist()

    def marts(self) -> dict[str, list[dict]]:
        return {name: self.mart(name) for name in MARTS}

    def versions(self) -> dict[str, int]:
        folders = (self.lake / "marts").iterdir() if (self.lake / "marts").exists() else []
        return {
            path.name: deltalake.DeltaTable(str(path)).version() for path in folders if (path / "_delta_log").exists()
        }

    def outcome(self, run_id: str) -> dict:
        return json.loads((self.staging(run_id) / "outcome.json").read_text())

    # ---- The way that works

    def test_same_as_a_local_run(self) -> None:
        """Rows, their order and their types are those of `run`; doing it again changes nothing."""
        self.begin("r1")
        self.make("r1")
        said = self.do("publish", "r1")
        for name in MARTS:
            self.assertIn(name, said)
        self.assertFalse(self.staging("r1").exists())
        staged = self.marts()
        self.assertIn("nothing to do", self.do("run"))
        before = self.versions()
        self.assertIn("published before", self.do("publish", "r1"))
        self.assertEqual(self.versions(), before)
        self.do("run", "--full")
        self.assertEqual(self.marts(), staged)
        for name in MARTS:
            self.assertIn("no problem", self.do("table", "fsck", name, "--deep"))
        record = json.loads(self.do("history", "--kind", "publish", "--json"))["records"][0]
        self.assertEqual((record["outcome"], record["source"]), ("ok", "r1"))
        self.assertEqual({table["table"] for table in record["tables"]}, set(MARTS))

    def test_then_incremental(self) -> None:
        """Kept partial aggregates are right behind a publication: after it, and when it came between two runs."""
        for between in (False, True):
            with self.subTest(between=between):
                self.setUp()
                if between:
                    self.do("run")
                    self.ingest(700)
                self.begin("r1")
                self.make("r1")
                self.do("publish", "r1")
                self.ingest(900)
                self.do("run")
                incremental = self.marts()
                self.do("run", "--full")
                self.assertEqual(self.marts(), incremental)

    def test_only_what_is_stale(self) -> None:
        self.do("run")
        self.assertIn("nothing to do", self.do("marts", "export", "--run", "r0"))
        self.assertFalse(self.staging("r0").exists())
        self.begin("r1", "delay_trends")
        self.assertEqual([mart["name"] for mart in cluster_double.plan_of(self.lake, "r1")["marts"]], ["delay_trends"])
        self.begin("r2", "--full")
        self.assertEqual({mart["name"] for mart in cluster_double.plan_of(self.lake, "r2")["marts"]}, set(MARTS))
        before, marts = self.versions(), self.marts()
        self.make("r2")
        self.do("publish", "r2")  # what was asked for is done, though it changes no row
        self.assertEqual(self.versions(), {name: version + 1 for name, version in before.items()})
        self.assertEqual(self.marts(), marts)
        self.begin("r3", "delay_trends")
        self.assertTrue(cluster_double.plan_of(self.lake, "r3")["again"])

    def test_plan(self) -> None:
        """The plan names every file of the version, with what is in no file."""
        self.ingest()
        self.begin("r1")
        plan = cluster_double.plan_of(self.lake, "r1")
        table = deltalake.DeltaTable(str(self.lake / "processed" / "shipments"))
        files = plan["shipments"]["files"]
        self.assertEqual(plan["shipments"]["version"], table.version())
        self.assertEqual(sorted(file["path"] for file in files), sorted(table.file_uris()))
        self.assertEqual(sum(file["rows"] for file in files), 3000)
        self.assertTrue(all(pathlib.Path(file["path"]).stat().st_size == file["size"] for file in files))
        self.assertTrue(all(file["partition_values"] == {"client": "emart"} for file in files))
        self.assertEqual(plan["shipments"]["partition_columns"], ["client"])
        self.assertIn("already", self.do("marts", "export", "--run", "r1", code=2))

    def test_given_up(self) -> None:
        self.begin("r1")
        self.assertIn("publish RUN", self.do("doctor"))
        self.assertIn("given up", self.do("publish", "r1", "--discard"))
        self.assertFalse(self.staging("r1").exists())
        self.assertIn("nothing was done", self.do("publish", "r1", "--discard"))

    def test_links_are_not_followed(self) -> None:
        """Giving a run up removes what lies in its folder, not what links there lead to."""
        elsewhere = self.path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "precious").touch()
        self.begin("r1")
        (self.staging("r1") / "folder").symlink_to(elsewhere)
        (self.staging("r1") / "file").symlink_to(elsewhere / "precious")
        self.do("publish", "r1", "--discard")
        self.assertFalse(self.staging("r1").exists())
        self.assertTrue((elsewhere / "precious").exists())

    def late(self, run_id: str) -> pathlib.Path:
        """What a cluster's task writes that nobody told that its run is gone."""
        file = self.staging(run_id) / "delay_trends" / "1f2e" / "_temporary" / "0" / "part-00000.parquet"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"rows")
        return file

    def test_files_without_a_plan(self) -> None:
        """The doctor names them; whoever gives the run up, plans another, or erases what is not there, removes them."""
        file = self.late("r1")
        said = self.do("doctor", code=1)
        self.assertIn("run r1 has files but no plan", said)
        self.assertIn("doctor --fix", said)
        self.assertIn("removed", self.do("doctor", "--fix"))
        self.assertFalse(file.exists())
        file = self.late("r1")
        self.assertIn("its files are removed", self.do("publish", "r1", "--discard"))
        self.assertFalse(file.exists())
        self.late("r1")
        self.begin("r2")
        self.assertFalse(self.staging("r1").exists())
        file = self.late("r1")
        said = self.do("erase", "emart", "--shipment", "nowhere", "--yes", code=3)
        self.assertIn("1 folder of staging", said)
        self.assertFalse(file.exists())
        self.assertTrue(self.staging("r2").exists())
        self.assertIn("nothing was changed", self.do("erase", "emart", "--shipment", "nowhere", "--yes", code=3))
        self.assertIn("the lake is well", self.do("doctor"))

    # ---- What is refused

    def files_with(self, shipment: str) -> list[pathlib.Path]:
        """Data files that hold the id, and not as the beginning of a longer one."""
        wanted = re.compile(shipment.encode() + rb"(?![0-9])")
        return [path for path in self.lake.rglob("*.parquet") if wanted.search(path.read_bytes())]

    def test_erased_shipments_do_not_come_back(self) -> None:
        self.begin("r1")
        self.make("r1")
        late = self.path / "late"
        self.staging("r1").rename(late)  # a cluster that ends after the erase
        self.begin("r2")
        self.make("r2")
        shipment = self.lake.parent.joinpath("in1", "part-00000.csv").read_text().splitlines()[5].split(",")[0]
        self.do("erase", "emart", "--shipment", shipment, "--yes")
        self.assertFalse(self.staging("r2").exists())
        self.assertEqual(self.files_with(shipment), [])
        late.rename(self.staging("r1"))
        self.refused("r1")

    def test_a_publication_beside_an_erase(self) -> None:
        """A mart that got its first version from a job that read the row before it was erased is made anew."""
        self.do("run")
        shipment = self.lake.parent.joinpath("in1", "part-00000.csv").read_text().splitlines()[5].split(",")[0]
        table, aside = self.lake / "marts" / "cost_analysis", self.path / "aside"
        table.rename(aside)
        (self.lake / "_freightlake" / "state" / "cost_analysis.state").unlink(missing_ok=True)
        words = [PROGRAM, "--lake", str(self.lake), "erase", "emart", "--shipment", shipment, "--yes"]
        with open(self.lake / "_freightlake" / "locks" / "run.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as erase:
                self.assertIn("waiting", erase.stderr.readline())
                aside.rename(table)
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.assertEqual(erase.wait(60), 0, erase.stderr.read())
        self.assertEqual(self.files_with(shipment), [])

    def test_a_failed_test_leaves_the_version_before(self) -> None:
        self.do("run")
        before = self.versions()
        self.ingest()
        self.begin("r1", "carrier_performance", "delay_trends")
        outcome = self.make("r1")
        file = self.staging("r1") / outcome["marts"][0]["files"][0]
        table = pyarrow.parquet.read_table(file)
        share = table.schema.get_field_index("on_time_percentage")
        wrong = pyarrow.array([200.0] * table.num_rows, table.schema.field(share).type)
        pyarrow.parquet.write_table(table.set_column(share, table.schema.field(share), wrong), file)
        said = self.do("publish", "r1", code=1)
        self.assertIn("range", said)
        after = self.versions()
        self.assertEqual(after["carrier_performance"], before["carrier_performance"])
        self.assertEqual(after["delay_trends"], before["delay_trends"] + 1)
        self.assertTrue(self.staging("r1").exists())

    def test_a_mart_that_the_cluster_could_not_make(self) -> None:
        """It stays as it was, and stops no other; the job done again brings it."""
        self.do("run")
        before = self.versions()
        self.ingest()
        self.begin("r1", "carrier_performance", "delay_trends")
        good = self.make("r1")
        name = good["marts"][0]["name"]
        bad = {**good["marts"][0], "outcome": "failed", "error": "a full disk", "rows": None, "files": []}
        cluster_double.write(self.lake, "r1", {**good, "outcome": "failed", "marts": [bad, *good["marts"][1:]]})
        said = self.do("publish", "r1", code=3)
        for word in (name, "could not make", "a full disk", "job of r1 again"):
            self.assertIn(word, said)
        other = good["marts"][1]["name"]
        self.assertEqual(self.versions(), {**before, other: before[other] + 1})
        self.assertTrue(self.staging("r1").exists())
        record = json.loads(self.do("history", "--kind", "publish", "--json"))
        self.assertIn("failed", json.dumps(record))
        cluster_double.write(self.lake, "r1", good)
        self.do("publish", "r1")
        after = self.versions()
        self.assertEqual(after[name], before[name] + 1)
        self.assertFalse(self.staging("r1").exists())
        self.assertIn("published before", self.do("publish", "r1"))

    def refused(self, run_id: str, *words: str, code: int = 3) -> None:
        before = self.versions()
        said = self.do("publish", run_id, code=code)
        for word in (*words, "hint:"):
            self.assertIn(word, said)
        self.assertEqual(self.versions(), before)

    def test_not_there_or_not_ended(self) -> None:
        self.refused("nothing", "no run 'nothing'")
        self.refused("../../etc", "cannot be the id", code=2)
        self.begin("r1")
        self.refused("r1", "has no outcome", "spark-submit")
        self.make("r1", outcome="failed", error="java.lang.OutOfMemoryError: heap")
        self.refused("r1", "OutOfMemoryError")

    def test_a_planned_mart_is_missing(self) -> None:
        self.begin("r1", "carrier_performance", "delay_trends")
        good = self.make("r1")
        cluster_double.write(self.lake, "r1", {**good, "marts": good["marts"][:1]})
        missing = good["marts"][1]["name"]
        self.refused("r1", f"the mart {missing} was planned and is not there")
        cluster_double.write(self.lake, "r1", good)
        self.do("publish", "r1")

    def test_lies(self) -> None:
        """An outcome that does not fit its plan or its files publishes nothing of the mart."""

        def of_first(**changes: object):
            return lambda outcome: outcome["marts"][0].update(changes)

        def twice(mart: dict) -> None:
            mart.update(files=mart["files"] * 2, rows=mart["rows"] * 2)

        cases = {
            "another version": (lambda outcome: outcome.update(shipments_version=99), "another version"),
            "another run": (lambda outcome: outcome.update(run="other"), "not of run"),
            "another definition": (of_first(hash="0" * 32), "another definition"),
            "an unknown mart": (of_first(name="nonsense"), "not in the run's plan"),
            "rows": (of_first(rows=1), "rows in its files"),
            "rows that are none": (of_first(rows="many"), "no rows"),
            "a file elsewhere": (of_first(files=["../../../../etc/passwd"]), "not its own"),
            "a file above": (of_first(files=["carrier_performance/../../plan.json"]), "not its own"),
            "a file that is gone": (of_first(files=["carrier_performance/gone.parquet"]), "gone.parquet"),
            "a file that is none": (of_first(files=["carrier_performance/_SUCCESS"]), "_SUCCESS"),
            "a file twice": (lambda outcome: twice(outcome["marts"][0]), "names a file twice"),
            "a mart twice": (lambda outcome: outcome.update(marts=outcome["marts"] * 2), "is there twice"),
            "a mart that failed": (of_first(outcome="failed", error="a full disk"), "a full disk"),
            "no mart": (lambda outcome: outcome.update(marts=[]), "made no mart"),
            "no list": (lambda outcome: outcome.update(marts=7), "made no mart"),
        }
        self.begin("r1", "carrier_performance")
        good = self.make("r1")
        for name, (lie, word) in cases.items():
            with self.subTest(name):
                outcome = json.loads(json.dumps(good))
                lie(outcome)
                cluster_double.write(self.lake, "r1", outcome)
                self.refused("r1", word)
        for text in ("", "{", "[]", '{"run": "r1"}', "null"):
            with self.subTest(text=text):
                (self.staging("r1") / "outcome.json").write_text(text)
                self.refused("r1")
        cluster_double.write(self.lake, "r1", good)
        self.do("publish", "r1")

    def test_columns(self) -> None:
        self.begin("r1", "carrier_performance")
        outcome = self.make("r1", parts=1)
        file = self.staging("r1") / outcome["marts"][0]["files"][0]
        whole = file.read_bytes()
        table = pyarrow.parquet.read_table(file)
        renamed = table.rename_columns([name.replace("avg_", "mean_") for name in table.column_names])
        narrow = table.set_column(1, "total_shipments", table.column(1).cast(pyarrow.int32()))
        more = table.append_column("extra", pyarrow.array([1] * table.num_rows))
        for change, word in ((renamed, "missing"), (narrow, "bigint"), (more, "columns")):
            pyarrow.parquet.write_table(change, file)
            self.refused("r1", word)
        damaged = bytearray(whole)
        for at in range(8, 60):
            damaged[at] ^= 0xFF
        file.write_bytes(damaged)
        self.refused("r1", file.name)
        file.write_bytes(whole)
        self.do("publish", "r1")

    def test_the_lake_moved_on(self) -> None:
        """Never back to older shipments; a definition that changed is not published under its old text."""
        self.begin("old")
        self.make("old")
        self.ingest()
        self.do("run")
        self.refused("old", "newer shipments")
        self.ingest()
        self.begin("r2", "delay_trends")
        self.make("r2")
        self.ingest()
        self.assertIn("moved on", self.do("publish", "r2"))
        self.assertIn("delay_trends", self.do("status"))
        self.begin("r3", "delay_trends")
        self.make("r3")
        sql = cluster_double.plan_of(self.lake, "r3")["marts"][0]["sql"]
        (self.lake / "definitions" / "delay_trends.sql").write_text(sql + "\n-- changed\n")
        self.refused("r3", "another definition")


if __name__ == "__main__":
    print(f"seed {SEED}")
    program = unittest.main(exit=False)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - bad} passed, {bad} failed, {len(program.result.skipped)} skipped")
    sys.exit(bad > 0)

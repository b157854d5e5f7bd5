#!/usr/bin/env python3
"""`run --engine local|spark|auto [--explain]`, with a double of spark-submit; Spark itself is in spark_parity.py."""

import json
import os
import pathlib
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import deltalake

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
MARTS = ["carrier_performance", "cost_analysis", "delay_trends", "route_efficiency", "warehouse_demand"]

SUBMIT = f"""#!{sys.executable}
import json, os, pathlib, random, subprocess, sys, time
sys.path.insert(0, {str(pathlib.Path(__file__).resolve().parent)!r})
import cluster_double
words = sys.argv[1:]
lake, run = pathlib.Path(words[words.index("--lake") + 1]), words[words.index("--run") + 1]
(lake.parent / "words.json").write_text(json.dumps(words))
print("INFO SparkContext: it begins")
print("run_marts: reading", file=sys.stderr, flush=True)
what = os.environ.get("DOUBLE", "")
if what == "fails":
    print("java.lang.OutOfMemoryError: heap")
    sys.exit(1)
if what == "hangs":
    (lake.parent / "pid").write_text(str(os.getpid()))
    time.sleep(600)
def query(sql, version, file):
    words = [{PROGRAM!r}, "--lake", lake, "query", sql, "--version", str(version), "--output", file]
    subprocess.run(words, check=True)
changes = {{"outcome": "failed", "error": "no space left"}} if what == "says it failed" else {{}}
cluster_double.make(lake, run, query, random.Random({SEED}), **changes)
sys.exit(1 if changes else 0)
"""


class Engine(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.lake = self.path / "lake"
        self.submit = self.path / "spark-submit"
        self.submit.write_text(SUBMIT)
        self.submit.chmod(self.submit.stat().st_mode | stat.S_IXUSR)
        self.cluster = ("--engine", "spark", "--spark-master", "spark://h:7077", "--spark-submit", self.submit)
        self.do("init", self.lake, lake=False)
        out = self.path / "in"
        words = ("--rows", 1000, "--format", "csv", "--out", out, "--seed", SEED % 100000)
        self.do("generate", *words, lake=False)
        self.do("onboard", "emart", "--sample", out / "part-00000.csv", "--yes")
        self.do("ingest", "emart", out / "part-00000.csv")

    def command(self, *words: object, lake: bool = True) -> list[str]:
        return [PROGRAM, *(("--lake", str(self.lake)) if lake else ()), *map(str, words)]

    def do(self, *words: object, code: int = 0, lake: bool = True, **environment: str) -> str:
        done = subprocess.run(
            self.command(*words, lake=lake),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={name: text for name, text in os.environ.items() if name != "SPARK_HOME"} | environment,
        )
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def settings(self, text: str) -> None:
        file = self.lake / "freightlake.yaml"
        file.write_text("currency: USD\n" + text)

    def marts(self) -> dict[str, list[dict]]:
        return {
            name: deltalake.DeltaTable(str(self.lake / "marts" / name)).to_pyarrow_table().to_pylist() for name in MARTS
        }

    def staging(self) -> list[pathlib.Path]:
        folder = self.lake / "_freightlake" / "staging"
        return list(folder.iterdir()) if folder.exists() else []

    def test_same_marts(self) -> None:
        said = json.loads(self.do("run", *self.cluster, "--json").split("\n")[0])
        self.assertEqual(said["published"], 5)
        made = self.marts()
        self.assertEqual(self.staging(), [])
        self.do("run", "--full")
        self.assertEqual(self.marts(), made)
        kinds = [record["kind"] for record in json.loads(self.do("history", "--json"))["records"]]
        self.assertEqual(kinds[:3], ["run", "publish", "spark"])
        (self.path / "words.json").unlink()
        self.assertIn("nothing to do", self.do("run", *self.cluster))
        self.assertFalse((self.path / "words.json").exists())

    def test_definitions_of_a_folder(self) -> None:
        folder = self.path / "mine"
        folder.mkdir()
        (folder / "carriers.sql").write_text("SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier ORDER BY n")
        self.do("run", *self.cluster, "--marts", folder, "--mart", "carriers")
        table = deltalake.DeltaTable(str(self.lake / "marts" / "carriers")).to_pyarrow_table()
        self.assertEqual(sum(table.column("n").to_pylist()), 1000)

    def test_broken_definition(self) -> None:
        """The others are made, and the broken one is the error."""
        (self.lake / "definitions" / "wrong.sql").write_text("SELECT nothing FROM shipments")
        said = self.do("run", *self.cluster, code=2)
        self.assertIn("wrong.sql", said)
        self.assertEqual(set(self.marts()), set(MARTS))

    def test_settings(self) -> None:
        properties = "{spark.executor.memory: 4g, spark.sql.shuffle.partitions: '8'}"
        self.settings(f"spark: {{master: 'spark://m:1', submit: {self.submit}, properties: {properties}}}\n")
        self.do("run", "--engine", "spark", "--mart", "delay_trends")
        words = json.loads((self.path / "words.json").read_text())
        self.assertEqual(words[words.index("--master") + 1], "spark://m:1")
        for word in ("spark.executor.memory=4g", "spark.sql.shuffle.partitions=8"):
            self.assertEqual(words[words.index(word) - 1], "--conf")
        self.assertTrue(next(word for word in words if word.endswith("/spark/run_marts.py")))
        for text, word in (
            ("{mastr: x}", "master"),
            ("{auto_bytes: much}", "auto_bytes"),
            ("{properties: 3}", "Spark"),
        ):
            self.settings(f"spark: {text}\n")
            self.assertIn(word, self.do("run", code=2))
            self.assertIn("row 2", self.do("run", code=2))

    def test_what_is_missing(self) -> None:
        self.assertIn("which cluster", self.do("run", "--engine", "spark", code=2))
        said = self.do("run", *self.cluster[:4], "--spark-submit", "/nowhere/spark-submit", code=3)
        self.assertIn("SPARK_HOME", said)
        said = self.do("run", *self.cluster[:4], code=3, PATH="/nowhere")
        self.assertIn("install Apache Spark", said)
        said = self.do("run", "--engine", "sprak", code=2)
        self.assertIn("did you mean 'spark'", said)
        self.assertIn(
            "about a lake", self.do("run", "--from", "x", "--to", "y", "--engine", "spark", code=2, lake=False)
        )

    def test_a_job_that_fails(self) -> None:
        for what, word in (("fails", "OutOfMemoryError"), ("says it failed", "ended with 1")):
            said = self.do("run", *self.cluster, code=3, DOUBLE=what)
            self.assertIn(word, said)
            self.assertIn("spark.log", said)
            self.assertFalse((self.lake / "marts" / "delay_trends" / "_delta_log").exists())
        log = max(self.staging(), key=lambda path: path.stat().st_mtime) / "spark.log"
        self.assertIn("it begins", log.read_text())
        self.assertIn("failed", self.do("history", "--kind", "spark"))
        self.do("run", *self.cluster)

    def test_stopped(self) -> None:
        for which in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen(
                self.command("run", *self.cluster),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"DOUBLE": "hangs"},
            )
            pid = self.path / "pid"
            while process.poll() is None and not (pid.exists() and pid.read_text()):
                time.sleep(0.01)
            child = int(pid.read_text())
            pid.unlink()
            process.send_signal(which)
            said = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, 130, said)
            self.assertRaises(ProcessLookupError, os.kill, child, 0)
        self.assertIn("interrupted", self.do("history", "--kind", "spark"))

    def test_explain_and_auto(self) -> None:
        def explained(*words: object) -> dict:
            return json.loads(self.do("run", *words, "--explain", "--json"))

        before = sorted(self.lake.rglob("*"))
        told = explained("--engine", "auto")
        self.assertEqual((told["engine"], told["stale_marts"]), ("local", 5))
        size = sum(path.stat().st_size for path in (self.lake / "processed").rglob("*.parquet"))
        self.assertEqual(told["bytes"], size)
        self.assertEqual(explained("--engine", "spark")["engine"], "spark")
        self.assertIn("nothing was done", self.do("run", "--engine", "auto", "--explain"))
        self.assertEqual(sorted(self.lake.rglob("*")), before)
        self.settings("spark: {auto_bytes: 1KiB}\n")
        self.assertIn("no cluster is set", explained("--engine", "auto")["why"])
        self.settings(f"spark: {{auto_bytes: 1KiB, master: 'spark://m:1', submit: {self.submit}}}\n")
        told = explained("--engine", "auto")
        self.assertEqual(told["engine"], "spark")
        self.assertIn("auto_bytes", told["why"])
        self.do("run", "--engine", "auto")
        self.assertTrue((self.path / "words.json").exists())
        told = explained("--engine", "auto")
        self.assertEqual((told["engine"], told["bytes"], told["stale_marts"]), ("local", 0, 0))


if __name__ == "__main__":
    print(f"seed {SEED}")
    program = unittest.main(exit=False)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - bad} passed, {bad} failed, {len(program.result.skipped)} skipped")
    sys.exit(bad > 0)

#!/usr/bin/env python3
"""The Spark job without Spark: reading a plan, checking columns, paths, staging, what an outcome says."""

import ast
import copy
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOB = ROOT / "spark" / "run_marts.py"

specification = importlib.util.spec_from_file_location("run_marts", JOB)
job = importlib.util.module_from_spec(specification)
sys.modules["run_marts"] = job
specification.loader.exec_module(job)

PLAN = {
    "run": "r-1",
    "prepared_at": "2026-01-01T00:00:00Z",
    "shipments": {
        "version": 7,
        "location": "/lake/processed/shipments",
        "schema": [{"name": "client", "type": "string"}, {"name": "source_row", "type": "long"}],
        "partition_columns": ["client"],
        "files": [{"path": "/lake/a.parquet", "size": 10, "rows": 2, "partition_values": {"client": None}}],
    },
    "marts": [
        {
            "name": "demand",
            "definition_hash": "ab",
            "sql": "SELECT client, count(*) AS n FROM shipments GROUP BY client",
            "columns": [
                {"name": "client", "type": "string", "nullable": True},
                {"name": "n", "type": "bigint", "nullable": False},
            ],
            "tests": [],
        }
    ],
}


class LanguageTest(unittest.TestCase):
    """EMR 7 runs it by Python 3.9: no younger grammar, and annotations are never evaluated."""

    def test_python_3_9(self):
        tree = ast.parse(JOB.read_text(), feature_version=(3, 9))
        self.assertFalse([node for node in ast.walk(tree) if isinstance(node, getattr(ast, "Match", ()))])
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        self.assertIn("annotations", [name.name for node in imports for name in node.names])
        strict = [
            keyword
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg in ("strict", "slots", "kw_only")
        ]
        self.assertEqual(strict, [])


class PlanTest(unittest.TestCase):
    def parse(self, document: object) -> object:
        return job.parse_plan(json.dumps(document), "r-1", "plan.json")

    def test_a_good_plan(self):
        plan = self.parse(PLAN)
        self.assertEqual((plan.run, plan.version, plan.partition_columns), ("r-1", 7, ("client",)))
        self.assertEqual(plan.schema[1], job.Field("source_row", "bigint"))
        self.assertEqual(plan.files[0].partition_values, {"client": None})
        self.assertEqual([mart.hash for mart in plan.marts], ["ab"])

    def test_whatever_is_missing_is_named(self):
        def removed(document: object, found: list, path: tuple) -> None:
            """Every plan that lacks one key that the job reads."""
            items = document.items() if isinstance(document, dict) else enumerate(document)
            for key, value in items:
                if isinstance(value, (dict, list)):
                    removed(value, found, (*path, key))
                if isinstance(key, str):
                    found.append((*path, key))

        paths: list = []
        removed(PLAN, paths, ())
        unread = {"prepared_at", "location", "size", "rows", "tests", "nullable"}
        checked = 0
        for path in paths:
            if path[-1] in unread or path[-2:] == ("partition_values", "client"):
                continue
            document = copy.deepcopy(PLAN)
            inner = document
            for step in path[:-1]:
                inner = inner[step]
            del inner[path[-1]]
            with self.assertRaisesRegex(job.JobError, f"lacks '{path[-1]}'.*marts export"):
                self.parse(document)
            checked += 1
        self.assertGreater(checked, 12)

    def test_what_is_no_plan(self):
        for text in ("", "{", "[]", "null", "7", '"x"', '{"run": "r-1", "shipments": []}'):
            with self.assertRaisesRegex(job.JobError, "is no plan"):
                job.parse_plan(text, "r-1", "plan.json")

    def test_the_plan_of_another_run(self):
        with self.assertRaisesRegex(job.JobError, "the plan of run r-1, not of r-2"):
            job.parse_plan(json.dumps(PLAN), "r-2", "plan.json")

    def test_a_name_that_leaves_the_staging_folder(self):
        for name in ("../demand", "a/b", "", ".", "Demand"):
            document = copy.deepcopy(PLAN)
            document["marts"][0]["name"] = name
            with self.assertRaisesRegex(job.JobError, "no name of a mart"):
                self.parse(document)

    def test_a_partition_column_out_of_nowhere(self):
        document = copy.deepcopy(PLAN)
        document["shipments"]["partition_columns"] = ["region"]
        with self.assertRaisesRegex(job.JobError, "region is not in the schema"):
            self.parse(document)


class TypeTest(unittest.TestCase):
    def test_names_of_types(self):
        for name, wanted in (
            ("long", "bigint"),
            ("integer", "int"),
            ("DECIMAL(18, 4)", "decimal(18,4)"),
            ("string", "string"),
        ):
            self.assertEqual(job.spark_type(name), wanted)

    def test_only_what_loses_nothing(self):
        yes = [
            ("int", "bigint"), ("bigint", "bigint"), ("float", "double"), ("void", "date"), ("tinyint", "int"),
            ("decimal(18,4)", "decimal(20,4)"), ("decimal(18,4)", "decimal(20,6)"),
        ]  # fmt: skip
        no = [
            ("bigint", "int"), ("int", "double"), ("double", "float"), ("string", "date"), ("timestamp", "date"),
            ("decimal(18,4)", "decimal(18,5)"), ("decimal(18,4)", "decimal(18,2)"), ("decimal(20,4)", "decimal(18,4)"),
            ("double", "decimal(18,4)"), ("bigint", "string"),
        ]  # fmt: skip
        for source, target in yes:
            self.assertTrue(job.widens(source, target), (source, target))
        for source, target in no:
            self.assertFalse(job.widens(source, target), (source, target))

    def test_columns_are_the_promised_ones(self):
        mart = job.parse_plan(json.dumps(PLAN), "r-1", "plan.json").marts[0]
        client, n = job.Field("client", "string"), job.Field("n", "bigint")
        job.check_columns(mart, [client, n])
        job.check_columns(mart, [client, job.Field("n", "int")])
        for found in ([n, client], [client], [client, n, n], [client, job.Field("m", "bigint")]):
            with self.assertRaisesRegex(job.JobError, "promises client, n"):
                job.check_columns(mart, found)
        with self.assertRaisesRegex(job.JobError, "column n: Spark gives double where the plan promises bigint.*CAST"):
            job.check_columns(mart, [client, job.Field("n", "double")])


class PathTest(unittest.TestCase):
    def test_paths_for_spark(self):
        for path, scheme, wanted in (
            ("s3://bucket/a b/c", "s3a", "s3a://bucket/a b/c"),
            ("s3a://bucket/c", "s3", "s3://bucket/c"),
            ("s3://bucket/c", "s3", "s3://bucket/c"),
            ("/lake/client=a%20b/x.parquet", "s3a", "file:///lake/client=a%20b/x.parquet"),
            ("file:///lake/x", "s3a", "file:///lake/x"),
            ("file:/lake/x", "s3a", "file:///lake/x"),
            ("hdfs://name/lake", "s3a", "hdfs://name/lake"),
            ("lake", "s3a", f"file://{os.getcwd()}/lake"),
            ("/lake/s3://x", "s3a", "file:///lake/s3:/x"),
        ):
            self.assertEqual(job.spark_path(path, scheme), wanted)

    def test_s3_settings(self):
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
        settings = job.s3_settings(keys)
        self.assertEqual(settings["fs.s3a.endpoint.region"], "eu-west-1")
        self.assertNotIn("fs.s3a.endpoint", settings)
        self.assertNotIn("fs.s3a.path.style.access", settings)
        self.assertNotIn("fs.s3a.session.token", settings)
        settings = job.s3_settings({**keys, "AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_SESSION_TOKEN": "t"})
        self.assertEqual(settings["fs.s3a.endpoint"], "http://127.0.0.1:9000")
        self.assertEqual(settings["fs.s3a.connection.ssl.enabled"], "false")
        self.assertEqual(settings["fs.s3a.path.style.access"], "true")
        self.assertEqual(settings["fs.s3a.session.token"], "t")
        settings = job.s3_settings({"AWS_ENDPOINT_URL": "https://s3.example", "FREIGHTLAKE_S3_ADDRESSING": "virtual"})
        self.assertNotIn("fs.s3a.path.style.access", settings)
        self.assertEqual(settings["fs.s3a.connection.ssl.enabled"], "true")


class StagingTest(unittest.TestCase):
    def test_a_folder(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            staging = job.LocalStaging(folder)
            self.assertIsNone(staging.read("plan.json"))
            staging.replace("outcome.json", b"first")
            staging.replace("outcome.json", b"second")
            self.assertEqual(staging.read("outcome.json"), b"second")
            self.assertEqual([path.name for path in folder.iterdir()], ["outcome.json"])
            mart = folder / "demand"
            mart.mkdir()
            for file in ("part-1.parquet", "part-0.parquet", "_SUCCESS", ".part-0.parquet.crc", "_x.parquet", "notes"):
                (mart / file).touch()
            self.assertEqual(staging.data_files("demand"), ["demand/part-0.parquet", "demand/part-1.parquet"])
            for gone in ("demand", "demand", "outcome.json", "outcome.json"):
                staging.remove(gone)
            self.assertEqual(list(folder.iterdir()), [])

    def test_an_attempt_whose_plan_goes_leaves_nothing(self):
        marts = job.parse_plan(json.dumps(PLAN), "r-1", "plan.json").marts
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            staging = job.LocalStaging(folder)

            def begin(plan: bytes) -> object:
                staging.replace("plan.json", plan)
                attempt = job.Attempt(staging, plan, marts)
                (folder / attempt.folders["demand"]).mkdir(parents=True)
                (folder / attempt.folders["demand"] / "part-0.parquet").touch()
                return attempt

            def names() -> set[str]:
                return {path.name for path in folder.iterdir()}

            first = begin(b"one")
            self.assertTrue(first.stands())
            first.finish(b"made")
            self.assertEqual(names(), {"plan.json", "demand", "outcome.json"})
            second = begin(b"another of the same id")
            first.finish(b"late")
            self.assertFalse((folder / first.folders["demand"]).exists())
            self.assertEqual(names(), {"plan.json", "demand"})
            self.assertTrue(second.stands())
            self.assertEqual(len(staging.data_files(second.folders["demand"])), 1)
            staging.remove("plan.json")
            second.finish(b"late")
            self.assertEqual(names(), set())

    def test_a_missing_plan_says_the_next_step(self):
        with tempfile.TemporaryDirectory() as name:
            staging = job.LocalStaging(pathlib.Path(name))
            with self.assertRaisesRegex(job.JobError, "plan.json; prepare the run first: .*marts export --run r-1"):
                job.load_plan(staging, "r-1")


class JavaError(Exception):
    """What py4j raises, as far as the job looks at it."""

    def __init__(self, *messages: str | None):
        self.java_exception = None
        for message in reversed(messages):
            self.java_exception = Throwable(message, self.java_exception)


class Throwable:
    def __init__(self, message: str | None, cause: "Throwable | None"):
        self.message, self.cause = message, cause

    def getMessage(self):
        return self.message

    def getCause(self):
        return self.cause

    def getClass(self):
        return self

    def getSimpleName(self):
        return "Throwable"


class OutcomeTest(unittest.TestCase):
    def outcome(self, marts: list, error: str | None = None) -> dict:
        plan = job.parse_plan(json.dumps(PLAN), "r-1", "plan.json")
        return json.loads(job.outcome_text(plan, "3.5.9", 1.23456, marts, error))

    def test_what_it_says(self):
        made = job.MartOutcome("demand", "ab", "ok", None, 3, 0.5, ["demand/part-0.parquet"])
        outcome = self.outcome([made])
        keys = ["run", "engine", "engine_version", "outcome", "error", "shipments_version", "seconds", "marts"]
        self.assertEqual(list(outcome), keys)
        self.assertEqual((outcome["run"], outcome["engine"], outcome["engine_version"]), ("r-1", "spark", "3.5.9"))
        self.assertEqual((outcome["outcome"], outcome["error"], outcome["shipments_version"]), ("ok", None, 7))
        self.assertEqual(list(outcome["marts"][0]), ["name", "hash", "outcome", "error", "rows", "seconds", "files"])

    def test_one_that_failed_fails_the_run(self):
        made = [job.MartOutcome("a", "1", "ok"), job.MartOutcome("b", "2", error="no such column")]
        self.assertEqual(self.outcome(made)["outcome"], "failed")
        self.assertEqual(self.outcome([], "unreadable")["outcome"], "failed")

    def test_errors_of_java(self):
        error = JavaError("Job aborted.\nDriver stacktrace:\nat x", "Job aborted", None, "file a is missing\n\tat y")
        self.assertEqual(job.describe(error), "Job aborted.: Throwable: file a is missing")
        self.assertEqual(job.describe(ValueError("plain")), "plain")
        self.assertEqual(job.describe(ValueError()), "ValueError")
        self.assertLessEqual(len(job.describe(ValueError("x" * 10000))), job.ERROR_CHARACTERS)


class CommandLineTest(unittest.TestCase):
    def test_what_is_refused(self):
        for words, wanted in (
            ([], "--lake"),
            (["--lake", "x"], "--run"),
            (["--lake", "x", "--run", "../y"], "letters, digits"),
            (["--lake", "x", "--run", "y" * 65], "at most 64"),
            (["--lake", "x", "--run", "y", "--what"], "--what"),
        ):
            done = subprocess.run([sys.executable, JOB, *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(wanted, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    @unittest.skipIf(importlib.util.find_spec("pyspark"), "this Python has pyspark")
    def test_without_spark(self):
        words = [sys.executable, JOB, "--lake", "x", "--run", "y"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("spark-submit of Spark 3.5", done.stderr)


def main() -> int:
    result = unittest.main(exit=False, verbosity=0).result
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    for _, reason in result.skipped:
        print(f"skipped: {reason}")
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

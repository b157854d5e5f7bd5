#!/usr/bin/env python3
"""init, status, history and doctor as a user types them.

Runs the program in the environment variable FREIGHTLAKE; ends with the line `N passed, N failed, N skipped`.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])


def run(*words: object, expect: int = 0, **options: object) -> subprocess.CompletedProcess:
    command = [PROGRAM, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    if done.returncode != expect:
        raise AssertionError(f"{command}: exit code {done.returncode}, not {expect}:\n{done.stdout}{done.stderr}")
    return done


class LakeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="freightlake-lake-"))
        self.lake = self.scratch / "lake"

    def tearDown(self) -> None:
        shutil.rmtree(self.scratch)

    def problems(self, *words: str, expect: int = 1) -> list[dict]:
        report = json.loads(run("--lake", self.lake, "doctor", "--json", *words, expect=expect).stdout)
        self.assertEqual(report["healthy"], expect == 0)
        return [finding for finding in report["findings"] if finding["state"] == "problem"]

    def test_init_and_status(self) -> None:
        run("init", self.lake, "--currency", "EUR")
        status = json.loads(run("--lake", self.lake, "status", "--json").stdout)
        there = [table["table"] for table in status["tables"] if "version" in table]
        self.assertEqual(there, ["shipments", "quarantine"])
        self.assertEqual([table["rows"] for table in status["tables"][:2]], [0, 0])
        self.assertEqual(status["currency"], "EUR")
        self.assertEqual(status["pending_transactions"], 0)
        run("status", cwd=self.lake)
        run("status", env={**os.environ, "FREIGHTLAKE_LAKE": str(self.lake)}, cwd="/")

    def test_zones_lie_elsewhere(self) -> None:
        run("init", self.lake, "--raw", self.scratch / "archive")
        self.assertTrue((self.scratch / "archive").is_dir())
        self.assertFalse((self.lake / "raw").exists())

    def test_init_takes_no_folder_that_is_in_use(self) -> None:
        run("init", self.lake)
        self.assertIn("a lake already", run("init", self.lake, expect=2).stderr)
        (self.scratch / "full").mkdir()
        (self.scratch / "full" / "letter.txt").write_text("mine")
        self.assertIn("not empty", run("init", self.scratch / "full", expect=2).stderr)
        self.assertEqual(os.listdir(self.scratch / "full"), ["letter.txt"])

    def test_init_can_be_repeated_when_it_was_cut_off(self) -> None:
        run("init", self.lake)
        (self.lake / "freightlake.yaml").unlink()
        run("init", self.lake)
        run("--lake", self.lake, "doctor")

    def test_no_lake(self) -> None:
        for command in ("status", "history", "doctor"):
            self.assertIn("freightlake init", run("--lake", self.scratch, command, expect=3).stderr)

    def test_empty_history(self) -> None:
        run("init", self.lake)
        self.assertEqual(json.loads(run("--lake", self.lake, "history", "--json").stdout)["records"], [])
        self.assertIn("'nope'", run("--lake", self.lake, "history", "nope", expect=3).stderr)

    def test_doctor_finds_and_mends(self) -> None:
        run("init", self.lake)
        self.assertEqual(self.problems(expect=0), [])
        (self.lake / "marts").rmdir()
        gone = subprocess.Popen(["true"])
        gone.wait()
        (self.lake / "raw" / f".emart.csv.tmp-{gone.pid}-1").write_text("half")
        alive = self.lake / "raw" / f".emart.csv.tmp-{os.getpid()}-1"
        alive.write_text("under way")
        self.assertEqual([finding["check"] for finding in self.problems()], ["folder", "temporary files"])
        self.assertTrue(all(finding["next"] for finding in self.problems()))
        self.assertEqual(self.problems("--fix", expect=0), [])
        self.assertEqual(self.problems(expect=0), [])
        self.assertEqual(os.listdir(self.lake / "raw"), [alive.name])

    def test_doctor_reads_settings_and_mappings(self) -> None:
        run("init", self.lake)
        (self.lake / "clients" / "emart.yaml").write_text("columns: [\n")
        self.assertEqual([finding["check"] for finding in self.problems()], ["mapping"])
        (self.lake / "freightlake.yaml").write_text("currency: USD\ncurency: EUR\n")
        (problem,) = self.problems()
        self.assertIn("row 2", problem["what"])
        self.assertIn("currency", problem["next"])

    def test_doctor_sees_what_is_in_the_way(self) -> None:
        run("init", self.lake)
        (self.lake / "marts").rmdir()
        (self.lake / "marts").write_text("a file where a folder should be")
        self.assertIn("folder", [finding["check"] for finding in self.problems("--fix")])

    def test_a_broken_table_is_told(self) -> None:
        run("init", self.lake)
        log = self.lake / "processed" / "shipments" / "_delta_log" / f"{0:020}.json"
        log.write_text("{broken\n")
        self.assertIn("table", [finding["check"] for finding in self.problems()])
        tables = json.loads(run("--lake", self.lake, "status", "--json").stdout)["tables"]
        self.assertIn("problem", tables[0])
        self.assertEqual(tables[1]["rows"], 0)


if __name__ == "__main__":
    outcome = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(LakeTest)
    )
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - failed - len(outcome.skipped)} passed, {failed} failed, {len(outcome.skipped)} skipped")
    sys.exit(1 if failed else 0)

#!/usr/bin/env python3
"""quarantine, rebuild and erase as a user types them."""

import gzip
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import deltalake
import pyarrow.parquet

PROGRAM = os.environ["FREIGHTLAKE"]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


class Lake(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.lake = self.new_lake("lake")
        out = self.path / "in"
        run(
            "generate",
            "--rows",
            4000,
            "--format",
            "csv",
            "--out",
            out,
            "--seed",
            SEED,
            "--unique-ids",
            "--bad-rows",
            0.05,
        )
        self.file = out / "part-00000.csv"
        clean = self.path / "clean"
        run("generate", "--rows", 2000, "--format", "csv", "--out", clean, "--seed", SEED + 1, "--unique-ids")
        run("--lake", self.lake, "onboard", "emart", "--sample", clean / "part-00000.csv", "--yes")
        self.mapping = self.lake / "clients" / "emart.yaml"
        self.result = json.loads(run("--lake", self.lake, "ingest", "emart", self.file, "--json").stdout)["files"][0]

    def tearDown(self) -> None:
        self.folder.cleanup()

    def new_lake(self, name: str) -> pathlib.Path:
        run("init", self.path / name)
        return self.path / name

    def rows(self, table: str, lake: pathlib.Path | None = None) -> list[dict]:
        path = (lake or self.lake) / table / "shipments"
        return deltalake.DeltaTable(str(path)).to_pyarrow_table().to_pylist()

    def mend(self, mapping: pathlib.Path | None = None) -> None:
        """Teaches the mapping what the generator's unknown word means."""
        mapping = mapping or self.mapping
        text = mapping.read_text()
        self.assertNotIn("Teleported", text)
        mapping.write_text(
            text.replace(
                "    from: delivery_status", "    values: {Teleported: Delivered}\n    from: delivery_status", 1
            )
        )

    def verb(self, *words: object, code: int = 0) -> dict:
        return json.loads(run("--lake", self.lake, "quarantine", *words, "--json", code=code).stdout)

    def holders(self, word: str) -> list[str]:
        """Files below the lake that hold the word, also inside Parquet; an id is not the beginning of a longer one."""
        found = []
        wanted = re.compile(re.escape(word.encode()) + rb"(?![0-9])")
        for path in self.lake.rglob("*"):
            if not path.is_file():
                continue
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data += str(pyarrow.parquet.read_table(path).to_pylist()).encode()
            if path.suffix == ".gz":
                data = gzip.decompress(data)
            if wanted.search(data):
                found.append(str(path.relative_to(self.lake)))
        return found


class Quarantine(Lake):
    def test_counts(self) -> None:
        self.assertEqual(self.result["good"] + self.result["rejected"], self.result["records"])
        self.assertEqual(self.result["records"], 4000)
        self.assertEqual(len(self.rows("processed")), self.result["good"])
        self.assertEqual(len(self.rows("quarantine")), self.result["rejected"])
        listed = self.verb("list")
        self.assertEqual(listed["records"], self.result["rejected"])
        said = {(r["code"], r["column"]): r["records"] for r in self.result["reasons"]}
        self.assertEqual({(g["code"], g["column"]): g["records"] for g in listed["groups"]}, said)

    def test_show_and_filters(self) -> None:
        shown = self.verb("show", "emart", "--rule", "not_a_date", "--limit", 0)["records"]
        wanted = [r for r in self.rows("quarantine") if '"code":"not_a_date"' in r["reasons"]]
        self.assertEqual(sorted(r["source_row"] for r in shown), sorted(r["source_row"] for r in wanted))
        line = self.file.read_text().split("\n")[shown[0]["source_row"] - 1]
        self.assertEqual(shown[0]["raw_record"], line)
        one = self.verb("show", "--row", shown[0]["source_row"])["records"]
        self.assertEqual(one, shown[:1])
        nobody = run("--lake", self.lake, "quarantine", "show", "nobody", code=3).stderr
        self.assertIn("no client 'nobody'", nobody)
        self.assertIn("did you mean 'replay'", run("--lake", self.lake, "quarantine", "repaly", code=2).stderr)

    def test_export(self) -> None:
        out = self.path / "mend.csv"
        run("--lake", self.lake, "quarantine", "export", "emart", "--rule", "unknown_status", "--output", out)
        lines = out.read_text().splitlines()
        self.assertEqual(len(lines) - 1, self.count("unknown_status"))
        out.write_text("\n".join(line.replace("Teleported", "Delivered") for line in lines) + "\n")
        taken = json.loads(run("--lake", self.lake, "ingest", "emart", out, "--json").stdout)["files"][0]
        self.assertEqual((taken["good"], taken["rejected"]), (len(lines) - 1, 0))

    def count(self, code: str) -> int:
        return sum(r["records"] for r in self.result["reasons"] if r["code"] == code)

    def test_replay(self) -> None:
        before = self.verb("replay", "emart")["clients"][0]
        self.assertEqual((before["passed"], before["quarantine_version"]), (0, -1))
        self.mend()
        n = self.count("unknown_status")
        self.assertGreater(n, 0)
        dry = self.verb("replay", "emart", "--dry-run")["clients"][0]
        self.assertEqual((dry["passed"], dry["quarantine_version"]), (n, -1))
        done = self.verb("replay", "emart")["clients"][0]
        self.assertEqual((done["passed"], done["rejected"]), (n, self.result["rejected"] - n))
        shipments, waiting = self.rows("processed"), self.rows("quarantine")
        self.assertEqual((len(shipments), len(waiting)), (self.result["good"] + n, self.result["rejected"] - n))
        rows = [(r["source_file"], r["source_row"]) for r in shipments + waiting]
        self.assertEqual(len(set(rows)), 4000, "every record once")
        again = self.verb("replay")["clients"][0]
        self.assertEqual((again["passed"], again["quarantine_version"]), (0, -1))

    def test_drop(self) -> None:
        self.assertIn("which records", run("--lake", self.lake, "quarantine", "drop", code=2).stderr)
        dropped = self.verb("drop", "--rule", "too_long")["clients"][0]["dropped"]
        self.assertEqual(dropped, self.count("too_long"))
        self.assertEqual(self.verb("list")["records"], self.result["rejected"] - dropped)
        self.verb("drop", "--all")
        self.assertIn("quarantine is empty", run("--lake", self.lake, "quarantine", "list").stdout)


class Rebuild(Lake):
    def values(self, lake: pathlib.Path) -> list[tuple]:
        """All columns but when and where they were ingested."""
        rows = self.rows("processed", lake)
        return sorted(str({k: v for k, v in r.items() if k not in ("ingested_at",)}) for r in rows)

    def test_equals_a_fresh_lake(self) -> None:
        self.mend()
        done = json.loads(run("--lake", self.lake, "rebuild", "emart", "--json").stdout)
        self.assertEqual((done["records"], done["good"] + done["rejected"]), (4000, 4000))
        fresh = self.new_lake("fresh")
        (fresh / "clients" / "emart.yaml").write_text(self.mapping.read_text())
        run("--lake", fresh, "ingest", "emart", self.file)
        self.assertEqual(self.values(self.lake), self.values(fresh))
        self.assertEqual(len(self.rows("quarantine")), len(self.rows("quarantine", fresh)))
        self.assertIn("in the lake already", run("--lake", self.lake, "ingest", "emart", self.file).stdout)

    def test_dry_runs_leave_nothing(self) -> None:
        """No lock file, no mark, no data file; and they wait for nobody."""
        shutil.rmtree(self.lake / "_freightlake" / "locks")
        before = {p: p.stat().st_mtime_ns for p in self.lake.rglob("*")}
        for words in (["rebuild", "emart"], ["quarantine", "replay"], ["quarantine", "drop", "--all"]):
            run("--lake", self.lake, *words, "--dry-run")
            run("--lake", self.lake, *words, "--dry-run", "--json")
        run("--lake", self.lake, "ingest", "emart", self.file, "--dry-run")
        for words in (["compact", "shipments"], ["vacuum", "shipments"], ["restore", "shipments", "--version", 0]):
            run("--lake", self.lake, "table", *words, "--dry-run")
        self.assertEqual({p: p.stat().st_mtime_ns for p in self.lake.rglob("*")}, before)

    def test_refused_changes_nothing(self) -> None:
        before = self.values(self.lake)
        text = self.mapping.read_text()
        self.mapping.write_text(text.replace('["yyyy-MM-dd"]', '["dd.MM.yyyy"]'))
        self.assertIn("max_rejected_share", run("--lake", self.lake, "rebuild", "emart", code=1).stderr)
        self.assertEqual(self.values(self.lake), before)

    def test_duplicates_of_several_files(self) -> None:
        text = self.mapping.read_text()
        self.mapping.write_text(text.replace("duplicates: keep", "duplicates: reject"))
        header, *rows = self.file.read_text().splitlines()
        again = self.path / "again.csv"
        again.write_text("\n".join([header, *rows[:300]]) + "\n")
        taken = json.loads(run("--lake", self.lake, "ingest", "emart", again, "--json", code=1).stdout)["files"][0]
        self.assertEqual((taken["outcome"], taken["good"]), ("refused", 0))
        self.mapping.write_text(self.mapping.read_text() + "max_rejected_share: 1\n")
        taken = json.loads(run("--lake", self.lake, "ingest", "emart", again, "--json").stdout)["files"][0]
        self.assertEqual(taken["good"], 0)
        run("--lake", self.lake, "rebuild", "emart")
        shipments = self.rows("processed")
        self.assertEqual(len(shipments), len({r["shipment_id"] for r in shipments}))
        self.assertEqual(len(shipments) + len(self.rows("quarantine")), 4300)


class Erase(Lake):
    def test_asks(self) -> None:
        self.assertIn("--yes", run("--lake", self.lake, "erase", "emart", code=2).stderr)
        self.assertEqual(len(self.rows("processed")), self.result["good"])

    def test_shipment(self) -> None:
        run("--lake", self.lake, "run")
        run("--lake", self.lake, "table", "compact", "shipments")
        ids = [line.split(",")[0] for line in self.file.read_text().splitlines()]
        gone = 0
        for victim in (self.rows("processed")[7]["shipment_id"], self.quarantined_id()):
            gone += ids.count(victim)
            self.assertNotEqual(self.holders(victim), [])
            run("--lake", self.lake, "erase", "emart", "--shipment", victim, "--yes")
            self.assertEqual(self.holders(victim), [])
        lines = {r["source_row"] for r in self.rows("processed")}
        run("--lake", self.lake, "rebuild", "emart")
        self.assertEqual({r["source_row"] for r in self.rows("processed")}, lines, "lines of others stay true")
        self.assertEqual(len(self.rows("processed")) + len(self.rows("quarantine")), 4000 - gone)
        self.assertIn("in the lake already", run("--lake", self.lake, "ingest", "emart", self.file).stdout)
        run("--lake", self.lake, "doctor")

    def quarantined_id(self) -> str:
        for row in self.rows("quarantine"):
            if '"code":"weight_not_positive"' in row["reasons"]:
                return row["raw_record"].decode().split(",")[0]
        raise AssertionError("no such record")

    def test_client(self) -> None:
        run("--lake", self.lake, "run")
        some = self.rows("processed")[3]["shipment_id"]
        run("--lake", self.lake, "erase", "emart", "--yes")
        self.assertEqual((self.rows("processed"), self.rows("quarantine"), self.holders(some)), ([], [], []))
        self.assertEqual(
            run(
                "--lake", self.lake, "query", "SELECT carrier FROM carrier_performance", "--format", "csv"
            ).stdout.split(),
            ["carrier"],
        )
        run("--lake", self.lake, "doctor")
        taken = json.loads(run("--lake", self.lake, "ingest", "emart", self.file, "--json").stdout)["files"][0]
        self.assertEqual((taken["outcome"], taken["good"]), ("ingested", self.result["good"]))
        self.assertIn("in the lake already", run("--lake", self.lake, "ingest", "emart", self.file).stdout)


class EraseAndMarts(Lake):
    """A mart that cannot be made without what was erased does not keep it readable."""

    def define(self, name: str, sql: str, tests: str = "tests: []\n") -> None:
        (self.lake / "definitions" / f"{name}.sql").write_text(sql + "\n")
        (self.lake / "definitions" / f"{name}.tests.yaml").write_text(tests)

    def test_shipment(self) -> None:
        """One breaks its test, the definition of another is broken: both tables go, the erase is done."""
        victim = self.rows("processed")[7]["shipment_id"]
        every = "SELECT shipment_id, carrier FROM shipments"
        test = f"tests:\n  - no_rows: SELECT count(*) AS n FROM mine HAVING count(*) < {len(self.rows('processed'))}\n"
        self.define("mine", every, test)
        self.define("theirs", every)
        run("--lake", self.lake, "run")
        self.define("theirs", "SELECT shipment_id, weight FROM shipments")
        done = run("--lake", self.lake, "erase", "emart", "--shipment", victim, "--yes", "--json", code=2)
        self.assertEqual(json.loads(done.stdout)["marts_removed"], ["mine", "theirs"])
        self.assertEqual(json.loads(done.stdout)["marts"], 5)
        self.assertIn("theirs", done.stderr)
        self.define("theirs", every)
        (self.lake / "definitions" / "mine.tests.yaml").write_text(test)
        held = [path for path in self.holders(victim) if not path.startswith("definitions")]
        self.assertEqual(held, [])
        run("--lake", self.lake, "doctor")
        kinds = [r["kind"] for r in json.loads(run("--lake", self.lake, "history", "--json").stdout)["records"]]
        self.assertEqual(kinds[0], "erase")
        self.assertIn("mine breaks", run("--lake", self.lake, "run", code=1).stderr)
        self.define("mine", every)
        run("--lake", self.lake, "run")
        table = deltalake.DeltaTable(str(self.lake / "marts" / "mine")).to_pyarrow_table().to_pylist()
        self.assertEqual(
            sorted(r["shipment_id"] for r in table), sorted(r["shipment_id"] for r in self.rows("processed"))
        )

    def test_test_alone(self) -> None:
        count = len(self.rows("processed"))
        sql = "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier"
        self.define("mine", sql, f"tests:\n  - no_rows: SELECT sum(n) AS n FROM mine HAVING sum(n) < {count}\n")
        run("--lake", self.lake, "run")
        victim = self.rows("processed")[7]["shipment_id"]
        done = run("--lake", self.lake, "erase", "emart", "--shipment", victim, "--yes", code=1)
        self.assertIn("the table of mart mine was removed", done.stdout)
        self.assertIn("is erased", done.stderr)
        self.assertFalse(list((self.lake / "marts" / "mine").rglob("*.parquet")))

    def test_of_a_file_the_version_before_stands(self) -> None:
        sql = "SELECT carrier, count(*) AS n FROM shipments GROUP BY carrier"
        self.define("mine", sql, "tests:\n  - no_rows: SELECT sum(n) AS n FROM mine HAVING coalesce(sum(n), 0) < 1\n")
        run("--lake", self.lake, "run")
        done = run("--lake", self.lake, "erase", "emart", "--file", self.file.name, "--yes", code=1)
        self.assertIn("the version before stands", done.stderr)
        self.assertEqual(self.rows("processed"), [])
        self.assertNotEqual(deltalake.DeltaTable(str(self.lake / "marts" / "mine")).to_pyarrow_table().num_rows, 0)
        run("--lake", self.lake, "doctor")


def main() -> int:
    print(f"seed {SEED}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Lists, structs and maps that others wrote: their other columns are read, and what is not says so by name."""

import pathlib
import sys
import tempfile
import unittest

import deltalake
import lakes
import pyarrow
import pyarrow.parquet

ROWS = 50


def nested() -> dict[str, pyarrow.Array]:
    return {
        "tags": pyarrow.array([["x", None], [], None, ["y"], [None]] * (ROWS // 5)),
        "place": pyarrow.array([{"city": "Oslo", "zone": 1}, None] * (ROWS // 2)),
        "prices": pyarrow.array([[("USD", 1)], None] * (ROWS // 2), pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "deep": pyarrow.array([[{"a": [1, 2]}], None] * (ROWS // 2)),
    }


class Nested(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        flat = pyarrow.table({"id": list(range(ROWS)), "carrier": ["UPS", None] * (ROWS // 2)})
        for name, column in nested().items():
            flat = flat.append_column(name, column)
        self.file = self.path / "nested.parquet"
        pyarrow.parquet.write_table(flat, self.file)
        self.table = self.path / "table"
        for _ in range(2):
            deltalake.write_deltalake(str(self.table), flat, mode="append")

    def tearDown(self) -> None:
        self.folder.cleanup()

    def refused(self, *words: object, column: str, file: str, code: int = 3) -> None:
        """An error with file, column and what to do."""
        error = lakes.run(*words, code=code).stderr
        self.assertIn(file, error)
        self.assertIn(f"column {column}", error)
        self.assertIn("hint: ", error)

    def test_flat_columns_are_read(self) -> None:
        for source, times in ((self.file, 1), (self.table, 2)):
            sql = f"SELECT count(*) AS n, count(carrier) AS carriers, sum(id) AS ids FROM '{source}' WHERE id >= 0"
            said = lakes.run("query", sql, "--format", "csv").stdout.split()[1]
            self.assertEqual(said, f"{times * ROWS},{times * ROWS // 2},{times * sum(range(ROWS))}")

    def test_nested_ones_are_refused_by_name(self) -> None:
        for source, file in ((self.file, "nested.parquet"), (self.table, "table/part-")):
            self.refused("query", f"SELECT * FROM '{source}'", column="tags", file=file)
            for name in nested():
                self.refused("query", f"SELECT id, {name} FROM '{source}'", column=name, file=file)
                self.refused("query", f"SELECT id FROM '{source}' WHERE {name} IS NULL", column=name, file=file)
                self.refused("query", f"SELECT count({name}) AS n FROM '{source}'", column=name, file=file)
                error = lakes.run("query", f"SELECT max({name}) AS m FROM '{source}'", code=2).stderr
                self.assertIn("nested", error)

    def test_maintenance(self) -> None:
        before = sorted(p.name for p in self.table.rglob("*"))
        for options in ((), ("--dry-run",)):
            self.refused("table", "compact", self.table, *options, column="tags", file="table")
        self.assertEqual(sorted(p.name for p in self.table.rglob("*")), before)
        lakes.run("table", "fsck", self.table, "--deep")
        lakes.run("table", "vacuum", self.table)
        lakes.run("table", "restore", self.table, "--version", 0)
        self.assertEqual(deltalake.DeltaTable(str(self.table)).to_pyarrow_table().num_rows, ROWS)

    def test_run_and_ingest(self) -> None:
        """A nested column among a shipment's does no harm; one in the place of a shipment's column does."""
        made = self.path / "made"
        lakes.run("generate", "--rows", ROWS, "--out", made)
        table = pyarrow.parquet.read_table(next(made.glob("*.parquet")))
        more = table.append_column("tags", nested()["tags"])
        worse = table.set_column(table.schema.get_field_index("carrier"), "carrier", nested()["place"])
        for name, content in (("more", more), ("worse", worse)):
            (self.path / name).mkdir()
            pyarrow.parquet.write_table(content, self.path / name / f"{name}.parquet")
        lakes.run("run", "--from", self.path / "more", "--to", self.path / "marts")
        self.refused(
            *("run", "--from", self.path / "worse", "--to", self.path / "marts"), column="carrier", file="worse.parquet"
        )
        lake = self.path / "lake"
        lakes.run("init", lake)
        lakes.run("--lake", lake, "onboard", "acme", "--sample", self.path / "more" / "more.parquet", "--yes")
        lakes.run("--lake", lake, "ingest", "acme", self.path / "more" / "more.parquet")
        words = ("--lake", lake, "ingest", "acme", self.path / "worse" / "worse.parquet")
        self.refused(*words, column="carrier", file="worse.parquet")
        self.assertEqual(deltalake.DeltaTable(str(lake / "processed" / "shipments")).to_pyarrow_table().num_rows, ROWS)


def main() -> int:
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

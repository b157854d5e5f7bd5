#!/usr/bin/env python3
"""Taking files in, out and in again: what is refused and why, what is said, and that nothing is left of what is not."""

import gzip
import io
import os
import pathlib
import random
import sys
import tempfile
import unittest
import zipfile

import pyarrow.parquet
from lakes import Lake, run

SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))

CONFIG = "currency: USD\nmax_rejected_share: 0.5\n"
MAPPING = """client: acme
input: csv
columns:
  shipment_id: {from: Id}
  origin_warehouse: {from: From}
  destination_city: {from: To}
  shipment_weight_kg: {from: Weight}
  shipment_date: {from: Shipped, dates: [yyyy-MM-dd]}
  shipping_cost: {from: Cost}
  currency: {from: Currency}
"""
HEADER = "Id,From,To,Weight,Shipped,Cost,Currency"


def row(number: int, weight: str = "5", to: str = "Lyon", currency: str = "USD") -> str:
    return f"S{number},Oslo,{to},{weight},2025-03-{1 + number % 28:02},10,{currency}"


def csv(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


class Intake(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.lake = Lake(folder.name, CONFIG)
        self.lake.map("acme", MAPPING)

    def do(self, *words: object, code: int = 0) -> str:
        done = run("--lake", self.lake.path, *words, code=code)
        return done.stdout + done.stderr

    def file(self, name: str, data: bytes) -> pathlib.Path:
        path = self.lake.inbox / name
        path.write_bytes(data)
        return path

    def files(self) -> dict[str, bytes]:
        paths = self.lake.path.rglob("*")
        return {str(path.relative_to(self.lake.path)): path.read_bytes() for path in paths if path.is_file()}

    def version(self) -> int:
        return self.lake.table("processed").version()


class Said(Intake):
    def test_refused_is_not_in_quarantine(self) -> None:
        file = self.file("bad.csv", csv(*(row(i, "0") for i in range(9)), row(9)))
        said = self.do("ingest", "acme", file, code=1)
        self.assertNotIn("wait in quarantine", said)
        self.assertIn("nothing of it is in quarantine", said)
        self.assertIn("clients/acme.yaml", said)
        good = self.file("good.csv", csv(row(1, "0"), row(2), row(3)))
        self.assertIn("wait in quarantine", self.do("ingest", "acme", good))

    def test_rate_names_currency_and_line(self) -> None:
        file = self.file("eur.csv", csv(row(1, currency="EUR"), row(2), row(3)))
        said = self.do("ingest", "acme", file)
        line = "- {currency: EUR, date: 2025-03-02, rate: ...}"
        self.assertIn(line, said)
        self.assertIn("exchange_rates in freightlake.yaml", said)
        settings = CONFIG + "exchange_rates:\n  " + line.replace("...", "1.04") + "\n"
        (self.lake.path / "freightlake.yaml").write_text(settings)
        self.assertIn("1 are shipments", self.do("quarantine", "replay", "acme"))

    def test_archives_are_refused_by_name(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.csv", csv(row(1)))
        for name, data, word in (
            ("a.csv.gz", gzip.compress(csv(row(1))), "gunzip"),
            ("a.zip", packed.getvalue(), "zip archive"),
        ):
            self.assertIn(word, self.do("ingest", "acme", self.file(name, data), code=3))
        self.assertEqual(self.lake.rows("processed"), [])

    def test_dry_run_leaves_nothing(self) -> None:
        file = self.file("a.csv", csv(row(1), row(2, "0"), row(3)))
        before = self.files()
        self.do("ingest", "acme", file, "--dry-run")
        self.assertEqual(self.files(), before)

    def test_unknown_clients(self) -> None:
        for words in (["ingest", "acne", "x.csv"], ["erase", "acne", "--yes"], ["quarantine", "drop", "acne"]):
            self.assertIn("did you mean 'acme'", self.do(*words, code=3))
        self.assertIn("no client 'nosuch'", self.do("quarantine", "drop", "nosuch", code=3))
        self.do("ingest", "acme", self.file("a.csv", csv(row(1), row(2, "0"))))
        self.assertIn("nothing was dropped", self.do("quarantine", "drop", "acme", "--rule", "missing"))


class EraseNothing(Intake):
    def test_history_stays(self) -> None:
        for i in range(3):
            self.do("ingest", "acme", self.file(f"{i}.csv", csv(row(2 * i), row(2 * i + 1))))
        before = self.files()
        self.assertIn("no shipment 'S99'", self.do("erase", "acme", "--shipment", "S99", "--yes", code=3))
        self.assertIn("no client", self.do("erase", "other", "--yes", code=3))
        locks = {"_freightlake/locks/client-acme.lock": b""}
        self.assertEqual(self.files(), before | locks)
        query = "SELECT count(*) AS n FROM shipments"
        self.assertIn("2", self.do("query", query, "--version", 1))

    def test_a_client_without_data(self) -> None:
        self.assertIn("holds no data of client acme", self.do("erase", "acme", "--yes"))
        self.assertEqual(self.version(), 0)

    def test_a_version_that_was_erased(self) -> None:
        self.do("ingest", "acme", self.file("a.csv", csv(row(1), row(2))))
        self.do("ingest", "acme", self.file("b.csv", csv(row(3))))
        self.do("erase", "acme", "--shipment", "S1", "--yes")
        said = self.do("query", "SELECT count(*) AS n FROM shipments", "--version", 1, code=3)
        self.assertIn("erase", said)


class EraseValues(Intake):
    """No byte of the lake, decompressed, holds what was erased."""

    def holders(self, word: str) -> list[str]:
        found = []
        for name, data in self.files().items():
            if name.endswith(".parquet"):
                path = self.lake.path / name
                data += str(pyarrow.parquet.read_table(path).to_pylist()).encode()
                data += str(pyarrow.parquet.read_metadata(path).to_dict()).encode()
            if word.encode() in data or word.encode("utf-16-le") in data:
                found.append(name)
        return found

    def setUp(self) -> None:
        super().setUp()
        rows = [row(i) for i in range(40)]
        rows[7] = row(7, to="Zzyzx").replace("S7,", "MARKED7,")
        rows[9] = row(9, "0", to="Zzyzx").replace("S9,", "MARKED9,")
        sample = self.file("a.csv", csv(*rows))
        (self.lake.path / "clients" / "acme.yaml").unlink()
        self.do("onboard", "acme", "--sample", sample, "--yes")
        mapping = self.lake.path / "clients" / "acme.yaml"
        mapping.write_text(mapping.read_text() + "# such as MARKED7 to Zzyzx, and MARKED9\n")
        definitions = self.lake.path / "definitions"
        definitions.mkdir(exist_ok=True)
        (definitions / "ids.sql").write_text(
            "SELECT shipment_id, destination_city FROM shipments ORDER BY shipment_id\n"
        )
        tests = definitions / "ids.tests.yaml"
        self.do("ingest", "acme", sample)
        self.do("run")
        tests.write_text(
            "tests:\n  - no_rows: SELECT shipment_id, destination_city FROM ids WHERE shipment_id LIKE 'MARK%'\n"
        )
        self.do("ingest", "acme", self.file("more.csv", csv(row(90))))
        self.do("run", code=1)
        tests.unlink()
        (definitions / "gone.sql").write_text(
            "SELECT shipment_id, destination_city FROM shipments ORDER BY shipment_id\n"
        )
        self.do("run")
        (definitions / "gone.sql").unlink()
        for i in range(12):
            self.do("ingest", "acme", self.file(f"b{i}.csv", csv(row(100 + i))))
        self.do("table", "compact", "shipments")
        self.do("rebuild", "acme")

    def test_shipments(self) -> None:
        for word in ("MARKED7", "MARKED9"):
            self.assertNotEqual(self.holders(word), [])
            self.do("erase", "acme", "--shipment", word, "--yes")
            self.assertEqual(self.holders(word), [])
        self.assertEqual(self.holders("Zzyzx"), [])
        self.do("doctor")
        self.do("ingest", "acme", self.file("c.csv", csv(row(200))))

    def test_client(self) -> None:
        self.do("erase", "acme", "--yes")
        for word in ("MARKED", "Zzyzx"):
            self.assertEqual(self.holders(word), [])
        self.do("doctor")


class EraseFile(Intake):
    def test_wrong_file(self) -> None:
        wrong = self.file("march.csv", csv(row(1), row(2, "0"), row(3)))
        self.do("ingest", "acme", wrong)
        self.do("ingest", "acme", self.file("april.csv", csv(row(4), row(5, "0"), row(6))))
        self.do("table", "compact", "shipments")
        self.do("run")
        self.assertIn("did you mean 'march.csv'", self.do("erase", "acme", "--file", "marsh.csv", "--yes", code=3))
        before = self.version()
        self.do("erase", "acme", "--file", "march.csv", "--yes")
        self.assertEqual(self.version(), before + 1)
        self.assertEqual({r["source_file"] for r in self.lake.rows("processed")}, {"april.csv"})
        self.assertEqual({r["source_file"] for r in self.lake.rows("quarantine")}, {"april.csv"})
        self.assertIn("2", self.do("query", "SELECT count(*) AS n FROM shipments", "--version", 1))
        self.assertEqual(self.lake.ingest("acme", "march.csv", csv(row(1), row(2), row(3)))["good"], 3)
        self.assertEqual(self.lake.ingest("acme", "march.csv", csv(row(1), row(2, "0"), row(3)))["good"], 2)
        self.do("doctor")

    def test_files_of_one_name(self) -> None:
        first = self.lake.ingest("acme", "march.csv", csv(row(1), row(2, "0"), row(3)))
        self.lake.ingest("acme", "march.csv", csv(row(1), row(2), row(3), row(4, "0")))
        self.do("table", "compact", "shipments")
        self.assertIn("which one", self.do("erase", "acme", "--file", "march.csv", "--yes", code=2))
        self.do("erase", "acme", "--file", first["sha256"][:12], "--yes")
        self.assertEqual([r["shipment_id"] for r in self.lake.rows("processed")], ["S1", "S2", "S3"])
        self.assertEqual(len(self.lake.rows("quarantine")), 1)
        self.assertEqual(self.lake.ingest("acme", "march.csv", csv(row(1), row(2, "0"), row(3)))["outcome"], "ingested")

    def test_known_after_restore(self) -> None:
        data = csv(row(1), row(2, "0"), row(3))
        self.lake.ingest("acme", "a.csv", data)
        self.do("table", "restore", "shipments", "--version", 0)
        self.assertEqual(self.lake.ingest("acme", "a.csv", data)["outcome"], "known")
        self.do("erase", "acme", "--file", "a.csv", "--yes")
        self.assertEqual(self.lake.ingest("acme", "a.csv", data)["good"], 2)
        self.assertEqual(len(self.lake.rows("quarantine")), 1)


def main() -> int:
    print(f"seed {SEED}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

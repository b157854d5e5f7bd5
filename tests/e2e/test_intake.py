#!/usr/bin/env python3
"""Taking files in, out and in again: what is refused and why, what is said, and that nothing is left of what is not."""

import csv as csv_module
import gzip
import io
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

import pyarrow
import pyarrow.parquet
from lakes import PROGRAM, Lake, run

SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))

CONFIG = "currency: USD\nmax_rejected_share: 0.6\n"
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


def first_line(data: bytes) -> bytes:
    return data[: data.index(b"\n") + 1]


class DamagedLog(Intake):
    """A log entry emptied, cut short or lost by a disk: never fewer rows in silence, and a way back to every row."""

    COUNT = ("query", "SELECT count(*) AS n FROM shipments", "--format", "ndjson")
    WAITING = ("query", "SELECT count(*) AS n FROM quarantine", "--format", "ndjson")
    MART = ("query", "SELECT * FROM carrier_performance", "--format", "ndjson")
    DAMAGES = (
        ("empty", lambda data: b""),
        ("cut within a line", lambda data: data[: len(data) // 2 - 7]),
        ("cut behind its first line", first_line),
        ("without its last line", lambda data: data[: data.rindex(b"\n", 0, -1) + 1]),
    )

    def three_files(self, rejects: bool = True) -> None:
        for n in range(3):
            rows = [row(10 * n + i, weight="x" if rejects and i == 9 else "5") for i in range(10)]
            self.do("ingest", "acme", self.file(f"{n}.csv", csv(*rows)))

    def entries(self, table: str) -> list[pathlib.Path]:
        return sorted((self.lake.path / table / "shipments" / "_delta_log").glob("*.json"))

    def test_newest_entry(self) -> None:
        for name, damage in self.DAMAGES:
            with self.subTest(name):
                self.setUp()
                self.three_files()
                whole = self.do(*self.COUNT)
                newest = self.entries("processed")[-1]
                entry = newest.read_bytes()
                newest.write_bytes(damage(entry))
                for words, code in ((self.COUNT, 3), (("table", "fsck", "shipments"), 1), (("doctor",), 1)):
                    said = self.do(*words, code=code)
                    self.assertIn("from a copy", said)
                    self.assertIn(newest.name, said)
                    self.assertNotIn("the lake is well", said)
                self.assertIn('"n":18', self.do(*self.COUNT, "--version", 2))
                newest.write_bytes(entry)
                self.assertEqual(self.do(*self.COUNT), whole)

    def test_way_back(self) -> None:
        """fsck --repair, then rebuild: every table, damaged in every way, at the end of its log and within."""
        for table, name in (("processed", "shipments"), ("quarantine", "quarantine")):
            for way, damage in self.DAMAGES:
                for index in (-1, -2):
                    with self.subTest(table=table, way=way, index=index):
                        self.setUp()
                        self.three_files()
                        self.do("run")
                        questions = (self.COUNT, self.WAITING, self.MART)
                        whole = [self.do(*question) for question in questions]
                        entry = self.entries(table)[index]
                        left = damage(entry.read_bytes())
                        entry.write_bytes(left)
                        self.assertIn("1 problem", self.do("table", "fsck", name, code=1))
                        said = self.do("table", "fsck", name, "--repair")
                        self.assertIn("rebuild CLIENT", said)
                        self.assertEqual(entry.with_name(entry.name + ".damaged").read_bytes(), left)
                        self.assertIn("no problem", self.do("table", "fsck", name))
                        self.assertNotEqual([self.do(*question) for question in questions[:2]], whole[:2])
                        if table == "processed":
                            self.do("run")
                            self.assertNotEqual(self.do(*self.MART), whole[2])
                        self.lake.table(table)  # others read it, too
                        self.do("rebuild", "acme")
                        self.do("run")
                        self.assertEqual([self.do(*question) for question in questions], whole)
                        again = self.do("ingest", "acme", *sorted(self.lake.inbox.glob("*.csv")))
                        self.assertEqual(again.count("nothing was done"), 3, again)
                        self.assertEqual([self.do(*question) for question in questions], whole)
                        self.assertIn("the lake is well", self.do("doctor"))

    def test_lost_without_rejects(self) -> None:
        """Nothing but the history knows that the file was ever taken in."""
        self.three_files(rejects=False)
        whole = self.do(*self.COUNT)
        newest = self.entries("processed")[-1]
        newest.write_bytes(b"")
        self.do("table", "fsck", "shipments", "--repair")
        self.assertIn("1 of the files had been lost to the shipments and is back", self.do("rebuild", "acme"))
        self.assertEqual(self.do(*self.COUNT), whole)
        self.assertIn("nothing was done", self.do("ingest", "acme", self.lake.inbox / "2.csv"))

    def test_killed_behind_its_commit(self) -> None:
        """However many commits follow, the record says that it stands; and rebuild goes by such a record, too."""
        self.do("ingest", "acme", self.file("a.csv", csv(row(1), row(2))))
        runs, running = (self.lake.path / "_freightlake" / name for name in ("runs", "running"))
        (path,) = (path for path in runs.iterdir() if json.loads(path.read_text())["kind"] == "ingest")
        mark = json.loads(path.read_text()) | {"outcome": "running", "details": {"lock": "client-acme"}}
        mark["tables"] = [{"table": table["table"]} for table in mark["tables"]]
        del mark["source_hash"]
        path.unlink()  # as if the program had been killed before it wrote it
        (running / path.name).write_text(json.dumps(mark))
        log = self.lake.path / "processed" / "shipments" / "_delta_log"
        entry = json.loads((log / f"{1:020}.json").read_text().splitlines()[0])
        for version in range(2, 252):  # of somebody else
            entry["commitInfo"] |= {"operationMetrics": {"numActions": "0"}, "userMetadata": f"other-{version}"}
            (log / f"{version:020}.json").write_text(json.dumps(entry) + "\n")
        self.assertIn("killed", self.do("history"))
        record = json.loads(path.read_text())
        self.assertEqual((record["outcome"], record["tables"][0]["version_after"]), ("killed", 1))
        for version in range(1, 252):
            (log / f"{version:020}.json").unlink()
        self.assertIn("is back", self.do("rebuild", "acme"))
        self.assertIn("2", self.do(*self.COUNT))

    def test_half_known_file(self) -> None:
        """To take it in again would double what waits in quarantine: rebuild is named, and nothing changes."""
        self.three_files()
        whole = [self.do(*question) for question in (self.COUNT, self.WAITING)]
        self.entries("processed")[-1].write_bytes(b"")
        self.do("table", "fsck", "shipments", "--repair")
        waiting = self.do(*self.WAITING)
        said = self.do("ingest", "acme", self.lake.inbox / "2.csv", code=3)
        self.assertIn("freightlake rebuild acme", said)
        self.assertEqual(self.do(*self.WAITING), waiting)
        self.do("rebuild", "acme")
        self.assertEqual([self.do(*question) for question in (self.COUNT, self.WAITING)], whole)

    def test_checkpoint_knows_it(self) -> None:
        """An entry that a checkpoint covers is missed by nobody but history."""
        for n in range(11):
            self.do("ingest", "acme", self.file(f"{n}.csv", csv(row(n))))
        whole = self.do(*self.COUNT)
        for version in (3, 10):
            entry = self.lake.path / f"processed/shipments/_delta_log/{version:020}.json"
            entry.write_bytes(b"{")
        self.assertEqual(self.do(*self.COUNT), whole)
        self.do("table", "fsck", "shipments", code=1)
        self.assertIn("no row is lost", self.do("table", "fsck", "shipments", "--repair"))
        self.assertIn("no problem", self.do("table", "fsck", "shipments"))
        self.assertEqual(self.do(*self.COUNT), whole)

    def test_first_entry(self) -> None:
        """What the table is stands nowhere else: not replaced."""
        self.three_files()
        first = self.entries("processed")[0]
        first.write_bytes(b"")
        said = self.do("table", "fsck", "shipments", "--repair", code=1)
        self.assertIn(first.name, said)
        self.assertEqual(first.read_bytes(), b"")


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
        self.assertIn("1 passed", self.do("quarantine", "replay", "acme"))

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

    def test_a_file_that_grows_is_refused(self) -> None:
        head = csv(*(row(i) for i in range(20000)))
        file = self.file("grow.csv", head)
        stop = threading.Event()

        def write() -> None:
            with file.open("ab") as out:
                while not stop.wait(0.0005):
                    out.write(b"S1,Os")
                    out.flush()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            said = self.do("ingest", "acme", file, code=3)
        finally:
            stop.set()
            writer.join()
        self.assertIn("changed while it was read", said)
        self.assertEqual(self.lake.rows("processed"), [])
        self.assertEqual(self.lake.ingest("acme", "grow.csv", head)["good"], 20000)

    def test_an_interrupt_leaves_nothing(self) -> None:
        file = self.file("many.csv", csv(*(row(i) for i in range(400000))))
        before = set(self.files())
        process = subprocess.Popen(
            [PROGRAM, "--lake", self.lake.path, "ingest", "acme", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        raw = self.lake.path / "raw" / "acme"
        while process.poll() is None and not (raw.exists() and any(raw.iterdir())):  # its copy has begun
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, said)
        left = {name for name in set(self.files()) - before if "/locks/" not in name and "/runs/" not in name}
        self.assertEqual(left, set())
        self.assertIn("interrupted", self.do("history"))
        self.assertEqual(self.lake.ingest("acme", "many.csv", file.read_bytes())["good"], 400000)

    def test_blank_records_are_counted(self) -> None:
        draw = random.Random(SEED)
        kinds = [draw.choice(["good", "bad", "blank", "empty"]) for _ in range(5000)] + ["blank"] * draw.randrange(1, 9)
        texts = {"blank": ",,,,,,", "empty": ""}
        rows = [texts.get(kind, row(i, "0" if kind == "bad" else "5")) for i, kind in enumerate(kinds)]
        for name, data in (("lf.csv", csv(*rows)), ("open.csv", csv(*rows)[:-1]), ("quoted.csv", csv(*rows, '"S0"'))):
            taken = self.lake.ingest("acme", name, data, "--dry-run")
            self.assertEqual(taken["blank"], kinds.count("blank"), name)
            self.assertEqual(taken["good"], kinds.count("good"))
            self.assertEqual(taken["records"], taken["good"] + taken["rejected"])
        said = self.do("ingest", "acme", self.file("few.csv", csv(row(1), ",,,,,,", ",,,,,,")))
        self.assertIn("2 blank records", said)

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
        locks = {f"_freightlake/locks/{name}.lock": b"" for name in ("client-acme", "run")}
        self.assertEqual(self.files(), before | locks)
        query = "SELECT count(*) AS n FROM shipments"
        self.assertIn("2", self.do("query", query, "--version", 1))

    def test_a_client_without_data(self) -> None:
        self.assertIn("holds no data of client acme", self.do("erase", "acme", "--yes"))
        self.assertEqual(self.version(), 0)

    def test_an_erase_that_was_cut_off(self) -> None:
        self.do("ingest", "acme", self.file("a.csv", csv(row(1), row(2))))
        mark = self.lake.path / "_freightlake" / "erased" / "acme" / "unfinished"
        mark.parent.mkdir(parents=True)
        mark.touch()
        self.assertIn("did not come to its end", self.do("doctor", code=1))
        self.do("erase", "acme", "--shipment", "S9", "--yes")
        self.assertFalse(mark.exists())
        self.do("doctor")

    def test_an_ingestion_cut_off_behind_an_erase(self) -> None:
        """The file lies in the raw zone as the ingestion left it: rebuild does not take it in, ingest does, once."""
        file = self.file("a.csv", csv(row(1), row(2, "0"), row(3)))
        raw = self.lake.path / "raw" / "acme"
        for words in (["--file", "a.csv"], []):
            self.do("ingest", "acme", file)
            copy = {path: path.read_bytes() for path in raw.iterdir()}
            self.do("erase", "acme", *words, "--yes")
            raw.mkdir(exist_ok=True)
            for path, data in copy.items():
                path.write_bytes(data)
            self.do("rebuild", "acme")
            self.assertIn("0", self.do("query", "SELECT count(*) AS n FROM shipments"))
            self.do("ingest", "acme", file)
            self.do("rebuild", "acme")
            for _ in range(2):
                self.assertIn("2", self.do("query", "SELECT count(*) AS n FROM shipments"))
                self.assertIn("nothing was done", self.do("ingest", "acme", file))

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

    def test_memory_of_many_files(self) -> None:
        """What a file needs is given back before the next: the tables of 300 versions are 190 MB."""
        inbox = self.folder / "many"
        inbox.mkdir()
        for i in range(301):
            (inbox / f"{i:03}.csv").write_bytes(csv(row(i)))
        one = json.loads(self.do("ingest", "acme", inbox / "000.csv", "--json"))
        all_of_them = json.loads(self.do("ingest", "acme", inbox, "--json"))
        self.assertEqual(all_of_them["good"], 300)
        self.assertLess(all_of_them["peak_memory_bytes"] - one["peak_memory_bytes"], 64 << 20)

    def test_known_after_restore(self) -> None:
        data = csv(row(1), row(2, "0"), row(3))
        self.lake.ingest("acme", "a.csv", data)
        self.do("table", "restore", "shipments", "--version", 0)
        self.assertEqual(self.lake.ingest("acme", "a.csv", data)["outcome"], "known")
        self.do("erase", "acme", "--file", "a.csv", "--yes")
        self.assertEqual(self.lake.ingest("acme", "a.csv", data)["good"], 2)
        self.assertEqual(len(self.lake.rows("quarantine")), 1)


class Export(Intake):
    """An export that is ingested as it is gives the same reasons; mended, the same values."""

    FIELDS = ("Id", "From", "To", "Weight", "Shipped", "Cost", "Currency")

    def mapping(self, form: str, header: bool) -> str:
        text = MAPPING.replace("input: csv\n", form) + "max_rejected_share: 1\n"
        if not header:
            for i, name in enumerate(self.FIELDS):
                text = text.replace(f"from: {name}}}", f"from: column_{i + 1}}}").replace(
                    f"from: {name},", f"from: column_{i + 1},"
                )
        return text

    def records(self, draw: random.Random, n: int) -> list[list[str]]:
        rows = []
        for i in range(n):
            fields = row(i, draw.choice(["5", "0", "x", "-1", ""]), draw.choice(["Lyon", "Zürich", "A, b", ""])).split(
                ","
            )
            rows.append([f"S{i}", "Oslo", draw.choice(["Lyon", "Zürich", "A,b;c|d", 'say "x"', ""]), *fields[-4:]])
        return rows

    def reasons(self, file: str) -> list[str]:
        rows = self.lake.by_file("quarantine").get(file, [])
        return sorted(re.sub(r'"row":\d+', "", r["reasons"]) for r in rows)

    def check(self, data: bytes, suffix: str) -> None:
        taken = self.lake.ingest("acme", f"in{suffix}", data)
        out = self.lake.inbox / f"out{suffix}"
        said = self.do("quarantine", "export", "acme", "--file", f"in{suffix}", "--output", out)
        self.assertIn(f"{taken['rejected']} records written", said)
        again = self.lake.ingest("acme", f"out{suffix}", out.read_bytes())
        self.assertEqual((again["good"], again["rejected"]), (0, taken["rejected"]))
        self.assertEqual(self.reasons(f"out{suffix}"), self.reasons(f"in{suffix}"))
        self.do("erase", "acme", "--yes")

    def test_text_forms(self) -> None:
        draw = random.Random(SEED)
        for encoding, codec in (("utf-8", "utf-8"), ("windows-1252", "cp1252"), ("utf-16le", "utf-16-le")):
            for delimiter in (",", ";", "|"):
                for header in (True, False):
                    skip = draw.choice([0, 2])
                    form = f"input: csv\nformat: {{encoding: {encoding}, delimiter: '{delimiter}', quote: '\"', "
                    form += f"header: {str(header).lower()}, skip_lines: {skip}}}\n"
                    self.lake.map("acme", self.mapping(form, header))
                    text = io.StringIO()
                    text.write("a title\nand another\n" if skip else "")
                    writer = csv_module.writer(text, delimiter=delimiter, lineterminator=draw.choice(["\n", "\r\n"]))
                    if header:
                        writer.writerow(self.FIELDS)
                    rows = self.records(draw, 60)
                    rows[1] = [*rows[1][:2], *rows[1][2:3], "0", *rows[1][4:]]
                    rows[20], rows[21] = rows[20][:4], [*rows[21], "more"]
                    writer.writerows(rows)
                    with self.subTest(encoding=encoding, delimiter=delimiter, header=header, skip=skip):
                        self.check(text.getvalue().encode(codec), ".csv")

    def test_ndjson(self) -> None:
        draw = random.Random(SEED)
        for encoding, codec in (("utf-8", "utf-8"), ("windows-1252", "cp1252"), ("utf-16be", "utf-16-be")):
            self.lake.map("acme", self.mapping(f"input: ndjson\nformat: {{encoding: {encoding}}}\n", True))
            lines = [
                json.dumps(dict(zip(self.FIELDS, r, strict=True)), ensure_ascii=False) for r in self.records(draw, 40)
            ]
            lines[5:5] = ['{"Id": ', "[1]"]
            with self.subTest(encoding=encoding):
                self.check(("\n".join(lines) + "\n").encode(codec), ".ndjson")

    def test_parquet(self) -> None:
        self.lake.map("acme", self.mapping("input: parquet\n", True))
        rows = self.records(random.Random(SEED), 50)
        table = pyarrow.table({name: [r[i] for r in rows] for i, name in enumerate(self.FIELDS)})
        data = io.BytesIO()
        pyarrow.parquet.write_table(table, data, row_group_size=20)
        self.lake.ingest("acme", "first.parquet", data.getvalue())
        self.assertIn("--output names", self.do("quarantine", "export", "acme", code=2))
        raw = self.do("quarantine", "export", "acme", "--raw").splitlines()
        self.assertEqual({tuple(json.loads(line)) for line in raw}, {self.FIELDS})
        self.do("erase", "acme", "--yes")
        self.check(data.getvalue(), ".parquet")

    def test_open_quotes_are_left_out(self) -> None:
        self.lake.map("acme", self.mapping("input: csv\n", True))
        rows = [
            row(1, "0"),
            '"S2,Oslo,Lyon,5,2025-03-02,10,USD',
            row(3, "0"),
            'S4,"Oslo,Lyon,5,2025-03-02,10,USD',
            row(5),
        ]
        taken = self.lake.ingest("acme", "in.csv", csv(*rows))
        self.assertEqual(taken["records"], taken["good"] + taken["rejected"])
        out = self.lake.inbox / "out.csv"
        said = self.do("quarantine", "export", "acme", "-o", out)
        self.assertIn("left out", said)
        self.assertIn("--raw", said)
        self.assertEqual(self.lake.ingest("acme", "out.csv", out.read_bytes())["good"], 0)
        self.assertEqual(
            {r["raw_record"] for r in self.lake.by_file("quarantine")["out.csv"]},
            {row(1, "0").encode(), row(3, "0").encode()},
        )
        raw = self.do("quarantine", "export", "acme", "--file", "in.csv", "--raw")
        self.assertIn(rows[1], raw)

    def test_nothing_to_export(self) -> None:
        out = self.lake.inbox / "out.csv"
        self.assertIn("nothing was written", self.do("quarantine", "export", "acme", "-o", out))
        self.assertFalse(out.exists())


def main() -> int:
    print(f"seed {SEED}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What an ingest does with a file as a whole: max_rejected_share, duplicate ids, exchange rates.

Duplicates are compared with a model over random files, replays and rebuilds.
"""

import contextlib
import datetime
import decimal
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import unittest

from lakes import PROGRAM, Lake, run

SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
CONFIG = """
currency: EUR
max_rejected_share: 0.25
exchange_rates:
  - {currency: USD, date: 2025-01-01, rate: 0.9}
  - {currency: USD, date: 2025-06-01, rate: 0.8125}
  - {currency: JPY, date: 2025-01-01, rate: 0.006}
"""
COLUMNS = """
columns:
  shipment_id: id
  origin_warehouse: {constant: Basel}
  destination_city: {constant: Bern}
  carrier: carrier
  shipment_date: day
  shipping_cost: cost
  fuel_surcharge: fuel
  currency: currency
  delivery_status: {from: status, values: {@}}
  updated_at: updated
"""
HEAD = ["id", "carrier", "day", "cost", "fuel", "currency", "status", "updated"]


def mapping(head: str, *, mended: bool = False) -> str:
    return head + COLUMNS.replace("@", "Teleported: Delivered" if mended else "")


def csv(*records: dict) -> bytes:
    lines = [",".join(HEAD), *(",".join(str(record.get(name, "")) for name in HEAD) for record in records)]
    return ("\n".join(lines) + "\n").encode()


def record(number: object, **others: object) -> dict:
    return {"id": number, "day": "2025-03-03", **others}


class OneLake(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.lake = Lake(self.folder.name, CONFIG)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def replay(self) -> dict:
        done = run("--lake", self.lake.path, "quarantine", "replay", "emart", "--json")
        return json.loads(done.stdout)["clients"][0]

    def reasons(self) -> list[tuple]:
        return [
            (row["source_file"], row["source_row"], *((r["code"], r["column"], r["value"]) for r in json.loads(row["reasons"])))
            for row in self.lake.rows("quarantine")
        ]  # fmt: skip


class RejectedShare(OneLake):
    def of(self, bad: int, total: int) -> bytes:
        records = [record(i, status="Teleported" if i < bad else "Delivered") for i in range(total)]
        random.shuffle(records)
        return csv(*records)

    def files(self) -> list[str]:
        zones = [self.lake.path / zone for zone in ("raw", "processed", "quarantine")]
        return sorted(str(path) for zone in zones for path in zone.rglob("*") if path.is_file())

    def test_beyond_it_nothing_happens(self) -> None:
        self.lake.map("emart", mapping("max_rejected_share: 0.4\n"))
        before = self.files()
        result = self.lake.ingest("emart", "half.csv", self.of(5, 10), code=1)
        self.assertEqual((result["outcome"], result["records"], result["rejected"]), ("refused", 10, 5))
        self.assertEqual((result["processed_version"], result["quarantine_version"]), (None, None))
        self.assertEqual(self.files(), before)
        said = run("--lake", self.lake.path, "ingest", "emart", self.lake.inbox / "half.csv", code=1)
        self.assertIn("max_rejected_share", said.stdout + said.stderr)
        self.lake.map("emart", mapping("max_rejected_share: 0.5\n"))
        result = self.lake.ingest("emart", "half.csv", self.of(5, 10))  # just what is allowed
        self.assertEqual((result["outcome"], result["good"]), ("ingested", 5))

    def test_of_the_lake(self) -> None:
        self.lake.map("emart", mapping(""))
        self.assertEqual(self.lake.ingest("emart", "a.csv", self.of(26, 100), code=1)["outcome"], "refused")
        self.assertEqual(self.lake.ingest("emart", "b.csv", self.of(25, 100))["outcome"], "ingested")
        self.lake.map("emart", mapping("max_rejected_share: 0\n"))
        self.assertEqual(self.lake.ingest("emart", "c.csv", self.of(1, 1000), code=1)["outcome"], "refused")
        self.assertEqual(self.lake.ingest("emart", "d.csv", self.of(0, 10))["outcome"], "ingested")

    def test_one_of_several_files(self) -> None:
        self.lake.map("emart", mapping(""))
        names = ["1.csv", "2.csv", "3.csv"]
        for i, name in enumerate(names):
            (self.lake.inbox / name).write_bytes(self.of(9 if i == 1 else 1, 10 + i))
        done = run("--lake", self.lake.path, "ingest", "emart", self.lake.inbox, "--json", code=1)
        outcomes = [file["outcome"] for file in json.loads(done.stdout)["files"]]
        self.assertEqual(outcomes, ["ingested", "refused", "ingested"])
        self.assertEqual({row["source_file"] for row in self.lake.rows("processed")}, {"1.csv", "3.csv"})
        self.assertEqual({row["source_file"] for row in self.lake.rows("quarantine")}, {"1.csv", "3.csv"})

    def test_dry_run(self) -> None:
        self.lake.map("emart", mapping(""))
        before = self.files()
        result = self.lake.ingest("emart", "a.csv", self.of(2, 10), "--dry-run")
        self.assertEqual((result["outcome"], result["good"], result["rejected"]), ("dry run", 8, 2))
        self.assertEqual(self.files(), before)

    def test_known_bytes(self) -> None:
        self.lake.map("emart", mapping(""))
        data = self.of(2, 10)
        self.assertEqual(self.lake.ingest("emart", "a.csv", data)["outcome"], "ingested")
        self.assertEqual(self.lake.ingest("emart", "other name.csv", data)["outcome"], "known")
        self.assertEqual(len(self.lake.rows("processed")) + len(self.lake.rows("quarantine")), 10)


class Duplicates(OneLake):
    def test_keep(self) -> None:
        self.lake.map("emart", mapping("duplicates: keep\n"))
        for name in ("a.csv", "b.csv"):
            result = self.lake.ingest("emart", name, csv(record("A"), record("A"), record("B", carrier=name)))
            self.assertEqual((result["good"], result["rejected"]), (3, 0))
        self.assertEqual(sorted(row["shipment_id"] for row in self.lake.rows("processed")), ["A"] * 4 + ["B"] * 2)

    def test_reject(self) -> None:
        self.lake.map("emart", mapping("duplicates: reject\nmax_rejected_share: 1\n"))
        bad = record("C", status="Teleported")
        result = self.lake.ingest("emart", "a.csv", csv(record("A"), record("B"), record(" A "), bad, record("a")))
        self.assertEqual((result["good"], result["rejected"]), (3, 2))
        result = self.lake.ingest("emart", "b.csv", csv(record("D"), record("C"), record("C"), record("A")))
        self.assertEqual((result["good"], result["rejected"]), (2, 2))
        self.assertEqual(
            sorted(self.reasons()),
            [
                ("a.csv", 4, ("duplicate_id", "shipment_id", " A ")),
                ("a.csv", 5, ("unknown_status", "delivery_status", "Teleported")),
                ("b.csv", 4, ("duplicate_id", "shipment_id", "C")),
                ("b.csv", 5, ("duplicate_id", "shipment_id", "A")),
            ],
        )
        rows = sorted((r["shipment_id"], r["source_file"], r["source_row"]) for r in self.lake.rows("processed"))
        self.assertEqual(
            rows, [("A", "a.csv", 2), ("B", "a.csv", 3), ("C", "b.csv", 3), ("D", "b.csv", 2), ("a", "a.csv", 6)]
        )
        self.lake.map("emart", mapping("duplicates: reject\n", mended=True))
        self.assertEqual(self.replay()["passed"], 0)  # its id was taken meanwhile
        self.assertIn(("a.csv", 5, ("duplicate_id", "shipment_id", "C")), self.reasons())

    def test_latest(self) -> None:
        self.lake.map("emart", mapping("duplicates: latest\nmax_rejected_share: 1\n"))
        old, middle, new = (f"2025-03-0{day} 12:00:00" for day in (1, 2, 3))
        result = self.lake.ingest(
            "emart",
            "a.csv",
            csv(
                record("A", updated=middle), record("B", updated=old), record("A", updated=old), record("B", updated=new),
                record("C"), record("C", updated=old), record("C"), record("D", updated=new, status="Teleported"),
                record("E"), record("E"), record("F", updated=middle),
            ),
        )  # fmt: skip
        self.assertEqual((result["good"], result["rejected"], result["superseded"]), (5, 1, 5))
        result = self.lake.ingest(
            "emart", "b.csv", csv(record("A", updated=new), record("B", updated=middle), record("F", updated=middle), record("E"))
        )  # fmt: skip
        self.assertEqual((result["good"], result["superseded"], result["replaced"]), (3, 1, 3))
        rows = sorted((r["shipment_id"], r["source_file"], r["source_row"]) for r in self.lake.rows("processed"))
        self.assertEqual(
            rows, [("A", "b.csv", 2), ("B", "a.csv", 5), ("C", "a.csv", 7), ("E", "b.csv", 5), ("F", "b.csv", 4)]
        )


class ChangingFile(OneLake):
    """Where ids must not repeat a file is read twice: both times it must be the same file."""

    def change_while_read(self, data: bytes, changed: bytes) -> subprocess.CompletedProcess | None:
        """Stops the program in its second pass, changes the file, and lets it go on; None: it was too quick for that."""
        file = self.lake.inbox / "big.csv"
        file.write_bytes(data)
        words = [PROGRAM, "--lake", str(self.lake.path), "ingest", "emart", str(file), "--threads", "1"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            read = 0
            while process.poll() is None and read < len(data) * 1.2:
                with contextlib.suppress(OSError, IndexError, ValueError):
                    read = int(pathlib.Path(f"/proc/{process.pid}/io").read_text().split()[1])
            process.send_signal(signal.SIGSTOP)
            with file.open("r+b") as out:
                out.write(changed)
            process.send_signal(signal.SIGCONT)
            said, error = process.communicate(timeout=120)
        in_time = len(data) * 1.2 <= read < len(data) * 1.9
        return subprocess.CompletedProcess(words, process.returncode, said, error) if in_time else None

    def test_changed_between_the_passes(self) -> None:
        for policy in ("reject", "latest"):
            self.lake.map("emart", mapping(f"duplicates: {policy}\n"))
            data = csv(*(record(f"N{i:06}", carrier="c" * 60) for i in range(60_000)))
            for changed in (data[:100] + b"\n" + data[101:], data.replace(b"N", b"M")):
                tries = (self.change_while_read(data, changed) for _ in range(20))
                done = next((one for one in tries if one), None)
                if not done:
                    self.skipTest("the program was never caught in its second pass")
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertIn("the file changed while it was read", done.stderr)
                self.assertEqual(self.lake.rows("processed"), [])


class Model(OneLake):
    """Random files with few ids and few times; whoever looks must find what the policy says of all records so far."""

    def setUp(self) -> None:
        super().setUp()
        self.all: list[dict] = []  # file, row, id, updated, bad, in the order of arrival
        self.n_files = 0

    def file(self) -> None:
        records = []
        for _ in range(random.randrange(1, 25)):
            updated = random.choice(["", *(f"2025-03-0{day} 12:00:00" for day in (1, 2, 3))])
            status = "Teleported" if random.random() < 0.3 else "Delivered"
            records.append(record(f"S{random.randrange(12)}", updated=updated, status=status))
        name = f"{self.n_files}.csv"
        self.n_files += 1
        records[0]["carrier"] = name  # no two files are the same
        self.all += [
            {"file": name, "row": i + 2, "id": r["id"], "updated": r["updated"], "bad": r["status"] == "Teleported"}
            for i, r in enumerate(records)
        ]
        result = self.lake.ingest("emart", name, csv(*records))
        self.assertEqual(result["good"] + result["rejected"] + result["superseded"], len(records))

    def processed(self) -> set[tuple]:
        rows = self.lake.rows("processed")
        self.assertEqual(len(rows), len({row["shipment_id"] for row in rows}), "an id twice")
        return {(row["source_file"], row["source_row"], row["shipment_id"]) for row in rows}

    def waiting(self) -> set[tuple]:
        rows = self.lake.rows("quarantine")
        self.assertEqual(len(rows), len({(row["source_file"], row["source_row"]) for row in rows}), "a record twice")
        return {(row["source_file"], row["source_row"]) for row in rows}

    def latest(self) -> set[tuple]:
        newest: dict[str, dict] = {}
        for one in self.all:
            if not one["bad"] and (one["id"] not in newest or one["updated"] >= newest[one["id"]]["updated"]):
                newest[one["id"]] = one
        return {(one["file"], one["row"], one["id"]) for one in newest.values()}

    def test_latest(self) -> None:
        head = "duplicates: latest\nmax_rejected_share: 1\n"
        self.lake.map("emart", mapping(head))
        for step in range(5):
            self.file()
            self.assertEqual(self.processed(), self.latest(), f"step {step}")
            self.assertEqual(self.waiting(), {(one["file"], one["row"]) for one in self.all if one["bad"]})
        self.lake.map("emart", mapping(head, mended=True))
        for one in self.all:
            one["bad"] = False
        self.replay()
        self.assertEqual(self.waiting(), set())
        self.assertEqual(self.processed(), self.latest(), "after the replay")
        self.file()
        self.all = [{**one, "bad": False} for one in self.all]
        self.assertEqual(self.processed(), self.latest(), "after one more")
        before = self.processed()
        run("--lake", self.lake.path, "rebuild", "emart")
        self.assertEqual(self.processed(), before, "after a rebuild")

    def test_reject(self) -> None:
        head = "duplicates: reject\nmax_rejected_share: 1\n"
        self.lake.map("emart", mapping(head))
        taken: dict[str, tuple] = {}
        for _ in range(5):
            before = len(self.all)
            self.file()
            for one in self.all[before:]:
                if not one["bad"]:
                    taken.setdefault(one["id"], (one["file"], one["row"], one["id"]))
            self.check(taken)
        self.lake.map("emart", mapping(head, mended=True))
        self.replay()
        for one in self.all:
            taken.setdefault(one["id"], (one["file"], one["row"], one["id"]))
        self.check(taken)
        self.assertEqual(self.replay()["passed"], 0)
        self.assertEqual({reasons[2][0] for reasons in self.reasons()}, {"duplicate_id"})
        run("--lake", self.lake.path, "rebuild", "emart")
        taken = {}
        for one in self.all:
            taken.setdefault(one["id"], (one["file"], one["row"], one["id"]))
        self.check(taken)

    def check(self, taken: dict[str, tuple]) -> None:
        self.assertEqual(self.processed(), set(taken.values()))
        everything = {(one["file"], one["row"]) for one in self.all}
        self.assertEqual(self.waiting(), everything - {one[:2] for one in taken.values()})


class ExchangeRates(OneLake):
    def test_rates(self) -> None:
        d = decimal.Decimal
        self.lake.map("emart", mapping("max_rejected_share: 1\n"))
        tries = [  # what the client says, what is in the lake: amounts, source amounts, currency, rate
            (("2025-03-03", "100", "1.5", "EUR"), (d(100), d("1.5"), d(100), d("1.5"), "EUR", None)),
            (("2025-03-03", "100", "", "USD"), (d(90), None, d(100), None, "USD", 0.9)),
            (("2025-05-31", "100", "0.01", "USD"), (d(90), d("0.009"), d(100), d("0.01"), "USD", 0.9)),
            (("2025-06-01", "100", "1", "USD"), (d("81.25"), d("0.8125"), d(100), d(1), "USD", 0.8125)),
            (("2031-01-01", "0.0001", "", "USD"), (d("0.0001"), None, d("0.0001"), None, "USD", 0.8125)),
            (("2025-03-03", "12345", "", "JPY"), (d("74.07"), None, d(12345), None, "JPY", 0.006)),
            (("2025-03-03", "0", "0", "JPY"), (d(0), d(0), d(0), d(0), "JPY", 0.006)),
            (("2024-12-31", "", "", "USD"), (None, None, None, None, "USD", None)),
            (("2025-03-03", "", "", "CHF"), (None, None, None, None, "CHF", None)),
            (("2025-03-03", "", "", ""), (None, None, None, None, None, None)),
            (("2024-12-31", "100", "", "USD"), "no_exchange_rate"),
            (("2024-12-31", "", "1", "JPY"), "no_exchange_rate"),
            (("2025-03-03", "100", "", "CHF"), "no_exchange_rate"),
            (("2025-03-03", "0", "", "CHF"), "no_exchange_rate"),
            (("2025-03-03", "100", "", ""), "no_currency"),
        ]
        records = [
            record(f"R{i}", day=day, cost=cost, fuel=fuel, currency=currency)
            for i, ((day, cost, fuel, currency), _) in enumerate(tries)
        ]
        self.lake.ingest("emart", "a.csv", csv(*records))
        found = {row["shipment_id"]: row for row in self.lake.rows("processed")}
        names = ["shipping_cost", "fuel_surcharge", "source_cost", "source_fuel_surcharge", "source_currency"]
        for i, (said, wanted) in enumerate(tries):
            if isinstance(wanted, tuple):
                row = found.pop(f"R{i}")
                self.assertEqual(tuple(row[name] for name in [*names, "exchange_rate"]), wanted, said)
                self.assertEqual(row["currency"], "EUR")
        self.assertEqual(found, {})
        bad = [
            ("a.csv", i + 2, (why, "currency", said[3])) for i, (said, why) in enumerate(tries) if isinstance(why, str)
        ]
        self.assertEqual(self.reasons(), bad)
        config = CONFIG + "  - {currency: CHF, date: 2025-01-01, rate: 1.05}\n"
        (self.lake.path / "freightlake.yaml").write_text(config)
        self.assertEqual(self.replay()["passed"], 2)
        row = next(row for row in self.lake.rows("processed") if row["shipment_id"] == "R12")
        self.assertEqual((row["shipping_cost"], row["exchange_rate"]), (d(105), 1.05))

    def test_only_one_currency(self) -> None:
        columns = COLUMNS.replace("currency: currency", "currency: {constant: EUR}").replace("@", "")
        self.lake.map("emart", columns)
        self.lake.ingest("emart", "a.csv", csv(record("A", cost="7.00005"), record("B")))
        first, second = self.lake.rows("processed")
        self.assertEqual(
            (first["shipping_cost"], first["currency"], second["shipping_cost"]),
            (decimal.Decimal("7.0001"), "EUR", None),
        )
        self.assertEqual({first["shipment_date"]}, {datetime.date(2025, 3, 3)})


def main() -> int:
    print(f"seed {SEED}")
    random.seed(SEED)
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

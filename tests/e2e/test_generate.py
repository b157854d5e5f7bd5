#!/usr/bin/env python3
"""`freightlake generate` as its reader sees it: every distribution of the original's data, bad rows, file splits.

Reads the CSV with nothing but Python; the chi-square test is written out here.  Parquet against CSV needs pyarrow.
Runs the program in the environment variable FREIGHTLAKE; ends with the line `N passed, N failed, N skipped`.
"""

import collections
import csv
import datetime
import fractions
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

try:
    from pyarrow import dataset
except ImportError:
    dataset = None

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
ROWS = 100_000
SEED = 7
COLUMNS = [
    "shipment_id",
    "origin_warehouse",
    "destination_city",
    "carrier",
    "shipment_weight_kg",
    "shipment_volume_m3",
    "shipment_date",
    "delivery_date",
    "shipping_cost",
    "delivery_status",
    "delay_days",
    "route_distance_km",
]
LANES = {
    ("NY_Warehouse", "Los Angeles"): 3940,
    ("TX_Warehouse", "Chicago"): 1770,
    ("CA_Warehouse", "Miami"): 4800,
    ("IL_Warehouse", "Seattle"): 3300,
    ("NY_Warehouse", "Boston"): 310,
    ("TX_Warehouse", "Denver"): 1030,
    ("CA_Warehouse", "Atlanta"): 3500,
    ("IL_Warehouse", "Houston"): 1370,
}


def generate(out: pathlib.Path, *words: object, expect: int = 0) -> subprocess.CompletedProcess:
    command = [PROGRAM, "generate", *map(str, words), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != expect:
        raise AssertionError(f"{command}: exit code {done.returncode}, not {expect}: {done.stderr}")
    return done


def read_csv(folder: pathlib.Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(folder.glob("part-*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    return rows


def manifest(folder: pathlib.Path) -> dict:
    return json.loads((folder / "_generate.json").read_text(encoding="utf-8"))


def chi_square_deviation(counts: collections.Counter, shares: dict) -> float:
    """How far chi-square lies from its mean, in standard deviations."""
    total = sum(counts.values())
    if not set(counts) <= set(shares):
        raise AssertionError(f"values that may not be: {sorted(set(counts) - set(shares))[:5]}")
    chi_square = sum((counts[value] - total * share) ** 2 / (total * share) for value, share in shares.items())
    degrees = len(shares) - 1
    return (chi_square - degrees) / math.sqrt(2 * degrees)


def uniform(values: list) -> dict:
    return {value: 1 / len(values) for value in values}


def rounded_uniform(low: int, high: int, parts: int) -> dict:
    """Shares of round(uniform(low / parts, high / parts)) to 1 / parts: the end values have half the weight."""
    shares = {n / parts: 1 / (high - low) for n in range(low, high + 1)}
    shares[low / parts] /= 2
    shares[high / parts] /= 2
    return shares


class Generate(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.temporary.name)
        cls.folder = cls.root / "original"
        generate(cls.folder, "--rows", ROWS, "--seed", SEED, "--files", 3, "--format", "csv")
        cls.rows = read_csv(cls.folder)
        print(f"seed {SEED}")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.temporary.cleanup()

    def expect(self, column: str, shares: dict, convert: type = str) -> None:
        counts = collections.Counter(convert(row[column]) for row in self.rows)
        self.assertLess(abs(chi_square_deviation(counts, shares)), 6, column)

    def test_columns_and_rows(self) -> None:
        self.assertEqual(len(self.rows), ROWS)
        self.assertEqual(list(self.rows[0]), COLUMNS)
        self.assertEqual(manifest(self.folder)["rows"], ROWS)

    def test_uniform_columns(self) -> None:
        self.expect("shipment_id", uniform([f"SH{n}" for n in range(1000, 100000)]))
        self.expect("origin_warehouse", uniform([f"{state}_Warehouse" for state in ("NY", "TX", "CA", "IL")]))
        self.expect("carrier", uniform(["FedEx", "UPS", "DHL", "USPS", "OnTrac", "Ryder", "Amazon Logistics"]))
        cities = ["Los Angeles", "Chicago", "Miami", "Seattle", "Boston", "Denver", "Atlanta", "Houston"]
        self.expect("destination_city", uniform(cities))
        last = datetime.date(2025, 6, 30)
        self.expect("shipment_date", uniform([str(last - datetime.timedelta(days=n)) for n in range(191)]))

    def test_rounded_columns(self) -> None:
        self.expect("shipment_weight_kg", rounded_uniform(10, 500, 10), float)
        self.expect("shipment_volume_m3", rounded_uniform(10, 100, 100), float)

    def test_delays_dates_and_status(self) -> None:
        self.expect("delay_days", {"0": 0.70, "1": 0.15, "2": 0.10, "3": 0.05})
        transits = collections.Counter()
        for row in self.rows:
            delay = int(row["delay_days"])
            self.assertEqual(row["delivery_status"], "Delayed" if delay else "Delivered")
            shipped = datetime.date.fromisoformat(row["shipment_date"])
            transits[(datetime.date.fromisoformat(row["delivery_date"]) - shipped).days - delay] += 1
        self.assertLess(abs(chi_square_deviation(transits, uniform(list(range(1, 8))))), 6)

    def test_distances(self) -> None:
        drawn = collections.Counter()
        for row in self.rows:
            lane = (row["origin_warehouse"], row["destination_city"])
            distance = int(row["route_distance_km"])
            if lane in LANES:
                self.assertEqual(distance, LANES[lane])
            else:
                drawn[distance] += 1
        self.assertLess(abs(chi_square_deviation(drawn, uniform(list(range(500, 5001))))), 6)

    def test_costs(self) -> None:
        bases = []
        for row in self.rows:
            base = (
                float(row["shipping_cost"])
                - 0.5 * float(row["shipment_weight_kg"])
                - 0.01 * int(row["route_distance_km"])
            )
            self.assertTrue(9.99499 < base < 30.00501, row)
            bases.append(base)
            cents = fractions.Fraction(row["shipping_cost"]) * 100
            self.assertEqual(cents.denominator, 1, row)
        self.assertLess(abs(sum(bases) / ROWS - 20), 6 * math.sqrt(400 / 12 / ROWS))
        tenths = collections.Counter(min(max(int((base - 10) / 2), 0), 9) for base in bases)
        self.assertLess(abs(chi_square_deviation(tenths, uniform(list(range(10))))), 6)

    def test_same_bytes_for_any_threads(self) -> None:
        for form in ("parquet", "csv", "ndjson"):
            for scenario in ("original", "swiftship"):
                words = ["--rows", 70_001, "--seed", 5, "--files", 2, "--format", form, "--scenario", scenario]
                contents = []
                for threads in (1, 2, 7):
                    out = self.root / f"threads-{form}-{scenario}-{threads}"
                    generate(out, *words, "--threads", threads)
                    contents.append([path.read_bytes() for path in sorted(out.iterdir())])
                    self.assertEqual(len(contents[-1]), 3)
                self.assertTrue(contents[0] == contents[1] == contents[2], (form, scenario))

    def test_file_splits(self) -> None:
        for rows, files in ((0, 1), (0, 2), (1, 1), (1, 3), (5, 7), (100, 7)):
            out = self.root / f"split-{rows}-{files}"
            generate(out, "--rows", rows, "--files", files, "--format", "csv")
            paths = sorted(out.glob("part-*.csv"))
            self.assertEqual([path.name for path in paths], [f"part-{n:05}.csv" for n in range(files)])
            counts = [len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in paths]
            self.assertEqual(sum(counts), rows)
            self.assertLessEqual(max(counts) - min(counts), 1)

    def test_as_of_date(self) -> None:
        out = self.root / "as-of"
        generate(out, "--rows", 5000, "--as-of", "2024-02-29", "--format", "csv")
        dates = {row["shipment_date"] for row in read_csv(out)}
        self.assertEqual(max(dates), "2024-02-29")
        self.assertGreaterEqual(min(dates), "2023-08-23")

    def test_unique_ids(self) -> None:
        out = self.root / "unique"
        generate(out, "--rows", 5000, "--unique-ids", "--format", "csv", "--files", 2)
        self.assertEqual(len({row["shipment_id"] for row in read_csv(out)}), 5000)

    def test_bad_rows(self) -> None:
        out = self.root / "bad"
        generate(out, "--rows", 10_000, "--bad-rows", 0.1, "--unique-ids", "--format", "csv", "--seed", 3)
        counts = manifest(out)["bad_rows"]
        self.assertEqual(manifest(out)["bad_rows_total"], 1000)
        with (out / "part-00000.csv").open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))[1:]
        self.assertEqual(len(lines), 10_000)
        good = [dict(zip(COLUMNS, line, strict=True)) for line in lines if len(line) == len(COLUMNS)]
        ids = collections.Counter(row["shipment_id"] for row in good if row["shipment_id"])
        found = {
            "column_count": len(lines) - len(good),
            "missing_field": sum(
                not all(row[c] for c in ("shipment_id", "origin_warehouse", "destination_city")) for row in good
            ),
            "bad_number": sum(row["shipment_weight_kg"] == "12,5 kg" for row in good),
            "negative_weight": sum(row["shipment_weight_kg"].startswith("-") for row in good),
            "impossible_date": sum(row["shipment_date"][5:] in ("02-30", "06-31", "13-01", "00-10") for row in good),
            "unknown_status": sum(row["delivery_status"] == "Teleported" for row in good),
            "control_character": sum("\x01" in row["carrier"] for row in good),
            "long_text": sum(len(row["destination_city"]) == 5000 for row in good),
            "duplicate_id": sum(n - 1 for n in ids.values()),
        }
        found["early_delivery"] = sum(
            row["delivery_date"] < row["shipment_date"]
            and row["shipment_date"][5:] not in ("02-30", "06-31", "13-01", "00-10")
            for row in good
        )
        self.assertEqual(found, {kind: counts[kind] for kind in found})

    def test_one_kind_of_bad_rows(self) -> None:
        out = self.root / "one-kind"
        generate(out, "--rows", 1000, "--bad-kind", "unknown_status=0.25", "--format", "ndjson")
        rows = [json.loads(line) for line in (out / "part-00000.ndjson").read_text(encoding="utf-8").splitlines()]
        self.assertEqual(sum(row["delivery_status"] == "Teleported" for row in rows), 250)
        self.assertEqual(list(rows[0]), COLUMNS)

    def test_mistakes(self) -> None:
        out = self.root / "mistakes"
        for words, says in (
            (["--format", "parket"], "parquet"),
            (["--scenario", "swift"], "swiftship"),
            (["--bad-kind", "negative_weigth=0.1"], "negative_weight"),
            (["--bad-kind", "column_count=0.1"], "csv"),
            (["--bad-rows", "0.9"], "0.5"),
            (["--as-of", "2025-02-30"], "2025-02-30"),
            (["--files", "0"], "files"),
        ):
            done = generate(out, "--rows", 10, *words, expect=2)
            self.assertIn(says, done.stderr)
        self.assertFalse(out.exists() and list(out.iterdir()))

    def test_files_of_another_run_are_not_mixed_in(self) -> None:
        out = self.root / "stale"
        generate(out, "--rows", 100, "--files", 4, "--format", "csv")
        done = generate(out, "--rows", 100, "--files", 3, "--format", "csv", expect=2)
        self.assertIn("part-00003.csv", done.stderr)
        generate(out, "--rows", 100, "--files", 4, "--format", "csv")

    def test_swiftship(self) -> None:
        out = self.root / "swiftship"
        generate(out, "--rows", ROWS, "--scenario", "swiftship", "--format", "csv", "--seed", SEED)
        rows = read_csv(out)
        self.assertEqual(list(rows[0]), [*COLUMNS, "promised_delivery_date", "fuel_surcharge", "transport_mode"])
        arrived = [row for row in rows if row["delivery_date"]]
        late = sum(int(row["delay_days"]) >= 2 for row in arrived) / len(arrived)
        self.assertTrue(0.28 < late < 0.32, late)
        self.assertEqual(len({row["shipment_id"] for row in rows}), ROWS)
        for row in rows:
            self.assertEqual(row["delivery_date"] == "", row["delay_days"] == "")
            self.assertTrue(row["shipment_date"] < row["promised_delivery_date"])
            self.assertTrue(float(row["fuel_surcharge"]) < float(row["shipping_cost"]))
            if row["delivery_date"]:
                self.assertTrue(row["shipment_date"] < row["delivery_date"] <= "2025-06-30")
                promised = datetime.date.fromisoformat(row["promised_delivery_date"])
                days = (datetime.date.fromisoformat(row["delivery_date"]) - promised).days
                self.assertEqual(int(row["delay_days"]), max(days, 0))
                self.assertEqual(row["delivery_status"], "Delayed" if days > 0 else "Delivered")
        under_way = sum(row["delivery_status"] == "In Transit" for row in rows)
        self.assertTrue(0.005 < under_way / ROWS < 0.05, under_way)

        def fuel_share(first: str, last: str) -> float:
            part = [row for row in rows if first <= row["shipment_date"] <= last]
            fuel = sum(float(row["fuel_surcharge"]) for row in part)
            return fuel / (sum(float(row["shipping_cost"]) for row in part) - fuel)

        rise = fuel_share("2025-06-01", "2025-06-30") / fuel_share("2024-07-02", "2024-07-31")
        self.assertTrue(1.25 < rise < 1.5, rise)

    @unittest.skipIf(dataset is None, "pyarrow is not installed")
    def test_parquet_holds_the_rows_of_the_csv(self) -> None:
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        for scenario in ("original", "swiftship"):
            words = ["--rows", 20_000, "--seed", seed, "--files", 3, "--scenario", scenario]
            generate(self.root / f"parquet-{scenario}", *words)
            generate(self.root / f"csv-{scenario}", *words, "--format", "csv")
            table = dataset.dataset(self.root / f"parquet-{scenario}", format="parquet").to_table()
            expected = read_csv(self.root / f"csv-{scenario}")
            types = [str(field.type) for field in table.schema]
            self.assertEqual(types[8:12], ["double", "string", "int64", "int64"])
            self.assertEqual(types[6], "string" if scenario == "original" else "date32[day]")
            columns = list(expected[0])
            self.assertEqual(table.column_names, columns)
            for name in columns:
                values = ["" if value is None else str(value) for value in table[name].to_pylist()]
                self.assertEqual(values, [row[name] for row in expected], name)


def main() -> int:
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    failed = len(result.failures) + len(result.errors)
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print(f"{passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
